#include "actions/ticket.h"
#include "tests/unit/actions/scene.h"

static const struct {
	const char *pattern, *ticket;
	bool fits;
} cases[] = {
	{"INC-*", "INC-123", true},
	{"INC-*", "INC-", true},
	{"INC-*", "CHG-123", false},
	{"INC-*", "XINC-123", false},
	{"INC-?", "INC-1", true},
	{"INC-?", "INC-12", false},
	{"INC-12", "INC-1", false},
	{"INC-1", "INC-12", false},
	{"*-1*2", "INC-1-1x2", true},
	{"*-1*2", "INC-1-1x", false},
	{"*", "a", true},
	{"*", "", false},
	{"*", NULL, false},
	{NULL, "INC-1", false},
};

START_TEST(test_fits)
{
	ck_assert_msg(ticket_fits(cases[_i].pattern, cases[_i].ticket) == cases[_i].fits,
		"case %d: %s against %s", _i, cases[_i].ticket, cases[_i].pattern);
}
END_TEST

/* It goes into journal and plan as it is, and into what others read. */
START_TEST(test_what_a_ticket_may_be)
{
	struct error error;
	static const char *const good[] = {"INC-123", "CHG0042/7", "a", "#17", "ops:1.2_b"};
	static const char *const bad[] = {"", "INC 1", "INC-*", "\x1b[2J", "a\nb", "caf\xc3\xa9",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert(ticket_check(good[i], &error));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!ticket_check(bad[i], &error), "bad %zu passed", i);
		ck_assert_int_eq(error.kind, ERROR_USAGE);
	}
	ck_assert(ticket_check_pattern("INC-*") && ticket_check_pattern("INC-1"));
	ck_assert(!ticket_check_pattern("") && !ticket_check_pattern("INC -*"));
}
END_TEST

static Suite *ticket_suite(void)
{
	Suite *suite = suite_create("ticket");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_fits, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_what_a_ticket_may_be);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(ticket_suite());
}
