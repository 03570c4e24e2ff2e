/*
 * Kind replay: a recording played again at its own pace, its first sample taking the time at which
 * the source was made. There is no transport: every ask yields what has come due since the ask
 * before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/observation.h"
#include "backends/recording.h"
#include "backends/source.h"
#include "core/base/error.h"

#define REPLAY_SAMPLES_MOST 4000000
#define REPLAY_ENTITIES_MOST 65536

/* One entity of the recording; samples point at it. */
struct subject {
	struct recording_row row; /* one that speaks of it */
	uint64_t hash;
};

struct replay_sample {
	int64_t at_ms; /* already shifted */
	double value;
	uint32_t subject;
	int32_t interval_ms;
	enum signal signal;
};

struct replay {
	struct subject *subjects;
	size_t subject_count, subject_capacity;
	uint32_t *index; /* hash to subject + 1; open addressing */
	size_t index_capacity;
	struct replay_sample *samples; /* in order of time */
	size_t sample_count, sample_capacity;
	size_t skipped; /* lines about signals this program does not know */
};

static void destroy(void *instance)
{
	struct replay *replay = instance;
	if (!replay)
		return;
	free(replay->subjects);
	free(replay->index);
	free(replay->samples);
	free(replay);
}

static bool same_subject(const struct recording_row *a, const struct recording_row *b)
{
	return a->kind == b->kind && strcmp(a->path, b->path) == 0 &&
	       strcmp(a->region, b->region) == 0 && strcmp(a->name, b->name) == 0;
}

static uint32_t *probe(struct replay *replay, uint64_t hash, const struct recording_row *row)
{
	size_t at = (size_t)hash_mix(hash) & (replay->index_capacity - 1);
	while (replay->index[at] != 0) {
		const struct subject *subject = &replay->subjects[replay->index[at] - 1];
		if (row && subject->hash == hash && same_subject(&subject->row, row))
			break;
		at = (at + 1) & (replay->index_capacity - 1);
	}
	return &replay->index[at];
}

static bool grow_subjects(struct replay *replay, struct error *error)
{
	if (replay->subject_count == REPLAY_ENTITIES_MOST)
		return error_set(error, ERROR_LIMIT, "the recording names more than %d entities",
			REPLAY_ENTITIES_MOST);
	size_t capacity = replay->subject_capacity ? replay->subject_capacity * 2 : 64;
	struct subject *subjects = realloc(replay->subjects, capacity * sizeof(*subjects));
	if (!subjects)
		return error_no_memory(error, "a recording");
	replay->subjects = subjects;
	uint32_t *index = calloc(capacity * 2, sizeof(*index));
	if (!index)
		return error_no_memory(error, "a recording");
	free(replay->index);
	replay->index = index;
	replay->index_capacity = capacity * 2;
	replay->subject_capacity = capacity;
	for (size_t i = 0; i < replay->subject_count; i++)
		*probe(replay, subjects[i].hash, NULL) = (uint32_t)i + 1;
	return true;
}

static bool find_subject(
	struct replay *replay, const struct recording_row *row, uint32_t *out, struct error *error)
{
	uint64_t hash = hash_string(hash_string(HASH_START, row->path), row->region);
	if (replay->subject_count == replay->subject_capacity && !grow_subjects(replay, error))
		return false;
	uint32_t *place = probe(replay, hash, row);
	if (*place == 0) {
		replay->subjects[replay->subject_count++] = (struct subject){*row, hash};
		*place = (uint32_t)replay->subject_count;
	}
	*out = *place - 1;
	return true;
}

static bool keep(struct replay *replay, const struct recording_row *row, struct error *error)
{
	if (replay->sample_count == REPLAY_SAMPLES_MOST)
		return error_set(error, ERROR_LIMIT, "the recording has more than %d samples",
			REPLAY_SAMPLES_MOST);
	if (replay->sample_count == replay->sample_capacity) {
		size_t capacity = replay->sample_capacity ? replay->sample_capacity * 2 : 1024;
		struct replay_sample *samples =
			realloc(replay->samples, capacity * sizeof(*samples));
		if (!samples)
			return error_no_memory(error, "a recording");
		replay->samples = samples;
		replay->sample_capacity = capacity;
	}
	struct replay_sample sample = {.at_ms = row->at_ms,
		.value = row->value,
		.interval_ms = row->interval_ms,
		.signal = row->signal};
	if (!find_subject(replay, row, &sample.subject, error))
		return false;
	replay->samples[replay->sample_count++] = sample;
	return true;
}

static int compare_samples(const void *left, const void *right)
{
	const struct replay_sample *a = left, *b = right;
	return (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
}

static bool read_file(struct replay *replay, FILE *file, struct error *error)
{
	char line[RECORDING_LINE_BYTES + 2];
	for (size_t number = 1; fgets(line, sizeof(line), file); number++) {
		size_t length = strlen(line);
		bool whole = length > 0 && line[length - 1] == '\n';
		if (!whole && feof(file))
			break; /* the recorder was killed in the middle of its last line */
		struct recording_row row;
		struct error trouble = {0};
		if (!recording_parse(line, length, &row, &trouble)) {
			if (trouble.kind == ERROR_SCHEMA) {
				replay->skipped++;
				continue;
			}
			error_set(error, trouble.kind, "%s", trouble.text);
			return error_prefix(error, "line %zu", number);
		}
		if (!keep(replay, &row, error))
			return false;
	}
	if (ferror(file))
		return error_errno(error, "cannot read");
	if (replay->sample_count == 0)
		return error_set(error, ERROR_SCHEMA, "it holds no samples");
	return true;
}

static bool load(struct replay *replay, const char *path, int64_t now_ms, struct error *error)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return error_errno(error, "cannot open the recording '%s'", path);
	bool good = read_file(replay, file, error);
	fclose(file);
	if (!good)
		return error_prefix(error, "the recording '%s'", path);
	qsort(replay->samples, replay->sample_count, sizeof(*replay->samples), compare_samples);
	int64_t shift_ms = now_ms - replay->samples[0].at_ms;
	for (size_t i = 0; i < replay->sample_count; i++)
		replay->samples[i].at_ms += shift_ms;
	return true;
}

static void *create(const struct backend_setup *setup, struct error *error)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	if (!replay) {
		error_no_memory(error, "a recording");
		return NULL;
	}
	if (!load(replay, setup->source->file, setup->now_ms, error)) {
		destroy(replay);
		return NULL;
	}
	return replay;
}

static size_t steps(const void *instance, size_t target, bool past)
{
	(void)instance;
	(void)target;
	return past ? 0 : 1;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	(void)instance;
	(void)ask;
	(void)scratch;
	(void)error;
	out->http.url = NULL;
	return true;
}

/* The first sample later than `at_ms`. */
static size_t first_after(const struct replay *replay, int64_t at_ms)
{
	size_t low = 0, high = replay->sample_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (replay->samples[middle].at_ms <= at_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct replay *replay = instance;
	(void)answer;
	(void)scratch;
	size_t until = first_after(replay, ask->now_ms);
	for (size_t i = first_after(replay, ask->since_ms); i < until; i++) {
		const struct replay_sample *sample = &replay->samples[i];
		struct observation observation = {.group = OBSERVATION_ALONE,
			.series = i,
			.signal = sample->signal,
			.interval_ms = sample->interval_ms,
			.at_ms = sample->at_ms,
			.value = sample->value};
		if (!recording_intern(sink->fleet, &replay->subjects[sample->subject].row,
			    &observation.entity, error) ||
			!observations_add(sink, &observation, error))
			return false;
	}
	if (until == replay->sample_count)
		observations_warn(sink, "the recording has come to its end");
	else if (replay->skipped > 0)
		observations_warn(sink,
			"%zu lines of the recording are about things this version "
			"does not know",
			replay->skipped);
	return true;
}

static const char *const keys[] = {"file", NULL};

const struct backend_ops replay_ops = {
	.name = "replay",
	.help = "A recording, played again at its own pace.",
	.keys = keys,
	.needs = keys,
	.trust = 100,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
