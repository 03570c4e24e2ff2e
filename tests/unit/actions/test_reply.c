#include "actions/reply.h"

#include "tests/unit/actions/scene.h"

static const struct {
	const char *value, *revision, *body, *etag;
	enum reply_verdict verdict;
	const char *read; /* the revision */
} cases[] = {
	{"/n", NULL, "{\"n\": 3}", "", REPLY_GO, ""},
	{"/n", NULL, "{\"n\": \"3\"}", "", REPLY_GO, ""},
	{"/n", NULL, "{\"n\": 5}", "", REPLY_ALREADY, ""},
	{"/n", NULL, "{\"n\": 4}", "", REPLY_CHANGED, ""},
	{"/n", NULL, "{\"m\": 4}", "", REPLY_UNREADABLE, ""},
	{"/n", NULL, "<html>", "", REPLY_UNREADABLE, ""},
	{"/n", "/m/r", "{\"n\": 3, \"m\": {\"r\": \"812\"}}", "", REPLY_GO, "812"},
	{"/n", "/m/r", "{\"n\": 3, \"m\": {\"r\": 812}}", "", REPLY_GO, "812"},
	{"/n", "/m/r", "{\"n\": 3}", "", REPLY_UNREADABLE, ""},
	{"/n", "/m/r", "{\"n\": 4, \"m\": {\"r\": \"812\"}}", "", REPLY_CHANGED, ""},
	{NULL, "etag", "no JSON", "\"v1\"", REPLY_GO, "\"v1\""},
	{NULL, "etag", "{}", "", REPLY_UNREADABLE, ""},
};

START_TEST(test_check)
{
	const struct http_binding binding = {
		.read_value = cases[_i].value, .read_revision = cases[_i].revision};
	const struct request request = {.from = 3, .to = 5};
	struct reply_check check;
	reply_check(
		&binding, &request, cases[_i].body, strlen(cases[_i].body), cases[_i].etag, &check);
	ck_assert_int_eq(check.verdict, cases[_i].verdict);
	ck_assert_str_eq(check.revision, cases[_i].read);
	ck_assert(check.verdict == REPLY_GO || check.text[0]);
}
END_TEST

START_TEST(test_keep)
{
	static const struct {
		const char *body, *kept;
	} bodies[] = {
		{"{\"id\": \"4f1c-2a\"}", "4f1c-2a"},
		{"{\"id\": 17}", "17"},
		{"{\"id\": \"../../x\"}", ""},
		{"{\"id\": \"a b\"}", ""},
		{"{\"id\": {}}", ""},
		{"{}", ""},
		{"x", ""},
	};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		char kept[REPLY_KEPT_BYTES] = "untouched";
		reply_keep("/id", bodies[i].body, strlen(bodies[i].body), kept);
		ck_assert_str_eq(kept, bodies[i].kept);
	}
}
END_TEST

static Suite *reply_suite(void)
{
	Suite *suite = suite_create("reply");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_check, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_keep);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(reply_suite());
}
