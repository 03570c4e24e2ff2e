#include "actions/approval_record.h"

#include <stdio.h>
#include <string.h>

#include "actions/config.h"
#include "actions/signature.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/wire/json.h"

#define MESSAGE_BYTES 1024

/* What a person signs who approves: the very plan, and for whom. */
static void answer_message(
	const struct approval *row, const char *by, int64_t at_ms, char out[MESSAGE_BYTES])
{
	char at[CLOCK_TEXT_BYTES];
	clock_format(at_ms, true, at);
	snprintf(out, MESSAGE_BYTES, "spillway approval\n%s\nasked by %s\napproved by %s\n%s\n",
		row->hash, row->asked_by, by, at);
}

/* What a person signs who asks: the plan, and the words that the other one decides by. */
static void request_message(const struct approval *row, char out[MESSAGE_BYTES])
{
	char at[CLOCK_TEXT_BYTES];
	char expires[CLOCK_TEXT_BYTES];
	clock_format(row->asked_ms, true, at);
	clock_format(row->expires_ms, true, expires);
	snprintf(out, MESSAGE_BYTES,
		"spillway request for approval\n%s\n%s\nasked by %s\n%s\n%s\n%s\n", row->plan,
		row->hash, row->asked_by, at, expires, row->what);
}

/* ---- writing ---- */

static bool sign(const struct signing_config *signing, const char *message,
	struct json_writer *writer, struct error *error)
{
	char signature[SIGNATURE_BYTES];
	if (!signing->sign_with)
		return true;
	if (!signature_make(signing->sign_with, message, signature, error))
		return false;
	json_member_string(writer, "signature", signature);
	return true;
}

static void write_head(struct json_writer *writer, const struct approval *row, const char *event,
	const char *text, int64_t at_ms)
{
	json_member_time(writer, "at", at_ms);
	json_member_string(writer, "run", row->plan);
	json_member_string(writer, "event", event);
	json_member_string(writer, "text", text);
}

bool approval_write_request(const struct approval *row, const struct signing_config *signing,
	struct text *out, struct error *error)
{
	struct json_writer writer;
	char message[MESSAGE_BYTES];
	request_message(row, message);
	json_writer_init(&writer, out);
	json_begin_object(&writer);
	write_head(&writer, row, "ask", row->what, row->asked_ms);
	json_member_string(&writer, "by", row->asked_by);
	json_member_string(&writer, "plan_hash", row->hash);
	json_member_time(&writer, "expires", row->expires_ms);
	if (!sign(signing, message, &writer, error))
		return false;
	json_end_object(&writer);
	return text_ok(out) || error_no_memory(error, "a request for approval");
}

bool approval_write_answer(const struct approval *row, const struct signing_config *signing,
	bool give, const char *by, const char *reason, int64_t wall_ms, bool is_whole,
	struct text *out, struct error *error)
{
	struct json_writer writer;
	char message[MESSAGE_BYTES];
	answer_message(row, by, wall_ms, message);
	json_writer_init(&writer, out);
	json_begin_object(&writer);
	if (is_whole)
		write_head(&writer, row, give ? "approve" : "deny", reason, wall_ms);
	json_member_string(&writer, "by", by);
	json_member_string(&writer, "plan_hash", row->hash);
	if (give && !sign(signing, message, &writer, error))
		return false;
	json_end_object(&writer);
	return text_ok(out) || error_no_memory(error, "an answer to a request");
}

/* ---- believing ---- */

static bool was_checked(const struct approvals *approvals, const char *digest)
{
	for (size_t i = 0; i < APPROVALS_CHECKED; i++) {
		if (strcmp(approvals->checked[i], digest) == 0)
			return true;
	}
	return false;
}

static bool is_signed(struct approvals *approvals, const struct signing_config *signing,
	const char *who, const char *message, const char *signature, struct error *error)
{
	char both[MESSAGE_BYTES + SIGNATURE_BYTES];
	char digest[DIGEST_HEX_BYTES];
	if (!signature)
		return error_set(error, ERROR_UNTRUSTED, "it is not signed");
	if (!signing->allowed_signers)
		return error_set(error, ERROR_UNTRUSTED,
			"journal.allowed_signers is not set, and what a store says counts only "
			"with a signature that can be checked");
	snprintf(both, sizeof(both), "%s%s", message, signature);
	digest_sha256(both, strlen(both), digest);
	if (was_checked(approvals, digest))
		return true;
	if (!signature_check(signing->allowed_signers, who, message, signature, error))
		return false;
	snprintf(approvals->checked[approvals->next_checked], DIGEST_HEX_BYTES, "%s", digest);
	approvals->next_checked = (approvals->next_checked + 1) % APPROVALS_CHECKED;
	return true;
}

/* ---- reading ---- */

static struct approval *find(struct approvals *approvals, const char *id)
{
	for (size_t i = approvals->count; i-- > 0;) {
		struct approval *row = &approvals->rows[i];
		if (strcmp(row->plan, id) == 0 || strcmp(row->hash, id) == 0)
			return row;
	}
	return NULL;
}

static void read_request(const struct json_node *root, struct approval *row)
{
	*row = (struct approval){.is_given = false};
	json_copy_text(root, "run", row->plan, sizeof(row->plan));
	json_copy_text(root, "plan_hash", row->hash, sizeof(row->hash));
	json_copy_text(root, "text", row->what, sizeof(row->what));
	json_copy_text(root, "by", row->asked_by, sizeof(row->asked_by));
	row->asked_ms = json_time_of(root, "at");
	row->expires_ms = json_time_of(root, "expires");
}

static void add_request(struct approvals *approvals, const struct json_node *root)
{
	if (approvals->count == APPROVALS_MOST) {
		memmove(approvals->rows, approvals->rows + 1,
			(APPROVALS_MOST - 1) * sizeof(approvals->rows[0]));
		approvals->count--;
	}
	read_request(root, &approvals->rows[approvals->count++]);
}

static bool counts(struct approvals *approvals, const struct signing_config *signing,
	const struct approval *answered, const char *signature, bool is_shared, struct error *error)
{
	char message[MESSAGE_BYTES];
	if (!is_shared && !signing->allowed_signers)
		return true;
	/* An old answer put back is one to another request. */
	if (is_shared && (answered->decided_ms < answered->asked_ms - APPROVAL_SKEW_MS ||
				 answered->decided_ms >= answered->expires_ms))
		return error_set(error, ERROR_UNTRUSTED, "it was given to an earlier request");
	answer_message(answered, answered->decided_by, answered->decided_ms, message);
	return is_signed(approvals, signing, answered->decided_by, message, signature, error);
}

static void add_answer(struct approvals *approvals, struct approval *row,
	const struct json_node *root, bool gives, const struct signing_config *signing,
	bool is_shared, int64_t now_ms)
{
	struct error error = {.kind = ERROR_NONE};
	struct approval answered = *row;
	answered.decided_ms = json_time_of(root, "at");
	json_copy_text(root, "by", answered.decided_by, sizeof(answered.decided_by));
	json_copy_text(root, "text", answered.text, sizeof(answered.text));
	answered.is_denied = !gives;
	answered.is_given = gives;
	/* Nobody's word undoes a denial; what has run out counts for nothing anyway. */
	if (row->is_denied)
		return;
	if (!gives || now_ms >= row->expires_ms ||
		counts(approvals, signing, &answered, json_text(json_get(root, "signature")),
			is_shared, &error)) {
		*row = answered;
		row->doubt[0] = '\0';
	} else if (!row->is_given) {
		snprintf(row->doubt, sizeof(row->doubt),
			"the approval by %.40s does not count: %.220s", answered.decided_by,
			error.text);
	}
}

enum event { EVENT_NONE, EVENT_ASK, EVENT_APPROVE, EVENT_DENY };

static enum event event_of(const struct json_node *root)
{
	static const char *const names[] = {
		[EVENT_ASK] = "ask", [EVENT_APPROVE] = "approve", [EVENT_DENY] = "deny"};
	const char *word = json_text(json_get(root, "event"));
	for (size_t i = EVENT_ASK; word && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) == 0)
			return (enum event)i;
	}
	return EVENT_NONE;
}

static bool is_by_another(const struct json_node *root, const struct approval *row)
{
	char by[ENTITY_NAME_BYTES];
	json_copy_text(root, "by", by, sizeof(by));
	return by[0] && strcmp(by, row->asked_by) != 0;
}

void approvals_add_line(struct approvals *approvals, const char *line, size_t length,
	const struct signing_config *signing, int64_t now_ms)
{
	struct json_document *document = json_parse(line, length, NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	const char *id = json_text(json_get(root, "run"));
	struct approval *row = id ? find(approvals, id) : NULL;
	enum event event = event_of(root);
	if (id && event == EVENT_ASK)
		add_request(approvals, root);
	else if (row && event != EVENT_NONE && is_by_another(root, row))
		add_answer(approvals, row, root, event == EVENT_APPROVE, signing, false, now_ms);
	json_destroy(document);
}

/* Those of the file are never pushed out by what a store says. */
static void add_shared_request(struct approvals *approvals, const struct json_node *root,
	const struct signing_config *signing, int64_t now_ms)
{
	char message[MESSAGE_BYTES];
	struct error error = {.kind = ERROR_NONE};
	struct approval row;
	read_request(root, &row);
	struct approval *known = find(approvals, row.hash);
	bool stands = known && now_ms < known->expires_ms && !known->is_doubted;
	if (stands || now_ms >= row.expires_ms || strlen(row.hash) != PLAN_HASH_BYTES - 1 ||
		!row.plan[0] || !row.asked_by[0])
		return;
	row.is_shared = true;
	request_message(&row, message);
	if (!is_signed(approvals, signing, row.asked_by, message,
		    json_text(json_get(root, "signature")), &error))
		snprintf(row.doubt, sizeof(row.doubt),
			"the request in the name of %.40s is not to be believed: %.200s",
			row.asked_by, error.text);
	row.is_doubted = row.doubt[0] != '\0';
	if (known && known->is_doubted)
		*known = row;
	else if (approvals->count < APPROVALS_MOST)
		approvals->rows[approvals->count++] = row;
}

static void add_shared(struct approvals *approvals, const char *value, bool requests,
	const struct signing_config *signing, int64_t now_ms)
{
	char hash[PLAN_HASH_BYTES];
	struct json_document *document = json_parse(value, strlen(value), NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	enum event event = event_of(root);
	json_copy_text(root, "plan_hash", hash, sizeof(hash));
	struct approval *row = find(approvals, hash);
	if (requests && event == EVENT_ASK)
		add_shared_request(approvals, root, signing, now_ms);
	else if (!requests && (event == EVENT_APPROVE || event == EVENT_DENY) && row &&
		 !row->is_doubted && is_by_another(root, row))
		add_answer(approvals, row, root, event == EVENT_APPROVE, signing, true, now_ms);
	json_destroy(document);
}

void approvals_add_shared(struct approvals *approvals, const char *const *values, size_t count,
	const struct signing_config *signing, int64_t now_ms)
{
	for (size_t i = 0; i < count; i++)
		add_shared(approvals, values[i], true, signing, now_ms);
	for (size_t i = 0; i < count; i++)
		add_shared(approvals, values[i], false, signing, now_ms);
}
