#include "actions/runbook_log.h"

#include <math.h>
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
	if (mark->ticket[0])
		json_member_string(&writer, "ticket", mark->ticket);
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
	if (isfinite(mark->goal))
		json_member_number(&writer, "goal", mark->goal);
	json_end_object(&writer);
	return append(journal, mark->id, "step", mark->step, &object, wall_ms, error);
}

bool runbook_log_turn(struct journal *journal, const char *id, const struct runbook_order *order,
	const char *step, int64_t wall_ms, struct error *error)
{
	struct text object;
	struct json_writer writer;
	begin_object(&object, &writer);
	json_member_string(&writer, "step", step);
	json_member_string(&writer, "turn", runbook_turn_name(order->turn));
	json_member_string(&writer, "to", order->turn_to);
	json_member_integer(&writer, "code", (int64_t)order->code);
	json_end_object(&writer);
	return append(journal, id, "turn", order->text, &object, wall_ms, error);
}

bool runbook_log_back(struct journal *journal, const char *id, const char *change, int64_t wall_ms,
	struct error *error)
{
	struct text object;
	struct json_writer writer;
	begin_object(&object, &writer);
	json_member_string(&writer, "change", change);
	json_end_object(&writer);
	return append(journal, id, "back", "it is back already", &object, wall_ms, error);
}

bool runbook_log_resume(struct journal *journal, const struct runbook_mark *mark, int64_t wall_ms,
	struct error *error)
{
	struct text object;
	struct json_writer writer;
	char words[ACTION_TEXT_BYTES];
	begin_object(&object, &writer);
	json_member_integer(&writer, "run_ms", mark->run_ms);
	json_member_integer(&writer, "step_ms", mark->step_ms);
	json_end_object(&writer);
	snprintf(words, sizeof(words), "gone on with%s%s", mark->step[0] ? " at " : "", mark->step);
	return append(journal, mark->id, "resume", words, &object, wall_ms, error);
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

/* What has passed on the clocks of a run and of its step. */
struct passed {
	int64_t since_ms, base_ms; /* counted from then on, beside what had passed before */
};

/* Where the lines of one run go. */
struct reading {
	const char *id;
	struct runbook_mark *mark;
	struct runbook_past *past;
	bool found, overflows;
	struct passed run, step;
	int64_t last_ms; /* of the newest line of it or of the change at hand */
};

static int64_t read_span(const struct json_node *root, const char *key)
{
	int64_t span_ms = 0;
	return json_integer_of(json_get(root, key), &span_ms) && span_ms > 0 ? span_ms : 0;
}

/* Before the line itself is taken. */
static void take_time(struct reading *reading, const struct json_node *root, const char *event)
{
	int64_t at_ms = json_time_of(root, "at");
	const char *step = json_text(json_get(root, "step"));
	const char *to = json_text(json_get(root, "to"));
	if (strcmp(event, "runbook") == 0)
		reading->run = (struct passed){.since_ms = at_ms};
	if ((strcmp(event, "step") == 0 && step && strcmp(step, reading->mark->step) != 0) ||
		(strcmp(event, "turn") == 0 && to && to[0]))
		reading->step = (struct passed){.since_ms = at_ms};
	if (strcmp(event, "resume") == 0) {
		reading->run = (struct passed){at_ms, read_span(root, "run_ms")};
		reading->step = (struct passed){at_ms, read_span(root, "step_ms")};
	}
	if (at_ms > reading->last_ms)
		reading->last_ms = at_ms;
}

/* A clock that was set back has passed nothing. */
static int64_t passed_ms(const struct reading *reading, const struct passed *passed)
{
	int64_t more_ms = reading->last_ms - passed->since_ms;
	return passed->since_ms > 0 && more_ms > 0 ? passed->base_ms + more_ms : passed->base_ms;
}

static void take_line(
	const struct json_node *root, const char *event, struct runbook_mark *out, bool *found)
{
	if (strcmp(event, "runbook") == 0) {
		*found = true;
		copy(out->path, sizeof(out->path), root, "file");
		copy(out->digest, sizeof(out->digest), root, "digest");
		copy(out->ticket, sizeof(out->ticket), root, "ticket");
		read_params(json_get(root, "params"), out);
	} else if (strcmp(event, "step") == 0) {
		copy(out->step, sizeof(out->step), root, "step");
		copy(out->worst, sizeof(out->worst), root, "worst");
		copy(out->act, sizeof(out->act), root, "act");
		if (!json_integer_of(json_get(root, "acts"), &out->acts))
			out->acts = 0;
		if (!json_number_of(json_get(root, "goal"), &out->goal))
			out->goal = NAN;
	} else if (strcmp(event, "turn") == 0) {
		/* Whoever goes to a step begins it afresh. */
		const char *to = json_text(json_get(root, "to"));
		if (to && to[0]) {
			copy(out->step, sizeof(out->step), root, "to");
			out->act[0] = '\0';
			out->acts = 0;
			out->goal = NAN;
		}
	} else if (strcmp(event, "finished") == 0) {
		out->is_finished = true;
	}
}

static bool past_step(const struct json_node *root, struct runbook_past *out)
{
	char run[PLAN_ID_BYTES];
	size_t index = out->change_count;
	copy(run, sizeof(run), root, "act");
	if (!run[0])
		return true;
	/* Told again by whoever went on; or never begun, and the next one took its id. */
	for (size_t i = 0; i < index; i++) {
		if (strcmp(out->changes[i].run, run) == 0) {
			copy(out->changes[i].step, sizeof(out->changes[i].step), root, "step");
			return true;
		}
	}
	if (index == RUNBOOK_CHANGES_MOST)
		return false;
	snprintf(out->changes[index].run, sizeof(run), "%s", run);
	out->changes[index].is_back = false;
	copy(out->changes[index].step, sizeof(out->changes[index].step), root, "step");
	out->change_count++;
	return true;
}

static void past_back(const struct json_node *root, struct runbook_past *out)
{
	const char *change = json_text(json_get(root, "change"));
	for (size_t i = 0; change && i < out->change_count; i++) {
		if (strcmp(out->changes[i].run, change) == 0)
			out->changes[i].is_back = true;
	}
}

static bool past_turn(const struct json_node *root, struct runbook_past *out)
{
	int64_t code = OUTCOME_UNKNOWN;
	size_t index = out->turn_count;
	const char *name = json_text(json_get(root, "turn"));
	if (index == RUNBOOK_TURNS_MOST)
		return false;
	json_integer_of(json_get(root, "code"), &code);
	copy(out->turns[index].step, sizeof(out->turns[index].step), root, "step");
	out->turns[index].turn = RUNBOOK_TURN_NONE;
	for (int i = 1; name && i < RUNBOOK_TURN_COUNT; i++) {
		if (strcmp(runbook_turn_name((enum runbook_turn)i), name) == 0)
			out->turns[index].turn = (enum runbook_turn)i;
	}
	out->turns[index].code = (enum outcome_code)code;
	out->turn_count++;
	return true;
}

static void read_line(struct reading *reading, const char *line, size_t length)
{
	struct json_document *document = json_parse(line, length, NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	const char *id = json_text(json_get(root, "run"));
	const char *event = json_text(json_get(root, "event"));
	bool is_ours = id && event && strcmp(id, reading->id) == 0;
	bool is_change = id && reading->mark && strcmp(id, reading->mark->act) == 0;
	if (reading->mark && event && (is_ours || is_change))
		take_time(reading, root, is_ours ? event : "");
	if (is_ours && reading->mark)
		take_line(root, event, reading->mark, &reading->found);
	if (is_ours && reading->past && strcmp(event, "step") == 0)
		reading->overflows = !past_step(root, reading->past) || reading->overflows;
	if (is_ours && reading->past && strcmp(event, "back") == 0)
		past_back(root, reading->past);
	if (is_ours && reading->past && strcmp(event, "turn") == 0)
		reading->overflows = !past_turn(root, reading->past) || reading->overflows;
	json_destroy(document);
}

static bool read_file(const char *path, struct reading *reading, struct error *error)
{
	char *line = NULL;
	size_t capacity = 0;
	FILE *file = fopen(path, "re");
	if (!file)
		return error_errno(error, "cannot open journal '%s'", path);
	for (ssize_t length = 0; (length = getline(&line, &capacity, file)) > 0;) {
		/* A journal is long and a run's lines are few. */
		const char *act = reading->mark ? reading->mark->act : "";
		if (length <= JOURNAL_LINE_BYTES &&
			(strstr(line, reading->id) || (act[0] && strstr(line, act))))
			read_line(reading, line, (size_t)length);
	}
	free(line);
	fclose(file);
	return true;
}

bool runbook_log_find(
	const char *path, const char *id, struct runbook_mark *out, struct error *error)
{
	struct runbook_mark *mark = calloc(1, sizeof(*mark));
	if (!mark)
		return error_no_memory(error, "a runbook's run");
	struct reading reading = {.id = id, .mark = mark};
	mark->goal = NAN;
	snprintf(mark->id, sizeof(mark->id), "%s", id);
	bool ok = read_file(path, &reading, error);
	if (ok && !reading.found)
		ok = error_set(error, ERROR_USAGE,
			"the journal tells of no runbook's run '%.20s': see 'spillway journal "
			"show'",
			id);
	mark->run_ms = passed_ms(&reading, &reading.run);
	mark->step_ms = passed_ms(&reading, &reading.step);
	if (ok)
		*out = *mark;
	free(mark);
	return ok;
}

bool runbook_log_recall(
	const char *path, const char *id, struct runbook_past *out, struct error *error)
{
	struct reading reading = {.id = id, .past = out};
	out->change_count = out->turn_count = 0;
	return read_file(path, &reading, error) &&
	       (!reading.overflows ||
		       error_set(error, ERROR_LIMIT,
			       "run '%.20s' has more changes than can be gone on with: end what "
			       "it holds by hand, see 'spillway holds'",
			       id));
}
