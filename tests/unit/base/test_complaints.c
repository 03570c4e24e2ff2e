#include "core/base/complaints.h"

#include <string.h>

#include "core/base/text.h"
#include "tests/unit/base/suite.h"

static struct complaints complaints;
static struct text out;

static void begin(void)
{
	complaints_init(&complaints);
	text_init(&out, 200000);
}

static void finish(void)
{
	complaints_finish(&complaints);
	text_finish(&out);
}

START_TEST(one_line_each)
{
	complaints_add(&complaints, "fleet.yaml", 12, "sources.prom.every",
		"expected a duration such as '2s', not '%s'", "fast");
	complaints_add(&complaints, "fleet.yaml", 0, NULL, "cannot open: no such file");
	complaints_add(&complaints, "fleet.yaml", 3, NULL, "not valid YAML");
	complaints_add(&complaints, "fleet.yaml", 0, "version", "missing");
	complaints_print(&complaints, &out);
	ck_assert_str_eq(text_string(&out),
		"fleet.yaml:12: sources.prom.every: expected a duration such as '2s', not 'fast'\n"
		"fleet.yaml: cannot open: no such file\n"
		"fleet.yaml:3: not valid YAML\n"
		"fleet.yaml: version: missing\n");
	ck_assert_uint_eq(complaints.total, 4);
	char line[256], cut[24];
	complaints_summary(&complaints, line, sizeof line);
	ck_assert_str_eq(line, "fleet.yaml:12: sources.prom.every: expected a duration such as "
			       "'2s', not 'fast' (and 3 more)");
	complaints_summary(&complaints, cut, sizeof cut);
	ck_assert_str_eq(cut, "fleet.yaml:12: sources.");
}
END_TEST

START_TEST(nothing_wrong_is_nothing_to_say)
{
	char line[16] = "x";
	complaints_summary(&complaints, line, sizeof line);
	ck_assert_str_eq(line, "");
}
END_TEST

START_TEST(all_parts_are_made_safe)
{
	complaints_add(&complaints,
		"fl\x1b"
		"eet",
		1, "a\nb", "value '%s'", "\xE2\x80\xAE\xE2\x80\xAC");
	complaints_print(&complaints, &out);
	ck_assert_str_eq(text_string(&out), "fl?eet:1: a b: value '?"
					    "?'\n");
}
END_TEST

START_TEST(past_the_most_they_are_counted)
{
	for (int i = 0; i < COMPLAINTS_MOST + 7; i++)
		complaints_add(&complaints, "f", i + 1, NULL, "number %d", i);
	ck_assert_uint_eq(complaints.count, COMPLAINTS_MOST);
	ck_assert_uint_eq(complaints.total, COMPLAINTS_MOST + 7);
	for (int i = 0; i < COMPLAINTS_MOST; i++)
		ck_assert_int_eq(complaints.rows[i].line, i + 1);
	complaints_print(&complaints, &out);
	ck_assert_ptr_nonnull(strstr(text_string(&out), "\nand 7 more\n"));
}
END_TEST

START_TEST(long_parts_are_cut)
{
	char text[2000];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	complaints_add(&complaints, text, 1, text, "%s", text);
	const struct complaint *row = &complaints.rows[0];
	ck_assert_uint_eq(strlen(row->file), sizeof(row->file) - 1);
	ck_assert_uint_eq(strlen(row->key), sizeof(row->key) - 1);
	ck_assert_uint_eq(strlen(row->text), sizeof(row->text) - 1);
}
END_TEST

START_TEST(the_nearest_word)
{
	static const char *const words[] = {
		"every", "timeout", "kind", "url", "from", "bearer_file"};
	static const struct {
		const char *word;
		const char *nearest;
	} rows[] = {
		{"evry", "every"},
		{"evrey", "every"},
		{"everyy", "every"},
		{"timeuot", "timeout"},
		{"tiemot", "timeout"},
		{"knid", "kind"},
		{"form", "from"},
		{"bearerfile", "bearer_file"},
		{"kind", "kind"},
		{"urk", "url"},
		{"u", NULL},
		{"ur", NULL},
		{"", NULL},
		{"completely", NULL},
		{"xyz", NULL},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *nearest = complaints_nearest(rows[i].word, words, COUNT_OF(words));
		if (rows[i].nearest)
			ck_assert_pstr_eq(nearest, rows[i].nearest);
		else
			ck_assert_msg(!nearest, "'%s' is near '%s'", rows[i].word,
				nearest ? nearest : "");
	}
	char endless[1000];
	memset(endless, 'e', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	const char *const one[] = {endless};
	ck_assert_ptr_null(complaints_nearest(endless, words, COUNT_OF(words)));
	ck_assert_ptr_null(complaints_nearest("every", one, 1));
	ck_assert_ptr_null(complaints_nearest("every", NULL, 0));
}
END_TEST

static Suite *complaints_suite(void)
{
	const TTest *tests[] = {one_line_each, nothing_wrong_is_nothing_to_say,
		all_parts_are_made_safe, past_the_most_they_are_counted, long_parts_are_cut,
		the_nearest_word};
	return suite_with("complaints", tests, COUNT_OF(tests), begin, finish);
}

int main(void)
{
	return suite_run(complaints_suite());
}
