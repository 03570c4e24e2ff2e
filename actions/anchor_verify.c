/* anchor_verify.c - a journal compared with what etcd knows of it. */
#include "actions/anchor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actions/anchor_record.h"
#include "actions/config.h"
#include "actions/etcd_once.h"
#include "core/base/clock.h"
#include "core/base/error.h"

/* What is known elsewhere. */
struct known {
	bool has_head, has_place, has_other;
	struct anchor_head head;   /* of this journal */
	struct anchor_place place; /* which journal is kept here */
	struct anchor_head other;  /* of the one that is or was here instead */
};

struct reading {
	struct known *known;
	bool found;
	struct anchor_head *head;
	struct anchor_place *place;
};

static void on_row(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct reading *reading = context;
	(void)error;
	if (reply->row_count == 0)
		return;
	const char *value = reply->rows[0].value;
	reading->found = reading->head ? anchor_head_read(value, reading->head)
				       : anchor_place_read(value, reading->place);
}

static bool read_row(
	struct etcd_once *once, const char *key, struct reading *reading, struct error *error)
{
	const struct etcd_request request = {.verb = ETCD_READ, .key = key};
	return etcd_once_ask(once, &request, on_row, reading, error);
}

static bool read_head(struct etcd_once *once, const char *fleet, const char *first,
	struct anchor_head *out, bool *found, struct error *error)
{
	char key[ETCD_KEY_BYTES];
	struct reading reading = {.head = out};
	if (!first[0])
		return true;
	anchor_head_key(fleet, first, key);
	bool ok = read_row(once, key, &reading, error);
	*found = reading.found && strcmp(out->first, first) == 0;
	return ok;
}

/* `first` is "" for a journal without records. */
static bool ask(struct etcd_once *once, const char *journal, const char *fleet, const char *first,
	struct known *out, struct error *error)
{
	char key[ETCD_KEY_BYTES];
	struct reading reading = {.place = &out->place};
	anchor_place_key(fleet, journal, key);
	if (!read_row(once, key, &reading, error) ||
		!read_head(once, fleet, first, &out->head, &out->has_head, error))
		return false;
	out->has_place = reading.found;
	if (!out->has_place)
		return true;
	const char *other =
		strcmp(out->place.first, first) == 0 ? out->place.before : out->place.first;
	return read_head(once, fleet, other, &out->other, &out->has_other, error);
}

static void say(struct anchor_check *out, bool ok, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void say(struct anchor_check *out, bool ok, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(out->why, sizeof(out->why), format, arguments);
	va_end(arguments);
	out->ok = ok;
}

static void judge_head(
	const struct known *known, const char *digest, size_t records, struct anchor_check *out)
{
	const struct anchor_head *head = &known->head;
	char at[CLOCK_TEXT_BYTES];
	clock_format(head->head.at_ms, false, at);
	if (head->head.records > records)
		say(out, false,
			"its end was cut off: it has %zu records, and etcd knows record %zu, told "
			"by %.40s at %s",
			records, head->head.records, head->head.by, at);
	else if (strcmp(digest, head->head.digest) != 0)
		say(out, false,
			"it was rewritten: record %zu is not the one that etcd knows, told by "
			"%.40s at %s",
			head->head.records, head->head.by, at);
	else if (head->gaps > 0)
		say(out, true,
			"etcd was not told in time of records %zu to %zu%s: what was in them "
			"before is not known there",
			head->gap_from, head->gap_to,
			head->gaps > 1 ? ", the last of several such gaps" : "");
}

static void judge_place(const struct known *known, const char *first, struct anchor_check *out)
{
	char at[CLOCK_TEXT_BYTES];
	bool is_here = strcmp(known->place.first, first) == 0;
	clock_format(known->other.head.at_ms, false, at);
	if (!is_here && !known->has_head)
		say(out, false,
			"another journal is known to be in its place, of %zu records until %s, and "
			"nothing is known of this one: it was put there instead",
			known->other.head.records, at);
	else if (is_here && known->has_other && !known->place.was_begun)
		say(out, false,
			"another journal is known to have been in its place, of %zu records until "
			"%s, and this one had records already when it was first told of: it was "
			"put "
			"there instead, or begun while etcd could not be asked",
			known->other.head.records, at);
	else if (is_here && known->has_other && out->ok && !out->why[0])
		say(out, true,
			"before it another journal was in its place, of %zu records until %s",
			known->other.head.records, at);
}

static void judge(const char *journal, const char *first, size_t records, const struct known *known,
	struct anchor_check *out)
{
	char digest[PLAN_HASH_BYTES] = "";
	if (known->has_head) {
		size_t number = known->head.head.records;
		if (number <= records && !anchor_digest(journal, number, digest, NULL))
			digest[0] = '\0';
		out->is_known = true;
		out->records = number;
		judge_head(known, digest, records, out);
	}
	if (known->has_place && out->ok)
		judge_place(known, first, out);
	if (out->ok && !out->is_known && !out->why[0] && records > 0)
		say(out, true, "etcd knows nothing of it");
}

void anchor_verify(const char *journal, size_t records, const struct action_configs *configs,
	struct anchor_check *out)
{
	const struct coordination_config *coordination = &configs->coordination;
	char first[PLAN_HASH_BYTES] = "";
	struct known known = {.has_head = false};
	struct error error = {.kind = ERROR_NONE};
	*out = (struct anchor_check){.ok = true};
	if (!configs->signing.to_etcd || !coordination->is_etcd)
		return;
	struct etcd_once *once = etcd_once_open(coordination, &error);
	bool ok = once && (records == 0 || anchor_digest(journal, 1, first, &error)) &&
		  ask(once, journal, coordination->fleet, first, &known, &error);
	etcd_once_close(once);
	if (ok)
		judge(journal, first, records, &known, out);
	else
		say(out, true, "it was not compared with etcd: %.250s", error.text);
}
