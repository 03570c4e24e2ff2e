/* Big answers through a poller: read while they come, stored whole or not at all. */
#include "backends/delivery.h"

#include <stdlib.h>

#include "tests/unit/backends/stand.h"

#define SERIES 6000 /* half a megabyte: many pieces, many slices */

static const char vector_source[] =
	"sources: {prom: {kind: prometheus, every: 100ms, timeout: 10s, url: "
	"'http://127.0.0.1:%d'}}\n"
	"signals: {pool.used: {from: prom, query: used}}\n";

static const char page_source[] =
	"sources: {page: {kind: exposition, every: 100ms, timeout: 10s, url: "
	"'http://127.0.0.1:%d/m'}}\n"
	"signals: {pool.used: {from: page, metric: used}}\n";

static void add_head(struct text *text, const char *type)
{
	text_printf(text, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nConnection: close\r\n\r\n", type);
}

/* Series from..until of `value`, as a whole reply but for `tail`. */
static void add_vector(struct text *text, int from, int until, int value, const char *tail)
{
	add_head(text, "application/json");
	text_add(text, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[");
	for (int i = from; i < until; i++)
		text_printf(text,
			"%s{\"metric\":{\"cluster\":\"c%d\",\"replica\":\"r%d\",\"job\":"
			"\"pgbouncer\"},\"value\":[1600000000,\"%d\"]}",
			i > from ? "," : "", i / 20, i % 20, value);
	text_add(text, tail);
}

static void add_page(struct text *text, int until, int value, const char *tail)
{
	add_head(text, "text/plain");
	for (int i = 0; i < until; i++)
		text_printf(text, "used{cluster=\"c%d\",replica=\"r%d\",job=\"pgbouncer\"} %d\n",
			i / 20, i % 20, value);
	text_add(text, tail);
}

/* Answers one after the other; the last one for ever. Prometheus' past is empty. */
struct script {
	struct text answers[3];
	size_t count;
	atomic_uint given;
};

static void script_init(struct script *script, size_t count)
{
	*script = (struct script){.count = count};
	for (size_t i = 0; i < count; i++)
		text_init(&script->answers[i], 1 << 24);
}

static void script_finish(struct script *script)
{
	for (size_t i = 0; i < script->count; i++)
		text_finish(&script->answers[i]);
}

static const char *play(void *context, const char *request, unsigned nth)
{
	struct script *script = context;
	(void)nth;
	if (strstr(request, "/buildinfo"))
		return JSON("{}");
	if (strstr(request, "query_range"))
		return JSON(RESULT("matrix", "[]"));
	unsigned at = atomic_fetch_add(&script->given, 1);
	return text_string(&script->answers[at < script->count ? at : script->count - 1]);
}

static bool says(struct stand *stand, unsigned long wanted, const void *subject)
{
	(void)subject;
	return !poller_is_midway(stand->poller) &&
	       value_of(stand, ENTITY_REPLICA, "c299/r19", SIGNAL_POOL_USED) == (double)wanted;
}

struct big {
	const char *source;
	bool page;
};

static const struct big bigs[] = {{vector_source, false}, {page_source, true}};

static void add_big(const struct big *big, struct text *text, int value, const char *tail)
{
	if (big->page)
		add_page(text, SERIES, value, tail);
	else
		add_vector(text, 0, SERIES, value, tail);
}

START_TEST(a_big_answer_is_stored_whole)
{
	struct stand stand;
	struct responder responder;
	struct script script;
	script_init(&script, 2);
	add_big(&bigs[_i], &script.answers[0], 41, bigs[_i].page ? "" : "]}}");
	add_big(&bigs[_i], &script.answers[1], 42, bigs[_i].page ? "" : "]}}");
	responder_start(&responder, play, &script);
	stand_read(&stand, bigs[_i].source, responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, says, 41, NULL);
	turn_until(&stand, says, 42, NULL); /* known by its labels by now */
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_int_eq(status->state, SOURCE_OK);
	ck_assert_str_eq(status->trouble, "");
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "c0/r0", SIGNAL_POOL_USED), 42);
	ck_assert(poller_row_answered(stand.poller, 0));
	stand_close(&stand);
	responder_stop(&responder);
	script_finish(&script);
}
END_TEST

struct broken {
	size_t big;
	const char *tail;
	const char *says;
};

static const struct broken brokens[] = {
	{0, "", "the reply ends before its series do"},
	{0, ",{\"metric\":{\"clu", "the reply ends before its series do"},
	{0, ",{\"metric\":{\"cluster\":\"c1\"},\"value\":[1,\"x\"]}]}}", "is not what Prometheus"},
	{0, "<html>502 Bad Gateway", "what is no JSON"},
	{0, "]},\"error\":", "does not answer with whole JSON"},
	{0, "]},\"status\":\"error\"", "does not answer with whole JSON"},
	{1, "used{cluster=\"c0\"", "cut short"},
	{1, "used{cluster=\"c0\" 5\n", "line 6001"},
	{1, "<html>\n", "line 6001"},
};

/* What came before stays, and ages; of what came broken nothing is to be seen. */
START_TEST(a_big_answer_that_breaks_changes_nothing)
{
	struct stand stand;
	struct responder responder;
	struct script script;
	const struct broken *broken = &brokens[_i];
	const struct big *big = &bigs[broken->big];
	script_init(&script, 2);
	add_big(big, &script.answers[0], 41, big->page ? "" : "]}}");
	add_big(big, &script.answers[1], 66, broken->tail);
	responder_start(&responder, play, &script);
	stand_read(&stand, big->source, responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, first_failed, 1, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_msg(strstr(status->trouble, broken->says), "%s", status->trouble);
	ck_assert(says(&stand, 41, NULL));
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "c0/r0", SIGNAL_POOL_USED), 41);
	stand_close(&stand);
	responder_stop(&responder);
	script_finish(&script);
}
END_TEST

START_TEST(warnings_behind_a_big_answer_are_heard)
{
	struct stand stand;
	struct responder responder;
	struct script script;
	script_init(&script, 1);
	add_vector(&script.answers[0], 0, SERIES, 41, "]},\"warnings\":[\"a store is away\"]}");
	responder_start(&responder, play, &script);
	stand_read(&stand, vector_source, responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, says, 41, NULL);
	turn_until(&stand, settled, 0, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_int_eq(status->state, SOURCE_PARTIAL);
	ck_assert_msg(strstr(status->trouble, "a store is away"), "%s", status->trouble);
	stand_close(&stand);
	responder_stop(&responder);
	script_finish(&script);
}
END_TEST

/* Error pages and other shapes may be big too: they are held, and told as ever. */
START_TEST(a_big_answer_of_another_kind_is_told)
{
	struct stand stand;
	struct responder responder;
	struct script script;
	script_init(&script, 1);
	add_head(&script.answers[0], _i == 0 ? "text/html" : "application/json");
	text_add(&script.answers[0],
		_i == 0 ? "<html>" : "{\"status\":\"error\",\"errorType\":\"x\",\"error\":\"");
	for (int i = 0; i < 300000; i++)
		text_add_char(&script.answers[0], 'x');
	text_add(&script.answers[0], _i == 0 ? "</html>" : "\"}");
	responder_start(&responder, play, &script);
	stand_read(&stand, vector_source, responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, first_failed, 1, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_msg(strstr(status->trouble, _i == 0 ? "answers HTML" : "is refused (200, x)"),
		"%s", status->trouble);
	stand_close(&stand);
	responder_stop(&responder);
	script_finish(&script);
}
END_TEST

START_TEST(series_that_move_and_vanish_keep_their_owners)
{
	struct stand stand;
	struct responder responder;
	struct script script;
	script_init(&script, 3);
	add_vector(&script.answers[0], 0, SERIES, 41, "]}}");
	add_vector(&script.answers[1], 0, SERIES, 42, "]}}");
	add_vector(&script.answers[2], SERIES / 2, SERIES, 43, "]}}");
	responder_start(&responder, play, &script);
	stand_read(&stand, vector_source, responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, says, 43, NULL);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "c150/r0", SIGNAL_POOL_USED), 43);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "c149/r19", SIGNAL_POOL_USED), 42);
	stand_close(&stand);
	responder_stop(&responder);
	script_finish(&script);
}
END_TEST

static bool storing(struct stand *stand, unsigned long wanted, const void *subject)
{
	(void)wanted;
	(void)subject;
	return poller_is_midway(stand->poller);
}

START_TEST(a_poller_may_go_in_the_middle_of_it)
{
	struct stand stand;
	struct responder responder;
	struct script script;
	script_init(&script, 1);
	add_vector(&script.answers[0], 0, SERIES, 41, "]}}");
	responder_start(&responder, play, &script);
	stand_read(&stand, vector_source, responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, storing, 0, NULL);
	stand_close(&stand);
	responder_stop(&responder);
	script_finish(&script);
}
END_TEST

static Suite *delivery_suite(void)
{
	Suite *suite = suite_create("delivery");
	TCase *tcase = tcase_create("delivery");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, a_big_answer_is_stored_whole, 0, 2);
	tcase_add_loop_test(tcase, a_big_answer_that_breaks_changes_nothing, 0,
		(int)(sizeof(brokens) / sizeof(brokens[0])));
	tcase_add_test(tcase, warnings_behind_a_big_answer_are_heard);
	tcase_add_loop_test(tcase, a_big_answer_of_another_kind_is_told, 0, 2);
	tcase_add_test(tcase, series_that_move_and_vanish_keep_their_owners);
	tcase_add_test(tcase, a_poller_may_go_in_the_middle_of_it);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(delivery_suite());
}
