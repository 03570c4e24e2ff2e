#include "ui/terminal_input.h"

#include <string.h>

#include "core/base/utf8.h"
#include "ui/terminal.h"

#define ESC 27
#define SEQUENCE_MOST 32 /* longer ones are nobody's key */

/* After ESC [ or ESC O: parameter digits, then the final byte. */
struct sequence_row {
	char introducer; /* '[' or 'O' */
	int parameter;   /* -1: any */
	char final;
	uint32_t key;
};

static const struct sequence_row sequences[] = {
	{'[', -1, 'A', TERMINAL_KEY_UP},
	{'[', -1, 'B', TERMINAL_KEY_DOWN},
	{'[', -1, 'C', TERMINAL_KEY_RIGHT},
	{'[', -1, 'D', TERMINAL_KEY_LEFT},
	{'[', -1, 'H', TERMINAL_KEY_HOME},
	{'[', -1, 'F', TERMINAL_KEY_END},
	{'[', -1, 'Z', TERMINAL_KEY_BACK_TAB},
	{'[', -1, 'P', TERMINAL_KEY_F1},
	{'O', -1, 'A', TERMINAL_KEY_UP},
	{'O', -1, 'B', TERMINAL_KEY_DOWN},
	{'O', -1, 'C', TERMINAL_KEY_RIGHT},
	{'O', -1, 'D', TERMINAL_KEY_LEFT},
	{'O', -1, 'H', TERMINAL_KEY_HOME},
	{'O', -1, 'F', TERMINAL_KEY_END},
	{'O', -1, 'P', TERMINAL_KEY_F1},
	{'O', -1, 'M', '\r'},
	{'[', 1, '~', TERMINAL_KEY_HOME},
	{'[', 7, '~', TERMINAL_KEY_HOME},
	{'[', 4, '~', TERMINAL_KEY_END},
	{'[', 8, '~', TERMINAL_KEY_END},
	{'[', 5, '~', TERMINAL_KEY_PAGE_UP},
	{'[', 6, '~', TERMINAL_KEY_PAGE_DOWN},
	{'[', 11, '~', TERMINAL_KEY_F1},
};

#define PASTE_BEGIN 200
#define PASTE_END 201

static void drop(struct terminal_input *input, size_t count)
{
	input->length -= count;
	memmove(input->bytes, input->bytes + count, input->length);
}

size_t terminal_input_feed(struct terminal_input *input, const void *bytes, size_t length)
{
	size_t room = sizeof input->bytes - input->length;
	size_t taken = length < room ? length : room;
	memcpy(input->bytes + input->length, bytes, taken);
	input->length += taken;
	return taken;
}

bool terminal_input_is_pending(const struct terminal_input *input)
{
	return input->length > 0;
}

static uint32_t find_sequence(char introducer, int parameter, char final)
{
	for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
		const struct sequence_row *row = &sequences[i];
		if (row->introducer == introducer && row->final == final &&
			(row->parameter < 0 || row->parameter == parameter))
			return row->key;
	}
	return TERMINAL_KEY_NONE;
}

/* What lies at the start of the buffer. */
struct taken {
	size_t bytes; /* 0: unfinished */
	uint32_t key; /* TERMINAL_KEY_NONE: swallowed */
};

static struct taken take_sequence(struct terminal_input *input)
{
	const unsigned char *bytes = input->bytes;
	size_t at = 2;
	int parameter = 0;
	bool first = true;
	/* The linux console writes its function keys as ESC [ [ A. */
	if (at < input->length && bytes[1] == '[' && bytes[2] == '[') {
		if (input->length < 4)
			return (struct taken){0};
		return (struct taken){
			.bytes = 4, .key = bytes[3] == 'A' ? TERMINAL_KEY_F1 : TERMINAL_KEY_NONE};
	}
	for (; at < input->length && at < SEQUENCE_MOST; at++) {
		unsigned char c = bytes[at];
		if (c >= 0x40 && c <= 0x7e)
			break;
		if (c < 0x20 || c > 0x7e)
			return (struct taken){.bytes = at, .key = TERMINAL_KEY_NONE};
		if (c >= '0' && c <= '9' && first && parameter < 1000)
			parameter = parameter * 10 + (c - '0');
		else
			first = false;
	}
	if (at >= input->length)
		return (struct taken){0};
	if (at >= SEQUENCE_MOST)
		return (struct taken){.bytes = at, .key = TERMINAL_KEY_NONE};
	struct taken taken = {.bytes = at + 1};
	if (bytes[1] == '[' && bytes[at] == '~' && parameter == PASTE_BEGIN) {
		input->pasting = true;
	} else if (bytes[1] == '[' && bytes[at] == '~' && parameter == PASTE_END) {
		input->pasting = false;
		taken.key = TERMINAL_KEY_PASTE;
	} else {
		taken.key = find_sequence((char)bytes[1], parameter, (char)bytes[at]);
	}
	return taken;
}

/* Whether the bytes may still become a character when more come. */
static bool may_become_character(const unsigned char *bytes, size_t length)
{
	size_t needed = bytes[0] < 0xc0 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (bytes[0] >= 0xf8 || length >= needed)
		return false;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return false;
	}
	return true;
}

static struct taken take_character(const struct terminal_input *input)
{
	uint32_t codepoint = 0;
	size_t bytes = utf8_decode((const char *)input->bytes, input->length, &codepoint);
	if (bytes == 0) {
		if (may_become_character(input->bytes, input->length))
			return (struct taken){0};
		return (struct taken){.bytes = 1, .key = TERMINAL_KEY_NONE};
	}
	if (codepoint == '\n')
		codepoint = '\r';
	if (codepoint == 8)
		codepoint = 127;
	return (struct taken){.bytes = bytes, .key = codepoint};
}

static struct taken take(struct terminal_input *input)
{
	if (input->bytes[0] != ESC)
		return take_character(input);
	if (input->length < 2)
		return (struct taken){0};
	if (input->bytes[1] == '[' || input->bytes[1] == 'O')
		return take_sequence(input);
	return (struct taken){.bytes = 1, .key = ESC};
}

/* Pasted text is marked, and its control characters (a newline above all) are no keys. */
static uint32_t as_pasted(uint32_t key)
{
	if (key == TERMINAL_KEY_PASTE)
		return key;
	bool is_text = key >= ' ' && key != 127 && key < 0x110000;
	return is_text ? TERMINAL_PASTED | key : TERMINAL_KEY_NONE;
}

uint32_t terminal_input_next(struct terminal_input *input)
{
	while (input->length > 0) {
		bool pasting = input->pasting;
		struct taken taken = take(input);
		if (taken.bytes == 0)
			return TERMINAL_KEY_NONE;
		drop(input, taken.bytes);
		uint32_t key = pasting ? as_pasted(taken.key) : taken.key;
		if (key != TERMINAL_KEY_NONE)
			return key;
	}
	return TERMINAL_KEY_NONE;
}

uint32_t terminal_input_settle(struct terminal_input *input)
{
	uint32_t key = terminal_input_next(input);
	if (key != TERMINAL_KEY_NONE || input->length == 0)
		return key;
	bool is_escape = input->bytes[0] == ESC && input->length == 1 && !input->pasting;
	input->length = 0;
	return is_escape ? ESC : TERMINAL_KEY_NONE;
}
