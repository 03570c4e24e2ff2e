#include "actions/ticket.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "actions/action.h"
#include "core/base/error.h"

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:#"

static bool is_of(const char *word, const char *characters)
{
	size_t length = strlen(word);
	return length > 0 && length < TICKET_BYTES && strspn(word, characters) == length;
}

bool ticket_check(const char *ticket, struct error *error)
{
	return is_of(ticket, PLAIN) ||
	       error_set(error, ERROR_USAGE,
		       "'%.60s' is no ticket: at most %d letters, digits and -_./:#, such as "
		       "INC-123",
		       ticket, TICKET_BYTES - 1);
}

bool ticket_check_pattern(const char *pattern)
{
	return is_of(pattern, PLAIN "*?");
}

/* Neither may hold a bracket or a backslash, so '*' and '?' are all that means more than itself. */
bool ticket_fits(const char *pattern, const char *ticket)
{
	return pattern && ticket && ticket[0] && fnmatch(pattern, ticket, 0) == 0;
}
