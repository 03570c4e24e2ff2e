/*
 * terminal_guard.h - the promise that a crash leaves a usable terminal.
 *
 * On SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and SIGQUIT the reset string is written and the modes
 * are put back, by async-signal-safe calls on a stack of its own; then the signal takes the course
 * it would have taken.
 */
#ifndef UI_TERMINAL_GUARD_H
#define UI_TERMINAL_GUARD_H

#include <termios.h>

#define TERMINAL_GUARD_BYTES 256

/* Watch over the terminal at `fd`. `reset` (cut to TERMINAL_GUARD_BYTES) takes it out of our
 * screen. */
void terminal_guard_set(int fd, const struct termios *modes, const char *reset);

/* The terminal is as it was: nothing to guard. */
void terminal_guard_clear(void);

#endif
