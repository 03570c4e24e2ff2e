#include "actions/template.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actions/action.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/fleet/entity.h"

static bool is_name_start(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_name_char(char c)
{
	return is_name_start(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-' || c == '.';
}

/* One step through a template: a byte that stands for itself, or a name. */
struct token {
	char literal;                   /* NUL: it is a name */
	char name[TEMPLATE_NAME_BYTES]; /* "" with literal NUL: malformed */
};

/* False at the end. */
static bool next_token(const char **at, struct token *token)
{
	const char *s = *at;
	*token = (struct token){.literal = *s};
	if (!*s)
		return false;
	if (s[0] == '{' && s[1] == '{') {
		*at = s + 2;
		return true;
	}
	if (s[0] != '{' || !is_name_start(s[1])) {
		*at = s + 1;
		return true;
	}
	size_t length = 0;
	while (is_name_char(s[1 + length]))
		length++;
	token->literal = '\0';
	if (s[1 + length] == '}' && length < sizeof(token->name)) {
		memcpy(token->name, s + 1, length);
		*at = s + length + 2;
	} else {
		*at = s + 1 + length;
	}
	return true;
}

static const char attribute_prefix[] = "cluster.";

static bool is_attribute(const char *name)
{
	return strncmp(name, attribute_prefix, sizeof(attribute_prefix) - 1) == 0 &&
	       name[sizeof(attribute_prefix) - 1] != '\0';
}

/* Left as they stand until the request is sent. */
static const char *const late_names[] = {"run", "now", "until", "revision"};
#define LATE_NAMES (sizeof(late_names) / sizeof(late_names[0]))

static bool is_late(const char *name)
{
	for (size_t i = 0; i < LATE_NAMES; i++) {
		if (strcmp(late_names[i], name) == 0)
			return true;
	}
	return false;
}

static bool is_known(const char *name, const struct verb_row *verb)
{
	static const char *const names[] = {
		"cluster", "region", "replica", "service", "surface", "kept"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return strcmp(name, verb->parameter) == 0 || is_late(name) || is_attribute(name) ||
	       (verb->is_ratio && strcmp(name, "percent") == 0);
}

bool template_check(const char *source, const struct verb_row *verb, char *why, size_t why_size)
{
	struct token token;
	for (const char *at = source; next_token(&at, &token);) {
		if (token.literal)
			continue;
		if (!token.name[0]) {
			snprintf(why, why_size,
				"a brace opens a name that does not end; write '{{' for a brace");
			return false;
		}
		if (!is_known(token.name, verb)) {
			snprintf(why, why_size,
				"{%s} is not known here; known are {cluster}, {region}, {replica}, "
				"{service}, {%s} and {cluster.ATTRIBUTE}",
				token.name, verb->parameter);
			return false;
		}
	}
	return true;
}

bool template_mentions(const char *source, const char *name)
{
	struct token token;
	for (const char *at = source; next_token(&at, &token);) {
		if (!token.literal && strcmp(token.name, name) == 0)
			return true;
	}
	return false;
}

bool template_mentions_value(const char *source, const struct verb_row *verb)
{
	return template_mentions(source, verb->parameter) ||
	       (verb->is_ratio && template_mentions(source, "percent"));
}

bool template_number(double value, char *out, size_t size, struct error *error)
{
	char digits[NUMBER_TEXT_BYTES];
	if (isfinite(value) && value == floor(value) && fabs(value) < 1e15)
		snprintf(digits, sizeof(digits), "%.0f", value);
	else
		number_write(value, digits);
	if (!isfinite(value) || strchr(digits, 'e') || strlen(digits) >= size)
		return error_set(error, ERROR_SCHEMA,
			"%s cannot be written as a plain number for a command", digits);
	snprintf(out, size, "%s", digits);
	return true;
}

bool template_is_safe(const char *value)
{
	if (!value[0] || value[0] == '-')
		return false;
	for (; *value; value++) {
		if (*value == '/' || (!is_name_char(*value) && *value != ':'))
			return false;
	}
	return true;
}

static bool has_no_value(
	const char *name, const struct template_values *values, struct error *error)
{
	return error_set(error, ERROR_SCHEMA, "template name {%s} has no value for '%s'", name,
		fleet_entity(values->fleet, values->target)->path);
}

static bool region_of(const struct template_values *values, const char **out, struct error *error)
{
	const struct entity *cluster = fleet_entity(values->fleet, values->cluster);
	const struct entity *parent = fleet_entity(values->fleet, cluster->parent);
	if (parent->kind != ENTITY_REGION)
		return error_set(error, ERROR_SCHEMA,
			"cluster '%s' is in no region, so {region} "
			"has no value",
			cluster->name);
	*out = parent->name;
	return true;
}

static bool attribute_of(const struct template_values *values, const char *attribute,
	const char **out, struct error *error)
{
	const struct entity *cluster = fleet_entity(values->fleet, values->cluster);
	*out = fleet_attribute(values->fleet, values->cluster, attribute);
	if (!*out)
		return error_set(error, ERROR_SCHEMA,
			"cluster '%s' has no attribute '%s': add it under "
			"fleet.clusters.%s.attributes",
			cluster->name, attribute, cluster->name);
	return true;
}

/* What stands for a thing of the fleet. */
static bool look_up_name(const struct template_values *values, const char *name, const char **out,
	struct error *error)
{
	const struct entity *target = fleet_entity(values->fleet, values->target);
	bool is_service = strcmp(name, "service") == 0;
	if (is_service || strcmp(name, "surface") == 0) {
		*out = target->name;
		return target->kind == (is_service ? ENTITY_SERVICE : ENTITY_SURFACE) ||
		       has_no_value(name, values, error);
	}
	if (strcmp(name, "replica") == 0) {
		if (values->replica == ENTITY_NONE)
			return has_no_value(name, values, error);
		*out = fleet_entity(values->fleet, values->replica)->name;
		return true;
	}
	if (values->cluster == ENTITY_NONE)
		return has_no_value(name, values, error);
	if (strcmp(name, "cluster") == 0) {
		*out = fleet_entity(values->fleet, values->cluster)->name;
		return true;
	}
	if (strcmp(name, "region") == 0)
		return region_of(values, out, error);
	if (is_attribute(name))
		return attribute_of(values, name + sizeof(attribute_prefix) - 1, out, error);
	return has_no_value(name, values, error);
}

/* The value of a name, fit to be put in. */
static bool look_up(const struct template_values *values, const char *name, char *number,
	size_t number_size, const char **out, struct error *error)
{
	bool is_percent = values->verb->is_ratio && strcmp(name, "percent") == 0;
	if (is_percent || strcmp(name, values->verb->parameter) == 0) {
		*out = number;
		return template_number(is_percent ? values->value * 100 : values->value, number,
			number_size, error);
	}
	if (strcmp(name, "kept") == 0) {
		*out = values->kept;
		if (!values->kept || !values->kept[0])
			return error_set(error, ERROR_SCHEMA,
				"the reply to the change was not kept, so {kept} has no value: "
				"take "
				"it back by hand");
	} else if (!look_up_name(values, name, out, error)) {
		return false;
	}
	if (!template_is_safe(*out))
		return error_set(error, ERROR_SCHEMA,
			"value '%s' of {%s} may not go into a command: only letters, digits, '.', "
			"'_', ':' and '-' may",
			*out, name);
	return true;
}

/* A buffer being filled. */
struct filling {
	char *out;
	size_t size, used;
};

static bool put(struct filling *filling, const char *value, struct error *error)
{
	size_t length = strlen(value);
	if (filling->used + length >= filling->size)
		return error_set(error, ERROR_LIMIT,
			"request is longer than %zu bytes: what cannot be shown whole is not sent",
			filling->size > 0 ? filling->size - 1 : 0);
	memcpy(filling->out + filling->used, value, length + 1);
	filling->used += length;
	return true;
}

static bool put_name(struct filling *filling, const char *name, struct error *error)
{
	return put(filling, "{", error) && put(filling, name, error) && put(filling, "}", error);
}

bool template_render(const char *source, const struct template_values *values, char *out,
	size_t size, struct error *error)
{
	char number[NUMBER_TEXT_BYTES];
	struct filling filling = {.out = out, .size = size};
	struct token token;
	bool ok = put(&filling, "", error);
	for (const char *at = source; ok && next_token(&at, &token);) {
		const char *value = NULL;
		const char literal[2] = {token.literal, '\0'};
		if (token.literal)
			ok = put(&filling, literal, error);
		else if (is_late(token.name))
			ok = put_name(&filling, token.name, error);
		else
			ok = look_up(values, token.name, number, sizeof(number), &value, error) &&
			     put(&filling, value, error);
	}
	return ok;
}

/* ---- what is known when it is sent ---- */

static bool is_fit_for_header(const char *value)
{
	for (const char *at = value; *at; at++) {
		if (*at < ' ' || *at > '~')
			return false;
	}
	return value[0] != '\0';
}

/* The value of a late name; NULL: not known yet. */
static const char *late_value(
	const struct template_moment *moment, size_t index, char text[CLOCK_TEXT_BYTES])
{
	switch (index) {
	case 0:
		snprintf(text, CLOCK_TEXT_BYTES, "%.20s-%zu", moment->run, moment->number);
		return text;
	case 1:
	case 2:
		clock_format(index == 1 ? moment->now_ms : moment->until_ms, false, text);
		return text;
	default:
		return moment->revision;
	}
}

/* The late name that stands at `at`, or LATE_NAMES. */
static size_t late_at(const char *at)
{
	for (size_t i = 0; *at == '{' && i < LATE_NAMES; i++) {
		size_t length = strlen(late_names[i]);
		if (strncmp(at + 1, late_names[i], length) == 0 && at[1 + length] == '}')
			return i;
	}
	return LATE_NAMES;
}

bool template_complete(
	char *text, size_t size, const struct template_moment *moment, struct error *error)
{
	char made[PLAN_LINE_BYTES];
	char number[CLOCK_TEXT_BYTES];
	struct filling filling = {.out = made, .size = size < sizeof(made) ? size : sizeof(made)};
	bool ok = put(&filling, "", error);
	for (const char *at = text; ok && *at;) {
		size_t index = late_at(at);
		const char literal[2] = {*at, '\0'};
		const char *value =
			index < LATE_NAMES ? late_value(moment, index, number) : literal;
		if (index == LATE_NAMES || !value) {
			ok = put(&filling, literal, error);
			at++;
			continue;
		}
		if (moment->is_header ? !is_fit_for_header(value) : !template_is_safe(value))
			return error_set(error, ERROR_SCHEMA,
				"what was read as {%s} may not go into a request",
				late_names[index]);
		ok = put(&filling, value, error);
		at += strlen(late_names[index]) + 2;
	}
	if (ok)
		memcpy(text, made, filling.used + 1);
	return ok;
}
