#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "ui/theme.h"
#include "ui/theme_builtin.h"

#define ARENA_BYTES (1024 * 1024)

static struct arena *arena;
static struct complaints complaints;

static void begin(void)
{
	arena = arena_create(ARENA_BYTES);
	complaints_init(&complaints);
}

static void end(void)
{
	complaints_finish(&complaints);
	arena_destroy(arena);
}

START_TEST(builtin_equals_its_file)
{
	const struct theme *builtin = &theme_builtins[_i];
	struct theme read = {0};
	char path[512];
	snprintf(path, sizeof path, "%s/themes/%s.yaml", TEST_SOURCE_DIR, builtin->name);
	ck_assert_str_eq(theme_names()[_i], builtin->name);
	ck_assert_ptr_eq(theme_builtin(builtin->name), builtin);
	ck_assert(theme_read(arena, path, &read, &complaints));
	ck_assert_str_eq(read.name, builtin->name);
	for (int role = ROLE_TEXT; role < ROLE_COUNT; role++) {
		const struct theme_style *a = &read.styles[role];
		const struct theme_style *b = &builtin->styles[role];
		bool same = a->fg256 == b->fg256 && a->bg256 == b->bg256 && a->fg16 == b->fg16 &&
			    a->bg16 == b->bg16 && a->bold == b->bold && a->dim == b->dim &&
			    a->reverse == b->reverse && a->underline == b->underline;
		ck_assert_msg(same, "%s: role '%s' differs", path, role_name((enum role)role));
	}
}
END_TEST

struct bad_case {
	const char *yaml;
	const char *says; /* in a complaint */
};

static const struct bad_case bad_cases[] = {
	{"name: x\nroles:\n  critcal: {fg16: 1}\n", "critical"},
	{"name: x\nroles:\n  critical: {fg16: 16}\n", "fg16"},
	{"name: x\nroles:\n  critical: {fg256: -2}\n", "fg256"},
	{"name: x\nroles:\n  critical: {bold: maybe}\n", "bold"},
	{"name: x\nroles:\n  critical: {blod: true}\n", "bold"},
	{"name: x\nroles: [1]\n", "roles"},
	{"roles: {}\n", "name"},
	{"name: x\n", "roles"},
	{"", ""},
};

START_TEST(bad_themes_are_complained_about)
{
	char path[512];
	snprintf(path, sizeof path, "%s/theme-%d-%d.yaml", TEST_BINARY_DIR, (int)getpid(), _i);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(bad_cases[_i].yaml, file);
	fclose(file);
	struct theme theme = {.name = "untouched"};
	ck_assert(!theme_read(arena, path, &theme, &complaints));
	ck_assert_str_eq(theme.name, "untouched");
	ck_assert_uint_ge(complaints.count, 1);
	bool said = false;
	for (size_t i = 0; i < complaints.count; i++)
		said = said || strstr(complaints.rows[i].text, bad_cases[_i].says) ||
		       strstr(complaints.rows[i].key, bad_cases[_i].says);
	ck_assert_msg(said, "no complaint names '%s'", bad_cases[_i].says);
	unlink(path);
}
END_TEST

START_TEST(no_state_is_told_by_colour_alone)
{
	/* Mono has nothing but attributes: states must differ in them from plain text. */
	const struct theme *mono = theme_builtin("mono");
	static const enum role roles[] = {
		ROLE_WARNING, ROLE_CRITICAL, ROLE_UNKNOWN, ROLE_STALE, ROLE_SELECTED, ROLE_ARMED};
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
		const struct theme_style *style = &mono->styles[roles[i]];
		ck_assert_int_eq(style->fg256, -1);
		ck_assert_int_eq(style->fg16, -1);
		ck_assert(style->bold || style->dim || style->reverse || style->underline);
	}
	ck_assert_ptr_null(theme_builtin("nothing"));
}
END_TEST

static Suite *theme_suite(void)
{
	Suite *suite = suite_create("theme");
	TCase *tcase = tcase_create("files");
	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_loop_test(tcase, builtin_equals_its_file, 0, THEME_BUILTIN_COUNT);
	tcase_add_loop_test(
		tcase, bad_themes_are_complained_about, 0, sizeof bad_cases / sizeof *bad_cases);
	tcase_add_test(tcase, no_state_is_told_by_colour_alone);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(theme_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
