#include "backends/observation.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/order.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"

void observations_init(struct observations *sink, struct fleet *fleet)
{
	*sink = (struct observations){.fleet = fleet};
}

void observations_finish(struct observations *sink)
{
	free(sink->rows);
	*sink = (struct observations){.fleet = sink->fleet};
}

void observations_clear(struct observations *sink)
{
	sink->count = 0;
	sink->past = false;
	sink->warnings = 0;
	sink->warning[0] = '\0';
	sink->detail[0] = '\0';
	sink->peer_ms = 0;
}

bool observations_add(struct observations *sink, const struct observation *row, struct error *error)
{
	if (!isfinite(row->value))
		return true;
	if (sink->count == OBSERVATIONS_MOST)
		return error_set(error, ERROR_LIMIT,
			"one answer gives more than %d values: narrow the rows that ask for it",
			OBSERVATIONS_MOST);
	if (sink->count == sink->capacity) {
		size_t capacity = sink->capacity ? sink->capacity * 2 : 64;
		struct observation *rows = realloc(sink->rows, capacity * sizeof(*rows));
		if (!rows)
			return error_no_memory(error, "observations");
		sink->rows = rows;
		sink->capacity = capacity;
	}
	sink->rows[sink->count++] = *row;
	return true;
}

void observations_warn(struct observations *sink, const char *format, ...)
{
	if (sink->warnings++ > 0)
		return;
	char raw[OBSERVATION_WARNING_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(raw, sizeof(raw), format, arguments);
	va_end(arguments);
	sanitise(raw, strlen(raw), sink->warning, sizeof(sink->warning));
}

void observations_describe(struct observations *sink, const char *format, ...)
{
	char raw[2 * OBSERVATION_DETAIL_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(raw, sizeof(raw), format, arguments);
	va_end(arguments);
	sanitise(raw, strlen(raw), sink->detail, sizeof(sink->detail));
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_place(const struct observation *a, const struct observation *b)
{
	int order = compare_u64(a->group, b->group);
	if (order == 0)
		order = compare_u64(a->entity, b->entity);
	if (order == 0)
		order = compare_u64(a->signal, b->signal);
	return order;
}

int observations_by_series(const struct observation *a, const struct observation *b)
{
	int order = compare_place(a, b);
	if (order == 0)
		order = (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
	if (order == 0)
		order = compare_u64(a->series, b->series);
	return order;
}

static bool is_repeat(const struct observation *a, const struct observation *b)
{
	return a->group != OBSERVATION_ALONE && a->series == b->series && a->at_ms == b->at_ms &&
	       compare_place(a, b) == 0;
}

static bool sort_by(struct observations *sink, order_fn *compare, struct error *error)
{
	struct order order;
	if (!order_begin(&order, sink->rows, sink->count, compare, error))
		return false;
	order_step(&order, SIZE_MAX);
	return true;
}

void observations_drop_repeats(struct observations *sink)
{
	size_t kept = sink->count > 0 ? 1 : 0;
	for (size_t i = 1; i < sink->count; i++) {
		if (is_repeat(&sink->rows[kept - 1], &sink->rows[i])) {
			observations_warn(sink,
				"the same series of %s comes twice in one answer: "
				"only the first was counted",
				signal_row(sink->rows[i].signal)->name);
			continue;
		}
		sink->rows[kept++] = sink->rows[i];
	}
	sink->count = kept;
}

bool observations_sort(struct observations *sink, struct error *error)
{
	if (!sort_by(sink, observations_by_series, error))
		return false;
	observations_drop_repeats(sink);
	return true;
}

static double merged_value(enum signal_merge merge, double a, double b)
{
	if (merge == MERGE_WORST_HIGH)
		return fmax(a, b);
	if (merge == MERGE_WORST_LOW)
		return fmin(a, b);
	return a + b;
}

static bool belongs(
	const struct observations *sink, const struct observation *a, const struct observation *b)
{
	return a->group != OBSERVATION_ALONE && compare_place(a, b) == 0 &&
	       (!sink->past || a->at_ms == b->at_ms);
}

/* By what is measured, so that alternatives of different groups come together, first group first.
 */
int observations_by_fact(const struct observation *a, const struct observation *b)
{
	int order = compare_u64(a->entity, b->entity);
	if (order == 0)
		order = compare_u64(a->signal, b->signal);
	if (order == 0)
		order = (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
	if (order == 0)
		order = compare_u64(a->group, b->group);
	return order;
}

void observations_drop_alternatives(struct observations *sink)
{
	/* The present has one value per entity and signal: among times, too, the first group wins.
	 */
	size_t kept = 0;
	for (size_t i = 0; i < sink->count; i++) {
		struct observation *row = &sink->rows[i];
		struct observation *last = kept ? &sink->rows[kept - 1] : NULL;
		bool same = last && last->entity == row->entity && last->signal == row->signal &&
			    last->group != OBSERVATION_ALONE && row->group != OBSERVATION_ALONE &&
			    (!sink->past || last->at_ms == row->at_ms);
		if (!same)
			sink->rows[kept++] = *row;
		else if (row->group < last->group)
			*last = *row;
	}
	sink->count = kept;
}

/* The value of a difference; false when a term is missing. */
static bool subtract_terms(struct observations *sink, size_t from, size_t until)
{
	struct observation *first = &sink->rows[from];
	unsigned seen = 0;
	double value = 0;
	for (size_t i = from; i < until; i++) {
		const struct observation *row = &sink->rows[i];
		seen |= 1u << row->term;
		value += row->term == 0 ? row->value : -row->value;
		if (row->at_ms < first->at_ms)
			first->at_ms = row->at_ms;
	}
	if (seen != (1u << first->terms) - 1)
		return false;
	/* Counters are not read at one instant: a hair below nothing is nothing. */
	first->value = value < 0 && signal_row(first->signal)->min >= 0 ? 0 : value;
	first->terms = 0;
	return true;
}

/* Make one value of every difference, before series are merged. */
static void apply_terms(struct observations *sink)
{
	size_t kept = 0;
	for (size_t from = 0, until = 0; from < sink->count; from = until) {
		until = from + 1;
		if (sink->rows[from].terms < 2) {
			sink->rows[kept++] = sink->rows[from];
			continue;
		}
		while (until < sink->count && belongs(sink, &sink->rows[from], &sink->rows[until]))
			until++;
		if (subtract_terms(sink, from, until))
			sink->rows[kept++] = sink->rows[from];
	}
	sink->count = kept;
}

void observations_merge_series(struct observations *sink)
{
	size_t kept = 0;
	apply_terms(sink);
	for (size_t i = 0; i < sink->count; i++) {
		struct observation *row = &sink->rows[i];
		struct observation *last = kept ? &sink->rows[kept - 1] : NULL;
		if (!last || !belongs(sink, last, row)) {
			sink->rows[kept++] = *row;
			continue;
		}
		enum signal_merge merge = signal_row(row->signal)->merge;
		last->value = merged_value(merge, last->value, row->value);
		if (row->at_ms < last->at_ms)
			last->at_ms = row->at_ms;
	}
	sink->count = kept;
}

bool observations_merge(struct observations *sink, struct error *error)
{
	observations_merge_series(sink);
	if (!sort_by(sink, observations_by_fact, error))
		return false;
	observations_drop_alternatives(sink);
	return true;
}

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	for (size_t i = 0; i < length; i++) {
		hash ^= at[i];
		hash *= 0x100000001b3ull;
	}
	return hash;
}

uint64_t hash_string(uint64_t hash, const char *string)
{
	return hash_bytes(hash, string, strlen(string) + 1);
}

uint64_t hash_mix(uint64_t hash)
{
	hash ^= hash >> 31;
	hash *= 0x7fb5d329728ea185ull;
	hash ^= hash >> 27;
	hash *= 0x81dadef4bc2dd44dull;
	return hash ^ (hash >> 33);
}
