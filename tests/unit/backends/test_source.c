#include "backends/source.h"

#include "backends/label.h"
#include "tests/unit/backends/bench.h"

static const char good_file[] =
	"sources:\n"
	"  poolers:\n"
	"    kind: exposition\n"
	"    every: 500ms\n"
	"    bearer_file: secrets/token\n"
	"    targets:\n"
	"      - {url: 'http://127.0.0.1:4001/m', labels: {cluster: east-a, replica: r1, app: "
	"web}}\n"
	"      - {url: 'https://127.0.0.1:4002/m', labels: {cluster: east-a}}\n"
	"      - {url: 'http://127.0.0.1:4003/m', labels: {surface: web}}\n"
	"      - {url: 'http://[::1]:4004/m'}\n"
	"  prom: {kind: prometheus, url: 'http://127.0.0.1:9090', every: 1m, ca_file: "
	"/etc/ca.pem}\n"
	"  edge: {kind: haproxy, url: 'http://h/stats;csv', timeout: 250ms, proxies: {be_a: "
	"east-a}}\n"
	"  old: {kind: replay, file: monday.jsonl}\n"
	"signals:\n"
	"  replica.up:\n"
	"    - {from: poolers, metric: 'pg_up{server=\"a:1\", role=\"replica\"}'}\n"
	"    - {from: [prom, poolers], query: up, metric: up, scale: 0.001, labels: {replica: "
	"pod}}\n"
	"  surface.errors: {from: poolers, metric: errors_total, rate: true}\n";

START_TEST(reads_a_good_file)
{
	struct bench bench;
	bench_read(&bench, good_file);
	const struct source_config *poolers = &bench.sources.rows[0];
	ck_assert_uint_eq(bench.sources.count, 4);
	ck_assert_str_eq(poolers->name, "poolers");
	ck_assert_ptr_eq(poolers->ops, &exposition_ops);
	ck_assert_int_eq(poolers->every_ms, 500);
	ck_assert_int_eq(poolers->timeout_ms, 450);
	ck_assert_str_eq(poolers->secret.file, "/etc/spillway/secrets/token");
	ck_assert_uint_eq(poolers->target_count, 4);
	ck_assert_str_eq(poolers->targets[0].name, "poolers/east-a/r1");
	ck_assert_str_eq(poolers->targets[1].name, "poolers/east-a");
	ck_assert_str_eq(poolers->targets[2].name, "poolers/web");
	ck_assert_str_eq(poolers->targets[3].name, "poolers/4");
	ck_assert_uint_eq(poolers->targets[0].label_count, 3);
	const struct source_config *prom = &bench.sources.rows[1];
	ck_assert_int_eq(prom->timeout_ms, 10000);
	ck_assert_str_eq(prom->ca_file, "/etc/ca.pem");
	ck_assert_str_eq(prom->targets[0].name, "prom");
	const struct source_config *edge = &bench.sources.rows[2];
	ck_assert_int_eq(edge->every_ms, 1000);
	ck_assert_int_eq(edge->timeout_ms, 250);
	ck_assert_str_eq(edge->proxies[0].value, "east-a");
	ck_assert_str_eq(bench.sources.rows[3].file, "/etc/spillway/monday.jsonl");
	bench_close(&bench);
}
END_TEST

START_TEST(reads_rows)
{
	struct bench bench;
	bench_read(&bench, good_file);
	const struct signal_map *maps = bench.sources.maps;
	ck_assert_uint_eq(bench.sources.map_count, 3);
	ck_assert_str_eq(maps[0].metric, "pg_up");
	ck_assert_uint_eq(maps[0].where_count, 2);
	ck_assert_str_eq(maps[0].where[1].name, "role");
	ck_assert_str_eq(maps[0].where[1].value, "replica");
	ck_assert_double_eq(maps[0].scale, 1);
	ck_assert(!maps[0].rate && signal_map_is_from(&maps[0], "poolers"));
	ck_assert(!signal_map_is_from(&maps[0], "prom"));
	ck_assert_uint_eq(maps[1].from_count, 2);
	ck_assert_double_eq(maps[1].scale, 0.001);
	ck_assert_str_eq(maps[1].labels[0].name, "replica");
	ck_assert_str_eq(maps[1].labels[0].value, "pod");
	ck_assert(maps[2].rate);
	ck_assert_int_eq(maps[2].signal, SIGNAL_SURFACE_ERRORS);
	bench_close(&bench);
}
END_TEST

START_TEST(nothing_configured_is_nothing)
{
	struct arena *arena = arena_create(1 << 16);
	struct complaints complaints;
	struct sources sources;
	complaints_init(&complaints);
	ck_assert(sources_read(NULL, NULL, "/", arena, &sources, &complaints));
	ck_assert_uint_eq(sources.count + sources.map_count, 0);
	complaints_finish(&complaints);
	arena_destroy(arena);
}
END_TEST

/* The whole text of the complaints, so that lines and keys are held too. */
struct bad_row {
	const char *yaml;
	const char *says;
};

#define PROM "sources: {prom: {kind: prometheus, url: 'http://h'}}\n"
#define PAGE "sources: {page: {kind: exposition, url: 'http://h'}}\n"

static const struct bad_row bad_rows[] = {
	{"sources: [a]\n", "fleet.yaml:1: sources: expected a mapping of names to sources\n"},
	{"sources:\n  a: b\n", "fleet.yaml:2: sources.a: expected a mapping with at least 'kind' "
			       "and 'url'\n"},
	{"sources:\n  a: {kind: prometheus}\n",
		"fleet.yaml:2: sources.a: needs a url, or targets\n"},
	{"sources:\n  a: {kind: replay}\n", "fleet.yaml:2: sources.a: kind replay needs 'file'\n"},
	{"sources:\n  a: {kind: replay, file: f, url: 'http://h'}\n",
		"fleet.yaml:2: sources.a: plays a file: it can have no url and no targets\n"},
	{"sources:\n  a:\n    kind: haproxy\n    url: ftp://h/x\n",
		"fleet.yaml:4: sources.a.url: a url starts with http:// or https:// "
		"or tcp:// or unix://\n"},
	{"sources:\n  a:\n    kind: patroni\n    url: tcp://h/x\n",
		"fleet.yaml:4: sources.a.url: a url starts with http:// or https://\n"},
	{"sources:\n  a: {kind: pgbouncer, url: 'postgresql://u:p@h/pgbouncer'}\n",
		"fleet.yaml:2: sources.a.url: put the password into a file named by password_file, "
		"not into the url\n"},
	{"sources:\n  a: {kind: kubernetes, url: 'https://h', service: s}\n",
		"fleet.yaml:2: sources.a: kind kubernetes needs 'namespace'\n"},
	{"sources:\n  a: {kind: json, url: 'https://h', bearer_file: a, basic_env: B}\n",
		"fleet.yaml:2: sources.a: has both bearer_file and basic_env: keep one\n"},
	{"sources:\n  a: {kind: json, url: 'https://h', bearer_command: {a: b}}\n",
		"fleet.yaml:2: sources.a.bearer_command: expected a program and its arguments, "
		"such as [vault, print, token]\n"},
	{"sources:\n  a: {kind: json, url: 'https://h', password_env: P}\n",
		"fleet.yaml:2: sources.a.password_env: only kinds pgbouncer, postgres-probe take "
		"it\n"},
	{"sources:\n  a: {kind: json, url: 'https://h', proxy: 'socks5://p'}\n",
		"fleet.yaml:2: sources.a.proxy: a proxy starts with http:// or https://\n"},
	{"sources:\n  a: {kind: pgbouncer, url: 'postgresql://h/p', databases: [a]}\n",
		"fleet.yaml:2: sources.a.databases: expected a mapping such as {app: east-a, "
		"reports: east-a/r2}\n"},
	{"sources:\n  a: {kind: haproxy, url: 'http:///x'}\n",
		"fleet.yaml:2: sources.a.url: the url has no host\n"},
	{"sources:\n  a: {kind: haproxy, url: 'http://u:p@h/x'}\n",
		"fleet.yaml:2: sources.a.url: put user and password into a file named by "
		"basic_file, "
		"not into the url\n"},
	{"sources:\n  a: {kind: haproxy, url: 'http://h/a b'}\n",
		"fleet.yaml:2: sources.a.url: a url has no blanks and no characters outside ASCII: "
		"encode them as %xx\n"},
	{"sources:\n  a: {kind: haproxy, targets: []}\n",
		"fleet.yaml:2: sources.a.targets: expected a list with at least one target\n"},
	{"sources:\n  a:\n    kind: exposition\n    targets:\n      - url: 'http://h'\n      - x\n",
		"fleet.yaml:6: sources.a.targets[1]: expected a mapping with url and labels\n"},
	{"sources:\n  a: {kind: exposition, url: 'http://h', labels: {a-b: c}}\n",
		"fleet.yaml:2: sources.a.labels.a-b: a label's name has letters, digits and '_' "
		"only\n"},
	{"sources:\n  a: {kind: exposition, url: 'http://h', labels: {a: [c]}}\n",
		"fleet.yaml:2: sources.a.labels.a: expected a text that is not empty\n"},
	{"sources:\n  a: {kind: exposition, url: 'http://h', proxies: {a: b}}\n",
		"fleet.yaml:2: sources.a.proxies: only kinds haproxy, envoy take it\n"},
	{"sources:\n  a: {kind: exposition, url: 'http://h', file: x}\n",
		"fleet.yaml:2: sources.a.file: only kind replay takes it\n"},
	{"sources:\n  a: {kind: exposition, url: 'http://h', client_cert_file: x}\n",
		"fleet.yaml:2: sources.a: client_cert_file and client_key_file go together: one is "
		"missing\n"},
	{PROM "signals:\n  pool.usd: {from: prom, query: x}\n",
		"fleet.yaml:3: signals.pool.usd: there is no signal 'pool.usd'; did you mean "
		"'pool.used'?\n"},
	{PROM "signals:\n  stage.pool: {from: prom, query: x}\n",
		"fleet.yaml:3: signals.stage.pool: is worked out by the assessment: it cannot be "
		"read "
		"from a source\n"},
	{PROM "signals:\n  pool.used: {from: prim, query: x}\n",
		"fleet.yaml:3: signals.pool.used.from: there is no source 'prim'; did you mean "
		"'prom'?\n"},
	{PROM "signals:\n  pool.used: {from: prom}\n",
		"fleet.yaml:3: signals.pool.used.from: source 'prom' is of kind prometheus, so the "
		"row "
		"needs 'query'\n"},
	{PAGE "signals:\n  pool.used: {from: page, metric: m, query: x}\n",
		"fleet.yaml:3: signals.pool.used.query: a query is for kind prometheus, and the "
		"row "
		"takes from none\n"},
	{PROM "signals:\n  pool.used: {from: prom, query: x, rate: true}\n",
		"fleet.yaml:3: signals.pool.used.rate: is for metrics; in a query write "
		"rate(...[30s])\n"},
	{PAGE "signals:\n  pool.used: {from: page, metric: 'm{a=b}'}\n",
		"fleet.yaml:3: signals.pool.used.metric: expected a metric's name, or "
		"name{label=\"value\"}: expected a value in double quotes at column 5, found "
		"'b}'\n"},
	{PAGE "signals:\n  pool.used: {from: page, metric: 'm or n'}\n",
		"fleet.yaml:3: signals.pool.used.metric: expected a metric's name, or "
		"name{label=\"value\"}: there is more after it\n"},
	{PAGE "signals:\n  pool.used: {from: page, metric: m, labels: {replika: r}}\n",
		"fleet.yaml:3: signals.pool.used.labels.replika: no such label; it is one of "
		"region, "
		"cluster, replica, service, surface (did you mean 'replica'?)\n"},
	{PAGE "signals:\n  pool.used: {from: page, metric: m, scale: 0}\n",
		"fleet.yaml:3: signals.pool.used.scale: expected a number that is not zero\n"},
	{PAGE "signals:\n  surface.latency: {from: page, metric: m_bucket, quantile: 1}\n",
		"fleet.yaml:3: signals.surface.latency.quantile: expected 0.01 to 0.99, in steps "
		"of a hundredth\n"},
	{PAGE "signals:\n  surface.latency: {from: page, metric: m_sum, quantile: 0.9}\n",
		"fleet.yaml:3: signals.surface.latency.quantile: is for the buckets of a "
		"histogram: a metric that ends in _bucket\n"},
	{PAGE "signals:\n  surface.latency: {from: page, metric: m_bucket, quantile: 0.9, rate: "
	      "true}\n",
		"fleet.yaml:3: signals.surface.latency.quantile: and a rate exclude each other\n"},
	{PAGE "signals:\n  pool.used: []\n",
		"fleet.yaml:3: signals.pool.used: expected at least one row\n"},
	{"sources:\n  e: {kind: haproxy, url: 'http://h'}\nsignals:\n"
	 "  pool.used: {from: e, metric: m}\n",
		"fleet.yaml:4: signals.pool.used.from: source 'e' is of kind haproxy, which yields "
		"its "
		"signals by itself and takes no rows\n"
		"fleet.yaml:4: signals.pool.used.metric: a metric is for kind exposition, and the "
		"row "
		"takes from none\n"},
};

/* Everything said about a file that must not be taken. */
static void complain_about(const char *yaml, struct text *said)
{
	struct arena *arena = arena_create(1 << 22);
	struct complaints complaints;
	struct sources sources = {.count = 77};
	complaints_init(&complaints);
	text_init(said, 1 << 16);
	const struct yaml_node *root =
		yaml_parse(arena, "fleet.yaml", yaml, strlen(yaml), &complaints);
	ck_assert_ptr_nonnull(root);
	ck_assert(!sources_read(yaml_get(root, "sources"), yaml_get(root, "signals"), "/etc", arena,
		&sources, &complaints));
	ck_assert_uint_eq(sources.count, 77);
	complaints_print(&complaints, said);
	complaints_finish(&complaints);
	arena_destroy(arena);
}

START_TEST(says_file_line_key_and_what_was_expected)
{
	struct text said;
	complain_about(bad_rows[_i].yaml, &said);
	ck_assert_str_eq(text_string(&said), bad_rows[_i].says);
	text_finish(&said);
}
END_TEST

START_TEST(tells_all_errors_at_once)
{
	struct text said;
	complain_about("sources:\n"
		       "  a: {kind: promethius, url: 'http://h'}\n"
		       "  b: {kind: exposition, url: 'http://h', evry: 1s}\n"
		       "  c: {kind: exposition, url: 'http://h', every: 50ms}\n"
		       "signals:\n"
		       "  pool.used: {from: d, metric: m}\n",
		&said);
	static const char *const wanted[] = {"fleet.yaml:2: sources.a.kind: ", "prometheus",
		"fleet.yaml:3: sources.b.evry: ", "'every'", "fleet.yaml:4: sources.c.every: ",
		"fleet.yaml:6: signals.pool.used.from: there is no source 'd'"};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		ck_assert_msg(strstr(text_string(&said), wanted[i]), "%s is not in\n%s", wanted[i],
			text_string(&said));
	text_finish(&said);
}
END_TEST

START_TEST(has_limits)
{
	struct text yaml, said;
	text_init(&yaml, 1 << 20);
	text_add(&yaml, "sources:\n");
	for (int i = 0; i <= SOURCES_MOST; i++)
		text_printf(&yaml, "  s%d: {kind: haproxy, url: 'http://h'}\n", i);
	complain_about(text_string(&yaml), &said);
	ck_assert_str_eq(text_string(&said), "fleet.yaml:2: sources: 257 sources, more than 256\n");
	text_finish(&said);
	text_clear(&yaml);
	text_add(&yaml, "sources:\n  a:\n    kind: haproxy\n    targets:\n");
	for (int i = 0; i <= SOURCE_TARGETS_MOST; i++)
		text_add(&yaml, "      - {url: 'http://h'}\n");
	complain_about(text_string(&yaml), &said);
	ck_assert_msg(strstr(text_string(&said), "more than 1024 targets over all sources"), "%s",
		text_string(&said));
	text_finish(&said);
	text_finish(&yaml);
}
END_TEST

START_TEST(kinds_and_choices_are_one_list)
{
	const char *const *names = source_kinds();
	const struct backend_ops *const *kinds = backend_kinds();
	size_t i = 0;
	for (; names[i] && kinds[i]; i++) {
		ck_assert_str_eq(names[i], kinds[i]->name);
		ck_assert_ptr_eq(backend_find(names[i]), kinds[i]);
	}
	ck_assert(!names[i] && !kinds[i]);
	ck_assert_ptr_null(backend_find("fault"));
}
END_TEST

START_TEST(reads_secrets_and_special_keys)
{
	struct bench bench;
	bench_read(&bench, "sources:\n"
			   "  a: {kind: json, url: 'https://h', bearer_command: [vault, print, t], "
			   "gzip: true, http2: true, proxy: 'http://p:3128'}\n"
			   "  b: {kind: json, url: 'https://h', basic_env: B}\n"
			   "  c: {kind: pgbouncer, url: 'postgresql://u@h/pgbouncer', "
			   "password_file: p, databases: {app: east-a/r1}}\n"
			   "signals:\n"
			   "  pool.used: {from: a, pointer: /used, rate: true}\n");
	const struct source_config *rows = bench.sources.rows;
	ck_assert_int_eq(rows[0].secret.form, SECRET_BEARER);
	ck_assert_str_eq(rows[0].secret.command[1], "print");
	ck_assert_ptr_null(rows[0].secret.command[3]);
	ck_assert(rows[0].gzip && rows[0].http2);
	ck_assert_str_eq(rows[0].proxy, "http://p:3128");
	ck_assert_int_eq(rows[1].secret.form, SECRET_BASIC);
	ck_assert_str_eq(rows[1].secret.variable, "B");
	ck_assert_int_eq(rows[2].secret.form, SECRET_PASSWORD);
	ck_assert_str_eq(rows[2].secret.file, "/etc/spillway/p");
	ck_assert_str_eq(rows[2].databases[0].value, "east-a/r1");
	ck_assert_str_eq(bench.sources.maps[0].pointer, "/used");
	bench_close(&bench);
}
END_TEST

/* Whatever a kind says it takes must be a key that there is, and only kinds that list one get it.
 */
START_TEST(every_special_key_has_a_kind)
{
	struct text schema;
	text_init(&schema, 1 << 16);
	sources_schema_source(&schema);
	for (const struct backend_ops *const *kind = backend_kinds(); *kind; kind++) {
		ck_assert_msg((*kind)->trust > 0, "%s", (*kind)->name);
		for (size_t i = 0; (*kind)->keys && (*kind)->keys[i]; i++) {
			char quoted[64];
			snprintf(quoted, sizeof(quoted), "\"%s\"", (*kind)->keys[i]);
			ck_assert_msg(strstr(text_string(&schema), quoted) != NULL, "%s", quoted);
		}
	}
	text_finish(&schema);
}
END_TEST

START_TEST(writes_schemas)
{
	struct text schema;
	text_init(&schema, 1 << 16);
	sources_schema_source(&schema);
	ck_assert(strstr(text_string(&schema), "\"unix_socket\"") &&
		  strstr(text_string(&schema), "\"haproxy\""));
	text_clear(&schema);
	sources_schema_signal(&schema);
	ck_assert(strstr(text_string(&schema), "\"metric\""));
	text_finish(&schema);
}
END_TEST

static Suite *source_suite(void)
{
	Suite *suite = suite_create("source");
	TCase *tcase = tcase_create("source");
	tcase_add_test(tcase, reads_a_good_file);
	tcase_add_test(tcase, reads_rows);
	tcase_add_test(tcase, nothing_configured_is_nothing);
	tcase_add_loop_test(tcase, says_file_line_key_and_what_was_expected, 0,
		(int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
	tcase_add_test(tcase, tells_all_errors_at_once);
	tcase_add_test(tcase, has_limits);
	tcase_add_test(tcase, kinds_and_choices_are_one_list);
	tcase_add_test(tcase, reads_secrets_and_special_keys);
	tcase_add_test(tcase, every_special_key_has_a_kind);
	tcase_add_test(tcase, writes_schemas);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(source_suite());
}
