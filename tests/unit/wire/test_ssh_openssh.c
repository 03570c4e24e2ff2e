#include <dirent.h>

#include "tests/unit/wire/ssh_ways.h"

/* The second way: the system's ssh client, against the same real servers. */
static void client_setup(void)
{
	char rsa[2048], keys[8192];
	box_setup();
	box_read(&box, "user_rsa.pub", rsa, sizeof(rsa));
	box_read(&box, "authorized_keys", keys, sizeof(keys));
	box_write(&box, "authorized_keys", "%s%s", keys, rsa);
	mkdir(box_path(&box, "run"), 0700);
	setenv("XDG_RUNTIME_DIR", box_path(&box, "run"), 1);
}

static struct ssh_command openssh(const char *command)
{
	struct ssh_command out = box_command(&box, command);
	out.via = SSH_VIA_OPENSSH;
	out.config_file = "none";
	return out;
}

/* Another server with the same keys; what the first one is known by stays. */
static struct box own_server(const char *config, const char *known)
{
	struct box own = box;
	box_sshd(&own, config);
	box_known_hosts(&box, "known_hosts", "host_ed25519.pub");
	box_known_hosts(&own, known, "host_ed25519.pub");
	return own;
}

START_TEST(reports_output_and_exit_status)
{
	reports_what_came_of_it_by(openssh);
}
END_TEST

START_TEST(a_killed_command_has_no_status)
{
	struct outcome outcome;
	struct ssh_command command = openssh("kill -9 $$");
	rig_run(&rig, &command, &outcome);
	ck_assert_msg(outcome.error.kind == ERROR_NONE, "%s", outcome.error.text);
	ck_assert(!outcome.reply.has_exit_status);
}
END_TEST

START_TEST(keeps_output_up_to_the_limit)
{
	keeps_output_up_to_the_limit_by(openssh);
}
END_TEST

START_TEST(logs_in_with_what_libssh2_cannot)
{
	struct outcome outcome;
	const char *sign[] = {"/usr/bin/ssh-keygen", "-q", "-s", box_path(&box, "stranger"), "-I",
		"test", "-n", box.user, box_path(&box, "certified.pub"), NULL};
	char stranger[2048], keys[8192];
	box_keygen(&box, "ed25519", "", "certified");
	ck_assert_int_eq(box_wait(box_spawn(&box, "keygen.log", sign)), 0);
	box_read(&box, "stranger.pub", stranger, sizeof(stranger));
	box_read(&box, "authorized_keys", keys, sizeof(keys));
	box_write(&box, "authorized_keys", "%scert-authority %s", keys, stranger);
	static const char *const files[] = {"user_rsa", "certified", "user_ed25519"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct ssh_command command = openssh("echo in");
		command.identity_file = box_path(&box, files[i]);
		rig_run(&rig, &command, &outcome);
		assert_ok(&outcome, "in\n");
	}
	box_write(&box, "authorized_keys", "%s", keys);
}
END_TEST

START_TEST(reaches_a_host_that_offers_nothing_of_ours)
{
	struct outcome outcome;
	struct box strict = own_server("MACs hmac-sha2-256-etm@openssh.com\nCiphers aes128-ctr\n"
				       "KexAlgorithms sntrup761x25519-sha512@openssh.com",
		"known_strict");
	struct ssh_command command = openssh("echo in");
	command.port = strict.port;
	command.known_hosts_file = box_path(&box, "known_strict");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "in\n");
	command.via = SSH_VIA_LIBSSH2;
	command.config_file = NULL;
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "via: openssh");
	box_stop(&strict);
}
END_TEST

START_TEST(reads_an_ssh_config)
{
	struct outcome outcome;
	box_write(&box, "config",
		"Host short\n HostName 127.0.0.1\n Port %d\n User %s\n IdentityFile %s\n "
		"UserKnownHostsFile %s\n StrictHostKeyChecking no\n",
		box.port, box.user, box_path(&box, "user_rsa"), box_path(&box, "known_hosts"));
	struct ssh_command command = {
		.host = "short",
		.via = SSH_VIA_OPENSSH,
		.config_file = box_path(&box, "config"),
		.command = "echo in",
	};
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "in\n");
	command = box_command(&box, "true");
	command.config_file = box_path(&box, "config");
	assert_refused(&command, ERROR_USAGE, "via: openssh");
}
END_TEST

START_TEST(goes_through_a_jump_host_by_the_same_rules)
{
	struct outcome outcome;
	char jump[128], both[8192], changed[2048];
	struct box inner = own_server("", "inner-only");
	box_read(&box, "host_ed25519.pub", changed, sizeof(changed));
	snprintf(both, sizeof(both), "[127.0.0.1]:%d %s[127.0.0.1]:%d %s", box.port, changed,
		inner.port, changed);
	box_write(&box, "both % known", "%s", both);
	snprintf(jump, sizeof(jump), "%s@127.0.0.1:%d", box.user, box.port);
	struct ssh_command command = openssh("echo in");
	command.port = inner.port;
	command.jump = jump;
	command.known_hosts_file = box_path(&box, "both % known");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "in\n");
	/* The jump host is unknown: that ends it, whatever the user's own settings are. */
	command.known_hosts_file = box_path(&box, "inner-only");
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "ost key");
	box_stop(&inner);
}
END_TEST

START_TEST(refuses_what_it_cannot_trust_or_reach)
{
	char wrong[2048];
	int port = loopback_free_port();
	box_read(&box, "stranger.pub", wrong, sizeof(wrong));
	box_write(&box, "changed", "[127.0.0.1]:%d %s", box.port, wrong);
	box_write(&box, "unknown", "%s", "");
	const struct {
		const char *known, *key, *words;
		int port;
		enum error_kind kind;
	} rows[] = {
		{"changed", "user_ed25519", "HOST KEY CHANGED", 0, ERROR_UNTRUSTED},
		{"unknown", "user_ed25519", "ost key verification failed", 0, ERROR_UNTRUSTED},
		{"known_hosts", "stranger", "Permission denied", 0, ERROR_UNTRUSTED},
		{"known_hosts", "user_ed25519", "refused", port, ERROR_UNREACHABLE},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome;
		struct ssh_command command = openssh("touch $HOME/must-not-happen");
		command.known_hosts_file = box_path(&box, rows[i].known);
		command.identity_file = box_path(&box, rows[i].key);
		command.port = rows[i].port ? rows[i].port : box.port;
		rig_run(&rig, &command, &outcome);
		assert_failed(&outcome, rows[i].kind, rows[i].words);
		assert_failed(&outcome, rows[i].kind, "by way of openssh");
	}
	ck_assert_int_ne(access(box_path(&box, "must-not-happen"), F_OK), 0);
}
END_TEST

START_TEST(names_that_a_shell_would_read_never_start_it)
{
	static const char *const hosts[] = {
		"-oProxyCommand=touch", "$(touch)", "a;b", "a'b", "a%b"};
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct outcome outcome;
		struct ssh_command command = openssh("true");
		command.host = hosts[i];
		rig_run(&rig, &command, &outcome);
		assert_failed(&outcome, ERROR_USAGE, "letters, digits");
		command = openssh("true");
		command.user = hosts[i];
		rig_run(&rig, &command, &outcome);
		assert_failed(&outcome, ERROR_USAGE, "letters, digits");
	}
	struct outcome outcome;
	struct ssh_command command = openssh("true");
	command.identity_file = "/tmp/\"key";
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_USAGE, "IdentityFile");
}
END_TEST

START_TEST(a_connection_lost_after_the_command_left_is_an_unknown_outcome)
{
	a_lost_connection_is_an_unknown_outcome_by(openssh);
}
END_TEST

START_TEST(a_command_that_does_not_end_is_an_unknown_outcome_and_the_client_lives)
{
	an_endless_command_is_an_unknown_outcome_by(openssh);
}
END_TEST

START_TEST(a_known_end_counts_even_if_a_child_holds_the_output)
{
	a_known_end_counts_by(openssh);
}
END_TEST

START_TEST(a_client_that_died_unnoticed_is_replaced)
{
	struct outcome outcome;
	ck_assert_int_eq(kill(serving_process(openssh), SIGKILL), 0);
	struct ssh_command command = openssh("echo again");
	for (int i = 0; i < 2; i++) {
		rig_run(&rig, &command, &outcome);
		/* The client may not have seen it yet when it takes the command. */
		if (i == 1 || outcome.error.kind == ERROR_NONE)
			assert_ok(&outcome, "again\n");
	}
}
END_TEST

START_TEST(many_commands_share_few_clients)
{
	enum { MANY = 30 };
	static struct outcome outcomes[MANY];
	struct ssh_command command = openssh("echo ran");
	run_many(&command, outcomes, MANY);
	assert_all_ok(outcomes, MANY, "ran\n");
}
END_TEST

START_TEST(a_server_with_few_sessions_still_runs_all)
{
	struct outcome outcomes[5];
	struct box strict = own_server("MaxSessions 1", "known_few");
	struct ssh_command command = openssh("echo ran");
	command.port = strict.port;
	command.known_hosts_file = box_path(&box, "known_few");
	run_many(&command, outcomes, 5);
	assert_all_ok(outcomes, 5, "ran\n");
	box_stop(&strict);
}
END_TEST

START_TEST(a_cancelled_command_keeps_no_other_waiting)
{
	struct box strict = own_server("MaxSessions 1", "known_few");
	struct ssh_command command = openssh("");
	command.port = strict.port;
	command.known_hosts_file = box_path(&box, "known_few");
	a_cancelled_command_keeps_no_other_waiting_by(&command, &strict);
	box_stop(&strict);
}
END_TEST

START_TEST(a_silent_server_times_out)
{
	a_silent_server_times_out_by(openssh, 500, "by way of openssh");
}
END_TEST

/* What other users of the machine can see of us. */
START_TEST(neither_command_nor_directory_is_open_to_others)
{
	char path[400], line[4096];
	struct stat status;
	struct outcome outcome;
	struct ssh_command command = openssh("echo a-secret-word; sleep 3");
	command.timeout_ms = 1000;
	ck_assert_int_eq(mkdir(box_path(&box, "own-run"), 0700), 0);
	setenv("XDG_RUNTIME_DIR", box_path(&box, "own-run"), 1);
	rig_send(&rig, &command, &outcome);
	int found = 0, clients = 0;
	while (outcome.calls == 0) {
		struct error error;
		ck_assert(loop_turn(rig.loop, 50, &error));
		DIR *processes = opendir("/proc");
		ck_assert_ptr_nonnull(processes);
		for (const struct dirent *at; (at = readdir(processes));) {
			snprintf(path, sizeof(path), "/proc/%s/cmdline", at->d_name);
			FILE *file = fopen(path, "r");
			size_t length = file ? fread(line, 1, sizeof(line) - 1, file) : 0;
			if (file)
				fclose(file);
			line[length] = '\0';
			bool is_client = strcmp(line, "ssh") == 0 &&
					 memmem(line, length, box.dir, strlen(box.dir));
			clients += is_client;
			found += is_client && memmem(line, length, "secret", 6) != NULL;
		}
		closedir(processes);
	}
	ck_assert_int_gt(clients, 0);
	ck_assert_int_eq(found, 0);
	DIR *run = opendir(box_path(&box, "own-run"));
	int directories = 0;
	for (const struct dirent *at; (at = readdir(run));) {
		if (at->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/own-run/%s", box.dir, at->d_name);
		ck_assert_int_eq(stat(path, &status), 0);
		ck_assert_uint_eq(status.st_mode & 07777, 0700);
		directories++;
	}
	closedir(run);
	ck_assert_int_eq(directories, 1);
	/* And nothing is left of it afterwards. */
	rig_finish(&rig);
	rig = (struct rig){0};
	ck_assert_int_eq(rmdir(box_path(&box, "own-run")), 0);
}
END_TEST

START_TEST(cancelling_calls_nobody_at_any_stage)
{
	cancelling_calls_nobody_by(openssh, (struct stages){.most = 40, .step = 2, .turn_ms = 10});
}
END_TEST

START_TEST(destroying_ends_every_command_at_any_stage)
{
	destroying_ends_every_command_by(
		openssh, (struct stages){.most = 60, .step = 6, .turn_ms = 20});
}
END_TEST

static Suite *ssh_openssh_suite(void)
{
	const TTest *tests[] = {reports_output_and_exit_status, a_killed_command_has_no_status,
		keeps_output_up_to_the_limit, logs_in_with_what_libssh2_cannot,
		reaches_a_host_that_offers_nothing_of_ours, reads_an_ssh_config,
		goes_through_a_jump_host_by_the_same_rules, refuses_what_it_cannot_trust_or_reach,
		names_that_a_shell_would_read_never_start_it,
		a_connection_lost_after_the_command_left_is_an_unknown_outcome,
		a_command_that_does_not_end_is_an_unknown_outcome_and_the_client_lives,
		a_known_end_counts_even_if_a_child_holds_the_output,
		a_client_that_died_unnoticed_is_replaced, many_commands_share_few_clients,
		a_server_with_few_sessions_still_runs_all,
		a_cancelled_command_keeps_no_other_waiting, a_silent_server_times_out,
		neither_command_nor_directory_is_open_to_others,
		cancelling_calls_nobody_at_any_stage, destroying_ends_every_command_at_any_stage};
	return ssh_suite_of("ssh_openssh", tests, COUNT_OF(tests), client_setup, box_teardown);
}

int main(void)
{
	return suite_run(ssh_openssh_suite());
}
