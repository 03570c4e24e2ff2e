/* A terminal on a real pseudo-terminal: a child opens it, the parent is the one who types and
 * looks. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/error.h"
#include "ui/canvas.h"
#include "ui/terminal.h"

#define PATIENCE_MS 20000

/* A child on its own pseudo-terminal. The parent keeps the slave too, to read its modes. */
struct child {
	pid_t pid;
	int master, slave;
	char seen[1 << 20];
	size_t length;
};

typedef int child_fn(void);

static void start(struct child *child, const char *term, child_fn *fn)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	ck_assert_int_eq(openpty(&child->master, &child->slave, NULL, NULL, &size), 0);
	child->length = 0;
	child->pid = fork();
	ck_assert_int_ge(child->pid, 0);
	if (child->pid > 0)
		return;
	setsid();
	ioctl(child->slave, TIOCSCTTY, 0);
	dup2(child->slave, STDIN_FILENO);
	dup2(child->slave, STDOUT_FILENO);
	close(child->master);
	close(child->slave);
	setenv("TERM", term, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	_exit(fn());
}

/* Read until `word` was written; every byte is looked at once. */
static void wait_for(struct child *child, const char *word)
{
	for (;;) {
		if (memmem(child->seen, child->length, word, strlen(word)))
			return;
		struct pollfd waiting = {.fd = child->master, .events = POLLIN};
		ck_assert_msg(poll(&waiting, 1, PATIENCE_MS) > 0, "never saw '%s'", word);
		ssize_t got = read(child->master, child->seen + child->length,
			sizeof child->seen - child->length);
		ck_assert_msg(got > 0, "the terminal ended before '%s'", word);
		child->length += (size_t)got;
	}
}

static void type(struct child *child, const char *keys)
{
	ck_assert_int_eq(write(child->master, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static int finish(struct child *child)
{
	int status = 0;
	while (waitpid(child->pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	close(child->master);
	close(child->slave);
	return status;
}

static bool is_cooked(const struct child *child)
{
	struct termios modes;
	ck_assert_int_eq(tcgetattr(child->slave, &modes), 0);
	return (modes.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO) && (modes.c_oflag & OPOST);
}

static struct terminal *open_or_exit(void)
{
	struct terminal *terminal = terminal_open(&(struct terminal_options){0}, NULL);
	if (!terminal)
		_exit(90);
	return terminal;
}

static void show(struct terminal *terminal, const char *words)
{
	/* Each time in another row, or only what differs would be written. */
	static int row;
	canvas_clear(terminal_canvas(terminal));
	canvas_text(terminal_canvas(terminal), row++ % 20, 5, 60, ROLE_CRITICAL, words);
	terminal_flush(terminal);
}

static uint32_t next_key(struct terminal *terminal)
{
	for (;;) {
		uint32_t key = terminal_key(terminal);
		if (key != TERMINAL_KEY_NONE)
			return key;
		struct pollfd waiting = {.fd = terminal_input_fd(terminal), .events = POLLIN};
		if (poll(&waiting, 1, PATIENCE_MS) <= 0)
			_exit(91);
	}
}

static int echo_keys(void)
{
	struct terminal *terminal = open_or_exit();
	show(terminal, "ready");
	char words[64] = "";
	uint32_t key;
	while ((key = next_key(terminal)) != 'q' && key != TERMINAL_KEY_HANGUP) {
		snprintf(words, sizeof words, "key<%x>", key);
		show(terminal, words);
	}
	terminal_close(terminal);
	return key == TERMINAL_KEY_HANGUP ? 42 : 0;
}

START_TEST(keys_are_read_and_the_tty_is_restored)
{
	static struct child child;
	start(&child, "xterm-256color", echo_keys);
	wait_for(&child, "ready");
	ck_assert(!is_cooked(&child));
	type(&child, "\x1b[A");
	wait_for(&child, "key<110002>");
	type(&child, "\x1b");
	wait_for(&child, "key<1b>");
	type(&child, "\x1a");
	wait_for(&child, "key<1a>");
	type(&child, "\xc3\xa9");
	wait_for(&child, "key<e9>");
	type(&child, "q");
	wait_for(&child, "\x1b[?1049l");
	ck_assert_int_eq(finish(&child), 0);
}
END_TEST

START_TEST(modes_come_back)
{
	static const char *const terms[] = {"xterm-256color", "linux", "vt100", "screen"};
	for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
		static struct child child;
		start(&child, terms[i], echo_keys);
		wait_for(&child, "ready");
		type(&child, "q");
		int status = 0;
		ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
		ck_assert_int_eq(status, 0);
		ck_assert(is_cooked(&child));
		close(child.master);
		close(child.slave);
	}
}
END_TEST

static int crash(void)
{
	struct terminal *terminal = open_or_exit();
	show(terminal, "ready");
	next_key(terminal);
	raise(SIGSEGV);
	return 0;
}

START_TEST(a_crash_restores_the_tty)
{
	static struct child child;
	start(&child, "xterm-256color", crash);
	wait_for(&child, "ready");
	ck_assert(!is_cooked(&child));
	type(&child, "x");
	wait_for(&child, "\x1b[?1049l");
	int status = 0;
	ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
	ck_assert(status != 0);
	ck_assert(is_cooked(&child));
	close(child.master);
	close(child.slave);
}
END_TEST

START_TEST(a_hangup_is_a_key)
{
	static struct child child;
	start(&child, "xterm-256color", echo_keys);
	wait_for(&child, "ready");
	signal(SIGHUP, SIG_IGN);
	close(child.slave);
	/* The child leads the session, so that the hangup reaches it as a signal too. */
	close(child.master);
	int status = 0;
	ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
	bool by_key = WIFEXITED(status) && WEXITSTATUS(status) == 42;
	bool by_signal = WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP;
	ck_assert_msg(by_key || by_signal, "status %x", (unsigned)status);
}
END_TEST

static int ignore_hangup(void)
{
	signal(SIGHUP, SIG_IGN);
	return echo_keys();
}

START_TEST(a_hangup_is_a_key_when_the_signal_is_not_heard)
{
	static struct child child;
	start(&child, "xterm-256color", ignore_hangup);
	wait_for(&child, "ready");
	close(child.slave);
	close(child.master);
	int status = 0;
	ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 42);
}
END_TEST

/* Nobody reads: frames are dropped, and nothing waits. */
static int flood(void)
{
	struct terminal *terminal = open_or_exit();
	bool dropped = false;
	char words[64];
	for (int i = 0; i < 10000 && !dropped; i++) {
		for (int row = 0; row < 24; row++) {
			snprintf(words, sizeof words, "%d flood %d", i * row, i);
			canvas_text(terminal_canvas(terminal), row, i % 40, 40,
				i % 2 ? ROLE_OK : ROLE_CRITICAL, words);
		}
		dropped = !terminal_flush(terminal);
	}
	bool has_backlog = terminal_has_backlog(terminal);
	terminal_close(terminal);
	return dropped && has_backlog ? 0 : 1;
}

START_TEST(a_stopped_terminal_stops_nothing)
{
	static struct child child;
	start(&child, "xterm-256color", flood);
	ck_assert_int_eq(finish(&child), 0);
}
END_TEST

struct refusal {
	const char *term;
	const char *says;
};

static const struct refusal refusals[] = {
	{"dumb", "dumb"},
	{"no-such-terminal", "xterm-256color"},
	{"", "TERM"},
};
static int refusal_index;

static int expect_refusal(void)
{
	struct error error = {0};
	struct terminal *terminal = terminal_open(&(struct terminal_options){0}, &error);
	bool said = !terminal && error.kind == ERROR_USAGE &&
		    strstr(error.text, refusals[refusal_index].says);
	return said ? 0 : 1;
}

START_TEST(a_poor_terminal_is_refused_with_a_hint)
{
	static struct child child;
	refusal_index = _i;
	start(&child, refusals[_i].term, expect_refusal);
	ck_assert_int_eq(finish(&child), 0);
}
END_TEST

START_TEST(no_terminal_is_refused)
{
	struct error error = {0};
	int null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	close(null);
	ck_assert_ptr_null(terminal_open(&(struct terminal_options){0}, &error));
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	terminal_close(NULL);
}
END_TEST

static int suspend_and_resume(void)
{
	struct terminal *terminal = open_or_exit();
	show(terminal, "ready");
	next_key(terminal);
	terminal_suspend(terminal);
	terminal_suspend(terminal);
	terminal_flush(terminal);
	struct termios modes;
	tcgetattr(STDIN_FILENO, &modes);
	bool cooked = modes.c_lflag & ICANON;
	terminal_resume(terminal);
	bool resized = terminal_key(terminal) == TERMINAL_KEY_RESIZE;
	show(terminal, "again");
	terminal_beep(terminal);
	next_key(terminal);
	terminal_close(terminal);
	return cooked && resized ? 0 : 1;
}

START_TEST(suspending_gives_the_tty_back_for_a_while)
{
	static struct child child;
	start(&child, "xterm-256color", suspend_and_resume);
	wait_for(&child, "ready");
	type(&child, "x");
	wait_for(&child, "\x1b[?1049l");
	wait_for(&child, "again");
	type(&child, "x");
	ck_assert_int_eq(finish(&child), 0);
}
END_TEST

static int resize(void)
{
	struct terminal *terminal = open_or_exit();
	struct winsize size = {.ws_row = 3, .ws_col = 1};
	show(terminal, "ready");
	ioctl(STDIN_FILENO, TIOCSWINSZ, &size);
	terminal_resize(terminal);
	bool told = terminal_key(terminal) == TERMINAL_KEY_RESIZE;
	bool fits = canvas_columns(terminal_canvas(terminal)) == 1 &&
		    canvas_rows(terminal_canvas(terminal)) == 3;
	show(terminal, "x");
	terminal_close(terminal);
	return told && fits ? 0 : 1;
}

START_TEST(any_size_is_taken)
{
	static struct child child;
	start(&child, "xterm-256color", resize);
	wait_for(&child, "\x1b[?1049l");
	ck_assert_int_eq(finish(&child), 0);
}
END_TEST

START_TEST(memory_needs_no_tty)
{
	struct terminal *terminal =
		terminal_open_memory(&(struct terminal_options){.ascii = true}, 1, 1, NULL);
	ck_assert_ptr_nonnull(terminal);
	ck_assert_int_eq(terminal_input_fd(terminal), -1);
	ck_assert(canvas_is_ascii(terminal_canvas(terminal)));
	terminal_resize(terminal);
	terminal_suspend(terminal);
	terminal_resume(terminal);
	terminal_beep(terminal);
	ck_assert(terminal_flush(terminal));
	ck_assert(!terminal_has_backlog(terminal));
	ck_assert_uint_eq(terminal_key(terminal), TERMINAL_KEY_NONE);
	terminal_close(terminal);
}
END_TEST

static Suite *terminal_suite(void)
{
	Suite *suite = suite_create("terminal");
	TCase *tcase = tcase_create("tty");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, keys_are_read_and_the_tty_is_restored);
	tcase_add_test(tcase, modes_come_back);
	tcase_add_test(tcase, a_crash_restores_the_tty);
	tcase_add_test(tcase, a_hangup_is_a_key);
	tcase_add_test(tcase, a_hangup_is_a_key_when_the_signal_is_not_heard);
	tcase_add_test(tcase, a_stopped_terminal_stops_nothing);
	tcase_add_loop_test(tcase, a_poor_terminal_is_refused_with_a_hint, 0,
		sizeof refusals / sizeof *refusals);
	tcase_add_test(tcase, no_terminal_is_refused);
	tcase_add_test(tcase, suspending_gives_the_tty_back_for_a_while);
	tcase_add_test(tcase, any_size_is_taken);
	tcase_add_test(tcase, memory_needs_no_tty);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(terminal_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
