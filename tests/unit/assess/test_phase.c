#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess/assess.h"
#include "core/assess/phase.h"

/* A calm cluster; each test changes what it is about. */
static struct phase_inputs calm(void)
{
	struct phase_inputs in;
	phase_inputs_init(&in);
	in.all_serve = true;
	in.after_loss = 0.7;
	in.load = 1;
	in.load_trip = 1.15;
	in.use = 0.5;
	in.knee = 0.83;
	in.use_baseline = 0.5;
	in.use_margin = 0.08;
	in.wait_baseline = 0.001;
	in.wait = 0;
	in.waiting = 0;
	in.errors = 0.001;
	in.failures = 0.001;
	in.attempts = 1.01;
	in.fits = 0.5;
	in.yield = 1;
	return in;
}

struct clockwork {
	struct phase_machine machine;
	int64_t now_ms;
};

static enum phase run(struct clockwork *it, struct phase_inputs in, int seconds)
{
	enum phase phase = it->machine.phase;
	for (int i = 0; i < seconds; i++) {
		it->now_ms += 1000;
		in.sample_ms = it->now_ms;
		phase = phase_step(&it->machine, &in, it->now_ms);
	}
	return phase;
}

START_TEST(words)
{
	static const char *const names[PHASE_COUNT] = {"normal", "vulnerable", "trigger",
		"load shift", "saturation", "errors", "amplification", "metastable", "recovery",
		"blind"};
	for (unsigned i = 0; i < PHASE_COUNT; i++) {
		ck_assert_str_eq(phase_name((enum phase)i), names[i]);
		for (unsigned j = 0; j < i; j++)
			ck_assert_int_ne(
				phase_badness((enum phase)i), phase_badness((enum phase)j));
	}
	ck_assert_int_gt(phase_badness(PHASE_METASTABLE), phase_badness(PHASE_AMPLIFICATION));
	ck_assert_int_gt(phase_badness(PHASE_TRIGGER), phase_badness(PHASE_RECOVERY));
	ck_assert_int_gt(phase_badness(PHASE_RECOVERY), phase_badness(PHASE_VULNERABLE));
	ck_assert_str_eq(severity_name(phase_severity(PHASE_SATURATION)), "critical");
	ck_assert_str_eq(severity_name(phase_severity(PHASE_RECOVERY)), "warning");
	ck_assert_str_eq(severity_name(phase_severity(PHASE_NORMAL)), "ok");
	ck_assert_str_eq(severity_name(phase_severity(PHASE_BLIND)), "unknown");
}
END_TEST

START_TEST(one_condition_at_a_time)
{
	struct row {
		const char *what;
		enum phase expected;
		struct phase_inputs in;
	} rows[24];
	size_t count = 0;
#define ROW(WHAT, PHASE, ...)                                  \
	do {                                                   \
		struct phase_inputs in = calm();               \
		__VA_ARGS__;                                   \
		rows[count++] = (struct row){WHAT, PHASE, in}; \
	} while (0)
	ROW("calm", PHASE_NORMAL, (void)0);
	ROW("no room", PHASE_VULNERABLE, in.after_loss = 0.85);
	ROW("last replica", PHASE_VULNERABLE, in.after_loss = INFINITY);
	ROW("replica out", PHASE_TRIGGER, in.out = 1; in.all_serve = false);
	ROW("capacity cut", PHASE_TRIGGER, in.cut = true);
	ROW("shifted", PHASE_LOAD_SHIFT, in.out = 1; in.load = 1.3);
	ROW("more load alone is no shift", PHASE_NORMAL, in.load = 1.3);
	ROW("full and waiting", PHASE_SATURATION, in.use = 0.99; in.wait = 0.1);
	ROW("full, nobody waits", PHASE_NORMAL, in.use = 0.99);
	ROW("waiting, not full", PHASE_NORMAL, in.wait = 0.1);
	ROW("full, waiting not measured", PHASE_SATURATION, in.use = 0.99; in.wait = NAN;
		in.waiting = NAN);
	ROW("full, clients counted", PHASE_SATURATION, in.use = 0.9; in.wait = NAN;
		in.waiting = 0.2);
	ROW("nothing learned, plainly waiting", PHASE_SATURATION, in.use = 0.99; in.wait = 0.3;
		in.use_baseline = NAN; in.wait_baseline = NAN);
	ROW("nothing learned, hardly waiting", PHASE_NORMAL, in.use = 0.99; in.wait = 0.1;
		in.use_baseline = NAN; in.wait_baseline = NAN);
	ROW("always rather full", PHASE_NORMAL, in.use = 0.88; in.wait = 0.1;
		in.use_baseline = 0.82);
	ROW("always some wait", PHASE_NORMAL, in.use = 0.99; in.wait = 0.1;
		in.wait_baseline = 0.04);
	ROW("a queue before one pool, room elsewhere", PHASE_NORMAL, in.use = 0.99; in.wait = 0.24;
		in.whole_use = 0.89);
	ROW("a long queue before one pool", PHASE_SATURATION, in.use = 0.99; in.wait = 0.25;
		in.whole_use = 0.5);
	ROW("room nowhere", PHASE_SATURATION, in.use = 0.99; in.wait = 0.1; in.whole_use = 0.9);
	ROW("user errors", PHASE_ERRORS, in.errors = 0.01);
	ROW("auth fails", PHASE_ERRORS, in.failures = 0.05);
	ROW("usual errors", PHASE_NORMAL, in.errors = 0.025; in.errors_baseline = 0.02);
	ROW("retries", PHASE_AMPLIFICATION, in.attempts = 1.2);
#undef ROW
	for (size_t i = 0; i < count; i++) {
		struct clockwork it = {.now_ms = 1000000};
		enum phase phase = run(&it, rows[i].in, 3);
		ck_assert_msg(phase == rows[i].expected, "%s: %s", rows[i].what, phase_name(phase));
	}
}
END_TEST

START_TEST(unknown_is_neither)
{
	struct phase_inputs nothing;
	phase_inputs_init(&nothing);
	struct clockwork it = {.now_ms = 1000000};
	ck_assert_int_eq(run(&it, nothing, 100), PHASE_NORMAL);
	struct phase_inputs bad = calm();
	bad.errors = 0.3;
	bad.attempts = 3;
	ck_assert_int_eq(run(&it, bad, 5), PHASE_AMPLIFICATION);
	ck_assert_int_eq(run(&it, nothing, 1000), PHASE_AMPLIFICATION);
	/* One figure stays away: the others alone don't make a recovery. */
	struct phase_inputs half = calm();
	half.errors = NAN;
	ck_assert_int_ne(run(&it, half, 1000), PHASE_RECOVERY);
	ck_assert_int_eq(run(&it, calm(), 31), PHASE_RECOVERY);
}
END_TEST

START_TEST(metastable_needs_a_reason)
{
	struct clockwork it = {.now_ms = 1000000};
	struct phase_inputs bad = calm();
	bad.use = 1;
	bad.wait = 0.9;
	bad.errors = 0.2;
	bad.attempts = 3;
	bad.fits = 1.05;
	bad.out = 1;
	bad.all_serve = false;
	ck_assert_int_eq(run(&it, bad, 60), PHASE_AMPLIFICATION);
	bad.out = 0;
	bad.all_serve = true;
	bad.fits = NAN;
	ck_assert_int_eq(run(&it, bad, 10), PHASE_AMPLIFICATION);
	ck_assert_int_eq(run(&it, bad, 1), PHASE_METASTABLE);
	/* Half better is not better. */
	bad.errors = 0.004;
	bad.attempts = 1.15;
	ck_assert_int_eq(run(&it, bad, 600), PHASE_METASTABLE);
	ck_assert_int_eq(run(&it, calm(), 30), PHASE_METASTABLE);
	ck_assert_int_eq(run(&it, calm(), 1), PHASE_RECOVERY);

	/* First tries alone are too many: plain overload. */
	struct clockwork other = {.now_ms = 1000000};
	bad.errors = 0.2;
	bad.attempts = 3;
	bad.fits = 1.3;
	ck_assert_int_eq(run(&other, bad, 300), PHASE_AMPLIFICATION);
	/* They would fit, and nothing was ever out: a storm that feeds itself. */
	bad.fits = 0.7;
	ck_assert_int_eq(run(&other, bad, 11), PHASE_METASTABLE);
}
END_TEST

START_TEST(metastable_ends_where_nothing_feeds_it)
{
	struct clockwork it = {.now_ms = 1000000};
	struct phase_inputs bad = calm();
	bad.use = 1;
	bad.wait = 0.9;
	bad.errors = 0.2;
	bad.attempts = 3;
	bad.fits = 0.7;
	ck_assert_int_eq(run(&it, bad, 20), PHASE_METASTABLE);
	/* Downstreams are still too small: users see errors, and nobody waits or tries again. */
	struct phase_inputs freed = calm();
	freed.errors = 0.1;
	freed.attempts = 1.09;
	ck_assert_int_eq(run(&it, freed, 30), PHASE_METASTABLE);
	/* Who waits again begins it anew. */
	struct phase_inputs waits = freed;
	waits.wait = 0.2;
	ck_assert_int_eq(run(&it, waits, 2), PHASE_METASTABLE);
	freed.attempts = 1.01;
	ck_assert_int_eq(run(&it, freed, 60), PHASE_METASTABLE);
	ck_assert_int_eq(run(&it, freed, 1), PHASE_ERRORS);
	ck_assert_int_eq(run(&it, calm(), 31), PHASE_RECOVERY);
}
END_TEST

START_TEST(recovery_is_held)
{
	struct clockwork it = {.now_ms = 1000000};
	struct phase_inputs bad = calm();
	bad.errors = 0.2;
	run(&it, bad, 5);
	int64_t seconds = 0;
	while (run(&it, calm(), 1) != PHASE_RECOVERY)
		seconds++;
	ck_assert_int_eq(seconds, 30);
	struct phase_inputs rising = calm();
	rising.errors = 0.007; /* over half of the alarm, under the alarm */
	ck_assert_int_eq(run(&it, rising, 100), PHASE_RECOVERY);
	ck_assert_int_eq(run(&it, calm(), 199), PHASE_RECOVERY);
	ck_assert_int_eq(run(&it, calm(), 2), PHASE_NORMAL);
}
END_TEST

/* Half way back to what is usual is well, and what is usual may be some errors. */
START_TEST(recovery_is_half_way_to_what_is_usual)
{
	for (int half = 0; half < 2; half++) {
		struct clockwork it = {.now_ms = 1000000};
		struct phase_inputs in = calm();
		in.errors_baseline = 0.02;
		in.errors = 0.2;
		run(&it, in, 5);
		in.errors = half ? 0.0245 : 0.0255; /* 0.03 is the line */
		ck_assert_int_eq(run(&it, in, 100), half ? PHASE_RECOVERY : PHASE_ERRORS);
	}
}
END_TEST

/* The trigger is gone. What is left is stuck if the first tries have room, else it is overload. */
START_TEST(first_tries_that_are_too_many_are_overload)
{
	for (int too_many = 0; too_many < 2; too_many++) {
		struct clockwork it = {.now_ms = 1000000};
		struct phase_inputs bad = calm();
		bad.use = 1;
		bad.wait = 0.9;
		bad.errors = 0.2;
		bad.attempts = 3;
		bad.fits = 1.2;
		bad.out = 1;
		bad.all_serve = false;
		run(&it, bad, 20);
		bad.out = 0;
		bad.all_serve = true;
		bad.fits = too_many ? 1 : 0.99;
		ck_assert_int_eq(
			run(&it, bad, 60), too_many ? PHASE_AMPLIFICATION : PHASE_METASTABLE);
	}
}
END_TEST

/* Each line of limits.h that decides here, from both sides. */
START_TEST(lines_from_both_sides)
{
	static const struct phase_inputs none;
	struct row {
		const char *what;
		struct phase_inputs in;
		int seconds;
		enum phase expected;
	} rows[64];
	size_t count = 0;
	struct phase_inputs in = none;
#define ROW(WHAT, SECONDS, PHASE, ...)                                  \
	do {                                                            \
		in = calm();                                            \
		__VA_ARGS__;                                            \
		rows[count++] = (struct row){WHAT, in, SECONDS, PHASE}; \
	} while (0)
	ROW("after a loss", 5, PHASE_NORMAL, in.after_loss = 0.84);
	ROW("after a loss", 5, PHASE_VULNERABLE, in.after_loss = 0.86);
	ROW("errors that are usual", 5, PHASE_NORMAL, in.errors = 0.011;
		in.errors_baseline = 0.0025);
	ROW("errors that are few", 5, PHASE_ERRORS, in.errors = 0.0105;
		in.errors_baseline = 0.0018);
	ROW("one sample of errors", 1, PHASE_NORMAL, in.errors = 0.2);
	ROW("two samples of errors", 2, PHASE_ERRORS, in.errors = 0.2);
	ROW("attempts", 5, PHASE_NORMAL, in.attempts = 1.19);
	ROW("attempts", 5, PHASE_AMPLIFICATION, in.attempts = 1.21);
	ROW("wait", 5, PHASE_NORMAL, in.use = 0.99; in.wait = 0.09);
	ROW("wait", 2, PHASE_NORMAL, in.use = 0.99; in.wait = 0.11);
	ROW("wait", 3, PHASE_SATURATION, in.use = 0.99; in.wait = 0.11);
	ROW("wait, nothing learned", 5, PHASE_NORMAL, in.use = 0.99; in.wait = 0.24;
		in.wait_baseline = NAN);
	ROW("wait, nothing learned", 5, PHASE_SATURATION, in.use = 0.99; in.wait = 0.26;
		in.wait_baseline = NAN);
	ROW("over a usual wait", 5, PHASE_SATURATION, in.use = 0.99; in.wait = 0.13;
		in.wait_baseline = 0.04);
	ROW("clients counted", 5, PHASE_NORMAL, in.use = 0.99; in.wait = NAN; in.waiting = 0.045);
	ROW("clients counted", 5, PHASE_SATURATION, in.use = 0.99; in.wait = NAN;
		in.waiting = 0.055);
	ROW("whether anybody waits is not measured", 5, PHASE_NORMAL, in.use = 0.9; in.wait = NAN;
		in.waiting = NAN);
	ROW("whether anybody waits is not measured", 5, PHASE_SATURATION, in.use = 0.92;
		in.wait = NAN; in.waiting = NAN);
	ROW("nearly always full", 5, PHASE_NORMAL, in.use = 0.96; in.wait = 0.11;
		in.use_baseline = 0.95);
	ROW("nearly always full", 5, PHASE_SATURATION, in.use = 0.98; in.wait = 0.11;
		in.use_baseline = 0.95);
#undef ROW
	for (size_t i = 0; i < count; i++) {
		struct clockwork it = {.now_ms = 1000000};
		enum phase phase = run(&it, rows[i].in, rows[i].seconds);
		ck_assert_msg(phase == rows[i].expected, "%s, row %zu: %s", rows[i].what, i,
			phase_name(phase));
	}
}
END_TEST

/* From a first state to a second, which must be shown so long before the phase changes. */
static void expect_change(struct phase_inputs first, enum phase held, struct phase_inputs then,
	int seconds, enum phase after)
{
	struct clockwork it = {.now_ms = 1000000};
	ck_assert_int_eq(run(&it, first, 20), held);
	ck_assert_int_eq(run(&it, then, seconds), held);
	ck_assert_int_eq(run(&it, then, 1), after);
}

START_TEST(dwells_and_clear_levels)
{
	struct phase_inputs first = calm(), then = calm();
	first.after_loss = 0.9;
	then.after_loss = 0.81;
	expect_change(first, PHASE_VULNERABLE, then, 300, PHASE_VULNERABLE);
	then.after_loss = 0.79;
	expect_change(first, PHASE_VULNERABLE, then, 60, PHASE_NORMAL);

	/* A full pool: by its wait, and by its use. */
	first = then = calm();
	first.use = 0.99;
	first.wait = 0.3;
	then.wait = 0.055;
	expect_change(first, PHASE_SATURATION, then, 300, PHASE_SATURATION);
	then.wait = 0.045;
	expect_change(first, PHASE_SATURATION, then, 60, PHASE_NORMAL);
	then.use = 0.74;
	expect_change(first, PHASE_SATURATION, then, 300, PHASE_SATURATION);
	then.use = 0.72;
	expect_change(first, PHASE_SATURATION, then, 60, PHASE_NORMAL);
	first.use_baseline = then.use_baseline = NAN;
	then.use = 0.88;
	expect_change(first, PHASE_SATURATION, then, 300, PHASE_SATURATION);
	then.use = 0.87;
	expect_change(first, PHASE_SATURATION, then, 60, PHASE_NORMAL);

	/* Where clients usually wait a little: by twice that; where pools are usually rather full:
	 * by half of what is allowed over that. */
	first = then = calm();
	first.use = 0.99;
	first.wait_baseline = then.wait_baseline = 0.04;
	first.wait = 0.3;
	then.wait = 0.085;
	expect_change(first, PHASE_SATURATION, then, 300, PHASE_SATURATION);
	then.wait = 0.075;
	expect_change(first, PHASE_SATURATION, then, 60, PHASE_NORMAL);
	first = then = calm();
	first.use = 0.99;
	first.wait = 0.3;
	first.use_baseline = then.use_baseline = 0.75;
	first.use_margin = then.use_margin = 0.1;
	then.use = 0.805;
	expect_change(first, PHASE_SATURATION, then, 300, PHASE_SATURATION);
	then.use = 0.795;
	expect_change(first, PHASE_SATURATION, then, 60, PHASE_NORMAL);

	/* Retries under errors that stay. */
	first = then = calm();
	first.errors = then.errors = 0.2;
	first.attempts = 1.5;
	first.fits = then.fits = 1.1;
	then.attempts = 1.06;
	expect_change(first, PHASE_AMPLIFICATION, then, 300, PHASE_AMPLIFICATION);
	then.attempts = 1.04;
	expect_change(first, PHASE_AMPLIFICATION, then, 60, PHASE_ERRORS);

	/* A shift that is over, while the replica stays out. */
	first = then = calm();
	first.out = then.out = 1;
	first.load = 1.3;
	then.use = 0.8; /* not well enough to be absorbed */
	then.load = 1.08;
	expect_change(first, PHASE_LOAD_SHIFT, then, 300, PHASE_LOAD_SHIFT);
	then.load = 1.07;
	expect_change(first, PHASE_LOAD_SHIFT, then, 10, PHASE_TRIGGER);
}
END_TEST

START_TEST(lines_of_the_metastable_test)
{
	static const struct {
		double fits, attempts, yield, errors, wait;
		enum phase expected;
	} rows[] = {
		{0.89, 3, 1, 0.2, 0.9, PHASE_METASTABLE},
		{0.91, 3, 1, 0.2, 0.9, PHASE_AMPLIFICATION},
		{0.5, 1.11, 1, 0.2, 0.9, PHASE_METASTABLE},
		{0.5, 1.09, 1, 0.2, 0.9, PHASE_ERRORS},
		{0.5, 1.0, 0.49, 0.2, 0.9, PHASE_METASTABLE},
		{0.5, 1.0, 0.51, 0.2, 0.9, PHASE_ERRORS},
		{0.5, 1.15, 1, 0.006, 0.51, PHASE_METASTABLE},
		{0.5, 1.15, 1, 0.006, 0.49, PHASE_ERRORS},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct clockwork it = {.now_ms = 1000000};
		struct phase_inputs in = calm();
		in.errors = 0.2;
		in.fits = 1.2;
		run(&it, in, 5);
		in.fits = rows[i].fits;
		in.attempts = rows[i].attempts;
		in.yield = rows[i].yield;
		in.errors = rows[i].errors;
		in.wait = rows[i].wait;
		enum phase phase = run(&it, in, 30);
		ck_assert_msg(phase == rows[i].expected, "row %zu: %s", i, phase_name(phase));
	}
}
END_TEST

START_TEST(few_events_say_little)
{
	/* Half an error is expected: that, four deviations and three more, by hand. */
	ck_assert_double_eq_tol(phase_errors_trip(NAN, 500), (0.5 + 4 * sqrt(0.5) + 3) / 500, 1e-9);
	ck_assert_double_eq_tol(phase_errors_trip(NAN, NAN), 0.01, 1e-12);
	ck_assert_double_eq_tol(phase_errors_clear(NAN, NAN), 0.002, 1e-12);
	ck_assert_double_eq_tol(phase_errors_trip(0.02, NAN), 0.03, 1e-12);
	ck_assert_double_eq_tol(phase_errors_clear(0.02, NAN), 0.022, 1e-12);
	ck_assert_double_eq_tol(
		phase_attempts_trip(1.05, 100), 1 + (0.5 + 4 * sqrt(0.5) + 3) / 100, 1e-9);
	ck_assert_double_eq_tol(phase_attempts_trip(1.2, 1e6), 1.2, 1e-12);
}
END_TEST

static Suite *phase_suite(void)
{
	Suite *suite = suite_create("phase");
	TCase *cases = tcase_create("phase");
	tcase_add_test(cases, words);
	tcase_add_test(cases, one_condition_at_a_time);
	tcase_add_test(cases, unknown_is_neither);
	tcase_add_test(cases, metastable_needs_a_reason);
	tcase_add_test(cases, metastable_ends_where_nothing_feeds_it);
	tcase_add_test(cases, recovery_is_held);
	tcase_add_test(cases, recovery_is_half_way_to_what_is_usual);
	tcase_add_test(cases, first_tries_that_are_too_many_are_overload);
	tcase_add_test(cases, lines_from_both_sides);
	tcase_add_test(cases, dwells_and_clear_levels);
	tcase_add_test(cases, lines_of_the_metastable_test);
	tcase_add_test(cases, few_events_say_little);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(phase_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
