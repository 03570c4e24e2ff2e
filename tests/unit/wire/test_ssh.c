#include <openssl/evp.h>

#include "tests/unit/wire/ssh_ways.h"

static struct ssh_command direct(const char *command)
{
	return box_command(&box, command);
}

START_TEST(reports_output_and_exit_status)
{
	reports_what_came_of_it_by(direct);
}
END_TEST

START_TEST(reports_a_signal_and_no_status)
{
	struct outcome outcome;
	struct ssh_command command = box_command(&box, "kill -9 $$");
	rig_run(&rig, &command, &outcome);
	ck_assert_msg(outcome.error.kind == ERROR_NONE, "%s", outcome.error.text);
	ck_assert(!outcome.reply.has_exit_status);
	ck_assert_str_eq(outcome.exit_signal, "KILL");
}
END_TEST

START_TEST(keeps_output_up_to_the_limit)
{
	keeps_output_up_to_the_limit_by(direct);
}
END_TEST

START_TEST(logs_in_with_every_usable_form_of_key)
{
	static const struct {
		const char *key, *form;
	} rows[] = {
		{"user_ed25519", NULL},
		{"user_ecdsa", NULL},
		{"user_ecdsa", "PEM"},
		{"user_ecdsa", "PKCS8"},
		{"user_p521", NULL},
		{"user_p521", "PEM"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[32];
		struct outcome outcome;
		snprintf(name, sizeof(name), "form_%zu", i);
		const char *copy[] = {
			"/bin/cp", box_path(&box, rows[i].key), box_path(&box, name), NULL};
		ck_assert_int_eq(box_wait(box_spawn(&box, "keygen.log", copy)), 0);
		if (rows[i].form) {
			const char *convert[] = {"/usr/bin/ssh-keygen", "-q", "-p", "-N", "", "-m",
				rows[i].form, "-f", box_path(&box, name), NULL};
			ck_assert_int_eq(box_wait(box_spawn(&box, "keygen.log", convert)), 0);
		}
		struct ssh_command command = box_command(&box, "echo hello");
		command.identity_file = box_path(&box, name);
		rig_run(&rig, &command, &outcome);
		assert_ok(&outcome, "hello\n");
	}
}
END_TEST

START_TEST(logs_in_with_an_ed25519_key_in_pkcs8)
{
	char public_key[2048], known[2048];
	struct outcome outcome;
	const char *make[] = {"/usr/bin/openssl", "genpkey", "-algorithm", "ed25519", "-out",
		box_path(&box, "pkcs8"), NULL};
	ck_assert_int_eq(box_wait(box_spawn(&box, "keygen.log", make)), 0);
	const char *show[] = {"/usr/bin/openssl", "pkey", "-in", box_path(&box, "pkcs8"), "-pubout",
		"-outform", "DER", "-out", box_path(&box, "pkcs8.der"), NULL};
	ck_assert_int_eq(box_wait(box_spawn(&box, "keygen.log", show)), 0);
	box_read(&box, "pkcs8.der", public_key, sizeof(public_key));
	/* The last 32 of DER's 44 bytes are the key; SSH puts its type before them. */
	unsigned char blob[51] = "\0\0\0\x0bssh-ed25519\0\0\0\x20", base64[80];
	memcpy(blob + 19, public_key + 12, 32);
	EVP_EncodeBlock(base64, blob, sizeof(blob));
	box_read(&box, "authorized_keys", known, sizeof(known));
	box_write(&box, "authorized_keys", "%sssh-ed25519 %s\n", known, (const char *)base64);
	struct ssh_command command = box_command(&box, "echo hello");
	command.identity_file = box_path(&box, "pkcs8");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "hello\n");
}
END_TEST

START_TEST(asks_for_the_host_key_that_is_known)
{
	struct outcome outcome;
	struct ssh_command command = box_command(&box, "echo hello");
	box_known_hosts(&box, "known_ecdsa", "host_ecdsa.pub");
	command.known_hosts_file = box_path(&box, "known_ecdsa");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "hello\n");
}
END_TEST

START_TEST(refuses_a_host_it_cannot_trust)
{
	char key[2048], rsa[2048], wrong[2048];
	box_read(&box, "host_ed25519.pub", key, sizeof(key));
	box_read(&box, "host_rsa.pub", rsa, sizeof(rsa));
	box_read(&box, "stranger.pub", wrong, sizeof(wrong));
	box_write(&box, "unknown", "elsewhere %s", key);
	box_write(&box, "changed", "# a comment\n[127.0.0.1]:%d %s", box.port, wrong);
	box_write(&box, "other", "[127.0.0.1]:%d %s", box.port, rsa);
	box_write(&box, "revoked", "[127.0.0.1]:%d %s@revoked * %s", box.port, key, key);
	static const struct {
		const char *file, *words;
		enum error_kind kind;
	} rows[] = {
		{"unknown", "ssh-keyscan", ERROR_UNTRUSTED},
		{"changed", "HOST KEY CHANGED", ERROR_UNTRUSTED},
		{"changed", "line 2", ERROR_UNTRUSTED},
		{"other", "other types", ERROR_UNTRUSTED},
		{"revoked", "line 2", ERROR_UNTRUSTED},
		{"no-such-file", "No such file", ERROR_IO},
	};
	struct outcome outcome;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ssh_command command = box_command(&box, "touch $HOME/must-not-happen");
		command.known_hosts_file = box_path(&box, rows[i].file);
		rig_run(&rig, &command, &outcome);
		assert_failed(&outcome, rows[i].kind, rows[i].words);
		ck_assert_ptr_nonnull(strstr(outcome.error.text, "@127.0.0.1:"));
	}
	ck_assert_int_ne(access(box_path(&box, "must-not-happen"), F_OK), 0);
}
END_TEST

START_TEST(reports_a_login_that_is_refused)
{
	struct outcome outcome;
	struct ssh_command command = box_command(&box, "true");
	command.identity_file = box_path(&box, "stranger");
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "refused key");
	assert_failed(&outcome, ERROR_UNTRUSTED, "authorized_keys");
	command = box_command(&box, "true");
	command.user = "nobody-of-this-name";
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "login refused");
}
END_TEST

START_TEST(refuses_keys_that_cannot_log_in_before_dialling)
{
	box_write(&box, "not_a_key", "hello\n");
	box_write(&box, "empty", "%s", "");
	box_write(&box, "cut", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n");
	static const struct {
		const char *file, *words;
		enum error_kind kind;
	} rows[] = {
		{"user_rsa", "ed25519", ERROR_UNTRUSTED},
		{"user_rsa", "RSA", ERROR_UNTRUSTED},
		{"user_ed25519.pub", "public key", ERROR_UNTRUSTED},
		{"user_locked", "ssh-add", ERROR_UNTRUSTED},
		{"not_a_key", "not an OpenSSH or PEM", ERROR_UNTRUSTED},
		{"empty", "not an OpenSSH or PEM", ERROR_UNTRUSTED},
		{"cut", "not an OpenSSH or PEM", ERROR_UNTRUSTED},
		{"no-such-file", "No such file", ERROR_IO},
		{".", "not a regular file", ERROR_IO},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ssh_command command = box_command(&box, "true");
		command.identity_file = box_path(&box, rows[i].file);
		assert_refused(&command, rows[i].kind, rows[i].words);
	}
}
END_TEST

START_TEST(refuses_commands_that_make_no_sense)
{
	static char endless[SSH_COMMAND_BYTES + 2];
	memset(endless, 'x', sizeof(endless) - 1);
	const struct ssh_command good = box_command(&box, "true");
	struct {
		struct ssh_command command;
		enum error_kind kind;
	} rows[9];
	for (size_t i = 0; i < 9; i++) {
		rows[i].command = good;
		rows[i].kind = ERROR_USAGE;
	}
	rows[0].command.host = NULL;
	rows[1].command.host = "two words";
	rows[2].command.user = "";
	rows[3].command.user = "line\nbreak";
	rows[4].command.port = 65536;
	rows[5].command.known_hosts_file = NULL;
	rows[6].command.identity_file = NULL;
	rows[7].command.command = "";
	rows[8].command.command = endless;
	rows[8].kind = ERROR_LIMIT;
	for (size_t i = 0; i < 9; i++)
		assert_refused(&rows[i].command, rows[i].kind, "");
}
END_TEST

START_TEST(a_connection_lost_after_the_command_left_is_an_unknown_outcome)
{
	a_lost_connection_is_an_unknown_outcome_by(direct);
}
END_TEST

START_TEST(a_command_that_does_not_end_is_an_unknown_outcome_and_the_session_lives)
{
	an_endless_command_is_an_unknown_outcome_by(direct);
}
END_TEST

START_TEST(a_known_end_counts_even_if_a_child_holds_the_output)
{
	a_known_end_counts_by(direct);
}
END_TEST

START_TEST(nobody_listening_is_unreachable)
{
	struct outcome outcome;
	struct ssh_command command = box_command(&box, "true");
	command.port = loopback_free_port();
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, "ssh to ");
}
END_TEST

START_TEST(a_silent_server_times_out)
{
	a_silent_server_times_out_by(direct, 300, "no SSH greeting");
}
END_TEST

static void talk_and_hang_up(void *context, int fd, unsigned events)
{
	const char *words = context;
	int peer = accept(fd, NULL, NULL);
	(void)events;
	if (peer < 0)
		return;
	ck_assert_int_eq(send(peer, words, strlen(words), MSG_NOSIGNAL), (ssize_t)strlen(words));
	shutdown(peer, SHUT_WR);
	/* Whatever the client sends is read until it goes, so that no reset overtakes our words. */
	char bytes[256];
	while (strlen(words) > 0 && recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
	close(peer);
}

START_TEST(a_server_that_hangs_up_or_is_no_sshd_is_unreachable)
{
	static char nothing[] = "", page[] = "HTTP/1.1 400 Bad \x1b[31mRequest\r\n\r\n",
		    full[] = "Exceeded MaxStartups\r\n";
	static const struct {
		char *sent;
		const char *words;
	} rows[] = {
		{nothing, "without a greeting"},
		{page, "does not speak SSH: it said 'HTTP/1.1 400 Bad ?[31mRequest'"},
		{full, "turned us away ('Exceeded MaxStartups'): too many logins at once"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome;
		struct error error;
		struct ssh_command command = box_command(&box, "true");
		int fd = loopback_listen(&command.port);
		ck_assert(loop_watch(
			rig.loop, fd, LOOP_READ, talk_and_hang_up, rows[i].sent, &error));
		rig_run(&rig, &command, &outcome);
		assert_failed(&outcome, ERROR_UNREACHABLE, rows[i].words);
		loop_unwatch(rig.loop, fd);
		close(fd);
	}
}
END_TEST

START_TEST(many_commands_share_few_sessions)
{
	enum { MANY = 30 };
	static struct outcome outcomes[MANY];
	struct ssh_command command = box_command(&box, "echo $PPID");
	run_many(&command, outcomes, MANY);
	for (int i = 0; i < MANY; i++)
		assert_ok(&outcomes[i], outcomes[i].out);
	int sessions = 0;
	for (int i = 0; i < MANY; i++) {
		bool is_first = true;
		for (int j = 0; j < i; j++)
			is_first = is_first && strcmp(outcomes[i].out, outcomes[j].out) != 0;
		sessions += is_first;
	}
	ck_assert_int_ge(sessions, 1);
	ck_assert_int_le(sessions, 4);
}
END_TEST

START_TEST(a_session_that_died_unnoticed_is_replaced)
{
	struct outcome outcome;
	ck_assert_int_eq(kill(serving_process(direct), SIGKILL), 0);
	struct ssh_command command = box_command(&box, "echo again");
	rig_run(&rig, &command, &outcome);
	assert_ok(&outcome, "again\n");
}
END_TEST

START_TEST(cancelling_calls_nobody_at_any_stage)
{
	cancelling_calls_nobody_by(direct, (struct stages){.most = 60, .step = 3, .turn_ms = 5});
}
END_TEST

START_TEST(destroying_ends_every_command_at_any_stage)
{
	destroying_ends_every_command_by(
		direct, (struct stages){.most = 60, .step = 2, .turn_ms = 5});
}
END_TEST

struct chain {
	struct ssh_command command;
	int calls;
};

/* Runs another one from the callback, then ends it all from the callback. */
static void chain_on(void *context, const struct ssh_reply *reply, const struct error *error)
{
	struct chain *chain = context;
	ck_assert_msg(reply != NULL, "%s", error ? error->text : "");
	chain->calls++;
	if (chain->calls < 3) {
		struct error refused;
		ck_assert_uint_ne(ssh_run(rig.ssh, &chain->command, chain_on, chain, &refused), 0);
		return;
	}
	ssh_destroy(rig.ssh);
	rig.ssh = NULL;
}

START_TEST(callbacks_may_run_and_destroy)
{
	struct error error;
	struct chain chain = {.command = box_command(&box, "true")};
	ck_assert_uint_ne(ssh_run(rig.ssh, &chain.command, chain_on, &chain, &error), 0);
	rig_until(&rig, &chain.calls, 3);
}
END_TEST

/* Tests with a server of their own. */
static void run_against(const char *config, const char *known_hosts_key,
	const struct ssh_command *changes, struct outcome *outcomes, int count)
{
	struct box own = box;
	own.sshd = 0;
	snprintf(own.dir, sizeof(own.dir), "%s", box.dir);
	box_sshd(&own, config);
	box_known_hosts(&own, "known_own", known_hosts_key);
	struct ssh_command command = box_command(&own, changes->command);
	command.known_hosts_file = box_path(&own, "known_own");
	command.timeout_ms = changes->timeout_ms;
	run_many(&command, outcomes, count);
	box_stop(&own);
}

START_TEST(a_server_with_few_channels_still_runs_all)
{
	struct outcome outcomes[5];
	struct ssh_command changes = {.command = "echo ran"};
	run_against("MaxSessions 1", "host_ed25519.pub", &changes, outcomes, 5);
	assert_all_ok(outcomes, 5, "ran\n");
}
END_TEST

START_TEST(a_cancelled_command_keeps_no_other_waiting)
{
	struct box strict = box;
	box_sshd(&strict, "MaxSessions 1");
	box_known_hosts(&strict, "known_own", "host_ed25519.pub");
	struct ssh_command command = box_command(&strict, "");
	command.known_hosts_file = box_path(&strict, "known_own");
	a_cancelled_command_keeps_no_other_waiting_by(&command, &strict);
	box_stop(&strict);
}
END_TEST

START_TEST(a_server_without_channels_is_named)
{
	struct outcome outcome;
	struct ssh_command changes = {.command = "echo ran"};
	run_against("MaxSessions 0", "host_ed25519.pub", &changes, &outcome, 1);
	assert_failed(&outcome, ERROR_REJECTED, "MaxSessions");
}
END_TEST

START_TEST(a_channel_closed_without_a_status_has_none)
{
	struct outcome outcome;
	struct ssh_command changes = {.command = "sleep 20", .timeout_ms = 15000};
	run_against("ChannelTimeout session:command=1s", "host_ed25519.pub", &changes, &outcome, 1);
	ck_assert_msg(outcome.error.kind == ERROR_NONE, "%s", outcome.error.text);
	ck_assert(!outcome.reply.has_exit_status);
	ck_assert_str_eq(outcome.exit_signal, "");
}
END_TEST

START_TEST(a_host_without_common_algorithms_is_explained)
{
	static const struct {
		const char *config, *words;
	} rows[] = {
		{"HostKeyAlgorithms rsa-sha2-512\nHostKey %s",
			"no host key we share: it offers rsa-sha2-512"},
		{"MACs hmac-sha2-256-etm@openssh.com",
			"no MAC we share: it offers hmac-sha2-256-etm@openssh.com"},
		{"Ciphers chacha20-poly1305@openssh.com", "no cipher we share"},
		{"KexAlgorithms sntrup761x25519-sha512@openssh.com", "no key exchange we share"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome;
		struct ssh_command changes = {.command = "echo ran"};
		char config[400];
		const char *percent = strstr(rows[i].config, "%s");
		size_t length =
			percent ? (size_t)(percent - rows[i].config) : strlen(rows[i].config);
		snprintf(config, sizeof(config), "%.*s%s", (int)length, rows[i].config,
			percent ? box_path(&box, "host_rsa") : "");
		run_against(config, "host_ed25519.pub", &changes, &outcome, 1);
		assert_failed(&outcome, ERROR_UNTRUSTED, rows[i].words);
		assert_failed(&outcome, ERROR_UNTRUSTED, "we accept");
	}
}
END_TEST

START_TEST(a_refused_exec_is_rejected)
{
	struct outcome outcome;
	struct ssh_command changes = {.command = "echo ran"};
	run_against("ForceCommand internal-sftp", "host_ed25519.pub", &changes, &outcome, 1);
	/* OpenSSH runs the forced command instead, which ends at once with our empty input. */
	ck_assert_int_eq(outcome.calls, 1);
	ck_assert_ptr_null(strstr(outcome.out, "ran"));
}
END_TEST

static Suite *ssh_suite(void)
{
	const TTest *tests[] = {reports_output_and_exit_status, reports_a_signal_and_no_status,
		keeps_output_up_to_the_limit, logs_in_with_every_usable_form_of_key,
		logs_in_with_an_ed25519_key_in_pkcs8, asks_for_the_host_key_that_is_known,
		refuses_a_host_it_cannot_trust, reports_a_login_that_is_refused,
		refuses_keys_that_cannot_log_in_before_dialling,
		refuses_commands_that_make_no_sense,
		a_connection_lost_after_the_command_left_is_an_unknown_outcome,
		a_command_that_does_not_end_is_an_unknown_outcome_and_the_session_lives,
		a_known_end_counts_even_if_a_child_holds_the_output,
		nobody_listening_is_unreachable, a_silent_server_times_out,
		a_server_that_hangs_up_or_is_no_sshd_is_unreachable,
		many_commands_share_few_sessions, a_session_that_died_unnoticed_is_replaced,
		cancelling_calls_nobody_at_any_stage, destroying_ends_every_command_at_any_stage,
		callbacks_may_run_and_destroy, a_server_with_few_channels_still_runs_all,
		a_cancelled_command_keeps_no_other_waiting, a_server_without_channels_is_named,
		a_channel_closed_without_a_status_has_none,
		a_host_without_common_algorithms_is_explained, a_refused_exec_is_rejected};
	return ssh_suite_of("ssh", tests, COUNT_OF(tests), box_setup, box_teardown);
}

int main(void)
{
	return suite_run(ssh_suite());
}
