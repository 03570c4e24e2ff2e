/*
 * verb.h - the verbs of the command line: one function each, returning the exit code.
 *
 * Results go to stdout, talk to stderr. Codes are the outcome table of actions/action.h, or the
 * Nagios convention for `status`.
 */
#ifndef APP_VERB_H
#define APP_VERB_H

#include <stdbool.h>
#include <stdint.h>

#include "app/option.h"

struct action_configs;
struct complaints;
struct config;
struct engine;
struct control;
struct error;

int verb_console(const struct options *options);
int verb_wall(const struct options *options);
int verb_status(const struct options *options);
int verb_doctor(const struct options *options);
int verb_sources(const struct options *options);
int verb_plan(const struct options *options);
int verb_act(const struct options *options);
int verb_undo(const struct options *options);
int verb_holds(const struct options *options);
int verb_reap(const struct options *options);
int verb_pending(const struct options *options);
int verb_approve(const struct options *options);
int verb_gate(const struct options *options);
int verb_deny(const struct options *options);
int verb_run(const struct options *options);
int verb_journal(const struct options *options);
int verb_record(const struct options *options);
int verb_demo(const struct options *options);
int verb_config(const struct options *options);
int verb_contingency(const struct options *options);
int verb_simulate(const struct options *options);
int verb_help(const struct options *options);

/* ---- shared by verbs ---- */

/* "spillway: <text>" on stderr; returns `code`. */
int verb_fail(int code, const struct error *error);

/* All complaints on stderr. */
void verb_complain(const struct complaints *complaints);

/* The fleet file, read; complaints go to stderr. NULL with *code set (78, or 1 where there is
 * none). */
struct config *verb_open_config(const char *given, int *code);

/* The same with its acting sections, which the config's arena holds: without the fleet. */
struct config *verb_open_acting_config(
	const struct options *options, struct action_configs *out, int *code);

/* A span such as "5s" from the command line; `fallback_ms` when `word` is NULL. ERROR_USAGE. */
bool verb_span(const char *option, const char *word, int64_t fallback_ms, int64_t *out_ms,
	struct error *error);

/*
 * Fleet file, engine, control, and a first picture. False with *code set, everything released.
 * `silent` keeps stdout free of talk.
 */
bool verb_open_fleet(const struct options *options, struct config **config, struct engine *engine,
	struct control *control, int *code);
/* Whether changes can be recorded: else says why and sets *code (19: another process has the
 * journal). */
bool verb_has_journal(const struct control *control, int *code);

void verb_close_fleet(struct config *config, struct engine *engine, struct control *control);

#endif
