#include "tests/unit/backends/fixture.h"

static const char fleet_file[] = "sources:\n"
				 "  edge: {kind: haproxy, url: 'http://127.0.0.1:8404/stats;csv', "
				 "proxies: {be_east_a: east-a}}\n";

/* HAProxy 2.6's columns, shortened in the middle as versions do; a comma ends the header. */
#define HEADER                                                                                     \
	"# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr," \
	"wredis,status,weight,act,bck,lbtot,type,check_status,hrsp_1xx,hrsp_2xx,hrsp_3xx,"         \
	"hrsp_4xx,hrsp_5xx,hrsp_other,\n"

static const char page[] =
	HEADER "stats,FRONTEND,,,1,2,2000,91,1,1,0,0,0,,,,,OPEN,,,,,0,,0,90,0,0,0,0,\n"
	       "be_east_a,r1,0,0,3,9,,900,1,1,,0,,0,0,0,0,UP,1,1,0,880,2,L7OK,0,850,1,20,2,0,\n"
	       "be_east_a,r2,0,0,3,9,,900,1,1,,0,,0,0,0,0,UP 1/3,1,1,0,880,2,L7OK,0,,,,,,\n"
	       "be_east_a,r3,0,0,3,9,,900,1,1,,0,,0,0,0,0,DOWN 1/2,1,1,0,880,2,L4CON,0,1,0,0,0,0,\n"
	       "be_east_a,r4,0,0,3,9,,900,1,1,,0,,0,0,0,0,MAINT (via be_x/r4),1,1,0,880,2,,,,,,,,\n"
	       "be_east_a,r5,0,0,3,9,,900,1,1,,0,,0,0,0,0,DRAIN,1,1,0,,2,,,,,,,,\n"
	       "be_east_a,r6,0,0,3,9,,900,1,1,,0,,0,0,0,0,no check,1,1,0,7,2,,,,,,,,\n"
	       "be_east_a,r7,0,0,3,9,,900,1,1,,0,,0,0,0,0,MAINT (resolution),1,1,0,7,2,,,,,,,,\n"
	       "be_east_a,r8,0,0,3,9,,900,1,1,,0,,0,0,0,0,NOLB,1,1,0,7,2,,,,,,,,\n"
	       "be_east_a,BACKEND,0,0,12,30,200,3600,1,1,0,0,,0,0,0,0,UP,3,3,0,3520,1,,,,,,,,\n"
	       "be_other,r1,0,0,3,9,,900,1,1,,0,,0,0,0,0,DOWN,1,1,0,880,2,L4CON,0,1,0,0,0,0,\n"
	       "\n";

struct server_row {
	const char *path;
	double up, maintenance, total; /* NAN: absent */
};

static const struct server_row server_rows[] = {
	{"east-a/r1", 1, 0, 873},
	{"east-a/r2", 1, 0, 0}, /* hrsp_1xx is there, so it speaks HTTP */
	{"east-a/r3", 0, 0, 1},
	{"east-a/r4", 0, 1, 880},
	{"east-a/r5", 1, 1, 900},
	{"east-a/r6", (double)NAN, 0, 7},
	{"east-a/r7", 0, 0, 7},
	{"east-a/r8", 1, 1, 7},
};

static bool same(double a, double b)
{
	return isnan(a) ? isnan(b) : !isnan(b) && fabs(a - b) < 1e-9;
}

START_TEST(reads_servers_by_the_names_of_columns)
{
	struct bench bench;
	const struct server_row *row = &server_rows[_i];
	bench_open(&bench, fleet_file);
	ck_assert_msg(bench_accept(&bench, page), "%s", bench.error.text);
	ck_assert_str_eq(bench.sink.warning, "");
	double up = bench_value(&bench, ENTITY_REPLICA, row->path, SIGNAL_REPLICA_UP);
	ck_assert_msg(same(up, row->up), "%s up %g", row->path, up);
	ck_assert(same(bench_value(&bench, ENTITY_REPLICA, row->path, SIGNAL_REPLICA_MAINTENANCE),
		row->maintenance));
	double total = bench_value(&bench, ENTITY_REPLICA, row->path, SIGNAL_REPLICA_QUERIES);
	ck_assert_msg(same(total, row->total), "%s total %g", row->path, total);
	ck_assert(bench_find(&bench, ENTITY_REPLICA, row->path, SIGNAL_REPLICA_QUERIES)->rate);
	bench_close(&bench);
}
END_TEST

/* No limit is told as nothing, as 0 or as all bits, from version to version. */
START_TEST(reads_the_limit_where_there_is_one)
{
	static const char limits[] =
		HEADER "be_east_a,r1,0,0,3,9,150,900,1,1,,0,,0,0,0,0,UP,1,1,0,880,2,,,,,,,,\n"
		       "be_east_a,r2,0,0,3,9,0,900,1,1,,0,,0,0,0,0,UP,1,1,0,880,2,,,,,,,,\n"
		       "be_east_a,r3,0,0,3,9,4294967295,9,1,1,,0,,0,0,0,0,UP,1,1,0,8,2,,,,,,,,\n"
		       "be_east_a,r4,0,0,3,9,,900,1,1,,0,,0,0,0,0,UP,1,1,0,880,2,,,,,,,,\n";
	static const struct fixture_fact facts[] = {
		{ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_MAXCONN, 150},
		{ENTITY_REPLICA, "east-a/r2", SIGNAL_REPLICA_MAXCONN, (double)NAN},
		{ENTITY_REPLICA, "east-a/r3", SIGNAL_REPLICA_MAXCONN, (double)NAN},
		{ENTITY_REPLICA, "east-a/r4", SIGNAL_REPLICA_MAXCONN, (double)NAN},
	};
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert_msg(bench_accept(&bench, limits), "%s", bench.error.text);
	fixture_expect(&bench, facts, FIXTURE_COUNT(facts));
	bench_close(&bench);
}
END_TEST

START_TEST(leaves_out_proxies_that_were_not_named)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert(bench_accept(&bench, page));
	ck_assert_uint_eq(fleet_find_path(bench.fleet, ENTITY_CLUSTER, "be_other"), ENTITY_NONE);
	bench_close(&bench);
	bench_open(&bench, "sources:\n  edge: {kind: haproxy, url: 'http://h/stats;csv', "
			   "labels: {region: us-east}}\n");
	ck_assert(bench_accept(&bench, page));
	ck_assert_double_eq(
		bench_value(&bench, ENTITY_REPLICA, "be_other/r1", SIGNAL_REPLICA_UP), 0);
	uint32_t cluster = fleet_find_path(bench.fleet, ENTITY_CLUSTER, "be_other");
	ck_assert_uint_eq(fleet_entity(bench.fleet, cluster)->parent,
		fleet_find_path(bench.fleet, ENTITY_REGION, "us-east"));
	bench_close(&bench);
}
END_TEST

START_TEST(reads_columns_in_any_order_and_quotes)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert_msg(bench_accept(&bench, "# status,svname,desc,pxname\r\n"
					   "UP,\"r\"\"1\",\"a, b\",be_east_a\r\n"),
		"%s", bench.error.text);
	ck_assert_double_eq(
		bench_value(&bench, ENTITY_REPLICA, "east-a/r\"1", SIGNAL_REPLICA_UP), 1);
	ck_assert_ptr_null(
		bench_find(&bench, ENTITY_REPLICA, "east-a/r\"1", SIGNAL_REPLICA_QUERIES));
	bench_close(&bench);
}
END_TEST

START_TEST(warns_about_what_it_does_not_know)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert(bench_accept(&bench, "# pxname,svname,status\nbe_east_a,r1,ODD\n"));
	ck_assert_msg(strstr(bench.sink.warning, "'east-a/r1' has a status nobody knows: 'ODD'"),
		"%s", bench.sink.warning);
	ck_assert_uint_eq(bench.sink.count, 0);
	ck_assert(bench_accept(&bench, "# pxname,svname,status\nbe_z,r1,UP\n"));
	ck_assert_msg(strstr(bench.sink.warning, "lists no server"), "%s", bench.sink.warning);
	bench_close(&bench);
}
END_TEST

struct refusal {
	int status;
	const char *body, *says;
};

static const struct refusal refusals[] = {
	{200, "<!DOCTYPE HTML>", "answers HTML, not CSV: does the url end in ';csv'?"},
	{200, "pxname,svname\n", "does not begin with '# pxname,...'"},
	{200, "#", "does not begin with"},
	{200, "# pxname,svname\na,b\n", "line 1: the header has no column 'status'"},
	{200, "# pxname,svname,status\nbe_east_a,r1,U", "cut short on its way"},
	{403, "", "forbids reading (403)"},
};

START_TEST(explains_what_came_instead)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	bench.answer.status = refusals[_i].status;
	ck_assert(!bench_accept(&bench, refusals[_i].body));
	ck_assert_msg(strstr(bench.error.text, refusals[_i].says), "%s", bench.error.text);
	bench_close(&bench);
}
END_TEST

START_TEST(limits_the_columns)
{
	struct bench bench;
	struct text body;
	bench_open(&bench, fleet_file);
	text_init(&body, 1 << 16);
	text_add(&body, "# pxname,svname,status");
	for (int i = 0; i < 600; i++)
		text_add_char(&body, ',');
	text_add_char(&body, '\n');
	ck_assert(!bench_accept(&bench, text_string(&body)));
	ck_assert_int_eq(bench.error.kind, ERROR_LIMIT);
	text_finish(&body);
	bench_close(&bench);
}
END_TEST

static const struct fixture_fact page_facts[] = {
	{ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP, 1},
	{ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_MAINTENANCE, 0},
	{ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_QUERIES, 0},
	{ENTITY_REPLICA, "east-a/r3", SIGNAL_REPLICA_UP, 0},
	{ENTITY_REPLICA, "east-a/r4", SIGNAL_REPLICA_UP, 0},
	{ENTITY_REPLICA, "east-a/r4", SIGNAL_REPLICA_MAINTENANCE, 1},
};

START_TEST(reads_the_page_for_prometheus_too)
{
	struct bench bench;
	bench_open(&bench, "sources:\n  edge: {kind: haproxy, url: 'http://h/metrics', proxies: "
			   "{db: east-a}}\n");
	fixture_accept(&bench, 0, "haproxy-metrics.txt");
	fixture_expect(&bench, page_facts, FIXTURE_COUNT(page_facts));
	ck_assert_str_eq(bench.sink.warning, "");
	bench_close(&bench);
}
END_TEST

#define STATUS(server, state, value)                                                     \
	"haproxy_server_status{proxy=\"be_east_a\",server=\"" server "\",state=\"" state \
	"\"} " value "\n"
#define CHECK(server)                                                                            \
	"haproxy_server_check_status{proxy=\"be_east_a\",server=\"" server "\",state=\"L7OK\"} " \
	"1\n"
#define RESPONSES(server, code, value)                                             \
	"haproxy_server_http_responses_total{proxy=\"be_east_a\",server=\"" server \
	"\",code=\"" code "\"} " value "\n"

static const struct fixture_fact state_facts[] = {
	{ENTITY_REPLICA, "east-a/a", SIGNAL_REPLICA_UP, 1},
	{ENTITY_REPLICA, "east-a/a", SIGNAL_REPLICA_QUERIES, 12},
	{ENTITY_REPLICA, "east-a/b", SIGNAL_REPLICA_UP, (double)NAN}, /* UP, says nobody */
	{ENTITY_REPLICA, "east-a/b", SIGNAL_REPLICA_MAINTENANCE, 0},
	{ENTITY_REPLICA, "east-a/c", SIGNAL_REPLICA_UP, 1},
	{ENTITY_REPLICA, "east-a/c", SIGNAL_REPLICA_MAINTENANCE, 1},
	{ENTITY_REPLICA, "east-a/d", SIGNAL_REPLICA_UP, 0},
};

START_TEST(a_server_nobody_checks_is_not_up)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert_msg(
		bench_accept(&bench,
			"# TYPE haproxy_server_status gauge\n" STATUS("a", "DOWN", "0")
				STATUS("a", "UP", "1") CHECK("a") RESPONSES("a", "2xx", "10")
					RESPONSES("a", "5xx", "2") STATUS("b", "UP", "1")
						STATUS("c", "DRAIN", "1") STATUS("d", "DOWN", "1")),
		"%s", bench.error.text);
	fixture_expect(&bench, state_facts, FIXTURE_COUNT(state_facts));
	ck_assert(!bench_accept(&bench, "# TYPE up gauge\nup 1\n"));
	ck_assert(strstr(bench.error.text, "no series of HAProxy"));
	bench_close(&bench);
}
END_TEST

struct socket_row {
	const char *url, *unix_socket, *host;
	int port;
};

static const struct socket_row sockets[] = {
	{"unix:///run/haproxy.sock", "/run/haproxy.sock", NULL, 0},
	{"tcp://10.0.0.1:9999", NULL, "10.0.0.1", 9999},
};

START_TEST(asks_the_runtime_socket)
{
	struct bench bench;
	char yaml[256];
	struct backend_request request = {0};
	const struct socket_row *row = &sockets[_i];
	snprintf(yaml, sizeof(yaml), "sources:\n  edge: {kind: haproxy, url: '%s'}\n", row->url);
	bench_open(&bench, yaml);
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_int_eq(request.road, ROAD_PROBE);
	ck_assert_mem_eq(request.probe.send, "show stat\n", 10);
	ck_assert_pstr_eq(request.probe.unix_socket, row->unix_socket);
	ck_assert_pstr_eq(request.probe.host, row->host);
	ck_assert_int_eq(request.probe.port, row->port);
	bench_close(&bench);
}
END_TEST

static Suite *haproxy_suite(void)
{
	Suite *suite = suite_create("haproxy");
	TCase *tcase = tcase_create("haproxy");
	tcase_add_loop_test(tcase, reads_servers_by_the_names_of_columns, 0,
		(int)(sizeof(server_rows) / sizeof(server_rows[0])));
	tcase_add_test(tcase, reads_the_limit_where_there_is_one);
	tcase_add_test(tcase, leaves_out_proxies_that_were_not_named);
	tcase_add_test(tcase, reads_columns_in_any_order_and_quotes);
	tcase_add_test(tcase, warns_about_what_it_does_not_know);
	tcase_add_loop_test(tcase, explains_what_came_instead, 0,
		(int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(tcase, limits_the_columns);
	tcase_add_test(tcase, reads_the_page_for_prometheus_too);
	tcase_add_test(tcase, a_server_nobody_checks_is_not_up);
	tcase_add_loop_test(tcase, asks_the_runtime_socket, 0, (int)FIXTURE_COUNT(sockets));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(haproxy_suite());
}
