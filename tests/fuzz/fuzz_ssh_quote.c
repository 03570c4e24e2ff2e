/* Any word, quoted, is one word of the shell's grammar and reads back as itself. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/wire/ssh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* POSIX word splitting and quote removal for what ssh_quote() may write: plain characters, '...'
 * and \'. */
static void unquote(const char *quoted, char *out)
{
	static const char special[] = " \t\n|&;<>()$`\\\"'*?[]#~=%!{}";
	size_t length = 0;
	for (const char *at = quoted; *at;) {
		if (*at == '\'') {
			const char *end = strchr(at + 1, '\'');
			if (!end)
				abort();
			memcpy(out + length, at + 1, (size_t)(end - at - 1));
			length += (size_t)(end - at - 1);
			at = end + 1;
		} else if (at[0] == '\\' && at[1] == '\'') {
			out[length++] = '\'';
			at += 2;
		} else {
			if (strchr(special, *at))
				abort();
			out[length++] = *at++;
		}
	}
	out[length] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *word = malloc(size + 1), *back = malloc(4 * size + 3);
	struct text text;
	if (!word || !back)
		abort();
	memcpy(word, data, size);
	word[size] = '\0';
	text_init(&text, SSH_COMMAND_BYTES);
	if (ssh_quote(&text, word, NULL)) {
		unquote(text_string(&text), back);
		if (text.length == 0 || strcmp(back, word) != 0)
			abort();
	} else if (text.length != 0) {
		abort();
	}
	text_finish(&text);
	free(word);
	free(back);
	return 0;
}
