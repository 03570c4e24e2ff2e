#include "actions/planted.h"

#include "tests/unit/actions/scene.h"

static struct planted a_change(enum plant_kind kind)
{
	return (struct planted){.kind = kind,
		.where = "h1:22 east-a pool.max",
		.change = "set 22",
		.undo = "set 20",
		.read = "show 'size'",
		.from = 20,
		.to = 22,
		.after_ms = 1800000};
}

static void must_be(
	const struct planted *planted, enum planted_order order, const char *begin, const char *end)
{
	char line[PLAN_LINE_BYTES];
	struct error error = {0};
	ck_assert_msg(planted_command(planted, order, line, &error), "%s", error.text);
	size_t length = strlen(line);
	ck_assert_msg(strncmp(line, begin, strlen(begin)) == 0, "%s", line);
	ck_assert_msg(
		length > strlen(end) && strcmp(line + length - strlen(end), end) == 0, "%s", line);
}

START_TEST(test_timer_first)
{
	struct planted systemd = a_change(PLANT_SYSTEMD);
	struct planted at = a_change(PLANT_AT);
	must_be(&systemd, PLANTED_WITH_CHANGE, "systemctl --user -q stop spillway-",
		" && { set 22; }");
	must_be(&at, PLANTED_WITH_CHANGE, "touch ~/.spillway-",
		" | at now + 31 minutes 2>/dev/null && { set 22; }");
	must_be(&at, PLANTED_WITH_UNDO, "{ set 20; } && rm -f ~/.spillway-", "");
	must_be(&systemd, PLANTED_CANCEL, "{ systemctl --user -q stop spillway-", "|| :; }");
	at.after_ms = 60001;
	must_be(&at, PLANTED_AGAIN, "touch ~/.spillway-", " | at now + 3 minutes 2>/dev/null");
}
END_TEST

static void name_in(const struct planted *planted, char out[21])
{
	char line[PLAN_LINE_BYTES];
	ck_assert(planted_command(planted, PLANTED_CANCEL, line, NULL));
	snprintf(out, 21, "%s", strstr(line, "spillway-"));
}

/* The undo finds the timer by what was set where; nothing else has its name. */
START_TEST(test_names)
{
	struct planted one = a_change(PLANT_AT);
	struct planted other = one;
	char name[21], same[21], another[21];
	name_in(&one, name);
	other.after_ms = 5;
	name_in(&other, same);
	ck_assert_str_eq(name, same);
	other.to = 23;
	name_in(&other, another);
	ck_assert_str_ne(name, another);
	other = one;
	other.where = "h2:22 east-a pool.max";
	name_in(&other, another);
	ck_assert_str_ne(name, another);
}
END_TEST

START_TEST(test_what_cannot_be_shown)
{
	struct planted planted = a_change(PLANT_AT);
	char line[PLAN_LINE_BYTES] = "untouched";
	char longest[PLAN_LINE_BYTES];
	struct error error = {0};
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	planted.change = longest;
	ck_assert(!planted_command(&planted, PLANTED_WITH_CHANGE, line, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	planted = a_change(PLANT_SYSTEMD);
	planted.undo = "set 20\n";
	ck_assert(!planted_command(&planted, PLANTED_WITH_CHANGE, line, &error));
	ck_assert_str_eq(line, "untouched");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("planted");
	TCase *tcase = tcase_create("planted");
	tcase_add_test(tcase, test_timer_first);
	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_what_cannot_be_shown);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
