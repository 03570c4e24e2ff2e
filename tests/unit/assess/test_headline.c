/* The one sentence, from assessments made by hand. */
#include "core/assess/headline.h"

#include "box.h"

#include "core/assess/replica.h"

/* Four calm clusters in a fleet that is only lent; each test says what is the matter. */
struct desk {
	struct box box;
	struct replica_memory replicas[64];
};

static void desk_init(struct desk *it)
{
	*it = (struct desk){0};
	box_init(&it->box, 4);
	box_run(&it->box, 20);
	ck_assert_uint_eq(it->box.seen.cluster_count, 4);
}

/* The first `count` clusters are in that phase, as the fleet then is. */
static void say(struct desk *it, enum phase phase, size_t count)
{
	it->box.seen.phase = phase;
	for (size_t i = 0; i < 4; i++)
		it->box.seen.clusters[i].phase = i < count ? phase : PHASE_NORMAL;
}

static void expect(struct desk *it, const char *text)
{
	headline_make(it->box.snapshot, it->replicas, &it->box.seen);
	ck_assert_str_eq(it->box.seen.headline, text);
}

/* Three are named, and how many more there are. */
START_TEST(places)
{
	struct desk it;
	desk_init(&it);
	it.box.seen.stages[STAGE_POOL].now = 0.99;
	say(&it, PHASE_SATURATION, 0);
	expect(&it, "pools full in the fleet");
	say(&it, PHASE_SATURATION, 1);
	expect(&it, "pools full in east-a");
	say(&it, PHASE_SATURATION, 3);
	expect(&it, "pools full in east-a, east-b, west-a");
	say(&it, PHASE_SATURATION, 4);
	expect(&it, "pools full in east-a, east-b, west-a and 1 more");
	box_finish(&it.box);
}
END_TEST

/* Clients that wait are counted where one does at least, and where they are counted at all. */
START_TEST(who_waits)
{
	struct desk it;
	desk_init(&it);
	it.box.seen.stages[STAGE_POOL].now = 0.9;
	say(&it, PHASE_SATURATION, 1);
	struct cluster_assessment *row = &it.box.seen.clusters[0];
	row->waiting = 1;
	expect(&it, "clients wait for connections in east-a: 1 clients wait");
	row->waiting = 0.9;
	expect(&it, "clients wait for connections in east-a");
	row->waiting = NAN;
	expect(&it, "clients wait for connections in east-a");
	row->waiting = 40;
	it.box.seen.cluster_count = 0;
	expect(&it, "clients wait for connections in the fleet");
	box_finish(&it.box);
}
END_TEST

START_TEST(what_triggered_it)
{
	struct desk it;
	desk_init(&it);
	say(&it, PHASE_TRIGGER, 1);
	struct cluster_assessment *row = &it.box.seen.clusters[0];
	row->pool_use = 0.7;
	expect(&it, "capacity of east-a was cut; east-a is left with pools at 70%");
	row->starved_count = 1;
	row->starved = it.box.clusters[0].replicas[2];
	expect(&it, "replica east-a/r3 answers less than half of its share of reads; east-a is "
		    "left with "
		    "pools at 70%");
	uint32_t lost = it.box.clusters[0].replicas[1];
	it.box.seen.stages[STAGE_REPLICAS].worst = lost;
	it.replicas[lost].state = REPLICA_DOWN;
	it.replicas[lost].since_ms = BOX_START_MS;
	expect(&it, "replica east-a/r2 down since 17:06:00Z; east-a is left with pools at 70%");
	/* One of another cluster is not what this sentence is about. */
	it.box.seen.stages[STAGE_REPLICAS].worst = it.box.clusters[1].replicas[1];
	it.replicas[it.box.clusters[1].replicas[1]].state = REPLICA_DOWN;
	row->starved_count = 0;
	expect(&it, "capacity of east-a was cut; east-a is left with pools at 70%");
	it.box.seen.stages[STAGE_REPLICAS].worst = ENTITY_NONE;
	row->starved_count = 1;
	it.box.seen.cluster_count = 0;
	expect(&it, "capacity of the fleet was cut");
	box_finish(&it.box);
}
END_TEST

START_TEST(where_load_went)
{
	struct desk it;
	desk_init(&it);
	say(&it, PHASE_LOAD_SHIFT, 1);
	struct cluster_assessment *row = &it.box.seen.clusters[0];
	row->load = 1.33;
	row->pool_use = 0.8;
	expect(&it, "load has shifted in east-a: 1.33x per replica, pools 80%");
	row->load = NAN;
	expect(&it, "load has shifted in east-a");
	row->load = 1.33;
	it.box.seen.cluster_count = 0;
	expect(&it, "load has shifted in the fleet");
	box_finish(&it.box);
}
END_TEST

START_TEST(nothing_can_be_said)
{
	struct desk it;
	desk_init(&it);
	say(&it, PHASE_BLIND, 4);
	it.box.seen.sources_total = 3;
	it.box.seen.sources_ok = 1;
	it.box.seen.age_ms = 0;
	expect(&it, "nothing can be said: 1 of 3 sources answer");
	it.box.seen.sources_ok = 0;
	it.box.seen.age_ms = -1;
	expect(&it, "nothing can be said: 0 of 3 sources answer, none has yet");
	box_finish(&it.box);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("headline");
	TCase *tests = tcase_create("headline");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, places);
	tcase_add_test(tests, who_waits);
	tcase_add_test(tests, what_triggered_it);
	tcase_add_test(tests, where_load_went);
	tcase_add_test(tests, nothing_can_be_said);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
