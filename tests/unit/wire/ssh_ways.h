/*
 * ssh_ways.h - the sshd and the rig that the tests of one program share, and what must hold by
 * every way a command can go: straight to the sshd, through a jump host, or by the system's ssh
 * client.
 *
 * A program brings its own way: the function that makes a command of it.
 */
#ifndef TESTS_UNIT_WIRE_SSH_WAYS_H
#define TESTS_UNIT_WIRE_SSH_WAYS_H

#include "tests/unit/base/suite.h"
#include "tests/unit/wire/test_ssh_box.h"

typedef struct ssh_command ssh_way_fn(const char *command);

/* One sshd for all tests that need nothing special of it; one rig for each test. */
static struct box box;
static struct rig rig;

static inline void box_setup(void)
{
	box_keys(&box);
	box_sshd(&box, "");
}

static inline void box_teardown(void)
{
	box_stop(&box);
	box_remove(&box);
}

static inline void rig_setup(void)
{
	rig_init(&rig);
}

static inline void rig_teardown(void)
{
	rig_finish(&rig);
}

/* A suite of one case out of `count` tests; setup and teardown stand around all of them. */
static inline Suite *ssh_suite_of(
	const char *noun, const TTest *const *tests, size_t count, SFun setup, SFun teardown)
{
	Suite *suite = suite_create(noun);
	TCase *tcase = tcase_create(noun);
	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, setup, teardown);
	tcase_add_checked_fixture(tcase, rig_setup, rig_teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}

/* Send a command `count` times at once and wait for all. */
static inline void run_many(const struct ssh_command *command, struct outcome *outcomes, int count)
{
	for (int i = 0; i < count; i++)
		rig_send(&rig, command, &outcomes[i]);
	for (int i = 0; i < count; i++)
		rig_until(&rig, &outcomes[i].calls, 1);
}

static inline void assert_all_ok(const struct outcome *outcomes, int count, const char *out)
{
	for (int i = 0; i < count; i++)
		assert_ok(&outcomes[i], out);
}

/* Refused at once, with nobody called. */
static inline void assert_refused(
	const struct ssh_command *command, enum error_kind kind, const char *words)
{
	struct error error = {.kind = ERROR_NONE};
	struct outcome outcome = {0};
	ck_assert_uint_eq(ssh_run(rig.ssh, command, outcome_take, &outcome, &error), 0);
	ck_assert_msg(error.kind == kind, "%s: %s", error_kind_name(error.kind), error.text);
	ck_assert_msg(strstr(error.text, words), "'%s' not in '%s'", words, error.text);
	ck_assert_int_eq(outcome.calls, 0);
}

/* The server's process at the other end of the connection that `way` uses. */
static inline pid_t serving_process(ssh_way_fn *way)
{
	struct outcome outcome;
	struct ssh_command command = way("echo $PPID");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, outcome.out);
	return (pid_t)strtol(outcome.out, NULL, 10);
}

static inline void turn_times(int turns, int turn_ms)
{
	struct error error;
	for (int i = 0; i < turns; i++)
		ck_assert(loop_turn(rig.loop, turn_ms, &error));
}

static inline void reports_what_came_of_it_by(ssh_way_fn *way)
{
	static const struct {
		const char *command, *out, *err;
		int status;
	} rows[] = {
		{"true", "", "", 0},
		{"printf out; printf err >&2; exit 7", "out", "err", 7},
		{"cat; echo input ended", "input ended\n", "", 0},
		{"exit 255", "", "", 255},
		/* output closed long before the end: the status still counts */
		{"exec >&- 2>&-; sleep 0.2; exit 9", "", "", 9},
	};
	struct outcome outcome;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ssh_command command = way(rows[i].command);
		rig_run(&rig, &command, &outcome);
		ck_assert_msg(outcome.error.kind == ERROR_NONE, "%s", outcome.error.text);
		ck_assert(outcome.reply.has_exit_status);
		ck_assert_int_eq(outcome.reply.exit_status, rows[i].status);
		ck_assert_str_eq(outcome.out, rows[i].out);
		ck_assert_str_eq(outcome.err, rows[i].err);
		ck_assert_str_eq(outcome.exit_signal, "");
		ck_assert(!outcome.reply.truncated);
		ck_assert(outcome.reply.reused == (i > 0));
		ck_assert(outcome.reply.took_ms > 0);
	}
}

static inline void keeps_output_up_to_the_limit_by(ssh_way_fn *way)
{
	static const char *const commands[] = {
		"head -c 3000000 /dev/zero | tr '\\0' x; exit 3",
		"head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 3",
	};
	struct outcome outcome;
	for (int i = 0; i < 2; i++) {
		struct ssh_command command = way(commands[i]);
		rig_run(&rig, &command, &outcome);
		ck_assert_msg(outcome.error.kind == ERROR_NONE, "%s", outcome.error.text);
		ck_assert_uint_eq(outcome.reply.out_length, i == 0 ? SSH_OUTPUT_BYTES : 0);
		ck_assert_uint_eq(outcome.reply.err_length, i == 1 ? SSH_OUTPUT_BYTES : 0);
		ck_assert(outcome.reply.truncated);
		ck_assert_int_eq(outcome.reply.exit_status, 3);
	}
}

static inline void a_lost_connection_is_an_unknown_outcome_by(ssh_way_fn *way)
{
	struct outcome outcome;
	struct ssh_command command = way("echo started; kill -9 $PPID; sleep 5");
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNKNOWN_OUTCOME, "read the state back");
}

/* And what carried it is still good for the next one. */
static inline void an_endless_command_is_an_unknown_outcome_by(ssh_way_fn *way)
{
	struct outcome outcome;
	struct ssh_command command = way("echo started; sleep 5");
	command.timeout_ms = 300;
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNKNOWN_OUTCOME, "did not end within 300ms");
	command = way("echo next");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "next\n");
	ck_assert(outcome.reply.reused);
}

static inline void a_known_end_counts_by(ssh_way_fn *way)
{
	struct outcome outcome;
	struct ssh_command command = way("echo started; sleep 5 & exit 4");
	command.timeout_ms = 700;
	rig_run(&rig, &command, &outcome);
	ck_assert_msg(outcome.error.kind == ERROR_NONE, "%s", outcome.error.text);
	ck_assert(outcome.reply.has_exit_status);
	ck_assert_int_eq(outcome.reply.exit_status, 4);
	ck_assert_str_eq(outcome.out, "started\n");
	ck_assert(outcome.reply.truncated);
}

static inline void a_silent_server_times_out_by(
	ssh_way_fn *way, int connect_timeout_ms, const char *words)
{
	struct outcome outcome;
	struct ssh_command command = way("true");
	int fd = loopback_listen(&command.port);
	command.connect_timeout_ms = connect_timeout_ms;
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_TIMEOUT, words);
	close(fd);
}

/* From the dialling to the running command: `step` more turns of the loop each time. */
struct stages {
	int most, step, turn_ms;
};

static inline void cancelling_calls_nobody_by(ssh_way_fn *way, struct stages stages)
{
	struct outcome outcome, last;
	struct ssh_command command = way("echo started; sleep 3");
	for (int turns = 0; turns < stages.most; turns += stages.step) {
		uint64_t id = rig_send(&rig, &command, &outcome);
		turn_times(turns, stages.turn_ms);
		ck_assert_msg(outcome.calls == 0, "after %d turns: %s", turns, outcome.error.text);
		ssh_cancel(rig.ssh, id);
		ssh_cancel(rig.ssh, id);
	}
	command = way("echo still here");
	rig_run(&rig, &command, &last);
	assert_ok(&last, "still here\n");
	ck_assert_int_eq(outcome.calls, 0);
}

/* A server of one session, which a cancelled command still holds: `command` is sent to it and asks
 * for nothing. */
static inline void a_cancelled_command_keeps_no_other_waiting_by(
	const struct ssh_command *command, const struct box *server)
{
	char words[500], started[400];
	struct error error;
	struct outcome cancelled, next;
	struct ssh_command first = *command, second = *command;
	snprintf(started, sizeof(started), "%s", box_path(server, "started"));
	snprintf(words, sizeof(words), "touch %s; sleep 20", started);
	first.command = words;
	second.command = "echo ran";
	uint64_t id = rig_send(&rig, &first, &cancelled);
	int64_t end_us = clock_stopwatch_us() + BOX_WAIT_MS * 1000LL;
	while (access(started, F_OK) != 0 && clock_stopwatch_us() < end_us)
		ck_assert(loop_turn(rig.loop, 20, &error));
	ssh_cancel(rig.ssh, id);
	rig_run(&rig, &second, &next);
	assert_ok(&next, "ran\n");
	ck_assert_int_eq(cancelled.calls, 0);
}

/* On a slow machine it goes on until a command was under way. */
static inline void destroying_ends_every_command_by(ssh_way_fn *way, struct stages stages)
{
	struct error error;
	struct ssh_command command = way("echo started; sleep 3");
	bool was_cancelled = false, was_unknown = false;
	for (int turns = 0; turns < stages.most || (!was_unknown && turns < 10 * stages.most);
		turns += stages.step) {
		struct outcome outcomes[3];
		for (int i = 0; i < 3; i++)
			rig_send(&rig, &command, &outcomes[i]);
		turn_times(turns, stages.turn_ms);
		ssh_destroy(rig.ssh);
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(outcomes[i].calls, 1);
			enum error_kind kind = outcomes[i].error.kind;
			ck_assert_msg(kind == ERROR_CANCELLED || kind == ERROR_UNKNOWN_OUTCOME,
				"%s", outcomes[i].error.text);
			was_cancelled = was_cancelled || kind == ERROR_CANCELLED;
			was_unknown = was_unknown || kind == ERROR_UNKNOWN_OUTCOME;
		}
		rig.ssh = ssh_create(rig.loop, rig.http, &error);
		ck_assert_ptr_nonnull(rig.ssh);
	}
	ck_assert(was_cancelled);
	ck_assert(was_unknown);
}

#endif
