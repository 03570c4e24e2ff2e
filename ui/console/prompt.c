#include "ui/console/prompt.h"

#include <stdio.h>
#include <string.h>

#include "core/base/sanitise.h"
#include "core/base/utf8.h"
#include "ui/canvas.h"
#include "ui/terminal.h"

#define BACKSPACE 127
#define CTRL_U 21

void prompt_set(struct prompt *prompt, const char *text)
{
	snprintf(prompt->text, sizeof prompt->text, "%s", text);
}

static void drop_last(char *text)
{
	size_t length = strlen(text);
	while (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80)
		length--;
	text[length > 0 ? length - 1 : 0] = '\0';
}

bool prompt_key(struct prompt *prompt, uint32_t key)
{
	if (key == BACKSPACE) {
		drop_last(prompt->text);
		return true;
	}
	if (key == CTRL_U) {
		prompt->text[0] = '\0';
		return true;
	}
	uint32_t codepoint = key & ~(uint32_t)TERMINAL_PASTED;
	char bytes[4];
	if (codepoint < ' ' || codepoint >= 0x110000)
		return false;
	size_t size = utf8_encode(codepoint, bytes);
	size_t length = strlen(prompt->text);
	if (size == 0 || length + size >= sizeof prompt->text)
		return true;
	memcpy(prompt->text + length, bytes, size);
	prompt->text[length + size] = '\0';
	if (!sanitise_is_clean(prompt->text, length + size))
		prompt->text[length] = '\0';
	return true;
}

void prompt_draw(const struct prompt *prompt, struct canvas *canvas, int row, int column,
	int columns, bool focused)
{
	const char *text = prompt->text;
	int room = columns - 1;
	while (utf8_string_width(text) > room && *text) {
		text++;
		while (((unsigned char)*text & 0xc0) == 0x80)
			text++;
	}
	canvas_fill(canvas, row, column, 1, columns, ROLE_INPUT);
	int used = canvas_text(canvas, row, column, room, ROLE_INPUT, text);
	if (focused)
		canvas_text(canvas, row, column + used, 1, ROLE_SELECTED, "_");
}
