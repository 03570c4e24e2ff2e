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
		.cluster = scene.a,
		.replica = ENTITY_NONE,
		.parameter = "weight",
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
			.cluster = cluster,
			.replica = ENTITY_NONE,
			.parameter = "size",
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
	ck_assert(template_check("{cluster} {size} {cluster.x} {{y}", "size", why, sizeof(why)));
	ck_assert(!template_check("{weight}", "size", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "{weight}"));
	ck_assert(!template_check("{never ends", "size", why, sizeof(why)));
	ck_assert(template_mentions("x {replica}", "replica"));
	ck_assert(!template_mentions("x {{replica}", "replica"));
}
END_TEST

static Suite *template_suite(void)
{
	Suite *suite = suite_create("template");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_render, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_unsafe_values_are_refused);
	tcase_add_test(tcase, test_check);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(template_suite());
}
