#include "backends/sim/model_random.h"

#include <math.h>

#include "tests/unit/sim/suite.h"

#define DRAWS 200000

START_TEST(the_same_seed_gives_the_same_dice)
{
	struct random_stream a, b, other_seed, other_stream;
	random_seed(&a, 7, 1);
	random_seed(&b, 7, 1);
	random_seed(&other_seed, 8, 1);
	random_seed(&other_stream, 7, 2);
	int same_seed = 0, same_stream = 0;
	for (int i = 0; i < 1000; i++) {
		uint64_t drawn = random_next(&a);
		ck_assert_uint_eq(drawn, random_next(&b));
		same_seed += drawn == random_next(&other_seed);
		same_stream += drawn == random_next(&other_stream);
	}
	ck_assert_int_eq(same_seed, 0);
	ck_assert_int_eq(same_stream, 0);
}
END_TEST

/* First outputs of xoshiro256++ from the state {1, 2, 3, 4}, by hand from its definition. */
START_TEST(the_generator_is_the_published_one)
{
	struct random_stream stream = {{1, 2, 3, 4}};
	ck_assert_uint_eq(random_next(&stream), 41943041U);
	ck_assert_uint_eq(random_next(&stream), 58720359U);
}
END_TEST

START_TEST(shapes_have_their_means)
{
	struct random_stream stream;
	double unit = 0, exponential = 0, normal = 0, square = 0, poisson = 0, large = 0;
	random_seed(&stream, 1, 1);
	for (int i = 0; i < DRAWS; i++) {
		double u = random_unit(&stream), n = random_normal(&stream);
		ck_assert(u > 0.0 && u <= 1.0);
		unit += u;
		exponential += random_exponential(&stream, 5.0);
		normal += n;
		square += n * n;
		poisson += random_poisson(&stream, 2.5);
	}
	for (int i = 0; i < DRAWS / 100; i++)
		large += random_poisson(&stream, 1000.0);
	ck_assert_double_eq_tol(unit / DRAWS, 0.5, 0.005);
	ck_assert_double_eq_tol(exponential / DRAWS, 5.0, 0.05);
	ck_assert_double_eq_tol(normal / DRAWS, 0.0, 0.01);
	ck_assert_double_eq_tol(square / DRAWS, 1.0, 0.02);
	ck_assert_double_eq_tol(poisson / DRAWS, 2.5, 0.02);
	ck_assert_double_eq_tol(large / (DRAWS / 100), 1000.0, 4.0);
	ck_assert_uint_eq(random_poisson(&stream, 0.0), 0);
}
END_TEST

START_TEST(below_reaches_every_number_and_no_other)
{
	struct random_stream stream;
	int seen[3] = {0};
	random_seed(&stream, 3, 9);
	for (int i = 0; i < 30000; i++)
		seen[random_below(&stream, 3)]++;
	for (int i = 0; i < 3; i++)
		ck_assert_int_gt(seen[i], 9000);
	ck_assert_uint_eq(random_below(&stream, 1), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {the_same_seed_gives_the_same_dice,
		the_generator_is_the_published_one, shapes_have_their_means,
		below_reaches_every_number_and_no_other};
	return suite_run(suite_of("random", tests, COUNT_OF(tests)));
}
