/* Packed blocks: what goes in comes out, in how few bytes. */
#include "core/fleet/packed.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "core/fleet/history.h"

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Pack and unpack; times must be exact, values within `error` of themselves. Returns the bytes. */
static size_t check_round(const struct sample *samples, size_t count, double error)
{
	uint8_t block[PACKED_BYTES_MOST], again[PACKED_BYTES_MOST];
	struct sample out[PACKED_SAMPLES_MOST];
	size_t bytes = packed_write(samples, count, block);
	ck_assert_uint_le(bytes + PACKED_SLACK, PACKED_BYTES_MOST);
	ck_assert_uint_eq(packed_bytes(block), bytes);
	ck_assert_uint_eq(packed_count(block), count);
	ck_assert_int_eq(packed_first_ms(block), samples[0].at_ms);
	ck_assert_uint_eq(packed_read(block, out), count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(out[i].at_ms, samples[i].at_ms);
		ck_assert_msg(
			fabs(out[i].value - samples[i].value) <= fabs(samples[i].value) * error,
			"%zu: %.17g is not %.17g", i, out[i].value, samples[i].value);
	}
	ck_assert_uint_eq(packed_write(out, count, again), bytes);
	ck_assert_mem_eq(again, block, bytes);
	return bytes;
}

START_TEST(steady_counts_are_nearly_free)
{
	struct sample samples[PACKED_SAMPLES_MOST];
	for (size_t i = 0; i < PACKED_SAMPLES_MOST; i++)
		samples[i] = (struct sample){1795360066051 + (int64_t)i * 1000, 60};
	ck_assert_uint_le(check_round(samples, PACKED_SAMPLES_MOST, 0), 37);
	for (size_t i = 0; i < PACKED_SAMPLES_MOST; i++)
		samples[i].value = (double)(30 + i % 16);
	ck_assert_uint_le(check_round(samples, PACKED_SAMPLES_MOST, 0), 37 + 240 / 2);
	for (size_t i = 0; i < PACKED_SAMPLES_MOST; i++)
		samples[i].value = (double)(i % 8) / 16; /* not whole, and still exact */
	check_round(samples, PACKED_SAMPLES_MOST, 0);
	check_round(samples, 1, 0);
}
END_TEST

struct odd_row {
	double values[4];
	double error;
};

static const struct odd_row odd_rows[] = {
	{{0, -0.0, 0, 0}, 0},
	{{-5, 3, 0, 65535 - 5}, 0},
	{{1e9, 1, 2, 3}, 2.5e-4},
	{{123456789.125, 1.0 / 3, -1.0 / 7, 0}, 2.5e-4},
	{{DBL_MAX, DBL_MIN, -DBL_MAX, 1}, 0},
	{{DBL_TRUE_MIN, DBL_TRUE_MIN * 3, 0, 1}, 0},
	{{1e300, 1e-300, 1, 2}, 0},
	{{0x1p53, 0x1p53 - 1, 1, 0}, 2.5e-4},
};

START_TEST(odd_values_survive)
{
	const struct odd_row *row = &odd_rows[_i];
	struct sample samples[4];
	for (size_t i = 0; i < 4; i++)
		samples[i] = (struct sample){(int64_t)(1000 * (i + 1)), row->values[i]};
	check_round(samples, 4, row->error);
}
END_TEST

START_TEST(times_are_exact_across_gaps)
{
	struct sample samples[5] = {
		{-7, 1}, {0, 2}, {1, 3}, {4000000000000, 4}, {4000000000001, 5}};
	check_round(samples, 5, 0);
	samples[0].at_ms = -4000000000000000;
	check_round(samples, 5, 0);
}
END_TEST

START_TEST(any_samples_round)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)(unsigned)_i;
	struct sample samples[PACKED_SAMPLES_MOST];
	size_t count = 1 + next_random(&state) % PACKED_SAMPLES_MOST;
	int64_t at_ms = (int64_t)(next_random(&state) % 1000000);
	unsigned spread = (unsigned)(next_random(&state) % 40);
	for (size_t i = 0; i < count; i++) {
		at_ms += 1 + (int64_t)(next_random(&state) >> (63 - spread));
		double value = (double)(int64_t)next_random(&state) / 0x1p40;
		samples[i] = (struct sample){
			at_ms, ldexp(value, (int)(next_random(&state) % (1 + spread)))};
	}
	check_round(samples, count, 2.5e-4);
}
END_TEST

static Suite *packed_suite(void)
{
	Suite *suite = suite_create("packed");
	TCase *cases = tcase_create("packed");
	tcase_add_test(cases, steady_counts_are_nearly_free);
	tcase_add_loop_test(
		cases, odd_values_survive, 0, (int)(sizeof(odd_rows) / sizeof(odd_rows[0])));
	tcase_add_test(cases, times_are_exact_across_gaps);
	tcase_add_loop_test(cases, any_samples_round, 0, 60);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(packed_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
