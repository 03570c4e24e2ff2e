/* Packs, each on a page as its exporter writes it; pages are in pages/. */
#include "app/pack.h"

#include <stdlib.h>

#include "tests/unit/backends/bench.h"

#define PAGE_BYTES 65536

/* What the bench's own reader does, with packs in between. */
static bool merge_read(struct bench *bench, const char *yaml, struct text *said)
{
	struct complaints complaints;
	*bench = (struct bench){.arena = arena_create(1 << 24), .scratch = arena_create(1 << 24)};
	complaints_init(&complaints);
	const struct yaml_node *root =
		yaml_parse(bench->arena, "fleet.yaml", yaml, strlen(yaml), &complaints);
	ck_assert_ptr_nonnull(root);
	const struct yaml_node *sources = yaml_get(root, "sources");
	const struct yaml_node *signals = yaml_get(root, "signals");
	bool good = pack_merge(yaml_get(root, "use"), sources, signals, bench->arena, &signals,
			    &complaints) &&
		    sources_read(sources, signals, "/", bench->arena, &bench->sources, &complaints);
	complaints_print(&complaints, said);
	complaints_finish(&complaints);
	bench->fleet = fleet_create();
	observations_init(&bench->sink, bench->fleet);
	return good;
}

static void open_merged(struct bench *bench, const char *yaml)
{
	struct text said;
	text_init(&said, 1 << 16);
	ck_assert_msg(merge_read(bench, yaml, &said), "%s", text_string(&said));
	text_finish(&said);
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

static void read_page(const char *name, char page[PAGE_BYTES])
{
	char path[512];
	snprintf(path, sizeof(path), "%s/tests/unit/app/pages/%s.txt", TEST_SOURCE_DIR, name);
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	size_t length = fread(page, 1, PAGE_BYTES - 1, file);
	fclose(file);
	ck_assert_uint_lt(length, PAGE_BYTES - 1);
	page[length] = '\0';
}

#define WANTED_MOST 6

struct wanted {
	enum entity_kind kind;
	const char *path;
	enum signal signal;
	double value; /* of counters, before they are rates; NAN: must be absent */
};

struct page_row {
	const char *pack, *page, *labels;
	size_t observed; /* in all */
	struct wanted wanted[WANTED_MOST];
};

#define R1 ENTITY_REPLICA, "east-a/r1"

static const struct page_row pages[] = {
	{"postgres_exporter", "postgres_exporter-0.11", "{cluster: east-a, replica: r1}", 4,
		{{R1, SIGNAL_REPLICA_UP, 1}, {R1, SIGNAL_REPLICA_QUERIES, 81234 + 66},
			{R1, SIGNAL_REPLICA_CONNECTIONS_USED, 24},
			{R1, SIGNAL_REPLICA_CONNECTIONS_MAX, 37}, {R1, SIGNAL_REPLICA_LAG, NAN}}},
	{"postgres_exporter", "postgres_exporter-0.15", "{cluster: east-a, replica: r1}", 5,
		{{R1, SIGNAL_REPLICA_UP, 1}, {R1, SIGNAL_REPLICA_LAG, 2.5},
			{R1, SIGNAL_REPLICA_CONNECTIONS_USED, 61},
			{R1, SIGNAL_REPLICA_CONNECTIONS_MAX, 92},
			{R1, SIGNAL_REPLICA_QUERIES, 120300}}},
	{"pgbouncer", "pgbouncer", "{cluster: east-a, replica: r1}", 5,
		{{R1, SIGNAL_POOL_USED, 23}, {R1, SIGNAL_POOL_BUSY, 1060},
			{R1, SIGNAL_POOL_MAX, 30}, {R1, SIGNAL_POOL_WAITING, 14},
			{R1, SIGNAL_POOL_WAIT, 1500}}},
	{"pgbouncer", "pgbouncer", "{cluster: east-a}", 5,
		{{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_USED, 23}}},
	{"haproxy", "haproxy", "{}", 11,
		{{R1, SIGNAL_REPLICA_UP, 1}, {R1, SIGNAL_REPLICA_QUERIES, 10043},
			{ENTITY_REPLICA, "east-a/r2", SIGNAL_REPLICA_UP, 0},
			{ENTITY_REPLICA, "east-a/r3", SIGNAL_REPLICA_MAINTENANCE, 1},
			{ENTITY_SURFACE, "web", SIGNAL_SURFACE_REQUESTS, 10044},
			{ENTITY_SURFACE, "web", SIGNAL_SURFACE_ERRORS, 101}}},
	{"patroni", "patroni", "{cluster: east-a, replica: r1}", 1, {{R1, SIGNAL_REPLICA_UP, 0}}},
	{"envoy", "envoy", "{}", 4,
		{{ENTITY_SERVICE, "auth", SIGNAL_SERVICE_ATTEMPTS, 1300},
			{ENTITY_SERVICE, "auth", SIGNAL_SERVICE_FIRST_TRIES, 1000},
			{ENTITY_SERVICE, "auth", SIGNAL_SERVICE_FAILURES, 100},
			{ENTITY_SERVICE, "cart", SIGNAL_SERVICE_ATTEMPTS, 50},
			{ENTITY_SERVICE, "cart", SIGNAL_SERVICE_FIRST_TRIES, NAN}}},
	{"envoy", "envoy-istio", "{}", 3,
		{{ENTITY_SERVICE, "auth", SIGNAL_SERVICE_ATTEMPTS, 1300},
			{ENTITY_SERVICE, "auth", SIGNAL_SERVICE_FIRST_TRIES, NAN}}},
	{"istio", "istio", "{}", 2,
		{{ENTITY_SURFACE, "web.shop.svc.cluster.local", SIGNAL_SURFACE_REQUESTS, 1000},
			{ENTITY_SURFACE, "web.shop.svc.cluster.local", SIGNAL_SURFACE_ERRORS,
				100}}},
	{"node_exporter", "node_exporter", "{cluster: east-a, replica: r1}", 2,
		{{R1, SIGNAL_REPLICA_DROPS, 147}, {R1, SIGNAL_REPLICA_STALLED, 978.926975}}},
	{"mysqld_exporter", "mysqld_exporter", "{cluster: east-a, replica: r1}", 5,
		{{R1, SIGNAL_REPLICA_UP, 1}, {R1, SIGNAL_REPLICA_LAG, 4},
			{R1, SIGNAL_REPLICA_QUERIES, 48211},
			{R1, SIGNAL_REPLICA_CONNECTIONS_USED, 88},
			{R1, SIGNAL_REPLICA_CONNECTIONS_MAX, 151}}},
	{"proxysql", "proxysql", "{cluster: east-a}", 1,
		{{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_USED, 51}}},
	{"redis_exporter", "redis_exporter", "{cluster: east-a, replica: r1}", 4,
		{{R1, SIGNAL_REPLICA_UP, 1}, {R1, SIGNAL_REPLICA_QUERIES, 9.1e6},
			{R1, SIGNAL_REPLICA_CONNECTIONS_USED, 431},
			{R1, SIGNAL_REPLICA_CONNECTIONS_MAX, 10000}}},
	{"http", "http", "{surface: web}", 3,
		{{ENTITY_SURFACE, "web", SIGNAL_SURFACE_REQUESTS, 1119},
			/* and buckets of latency, which only rates make a quantile of */
			{ENTITY_SURFACE, "web", SIGNAL_SURFACE_ERRORS, 42}}},
};

START_TEST(a_pack_reads_its_page)
{
	const struct page_row *row = &pages[_i];
	char yaml[512], page[PAGE_BYTES];
	struct bench bench;
	snprintf(yaml, sizeof(yaml),
		"use: [%s]\nsources: {page: {kind: exposition, url: 'http://h/m', labels: %s}}\n",
		row->pack, row->labels);
	open_merged(&bench, yaml);
	read_page(row->page, page);
	ck_assert_msg(bench_accept(&bench, page), "%s: %s", row->page, bench.error.text);
	ck_assert_msg(bench.sink.warnings == 0, "%s: %s", row->page, bench.sink.warning);
	for (size_t i = 0; i < WANTED_MOST && row->wanted[i].path; i++) {
		const struct wanted *wanted = &row->wanted[i];
		double value = bench_value(&bench, wanted->kind, wanted->path, wanted->signal);
		bool same =
			isnan(wanted->value) ? isnan(value) : fabs(value - wanted->value) < 1e-6;
		ck_assert_msg(same, "%s: %s is %g, not %g", row->page,
			signal_row(wanted->signal)->name, value, wanted->value);
	}
	ck_assert_msg(
		bench.sink.count == row->observed, "%s: %zu observed", row->page, bench.sink.count);
	bench_close(&bench);
}
END_TEST

static const struct signal_map *find_map(const struct bench *bench, enum signal signal)
{
	for (size_t i = 0; i < bench->sources.map_count; i++)
		if (bench->sources.maps[i].signal == signal)
			return &bench->sources.maps[i];
	return NULL;
}

START_TEST(rows_of_the_file_win)
{
	struct bench bench;
	open_merged(&bench,
		"use: pgbouncer\n"
		"sources: {a: {kind: exposition, url: 'http://h/m'}, b: {kind: haproxy, url: "
		"'http://h/c'}}\n"
		"signals: {pool.used: {from: a, metric: mine}}\n");
	ck_assert_str_eq(bench.sources.maps[0].metric, "mine");
	for (size_t i = 1; i < bench.sources.map_count; i++)
		ck_assert(bench.sources.maps[i].signal != SIGNAL_POOL_USED);
	ck_assert_uint_eq(bench.sources.map_count, 6);
	bench_close(&bench);
}
END_TEST

START_TEST(names_bind_a_pack_to_sources)
{
	struct bench bench;
	open_merged(&bench,
		"use: {patroni: [b], pgbouncer: a}\n"
		"sources: {a: {kind: exposition, url: 'http://h/m'}, b: {kind: exposition, url: "
		"'http://h/c'}}\n");
	const struct signal_map *up = find_map(&bench, SIGNAL_REPLICA_UP);
	const struct signal_map *used = find_map(&bench, SIGNAL_POOL_USED);
	ck_assert(signal_map_is_from(up, "b") && !signal_map_is_from(up, "a"));
	ck_assert(signal_map_is_from(used, "a") && !signal_map_is_from(used, "b"));
	bench_close(&bench);
}
END_TEST

START_TEST(queries_go_to_prometheus)
{
	struct bench bench;
	open_merged(&bench, "use: [http]\nsources: {p: {kind: prometheus, url: 'http://h'}}\n");
	ck_assert_uint_eq(bench.sources.map_count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert(bench.sources.maps[i].query != NULL);
	bench_close(&bench);
}
END_TEST

START_TEST(packs_of_one_signal_are_alternatives)
{
	struct bench bench;
	open_merged(&bench, "use: [postgres_exporter, patroni]\n"
			    "sources: {a: {kind: exposition, url: 'http://h/m'}}\n");
	size_t up = 0;
	for (size_t i = 0; i < bench.sources.map_count; i++)
		up += bench.sources.maps[i].signal == SIGNAL_REPLICA_UP ? 1 : 0;
	ck_assert_uint_eq(up, 2);
	ck_assert_str_eq(find_map(&bench, SIGNAL_REPLICA_UP)->metric, "pg_up");
	bench_close(&bench);
}
END_TEST

struct bad_row {
	const char *yaml, *says;
};

#define ONE "sources: {a: {kind: exposition, url: 'http://h/m'}}\n"

static const struct bad_row bad_rows[] = {
	{"use: [pgbuncer]\n" ONE, "fleet.yaml:1: use: there is no pack 'pgbuncer'; did you mean "
				  "'pgbouncer'?"},
	{"use: [../packs/pgbouncer]\n" ONE, "there is no pack"},
	{"use: ['']\n" ONE, "there is no pack"},
	{"use: [pgbouncer, pgbouncer]\n" ONE, "the same pack twice"},
	{"use: {pgbouncer: pagers}\n"
	 "sources: {pager: {kind: exposition, url: 'http://h/m'}}\n",
		"there is no source 'pagers'; did you mean 'pager'?"},
	{"use: {pgbouncer: {x: y}}\n" ONE, "expected the name of a source"},
	{"use: [[pgbouncer]]\n" ONE, "expected the name of a pack"},
	{"use: [pgbouncer]\n"
	 "sources: {p: {kind: prometheus, url: 'http://h'}}\n",
		"no source is of a kind that the pack 'pgbouncer' can read"},
	{"use: [pgbouncer]\n", "no source is of a kind"},
};

START_TEST(says_what_is_wrong)
{
	struct bench bench;
	struct text said;
	text_init(&said, 1 << 16);
	ck_assert(!merge_read(&bench, bad_rows[_i].yaml, &said));
	ck_assert_msg(strstr(text_string(&said), bad_rows[_i].says), "%s", text_string(&said));
	text_finish(&said);
	bench_close(&bench);
}
END_TEST

static Suite *pack_suite(void)
{
	Suite *suite = suite_create("pack");
	TCase *tcase = tcase_create("pack");
	tcase_add_loop_test(
		tcase, a_pack_reads_its_page, 0, (int)(sizeof(pages) / sizeof(pages[0])));
	tcase_add_test(tcase, rows_of_the_file_win);
	tcase_add_test(tcase, names_bind_a_pack_to_sources);
	tcase_add_test(tcase, queries_go_to_prometheus);
	tcase_add_test(tcase, packs_of_one_signal_are_alternatives);
	tcase_add_loop_test(
		tcase, says_what_is_wrong, 0, (int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	setenv("SPILLWAY_SHARE", TEST_SOURCE_DIR "/share", 1);
	return bench_run(pack_suite());
}
