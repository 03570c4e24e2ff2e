#include "backends/credential.h"

#include <stdlib.h>
#include <string.h>

#include "backends/source.h"
#include "core/base/child.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/secret.h"

struct credential {
	struct loop *loop;
	const struct source_secret *source;
	credential_ready_fn *ready;
	void *context;
	struct child *child; /* the command, while it runs */
	struct secret secret;
	int64_t made_ms;  /* when `secret` came; 0: there is none */
	int64_t again_ms; /* not before this */
	struct error failure;
};

struct credential *credential_create(struct loop *loop, const struct source_secret *source,
	credential_ready_fn *ready, void *context)
{
	struct credential *credential = calloc(1, sizeof(*credential));
	if (!credential)
		return NULL;
	credential->loop = loop;
	credential->source = source;
	credential->ready = ready;
	credential->context = context;
	return credential;
}

void credential_destroy(struct credential *credential)
{
	if (!credential)
		return;
	child_stop(credential->child);
	secret_wipe(&credential->secret);
	free(credential);
}

static void on_printed(void *context, const char *bytes, size_t length, const struct error *error)
{
	struct credential *credential = context;
	int64_t now_ms = loop_now_ms(credential->loop);
	credential->child = NULL;
	credential->failure = (struct error){0};
	if (error)
		credential->failure = *error;
	else if (secret_take(&credential->secret, bytes, length, "what the command printed",
			 &credential->failure))
		credential->made_ms = now_ms;
	if (credential->failure.kind != ERROR_NONE) {
		credential->made_ms = 0;
		credential->again_ms = now_ms + CREDENTIAL_AGAIN_MS;
	}
	credential->ready(credential->context);
}

static enum credential_state ask_command(
	struct credential *credential, struct secret *out, struct error *error)
{
	int64_t now_ms = loop_now_ms(credential->loop);
	if (credential->child)
		return CREDENTIAL_COMING;
	if (credential->made_ms != 0 && now_ms - credential->made_ms < CREDENTIAL_KEPT_MS) {
		*out = credential->secret;
		return CREDENTIAL_READY;
	}
	if (credential->failure.kind != ERROR_NONE && now_ms < credential->again_ms) {
		if (error)
			*error = credential->failure;
		return CREDENTIAL_FAILED;
	}
	credential->child = child_start(credential->loop, credential->source->command,
		CREDENTIAL_COMMAND_MS, on_printed, credential, error);
	return credential->child ? CREDENTIAL_COMING : CREDENTIAL_FAILED;
}

enum credential_state credential_read(
	struct credential *credential, struct secret *out, struct error *error)
{
	const struct source_secret *source = credential->source;
	if (source->command)
		return ask_command(credential, out, error);
	bool good = true;
	if (source->file)
		good = secret_read_file(out, source->file, error);
	else if (source->variable)
		good = secret_read_variable(out, source->variable, error);
	else
		*out = (struct secret){0};
	return good ? CREDENTIAL_READY : CREDENTIAL_FAILED;
}

void credential_refused(struct credential *credential)
{
	int64_t now_ms = loop_now_ms(credential->loop);
	if (!credential->source->command || credential->child || now_ms < credential->again_ms)
		return;
	credential->made_ms = 0;
	credential->again_ms = now_ms + CREDENTIAL_AGAIN_MS;
}
