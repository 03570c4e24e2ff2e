#include "actions/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/journal_chain.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/wire/json.h"

bool journal_verify(const char *path, struct journal_check *out, struct error *error)
{
	struct chain_scan scan;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_errno(error, "cannot open journal '%s'", path);
	bool ok = chain_scan(fd, path, &scan, error);
	close(fd);
	if (!ok)
		return error_prefix(error, "'%s'", path);
	struct journal_check check = {.records = scan.chain.records,
		.bad_line = scan.bad_line,
		.set_back = scan.chain.set_back};
	if (scan.bad_line || scan.cut) {
		snprintf(check.why, sizeof(check.why), "%s", scan.why);
		if (scan.cut)
			check.bad_line = scan.chain.records + 1;
	} else if (scan.torn_bytes > 0) {
		check.bad_line = scan.chain.records + 1;
		snprintf(check.why, sizeof(check.why),
			"line %zu: unfinished after %lld bytes: the writer was stopped, or the "
			"disk was full",
			check.bad_line, (long long)scan.torn_bytes);
	} else {
		check.ok = true;
		if (!scan.has_head)
			snprintf(check.why, sizeof(check.why),
				"no head file beside it: an end cut off could not be seen");
	}
	*out = check;
	return true;
}

static void copy_clean(char *out, size_t size, const char *from)
{
	const char *source = from ? from : "";
	sanitise(source, strlen(source), out, size);
}

static void parse_line(const char *bytes, size_t length, struct journal_line *out)
{
	*out = (struct journal_line){.at_ms = 0};
	struct json_document *document = json_parse(bytes, length, NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	if (json_is_object(root)) {
		const char *at = json_text(json_get(root, "at"));
		if (!at || !clock_parse(at, &out->at_ms))
			out->at_ms = 0;
		copy_clean(out->run, sizeof(out->run), json_text(json_get(root, "run")));
		copy_clean(out->event, sizeof(out->event), json_text(json_get(root, "event")));
		copy_clean(out->text, sizeof(out->text), json_text(json_get(root, "text")));
	}
	if (!out->event[0]) {
		snprintf(out->event, sizeof(out->event), "unreadable");
		snprintf(out->text, sizeof(out->text),
			"a line of %zu bytes that is not a journal record", length);
	}
	json_destroy(document);
}

/* Where the last `lines` lines begin; reads backwards so that a long journal costs nothing. */
static int64_t find_start(int fd, int64_t size, size_t lines)
{
	char block[4096];
	int64_t at = size;
	size_t seen = 0;
	while (at > 0) {
		int64_t want = at < (int64_t)sizeof(block) ? at : (int64_t)sizeof(block);
		if (pread(fd, block, (size_t)want, at - want) != want)
			return at;
		for (int64_t i = want; i-- > 0;) {
			/* The newline that ends the last line begins none. */
			if (block[i] == '\n' && at - want + i != size - 1 && ++seen == lines)
				return at - want + i + 1;
		}
		at -= want;
	}
	return 0;
}

size_t journal_tail(const char *path, struct journal_line *out, size_t most, struct error *error)
{
	struct stat status;
	size_t count = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) != 0) {
		/* No journal yet is a journal in which nothing is written. */
		if (errno != ENOENT)
			error_errno(error, "cannot open journal '%s'", path);
		if (fd >= 0)
			close(fd);
		return 0;
	}
	if (status.st_size > JOURNAL_BYTES)
		error_set(error, ERROR_LIMIT, "'%s' is over %lld bytes", path,
			(long long)JOURNAL_BYTES);
	FILE *file = status.st_size <= JOURNAL_BYTES && most > 0 && S_ISREG(status.st_mode)
			     ? fdopen(fd, "r")
			     : NULL;
	if (!file) {
		close(fd);
		return 0;
	}
	char *line = NULL;
	size_t capacity = 0;
	if (fseeko(file, (off_t)find_start(fd, status.st_size, most), SEEK_SET) == 0) {
		ssize_t length = 0;
		while (count < most && (length = getline(&line, &capacity, file)) > 0) {
			if (line[length - 1] == '\n')
				length--;
			parse_line(line, (size_t)length, &out[count++]);
		}
	}
	free(line);
	fclose(file);
	return count;
}
