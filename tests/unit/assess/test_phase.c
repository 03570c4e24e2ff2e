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
