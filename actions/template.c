#include "actions/template.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

static bool is_known(const char *name, const char *parameter)
{
	return strcmp(name, "cluster") == 0 || strcmp(name, "region") == 0 ||
	       strcmp(name, "replica") == 0 || strcmp(name, "run") == 0 ||
	       strcmp(name, parameter) == 0 || is_attribute(name);
}

bool template_check(const char *source, const char *parameter, char *why, size_t why_size)
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
		if (!is_known(token.name, parameter)) {
			snprintf(why, why_size,
				"{%s} is not known here; known are {cluster}, {region}, {replica}, "
				"{%s} and {cluster.ATTRIBUTE}",
				token.name, parameter);
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

/* What may go into a command or URL: nothing a shell, a URL or an option parser reads as its own.
 */
static bool is_safe(const char *value)
{
	if (!value[0] || value[0] == '-')
		return false;
	for (; *value; value++) {
		if (*value == '/' || (!is_name_char(*value) && *value != ':'))
			return false;
	}
	return true;
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

static bool look_up(const struct template_values *values, const char *name, char *number,
	size_t number_size, const char **out, struct error *error)
{
	const struct entity *cluster = fleet_entity(values->fleet, values->cluster);
	if (strcmp(name, "cluster") == 0) {
		*out = cluster->name;
		return true;
	}
	if (strcmp(name, "region") == 0)
		return region_of(values, out, error);
	if (strcmp(name, values->parameter) == 0) {
		*out = number;
		return template_number(values->value, number, number_size, error);
	}
	if (strcmp(name, "replica") == 0 && values->replica != ENTITY_NONE) {
		*out = fleet_entity(values->fleet, values->replica)->name;
		return true;
	}
	if (!is_attribute(name))
		return error_set(error, ERROR_SCHEMA, "template name {%s} has no value here", name);
	const char *attribute = name + sizeof(attribute_prefix) - 1;
	*out = fleet_attribute(values->fleet, values->cluster, attribute);
	if (!*out)
		return error_set(error, ERROR_SCHEMA,
			"cluster '%s' has no attribute '%s': add it under "
			"fleet.clusters.%s.attributes",
			cluster->name, attribute, cluster->name);
	return true;
}

bool template_render(const char *source, const struct template_values *values, char *out,
	size_t size, struct error *error)
{
	char number[NUMBER_TEXT_BYTES];
	size_t used = 0;
	struct token token;
	for (const char *at = source; next_token(&at, &token);) {
		const char *value = NULL;
		char literal[2] = {token.literal, '\0'};
		if (token.literal)
			value = literal;
		else if (values->keeps_run && strcmp(token.name, "run") == 0)
			value = TEMPLATE_RUN;
		else if (!look_up(values, token.name, number, sizeof(number), &value, error))
			return false;
		else if (!is_safe(value))
			return error_set(error, ERROR_SCHEMA,
				"value '%s' of {%s} may not go into a command: only letters, "
				"digits, '.', '_', ':' and '-' may",
				value, token.name);
		size_t length = strlen(value);
		if (used + length >= size)
			return error_set(error, ERROR_LIMIT,
				"request is longer than %zu bytes: what cannot be shown whole is "
				"not sent",
				size - 1);
		memcpy(out + used, value, length);
		used += length;
	}
	if (size == 0)
		return error_set(error, ERROR_LIMIT, "no room for a request");
	out[used] = '\0';
	return true;
}
