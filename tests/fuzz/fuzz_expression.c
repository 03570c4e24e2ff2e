/*
 * Any text into expression_parse(). What is accepted is checked, tested, calculated and explained
 * with known and with unknown names: a condition that is decided although nothing is known must be
 * decided the same way when everything is.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/expression.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static bool look_up_nothing(
	void *context, const char *name, const char *argument, struct expression_value *value)
{
	(void)context;
	(void)argument;
	require(name[0] != '\0');
	value->kind = EXPRESSION_UNKNOWN;
	return true;
}

/* A value of each kind, chosen by the name. */
static bool look_up_something(
	void *context, const char *name, const char *argument, struct expression_value *value)
{
	(void)context;
	size_t length = strlen(name) + (argument ? strlen(argument) : 0);
	value->number = (double)(length % 7) - 3;
	value->kind = EXPRESSION_NUMBER;
	if (name[0] == 's') {
		value->kind = EXPRESSION_STRING;
		value->string = argument ? argument : "\x1b[2J";
	} else if (name[0] == 'b') {
		value->kind = EXPRESSION_BOOL;
		value->number = length % 2 ? 1 : 0;
	} else if (name[0] == 'i') {
		value->number = INFINITY;
	}
	return name[0] != 'z';
}

static void evaluate(const struct expression *expression)
{
	struct text text;
	struct error error = {0};
	double known = 0;
	double unknown = 0;
	text_init(&text, 65536);
	require(expression_check(expression, look_up_nothing, NULL, &error));
	expression_check(expression, look_up_something, NULL, &error);

	enum truth without = expression_test(expression, look_up_nothing, NULL);
	enum truth with = expression_test(expression, look_up_something, NULL);
	require(without == TRUTH_UNKNOWN || without == with);
	bool has_known = expression_number(expression, look_up_something, NULL, &known);
	require(!has_known || !isnan(known));
	if (expression_number(expression, look_up_nothing, NULL, &unknown))
		require(has_known && known == unknown);

	expression_explain(expression, look_up_something, NULL, &text);
	require(text_ok(&text));
	require(sanitise_is_clean(text_string(&text), text.length));
	text_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char source[EXPRESSION_BYTES + 2];
	struct arena *arena = arena_create((size_t)1024 * 1024);
	if (!arena)
		return 0;
	size_t length = size < sizeof(source) - 1 ? size : sizeof(source) - 1;
	if (length > 0)
		memcpy(source, data, length);
	source[length] = '\0';
	struct error error = {0};
	const struct expression *expression = expression_parse(arena, source, &error);
	require((expression == NULL) == (error.kind != ERROR_NONE));
	if (expression)
		evaluate(expression);
	else
		require(sanitise_is_clean(error.text, strlen(error.text)));
	arena_destroy(arena);
	return 0;
}
