#include "actions/plan.h"

#include "core/base/text.h"
#include "core/wire/json.h"
#include "tests/unit/actions/scene.h"

#include "actions/request.h"

static const struct action_config divert = {
	.info = {.name = "divert", .transport = "http"},
	.road = ACTION_BY_HTTP,
	.http = {.method = "POST",
		.url = "http://127.0.0.1:4000/v1/clusters/{cluster}/weight",
		.json = "{\"weight\":{weight}}"},
};
static const struct action_config scale = {
	.info = {.name = "scale-pool", .transport = "ssh"},
	.ssh = {.host = "{cluster.pooler}",
		.user = "ops",
		.port = 22,
		.command = "psql -c 'SET default_pool_size = {size}'"},
};
static const struct action_config each_replica = {
	.info = {.name = "scale-pool", .transport = "ssh"},
	.ssh = {.host = "{replica}.db",
		.user = "ops",
		.port = 2201,
		.command = "resize {cluster} {replica} {size}"},
};

static const char *ticket; /* of the next plan; NULL none */
static size_t asked;       /* it is an undo of a change with so many requests; 0: it is none */

static bool make(struct scene *scene, const struct action_config *config, const char *verb,
	uint32_t target, double to, struct plan *out, struct error *error)
{
	struct action_config action = *config;
	const struct guard_config limits = scene_limits();
	const struct plan_facts facts = {.environment = "demo",
		.armed = true,
		.journal_trouble = "",
		.ticket = ticket,
		.is_undo = asked > 0,
		.asked = asked};
	action.info.verb = verb_find(verb);
	return plan_make(&action, &limits, &facts, scene->snapshot, &scene->assessment, target, to,
		scene->now_ms, out, error);
}

START_TEST(test_plan_of_a_divert)
{
	struct scene scene;
	struct plan plan;
	struct plan again;
	struct error error = {0};
	scene_open(&scene);
	plan_init(&plan);
	plan_init(&again);
	ck_assert_msg(make(&scene, &divert, "cluster.divert", scene.a, 88, &plan, &error), "%s",
		error.text);
	ck_assert_uint_eq(plan.request_count, 1);
	ck_assert_str_eq(plan.requests[0].line,
		"POST http://127.0.0.1:4000/v1/clusters/east-a/weight {\"weight\":88}");
	ck_assert_double_eq(plan.from, 100);
	ck_assert_uint_eq(strlen(plan.hash), 64);
	ck_assert(strncmp(plan.id, "p-", 2) == 0 && strncmp(plan.id + 2, plan.hash, 6) == 0);
	ck_assert(!plan.needs_typed_name);
	for (size_t i = 0; i < plan.verdict_count; i++)
		ck_assert_msg(plan.verdicts[i].kind == VERDICT_PASS, "%s: %s",
			plan.verdicts[i].guard, plan.verdicts[i].text);
	ck_assert_int_eq(plan_outcome(&plan), OUTCOME_CHANGES_PENDING);
	/* The same inputs, the same plan; another value or present value, another hash. */
	ck_assert(make(&scene, &divert, "cluster.divert", scene.a, 88, &again, &error));
	ck_assert_str_eq(again.hash, plan.hash);
	ck_assert(make(&scene, &divert, "cluster.divert", scene.a, 87, &again, &error));
	ck_assert_str_ne(again.hash, plan.hash);
	/* Who approved it with one ticket has not approved it with another. */
	ticket = "INC-7";
	ck_assert(make(&scene, &divert, "cluster.divert", scene.a, 88, &again, &error));
	ck_assert_str_ne(again.hash, plan.hash);
	ck_assert_str_eq(again.ticket, "INC-7");
	ticket = NULL;
	scene_advance(&scene, 1000);
	scene_read(&scene, 99, 100, 20);
	ck_assert(make(&scene, &divert, "cluster.divert", scene.a, 88, &again, &error));
	ck_assert_str_ne(again.hash, plan.hash);
	ck_assert(plan_copy(&plan, &again));
	ck_assert_str_eq(again.hash, plan.hash);
	plan_finish(&again);
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

START_TEST(test_one_request_per_serving_replica)
{
	struct scene scene;
	struct plan plan;
	struct error error = {0};
	scene_open(&scene);
	plan_init(&plan);
	scene_put(&scene, scene.replicas[0][1], SIGNAL_REPLICA_MAINTENANCE, 1);
	scene_seal(&scene);
	ck_assert_msg(make(&scene, &each_replica, "pool.resize", scene.a, 30, &plan, &error), "%s",
		error.text);
	ck_assert_uint_eq(plan.request_count, 2);
	ck_assert_str_eq(plan.requests[0].line, "ops@r1.db:2201 $ resize east-a r1 30");
	ck_assert_str_eq(plan.requests[1].line, "ops@r3.db:2201 $ resize east-a r3 30");
	ck_assert_uint_eq(plan.left_out, 0);
	/* An undo reaches only who serves: of who was asked and does not, that is said. */
	for (asked = SCENE_REPLICAS - 1; asked <= SCENE_REPLICAS; asked++) {
		struct text text;
		text_init(&text, 65536);
		ck_assert(make(&scene, &each_replica, "pool.resize", scene.a, 30, &plan, &error));
		plan_print(&plan, 80, &text);
		ck_assert_uint_eq(plan.left_out, asked == SCENE_REPLICAS);
		ck_assert_int_eq(
			strstr(text_string(&text), "leaves out") != NULL, plan.left_out > 0);
		text_finish(&text);
	}
	asked = 0;
	for (int i = 0; i < SCENE_REPLICAS; i++)
		scene_put(&scene, scene.replicas[0][i], SIGNAL_REPLICA_MAINTENANCE, 1);
	scene_seal(&scene);
	ck_assert(!make(&scene, &each_replica, "pool.resize", scene.a, 30, &plan, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "no serving replica"));
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

START_TEST(test_wrong_arguments)
{
	struct scene scene;
	struct plan plan;
	struct action_config long_url = divert;
	char url[PLAN_LINE_BYTES + 8];
	scene_open(&scene);
	plan_init(&plan);
	memset(url, 'x', sizeof(url) - 1);
	url[sizeof(url) - 1] = '\0';
	long_url.http.url = url;
	const struct {
		const struct action_config *action;
		const char *verb;
		uint32_t target;
		double to;
		enum error_kind kind;
	} cases[] = {
		{&divert, "cluster.divert", scene.replicas[0][0], 80, ERROR_USAGE},
		{&divert, "cluster.divert", 9999, 80, ERROR_USAGE},
		{&divert, "cluster.divert", scene.a, -1, ERROR_USAGE},
		{&divert, "cluster.divert", scene.a, NAN, ERROR_USAGE},
		{&divert, "cluster.divert", scene.a, INFINITY, ERROR_USAGE},
		{&scale, "pool.resize", scene.a, 0, ERROR_USAGE},
		{&scale, "pool.resize", scene.a, 20.5, ERROR_USAGE},
		{&scale, "pool.resize", scene.b, 30, ERROR_SCHEMA}, /* "x; rm -rf" */
		{&long_url, "cluster.divert", scene.a, 80, ERROR_LIMIT},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error error = {0};
		ck_assert_msg(!make(&scene, cases[i].action, cases[i].verb, cases[i].target,
				      cases[i].to, &plan, &error),
			"case %zu passed", i);
		ck_assert_msg(error.kind == cases[i].kind, "case %zu: %s", i, error.text);
		ck_assert_uint_eq(plan.request_count, 0);
	}
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

START_TEST(test_printed)
{
	static const char *const labels[] = {"changes   size of east-a 20 -> 30", "blast     ",
		"after     ", "guards    ", "verify    ", "undo      "};
	struct scene scene;
	struct plan plan;
	struct error error = {0};
	struct text text;
	scene_open(&scene);
	plan_init(&plan);
	text_init(&text, 65536);
	ck_assert_msg(
		make(&scene, &scale, "pool.resize", scene.a, 30, &plan, &error), "%s", error.text);
	plan_print(&plan, 76, &text);
	const char *at = text_string(&text);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		at = strstr(at, labels[i]);
		ck_assert_msg(at != NULL, "'%s' is not there or not in its place:\n%s", labels[i],
			text_string(&text));
	}
	ck_assert_ptr_nonnull(strstr(text_string(&text),
		"will run  ops@127.0.0.1:22 $ psql -c 'SET default_pool_size = 30'"));
	for (const char *line = text_string(&text); *line;) {
		size_t length = strcspn(line, "\n");
		ck_assert_msg(length <= 76, "%.*s", (int)length, line);
		line += length + 1;
	}
	for (int columns = -1; columns < 200; columns++) {
		text_clear(&text);
		plan_print(&plan, columns, &text);
		ck_assert(text_ok(&text));
	}
	text_clear(&text);
	ticket = "INC-7";
	ck_assert(make(&scene, &scale, "pool.resize", scene.a, 30, &plan, &error));
	plan_print(&plan, 76, &text);
	ck_assert_ptr_nonnull(strstr(text_string(&text), "\nticket    INC-7\n"));
	text_clear(&text);
	plan_print_json(&plan, &text);
	ck_assert_ptr_nonnull(strstr(text_string(&text), "\"ticket\":\"INC-7\""));
	ticket = NULL;
	struct json_document *document = json_parse(text_string(&text), text.length, &error);
	ck_assert_msg(document != NULL, "%s", error.text);
	double to = 0;
	ck_assert(json_number_of(json_get(json_root(document), "to"), &to) && to == 30);
	ck_assert_uint_eq(json_count(json_get(json_root(document), "guards")), plan.verdict_count);
	json_destroy(document);
	text_finish(&text);
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

/* A drain has one value, is about one replica, and is taken back by another action. */
START_TEST(test_drain)
{
	struct scene scene;
	struct plan plan;
	struct error error = {0};
	struct guard_config limits = scene_limits();
	const struct plan_facts facts = {.environment = "t", .armed = true, .journal_trouble = ""};
	const struct action_config action = {
		.info = {.name = "drain", .verb = verb_find("replica.drain"), .transport = "ssh"},
		.ssh = {.host = "{cluster.pooler}",
			.user = "ops",
			.port = 22,
			.command = "drain {cluster}/{replica}"},
		.undo = "return",
	};
	scene_open(&scene);
	scene_put(&scene, scene.replicas[0][1], SIGNAL_REPLICA_MAINTENANCE, 0);
	scene_seal(&scene);
	plan_init(&plan);
	ck_assert(!plan_make(&action, &limits, &facts, scene.snapshot, &scene.assessment, scene.a,
		1, scene.now_ms, &plan, &error));
	ck_assert(!plan_make(&action, &limits, &facts, scene.snapshot, &scene.assessment,
		scene.replicas[0][1], 0, scene.now_ms, &plan, &error));
	ck_assert_msg(plan_make(&action, &limits, &facts, scene.snapshot, &scene.assessment,
			      scene.replicas[0][1], 1, scene.now_ms, &plan, &error),
		"%s", error.text);
	ck_assert_uint_eq(plan.request_count, 1);
	ck_assert_str_eq(plan.requests[0].line, "ops@127.0.0.1:22 $ drain east-a/r2");
	ck_assert_ptr_nonnull(strstr(plan.undo, "action 'return'"));
	const char *seen = "";
	for (size_t i = 0; i < plan.verdict_count; i++) {
		if (strcmp(plan.verdicts[i].guard, "min-serving") == 0)
			seen = plan.verdicts[i].text;
	}
	ck_assert_str_eq(seen, "2 replicas of east-a would go on serving, 2 must");
	struct action_config alone = action;
	alone.undo = NULL;
	ck_assert(plan_make(&alone, &limits, &facts, scene.snapshot, &scene.assessment,
		scene.replicas[0][1], 1, scene.now_ms, &plan, &error));
	for (size_t i = 0; i < plan.verdict_count; i++) {
		if (strcmp(plan.verdicts[i].guard, "expiry") == 0)
			ck_assert_int_eq(plan.verdicts[i].kind, VERDICT_WARN);
	}
	limits.min_serving = 3;
	ck_assert(plan_make(&action, &limits, &facts, scene.snapshot, &scene.assessment,
		scene.replicas[0][1], 1, scene.now_ms, &plan, &error));
	ck_assert(plan.blocked);
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

/* What is given back goes in small shares, and only upwards. */
START_TEST(test_restore)
{
	static const struct {
		double to;
		bool blocked;
	} steps[] = {{105, false}, {200, true}, {95, true}};
	struct scene scene;
	struct plan plan;
	struct error error = {0};
	const struct guard_config limits = scene_limits();
	const struct plan_facts facts = {.environment = "t", .armed = true, .journal_trouble = ""};
	const struct action_config action = {
		.info = {.name = "restore",
			.verb = verb_find("cluster.restore"),
			.transport = "http"},
		.road = ACTION_BY_HTTP,
		.http = {.method = "POST", .url = "http://lb/{cluster}/{weight}", .json = ""},
	};
	scene_open(&scene);
	plan_init(&plan);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ck_assert_msg(plan_make(&action, &limits, &facts, scene.snapshot, &scene.assessment,
				      scene.a, steps[i].to, scene.now_ms, &plan, &error),
			"%s", error.text);
		ck_assert_msg(plan.blocked == steps[i].blocked, "to %g", steps[i].to);
	}
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

/* Headers are shown and hashed as written; the run is named in them only when it is known. */
START_TEST(test_headers)
{
	struct scene scene;
	struct request requests[1];
	struct error error = {0};
	char line[PLAN_LINE_BYTES];
	struct action_config action = {
		.info = {.name = "divert",
			.verb = verb_find("cluster.divert"),
			.transport = "http"},
		.road = ACTION_BY_HTTP,
		.http = {.method = "POST",
			.url = "http://lb/{cluster}",
			.json = "w={weight}",
			.is_form = true,
			.headers = {{"If-Match", "{cluster}-{weight}"}, {"Key", "k-{run}!"}},
			.header_count = 2},
	};
	scene_open(&scene);
	const struct request_change change = {
		.action = &action, .target = scene.a, .from = 100, .to = 88};
	const struct template_moment moment = {.run = "a-0007", .number = 1};
	ck_assert_uint_eq(requests_make(&change, scene.snapshot, requests, 1, &error), 1);
	ck_assert(request_line(&requests[0], line, &error));
	ck_assert_str_eq(line, "POST http://lb/east-a [If-Match: east-a-88] [Key: k-{run}!] w=88");
	ck_assert(request_complete(&requests[0], &moment, &error));
	ck_assert_str_eq(requests[0].headers[1].value, "k-a-0007-1!");
	ck_assert_str_eq(requests[0].headers[0].value, "east-a-88");
	scene_close(&scene);
}
END_TEST

static Suite *plan_suite(void)
{
	Suite *suite = suite_create("plan");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_plan_of_a_divert);
	tcase_add_test(tcase, test_one_request_per_serving_replica);
	tcase_add_test(tcase, test_wrong_arguments);
	tcase_add_test(tcase, test_printed);
	tcase_add_test(tcase, test_drain);
	tcase_add_test(tcase, test_restore);
	tcase_add_test(tcase, test_headers);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(plan_suite());
}
