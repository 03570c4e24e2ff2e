#include "ui/stage_view.h"

#include <math.h>
#include <stdio.h>

#include "core/fleet/entity.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"
#include "ui/canvas.h"

#define MINUTE_MS 60000
#define BUCKET_LEAST_MS 2000 /* narrower columns than samples would show gaps that are none */
#define INTERVAL_DEFAULT_MS 1000

typedef void figure_fn(double value, char out[FIGURE_BYTES]);

struct stage_row {
	const char *label;
	enum signal signal;
	figure_fn *figure;
	double chart_top; /* the chart reaches at least this high */
	double chart_low;
	bool has_times;
};

static void attempts_figure(double value, char out[FIGURE_BYTES])
{
	if (isnan(value))
		snprintf(out, FIGURE_BYTES, "?");
	else
		snprintf(out, FIGURE_BYTES, "%.2f", value);
}

static const struct stage_row rows[STAGE_COUNT] = {
	[STAGE_REPLICAS] = {"replicas serving", SIGNAL_STAGE_REPLICAS, figure_percent, 1.0, 0.8,
		false},
	[STAGE_LOAD] = {"load per replica", SIGNAL_STAGE_LOAD, figure_factor, 1.5, 0.5, true},
	[STAGE_POOL] = {"pool in use", SIGNAL_STAGE_POOL, figure_percent, 1.0, 0.0, true},
	[STAGE_AUTH] = {"auth failures", SIGNAL_STAGE_AUTH, figure_percent_fine, 0.05, 0.0, true},
	[STAGE_ATTEMPTS] = {"attempts/request", SIGNAL_STAGE_ATTEMPTS, attempts_figure, 2.0, 1.0,
		true},
	[STAGE_ERRORS] = {"user errors", SIGNAL_STAGE_ERRORS, figure_percent_fine, 0.05, 0.0, true},
};

const char *stage_label(enum stage stage)
{
	return rows[stage].label;
}

void stage_now(const struct assessment *assessment, enum stage stage, char out[FIGURE_BYTES])
{
	const struct stage_assessment *now = &assessment->stages[stage];
	if (!now->known)
		snprintf(out, FIGURE_BYTES, "?");
	else if (stage == STAGE_REPLICAS && !isnan(now->count) && !isnan(now->of))
		snprintf(out, FIGURE_BYTES, "%.0f/%.0f", now->count, now->of);
	else
		rows[stage].figure(now->now, out);
}

void stage_baseline(const struct assessment *assessment, enum stage stage, char out[FIGURE_BYTES])
{
	const struct stage_assessment *now = &assessment->stages[stage];
	if (isnan(now->baseline))
		snprintf(out, FIGURE_BYTES, "?");
	else if (stage == STAGE_REPLICAS && !isnan(now->of))
		snprintf(out, FIGURE_BYTES, "%.0f/%.0f", round(now->baseline * now->of), now->of);
	else
		rows[stage].figure(now->baseline, out);
}

void stage_times(const struct assessment *assessment, enum stage stage, char out[FIGURE_BYTES])
{
	const struct stage_assessment *now = &assessment->stages[stage];
	/* Against a baseline of next to nothing every factor is huge and says nothing. */
	bool useful = rows[stage].has_times && now->known && now->baseline > 0.0005;
	double times = useful ? now->now / now->baseline : NAN;
	if (isnan(times))
		snprintf(out, FIGURE_BYTES, "-");
	else
		snprintf(out, FIGURE_BYTES, "%.*f", times < 9.95 ? 1 : 0, times);
}

static bool has_samples(const struct history *history, int64_t from_ms, int64_t until_ms)
{
	struct sample sample;
	for (int signal = SIGNAL_STAGE_REPLICAS; signal <= SIGNAL_STAGE_ERRORS; signal++) {
		if (history_window(history, ENTITY_ROOT, (enum signal)signal, from_ms, until_ms,
			    &sample, 1) > 0)
			return true;
	}
	return false;
}

struct window window_choose(const struct history *history, const struct assessment *assessment,
	int64_t now_ms, int minutes)
{
	static const int ladder[] = {2, 5, 10, 20, 30, 60};
	static const size_t steps = sizeof ladder / sizeof *ladder;
	int64_t incident_ms = assessment && assessment->incident_start_ms > 0
				      ? now_ms - assessment->incident_start_ms
				      : 0;
	size_t chosen = 0;
	while (minutes <= 0 && chosen + 1 < steps) {
		int64_t width_ms = (int64_t)ladder[chosen] * MINUTE_MS;
		bool wanted = incident_ms > 0 ? incident_ms > width_ms * 2 / 3
					      : chosen + 2 < steps && history &&
							has_samples(history, 0, now_ms - width_ms);
		if (!wanted)
			break;
		chosen++;
	}
	int width = minutes > 0 ? minutes : ladder[chosen];
	struct window window = {.from_ms = now_ms - (int64_t)width * MINUTE_MS, .until_ms = now_ms};
	snprintf(window.label, sizeof window.label, "-%dm", width % 1000);
	return window;
}

/* Buckets for a chart: as many as there are columns, unless they would be narrower than samples. */
static size_t read_buckets(const struct history *history, uint32_t entity, enum signal signal,
	const struct window *window, int columns, double *out)
{
	int64_t most = (window->until_ms - window->from_ms) / BUCKET_LEAST_MS;
	int64_t count = columns < most ? columns : most;
	count = count > STAGE_CHART_MOST ? STAGE_CHART_MOST : count;
	if (count < 1 || !history)
		return 0;
	/* Edges at whole multiples of the width: bars stand still instead of shimmering. */
	int64_t span_ms = (window->until_ms - window->from_ms) / count;
	int64_t until_ms = (window->until_ms + span_ms - 1) / span_ms * span_ms;
	history_buckets(
		history, entity, signal, until_ms - span_ms * count, until_ms, out, (size_t)count);
	return (size_t)count;
}

/* Wider than its buckets: each is drawn as often as it takes. */
static void draw_stretched(struct canvas *canvas, int row, int column, int columns, enum role role,
	const double *values, size_t count, double low, double high)
{
	double wide[STAGE_CHART_MOST];
	int used = columns < STAGE_CHART_MOST ? columns : STAGE_CHART_MOST;
	for (int i = 0; i < used; i++)
		wide[i] = values[(size_t)i * count / (size_t)used];
	canvas_spark(canvas, row, column, role, wide, (size_t)used, low, high);
}

void stage_chart(const struct history *history, const struct assessment *assessment,
	enum stage stage, const struct window *window, struct canvas *canvas, int row, int column,
	int columns)
{
	double values[STAGE_CHART_MOST];
	size_t count =
		read_buckets(history, ENTITY_ROOT, rows[stage].signal, window, columns, values);
	if (count == 0)
		return;
	double top = rows[stage].chart_top;
	double baseline = assessment->stages[stage].baseline;
	if (!isnan(baseline) && baseline * 1.5 > top && stage != STAGE_POOL &&
		stage != STAGE_REPLICAS)
		top = baseline * 1.5;
	double low = rows[stage].chart_low;
	for (size_t i = 0; i < count; i++) {
		top = !isnan(values[i]) && values[i] > top ? values[i] : top;
		low = !isnan(values[i]) && values[i] < low ? values[i] : low;
	}
	draw_stretched(canvas, row, column, columns, ROLE_CHART, values, count, low, top);
}

void pressure_chart(const struct history *history, uint32_t cluster, const struct window *window,
	struct canvas *canvas, int row, int column, int columns)
{
	double values[STAGE_CHART_MOST];
	size_t count = read_buckets(history, cluster, SIGNAL_PRESSURE, window, columns, values);
	if (count > 0)
		draw_stretched(canvas, row, column, columns, ROLE_CHART, values, count, 0.0, 1.0);
}

int64_t snapshot_interval_ms(const struct snapshot *snapshot)
{
	int64_t longest_ms = 0;
	for (size_t i = 0; snapshot && i < snapshot->source_count; i++) {
		if (snapshot->sources[i].interval_ms > longest_ms)
			longest_ms = snapshot->sources[i].interval_ms;
	}
	return longest_ms > 0 ? longest_ms : INTERVAL_DEFAULT_MS;
}

int64_t assessment_age_ms(const struct assessment *assessment, int64_t now_ms)
{
	if (assessment->age_ms < 0)
		return -1;
	int64_t since_ms = now_ms > assessment->at_ms ? now_ms - assessment->at_ms : 0;
	return assessment->age_ms + since_ms;
}

bool age_is_late(const struct snapshot *snapshot, int64_t age_ms)
{
	return age_ms * 2 > snapshot_interval_ms(snapshot) * 3;
}

bool age_is_stale(const struct snapshot *snapshot, int64_t age_ms)
{
	return age_ms > snapshot_interval_ms(snapshot) * 3;
}
