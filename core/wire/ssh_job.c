#include "core/wire/ssh_job.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/wire/ssh_target.h"

#define CONNECT_TIMEOUT_MS 10000
#define TIMEOUT_MS 30000

static bool command_check(const struct ssh_command *command, struct error *error)
{
	if (!command->command || !*command->command)
		return error_set(error, ERROR_USAGE, "ssh needs a command to run");
	size_t length = strlen(command->command);
	if (length > SSH_COMMAND_BYTES)
		return error_set(error, ERROR_LIMIT, "ssh command of %zu bytes: at most %d", length,
			SSH_COMMAND_BYTES);
	if (command->connect_timeout_ms < 0 || command->timeout_ms < 0)
		return error_set(error, ERROR_USAGE, "ssh timeouts cannot be negative");
	return true;
}

struct ssh_job *ssh_job_create(
	const struct ssh_command *command, ssh_done_fn *done, void *context, struct error *error)
{
	if (!command_check(command, error))
		return NULL;
	struct ssh_target *target = ssh_target_create(command, error);
	if (!target)
		return NULL;
	struct ssh_job *job = calloc(1, sizeof(*job));
	char *copy = strdup(command->command);
	if (!job || !copy) {
		free(job);
		free(copy);
		ssh_target_destroy(target);
		error_no_memory(error, "an ssh command");
		return NULL;
	}
	*job = (struct ssh_job){
		.target = target,
		.command = copy,
		.connect_timeout_ms = command->connect_timeout_ms ? command->connect_timeout_ms
								  : CONNECT_TIMEOUT_MS,
		.timeout_ms = command->timeout_ms ? command->timeout_ms : TIMEOUT_MS,
		.done = done,
		.context = context,
		.started_us = clock_stopwatch_us(),
	};
	text_init(&job->out, SSH_OUTPUT_BYTES);
	text_init(&job->err, SSH_OUTPUT_BYTES);
	return job;
}

void ssh_job_destroy(struct ssh_job *job)
{
	if (!job)
		return;
	if (job->timer != 0)
		loop_timer_stop(job->loop, job->timer);
	ssh_target_destroy(job->target);
	text_finish(&job->out);
	text_finish(&job->err);
	free(job->command);
	free(job);
}

void ssh_job_deadline(struct ssh_job *job, int64_t timeout_ms)
{
	loop_timer_stop(job->loop, job->timer);
	job->timer = loop_timer_start(job->loop, timeout_ms, job->expired, job);
}

void ssh_job_take(struct ssh_job *job, bool is_stderr, const char *bytes, size_t length)
{
	struct text *text = is_stderr ? &job->err : &job->out;
	size_t room = text->limit - text->length;
	size_t kept = length < room ? length : room;
	text_append(text, bytes, kept);
	if (kept < length || !text_ok(text))
		job->truncated = true;
}

void ssh_job_fail(struct ssh_job *job, const struct error *error)
{
	if (job->failed)
		return;
	job->failed = true;
	job->error = *error;
}

void ssh_job_lose(struct ssh_job *job, const struct error *error)
{
	struct error lost = *error;
	if (job->sent) {
		error_set(&lost, ERROR_UNKNOWN_OUTCOME,
			"%s; the command had been sent: read the state back before acting again",
			error->text);
	}
	ssh_job_fail(job, &lost);
}

void ssh_job_deliver(const struct ssh_job *job)
{
	if (job->failed) {
		job->done(job->context, NULL, &job->error);
		return;
	}
	struct ssh_reply reply = {
		.exit_status = job->exit_status,
		.has_exit_status = job->has_exit_status,
		.exit_signal = job->exit_signal,
		.out = text_string(&job->out),
		.out_length = job->out.length,
		.err = text_string(&job->err),
		.err_length = job->err.length,
		.truncated = job->truncated,
		.took_ms = (double)(clock_stopwatch_us() - job->started_us) / 1000.0,
		.reused = job->reused,
	};
	job->done(job->context, &reply, NULL);
}
