#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/fleet/entity.h"

static uint32_t intern(
	struct fleet *fleet, enum entity_kind kind, uint32_t parent, const char *name)
{
	struct error error = {0};
	uint32_t id = ENTITY_NONE;
	ck_assert_msg(fleet_intern(fleet, kind, parent, name, &id, &error), "%s", error.text);
	return id;
}

START_TEST(a_name_has_one_id)
{
	struct fleet *fleet = fleet_create();
	uint32_t east = intern(fleet, ENTITY_REGION, ENTITY_ROOT, "us-east");
	uint32_t a = intern(fleet, ENTITY_CLUSTER, east, "east-a");
	uint32_t r1 = intern(fleet, ENTITY_REPLICA, a, "r1");
	uint32_t auth = intern(fleet, ENTITY_SERVICE, a, "auth");
	uint32_t wide = intern(fleet, ENTITY_SERVICE, ENTITY_ROOT, "auth");
	ck_assert_uint_eq(intern(fleet, ENTITY_REPLICA, a, "r1"), r1);
	ck_assert_uint_ne(auth, wide);
	ck_assert_str_eq(fleet_entity(fleet, r1)->path, "east-a/r1");
	ck_assert_str_eq(fleet_entity(fleet, auth)->path, "east-a/auth");
	ck_assert_str_eq(fleet_entity(fleet, wide)->path, "auth");
	ck_assert_uint_eq(fleet_find(fleet, ENTITY_REPLICA, a, "r1"), r1);
	ck_assert_uint_eq(fleet_find(fleet, ENTITY_REPLICA, a, "r2"), ENTITY_NONE);
	ck_assert_uint_eq(fleet_find(fleet, ENTITY_SURFACE, a, "r1"), ENTITY_NONE);
	ck_assert_uint_eq(fleet_cluster_of(fleet, r1), a);
	ck_assert_uint_eq(fleet_cluster_of(fleet, a), a);
	ck_assert_uint_eq(fleet_cluster_of(fleet, wide), ENTITY_NONE);
	ck_assert(isnan(fleet_entity(fleet, a)->capacity));
	ck_assert(!fleet_entity(fleet, a)->declared);
	fleet_destroy(fleet);
	fleet_destroy(NULL);
}
END_TEST

START_TEST(paths)
{
	struct fleet *fleet = fleet_create();
	uint32_t east = intern(fleet, ENTITY_REGION, ENTITY_ROOT, "us-east");
	uint32_t west = intern(fleet, ENTITY_REGION, ENTITY_ROOT, "us-west");
	uint32_t a = intern(fleet, ENTITY_CLUSTER, east, "a");
	uint32_t twin_east = intern(fleet, ENTITY_CLUSTER, east, "twin");
	uint32_t twin_west = intern(fleet, ENTITY_CLUSTER, west, "twin");
	uint32_t a1 = intern(fleet, ENTITY_REPLICA, a, "r1");
	uint32_t twin1 = intern(fleet, ENTITY_REPLICA, twin_west, "r1");
	ck_assert_uint_ne(twin_east, twin_west);
	ck_assert_uint_eq(fleet_find_path(fleet, ENTITY_CLUSTER, "a"), a);
	ck_assert_uint_eq(fleet_find_path(fleet, ENTITY_CLUSTER, "us-east/a"), a);
	ck_assert_uint_eq(fleet_find_path(fleet, ENTITY_CLUSTER, "twin"), ENTITY_NONE);
	ck_assert_uint_eq(fleet_find_path(fleet, ENTITY_CLUSTER, "us-west/twin"), twin_west);
	ck_assert_uint_eq(fleet_find_path(fleet, ENTITY_REPLICA, "a/r1"), a1);
	ck_assert_uint_eq(fleet_find_path(fleet, ENTITY_REPLICA, "us-west/twin/r1"), twin1);
	ck_assert_uint_eq(fleet_find_path(fleet, ENTITY_REPLICA, "r1"), ENTITY_NONE);
	ck_assert_uint_eq(fleet_find_path(fleet, ENTITY_REPLICA, ""), ENTITY_NONE);
	fleet_destroy(fleet);
}
END_TEST

START_TEST(a_cluster_without_a_region_is_the_same_cluster)
{
	struct fleet *fleet = fleet_create();
	uint32_t east = intern(fleet, ENTITY_REGION, ENTITY_ROOT, "us-east");
	uint32_t known = intern(fleet, ENTITY_CLUSTER, east, "a");
	ck_assert_uint_eq(intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "a"), known);

	uint32_t first = intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "b");
	uint32_t other = intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "c");
	uint32_t b1 = intern(fleet, ENTITY_REPLICA, first, "r1");
	ck_assert_uint_eq(intern(fleet, ENTITY_CLUSTER, east, "b"), first);
	ck_assert_uint_eq(fleet_entity(fleet, first)->parent, east);
	ck_assert_uint_eq(fleet_find(fleet, ENTITY_CLUSTER, east, "b"), first);
	ck_assert_uint_eq(fleet_find(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "b"), ENTITY_NONE);
	ck_assert_uint_eq(fleet_find(fleet, ENTITY_REPLICA, first, "r1"), b1);
	ck_assert_uint_eq(fleet_next(fleet, ENTITY_CLUSTER, ENTITY_ROOT, ENTITY_NONE), other);
	ck_assert_uint_eq(fleet_next(fleet, ENTITY_CLUSTER, ENTITY_ROOT, other), ENTITY_NONE);
	ck_assert_uint_eq(fleet_next(fleet, ENTITY_CLUSTER, east, known), first);
	fleet_destroy(fleet);
}
END_TEST

START_TEST(refusals)
{
	struct fleet *fleet = fleet_create();
	struct error error = {0};
	uint32_t id = 77;
	ck_assert(!fleet_intern(fleet, ENTITY_REPLICA, ENTITY_ROOT, "r1", &id, &error));
	ck_assert_int_eq(error.kind, ERROR_SCHEMA);
	ck_assert(!fleet_intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "", &id, &error));
	ck_assert_int_eq(error.kind, ERROR_SCHEMA);
	ck_assert(!fleet_intern(fleet, ENTITY_CLUSTER, 999, "a", &id, &error));
	ck_assert(!fleet_intern(fleet, ENTITY_FLEET, ENTITY_ROOT, "second", &id, &error));
	ck_assert_uint_eq(id, 77);
	uint32_t bad = intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "a\x1b[31mred");
	ck_assert_ptr_null(strchr(fleet_entity(fleet, bad)->name, '\x1b'));
	ck_assert_uint_eq(fleet_find(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "a\x1b[31mred"), bad);
	fleet_destroy(fleet);
}
END_TEST

START_TEST(children_come_in_order)
{
	struct fleet *fleet = fleet_create();
	uint32_t a = intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "a");
	uint32_t b = intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "b");
	uint32_t a1 = intern(fleet, ENTITY_REPLICA, a, "r1");
	uint32_t b1 = intern(fleet, ENTITY_REPLICA, b, "r1");
	uint32_t a2 = intern(fleet, ENTITY_REPLICA, a, "r2");
	intern(fleet, ENTITY_SURFACE, a, "web");
	ck_assert_uint_eq(fleet_next(fleet, ENTITY_REPLICA, a, ENTITY_NONE), a1);
	ck_assert_uint_eq(fleet_next(fleet, ENTITY_REPLICA, a, a1), a2);
	ck_assert_uint_eq(fleet_next(fleet, ENTITY_REPLICA, a, a2), ENTITY_NONE);
	ck_assert_uint_eq(fleet_next(fleet, ENTITY_REPLICA, ENTITY_NONE, ENTITY_NONE), a1);
	ck_assert_uint_eq(fleet_next(fleet, ENTITY_REPLICA, ENTITY_NONE, a1), b1);
	ck_assert_uint_eq(fleet_next(fleet, ENTITY_REPLICA, ENTITY_NONE, b1), a2);
	ck_assert_uint_eq(fleet_next(fleet, ENTITY_SERVICE, a, ENTITY_NONE), ENTITY_NONE);
	fleet_destroy(fleet);
}
END_TEST

START_TEST(ten_thousand_replicas)
{
	struct fleet *fleet = fleet_create();
	char name[32];
	const struct entity *root = fleet_entity(fleet, ENTITY_ROOT);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "cluster-%d", i);
		uint32_t cluster = intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, name);
		for (int j = 0; j < 100; j++) {
			snprintf(name, sizeof(name), "r%d", j);
			intern(fleet, ENTITY_REPLICA, cluster, name);
		}
	}
	ck_assert_uint_eq(fleet_count(fleet), 1 + 100 * 101);
	ck_assert_ptr_eq(fleet_entity(fleet, ENTITY_ROOT), root);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "cluster-%d", i);
		uint32_t cluster = fleet_find(fleet, ENTITY_CLUSTER, ENTITY_ROOT, name);
		for (int j = 0; j < 100; j++) {
			snprintf(name, sizeof(name), "r%d", j);
			uint32_t id = fleet_find(fleet, ENTITY_REPLICA, cluster, name);
			ck_assert_str_eq(fleet_entity(fleet, id)->name, name);
			ck_assert_uint_eq(fleet_entity(fleet, id)->parent, cluster);
		}
	}
	fleet_destroy(fleet);
}
END_TEST

START_TEST(the_limit_is_an_error)
{
	struct fleet *fleet = fleet_create();
	struct error error = {0};
	char name[32];
	uint32_t id = 0;
	for (int i = 1; i < FLEET_ENTITIES_MOST; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		ck_assert(fleet_intern(fleet, ENTITY_SURFACE, ENTITY_ROOT, name, &id, &error));
	}
	ck_assert(!fleet_intern(fleet, ENTITY_SURFACE, ENTITY_ROOT, "one more", &id, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	ck_assert(fleet_intern(fleet, ENTITY_SURFACE, ENTITY_ROOT, "s5", &id, &error));
	fleet_destroy(fleet);
}
END_TEST

START_TEST(facts)
{
	struct fleet *fleet = fleet_create();
	struct error error = {0};
	uint32_t a = intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "a");
	uint32_t b = intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "b");
	fleet_declare(fleet, a);
	fleet_set_timeout(fleet, a, 250);
	fleet_set_capacity(fleet, a, 80);
	fleet_set_connections_max(fleet, a, 60);
	fleet_set_shares_database(fleet, a, b);
	const struct entity *entity = fleet_entity(fleet, a);
	ck_assert(entity->declared);
	ck_assert_double_eq(entity->timeout_ms, 250);
	ck_assert_double_eq(entity->capacity, 80);
	ck_assert_double_eq(entity->connections_max, 60);
	ck_assert_uint_eq(entity->shares_database, b);

	ck_assert(fleet_set_attribute(fleet, a, "pooler", "10.0.0.1", &error));
	ck_assert(fleet_set_attribute(fleet, a, "zone", "x", &error));
	ck_assert(fleet_set_attribute(fleet, a, "pooler", "10.0.0.2", &error));
	ck_assert_uint_eq(entity->attribute_count, 2);
	ck_assert_str_eq(fleet_attribute(fleet, a, "pooler"), "10.0.0.2");
	ck_assert_ptr_null(fleet_attribute(fleet, a, "nothing"));
	ck_assert_ptr_null(fleet_attribute(fleet, b, "pooler"));
	char name[16];
	for (int i = 2; i < ENTITY_ATTRIBUTES_MOST; i++) {
		snprintf(name, sizeof(name), "k%d", i);
		ck_assert(fleet_set_attribute(fleet, a, name, "v", &error));
	}
	ck_assert(!fleet_set_attribute(fleet, a, "straw", "v", &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);

	struct maintenance window = {.replica = 5, .from_ms = 1, .until_ms = 2, .by = "provider"};
	for (int i = 0; i < FLEET_MAINTENANCE_MOST; i++)
		ck_assert(fleet_add_maintenance(fleet, &window, &error));
	ck_assert(!fleet_add_maintenance(fleet, &window, &error));
	size_t count = 0;
	const struct maintenance *list = fleet_maintenance(fleet, &count);
	ck_assert_uint_eq(count, FLEET_MAINTENANCE_MOST);
	ck_assert_str_eq(list[0].by, "provider");

	fleet_forget_facts(fleet);
	ck_assert_uint_eq(fleet_find(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "a"), a);
	ck_assert(!entity->declared);
	ck_assert_double_nan(entity->timeout_ms);
	ck_assert_double_nan(entity->capacity);
	ck_assert_double_nan(entity->connections_max);
	ck_assert_uint_eq(entity->shares_database, ENTITY_NONE);
	ck_assert_ptr_null(fleet_attribute(fleet, a, "pooler"));
	fleet_maintenance(fleet, &count);
	ck_assert_uint_eq(count, 0);
	ck_assert(fleet_set_attribute(fleet, a, "pooler", "10.0.0.3", &error));
	ck_assert_str_eq(fleet_attribute(fleet, a, "pooler"), "10.0.0.3");
	fleet_destroy(fleet);
}
END_TEST

START_TEST(kinds)
{
	for (unsigned i = 0; i < ENTITY_KIND_COUNT; i++) {
		enum entity_kind kind = ENTITY_KIND_COUNT;
		ck_assert(entity_kind_find(entity_kind_name((enum entity_kind)i), &kind));
		ck_assert_uint_eq((unsigned)kind, i);
	}
	enum entity_kind kind = ENTITY_KIND_COUNT;
	ck_assert(!entity_kind_find("shard", &kind));
}
END_TEST

static Suite *entity_suite(void)
{
	Suite *suite = suite_create("entity");
	TCase *cases = tcase_create("entity");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, a_name_has_one_id);
	tcase_add_test(cases, paths);
	tcase_add_test(cases, a_cluster_without_a_region_is_the_same_cluster);
	tcase_add_test(cases, refusals);
	tcase_add_test(cases, children_come_in_order);
	tcase_add_test(cases, ten_thousand_replicas);
	tcase_add_test(cases, the_limit_is_an_error);
	tcase_add_test(cases, facts);
	tcase_add_test(cases, kinds);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(entity_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
