/*
 * Every allocation of the parts of SSH that read or write bytes of others failing in turn:
 * known_hosts, quoting, targets, the words for the ssh client, agent messages and key files. Each
 * failure must be reported, and must leak nothing (which AddressSanitizer watches).
 */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/wire/known_hosts.h"
#include "core/wire/ssh.h"
#include "core/wire/ssh_agent.h"
#include "core/wire/ssh_bytes.h"
#include "core/wire/ssh_job.h"
#include "core/wire/ssh_target.h"
#include "core/wire/ssh_words.h"
#include "tests/fault/torture.h"

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"

/* ---- scenarios: true when everything asked for was done ---- */

static bool run_known_hosts(void)
{
	static const char file[] = "# comment\nhost,[other]:2222 ssh-ed25519 " KEY "\n"
				   "@revoked *.bad ssh-ed25519 " KEY "\nnonsense\n"
				   "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= "
				   "ssh-ed25519 " KEY "\n";
	struct error error = {0};
	torture_arm();
	struct known_hosts *known = known_hosts_parse(file, sizeof(file) - 1, &error);
	torture_disarm();
	if (!known)
		ck_assert_int_eq(error.kind, ERROR_NO_MEMORY);
	else
		ck_assert_uint_eq(known_hosts_bad_lines(known), 1);
	known_hosts_destroy(known);
	return known != NULL;
}

static bool run_quote(void)
{
	struct text text;
	struct error error = {0};
	bool ok = true;
	text_init(&text, 4096);
	torture_arm();
	for (int i = 0; i < 40; i++)
		ok = ssh_quote(&text, "it's a 'word'", &error) && ok;
	torture_disarm();
	if (!ok)
		ck_assert_int_eq(error.kind, ERROR_NO_MEMORY);
	text_finish(&text);
	return ok;
}

static const struct ssh_command openssh = {
	.host = "db1",
	.user = "ops",
	.jump = "ops@bastion:2222",
	.identity_file = "/home/ops/my key",
	.known_hosts_file = "/home/ops/.ssh/known_hosts",
	.config_file = "none",
	.via = SSH_VIA_OPENSSH,
	.command = "true",
};

static bool run_job(void)
{
	struct error error = {0};
	torture_arm();
	struct ssh_job *job = ssh_job_create(&openssh, NULL, NULL, &error);
	torture_disarm();
	if (!job)
		ck_assert_int_eq(error.kind, ERROR_NO_MEMORY);
	else
		ck_assert_str_eq(job->target->label, "ops@db1 through ops@bastion:2222");
	ssh_job_destroy(job);
	return job != NULL;
}

static bool run_words(void)
{
	struct error error = {0};
	struct ssh_words words;
	struct ssh_target *target = ssh_target_create(&openssh, &error);
	ck_assert_ptr_nonnull(target);
	torture_arm();
	bool ok = ssh_words_init(&words, target, "/run/mux/1", 10000, 60, &error);
	torture_disarm();
	if (ok)
		ssh_words_finish(&words);
	else
		ck_assert_int_ne(error.kind, ERROR_NONE);
	ssh_target_destroy(target);
	return ok;
}

static void count_wake(void *context)
{
	(*(int *)context)++;
}

static void answer(int listener, const struct text *message)
{
	char question[64];
	int fd = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(recv(fd, question, sizeof(question), 0), 5);
	ck_assert_int_eq(send(fd, text_string(message), message->length, MSG_NOSIGNAL),
		(ssize_t)message->length);
	close(fd);
}

/* An agent with one key, asked for its list. */
static bool run_agent(void)
{
	struct clock clock;
	struct error error = {0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct text list, key;
	int wakes = 0;
	clock_init_manual(&clock, 1000);
	struct loop *loop = loop_create(&clock, &error);
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/spillway-agent-%d", getpid());
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(address.sun_path);
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	text_init(&list, 1024);
	text_init(&key, 256);
	ssh_bytes_add_string(&key, "ssh-ed25519", 11);
	ssh_bytes_add_string(&key, "01234567890123456789012345678901", 32);
	ssh_bytes_add_u32(&list, (uint32_t)(1 + 4 + 4 + key.length + 4));
	text_add_char(&list, 12);
	ssh_bytes_add_u32(&list, 1);
	ssh_bytes_add_string(&list, text_string(&key), key.length);
	ssh_bytes_add_string(&list, "", 0);
	torture_arm();
	struct ssh_agent *agent =
		ssh_agent_create(loop, address.sun_path, count_wake, &wakes, &error);
	torture_disarm();
	bool ok = agent != NULL;
	if (ok) {
		ck_assert(loop_turn(loop, 100, &error));
		answer(listener, &list);
		for (int i = 0; i < 10 && ssh_agent_state(agent) == SSH_AGENT_BUSY; i++) {
			torture_arm();
			loop_turn(loop, 100, &error);
			torture_disarm();
		}
		ck_assert_int_ne(ssh_agent_state(agent), SSH_AGENT_BUSY);
		ok = ssh_agent_state(agent) == SSH_AGENT_READY && ssh_agent_key_count(agent) == 1;
	}
	ssh_agent_destroy(agent);
	text_finish(&list);
	text_finish(&key);
	close(listener);
	unlink(address.sun_path);
	loop_destroy(loop);
	return ok;
}

static const struct torture scenarios[] = {
	{"known_hosts", run_known_hosts, false},
	{"quote", run_quote, false},
	{"job", run_job, false},
	{"words", run_words, false},
	{"agent", run_agent, false},
};

int main(void)
{
	return torture_main(
		"ssh_alloc", scenarios, (int)(sizeof(scenarios) / sizeof(scenarios[0])));
}
