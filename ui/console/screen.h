/*
 * screen.h - the console from inside: its state, and what its parts offer one another.
 *
 * A screen is a file with a draw function and a row in the table of console.c. What is under way
 * above a screen (a menu, a question, a plan) is an overlay; at most one is open. State holds ids,
 * never rows or pointers of a model.
 */
#ifndef UI_CONSOLE_SCREEN_H
#define UI_CONSOLE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/assess/assess.h"
#include "ui/canvas.h"
#include "ui/console/console.h"
#include "ui/console/key.h"
#include "ui/console/list.h"
#include "ui/console/prompt.h"
#include "ui/figure.h"
#include "ui/stage_view.h"

#define CONSOLE_COLUMNS_LEAST 60
#define CONSOLE_ROWS_LEAST 15
#define MENU_ROWS_MOST 128
#define NOTICE_BYTES 160

enum screen_id {
	SCREEN_HOME,
	SCREEN_CLUSTER,
	SCREEN_JOURNAL,
	SCREEN_RUNS,
	SCREEN_ERRORS,
	SCREEN_SOURCES,
	SCREEN_WHY,
	SCREEN_HOLDS,
	SCREEN_HELP,
	SCREEN_COUNT
};

enum overlay {
	OVERLAY_NONE,
	OVERLAY_MENU,
	OVERLAY_VALUE,
	OVERLAY_PLAN,
	OVERLAY_PROGRESS,
	OVERLAY_ARM,
	OVERLAY_QUIT,
	OVERLAY_FILTER,
	OVERLAY_PALETTE
};

/* A part of the canvas. */
struct area {
	int row, column, rows, columns;
};

/* The clusters in the order in which they stand, which changes seldom (clusters.c). */
struct cluster_order {
	uint32_t ids[ASSESSMENT_CLUSTERS_MOST];
	size_t count;
	int64_t sorted_ms;   /* 0: never */
	uint64_t generation; /* of the assessment whose clusters they are known to be */
};

/* A line of the action menu. */
struct menu_row {
	char action[ACTION_NAME_BYTES];
	const struct verb_row *verb;
	uint32_t target;
};

struct menu {
	struct menu_row rows[MENU_ROWS_MOST];
	size_t count;
	struct list list;
	struct menu_row chosen; /* what the value is for */
};

enum plan_focus { FOCUS_CANCEL, FOCUS_REASON, FOCUS_NAME, FOCUS_RUN };

/* A plan on the screen, and what was asked for. */
struct dialog {
	bool is_undo;
	char action[ACTION_NAME_BYTES];
	uint32_t target;
	double value;
	char run_id[PLAN_ID_BYTES];       /* of the run to undo */
	char drawn_hash[PLAN_HASH_BYTES]; /* of the plan on the screen; "" none was drawn */
	bool changed;                     /* it is another plan than the one looked at */
	bool in_full;                     /* guards that pass are shown with their sums too */
	bool seen_whole;                  /* its last line has been in sight */
	size_t top, lines, page;          /* scrolling */
	enum plan_focus focus;
	struct prompt reason, name;
	char run_before[PLAN_ID_BYTES]; /* the newest run when ours was asked for */
	int64_t asked_ms;               /* when Run was confirmed; 0 not */
};

struct console {
	enum screen_id screen;
	enum overlay overlay;
	enum overlay below; /* what the arming question came from */
	uint32_t selected;  /* a cluster; ENTITY_NONE: the first */
	struct cluster_order order;
	size_t top; /* first cluster row in sight */
	size_t page;
	struct list lists[SCREEN_COUNT];
	size_t why_tops; /* lines that may come first on the why screen, by its last drawing */
	struct prompt filter;
	struct prompt line;              /* filter, palette and value being typed */
	char line_trouble[NOTICE_BYTES]; /* why the line could not be taken */
	int window_minutes;              /* 0: automatic */
	struct menu menu;
	struct dialog dialog;
	int64_t read_until_ms;     /* messages up to then have been read */
	char notice[NOTICE_BYTES]; /* an answer to the last key */
};

/* What every drawing function is given. */
struct view {
	struct console *console;
	const struct console_model *model;
	struct canvas *canvas;
	struct window window;
};

/* ---- console.c ---- */
enum context console_context(const struct console *console);
void console_notice(struct console *console, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A box in the middle of the screen, cut to it. */
struct area console_box(const struct canvas *canvas, int rows, int columns);

/* ---- banner.c ---- */
bool environment_is_prod(const char *environment);
bool model_is_armed(const struct console_model *model);
void banner_draw(const struct view *view, int row);
int headline_rows(const struct view *view, int most); /* how many rows the headline would take */
void headline_draw(const struct view *view, int row, int rows);
void hints_draw(const struct view *view, int row);
void message_draw(const struct view *view, int row);

/* ---- chain.c ---- */
void chain_draw(const struct view *view, struct area area); /* 7 rows */
void goodput_draw(const struct view *view, int row, int columns);
void surfaces_draw(const struct view *view, int row, int columns);
void contingency_draw(
	const struct view *view, int row, int columns, const struct contingency *contingency);

/* ---- clusters.c ---- */
void clusters_arrange(struct console *console, const struct console_model *model);
uint32_t clusters_selected(const struct console *console, const struct console_model *model);
void clusters_move(
	struct console *console, const struct console_model *model, enum command command);
void clusters_draw(const struct view *view, struct area area); /* with heading and fold line */
size_t clusters_shown(const struct console *console, const struct console_model *model);

/* ---- timeline.c ---- */
void timeline_draw(const struct view *view, int row, int columns);
int events_rows(const struct view *view); /* how many there are to show */
void events_draw(const struct view *view, struct area area);
/* The verb of an action by its name; NULL when there is none of that name now. */
const struct verb_row *verb_of(const struct console_model *model, const char *action);
/* "ends in 24m", "EXPIRED 3m ago". */
void hold_end_words(int64_t now_ms, int64_t expires_ms, char out[2 * FIGURE_BYTES]);
void run_line(const struct view *view, const struct run_view *run, char *out, size_t size);

/* ---- panels.c ---- */
int replicas_rows(const struct view *view, uint32_t cluster); /* rows the panel would like */
void replicas_draw(const struct view *view, uint32_t cluster, struct area area);
/* The replicas of the selected cluster, then of the others, as far as there is room. */
void replicas_stack_draw(const struct view *view, struct area area);
int findings_rows(const struct view *view, int columns);
void findings_draw(const struct view *view, struct area area);
int moves_rows(const struct view *view, int columns);
void moves_draw(const struct view *view, struct area area);
void runs_panel_draw(const struct view *view, struct area area);
void journal_panel_draw(const struct view *view, struct area area);

/* ---- one file per screen ---- */
void home_draw(const struct view *view);
void cluster_draw(const struct view *view);
void journal_draw(const struct view *view);
void runs_draw(const struct view *view);
void errors_draw(const struct view *view);
void sources_draw(const struct view *view);
void why_draw(const struct view *view);
void holds_draw(const struct view *view);
size_t holds_count(const struct console_model *model); /* lines of it */
void help_draw(const struct view *view);
size_t help_count(void); /* lines of help */
void journal_line_text(const struct journal_line *line, char *out, size_t size);

/* ---- menu.c ---- */
bool menu_open(struct console *console, const struct console_model *model);
void menu_draw(const struct view *view);
void value_open(struct console *console, const struct console_model *model);
/* The typed value as an absolute one; false with the console's line_trouble set. */
bool value_read(struct console *console, const struct console_model *model, double *out);
void value_draw(const struct view *view);
/* What the verb's value is counted in: "connections per pool". */
const char *verb_unit(const struct verb_row *verb);
/* The value with its unit in words: "weight 90", "30 connections per pool". */
void verb_words(const struct verb_row *verb, double value, char out[2 * FIGURE_BYTES]);
void verb_figure(const struct verb_row *verb, double value, char out[FIGURE_BYTES]);

/* ---- dialog.c and progress.c ---- */
void dialog_open(struct console *console, const struct menu_row *row, double value);
void dialog_open_undo(struct console *console, const char *run_id);
const struct plan *dialog_plan(const struct console *console, const struct console_model *model);
struct console_request dialog_command(
	struct console *console, const struct console_model *model, enum command command);
void dialog_draw(const struct view *view);
/* Why Run would do nothing now; "" when it would run. */
void dialog_obstacle(const struct console *console, const struct console_model *model,
	const struct plan *plan, char *out, size_t size);
const struct run_view *progress_run(
	const struct console *console, const struct console_model *model);
void progress_draw(const struct view *view);
const char *run_state_words(const struct run_view *run);
enum role run_role(const struct run_view *run);
bool run_is_under_way(const struct run_view *run);

/* ---- ask.c ---- */
void ask_draw(const struct view *view);
void line_draw(const struct view *view, int row); /* filter and palette */

#endif
