#include "actions/seal_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "actions/seal.h"
#include "actions/signature.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"
#include "core/wire/json.h"

#define PATH_BYTES 4200

/* One line of the seals, and whether the journal agrees with it. */
struct row {
	struct sealed_head head;
	char *signature;
	bool is_met;
};

struct rows {
	struct row *rows; /* in the order of the file */
	size_t count;
	size_t unreadable;
};

void seal_message(const struct sealed_head *head, char out[SEAL_MESSAGE_BYTES])
{
	char at[CLOCK_TEXT_BYTES];
	clock_format(head->at_ms, true, at);
	snprintf(out, SEAL_MESSAGE_BYTES, "spillway journal head\n%zu %s\n%s\n%s\n", head->records,
		head->digest, at, head->by);
}

static bool read_head(const struct json_node *root, struct sealed_head *out)
{
	int64_t records = 0;
	const char *digest = json_text(json_get(root, "head"));
	const char *at = json_text(json_get(root, "at"));
	const char *by = json_text(json_get(root, "by"));
	if (!json_integer_of(json_get(root, "records"), &records) || records < 1 || !digest ||
		strlen(digest) != DIGEST_HEX_BYTES - 1 || !at || !by ||
		strlen(by) >= sizeof(out->by) || !clock_parse(at, &out->at_ms))
		return false;
	out->records = (size_t)records;
	snprintf(out->digest, sizeof(out->digest), "%s", digest);
	snprintf(out->by, sizeof(out->by), "%s", by);
	return true;
}

static void finish_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->rows[i].signature);
	free(rows->rows);
}

static bool add_row(struct rows *rows, const char *line, size_t length)
{
	struct json_document *document = json_parse(line, length, NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	const char *signature = json_text(json_get(root, "signature"));
	struct row row = {.is_met = false};
	bool ok = true;
	if (!signature || !read_head(root, &row.head)) {
		rows->unreadable++;
	} else {
		struct row *more = realloc(rows->rows, (rows->count + 1) * sizeof(*more));
		row.signature = strdup(signature);
		ok = more && row.signature;
		if (more)
			rows->rows = more;
		if (ok)
			rows->rows[rows->count++] = row;
		else
			free(row.signature);
	}
	json_destroy(document);
	return ok;
}

/* A file that is not there holds none. */
static bool read_rows(const char *journal, struct rows *out, struct error *error)
{
	char name[PATH_BYTES];
	char *line = NULL;
	size_t capacity = 0;
	bool ok = true;
	snprintf(name, sizeof(name), "%s.seals", journal);
	FILE *file = fopen(name, "re");
	if (!file)
		return errno == ENOENT || error_errno(error, "cannot open '%.300s'", name);
	for (ssize_t length = 0; ok && (length = getline(&line, &capacity, file)) > 0;) {
		if (out->count >= SEALS_MOST)
			ok = error_set(error, ERROR_LIMIT, "'%.300s' holds more than %d seals",
				name, SEALS_MOST);
		else if (!add_row(out, line, (size_t)length))
			ok = error_no_memory(error, "the journal's seals");
	}
	free(line);
	fclose(file);
	return ok;
}

size_t seals_newest(const char *journal)
{
	struct rows rows = {.count = 0};
	size_t most = 0;
	if (read_rows(journal, &rows, NULL)) {
		for (size_t i = 0; i < rows.count; i++)
			most = rows.rows[i].head.records > most ? rows.rows[i].head.records : most;
	}
	finish_rows(&rows);
	return most;
}

/* Hold every head against the line it names; seals are few, and lines are read once. */
static bool compare(const char *journal, struct rows *rows, struct row *anchor, struct error *error)
{
	char *line = NULL;
	char digest[DIGEST_HEX_BYTES];
	size_t capacity = 0;
	size_t number = 0;
	size_t next = 0;
	FILE *file = fopen(journal, "re");
	if (!file)
		return error_errno(error, "cannot open journal '%.300s'", journal);
	for (ssize_t length = 0; (length = getline(&line, &capacity, file)) > 0;) {
		bool wanted = ++number == anchor->head.records;
		/* Seals stand in the order they were made; one out of place is not met. */
		while (next < rows->count && rows->rows[next].head.records < number)
			next++;
		if (!wanted && (next == rows->count || rows->rows[next].head.records != number))
			continue;
		digest_sha256(line, (size_t)length - (line[length - 1] == '\n'), digest);
		if (wanted)
			anchor->is_met = strcmp(digest, anchor->head.digest) == 0;
		for (size_t i = next; i < rows->count && rows->rows[i].head.records == number; i++)
			rows->rows[i].is_met = strcmp(digest, rows->rows[i].head.digest) == 0;
	}
	free(line);
	fclose(file);
	return true;
}

static bool is_signed(
	const struct row *row, const struct signing_config *config, struct error *error)
{
	char message[SEAL_MESSAGE_BYTES];
	seal_message(&row->head, message);
	return signature_check(
		config->allowed_signers, row->head.by, message, row->signature, error);
}

static void say(struct seals_check *out, bool ok, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void say(struct seals_check *out, bool ok, const char *format, ...)
{
	char words[ACTION_TEXT_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	sanitise(words, strlen(words), out->why, sizeof(out->why));
	out->ok = ok;
}

/* The first that the journal does not meet decides: it is proof, or the seals were changed. */
static void judge_unmet(const struct row *row, size_t records, const struct signing_config *config,
	struct seals_check *out)
{
	struct error error = {.kind = ERROR_NONE};
	char at[CLOCK_TEXT_BYTES];
	clock_format(row->head.at_ms, false, at);
	if (!is_signed(row, config, &error))
		say(out, false, "the seals beside it were changed: the one of record %zu: %s",
			row->head.records, error.text);
	else if (row->head.records > records)
		say(out, false,
			"its end was cut off: it has %zu records, and %s sealed record %zu at %s",
			records, row->head.by, row->head.records, at);
	else
		say(out, false, "it was rewritten: record %zu is not the one that %s sealed at %s",
			row->head.records, row->head.by, at);
}

static void judge_rows(const struct rows *rows, size_t records, const struct signing_config *config,
	struct seals_check *out)
{
	struct error error = {.kind = ERROR_NONE};
	const struct row *newest = NULL;
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->rows[i];
		if (!row->is_met) {
			judge_unmet(row, records, config, out);
			return;
		}
		if (!newest || row->head.records >= newest->head.records)
			newest = row;
	}
	if (rows->unreadable > 0) {
		say(out, false, "%zu of the seals beside it cannot be read: they were changed",
			rows->unreadable);
	} else if (!newest) {
		say(out, true, "it is not sealed");
	} else if (!is_signed(newest, config, &error)) {
		/* One good signature covers all before it, so the newest alone is checked. */
		say(out, false, "the newest seal is not good: %s", error.text);
	} else {
		out->sealed = newest->head.records;
		snprintf(out->by, sizeof(out->by), "%s", newest->head.by);
		if (records > out->sealed)
			say(out, true, "%zu records after that are not sealed yet",
				records - out->sealed);
	}
}

static bool read_anchor(const char *anchored, struct row *out, struct error *error)
{
	const char *colon = anchored ? strchr(anchored, ':') : NULL;
	int64_t records = 0;
	if (!anchored)
		return true;
	if (!colon || strlen(colon + 1) != DIGEST_HEX_BYTES - 1 ||
		!number_parse_integer(anchored, (size_t)(colon - anchored), &records) ||
		records < 1)
		return error_set(error, ERROR_USAGE,
			"a head is a number and a digest, such as 64:9f86d0..., not '%.100s'",
			anchored);
	out->head.records = (size_t)records;
	snprintf(out->head.digest, sizeof(out->head.digest), "%s", colon + 1);
	return true;
}

bool seals_verify(const char *journal, size_t records, const struct signing_config *config,
	const char *anchored, struct seals_check *out, struct error *error)
{
	struct rows rows = {.count = 0};
	struct row anchor = {.is_met = false};
	struct seals_check check = {.ok = true};
	bool ok = read_anchor(anchored, &anchor, error) && read_rows(journal, &rows, error) &&
		  compare(journal, &rows, &anchor, error);
	if (ok) {
		check.seals = rows.count;
		if (config->allowed_signers)
			judge_rows(&rows, records, config, &check);
		else if (rows.count > 0)
			say(&check, true,
				"its seals were not checked: journal.allowed_signers is not set");
		if (check.ok && anchored && !anchor.is_met)
			say(&check, false,
				anchor.head.records > records
					? "its end was cut off: it has %zu records, and elsewhere "
					  "%zu are known"
					: "it was rewritten: of %zu records, number %zu is not the "
					  "one known elsewhere",
				records, anchor.head.records);
		*out = check;
	}
	finish_rows(&rows);
	return ok;
}
