#include "ui/console/key.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/console/console.h"
#include "ui/terminal.h"

#define MOVING (CONTEXT_SCREENS | CONTEXT_MENU | CONTEXT_PLAN | CONTEXT_PROGRESS)
#define DIALOGS                                                                         \
	(CONTEXT_MENU | CONTEXT_VALUE | CONTEXT_PLAN | CONTEXT_PROGRESS | CONTEXT_ASK | \
		CONTEXT_LINE)

/* Hints take their places in this order. */
const struct key_row key_rows[] = {
	{'?', "?", CONTEXT_SCREENS, COMMAND_HELP, "help", "this help, and what the words mean",
		"help"},
	{27, "Esc", CONTEXT_CLUSTER | CONTEXT_LIST, COMMAND_BACK, NULL, "back, one level up",
		"back"},
	{27, "Esc", CONTEXT_HOME, COMMAND_BACK, NULL, "clear the filter", NULL},
	{27, "Esc", CONTEXT_MENU | CONTEXT_VALUE | CONTEXT_PLAN | CONTEXT_LINE | CONTEXT_ASK,
		COMMAND_BACK, NULL, "leave; nothing is changed", "cancel"},
	{27, "Esc", CONTEXT_PROGRESS, COMMAND_BACK, NULL, "leave; the run goes on",
		"leave it running"},
	{'\r', "Enter", CONTEXT_HOME, COMMAND_OPEN, NULL, "look into the selected cluster",
		"drill"},
	{'\r', "Enter", CONTEXT_MENU, COMMAND_ACCEPT, NULL, "choose", "choose"},
	{'\r', "Enter", CONTEXT_VALUE, COMMAND_ACCEPT, NULL, "make the plan; changes nothing",
		"plan"},
	{'\r', "Enter", CONTEXT_PLAN, COMMAND_ACCEPT, NULL,
		"run it, once Tab has moved the focus to Run", NULL},
	{'\r', "Enter", CONTEXT_PROGRESS, COMMAND_BACK, NULL, "leave; the run goes on", NULL},
	{'\r', "Enter", CONTEXT_LINE, COMMAND_ACCEPT, NULL, "take the line", "take"},
	{'a', "a", CONTEXT_HOME | CONTEXT_CLUSTER, COMMAND_ACTIONS, "act",
		"actions for the selected cluster; a plan first, always", "act"},
	{'A', "A", CONTEXT_SCREENS | CONTEXT_PLAN, COMMAND_ARM, "arm",
		"arm for changes (asks), or disarm", "arm"},
	{'u', "u", CONTEXT_SCREENS | CONTEXT_PROGRESS, COMMAND_UNDO, "undo",
		"plan the undo of the last change", "undo"},
	{'q', "q", CONTEXT_SCREENS, COMMAND_QUIT, "quit", "quit; asks while a change is under way",
		"quit"},
	{9, "Tab", CONTEXT_PLAN, COMMAND_NEXT_FIELD, NULL,
		"move the focus: Cancel, reason, name, Run", "to Run"},
	{TERMINAL_KEY_BACK_TAB, "S-Tab", CONTEXT_PLAN, COMMAND_PREVIOUS_FIELD, NULL,
		"move the focus back", NULL},
	{'s', "s", CONTEXT_PLAN, COMMAND_SAFE_STEP, NULL,
		"ask for the largest step that guards allow", "safe step"},
	{'p', "p", CONTEXT_PLAN, COMMAND_AGAIN, NULL, "plan again on the newest readings",
		"plan again"},
	{'v', "v", CONTEXT_PLAN, COMMAND_IN_FULL, NULL,
		"show the sums of guards that pass too, or fold them", "every sum"},
	{'y', "y", CONTEXT_ASK, COMMAND_YES, NULL, "yes", "yes"},
	{'n', "n", CONTEXT_ASK, COMMAND_NO, NULL, "no", "no"},
	{'\r', "Enter", CONTEXT_ASK, COMMAND_NO, NULL, "no: the default", NULL},
	{'j', "j", MOVING, COMMAND_DOWN, NULL, "down", NULL},
	{'k', "k", MOVING, COMMAND_UP, NULL, "up", NULL},
	{TERMINAL_KEY_DOWN, "Down", MOVING, COMMAND_DOWN, NULL, "down", NULL},
	{TERMINAL_KEY_UP, "Up", MOVING, COMMAND_UP, NULL, "up", NULL},
	{'g', "g", MOVING, COMMAND_FIRST, NULL, "first row", NULL},
	{'G', "G", MOVING, COMMAND_LAST, NULL, "last row", NULL},
	{TERMINAL_KEY_HOME, "Home", MOVING, COMMAND_FIRST, NULL, "first row", NULL},
	{TERMINAL_KEY_END, "End", MOVING, COMMAND_LAST, NULL, "last row", NULL},
	{TERMINAL_KEY_PAGE_DOWN, "PgDn", MOVING, COMMAND_PAGE_DOWN, NULL, "a page down", NULL},
	{TERMINAL_KEY_PAGE_UP, "PgUp", MOVING, COMMAND_PAGE_UP, NULL, "a page up", NULL},
	{6, "Ctrl-F", MOVING, COMMAND_PAGE_DOWN, NULL, "a page down", NULL},
	{2, "Ctrl-B", MOVING, COMMAND_PAGE_UP, NULL, "a page up", NULL},
	{'w', "w", CONTEXT_SCREENS, COMMAND_WHY, "why",
		"why: likely causes with what speaks for and against them, and what followed",
		"why"},
	{'/', "/", CONTEXT_HOME, COMMAND_FILTER, "filter",
		"show only clusters whose path has the text; ! before it: all others", "filter"},
	{':', ":", CONTEXT_SCREENS, COMMAND_PALETTE, NULL, "type a command", "cmd"},
	{'h', "h", CONTEXT_SCREENS, COMMAND_HOME, "home", "the fleet", NULL},
	{'l', "l", CONTEXT_SCREENS, COMMAND_JOURNAL, "journal",
		"journal: what was intended and what came of it", "journal"},
	{'r', "r", CONTEXT_SCREENS, COMMAND_RUNS, "runs", "runs: changes made and under way",
		"runs"},
	{'e', "e", CONTEXT_SCREENS, COMMAND_ERRORS, "errors", "messages; opening them reads them",
		"messages"},
	{'s', "s", CONTEXT_SCREENS, COMMAND_SOURCES, "sources", "sources and how they do",
		"sources"},
	{'H', "H", CONTEXT_SCREENS, COMMAND_HOLDS, "holds",
		"holds: changes in force, when they end and by what; who else is here", "holds"},
	{'t', "t", CONTEXT_HOME | CONTEXT_CLUSTER, COMMAND_WINDOW, "time",
		"charts: automatic, 2, 10, 30, 60 minutes", "time"},
	{'R', "R", CONTEXT_SCREENS, COMMAND_REFRESH, "refresh", "ask all sources now", NULL},
	{'X', "X", CONTEXT_SCREENS, COMMAND_EXPORT, "export", "write screen and state to a file",
		NULL},
	{12, "Ctrl-L", CONTEXT_SCREENS | DIALOGS, COMMAND_REDRAW, NULL, "draw everything anew",
		NULL},
	{26, "Ctrl-Z", CONTEXT_SCREENS | DIALOGS, COMMAND_SUSPEND, NULL, "suspend; fg comes back",
		NULL},
	{TERMINAL_KEY_F1, "F1", CONTEXT_SCREENS, COMMAND_HELP, NULL, "this help", NULL},
};

const size_t key_row_count = sizeof key_rows / sizeof *key_rows;

const struct key_row *key_find(enum context context, uint32_t key)
{
	for (size_t i = 0; i < key_row_count; i++) {
		if (key_rows[i].key == key && (key_rows[i].contexts & (unsigned)context))
			return &key_rows[i];
	}
	return NULL;
}

const struct key_row *key_find_palette(const char *word, size_t length)
{
	const struct key_row *found = NULL;
	if (length == 0)
		return NULL;
	for (size_t i = 0; i < key_row_count; i++) {
		const char *palette = key_rows[i].palette;
		if (!palette || strncmp(palette, word, length) != 0)
			continue;
		if (strlen(palette) == length)
			return &key_rows[i];
		if (found)
			return NULL;
		found = &key_rows[i];
	}
	return found;
}

static const char *const context_words[CONTEXT_COUNT] = {
	"home", "cluster", "lists", "menu", "value", "plan", "run", "question", "line"};

void key_context_words(unsigned contexts, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	if ((contexts & CONTEXT_SCREENS) == CONTEXT_SCREENS) {
		used = (size_t)snprintf(out, size, "screens");
		contexts &= ~(unsigned)CONTEXT_SCREENS;
	}
	for (int i = 0; i < CONTEXT_COUNT && used < size; i++) {
		if (contexts & 1u << i)
			used += (size_t)snprintf(out + used, size - used, "%s%s",
				used > 0 ? ", " : "", context_words[i]);
	}
}

void console_keys(struct text *out)
{
	char words[128];
	for (size_t i = 0; i < key_row_count; i++) {
		key_context_words(key_rows[i].contexts, words, sizeof words);
		text_printf(out, "%s\t%s\t%s\n", key_rows[i].label, words, key_rows[i].what);
	}
}
