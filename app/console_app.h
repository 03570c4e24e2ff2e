/*
 * console_app.h - the console at work: terminal, engine and control tied together on the loop.
 *
 * Screens only ask; this carries out. Used by `spillway` and `spillway demo`.
 */
#ifndef APP_CONSOLE_APP_H
#define APP_CONSOLE_APP_H

#include <stdbool.h>

#include "app/option.h"

struct config;
struct control;
struct engine;
struct error;

/* Whether a screen can be had: stdin and stdout are a terminal and --plain was not given. */
bool console_app_has_screen(const struct options *options);

/*
 * Run the screen until the operator leaves or a signal says so. The engine was initialised and not
 * started: the first frame is drawn before the first poll. A fleet file that changes meanwhile is
 * taken up in place, or refused with its complaint on the screen: `config` is the one in force, and
 * is the caller's to destroy in the end. Returns the exit code: 0, 1 when the terminal cannot be
 * used or the changed file left no engine to go on with (with `error`), 129, 130 or 143 after a
 * signal.
 */
int console_app_run(const struct options *options, struct config **config, struct engine *engine,
	struct control *control, struct error *error);

#endif
