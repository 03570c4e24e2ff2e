#include "core/base/child.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "tests/unit/base/suite.h"

#define TURNS 2000

struct heard {
	int calls;
	char bytes[64];
	struct error error;
};

static void on_done(void *context, const char *bytes, size_t length, const struct error *error)
{
	struct heard *heard = context;
	heard->calls++;
	ck_assert((bytes == NULL) != (error == NULL));
	if (error)
		heard->error = *error;
	else
		memcpy(heard->bytes, bytes, length < sizeof(heard->bytes) ? length : 0);
}

static void wait_for(struct loop *loop, const struct heard *heard)
{
	struct error error = {0};
	for (int turn = 0; turn < TURNS && heard->calls == 0; turn++)
		ck_assert(loop_turn(loop, 20, &error));
	ck_assert_int_eq(heard->calls, 1);
}

struct row {
	const char *words[4];
	int64_t timeout_ms;
	enum error_kind kind;
	const char *text; /* what it printed, or in the error */
};

static const struct row rows[] = {
	{{"echo", "a token", NULL}, 20000, ERROR_NONE, "a token\n"},
	{{"echo", "$HOME;ls", NULL}, 20000, ERROR_NONE, "$HOME;ls\n"}, /* no shell */
	{{"cat", NULL}, 20000, ERROR_NONE, ""},                        /* its input is empty */
	{{"sh", "-c", "echo no >&2; exit 3", NULL}, 20000, ERROR_IO, "exit code 3"},
	{{"sh", "-c", "exit 127", NULL}, 20000, ERROR_IO, "no such program"},
	{{"sh", "-c", "kill -9 $$", NULL}, 20000, ERROR_IO, "signal 9"},
	{{"sleep", "600", NULL}, 50, ERROR_TIMEOUT, "not done in time"},
	{{"yes", NULL}, 20000, ERROR_LIMIT, "prints more than 8192 bytes"},
};

START_TEST(hears_what_it_prints)
{
	struct clock clock;
	struct heard heard = {0};
	struct error error = {0};
	clock_init_system(&clock);
	struct loop *loop = loop_create(&clock, &error);
	ck_assert(child_start(loop, rows[_i].words, rows[_i].timeout_ms, on_done, &heard, &error) !=
		  NULL);
	ck_assert_int_eq(heard.calls, 0);
	wait_for(loop, &heard);
	ck_assert_int_eq(heard.error.kind, rows[_i].kind);
	if (rows[_i].kind == ERROR_NONE)
		ck_assert_str_eq(heard.bytes, rows[_i].text);
	else
		ck_assert_msg(
			strstr(heard.error.text, rows[_i].text) != NULL, "%s", heard.error.text);
	loop_destroy(loop);
}
END_TEST

START_TEST(can_be_stopped_and_need_not_exist)
{
	struct clock clock;
	struct heard heard = {0};
	struct error error = {0};
	const char *const sleeper[] = {"sleep", "600", NULL}, *const nobody[] = {"/nowhere", NULL};
	clock_init_system(&clock);
	struct loop *loop = loop_create(&clock, &error);
	struct child *child = child_start(loop, sleeper, 20000, on_done, &heard, &error);
	ck_assert_ptr_nonnull(child);
	child_stop(child);
	child_stop(NULL);
	ck_assert_int_eq(heard.calls, 0);
	/* Where starting is emulated (valgrind), a missing program is known only when it ends. */
	if (child_start(loop, nobody, 20000, on_done, &heard, &error)) {
		wait_for(loop, &heard);
		error = heard.error;
	}
	ck_assert_msg(strstr(error.text, "cannot run '/nowhere'") != NULL, "%s", error.text);
	loop_destroy(loop);
}
END_TEST

static Suite *child_suite(void)
{
	Suite *suite = suite_create("child");
	TCase *tcase = tcase_create("child");
	tcase_set_timeout(tcase, 40);
	tcase_add_loop_test(tcase, hears_what_it_prints, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tcase, can_be_stopped_and_need_not_exist);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(child_suite());
}
