#include "core/base/arena.h"

#include <stdint.h>
#include <string.h>

#include "tests/unit/base/suite.h"

START_TEST(memory_is_zeroed_aligned_and_apart)
{
	struct arena *arena = arena_create(1 << 20);
	char *before = NULL;
	for (size_t bytes = 0; bytes < 300; bytes++) {
		char *memory = arena_alloc(arena, bytes);
		ck_assert_ptr_nonnull(memory);
		ck_assert_uint_eq((uintptr_t)memory % _Alignof(max_align_t), 0);
		ck_assert_ptr_ne(memory, before);
		for (size_t i = 0; i < bytes; i++)
			ck_assert_int_eq(memory[i], 0);
		memset(memory, 0xAA, bytes);
		before = memory;
	}
	arena_destroy(arena);
}
END_TEST

START_TEST(the_limit_holds)
{
	struct arena *arena = arena_create(1000);
	ck_assert_ptr_null(arena_alloc(arena, 1001));
	ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX));
	ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX - 8));
	ck_assert_uint_eq(arena_used_bytes(arena), 0);
	size_t pieces = 0;
	while (arena_alloc(arena, 16))
		pieces++;
	ck_assert_uint_eq(pieces, 1000 / 16);
	ck_assert_uint_le(arena_used_bytes(arena), 1000);
	arena_reset(arena);
	ck_assert_uint_eq(arena_used_bytes(arena), 0);
	ck_assert_ptr_nonnull(arena_alloc(arena, 900));
	arena_destroy(arena);
}
END_TEST

START_TEST(arrays_do_not_overflow)
{
	struct arena *arena = arena_create(1 << 20);
	ck_assert_ptr_null(arena_array(arena, SIZE_MAX / 2, 4));
	ck_assert_ptr_nonnull(arena_array(arena, 100, 8));
	ck_assert_ptr_nonnull(arena_array(arena, 0, 8));
	ck_assert_ptr_nonnull(arena_array(arena, 8, 0));
	arena_destroy(arena);
}
END_TEST

START_TEST(strings_are_copied)
{
	struct arena *arena = arena_create(1 << 20);
	ck_assert_str_eq(arena_strdup(arena, "replica"), "replica");
	ck_assert_str_eq(arena_strndup(arena, "replica", 3), "rep");
	ck_assert_str_eq(arena_strndup(arena, "", 0), "");
	ck_assert_str_eq(arena_printf(arena, "%s-%d", "r", 2), "r-2");
	ck_assert_ptr_null(arena_strndup(arena, "x", SIZE_MAX));
	ck_assert_ptr_null(arena_printf(arena, "%*d", 2 << 20, 1));
	arena_destroy(arena);
}
END_TEST

START_TEST(a_reset_keeps_working_over_many_blocks)
{
	struct arena *arena = arena_create(1 << 20);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 200; i++) {
			char *memory = arena_alloc(arena, 1000);
			ck_assert_ptr_nonnull(memory);
			ck_assert_int_eq(memory[999], 0);
			memset(memory, round + 1, 1000);
		}
		ck_assert_uint_ge(arena_used_bytes(arena), 200000);
		arena_reset(arena);
	}
	arena_destroy(arena);
	arena_destroy(NULL);
}
END_TEST

static Suite *arena_suite(void)
{
	const TTest *tests[] = {memory_is_zeroed_aligned_and_apart, the_limit_holds,
		arrays_do_not_overflow, strings_are_copied, a_reset_keeps_working_over_many_blocks};
	return suite_of("arena", tests, COUNT_OF(tests));
}

int main(void)
{
	return suite_run(arena_suite());
}
