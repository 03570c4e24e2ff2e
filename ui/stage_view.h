/*
 * stage_view.h - a link of the chain as screens show it: label, figures, chart, and the window of
 * time charts share.
 */
#ifndef UI_STAGE_VIEW_H
#define UI_STAGE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/assess/assess.h"
#include "ui/figure.h"

struct canvas;
struct history;
struct snapshot;

#define STAGE_CHART_MOST 240

/* Short enough for a table: "attempts/request". */
const char *stage_label(enum stage stage);

/* "4/5", "1.34x", "97%", "3.4"; "?" when not known. */
void stage_now(const struct assessment *assessment, enum stage stage, char out[FIGURE_BYTES]);
void stage_baseline(const struct assessment *assessment, enum stage stage, char out[FIGURE_BYTES]);
/* How many times the baseline; "-" where that says nothing. */
void stage_times(const struct assessment *assessment, enum stage stage, char out[FIGURE_BYTES]);

/* The span of time that all charts of a screen share. */
struct window {
	int64_t from_ms, until_ms;
	char label[8]; /* "-10m" */
};

/*
 * The smallest of 2, 5, 10, 20, 30, 60 minutes that shows the incident in progress and what came
 * before it, or else all that is known; `minutes` above 0 asks for a width.
 */
struct window window_choose(const struct history *history, const struct assessment *assessment,
	int64_t now_ms, int minutes);

/* A chart of the stage in `columns` cells; gaps stay gaps. */
void stage_chart(const struct history *history, const struct assessment *assessment,
	enum stage stage, const struct window *window, struct canvas *canvas, int row, int column,
	int columns);

/* A strip of one cluster's pressure, 0 to 1, over the same time. */
void pressure_chart(const struct history *history, uint32_t cluster, const struct window *window,
	struct canvas *canvas, int row, int column, int columns);

/* The longest interval at which a source is polled: the yardstick for ages that several sources
 * share. */
int64_t snapshot_interval_ms(const struct snapshot *snapshot);

/* Age of what an assessment stands on, by now: also when no newer assessment has come. -1 unknown.
 */
int64_t assessment_age_ms(const struct assessment *assessment, int64_t now_ms);

/* Freshness of an age by that yardstick. */
bool age_is_late(const struct snapshot *snapshot, int64_t age_ms);  /* beyond 1.5 intervals */
bool age_is_stale(const struct snapshot *snapshot, int64_t age_ms); /* beyond 3 */

#endif
