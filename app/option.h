/*
 * option.h - the command line: one table of verbs and one of options, from which parsing, --help,
 * the manual page and completion are made.
 */
#ifndef APP_OPTION_H
#define APP_OPTION_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct text;

/* Who takes an option: a bit per verb group. */
enum option_group {
	OPTION_ALWAYS = 1 << 0,  /* every verb */
	OPTION_READS = 1 << 1,   /* verbs that read a fleet */
	OPTION_SCREEN = 1 << 2,  /* console, wall, demo */
	OPTION_PRINTS = 1 << 3,  /* verbs that print results */
	OPTION_CHANGES = 1 << 4, /* act, undo, run */
	OPTION_DEMO = 1 << 5,
	OPTION_RUN = 1 << 6,
	OPTION_STATUS = 1 << 7,
	OPTION_WALL = 1 << 8,
	OPTION_JOURNAL = 1 << 9,
	OPTION_LIMITED = 1 << 10, /* verbs that run until told otherwise */
	OPTION_SIMULATE = 1 << 11,
	OPTION_CONTINGENCY = 1 << 12,
	OPTION_RESUME = 1 << 13,
	OPTION_WAIT = 1 << 14,   /* act */
	OPTION_TICKET = 1 << 15, /* verbs that plan anew */
};

#define OPTION_OVERRIDES_MOST 16
#define OPTION_WORDS_MOST 32

/* What the command line said. Strings are argv's own. */
struct options {
	const char *config_file;
	const char *output; /* "text" or "json" */
	const char *log_file;
	const char *reason;
	const char *ticket;
	const char *scenario;
	const char *theme;
	const char *most; /* journal show: how many lines */
	const char *seed;
	const char *seeds;
	const char *runbook;
	const char *faults; /* simulate: a list of lost, stale, step */
	const char *resume; /* run: the id of the one to go on with */
	const char *speed;
	const char *timeout;
	const char *span;
	const char *overrides[OPTION_OVERRIDES_MOST];
	size_t override_count;
	bool no_color, ascii, plain, quiet, verbose, help, version, yes, read_only, automatic, once,
		plan_only, pairs, wait;
	const char *words[OPTION_WORDS_MOST]; /* what is left after the verb */
	size_t word_count;
};

struct option_row {
	const char *name;     /* long name without dashes */
	char letter;          /* 0: none */
	const char *argument; /* "FILE", NULL: a flag */
	unsigned groups;
	size_t offset; /* of a bool or a const char * in struct options; ignored for overrides */
	const char *help;
};

struct verb_entry {
	const char *name;
	const char *usage; /* after the name: "ACTION k=v" */
	const char *help;  /* one sentence */
	unsigned groups;   /* options it takes, beside OPTION_ALWAYS */
};

const struct option_row *option_rows(size_t *count);
const struct verb_entry *verb_entries(size_t *count);
const struct verb_entry *verb_entry_find(const char *name); /* NULL: none */

/*
 * Parse what follows the verb. Errors: ERROR_USAGE with the nearest known option, or which verb
 * takes it.
 */
bool options_parse(const struct verb_entry *verb, int argc, char *const *argv, struct options *out,
	struct error *error);

/* `spillway --help`, and `spillway VERB --help`. */
void option_help(struct text *out);
void option_verb_help(const struct verb_entry *verb, struct text *out);

/* A bash completion script, and the OPTIONS and VERBS sections of the manual page in roff. */
void option_completion(struct text *out);
void option_manual(struct text *out);

#endif
