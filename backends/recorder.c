#include "backends/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/recording.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"

#define PENDING_BYTES (64 * 1024)
#define FLUSH_BYTES (16 * 1024)
#define TROUBLE_BYTES 200

struct recorder {
	const struct fleet *fleet;
	int fd;
	long long written_bytes;
	struct text pending;
	char trouble[TROUBLE_BYTES]; /* "" while all is well; then nothing more is written */
};

struct recorder *recorder_create(const char *path, const struct fleet *fleet, struct error *error)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	if (!recorder) {
		error_no_memory(error, "a recorder");
		return NULL;
	}
	recorder->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (recorder->fd < 0) {
		error_errno(error, "cannot create the recording '%s'", path);
		free(recorder);
		return NULL;
	}
	recorder->fleet = fleet;
	text_init(&recorder->pending, PENDING_BYTES);
	return recorder;
}

static void fail(struct recorder *recorder, const char *why)
{
	snprintf(recorder->trouble, sizeof(recorder->trouble),
		"recording stopped after %lld bytes: %s", recorder->written_bytes, why);
}

static void flush(struct recorder *recorder)
{
	const char *bytes = text_string(&recorder->pending);
	size_t left = recorder->pending.length;
	while (left > 0 && !recorder->trouble[0]) {
		ssize_t written = write(recorder->fd, bytes, left);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			struct error error = {0};
			error_errno(&error, "cannot write");
			fail(recorder, error.text);
			break;
		}
		bytes += written;
		left -= (size_t)written;
		recorder->written_bytes += written;
	}
	text_clear(&recorder->pending);
}

void recorder_destroy(struct recorder *recorder)
{
	if (!recorder)
		return;
	flush(recorder);
	close(recorder->fd);
	text_finish(&recorder->pending);
	free(recorder);
}

void recorder_note(struct recorder *recorder, const char *source, uint32_t entity,
	enum signal signal, double value, int64_t at_ms, int32_t interval_ms)
{
	if (recorder->trouble[0])
		return;
	long long size = recorder->written_bytes + (long long)recorder->pending.length;
	if (size + RECORDING_LINE_BYTES > RECORDING_BYTES) {
		flush(recorder);
		if (!recorder->trouble[0])
			fail(recorder, "it has reached its limit of 1 GiB");
		return;
	}
	struct recording_row row = {
		.at_ms = at_ms, .interval_ms = interval_ms, .signal = signal, .value = value};
	sanitise(source, strlen(source), row.source, sizeof(row.source));
	recording_describe(recorder->fleet, entity, &row);
	recording_write(&row, &recorder->pending);
	if (!text_ok(&recorder->pending)) {
		text_clear(&recorder->pending);
		fail(recorder, "no memory");
		return;
	}
	if (recorder->pending.length >= FLUSH_BYTES)
		flush(recorder);
}

const char *recorder_trouble(const struct recorder *recorder)
{
	return recorder->trouble;
}
