#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/fleet/snapshot.h"
#include "ui/console/screen.h"
#include "ui/wrap.h"

#define LINE_BYTES 512
#define LABEL_COLUMN 1
#define TEXT_COLUMN 15

/* The page is said twice: once to count its lines, once to draw those in sight. */
struct page {
	const struct view *view;
	size_t said;
	size_t first, end; /* lines in sight */
	bool drawing;
};

static int page_columns(const struct page *page)
{
	return canvas_columns(page->view->canvas);
}

/* The row of the next line when it is in sight; else 0, which no line has. */
static int next_row(struct page *page)
{
	size_t line = page->said++;
	bool seen = page->drawing && line >= page->first && line < page->end;
	return seen ? 1 + (int)(line - page->first) : 0;
}

static void say_title(struct page *page, const char *title)
{
	int row = next_row(page);
	if (row > 0)
		canvas_rule(page->view->canvas, row, 0, page_columns(page), title);
}

/* A label, and what is said of it, over as many lines as it takes. */
__attribute__((format(printf, 4, 5))) static void say(
	struct page *page, enum role role, const char *label, const char *format, ...)
{
	char text[LINE_BYTES], line[LINE_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	const char *rest = text;
	int columns = page_columns(page) - TEXT_COLUMN - 1;
	for (bool first = true; wrap_next(&rest, columns, line, sizeof line); first = false) {
		int row = next_row(page);
		if (row == 0)
			continue;
		if (first)
			canvas_text(page->view->canvas, row, LABEL_COLUMN,
				TEXT_COLUMN - LABEL_COLUMN - 1, ROLE_DIM, label);
		canvas_text(page->view->canvas, row, TEXT_COLUMN, columns, role, line);
	}
}

static const char *path_of(const struct page *page, uint32_t entity)
{
	const struct snapshot *snapshot = page->view->model->snapshot;
	bool known = snapshot && entity < fleet_count(snapshot->fleet);
	return known ? fleet_entity(snapshot->fleet, entity)->path : "";
}

static void say_phase(struct page *page, const struct assessment *assessment)
{
	char since[FIGURE_BYTES], age[FIGURE_BYTES];
	int64_t now_ms = page->view->model->now_ms;
	figure_clock(assessment->phase_since_ms, since);
	figure_short_span(now_ms - assessment->phase_since_ms, age);
	say_title(page, "WHAT IS THE MATTER");
	say(page, state_role(assessment->severity), "phase", "%s since %sZ, %s ago",
		phase_name(assessment->phase), since, age);
	say(page, ROLE_TEXT, "in short", "%s", assessment->headline);
	if (assessment->page) {
		figure_clock(assessment->page_since_ms, since);
		say(page, ROLE_CRITICAL, "page", "since %sZ: %s", since, assessment->page_why);
	}
	if (assessment->falsifier[0])
		say(page, ROLE_TEXT, "but", "%s", assessment->falsifier);
}

static void say_causes(struct page *page, const struct assessment *assessment)
{
	say_title(page, "LIKELY CAUSES, most likely first");
	for (size_t i = 0; i < assessment->cause_count; i++) {
		const struct cause *cause = &assessment->causes[i];
		const char *where = path_of(page, cause->entity);
		char onset[FIGURE_BYTES], label[32];
		figure_clock(cause->onset_ms, onset);
		snprintf(label, sizeof label, "%zu", i + 1);
		say(page, i == 0 ? ROLE_STRONG : ROLE_TEXT, label, "%s%s%s  since %s%s  score %.1f",
			hypothesis_name(cause->hypothesis), where[0] ? " " : "", where, onset,
			cause->onset_ms > 0 ? "Z" : "", cause->score);
		say(page, ROLE_TEXT, "  for it", "%s", cause->evidence);
		if (cause->contradiction[0])
			say(page, ROLE_TEXT, "  against it", "%s", cause->contradiction);
	}
	if (assessment->cause_count == 0)
		say(page, ROLE_DIM, "", "nothing needs a cause now");
}

/* The stages that left their baseline, in the order in which they did: what followed from what. */
static void say_chain(struct page *page, const struct assessment *assessment)
{
	enum stage order[STAGE_COUNT];
	size_t count = 0;
	for (int stage = 0; stage < STAGE_COUNT; stage++) {
		int64_t onset_ms = assessment->stages[stage].onset_ms;
		if (onset_ms == 0)
			continue;
		size_t at = count++;
		for (; at > 0 && assessment->stages[order[at - 1]].onset_ms > onset_ms; at--)
			order[at] = order[at - 1];
		order[at] = (enum stage)stage;
	}
	say_title(page, "WHAT FOLLOWED, in order of onset");
	for (size_t i = 0; i < count; i++) {
		const struct stage_assessment *stage = &assessment->stages[order[i]];
		char onset[FIGURE_BYTES], now[FIGURE_BYTES], baseline[FIGURE_BYTES];
		figure_clock(stage->onset_ms, onset);
		stage_now(assessment, order[i], now);
		stage_baseline(assessment, order[i], baseline);
		say(page, state_role(stage->severity), onset, "%s %s, was %s  %s",
			stage_label(order[i]), now, baseline, path_of(page, stage->worst));
	}
	if (count == 0)
		say(page, ROLE_DIM, "", "every stage is at its baseline");
}

/* What could be done, and what the projection says would come of it. Nothing is done by itself. */
static void say_moves(struct page *page, const struct assessment *assessment)
{
	if (assessment->recommendation_count == 0)
		return;
	say_title(page, "WHAT EACH MOVE WOULD DO, best first (a: plan one)");
	for (size_t i = 0; i < assessment->recommendation_count; i++) {
		const struct recommendation *move = &assessment->recommendations[i];
		char label[32];
		snprintf(label, sizeof label, "%zu %s", i + 1, move->enough ? "enough" : "");
		say(page, move->enough ? ROLE_STRONG : ROLE_TEXT, label, "%s", move->text);
	}
}

static void say_findings(struct page *page, const struct assessment *assessment)
{
	say_title(page, "FINDINGS");
	for (size_t i = 0; i < assessment->finding_count; i++) {
		const struct finding *finding = &assessment->findings[i];
		say(page, state_role(finding->severity), state_word(finding->severity), "%s",
			finding->text);
	}
	if (assessment->finding_count == 0)
		say(page, ROLE_DIM, "", "none");
}

static void say_all(struct page *page)
{
	const struct assessment *assessment = page->view->model->assessment;
	page->said = 0;
	if (!assessment) {
		say(page, ROLE_UNKNOWN, "?UNK", "nothing has been assessed yet");
		return;
	}
	say_phase(page, assessment);
	say_causes(page, assessment);
	say_moves(page, assessment);
	say_chain(page, assessment);
	say_findings(page, assessment);
}

void why_draw(const struct view *view)
{
	int rows = canvas_rows(view->canvas);
	size_t room = rows > 3 ? (size_t)rows - 3 : 0;
	struct page page = {.view = view};
	struct list *list = &view->console->lists[SCREEN_WHY];
	say_all(&page);
	/* A page has no selected line: moving moves the first one in sight. */
	view->console->why_tops = page.said > room ? page.said - room + 1 : 1;
	list_fit(list, view->console->why_tops, 1);
	list->page = room;
	page.drawing = true;
	page.first = list->selected;
	page.end = page.first + room;
	banner_draw(view, 0);
	say_all(&page);
	hints_draw(view, rows - 2);
	message_draw(view, rows - 1);
}
