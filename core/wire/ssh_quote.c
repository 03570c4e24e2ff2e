#include <string.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/wire/ssh.h"

/* Words of these alone mean themselves in every shell. '=' and '%' are left out: zsh and job
 * control read them. */
static const char plain[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@+,-";

bool ssh_quote(struct text *out, const char *word, struct error *error)
{
	size_t length = strlen(word), needed = 2;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)word[i];
		if (c < 0x20 || c == 0x7f) {
			return error_set(error, ERROR_USAGE,
				"cannot quote a word for the shell: control character 0x%02x at "
				"byte %zu",
				(unsigned)c, i + 1);
		}
		needed += c == '\'' ? 4 : 1;
	}
	bool is_plain = length > 0 && strspn(word, plain) == length;
	if (is_plain)
		needed = length;
	if (needed > out->limit - out->length) {
		return error_set(
			error, ERROR_LIMIT, "the command is longer than %zu bytes", out->limit);
	}
	if (is_plain) {
		text_append(out, word, length);
	} else {
		text_add_char(out, '\'');
		for (const char *at = word; *at; at++) {
			if (*at == '\'')
				text_add(out, "'\\''");
			else
				text_add_char(out, *at);
		}
		text_add_char(out, '\'');
	}
	return text_ok(out) ? true : error_no_memory(error, "a quoted word");
}
