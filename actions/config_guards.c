/* config_guards.c - the `guards:` section, freezes included. */
#include "actions/config.h"

#include <stdio.h>
#include <string.h>

#include "actions/guard_assert.h"
#include "actions/ticket.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/expression.h"
#include "core/base/fields.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#define FREEZES_MOST 64
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *const harm_names[] = {"hold", "undo", NULL};
static const char *const release_names[] = {"window", "acknowledge", NULL};

struct guard_fields {
	struct guard_config limits;
	int on_harm, brake_release;
	const struct yaml_node *freeze, *asserts;
};

#define GUARD(name, kind, least, most, value, text)                                   \
	{                                                                             \
		.key = #name, .type = (kind),                                         \
		.offset = offsetof(struct guard_fields, limits.name), .min = (least), \
		.max = (most), .fallback = (value), .help = (text)                    \
	}
#define GUARD_MS(name, least, most, value, text)                                           \
	{                                                                                  \
		.key = #name, .type = FIELD_DURATION,                                      \
		.offset = offsetof(struct guard_fields, limits.name##_ms), .min = (least), \
		.max = (most), .fallback = (value), .help = (text)                         \
	}

static const struct field guards_rows[] = {
	GUARD(ceiling, FIELD_PERCENT, 0.1, 1, "85%", "pool use that survivors may reach"),
	GUARD(max_step, FIELD_FACTOR, 1.01, 100, "2x", "most growth or shrinking per command"),
	GUARD(max_divert, FIELD_PERCENT, 0.01, 1, "25%",
		"most of one cluster's weight moved per command"),
	GUARD(max_return, FIELD_PERCENT, 0.01, 1, "10%",
		"most of all traffic given back per command by cluster.restore"),
	GUARD(blast_radius, FIELD_PERCENT, 0.01, 1, "30%", "most of all traffic moved per command"),
	GUARD_MS(max_age, 100, 600000, "5s", "inputs older than this block"),
	GUARD_MS(cooldown, 0, 86400000, "60s", "rest of a target after a change"),
	GUARD_MS(plan_expires, 1000, 86400000, "60s", "how long a plan may be confirmed"),
	GUARD_MS(verify_within, 1000, 3600000, "90s", "how long to wait for the proof"),
	GUARD_MS(expire, 1000, 259200000, "30m", "how long a change holds before it is taken back"),
	GUARD(brake, FIELD_INTEGER, 1, 1000, "6", "most changes within brake_window"),
	GUARD_MS(brake_window, 1000, 86400000, "10m", "the time that brake counts over"),
	{.key = "brake_release",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct guard_fields, brake_release),
		.choices = release_names,
		.fallback = "acknowledge",
		.help = "what lets go of a brake that was reached: the end of its window, or a "
			"person by 'spillway gate acknowledge'"},
	GUARD(min_serving, FIELD_INTEGER, 1, 1000, "2",
		"replicas of a cluster that must go on serving"),
	GUARD(max_held, FIELD_PERCENT, 0.01, 1, "50%",
		"most of all clusters that changes in force keep from their usual traffic at once"),
	GUARD(approve_above, FIELD_PERCENT, 0.001, 1, NULL,
		"share of all traffic above which another person must approve; absent: never"),
	GUARD_MS(approve_within, 1000, 86400000, "10m", "how long a request for approval stands"),
	{.key = "on_harm",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct guard_fields, on_harm),
		.choices = harm_names,
		.fallback = "hold",
		.help = "a change that took and made things worse is held, or taken back at once"},
	{.key = "freeze",
		.type = FIELD_NODE,
		.offset = offsetof(struct guard_fields, freeze),
		.help = "times in which nothing is changed that can wait: a list of from, until, "
			"why, except_ticket"},
	{.key = "assert",
		.type = FIELD_NODE,
		.offset = offsetof(struct guard_fields, asserts),
		.help = "rules of this fleet's own that hold after every change but relief: a list "
			"of name, that"},
};

static const struct field freeze_rows[] = {
	{.key = "from",
		.type = FIELD_TIME,
		.offset = offsetof(struct freeze, from_ms),
		.required = true,
		.help = "when it begins"},
	{.key = "until",
		.type = FIELD_TIME,
		.offset = offsetof(struct freeze, until_ms),
		.required = true,
		.help = "when it ends"},
	{.key = "why",
		.type = FIELD_STRING,
		.offset = offsetof(struct freeze, why),
		.help = "the reason, shown to whoever is refused"},
	{.key = "except_ticket",
		.type = FIELD_STRING,
		.offset = offsetof(struct freeze, except_ticket),
		.help = "changes planned with a --ticket of this form pass, such as INC-*: '*' is "
			"any characters, '?' any one; absent: none do"},
};

static const char *const unknown_names[] = {"stop", NULL};

struct assert_fields {
	const char *name, *that;
	int on_unknown; /* it blocks: there is no other choice, but some say so */
};

static const struct field assert_rows[] = {
	{.key = "name",
		.type = FIELD_STRING,
		.offset = offsetof(struct assert_fields, name),
		.required = true,
		.help = "what it is called in plans, and for --override"},
	{.key = "that",
		.type = FIELD_STRING,
		.offset = offsetof(struct assert_fields, that),
		.required = true,
		.help = "a condition as in a runbook, such as \"replicas.serving[target] >= 2\"; "
			"target is the cluster that is acted on"},
	{.key = "on_unknown",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct assert_fields, on_unknown),
		.choices = unknown_names,
		.fallback = "stop",
		.help = "what is not known blocks, as everywhere"},
};

static bool complain(struct complaints *complaints, const struct yaml_node *node, const char *key,
	const char *text)
{
	complaints_add(complaints, node->file, node->line, key, "%s", text);
	return false;
}

static bool read_freeze(const struct yaml_node *node, size_t index, struct arena *arena,
	struct freeze *out, struct complaints *complaints)
{
	char path[48];
	snprintf(path, sizeof(path), "guards.freeze[%zu]", index);
	if (!fields_read(freeze_rows, COUNT(freeze_rows), node, path, out, arena, complaints))
		return false;
	if (!out->why)
		out->why = "";
	if (out->except_ticket && !ticket_check_pattern(out->except_ticket))
		return complain(complaints, node, path,
			"except_ticket: expected the form of a ticket, such as \"INC-*\"");
	return out->from_ms < out->until_ms ||
	       complain(complaints, node, path, "ends before it begins");
}

static bool read_freezes(const struct yaml_node *list, struct arena *arena,
	struct guard_config *out, struct complaints *complaints)
{
	bool ok = true;
	if (list->kind != YAML_SEQUENCE)
		return complain(complaints, list, "guards.freeze",
			"expected a list such as [{from: 2026-12-24T00:00:00Z, until: "
			"2026-12-27T00:00:00Z, why: holidays}]");
	if (list->count > FREEZES_MOST)
		return complain(complaints, list, "guards.freeze", "more than 64 freezes");
	struct freeze *rows = arena_array(arena, list->count, sizeof(*rows));
	if (list->count > 0 && !rows)
		return complain(complaints, list, "guards.freeze", "no memory left for this file");
	for (const struct yaml_node *node = list->first; node; node = node->next) {
		ok = read_freeze(node, out->freeze_count, arena, &rows[out->freeze_count],
			     complaints) &&
		     ok;
		out->freeze_count++;
	}
	out->freezes = rows;
	return ok;
}

/* A verdict's name must say whose it is. */
static bool check_name(const struct yaml_node *node, const char *path, const char *name,
	const struct guard_config *before, struct complaints *complaints)
{
	size_t length = strlen(name);
	if (length == 0 || length >= ACTION_NAME_BYTES ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
		return complain(complaints, node, path,
			"name: expected lower-case letters, digits and dashes, at most 47");
	if (guard_find(name))
		return complain(complaints, node, path, "name: there is a guard of that name");
	return !guard_assert_find(before, name) ||
	       complain(complaints, node, path, "name: there is an assertion of that name");
}

static bool read_assert(const struct yaml_node *node, size_t index, struct arena *arena,
	const struct guard_config *before, struct guard_assert *out, struct complaints *complaints)
{
	char path[48];
	struct error error = {.kind = ERROR_NONE};
	struct assert_fields fields = {.name = NULL};
	snprintf(path, sizeof(path), "guards.assert[%zu]", index);
	if (!fields_read(assert_rows, COUNT(assert_rows), node, path, &fields, arena, complaints) ||
		!check_name(node, path, fields.name, before, complaints))
		return false;
	*out = (struct guard_assert){.name = fields.name};
	out->that = expression_parse(arena, fields.that, &error);
	return (out->that && expression_check(out->that, guard_assert_lookup_name, NULL, &error)) ||
	       complain(complaints, node, path, error.text);
}

static bool read_asserts(const struct yaml_node *list, struct arena *arena,
	struct guard_config *out, struct complaints *complaints)
{
	bool ok = true;
	if (list->kind != YAML_SEQUENCE)
		return complain(complaints, list, "guards.assert",
			"expected a list such as [{name: enough-left, that: "
			"\"replicas.serving[target] >= 2\"}]");
	if (list->count > GUARD_ASSERTS_MOST)
		return complain(complaints, list, "guards.assert", "more than 16 assertions");
	struct guard_assert *rows = arena_array(arena, list->count, sizeof(*rows));
	if (list->count > 0 && !rows)
		return complain(complaints, list, "guards.assert", "no memory left for this file");
	out->asserts = rows;
	for (const struct yaml_node *node = list->first; node; node = node->next) {
		bool is_read = read_assert(
			node, out->assert_count, arena, out, &rows[out->assert_count], complaints);
		ok = ok && is_read;
		out->assert_count += is_read;
	}
	return ok;
}

bool guard_config_read(const struct yaml_node *node, struct arena *arena, struct guard_config *out,
	struct complaints *complaints)
{
	struct guard_fields fields = {.freeze = NULL};
	bool ok = fields_read(
		guards_rows, COUNT(guards_rows), node, "guards", &fields, arena, complaints);
	if (fields.freeze)
		ok = read_freezes(fields.freeze, arena, &fields.limits, complaints) && ok;
	if (fields.asserts)
		ok = read_asserts(fields.asserts, arena, &fields.limits, complaints) && ok;
	fields.limits.undo_harm = fields.on_harm == 1;
	fields.limits.brake_by_hand = fields.brake_release == 1;
	*out = fields.limits;
	return ok;
}

const char *guard_config_default(const char *key)
{
	for (size_t i = 0; i < COUNT(guards_rows); i++) {
		if (strcmp(guards_rows[i].key, key) == 0)
			return guards_rows[i].fallback;
	}
	return NULL;
}

static void write_list(void *context, const struct field *row, struct json_writer *writer)
{
	(void)context;
	bool is_freeze = strcmp(row->key, "freeze") == 0;
	json_begin_object(writer);
	json_member_string(writer, "description", row->help);
	json_member_string(writer, "type", "array");
	json_key(writer, "items");
	fields_schema_write(is_freeze ? freeze_rows : assert_rows,
		is_freeze ? COUNT(freeze_rows) : COUNT(assert_rows), NULL, NULL, writer);
	json_end_object(writer);
}

void action_configs_schema_guards(struct text *out)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	fields_schema_write(guards_rows, COUNT(guards_rows), write_list, NULL, &writer);
}
