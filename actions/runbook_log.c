#include "actions/runbook_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/journal.h"
#include "actions/run_log.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/wire/json.h"

void runbook_log_next(const struct journal *journal, char out[PLAN_ID_BYTES])
{
	journal_next_run(journal, out);
	out[0] = 'r';
}

/* The writer makes an object; records want its members alone. */
static bool append(struct journal *journal, const char *id, const char *event, const char *text,
	struct text *object, int64_t wall_ms, struct error *error)
{
	bool ok = text_ok(object) && object->length >= 2;
	if (ok) {
		object->bytes[object->length - 1] = '\0';
		ok = journal_append(
			journal, id, event, text, text_string(object) + 1, wall_ms, error);
	} else {
		error_no_memory(error, "a journal record");
	}
	text_finish(object);
	return ok;
}

static void begin_object(struct text *object, struct json_writer *writer)
{
	text_init(object, JOURNAL_LINE_BYTES);
	json_writer_init(writer, object);
	json_begin_object(writer);
}

bool runbook_log_begin(struct journal *journal, const struct runbook_mark *mark, int64_t wall_ms,
	struct error *error)
{
	struct text object;
	struct json_writer writer;
	begin_object(&object, &writer);
	json_member_string(&writer, "file", mark->path);
	json_member_string(&writer, "digest", mark->digest);
	json_key(&writer, "params");
	json_begin_object(&writer);
	for (size_t i = 0; i < mark->param_count; i++)
		json_member_string(&writer, mark->params[i].name, mark->params[i].value);
	json_end_object(&writer);
	json_end_object(&writer);
	return append(journal, mark->id, "runbook", mark->path, &object, wall_ms, error);
}

bool runbook_log_step(struct journal *journal, const struct runbook_mark *mark, int64_t wall_ms,
	struct error *error)
{
	struct text object;
	struct json_writer writer;
	begin_object(&object, &writer);
	json_member_string(&writer, "step", mark->step);
	json_member_string(&writer, "worst", mark->worst);
	json_member_string(&writer, "act", mark->act);
	json_member_integer(&writer, "acts", mark->acts);
	json_end_object(&writer);
	return append(journal, mark->id, "step", mark->step, &object, wall_ms, error);
}

bool runbook_log_finish(struct journal *journal, const char *id, enum outcome_code code,
	const char *text, int64_t wall_ms, struct error *error)
{
	struct text members;
	text_init(&members, JOURNAL_LINE_BYTES);
	run_log_write_code(code, &members);
	bool ok = journal_append(
		journal, id, "finished", text, text_string(&members), wall_ms, error);
	text_finish(&members);
	return ok;
}

/* ---- reading ---- */

static void copy(char *out, size_t size, const struct json_node *root, const char *key)
{
	const char *value = json_text(json_get(root, key));
	snprintf(out, size, "%s", value ? value : "");
}

static void read_params(const struct json_node *params, struct runbook_mark *out)
{
	out->param_count = 0;
	const struct json_node *node = json_first(params);
	for (; node && out->param_count < RUNBOOK_PARAMS_MOST; node = json_next(node)) {
		const char *value = json_text(node);
		size_t index = out->param_count++;
		snprintf(out->params[index].name, sizeof(out->params[index].name), "%s",
			json_key_of(node));
		snprintf(out->params[index].value, sizeof(out->params[index].value), "%s",
			value ? value : "");
	}
}

static void take_line(const char *line, size_t length, struct runbook_mark *out, bool *found)
{
	struct json_document *document = json_parse(line, length, NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	const char *id = json_text(json_get(root, "run"));
	const char *event = json_text(json_get(root, "event"));
	bool is_ours = id && event && strcmp(id, out->id) == 0;
	if (is_ours && strcmp(event, "runbook") == 0) {
		*found = true;
		copy(out->path, sizeof(out->path), root, "file");
		copy(out->digest, sizeof(out->digest), root, "digest");
		read_params(json_get(root, "params"), out);
	} else if (is_ours && strcmp(event, "step") == 0) {
		copy(out->step, sizeof(out->step), root, "step");
		copy(out->worst, sizeof(out->worst), root, "worst");
		copy(out->act, sizeof(out->act), root, "act");
		if (!json_integer_of(json_get(root, "acts"), &out->acts))
			out->acts = 0;
	} else if (is_ours && strcmp(event, "finished") == 0) {
		out->is_finished = true;
	}
	json_destroy(document);
}

bool runbook_log_find(
	const char *path, const char *id, struct runbook_mark *out, struct error *error)
{
	char *line = NULL;
	size_t capacity = 0;
	bool found = false;
	struct runbook_mark *mark = calloc(1, sizeof(*mark));
	FILE *file = fopen(path, "re");
	if (!mark || !file) {
		free(mark);
		if (file)
			fclose(file);
		return error_errno(error, "cannot open journal '%s'", path);
	}
	snprintf(mark->id, sizeof(mark->id), "%s", id);
	for (ssize_t length = 0; (length = getline(&line, &capacity, file)) > 0;) {
		/* A journal is long and a run's lines are few. */
		if (length <= JOURNAL_LINE_BYTES && strstr(line, mark->id))
			take_line(line, (size_t)length, mark, &found);
	}
	free(line);
	fclose(file);
	if (found)
		*out = *mark;
	free(mark);
	return found ||
	       error_set(error, ERROR_USAGE,
		       "the journal tells of no runbook's run '%.20s': see 'spillway journal "
		       "show'",
		       id);
}
