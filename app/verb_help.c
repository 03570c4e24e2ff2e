#include "app/verb.h"

#include <stdio.h>
#include <string.h>

#include "actions/config.h"
#include "actions/guard.h"
#include "actions/runbook.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/fleet/signal.h"
#include "ui/console/console.h"

#define HELP_TEXT_BYTES (256u * 1024)

static void help_signals(struct text *out)
{
	for (int i = 0; i < SIGNAL_COUNT; i++) {
		const struct signal_row *row = signal_row((enum signal)i);
		if (!row->derived)
			text_printf(out, "%-26s %-12s %s\n", row->name, signal_unit_text(row->unit),
				row->help);
	}
}

static void help_exit_codes(struct text *out)
{
	size_t count;
	const struct outcome_row *rows = outcome_rows(&count);
	for (size_t i = 0; i < count; i++)
		text_printf(out, "%3d  %-20s %s\n", (int)rows[i].code, rows[i].name, rows[i].means);
}

static void help_exit_codes_manual(struct text *out)
{
	size_t count;
	const struct outcome_row *rows = outcome_rows(&count);
	text_add(out, ".SH EXIT STATUS\n"
		      ".B status\nfollows the Nagios plugin convention: 0 ok, 1 warning, 2 "
		      "critical, 3 unknown.\n"
		      "The other verbs:\n");
	for (size_t i = 0; i < count; i++)
		text_printf(out, ".TP\n.B %d\n%s: %s\n", (int)rows[i].code, rows[i].name,
			rows[i].means);
}

static void help_actions(struct text *out)
{
	size_t count;
	const struct verb_row *rows = verb_rows(&count);
	for (size_t i = 0; i < count; i++)
		text_printf(out, "%-16s %-9s %-11s %-8s %s\n", rows[i].name,
			entity_kind_name(rows[i].target), rows[i].parameter,
			verb_class_name(rows[i].class), rows[i].help);
}

/* "ceiling 85%, max_age 5s": the keys a guard obeys and what they are by default. */
static void help_settings(const char *keys, struct text *out)
{
	char key[32];
	for (const char *at = keys; *at;) {
		size_t length = strcspn(at, " ");
		snprintf(key, sizeof key, "%.*s", (int)length, at);
		const char *fallback = guard_config_default(key);
		text_printf(out, "%s%s %s", at == keys ? "" : ", ", key,
			fallback ? fallback : "(none)");
		at += length;
		at += *at == ' ';
	}
	if (!keys[0])
		text_add(out, "-");
}

/* Tab-separated: name, override, rule, settings with defaults, what stale data does. */
static void help_guards(struct text *out)
{
	size_t count;
	const struct guard_row *rows = guard_rows(&count);
	for (size_t i = 0; i < count; i++) {
		text_printf(out, "%s\t%s\t%s\t", rows[i].name,
			!rows[i].check        ? "--override with its own name"
			: rows[i].overridable ? "--override"
					      : "never set aside",
			rows[i].rule);
		help_settings(rows[i].settings, out);
		text_printf(out, "\t%s\n", rows[i].stale);
	}
}

static void help_manual(struct text *out)
{
	option_manual(out);
	help_exit_codes_manual(out);
}

/* One table per word. */
static const struct {
	const char *name;
	void (*print)(struct text *out);
} pages[] = {
	{"keys", console_keys},
	{"signals", help_signals},
	{"actions", help_actions},
	{"guards", help_guards},
	{"runbooks", runbook_keys},
	{"exit-codes", help_exit_codes},
	{"completion", option_completion},
	{"manual", help_manual},
};

int verb_help(const struct options *options)
{
	struct text text;
	text_init(&text, HELP_TEXT_BYTES);
	const char *word = options->word_count > 0 ? options->words[0] : "";
	bool known = word[0] == '\0';
	if (known)
		option_help(&text);
	for (size_t i = 0; !known && i < sizeof pages / sizeof pages[0]; i++) {
		if (strcmp(pages[i].name, word) == 0) {
			pages[i].print(&text);
			known = true;
		}
	}
	const struct verb_entry *verb = verb_entry_find(word);
	if (!known && verb) {
		option_verb_help(verb, &text);
		known = true;
	}
	fputs(text_string(&text), stdout);
	text_finish(&text);
	if (known)
		return OUTCOME_DONE;
	struct error error = {0};
	error_set(&error, ERROR_USAGE, "there is no help on '%s': see 'spillway --help'", word);
	return verb_fail(OUTCOME_USAGE, &error);
}
