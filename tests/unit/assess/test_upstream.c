/* Services and surfaces added up. */
#include "core/assess/upstream.h"

#include "box.h"

#include "core/assess/window.h"

/* A cluster and its services, for one look at them. */
struct stand {
	struct box box;
	struct windows windows;
	struct scene scene;
};

static void stand_look(struct stand *it)
{
	box_assess(&it->box);
	ck_assert(windows_reserve(&it->windows, it->box.snapshot->entity_count));
	it->scene = (struct scene){it->box.snapshot, it->box.history, &it->windows};
}

static void stand_finish(struct stand *it)
{
	windows_finish(&it->windows);
	box_finish(&it->box);
}

/* Clients of a cluster wait as long as the least patient of its services does. */
START_TEST(the_shortest_timeout_counts)
{
	static const double rows[][2] = {
		{500, 2000}, {2000, 500}, {(double)NAN, 500}, {500, (double)NAN}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stand it = {0};
		struct services out;
		box_init(&it.box, 1);
		uint32_t token =
			box_intern(&it.box, ENTITY_SERVICE, it.box.clusters[0].id, "token");
		fleet_set_timeout(it.box.fleet, it.box.clusters[0].auth, rows[i][0]);
		fleet_set_timeout(it.box.fleet, token, rows[i][1]);
		box_run(&it.box, 3);
		stand_look(&it);
		services_of_cluster(&it.scene, it.box.clusters[0].id, &out);
		ck_assert_double_eq(out.timeout_ms, 500);
		stand_finish(&it);
	}
	struct stand it = {0};
	struct services out;
	box_init(&it.box, 1);
	box_run(&it.box, 3);
	stand_look(&it);
	services_of_cluster(&it.scene, it.box.clusters[0].id, &out);
	ck_assert(isnan(out.timeout_ms));
	stand_finish(&it);
}
END_TEST

/* The fewer events, the longer the time a ratio is of: 300 of them, but half a minute at most. */
START_TEST(a_ratio_is_of_as_long_as_it_takes)
{
	static const struct {
		double rate, seconds;
	} rows[] = {{310, 1}, {110, 3}, {31, 10}, {11, 30}, {4, 30}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stand it = {0};
		struct surfaces out;
		struct services services;
		struct box_cluster *cluster = &it.box.clusters[0];
		box_init(&it.box, 1);
		cluster->web_requests = cluster->api_requests = cluster->first = cluster->attempts =
			rows[i].rate;
		cluster->web_errors = cluster->failures = 0;
		box_run(&it.box, 60);
		cluster->web_errors = cluster->failures = rows[i].rate / 2;
		box_run(&it.box, 1);
		stand_look(&it);
		surfaces_of_cluster(&it.scene, cluster->id, &out);
		services_of_cluster(&it.scene, cluster->id, &services);
		ck_assert_uint_eq(out.rows[out.worst].entity, cluster->web);
		ck_assert_double_eq_tol(out.rows[out.worst].ratio, 0.5 / rows[i].seconds, 1e-9);
		ck_assert_double_eq_tol(
			out.rows[out.worst].events, rows[i].rate * rows[i].seconds, 1e-9);
		ck_assert_double_eq_tol(services.failure_ratio, 0.5 / rows[i].seconds, 1e-9);
		stand_finish(&it);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("upstream");
	TCase *tests = tcase_create("upstream");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, the_shortest_timeout_counts);
	tcase_add_test(tests, a_ratio_is_of_as_long_as_it_takes);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
