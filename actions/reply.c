#include "actions/reply.h"

#include <stdio.h>
#include <string.h>

#include "actions/target.h"
#include "core/wire/json.h"

/* A JSON string, or a number as it is written; false when it is neither or does not fit. */
static bool take_word(const struct json_node *node, char *out, size_t size)
{
	const char *text = json_text(node);
	double number = 0;
	if (text) {
		if (strlen(text) >= size)
			return false;
		snprintf(out, size, "%s", text);
		return text[0] != '\0';
	}
	return json_number_of(node, &number) && template_number(number, out, size, NULL);
}

static void say(struct reply_check *out, enum reply_verdict verdict, const char *text)
{
	out->verdict = verdict;
	snprintf(out->text, sizeof(out->text), "%s", text);
}

static void compare(const struct http_binding *binding, const struct request *request,
	const struct json_node *root, struct reply_check *out)
{
	double now = 0;
	char text[ACTION_TEXT_BYTES];
	const struct json_node *node = json_pointer(root, binding->read_value);
	if (!json_number_of(node, &now)) {
		snprintf(text, sizeof(text), "there is no number at '%.80s' in what was read",
			binding->read_value);
		say(out, REPLY_UNREADABLE, text);
		return;
	}
	if (target_equal(now, request->from))
		return;
	snprintf(text, sizeof(text), "it reads %.6g right before the change, the plan read %.6g",
		now, request->from);
	say(out, target_equal(now, request->to) ? REPLY_ALREADY : REPLY_CHANGED, text);
}

static void take_revision(const struct http_binding *binding, const struct json_node *root,
	const char *etag, struct reply_check *out)
{
	bool is_etag = strcmp(binding->read_revision, "etag") == 0;
	bool ok = is_etag ? etag[0] && strlen(etag) < sizeof(out->revision)
			  : take_word(json_pointer(root, binding->read_revision), out->revision,
				    sizeof(out->revision));
	if (ok && is_etag)
		snprintf(out->revision, sizeof(out->revision), "%s", etag);
	if (ok)
		return;
	out->revision[0] = '\0';
	say(out, REPLY_UNREADABLE,
		is_etag ? "what was read has no ETag"
			: "what was read has no revision where 'read.revision' points");
}

void reply_check(const struct http_binding *binding, const struct request *request,
	const char *body, size_t length, const char *etag, struct reply_check *out)
{
	*out = (struct reply_check){.verdict = REPLY_GO};
	bool only_etag = !binding->read_value && binding->read_revision &&
			 strcmp(binding->read_revision, "etag") == 0;
	struct json_document *document = only_etag ? NULL : json_parse(body, length, NULL);
	if (!document && !only_etag) {
		say(out, REPLY_UNREADABLE, "what was read is not JSON");
		return;
	}
	const struct json_node *root = document ? json_root(document) : NULL;
	if (binding->read_value)
		compare(binding, request, root, out);
	if (out->verdict == REPLY_GO && binding->read_revision)
		take_revision(binding, root, etag, out);
	json_destroy(document);
}

void reply_keep(const char *pointer, const char *body, size_t length, char out[REPLY_KEPT_BYTES])
{
	struct json_document *document = json_parse(body, length, NULL);
	out[0] = '\0';
	if (!document)
		return;
	if (!take_word(json_pointer(json_root(document), pointer), out, REPLY_KEPT_BYTES) ||
		!template_is_safe(out))
		out[0] = '\0';
	json_destroy(document);
}
