#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ui/terminal.h"
#include "ui/terminal_input.h"

struct key_case {
	const char *bytes;
	uint32_t keys[8]; /* ends with TERMINAL_KEY_NONE */
	bool pending;     /* something is held back afterwards */
	uint32_t settled; /* what that becomes */
};

#define PASTED(c) (TERMINAL_PASTED | (c))

static const struct key_case key_cases[] = {
	{"q", {'q'}, false, 0},
	{"jk", {'j', 'k'}, false, 0},
	{"\r", {'\r'}, false, 0},
	{"\n", {'\r'}, false, 0},
	{"\b", {127}, false, 0},
	{"\x7f", {127}, false, 0},
	{"\t", {9}, false, 0},
	{"\xc3\xa9", {0xe9}, false, 0},
	{"\xc3", {0}, true, 0},
	{"\xff"
	 "a",
		{'a'}, false, 0},
	{"\x1b", {0}, true, 27},
	{"\x1b\x1b", {27}, true, 27},
	{"\x1bq", {27, 'q'}, false, 0},
	{"\x1b[A", {TERMINAL_KEY_UP}, false, 0},
	{"\x1bOA", {TERMINAL_KEY_UP}, false, 0},
	{"\x1b[1;5B", {TERMINAL_KEY_DOWN}, false, 0},
	{"\x1b[5~\x1b[6~", {TERMINAL_KEY_PAGE_UP, TERMINAL_KEY_PAGE_DOWN}, false, 0},
	{"\x1b[H\x1b[1~\x1b[7~", {TERMINAL_KEY_HOME, TERMINAL_KEY_HOME, TERMINAL_KEY_HOME}, false,
		0},
	{"\x1b[F\x1b[4~\x1bOF", {TERMINAL_KEY_END, TERMINAL_KEY_END, TERMINAL_KEY_END}, false, 0},
	{"\x1b[Z", {TERMINAL_KEY_BACK_TAB}, false, 0},
	{"\x1bOP\x1b[11~\x1b[[A", {TERMINAL_KEY_F1, TERMINAL_KEY_F1, TERMINAL_KEY_F1}, false, 0},
	{"\x1b[3~x", {'x'}, false, 0},
	{"\x1b[?62;4cx", {'x'}, false, 0},
	{"\x1b[", {0}, true, 0},
	{"\x1b[1;", {0}, true, 0},
	{"\x1b[999999999999~y", {'y'}, false, 0},
	{"\x1b[200~a\rb\x1b[201~c", {PASTED('a'), PASTED('b'), TERMINAL_KEY_PASTE, 'c'}, false, 0},
	{"\x1b[200~\x1b[A\x03\x1b[201~", {TERMINAL_KEY_PASTE}, false, 0},
};

static void expect(struct terminal_input *input, const uint32_t *keys)
{
	for (size_t i = 0; i < 8 && keys[i]; i++)
		ck_assert_uint_eq(terminal_input_next(input), keys[i]);
	ck_assert_uint_eq(terminal_input_next(input), TERMINAL_KEY_NONE);
}

START_TEST(bytes_become_keys)
{
	const struct key_case *row = &key_cases[_i];
	struct terminal_input input = {0};
	ck_assert_uint_eq(
		terminal_input_feed(&input, row->bytes, strlen(row->bytes)), strlen(row->bytes));
	expect(&input, row->keys);
	ck_assert(terminal_input_is_pending(&input) == row->pending);
	ck_assert_uint_eq(terminal_input_settle(&input), row->settled);
	ck_assert(!terminal_input_is_pending(&input));
}
END_TEST

/* However the bytes are cut up on the way, the keys are the same. */
START_TEST(one_byte_at_a_time)
{
	const struct key_case *row = &key_cases[_i];
	struct terminal_input input = {0};
	uint32_t seen[16] = {0};
	size_t count = 0;
	for (const char *byte = row->bytes; *byte; byte++) {
		terminal_input_feed(&input, byte, 1);
		for (uint32_t key; count < 15 && (key = terminal_input_next(&input));)
			seen[count++] = key;
	}
	for (size_t i = 0; i < 8; i++)
		ck_assert_uint_eq(seen[i], row->keys[i]);
	ck_assert_uint_eq(terminal_input_settle(&input), row->settled);
}
END_TEST

START_TEST(noise_ends)
{
	struct terminal_input input = {0};
	unsigned seed = 7;
	for (int round = 0; round < 20000; round++) {
		unsigned char bytes[24];
		for (size_t i = 0; i < sizeof bytes; i++) {
			seed = seed * 1103515245u + 12345u;
			bytes[i] = (unsigned char)(seed >> 16) % 4 == 0
					   ? (unsigned char)"\x1b[O~;200"[(seed >> 20) % 8]
					   : (unsigned char)(seed >> 18);
		}
		terminal_input_feed(&input, bytes, sizeof bytes);
		while (terminal_input_next(&input))
			;
		if (round % 3 == 0)
			terminal_input_settle(&input);
		ck_assert_uint_lt(input.length, 64);
	}
}
END_TEST

static Suite *terminal_input_suite(void)
{
	Suite *suite = suite_create("terminal_input");
	TCase *tcase = tcase_create("keys");
	int count = sizeof key_cases / sizeof *key_cases;
	tcase_add_loop_test(tcase, bytes_become_keys, 0, count);
	tcase_add_loop_test(tcase, one_byte_at_a_time, 0, count);
	tcase_add_test(tcase, noise_ends);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(terminal_input_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
