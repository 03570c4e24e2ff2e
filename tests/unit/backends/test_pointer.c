/* The kinds whose rows point at their numbers: json and ssh. */
#include "tests/unit/backends/fixture.h"

#define LABELS "labels: {cluster: east-a, replica: r1}"
#define JSON_SOURCE "sources:\n  s: {kind: json, url: 'http://h/x', " LABELS "}\n"
#define SSH_SOURCE                                                                                \
	"sources:\n  s: {kind: ssh, url: 'ssh://ops@h:2222', command: uptime, known_hosts_file: " \
	"k, " LABELS "}\n"
#define ROW(pointer) "signals:\n  pool.used: {from: s, scale: 2, pointer: '" pointer "'}\n"

struct row {
	const char *yaml, *body;
	double value; /* NAN: a warning, and nothing else */
};

static const struct row rows[] = {
	{JSON_SOURCE ROW("/a/0/b"), "{\"a\":[{\"b\":4}]}", 8},
	{JSON_SOURCE ROW("/a~1b"), "{\"a/b\":\"4.5\"}", 9},
	{JSON_SOURCE ROW("/up"), "{\"up\":true}", 2},
	{JSON_SOURCE ROW(""), "7", 14},
	{JSON_SOURCE ROW("/a"), "{\"a\":null}", (double)NAN},
	{JSON_SOURCE ROW("/a"), "{\"a\":\"many\"}", (double)NAN},
	{JSON_SOURCE ROW("/a"), "{\"a\":{}}", (double)NAN},
	{JSON_SOURCE ROW("/b"), "{\"a\":1}", (double)NAN},
	{SSH_SOURCE ROW(""), " 12.5\r\n", 25},
	{SSH_SOURCE ROW("/used"), "{\"used\":3}\n", 6},
	{SSH_SOURCE ROW("used"), "max=9\nused_now=1\nused=3\n", 6},
	{SSH_SOURCE ROW("used"), "  used : 3\r\n", 6},
	{SSH_SOURCE ROW("used"), "used\t 3", 6},
	{SSH_SOURCE ROW("used"), "used=many\n", (double)NAN},
	{SSH_SOURCE ROW("used"), "unused=3\n", (double)NAN},
	{SSH_SOURCE ROW(""), "12 13", (double)NAN},
	{SSH_SOURCE ROW(""), "", (double)NAN},
};

START_TEST(finds_the_number)
{
	struct bench bench;
	bench_open(&bench, rows[_i].yaml);
	ck_assert_msg(bench_accept(&bench, rows[_i].body), "%s", bench.error.text);
	double value = bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_USED);
	bool missing = isnan(rows[_i].value);
	ck_assert_msg(missing ? isnan(value) : fabs(value - rows[_i].value) < 1e-9, "%g", value);
	ck_assert_int_eq(strstr(bench.sink.warning, "there is no number at '") != NULL, missing);
	bench_close(&bench);
}
END_TEST

START_TEST(asks_over_ssh)
{
	struct bench bench;
	struct backend_request request = {0};
	bench_open(&bench, SSH_SOURCE ROW(""));
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_int_eq(request.road, ROAD_COMMAND);
	ck_assert_str_eq(request.command.user, "ops");
	ck_assert_str_eq(request.command.host, "h");
	ck_assert_int_eq(request.command.port, 2222);
	ck_assert_str_eq(request.command.command, "uptime");
	ck_assert_str_eq(request.command.known_hosts_file, "/etc/spillway/k");
	bench_close(&bench);
}
END_TEST

START_TEST(says_why_a_command_failed)
{
	struct bench bench;
	bench_open(&bench, SSH_SOURCE ROW("/a"));
	bench.answer.status = -127;
	ck_assert(!bench_accept(&bench, "uptime: not found\n"));
	ck_assert_str_eq(
		bench.error.text, "the command failed with exit code 127: uptime: not found ");
	bench.answer.status = BACKEND_COMMAND_LOST;
	ck_assert(!bench_accept(&bench, ""));
	ck_assert(strstr(bench.error.text, "was ended"));
	bench.answer.status = 200;
	ck_assert(!bench_accept(&bench, "up 3 days"));
	ck_assert(strstr(bench.error.text, "does not print JSON"));
	bench_close(&bench);
}
END_TEST

START_TEST(a_pointer_into_json_begins_with_a_slash)
{
	struct bench bench;
	bench_read(&bench, JSON_SOURCE ROW("used"));
	struct backend_setup setup = {&bench.sources.rows[0], &bench.sources, BENCH_NOW_MS};
	ck_assert_ptr_null(json_ops.create(&setup, &bench.error));
	ck_assert_str_eq(bench.error.text, "a pointer into JSON begins with '/': 'used'");
	bench_close(&bench);
}
END_TEST

static Suite *pointer_suite(void)
{
	Suite *suite = suite_create("pointer");
	TCase *tcase = tcase_create("pointer");
	tcase_add_loop_test(tcase, finds_the_number, 0, (int)FIXTURE_COUNT(rows));
	tcase_add_test(tcase, asks_over_ssh);
	tcase_add_test(tcase, says_why_a_command_failed);
	tcase_add_test(tcase, a_pointer_into_json_begins_with_a_slash);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(pointer_suite());
}
