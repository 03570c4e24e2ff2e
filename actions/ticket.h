/*
 * ticket.h - the name under which a change is announced elsewhere, such as INC-123 or CHG0042/7.
 *
 * It proves nothing and is asked of nobody: it goes into plan and journal, and a freeze of the
 * fleet file may let changes pass that have one of a given form. Pure.
 */
#ifndef ACTIONS_TICKET_H
#define ACTIONS_TICKET_H

#include <stdbool.h>

struct error;

/* Letters, digits and "-_./:#", from 1 to TICKET_BYTES - 1 of them. Error: ERROR_USAGE. */
bool ticket_check(const char *ticket, struct error *error);

/* The same with '*' (any characters, or none) and '?' (any one): what a fleet file may say. */
bool ticket_check_pattern(const char *pattern);

/* Whether `ticket` is of the form `pattern`, as a whole; "" and NULL are of none. */
bool ticket_fits(const char *pattern, const char *ticket);

#endif
