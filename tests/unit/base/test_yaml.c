#include "core/base/yaml.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/text.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/base/suite.h"

static struct arena *arena;
static struct complaints complaints;
static struct text printed;

static void begin(void)
{
	arena = arena_create((size_t)64 * 1024 * 1024);
	ck_assert_ptr_nonnull(arena);
	complaints_init(&complaints);
	text_init(&printed, 65536);
}

static void finish(void)
{
	text_finish(&printed);
	complaints_finish(&complaints);
	arena_destroy(arena);
}

static const struct yaml_node *parse(const char *bytes, size_t length)
{
	return yaml_parse(arena, "f.yaml", bytes, length, &complaints);
}

static const struct yaml_node *parse_string(const char *string)
{
	return parse(string, strlen(string));
}

/* Refused with exactly these lines; starts over for the next. */
static void check_refused(const char *bytes, size_t length, const char *expected)
{
	complaints_finish(&complaints);
	text_clear(&printed);
	ck_assert_ptr_null(parse(bytes, length));
	complaints_print(&complaints, &printed);
	ck_assert_str_eq(text_string(&printed), expected);
}

/* Every invariant the header states, for a node and all below it. */
static void check_node(const struct yaml_node *node, const char *key_expected)
{
	ck_assert_str_eq(node->file, "f.yaml");
	ck_assert_int_ge(node->line, 1);
	ck_assert_int_ge(node->column, 1);
	ck_assert_int_le(node->key_line, node->line);
	ck_assert_int_eq(node->key != NULL, key_expected != NULL);
	ck_assert_int_eq(node->scalar != NULL, node->kind == YAML_SCALAR);
	size_t count = 0;
	for (const struct yaml_node *child = node->first; child; child = child->next) {
		check_node(child, node->kind == YAML_MAPPING ? "some" : NULL);
		count++;
	}
	ck_assert_uint_eq(count, node->count);
}

START_TEST(a_tree_that_knows_its_lines)
{
	const struct yaml_node *root = parse_string("version: 1\n"
						    "sources:\n"
						    "  prom: {kind: prometheus, every: \"2s\"}\n"
						    "  steps:\n"
						    "    - one\n"
						    "    - {a: b}\n"
						    "empty:\n");
	ck_assert_ptr_nonnull(root);
	check_node(root, NULL);
	ck_assert_int_eq(root->kind, YAML_MAPPING);
	ck_assert_uint_eq(root->count, 3);
	const struct yaml_node *sources = yaml_get(root, "sources");
	ck_assert_int_eq(sources->key_line, 2);
	ck_assert_int_eq(sources->line, 3);
	ck_assert_int_eq(sources->column, 3);
	const struct yaml_node *every = yaml_get(yaml_get(sources, "prom"), "every");
	ck_assert_str_eq(every->scalar, "2s");
	ck_assert(every->quoted);
	ck_assert_int_eq(every->line, 3);
	ck_assert_int_eq(every->column, 35);
	const struct yaml_node *steps = yaml_get(sources, "steps");
	ck_assert_int_eq(steps->kind, YAML_SEQUENCE);
	ck_assert_uint_eq(steps->count, 2);
	ck_assert_str_eq(steps->first->scalar, "one");
	ck_assert(!steps->first->quoted);
	ck_assert_int_eq(steps->first->next->line, 6);
	ck_assert_str_eq(yaml_get(root, "empty")->scalar, "");
	ck_assert_ptr_null(yaml_get(root, "nowhere"));
	ck_assert_ptr_null(yaml_get(steps, "one"));
	ck_assert_ptr_null(yaml_get(NULL, "one"));
}
END_TEST

START_TEST(scalars_stay_text)
{
	static const char *const words[] = {
		"no", "on", "010", "1.10", "12:30:45", "null", "~", "0x1f", "2026-02-04T17:06:00Z"};
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		char source[64];
		snprintf(source, sizeof(source), "key: %s\n", words[i]);
		const struct yaml_node *root = parse_string(source);
		ck_assert_ptr_nonnull(root);
		ck_assert_str_eq(root->first->scalar, words[i]);
		ck_assert(!root->first->quoted);
	}
	const struct yaml_node *root = parse_string("a: |\n  two\n  lines\nb: 'it''s'\n");
	ck_assert_str_eq(yaml_get(root, "a")->scalar, "two\nlines\n");
	ck_assert(yaml_get(root, "a")->quoted);
	ck_assert_str_eq(yaml_get(root, "b")->scalar, "it's");
}
END_TEST

START_TEST(json_is_read_too)
{
	const struct yaml_node *root =
		parse_string("{\"a\": [1, true, null, \"x\\u00e9\"],\n \"b\": {}, \"c\": []}");
	ck_assert_ptr_nonnull(root);
	check_node(root, NULL);
	ck_assert_uint_eq(yaml_get(root, "a")->count, 4);
	ck_assert_str_eq(yaml_get(root, "a")->first->scalar, "1");
	ck_assert_uint_eq(yaml_get(root, "b")->count, 0);
	ck_assert_int_eq(yaml_get(root, "b")->line, 2);
}
END_TEST

START_TEST(a_byte_order_mark_is_allowed)
{
	const struct yaml_node *root = parse_string("\xEF\xBB\xBF"
						    "a: 1\n");
	ck_assert_ptr_nonnull(root);
	ck_assert_str_eq(yaml_get(root, "a")->scalar, "1");
}
END_TEST

START_TEST(refused_with_file_and_line)
{
	static const struct {
		const char *source;
		const char *complaints;
	} rows[] = {
		{"", "f.yaml:1: the document is empty\n"},
		{"# only a comment\n", "f.yaml:2: the document is empty\n"},
		{"---\n...\n", "f.yaml:2: the document is empty\n"},
		{"a: &x 1\n", "f.yaml:1: a: anchors are not supported; write it out\n"},
		{"a:\n  b: *x\n", "f.yaml:2: a.b: aliases are not supported; write it out\n"},
		{"a: 1\nb: [1, !!str 2]\n",
			"f.yaml:2: b[1]: tags are not supported; the key decides the type\n"},
		{"a: !x {}\n", "f.yaml:1: a: tags are not supported; the key decides the type\n"},
		{"&r [1]\n", "f.yaml:1: anchors are not supported; write it out\n"},
		{"a: 1\nb: {x: 1, x: 2}\na: 2\n", "f.yaml:2: b.x: duplicate key, first on line 2\n"
						  "f.yaml:3: a: duplicate key, first on line 1\n"},
		{"a: 1\n---\nb: 2\n", "f.yaml:2: a second document; only one is read\n"},
		{"? [a]\n: b\n", "f.yaml:1: a key must be plain text\n"},
		{"x:\n  {a: 1}: b\n", "f.yaml:2: x: a key must be plain text\n"},
		{"a: \"\\0\"\n", "f.yaml:1: a: text with a NUL character\n"},
		{"a: 1\nb: \x01\n", "f.yaml:2: control characters are not allowed at byte 8\n"},
		{"a:\n\tb: 1\n",
			"f.yaml:2: a: not valid YAML: while scanning for the next token, found "
			"character that cannot start any token; indent with spaces, not tabs\n"},
		{"a: [1, 2\n", "f.yaml:2: a[2]: not valid YAML: while parsing a flow sequence, did "
			       "not find expected ',' or ']'\n"},
		{"a: b: c\n", "f.yaml:1: not valid YAML: mapping values are not allowed in this "
			      "context\n"},
		{"a: \"x\n", "f.yaml:2: a: not valid YAML: while scanning a quoted scalar, found "
			     "unexpected end of stream\n"},
		{"a: 1\nb: \xFF\n",
			"f.yaml:2: invalid UTF-8 at byte 8: the file must be UTF-8 text\n"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check_refused(rows[i].source, strlen(rows[i].source), rows[i].complaints);
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
	check_refused(
		"a: 1\nb: \0\n", 10, "f.yaml:2: a NUL at byte 8: the file must be UTF-8 text\n");
	/* UTF-16, which libyaml would take. */
	check_refused("\xFF\xFE"
		      "a\0:\0",
		6, "f.yaml:1: invalid UTF-8 at byte 0: the file must be UTF-8 text\n");
	check_refused("a\0:\0 \0", 6, "f.yaml:1: a NUL at byte 1: the file must be UTF-8 text\n");
	check_refused("a: \xE2\x82", 5,
		"f.yaml:1: invalid UTF-8 at byte 3: the file must be UTF-8 text\n");
}
END_TEST

/* `open` many times over, closed again with `close`. */
static const struct yaml_node *parse_nested(size_t levels, const char *open, const char *close)
{
	struct text source;
	text_init(&source, YAML_FILE_BYTES);
	for (size_t i = 0; i < levels; i++)
		text_add(&source, open);
	text_add(&source, "x");
	for (size_t i = 0; i < levels; i++)
		text_add(&source, close);
	const struct yaml_node *root = parse(text_string(&source), source.length);
	text_finish(&source);
	return root;
}

START_TEST(depth_has_a_limit)
{
	ck_assert_ptr_nonnull(parse_nested(YAML_DEPTH, "[", "]"));
	ck_assert_ptr_nonnull(parse_nested(YAML_DEPTH, "- ", ""));
	ck_assert_ptr_nonnull(parse_nested(YAML_DEPTH, "{a: ", "}"));
	static const char *const opens[] = {"[", "- ", "{a: "};
	for (size_t i = 0; i < COUNT_OF(opens); i++) {
		complaints_finish(&complaints);
		ck_assert_ptr_null(parse_nested(YAML_DEPTH + 1, opens[i], ""));
		ck_assert_str_eq(complaints.rows[0].text, "nested deeper than 32 levels");
		complaints_finish(&complaints);
		/* As much of it as a file may hold: what matters is that this ends at once. */
		ck_assert_ptr_null(parse_nested(YAML_FILE_BYTES / 5, opens[i], ""));
		ck_assert_str_eq(complaints.rows[0].text, "nested deeper than 32 levels");
	}
}
END_TEST

START_TEST(values_have_a_limit)
{
	struct text source;
	text_init(&source, YAML_FILE_BYTES);
	text_add(&source, "[");
	for (int i = 0; i < YAML_NODES - 1; i++)
		text_add(&source, "a,");
	text_add(&source, "]");
	const struct yaml_node *root = parse(text_string(&source), source.length);
	ck_assert_ptr_nonnull(root);
	ck_assert_uint_eq(root->count, YAML_NODES - 1);
	text_clear(&source);
	text_add(&source, "[");
	for (int i = 0; i < YAML_NODES; i++)
		text_add(&source, "a,");
	text_add(&source, "]");
	check_refused(text_string(&source), source.length,
		"f.yaml:1: [49999]: more than 50000 values in one file\n");
	text_finish(&source);
}
END_TEST

START_TEST(many_keys_are_compared_in_reasonable_time)
{
	struct text source;
	text_init(&source, YAML_FILE_BYTES);
	for (int i = 0; i < YAML_NODES - 2; i++)
		text_printf(&source, "key%d: 1\n", i);
	ck_assert_ptr_nonnull(parse(text_string(&source), source.length));
	text_add(&source, "key17: 2\n");
	check_refused(text_string(&source), source.length,
		"f.yaml:49999: key17: duplicate key, first on line 18\n");
	text_finish(&source);
}
END_TEST

START_TEST(bytes_and_memory_have_limits)
{
	static char bytes[YAML_FILE_BYTES + 1];
	memset(bytes, 'a', sizeof(bytes));
	ck_assert_ptr_nonnull(parse(bytes, YAML_FILE_BYTES));
	check_refused(bytes, YAML_FILE_BYTES + 1,
		"f.yaml: 1048577 bytes are more than the limit of 1048576\n");
	arena_destroy(arena);
	arena = arena_create(1000);
	complaints_finish(&complaints);
	ck_assert_ptr_null(parse_string("[a,b,c,d,e,f,g,h,i,j,k,l,m,n]"));
	ck_assert_uint_eq(complaints.total, 1);
	ck_assert_str_eq(complaints.rows[0].text, "no memory left for this file");
	arena_destroy(arena);
	arena = arena_create(1);
	check_refused("a: 1", 4, "f.yaml: no memory to read it\n");
}
END_TEST

/* Read from disk; what it complains of, printed. */
static const struct yaml_node *read_path(const char *path)
{
	complaints_finish(&complaints);
	text_clear(&printed);
	const struct yaml_node *root = yaml_read(arena, path, &complaints);
	complaints_print(&complaints, &printed);
	ck_assert_int_eq(root == NULL, complaints.total > 0);
	return root;
}

START_TEST(files)
{
	char folder[SCRATCH_PATH_BYTES];
	char path[SCRATCH_PATH_BYTES];
	char expected[2 * SCRATCH_PATH_BYTES];
	scratch_make(folder);
	scratch_path(folder, "fleet.yaml", path);

	read_path(path);
	snprintf(expected, sizeof(expected), "%s: cannot open: No such file or directory\n", path);
	ck_assert_str_eq(text_string(&printed), expected);

	scratch_write(path, "a: 1\n", 5);
	const struct yaml_node *root = read_path(path);
	ck_assert_ptr_nonnull(root);
	ck_assert_str_eq(root->file, path);
	ck_assert_ptr_ne(root->file, path);

	static char large[50 * 1024 * 1024];
	memset(large, 'a', sizeof(large));
	scratch_write(path, large, sizeof(large));
	read_path(path);
	snprintf(expected, sizeof(expected), "%s: larger than the limit of 1048576 bytes\n", path);
	ck_assert_str_eq(text_string(&printed), expected);

	read_path(folder);
	snprintf(expected, sizeof(expected), "%s: cannot open: it is a directory\n", folder);
	ck_assert_str_eq(text_string(&printed), expected);

	remove(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	read_path(path);
	snprintf(expected, sizeof(expected), "%s: cannot open: not a regular file\n", path);
	ck_assert_str_eq(text_string(&printed), expected);
	remove(path);
	rmdir(folder);
}
END_TEST

START_TEST(kinds_in_words)
{
	const struct yaml_node *root = parse_string("[a, '', , [], {}]");
	ck_assert_ptr_null(root);
	root = parse_string("- a\n- ''\n-\n- []\n- {}\n");
	ck_assert_ptr_nonnull(root);
	static const char *const words[] = {"text", "text", "nothing", "a list", "a mapping"};
	size_t i = 0;
	for (const struct yaml_node *node = root->first; node; node = node->next)
		ck_assert_str_eq(yaml_kind_words(node), words[i++]);
}
END_TEST

static Suite *yaml_suite(void)
{
	const TTest *tests[] = {a_tree_that_knows_its_lines, scalars_stay_text, json_is_read_too,
		a_byte_order_mark_is_allowed, refused_with_file_and_line, bytes_that_are_no_text,
		depth_has_a_limit, values_have_a_limit, many_keys_are_compared_in_reasonable_time,
		bytes_and_memory_have_limits, files, kinds_in_words};
	return suite_with("yaml", tests, COUNT_OF(tests), begin, finish);
}

int main(void)
{
	return suite_run(yaml_suite());
}
