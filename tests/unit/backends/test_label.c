#include "backends/label.h"

#include "tests/unit/backends/bench.h"

struct label_row {
	enum signal signal;
	const char *labels; /* "name=value name=value" */
	enum entity_kind kind;
	const char *path; /* NULL: refused */
	const char *says;
};

static const struct label_row label_rows[] = {
	{SIGNAL_REPLICA_UP, "cluster=east-a replica=r1", ENTITY_REPLICA, "east-a/r1", NULL},
	{SIGNAL_REPLICA_UP, "region=us cluster=w replica=r1", ENTITY_REPLICA, "w/r1", NULL},
	{SIGNAL_REPLICA_UP, "replica=only", ENTITY_REPLICA, "east-a/only", NULL},
	{SIGNAL_REPLICA_UP, "replica=nobody", ENTITY_REPLICA, NULL, "has no label 'cluster'"},
	{SIGNAL_REPLICA_UP, "replica=twice", ENTITY_REPLICA, NULL, "has no label 'cluster'"},
	{SIGNAL_REPLICA_UP, "cluster=east-a", ENTITY_REPLICA, NULL, "has no label 'replica'"},
	{SIGNAL_POOL_USED, "cluster=east-a replica=r1", ENTITY_REPLICA, "east-a/r1", NULL},
	{SIGNAL_POOL_USED, "cluster=east-a", ENTITY_CLUSTER, "east-a", NULL},
	{SIGNAL_POOL_USED, "surface=web", ENTITY_CLUSTER, NULL, "has no label 'cluster'"},
	{SIGNAL_CLUSTER_WEIGHT, "cluster=east-a replica=r1", ENTITY_CLUSTER, "east-a", NULL},
	{SIGNAL_SERVICE_ATTEMPTS, "service=auth", ENTITY_SERVICE, "auth", NULL},
	{SIGNAL_SERVICE_ATTEMPTS, "service=auth cluster=east-a", ENTITY_SERVICE, "east-a/auth",
		NULL},
	{SIGNAL_SERVICE_ATTEMPTS, "surface=web", ENTITY_SERVICE, NULL, "has no label 'service'"},
	{SIGNAL_SURFACE_ERRORS, "surface=web", ENTITY_SURFACE, "web", NULL},
	{SIGNAL_SURFACE_ERRORS, "surface=", ENTITY_SURFACE, NULL, "has no label 'surface'"},
};

static struct fleet *known_fleet(void)
{
	struct fleet *fleet = fleet_create();
	uint32_t east, west, id;
	ck_assert(fleet_intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "east-a", &east, NULL));
	ck_assert(fleet_intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "west-a", &west, NULL));
	ck_assert(fleet_intern(fleet, ENTITY_REPLICA, east, "only", &id, NULL));
	ck_assert(fleet_intern(fleet, ENTITY_REPLICA, east, "twice", &id, NULL));
	ck_assert(fleet_intern(fleet, ENTITY_REPLICA, west, "twice", &id, NULL));
	return fleet;
}

START_TEST(finds_whose_series_it_is)
{
	const struct label_row *row = &label_rows[_i];
	struct source_label labels[4];
	char copy[128], *rest = copy;
	struct label_view view = {.series = labels};
	snprintf(copy, sizeof(copy), "%s", row->labels);
	for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
		char *value = strchr(word, '=');
		*value = '\0';
		labels[view.count++] = (struct source_label){word, value + 1};
	}
	struct fleet *fleet = known_fleet();
	struct error error = {0};
	uint32_t entity = 77;
	bool found = label_entity(fleet, &view, row->signal, &entity, &error);
	ck_assert_msg(found == (row->path != NULL), "%s", error.text);
	if (found) {
		ck_assert_str_eq(fleet_entity(fleet, entity)->path, row->path);
		ck_assert_int_eq(fleet_entity(fleet, entity)->kind, row->kind);
	} else {
		ck_assert_msg(strstr(error.text, row->says), "%s", error.text);
		ck_assert_uint_eq(entity, 77);
	}
	fleet_destroy(fleet);
}
END_TEST

START_TEST(a_cluster_is_one_with_and_without_its_region)
{
	struct fleet *fleet = known_fleet();
	uint32_t first, again, other;
	/* declared without a region, named with one */
	ck_assert(label_intern_cluster(fleet, NULL, "east-a", &first, NULL));
	ck_assert(label_intern_cluster(fleet, "us-east", "east-a", &again, NULL));
	ck_assert_uint_eq(first, again);
	/* seen with a region, named without */
	ck_assert(label_intern_cluster(fleet, "eu", "north", &first, NULL));
	ck_assert(label_intern_cluster(fleet, NULL, "north", &again, NULL));
	ck_assert_uint_eq(first, again);
	/* two regions may use one name */
	ck_assert(label_intern_cluster(fleet, "us", "north", &other, NULL));
	ck_assert_uint_ne(first, other);
	ck_assert(label_intern_cluster(fleet, "eu", "north", &again, NULL));
	ck_assert_uint_eq(first, again);
	fleet_destroy(fleet);
}
END_TEST

START_TEST(looks_in_the_series_then_in_the_fixed_labels)
{
	struct source_label series[] = {{"app", "web"}, {"cluster", ""}, {"surface", "no"}};
	struct signal_map row = {.labels = {{"surface", "app"}}, .label_count = 1};
	struct source_target target = {
		.labels = {{"cluster", "fixed"}, {"app", "old"}, {"region", "us"}},
		.label_count = 3};
	struct label_view view = {series, 3, &row, &target};
	ck_assert_str_eq(label_value(&view, "surface"), "web");
	ck_assert_str_eq(label_value(&view, "cluster"), "fixed");
	ck_assert_str_eq(label_value(&view, "region"), "us");
	ck_assert_ptr_null(label_value(&view, "replica"));
	view.count = 0;
	ck_assert_str_eq(label_value(&view, "surface"), "old");
	target.labels[1].name = "surface";
	ck_assert_str_eq(label_value(&view, "surface"), "old");
}
END_TEST

static Suite *label_suite(void)
{
	Suite *suite = suite_create("label");
	TCase *tcase = tcase_create("label");
	tcase_add_loop_test(tcase, finds_whose_series_it_is, 0,
		(int)(sizeof(label_rows) / sizeof(label_rows[0])));
	tcase_add_test(tcase, a_cluster_is_one_with_and_without_its_region);
	tcase_add_test(tcase, looks_in_the_series_then_in_the_fixed_labels);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(label_suite());
}
