#include "app/option.h"

#include <stdio.h>
#include <string.h>

#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/text.h"

#define FLAG(member) offsetof(struct options, member)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct option_row rows[] = {
	{"config", 'c', "FILE", OPTION_READS, FLAG(config_file),
		"the fleet file (default: see FILES)"},
	{"output", 'o', "text|json", OPTION_PRINTS, FLAG(output), "how to print results"},
	{"no-color", 'C', NULL, OPTION_SCREEN, FLAG(no_color),
		"attributes only; NO_COLOR does the same"},
	{"ascii", 'U', NULL, OPTION_SCREEN, FLAG(ascii), "no glyph outside ASCII"},
	{"theme", 0, "NAME|FILE", OPTION_SCREEN, FLAG(theme), "colours by role"},
	{"plain", 0, NULL, OPTION_SCREEN, FLAG(plain),
		"flowing lines instead of a screen; what a pipe gets anyway"},
	{"read-only", 0, NULL, OPTION_READS, FLAG(read_only),
		"cannot be armed; SPILLWAY_READONLY=1 does the same and can only tighten"},
	{"yes", 'y', NULL, OPTION_CHANGES, FLAG(yes),
		"skip the prompt; never skips a guard or an approval"},
	{"reason", 0, "TEXT", OPTION_CHANGES, FLAG(reason), "why, for the journal"},
	{"override", 0, "GUARD", OPTION_CHANGES, 0,
		"set aside one guard by name, with --reason; may be repeated"},
	{"ticket", 0, "ID", OPTION_TICKET, FLAG(ticket),
		"what it is announced as elsewhere, such as INC-123; a freeze may let it pass"},
	{"wait", 0, NULL, OPTION_WAIT, FLAG(wait),
		"stay until another person has approved or denied, where that is needed"},
	{"plan", 0, NULL, OPTION_RUN, FLAG(plan_only), "show the steps and change nothing"},
	{"resume", 0, "ID", OPTION_RESUME, FLAG(resume),
		"go on with a run that was cut off: r-0007, as 'journal show' names it"},
	{"once", 0, NULL, OPTION_WALL, FLAG(once), "print one face and leave"},
	{"timeout", 0, "SPAN", OPTION_STATUS, FLAG(timeout),
		"how long to wait for a first picture (5s)"},
	{"most", 'n', "N", OPTION_JOURNAL, FLAG(most), "show at most the newest N lines (50)"},
	{"scenario", 0, "NAME|FILE", OPTION_DEMO, FLAG(scenario), "what happens (replica-loss)"},
	{"auto", 0, NULL, OPTION_DEMO, FLAG(automatic), "let the runbook mend it, then leave"},
	{"speed", 0, "N", OPTION_DEMO, FLAG(speed), "times as fast as life (1)"},
	{"seed", 0, "N", OPTION_DEMO | OPTION_SIMULATE, FLAG(seed),
		"the same seed gives the same run (1)"},
	{"pairs", 0, NULL, OPTION_CONTINGENCY, FLAG(pairs), "two replicas of a cluster at once"},
	{"seeds", 0, "N", OPTION_SIMULATE, FLAG(seeds), "how many seeds, from --seed on (1)"},
	{"runbook", 0, "FILE", OPTION_SIMULATE, FLAG(runbook), "let a runbook act on it"},
	{"faults", 0, "LIST", OPTION_SIMULATE, FLAG(faults),
		"what goes wrong with the watching: lost,stale,step"},
	{"for", 0, "SPAN", OPTION_LIMITED, FLAG(span), "leave after that long (until interrupted)"},
	{"log-file", 0, "FILE", OPTION_ALWAYS, FLAG(log_file), "write a log there"},
	{"quiet", 'q', NULL, OPTION_ALWAYS, FLAG(quiet), "results only, no talk on stderr"},
	{"verbose", 'v', NULL, OPTION_ALWAYS, FLAG(verbose), "more in the log"},
	{"help", 'h', NULL, OPTION_ALWAYS, FLAG(help), "this text"},
	{"version", 'V', NULL, OPTION_ALWAYS, FLAG(version), "the version"},
};

static const struct verb_entry verbs[] = {
	{"console", "", "the console (also without a verb); read-only until armed",
		OPTION_READS | OPTION_SCREEN | OPTION_PRINTS | OPTION_TICKET},
	{"wall", "", "the wall: one page to read from across the room, unable to act",
		OPTION_READS | OPTION_SCREEN | OPTION_WALL},
	{"status", "", "one assessment; exit 0 ok, 1 warning, 2 critical, 3 unknown",
		OPTION_READS | OPTION_PRINTS | OPTION_STATUS},
	{"doctor", "",
		"ask every source, say what is wrong and what to change; exit 0 fine, 1 to mend",
		OPTION_READS | OPTION_PRINTS | OPTION_STATUS},
	{"sources", "",
		"every source once: health, age and what it costs; exit 1 when one is not ok",
		OPTION_READS | OPTION_PRINTS | OPTION_STATUS},
	{"contingency", "",
		"what losing each replica would do; exit 0 all fit, 1 little room, 2 saturation",
		OPTION_READS | OPTION_PRINTS | OPTION_STATUS | OPTION_CONTINGENCY},
	{"plan", "ACTION k=v ...", "what an action would do, changing nothing",
		OPTION_READS | OPTION_PRINTS | OPTION_STATUS | OPTION_TICKET},
	{"act", "ACTION k=v ...", "plan, guards, journal, do, verify",
		OPTION_READS | OPTION_PRINTS | OPTION_CHANGES | OPTION_STATUS | OPTION_WAIT |
			OPTION_TICKET},
	{"undo", "ID", "take a run back, by the same road",
		OPTION_READS | OPTION_PRINTS | OPTION_CHANGES | OPTION_STATUS},
	{"holds", "[extend ID SPAN|keep ID]", "changes still in force, and when they end",
		OPTION_READS | OPTION_PRINTS | OPTION_CHANGES | OPTION_STATUS},
	{"reap", "", "take back the holds that have expired, where that is safe",
		OPTION_READS | OPTION_CHANGES | OPTION_RUN | OPTION_STATUS},
	{"gate", "[close|open|acknowledge]",
		"stop all changes at once, or let the brake go, with a reason",
		OPTION_READS | OPTION_PRINTS | OPTION_CHANGES},
	{"pending", "", "plans that wait for another person", OPTION_READS | OPTION_PRINTS},
	{"approve", "ID", "let another person's plan be done; who asked cannot",
		OPTION_READS | OPTION_CHANGES},
	{"deny", "ID", "refuse another person's plan", OPTION_READS | OPTION_CHANGES},
	{"run", "RUNBOOK [k=v ...]",
		"carry out a runbook (see spillway-runbook(5) and 'config schema runbook'), or go "
		"on "
		"with one: --resume ID",
		OPTION_READS | OPTION_PRINTS | OPTION_CHANGES | OPTION_RUN | OPTION_STATUS |
			OPTION_RESUME | OPTION_TICKET},
	{"journal", "show|verify [FILE [HEAD]]", "what was intended and what came of it",
		OPTION_READS | OPTION_PRINTS | OPTION_JOURNAL},
	{"record", "FILE", "keep what the sources say, to be played by a source of kind replay",
		OPTION_READS | OPTION_LIMITED},
	{"demo", "", "a fleet in a box, the incident, the console; nothing else needed",
		OPTION_SCREEN | OPTION_DEMO | OPTION_LIMITED},
	{"simulate", "SCENARIO",
		"incidents in virtual time, and how well they were seen: no fleet is touched",
		OPTION_PRINTS | OPTION_SIMULATE},
	{"config", "check|schema [runbook]",
		"read the fleet file and say everything that is wrong with it",
		OPTION_READS | OPTION_PRINTS},
	{"help", "[VERB|keys|signals|actions|exit-codes|completion|manual]",
		"the tables this program is made from", 0},
};

const struct option_row *option_rows(size_t *count)
{
	*count = COUNT(rows);
	return rows;
}

const struct verb_entry *verb_entries(size_t *count)
{
	*count = COUNT(verbs);
	return verbs;
}

const struct verb_entry *verb_entry_find(const char *name)
{
	for (size_t i = 0; i < COUNT(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

static bool option_belongs(const struct option_row *row, const struct verb_entry *verb)
{
	return (row->groups & ((unsigned)OPTION_ALWAYS | verb->groups)) != 0;
}

static const struct option_row *option_by_name(const char *name, size_t length)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0)
			return &rows[i];
	}
	return NULL;
}

static const struct option_row *option_by_letter(char letter)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].letter == letter && letter)
			return &rows[i];
	}
	return NULL;
}

static bool option_unknown(const char *word, struct error *error)
{
	const char *names[COUNT(rows)];
	for (size_t i = 0; i < COUNT(rows); i++)
		names[i] = rows[i].name;
	const char *bare = word + strspn(word, "-");
	const char *near = complaints_nearest(bare, names, COUNT(rows));
	if (near)
		return error_set(error, ERROR_USAGE,
			"there is no option '%s': did you mean '--%s'?", word, near);
	return error_set(error, ERROR_USAGE, "there is no option '%s'", word);
}

static bool option_store(
	const struct option_row *row, const char *value, struct options *out, struct error *error)
{
	if (strcmp(row->name, "override") == 0) {
		if (out->override_count == OPTION_OVERRIDES_MOST)
			return error_set(error, ERROR_LIMIT, "more than %d overrides",
				OPTION_OVERRIDES_MOST);
		out->overrides[out->override_count++] = value;
		return true;
	}
	char *base = (char *)out + row->offset;
	if (row->argument)
		memcpy(base, &value, sizeof value);
	else
		*(bool *)(void *)base = true;
	return true;
}

/* One option word at argv[*at]; moves *at past its argument. */
static bool option_take(const struct verb_entry *verb, int argc, char *const *argv, int *at,
	struct options *out, struct error *error)
{
	const char *word = argv[*at];
	const struct option_row *row;
	const char *value = NULL;
	if (word[1] == '-') {
		const char *equals = strchr(word, '=');
		size_t length = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
		row = option_by_name(word + 2, length);
		value = equals ? equals + 1 : NULL;
	} else {
		row = option_by_letter(word[1]);
		if (row && word[2]) {
			if (!row->argument)
				return error_set(error, ERROR_USAGE,
					"write the options in '%s' one by one", word);
			value = word + 2;
		}
	}
	if (!row)
		return option_unknown(word, error);
	if (!option_belongs(row, verb))
		return error_set(
			error, ERROR_USAGE, "'%s' does not take '--%s'", verb->name, row->name);
	if (!row->argument && value)
		return error_set(error, ERROR_USAGE, "'--%s' takes no value", row->name);
	if (row->argument && !value) {
		if (*at + 1 >= argc)
			return error_set(error, ERROR_USAGE, "'--%s' needs a value: %s", row->name,
				row->argument);
		value = argv[++*at];
	}
	return option_store(row, value, out, error);
}

bool options_parse(const struct verb_entry *verb, int argc, char *const *argv, struct options *out,
	struct error *error)
{
	struct options options = {.output = "text"};
	bool only_words = false;
	for (int at = 0; at < argc; at++) {
		const char *word = argv[at];
		if (!only_words && strcmp(word, "--") == 0) {
			only_words = true;
		} else if (!only_words && word[0] == '-' && word[1] != '\0') {
			if (!option_take(verb, argc, argv, &at, &options, error))
				return false;
		} else {
			if (options.word_count == OPTION_WORDS_MOST)
				return error_set(error, ERROR_LIMIT, "more than %d words",
					OPTION_WORDS_MOST);
			options.words[options.word_count++] = word;
		}
	}
	if (strcmp(options.output, "text") != 0 && strcmp(options.output, "json") != 0)
		return error_set(
			error, ERROR_USAGE, "'--output' is text or json, not '%s'", options.output);
	*out = options;
	return true;
}

static void option_line(const struct option_row *row, struct text *out)
{
	char left[64];
	snprintf(left, sizeof left, "%s--%s%s%s", "", row->name, row->argument ? " " : "",
		row->argument ? row->argument : "");
	if (row->letter)
		text_printf(out, "  -%c, %-24s %s\n", row->letter, left, row->help);
	else
		text_printf(out, "      %-24s %s\n", left, row->help);
}

void option_help(struct text *out)
{
	text_add(out,
		"spillway - an operations console for the hour when the replicas are saturating\n\n"
		"usage: spillway [VERB] [OPTIONS]\n\nverbs:\n");
	for (size_t i = 0; i < COUNT(verbs); i++) {
		char left[80];
		snprintf(left, sizeof left, "%s%s%s", verbs[i].name, verbs[i].usage[0] ? " " : "",
			verbs[i].usage);
		text_printf(out, "  %-28s %s\n", left, verbs[i].help);
	}
	text_add(out, "\noptions of every verb:\n");
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].groups & OPTION_ALWAYS)
			option_line(&rows[i], out);
	}
	text_add(out, "\n'spillway VERB --help' tells the rest. Start with: spillway demo\n");
}

void option_verb_help(const struct verb_entry *verb, struct text *out)
{
	text_printf(out, "spillway %s - %s\n\nusage: spillway %s%s%s [OPTIONS]\n\noptions:\n",
		verb->name, verb->help, verb->name, verb->usage[0] ? " " : "", verb->usage);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (option_belongs(&rows[i], verb))
			option_line(&rows[i], out);
	}
}

void option_completion(struct text *out)
{
	text_add(out, "# bash completion for spillway; made by: spillway help completion\n"
		      "_spillway() {\n"
		      "  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}\n"
		      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
		      "    mapfile -t COMPREPLY < <(compgen -W '");
	for (size_t i = 0; i < COUNT(verbs); i++)
		text_printf(out, "%s%s", i ? " " : "", verbs[i].name);
	text_add(out, "' -- \"$word\")\n    return\n  fi\n  case $verb in\n");
	for (size_t i = 0; i < COUNT(verbs); i++) {
		text_printf(out, "    %s) mapfile -t COMPREPLY < <(compgen -f -W '", verbs[i].name);
		bool first = true;
		for (size_t j = 0; j < COUNT(rows); j++) {
			if (!option_belongs(&rows[j], &verbs[i]))
				continue;
			text_printf(out, "%s--%s", first ? "" : " ", rows[j].name);
			first = false;
		}
		text_add(out, "' -- \"$word\");;\n");
	}
	text_add(out, "  esac\n}\ncomplete -F _spillway spillway\n");
}

static void option_roff_word(const char *word, struct text *out)
{
	for (const char *c = word; *c; c++) {
		if (*c == '-')
			text_add(out, "\\-");
		else
			text_add_char(out, *c);
	}
}

void option_manual(struct text *out)
{
	text_add(out, ".SH VERBS\n");
	for (size_t i = 0; i < COUNT(verbs); i++) {
		text_printf(out, ".TP\n.B %s ", verbs[i].name);
		option_roff_word(verbs[i].usage, out);
		text_add(out, "\n");
		option_roff_word(verbs[i].help, out);
		text_add(out, "\n");
	}
	text_add(out, ".SH OPTIONS\n");
	for (size_t i = 0; i < COUNT(rows); i++) {
		text_add(out, ".TP\n.B ");
		if (rows[i].letter)
			text_printf(out, "\\-%c, ", rows[i].letter);
		text_add(out, "\\-\\-");
		option_roff_word(rows[i].name, out);
		if (rows[i].argument)
			text_printf(out, " %s", rows[i].argument);
		text_add(out, "\n");
		option_roff_word(rows[i].help, out);
		text_add(out, "\n");
	}
}
