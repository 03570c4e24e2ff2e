/* The fleet section: entities declared, and each mistake named with its line. */
#include "app/fleet_section.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "core/fleet/entity.h"

struct fixture {
	struct arena *arena;
	struct fleet *fleet;
	struct complaints complaints;
	bool ok;
};

static void fixture_read(struct fixture *fixture, const char *yaml)
{
	fixture->arena = arena_create(1 << 20);
	fixture->fleet = fleet_create();
	complaints_init(&fixture->complaints);
	const struct yaml_node *root =
		yaml_parse(fixture->arena, "f.yaml", yaml, strlen(yaml), &fixture->complaints);
	ck_assert_ptr_nonnull(root);
	fixture->ok =
		fleet_section_read(root, fixture->arena, fixture->fleet, &fixture->complaints);
}

static void fixture_finish(struct fixture *fixture)
{
	complaints_finish(&fixture->complaints);
	fleet_destroy(fixture->fleet);
	arena_destroy(fixture->arena);
}

START_TEST(test_everything_declared)
{
	struct fixture f;
	fixture_read(&f,
		"clusters:\n"
		"  east-a: {region: us-east, capacity: 80, connections_max: 60, replicas: [r1, "
		"r2],\n"
		"           shares_database_with: east-b, attributes: {pooler: 10.0.0.5}}\n"
		"  east-b: {region: us-east, replicas: [r1]}\n"
		"services: {auth: {timeout: 800ms}}\n"
		"surfaces: {web: {objective: 99.5%}}\n"
		"maintenance: [{replica: east-a/r2, from: 2026-02-04T17:06:00Z, by: provider}]\n");
	ck_assert(f.ok);
	uint32_t east_a = fleet_find_path(f.fleet, ENTITY_CLUSTER, "east-a");
	uint32_t r2 = fleet_find_path(f.fleet, ENTITY_REPLICA, "east-a/r2");
	ck_assert_uint_ne(east_a, ENTITY_NONE);
	ck_assert_uint_ne(r2, ENTITY_NONE);
	ck_assert(fleet_entity(f.fleet, r2)->declared);
	ck_assert_double_eq(fleet_entity(f.fleet, east_a)->capacity, 80);
	ck_assert_double_eq(fleet_entity(f.fleet, east_a)->connections_max, 60);
	ck_assert_uint_eq(fleet_entity(f.fleet, east_a)->shares_database,
		fleet_find_path(f.fleet, ENTITY_CLUSTER, "east-b"));
	ck_assert_str_eq(fleet_attribute(f.fleet, east_a, "pooler"), "10.0.0.5");
	uint32_t auth = fleet_find_path(f.fleet, ENTITY_SERVICE, "auth");
	ck_assert_double_eq(fleet_entity(f.fleet, auth)->timeout_ms, 800);
	ck_assert(isnan(fleet_entity(f.fleet, auth)->objective));
	uint32_t web = fleet_find(f.fleet, ENTITY_SURFACE, ENTITY_ROOT, "web");
	ck_assert_double_eq_tol(fleet_entity(f.fleet, web)->objective, 0.995, 1e-9);
	size_t windows;
	const struct maintenance *window = fleet_maintenance(f.fleet, &windows);
	ck_assert_uint_eq(windows, 1);
	ck_assert_uint_eq(window->replica, r2);
	ck_assert_str_eq(window->by, "provider");
	fixture_finish(&f);
}
END_TEST

static const struct {
	const char *yaml;
	int line;
	const char *text;
} wrong[] = {
	{"clusters:\n  a: {regoin: x}\n", 2, "region"},
	{"clusters:\n  a:\n    replicas: r1\n", 3, "[r1, r2]"},
	{"clusters:\n  a: {shares_database_with: zzz}\n", 2, "no other cluster"},
	{"clusters: [a]\n", 1, "by name"},
	{"maintenance:\n  - {replica: a/r9, from: 2026-01-01T00:00:00Z}\n", 2, "no replica"},
	{"clusters: {a: {replicas: [r1]}}\nmaintenance:\n"
	 "  - {replica: a/r1, from: 2026-01-02T00:00:00Z, until: 2026-01-01T00:00:00Z}\n",
		3, "ends before it begins"},
	{"services: {auth: {timeout: 5}}\n", 1, "timeout"},
	{"services: {auth: {objective: 99%}}\n", 1, "objective"},
	{"surfaces: {web: {objective: 100%}}\n", 1, "objective"},
};

START_TEST(test_mistakes_are_named)
{
	struct fixture f;
	fixture_read(&f, wrong[_i].yaml);
	ck_assert(!f.ok);
	struct text text;
	text_init(&text, 1 << 16);
	complaints_print(&f.complaints, &text);
	ck_assert_uint_ge(f.complaints.count, 1);
	ck_assert_msg(f.complaints.rows[0].line == wrong[_i].line, "%s", text_string(&text));
	ck_assert_msg(strstr(text_string(&text), wrong[_i].text) != NULL, "%s", text_string(&text));
	text_finish(&text);
	fixture_finish(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fleet_section");
	TCase *tests = tcase_create("reading");
	tcase_add_test(tests, test_everything_declared);
	tcase_add_loop_test(
		tests, test_mistakes_are_named, 0, (int)(sizeof wrong / sizeof wrong[0]));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
