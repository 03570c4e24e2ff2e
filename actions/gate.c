#include "actions/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/journal.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/wire/json.h"

#define PATH_BYTES 4200
#define RUN_NAME "gate"

const char *gate_event_name(enum gate_event event)
{
	static const char *const names[GATE_EVENT_COUNT] = {
		[GATE_CLOSE] = "close",
		[GATE_OPEN] = "open",
		[GATE_ACKNOWLEDGE] = "acknowledge",
	};
	return event < GATE_EVENT_COUNT ? names[event] : "";
}

bool gate_event_find(const char *name, enum gate_event *out)
{
	for (int i = 0; i < GATE_EVENT_COUNT; i++) {
		if (strcmp(gate_event_name((enum gate_event)i), name) == 0) {
			*out = (enum gate_event)i;
			return true;
		}
	}
	return false;
}

static bool file_name(const char *journal, char out[PATH_BYTES], struct error *error)
{
	int length = snprintf(out, PATH_BYTES, "%s.gate", journal);
	return (length > 0 && length < PATH_BYTES) ||
	       error_set(error, ERROR_LIMIT, "the journal's name is too long");
}

static bool take_line(const char *line, size_t length, struct gate *out)
{
	struct json_document *document = json_parse(line, length, NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	const char *name = json_text(json_get(root, "event"));
	enum gate_event event = GATE_EVENT_COUNT;
	bool ok = name && gate_event_find(name, &event);
	if (ok && event == GATE_ACKNOWLEDGE) {
		out->acknowledged_ms = json_time_of(root, "at");
		json_copy_text(root, "by", out->acknowledged_by, sizeof(out->acknowledged_by));
	} else if (ok) {
		out->is_closed = event == GATE_CLOSE;
		out->since_ms = json_time_of(root, "at");
		json_copy_text(root, "by", out->by, sizeof(out->by));
		json_copy_text(root, "text", out->why, sizeof(out->why));
	}
	json_destroy(document);
	return ok;
}

static void unknown(struct gate *out, const char *why)
{
	out->is_unknown = true;
	snprintf(out->why, sizeof(out->why), "%.300s", why);
}

void gate_read(const char *journal, struct gate *out)
{
	char name[PATH_BYTES];
	char *line = NULL;
	size_t capacity = 0;
	*out = (struct gate){.is_closed = false};
	if (!file_name(journal, name, NULL))
		return;
	FILE *file = fopen(name, "re");
	if (!file && errno == ENOENT)
		return;
	if (!file) {
		unknown(out, "the gate's file cannot be opened");
		return;
	}
	for (ssize_t length = 0; (length = getline(&line, &capacity, file)) > 0;) {
		/* A last line without its end is being written, or was cut off: it was never so. */
		bool is_whole = line[length - 1] == '\n';
		if (is_whole &&
			(length > JOURNAL_LINE_BYTES || !take_line(line, (size_t)length, out)))
			unknown(out, "the gate's file holds what this program does not know");
	}
	if (ferror(file))
		unknown(out, "the gate's file cannot be read");
	free(line);
	fclose(file);
}

static bool append(struct journal *journal, enum gate_event event, const char *by,
	const char *reason, int64_t wall_ms, struct error *error)
{
	char clean[ACTION_TEXT_BYTES];
	struct text object;
	struct json_writer writer;
	sanitise(reason, strlen(reason), clean, sizeof(clean));
	text_init(&object, JOURNAL_LINE_BYTES);
	json_writer_init(&writer, &object);
	json_begin_object(&writer);
	json_member_string(&writer, "by", by);
	json_end_object(&writer);
	bool ok = text_ok(&object) || error_no_memory(error, "a record of the gate");
	if (ok) {
		object.bytes[object.length - 1] = '\0';
		ok = journal_append(journal, RUN_NAME, gate_event_name(event), clean,
			text_string(&object) + 1, wall_ms, error);
	}
	text_finish(&object);
	return ok;
}

bool gate_record(const char *journal, enum gate_event event, const char *by, const char *reason,
	int64_t wall_ms, struct error *error)
{
	char name[PATH_BYTES];
	struct gate now;
	gate_read(journal, &now);
	if (!reason[0])
		return error_set(error, ERROR_USAGE, "the gate wants a reason: --reason TEXT");
	if (event != GATE_ACKNOWLEDGE && !now.is_unknown && now.is_closed == (event == GATE_CLOSE))
		return error_set(error, ERROR_USAGE, "the gate is %s already",
			now.is_closed ? "closed" : "open");
	if (!file_name(journal, name, error))
		return false;
	struct journal *file = journal_open(name, error);
	if (!file)
		return false;
	bool ok = append(file, event, by, reason, wall_ms, error);
	journal_close(file);
	return ok;
}
