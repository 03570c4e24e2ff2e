#include "actions/approval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/approval_record.h"
#include "actions/config.h"
#include "actions/journal.h"
#include "actions/template.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"

#define PATH_BYTES 4200

enum approval_state approval_state(const struct approval *approval, int64_t now_ms)
{
	if (approval->is_denied)
		return APPROVAL_DENIED;
	if (now_ms >= approval->expires_ms)
		return APPROVAL_EXPIRED;
	return approval->is_given ? APPROVAL_GIVEN : APPROVAL_PENDING;
}

const char *approval_state_name(enum approval_state state)
{
	static const char *const names[] = {
		[APPROVAL_PENDING] = "pending",
		[APPROVAL_GIVEN] = "approved",
		[APPROVAL_DENIED] = "denied",
		[APPROVAL_EXPIRED] = "run out",
	};
	return names[state];
}

static bool file_name(const char *journal, char out[PATH_BYTES], struct error *error)
{
	int length = snprintf(out, PATH_BYTES, "%s.approvals", journal);
	return (length > 0 && length < PATH_BYTES) ||
	       error_set(error, ERROR_LIMIT, "the journal's name is too long");
}

const struct approval *approvals_find(const struct approvals *approvals, const char *id_or_hash)
{
	for (size_t i = approvals->count; i-- > 0;) {
		const struct approval *row = &approvals->rows[i];
		if (strcmp(row->plan, id_or_hash) == 0 || strcmp(row->hash, id_or_hash) == 0)
			return row;
	}
	return NULL;
}

bool approvals_read(const char *journal, const struct signing_config *signing, int64_t now_ms,
	struct approvals *out, struct error *error)
{
	char name[PATH_BYTES];
	struct journal_check check;
	out->count = 0;
	if (!file_name(journal, name, error))
		return false;
	FILE *file = fopen(name, "re");
	if (!file)
		return errno == ENOENT || error_errno(error, "cannot open '%s'", name);
	/* An answer that somebody wrote into the file by hand is none. */
	bool ok = journal_verify(name, &check, error);
	char *line = NULL;
	size_t capacity = 0;
	size_t number = 0;
	for (ssize_t length = 0; ok && (length = getline(&line, &capacity, file)) > 0;) {
		if (++number <= check.records)
			approvals_add_line(out, line, (size_t)length, signing, now_ms);
	}
	free(line);
	fclose(file);
	return ok;
}

/* One record; the file is held open no longer than that. */
static bool append(const char *journal, const char *id, const char *event, const char *text,
	struct text *made, int64_t wall_ms, struct error *error)
{
	char name[PATH_BYTES];
	bool ok = text_ok(made) && made->length >= 2;
	struct journal *file =
		ok && file_name(journal, name, error) ? journal_open(name, error) : NULL;
	if (!ok)
		error_no_memory(error, "a record of an approval");
	if (file) {
		/* The writer makes an object; records want its members alone. */
		char *members = strndup(text_string(made) + 1, made->length - 2);
		ok = members ? journal_append(file, id, event, text, members, wall_ms, error)
			     : error_no_memory(error, "a record of an approval");
		free(members);
	}
	journal_close(file);
	text_finish(made);
	return ok && file;
}

bool approvals_ask(const char *journal, const struct plan *plan, const char *by, const char *reason,
	int64_t wall_ms, int64_t within_ms, struct error *error)
{
	static const struct signing_config unsigned_too = {.sign_with = NULL};
	struct approvals *approvals = calloc(1, sizeof(*approvals));
	struct text made;
	struct json_writer writer;
	char words[ACTION_TEXT_BYTES];
	char from[NUMBER_TEXT_BYTES] = "?";
	char to[NUMBER_TEXT_BYTES] = "?";
	if (!approvals)
		return error_no_memory(error, "approvals");
	bool ok = approvals_read(journal, &unsigned_too, wall_ms, approvals, error);
	const struct approval *row = ok ? approvals_find(approvals, plan->hash) : NULL;
	bool is_asked = row && approval_state(row, wall_ms) == APPROVAL_PENDING;
	free(approvals);
	if (!ok || is_asked)
		return ok;
	template_number(plan->from, from, sizeof(from), NULL);
	template_number(plan->to, to, sizeof(to), NULL);
	snprintf(words, sizeof(words), "%.40s %.60s %.16s %s -> %s%s%.60s: %.40s", plan->action,
		plan->target_path, plan->verb->parameter, from, to, reason[0] ? ", because " : "",
		reason, plan->request_count > 0 ? plan->requests[0].line : "");
	text_init(&made, JOURNAL_LINE_BYTES);
	json_writer_init(&writer, &made);
	json_begin_object(&writer);
	json_member_string(&writer, "by", by);
	json_member_string(&writer, "plan_hash", plan->hash);
	json_member_time(&writer, "expires", wall_ms + within_ms);
	json_end_object(&writer);
	return append(journal, plan->id, "ask", words, &made, wall_ms, error);
}

const struct approval *approvals_pick(const struct approvals *approvals, const char *id_or_hash,
	int64_t now_ms, struct error *error)
{
	const struct approval *found = approvals_find(approvals, id_or_hash);
	if (!found)
		error_set(error, ERROR_USAGE,
			"nobody has asked for approval of '%.24s': see 'spillway pending'",
			id_or_hash);
	for (size_t i = 0; found && i < approvals->count; i++) {
		const struct approval *row = &approvals->rows[i];
		bool is_other = approval_state(row, now_ms) == APPROVAL_PENDING &&
				strcmp(row->plan, id_or_hash) == 0 &&
				strcmp(row->hash, found->hash) != 0;
		if (!is_other)
			continue;
		error_set(error, ERROR_USAGE,
			"two plans are called '%.24s': give the whole hash of the one you mean, "
			"see 'spillway pending -o json'",
			id_or_hash);
		found = NULL;
	}
	return found;
}

bool approval_may_decide(
	const struct approval *row, bool give, const char *by, int64_t now_ms, struct error *error)
{
	enum approval_state state = approval_state(row, now_ms);
	if (state != APPROVAL_PENDING)
		return error_set(error, ERROR_USAGE, "'%s' is %s already", row->plan,
			approval_state_name(state));
	if (row->is_doubted)
		return error_set(error, ERROR_UNTRUSTED, "%.24s: %.250s", row->plan, row->doubt);
	/* Who asked decides nothing: a request not wanted any more runs out. */
	if (strcmp(row->asked_by, by) == 0)
		return error_set(error, ERROR_REJECTED,
			give ? "%s asked for this: another person has to approve it"
			     : "%s asked for this: let it run out instead of denying it",
			by);
	return true;
}

bool approval_record_answer(const char *journal, const struct signing_config *signing,
	const struct approval *row, bool give, const char *by, const char *reason, int64_t wall_ms,
	struct error *error)
{
	struct text made;
	text_init(&made, JOURNAL_LINE_BYTES);
	if (!approval_write_answer(row, signing, give, by, reason, wall_ms, false, &made, error)) {
		text_finish(&made);
		return false;
	}
	return append(journal, row->plan, give ? "approve" : "deny", reason, &made, wall_ms, error);
}

bool approvals_decide(const char *journal, const struct signing_config *signing, const char *id,
	bool give, const char *by, const char *reason, int64_t wall_ms, struct error *error)
{
	struct approvals *approvals = calloc(1, sizeof(*approvals));
	if (!approvals)
		return error_no_memory(error, "approvals");
	bool ok = approvals_read(journal, signing, wall_ms, approvals, error);
	const struct approval *row = ok ? approvals_pick(approvals, id, wall_ms, error) : NULL;
	ok = row && approval_may_decide(row, give, by, wall_ms, error) &&
	     approval_record_answer(journal, signing, row, give, by, reason, wall_ms, error);
	free(approvals);
	return ok;
}
