/*
 * runbook_bench.h - a runbook on the fleet of scene.h, looked at whenever a test says so.
 */
#ifndef TESTS_UNIT_ACTIONS_RUNBOOK_BENCH_H
#define TESTS_UNIT_ACTIONS_RUNBOOK_BENCH_H

#include "actions/config.h"
#include "actions/runbook.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/text.h"
#include "tests/unit/actions/scene.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

struct bench {
	struct scene scene;
	struct arena *arena;
	struct complaints complaints;
	const struct runbook *runbook;
	struct runbook_state *state;
	struct runbook_order order;
	double weight, size; /* what later() reads of east-a */
};

/* `body`: what follows its name. */
static inline void open_bench(struct bench *bench, const char *body)
{
	char yaml[4096];
	struct error error = {0};
	const struct action_info infos[] = {
		{.name = "scale-pool", .verb = verb_find("pool.resize"), .transport = "ssh"},
		{.name = "divert", .verb = verb_find("cluster.divert"), .transport = "http"},
		{.name = "restore", .verb = verb_find("cluster.restore"), .transport = "http"},
	};
	scene_open(&bench->scene);
	bench->weight = 100;
	bench->size = 20;
	bench->arena = arena_create(4 * 1024 * 1024);
	complaints_init(&bench->complaints);
	snprintf(yaml, sizeof(yaml), "version: 1\nname: test\n%s", body);
	bench->runbook =
		runbook_parse(bench->arena, "test.yaml", yaml, strlen(yaml), &bench->complaints);
	ck_assert_msg(bench->runbook != NULL, "%s",
		bench->complaints.total ? bench->complaints.rows[0].text : "?");
	bench->state = runbook_begin(
		bench->runbook, NULL, 0, bench->scene.snapshot, infos, COUNT(infos), &error);
	ck_assert_msg(bench->state != NULL, "%s", error.text);
	bench->scene.assessment.stages[STAGE_ERRORS].known = true;
}

static inline void close_bench(struct bench *bench)
{
	runbook_end(bench->state);
	complaints_finish(&bench->complaints);
	arena_destroy(bench->arena);
	scene_close(&bench->scene);
}

static inline enum runbook_order_kind ask(struct bench *bench, const struct run_view *run)
{
	runbook_step(bench->state, bench->scene.snapshot, &bench->scene.assessment, run,
		bench->scene.now_ms, &bench->order);
	return bench->order.kind;
}

static inline enum runbook_order_kind ended(
	struct bench *bench, enum outcome_code code, const char *id)
{
	struct run_view view = {.code = code, .text = "words"};
	snprintf(view.id, sizeof(view.id), "%s", id);
	return ask(bench, &view);
}

static inline void errors(struct bench *bench, double ratio)
{
	bench->scene.assessment.stages[STAGE_ERRORS].now = ratio;
}

static inline void later(struct bench *bench, int64_t by_ms)
{
	scene_advance(&bench->scene, by_ms);
	scene_read(&bench->scene, bench->weight, 100, bench->size);
}

#endif
