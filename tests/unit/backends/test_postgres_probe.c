#include "tests/unit/backends/fixture.h"

#define SOURCE(url)                                        \
	"sources:\n  d: {kind: postgres-probe, url: '" url \
	"', labels: {cluster: east-a, replica: "           \
	"r1}}\n"
#define SLOTS "usable\tused\tversion\n37\t12\t15.18\n\n"
#define LAG(replica, receiver, lag) "replica\treceiver\tlag\n" replica "\t" receiver "\t" lag "\n\n"

struct address_row {
	const char *url, *host;
	int port;
	size_t steps;
};

static const struct address_row addresses[] = {
	{SOURCE("postgresql://db1:5433/"), "db1", 5433, 2},
	{SOURCE("postgres://db1"), "db1", 5432, 2},
	{SOURCE("postgresql://[::1]:6000/x"), "::1", 6000, 2},
	{SOURCE("postgresql://mon@10.0.0.7:5432/postgres?sslmode=require"), "10.0.0.7", 5432, 3},
};

START_TEST(knocks_where_the_url_says)
{
	struct bench bench;
	struct backend_request request = {0};
	const struct address_row *row = &addresses[_i];
	bench_open(&bench, row->url);
	ck_assert_uint_eq(bench.source->ops->steps(bench.instance, 0, false), row->steps);
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_int_eq(request.road, ROAD_PROBE);
	ck_assert(request.evidence);
	ck_assert_str_eq(request.probe.host, row->host);
	ck_assert_int_eq(request.probe.port, row->port);
	ck_assert_mem_eq(request.probe.send, "\0\0\0\x08\x04\xd2\x16\x2f", 8);
	bench_close(&bench);
}
END_TEST

struct knock_row {
	const char *body;
	enum error_kind failure; /* ERROR_NONE: an answer came */
	double up;               /* NAN: refused */
};

static const struct knock_row knocks[] = {
	{"N", ERROR_NONE, 1},
	{"S", ERROR_NONE, 1},
	{"", ERROR_REJECTED, 0},
	{"H", ERROR_NONE, (double)NAN},
};

START_TEST(takes_silence_and_refusal_for_an_answer)
{
	struct bench bench;
	struct error failure = {knocks[_i].failure, "h:5432 accepts and does not answer"};
	bench_open(&bench, SOURCE("postgresql://h"));
	bench.answer.failure = knocks[_i].failure == ERROR_NONE ? NULL : &failure;
	bool taken = bench_accept(&bench, knocks[_i].body);
	ck_assert_int_eq(taken, !isnan(knocks[_i].up));
	double up = bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP);
	ck_assert_msg(isnan(knocks[_i].up) ? isnan(up) : up == knocks[_i].up, "%g", up);
	bench_close(&bench);
}
END_TEST

static bool asks_again(struct bench *bench)
{
	struct backend_request request = {0};
	bench->ask.step = 1;
	ck_assert(bench->source->ops->request(
		bench->instance, &bench->ask, bench->scratch, &request, &bench->error));
	return request.road == ROAD_PROBE;
}

/* What a poll begins with: the first knock is made, and this is what comes of it. */
static void knock(struct bench *bench, const char *body, const struct error *failure)
{
	struct backend_request request = {0};
	bench->ask.step = 0;
	ck_assert(bench->source->ops->request(
		bench->instance, &bench->ask, bench->scratch, &request, &bench->error));
	bench->answer.failure = failure;
	ck_assert(bench_accept(bench, body));
}

START_TEST(one_silence_is_no_proof)
{
	struct bench bench;
	const struct error silence = {ERROR_TIMEOUT, "h:5432 accepts and does not answer"};
	const struct error refusal = {ERROR_UNREACHABLE, "h:5432 refuses"};
	bench_open(&bench, SOURCE("postgresql://h"));
	knock(&bench, "", &silence);
	ck_assert_uint_eq(bench.sink.count, 0);
	ck_assert(asks_again(&bench));
	/* The second knock is answered: it was a lost packet. */
	bench.answer.failure = NULL;
	ck_assert(bench_accept(&bench, "N"));
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP), 1);
	/* Neither is: it hangs. */
	observations_clear(&bench.sink);
	knock(&bench, "", &silence);
	ck_assert(asks_again(&bench));
	bench.answer.failure = &silence;
	ck_assert(bench_accept(&bench, ""));
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP), 0);
	/* A refusal needs no second, and silence is forgotten with its poll. */
	observations_clear(&bench.sink);
	knock(&bench, "", &refusal);
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP), 0);
	ck_assert(!asks_again(&bench));
	bench.answer.failure = NULL;
	ck_assert(bench_accept(&bench, ""));
	ck_assert_uint_eq(bench.sink.count, 0);
	bench_close(&bench);
}
END_TEST

struct session_row {
	const char *body;
	double used, usable, lag;
	const char *warning; /* NULL: none */
};

static const struct session_row sessions[] = {
	{SLOTS LAG("t", "streaming", "1.5"), 12, 37, 1.5, NULL},
	{SLOTS LAG("t", "streaming", "0"), 12, 37, 0, NULL},
	/* cut off from its primary it has replayed all it received: that is not zero */
	{SLOTS LAG("t", "waiting", "0"), 12, 37, (double)NAN, "does not stream"},
	{SLOTS LAG("t", "\\N", "0"), 12, 37, (double)NAN, "pg_monitor"},
	{SLOTS LAG("t", "streaming", "\\N"), 12, 37, (double)NAN, NULL},
	{SLOTS LAG("f", "\\N", "0"), 12, 37, (double)NAN, NULL},
	{"!42501\tpermission denied\n\n" LAG("f", "\\N", "0"), (double)NAN, (double)NAN,
		(double)NAN, "refused (42501): permission denied"},
};

static void expect(const struct bench *bench, enum signal signal, double wanted)
{
	double value = bench_value(bench, ENTITY_REPLICA, "east-a/r1", signal);
	ck_assert_msg(isnan(wanted) ? isnan(value) : value == wanted, "%s %g",
		signal_row(signal)->name, value);
}

START_TEST(reads_slots_and_lag)
{
	struct bench bench;
	const struct session_row *row = &sessions[_i];
	bench_open(&bench, SOURCE("postgresql://mon@h/postgres"));
	bench.ask.step = 2;
	ck_assert_msg(bench_accept(&bench, row->body), "%s", bench.error.text);
	expect(&bench, SIGNAL_REPLICA_CONNECTIONS_USED, row->used);
	expect(&bench, SIGNAL_REPLICA_CONNECTIONS_MAX, row->usable);
	expect(&bench, SIGNAL_REPLICA_LAG, row->lag);
	ck_assert_msg(strstr(bench.sink.warning, row->warning ? row->warning : "") != NULL, "%s",
		bench.sink.warning);
	ck_assert_int_eq(bench.sink.warning[0] == '\0', row->warning == NULL);
	bench_close(&bench);
}
END_TEST

START_TEST(all_slots_taken_is_a_finding_and_no_figure)
{
	struct bench bench;
	struct error failure = {ERROR_REJECTED, "no session at h: sorry, too many clients already"};
	bench_open(&bench, SOURCE("postgresql://mon@h/postgres"));
	bench.ask.step = 2;
	bench.answer.failure = &failure;
	ck_assert(bench_accept(&bench, ""));
	ck_assert_uint_eq(bench.sink.count, 0);
	ck_assert_str_eq(bench.sink.warning, failure.text);
	bench.answer.failure = NULL;
	ck_assert(!bench_accept(&bench, SLOTS));
	ck_assert_str_eq(bench.error.text, "the server's answer is not whole");
	bench_close(&bench);
}
END_TEST

static Suite *postgres_probe_suite(void)
{
	Suite *suite = suite_create("postgres_probe");
	TCase *tcase = tcase_create("postgres_probe");
	tcase_add_loop_test(tcase, knocks_where_the_url_says, 0, (int)FIXTURE_COUNT(addresses));
	tcase_add_loop_test(
		tcase, takes_silence_and_refusal_for_an_answer, 0, (int)FIXTURE_COUNT(knocks));
	tcase_add_test(tcase, one_silence_is_no_proof);
	tcase_add_loop_test(tcase, reads_slots_and_lag, 0, (int)FIXTURE_COUNT(sessions));
	tcase_add_test(tcase, all_slots_taken_is_a_finding_and_no_figure);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(postgres_probe_suite());
}
