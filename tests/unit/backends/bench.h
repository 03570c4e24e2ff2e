/*
 * bench.h - a kind of source on the workbench: a fleet file's text in, answers in, observations
 * out.
 *
 * Included by the tests of this folder; every failure is a failed check.
 */
#ifndef TESTS_UNIT_BACKENDS_BENCH_H
#define TESTS_UNIT_BACKENDS_BENCH_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/observation.h"
#include "backends/source.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "core/fleet/entity.h"

#define BENCH_NOW_MS 1795360066051LL

struct bench {
	struct arena *arena, *scratch;
	struct sources sources;
	const struct source_config *source; /* the first one */
	struct fleet *fleet;
	struct observations sink;
	void *instance;
	struct error error;
	struct backend_ask ask;
	struct backend_answer answer;
};

static inline void bench_read(struct bench *bench, const char *yaml)
{
	struct complaints complaints;
	struct text said;
	*bench = (struct bench){.arena = arena_create(1 << 22), .scratch = arena_create(1 << 24)};
	complaints_init(&complaints);
	text_init(&said, 1 << 16);
	const struct yaml_node *root =
		yaml_parse(bench->arena, "fleet.yaml", yaml, strlen(yaml), &complaints);
	bool good = root && sources_read(yaml_get(root, "sources"), yaml_get(root, "signals"),
				    "/etc/spillway", bench->arena, &bench->sources, &complaints);
	complaints_print(&complaints, &said);
	ck_assert_msg(good, "%s", text_string(&said));
	text_finish(&said);
	complaints_finish(&complaints);
	bench->fleet = fleet_create();
	observations_init(&bench->sink, bench->fleet);
}

static inline void bench_open(struct bench *bench, const char *yaml)
{
	bench_read(bench, yaml);
	bench->source = &bench->sources.rows[0];
	struct backend_setup setup = {bench->source, &bench->sources, BENCH_NOW_MS};
	bench->instance = bench->source->ops->create(&setup, &bench->error);
	ck_assert_msg(bench->instance != NULL, "%s", bench->error.text);
	bench->ask = (struct backend_ask){.now_ms = BENCH_NOW_MS};
	bench->answer = (struct backend_answer){.status = 200,
		.content_type = "text/plain",
		.location = "",
		.arrived_ms = BENCH_NOW_MS};
}

static inline void bench_close(struct bench *bench)
{
	if (bench->source)
		bench->source->ops->destroy(bench->instance);
	observations_finish(&bench->sink);
	fleet_destroy(bench->fleet);
	arena_destroy(bench->scratch);
	arena_destroy(bench->arena);
}

/* Whether the kind takes the body; the sink then holds what it says, merged. */
static inline bool bench_accept(struct bench *bench, const char *body)
{
	bench->answer.bytes = body;
	bench->answer.length = strlen(body);
	bench->error = (struct error){0};
	observations_clear(&bench->sink);
	bench->sink.past = bench->ask.past;
	arena_reset(bench->scratch);
	if (!bench->source->ops->accept(bench->instance, &bench->ask, &bench->answer,
		    bench->scratch, &bench->sink, &bench->error))
		return false;
	observations_sort(&bench->sink, NULL);
	observations_merge(&bench->sink, NULL);
	return true;
}

/* What was observed of one signal of one entity; NULL when nothing. */
static inline const struct observation *bench_find(
	const struct bench *bench, enum entity_kind kind, const char *path, enum signal signal)
{
	uint32_t entity = fleet_find_path(bench->fleet, kind, path);
	for (size_t i = 0; i < bench->sink.count; i++)
		if (bench->sink.rows[i].entity == entity && bench->sink.rows[i].signal == signal)
			return &bench->sink.rows[i];
	return NULL;
}

static inline double bench_value(
	const struct bench *bench, enum entity_kind kind, const char *path, enum signal signal)
{
	const struct observation *found = bench_find(bench, kind, path, signal);
	return found ? found->value : (double)NAN;
}

static inline int bench_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

#endif
