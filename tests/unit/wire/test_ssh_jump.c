#include "tests/unit/wire/ssh_ways.h"

/* `box` is the jump host; `inner` stands behind it, with a host key of another type. */
static struct box inner;
static char jump[128];

static void inner_start(const char *config)
{
	char whole[400];
	inner = box;
	snprintf(whole, sizeof(whole), "%s\nHostKeyAlgorithms ecdsa-sha2-nistp256", config);
	box_sshd(&inner, whole);
}

/* Both hosts known, each by its own key. */
static void both_known(
	const char *name, const struct box *outer, const char *outer_key, const char *inner_key)
{
	char first[2048], second[2048];
	box_read(&box, outer_key, first, sizeof(first));
	box_read(&box, inner_key, second, sizeof(second));
	box_write(&box, name, "[127.0.0.1]:%d %s[127.0.0.1]:%d %s", outer->port, first, inner.port,
		second);
}

static void boxes_setup(void)
{
	box_setup();
	inner_start("");
	both_known("both", &box, "host_ed25519.pub", "host_ecdsa.pub");
	snprintf(jump, sizeof(jump), "%s@127.0.0.1:%d", box.user, box.port);
}

static void boxes_teardown(void)
{
	box_stop(&inner);
	box_teardown();
}

static struct ssh_command jumped(const char *command)
{
	struct ssh_command out = box_command(&inner, command);
	out.known_hosts_file = box_path(&box, "both");
	out.jump = jump;
	return out;
}

START_TEST(runs_behind_a_jump_host)
{
	reports_what_came_of_it_by(jumped);
}
END_TEST

/* The inner host sees two connections, and one that comes from a process of the jump host's. */
START_TEST(goes_its_own_way)
{
	struct outcome through, direct;
	struct ssh_command command = jumped("echo $SSH_CONNECTION");
	rig_run(&rig, &command, &through);
	assert_ok(&through, through.out);
	char port[16];
	snprintf(port, sizeof(port), " %d\n", inner.port);
	ck_assert_ptr_nonnull(strstr(through.out, port));
	command.jump = NULL;
	rig_run(&rig, &command, &direct);
	assert_ok(&direct, direct.out);
	ck_assert(!direct.reply.reused);
	ck_assert_str_ne(direct.out, through.out);
}
END_TEST

START_TEST(brings_floods_through)
{
	keeps_output_up_to_the_limit_by(jumped);
}
END_TEST

START_TEST(many_share_the_way)
{
	enum { MANY = 40 };
	static struct outcome outcomes[MANY];
	struct ssh_command command = jumped("cat /dev/null; echo ran");
	run_many(&command, outcomes, MANY);
	assert_all_ok(outcomes, MANY, "ran\n");
}
END_TEST

START_TEST(checks_both_host_keys)
{
	both_known("jump-changed", &box, "stranger.pub", "host_ecdsa.pub");
	both_known("inner-changed", &box, "host_ed25519.pub", "stranger.pub");
	box_known_hosts(&box, "inner-unknown", "host_ed25519.pub");
	box_known_hosts(&inner, "jump-unknown", "host_ecdsa.pub");
	char jump_name[64], inner_name[64];
	snprintf(jump_name, sizeof(jump_name), "@127.0.0.1:%d: ", box.port);
	snprintf(inner_name, sizeof(inner_name), "@127.0.0.1:%d through ", inner.port);
	const struct {
		const char *file, *words, *whose;
	} rows[] = {
		{"jump-changed", "HOST KEY", jump_name},
		{"inner-changed", "HOST KEY", inner_name},
		{"jump-unknown", "host key unknown", jump_name},
		{"inner-unknown", "host key unknown", inner_name},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome;
		struct ssh_command command = jumped("touch $HOME/must-not-happen");
		command.known_hosts_file = box_path(&box, rows[i].file);
		rig_run(&rig, &command, &outcome);
		const char *words = strstr(rows[i].file, "changed") && i == 1
					    ? "host key of a new type"
					    : rows[i].words;
		assert_failed(&outcome, ERROR_UNTRUSTED, words);
		assert_failed(&outcome, ERROR_UNTRUSTED, rows[i].whose);
	}
	ck_assert_int_ne(access(box_path(&box, "must-not-happen"), F_OK), 0);
}
END_TEST

START_TEST(uses_another_key_for_the_jump_host)
{
	struct outcome outcome;
	struct ssh_command command = jumped("echo in");
	command.jump_identity_file = box_path(&box, "user_ecdsa");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "in\n");
	command = jumped("echo in");
	command.jump_identity_file = box_path(&box, "stranger");
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "refused key");
	command.jump_identity_file = box_path(&box, "user_rsa");
	assert_refused(&command, ERROR_UNTRUSTED, "RSA");
}
END_TEST

START_TEST(nobody_behind_is_unreachable)
{
	struct outcome outcome;
	struct ssh_command command = jumped("true");
	command.port = loopback_free_port();
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, "the jump host could not connect");
	/* The way there is still good. */
	command = jumped("echo fine");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "fine\n");
}
END_TEST

START_TEST(no_jump_host_is_unreachable)
{
	struct outcome outcome;
	char nowhere[64];
	int port = loopback_free_port();
	snprintf(nowhere, sizeof(nowhere), "127.0.0.1:%d", port);
	struct ssh_command command = jumped("true");
	command.jump = nowhere;
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, nowhere);
}
END_TEST

START_TEST(a_jump_host_that_forbids_it_is_named)
{
	struct outcome outcome;
	struct box strict = box;
	char there[128];
	box_sshd(&strict, "AllowTcpForwarding no");
	snprintf(there, sizeof(there), "%s@127.0.0.1:%d", box.user, strict.port);
	both_known("strict", &strict, "host_ed25519.pub", "host_ecdsa.pub");
	struct ssh_command command = jumped("true");
	command.jump = there;
	command.known_hosts_file = box_path(&box, "strict");
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_REJECTED, "AllowTcpForwarding");
	box_stop(&strict);
}
END_TEST

START_TEST(a_silent_host_behind_times_out)
{
	a_silent_server_times_out_by(jumped, 1500, "no SSH greeting");
}
END_TEST

/* The process that serves the connection from here to the jump host. */
static pid_t jump_process(void)
{
	struct outcome outcome;
	struct ssh_command command = box_command(&box, "echo $PPID");
	command.known_hosts_file = box_path(&box, "both");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, outcome.out);
	ck_assert(outcome.reply.reused);
	return (pid_t)strtol(outcome.out, NULL, 10);
}

START_TEST(a_way_lost_after_the_command_left_is_an_unknown_outcome)
{
	struct outcome outcome, started;
	char text[16];
	struct ssh_command command = jumped("true");
	rig_run(&rig, &command, &started);
	assert_ok(&started, "");
	pid_t pid = jump_process();
	command = jumped("echo x >$HOME/began; sleep 5");
	rig_send(&rig, &command, &outcome);
	for (text[0] = '\0'; text[0] == '\0';) {
		struct error error;
		ck_assert(loop_turn(rig.loop, 20, &error));
		box_read(&box, "began", text, sizeof(text));
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	rig_until(&rig, &outcome.calls, 1);
	assert_failed(&outcome, ERROR_UNKNOWN_OUTCOME, "read the state back");
}
END_TEST

START_TEST(a_way_that_died_unnoticed_is_replaced)
{
	struct outcome outcome;
	struct ssh_command command = jumped("true");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "");
	ck_assert_int_eq(kill(jump_process(), SIGKILL), 0);
	command = jumped("echo again");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "again\n");
}
END_TEST

START_TEST(cancelling_calls_nobody_at_any_stage)
{
	cancelling_calls_nobody_by(jumped, (struct stages){.most = 90, .step = 3, .turn_ms = 5});
}
END_TEST

START_TEST(destroying_ends_every_command_at_any_stage)
{
	destroying_ends_every_command_by(
		jumped, (struct stages){.most = 90, .step = 5, .turn_ms = 5});
}
END_TEST

START_TEST(reads_the_name_of_a_jump_host)
{
	static const struct {
		const char *jump;
		bool ok;
	} rows[] = {
		{"bastion", true},
		{"ops@bastion:2222", true},
		{"[::1]", true},
		{"ops@[::1]:2222", true},
		{"", false},
		{"@", false},
		{"@bastion", false},
		{"ops@", false},
		{"bastion:", false},
		{"bastion:0", false},
		{"bastion:65536", false},
		{"bastion:22x", false},
		{"[::1", false},
		{"[::1]x", false},
		{"two words", false},
		{"line\nbreak", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error = {.kind = ERROR_NONE};
		struct outcome outcome = {0};
		struct ssh_command command = jumped("true");
		command.jump = rows[i].jump;
		uint64_t id = ssh_run(rig.ssh, &command, outcome_take, &outcome, &error);
		ck_assert_msg((id != 0) == rows[i].ok, "'%s': %s", rows[i].jump, error.text);
		if (!rows[i].ok)
			ck_assert_int_eq(error.kind, ERROR_USAGE);
		ssh_cancel(rig.ssh, id);
	}
}
END_TEST

static Suite *ssh_jump_suite(void)
{
	const TTest *tests[] = {runs_behind_a_jump_host, goes_its_own_way, brings_floods_through,
		many_share_the_way, checks_both_host_keys, uses_another_key_for_the_jump_host,
		nobody_behind_is_unreachable, no_jump_host_is_unreachable,
		a_jump_host_that_forbids_it_is_named, a_silent_host_behind_times_out,
		a_way_lost_after_the_command_left_is_an_unknown_outcome,
		a_way_that_died_unnoticed_is_replaced, cancelling_calls_nobody_at_any_stage,
		destroying_ends_every_command_at_any_stage, reads_the_name_of_a_jump_host};
	return ssh_suite_of("ssh_jump", tests, COUNT_OF(tests), boxes_setup, boxes_teardown);
}

int main(void)
{
	return suite_run(ssh_jump_suite());
}
