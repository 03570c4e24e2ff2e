/* Any rows come into order, in steps of any size, as a stable sort would leave them. */
#include "backends/order.h"

#include <stdlib.h>

#include "tests/unit/backends/bench.h"

#define ROWS_MOST 700

static int by_entity(const struct observation *a, const struct observation *b)
{
	return (a->entity > b->entity) - (a->entity < b->entity);
}

/* `kinds` different keys, each row remembering where it stood. */
static void fill(struct observation *rows, size_t count, uint32_t kinds)
{
	uint64_t state = 88172645463325252u + count * 977 + kinds;
	for (size_t i = 0; i < count; i++) {
		state = hash_mix(state + i);
		rows[i] = (struct observation){.entity = (uint32_t)state % kinds, .series = i};
	}
}

static void expect_order(const struct observation *rows, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const struct observation *a = &rows[i - 1], *b = &rows[i];
		ck_assert(
			a->entity < b->entity || (a->entity == b->entity && a->series < b->series));
	}
}

START_TEST(any_count_in_steps_of_any_size)
{
	static const size_t steps[] = {1, 7, 100, SIZE_MAX};
	for (size_t count = 0; count < ROWS_MOST; count += count < 70 ? 1 : 61) {
		struct observation rows[ROWS_MOST];
		struct order order;
		uint32_t kinds = _i == 0 ? 1 : _i == 1 ? 5 : 100000;
		size_t most = steps[count % 4], turns = 0;
		fill(rows, count, kinds);
		ck_assert(order_begin(&order, rows, count, by_entity, NULL));
		while (!order_step(&order, most))
			ck_assert_uint_lt(++turns, 20 * ROWS_MOST);
		expect_order(rows, count);
		order_finish(&order);
	}
}
END_TEST

START_TEST(rows_in_order_are_left_alone)
{
	struct observation rows[3] = {{.entity = 1}, {.entity = 1, .series = 1}, {.entity = 2}};
	struct order order;
	ck_assert(order_begin(&order, rows, 3, by_entity, NULL));
	ck_assert_ptr_null(order.room);
	ck_assert(order_step(&order, 1));
	order_finish(&order);
}
END_TEST

START_TEST(a_sort_may_be_given_up)
{
	struct observation rows[ROWS_MOST];
	struct order order;
	fill(rows, ROWS_MOST, 1000);
	ck_assert(order_begin(&order, rows, ROWS_MOST, by_entity, NULL));
	ck_assert(!order_step(&order, 100));
	order_finish(&order);
	order_finish(&order);
}
END_TEST

static Suite *order_suite(void)
{
	Suite *suite = suite_create("order");
	TCase *tcase = tcase_create("order");
	tcase_add_loop_test(tcase, any_count_in_steps_of_any_size, 0, 3);
	tcase_add_test(tcase, rows_in_order_are_left_alone);
	tcase_add_test(tcase, a_sort_may_be_given_up);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(order_suite());
}
