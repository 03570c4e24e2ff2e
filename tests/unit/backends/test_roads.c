/* What the poller adds to a request on its way, whichever road it takes. */
#include <stdlib.h>

#include "backends/carrier.h"
#include "backends/door.h"
#include "tests/unit/backends/stand.h"

#define PAGE_SOURCE(rest)                                                                 \
	"sources: {page: {kind: exposition, url: 'http://127.0.0.1:%d/m', every: 100ms, " \
	"timeout: 5s, labels: {cluster: east-a, replica: r1}" rest "}}\n"                 \
	"signals: {pool.used: {from: page, metric: used}}\n"

static bool has_text(struct stand *stand, unsigned long wanted, const void *subject)
{
	(void)wanted;
	return strstr(store_source(stand->store, 0)->trouble, subject) != NULL;
}

struct authority {
	const char *wanted; /* a line of the request */
	atomic_uint seen;
};

/* 401 until the request shows what is wanted. */
static const char *guarded(void *context, const char *request, unsigned nth)
{
	struct authority *authority = context;
	(void)nth;
	if (!strstr(request, authority->wanted))
		return "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: "
		       "close\r\n\r\n";
	atomic_fetch_add(&authority->seen, 1);
	return PAGE("used 7\n");
}

struct secret_row {
	const char *yaml, *wanted;
};

static const struct secret_row secrets[] = {
	{PAGE_SOURCE(", bearer_command: [printf, 'to%%s', ken]"),
		"Authorization: Bearer token\r\n"},
	{PAGE_SOURCE(", bearer_env: SPILLWAY_TEST_TOKEN"), "Authorization: Bearer from-env\r\n"},
	{PAGE_SOURCE(", basic_command: [echo, 'u:p']"), "Authorization: Basic dTpw\r\n"},
	{PAGE_SOURCE(", gzip: true"), "Accept-Encoding: "},
};

START_TEST(shows_what_it_was_given)
{
	struct stand stand;
	struct responder responder;
	struct authority authority = {.wanted = secrets[_i].wanted};
	setenv("SPILLWAY_TEST_TOKEN", "from-env", 1);
	responder_start(&responder, guarded, &authority);
	stand_read(&stand, secrets[_i].yaml, responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, settled, 0, NULL);
	ck_assert_msg(store_source(stand.store, 0)->state == SOURCE_OK, "%s",
		store_source(stand.store, 0)->trouble);
	ck_assert_uint_ge(atomic_load(&authority.seen), 1);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

static const struct secret_row failures[] = {
	{PAGE_SOURCE(", bearer_command: [/nowhere/vault]"), "cannot run '/nowhere/vault'"},
	{PAGE_SOURCE(", bearer_command: ['false']"), "'false' failed with exit code 1"},
	{PAGE_SOURCE(", bearer_command: ['true']"), "secret in what the command printed is empty"},
	{PAGE_SOURCE(", bearer_env: SPILLWAY_TEST_UNSET"),
		"the variable 'SPILLWAY_TEST_UNSET' is not set"},
};

START_TEST(says_why_there_is_no_secret)
{
	struct stand stand;
	struct responder responder;
	struct authority authority = {.wanted = "GET"};
	responder_start(&responder, guarded, &authority);
	stand_read(&stand, failures[_i].yaml, responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, has_text, 0, failures[_i].wanted);
	ck_assert_uint_eq(atomic_load(&authority.seen), 0); /* nothing left without it */
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

START_TEST(leaves_alone_who_asks_for_it)
{
	struct stand stand;
	struct responder responder;
	char answer[] = "HTTP/1.1 503 Busy\r\nRetry-After: 40\r\nContent-Length: 0\r\n"
			"Connection: close\r\n\r\n";
	responder_start(&responder, one_answer, answer);
	stand_read(&stand, PAGE_SOURCE(""), responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, settled, 0, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_int_eq(status->state, SOURCE_FAILING);
	ck_assert_int_ge(status->next_try_ms - status->last_try_ms, 40000);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

START_TEST(a_refused_connection_is_evidence)
{
	struct stand stand;
	struct responder responder;
	char answer[] = "";
	responder_start(&responder, one_answer, answer);
	responder_stop(&responder); /* nobody listens there now */
	stand_read(&stand,
		"sources: {door: {kind: postgres-probe, url: 'postgresql://127.0.0.1:%d', every: "
		"100ms, labels: {cluster: east-a, replica: r1}}}\n",
		responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, settled, 0, NULL);
	ck_assert_int_eq(store_source(stand.store, 0)->state, SOURCE_OK);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP), 0);
	ck_assert_msg(strstr(store_source(stand.store, 0)->detail, "refused") != NULL, "%s",
		store_source(stand.store, 0)->detail);
	stand_close(&stand);
}
END_TEST

static const char *by_path(void *context, const char *request, unsigned nth)
{
	(void)context;
	(void)nth;
	return strstr(request, "GET /j") ? JSON("1") : PAGE("up 0\n");
}

/* Two sources, one fact: the page is trusted more, and the other is told that it disagrees. */
START_TEST(a_contradiction_is_said)
{
	struct stand stand;
	struct responder responder;
	responder_start(&responder, by_path, NULL);
	stand_read(&stand,
		"sources:\n"
		"  other: {kind: json, url: 'http://127.0.0.1:%d/j', every: 100ms, timeout: 5s, "
		"labels: {cluster: east-a, replica: r1}}\n"
		"  page: {kind: exposition, url: 'http://127.0.0.1:%d/m', every: 100ms, timeout: "
		"5s, "
		"labels: {cluster: east-a, replica: r1}}\n"
		"signals:\n"
		"  replica.up: [{from: page, metric: up}, {from: other, pointer: ''}]\n",
		responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, has_text, 0,
		"disagrees with 'page' on replica.up of 'east-a/r1': 1 here, 0 there");
	ck_assert_int_eq(store_source(stand.store, 0)->state, SOURCE_PARTIAL);
	ck_assert_int_eq(store_source(stand.store, 1)->state, SOURCE_OK);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP), 0);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

/* ---- commands ---- */

struct shell {
	ssh_done_fn *done;
	void *context;
	int runs;
	char command[64];
};

static uint64_t shell_run(struct ssh *ssh, const struct ssh_command *command, ssh_done_fn *done,
	void *context, struct error *error)
{
	union {
		struct ssh *ssh;
		struct shell *shell;
	} door = {.ssh = ssh};
	(void)error;
	door.shell->done = done;
	door.shell->context = context;
	door.shell->runs++;
	snprintf(door.shell->command, sizeof(door.shell->command), "%s@%s: %s", command->user,
		command->host, command->command);
	return 1;
}

static void shell_cancel(struct ssh *ssh, uint64_t id)
{
	(void)ssh;
	(void)id;
}

static bool shell_ran(struct stand *stand, unsigned long wanted, const void *subject)
{
	(void)stand;
	return ((const struct shell *)subject)->runs >= (int)wanted;
}

#define SSH_SOURCE                                                                           \
	"sources: {host: {kind: ssh, url: 'ssh://ops@h', command: 'wc -l x', every: 100ms, " \
	"known_hosts_file: k, labels: {cluster: east-a, replica: r1}}}\n"                    \
	"signals: {pool.used: {from: host, pointer: ''}}\n"

START_TEST(commands_go_through_the_door_that_was_given)
{
	struct stand stand;
	struct shell shell = {0};
	union {
		struct shell *shell;
		struct ssh *ssh;
	} given = {.shell = &shell};
	struct command_door door = {shell_run, shell_cancel, given.ssh};
	struct ssh_reply reply = {.has_exit_status = true,
		.out = "12\n",
		.out_length = 3,
		.err = "",
		.exit_signal = ""};
	stand_read(&stand, SSH_SOURCE, 0);
	stand.poller = poller_create(stand.loop, stand.http, stand.bench.fleet, stand.store,
		stand.history, &stand.bench.sources, NULL, &stand.error);
	poller_set_commands(stand.poller, &door);
	poller_start(stand.poller);
	turn_until(&stand, shell_ran, 1, &shell);
	ck_assert_str_eq(shell.command, "ops@h: wc -l x");
	shell.done(shell.context, &reply, NULL);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_USED), 12);
	turn_until(&stand, shell_ran, 2, &shell);
	reply = (struct ssh_reply){.has_exit_status = true,
		.exit_status = 2,
		.out = "",
		.err = "no x",
		.err_length = 4,
		.exit_signal = ""};
	shell.done(shell.context, &reply, NULL);
	ck_assert_str_eq(
		store_source(stand.store, 0)->trouble, "the command failed with exit code 2: no x");
	stand_close(&stand);
}
END_TEST

START_TEST(without_a_door_it_says_so)
{
	struct stand stand;
	stand_read(&stand, SSH_SOURCE, 0);
	stand_start(&stand, NULL);
	turn_until(&stand, has_text, 0, "this program runs no commands on hosts");
	stand_close(&stand);
}
END_TEST

/* ---- doors ---- */

static void admitted(void *context)
{
	++*(int *)context;
}

START_TEST(a_full_room_makes_a_line)
{
	struct door door = {.place = 1};
	struct door_guest guests[DOOR_INSIDE_MOST + 3] = {0};
	int calls[DOOR_INSIDE_MOST + 3] = {0};
	size_t most = DOOR_INSIDE_MOST;
	for (size_t i = 0; i < most + 3; i++) {
		guests[i] = (struct door_guest){.admitted = admitted, .context = &calls[i]};
		ck_assert_int_eq(door_enter(&door, &guests[i]), i < most);
	}
	ck_assert(!door_enter(&door, &guests[most])); /* in line already */
	door_leave(&door, &guests[most + 1]);         /* gives up waiting */
	door_leave(&door, &guests[0]);
	ck_assert_int_eq(calls[most], 1);
	door_leave(&door, &guests[0]);
	door_leave(&door, &guests[1]);
	ck_assert_int_eq(calls[most + 1], 0);
	ck_assert_int_eq(calls[most + 2], 1);
	ck_assert_uint_eq(door.inside, most);
	ck_assert_uint_eq(door_place("http://h:1/a?b"), door_place("http://h:1"));
	ck_assert_uint_ne(door_place("http://h:1/a"), door_place("http://h:2/a"));
}
END_TEST

static Suite *roads_suite(void)
{
	Suite *suite = suite_create("roads");
	TCase *tcase = tcase_create("roads");
	tcase_set_timeout(tcase, 40);
	tcase_add_loop_test(
		tcase, shows_what_it_was_given, 0, (int)(sizeof(secrets) / sizeof(secrets[0])));
	tcase_add_loop_test(tcase, says_why_there_is_no_secret, 0,
		(int)(sizeof(failures) / sizeof(failures[0])));
	tcase_add_test(tcase, leaves_alone_who_asks_for_it);
	tcase_add_test(tcase, a_refused_connection_is_evidence);
	tcase_add_test(tcase, a_contradiction_is_said);
	tcase_add_test(tcase, commands_go_through_the_door_that_was_given);
	tcase_add_test(tcase, without_a_door_it_says_so);
	tcase_add_test(tcase, a_full_room_makes_a_line);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(roads_suite());
}
