#include "actions/run.h"

#include "tests/unit/actions/scene.h"

/*
 * A run told as letters. Events: j journalled, J journal failed, k accepted, n refused, l lost, u
 * unreachable, p not permitted, d deadline, i interrupted; snapshots: t shows `to` and good, w
 * shows `to` and worse, f shows `from`, h part of it, o other, 0 nothing new, F and W show `from`
 * and worse six seconds later. Orders: I intent, S sent, s send, R reply, X failed, L lost, V
 * verify, D done, # finish; waiting is not
 * written. `!` first: harm ends it; `?` first: a pool that it should reach cannot be seen.
 */
static const struct {
	const char *what;
	size_t requests;
	const char *events, *orders;
	enum outcome_code code;
} runs[] = {
	{"all well", 1, "jjkjttjj", "ISsRVD#", OUTCOME_DONE},
	{"one good snapshot is not enough", 1, "jjkjtdjj", "ISsRVD#", OUTCOME_INCONCLUSIVE},
	{"worse breaks the row", 1, "jjkjtwtdjj", "ISsRVD#", OUTCOME_INCONCLUSIVE},
	{"good after worse", 1, "jjkjwttjj", "ISsRVD#", OUTCOME_DONE},
	{"harm for long ends it", 1, "!jjkjwWjj", "ISsRVD#", OUTCOME_INCONCLUSIVE},
	{"harm that passes does not", 1, "!jjkjwtWttjj", "ISsRVD#", OUTCOME_DONE},
	{"harm that nobody takes back is waited out", 1, "jjkjwWttjj", "ISsRVD#", OUTCOME_DONE},
	{"never read back", 1, "jjkj00djj", "ISsRVD#", OUTCOME_INCONCLUSIVE},
	{"accepted, nothing changed", 1, "jjkjffdjj", "ISsRVD#", OUTCOME_FAILED_UNCHANGED},
	{"applied in part", 1, "jjkjhdjj", "ISsRVD#", OUTCOME_PARTIAL},
	{"something else", 1, "jjkjodjj", "ISsRVD#", OUTCOME_INCONCLUSIVE},
	{"intent not recorded", 1, "J", "I#", OUTCOME_LOCAL_ERROR},
	{"marker not recorded", 1, "jJ", "IS#", OUTCOME_LOCAL_ERROR},
	{"reply not recorded", 1, "jjkJttjj", "ISsRVD#", OUTCOME_DONE},
	{"end not recorded", 1, "jjkjttJJ", "ISsRVD#", OUTCOME_DONE},
	{"unreachable", 1, "jjuj", "ISsD#", OUTCOME_UNREACHABLE},
	{"disarmed in between", 1, "jjpj", "ISsD#", OUTCOME_NOT_PERMITTED},
	{"refused, unchanged", 1, "jjnjfjj", "ISsXVD#", OUTCOME_FAILED_UNCHANGED},
	{"refused, and yet changed", 1, "jjnjtjj", "ISsXVD#", OUTCOME_UNKNOWN},
	{"refused, never read back", 1, "jjnj0djj", "ISsXVD#", OUTCOME_UNKNOWN},
	{"lost, applied", 1, "jjljttjj", "ISsLVD#", OUTCOME_DONE},
	{"lost, not applied yet", 1, "jjljfttjj", "ISsLVD#", OUTCOME_DONE},
	{"lost, not applied so far", 1, "jjljfFjj", "ISsLVD#", OUTCOME_UNKNOWN},
	{"lost, unknown", 1, "jjlj00djj", "ISsLVD#", OUTCOME_UNKNOWN},
	{"lost, applied but worse", 1, "jjljwdjj", "ISsLVD#", OUTCOME_UNKNOWN},
	{"interrupted early", 1, "ij", "ID#", OUTCOME_INTERRUPTED},
	{"interrupted while sending", 1, "jjij", "ISsD#", OUTCOME_UNKNOWN},
	{"interrupted while verifying", 1, "jjkjij", "ISsRD#", OUTCOME_UNKNOWN},
	{"two requests", 2, "jjkjjkjttjj", "ISsRSsRVD#", OUTCOME_DONE},
	{"second unreachable", 2, "jjkjjuj", "ISsRSsD#", OUTCOME_PARTIAL},
	{"second refused", 2, "jjkjjnjj", "ISsRSsXD#", OUTCOME_PARTIAL},
	{"second lost", 2, "jjkjjljj", "ISsRSsLD#", OUTCOME_PARTIAL},
	{"journal lost between", 2, "jjkJj", "ISsRD#", OUTCOME_PARTIAL},
	{"second marker not recorded", 2, "jjkjJ", "ISsRS#", OUTCOME_PARTIAL},
	{"first unreachable of two", 2, "jjuj", "ISsD#", OUTCOME_UNREACHABLE},
	{"done where it can be seen", 1, "?jjkjttjj", "ISsRVD#", OUTCOME_PARTIAL},
	{"lost, done where it can be seen", 1, "?jjljttjj", "ISsLVD#", OUTCOME_PARTIAL},
	{"nothing changed where it can be seen", 1, "?jjkjffdjj", "ISsRVD#",
		OUTCOME_FAILED_UNCHANGED},
	{"a snapshot while sending proves nothing", 1, "jjttkjttjj", "ISsRVD#", OUTCOME_DONE},
};

static struct run_event event_of(char letter)
{
	static const struct {
		char letter;
		enum run_event_kind kind;
		enum outcome_code code;
		enum read_back_kind seen;
		enum effect effect;
	} rows[] = {
		{'j', RUN_EVENT_JOURNALLED, 0, 0, 0},
		{'J', RUN_EVENT_JOURNAL_FAILED, 0, 0, 0},
		{'k', RUN_EVENT_REPLIED_OK, 0, 0, 0},
		{'n', RUN_EVENT_REPLIED_FAILED, 0, 0, 0},
		{'l', RUN_EVENT_LOST, 0, 0, 0},
		{'u', RUN_EVENT_NOT_SENT, OUTCOME_UNREACHABLE, 0, 0},
		{'p', RUN_EVENT_NOT_SENT, OUTCOME_NOT_PERMITTED, 0, 0},
		{'d', RUN_EVENT_DEADLINE, 0, 0, 0},
		{'i', RUN_EVENT_INTERRUPTED, 0, 0, 0},
		{'t', RUN_EVENT_SNAPSHOT, 0, READ_BACK_TO, EFFECT_GOOD},
		{'w', RUN_EVENT_SNAPSHOT, 0, READ_BACK_TO, EFFECT_WORSE},
		{'W', RUN_EVENT_SNAPSHOT, 0, READ_BACK_TO, EFFECT_WORSE},
		{'f', RUN_EVENT_SNAPSHOT, 0, READ_BACK_FROM, EFFECT_GOOD},
		{'F', RUN_EVENT_SNAPSHOT, 0, READ_BACK_FROM, EFFECT_GOOD},
		{'h', RUN_EVENT_SNAPSHOT, 0, READ_BACK_PARTLY, EFFECT_GOOD},
		{'o', RUN_EVENT_SNAPSHOT, 0, READ_BACK_OTHER, EFFECT_GOOD},
		{'0', RUN_EVENT_SNAPSHOT, 0, READ_BACK_NONE, EFFECT_UNKNOWN},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].letter == letter)
			return (struct run_event){
				.kind = rows[i].kind,
				.now_ms = strchr("FW", letter) ? SCENE_NOW + 6000 : SCENE_NOW,
				.code = rows[i].code,
				.text = "words",
				.seen = {.kind = rows[i].seen,
					.effect = rows[i].effect,
					.text = "seen"},
			};
	}
	ck_abort_msg("no event '%c'", letter);
}

static char letter_of(const struct run_order *order)
{
	static const char *const events[] = {
		"Iintent", "Ssent", "Rreply", "Xfailed", "Llost", "Vverify", "Ddone"};
	if (order->kind == RUN_ORDER_SEND)
		return 's';
	if (order->kind == RUN_ORDER_FINISH)
		return '#';
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (strcmp(events[i] + 1, order->event) == 0)
			return events[i][0];
	}
	return '?';
}

START_TEST(test_run)
{
	struct run run;
	struct run_order order;
	char orders[64] = "";
	size_t used = 0;
	run_init(&run, runs[_i].requests);
	run.ends_on_harm = runs[_i].events[0] == '!';
	run.left_out = runs[_i].events[0] == '?';
	struct run_event event = {.kind = RUN_EVENT_START, .now_ms = SCENE_NOW, .text = "go"};
	run_feed(&run, &event, &order);
	orders[used++] = letter_of(&order);
	size_t marks = run.ends_on_harm + run.left_out;
	for (const char *at = runs[_i].events + marks; *at; at++) {
		event = event_of(*at);
		run_feed(&run, &event, &order);
		if (order.kind != RUN_ORDER_WAIT)
			orders[used++] = letter_of(&order);
	}
	ck_assert_msg(order.kind == RUN_ORDER_FINISH, "%s: did not end: %s", runs[_i].what, orders);
	ck_assert_msg(strcmp(orders, runs[_i].orders) == 0, "%s: ordered %s, expected %s",
		runs[_i].what, orders, runs[_i].orders);
	ck_assert_int_eq(order.code, runs[_i].code);
	ck_assert(order.text[0] != '\0');
	ck_assert_int_eq(run.step, RUN_STEP_OVER);
}
END_TEST

/* Nothing is sent that is not in the journal first, whatever happens in whatever order. */
START_TEST(test_any_order_of_events_keeps_the_promise)
{
	static const char letters[] = "jJknludituwfFho0p";
	unsigned seed = 12345;
	for (int round = 0; round < 20000; round++) {
		struct run run;
		struct run_order order;
		run_init(&run, 1 + (size_t)round % 3);
		struct run_event event = {.kind = RUN_EVENT_START, .now_ms = SCENE_NOW};
		bool intent = false;
		bool marked = false;
		run_feed(&run, &event, &order);
		for (int i = 0; i < 40 && order.kind != RUN_ORDER_FINISH; i++) {
			seed = seed * 1103515245u + 12345u;
			char letter = letters[(seed >> 16) % (sizeof(letters) - 1)];
			if (order.kind == RUN_ORDER_JOURNAL)
				letter = (seed >> 8) % 5 == 0 ? 'J' : 'j';
			if (order.kind == RUN_ORDER_JOURNAL && letter == 'j') {
				intent = intent || strcmp(order.event, "intent") == 0;
				marked = marked || strcmp(order.event, "sent") == 0;
			}
			event = event_of(letter);
			if (letter == 'J' || letter == 'j')
				event.kind = order.kind == RUN_ORDER_JOURNAL ? event.kind
									     : RUN_EVENT_SNAPSHOT;
			run_feed(&run, &event, &order);
			if (order.kind == RUN_ORDER_SEND) {
				ck_assert(intent && marked);
				marked = false;
			}
		}
	}
}
END_TEST

static Suite *run_suite(void)
{
	Suite *suite = suite_create("run");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_run, 0, sizeof(runs) / sizeof(runs[0]));
	tcase_add_test(tcase, test_any_order_of_events_keeps_the_promise);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(run_suite());
}
