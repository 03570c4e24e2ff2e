#include "actions/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/journal_chain.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"

/* Room for the records of one whole run, so that a run that began can be written to its end. */
#define RESERVE_BYTES (64LL * 1024)
#define PATH_BYTES 4096

struct journal {
	int fd;
	char *path;
	struct chain chain;
	int64_t size_bytes;
	bool broken; /* a write or sync failed in a way that leaves the file's state in doubt */
	char *trouble;
	struct {
		journal_watch_fn *fn; /* NULL: nobody */
		void *context;
	} watchers[JOURNAL_WATCHERS];
};

/* mkdir -p for the directories above `path`. */
static bool make_directories(const char *path, struct error *error)
{
	char name[PATH_BYTES];
	if (strlen(path) >= sizeof(name))
		return error_set(error, ERROR_LIMIT, "journal's name is too long");
	snprintf(name, sizeof(name), "%s", path);
	for (char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(name, 0700) != 0 && errno != EEXIST)
			return error_errno(error, "cannot make directory '%s'", name);
		*slash = '/';
	}
	return true;
}

/* A new file's name is only on disk once its directory is. */
static bool sync_directory(const char *path, struct error *error)
{
	char name[PATH_BYTES];
	const char *slash = strrchr(path, '/');
	snprintf(name, sizeof(name), "%.*s", slash ? (int)(slash - path + 1) : 1,
		slash ? path : ".");
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (!ok)
		error_errno(error, "cannot sync directory '%s'", name);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

/* Move an unfinished last line out of the way, keeping its bytes as evidence. */
static bool set_aside(struct journal *journal, const struct chain_scan *scan, struct error *error)
{
	char name[PATH_BYTES + 8];
	char *bytes = malloc((size_t)scan->torn_bytes + 1);
	if (!bytes)
		return error_no_memory(error, "an unfinished journal line");
	snprintf(name, sizeof(name), "%s.torn", journal->path);
	ssize_t got = pread(journal->fd, bytes, (size_t)scan->torn_bytes, scan->whole_bytes);
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0 && got == scan->torn_bytes;
	if (ok) {
		bytes[got] = '\n';
		ok = write_all(fd, bytes, (size_t)got + 1) && fsync(fd) == 0;
	}
	ok = ok && ftruncate(journal->fd, scan->whole_bytes) == 0 && fsync(journal->fd) == 0;
	if (!ok)
		error_errno(error, "cannot set aside an unfinished line of '%s'", journal->path);
	if (fd >= 0)
		close(fd);
	free(bytes);
	return ok;
}

static bool go_on(struct journal *journal, struct error *error)
{
	struct stat status;
	struct chain_scan scan;
	if (fstat(journal->fd, &status) != 0 || !S_ISREG(status.st_mode))
		return error_set(
			error, ERROR_IO, "journal '%s' is not a regular file", journal->path);
	if (status.st_size > JOURNAL_BYTES)
		return error_set(error, ERROR_LIMIT,
			"journal '%s' is over %lld bytes: move it away to begin a new one",
			journal->path, (long long)JOURNAL_BYTES);
	if (!chain_scan(journal->fd, journal->path, &scan, error))
		return error_prefix(error, "'%s'", journal->path);
	/* An empty journal is a new one, whatever an old head file says; a shortened one is not. */
	if (scan.bad_line || (scan.cut && scan.chain.records > 0))
		return error_set(error, ERROR_SCHEMA,
			"journal '%s' is not to be trusted: %s; keep it as evidence and move it "
			"away to begin a new one",
			journal->path, scan.why);
	if (scan.torn_bytes > 0 && !set_aside(journal, &scan, error))
		return false;
	journal->chain = scan.chain;
	journal->size_bytes = scan.whole_bytes;
	if (scan.chain.records == 0 && scan.has_head)
		chain_write_head(journal->path, &scan.chain);
	return true;
}

static bool open_and_lock(struct journal *journal, struct error *error)
{
	if (!make_directories(journal->path, error))
		return false;
	journal->fd =
		open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0600);
	if (journal->fd < 0)
		return error_errno(error, "cannot open journal '%s'", journal->path);
	if (flock(journal->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return error_set(error, ERROR_REJECTED,
				"journal '%s' is being written by another spillway: changes are "
				"made from one place at a time; close that one, or act there",
				journal->path);
		return error_errno(error, "cannot lock journal '%s'", journal->path);
	}
	return go_on(journal, error) && sync_directory(journal->path, error);
}

struct journal *journal_open(const char *path, struct error *error)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	if (!journal) {
		error_no_memory(error, "a journal");
		return NULL;
	}
	journal->fd = -1;
	journal->path = strdup(path);
	journal->trouble = calloc(1, ERROR_TEXT_BYTES);
	if (!journal->path || !journal->trouble)
		error_no_memory(error, "a journal");
	else if (open_and_lock(journal, error))
		return journal;
	journal_close(journal);
	return NULL;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	free(journal->path);
	free(journal->trouble);
	free(journal);
}

const char *journal_path(const struct journal *journal)
{
	return journal->path;
}

/*
 * Claim disk space past the end. The limit on file sizes is asked for first because passing it
 * raises a signal that would end the program.
 */
static bool reserve(const struct journal *journal, int64_t bytes, struct error *error)
{
	struct rlimit limit;
	if (journal->broken)
		return error_set(error, ERROR_IO,
			"journal '%s' could not be written before, and what it holds is in doubt: "
			"start again",
			journal->path);
	if (journal->size_bytes + bytes > JOURNAL_BYTES)
		return error_set(error, ERROR_LIMIT,
			"journal '%s' is over %lld bytes: move it away to begin a new one",
			journal->path, (long long)JOURNAL_BYTES);
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
		(rlim_t)(journal->size_bytes + bytes) > limit.rlim_cur)
		return error_set(error, ERROR_IO, "journal '%s' would pass the limit on file sizes",
			journal->path);
	while (fallocate(journal->fd, FALLOC_FL_KEEP_SIZE, journal->size_bytes, bytes) != 0) {
		if (errno == EOPNOTSUPP || errno == ENOSYS)
			return true;
		if (errno != EINTR)
			return error_errno(error, "journal '%s' has no room", journal->path);
	}
	return true;
}

const char *journal_trouble(const struct journal *journal)
{
	struct error error = {.kind = ERROR_NONE};
	struct stat status;
	bool ok = reserve(journal, RESERVE_BYTES, &error);
	if (ok && (fstat(journal->fd, &status) != 0 || status.st_nlink == 0))
		error_set(&error, ERROR_IO, "journal '%s' was deleted", journal->path);
	else if (ok && status.st_size != journal->size_bytes)
		error_set(&error, ERROR_IO, "journal '%s' was changed by someone else",
			journal->path);
	snprintf(journal->trouble, ERROR_TEXT_BYTES, "%s",
		error.kind == ERROR_NONE ? "" : error.text);
	return journal->trouble;
}

static bool build_line(const struct journal *journal, const char *run, const char *event,
	const char *words, const char *members, int64_t wall_ms, struct text *line,
	struct error *error)
{
	char clean[ACTION_TEXT_BYTES * 2];
	char digest[DIGEST_HEX_BYTES];
	struct json_writer writer;
	sanitise(words, strlen(words), clean, sizeof(clean));
	json_writer_init(&writer, line);
	json_begin_object(&writer);
	json_member_integer(&writer, "seq", (int64_t)journal->chain.records + 1);
	json_member_time(&writer, "at", wall_ms);
	json_member_string(&writer, "run", run);
	json_member_string(&writer, "event", event);
	json_member_string(&writer, "text", clean);
	if (members[0])
		text_printf(line, ",%s", members);
	text_printf(line, ",\"prev\":\"%s\"", journal->chain.prev);
	digest_sha256(text_string(line), line->length, digest);
	text_printf(line, ",\"hash\":\"%s\"}", digest);
	if (!text_ok(line) || line->length >= JOURNAL_LINE_BYTES)
		return error_set(
			error, ERROR_LIMIT, "journal record is over %d bytes", JOURNAL_LINE_BYTES);
	/* The line must be one that verify will accept, whatever was passed in. */
	char why[ACTION_TEXT_BYTES];
	struct chain next = journal->chain;
	if (strchr(text_string(line), '\n') || strlen(digest) != DIGEST_HEX_BYTES - 1 ||
		!chain_accept(&next, text_string(line), line->length, why, sizeof(why)))
		return error_set(error, ERROR_SCHEMA, "journal record would not verify");
	return true;
}

/* After a failed write the file must end where it did, or nothing more may be written to it. */
static bool take_back(struct journal *journal, struct error *error)
{
	error_errno(error, "cannot write journal '%s'", journal->path);
	if (ftruncate(journal->fd, journal->size_bytes) != 0)
		journal->broken = true;
	return false;
}

bool journal_append(struct journal *journal, const char *run, const char *event, const char *text,
	const char *members, int64_t wall_ms, struct error *error)
{
	struct text line;
	text_init(&line, JOURNAL_LINE_BYTES);
	bool ok = reserve(journal, JOURNAL_LINE_BYTES, error) &&
		  build_line(journal, run, event, text, members, wall_ms, &line, error);
	if (ok) {
		char why[ACTION_TEXT_BYTES];
		struct chain next = journal->chain;
		ok = chain_accept(&next, text_string(&line), line.length, why, sizeof(why));
		text_add_char(&line, '\n');
		if (!text_ok(&line)) {
			ok = error_no_memory(error, "a journal record");
		} else if (!write_all(journal->fd, text_string(&line), line.length)) {
			ok = take_back(journal, error);
		} else if (fdatasync(journal->fd) != 0) {
			/* A failed sync may have dropped the pages: their state is unknowable. */
			journal->broken = true;
			ok = error_errno(error, "cannot sync journal '%s'", journal->path);
		} else {
			journal->chain = next;
			journal->size_bytes += (int64_t)line.length;
			chain_write_head(journal->path, &journal->chain);
		}
	}
	text_finish(&line);
	for (size_t i = 0; ok && i < JOURNAL_WATCHERS; i++) {
		if (journal->watchers[i].fn)
			journal->watchers[i].fn(journal->watchers[i].context, event);
	}
	return ok;
}

void journal_head(const struct journal *journal, struct journal_head *out)
{
	out->records = journal->chain.records;
	snprintf(out->digest, sizeof(out->digest), "%s", journal->chain.prev);
}

void journal_watch(struct journal *journal, journal_watch_fn *fn, void *context)
{
	for (size_t i = 0; i < JOURNAL_WATCHERS; i++) {
		if (journal->watchers[i].fn)
			continue;
		journal->watchers[i].fn = fn;
		journal->watchers[i].context = context;
		return;
	}
}

void journal_unwatch(struct journal *journal, const void *context)
{
	for (size_t i = 0; i < JOURNAL_WATCHERS; i++) {
		if (journal->watchers[i].context == context)
			journal->watchers[i].fn = NULL;
	}
}

bool journal_ends_something(const char *event)
{
	return strcmp(event, "done") == 0 || strcmp(event, "keep") == 0 ||
	       strcmp(event, "extend") == 0;
}

void journal_next_run(const struct journal *journal, char out[PLAN_ID_BYTES])
{
	snprintf(out, PLAN_ID_BYTES, "a-%04u", journal->chain.last_run + 1);
}
