/*
 * SSH over a connection that takes and gives bytes as badly as TCP may: every packet half sent,
 * many times; and one that ends after any number of bytes. The linker sends our send() and recv()
 * here; the server is a real sshd.
 */
#include <errno.h>

#include "tests/unit/wire/test_ssh_box.h"

ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags);

static struct {
	size_t send_most; /* bytes per call; 0: all */
	unsigned send_turn;
	size_t half_sent; /* calls that sent a part */
	size_t recv_left; /* until the end of the connection */
	bool is_cut;
	unsigned char *heard; /* keep here what comes */
	size_t heard_length, heard_size;
} fault;

static void fault_clear(void)
{
	memset(&fault, 0, sizeof(fault));
}

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
	if (fault.send_most == 0)
		return __real_send(fd, bytes, length, flags);
	if (fault.send_turn++ % 2 == 1) {
		errno = EAGAIN;
		return -1;
	}
	size_t most = length < fault.send_most ? length : fault.send_most;
	fault.half_sent += most < length;
	return __real_send(fd, bytes, most, flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags)
{
	if (!fault.is_cut) {
		ssize_t all = __real_recv(fd, bytes, length, flags);
		size_t room = fault.heard_size - fault.heard_length;
		size_t kept = all < 0 ? 0 : (size_t)all < room ? (size_t)all : room;
		if (kept > 0)
			memcpy(fault.heard + fault.heard_length, bytes, kept);
		fault.heard_length += kept;
		return all;
	}
	if (fault.recv_left == 0)
		return 0;
	size_t most = length < fault.recv_left ? length : fault.recv_left;
	ssize_t got = __real_recv(fd, bytes, most, flags);
	if (got > 0)
		fault.recv_left -= (size_t)got;
	return got;
}

static struct box box;
static struct rig rig;

static void box_setup(void)
{
	box_keys(&box);
	box_sshd(&box, "MaxStartups 200");
}

static void rekeying_box_setup(void)
{
	box_keys(&box);
	box_sshd(&box, "MaxStartups 200\nRekeyLimit 64K");
}

static void box_teardown(void)
{
	box_stop(&box);
	box_remove(&box);
}

static void rig_setup(void)
{
	fault_clear();
	rig_init(&rig);
}

static void rig_teardown(void)
{
	rig_finish(&rig);
}

static const size_t pieces[] = {3, 7, 16, 33, 100};

START_TEST(half_sent_packets_are_finished_before_anything_else)
{
	static struct outcome outcomes[8];
	struct ssh_command command =
		box_command(&box, "head -c 100000 /dev/zero | tr '\\0' x; echo err >&2; exit 3");
	fault.send_most = pieces[_i];
	for (int i = 0; i < 8; i++)
		rig_send(&rig, &command, &outcomes[i]);
	for (int i = 0; i < 8; i++) {
		rig_until(&rig, &outcomes[i].calls, 1);
		ck_assert_msg(outcomes[i].error.kind == ERROR_NONE, "%s", outcomes[i].error.text);
		ck_assert_uint_eq(outcomes[i].reply.out_length, 100000);
		ck_assert_str_eq(outcomes[i].err, "err\n");
		ck_assert_int_eq(outcomes[i].reply.exit_status, 3);
	}
	ck_assert_uint_gt(fault.half_sent, 8);
}
END_TEST

/* Turn the loop from further down the stack. */
static bool __attribute__((noinline)) turn_below(struct loop *loop, unsigned depth)
{
	volatile char frame[512];
	struct error error;
	frame[0] = 0;
	bool ok = depth == 0 ? loop_turn(loop, 100, &error) : turn_below(loop, depth - 1);
	return ok && frame[0] == 0;
}

/* What is half sent may lie on libssh2's stack, and the rest be sent from quite another place. */
START_TEST(half_sent_packets_may_be_finished_from_anywhere)
{
	static struct outcome outcomes[8];
	struct ssh_command command = box_command(&box, "echo ran");
	fault.send_most = pieces[_i];
	unsigned turn = 0;
	for (int i = 0; i < 8; i++)
		rig_send(&rig, &command, &outcomes[i]);
	for (int i = 0; i < 8; i++) {
		int64_t end_us = clock_stopwatch_us() + BOX_WAIT_MS * 1000LL;
		while (outcomes[i].calls == 0 && clock_stopwatch_us() < end_us)
			ck_assert(turn_below(rig.loop, turn++ % 3));
		assert_ok(&outcomes[i], "ran\n");
	}
	ck_assert_uint_gt(fault.half_sent, 8);
}
END_TEST

START_TEST(half_sent_packets_in_a_tunnel_and_under_it)
{
	struct outcome outcomes[4];
	char jump[128];
	snprintf(jump, sizeof(jump), "%s@127.0.0.1:%d", box.user, box.port);
	struct ssh_command command =
		box_command(&box, "head -c 100000 /dev/zero | tr '\\0' x; exit 3");
	command.jump = jump;
	fault.send_most = pieces[_i];
	for (int i = 0; i < 4; i++)
		rig_send(&rig, &command, &outcomes[i]);
	for (int i = 0; i < 4; i++) {
		rig_until(&rig, &outcomes[i].calls, 1);
		ck_assert_msg(outcomes[i].error.kind == ERROR_NONE, "%s", outcomes[i].error.text);
		ck_assert_uint_eq(outcomes[i].reply.out_length, 100000);
		ck_assert_int_eq(outcomes[i].reply.exit_status, 3);
	}
	ck_assert_uint_gt(fault.half_sent, 8);
}
END_TEST

START_TEST(jobs_that_leave_half_sent_packets_harm_no_other)
{
	struct outcome outcome, left;
	struct error error;
	struct ssh_command command = box_command(&box, "echo ran");
	fault.send_most = 1;
	for (int turns = 100; turns < 1400; turns += 60) {
		uint64_t id = rig_send(&rig, &command, &left);
		for (int i = 0; i < turns && left.calls == 0; i++)
			ck_assert(loop_turn(rig.loop, 2, &error));
		ssh_cancel(rig.ssh, id);
	}
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "ran\n");
}
END_TEST

static void ssh_renew(void)
{
	struct error error;
	ssh_destroy(rig.ssh);
	rig.ssh = ssh_create(rig.loop, rig.http, &error);
	ck_assert_ptr_nonnull(rig.ssh);
}

/* Where the packet begins with which the server ends the key exchange: the last that is plain. */
static size_t last_plain_packet(void)
{
	static const unsigned char head[] = {0, 0, 0, 12, 10, 21};
	unsigned char heard[4096];
	struct outcome outcome;
	struct ssh_command command = box_command(&box, "echo ran");
	fault.heard = heard;
	fault.heard_size = sizeof(heard);
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "ran\n");
	ssh_renew();
	unsigned char *found = memmem(heard, fault.heard_length, head, sizeof(head));
	ck_assert_ptr_nonnull(found);
	return (size_t)(found - heard);
}

/* There libssh2 holds the host's key, and forgets it when it is left to itself. */
START_TEST(a_connection_cut_at_the_end_of_the_key_exchange_leaks_nothing)
{
	size_t from = last_plain_packet();
	fault_clear();
	fault.is_cut = true;
	for (size_t part = 0; part <= 16; part++) {
		struct outcome outcome;
		struct ssh_command command = box_command(&box, "echo ran");
		fault.recv_left = from + part;
		rig_run(&rig, &command, &outcome);
		assert_failed(&outcome, ERROR_UNREACHABLE, "the server closed the connection");
		ssh_renew();
	}
}
END_TEST

/* A login and a command take some 3,000 bytes from the server. */
START_TEST(a_connection_cut_anywhere_tells_what_is_known)
{
	bool was_unreachable = false, was_unknown = false, was_whole = false;
	for (size_t bytes = (size_t)_i; bytes < 3200; bytes += 131) {
		struct outcome outcome;
		struct ssh_command command = box_command(&box, "echo ran");
		fault.is_cut = true;
		fault.recv_left = bytes;
		rig_run(&rig, &command, &outcome);
		enum error_kind kind = outcome.error.kind;
		ck_assert_msg(kind == ERROR_NONE || kind == ERROR_UNREACHABLE ||
				      kind == ERROR_UNTRUSTED || kind == ERROR_UNKNOWN_OUTCOME,
			"after %zu bytes: %s", bytes, outcome.error.text);
		was_unreachable = was_unreachable || kind == ERROR_UNREACHABLE;
		was_unknown = was_unknown || kind == ERROR_UNKNOWN_OUTCOME;
		was_whole = was_whole || kind == ERROR_NONE;
		if (kind == ERROR_NONE && outcome.reply.has_exit_status)
			ck_assert_int_eq(outcome.reply.exit_status, 0);
		ssh_renew();
	}
	ck_assert(was_unreachable);
	ck_assert(was_unknown || was_whole);
}
END_TEST

static Suite *ssh_cut_suite(void)
{
	Suite *suite = suite_create("ssh_cut");
	TCase *tests = tcase_create("bad connections");
	int count = (int)(sizeof(pieces) / sizeof(pieces[0]));
	tcase_set_timeout(tests, 60);
	tcase_add_unchecked_fixture(tests, box_setup, box_teardown);
	tcase_add_checked_fixture(tests, rig_setup, rig_teardown);
	tcase_add_loop_test(tests, half_sent_packets_are_finished_before_anything_else, 0, count);
	tcase_add_loop_test(tests, half_sent_packets_may_be_finished_from_anywhere, 0, count);
	tcase_add_loop_test(tests, half_sent_packets_in_a_tunnel_and_under_it, 0, count);
	tcase_add_test(tests, jobs_that_leave_half_sent_packets_harm_no_other);
	tcase_add_test(tests, a_connection_cut_at_the_end_of_the_key_exchange_leaks_nothing);
	tcase_add_loop_test(tests, a_connection_cut_anywhere_tells_what_is_known, 0, 4);
	suite_add_tcase(suite, tests);
	TCase *rekeying = tcase_create("bad connections with new keys time and again");
	tcase_set_timeout(rekeying, 60);
	tcase_add_unchecked_fixture(rekeying, rekeying_box_setup, box_teardown);
	tcase_add_checked_fixture(rekeying, rig_setup, rig_teardown);
	tcase_add_loop_test(
		rekeying, half_sent_packets_are_finished_before_anything_else, 3, count);
	tcase_add_loop_test(rekeying, half_sent_packets_in_a_tunnel_and_under_it, 3, count);
	suite_add_tcase(suite, rekeying);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(ssh_cut_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
