#include "app/engine.h"

#include <signal.h>
#include <stdlib.h>

#include "app/config.h"
#include "backends/poller.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"
#include "tests/unit/backends/responder.h"

#define PATIENCE_MS 30000

struct watch {
	struct responder responder;
	struct config *config;
	struct engine engine;
	unsigned assessments;
};

static const char page[] =
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
	"pg_up 1\nused 41\n";

static const char *answer(void *context, const char *request, unsigned nth)
{
	(void)context;
	(void)request;
	(void)nth;
	return page;
}

static void on_tick(void *context)
{
	struct watch *watch = context;
	watch->assessments++;
}

static void watch_open(struct watch *watch, const char *yaml)
{
	char path[] = "/tmp/engine-XXXXXX";
	struct complaints complaints;
	struct error error = {0};
	*watch = (struct watch){0};
	responder_start(&watch->responder, answer, NULL);
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	dprintf(fd, "%s", "version: 1\nsources:\n");
	for (int i = 0; i < 3; i++)
		dprintf(fd,
			"  page%d: {kind: exposition, url: 'http://127.0.0.1:%d/', every: %s, "
			"labels: {cluster: c, replica: r%d}}\n",
			i, watch->responder.port, yaml, i);
	dprintf(fd, "signals: {replica.up: {from: [page0, page1, page2], metric: pg_up}}\n");
	close(fd);
	complaints_init(&complaints);
	watch->config = config_read(path, &complaints);
	ck_assert_ptr_nonnull(watch->config);
	complaints_finish(&complaints);
	unlink(path);
	ck_assert(engine_init(&watch->engine, watch->config, NULL, &error));
	watch->engine.on_tick = on_tick;
	watch->engine.context = watch;
	engine_start(&watch->engine);
}

static void watch_close(struct watch *watch)
{
	engine_finish(&watch->engine);
	config_destroy(watch->config);
	responder_stop(&watch->responder);
}

static void turn(struct watch *watch, int64_t deadline_ms)
{
	struct error error = {0};
	ck_assert_int_lt(loop_now_ms(watch->engine.loop), deadline_ms);
	ck_assert(loop_turn(watch->engine.loop, 50, &error));
}

/* From the moment when a poll has ended, the next assessment is due as its pace says, and is of
 * what the poll said. */
START_TEST(an_answer_brings_an_assessment)
{
	struct watch watch;
	watch_open(&watch, "1h");
	struct engine *engine = &watch.engine;
	int64_t deadline_ms = loop_now_ms(engine->loop) + PATIENCE_MS;
	while (engine->pace.news_ms == 0 || watch.assessments == 0)
		turn(&watch, deadline_ms);
	ck_assert_uint_gt(poller_answered(engine->poller), 0);
	ck_assert_int_eq(engine->timer_ms, pace_due_ms(&engine->pace));
	ck_assert_int_le(engine->timer_ms, engine->pace.ended_ms + PACE_TICK_MS);
	unsigned before = watch.assessments;
	while (watch.assessments == before)
		turn(&watch, deadline_ms);
	size_t answered = 0;
	for (uint32_t id = 0; id < engine->snapshot->entity_count; id++)
		answered += snapshot_reading(engine->snapshot, id, SIGNAL_REPLICA_UP)->at_ms != 0;
	ck_assert_uint_gt(answered, 0);
	watch_close(&watch);
}
END_TEST

/* However often it assesses, of its own figures history keeps one in a second. */
START_TEST(figures_are_kept_once_a_second)
{
	struct watch watch;
	struct sample samples[64];
	watch_open(&watch, "100ms");
	struct engine *engine = &watch.engine;
	int64_t from_ms = loop_now_ms(engine->loop);
	while (watch.assessments < 12)
		turn(&watch, from_ms + PATIENCE_MS);
	size_t count = history_window(
		engine->history, ENTITY_ROOT, SIGNAL_STAGE_REPLICAS, 0, INT64_MAX, samples, 64);
	for (size_t i = 1; i < count; i++)
		ck_assert_int_ge(samples[i].at_ms - samples[i - 1].at_ms, ENGINE_RECORD_MS);
	ck_assert_uint_le(
		count, (size_t)(loop_now_ms(engine->loop) - from_ms) / ENGINE_RECORD_MS + 1);
	watch_close(&watch);
}
END_TEST

static Suite *engine_suite(void)
{
	Suite *suite = suite_create("engine");
	TCase *cases = tcase_create("engine");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, an_answer_brings_an_assessment);
	tcase_add_test(cases, figures_are_kept_once_a_second);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	SRunner *runner = srunner_create(engine_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
