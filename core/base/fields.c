#include "core/base/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#define PATH_BYTES 256
#define SHOWN_BYTES 64
#define LONGEST_DURATION_MS 3.2e14 /* ten thousand years: beyond it something is mistyped */

/* A unit behind a number, and what one of it is in the C unit: number * by / per. */
struct unit {
	const char *name;
	double by;
	double per;
};

static const struct unit duration_units[] = {
	{"ms", 1, 1}, {"s", 1000, 1}, {"m", 60000, 1}, {"h", 3600000, 1}, {"d", 86400000, 1}, {0}};
static const struct unit percent_units[] = {{"%", 1, 100}, {0}};
static const struct unit factor_units[] = {{"x", 1, 1}, {0}};

typedef bool parse_fn(const struct field *row, const char *scalar, void *out, struct arena *arena);

/* What each type is called, how it is read, and how an editor may check it. */
struct type_row {
	const char *expected;
	parse_fn *parse;
	bool never_quoted;
	bool number_in_schema;
	const char *schema_type;
	const char *pattern_units; /* a regular expression behind the digits */
	const struct unit *units;
};

static parse_fn parse_string, parse_bool, parse_integer, parse_number, parse_duration, parse_share,
	parse_time, parse_choice, parse_node;

static const struct type_row types[] = {
	[FIELD_STRING] = {.expected = "text", .parse = parse_string},
	[FIELD_BOOL] = {.expected = "true or false",
		.parse = parse_bool,
		.never_quoted = true,
		.schema_type = "boolean"},
	[FIELD_INTEGER] = {.expected = "a whole number such as '5'",
		.parse = parse_integer,
		.never_quoted = true,
		.number_in_schema = true,
		.schema_type = "integer"},
	[FIELD_NUMBER] = {.expected = "a number such as '0.5'",
		.parse = parse_number,
		.never_quoted = true,
		.number_in_schema = true,
		.schema_type = "number"},
	[FIELD_DURATION] = {.expected = "a duration such as '2s'",
		.parse = parse_duration,
		.schema_type = "string",
		.pattern_units = "(ms|s|m|h|d)",
		.units = duration_units},
	[FIELD_PERCENT] = {.expected = "a percentage such as '15%'",
		.parse = parse_share,
		.schema_type = "string",
		.pattern_units = "%",
		.units = percent_units},
	[FIELD_FACTOR] = {.expected = "a factor such as '2x'",
		.parse = parse_share,
		.schema_type = "string",
		.pattern_units = "x",
		.units = factor_units},
	[FIELD_TIME] = {.expected = "a time such as '2026-02-04T17:06:00Z'",
		.parse = parse_time,
		.schema_type = "string"},
	[FIELD_CHOICE] = {.expected = "one of", .parse = parse_choice},
	[FIELD_NODE] = {.expected = "a mapping or a list", .parse = parse_node},
};

static bool is_bounded(const struct field *row)
{
	return row->min != 0 || row->max != 0;
}

static bool is_within(const struct field *row, double value)
{
	return !is_bounded(row) || (value >= row->min && value <= row->max);
}

/* ---- one scalar ---- */

/* Digits, at most one point between digits, then one of the units; the value in the C unit. */
static bool parse_with_unit(
	const struct field *row, const struct unit *units, const char *scalar, double *out)
{
	const char *at = scalar;
	if (*at == '-' && row->min < 0)
		at++;
	size_t whole = strspn(at, "0123456789");
	at += whole;
	size_t fraction = *at == '.' ? strspn(at + 1, "0123456789") : 1;
	if (whole == 0 || fraction == 0)
		return false;
	if (*at == '.')
		at += 1 + fraction;
	double number = 0;
	if (!number_parse(scalar, (size_t)(at - scalar), &number))
		return false;
	for (const struct unit *unit = units; unit->name; unit++) {
		if (strcmp(at, unit->name) == 0) {
			*out = number * unit->by / unit->per;
			return true;
		}
	}
	return false;
}

static bool parse_string(
	const struct field *row, const char *scalar, void *out, struct arena *arena)
{
	(void)row;
	const char *copy = arena_strdup(arena, scalar);
	if (!copy)
		return false;
	memcpy(out, &copy, sizeof(copy));
	return true;
}

static bool parse_bool(const struct field *row, const char *scalar, void *out, struct arena *arena)
{
	(void)row;
	(void)arena;
	bool value = strcmp(scalar, "true") == 0;
	if (!value && strcmp(scalar, "false") != 0)
		return false;
	memcpy(out, &value, sizeof(value));
	return true;
}

static bool parse_integer(
	const struct field *row, const char *scalar, void *out, struct arena *arena)
{
	(void)arena;
	int64_t value = 0;
	if (!number_parse_integer(scalar, strlen(scalar), &value) || !is_within(row, (double)value))
		return false;
	memcpy(out, &value, sizeof(value));
	return true;
}

static bool parse_number(
	const struct field *row, const char *scalar, void *out, struct arena *arena)
{
	(void)arena;
	double value = 0;
	if (!number_parse(scalar, strlen(scalar), &value) || isnan(value) || isinf(value) ||
		!is_within(row, value))
		return false;
	memcpy(out, &value, sizeof(value));
	return true;
}

static bool parse_duration(
	const struct field *row, const char *scalar, void *out, struct arena *arena)
{
	(void)arena;
	double ms = 0;
	if (!parse_with_unit(row, duration_units, scalar, &ms) || fabs(ms) > LONGEST_DURATION_MS ||
		!is_within(row, ms))
		return false;
	int64_t value = llround(ms);
	memcpy(out, &value, sizeof(value));
	return true;
}

static bool parse_share(const struct field *row, const char *scalar, void *out, struct arena *arena)
{
	(void)arena;
	double value = 0;
	if (!parse_with_unit(row, types[row->type].units, scalar, &value) || !is_within(row, value))
		return false;
	memcpy(out, &value, sizeof(value));
	return true;
}

static bool parse_time(const struct field *row, const char *scalar, void *out, struct arena *arena)
{
	(void)row;
	(void)arena;
	int64_t value = 0;
	if (!clock_parse(scalar, &value))
		return false;
	memcpy(out, &value, sizeof(value));
	return true;
}

static size_t choice_count(const struct field *row)
{
	size_t count = 0;
	while (row->choices[count])
		count++;
	return count;
}

static bool parse_choice(
	const struct field *row, const char *scalar, void *out, struct arena *arena)
{
	(void)arena;
	for (int i = 0; row->choices[i]; i++) {
		if (strcmp(row->choices[i], scalar) == 0) {
			memcpy(out, &i, sizeof(i));
			return true;
		}
	}
	return false;
}

static bool parse_node(const struct field *row, const char *scalar, void *out, struct arena *arena)
{
	(void)row;
	(void)scalar;
	(void)out;
	(void)arena;
	return false;
}

/* ---- what was expected ---- */

/* A bound as it would be written in the file. */
static void write_bound(const struct field *row, double bound, struct text *out)
{
	const struct unit *unit = types[row->type].units;
	double value = bound;
	if (unit) {
		/* The largest unit that needs no fraction: 90000 is "90s", 3600000 is "1h". */
		for (const struct unit *next = unit + 1; next->name; next++) {
			if (bound != 0 && fmod(bound, next->by) == 0)
				unit = next;
		}
		value = round(bound * unit->per / unit->by * 1e6) / 1e6;
	}
	char number[NUMBER_TEXT_BYTES];
	number_write(value, number);
	text_printf(out, "%s%s", number, unit ? unit->name : "");
}

static void write_bounds(const struct field *row, struct text *out)
{
	bool low = isfinite(row->min);
	bool high = isfinite(row->max);
	if (!is_bounded(row))
		return;
	if (low) {
		text_add(out, high ? "from " : "at least ");
		write_bound(row, row->min, out);
	}
	if (high) {
		text_add(out, low ? " to " : "at most ");
		write_bound(row, row->max, out);
	}
}

static void write_expected(const struct field *row, struct text *out)
{
	text_printf(out, "expected %s", types[row->type].expected);
	for (size_t i = 0; row->type == FIELD_CHOICE && row->choices[i]; i++)
		text_printf(out, "%s %s", i == 0 ? "" : ",", row->choices[i]);
	if (is_bounded(row)) {
		text_add(out, ", ");
		write_bounds(row, out);
	}
}

/* The reason as built, or, where there was no memory to build it, that. */
static void copy_reason(const struct text *text, char *why, size_t why_size)
{
	bool built = text->length > 0;
	snprintf(why, why_size, "%s", built ? text_string(text) : "no memory to say what is wrong");
}

static void explain(const struct field *row, const char *scalar, char *why, size_t why_size)
{
	struct text text;
	text_init(&text, FIELD_WHY_BYTES - 1);
	write_expected(row, &text);
	char shown[SHOWN_BYTES];
	sanitise(scalar, strlen(scalar), shown, sizeof(shown));
	if (scalar[0] == '\0')
		text_add(&text, ", not nothing");
	else
		text_printf(&text, ", not '%s'", shown);
	if (row->type == FIELD_CHOICE) {
		const char *nearest = complaints_nearest(scalar, row->choices, choice_count(row));
		if (nearest)
			text_printf(&text, "; did you mean '%s'?", nearest);
	}
	copy_reason(&text, why, why_size);
	text_finish(&text);
}

bool field_parse(const struct field *row, const char *scalar, void *out, struct arena *arena,
	char *why, size_t why_size)
{
	if (types[row->type].parse(row, scalar, out, arena))
		return true;
	if (row->type == FIELD_STRING)
		snprintf(why, why_size, "no memory left for this text");
	else
		explain(row, scalar, why, why_size);
	return false;
}

/* ---- a mapping ---- */

static void set_zero(const struct field *row, void *out)
{
	static const size_t sizes[] = {
		[FIELD_STRING] = sizeof(const char *),
		[FIELD_BOOL] = sizeof(bool),
		[FIELD_INTEGER] = sizeof(int64_t),
		[FIELD_DURATION] = sizeof(int64_t),
		[FIELD_TIME] = sizeof(int64_t),
		[FIELD_NODE] = sizeof(const struct yaml_node *),
		[FIELD_NUMBER] = sizeof(double),
		[FIELD_PERCENT] = sizeof(double),
		[FIELD_FACTOR] = sizeof(double),
		[FIELD_CHOICE] = sizeof(int),
	};
	const double unknown = NAN;
	const int none = -1;
	memset(out, 0, sizes[row->type]);
	if (sizes[row->type] == sizeof(double) &&
		(row->type == FIELD_NUMBER || row->type == FIELD_PERCENT ||
			row->type == FIELD_FACTOR))
		memcpy(out, &unknown, sizeof(unknown));
	else if (row->type == FIELD_CHOICE)
		memcpy(out, &none, sizeof(none));
}

static void join_path(const char *path, const char *key, char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, "%.120s%s%.120s", path, path[0] ? "." : "", key);
}

struct reading {
	const struct field *rows;
	size_t count;
	const char *path;
	struct arena *arena;
	struct complaints *complaints;
};

static void complain_unknown(const struct reading *reading, const struct yaml_node *member)
{
	char path[PATH_BYTES];
	join_path(reading->path, member->key, path);
	const char *nearest = NULL;
	const char **keys = arena_array(reading->arena, reading->count, sizeof(*keys));
	for (size_t i = 0; keys && i < reading->count; i++)
		keys[i] = reading->rows[i].key;
	if (keys)
		nearest = complaints_nearest(member->key, keys, reading->count);
	struct text known;
	text_init(&known, FIELD_WHY_BYTES);
	for (size_t i = 0; i < reading->count; i++)
		text_printf(&known, "%s%s", i == 0 ? "" : ", ", reading->rows[i].key);
	if (nearest)
		complaints_add(reading->complaints, member->file, member->key_line, path,
			"unknown key; did you mean '%s'?", nearest);
	else
		complaints_add(reading->complaints, member->file, member->key_line, path,
			"unknown key; known here: %s", text_string(&known));
	text_finish(&known);
}

static bool read_member(const struct reading *reading, const struct field *row,
	const struct yaml_node *member, void *out)
{
	if (row->type == FIELD_NODE) {
		const struct yaml_node **slot = out;
		*slot = member;
		return true;
	}
	char path[PATH_BYTES];
	char why[FIELD_WHY_BYTES] = "";
	join_path(reading->path, row->key, path);
	bool is_text = member->kind == YAML_SCALAR;
	bool is_nothing = is_text && !member->quoted && member->scalar[0] == '\0';
	bool misquoted = is_text && member->quoted && types[row->type].never_quoted;
	if (is_text && !is_nothing && !misquoted &&
		field_parse(row, member->scalar, out, reading->arena, why, sizeof(why)))
		return true;
	if (why[0] == '\0') {
		struct text text;
		text_init(&text, sizeof(why) - 1);
		write_expected(row, &text);
		text_printf(
			&text, ", not %s", misquoted ? "text in quotes" : yaml_kind_words(member));
		copy_reason(&text, why, sizeof(why));
		text_finish(&text);
	}
	complaints_add(reading->complaints, member->file, member->line, path, "%s", why);
	return false;
}

static const struct field *find_row(const struct reading *reading, const char *key)
{
	for (size_t i = 0; i < reading->count; i++) {
		if (strcmp(reading->rows[i].key, key) == 0)
			return &reading->rows[i];
	}
	return NULL;
}

static bool complain_missing(const struct reading *reading, const struct yaml_node *mapping)
{
	bool complete = true;
	for (size_t i = 0; i < reading->count; i++) {
		const struct field *row = &reading->rows[i];
		if (!row->required || yaml_get(mapping, row->key))
			continue;
		struct text expected;
		char path[PATH_BYTES];
		join_path(reading->path, row->key, path);
		text_init(&expected, FIELD_WHY_BYTES);
		write_expected(row, &expected);
		complaints_add(reading->complaints, mapping->file, mapping->key_line, path,
			"missing; %s", text_string(&expected));
		text_finish(&expected);
		complete = false;
	}
	return complete;
}

/* Every field its fallback. Of a sound table only a text can fail, for want of memory. */
static bool set_fallbacks(
	const struct reading *reading, const struct yaml_node *mapping, char *base)
{
	bool ok = true;
	for (size_t i = 0; i < reading->count; i++) {
		const struct field *row = &reading->rows[i];
		char why[FIELD_WHY_BYTES];
		char path[PATH_BYTES];
		set_zero(row, base + row->offset);
		if (!row->fallback || field_parse(row, row->fallback, base + row->offset,
					      reading->arena, why, sizeof(why)))
			continue;
		join_path(reading->path, row->key, path);
		complaints_add(reading->complaints, mapping ? mapping->file : "fallback",
			mapping ? mapping->line : 0, path, "%s", why);
		ok = false;
	}
	return ok;
}

bool fields_read(const struct field *rows, size_t count, const struct yaml_node *mapping,
	const char *path, void *out, struct arena *arena, struct complaints *complaints)
{
	const struct reading reading = {.rows = rows,
		.count = count,
		.path = path,
		.arena = arena,
		.complaints = complaints};
	char *base = out;
	bool ok = set_fallbacks(&reading, mapping, base);
	if (!mapping)
		return ok;
	if (mapping->kind != YAML_MAPPING) {
		complaints_add(complaints, mapping->file, mapping->line, path,
			"expected a mapping, not %s", yaml_kind_words(mapping));
		return false;
	}
	for (const struct yaml_node *member = mapping->first; member; member = member->next) {
		const struct field *row = find_row(&reading, member->key);
		if (!row)
			complain_unknown(&reading, member);
		if (!row || !read_member(&reading, row, member, base + row->offset))
			ok = false;
	}
	return complain_missing(&reading, mapping) && ok;
}

bool fields_check(const struct field *rows, size_t count, struct error *error)
{
	struct arena *arena = arena_create((size_t)1024 * 1024);
	if (!arena)
		return error_no_memory(error, "checking a table");
	bool ok = true;
	for (size_t i = 0; ok && i < count; i++) {
		union {
			double number;
			int64_t integer;
			const char *string;
			bool truth;
			int choice;
		} scratch;
		char why[FIELD_WHY_BYTES] = "";
		for (size_t j = 0; ok && j < i; j++) {
			if (strcmp(rows[i].key, rows[j].key) == 0)
				ok = error_set(error, ERROR_SCHEMA, "key '%s' twice", rows[i].key);
		}
		if (ok && rows[i].type == FIELD_CHOICE && !rows[i].choices)
			ok = error_set(error, ERROR_SCHEMA, "'%s' has no choices", rows[i].key);
		if (ok && rows[i].fallback &&
			!field_parse(&rows[i], rows[i].fallback, &scratch, arena, why, sizeof(why)))
			ok = error_set(
				error, ERROR_SCHEMA, "fallback of '%s': %s", rows[i].key, why);
	}
	arena_destroy(arena);
	return ok;
}

/* ---- schema ---- */

static void write_description(const struct field *row, struct json_writer *writer)
{
	struct text text;
	text_init(&text, 2048);
	text_add(&text, row->help ? row->help : "");
	/* A pattern cannot compare, so bounds on values with units are told to the reader instead.
	 */
	if (types[row->type].units && is_bounded(row)) {
		text_add(&text, text.length > 0 ? " (" : "(");
		write_bounds(row, &text);
		text_add(&text, ")");
	}
	if (text.length > 0)
		json_member_string(writer, "description", text_string(&text));
	if (!text_ok(&text))
		writer->out->failed = true;
	text_finish(&text);
}

static void write_default(const struct field *row, struct json_writer *writer)
{
	if (!row->fallback)
		return;
	json_key(writer, "default");
	double number = 0;
	if (row->type == FIELD_BOOL)
		json_bool(writer, strcmp(row->fallback, "true") == 0);
	else if (types[row->type].number_in_schema &&
		 number_parse(row->fallback, strlen(row->fallback), &number))
		json_number(writer, number);
	else
		json_string(writer, row->fallback);
}

static void write_constraints(const struct field *row, struct json_writer *writer)
{
	const struct type_row *type = &types[row->type];
	if (type->schema_type)
		json_member_string(writer, "type", type->schema_type);
	if (type->pattern_units) {
		char pattern[64];
		snprintf(pattern, sizeof(pattern), "^%s[0-9]+(\\.[0-9]+)?%s$",
			row->min < 0 ? "-?" : "", type->pattern_units);
		json_member_string(writer, "pattern", pattern);
	}
	if (row->type == FIELD_STRING) {
		/* The reader takes any scalar as text; 443 without quotes is one too. */
		json_key(writer, "type");
		json_begin_array(writer);
		json_string(writer, "string");
		json_string(writer, "number");
		json_string(writer, "boolean");
		json_end_array(writer);
	}
	if (row->type == FIELD_TIME)
		json_member_string(writer, "format", "date-time");
	if (row->type == FIELD_CHOICE) {
		json_key(writer, "enum");
		json_begin_array(writer);
		for (size_t i = 0; row->choices[i]; i++)
			json_string(writer, row->choices[i]);
		json_end_array(writer);
	}
	if (type->number_in_schema && is_bounded(row)) {
		if (isfinite(row->min))
			json_member_number(writer, "minimum", row->min);
		if (isfinite(row->max))
			json_member_number(writer, "maximum", row->max);
	}
}

void fields_schema_words(void *context, const struct field *row, struct json_writer *writer)
{
	(void)context;
	json_begin_object(writer);
	json_member_string(writer, "description", row->help);
	json_member_string(writer, "type", "array");
	json_key(writer, "items");
	json_begin_object(writer);
	json_member_string(writer, "type", "string");
	json_end_object(writer);
	json_end_object(writer);
}

void fields_schema_write(const struct field *rows, size_t count, fields_nested_fn *nested,
	void *context, struct json_writer *writer)
{
	bool any_required = false;
	json_begin_object(writer);
	json_member_string(writer, "type", "object");
	json_key(writer, "properties");
	json_begin_object(writer);
	for (size_t i = 0; i < count; i++) {
		any_required = any_required || rows[i].required;
		json_key(writer, rows[i].key);
		if (rows[i].type == FIELD_NODE && nested) {
			nested(context, &rows[i], writer);
			continue;
		}
		json_begin_object(writer);
		write_description(&rows[i], writer);
		write_constraints(&rows[i], writer);
		write_default(&rows[i], writer);
		json_end_object(writer);
	}
	json_end_object(writer);
	if (any_required) {
		json_key(writer, "required");
		json_begin_array(writer);
		for (size_t i = 0; i < count; i++) {
			if (rows[i].required)
				json_string(writer, rows[i].key);
		}
		json_end_array(writer);
	}
	json_member_bool(writer, "additionalProperties", false);
	json_end_object(writer);
}

void fields_schema(const struct field *rows, size_t count, struct text *out)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	fields_schema_write(rows, count, NULL, NULL, &writer);
}
