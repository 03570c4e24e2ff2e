#include <math.h>
#include <stdio.h>

#include "core/fleet/snapshot.h"
#include "ui/console/list_screen.h"

struct state_row {
	const char *word;
	enum role role;
};

static const struct state_row states[] = {
	[SOURCE_STARTING] = {"?starting", ROLE_UNKNOWN},
	[SOURCE_OK] = {" OK", ROLE_OK},
	[SOURCE_PARTIAL] = {"~partial", ROLE_WARNING},
	[SOURCE_FAILING] = {"!failing", ROLE_CRITICAL},
};

static void row_draw(const struct view *view, size_t index, struct area area, bool selected)
{
	const struct source_status *source = &view->model->snapshot->sources[index];
	enum role base = selected ? ROLE_SELECTED : ROLE_TEXT;
	char age[FIGURE_BYTES], every[FIGURE_BYTES], requests[FIGURE_BYTES];
	figure_age(source->last_ok_ms > 0 ? view->model->now_ms - source->last_ok_ms : -1, age);
	figure_age(source->interval_ms, every);
	figure_count((double)source->requests, requests);
	int at = area.column + 1;
	canvas_text(view->canvas, area.row, at, 16, base, source->name);
	canvas_text(view->canvas, area.row, at + 17, 10, states[source->state].role,
		states[source->state].word);
	canvas_text(view->canvas, area.row, at + 28, 11, base, source->kind);
	canvas_text_right(view->canvas, area.row, at + 39, 6, base, age);
	canvas_text_right(view->canvas, area.row, at + 46, 6, base, every);
	canvas_printf(view->canvas, area.row, at + 53, area.columns - at - 54, base,
		"%s polls, last took %.0f ms", requests, source->last_took_ms);
	if (source->trouble[0]) {
		canvas_fill(view->canvas, area.row, at + 53, 1, area.columns - at - 53, base);
		canvas_printf(view->canvas, area.row, at + 53, area.columns - at - 54, base,
			"%u failures in a row: %s", source->failures, source->trouble);
	}
}

static void detail(const struct view *view, size_t index, char *out, size_t size)
{
	const struct source_status *source = &view->model->snapshot->sources[index];
	char bytes[FIGURE_BYTES], next[FIGURE_BYTES];
	figure_count((double)source->bytes, bytes);
	figure_age(source->next_try_ms > view->model->now_ms
			   ? source->next_try_ms - view->model->now_ms
			   : 0,
		next);
	snprintf(out, size, "%s: %s%s%s%s%s bytes read so far, next poll in %s", source->name,
		source->detail, source->detail[0] ? "; " : "", source->trouble,
		source->trouble[0] ? "; " : "", bytes, next);
}

void sources_draw(const struct view *view)
{
	size_t count = view->model->snapshot ? view->model->snapshot->source_count : 0;
	list_screen_draw(view, SCREEN_SOURCES,
		"SOURCES           STATE      KIND         AGE  EVERY  HOW IT DOES", count,
		row_draw, detail, "no source is configured");
}
