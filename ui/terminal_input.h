/*
 * terminal_input.h - bytes from a terminal into keys, without ever waiting.
 *
 * A lone Esc and the first byte of an arrow key are the same byte; only time tells them apart. So
 * the decoder holds an unfinished sequence back and says so (terminal_input_is_pending()); the
 * terminal gives it a moment and then settles it. Understood: UTF-8, CSI and SS3 keys of xterm,
 * tmux, screen, linux and rxvt, bracketed paste. Unknown sequences are swallowed whole.
 */
#ifndef UI_TERMINAL_INPUT_H
#define UI_TERMINAL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TERMINAL_INPUT_BYTES 4096

struct terminal_input {
	unsigned char bytes[TERMINAL_INPUT_BYTES];
	size_t length;
	bool pasting;
};

/* Add what was read. Returns how many bytes fitted; the rest is for the next call. */
size_t terminal_input_feed(struct terminal_input *input, const void *bytes, size_t length);

/* The next key as terminal_key() gives it, TERMINAL_KEY_NONE when there is none that is whole. */
uint32_t terminal_input_next(struct terminal_input *input);

/* Bytes are held back because more may follow. */
bool terminal_input_is_pending(const struct terminal_input *input);

/* Nothing followed: a lone Esc is a key, other unfinished sequences are dropped. */
uint32_t terminal_input_settle(struct terminal_input *input);

#endif
