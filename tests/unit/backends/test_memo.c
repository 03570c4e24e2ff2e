/* What is remembered is found again, at its place or elsewhere, and forgotten when it may be wrong.
 */
#include "backends/memo.h"

#include <stdlib.h>

#include "tests/unit/backends/bench.h"

#define EPOCH 7

static uint64_t identity_of(uint32_t tag)
{
	return memo_identity((const char *)&tag, sizeof(tag));
}

static void learn(struct memo *memo, uint64_t epoch, uint32_t from, uint32_t until)
{
	memo_begin(memo, epoch);
	for (uint32_t tag = from; tag < until; tag++)
		memo_note(memo, identity_of(tag), 4, tag);
	memo_keep(memo);
}

START_TEST(the_same_answer_is_known_in_its_order)
{
	struct memo memo = {0};
	learn(&memo, EPOCH, 0, 1000);
	memo_begin(&memo, EPOCH);
	for (uint32_t tag = 0; tag < 1000; tag++) {
		const struct memo_row *row = memo_expected(&memo);
		ck_assert_ptr_nonnull(row);
		ck_assert_uint_eq(row->tag, tag);
		ck_assert_uint_eq(row->length, 4);
		memo_note(&memo, row->identity, row->length, row->tag);
	}
	ck_assert_ptr_null(memo_expected(&memo));
	ck_assert_ptr_null(memo.index); /* nobody had to search */
	memo_finish(&memo);
}
END_TEST

START_TEST(what_has_moved_is_found)
{
	struct memo memo = {0};
	learn(&memo, EPOCH, 0, 1000);
	memo_begin(&memo, EPOCH);
	for (uint32_t tag = 1000; tag-- > 0;) {
		const struct memo_row *row = memo_find(&memo, identity_of(tag));
		ck_assert_ptr_nonnull(row);
		ck_assert_uint_eq(row->tag, tag);
		memo_note(&memo, row->identity, row->length, row->tag);
	}
	ck_assert_ptr_null(memo_find(&memo, identity_of(1000)));
	memo_finish(&memo);
}
END_TEST

START_TEST(after_a_gap_the_order_is_taken_up_again)
{
	struct memo memo = {0};
	learn(&memo, EPOCH, 0, 100);
	memo_begin(&memo, EPOCH);
	memo_note(&memo, identity_of(0), 4, 0);
	const struct memo_row *row = memo_find(&memo, identity_of(50)); /* 1 to 49 are gone */
	ck_assert_uint_eq(row->tag, 50);
	memo_note(&memo, row->identity, 4, 50);
	ck_assert_uint_eq(memo_expected(&memo)->tag, 51);
	memo_finish(&memo);
}
END_TEST

START_TEST(another_epoch_knows_nothing)
{
	struct memo memo = {0};
	learn(&memo, EPOCH, 0, 10);
	memo_begin(&memo, EPOCH + 1);
	ck_assert_ptr_null(memo_expected(&memo));
	ck_assert_ptr_null(memo_find(&memo, identity_of(3)));
	memo_finish(&memo);
}
END_TEST

START_TEST(an_answer_that_was_not_whole_teaches_nothing)
{
	struct memo memo = {0};
	learn(&memo, EPOCH, 0, 10);
	memo_begin(&memo, EPOCH);
	memo_note(&memo, identity_of(3), 4, 99); /* and no memo_keep() */
	memo_begin(&memo, EPOCH);
	ck_assert_uint_eq(memo_find(&memo, identity_of(3))->tag, 3);
	memo_note(&memo, identity_of(4), 4, MEMO_UNKNOWN);
	memo_keep(&memo);
	ck_assert_uint_eq(memo.count, 0);
	memo_finish(&memo);
}
END_TEST

START_TEST(every_byte_and_the_length_count)
{
	char bytes[67] = {0};
	uint64_t zero[68];
	for (size_t length = 0; length < sizeof(bytes); length++) {
		zero[length] = memo_identity(bytes, length);
		for (size_t i = 0; i < length; i++) {
			ck_assert(zero[i] != zero[length]);
			bytes[i] = 1;
			ck_assert(memo_identity(bytes, length) != zero[length]);
			bytes[i] = 0;
		}
	}
}
END_TEST

static Suite *memo_suite(void)
{
	Suite *suite = suite_create("memo");
	TCase *tcase = tcase_create("memo");
	tcase_add_test(tcase, the_same_answer_is_known_in_its_order);
	tcase_add_test(tcase, what_has_moved_is_found);
	tcase_add_test(tcase, after_a_gap_the_order_is_taken_up_again);
	tcase_add_test(tcase, another_epoch_knows_nothing);
	tcase_add_test(tcase, an_answer_that_was_not_whole_teaches_nothing);
	tcase_add_test(tcase, every_byte_and_the_length_count);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(memo_suite());
}
