#include "backends/sim/model_agenda.h"

#include "backends/sim/model_random.h"
#include "tests/unit/sim/suite.h"

START_TEST(events_come_in_order_and_ties_as_added)
{
	struct agenda agenda;
	struct random_stream dice;
	random_seed(&dice, 5, 5);
	ck_assert(agenda_init(&agenda, 1000));
	ck_assert_int_eq(agenda_next_us(&agenda), INT64_MAX);
	for (uint32_t i = 0; i < 1000; i++) {
		struct event event = {.at_us = (int64_t)random_below(&dice, 50), .subject = i};
		ck_assert(agenda_add(&agenda, event));
	}
	ck_assert(!agenda_add(&agenda, (struct event){0}));
	struct event last = agenda_take(&agenda);
	for (int i = 1; i < 1000; i++) {
		ck_assert_int_eq(agenda_next_us(&agenda), agenda.events[0].at_us);
		struct event next = agenda_take(&agenda);
		ck_assert_int_ge(next.at_us, last.at_us);
		if (next.at_us == last.at_us)
			ck_assert_uint_gt(next.subject, last.subject);
		last = next;
	}
	ck_assert_uint_eq(agenda.count, 0);
	agenda_finish(&agenda);
}
END_TEST

START_TEST(a_group_is_dropped_and_the_rest_stays_in_order)
{
	struct agenda agenda;
	ck_assert(agenda_init(&agenda, 100));
	for (uint32_t i = 0; i < 100; i++) {
		struct event event = {.at_us = (int64_t)((i * 37) % 100),
			.subject = i,
			.group = (uint16_t)(i % 4),
			.kind = i % 8 == 2 ? EVENT_RETRY : EVENT_SERVED};
		ck_assert(agenda_add(&agenda, event));
	}
	agenda_drop_group(&agenda, EVENT_SERVED, 2);
	int64_t last_us = -1;
	size_t retries = 0;
	ck_assert_uint_eq(agenda.count, 100 - 12);
	while (agenda.count > 0) {
		struct event event = agenda_take(&agenda);
		ck_assert_int_ge(event.at_us, last_us);
		ck_assert(event.kind == EVENT_RETRY || event.group != 2);
		retries += event.kind == EVENT_RETRY;
		last_us = event.at_us;
	}
	ck_assert_uint_eq(retries, 13);
	agenda_finish(&agenda);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {events_come_in_order_and_ties_as_added,
		a_group_is_dropped_and_the_rest_stays_in_order};
	return suite_run(suite_of("agenda", tests, COUNT_OF(tests)));
}
