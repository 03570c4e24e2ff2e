#include "core/base/expression.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/base/utf8.h"

#define BLANKS " \t\r\n"
#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

enum operation {
	OP_CONSTANT,
	OP_NAME,
	OP_OR,
	OP_AND,
	OP_NOT,
	OP_EQUAL,
	OP_UNEQUAL,
	OP_LESS,
	OP_LESS_EQUAL,
	OP_GREATER,
	OP_GREATER_EQUAL,
	OP_ADD,
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_NEGATE,
	OP_MIN,
	OP_MAX,
	OP_ABS,
};

struct expression {
	enum operation operation;
	const struct expression *left; /* the only operand of not, minus and abs() */
	const struct expression *right;
	struct expression_value constant;
	const char *name;
	const char *argument;
	const char *source; /* the whole of it, the same in every node */
	size_t end;         /* of a name: where it ends in the source */
};

struct parser {
	struct arena *arena;
	struct error *error;
	const char *source;
	size_t at;
	int depth;
};

typedef const struct expression *parse_fn(struct parser *parser);

static parse_fn parse_or, parse_sum, parse_unary;

/* ---- reading characters ---- */

/* Always NULL. The column counts characters, not bytes. */
static const struct expression *fail(struct parser *parser, size_t at, const char *what)
{
	size_t column = 1;
	for (size_t i = 0; i < at; i++)
		column += ((unsigned char)parser->source[i] & 0xC0u) != 0x80u;
	error_set(parser->error, ERROR_SYNTAX, "column %zu: %s", column, what);
	return NULL;
}

static const struct expression *fail_expecting(struct parser *parser, const char *what)
{
	char found[24];
	char message[128];
	const char *rest = parser->source + parser->at;
	size_t length = strcspn(rest, BLANKS);
	sanitise(rest, length < 16 ? length : 16, found, sizeof(found));
	const char *quote = found[0] ? "'" : "";
	snprintf(message, sizeof(message), "expected %s, found %s%s%s", what, quote,
		found[0] ? found : "the end", quote);
	return fail(parser, parser->at, message);
}

static void skip_blanks(struct parser *parser)
{
	parser->at += strspn(parser->source + parser->at, BLANKS);
}

static bool is_name_char(char c)
{
	return c != '\0' && strchr(LETTERS DIGITS "_", c) != NULL;
}

/* Dots and dashes belong to a name only between its characters, so "a - b" and "a -b" subtract. */
static size_t name_length(const char *at)
{
	if (*at == '\0' || !strchr(LETTERS "_", *at))
		return 0;
	size_t length = 1;
	for (;;) {
		if (is_name_char(at[length]))
			length++;
		else if ((at[length] == '.' || at[length] == '-') && is_name_char(at[length + 1]))
			length += 2;
		else
			return length;
	}
}

static bool take_word(struct parser *parser, const char *word)
{
	skip_blanks(parser);
	const char *at = parser->source + parser->at;
	size_t length = strlen(word);
	if (name_length(at) != length || strncmp(at, word, length) != 0)
		return false;
	parser->at += length;
	return true;
}

static bool take_symbol(struct parser *parser, const char *symbol)
{
	skip_blanks(parser);
	size_t length = strlen(symbol);
	if (strncmp(parser->source + parser->at, symbol, length) != 0)
		return false;
	parser->at += length;
	return true;
}

/* ---- building nodes ---- */

static struct expression *add_node(struct parser *parser, enum operation operation,
	const struct expression *left, const struct expression *right)
{
	struct expression *node = arena_alloc(parser->arena, sizeof(*node));
	if (!node) {
		error_no_memory(parser->error, "an expression");
		return NULL;
	}
	node->operation = operation;
	node->left = left;
	node->right = right;
	node->source = parser->source;
	return node;
}

static const struct expression *add_constant(struct parser *parser, struct expression_value value)
{
	struct expression *node = add_node(parser, OP_CONSTANT, NULL, NULL);
	if (node)
		node->constant = value;
	return node;
}

/* One level deeper; the limit keeps hostile nesting off the stack. */
static const struct expression *descend(struct parser *parser, parse_fn *parse)
{
	if (parser->depth == EXPRESSION_DEPTH) {
		error_set(parser->error, ERROR_LIMIT, "expression nested deeper than %d levels",
			EXPRESSION_DEPTH);
		return NULL;
	}
	parser->depth++;
	const struct expression *node = parse(parser);
	parser->depth--;
	return node;
}

/* ---- the grammar, loosest binding first ---- */

static const struct expression *parse_not(struct parser *parser);

static const struct expression *parse_and(struct parser *parser)
{
	const struct expression *left = parse_not(parser);
	while (left && take_word(parser, "and")) {
		const struct expression *right = parse_not(parser);
		left = right ? add_node(parser, OP_AND, left, right) : NULL;
	}
	return left;
}

static const struct expression *parse_or(struct parser *parser)
{
	const struct expression *left = parse_and(parser);
	while (left && take_word(parser, "or")) {
		const struct expression *right = parse_and(parser);
		left = right ? add_node(parser, OP_OR, left, right) : NULL;
	}
	return left;
}

struct symbol {
	const char *text;
	enum operation operation;
};

/* Longer symbols stand before those they begin with. */
static const struct symbol comparisons[] = {
	{"==", OP_EQUAL},
	{"!=", OP_UNEQUAL},
	{"<=", OP_LESS_EQUAL},
	{">=", OP_GREATER_EQUAL},
	{"<", OP_LESS},
	{">", OP_GREATER},
	{0},
};
static const struct symbol sums[] = {{"+", OP_ADD}, {"-", OP_SUBTRACT}, {0}};
static const struct symbol products[] = {{"*", OP_MULTIPLY}, {"/", OP_DIVIDE}, {0}};

static const struct symbol *take_one_of(struct parser *parser, const struct symbol *symbols)
{
	for (const struct symbol *symbol = symbols; symbol->text; symbol++) {
		if (take_symbol(parser, symbol->text))
			return symbol;
	}
	return NULL;
}

static bool is_text(const struct expression *node)
{
	return node->operation == OP_CONSTANT && node->constant.kind == EXPRESSION_STRING;
}

static const struct expression *parse_comparison(struct parser *parser)
{
	const struct expression *left = parse_sum(parser);
	if (!left)
		return NULL;
	skip_blanks(parser);
	size_t at = parser->at;
	const struct symbol *symbol = take_one_of(parser, comparisons);
	if (!symbol)
		return left;
	const struct expression *right = parse_sum(parser);
	if (!right)
		return NULL;
	bool by_order = symbol->operation != OP_EQUAL && symbol->operation != OP_UNEQUAL;
	if (by_order && (is_text(left) || is_text(right)))
		return fail(parser, at, "text can only be compared with == and !=");
	skip_blanks(parser);
	at = parser->at;
	if (take_one_of(parser, comparisons))
		return fail(parser, at, "comparisons cannot be chained; join them with 'and'");
	return add_node(parser, symbol->operation, left, right);
}

static const struct expression *parse_not(struct parser *parser)
{
	if (!take_word(parser, "not"))
		return parse_comparison(parser);
	const struct expression *operand = descend(parser, parse_not);
	return operand ? add_node(parser, OP_NOT, operand, NULL) : NULL;
}

/* A chain of operators of equal rank, grouped from the left. */
static const struct expression *parse_chain(
	struct parser *parser, const struct symbol *symbols, parse_fn *parse_operand)
{
	const struct expression *left = parse_operand(parser);
	while (left) {
		skip_blanks(parser);
		size_t at = parser->at;
		const struct symbol *symbol = take_one_of(parser, symbols);
		if (!symbol)
			return left;
		const struct expression *right = parse_operand(parser);
		if (right && (is_text(left) || is_text(right)))
			return fail(parser, at, "text cannot be calculated with");
		left = right ? add_node(parser, symbol->operation, left, right) : NULL;
	}
	return NULL;
}

static const struct expression *parse_product(struct parser *parser)
{
	return parse_chain(parser, products, parse_unary);
}

static const struct expression *parse_sum(struct parser *parser)
{
	return parse_chain(parser, sums, parse_product);
}

static const struct expression *parse_number(struct parser *parser)
{
	static const struct {
		const char *suffix;
		double by;
		double per;
	} suffixes[] = {{"%", 1, 100}, {"ms", 1, 1}, {"s", 1000, 1}, {"m", 60000, 1},
		{"h", 3600000, 1}, {"k", 1000, 1}, {"x", 1, 1}};
	const char *start = parser->source + parser->at;
	size_t length = strspn(start, DIGITS);
	if (start[length] == '.')
		length += 1 + strspn(start + length + 1, DIGITS);
	double number = 0;
	if (!number_parse(start, length, &number))
		return fail_expecting(parser, "a number");
	const char *rest = start + length;
	size_t suffix = *rest == '%' ? 1 : strspn(rest, LETTERS DIGITS "_");
	bool known = suffix == 0;
	for (size_t i = 0; !known && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		known = strlen(suffixes[i].suffix) == suffix &&
			strncmp(rest, suffixes[i].suffix, suffix) == 0;
		if (known)
			number = number * suffixes[i].by / suffixes[i].per;
	}
	if (!known)
		return fail(parser, parser->at + length,
			"no such unit; there are %, ms, s, m, h, k and x");
	parser->at += length + suffix;
	return add_constant(
		parser, (struct expression_value){.kind = EXPRESSION_NUMBER, .number = number});
}

/* A text in double quotes, in which \" and \\ stand for themselves. NULL after an error. */
static const char *take_quoted(struct parser *parser)
{
	size_t start = parser->at;
	const char *source = parser->source;
	char *copy = arena_alloc(parser->arena, strlen(source + start));
	if (!copy) {
		error_no_memory(parser->error, "an expression");
		return NULL;
	}
	size_t used = 0;
	size_t at = start + 1;
	for (; source[at] != '"'; at++) {
		bool escaped = source[at] == '\\';
		if (escaped && source[at + 1] != '"' && source[at + 1] != '\\') {
			fail(parser, at, "only \\\" and \\\\ may follow a backslash");
			return NULL;
		}
		at += escaped;
		if (source[at] == '\0') {
			fail(parser, start, "the quotes are not closed");
			return NULL;
		}
		copy[used++] = source[at];
	}
	parser->at = at + 1;
	return copy;
}

static const struct expression *parse_string(struct parser *parser)
{
	const char *string = take_quoted(parser);
	if (!string)
		return NULL;
	return add_constant(
		parser, (struct expression_value){.kind = EXPRESSION_STRING, .string = string});
}

/* What stands in brackets behind a name, with or without quotes. NULL after an error. */
static const char *take_argument(struct parser *parser)
{
	size_t opened = parser->at++;
	skip_blanks(parser);
	const char *argument = NULL;
	if (parser->source[parser->at] == '"') {
		argument = take_quoted(parser);
	} else {
		size_t length = strcspn(parser->source + parser->at, BLANKS "[]\"");
		argument = arena_strndup(parser->arena, parser->source + parser->at, length);
		if (!argument)
			error_no_memory(parser->error, "an expression");
		parser->at += length;
	}
	if (!argument)
		return NULL;
	if (argument[0] == '\0') {
		fail(parser, opened, "nothing in the brackets");
		return NULL;
	}
	if (!take_symbol(parser, "]")) {
		fail_expecting(parser, "']'");
		return NULL;
	}
	return argument;
}

/* min(a, b, c) becomes min(min(a, b), c). */
static const struct expression *parse_call(
	struct parser *parser, enum operation operation, bool several)
{
	const struct expression *left = descend(parser, parse_or);
	if (left && !several)
		left = add_node(parser, operation, left, NULL);
	while (left && several && take_symbol(parser, ",")) {
		const struct expression *right = descend(parser, parse_or);
		left = right ? add_node(parser, operation, left, right) : NULL;
	}
	if (left && !take_symbol(parser, ")"))
		return fail_expecting(parser, several ? "',' or ')'" : "')'");
	return left;
}

static const struct expression *parse_name(struct parser *parser, size_t length)
{
	static const struct {
		const char *name;
		enum operation operation;
		bool several;
	} functions[] = {{"min", OP_MIN, true}, {"max", OP_MAX, true}, {"abs", OP_ABS, false}};
	static const char *const reserved[] = {"and", "or", "not"};
	size_t start = parser->at;
	const char *name = arena_strndup(parser->arena, parser->source + start, length);
	struct expression *node = name ? add_node(parser, OP_NAME, NULL, NULL) : NULL;
	if (!node) {
		error_no_memory(parser->error, "an expression");
		return NULL;
	}
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (strcmp(name, reserved[i]) == 0)
			return fail_expecting(parser, "a value");
	}
	parser->at += length;
	if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0)
		return add_constant(parser, (struct expression_value){.kind = EXPRESSION_BOOL,
						    .number = name[0] == 't' ? 1 : 0});
	node->name = name;
	node->end = parser->at;
	if (take_symbol(parser, "(")) {
		for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
			if (strcmp(name, functions[i].name) == 0)
				return parse_call(
					parser, functions[i].operation, functions[i].several);
		}
		return fail(parser, start, "no such function; there are min, max and abs");
	}
	parser->at = node->end;
	if (parser->source[parser->at] == '[') {
		node->argument = take_argument(parser);
		if (!node->argument)
			return NULL;
		node->end = parser->at;
	}
	return node;
}

static const struct expression *parse_primary(struct parser *parser)
{
	skip_blanks(parser);
	const char *at = parser->source + parser->at;
	size_t name = name_length(at);
	if (name > 0)
		return parse_name(parser, name);
	if (*at != '\0' && strchr(DIGITS ".", *at))
		return parse_number(parser);
	if (*at == '"')
		return parse_string(parser);
	if (!take_symbol(parser, "("))
		return fail_expecting(parser, "a value");
	const struct expression *inner = descend(parser, parse_or);
	if (inner && !take_symbol(parser, ")"))
		return fail_expecting(parser, "')'");
	return inner;
}

static const struct expression *parse_unary(struct parser *parser)
{
	skip_blanks(parser);
	size_t at = parser->at;
	if (!take_symbol(parser, "-"))
		return parse_primary(parser);
	const struct expression *operand = descend(parser, parse_unary);
	if (operand && is_text(operand))
		return fail(parser, at, "text cannot be calculated with");
	return operand ? add_node(parser, OP_NEGATE, operand, NULL) : NULL;
}

const struct expression *expression_parse(
	struct arena *arena, const char *source, struct error *error)
{
	size_t length = strlen(source);
	if (length > EXPRESSION_BYTES) {
		error_set(error, ERROR_LIMIT, "expression of %zu bytes, at most %d are allowed",
			length, EXPRESSION_BYTES);
		return NULL;
	}
	if (!utf8_is_valid(source, length)) {
		error_set(error, ERROR_SYNTAX, "expression is not UTF-8 text");
		return NULL;
	}
	struct parser parser = {.arena = arena, .error = error};
	parser.source = arena_strdup(arena, source);
	if (!parser.source) {
		error_no_memory(error, "an expression");
		return NULL;
	}
	const struct expression *root = parse_or(&parser);
	if (!root)
		return NULL;
	skip_blanks(&parser);
	if (parser.source[parser.at] != '\0')
		return fail_expecting(&parser, "an operator or the end");
	return root;
}

/* ---- evaluating ---- */

struct evaluation {
	expression_lookup_fn *lookup;
	void *context;
};

static struct expression_value evaluate(
	const struct evaluation *evaluation, const struct expression *node);

static struct expression_value unknown_value(void)
{
	return (struct expression_value){.kind = EXPRESSION_UNKNOWN};
}

static struct expression_value number_value(double number)
{
	if (isnan(number))
		return unknown_value();
	return (struct expression_value){.kind = EXPRESSION_NUMBER, .number = number};
}

static struct expression_value bool_value(bool value)
{
	return (struct expression_value){.kind = EXPRESSION_BOOL, .number = value ? 1 : 0};
}

static enum truth truth_of(struct expression_value value)
{
	if (value.kind != EXPRESSION_BOOL)
		return TRUTH_UNKNOWN;
	return value.number != 0 ? TRUTH_TRUE : TRUTH_FALSE;
}

static struct expression_value look_up(
	const struct evaluation *evaluation, const char *name, const char *argument)
{
	struct expression_value value = unknown_value();
	if (!evaluation->lookup(evaluation->context, name, argument, &value))
		return unknown_value();
	if (value.kind == EXPRESSION_NUMBER && isnan(value.number))
		return unknown_value();
	if (value.kind == EXPRESSION_STRING && !value.string)
		return unknown_value();
	return value;
}

/* `decisive` settles the matter alone: false for and, true for or. */
static struct expression_value evaluate_logic(
	const struct evaluation *evaluation, const struct expression *node, enum truth decisive)
{
	enum truth left = truth_of(evaluate(evaluation, node->left));
	if (left == decisive)
		return bool_value(decisive == TRUTH_TRUE);
	enum truth right = truth_of(evaluate(evaluation, node->right));
	if (right == decisive)
		return bool_value(decisive == TRUTH_TRUE);
	if (left == TRUTH_UNKNOWN || right == TRUTH_UNKNOWN)
		return unknown_value();
	return bool_value(decisive != TRUTH_TRUE);
}

static struct expression_value compare_strings(enum operation operation, bool equal)
{
	if (operation == OP_EQUAL)
		return bool_value(equal);
	if (operation == OP_UNEQUAL)
		return bool_value(!equal);
	return unknown_value();
}

static struct expression_value calculate(enum operation operation, double left, double right)
{
	switch (operation) {
	case OP_EQUAL:
		return bool_value(left == right);
	case OP_UNEQUAL:
		return bool_value(left != right);
	case OP_LESS:
		return bool_value(left < right);
	case OP_LESS_EQUAL:
		return bool_value(left <= right);
	case OP_GREATER:
		return bool_value(left > right);
	case OP_GREATER_EQUAL:
		return bool_value(left >= right);
	case OP_ADD:
		return number_value(left + right);
	case OP_SUBTRACT:
		return number_value(left - right);
	case OP_MULTIPLY:
		return number_value(left * right);
	case OP_DIVIDE:
		return right == 0 ? unknown_value() : number_value(left / right);
	case OP_NEGATE:
		return number_value(-left);
	case OP_MIN:
		return number_value(fmin(left, right));
	case OP_MAX:
		return number_value(fmax(left, right));
	case OP_ABS:
		return number_value(fabs(left));
	case OP_CONSTANT:
	case OP_NAME:
	case OP_OR:
	case OP_AND:
	case OP_NOT:
		break;
	}
	return unknown_value();
}

static struct expression_value evaluate_operands(
	const struct evaluation *evaluation, const struct expression *node)
{
	struct expression_value left = evaluate(evaluation, node->left);
	struct expression_value right = node->right ? evaluate(evaluation, node->right) : left;
	if (left.kind == EXPRESSION_UNKNOWN || right.kind == EXPRESSION_UNKNOWN)
		return unknown_value();
	bool left_text = left.kind == EXPRESSION_STRING;
	bool right_text = right.kind == EXPRESSION_STRING;
	if (left_text && right_text)
		return compare_strings(node->operation, strcmp(left.string, right.string) == 0);
	/* A text and a number have nothing to say to each other, not even that they differ. */
	if (left_text || right_text)
		return unknown_value();
	return calculate(node->operation, left.number, right.number);
}

static struct expression_value evaluate(
	const struct evaluation *evaluation, const struct expression *node)
{
	if (node->operation == OP_CONSTANT)
		return node->constant;
	if (node->operation == OP_NAME)
		return look_up(evaluation, node->name, node->argument);
	if (node->operation == OP_OR)
		return evaluate_logic(evaluation, node, TRUTH_TRUE);
	if (node->operation == OP_AND)
		return evaluate_logic(evaluation, node, TRUTH_FALSE);
	if (node->operation != OP_NOT)
		return evaluate_operands(evaluation, node);
	enum truth truth = truth_of(evaluate(evaluation, node->left));
	return truth == TRUTH_UNKNOWN ? unknown_value() : bool_value(truth == TRUTH_FALSE);
}

enum truth expression_test(
	const struct expression *expression, expression_lookup_fn *lookup, void *context)
{
	const struct evaluation evaluation = {.lookup = lookup, .context = context};
	return truth_of(evaluate(&evaluation, expression));
}

bool expression_number(const struct expression *expression, expression_lookup_fn *lookup,
	void *context, double *out)
{
	const struct evaluation evaluation = {.lookup = lookup, .context = context};
	struct expression_value value = evaluate(&evaluation, expression);
	if (value.kind != EXPRESSION_NUMBER)
		return false;
	*out = value.number;
	return true;
}

/* ---- walking ---- */

bool expression_check(const struct expression *expression, expression_lookup_fn *lookup,
	void *context, struct error *error)
{
	if (expression->operation == OP_NAME) {
		struct expression_value value = unknown_value();
		if (lookup(context, expression->name, expression->argument, &value))
			return true;
		const char *argument = expression->argument;
		return error_set(error, ERROR_SCHEMA, "nothing is called '%s%s%s%s'",
			expression->name, argument ? "[" : "", argument ? argument : "",
			argument ? "]" : "");
	}
	if (expression->left && !expression_check(expression->left, lookup, context, error))
		return false;
	return !expression->right || expression_check(expression->right, lookup, context, error);
}

static void add_safe(struct text *out, const char *bytes, size_t length)
{
	char safe[EXPRESSION_BYTES + 1];
	text_append(out, safe, sanitise(bytes, length, safe, sizeof(safe)));
}

static void add_value(struct text *out, struct expression_value value)
{
	char number[NUMBER_TEXT_BYTES];
	text_add(out, " {");
	if (value.kind == EXPRESSION_UNKNOWN) {
		text_add_char(out, '?');
	} else if (value.kind == EXPRESSION_STRING) {
		text_add_char(out, '"');
		add_safe(out, value.string, strlen(value.string));
		text_add_char(out, '"');
	} else if (value.kind == EXPRESSION_BOOL) {
		text_add(out, value.number != 0 ? "true" : "false");
	} else {
		number_format(value.number, number);
		text_add(out, number);
	}
	text_add_char(out, '}');
}

/* Left before right is the order of the source, so one position is enough to copy what is between.
 */
static void explain_names(const struct evaluation *evaluation, const struct expression *node,
	size_t *copied, struct text *out)
{
	if (node->operation == OP_NAME) {
		add_safe(out, node->source + *copied, node->end - *copied);
		add_value(out, look_up(evaluation, node->name, node->argument));
		*copied = node->end;
		return;
	}
	if (node->left)
		explain_names(evaluation, node->left, copied, out);
	if (node->right)
		explain_names(evaluation, node->right, copied, out);
}

void expression_explain(const struct expression *expression, expression_lookup_fn *lookup,
	void *context, struct text *out)
{
	const struct evaluation evaluation = {.lookup = lookup, .context = context};
	size_t copied = 0;
	explain_names(&evaluation, expression, &copied, out);
	const char *rest = expression->source + copied;
	add_safe(out, rest, strlen(rest));
}
