/* What holds between clusters: their order, their ages, whose door fleet-wide figures are laid at.
 */
#include "box.h"

#include "core/assess/limits.h"

/* Clusters of two replicas each, whose services and surfaces are measured fleet-wide alone. */
#define PLAIN_CLUSTERS 3
struct plain {
	struct box box;
	uint32_t clusters[PLAIN_CLUSTERS], replicas[PLAIN_CLUSTERS][2], auth, web;
	double busy[PLAIN_CLUSTERS], waiting[PLAIN_CLUSTERS]; /* of each replica */
	bool away[PLAIN_CLUSTERS];                            /* the second of them is */
	double first, failures, requests, errors;             /* per second; NAN: not said */
};

static void plain_init(struct plain *it)
{
	static const char *const names[PLAIN_CLUSTERS] = {"a", "b", "c"};
	*it = (struct plain){.first = 2000, .failures = 0, .requests = 2000, .errors = 0};
	box_init(&it->box, 0);
	for (size_t i = 0; i < PLAIN_CLUSTERS; i++) {
		it->clusters[i] = box_intern(&it->box, ENTITY_CLUSTER, ENTITY_ROOT, names[i]);
		it->replicas[i][0] = box_intern(&it->box, ENTITY_REPLICA, it->clusters[i], "r1");
		it->replicas[i][1] = box_intern(&it->box, ENTITY_REPLICA, it->clusters[i], "r2");
		it->busy[i] = 6;
	}
	it->auth = box_intern(&it->box, ENTITY_SERVICE, ENTITY_ROOT, "auth");
	it->web = box_intern(&it->box, ENTITY_SURFACE, ENTITY_ROOT, "web");
}

static void put(struct box *box, uint32_t entity, enum signal signal, double value)
{
	if (!isnan(value))
		box_put(box, entity, signal, value);
}

static void plain_run(struct plain *it, int seconds)
{
	struct box *box = &it->box;
	for (int s = 0; s < seconds; s++) {
		box->now_ms += 1000;
		for (size_t i = 0; i < PLAIN_CLUSTERS; i++) {
			for (size_t j = 0; j < 2; j++) {
				bool up = j == 0 || !it->away[i];
				uint32_t id = it->replicas[i][j];
				put(box, id, SIGNAL_REPLICA_UP, up);
				put(box, id, SIGNAL_POOL_MAX, BOX_POOL);
				put(box, id, SIGNAL_POOL_BUSY, up ? it->busy[i] : 0);
				put(box, id, SIGNAL_POOL_WAITING, up ? it->waiting[i] : 0);
				put(box, id, SIGNAL_REPLICA_QUERIES, up ? 400 : 0);
			}
		}
		put(box, it->auth, SIGNAL_SERVICE_FIRST_TRIES, it->first);
		put(box, it->auth, SIGNAL_SERVICE_ATTEMPTS, it->first);
		put(box, it->auth, SIGNAL_SERVICE_FAILURES, it->failures);
		put(box, it->web, SIGNAL_SURFACE_REQUESTS, it->requests);
		put(box, it->web, SIGNAL_SURFACE_ERRORS, it->errors);
		box_answer(box, true);
		box_assess(box);
	}
}

static const struct cluster_assessment *plain_row(const struct plain *it, size_t cluster)
{
	const struct cluster_assessment *row =
		assessment_cluster(&it->box.seen, it->clusters[cluster]);
	ck_assert_ptr_nonnull(row);
	return row;
}

/* Errors that nobody tells by cluster are those of clusters that show a reason: a full pool, or a
 * replica that is out. */
START_TEST(fleet_wide_errors_are_laid_at_the_door_of_suspects)
{
	struct plain it;
	plain_init(&it);
	plain_run(&it, 60);
	it.busy[0] = 15;
	it.away[1] = true;
	it.errors = 400;
	plain_run(&it, 12);
	ck_assert_int_eq(it.box.seen.phase, PHASE_ERRORS);
	ck_assert_int_eq(plain_row(&it, 0)->phase, PHASE_ERRORS);
	ck_assert_int_eq(plain_row(&it, 1)->phase, PHASE_ERRORS);
	ck_assert_int_eq(plain_row(&it, 2)->phase, PHASE_NORMAL);
	box_finish(&it.box);
}
END_TEST

/* A fleet whose clusters nobody knows may have services alone, or surfaces alone. */
START_TEST(services_or_surfaces_alone)
{
	for (int surfaces = 0; surfaces < 2; surfaces++) {
		struct plain it;
		plain_init(&it);
		if (surfaces)
			it.first = it.failures = NAN;
		else
			it.requests = it.errors = NAN;
		plain_run(&it, 30);
		ck_assert_int_eq(it.box.seen.phase, PHASE_NORMAL);
		*(surfaces ? &it.errors : &it.failures) = 400;
		plain_run(&it, 3);
		ck_assert_int_eq(it.box.seen.phase, PHASE_ERRORS);
		box_finish(&it.box);
	}
}
END_TEST

/* What each cluster tells of its own is judged there: two in a hundred of few requests may be
 * chance in each, and the fleet as a whole is no witness of its own. */
START_TEST(what_clusters_tell_is_judged_by_cluster)
{
	struct box box;
	box_init(&box, 4);
	for (size_t i = 0; i < 4; i++) {
		box.clusters[i].web_requests = 5;
		box.clusters[i].web_errors = 0;
	}
	box_run(&box, 60);
	for (size_t i = 0; i < 4; i++)
		box.clusters[i].web_errors = 0.1;
	box_run(&box, 60);
	ck_assert_int_eq(box.seen.phase, PHASE_NORMAL);
	box_finish(&box);
}
END_TEST

/* How long clients wait follows from how many do and how fast they are served. */
START_TEST(a_wait_that_is_not_measured_is_reckoned)
{
	struct plain it;
	plain_init(&it);
	plain_run(&it, 20);
	ck_assert_double_eq(plain_row(&it, 0)->wait, 0);
	it.waiting[0] = 40;
	plain_run(&it, 20);
	/* 80 wait for two replicas that finish 400 a second each; clients wait a second. */
	ck_assert_double_eq_tol(plain_row(&it, 0)->wait, 0.1, 1e-9);
	ck_assert(isnan(plain_row(&it, 0)->wait_ms));
	box_finish(&it.box);
}
END_TEST

/* One is out and another finishes nothing: that makes two, not none. */
START_TEST(whatever_is_gone_adds_up)
{
	for (int starved = 0; starved < 2; starved++) {
		struct box box;
		box_init(&box, 1);
		box_run(&box, 60);
		box.clusters[0].maintenance[1] = true;
		if (starved)
			box.clusters[0].starved[2] = true;
		else
			box.clusters[0].quiet[2] = true;
		box.clusters[0].queries = 900; /* what both carried has landed on the others */
		box_run(&box, 12);
		ck_assert_uint_eq(box_row(&box, 0)->starved_count, (unsigned)starved);
		ck_assert_int_eq(box_row(&box, 0)->phase, PHASE_LOAD_SHIFT);
		box_finish(&box);
	}
}
END_TEST

/* The trigger is gone when all replicas serve again; while one of them is silent nobody knows. */
START_TEST(the_trigger_is_gone_when_all_serve)
{
	for (int silent = 0; silent < 2; silent++) {
		struct box box;
		box_init(&box, 1);
		struct box_cluster *cluster = &box.clusters[0];
		/* First tries ask for 95 % of the connections there are in the end: too many to say
		 * that they would fit whatever the trigger was. */
		double first = silent ? 2280 : 3040;
		cluster->first = cluster->attempts = first;
		cluster->busy = first * 0.02 / 4;
		box_run(&box, 60);
		cluster->maintenance[1] = true;
		box_amplify(cluster);
		cluster->queries = 450;
		cluster->first = first;
		box_run(&box, 20);
		ck_assert_int_eq(box.seen.phase, PHASE_AMPLIFICATION);
		cluster->maintenance[1] = false;
		cluster->quiet[2] = silent;
		box_run(&box, 40);
		ck_assert_int_eq(box.seen.phase, silent ? PHASE_AMPLIFICATION : PHASE_METASTABLE);
		box_finish(&box);
	}
}
END_TEST

/* ---- rows ---- */

/* The worst phase first, then the most errors, then the least headroom, then as they were found. */
START_TEST(the_order_of_rows)
{
	for (size_t turn = 0; turn < 4; turn++) {
		struct box box;
		box_init(&box, 4);
		struct box_cluster *by_rank[4];
		for (size_t i = 0; i < 4; i++)
			by_rank[i] = &box.clusters[(i + turn) % 4];
		by_rank[2]->busy = 10; /* 83 % after a loss: not vulnerable yet */
		box_run(&box, 60);
		by_rank[0]->web_errors = 300;
		by_rank[1]->web_errors = 200;
		box_run(&box, 5);
		for (size_t i = 0; i < 4; i++)
			ck_assert_uint_eq(box.seen.clusters[i].cluster, by_rank[i]->id);
		box_finish(&box);
	}
}
END_TEST

/* One that can't be seen stands after those in trouble and before those that are well or could not
 * spare a replica. */
START_TEST(blind_comes_before_well)
{
	for (size_t turn = 0; turn < 4; turn++) {
		struct box box;
		box_init(&box, 4);
		struct box_cluster *by_rank[4];
		for (size_t i = 0; i < 4; i++)
			by_rank[i] = &box.clusters[(i + turn) % 4];
		by_rank[2]->busy = 12.6;
		box_run(&box, 60);
		by_rank[0]->maintenance[0] = true;
		by_rank[1]->silent = true;
		box_run(&box, 30);
		ck_assert_int_eq(box.seen.clusters[1].phase, PHASE_BLIND);
		for (size_t i = 0; i < 4; i++)
			ck_assert_uint_eq(box.seen.clusters[i].cluster, by_rank[i]->id);
		/* Its age is that of what was last said; that of the others of what is used. */
		ck_assert_int_eq(box.seen.clusters[1].age_ms, 30000);
		ck_assert_int_eq(box.seen.clusters[0].age_ms, 0);
		box_finish(&box);
	}
}
END_TEST

/* A row is as old as the oldest reading it stands on. */
START_TEST(a_row_is_as_old_as_its_oldest)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 20);
	box_put(&box, box.clusters[0].auth, SIGNAL_SERVICE_RETRY_LIMIT, 0.1);
	box.clusters[0].quiet[0] = true;
	box_run(&box, 2);
	ck_assert_int_eq(box_row(&box, 0)->age_ms, 2000);
	box.clusters[0].quiet[0] = false;
	box_run(&box, 1);
	ck_assert_int_eq(box_row(&box, 0)->age_ms, 0);
	box_finish(&box);
}
END_TEST

/* Of pools that nobody tells of any more a row is stale; of none that there ever were it is not. */
START_TEST(untold_pools_make_a_row_stale)
{
	struct box box;
	for (int told = 0; told < 2; told++) {
		box_init(&box, 0);
		uint32_t cluster = box_intern(&box, ENTITY_CLUSTER, ENTITY_ROOT, "a");
		uint32_t replica = box_intern(&box, ENTITY_REPLICA, cluster, "r1");
		uint32_t empty = box_intern(&box, ENTITY_CLUSTER, ENTITY_ROOT, "b");
		for (int i = 0; i < 60; i++) {
			box.now_ms += 1000;
			box_put(&box, replica, SIGNAL_REPLICA_UP, 1);
			box_put(&box, replica, SIGNAL_REPLICA_QUERIES, 100);
			box_put(&box, replica, SIGNAL_REPLICA_LAG, 0);
			if (told || i < 20) {
				box_put(&box, replica, SIGNAL_POOL_MAX, 16);
				box_put(&box, replica, SIGNAL_POOL_BUSY, 4);
			}
			box_put(&box, empty, SIGNAL_CLUSTER_WEIGHT, 1);
			box_answer(&box, true);
			box_assess(&box);
		}
		const struct cluster_assessment *row = assessment_cluster(&box.seen, cluster);
		ck_assert_int_eq(row->stale, !told);
		ck_assert_double_eq(row->replicas_up, 1);
		ck_assert_double_eq(row->replicas_expected, 1);
		row = assessment_cluster(&box.seen, empty);
		ck_assert(!row->stale);
		ck_assert(isnan(row->replicas_up));
		ck_assert(isnan(row->replicas_expected));
		box_finish(&box);
	}
}
END_TEST

/* As old as the answer that is longest ago, of sources that still count as answering. */
START_TEST(the_fleet_is_as_old_as_its_oldest_answer)
{
	struct box box;
	struct error error = {0};
	uint16_t others[2];
	box_init(&box, 1);
	ck_assert(store_add_source(box.store, "edge", "haproxy", 5000, &others[0], &error));
	ck_assert(store_add_source(box.store, "gone", "haproxy", 1000, &others[1], &error));
	box_run(&box, 60);
	for (int older = 0; older < 2; older++) {
		store_source(box.store, others[0])->last_ok_ms = box.now_ms - (older ? 3000 : 0);
		store_source(box.store, box.source)->last_ok_ms = box.now_ms - (older ? 0 : 2000);
		store_source(box.store, others[1])->last_ok_ms = box.now_ms - 60000;
		for (size_t i = 0; i < 2; i++)
			store_source(box.store, others[i])->last_try_ms = box.now_ms;
		box_assess(&box);
		ck_assert_uint_eq(box.seen.sources_ok, 2);
		ck_assert_uint_eq(box.seen.sources_total, 3);
		ck_assert_int_eq(box.seen.age_ms, older ? 3000 : 2000);
	}
	box_finish(&box);
}
END_TEST

/* One cluster of which nothing is known and one whose pools nobody tells of, the rest well: that is
 * not green. */
START_TEST(what_cannot_be_seen_adds_up)
{
	struct box box;
	struct error error = {0};
	uint16_t fails;
	box_init(&box, 1);
	ck_assert(store_add_source(box.store, "pooler", "exposition", 1000, &fails, &error));
	box_intern(&box, ENTITY_CLUSTER, ENTITY_ROOT, "blind");
	uint32_t unseen = box_intern(&box, ENTITY_CLUSTER, ENTITY_ROOT, "unseen");
	uint32_t replica = box_intern(&box, ENTITY_REPLICA, unseen, "r1");
	store_source(box.store, fails)->state = SOURCE_FAILING;
	for (int i = 0; i < 30; i++) {
		box.now_ms += 1000;
		box_put(&box, replica, SIGNAL_REPLICA_UP, 1);
		box.now_ms -= 1000;
		box_run(&box, 1);
	}
	ck_assert_int_eq(box.seen.phase, PHASE_NORMAL);
	ck_assert_int_eq(assessment_cluster(&box.seen, unseen)->severity, SEVERITY_UNKNOWN);
	ck_assert_int_eq(box.seen.severity, SEVERITY_UNKNOWN);
	ck_assert_int_eq(box_row(&box, 0)->severity, SEVERITY_OK);
	/* What is known to be bad stays as bad as it is. */
	for (int i = 0; i < 5; i++) {
		box.now_ms += 1000;
		box_put(&box, replica, SIGNAL_REPLICA_UP, 0);
		box.now_ms -= 1000;
		box_run(&box, 1);
	}
	ck_assert_int_eq(assessment_cluster(&box.seen, unseen)->severity, SEVERITY_WARNING);
	box_finish(&box);
}
END_TEST

START_TEST(since_when_a_phase_is)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 1);
	int64_t begun_ms = box.now_ms;
	box_run(&box, 30);
	ck_assert_int_eq(box.seen.phase, PHASE_NORMAL);
	ck_assert_int_eq(box.seen.phase_since_ms, begun_ms);
	box.clusters[0].maintenance[1] = true;
	box_run(&box, 1);
	ck_assert_int_eq(box.seen.phase, PHASE_TRIGGER);
	int64_t lost_ms = box.now_ms;
	box_run(&box, 5);
	ck_assert_int_eq(box.seen.phase_since_ms, lost_ms);
	box_finish(&box);
}
END_TEST

/* ---- many ---- */

static void add_clusters(struct box *box, uint32_t *ids, size_t from, size_t until)
{
	char name[16];
	for (size_t i = from; i < until; i++) {
		snprintf(name, sizeof(name), "c%05zu", i);
		ids[i] = box_intern(box, ENTITY_CLUSTER, ENTITY_ROOT, name);
		box_intern(box, ENTITY_REPLICA, ids[i], "r1");
	}
}

static void report_clusters(struct box *box, const uint32_t *ids, size_t count, size_t down_from)
{
	box->now_ms += 1000;
	for (size_t i = 0; i < count; i++) {
		box_put(box, ids[i] + 1, SIGNAL_REPLICA_UP, i < down_from);
		box_put(box, ids[i] + 1, SIGNAL_POOL_MAX, 16);
		box_put(box, ids[i] + 1, SIGNAL_POOL_BUSY, 4);
	}
	box_answer(box, true);
	box_assess(box);
}

/* Clusters that are found later begin with nothing, whatever was remembered of the others. */
START_TEST(a_fleet_that_grows)
{
	struct box box;
	uint32_t ids[200];
	box_init(&box, 0);
	add_clusters(&box, ids, 0, 3);
	for (int i = 0; i < 20; i++)
		report_clusters(&box, ids, 3, 3);
	for (size_t count = 4; count <= 200; count += 49) {
		add_clusters(&box, ids, count == 4 ? 3 : count - 49, count);
		report_clusters(&box, ids, count, count);
		ck_assert_uint_eq(box.seen.cluster_count, count);
		/* The loss of its only replica leaves nothing: vulnerable, and nothing worse. */
		for (size_t i = 0; i < count; i++) {
			ck_assert_int_le(box.seen.clusters[i].phase, PHASE_VULNERABLE);
			ck_assert_double_eq_tol(box.seen.clusters[i].pool_use, 0.25, 1e-9);
			ck_assert(isnan(box.seen.clusters[i].foreseen));
		}
	}
	box_finish(&box);
}
END_TEST

/* Of more clusters than are listed the mildest are left out, and of those that are alike the ones
 * found last. */
START_TEST(the_mildest_are_left_out)
{
	struct box box;
	const size_t count = ASSESSMENT_CLUSTERS_MOST + 2;
	uint32_t *ids = calloc(count, sizeof(*ids));
	ck_assert_ptr_nonnull(ids);
	box_init(&box, 0);
	add_clusters(&box, ids, 0, count);
	report_clusters(&box, ids, count, count);
	ck_assert_uint_eq(box.seen.cluster_count, ASSESSMENT_CLUSTERS_MOST);
	for (size_t i = 0; i < ASSESSMENT_CLUSTERS_MOST; i++)
		ck_assert_uint_eq(box.seen.clusters[i].cluster, ids[i]);
	report_clusters(&box, ids, count, count - 2);
	ck_assert_uint_eq(box.seen.cluster_count, ASSESSMENT_CLUSTERS_MOST);
	ck_assert_uint_eq(box.seen.clusters[0].cluster, ids[count - 2]);
	ck_assert_uint_eq(box.seen.clusters[1].cluster, ids[count - 1]);
	for (size_t i = 2; i < ASSESSMENT_CLUSTERS_MOST; i++)
		ck_assert_uint_eq(box.seen.clusters[i].cluster, ids[i - 2]);
	box_finish(&box);
	free(ids);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("whole");
	TCase *tests = tcase_create("whole");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, fleet_wide_errors_are_laid_at_the_door_of_suspects);
	tcase_add_test(tests, services_or_surfaces_alone);
	tcase_add_test(tests, what_clusters_tell_is_judged_by_cluster);
	tcase_add_test(tests, a_wait_that_is_not_measured_is_reckoned);
	tcase_add_test(tests, whatever_is_gone_adds_up);
	tcase_add_test(tests, the_trigger_is_gone_when_all_serve);
	tcase_add_test(tests, the_order_of_rows);
	tcase_add_test(tests, blind_comes_before_well);
	tcase_add_test(tests, a_row_is_as_old_as_its_oldest);
	tcase_add_test(tests, untold_pools_make_a_row_stale);
	tcase_add_test(tests, the_fleet_is_as_old_as_its_oldest_answer);
	tcase_add_test(tests, what_cannot_be_seen_adds_up);
	tcase_add_test(tests, since_when_a_phase_is);
	tcase_add_test(tests, a_fleet_that_grows);
	tcase_add_test(tests, the_mildest_are_left_out);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
