#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/fleet/snapshot.h"

struct place {
	struct fleet *fleet;
	struct store *store;
	uint32_t cluster, replica;
	uint16_t source;
};

static void place_init(struct place *place)
{
	struct error error = {0};
	place->fleet = fleet_create();
	place->store = store_create(place->fleet);
	ck_assert(fleet_intern(
		place->fleet, ENTITY_CLUSTER, ENTITY_ROOT, "a", &place->cluster, &error));
	ck_assert(fleet_intern(
		place->fleet, ENTITY_REPLICA, place->cluster, "r1", &place->replica, &error));
	ck_assert(
		store_add_source(place->store, "prom", "prometheus", 1000, &place->source, &error));
}

static void place_finish(struct place *place)
{
	store_destroy(place->store);
	fleet_destroy(place->fleet);
}

static bool put(struct place *place, uint32_t entity, enum signal signal, double value, int64_t at)
{
	struct error error = {0};
	bool ok = store_put(place->store, entity, signal, value, at, 1000, place->source, &error);
	ck_assert(ok || error.kind == ERROR_SCHEMA);
	ck_assert(ok || error.text[0] != '\0');
	return ok;
}

START_TEST(absent_is_never_zero)
{
	struct place place;
	place_init(&place);
	struct snapshot *snapshot = store_seal(place.store, 5000);
	double value = 42;
	ck_assert(!snapshot_value(snapshot, place.replica, SIGNAL_POOL_USED, &value));
	ck_assert_double_eq(value, 42);
	ck_assert_int_eq(snapshot_age_ms(snapshot, place.replica, SIGNAL_POOL_USED), -1);
	const struct reading *reading = snapshot_reading(snapshot, 99999, SIGNAL_POOL_USED);
	ck_assert(isnan(reading->value));
	ck_assert_int_eq(reading->at_ms, 0);
	ck_assert_int_eq(reading_freshness(reading, 5000), FRESHNESS_ABSENT);
	snapshot_destroy(snapshot);
	snapshot_destroy(NULL);
	place_finish(&place);
}
END_TEST

START_TEST(freshness_by_age)
{
	static const struct {
		int64_t age_ms;
		enum freshness expected;
	} rows[] = {
		{-50, FRESHNESS_FRESH},
		{0, FRESHNESS_FRESH},
		{1500, FRESHNESS_FRESH},
		{1501, FRESHNESS_LATE},
		{3000, FRESHNESS_LATE},
		{3001, FRESHNESS_STALE},
		{86400000, FRESHNESS_STALE},
	};
	struct place place;
	place_init(&place);
	ck_assert(put(&place, place.replica, SIGNAL_POOL_USED, 7, 100000));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snapshot *snapshot = store_seal(place.store, 100000 + rows[i].age_ms);
		const struct reading *reading =
			snapshot_reading(snapshot, place.replica, SIGNAL_POOL_USED);
		ck_assert_int_eq(reading_freshness(reading, snapshot->at_ms), rows[i].expected);
		double value = 0;
		bool usable = snapshot_value(snapshot, place.replica, SIGNAL_POOL_USED, &value);
		ck_assert_int_eq(usable, rows[i].expected <= FRESHNESS_LATE);
		ck_assert_int_ge(snapshot_age_ms(snapshot, place.replica, SIGNAL_POOL_USED), 0);
		snapshot_destroy(snapshot);
	}
	place_finish(&place);
}
END_TEST

START_TEST(bad_values_stop_at_the_door)
{
	struct place place;
	place_init(&place);
	ck_assert(!put(&place, place.replica, SIGNAL_POOL_USED, NAN, 1000));
	ck_assert(!put(&place, place.replica, SIGNAL_POOL_USED, INFINITY, 1000));
	ck_assert(!put(&place, place.replica, SIGNAL_POOL_USED, -1, 1000));
	ck_assert(!put(&place, place.replica, SIGNAL_REPLICA_UP, 2, 1000));
	ck_assert(!put(&place, place.cluster, SIGNAL_REPLICA_UP, 1, 1000));
	ck_assert(!put(&place, place.replica, SIGNAL_CLUSTER_WEIGHT, 1, 1000));
	ck_assert(!put(&place, 999, SIGNAL_POOL_USED, 1, 1000));
	ck_assert(!put(&place, place.replica, SIGNAL_COUNT, 1, 1000));
	ck_assert(!put(&place, place.replica, SIGNAL_POOL_USED, 1, 0));
	struct snapshot *snapshot = store_seal(place.store, 1000);
	for (unsigned i = 0; i < SIGNAL_COUNT; i++)
		ck_assert_int_eq(
			snapshot_reading(snapshot, place.replica, (enum signal)i)->at_ms, 0);
	snapshot_destroy(snapshot);
	place_finish(&place);
}
END_TEST

START_TEST(the_newest_sample_stands)
{
	struct place place;
	place_init(&place);
	ck_assert(put(&place, place.replica, SIGNAL_POOL_USED, 5, 2000));
	ck_assert(put(&place, place.replica, SIGNAL_POOL_USED, 4, 1000));
	struct snapshot *snapshot = store_seal(place.store, 2000);
	double value = 0;
	ck_assert(snapshot_value(snapshot, place.replica, SIGNAL_POOL_USED, &value));
	ck_assert_double_eq(value, 5);
	snapshot_destroy(snapshot);
	place_finish(&place);
}
END_TEST

START_TEST(sealed_is_sealed)
{
	struct place place;
	struct error error = {0};
	place_init(&place);
	ck_assert(put(&place, place.replica, SIGNAL_POOL_USED, 5, 2000));
	struct source_status *source = store_source(place.store, place.source);
	source->state = SOURCE_OK;
	struct snapshot *first = store_seal(place.store, 2000);
	ck_assert(put(&place, place.replica, SIGNAL_POOL_USED, 6, 3000));
	source->state = SOURCE_FAILING;
	uint32_t late = 0;
	for (int i = 0; i < 500; i++) {
		char name[16];
		snprintf(name, sizeof(name), "n%d", i);
		ck_assert(fleet_intern(
			place.fleet, ENTITY_REPLICA, place.cluster, name, &late, &error));
		ck_assert(put(&place, late, SIGNAL_POOL_USED, i, 3000));
	}
	struct snapshot *second = store_seal(place.store, 3000);
	double value = 0;
	ck_assert(snapshot_value(first, place.replica, SIGNAL_POOL_USED, &value));
	ck_assert_double_eq(value, 5);
	ck_assert_int_eq(first->sources[0].state, SOURCE_OK);
	ck_assert(!snapshot_value(first, late, SIGNAL_POOL_USED, &value));
	ck_assert(snapshot_value(second, late, SIGNAL_POOL_USED, &value));
	ck_assert_double_eq(value, 499);
	ck_assert_int_eq(second->sources[0].state, SOURCE_FAILING);
	ck_assert_uint_eq(second->generation, first->generation + 1);
	snapshot_destroy(first);
	snapshot_destroy(second);
	place_finish(&place);
}
END_TEST

START_TEST(sources_have_a_limit)
{
	struct place place;
	struct error error = {0};
	place_init(&place);
	uint16_t index = 0;
	struct source_status *first = store_source(place.store, 0);
	ck_assert_str_eq(first->name, "prom");
	for (int i = 1; i < SNAPSHOT_SOURCES_MOST; i++)
		ck_assert(store_add_source(place.store, "x\x1b]", "k", 1000, &index, &error));
	ck_assert(!store_add_source(place.store, "y", "k", 1000, &index, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	ck_assert_ptr_eq(store_source(place.store, 0), first);
	ck_assert_ptr_null(strchr(store_source(place.store, index)->name, '\x1b'));
	ck_assert_ptr_null(store_source(place.store, UINT16_MAX));
	place_finish(&place);
}
END_TEST

static double value_of(struct place *place, enum signal signal, int64_t at_ms)
{
	double value = NAN;
	struct snapshot *snapshot = store_seal(place->store, at_ms);
	snapshot_value(snapshot, place->replica, signal, &value);
	snapshot_destroy(snapshot);
	return value;
}

START_TEST(sources_named_anew_keep_their_readings)
{
	struct place place;
	struct error error = {0};
	uint16_t other, again;
	place_init(&place);
	ck_assert(store_add_source(place.store, "edge", "haproxy", 1000, &other, &error));
	store_source(place.store, other)->requests = 7;
	ck_assert(put(&place, place.replica, SIGNAL_POOL_USED, 3, 1000));
	place.source = other;
	ck_assert(put(&place, place.replica, SIGNAL_POOL_MAX, 20, 1000));

	ck_assert(store_sources_begin(place.store));
	ck_assert(store_add_source(place.store, "edge", "haproxy", 2000, &again, &error));
	ck_assert_uint_eq(again, 0);
	store_sources_end(place.store, true);
	ck_assert_uint_eq(store_source(place.store, 0)->requests, 7);
	ck_assert_int_eq(store_source(place.store, 0)->interval_ms, 2000);
	ck_assert_ptr_null(store_source(place.store, 1));
	ck_assert_double_eq(value_of(&place, SIGNAL_POOL_MAX, 1500), 20);
	ck_assert_double_nan(value_of(&place, SIGNAL_POOL_USED, 1500));
	struct snapshot *snapshot = store_seal(place.store, 1500);
	ck_assert_uint_eq(
		snapshot_reading(snapshot, place.replica, SIGNAL_POOL_MAX)->source, again);
	snapshot_destroy(snapshot);
	place_finish(&place);
}
END_TEST

START_TEST(naming_anew_can_be_given_up)
{
	struct place place;
	struct error error = {0};
	uint16_t index;
	place_init(&place);
	struct source_status *first = store_source(place.store, 0);
	ck_assert(put(&place, place.replica, SIGNAL_POOL_USED, 3, 1000));
	ck_assert(store_sources_begin(place.store));
	ck_assert(store_add_source(place.store, "new", "ssh", 1000, &index, &error));
	ck_assert(store_add_source(place.store, "prom", "prometheus", 1000, &index, &error));
	store_sources_end(place.store, false);
	ck_assert_ptr_eq(store_source(place.store, 0), first);
	ck_assert_ptr_null(store_source(place.store, 1));
	ck_assert_double_eq(value_of(&place, SIGNAL_POOL_USED, 1500), 3);
	place_finish(&place);
}
END_TEST

static Suite *snapshot_suite(void)
{
	Suite *suite = suite_create("snapshot");
	TCase *cases = tcase_create("snapshot");
	tcase_add_test(cases, absent_is_never_zero);
	tcase_add_test(cases, freshness_by_age);
	tcase_add_test(cases, bad_values_stop_at_the_door);
	tcase_add_test(cases, the_newest_sample_stands);
	tcase_add_test(cases, sealed_is_sealed);
	tcase_add_test(cases, sources_have_a_limit);
	tcase_add_test(cases, sources_named_anew_keep_their_readings);
	tcase_add_test(cases, naming_anew_can_be_given_up);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(snapshot_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
