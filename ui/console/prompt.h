/* prompt.h - one line of typed text: filter, palette, value, reason, name. */
#ifndef UI_CONSOLE_PROMPT_H
#define UI_CONSOLE_PROMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "actions/action.h"

struct canvas;

struct prompt {
	char text[ACTION_TEXT_BYTES]; /* clean UTF-8 */
};

void prompt_set(struct prompt *prompt, const char *text);

/* Take a key: a printable or pasted character, Backspace, or Ctrl-U which empties it. False when it
 * is none of these. */
bool prompt_key(struct prompt *prompt, uint32_t key);

/* The text in an input field of `columns`, its end kept in sight; a mark stands where typing goes
 * when `focused`. */
void prompt_draw(const struct prompt *prompt, struct canvas *canvas, int row, int column,
	int columns, bool focused);

#endif
