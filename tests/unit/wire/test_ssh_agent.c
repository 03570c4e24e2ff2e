#include <openssl/evp.h>
#include <sys/un.h>

#include "tests/unit/wire/ssh_ways.h"

/* A real ssh-agent, whose keys each test adds: start it at dir/name and wait until its socket is
 * there. */
static pid_t agent_start(const char *name)
{
	const char *argv[] = {"/usr/bin/ssh-agent", "-D", "-a", box_path(&box, name), NULL};
	pid_t pid = box_spawn(&box, "agent.log", argv);
	for (int waited_ms = 0; waited_ms < BOX_WAIT_MS; waited_ms += 5) {
		if (access(box_path(&box, name), F_OK) == 0)
			break;
		box_nap();
	}
	ck_assert_int_eq(access(box_path(&box, name), F_OK), 0);
	return pid;
}

static void agent_stop(pid_t pid, const char *name)
{
	kill(pid, SIGTERM);
	box_wait(pid);
	unlink(box_path(&box, name));
}

/* ssh-add reads passphrases through a program when it has no terminal. */
static void agent_add(const char *socket_name, const char *key)
{
	box_write(&box, "askpass", "%s", "#!/bin/sh\necho secret\n");
	chmod(box_path(&box, "askpass"), 0700);
	setenv("SSH_AUTH_SOCK", box_path(&box, socket_name), 1);
	setenv("SSH_ASKPASS", box_path(&box, "askpass"), 1);
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	const char *argv[] = {"/usr/bin/ssh-add", "-q", box_path(&box, key), NULL};
	ck_assert_int_eq(box_wait(box_spawn(&box, "agent.log", argv)), 0);
}

static struct ssh_command agent_command(const char *socket_name, const char *identity)
{
	struct ssh_command command = box_command(&box, "echo hello");
	command.agent_socket = box_path(&box, socket_name);
	command.identity_file = identity ? box_path(&box, identity) : NULL;
	return command;
}

START_TEST(logs_in_with_the_agents_keys)
{
	static const struct {
		const char *keys[3], *identity;
	} rows[] = {
		{{"user_ed25519"}, NULL},
		{{"user_ecdsa"}, NULL},
		{{"user_p521"}, NULL},
		/* RSA keys and strangers are passed over */
		{{"user_rsa", "stranger", "user_ed25519"}, NULL},
		/* a refused file does not end it */
		{{"user_ed25519"}, "stranger"},
		/* a locked file names the agent's key */
		{{"user_locked"}, "user_locked"},
		{{"stranger", "user_locked"}, "user_locked"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome;
		char name[32];
		snprintf(name, sizeof(name), "agent_%zu", i);
		pid_t pid = agent_start(name);
		for (size_t j = 0; j < 3 && rows[i].keys[j]; j++)
			agent_add(name, rows[i].keys[j]);
		struct ssh_command command = agent_command(name, rows[i].identity);
		rig_run(&rig, &command, &outcome);
		assert_ok(&outcome, "hello\n");
		rig_run(&rig, &command, &outcome);
		assert_ok(&outcome, "hello\n");
		ck_assert(outcome.reply.reused);
		agent_stop(pid, name);
	}
}
END_TEST

START_TEST(says_why_the_agent_was_of_no_use)
{
	static const struct {
		const char *key, *identity, *words;
	} rows[] = {
		{NULL, NULL, "the agent has no ed25519 or ECDSA key"},
		{"user_rsa", NULL, "the agent has no ed25519 or ECDSA key"},
		{"stranger", NULL, "1 of the agent's keys led nowhere"},
		{"stranger", "user_locked", "the agent does not have the key of the identity file"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome;
		pid_t pid = agent_start("agent");
		if (rows[i].key)
			agent_add("agent", rows[i].key);
		struct ssh_command command = agent_command("agent", rows[i].identity);
		rig_run(&rig, &command, &outcome);
		assert_failed(&outcome, ERROR_UNTRUSTED, rows[i].words);
		agent_stop(pid, "agent");
	}
	struct outcome outcome;
	struct ssh_command command = agent_command("no-such-socket", NULL);
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "cannot connect to the agent");
}
END_TEST

START_TEST(offers_only_so_many_keys)
{
	struct outcome outcome;
	pid_t pid = agent_start("agent");
	for (int i = 0; i < 8; i++) {
		char name[32];
		snprintf(name, sizeof(name), "extra_%d", i);
		box_keygen(&box, "ed25519", "", name);
		agent_add("agent", name);
	}
	struct ssh_command command = agent_command("agent", NULL);
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "5 of the agent's keys led nowhere");
	agent_stop(pid, "agent");
}
END_TEST

/* An agent of our own, on the same loop, that answers with what the test says. */
struct fake {
	int fd, peer;
	const char *answer;
	size_t length;
	int questions;
};

static void fake_asked(void *context, int fd, unsigned events)
{
	struct fake *fake = context;
	char bytes[4096];
	(void)events;
	if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0) {
		loop_unwatch(rig.loop, fd);
		return;
	}
	fake->questions++;
	if (fake->answer)
		ck_assert_int_eq(
			send(fd, fake->answer, fake->length, MSG_NOSIGNAL), (ssize_t)fake->length);
}

static void fake_called(void *context, int fd, unsigned events)
{
	struct fake *fake = context;
	struct error error;
	(void)events;
	fake->peer = accept(fd, NULL, NULL);
	ck_assert_int_ge(fake->peer, 0);
	ck_assert(loop_watch(rig.loop, fake->peer, LOOP_READ, fake_asked, fake, &error));
}

static void fake_start(struct fake *fake, const char *answer, size_t length)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct error error;
	*fake = (struct fake){.peer = -1, .answer = answer, .length = length};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", box_path(&box, "fake"));
	unlink(address.sun_path);
	fake->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fake->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fake->fd, 4), 0);
	ck_assert(loop_watch(rig.loop, fake->fd, LOOP_READ, fake_called, fake, &error));
}

static void fake_stop(struct fake *fake)
{
	loop_unwatch(rig.loop, fake->fd);
	loop_unwatch(rig.loop, fake->peer);
	close(fake->fd);
	if (fake->peer >= 0)
		close(fake->peer);
}

START_TEST(a_silent_agent_stops_nothing_else)
{
	struct fake fake;
	struct outcome waiting, other;
	fake_start(&fake, NULL, 0);
	struct ssh_command command = agent_command("fake", NULL);
	command.connect_timeout_ms = 8000;
	rig_send(&rig, &command, &waiting);
	rig_until(&rig, &fake.questions, 1);
	/* The one loop serves a whole login and command while the agent says nothing. */
	struct ssh_command quick = box_command(&box, "echo meanwhile");
	rig_run(&rig, &quick, &other);
	assert_ok(&other, "meanwhile\n");
	ck_assert_int_eq(waiting.calls, 0);
	loop_stats_take(rig.loop);
	rig_run(&rig, &quick, &other);
	/* Nothing spins: a turn per event, not thousands. */
	ck_assert_uint_lt(loop_stats_take(rig.loop).turns, 200);
	fake_stop(&fake);
	rig_until(&rig, &waiting.calls, 1);
	assert_failed(&waiting, ERROR_UNTRUSTED, "the agent closed the connection");
}
END_TEST

START_TEST(a_silent_agent_ends_at_the_deadline)
{
	struct fake fake;
	struct outcome outcome;
	fake_start(&fake, NULL, 0);
	struct ssh_command command = agent_command("fake", NULL);
	command.connect_timeout_ms = 700;
	rig_run(&rig, &command, &outcome);
	assert_failed(&outcome, ERROR_TIMEOUT, "the ssh-agent did not answer");
	fake_stop(&fake);
}
END_TEST

START_TEST(an_agent_that_lists_but_does_not_sign_can_be_left)
{
	char text[2048], answer[256];
	unsigned char blob[64];
	struct fake fake;
	struct outcome outcome;
	/* The answer to a listing with the one key that the server would accept: 12, count, blob,
	 * comment. */
	box_read(&box, "user_ed25519.pub", text, sizeof(text));
	ck_assert_int_eq(
		EVP_DecodeBlock(blob, (const unsigned char *)strchr(text, ' ') + 1, 68), 51);
	static const char head[] = "\0\0\0\x40\x0c\0\0\0\1\0\0\0\x33", tail[] = "\0\0\0\0";
	memcpy(answer, head, 13);
	memcpy(answer + 13, blob, 51);
	memcpy(answer + 64, tail, 4);
	fake_start(&fake, answer, 68);
	struct ssh_command command = agent_command("fake", NULL);
	command.connect_timeout_ms = 8000;
	rig_send(&rig, &command, &outcome);
	rig_until(&rig, &fake.questions, 1);
	fake.answer = NULL;
	/* The second question is for the signature. */
	rig_until(&rig, &fake.questions, 2);
	ck_assert_int_eq(outcome.calls, 0);
	ssh_destroy(rig.ssh);
	ck_assert_int_eq(outcome.calls, 1);
	assert_failed(&outcome, ERROR_CANCELLED, "cancelled");
	rig.ssh = NULL;
	fake_stop(&fake);
}
END_TEST

START_TEST(an_agent_that_speaks_nonsense_is_left)
{
	static const struct {
		const char *answer;
		size_t length;
		const char *words;
	} rows[] = {
		{"\0\0\0\0", 4, "empty answer"},
		{"\0\0\0\1\5", 5, "would not list"},
		{"\0\0\0\1\x0e", 5, "something else"},
		{"\0\0\0\1\x0c", 5, "cannot be read"},
		{"\0\0\0\5\x0c\xff\xff\xff\xff", 9, "cannot be read"},
		{"\0\0\0\x0a\x0c\0\0\0\1\xff\xff\xff\xff\0", 14, "cannot be read"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake fake;
		struct outcome outcome;
		fake_start(&fake, rows[i].answer, rows[i].length);
		struct ssh_command command = agent_command("fake", NULL);
		rig_run(&rig, &command, &outcome);
		assert_failed(&outcome, ERROR_UNTRUSTED, rows[i].words);
		fake_stop(&fake);
	}
}
END_TEST

static Suite *ssh_agent_suite(void)
{
	const TTest *tests[] = {logs_in_with_the_agents_keys, says_why_the_agent_was_of_no_use,
		offers_only_so_many_keys, a_silent_agent_stops_nothing_else,
		a_silent_agent_ends_at_the_deadline,
		an_agent_that_lists_but_does_not_sign_can_be_left,
		an_agent_that_speaks_nonsense_is_left};
	return ssh_suite_of("ssh agent", tests, COUNT_OF(tests), box_setup, box_teardown);
}

int main(void)
{
	return suite_run(ssh_agent_suite());
}
