#include "actions/journal_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/number.h"

#define HEX ((size_t)64)
#define HEAD_NAME_BYTES 4200
#define HEAD_BYTES 86 /* "<20 digits> <64 hex>\n" */
#define BLOCK_BYTES ((size_t)65536)

static const char before_prev[] = ",\"prev\":\"";
static const char before_hash[] = "\",\"hash\":\"";
static const char line_end[] = "\"}";

/* Bytes from the comma before "prev" to the end of the line. */
#define TAIL_BYTES \
	(sizeof(before_prev) - 1 + HEX + sizeof(before_hash) - 1 + HEX + sizeof(line_end) - 1)

void chain_init(struct chain *chain)
{
	*chain = (struct chain){.records = 0};
	memset(chain->prev, '0', HEX);
}

/* {"seq":12,"at":...,"run":"a-0007",...: the number of the run, 0 when it has none. */
static unsigned run_number(const char *line, size_t length)
{
	static const char key[] = ",\"run\":\"a-";
	const char *found = memmem(line, length, key, sizeof(key) - 1);
	if (!found)
		return 0;
	unsigned number = 0;
	for (const char *at = found + sizeof(key) - 1; at < line + length; at++) {
		if (*at < '0' || *at > '9' || number > 99999999)
			break;
		number = number * 10 + (unsigned)(*at - '0');
	}
	return number;
}

#define SET_BACK_MS 60000 /* less is ordinary: clocks are slewed, and two machines differ */

/* {"seq":12,"at":"2026-02-04T17:06:00.000Z",...: `line` from the date on. */
static void note_date(struct chain *chain, const char *line, size_t length)
{
	char date[CLOCK_TEXT_BYTES] = "";
	int64_t at_ms = 0;
	size_t count = 0;
	while (count + 1 < sizeof(date) && count < length && line[count] != '"')
		count++;
	memcpy(date, line, count);
	date[count] = '\0';
	if (!clock_parse(date, &at_ms))
		return;
	if (at_ms + SET_BACK_MS < chain->at_ms)
		chain->set_back++;
	chain->at_ms = at_ms;
}

bool chain_accept(struct chain *chain, const char *line, size_t length, char *why, size_t why_size)
{
	char start[64];
	int start_length =
		snprintf(start, sizeof(start), "{\"seq\":%zu,\"at\":", chain->records + 1);
	const char *tail = length >= TAIL_BYTES ? line + length - TAIL_BYTES : NULL;
	if (!tail || memcmp(tail, before_prev, sizeof(before_prev) - 1) != 0 ||
		memcmp(line + length - sizeof(line_end) + 1, line_end, sizeof(line_end) - 1) != 0) {
		snprintf(why, why_size,
			"not a journal record: the line was changed after it was "
			"written");
		return false;
	}
	const char *prev = tail + sizeof(before_prev) - 1;
	const char *hash = prev + HEX + sizeof(before_hash) - 1;
	char digest[DIGEST_HEX_BYTES];
	digest_sha256(line, (size_t)(prev + HEX + 1 - line), digest);
	if (memcmp(prev + HEX, before_hash, sizeof(before_hash) - 1) != 0 ||
		memcmp(digest, hash, HEX) != 0) {
		snprintf(why, why_size,
			"hash does not match: the line was changed after it was written");
		return false;
	}
	if (memcmp(prev, chain->prev, HEX) != 0 || (size_t)start_length >= length ||
		memcmp(line, start, (size_t)start_length) != 0) {
		snprintf(why, why_size,
			"does not follow the line before it: lines were removed, "
			"added or moved");
		return false;
	}
	digest_sha256(line, length, chain->prev);
	chain->records++;
	note_date(chain, line + start_length + 1, length - (size_t)start_length - 1);
	unsigned run = run_number(line, length - TAIL_BYTES);
	if (run > chain->last_run)
		chain->last_run = run;
	return true;
}

static bool head_name(const char *path, char out[HEAD_NAME_BYTES])
{
	int length = snprintf(out, HEAD_NAME_BYTES, "%s.head", path);
	return length > 0 && length < HEAD_NAME_BYTES;
}

void chain_write_head(const char *path, const struct chain *chain)
{
	char name[HEAD_NAME_BYTES];
	char line[HEAD_BYTES + 1];
	if (!head_name(path, name))
		return;
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	snprintf(line, sizeof(line), "%020zu %s\n", chain->records, chain->prev);
	ssize_t written = pwrite(fd, line, HEAD_BYTES, 0);
	if (written != HEAD_BYTES && unlink(name) != 0)
		errno = 0; /* neither written nor removed: verify will say that they differ */
	close(fd);
}

struct head {
	int64_t records;
	char digest[DIGEST_HEX_BYTES];
};

static bool read_head(const char *path, struct head *head)
{
	char name[HEAD_NAME_BYTES];
	char line[HEAD_BYTES + 1] = "";
	int fd = head_name(path, name) ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return false;
	ssize_t got = pread(fd, line, HEAD_BYTES, 0);
	close(fd);
	if (got != HEAD_BYTES || line[20] != ' ' || !number_parse_integer(line, 20, &head->records))
		return false;
	memcpy(head->digest, line + 21, HEX);
	head->digest[HEX] = '\0';
	return true;
}

/* One pass over the file, a line at a time. */
struct pass {
	struct chain_scan *scan;
	const struct head *head; /* NULL: none */
	char line[JOURNAL_LINE_BYTES];
	size_t length;
	bool too_long;
	int64_t consumed;
};

static void bad(struct pass *pass, const char *why)
{
	struct chain_scan *scan = pass->scan;
	scan->bad_line = scan->chain.records + 1;
	snprintf(scan->why, sizeof(scan->why), "line %zu: %s", scan->bad_line, why);
}

static void end_line(struct pass *pass)
{
	struct chain_scan *scan = pass->scan;
	char why[ACTION_TEXT_BYTES / 2];
	if (pass->too_long)
		bad(pass, "longer than any record");
	else if (!chain_accept(&scan->chain, pass->line, pass->length, why, sizeof(why)))
		bad(pass, why);
	else if (pass->head && (int64_t)scan->chain.records == pass->head->records &&
		 strcmp(scan->chain.prev, pass->head->digest) != 0) {
		scan->chain.records--;
		bad(pass, "not the record the head file names: the journal was rewritten");
	}
	pass->length = 0;
	scan->whole_bytes = pass->consumed;
}

static void feed(struct pass *pass, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count && pass->scan->bad_line == 0; i++) {
		pass->consumed++;
		if (bytes[i] == '\n')
			end_line(pass);
		else if (pass->length < sizeof(pass->line))
			pass->line[pass->length++] = bytes[i];
		else
			pass->too_long = true;
	}
}

static bool read_through(int fd, struct pass *pass, struct error *error)
{
	char *block = malloc(BLOCK_BYTES);
	if (!block)
		return error_no_memory(error, "reading a journal");
	int64_t offset = 0;
	ssize_t got = 0;
	while (pass->scan->bad_line == 0 && (got = pread(fd, block, BLOCK_BYTES, offset)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		feed(pass, block, (size_t)got);
		offset += got;
	}
	bool ok = got >= 0 || error_errno(error, "cannot read journal");
	free(block);
	return ok;
}

bool chain_scan(int fd, const char *path, struct chain_scan *out, struct error *error)
{
	struct chain_scan scan = {.bad_line = 0};
	struct head head = {.records = 0};
	chain_init(&scan.chain);
	scan.has_head = read_head(path, &head);
	struct pass *pass = calloc(1, sizeof(*pass));
	if (!pass)
		return error_no_memory(error, "reading a journal");
	pass->scan = &scan;
	pass->head = scan.has_head ? &head : NULL;
	bool ok = read_through(fd, pass, error);
	if (ok) {
		scan.torn_bytes = scan.bad_line ? 0 : pass->consumed - scan.whole_bytes;
		scan.cut = scan.has_head && scan.bad_line == 0 &&
			   head.records > (int64_t)scan.chain.records;
		if (scan.cut)
			snprintf(scan.why, sizeof(scan.why),
				"the journal ends after line %zu, but its head file knows line "
				"%" PRId64 ": its end was cut off",
				scan.chain.records, head.records);
		*out = scan;
	}
	free(pass);
	return ok;
}
