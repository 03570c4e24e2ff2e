#include "backends/sim/model_control.h"

#include <math.h>

#include "tests/unit/sim/suite.h"

static struct model *model;
static struct control control;
static struct text body;

static void setup(void)
{
	struct scenario scenario = shipped("calm");
	model = started(&scenario, 1);
	control_init(&control, "secret");
	text_init(&body, 1 << 20);
}

static void teardown(void)
{
	model_destroy(model);
	text_finish(&body);
}

static struct control_reply ask(
	const char *method, const char *path, const char *sent, const char *if_match)
{
	struct control_request request = {.method = method,
		.path = path,
		.body = sent,
		.body_length = sent ? strlen(sent) : 0,
		.authorization = "Bearer secret",
		.if_match = if_match};
	text_clear(&body);
	return control_handle(&control, model, &request, &body);
}

/* One exchange and what must come of it. */
static const struct {
	const char *method, *path, *sent;
	int status;
	const char *words; /* somewhere in the answer */
} exchanges[] = {
	{"GET", "/v1/clusters/east-a/weight", NULL, 200,
		"{\"cluster\":\"east-a\",\"weight\":26,\"revision\":1}"},
	{"POST", "/v1/clusters/east-a/weight", "{\"weight\":20}", 200,
		"\"weight\":20,\"revision\":2"},
	{"POST", "/v1/clusters/east-a/weight", "{\"weight\":\"20.5\"}", 200, "20.5"},
	{"POST", "/v1/clusters/east-a/weight", "{\"weight\":-1}", 422, "error"},
	{"POST", "/v1/clusters/east-a/weight", "{\"weight\":1001}", 422, "1000"},
	{"POST", "/v1/clusters/east-a/weight", "{\"weight\":\"NaN\"}", 400, "not a number"},
	{"POST", "/v1/clusters/east-a/weight", "{\"weight\":[1]}", 400, "not a number"},
	{"POST", "/v1/clusters/east-a/weight", "{\"weight\":1,\"x\":2}", 400, "no other"},
	{"POST", "/v1/clusters/east-a/weight", "{\"x\":2}", 400, "weight"},
	{"POST", "/v1/clusters/east-a/weight", "{\"weight\":", 400, "not JSON"},
	{"POST", "/v1/clusters/east-a/weight", "[1]", 400, "JSON object"},
	{"POST", "/v1/clusters/east-a/weight", "", 400, "JSON object"},
	{"POST", "/v1/clusters/east-a/weight", NULL, 400, "JSON object"},
	{"POST", "/v1/clusters/nope/weight", "{\"weight\":1}", 404, "nope"},
	{"GET", "/v1/clusters/weight", NULL, 404, "error"},
	{"GET", "/v1/clusters//weight", NULL, 404, "error"},
	{"PUT", "/v1/clusters/east-a/weight", "{\"weight\":1}", 405, "GET, POST"},
	{"GET", "/v1/replicas/east-a/r2/state", NULL, 200, "\"state\":\"ready\",\"health\":\"UP\""},
	{"POST", "/v1/replicas/east-a/r2/state", "{\"state\":\"maint\"}", 200,
		"\"state\":\"maint\""},
	{"POST", "/v1/replicas/east-a/r2/state", "{\"state\":\"gone\"}", 400, "one of"},
	{"POST", "/v1/replicas/east-a/r9/state", "{\"state\":\"maint\"}", 404, "r9"},
	{"GET", "/v1/retries", NULL, 200, "{\"limit\":null,\"revision\":1}"},
	{"POST", "/v1/retries", "{\"limit\":0.1}", 200, "\"limit\":0.1"},
	{"POST", "/v1/retries", "{\"limit\":null}", 200, "\"limit\":null,\"revision\":2"},
	{"POST", "/v1/retries", "{\"limit\":-3}", 422, "error"},
	{"POST", "/v1/retries", "{\"limit\":\"none\"}", 400, "error"},
	{"GET", "/v1/truth", NULL, 200,
		"\"clusters\":[{\"cluster\":\"east-a\",\"state\":\"normal\""},
	{"POST", "/v1/truth", "{}", 405, "GET"},
	{"GET", "/v1/", NULL, 404, "error"},
};

START_TEST(each_exchange_ends_as_written)
{
	struct control_reply reply =
		ask(exchanges[_i].method, exchanges[_i].path, exchanges[_i].sent, NULL);
	ck_assert_msg(reply.status == exchanges[_i].status, "%s %s: %d %s", exchanges[_i].path,
		exchanges[_i].sent ? exchanges[_i].sent : "", reply.status, text_string(&body));
	ck_assert_msg(
		strstr(text_string(&body), exchanges[_i].words) != NULL, "%s", text_string(&body));
	ck_assert((reply.allow != NULL) == (reply.status == 405));
}
END_TEST

START_TEST(without_the_token_nothing_is_told_or_done)
{
	const char *const wrong[] = {NULL, "", "secret", "Bearer", "Bearer ", "Bearer secre",
		"Bearer secret2", "bearer secret", "Basic secret"};
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct control_request request = {.method = "POST",
			.path = "/v1/clusters/east-a/weight",
			.body = "{\"weight\":1}",
			.body_length = 12,
			.authorization = wrong[i]};
		text_clear(&body);
		struct control_reply reply = control_handle(&control, model, &request, &body);
		ck_assert_int_eq(reply.status, 401);
		ck_assert_ptr_null(strstr(text_string(&body), "secret"));
	}
	ck_assert_double_eq(model_weight(model, 0), 26.0);
}
END_TEST

START_TEST(a_revision_seen_guards_the_change)
{
	const char *path = "/v1/clusters/east-a/weight";
	ck_assert_uint_eq(ask("POST", path, "{\"weight\":25}", "\"1\"").revision, 2);
	struct control_reply reply = ask("POST", path, "{\"weight\":24}", "\"1\"");
	ck_assert_int_eq(reply.status, 412);
	ck_assert_double_eq(model_weight(model, 0), 25.0);
	ck_assert_int_eq(ask("POST", path, "{\"weight\":24}", "2").status, 200);
	ck_assert_int_eq(ask("POST", path, "{\"weight\":23}", "*").status, 200);
	ck_assert_int_eq(ask("POST", path, "{\"weight\":22}", "rubbish").status, 412);
	/* A weight of another cluster changes every share. */
	reply = ask("POST", "/v1/clusters/west-a/weight", "{\"weight\":24}", "3");
	ck_assert_int_eq(reply.status, 412);
	ck_assert_uint_eq(ask("GET", path, NULL, NULL).revision, 4);
	ck_assert_uint_eq(ask("GET", "/v1/retries", NULL, NULL).revision, 1);
}
END_TEST

START_TEST(a_refused_change_keeps_its_revision)
{
	ck_assert_int_eq(ask("POST", "/v1/retries", "{\"limit\":-1}", NULL).status, 422);
	ck_assert_uint_eq(ask("GET", "/v1/retries", NULL, NULL).revision, 1);
	ck_assert(isnan(model_retry_limit(model)));
}
END_TEST

START_TEST(a_long_body_is_refused)
{
	char *sent = calloc(1, CONTROL_BODY_BYTES + 2);
	memset(sent, ' ', CONTROL_BODY_BYTES + 1);
	sent[0] = '{';
	ck_assert_int_eq(ask("POST", "/v1/retries", sent, NULL).status, 400);
	ck_assert_ptr_nonnull(strstr(text_string(&body), "longer"));
	free(sent);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {without_the_token_nothing_is_told_or_done,
		a_revision_seen_guards_the_change, a_refused_change_keeps_its_revision,
		a_long_body_is_refused};
	Suite *suite = suite_create("control");
	TCase *tcase = tcase_create("control");
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < COUNT_OF(tests); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, each_exchange_ends_as_written, 0, COUNT_OF(exchanges));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
