#include "actions/anchor_record.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/wire/json.h"

#define HOST_BYTES 256

void anchor_head_key(const char *fleet, const char *first, char out[ETCD_KEY_BYTES])
{
	snprintf(out, ETCD_KEY_BYTES, "/spillway-heads/%.60s/heads/%.16s", fleet, first);
}

static void host_name(char out[HOST_BYTES])
{
	out[0] = '\0';
	if (gethostname(out, HOST_BYTES - 1) != 0 || !out[0])
		snprintf(out, HOST_BYTES, "somewhere");
	out[HOST_BYTES - 1] = '\0';
}

static void file_name(const char *journal, char out[PATH_MAX])
{
	if (!realpath(journal, out))
		snprintf(out, PATH_MAX, "%s", journal);
}

void anchor_place_key(const char *fleet, const char *journal, char out[ETCD_KEY_BYTES])
{
	char host[HOST_BYTES];
	char path[PATH_MAX];
	char digest[DIGEST_HEX_BYTES];
	host_name(host);
	file_name(journal, path);
	digest_sha256(path, strlen(path), digest);
	snprintf(out, ETCD_KEY_BYTES, "/spillway-heads/%.60s/places/%.100s-%.16s", fleet, host,
		digest);
}

static void copy_out(struct text *text, char out[ANCHOR_VALUE_BYTES])
{
	snprintf(out, ANCHOR_VALUE_BYTES, "%s", text_ok(text) ? text_string(text) : "");
	text_finish(text);
}

void anchor_head_write(const struct anchor_head *head, char out[ANCHOR_VALUE_BYTES])
{
	struct text text;
	struct json_writer writer;
	text_init(&text, ANCHOR_VALUE_BYTES - 1);
	json_writer_init(&writer, &text);
	json_begin_object(&writer);
	json_member_integer(&writer, "records", (int64_t)head->head.records);
	json_member_string(&writer, "head", head->head.digest);
	json_member_time(&writer, "at", head->head.at_ms);
	json_member_string(&writer, "by", head->head.by);
	json_member_string(&writer, "first", head->first);
	json_member_integer(&writer, "gaps", head->gaps);
	json_member_integer(&writer, "gap_from", (int64_t)head->gap_from);
	json_member_integer(&writer, "gap_to", (int64_t)head->gap_to);
	json_end_object(&writer);
	copy_out(&text, out);
}

static bool is_digest(const char *word)
{
	return strlen(word) == PLAN_HASH_BYTES - 1 &&
	       strspn(word, "0123456789abcdef") == PLAN_HASH_BYTES - 1;
}

static size_t count_of(const struct json_node *root, const char *key)
{
	int64_t value = 0;
	return json_integer_of(json_get(root, key), &value) && value > 0 ? (size_t)value : 0;
}

bool anchor_head_read(const char *value, struct anchor_head *out)
{
	struct json_document *document = json_parse(value, strlen(value), NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	struct anchor_head head = {
		.head = {.records = count_of(root, "records"), .at_ms = json_time_of(root, "at")},
		.gaps = (int64_t)count_of(root, "gaps"),
		.gap_from = count_of(root, "gap_from"),
		.gap_to = count_of(root, "gap_to")};
	json_copy_text(root, "head", head.head.digest, sizeof(head.head.digest));
	json_copy_text(root, "by", head.head.by, sizeof(head.head.by));
	json_copy_text(root, "first", head.first, sizeof(head.first));
	json_destroy(document);
	if (head.head.records == 0 || !is_digest(head.head.digest) || !is_digest(head.first))
		return false;
	*out = head;
	return true;
}

void anchor_place_write(
	const struct anchor_place *place, const char *journal, char out[ANCHOR_VALUE_BYTES])
{
	char host[HOST_BYTES];
	char path[PATH_MAX];
	struct text text;
	struct json_writer writer;
	host_name(host);
	file_name(journal, path);
	text_init(&text, ANCHOR_VALUE_BYTES - 1);
	json_writer_init(&writer, &text);
	json_begin_object(&writer);
	json_member_string(&writer, "host", host);
	json_member_string(&writer, "file", path);
	json_member_string(&writer, "first", place->first);
	json_member_string(&writer, "before", place->before);
	json_member_time(&writer, "since", place->since_ms);
	json_member_bool(&writer, "begun", place->was_begun);
	json_end_object(&writer);
	copy_out(&text, out);
}

bool anchor_place_read(const char *value, struct anchor_place *out)
{
	struct json_document *document = json_parse(value, strlen(value), NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	struct anchor_place place = {.since_ms = json_time_of(root, "since")};
	json_copy_text(root, "first", place.first, sizeof(place.first));
	json_copy_text(root, "before", place.before, sizeof(place.before));
	if (!json_bool_of(json_get(root, "begun"), &place.was_begun))
		place.was_begun = false;
	json_destroy(document);
	if (!is_digest(place.first))
		return false;
	*out = place;
	return true;
}

bool anchor_digest(
	const char *journal, size_t number, char out[PLAN_HASH_BYTES], struct error *error)
{
	char *line = NULL;
	size_t capacity = 0;
	size_t at = 0;
	FILE *file = fopen(journal, "re");
	if (!file)
		return error_errno(error, "cannot open journal '%.300s'", journal);
	for (ssize_t length = 0; at < number && (length = getline(&line, &capacity, file)) > 0;) {
		if (++at == number)
			digest_sha256(line, (size_t)length - (line[length - 1] == '\n'), out);
	}
	free(line);
	fclose(file);
	return (at == number && number > 0) ||
	       error_set(error, ERROR_USAGE, "'%.300s' has no record %zu", journal, number);
}
