#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/wire/ssh.h"
#include "tests/unit/base/suite.h"

/* What a real shell makes of a quoted word; false when it says anything but one word back. */
static void shell_read(const char *quoted, char *out, size_t size)
{
	struct text script;
	int ends[2];
	text_init(&script, 65536);
	text_printf(&script, "set -- %s; printf '%%s:%%s' $# \"$1\"", quoted);
	ck_assert(text_ok(&script));
	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execl("/bin/sh", "sh", "-c", text_string(&script), (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	size_t length = 0;
	ssize_t got = 0;
	while ((got = read(ends[0], out + length, size - 1 - length)) > 0)
		length += (size_t)got;
	out[length] = '\0';
	close(ends[0]);
	waitpid(pid, NULL, 0);
	text_finish(&script);
}

START_TEST(a_shell_reads_back_the_same_word)
{
	static const char *const words[] = {
		"",
		"plain",
		"two words",
		"'",
		"''",
		"it's",
		"\\",
		"\\'",
		"$HOME",
		"`id`",
		"$(id)",
		"*",
		"?",
		"~",
		"~root",
		"a;b",
		"a&b",
		"a|b",
		"<in",
		">out",
		"#comment",
		"!history",
		"-n",
		"--",
		"{a,b}",
		"[a-z]",
		"\"double\"",
		"a=b",
		"=cmd",
		"%1",
		"(sub)",
		"trailing\\",
		"h\xc3\xa9llo",
		"\xff\xfe",
		"SET default_pool_size = 20",
	};
	char out[1024], expected[1024];
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct text text;
		struct error error;
		text_init(&text, 1024);
		ck_assert(ssh_quote(&text, words[i], &error));
		shell_read(text_string(&text), out, sizeof(out));
		snprintf(expected, sizeof(expected), "1:%s", words[i]);
		ck_assert_msg(strcmp(out, expected) == 0, "'%s' became '%s'", words[i], out);
		text_finish(&text);
	}
}
END_TEST

START_TEST(simple_words_stay_readable)
{
	struct text text;
	struct error error;
	text_init(&text, 1024);
	ck_assert(ssh_quote(&text, "pool-1.east:6432", &error));
	text_add_char(&text, ' ');
	ck_assert(ssh_quote(&text, "two words", &error));
	ck_assert_str_eq(text_string(&text), "pool-1.east:6432 'two words'");
	text_finish(&text);
}
END_TEST

START_TEST(control_characters_are_refused_and_nothing_is_written)
{
	static const char *const words[] = {"a\nb", "\t", "\x1b[31m", "\x7f", "end\r"};
	struct text text;
	text_init(&text, 1024);
	text_add(&text, "before");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct error error = {.kind = ERROR_NONE};
		ck_assert(!ssh_quote(&text, words[i], &error));
		ck_assert_int_eq(error.kind, ERROR_USAGE);
		ck_assert_str_eq(text_string(&text), "before");
	}
	text_finish(&text);
}
END_TEST

START_TEST(a_word_that_does_not_fit_is_refused_whole)
{
	/* Each word needs exactly `needed` bytes. */
	static const struct {
		const char *word;
		size_t needed;
	} rows[] = {{"plain", 5}, {"two words", 11}, {"it's", 9}, {"", 2}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error = {.kind = ERROR_NONE};
		struct text text;
		text_init(&text, rows[i].needed - 1);
		ck_assert(!ssh_quote(&text, rows[i].word, &error));
		ck_assert_int_eq(error.kind, ERROR_LIMIT);
		ck_assert_uint_eq(text.length, 0);
		ck_assert(text_ok(&text));
		text_finish(&text);
		text_init(&text, rows[i].needed);
		ck_assert(ssh_quote(&text, rows[i].word, &error));
		ck_assert_uint_eq(text.length, rows[i].needed);
		text_finish(&text);
	}
}
END_TEST

static Suite *ssh_quote_suite(void)
{
	Suite *suite = suite_create("ssh_quote");
	TCase *tests = tcase_create("words");
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, a_shell_reads_back_the_same_word);
	tcase_add_test(tests, simple_words_stay_readable);
	tcase_add_test(tests, control_characters_are_refused_and_nothing_is_written);
	tcase_add_test(tests, a_word_that_does_not_fit_is_refused_whole);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	return suite_run(ssh_quote_suite());
}
