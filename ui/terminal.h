/*
 * terminal.h - the terminal, opened, restored on every exit, and never waited for.
 *
 * ncurses draws into memory; the bytes go to the tty without blocking, and frames are dropped while
 * the tty does not take them, so a stopped terminal (Ctrl-S, a dead ssh) never stops the program.
 * The tty's modes are saved first and put back by terminal_close(), and by a handler on SIGSEGV,
 * SIGBUS, SIGABRT and SIGFPE that uses async-signal-safe calls only.
 */
#ifndef UI_TERMINAL_H
#define UI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

struct canvas;
struct error;
struct terminal;
struct theme;

struct terminal_options {
	const struct theme *theme;
	bool no_color;
	bool ascii;          /* no glyph outside ASCII */
	int escape_delay_ms; /* 0: 25 */
};

/*
 * Open stdin/stdout as a screen. Errors: ERROR_USAGE when it is no terminal, TERM is unset, dumb or
 * unknown (with a hint), ERROR_IO. setlocale(LC_CTYPE, "") is done here.
 */
struct terminal *terminal_open(const struct terminal_options *options, struct error *error);

/* A screen of a given size with no tty at all, for tests and captures. */
struct terminal *terminal_open_memory(
	const struct terminal_options *options, int columns, int rows, struct error *error);
void terminal_close(struct terminal *terminal); /* restores; NULL is allowed */

struct canvas *terminal_canvas(struct terminal *terminal);
int terminal_input_fd(
	const struct terminal *terminal); /* to watch for reading, level-triggered; -1 in memory */
int terminal_output_fd(
	const struct terminal *terminal); /* to watch for writing while terminal_has_backlog() */

#define TERMINAL_KEY_NONE 0
#define TERMINAL_KEY_RESIZE 0x110001
#define TERMINAL_KEY_UP 0x110002
#define TERMINAL_KEY_DOWN 0x110003
#define TERMINAL_KEY_LEFT 0x110004
#define TERMINAL_KEY_RIGHT 0x110005
#define TERMINAL_KEY_PAGE_UP 0x110006
#define TERMINAL_KEY_PAGE_DOWN 0x110007
#define TERMINAL_KEY_HOME 0x110008
#define TERMINAL_KEY_END 0x110009
#define TERMINAL_KEY_BACK_TAB 0x11000a
#define TERMINAL_KEY_F1 0x11000b
#define TERMINAL_KEY_PASTE \
	0x11000c /* a paste has ended; its characters came before, each with TERMINAL_PASTED */
#define TERMINAL_KEY_HANGUP 0x1100ff /* the terminal is gone: leave */

/* Flag on a code point: it was pasted. Text fields may take it; it is never a command. */
#define TERMINAL_PASTED 0x200000

/*
 * The next key: a code point (Enter is '\r', Esc 27, Tab 9, Backspace 127), one of the above, or
 * TERMINAL_KEY_NONE when there is no more. Drain it each time the input is readable and after a
 * resize. Never waits: a lone Esc becomes a key when its delay is over, at which the input fd
 * becomes readable again.
 */
uint32_t terminal_key(struct terminal *terminal);

/* A SIGWINCH came: take the new size. */
void terminal_resize(struct terminal *terminal);

/* Send what the canvas changed. Never blocks; false when the frame was dropped because the tty is
 * behind. */
bool terminal_flush(struct terminal *terminal);
bool terminal_has_backlog(const struct terminal *terminal);
void terminal_drain(struct terminal *terminal); /* the output fd is writable */

void terminal_suspend(struct terminal *terminal); /* before SIGSTOP (Ctrl-Z) */
void terminal_resume(struct terminal *terminal);  /* after SIGCONT: everything is drawn anew */

/* Bell, once. */
void terminal_beep(struct terminal *terminal);

#endif
