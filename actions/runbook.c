#include "actions/runbook.h"

#include <stdio.h>
#include <string.h>

#include "actions/runbook_flow.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/fields.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *const unknown_choices[] = {"stop", "skip", NULL};
static const char *const refused_choices[] = {"stop", "continue", NULL};
static const char *const inconclusive_choices[] = {"hold", "continue", NULL};
static const char *const timeout_choices[] = {"stop", "continue", "finish", "fail", NULL};
static const char *const param_kinds[] = {"cluster", "replica", "number", "string", NULL};

struct book_fields {
	int64_t version, timeout_ms;
	const char *name, *help;
	bool keep_going;
	const struct yaml_node *params, *preflight, *steps, *on_failure;
};
#define AT(type, member) .offset = offsetof(struct type, member)

static const struct field book_rows[] = {
	{.key = "version",
		.type = FIELD_INTEGER,
		AT(book_fields, version),
		.required = true,
		.min = 1,
		.max = 1,
		.help = "1"},
	{.key = "name",
		.type = FIELD_STRING,
		AT(book_fields, name),
		.required = true,
		.help = "what it is called"},
	{.key = "help", .type = FIELD_STRING, AT(book_fields, help), .help = "what it is for"},
	{.key = "params", .type = FIELD_NODE, AT(book_fields, params), .help = "what it is told"},
	{.key = "preflight",
		.type = FIELD_NODE,
		AT(book_fields, preflight),
		.help = "what must hold before the first step: a list of id, assert"},
	{.key = "steps",
		.type = FIELD_NODE,
		AT(book_fields, steps),
		.required = true,
		.help = "what it does, in order"},
	{.key = "keep_going",
		.type = FIELD_BOOL,
		AT(book_fields, keep_going),
		.fallback = "false",
		.help = "a step that fails without an on_failure of its own does not stop it"},
	{.key = "timeout",
		.type = FIELD_DURATION,
		AT(book_fields, timeout_ms),
		.min = 1000,
		.max = 604800000,
		.fallback = NULL,
		.help = "how long the whole run may take"},
	{.key = "on_failure",
		.type = FIELD_NODE,
		AT(book_fields, on_failure),
		.help = "when a step's failure stops it: {rollback: reverse, except: [STEP]}"},
};

struct param_fields {
	int kind;
	bool required;
	const char *fallback, *help;
};

static const struct field param_rows[] = {
	{.key = "type",
		.type = FIELD_CHOICE,
		AT(param_fields, kind),
		.choices = param_kinds,
		.fallback = "string",
		.help = "what it names"},
	{.key = "required",
		.type = FIELD_BOOL,
		AT(param_fields, required),
		.fallback = "false",
		.help = "whether it must be given"},
	{.key = "default",
		.type = FIELD_STRING,
		AT(param_fields, fallback),
		.help = "its value when it is not given"},
	{.key = "help", .type = FIELD_STRING, AT(param_fields, help), .help = "what it is for"},
};

struct step_fields {
	const char *id, *when;
	int on_unknown, on_inconclusive, on_refused;
	int64_t repeat, timeout_ms;
	bool approve;
	const struct yaml_node *wait, *act, *on_failure, *verify, *ramp;
};

static const struct field step_rows[] = {
	{.key = "id",
		.type = FIELD_STRING,
		AT(step_fields, id),
		.required = true,
		.help = "its name in the journal"},
	{.key = "when",
		.type = FIELD_STRING,
		AT(step_fields, when),
		.help = "do it only when this holds"},
	{.key = "on_unknown",
		.type = FIELD_CHOICE,
		AT(step_fields, on_unknown),
		.choices = unknown_choices,
		.fallback = "stop",
		.help = "when `when` is unknown"},
	{.key = "wait", .type = FIELD_NODE, AT(step_fields, wait), .help = "what to wait for"},
	{.key = "do", .type = FIELD_NODE, AT(step_fields, act), .help = "what to change"},
	{.key = "on_inconclusive",
		.type = FIELD_CHOICE,
		AT(step_fields, on_inconclusive),
		.choices = inconclusive_choices,
		.fallback = "hold",
		.help = "when it was applied but not proved"},
	{.key = "on_refused",
		.type = FIELD_CHOICE,
		AT(step_fields, on_refused),
		.choices = refused_choices,
		.fallback = "stop",
		.help = "when guards refuse it"},
	{.key = "on_failure",
		.type = FIELD_NODE,
		AT(step_fields, on_failure),
		.help = "when it fails: stop, continue, rollback or {goto: STEP, max: N}"},
	{.key = "verify",
		.type = FIELD_NODE,
		AT(step_fields, verify),
		.help = "how it is proved: pass_if, fail_if, for, within"},
	{.key = "ramp",
		.type = FIELD_NODE,
		AT(step_fields, ramp),
		.help = "in quanta, each proved before the next: by, hold"},
	{.key = "approve",
		.type = FIELD_BOOL,
		AT(step_fields, approve),
		.fallback = "false",
		.help = "another person approves the very plan before it is carried out"},
	{.key = "timeout",
		.type = FIELD_DURATION,
		AT(step_fields, timeout_ms),
		.min = 1000,
		.max = 604800000,
		.help = "how long the step may take; then it has failed"},
	{.key = "repeat",
		.type = FIELD_INTEGER,
		AT(step_fields, repeat),
		.min = 1,
		.max = RUNBOOK_REPEAT_MOST,
		.fallback = "1",
		.help = "do it as often as `when` still holds, at most"},
};

static const struct field wait_rows[] = {
	{.key = "until",
		.type = FIELD_STRING,
		AT(runbook_row, until),
		.required = true,
		.help = "the condition"},
	{.key = "for",
		.type = FIELD_DURATION,
		AT(runbook_row, for_ms),
		.fallback = "0s",
		.help = "how long it must hold without a break"},
	{.key = "within",
		.type = FIELD_DURATION,
		AT(runbook_row, within_ms),
		.required = true,
		.help = "how long to wait at most"},
	{.key = "on_timeout",
		.type = FIELD_CHOICE,
		AT(runbook_row, on_timeout),
		.choices = timeout_choices,
		.fallback = "stop",
		.help = "when it does not come"},
};

static const struct field do_rows[] = {
	{.key = "action",
		.type = FIELD_STRING,
		AT(runbook_row, action),
		.required = true,
		.help = "an action of the fleet file"},
	{.key = "target",
		.type = FIELD_STRING,
		AT(runbook_row, target),
		.required = true,
		.help = "what it acts on"},
	{.key = "to",
		.type = FIELD_STRING,
		AT(runbook_row, to),
		.required = true,
		.help = "a value, \"x1.5\", \"-25%\" or \"largest-safe\""},
};

void runbook_complain(struct runbook_reader *reader, const struct yaml_node *node, const char *key,
	const char *text)
{
	complaints_add(reader->complaints, node->file, node->line, key, "%s", text);
	reader->ok = false;
}

bool amount_parse(const char *text, struct amount *out)
{
	struct amount amount = {.kind = AMOUNT_ABSOLUTE};
	size_t length = strlen(text);
	if (strcmp(text, "largest-safe") == 0) {
		amount.kind = AMOUNT_LARGEST_SAFE;
	} else if (text[0] == 'x') {
		amount.kind = AMOUNT_TIMES;
		if (!number_parse(text + 1, length - 1, &amount.number) ||
			!(amount.number > 0 && amount.number <= 100))
			return false;
	} else if (text[0] == '-') {
		amount.kind = AMOUNT_LESS;
		if (length < 3 || text[length - 1] != '%' ||
			!number_parse(text + 1, length - 2, &amount.number) ||
			!(amount.number > 0 && amount.number <= 100))
			return false;
		amount.number /= 100;
	} else if (!number_parse(text, length, &amount.number) ||
		   !(amount.number >= 0 && amount.number <= 1e6)) {
		return false;
	}
	*out = amount;
	return true;
}

/* The parameter whose {name} stands at `at`; NULL when it is an ordinary brace. */
static const struct runbook_param *param_at(const char *at, const struct runbook_param *params,
	size_t count, size_t *length, bool *is_name)
{
	size_t name = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	*is_name = at[0] == '{' && name > 0 && at[1 + name] == '}';
	*length = name + 2;
	for (size_t i = 0; *is_name && i < count; i++) {
		if (strlen(params[i].name) == name && strncmp(params[i].name, at + 1, name) == 0)
			return &params[i];
	}
	return NULL;
}

bool runbook_fill(const char *source, const struct runbook_param *params, size_t count,
	char out[RUNBOOK_STRING_BYTES], struct error *error)
{
	size_t used = 0;
	while (*source) {
		size_t length = 1;
		bool is_name = false;
		const char *value = source;
		size_t value_length = 1;
		const struct runbook_param *param =
			*source == '{' ? param_at(source, params, count, &length, &is_name) : NULL;
		if (is_name && !param)
			return error_set(error, ERROR_SCHEMA,
				"%.*s is no parameter of this runbook",
				(int)(length < 60 ? length : 60), source);
		if (!is_name)
			length = 1;
		if (param) {
			value = param->value ? param->value : "";
			value_length = strlen(value);
		}
		if (used + value_length >= RUNBOOK_STRING_BYTES)
			return error_set(error, ERROR_LIMIT, "text is over %d bytes",
				RUNBOOK_STRING_BYTES - 1);
		memcpy(out + used, value, value_length);
		used += value_length;
		source += length;
	}
	out[used] = '\0';
	return true;
}

/* Check a string with harmless values in place of its parameters. */
static bool check_fill(struct runbook_reader *reader, const struct yaml_node *node, const char *key,
	const char *source, char out[RUNBOOK_STRING_BYTES])
{
	struct error error;
	struct runbook_param params[RUNBOOK_PARAMS_MOST];
	memcpy(params, reader->book->params, sizeof(params));
	for (size_t i = 0; i < reader->book->param_count; i++)
		params[i].value = strcmp(params[i].kind, "number") == 0 ? "1" : "x";
	if (runbook_fill(source, params, reader->book->param_count, out, &error))
		return true;
	runbook_complain(reader, node, key, error.text);
	return false;
}

void runbook_check_condition(struct runbook_reader *reader, const struct yaml_node *node,
	const char *path, const char *key, const char *source)
{
	char name[RUNBOOK_KEY_BYTES + 16];
	char filled[RUNBOOK_STRING_BYTES];
	struct error error;
	if (!source)
		return;
	snprintf(name, sizeof(name), "%s.%s", path, key);
	const struct yaml_node *at = yaml_get(node, key);
	at = at ? at : node;
	if (check_fill(reader, at, name, source, filled) &&
		!expression_parse(reader->arena, filled, &error))
		runbook_complain(reader, at, name, error.text);
}

static void read_param(struct runbook_reader *reader, const struct yaml_node *node)
{
	char path[RUNBOOK_KEY_BYTES];
	struct param_fields fields = {.kind = 0};
	snprintf(path, sizeof(path), "params.%.100s", node->key);
	if (!fields_read(param_rows, COUNT(param_rows), node, path, &fields, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	if (!node->key[0] ||
		strspn(node->key, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(node->key))
		runbook_complain(reader, node, path,
			"a parameter's name is lower-case letters, digits, '-' and '_'");
	if (fields.required && fields.fallback)
		runbook_complain(
			reader, node, path, "is required, and so has no use for a default");
	reader->book->params[reader->book->param_count++] = (struct runbook_param){
		.name = node->key,
		.value = fields.fallback,
		.required = fields.required,
		.kind = param_kinds[fields.kind],
		.help = fields.help ? fields.help : "",
	};
}

static void read_params(struct runbook_reader *reader, const struct yaml_node *params)
{
	if (!params)
		return;
	if (params->kind != YAML_MAPPING || params->count > RUNBOOK_PARAMS_MOST) {
		runbook_complain(
			reader, params, "params", "expected a mapping of at most 16 parameters");
		return;
	}
	for (const struct yaml_node *node = params->first; node; node = node->next)
		read_param(reader, node);
}

static void read_wait(struct runbook_reader *reader, const struct yaml_node *node, const char *path,
	struct runbook_row *row)
{
	char inner[RUNBOOK_KEY_BYTES + 16];
	snprintf(inner, sizeof(inner), "%s.wait", path);
	row->is_wait = true;
	if (!fields_read(wait_rows, COUNT(wait_rows), node, inner, row, reader->arena,
		    reader->complaints))
		reader->ok = false;
	else
		runbook_check_condition(reader, node, inner, "until", row->until);
}

static void read_do(struct runbook_reader *reader, const struct yaml_node *node, const char *path,
	struct runbook_row *row)
{
	char inner[RUNBOOK_KEY_BYTES + 16];
	char filled[RUNBOOK_STRING_BYTES];
	struct amount amount;
	snprintf(inner, sizeof(inner), "%s.do", path);
	if (!fields_read(
		    do_rows, COUNT(do_rows), node, inner, row, reader->arena, reader->complaints)) {
		reader->ok = false;
		return;
	}
	check_fill(reader, node, inner, row->target, filled);
	if (check_fill(reader, node, inner, row->to, filled) && !strchr(row->to, '{') &&
		!amount_parse(filled, &amount))
		runbook_complain(reader, node, inner,
			"to: expected a value such as 40, \"x1.5\", \"-25%\" or \"largest-safe\"");
}

static void check_id(struct runbook_reader *reader, const struct yaml_node *node, const char *id)
{
	if (!id[0] || strlen(id) >= ACTION_NAME_BYTES ||
		strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(id))
		runbook_complain(reader, node, "steps.id",
			"a step's id is lower-case letters, digits, '-' and '_', at most 47");
	for (size_t i = 0; i < reader->book->row_count; i++) {
		if (strcmp(reader->book->rows[i].id, id) == 0)
			runbook_complain(reader, node, "steps.id", "another step has this id");
	}
}

static void read_step(struct runbook_reader *reader, const struct yaml_node *node)
{
	char path[RUNBOOK_KEY_BYTES];
	struct step_fields fields = {.id = NULL};
	snprintf(path, sizeof(path), "steps[%zu]", reader->book->row_count + 1);
	if (!fields_read(step_rows, COUNT(step_rows), node, path, &fields, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	struct runbook_row row = {
		.id = fields.id,
		.when = fields.when,
		.on_unknown = fields.on_unknown,
		.on_inconclusive = fields.on_inconclusive,
		.on_refused = fields.on_refused,
		.repeat = fields.repeat,
		.timeout_ms = fields.timeout_ms,
		.approve = fields.approve,
		.line = node->line,
	};
	check_id(reader, node, row.id);
	runbook_check_condition(reader, node, path, "when", row.when);
	if ((fields.wait != NULL) == (fields.act != NULL)) {
		runbook_complain(reader, node, path, "needs one of wait and do");
		return;
	}
	if (row.repeat > 1 && (!row.when || fields.wait))
		runbook_complain(reader, node, path, "repeat needs a do, and a when that ends it");
	if (fields.wait)
		read_wait(reader, fields.wait, path, &row);
	else
		read_do(reader, fields.act, path, &row);
	const struct runbook_flow_nodes flow = {
		.on_failure = fields.on_failure, .verify = fields.verify, .ramp = fields.ramp};
	runbook_read_flow(reader, node, path, &flow, &row);
	reader->book->rows[reader->book->row_count++] = row;
}

static void read_steps(struct runbook_reader *reader, const struct yaml_node *steps)
{
	if (steps->kind != YAML_SEQUENCE || steps->count == 0 ||
		steps->count > RUNBOOK_STEPS_MOST) {
		runbook_complain(reader, steps, "steps", "expected a list of 1 to 64 steps");
		return;
	}
	for (const struct yaml_node *node = steps->first; node; node = node->next)
		read_step(reader, node);
}

const struct runbook *runbook_parse(struct arena *arena, const char *file, const char *bytes,
	size_t length, struct complaints *complaints)
{
	const struct yaml_node *root = yaml_parse(arena, file, bytes, length, complaints);
	return root ? runbook_read_node(arena, root, complaints) : NULL;
}

const struct runbook *runbook_read(
	struct arena *arena, const char *path, struct complaints *complaints)
{
	const struct yaml_node *root = yaml_read(arena, path, complaints);
	return root ? runbook_read_node(arena, root, complaints) : NULL;
}

const struct runbook *runbook_read_node(
	struct arena *arena, const struct yaml_node *root, struct complaints *complaints)
{
	struct runbook_reader reader = {.arena = arena, .complaints = complaints, .ok = true};
	struct book_fields fields = {.version = 0};
	reader.book = arena_alloc(arena, sizeof(*reader.book));
	if (!reader.book) {
		runbook_complain(&reader, root, NULL, "no memory left for this file");
		return NULL;
	}
	if (!fields_read(book_rows, COUNT(book_rows), root, "", &fields, arena, complaints))
		return NULL;
	reader.book->name = fields.name;
	reader.book->file = root->file;
	reader.book->timeout_ms = fields.timeout_ms;
	reader.book->keeps_going = fields.keep_going;
	read_params(&reader, fields.params);
	runbook_read_preflight(&reader, fields.preflight);
	read_steps(&reader, fields.steps);
	runbook_read_rollback(&reader, fields.on_failure);
	runbook_check_jumps(&reader, fields.steps);
	return reader.ok ? reader.book : NULL;
}

size_t runbook_find_row(const struct runbook *runbook, const char *id)
{
	size_t index = 0;
	while (index < runbook->row_count && strcmp(runbook->rows[index].id, id) != 0)
		index++;
	return index;
}

const char *runbook_name(const struct runbook *runbook)
{
	return runbook->name;
}

const struct runbook_param *runbook_params(const struct runbook *runbook, size_t *count)
{
	*count = runbook->param_count;
	return runbook->params;
}

size_t runbook_step_count(const struct runbook *runbook)
{
	return runbook->row_count;
}

void runbook_print_rows(const char *where, const struct field *rows, size_t count, struct text *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct field *row = &rows[i];
		text_printf(out, "%s%s%s\t%s\t", where, where[0] ? ": " : "", row->key,
			row->required   ? "required"
			: row->fallback ? row->fallback
					: "-");
		for (size_t c = 0; row->choices && row->choices[c]; c++)
			text_printf(out, "%s%s", c ? ", " : "", row->choices[c]);
		text_printf(out, "%s\t%s\n", row->choices ? "" : "-", row->help);
	}
}

void runbook_keys(struct text *out)
{
	runbook_print_rows("", book_rows, COUNT(book_rows), out);
	runbook_print_rows("params.NAME", param_rows, COUNT(param_rows), out);
	runbook_print_rows("steps", step_rows, COUNT(step_rows), out);
	runbook_print_rows("steps.wait", wait_rows, COUNT(wait_rows), out);
	runbook_print_rows("steps.do", do_rows, COUNT(do_rows), out);
	runbook_flow_keys(out);
}

/* ---- the schema ---- */

static void write_step_key(void *context, const struct field *row, struct json_writer *writer)
{
	(void)context;
	if (strcmp(row->key, "wait") == 0)
		fields_schema_write(wait_rows, COUNT(wait_rows), NULL, NULL, writer);
	else if (strcmp(row->key, "do") == 0)
		fields_schema_write(do_rows, COUNT(do_rows), NULL, NULL, writer);
	else
		runbook_schema_flow(row->key, writer);
}

/* {"required":["wait"]} */
static void write_needs(const char *key, struct json_writer *writer)
{
	json_begin_object(writer);
	json_key(writer, "required");
	json_begin_array(writer);
	json_string(writer, key);
	json_end_array(writer);
	json_end_object(writer);
}

static void write_step(struct json_writer *writer)
{
	json_begin_object(writer);
	json_key(writer, "allOf");
	json_begin_array(writer);
	fields_schema_write(step_rows, COUNT(step_rows), write_step_key, NULL, writer);
	json_begin_object(writer);
	json_key(writer, "oneOf");
	json_begin_array(writer);
	write_needs("wait", writer);
	write_needs("do", writer);
	json_end_array(writer);
	json_end_object(writer);
	json_end_array(writer);
	json_end_object(writer);
}

/* Parameters by name, and lists of steps and assertions. */
static void write_book_key(void *context, const struct field *row, struct json_writer *writer)
{
	(void)context;
	bool is_params = strcmp(row->key, "params") == 0;
	bool is_steps = strcmp(row->key, "steps") == 0;
	if (strcmp(row->key, "on_failure") == 0) {
		runbook_schema_rollback(writer);
		return;
	}
	json_begin_object(writer);
	json_member_string(writer, "description", row->help);
	json_member_string(writer, "type", is_params ? "object" : "array");
	if (is_params)
		json_member_integer(writer, "maxProperties", RUNBOOK_PARAMS_MOST);
	else
		json_member_integer(
			writer, "maxItems", is_steps ? RUNBOOK_STEPS_MOST : RUNBOOK_ASSERTS_MOST);
	if (is_steps)
		json_member_integer(writer, "minItems", 1);
	json_key(writer, is_params ? "additionalProperties" : "items");
	if (is_params)
		fields_schema_write(param_rows, COUNT(param_rows), NULL, NULL, writer);
	else if (is_steps)
		write_step(writer);
	else
		runbook_schema_assert(writer);
	json_end_object(writer);
}

void runbook_schema(struct text *out)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	json_begin_object(&writer);
	json_member_string(&writer, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_member_string(&writer, "title", "Spillway runbook");
	json_key(&writer, "allOf");
	json_begin_array(&writer);
	fields_schema_write(book_rows, COUNT(book_rows), write_book_key, NULL, &writer);
	json_end_array(&writer);
	json_end_object(&writer);
	text_add_char(out, '\n');
}
