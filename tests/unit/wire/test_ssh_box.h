/*
 * test_ssh_box.h - a real OpenSSH server on loopback, with its keys in a directory of its own, and
 * a rig to run commands on it.
 *
 * Nothing outside the directory is read or written, except that sshd, as root, wants /run/sshd to
 * be there.
 */
#ifndef TESTS_UNIT_WIRE_TEST_SSH_BOX_H
#define TESTS_UNIT_WIRE_TEST_SSH_BOX_H

#include <check.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/wire/http.h"
#include "core/wire/ssh.h"
#include "tests/unit/wire/loopback.h"

#define BOX_PATH_BYTES 160
#define BOX_WAIT_MS 20000

struct box {
	char dir[64];
	char user[64];
	int port;
	pid_t sshd;
};

static inline const char *box_path(const struct box *box, const char *name)
{
	static char paths[8][BOX_PATH_BYTES];
	static unsigned turn;
	char *path = paths[turn++ % 8];
	snprintf(path, BOX_PATH_BYTES, "%s/%s", box->dir, name);
	return path;
}

static inline void box_write(const struct box *box, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static inline void box_write(const struct box *box, const char *name, const char *format, ...)
{
	va_list arguments;
	FILE *file = fopen(box_path(box, name), "w");
	ck_assert_ptr_nonnull(file);
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	fclose(file);
	chmod(box_path(box, name), 0600);
}

static inline void box_read(const struct box *box, const char *name, char *out, size_t size)
{
	FILE *file = fopen(box_path(box, name), "r");
	size_t length = file ? fread(out, 1, size - 1, file) : 0;
	out[length] = '\0';
	if (file)
		fclose(file);
}

/* Start a program that dies with us; its output goes to `log`. */
static inline pid_t box_spawn(const struct box *box, const char *log, const char *const *argv)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fd = open(box_path(box, log), O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(fd, 1);
	dup2(fd, 2);
	union {
		const char *const *in;
		char *const *out;
	} arguments = {.in = argv};
	execv(argv[0], arguments.out);
	_exit(127);
}

static inline int box_wait(pid_t pid)
{
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void box_keygen(
	const struct box *box, const char *type, const char *passphrase, const char *name)
{
	const char *argv[] = {"/usr/bin/ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f",
		box_path(box, name), NULL};
	ck_assert_msg(box_wait(box_spawn(box, "keygen.log", argv)) == 0, "ssh-keygen -t %s", type);
}

static inline void box_known_hosts(const struct box *box, const char *name, const char *public_key)
{
	char key[2048];
	box_read(box, public_key, key, sizeof(key));
	box_write(box, name, "[127.0.0.1]:%d %s", box->port, key);
}

static inline void box_keys(struct box *box)
{
	char ed25519[2048], ecdsa[2048], wide[2048], locked[2048];
	snprintf(box->dir, sizeof(box->dir), "/tmp/spillway-ssh-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(box->dir));
	const struct passwd *user = getpwuid(getuid());
	ck_assert_ptr_nonnull(user);
	snprintf(box->user, sizeof(box->user), "%s", user->pw_name);
	box_keygen(box, "ed25519", "", "host_ed25519");
	box_keygen(box, "ecdsa", "", "host_ecdsa");
	box_keygen(box, "rsa", "", "host_rsa");
	box_keygen(box, "ed25519", "", "user_ed25519");
	box_keygen(box, "ecdsa", "", "user_ecdsa");
	const char *p521[] = {"/usr/bin/ssh-keygen", "-q", "-t", "ecdsa", "-b", "521", "-N", "",
		"-f", box_path(box, "user_p521"), NULL};
	ck_assert_int_eq(box_wait(box_spawn(box, "keygen.log", p521)), 0);
	box_keygen(box, "rsa", "", "user_rsa");
	box_keygen(box, "ed25519", "secret", "user_locked");
	box_keygen(box, "ed25519", "", "stranger");
	box_read(box, "user_ed25519.pub", ed25519, sizeof(ed25519));
	box_read(box, "user_ecdsa.pub", ecdsa, sizeof(ecdsa));
	box_read(box, "user_locked.pub", locked, sizeof(locked));
	box_read(box, "user_p521.pub", wide, sizeof(wide));
	box_write(box, "authorized_keys", "%s%s%s%s", ed25519, ecdsa, wide, locked);
}

static inline void box_nap(void)
{
	struct timespec nap = {.tv_nsec = 5 * 1000 * 1000};
	nanosleep(&nap, NULL);
}

/* Start sshd with `extra` lines of configuration and wait until it listens. */
static inline void box_sshd(struct box *box, const char *extra)
{
	ck_assert_msg(access("/usr/sbin/sshd", X_OK) == 0, "needs /usr/sbin/sshd (openssh-server)");
	if (getuid() == 0)
		mkdir("/run/sshd", 0755);
	box->port = loopback_free_port();
	box_write(box, "sshd_config",
		"%s\nListenAddress 127.0.0.1\nPort %d\nHostKey %s\nHostKey %s\nAuthorizedKeysFile "
		"%s\n"
		"PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
		"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPrintMotd no\n"
		/* so that no shell's start-up file has a say */
		"SetEnv HOME=%s\n",
		extra, box->port, box_path(box, "host_ed25519"), box_path(box, "host_ecdsa"),
		box_path(box, "authorized_keys"), box->dir);
	box_write(box, "sshd.log", "%s", "");
	const char *argv[] = {
		"/usr/sbin/sshd", "-D", "-e", "-f", box_path(box, "sshd_config"), NULL};
	box->sshd = box_spawn(box, "sshd.log", argv);
	char log[4096] = "";
	for (int waited_ms = 0; waited_ms < BOX_WAIT_MS; waited_ms += 5) {
		box_read(box, "sshd.log", log, sizeof(log));
		if (strstr(log, "Server listening"))
			break;
		box_nap();
	}
	ck_assert_msg(strstr(log, "Server listening") != NULL, "sshd did not start: %s", log);
	box_known_hosts(box, "known_hosts", "host_ed25519.pub");
}

static inline void box_stop(struct box *box)
{
	if (box->sshd > 0) {
		kill(box->sshd, SIGTERM);
		box_wait(box->sshd);
	}
	box->sshd = 0;
}

static inline void box_remove(struct box *box)
{
	const char *argv[] = {"/bin/rm", "-rf", box->dir, NULL};
	pid_t pid = fork();
	if (pid == 0) {
		union {
			const char **in;
			char *const *out;
		} arguments = {.in = argv};
		execv(argv[0], arguments.out);
		_exit(127);
	}
	box_wait(pid);
}

static inline struct ssh_command box_command(const struct box *box, const char *command)
{
	return (struct ssh_command){
		.host = "127.0.0.1",
		.port = box->port,
		.user = box->user,
		.identity_file = box_path(box, "user_ed25519"),
		.known_hosts_file = box_path(box, "known_hosts"),
		.command = command,
	};
}

/* A loop with an ssh on it. */
struct rig {
	struct clock clock;
	struct loop *loop;
	struct http *http;
	struct ssh *ssh;
};

static inline void rig_init(struct rig *rig)
{
	struct error error;
	clock_init_system(&rig->clock);
	rig->loop = loop_create(&rig->clock, &error);
	ck_assert_ptr_nonnull(rig->loop);
	rig->http = http_create(rig->loop, &error);
	ck_assert_ptr_nonnull(rig->http);
	rig->ssh = ssh_create(rig->loop, rig->http, &error);
	ck_assert_ptr_nonnull(rig->ssh);
}

static inline void rig_finish(struct rig *rig)
{
	ssh_destroy(rig->ssh);
	http_destroy(rig->http);
	loop_destroy(rig->loop);
}

/* What came of a command. */
struct outcome {
	int calls;
	struct error error;     /* kind ERROR_NONE: there was a reply */
	struct ssh_reply reply; /* its pointers are not valid */
	char out[4096], err[4096], exit_signal[32];
};

static inline void outcome_take(
	void *context, const struct ssh_reply *reply, const struct error *error)
{
	struct outcome *outcome = context;
	ck_assert((reply != NULL) != (error != NULL));
	outcome->calls++;
	if (error) {
		outcome->error = *error;
		return;
	}
	outcome->reply = *reply;
	ck_assert_int_eq(reply->out[reply->out_length], 0);
	ck_assert_int_eq(reply->err[reply->err_length], 0);
	snprintf(outcome->out, sizeof(outcome->out), "%s", reply->out);
	snprintf(outcome->err, sizeof(outcome->err), "%s", reply->err);
	snprintf(outcome->exit_signal, sizeof(outcome->exit_signal), "%s", reply->exit_signal);
}

/* Turn the loop until `*calls` is at least `wanted`. */
static inline void rig_until(struct rig *rig, const int *calls, int wanted)
{
	struct error error;
	int64_t end_us = clock_stopwatch_us() + BOX_WAIT_MS * 1000LL;
	while (*calls < wanted && clock_stopwatch_us() < end_us)
		ck_assert(loop_turn(rig->loop, 100, &error));
	ck_assert_int_ge(*calls, wanted);
}

static inline uint64_t rig_send(
	struct rig *rig, const struct ssh_command *command, struct outcome *outcome)
{
	struct error error = {.kind = ERROR_NONE};
	*outcome = (struct outcome){0};
	uint64_t id = ssh_run(rig->ssh, command, outcome_take, outcome, &error);
	ck_assert_msg(id != 0, "ssh_run: %s", error.text);
	ck_assert_int_eq(outcome->calls, 0);
	return id;
}

static inline void rig_run(
	struct rig *rig, const struct ssh_command *command, struct outcome *outcome)
{
	rig_send(rig, command, outcome);
	rig_until(rig, &outcome->calls, 1);
}

static inline void assert_ok(const struct outcome *outcome, const char *out)
{
	ck_assert_msg(outcome->error.kind == ERROR_NONE, "%s", outcome->error.text);
	ck_assert(outcome->reply.has_exit_status);
	ck_assert_int_eq(outcome->reply.exit_status, 0);
	ck_assert_str_eq(outcome->out, out);
}

static inline void assert_failed(
	const struct outcome *outcome, enum error_kind kind, const char *words)
{
	ck_assert_msg(outcome->error.kind == kind, "%s: %s", error_kind_name(outcome->error.kind),
		outcome->error.text);
	ck_assert_msg(strstr(outcome->error.text, words) != NULL, "'%s' not in '%s'", words,
		outcome->error.text);
}

#endif
