/*
 * console.h - the console's screens: what is drawn, and what a key asks for.
 *
 * The console does no I/O and changes nothing: it draws a model it is given and turns keys into
 * requests that app/ carries out. It answers keys within a frame whatever the sources do.
 */
#ifndef UI_CONSOLE_CONSOLE_H
#define UI_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions/action.h"

struct assessment;
struct canvas;
struct console;
struct history;
struct snapshot;
struct text;

#define CONSOLE_MESSAGES_MOST 100

/* Something that happened and must not vanish before it is read. */
struct console_message {
	int64_t at_ms;
	enum severity severity;
	char text[ACTION_TEXT_BYTES];
};

#define CONSOLE_HOLDS_MOST 64
#define CONSOLE_PEERS_MOST 32

/* A change still in force: ours, or told of by another console. */
struct console_hold {
	char run[PLAN_ID_BYTES];
	char action[ACTION_NAME_BYTES];
	char target_path[ENTITY_PATH_BYTES];
	char by[ENTITY_NAME_BYTES];
	double from, to;
	int64_t warn_ms; /* from then on its end is near */
	int64_t expires_ms;
	char protection[48]; /* what takes it back: "spillway reap" */
	bool is_protected;   /* something does, not only a person */
	bool is_certain;     /* false: the outcome of its run is not known */
	bool is_elsewhere;   /* in another console's journal */
};

/* Another operator who is here now. */
struct console_peer {
	char by[ENTITY_NAME_BYTES], host[ENTITY_NAME_BYTES];
	char doing[ACTION_TEXT_BYTES]; /* "divert us-east/c2"; "" only looking */
	int64_t since_ms;
};

/* All that a frame shows; borrowed for the call. */
struct console_model {
	int64_t now_ms;             /* steady; shown as UTC */
	const char *environment;    /* "prod" */
	const char *fleet_name;     /* of the fleet file, for the banner */
	const char *config_trouble; /* why the changed fleet file is not in force; NULL or "" */
	const struct snapshot *snapshot; /* NULL before the first */
	const struct history *history;
	const struct assessment *assessment; /* NULL before the first */
	int64_t armed_until_ms;              /* 0: read-only */
	bool may_arm;                        /* false: read-only for good (flag or environment) */
	const struct action_info *actions;
	size_t action_count;
	const struct plan *plan;     /* the plan last asked for; NULL none */
	const char *plan_trouble;    /* why it could not be made; NULL or "" */
	const struct run_view *run;  /* in progress or last; NULL none */
	const struct run_view *runs; /* newest first */
	size_t run_count;
	const struct console_hold *holds; /* newest first */
	size_t hold_count;
	const struct console_peer *peers;
	size_t peer_count;
	const struct journal_line *journal; /* oldest first */
	size_t journal_count;
	const struct console_message *messages; /* oldest first */
	size_t message_count;
	bool replaying;
};

enum console_request_kind {
	REQUEST_NONE,
	REQUEST_REDRAW, /* something on the screen changed */
	REQUEST_QUIT,
	REQUEST_ARM, /* the operator confirmed arming */
	REQUEST_DISARM,
	REQUEST_PLAN, /* make a plan: action, target, value */
	REQUEST_RUN,  /* run the plan that is shown, by its hash, with a reason */
	REQUEST_DROP_PLAN,
	REQUEST_UNDO,    /* make the undo plan of run_id; shown like any plan */
	REQUEST_REFRESH, /* ask the sources now */
	REQUEST_EXPORT,  /* write the screen and state to a file */
	REQUEST_SUSPEND, /* Ctrl-Z */
};

struct console_request {
	enum console_request_kind kind;
	char action[ACTION_NAME_BYTES];
	uint32_t target;
	double value;
	char plan_hash[PLAN_HASH_BYTES];
	char reason[ACTION_TEXT_BYTES];
	char run_id[PLAN_ID_BYTES];
};

struct console *console_create(void); /* NULL without memory */
void console_destroy(struct console *console);

/* One key (terminal.h codes). The model is what the operator was looking at. */
struct console_request console_key(
	struct console *console, uint32_t key, const struct console_model *model);

/* Whether a plan that could still be run stands before the operator: nothing is begun under it. */
bool console_is_confirming(const struct console *console, const struct console_model *model);

/* Draw the whole screen; any size from 1x1 up. */
void console_draw(
	struct console *console, const struct console_model *model, struct canvas *canvas);

/* Open a screen by its palette name ("home", "journal", "runs", "help", "errors", "sources",
 * "why", "holds"); false
 * when there is none. */
bool console_open(struct console *console, const char *screen);

/* The key table as text for --help, man page and tests: "key<TAB>screen<TAB>what". */
void console_keys(struct text *out);

/* A plain status block for pipes and logs: the same words as the screen, a few lines. */
void console_plain(const struct console_model *model, struct text *out);

#endif
