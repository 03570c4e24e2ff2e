#include "actions/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/child.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"

#define NAMESPACE "spillway"

struct signing {
	struct child *child;
	signature_done_fn *done;
	void *context;
	char key_file[512];
};

/* Bytes as a file in memory, read from its start. -1 with `error`. */
static int memory_file(const char *bytes, struct error *error)
{
	size_t length = strlen(bytes);
	int fd = memfd_create("spillway", MFD_CLOEXEC);
	if (fd >= 0 && write(fd, bytes, length) == (ssize_t)length && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	error_errno(error, "cannot keep %zu bytes to sign in memory", length);
	if (fd >= 0)
		close(fd);
	return -1;
}

static void signed_now(void *context, const char *bytes, size_t length, const struct error *error)
{
	static const char begin[] = "-----BEGIN SSH SIGNATURE-----";
	struct signing *signing = context;
	struct error own = {.kind = ERROR_NONE};
	if (error)
		error_set(&own, error->kind,
			"cannot sign with '%.200s': %.200s; is it a key "
			"without a passphrase, or in the agent?",
			signing->key_file, error->text);
	else if (length >= SIGNATURE_BYTES || strncmp(bytes, begin, sizeof(begin) - 1) != 0)
		error_set(&own, ERROR_LIMIT, "ssh-keygen made no signature of at most %d bytes",
			SIGNATURE_BYTES - 1);
	signing->child = NULL;
	signing->done(signing->context, own.kind == ERROR_NONE ? bytes : NULL,
		own.kind == ERROR_NONE ? NULL : &own);
	free(signing);
}

struct signing *signature_start(struct loop *loop, const char *key_file, const char *message,
	signature_done_fn *done, void *context, struct error *error)
{
	const char *const words[] = {
		"ssh-keygen", "-q", "-Y", "sign", "-f", key_file, "-n", NAMESPACE, NULL};
	struct signing *signing = calloc(1, sizeof(*signing));
	if (!signing) {
		error_no_memory(error, "a signature");
		return NULL;
	}
	signing->done = done;
	signing->context = context;
	snprintf(signing->key_file, sizeof(signing->key_file), "%s", key_file);
	int input = memory_file(message, error);
	if (input >= 0) {
		signing->child = child_start_fed(
			loop, words, input, SIGNATURE_TIMEOUT_MS, signed_now, signing, error);
		close(input);
	}
	if (signing->child)
		return signing;
	free(signing);
	return NULL;
}

void signature_stop(struct signing *signing)
{
	if (!signing)
		return;
	child_stop(signing->child);
	free(signing);
}

/* ---- at once: a loop of its own, turned until the child is done ---- */

struct wait {
	bool is_over, ok;
	char *out; /* NULL: only whether it went well */
	struct error *error;
};

static void waited_signature(void *context, const char *signature, const struct error *error)
{
	struct wait *wait = context;
	wait->is_over = true;
	wait->ok = signature != NULL;
	if (signature)
		snprintf(wait->out, SIGNATURE_BYTES, "%s", signature);
	else
		error_set(wait->error, error->kind, "%s", error->text);
}

static void waited_check(void *context, const char *bytes, size_t length, const struct error *error)
{
	struct wait *wait = context;
	(void)length;
	wait->is_over = true;
	wait->ok = bytes != NULL;
	if (error)
		error_set(wait->error, error->kind, "%s", error->text);
}

static bool turn_until_over(struct loop *loop, const struct wait *wait)
{
	while (!wait->is_over) {
		if (!loop_turn(loop, -1, wait->error))
			return false;
	}
	return true;
}

bool signature_make(
	const char *key_file, const char *message, char out[SIGNATURE_BYTES], struct error *error)
{
	struct clock clock;
	struct wait wait = {.out = out, .error = error};
	clock_init_system(&clock);
	struct loop *loop = loop_create(&clock, error);
	struct signing *signing =
		loop ? signature_start(loop, key_file, message, waited_signature, &wait, error)
		     : NULL;
	if (signing && !turn_until_over(loop, &wait))
		signature_stop(signing);
	loop_destroy(loop);
	return wait.ok;
}

/* ssh-keygen reads the message from its input and the signature from a name: that of our own
 * file in memory. */
static struct child *start_check(struct loop *loop, const char *allowed_signers, const char *who,
	int message, int signature, struct wait *wait, struct error *error)
{
	char name[64];
	snprintf(name, sizeof(name), "/proc/%ld/fd/%d", (long)getpid(), signature);
	const char *const words[] = {"ssh-keygen", "-q", "-Y", "verify", "-f", allowed_signers,
		"-I", who, "-n", NAMESPACE, "-s", name, NULL};
	return child_start_fed(
		loop, words, message, SIGNATURE_TIMEOUT_MS, waited_check, wait, error);
}

bool signature_check(const char *allowed_signers, const char *who, const char *message,
	const char *signature, struct error *error)
{
	struct clock clock;
	struct error why = {.kind = ERROR_NONE};
	struct wait wait = {.error = &why};
	clock_init_system(&clock);
	if (access(allowed_signers, R_OK) != 0)
		return error_errno(error, "cannot read '%.300s'", allowed_signers);
	struct loop *loop = loop_create(&clock, error);
	int input = loop ? memory_file(message, error) : -1;
	int mark = input >= 0 ? memory_file(signature, error) : -1;
	struct child *child =
		mark >= 0 ? start_check(loop, allowed_signers, who, input, mark, &wait, error)
			  : NULL;
	bool ran = child && turn_until_over(loop, &wait);
	if (child && !wait.is_over)
		child_stop(child);
	if (mark >= 0)
		close(mark);
	if (input >= 0)
		close(input);
	loop_destroy(loop);
	if (!ran || wait.ok)
		return ran && wait.ok;
	/* A failure of ssh-keygen itself is its answer: no. */
	return error_set(error, why.kind == ERROR_IO ? ERROR_UNTRUSTED : why.kind,
		"not a signature by '%.100s' of these bytes, as '%.200s' knows them", who,
		allowed_signers);
}
