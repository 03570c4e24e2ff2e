#include "backends/agreement.h"
#include "tests/unit/backends/bench.h"

enum { PROBE = 0, EDGE = 1, PROM = 2 };

static struct claim say(uint16_t source, enum signal signal, double value, int64_t at_ms)
{
	static const int trusts[] = {[PROBE] = 90, [EDGE] = 70, [PROM] = 40};
	return (struct claim){.entity = 7,
		.signal = signal,
		.source = source,
		.trust = trusts[source],
		.value = value,
		.at_ms = at_ms,
		.interval_ms = 1000};
}

static struct agreement_verdict hear(struct agreement *agreement, uint16_t source,
	enum signal signal, double value, int64_t now_ms)
{
	struct agreement_verdict verdict = {0};
	struct error error = {0};
	struct claim claim = say(source, signal, value, now_ms);
	ck_assert(agreement_note(agreement, &claim, now_ms, &verdict, &error));
	return verdict;
}

START_TEST(the_most_trusted_fresh_word_counts)
{
	struct agreement *agreement = agreement_create();
	ck_assert(hear(agreement, PROM, SIGNAL_REPLICA_UP, 1, 10000).counts);
	ck_assert(hear(agreement, PROBE, SIGNAL_REPLICA_UP, 0, 10100).counts);
	ck_assert(!hear(agreement, PROM, SIGNAL_REPLICA_UP, 1, 11000).counts);
	ck_assert(!hear(agreement, EDGE, SIGNAL_REPLICA_UP, 1, 11100).counts);
	/* the probe falls silent: within three of its intervals the next one takes over */
	ck_assert(!hear(agreement, EDGE, SIGNAL_REPLICA_UP, 1, 13100).counts);
	ck_assert(hear(agreement, EDGE, SIGNAL_REPLICA_UP, 1, 13101).counts);
	ck_assert(!hear(agreement, PROM, SIGNAL_REPLICA_UP, 1, 13200).counts);
	ck_assert(hear(agreement, PROBE, SIGNAL_REPLICA_UP, 1, 14000).counts);
	agreement_destroy(agreement);
}
END_TEST

START_TEST(a_contradiction_has_to_last)
{
	struct agreement *agreement = agreement_create();
	hear(agreement, PROBE, SIGNAL_REPLICA_UP, 0, 10000);
	bool disputed = false;
	int64_t at_ms = 10000;
	for (; at_ms <= 20000 && !disputed; at_ms += 1000) {
		ck_assert(!hear(agreement, PROBE, SIGNAL_REPLICA_UP, 0, at_ms).disputed);
		struct agreement_verdict verdict =
			hear(agreement, EDGE, SIGNAL_REPLICA_UP, 1, at_ms);
		disputed = verdict.disputed;
		if (disputed)
			ck_assert_uint_eq(verdict.other, PROBE);
	}
	ck_assert_int_eq(at_ms - 1000, 15000);
	hear(agreement, PROBE, SIGNAL_REPLICA_UP, 1, 16000);
	ck_assert(!hear(agreement, EDGE, SIGNAL_REPLICA_UP, 1, 16000).disputed);
	agreement_destroy(agreement);
}
END_TEST

START_TEST(taken_out_on_purpose_is_no_contradiction)
{
	struct agreement *agreement = agreement_create();
	for (int64_t at_ms = 10000; at_ms < 30000; at_ms += 1000) {
		hear(agreement, PROBE, SIGNAL_REPLICA_UP, 1, at_ms);
		hear(agreement, EDGE, SIGNAL_REPLICA_MAINTENANCE, 1, at_ms);
		ck_assert(!hear(agreement, EDGE, SIGNAL_REPLICA_UP, 0, at_ms).disputed);
	}
	agreement_destroy(agreement);
}
END_TEST

struct level_row {
	enum signal signal;
	double ours, theirs;
	bool disputed;
};

static const struct level_row levels[] = {
	{SIGNAL_POOL_USED, 20, 39, false}, /* moments apart */
	{SIGNAL_POOL_USED, 20, 41, true},
	{SIGNAL_POOL_USED, 1, 5, false}, /* few */
	{SIGNAL_POOL_MAX, 100, 100, false},
	{SIGNAL_POOL_MAX, 100, 102, true},
	{SIGNAL_REPLICA_QUERIES, 0, 0, false},
	{SIGNAL_REPLICA_QUERIES, 0, 900, true},
};

START_TEST(levels_may_differ_and_capacities_may_not)
{
	struct agreement *agreement = agreement_create();
	const struct level_row *row = &levels[_i];
	bool disputed = false;
	for (int64_t at_ms = 10000; at_ms < 30000; at_ms += 1000) {
		hear(agreement, EDGE, row->signal, row->theirs, at_ms);
		disputed = hear(agreement, PROM, row->signal, row->ours, at_ms).disputed;
	}
	ck_assert_int_eq(disputed, row->disputed);
	agreement_destroy(agreement);
}
END_TEST

START_TEST(many_facts_are_kept_apart)
{
	struct agreement *agreement = agreement_create();
	struct agreement_verdict verdict = {0};
	struct error error = {0};
	for (uint32_t entity = 0; entity < 20000; entity++) {
		struct claim claim = say(entity % 2 ? PROBE : PROM, SIGNAL_POOL_USED, 1, 10000);
		claim.entity = entity;
		ck_assert(agreement_note(agreement, &claim, 10000, &verdict, &error));
		ck_assert(verdict.counts);
	}
	for (uint32_t entity = 0; entity < 20000; entity++) {
		struct claim claim = say(EDGE, SIGNAL_POOL_USED, 1, 10500);
		claim.entity = entity;
		ck_assert(agreement_note(agreement, &claim, 10500, &verdict, &error));
		ck_assert_int_eq(verdict.counts, entity % 2 == 0);
	}
	agreement_destroy(agreement);
}
END_TEST

static Suite *agreement_suite(void)
{
	Suite *suite = suite_create("agreement");
	TCase *tcase = tcase_create("agreement");
	tcase_add_test(tcase, the_most_trusted_fresh_word_counts);
	tcase_add_test(tcase, a_contradiction_has_to_last);
	tcase_add_test(tcase, taken_out_on_purpose_is_no_contradiction);
	tcase_add_loop_test(tcase, levels_may_differ_and_capacities_may_not, 0,
		(int)(sizeof(levels) / sizeof(levels[0])));
	tcase_add_test(tcase, many_facts_are_kept_apart);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(agreement_suite());
}
