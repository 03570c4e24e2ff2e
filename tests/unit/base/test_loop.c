#include "core/base/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "tests/unit/base/suite.h"

/* Most tests turn the loop on a manual clock: nothing then depends on how fast the machine is. */
static struct clock clock;
static struct loop *loop;
static char trace[256];
static int pair[2];

static void begin(void)
{
	clock_init_manual(&clock, 1000);
	loop = loop_create(&clock, NULL);
	ck_assert_ptr_nonnull(loop);
	trace[0] = '\0';
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
}

static void finish(void)
{
	loop_destroy(loop);
	close(pair[0]);
	close(pair[1]);
}

static void note(const char *word)
{
	size_t used = strlen(trace);
	snprintf(trace + used, sizeof(trace) - used, "%s ", word);
}

static void turn(void)
{
	struct error error = {0};
	ck_assert_msg(loop_turn(loop, 0, &error), "%s", error.text);
}

static void note_timer(void *context)
{
	note(context);
}

static uint64_t start(int64_t delay_ms, char *word)
{
	return loop_timer_start(loop, delay_ms, note_timer, word);
}

START_TEST(timers_run_by_time_then_by_start)
{
	char a[] = "a", b[] = "b", c[] = "c", d[] = "d";
	start(20, c);
	start(10, a);
	start(20, d);
	start(10, b);
	turn();
	ck_assert_str_eq(trace, "");
	clock_advance(&clock, 9);
	turn();
	ck_assert_str_eq(trace, "");
	clock_advance(&clock, 1);
	turn();
	ck_assert_str_eq(trace, "a b ");
	clock_advance(&clock, 100);
	turn();
	turn();
	ck_assert_str_eq(trace, "a b c d ");
}
END_TEST

START_TEST(many_timers_keep_their_order)
{
	static char words[500][8];
	uint64_t ids[500];
	unsigned state = 12345;
	for (size_t i = 0; i < 500; i++) {
		state = state * 1103515245u + 12345u;
		snprintf(words[i], sizeof(words[i]), "%u", (state >> 16) % 50);
		ids[i] = start((int64_t)((state >> 16) % 50), words[i]);
		ck_assert_uint_ne(ids[i], 0);
	}
	for (size_t i = 0; i < 500; i += 3)
		loop_timer_stop(loop, ids[i]);
	int before = -1;
	size_t ran = 0;
	for (int ms = 0; ms < 50; ms++) {
		trace[0] = '\0';
		turn();
		for (const char *at = trace; *at; at = strchr(at, ' ') + 1) {
			int due = (int)strtol(at, NULL, 10);
			ck_assert_int_ge(due, before);
			ck_assert_int_eq(due, ms);
			before = due;
			ran++;
		}
		clock_advance(&clock, 1);
	}
	ck_assert_uint_eq(ran, 500 - 167);
}
END_TEST

START_TEST(a_stopped_timer_does_not_run)
{
	char a[] = "a", b[] = "b";
	uint64_t id = start(0, a);
	start(0, b);
	loop_timer_stop(loop, id);
	loop_timer_stop(loop, id);
	loop_timer_stop(loop, 0);
	loop_timer_stop(loop, 999);
	turn();
	ck_assert_str_eq(trace, "b ");
}
END_TEST

static uint64_t victim;

static void stop_victim(void *context)
{
	note(context);
	loop_timer_stop(loop, victim);
}

START_TEST(a_timer_may_stop_one_that_is_due_in_the_same_turn)
{
	char a[] = "a", b[] = "b";
	loop_timer_start(loop, 0, stop_victim, a);
	victim = start(0, b);
	turn();
	turn();
	ck_assert_str_eq(trace, "a ");
}
END_TEST

static void start_again(void *context)
{
	note(context);
	loop_timer_start(loop, 0, start_again, context);
}

static void read_once(void *context, int fd, unsigned events)
{
	char byte;
	ck_assert_uint_eq(events, LOOP_READ);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	note(context);
}

START_TEST(a_timer_without_delay_starves_nobody)
{
	char tick[] = "t", data[] = "d";
	loop_timer_start(loop, 0, start_again, tick);
	ck_assert(loop_watch(loop, pair[0], LOOP_READ, read_once, data, NULL));
	ck_assert_int_eq(write(pair[1], "xy", 2), 2);
	turn();
	turn();
	ck_assert_str_eq(trace, "d t d t ");
}
END_TEST

static void ignore_ready(void *context, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	note(context);
}

START_TEST(descriptors_that_are_always_ready_starve_no_timer)
{
	char ready[] = "r", tick[] = "t";
	ck_assert(loop_watch(loop, pair[0], LOOP_WRITE, ignore_ready, ready, NULL));
	start(1, tick);
	turn();
	clock_advance(&clock, 1);
	turn();
	ck_assert_str_eq(trace, "r r t ");
}
END_TEST

START_TEST(a_turn_in_which_a_timer_ran_waits_for_nothing_more)
{
	char tick[] = "t";
	start(0, tick);
	ck_assert(loop_turn(loop, -1, NULL));
	ck_assert_str_eq(trace, "t ");
}
END_TEST

static unsigned seen_events;

static void keep_events(void *context, int fd, unsigned events)
{
	(void)context;
	(void)fd;
	seen_events = events;
}

/* The process was given no turn for long: the answer came, and its deadline passed meanwhile. */
START_TEST(what_has_come_is_seen_before_its_deadline)
{
	char answer[] = "answer", deadline[] = "deadline";
	ck_assert(loop_watch(loop, pair[0], LOOP_READ, ignore_ready, answer, NULL));
	start(500, deadline);
	turn();
	ck_assert_int_eq(write(pair[1], "N", 1), 1);
	clock_advance(&clock, 900);
	turn();
	ck_assert_str_eq(trace, "answer deadline ");
}
END_TEST

START_TEST(a_second_watch_replaces_the_first)
{
	char first[] = "first", second[] = "second";
	ck_assert(loop_watch(loop, pair[0], LOOP_READ, ignore_ready, first, NULL));
	ck_assert(loop_watch(loop, pair[0], LOOP_WRITE, ignore_ready, second, NULL));
	turn();
	ck_assert_str_eq(trace, "second ");
	loop_unwatch(loop, pair[0]);
	turn();
	ck_assert_str_eq(trace, "second ");
}
END_TEST

START_TEST(hangups_are_reported_with_what_was_asked_for)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert(loop_watch(loop, ends[0], LOOP_READ, keep_events, NULL, NULL));
	turn();
	ck_assert_uint_eq(seen_events, 0);
	close(ends[1]);
	turn();
	ck_assert_uint_eq(seen_events, LOOP_READ | LOOP_HANGUP);
	loop_unwatch(loop, ends[0]);
	close(ends[0]);
}
END_TEST

START_TEST(unwatching_is_harmless)
{
	char word[] = "x";
	loop_unwatch(loop, -1);
	loop_unwatch(loop, 5);
	loop_unwatch(loop, 100000000);
	int copy = dup(pair[0]);
	ck_assert(loop_watch(loop, copy, LOOP_WRITE, ignore_ready, word, NULL));
	close(copy);
	loop_unwatch(loop, copy);
	loop_unwatch(loop, copy);
}
END_TEST

START_TEST(a_number_that_was_closed_and_reused_can_be_watched)
{
	char word[] = "new";
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert(loop_watch(loop, ends[1], LOOP_WRITE, keep_events, NULL, NULL));
	close(ends[1]);
	int again = dup(pair[0]);
	ck_assert_int_eq(again, ends[1]);
	ck_assert(loop_watch(loop, again, LOOP_WRITE, ignore_ready, word, NULL));
	turn();
	ck_assert_str_eq(trace, "new ");
	loop_unwatch(loop, again);
	close(again);
	close(ends[0]);
}
END_TEST

static void unwatch_both(void *context, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	note(context);
	loop_unwatch(loop, pair[0]);
	loop_unwatch(loop, pair[1]);
}

START_TEST(what_a_callback_removes_is_not_called_in_that_turn)
{
	char one[] = "one";
	ck_assert(loop_watch(loop, pair[0], LOOP_WRITE, unwatch_both, one, NULL));
	ck_assert(loop_watch(loop, pair[1], LOOP_WRITE, unwatch_both, one, NULL));
	turn();
	turn();
	ck_assert_str_eq(trace, "one ");
}
END_TEST

static void replace_other(void *context, int fd, unsigned events)
{
	(void)events;
	int other = fd == pair[0] ? pair[1] : pair[0];
	char *word = context;
	note(word);
	/* The event that was fetched for the old watch must not reach the new one. */
	ck_assert(loop_watch(loop, other, LOOP_READ, ignore_ready, word + 1, NULL));
	loop_unwatch(loop, fd);
}

START_TEST(an_event_for_an_old_watch_does_not_reach_its_successor)
{
	char words[] = "x";
	ck_assert(loop_watch(loop, pair[0], LOOP_WRITE, replace_other, words, NULL));
	ck_assert(loop_watch(loop, pair[1], LOOP_WRITE, replace_other, words, NULL));
	turn();
	turn();
	ck_assert_str_eq(trace, "x ");
}
END_TEST

START_TEST(a_regular_file_is_always_ready)
{
	char file_word[] = "f", tick[] = "t";
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert(loop_watch(loop, fd, LOOP_READ, ignore_ready, file_word, NULL));
	start(5, tick);
	/* Without the file this would wait for the timer, which a manual clock never reaches. */
	ck_assert(loop_turn(loop, -1, NULL));
	clock_advance(&clock, 5);
	ck_assert(loop_turn(loop, -1, NULL));
	ck_assert_str_eq(trace, "f f t ");
	loop_unwatch(loop, fd);
	turn();
	ck_assert_str_eq(trace, "f f t ");
	close(fd);
}
END_TEST

START_TEST(what_cannot_be_watched_is_an_error)
{
	struct error error = {0};
	ck_assert(!loop_watch(loop, -1, LOOP_READ, ignore_ready, NULL, &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	ck_assert(!loop_watch(loop, LOOP_FDS, LOOP_READ, ignore_ready, NULL, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	int closed = dup(pair[0]);
	close(closed);
	ck_assert(!loop_watch(loop, closed, LOOP_READ, ignore_ready, NULL, &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	ck_assert_ptr_nonnull(strstr(error.text, "Bad file descriptor"));
	ck_assert(!loop_signal(loop, 0, NULL, NULL, &error));
	ck_assert(!loop_signal(loop, 1000, NULL, NULL, &error));
	ck_assert_int_eq(error.kind, ERROR_USAGE);
}
END_TEST

START_TEST(timers_have_a_limit)
{
	char word[] = "x";
	for (int i = 0; i < LOOP_TIMERS; i++)
		ck_assert_uint_ne(start(1000, word), 0);
	ck_assert_uint_eq(start(1000, word), 0);
}
END_TEST

static void note_signal(void *context, int signal_number)
{
	note(context);
	ck_assert(signal_number == SIGUSR1 || signal_number == SIGTERM);
}

START_TEST(signals_come_last_in_the_turn)
{
	char usr[] = "usr", term[] = "term", data[] = "data", tick[] = "tick";
	ck_assert(loop_signal(loop, SIGUSR1, note_signal, usr, NULL));
	ck_assert(loop_signal(loop, SIGTERM, note_signal, term, NULL));
	ck_assert(loop_watch(loop, pair[0], LOOP_WRITE, ignore_ready, data, NULL));
	start(0, tick);
	raise(SIGTERM);
	turn();
	ck_assert_str_eq(trace, "data tick term ");
	raise(SIGUSR1);
	turn();
	ck_assert_str_eq(trace, "data tick term data usr ");
}
END_TEST

START_TEST(destruction_gives_signals_back_and_drops_the_late_ones)
{
	char usr[] = "usr";
	sigset_t mask;
	ck_assert(loop_signal(loop, SIGUSR1, note_signal, usr, NULL));
	raise(SIGUSR1);
	loop_destroy(loop);
	loop = NULL;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	ck_assert_int_eq(sigismember(&mask, SIGUSR1), 0);
	ck_assert_str_eq(trace, "");
}
END_TEST

static void stop_loop(void *context)
{
	note(context);
	loop_stop(loop);
}

START_TEST(it_runs_until_stopped)
{
	char word[] = "stop";
	struct clock real;
	clock_init_system(&real);
	loop_destroy(loop);
	loop = loop_create(&real, NULL);
	loop_timer_start(loop, 3, stop_loop, word);
	int64_t before_ms = loop_now_ms(loop);
	ck_assert(loop_run(loop, NULL));
	ck_assert_int_ge(loop_now_ms(loop), before_ms + 3);
	/* A stop that comes before the run is not lost. */
	loop_stop(loop);
	ck_assert(loop_run(loop, NULL));
	ck_assert_str_eq(trace, "stop ");
	/* It waits for its timers; it does not spin towards them. */
	ck_assert_uint_le(loop_stats_take(loop).turns, 10);
	loop_destroy(loop);
	loop = NULL;
}
END_TEST

static void dawdle(void *context)
{
	(void)context;
	int64_t until_us = clock_stopwatch_us() + 6000;
	while (clock_stopwatch_us() < until_us)
		continue;
}

START_TEST(stalls_are_counted)
{
	char word[] = "x";
	start(0, word);
	loop_timer_start(loop, 0, dawdle, NULL);
	turn();
	struct loop_stats stats = loop_stats_take(loop);
	ck_assert_uint_eq(stats.turns, 1);
	ck_assert_uint_eq(stats.callbacks, 2);
	ck_assert_uint_ge(stats.stalls, 1);
	ck_assert_int_ge(stats.longest_callback_us, 6000);
	stats = loop_stats_take(loop);
	ck_assert_uint_eq(stats.turns + stats.callbacks + stats.stalls, 0);
	ck_assert_int_eq(stats.longest_callback_us, 0);
}
END_TEST

static Suite *loop_suite(void)
{
	const TTest *tests[] = {timers_run_by_time_then_by_start, many_timers_keep_their_order,
		a_stopped_timer_does_not_run, a_timer_may_stop_one_that_is_due_in_the_same_turn,
		a_timer_without_delay_starves_nobody,
		descriptors_that_are_always_ready_starve_no_timer,
		a_second_watch_replaces_the_first, hangups_are_reported_with_what_was_asked_for,
		a_turn_in_which_a_timer_ran_waits_for_nothing_more,
		what_has_come_is_seen_before_its_deadline, unwatching_is_harmless,
		a_number_that_was_closed_and_reused_can_be_watched,
		what_a_callback_removes_is_not_called_in_that_turn,
		an_event_for_an_old_watch_does_not_reach_its_successor,
		a_regular_file_is_always_ready, what_cannot_be_watched_is_an_error,
		timers_have_a_limit, signals_come_last_in_the_turn,
		destruction_gives_signals_back_and_drops_the_late_ones, it_runs_until_stopped,
		stalls_are_counted};
	return suite_with("loop", tests, COUNT_OF(tests), begin, finish);
}

int main(void)
{
	return suite_run(loop_suite());
}
