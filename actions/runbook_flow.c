#include "actions/runbook_flow.h"

#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/fields.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define AT(type, member) .offset = offsetof(struct type, member)
#define DAY_MS 86400000.0

static const struct field goto_rows[] = {
	{.key = "goto",
		.type = FIELD_STRING,
		AT(runbook_row, goto_id),
		.required = true,
		.help = "the step to go to"},
	{.key = "max",
		.type = FIELD_INTEGER,
		AT(runbook_row, goto_most),
		.min = 1,
		.max = RUNBOOK_JUMPS_MOST,
		.fallback = "1",
		.help = "how often at most; then it stops"},
};

static const struct field verify_rows[] = {
	{.key = "pass_if",
		.type = FIELD_STRING,
		AT(runbook_proof, pass_if),
		.required = true,
		.help = "what shows that it did good"},
	{.key = "fail_if",
		.type = FIELD_STRING,
		AT(runbook_proof, fail_if),
		.help = "what shows that it did harm"},
	{.key = "for",
		.type = FIELD_DURATION,
		AT(runbook_proof, for_ms),
		.fallback = "0s",
		.help = "how long pass_if must hold without a break"},
	{.key = "within",
		.type = FIELD_DURATION,
		AT(runbook_proof, within_ms),
		.min = 1000,
		.max = DAY_MS,
		.required = true,
		.help = "how long to look; then it is inconclusive"},
};

static const struct field ramp_rows[] = {
	{.key = "by",
		.type = FIELD_PERCENT,
		AT(runbook_row, ramp_by),
		.min = 0.01,
		.max = 1,
		.fallback = "10%",
		.help = "one quantum, as a share of the value at the fuller end of the way"},
	{.key = "hold",
		.type = FIELD_DURATION,
		AT(runbook_row, ramp_hold_ms),
		.min = 0,
		.max = DAY_MS,
		.fallback = "60s",
		.help = "rest between two quanta"},
};

struct rollback_fields {
	int order;
	const struct yaml_node *except;
};

static const char *const order_choices[] = {"reverse", NULL};

static const struct field rollback_rows[] = {
	{.key = "rollback",
		.type = FIELD_CHOICE,
		AT(rollback_fields, order),
		.choices = order_choices,
		.required = true,
		.help = "take back what the run did, the newest first"},
	{.key = "except",
		.type = FIELD_NODE,
		AT(rollback_fields, except),
		.help = "steps whose changes stay"},
};

static const struct field assert_rows[] = {
	{.key = "id",
		.type = FIELD_STRING,
		AT(runbook_assert, id),
		.required = true,
		.help = "its name"},
	{.key = "assert",
		.type = FIELD_STRING,
		AT(runbook_assert, that),
		.required = true,
		.help = "what must hold; unknown refuses too"},
};

static void inner_path(const char *path, const char *key, char out[RUNBOOK_KEY_BYTES + 16])
{
	snprintf(out, RUNBOOK_KEY_BYTES + 16, "%s.%s", path, key);
}

/* In the order of enum on_failure; a mapping is the fourth. */
static const char *const failure_words[] = {"stop", "continue", "rollback"};

static void read_on_failure(struct runbook_reader *reader, const struct yaml_node *node,
	const char *path, struct runbook_row *row)
{
	char inner[RUNBOOK_KEY_BYTES + 16];
	inner_path(path, "on_failure", inner);
	row->says_on_failure = true;
	if (node->kind == YAML_MAPPING) {
		row->on_failure = ON_FAILURE_GOTO;
		if (!fields_read(goto_rows, COUNT(goto_rows), node, inner, row, reader->arena,
			    reader->complaints))
			reader->ok = false;
		return;
	}
	for (size_t i = 0; node->kind == YAML_SCALAR && i < COUNT(failure_words); i++) {
		if (strcmp(node->scalar, failure_words[i]) == 0) {
			row->on_failure = (enum on_failure)i;
			return;
		}
	}
	runbook_complain(
		reader, node, inner, "expected stop, continue, rollback or {goto: STEP, max: 1}");
}

static void read_verify(struct runbook_reader *reader, const struct yaml_node *node,
	const char *path, struct runbook_row *row)
{
	char inner[RUNBOOK_KEY_BYTES + 16];
	inner_path(path, "verify", inner);
	if (!fields_read(verify_rows, COUNT(verify_rows), node, inner, &row->proof, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	runbook_check_condition(reader, node, inner, "pass_if", row->proof.pass_if);
	runbook_check_condition(reader, node, inner, "fail_if", row->proof.fail_if);
}

static void read_ramp(struct runbook_reader *reader, const struct yaml_node *node, const char *path,
	struct runbook_row *row)
{
	char inner[RUNBOOK_KEY_BYTES + 16];
	inner_path(path, "ramp", inner);
	if (!fields_read(ramp_rows, COUNT(ramp_rows), node, inner, row, reader->arena,
		    reader->complaints))
		reader->ok = false;
	if (row->repeat > 1)
		runbook_complain(reader, node, inner, "a ramp goes on by itself: no repeat");
	if (row->to && strcmp(row->to, "largest-safe") == 0)
		runbook_complain(reader, node, inner,
			"a ramp needs an end: a value, \"xN\" or \"-N%\", not largest-safe");
}

void runbook_read_flow(struct runbook_reader *reader, const struct yaml_node *node,
	const char *path, const struct runbook_flow_nodes *flow, struct runbook_row *row)
{
	if (row->is_wait && (flow->verify || flow->ramp || row->approve))
		runbook_complain(
			reader, node, path, "verify, ramp and approve belong to a step with do");
	row->on_failure = reader->book->keeps_going ? ON_FAILURE_CONTINUE : ON_FAILURE_STOP;
	if (flow->on_failure)
		read_on_failure(reader, flow->on_failure, path, row);
	if (row->is_wait)
		return;
	if (flow->verify)
		read_verify(reader, flow->verify, path, row);
	if (flow->ramp)
		read_ramp(reader, flow->ramp, path, row);
}

static void read_assert(struct runbook_reader *reader, const struct yaml_node *node)
{
	char path[RUNBOOK_KEY_BYTES];
	struct runbook_assert row = {.line = node->line};
	snprintf(path, sizeof(path), "preflight[%zu]", reader->book->assert_count + 1);
	if (!fields_read(assert_rows, COUNT(assert_rows), node, path, &row, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	runbook_check_condition(reader, node, path, "assert", row.that);
	reader->book->asserts[reader->book->assert_count++] = row;
}

void runbook_read_preflight(struct runbook_reader *reader, const struct yaml_node *list)
{
	if (!list)
		return;
	if (list->kind != YAML_SEQUENCE || list->count > RUNBOOK_ASSERTS_MOST) {
		runbook_complain(
			reader, list, "preflight", "expected a list of at most 16 assertions");
		return;
	}
	for (const struct yaml_node *node = list->first; node; node = node->next)
		read_assert(reader, node);
}

void runbook_read_rollback(struct runbook_reader *reader, const struct yaml_node *node)
{
	struct rollback_fields fields = {.except = NULL};
	if (!node)
		return;
	if (!fields_read(rollback_rows, COUNT(rollback_rows), node, "on_failure", &fields,
		    reader->arena, reader->complaints)) {
		reader->ok = false;
		return;
	}
	reader->book->rolls_back = true;
	if (fields.except && fields.except->kind != YAML_SEQUENCE) {
		runbook_complain(
			reader, fields.except, "on_failure.except", "expected a list of steps");
		return;
	}
	const struct yaml_node *item = fields.except ? fields.except->first : NULL;
	for (; item; item = item->next) {
		size_t row = item->kind == YAML_SCALAR
				     ? runbook_find_row(reader->book, item->scalar)
				     : reader->book->row_count;
		if (row == reader->book->row_count)
			runbook_complain(
				reader, item, "on_failure.except", "there is no step of this id");
		else
			reader->book->rows[row].is_excepted = true;
	}
}

void runbook_check_jumps(struct runbook_reader *reader, const struct yaml_node *steps)
{
	for (size_t i = 0; i < reader->book->row_count; i++) {
		const struct runbook_row *row = &reader->book->rows[i];
		const struct yaml_node at = {.file = steps->file, .line = row->line};
		if (row->goto_id &&
			runbook_find_row(reader->book, row->goto_id) == reader->book->row_count)
			runbook_complain(reader, &at, "steps.on_failure.goto",
				"there is no step of this id");
	}
}

void runbook_flow_keys(struct text *out)
{
	runbook_print_rows("preflight", assert_rows, COUNT(assert_rows), out);
	runbook_print_rows("steps.verify", verify_rows, COUNT(verify_rows), out);
	runbook_print_rows("steps.ramp", ramp_rows, COUNT(ramp_rows), out);
	runbook_print_rows("steps.on_failure", goto_rows, COUNT(goto_rows), out);
	runbook_print_rows("on_failure", rollback_rows, COUNT(rollback_rows), out);
}

/* ---- the schema ---- */

void runbook_schema_assert(struct json_writer *writer)
{
	fields_schema_write(assert_rows, COUNT(assert_rows), NULL, NULL, writer);
}

void runbook_schema_rollback(struct json_writer *writer)
{
	fields_schema_write(rollback_rows, COUNT(rollback_rows), fields_schema_words, NULL, writer);
}

/* A word, or where to go. */
static void write_on_failure(struct json_writer *writer)
{
	json_begin_object(writer);
	json_key(writer, "anyOf");
	json_begin_array(writer);
	json_begin_object(writer);
	json_key(writer, "enum");
	json_begin_array(writer);
	for (size_t i = 0; i < COUNT(failure_words); i++)
		json_string(writer, failure_words[i]);
	json_end_array(writer);
	json_end_object(writer);
	fields_schema_write(goto_rows, COUNT(goto_rows), NULL, NULL, writer);
	json_end_array(writer);
	json_end_object(writer);
}

void runbook_schema_flow(const char *key, struct json_writer *writer)
{
	if (strcmp(key, "verify") == 0)
		fields_schema_write(verify_rows, COUNT(verify_rows), NULL, NULL, writer);
	else if (strcmp(key, "ramp") == 0)
		fields_schema_write(ramp_rows, COUNT(ramp_rows), NULL, NULL, writer);
	else
		write_on_failure(writer);
}
