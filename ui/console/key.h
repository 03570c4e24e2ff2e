/*
 * key.h - the one table of keys: dispatch, help, hints, the palette and the manual are made from
 * it.
 */
#ifndef UI_CONSOLE_KEY_H
#define UI_CONSOLE_KEY_H

#include <stddef.h>
#include <stdint.h>

/* Where a key works; a row may name several. */
enum context {
	CONTEXT_HOME = 1 << 0,     /* the fleet, with a selected cluster */
	CONTEXT_CLUSTER = 1 << 1,  /* one cluster */
	CONTEXT_LIST = 1 << 2,     /* journal, runs, errors, sources, why, holds, help */
	CONTEXT_MENU = 1 << 3,     /* choose an action */
	CONTEXT_VALUE = 1 << 4,    /* type a value */
	CONTEXT_PLAN = 1 << 5,     /* a plan is shown */
	CONTEXT_PROGRESS = 1 << 6, /* a run is shown */
	CONTEXT_ASK = 1 << 7,      /* yes or no */
	CONTEXT_LINE = 1 << 8,     /* filter and palette lines */
};

#define CONTEXT_SCREENS (CONTEXT_HOME | CONTEXT_CLUSTER | CONTEXT_LIST)
#define CONTEXT_COUNT 9

enum command {
	COMMAND_UP,
	COMMAND_DOWN,
	COMMAND_FIRST,
	COMMAND_LAST,
	COMMAND_PAGE_UP,
	COMMAND_PAGE_DOWN,
	COMMAND_OPEN,
	COMMAND_BACK,
	COMMAND_HOME,
	COMMAND_ACTIONS,
	COMMAND_ARM,
	COMMAND_UNDO,
	COMMAND_JOURNAL,
	COMMAND_RUNS,
	COMMAND_ERRORS,
	COMMAND_SOURCES,
	COMMAND_WHY,
	COMMAND_HOLDS,
	COMMAND_HELP,
	COMMAND_FILTER,
	COMMAND_PALETTE,
	COMMAND_WINDOW,
	COMMAND_REFRESH,
	COMMAND_EXPORT,
	COMMAND_REDRAW,
	COMMAND_SUSPEND,
	COMMAND_QUIT,
	COMMAND_ACCEPT,
	COMMAND_NEXT_FIELD,
	COMMAND_PREVIOUS_FIELD,
	COMMAND_SAFE_STEP,
	COMMAND_AGAIN,
	COMMAND_IN_FULL,
	COMMAND_YES,
	COMMAND_NO,
	COMMAND_COUNT
};

struct key_row {
	uint32_t key;      /* terminal.h code */
	const char *label; /* as people call it: "PgDn" */
	unsigned contexts; /* bit set of enum context */
	enum command command;
	const char *palette; /* the command's word after ':', NULL none */
	const char *what;    /* for help */
	const char *hint;    /* a word or two for the bottom line, NULL: not worth a place there */
};

extern const struct key_row key_rows[];
extern const size_t key_row_count;

/* The row of a key in a context, NULL when it is not bound there. */
const struct key_row *key_find(enum context context, uint32_t key);

/* The row a palette word means: the whole word or a prefix that no other word has. NULL when none
 * or several. */
const struct key_row *key_find_palette(const char *word, size_t length);

/* "screens", "home", "menu", ...: a set of contexts in words. */
void key_context_words(unsigned contexts, char *out, size_t size);

#endif
