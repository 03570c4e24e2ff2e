#include "actions/run_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "actions/journal.h"
#include "actions/run.h"
#include "actions/target.h"
#include "actions/template.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"
#include "core/wire/json.h"

#define LONG_AGO_MS ((int64_t)24 * 3600 * 1000)

#define INTENT_LINES_MOST 16

struct run_log {
	struct run_entry rows[RUN_LOG_MOST]; /* oldest first */
	size_t count;
};

struct run_log *run_log_create(void)
{
	return calloc(1, sizeof(struct run_log));
}

void run_log_destroy(struct run_log *log)
{
	free(log);
}

size_t run_log_count(const struct run_log *log)
{
	return log->count;
}

const struct run_entry *run_log_at(const struct run_log *log, size_t newest_first)
{
	return &log->rows[log->count - 1 - newest_first];
}

static struct run_entry *find(struct run_log *log, const char *id)
{
	for (size_t i = log->count; i-- > 0;) {
		if (strcmp(log->rows[i].view.id, id) == 0)
			return &log->rows[i];
	}
	return NULL;
}

const struct run_entry *run_log_find(const struct run_log *log, const char *id)
{
	for (size_t i = 0; i < log->count; i++) {
		if (strcmp(run_log_at(log, i)->view.id, id) == 0)
			return run_log_at(log, i);
	}
	return NULL;
}

static struct run_entry *add(struct run_log *log)
{
	if (log->count == RUN_LOG_MOST) {
		memmove(log->rows, log->rows + 1, (RUN_LOG_MOST - 1) * sizeof(log->rows[0]));
		log->count--;
	}
	struct run_entry *entry = &log->rows[log->count++];
	*entry = (struct run_entry){.view = {.from = NAN, .to = NAN}};
	return entry;
}

void run_log_put(struct run_log *log, const struct run_entry *entry)
{
	struct run_entry *row = find(log, entry->view.id);
	*(row ? row : add(log)) = *entry;
}

/* A record that does not say leaves what an earlier one said. */
static void copy(char *out, size_t size, const struct json_node *root, const char *key)
{
	const char *value = json_text(json_get(root, key));
	if (value)
		sanitise(value, strlen(value), out, size);
}

static void add_intent(struct run_log *log, const char *id, const struct json_node *root)
{
	struct run_entry *entry = find(log, id);
	if (entry)
		return;
	entry = add(log);
	struct run_view *view = &entry->view;
	sanitise(id, strlen(id), view->id, sizeof(view->id));
	copy(view->action, sizeof(view->action), root, "action");
	copy(view->target_path, sizeof(view->target_path), root, "target");
	copy(view->by, sizeof(view->by), root, "by");
	copy(entry->undo_of, sizeof(entry->undo_of), root, "undo_of");
	copy(entry->runbook, sizeof(entry->runbook), root, "runbook");
	copy(view->planted, sizeof(view->planted), root, "planted");
	const char *verb = json_text(json_get(root, "verb"));
	entry->verb = verb ? verb_find(verb) : NULL;
	if (!verb_is_complete(entry->verb))
		entry->verb = NULL;
	if (!json_number_of(json_get(root, "from"), &view->from))
		view->from = NAN;
	if (!json_number_of(json_get(root, "to"), &view->to))
		view->to = NAN;
	view->started_ms = json_time_of(root, "at");
	int64_t requests = 0;
	if (json_integer_of(json_get(root, "request_count"), &requests) && requests > 0)
		entry->request_count = (size_t)requests;
	int64_t hold_ms = 0;
	if (json_integer_of(json_get(root, "hold_ms"), &hold_ms) && hold_ms > 0)
		view->expires_ms = view->started_ms + hold_ms;
	view->state = RUN_INTENT;
	view->code = OUTCOME_INTERRUPTED;
}

bool run_entry_may_have_changed(const struct run_entry *entry)
{
	if (!entry->is_closed)
		return entry->was_sent;
	switch (entry->view.code) {
	case OUTCOME_DONE:
	case OUTCOME_PARTIAL:
	case OUTCOME_INCONCLUSIVE:
	case OUTCOME_UNKNOWN:
	case OUTCOME_ROLLED_BACK:
	case OUTCOME_ROLLBACK_FAILED:
		return true;
	case OUTCOME_LOCAL_ERROR:
	case OUTCOME_REFUSED:
	case OUTCOME_NEEDS_CONFIRMATION:
	case OUTCOME_FAILED_UNCHANGED:
	case OUTCOME_STALE_PLAN:
	case OUTCOME_LOCKED:
	case OUTCOME_CHANGES_PENDING:
	case OUTCOME_USAGE:
	case OUTCOME_BAD_RUNBOOK:
	case OUTCOME_UNREACHABLE:
	case OUTCOME_RETRY_LATER:
	case OUTCOME_NOT_PERMITTED:
	case OUTCOME_BAD_CONFIG:
	case OUTCOME_INTERRUPTED:
		break;
	}
	return false;
}

static bool outcome_of(const struct json_node *root, enum outcome_code *out)
{
	int64_t code = 0;
	size_t count = 0;
	const struct outcome_row *rows = outcome_rows(&count);
	if (!json_integer_of(json_get(root, "code"), &code))
		return false;
	for (size_t i = 0; i < count; i++) {
		if ((int64_t)rows[i].code == code) {
			*out = rows[i].code;
			return true;
		}
	}
	return false;
}

static void add_event(struct run_entry *entry, const char *event, const struct json_node *root)
{
	struct run_view *view = &entry->view;
	static const struct {
		const char *event, *progress;
	} steps[] = {
		{"sent", "a request was sent, with no answer recorded"},
		{"reply", "the request was accepted"},
		{"failed", "the request was refused"},
		{"lost", "no answer came"},
	};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(event, steps[i].event) == 0) {
			entry->was_sent = true;
			entry->progress = steps[i].progress;
			entry->last_ms = json_time_of(root, "at");
		}
	}
	copy(entry->kept, sizeof(entry->kept), root, "kept");
	int64_t expires_ms = 0;
	const char *expires = json_text(json_get(root, "expires"));
	if (strcmp(event, "extend") == 0 && expires && clock_parse(expires, &expires_ms))
		view->expires_ms = expires_ms;
	if (strcmp(event, "keep") == 0)
		view->expires_ms = 0;
	if (strcmp(event, "extend") == 0 || strcmp(event, "page") == 0) {
		int64_t put_offs = 0;
		entry->put_offs = json_integer_of(json_get(root, "put_offs"), &put_offs) &&
						  put_offs > 0 && put_offs <= INT_MAX
					  ? (int)put_offs
					  : 0;
	}
	if (strcmp(event, "done") != 0)
		return;
	enum outcome_code code = OUTCOME_UNKNOWN;
	if (!outcome_of(root, &code))
		code = OUTCOME_UNKNOWN;
	entry->is_closed = true;
	view->code = code;
	view->state = code == OUTCOME_DONE ? RUN_DONE : RUN_FAILED;
	view->ended_ms = json_time_of(root, "at");
	view->can_undo = run_entry_may_have_changed(entry) && !isnan(view->from) && entry->verb;
	copy(view->text, sizeof(view->text), root, "text");
}

void run_log_add_line(struct run_log *log, const char *line, size_t length)
{
	struct json_document *document = json_parse(line, length, NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	const char *id = json_text(json_get(root, "run"));
	const char *event = json_text(json_get(root, "event"));
	if (id && id[0] && strlen(id) < PLAN_ID_BYTES && event) {
		struct run_entry *entry = find(log, id);
		if (strcmp(event, "intent") == 0)
			add_intent(log, id, root);
		else if (entry)
			add_event(entry, event, root);
	}
	json_destroy(document);
}

static void settle(struct run_entry *entry)
{
	struct run_view *view = &entry->view;
	char target[ENTITY_PATH_BYTES];
	memcpy(target, view->target_path, sizeof(target));
	view->state = RUN_FAILED;
	view->code = entry->was_sent ? OUTCOME_UNKNOWN : OUTCOME_INTERRUPTED;
	view->can_undo = entry->was_sent && !isnan(view->from) && entry->verb;
	if (entry->was_sent)
		snprintf(view->text, sizeof(view->text),
			"the program ended after %s: read back %s of %.120s before trying again",
			entry->progress,
			entry->verb ? signal_row(entry->verb->reads)->name : "the value", target);
	else
		snprintf(view->text, sizeof(view->text),
			"the program ended before anything was sent: nothing to check");
}

void run_log_settle(struct run_log *log)
{
	for (size_t i = 0; i < log->count; i++) {
		if (!log->rows[i].is_closed)
			settle(&log->rows[i]);
	}
}

bool run_log_read(struct run_log *log, const char *path, struct error *error)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return errno == ENOENT || error_errno(error, "cannot open journal '%s'", path);
	char *line = NULL;
	size_t capacity = 0;
	bool skip = false;
	if (fseeko(file, 0, SEEK_END) == 0 && ftello(file) > RUN_LOG_BYTES)
		skip = fseeko(file, -RUN_LOG_BYTES, SEEK_END) == 0;
	else
		rewind(file);
	/* Having landed inside a line, begin with the next. */
	for (ssize_t length = 0; (length = getline(&line, &capacity, file)) > 0; skip = false) {
		if (!skip && length <= JOURNAL_LINE_BYTES)
			run_log_add_line(log, line, (size_t)length);
	}
	free(line);
	fclose(file);
	run_log_settle(log);
	return true;
}

/* Whether a later run set the same thing, so that the earlier one's fate no longer shows. */
static const struct run_entry *later(const struct run_log *log, size_t index)
{
	const struct run_entry *entry = &log->rows[index];
	for (size_t i = log->count; i-- > index + 1;) {
		const struct run_entry *other = &log->rows[i];
		if (other->is_closed && other->verb == entry->verb &&
			run_entry_may_have_changed(other) &&
			strcmp(other->view.target_path, entry->view.target_path) == 0)
			return other;
	}
	return NULL;
}

int64_t run_entry_over_ms(const struct run_entry *entry)
{
	const struct run_view *view = &entry->view;
	int64_t last_ms = view->ended_ms > view->started_ms ? view->ended_ms : view->started_ms;
	last_ms = entry->last_ms > last_ms ? entry->last_ms : last_ms;
	if (entry->read_ms > 0 && entry->read_ms - last_ms < LONG_AGO_MS)
		last_ms = entry->read_ms;
	bool was_answered = view->code == OUTCOME_DONE || view->code == OUTCOME_INCONCLUSIVE;
	return last_ms + (was_answered ? 0 : entry->timeout_ms + RUN_SETTLE_MS);
}

void run_log_bind(struct run_log *log, const struct action_configs *configs, int64_t now_ms)
{
	for (size_t i = 0; i < log->count; i++) {
		struct run_entry *entry = &log->rows[i];
		entry->read_ms = now_ms;
		for (size_t j = 0; j < configs->count; j++) {
			const struct action_info *info = &configs->rows[j].info;
			if (strcmp(info->name, entry->view.action) != 0)
				continue;
			entry->timeout_ms = action_timeout_ms(&configs->rows[j]);
			if (!entry->verb && verb_is_complete(info->verb) &&
				strcmp(info->verb->name, VERB_CUSTOM) == 0)
				entry->verb = info->verb;
		}
		entry->view.can_undo = entry->verb && !isnan(entry->view.from) &&
				       run_entry_may_have_changed(entry);
	}
}

static void look(struct run_entry *entry, const struct snapshot *snapshot, uint32_t target)
{
	struct target_value value;
	struct run_view *view = &entry->view;
	const struct verb_row *verb = entry->verb;
	char now[NUMBER_TEXT_BYTES] = "?";
	target_read(snapshot, verb, target, &value);
	bool is_over = value.known && value.oldest_at_ms > run_entry_over_ms(entry);
	if (!value.known || value.oldest_at_ms <= view->started_ms)
		return;
	template_number(value.low, now, sizeof(now), NULL);
	bool is_to = target_equal(value.low, view->to) && target_equal(value.high, view->to);
	bool is_from = target_equal(value.low, view->from) && target_equal(value.high, view->from);
	snprintf(view->text, sizeof(view->text), "read back: %s of %.120s is now %s: %s",
		signal_row(verb->reads)->name, view->target_path, now,
		is_to                ? "the change was applied"
		: is_from && is_over ? "the change was not applied"
		: is_from            ? "not applied so far, and its request may still land"
				     : "neither the value before nor the one asked for");
}

void run_log_look(struct run_log *log, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < log->count; i++) {
		struct run_entry *entry = &log->rows[i];
		struct run_view *view = &entry->view;
		if (entry->is_closed || !entry->was_sent || !entry->verb)
			continue;
		const struct run_entry *after = later(log, i);
		if (after) {
			snprintf(view->text, sizeof(view->text),
				"its outcome was never learnt; %s changed the same target later",
				after->view.id);
			view->can_undo = false;
			continue;
		}
		uint32_t target =
			fleet_find_path(snapshot->fleet, entry->verb->target, view->target_path);
		if (target != ENTITY_NONE && target < snapshot->entity_count)
			look(entry, snapshot, target);
	}
}

int64_t run_log_last_change_ms(const struct run_log *log, const char *target_path)
{
	int64_t last_ms = 0;
	for (size_t i = 0; i < log->count; i++) {
		const struct run_entry *entry = &log->rows[i];
		const struct run_view *view = &entry->view;
		int64_t at_ms =
			view->ended_ms > view->started_ms ? view->ended_ms : view->started_ms;
		/* What touches neither pools nor traffic needs no rest. */
		bool counts = !entry->verb || entry->verb->move != MOVE_NOTHING;
		if (counts && run_entry_may_have_changed(entry) &&
			strcmp(view->target_path, target_path) == 0 && at_ms > last_ms)
			last_ms = at_ms;
	}
	return last_ms;
}

size_t run_log_changes_since(const struct run_log *log, int64_t since_ms, int64_t *oldest_ms)
{
	size_t count = 0;
	for (size_t i = 0; i < log->count; i++) {
		const struct run_entry *entry = &log->rows[i];
		if (entry->undo_of[0] || entry->view.started_ms <= since_ms ||
			!run_entry_may_have_changed(entry))
			continue;
		if (count++ == 0 || entry->view.started_ms < *oldest_ms)
			*oldest_ms = entry->view.started_ms;
	}
	return count;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;
	return x > y ? -1 : x < y;
}

int64_t run_log_tripped_ms(
	const struct run_log *log, int64_t since_ms, int64_t window_ms, size_t most)
{
	int64_t begun_ms[RUN_LOG_MOST];
	size_t count = 0;
	for (size_t i = 0; i < log->count && count < RUN_LOG_MOST; i++) {
		const struct run_entry *entry = &log->rows[i];
		if (!entry->undo_of[0] && entry->view.started_ms > since_ms &&
			run_entry_may_have_changed(entry))
			begun_ms[count++] = entry->view.started_ms;
	}
	qsort(begun_ms, count, sizeof(begun_ms[0]), newest_first);
	for (size_t i = 0; most > 0 && i + most <= count; i++) {
		if (begun_ms[i] - begun_ms[i + most - 1] <= window_ms)
			return begun_ms[i];
	}
	return 0;
}

static void write_requests(const struct plan *plan, struct json_writer *writer)
{
	json_member_integer(writer, "request_count", (int64_t)plan->request_count);
	json_key(writer, "requests");
	json_begin_array(writer);
	for (size_t i = 0; i < plan->request_count && i < INTENT_LINES_MOST; i++)
		json_string(writer, plan->requests[i].line);
	json_end_array(writer);
}

static void write_overrides(const struct plan *plan, struct json_writer *writer)
{
	json_key(writer, "overridden");
	json_begin_array(writer);
	for (size_t i = 0; i < plan->verdict_count; i++) {
		if (plan->verdicts[i].overridden)
			json_string(writer, plan->verdicts[i].guard);
	}
	json_end_array(writer);
}

/* The writer makes an object; records want its members alone. */
static void strip_braces(struct text *made, struct text *out)
{
	if (!text_ok(made) || made->length < 2)
		out->failed = true;
	else
		text_append(out, text_string(made) + 1, made->length - 2);
	text_finish(made);
}

void run_log_write_intent(
	const struct plan *plan, const char *by, const char *reason, struct text *out)
{
	struct text made;
	struct json_writer writer;
	text_init(&made, JOURNAL_LINE_BYTES);
	json_writer_init(&writer, &made);
	json_begin_object(&writer);
	json_member_string(&writer, "action", plan->action);
	json_member_string(&writer, "verb", plan->verb->name);
	json_member_string(&writer, "environment", plan->environment);
	json_member_string(&writer, "target", plan->target_path);
	json_member_number(&writer, "from", plan->from);
	json_member_number(&writer, "to", plan->to);
	json_member_string(&writer, "by", by);
	json_member_string(&writer, "reason", reason);
	if (plan->ticket[0])
		json_member_string(&writer, "ticket", plan->ticket);
	json_member_string(&writer, "plan", plan->id);
	json_member_string(&writer, "plan_hash", plan->hash);
	json_member_integer(&writer, "generation", (int64_t)plan->generation);
	if (plan->undo_of[0])
		json_member_string(&writer, "undo_of", plan->undo_of);
	if (plan->runbook[0])
		json_member_string(&writer, "runbook", plan->runbook);
	if (plan->hold_ms > 0)
		json_member_integer(&writer, "hold_ms", plan->hold_ms);
	if (plan->planted && plan->planted[0])
		json_member_string(&writer, "planted", plan->planted);
	if (plan->approved_by[0])
		json_member_string(&writer, "approved_by", plan->approved_by);
	write_overrides(plan, &writer);
	write_requests(plan, &writer);
	if (plan->undo_line[0])
		json_member_string(&writer, "undo", plan->undo_line);
	json_end_object(&writer);
	strip_braces(&made, out);
}

void run_log_write_reply(size_t request, const char *kept, struct text *out)
{
	struct json_writer writer;
	text_printf(out, "\"request\":%zu", request);
	if (!kept[0])
		return;
	text_add(out, ",\"kept\":");
	json_writer_init(&writer, out);
	json_string(&writer, kept);
}

void run_log_write_code(enum outcome_code code, struct text *out)
{
	text_printf(out, "\"code\":%d,\"outcome\":\"%s\"", (int)code, outcome_name(code));
}

void run_log_write_hold(const char *by, int64_t until_ms, int put_offs, struct text *out)
{
	struct text made;
	struct json_writer writer;
	text_init(&made, JOURNAL_LINE_BYTES);
	json_writer_init(&writer, &made);
	json_begin_object(&writer);
	json_member_string(&writer, "by", by);
	if (until_ms > 0)
		json_member_time(&writer, "expires", until_ms);
	if (put_offs > 0)
		json_member_integer(&writer, "put_offs", put_offs);
	json_end_object(&writer);
	strip_braces(&made, out);
}
