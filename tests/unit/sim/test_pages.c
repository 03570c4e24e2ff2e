#include "backends/sim/model_pages.h"

#include "backends/sim/model_table.h"
#include "tests/unit/sim/suite.h"

/* The lines of a page that begin with `start`. */
static int lines_with(const struct text *page, const char *start)
{
	int count = 0;
	for (const char *line = text_string(page); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += strncmp(line, start, strlen(start)) == 0;
		if (*line == '\0')
			break;
	}
	return count;
}

static const char *value_after(const struct text *page, const char *start)
{
	const char *at = strstr(text_string(page), start);
	ck_assert_msg(at != NULL, "no '%s' in:\n%s", start, text_string(page));
	return at + strlen(start);
}

static void render(const struct model *model, const char *path, struct text *page)
{
	text_clear(page);
	ck_assert_msg(pages_render(model, path, page), "%s", path);
	ck_assert(text_ok(page));
}

START_TEST(a_replica_says_what_the_model_knows)
{
	struct scenario scenario = shipped("replica-loss");
	struct model *model = started(&scenario, 1);
	struct text page;
	text_init(&page, 1 << 20);
	model_advance(model, 10000);
	render(model, "/metrics/east-a/r2", &page);
	struct replica_view view = model_replica(model, 0, 1);
	const char *labels = "{region=\"us-east\",cluster=\"east-a\",replica=\"r2\"";
	char start[200];
	ck_assert_int_eq(lines_with(&page, "pg_up{"), 1);
	snprintf(start, sizeof start, "\npgbouncer_pools_server_active_connections%s,", labels);
	value_after(&page, start);
	snprintf(start, sizeof start, "\npgbouncer_stats_totals_queries_pooled_total%s} ", labels);
	ck_assert_uint_eq(strtoull(value_after(&page, start), NULL, 10), view.queries_total);
	snprintf(start, sizeof start, "\npgbouncer_stats_totals_busy_seconds_total%s} ", labels);
	ck_assert_double_eq_tol(
		strtod(value_after(&page, start), NULL), view.busy_seconds_total, 1e-6);
	snprintf(start, sizeof start, "\npgbouncer_databases_pool_size%s,name=\"sessions\"} ",
		labels);
	ck_assert_uint_eq(strtoull(value_after(&page, start), NULL, 10), 20);
	text_finish(&page);
	model_destroy(model);
}
END_TEST

START_TEST(a_replica_that_is_away_is_absent_and_not_zero)
{
	struct scenario scenario = shipped("replica-loss");
	struct model *model = started(&scenario, 1);
	struct text page;
	text_init(&page, 1 << 20);
	model_advance(model, 30000);
	render(model, "/metrics/east-a/r2", &page);
	ck_assert_str_eq(text_string(&page),
		"# HELP pg_up Whether the last scrape could connect to the server.\n"
		"# TYPE pg_up gauge\n"
		"pg_up{region=\"us-east\",cluster=\"east-a\",replica=\"r2\"} 0\n");
	ck_assert(model_set_replica_state(model, 0, 2, REPLICA_HUNG, NULL));
	render(model, "/metrics/east-a/r3", &page);
	ck_assert_int_eq(
		lines_with(&page, "pg_up{region=\"us-east\",cluster=\"east-a\",replica=\"r3\"} 1"),
		1);
	ck_assert_int_eq(lines_with(&page, "pgbouncer_pools_client_waiting_connections"), 1);
	text_finish(&page);
	model_destroy(model);
}
END_TEST

START_TEST(services_surfaces_and_weights_have_pages)
{
	struct scenario scenario = shipped("replica-loss");
	struct model *model = started(&scenario, 2);
	struct text page;
	text_init(&page, 1 << 20);
	model_advance(model, 60000);
	render(model, "/metrics/east-a/auth", &page);
	ck_assert_int_eq(lines_with(&page, "auth_failures_total{"), 1);
	value_after(&page, "service=\"auth\",code=\"403\"} ");
	ck_assert_uint_eq(
		strtoull(value_after(&page, "auth_first_tries_total{region=\"us-east\",cluster="
					    "\"east-a\",service=\"auth\"} "),
			NULL, 10),
		model_auth(model, 0).first_tries_total);
	render(model, "/metrics/east-a/api", &page);
	ck_assert_int_eq(lines_with(&page, "http_requests_total{"), 2);
	ck_assert_int_eq(
		strncmp(value_after(&page, "surface=\"api\",outcome=\"error\"} "), "0\n", 2), 0);
	ck_assert_int_eq(
		lines_with(&page, "http_request_duration_seconds_bucket{"), MODEL_LATENCY_BUCKETS);
	value_after(&page, "le=\"+Inf\"} ");
	render(model, "/metrics/control", &page);
	ck_assert_int_eq(lines_with(&page, "traffic_cluster_weight{"), 4);
	ck_assert_int_eq(lines_with(&page, "traffic_retry_limit_ratio{"), 0);
	ck_assert(model_set_retry_limit(model, 0.25, NULL));
	render(model, "/metrics/control", &page);
	value_after(&page, "cluster=\"west-b\"} 0.25\n");
	text_finish(&page);
	model_destroy(model);
}
END_TEST

/* A real Prometheus refuses a family that is written in two places. */
START_TEST(the_page_of_all_names_each_family_once)
{
	struct scenario scenario = shipped("replica-loss");
	struct model *model = started(&scenario, 2);
	struct text page;
	text_init(&page, 1 << 20);
	model_advance(model, 60000);
	render(model, "/metrics", &page);
	char *copy = strdup(text_string(&page)), *rest = copy;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		if (strncmp(line, "# TYPE ", 7) == 0)
			ck_assert_int_eq(lines_with(&page, line), 1);
	}
	free(copy);
	ck_assert_int_eq(lines_with(&page, "pg_up{"), 16);
	ck_assert_int_eq(lines_with(&page, "pgbouncer_databases_pool_size{"), 15);
	ck_assert_int_eq(lines_with(&page, "haproxy_server_status{"), 48);
	ck_assert_int_eq(lines_with(&page, "http_requests_total{"), 16);
	text_finish(&page);
	model_destroy(model);
}
END_TEST

START_TEST(there_are_no_other_pages)
{
	const char *const paths[] = {"", "/", "/metric", "/metricsx", "/metrics/",
		"/metrics/east-a", "/metrics/east-a/", "/metrics/east-a/r9", "/metrics/nope/r1",
		"/metrics/east-a/r1/", "/metrics//auth", "/metrics/east-a/auth/x"};
	struct scenario scenario = shipped("calm");
	struct model *model = started(&scenario, 1);
	struct text page;
	text_init(&page, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		ck_assert_msg(!pages_render(model, paths[i], &page), "%s", paths[i]);
	ck_assert_uint_eq(page.length, 0);
	text_finish(&page);
	model_destroy(model);
}
END_TEST

/* Field number `column` of the row that begins with `start`. */
static const char *cell(const char *table, const char *start, int column)
{
	static char value[64];
	const char *at = strstr(table, start);
	ck_assert_msg(at != NULL, "no row '%s'", start);
	at += *at == '\n';
	for (int i = 0; i < column; i++)
		at = strchr(at, ',') + 1;
	snprintf(value, sizeof value, "%.*s", (int)strcspn(at, ","), at);
	return value;
}

START_TEST(the_table_is_shaped_as_haproxy_shapes_it)
{
	struct scenario scenario = shipped("replica-loss");
	struct model *model = started(&scenario, 3);
	struct text page;
	const int status = 17, type = 32;
	text_init(&page, 1 << 20);
	model_advance(model, 20000);
	model_advance(model, 21600);
	table_render(model, &page);
	const char *table = text_string(&page);
	ck_assert_int_eq(strncmp(table, "# pxname,svname,qcur,qmax,scur,", 31), 0);
	size_t commas = 0;
	for (const char *at = table; *at != '\n'; at++)
		commas += *at == ',';
	ck_assert_ptr_nonnull(strstr(table, ",\neast-a,r1,"));
	const char *line = strchr(table, '\n') + 1;
	size_t rows = 0;
	for (; *line; line = strchr(line, '\n') + 1, rows++) {
		size_t own = 0;
		for (const char *at = line; *at != '\n'; at++)
			own += *at == ',';
		ck_assert_uint_eq(own, commas);
	}
	ck_assert_uint_eq(rows, 2 + 4 * 5);
	ck_assert_str_eq(cell(table, "\nfe_web,FRONTEND", status), "OPEN");
	ck_assert_str_eq(cell(table, "\neast-a,BACKEND", status), "UP");
	ck_assert_str_eq(cell(table, "\neast-a,BACKEND", type), "1");
	ck_assert_str_eq(cell(table, "\neast-a,r1", type), "2");
	ck_assert_int_eq(strncmp(cell(table, "\neast-a,r2", status), "UP ", 3), 0);
	text_clear(&page);
	model_advance(model, 26000);
	table_render(model, &page);
	ck_assert_str_eq(cell(text_string(&page), "\neast-a,r2", status), "MAINT");
	text_finish(&page);
	model_destroy(model);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {a_replica_says_what_the_model_knows,
		a_replica_that_is_away_is_absent_and_not_zero,
		services_surfaces_and_weights_have_pages, the_page_of_all_names_each_family_once,
		there_are_no_other_pages, the_table_is_shaped_as_haproxy_shapes_it};
	return suite_run(suite_of("pages", tests, COUNT_OF(tests)));
}
