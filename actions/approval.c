#include "actions/approval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "actions/journal.h"
#include "actions/signature.h"
#include "actions/template.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/wire/json.h"

#define PATH_BYTES 4200
#define MESSAGE_BYTES 512

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

static struct approval *find(struct approvals *approvals, const char *id)
{
	for (size_t i = approvals->count; i-- > 0;) {
		struct approval *row = &approvals->rows[i];
		if (strcmp(row->plan, id) == 0 || strcmp(row->hash, id) == 0)
			return row;
	}
	return NULL;
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

static void add_request(struct approvals *approvals, const struct json_node *root)
{
	if (approvals->count == APPROVALS_MOST) {
		memmove(approvals->rows, approvals->rows + 1,
			(APPROVALS_MOST - 1) * sizeof(approvals->rows[0]));
		approvals->count--;
	}
	struct approval *row = &approvals->rows[approvals->count++];
	*row = (struct approval){.is_given = false};
	json_copy_text(root, "run", row->plan, sizeof(row->plan));
	json_copy_text(root, "plan_hash", row->hash, sizeof(row->hash));
	json_copy_text(root, "text", row->what, sizeof(row->what));
	json_copy_text(root, "by", row->asked_by, sizeof(row->asked_by));
	row->asked_ms = json_time_of(root, "at");
	row->expires_ms = json_time_of(root, "expires");
}

/* What a person signs who approves: the very plan, and for whom. */
static void approval_message(
	const struct approval *row, const char *by, int64_t at_ms, char out[MESSAGE_BYTES])
{
	char at[CLOCK_TEXT_BYTES];
	clock_format(at_ms, true, at);
	snprintf(out, MESSAGE_BYTES, "spillway approval\n%s\nasked by %s\napproved by %s\n%s\n",
		row->hash, row->asked_by, by, at);
}

static bool was_checked(const struct approvals *approvals, const char *digest)
{
	for (size_t i = 0; i < APPROVALS_CHECKED; i++) {
		if (strcmp(approvals->checked[i], digest) == 0)
			return true;
	}
	return false;
}

static bool is_signed(struct approvals *approvals, const struct signing_config *signing,
	const struct approval *row, const char *signature, struct error *error)
{
	char message[MESSAGE_BYTES];
	char both[MESSAGE_BYTES + SIGNATURE_BYTES];
	char digest[DIGEST_HEX_BYTES];
	if (!signature)
		return error_set(error, ERROR_UNTRUSTED, "it is not signed");
	approval_message(row, row->decided_by, row->decided_ms, message);
	snprintf(both, sizeof(both), "%s%s", message, signature);
	digest_sha256(both, strlen(both), digest);
	if (was_checked(approvals, digest))
		return true;
	if (!signature_check(signing->allowed_signers, row->decided_by, message, signature, error))
		return false;
	snprintf(approvals->checked[approvals->next_checked], DIGEST_HEX_BYTES, "%s", digest);
	approvals->next_checked = (approvals->next_checked + 1) % APPROVALS_CHECKED;
	return true;
}

static void add_answer(struct approvals *approvals, struct approval *row,
	const struct json_node *root, bool gives, const struct signing_config *signing,
	int64_t now_ms)
{
	struct error error = {.kind = ERROR_NONE};
	row->decided_ms = json_time_of(root, "at");
	json_copy_text(root, "by", row->decided_by, sizeof(row->decided_by));
	json_copy_text(root, "text", row->text, sizeof(row->text));
	row->is_denied = !gives;
	row->is_given = gives;
	/* What has run out counts for nothing anyway. */
	if (!gives || !signing->allowed_signers || now_ms >= row->expires_ms ||
		is_signed(approvals, signing, row, json_text(json_get(root, "signature")), &error))
		return;
	row->is_given = false;
	snprintf(row->doubt, sizeof(row->doubt), "the approval by %.40s does not count: %.220s",
		row->decided_by, error.text);
	row->decided_by[0] = '\0';
}

static void add_line(struct approvals *approvals, const char *line, size_t length,
	const struct signing_config *signing, int64_t now_ms)
{
	struct json_document *document = json_parse(line, length, NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	const char *id = json_text(json_get(root, "run"));
	const char *event = json_text(json_get(root, "event"));
	struct approval *row = id ? find(approvals, id) : NULL;
	bool gives = event && strcmp(event, "approve") == 0;
	char by[ENTITY_NAME_BYTES] = "";
	json_copy_text(root, "by", by, sizeof(by));
	if (id && event && strcmp(event, "ask") == 0)
		add_request(approvals, root);
	else if (row && by[0] && strcmp(by, row->asked_by) != 0 &&
		 (gives || (event && strcmp(event, "deny") == 0)))
		add_answer(approvals, row, root, gives, signing, now_ms);
	json_destroy(document);
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
			add_line(out, line, (size_t)length, signing, now_ms);
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

static bool may_decide(const struct approval *row, const char *id, bool give, const char *by,
	int64_t now_ms, struct error *error)
{
	if (!row)
		return error_set(error, ERROR_USAGE,
			"nobody has asked for approval of '%.24s': see 'spillway pending'", id);
	enum approval_state state = approval_state(row, now_ms);
	if (state != APPROVAL_PENDING)
		return error_set(error, ERROR_USAGE, "'%s' is %s already", row->plan,
			approval_state_name(state));
	/* Who asked decides nothing: a request not wanted any more runs out. */
	if (strcmp(row->asked_by, by) == 0)
		return error_set(error, ERROR_REJECTED,
			give ? "%s asked for this: another person has to approve it"
			     : "%s asked for this: let it run out instead of denying it",
			by);
	return true;
}

static bool write_answer(const struct approval *row, const struct signing_config *signing,
	bool give, const char *by, int64_t wall_ms, struct text *made, struct error *error)
{
	struct json_writer writer;
	char message[MESSAGE_BYTES];
	char signature[SIGNATURE_BYTES] = "";
	approval_message(row, by, wall_ms, message);
	if (give && signing->sign_with &&
		!signature_make(signing->sign_with, message, signature, error))
		return false;
	json_writer_init(&writer, made);
	json_begin_object(&writer);
	json_member_string(&writer, "by", by);
	json_member_string(&writer, "plan_hash", row->hash);
	if (signature[0])
		json_member_string(&writer, "signature", signature);
	json_end_object(&writer);
	return true;
}

bool approvals_decide(const char *journal, const struct signing_config *signing, const char *id,
	bool give, const char *by, const char *reason, int64_t wall_ms, struct error *error)
{
	struct approvals *approvals = calloc(1, sizeof(*approvals));
	struct text made;
	if (!approvals)
		return error_no_memory(error, "approvals");
	bool ok = approvals_read(journal, signing, wall_ms, approvals, error);
	const struct approval *row = ok ? approvals_find(approvals, id) : NULL;
	text_init(&made, JOURNAL_LINE_BYTES);
	ok = ok && may_decide(row, id, give, by, wall_ms, error) &&
	     write_answer(row, signing, give, by, wall_ms, &made, error);
	if (ok)
		ok = append(journal, row->plan, give ? "approve" : "deny", reason, &made, wall_ms,
			error);
	else
		text_finish(&made);
	free(approvals);
	return ok;
}
