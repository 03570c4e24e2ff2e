/* main.c - the command line: which verb, which options, and nothing else. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/action.h"
#include "app/option.h"
#include "app/verb.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/text.h"

/* Every verb of the table has its function here; a test holds the two together. */
static const struct {
	const char *name;
	int (*run)(const struct options *options);
} verb_functions[] = {
	{"console", verb_console},
	{"wall", verb_wall},
	{"status", verb_status},
	{"doctor", verb_doctor},
	{"sources", verb_sources},
	{"contingency", verb_contingency},
	{"plan", verb_plan},
	{"act", verb_act},
	{"undo", verb_undo},
	{"holds", verb_holds},
	{"reap", verb_reap},
	{"gate", verb_gate},
	{"pending", verb_pending},
	{"approve", verb_approve},
	{"deny", verb_deny},
	{"run", verb_run},
	{"journal", verb_journal},
	{"record", verb_record},
	{"demo", verb_demo},
	{"simulate", verb_simulate},
	{"config", verb_config},
	{"help", verb_help},
};

static int main_unknown_verb(const char *word)
{
	size_t count;
	const struct verb_entry *verbs = verb_entries(&count);
	const char *names[32];
	for (size_t i = 0; i < count && i < 32; i++)
		names[i] = verbs[i].name;
	const char *near = complaints_nearest(word, names, count);
	struct error error = {0};
	if (near)
		error_set(&error, ERROR_USAGE, "there is no verb '%s': did you mean '%s'?", word,
			near);
	else
		error_set(
			&error, ERROR_USAGE, "there is no verb '%s': see 'spillway --help'", word);
	return verb_fail(OUTCOME_USAGE, &error);
}

static int main_help(const struct verb_entry *verb)
{
	struct text text;
	text_init(&text, 64 * 1024);
	if (verb)
		option_verb_help(verb, &text);
	else
		option_help(&text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	return 0;
}

static int main_run(const struct verb_entry *verb, const struct options *options)
{
	struct error error = {0};
	if (options->log_file &&
		!log_open(options->log_file, options->verbose ? LOG_DEBUG : LOG_INFO, &error))
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	int code = OUTCOME_USAGE;
	for (size_t i = 0; i < sizeof verb_functions / sizeof verb_functions[0]; i++) {
		if (strcmp(verb_functions[i].name, verb->name) == 0)
			code = verb_functions[i].run(options);
	}
	log_close();
	if (fflush(stdout) != 0 && code == 0) {
		error_errno(&error, "cannot write the result");
		code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	return code;
}

int main(int argc, char **argv)
{
	/* A closed pipe is an error to report, not a reason to vanish with a terminal in disorder.
	 */
	signal(SIGPIPE, SIG_IGN);
	bool named = argc > 1 && argv[1][0] != '-';
	const struct verb_entry *verb = verb_entry_find(named ? argv[1] : "console");
	if (!verb)
		return main_unknown_verb(argv[1]);
	int skip = named ? 2 : 1;
	struct options options;
	struct error error = {0};
	if (!options_parse(verb, argc - skip, argv + skip, &options, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	if (options.help)
		return main_help(named ? verb : NULL);
	if (options.version) {
		printf("spillway %s\n", SPILLWAY_VERSION);
		return 0;
	}
	return main_run(verb, &options);
}
