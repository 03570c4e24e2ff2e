/* config_http.c - form bodies and headers of HTTP actions. */
#include "actions/config_reader.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/arena.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#define FORM_BYTES 4096
#define HEADER_NAME_BYTES 64

/* Percent-encode what a form would read as its own; {names} are filled with safe values later. */
static void add_encoded(struct text *out, const char *source)
{
	for (const char *at = source; *at; at++) {
		const char *end =
			at[0] == '{' && islower((unsigned char)at[1]) ? strchr(at, '}') : NULL;
		if (end) {
			text_append(out, at, (size_t)(end - at) + 1);
			at = end;
		} else if (isalnum((unsigned char)*at) || strchr("-._~", *at)) {
			text_add_char(out, *at);
		} else {
			text_printf(out, "%%%02X", (unsigned)(unsigned char)*at);
		}
	}
}

const char *http_form_template(
	struct reader *reader, const struct yaml_node *node, const char *path)
{
	char name[KEY_NAME_BYTES];
	struct text text;
	const char *made = "";
	snprintf(name, sizeof(name), "%s.form", path);
	text_init(&text, FORM_BYTES);
	bool ok = node->kind == YAML_MAPPING;
	for (const struct yaml_node *child = ok ? node->first : NULL; child; child = child->next) {
		ok = ok && child->kind == YAML_SCALAR;
		text_add(&text, child == node->first ? "" : "&");
		add_encoded(&text, child->key);
		text_add_char(&text, '=');
		add_encoded(&text, child->kind == YAML_SCALAR ? child->scalar : "");
	}
	if (!ok)
		action_complain(reader, node, name,
			"expected a mapping of names to values, such as {weight: \"{weight}\"}");
	else if (!text_ok(&text))
		action_complain(reader, node, name, "the body is too long");
	else
		made = action_keep(reader, node, arena_strdup(reader->arena, text_string(&text)));
	text_finish(&text);
	return made;
}

static const char *bad_header(const struct yaml_node *node)
{
	static const char *const own[] = {"Authorization", "Content-Type", "Content-Length", "Host",
		"Transfer-Encoding", "Connection", "Cookie"};
	const char *name = node->key;
	if (node->kind != YAML_SCALAR || !name[0] || strlen(name) >= HEADER_NAME_BYTES)
		return "expected a header's name and its value";
	for (const char *at = name; *at; at++) {
		if (!isalnum((unsigned char)*at) && *at != '-')
			return "a header's name is letters, digits and dashes";
	}
	for (const char *at = node->scalar; *at; at++) {
		if (*at < ' ' || *at > '~')
			return "a header's value is printable ASCII";
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcasecmp(name, own[i]) == 0)
			return "that header is set by the program itself; secrets come from files";
	}
	return NULL;
}

void http_headers_read(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct verb_row *verb, struct http_binding *out)
{
	char name[KEY_NAME_BYTES];
	snprintf(name, sizeof(name), "%s.headers", path);
	if (node->kind != YAML_MAPPING || node->count > ACTION_HEADERS_MOST) {
		action_complain(reader, node, name,
			"expected a mapping of at most 4 headers, such as {If-Match: \"*\"}");
		return;
	}
	for (const struct yaml_node *child = node->first; child; child = child->next) {
		const char *why = bad_header(child);
		if (why) {
			action_complain(reader, child, name, why);
			continue;
		}
		action_check_template(reader, node, name, child->key, child->scalar, verb);
		out->headers[out->header_count++] =
			(struct action_header){child->key, child->scalar};
	}
}
