#include "actions/runbook.h"

#include <stdio.h>
#include <string.h>

#include "actions/runbook_parts.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/fields.h"
#include "core/base/number.h"
#include "core/base/yaml.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define KEY_PATH_BYTES 160

static const char *const unknown_choices[] = {"stop", "skip", NULL};
static const char *const trouble_choices[] = {"stop", "continue", NULL};
static const char *const timeout_choices[] = {"stop", "continue", "finish", NULL};
static const char *const param_kinds[] = {"cluster", "replica", "number", "string", NULL};

struct book_fields {
	int64_t version;
	const char *name, *help;
	const struct yaml_node *params, *steps;
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
	{.key = "steps",
		.type = FIELD_NODE,
		AT(book_fields, steps),
		.required = true,
		.help = "what it does, in order"},
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
	int64_t repeat;
	const struct yaml_node *wait, *act;
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
		.choices = trouble_choices,
		.fallback = "stop",
		.help = "when it was applied but not proved"},
	{.key = "on_refused",
		.type = FIELD_CHOICE,
		AT(step_fields, on_refused),
		.choices = trouble_choices,
		.fallback = "stop",
		.help = "when guards refuse it"},
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

struct reader {
	struct arena *arena;
	struct complaints *complaints;
	struct runbook *book;
	bool ok;
};

static void complain(
	struct reader *reader, const struct yaml_node *node, const char *key, const char *text)
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
static bool check_fill(struct reader *reader, const struct yaml_node *node, const char *key,
	const char *source, char out[RUNBOOK_STRING_BYTES])
{
	struct error error;
	struct runbook_param params[RUNBOOK_PARAMS_MOST];
	memcpy(params, reader->book->params, sizeof(params));
	for (size_t i = 0; i < reader->book->param_count; i++)
		params[i].value = strcmp(params[i].kind, "number") == 0 ? "1" : "x";
	if (runbook_fill(source, params, reader->book->param_count, out, &error))
		return true;
	complain(reader, node, key, error.text);
	return false;
}

static void check_condition(struct reader *reader, const struct yaml_node *node, const char *path,
	const char *key, const char *source)
{
	char name[KEY_PATH_BYTES + 16];
	char filled[RUNBOOK_STRING_BYTES];
	struct error error;
	if (!source)
		return;
	snprintf(name, sizeof(name), "%s.%s", path, key);
	const struct yaml_node *at = yaml_get(node, key);
	at = at ? at : node;
	if (check_fill(reader, at, name, source, filled) &&
		!expression_parse(reader->arena, filled, &error))
		complain(reader, at, name, error.text);
}

static void read_param(struct reader *reader, const struct yaml_node *node)
{
	char path[KEY_PATH_BYTES];
	struct param_fields fields = {.kind = 0};
	snprintf(path, sizeof(path), "params.%.100s", node->key);
	if (!fields_read(param_rows, COUNT(param_rows), node, path, &fields, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	if (!node->key[0] ||
		strspn(node->key, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(node->key))
		complain(reader, node, path,
			"a parameter's name is lower-case letters, digits, '-' and '_'");
	if (fields.required && fields.fallback)
		complain(reader, node, path, "is required, and so has no use for a default");
	reader->book->params[reader->book->param_count++] = (struct runbook_param){
		.name = node->key,
		.value = fields.fallback,
		.required = fields.required,
		.kind = param_kinds[fields.kind],
		.help = fields.help ? fields.help : "",
	};
}

static void read_params(struct reader *reader, const struct yaml_node *params)
{
	if (!params)
		return;
	if (params->kind != YAML_MAPPING || params->count > RUNBOOK_PARAMS_MOST) {
		complain(reader, params, "params", "expected a mapping of at most 16 parameters");
		return;
	}
	for (const struct yaml_node *node = params->first; node; node = node->next)
		read_param(reader, node);
}

static void read_wait(struct reader *reader, const struct yaml_node *node, const char *path,
	struct runbook_row *row)
{
	char inner[KEY_PATH_BYTES + 16];
	snprintf(inner, sizeof(inner), "%s.wait", path);
	row->is_wait = true;
	if (!fields_read(wait_rows, COUNT(wait_rows), node, inner, row, reader->arena,
		    reader->complaints))
		reader->ok = false;
	else
		check_condition(reader, node, inner, "until", row->until);
}

static void read_do(struct reader *reader, const struct yaml_node *node, const char *path,
	struct runbook_row *row)
{
	char inner[KEY_PATH_BYTES + 16];
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
		complain(reader, node, inner,
			"to: expected a value such as 40, \"x1.5\", \"-25%\" or \"largest-safe\"");
}

static void check_id(struct reader *reader, const struct yaml_node *node, const char *id)
{
	if (!id[0] || strlen(id) >= ACTION_NAME_BYTES ||
		strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(id))
		complain(reader, node, "steps.id",
			"a step's id is lower-case letters, digits, '-' and '_', at most 47");
	for (size_t i = 0; i < reader->book->row_count; i++) {
		if (strcmp(reader->book->rows[i].id, id) == 0)
			complain(reader, node, "steps.id", "another step has this id");
	}
}

static void read_step(struct reader *reader, const struct yaml_node *node)
{
	char path[KEY_PATH_BYTES];
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
		.line = node->line,
	};
	check_id(reader, node, row.id);
	check_condition(reader, node, path, "when", row.when);
	if ((fields.wait != NULL) == (fields.act != NULL)) {
		complain(reader, node, path, "needs one of wait and do");
		return;
	}
	if (row.repeat > 1 && (!row.when || fields.wait))
		complain(reader, node, path, "repeat needs a do, and a when that ends it");
	if (fields.wait)
		read_wait(reader, fields.wait, path, &row);
	else
		read_do(reader, fields.act, path, &row);
	reader->book->rows[reader->book->row_count++] = row;
}

static void read_steps(struct reader *reader, const struct yaml_node *steps)
{
	if (steps->kind != YAML_SEQUENCE || steps->count == 0 ||
		steps->count > RUNBOOK_STEPS_MOST) {
		complain(reader, steps, "steps", "expected a list of 1 to 64 steps");
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
	struct reader reader = {.arena = arena, .complaints = complaints, .ok = true};
	struct book_fields fields = {.version = 0};
	reader.book = arena_alloc(arena, sizeof(*reader.book));
	if (!reader.book) {
		complain(&reader, root, NULL, "no memory left for this file");
		return NULL;
	}
	if (!fields_read(book_rows, COUNT(book_rows), root, "", &fields, arena, complaints))
		return NULL;
	reader.book->name = fields.name;
	reader.book->file = root->file;
	read_params(&reader, fields.params);
	read_steps(&reader, fields.steps);
	return reader.ok ? reader.book : NULL;
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
