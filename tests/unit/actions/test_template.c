#include "actions/template.h"

#include "tests/unit/actions/scene.h"

static const struct {
	const char *source;
	double value;
	const char *expected; /* NULL: refused */
	enum error_kind kind;
} cases[] = {
	{"plain", 1, "plain", ERROR_NONE},
	{"{cluster}/{weight}", 88, "east-a/88", ERROR_NONE},
	{"{region}", 1, "us-east", ERROR_NONE},
	{"{cluster.pooler}", 1, "127.0.0.1", ERROR_NONE},
	{"{\"weight\":{weight}}", 0.5, "{\"weight\":0.5}", ERROR_NONE},
	{"{\"a\":{\"b\":{weight}}}", 100000, "{\"a\":{\"b\":100000}}", ERROR_NONE},
	{"{{print}", 1, "{print}", ERROR_NONE},
	{"{}", 1, "{}", ERROR_NONE},
	{"{weight}", 1e21, NULL, ERROR_SCHEMA},
	{"{weight}", NAN, NULL, ERROR_SCHEMA},
	{"{replica}", 1, NULL, ERROR_SCHEMA},
	{"{size}", 1, NULL, ERROR_SCHEMA},
	{"{cluster.missing}", 1, NULL, ERROR_SCHEMA},
	{"{cluster", 1, NULL, ERROR_SCHEMA},
	{"0123456789012345678901234567890123456789", 1, NULL, ERROR_LIMIT},
};

START_TEST(test_render)
{
	struct scene scene;
	struct error error = {0};
	char out[40] = "untouched";
	scene_open(&scene);
	const struct template_values values = {.fleet = scene.fleet,
		.target = scene.a,
		.cluster = scene.a,
		.replica = ENTITY_NONE,
		.verb = verb_find("cluster.divert"),
		.value = cases[_i].value};
	bool ok = template_render(cases[_i].source, &values, out, sizeof(out), &error);
	ck_assert_msg(ok == (cases[_i].expected != NULL), "%s: %s", cases[_i].source, error.text);
	if (ok)
		ck_assert_str_eq(out, cases[_i].expected);
	ck_assert_int_eq(error.kind, cases[_i].kind);
	scene_close(&scene);
}
END_TEST

START_TEST(test_unsafe_values_are_refused)
{
	static const char *const evil[] = {"a b", "a;b", "$(x)", "`x`", "a'b", "a\"b", "a/b", "-rf",
		"a&b", "a\\b", "a?b", "a%b"};
	for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
		struct fleet *fleet = fleet_create();
		struct error error = {0};
		uint32_t cluster = 0;
		char out[64];
		ck_assert(fleet_intern(
			fleet, ENTITY_CLUSTER, ENTITY_ROOT, evil[i], &cluster, &error));
		const struct template_values values = {.fleet = fleet,
			.target = cluster,
			.cluster = cluster,
			.replica = ENTITY_NONE,
			.verb = verb_find("pool.resize"),
			.value = 1};
		ck_assert_msg(!template_render("{cluster}", &values, out, sizeof(out), &error),
			"%s passed", evil[i]);
		ck_assert_int_eq(error.kind, ERROR_SCHEMA);
		fleet_destroy(fleet);
	}
}
END_TEST

START_TEST(test_check)
{
	char why[200];
	const struct verb_row *resize = verb_find("pool.resize");
	ck_assert(template_check("{cluster} {size} {cluster.x} {{y}", resize, why, sizeof(why)));
	ck_assert(!template_check("{weight}", resize, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "{weight}"));
	ck_assert(!template_check("{never ends", resize, why, sizeof(why)));
	ck_assert(template_mentions("x {replica}", "replica"));
	ck_assert(!template_mentions("x {{replica}", "replica"));
}
END_TEST

/* What only the moment of sending knows is shown as it stands, and filled once. */
START_TEST(test_late)
{
	struct scene scene;
	struct error error = {0};
	char out[128];
	scene_open(&scene);
	const struct template_values values = {.fleet = scene.fleet,
		.target = scene.a,
		.cluster = scene.a,
		.replica = ENTITY_NONE,
		.verb = verb_find("retry.limit"),
		.value = 0.05};
	const char *source = "{run} {now} {until} {revision} {retries} {percent} {{x}";
	ck_assert(template_render(source, &values, out, sizeof(out), &error));
	ck_assert_str_eq(out, "{run} {now} {until} {revision} 0.05 5 {x}");
	struct template_moment moment = {
		.run = "a-0007", .number = 2, .now_ms = 0, .until_ms = 60000};
	ck_assert(template_complete(out, sizeof(out), &moment, &error));
	ck_assert_str_eq(
		out, "a-0007-2 1970-01-01T00:00:00Z 1970-01-01T00:01:00Z {revision} 0.05 5 {x}");
	moment.revision = "\"v;1\"";
	ck_assert(!template_complete(out, sizeof(out), &moment, &error));
	ck_assert_int_eq(error.kind, ERROR_SCHEMA);
	moment.is_header = true;
	ck_assert(template_complete(out, sizeof(out), &moment, &error));
	ck_assert_ptr_nonnull(strstr(out, "\"v;1\""));
	snprintf(out, sizeof(out), "{revision}");
	moment.revision = "a\r\nb";
	ck_assert(!template_complete(out, sizeof(out), &moment, &error));
	moment.revision = "0123456789012";
	ck_assert(!template_complete(out, 13, &moment, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	ck_assert_str_eq(out, "{revision}");
	scene_close(&scene);
}
END_TEST

/* A fleet-wide service is in no cluster, and says so. */
START_TEST(test_service)
{
	struct scene scene;
	struct error error = {0};
	char out[64];
	uint32_t auth = 0;
	scene_open(&scene);
	ck_assert(fleet_intern(scene.fleet, ENTITY_SERVICE, ENTITY_ROOT, "auth", &auth, NULL));
	const struct template_values values = {.fleet = scene.fleet,
		.target = auth,
		.cluster = ENTITY_NONE,
		.replica = ENTITY_NONE,
		.verb = verb_find("role.limit"),
		.value = -1};
	ck_assert(template_render("{service} {limit}", &values, out, sizeof(out), &error));
	ck_assert_str_eq(out, "auth -1");
	ck_assert(!template_render("{cluster}", &values, out, sizeof(out), &error));
	ck_assert(!template_render("{region}", &values, out, sizeof(out), &error));
	ck_assert(!template_render("{cluster.x}", &values, out, sizeof(out), &error));
	ck_assert(!template_render("{surface}", &values, out, sizeof(out), &error));
	ck_assert(!template_render("{kept}", &values, out, sizeof(out), &error));
	scene_close(&scene);
}
END_TEST

static Suite *template_suite(void)
{
	Suite *suite = suite_create("template");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_render, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_unsafe_values_are_refused);
	tcase_add_test(tcase, test_check);
	tcase_add_test(tcase, test_late);
	tcase_add_test(tcase, test_service);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(template_suite());
}
