/*
 * rig.h - the scene with a journal, an executor and a peer that takes requests: everything a change
 * needs, real but for the fleet.
 */
#ifndef TESTS_UNIT_ACTIONS_RIG_H
#define TESTS_UNIT_ACTIONS_RIG_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "actions/executor.h"
#include "actions/journal.h"
#include "core/base/clock.h"
#include "core/base/loop.h"
#include "core/wire/http.h"
#include "tests/unit/actions/scene.h"

#define TOKEN "s3cr3t-token"

/* What the peer does with a request. */
enum script { SCRIPT_OK, SCRIPT_NO, SCRIPT_DROP, SCRIPT_REFUSE, SCRIPT_HANG };

/* A peer in the same loop: one listening socket, one request, a scripted answer. */
struct peer {
	struct loop *loop;
	enum script script;
	int listener, connection, port;
	char request[4096];
	size_t length;
	unsigned requests;
};

static inline void peer_answer(struct peer *peer)
{
	static const char *const answers[] = {
		[SCRIPT_OK] = "HTTP/1.1 200 OK\r\nContent-Length: 19\r\nConnection: "
			      "close\r\n\r\nset by " TOKEN,
		[SCRIPT_NO] = "HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\nConnection: "
			      "close\r\n\r\nbusy",
	};
	peer->requests++;
	if (peer->script == SCRIPT_HANG)
		return;
	loop_unwatch(peer->loop, peer->connection);
	if (peer->script == SCRIPT_OK || peer->script == SCRIPT_NO) {
		const char *answer = answers[peer->script];
		ck_assert_int_eq(
			write(peer->connection, answer, strlen(answer)), (ssize_t)strlen(answer));
	}
	close(peer->connection);
	peer->connection = -1;
}

static inline void peer_readable(void *context, int fd, unsigned events)
{
	struct peer *peer = context;
	(void)events;
	ssize_t got =
		read(fd, peer->request + peer->length, sizeof(peer->request) - 1 - peer->length);
	if (got <= 0) {
		loop_unwatch(peer->loop, fd);
		close(fd);
		peer->connection = -1;
		return;
	}
	peer->length += (size_t)got;
	peer->request[peer->length] = '\0';
	if (strstr(peer->request, "\r\n\r\n") && strchr(strstr(peer->request, "\r\n\r\n"), '}'))
		peer_answer(peer);
}

static inline void peer_connected(void *context, int fd, unsigned events)
{
	struct peer *peer = context;
	(void)events;
	peer->connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_ge(peer->connection, 0);
	peer->length = 0;
	ck_assert(loop_watch(peer->loop, peer->connection, LOOP_READ, peer_readable, peer, NULL));
}

static inline void peer_open(struct peer *peer, struct loop *loop, enum script script)
{
	*peer = (struct peer){.loop = loop, .script = script, .connection = -1};
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(peer->listener, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(getsockname(peer->listener, (struct sockaddr *)&address, &length), 0);
	peer->port = ntohs(address.sin_port);
	/* Bound and not listening: connecting is refused. */
	if (script == SCRIPT_REFUSE)
		return;
	ck_assert_int_eq(listen(peer->listener, 4), 0);
	ck_assert(loop_watch(loop, peer->listener, LOOP_READ, peer_connected, peer, NULL));
}

static inline void peer_close(struct peer *peer)
{
	if (peer->connection >= 0) {
		loop_unwatch(peer->loop, peer->connection);
		close(peer->connection);
	}
	loop_unwatch(peer->loop, peer->listener);
	close(peer->listener);
}

/* Everything a change needs, real but for the fleet. */
struct rig {
	struct scene scene;
	struct clock clock;
	struct loop *loop;
	struct http *http;
	struct peer peer;
	struct journal *journal;
	struct executor *executor;
	struct action_config action;
	struct action_configs configs;
	struct plan plan;
	char directory[64], journal_file[96], token_file[96], url[128];
};

static inline void open_executor(struct rig *rig)
{
	struct error error = {0};
	rig->journal = journal_open(rig->journal_file, &error);
	ck_assert_msg(rig->journal != NULL, "%s", error.text);
	rig->executor = executor_create(
		rig->loop, rig->http, NULL, rig->journal, &rig->configs, "kim", &error);
	ck_assert_msg(rig->executor != NULL, "%s", error.text);
	executor_arm(rig->executor, SCENE_NOW + 3600000);
}

static inline void close_executor(struct rig *rig)
{
	executor_destroy(rig->executor);
	journal_close(rig->journal);
}

static inline void open_rig(struct rig *rig, enum script script)
{
	scene_open(&rig->scene);
	scene_directory(rig->directory);
	snprintf(rig->journal_file, sizeof(rig->journal_file), "%s/journal.jsonl", rig->directory);
	snprintf(rig->token_file, sizeof(rig->token_file), "%s/token", rig->directory);
	FILE *file = fopen(rig->token_file, "w");
	fputs(TOKEN "\n", file);
	fclose(file);
	clock_init_manual(&rig->clock, SCENE_NOW);
	rig->loop = loop_create(&rig->clock, NULL);
	rig->http = http_create(rig->loop, NULL);
	ck_assert(rig->loop && rig->http);
	peer_open(&rig->peer, rig->loop, script);
	snprintf(rig->url, sizeof(rig->url), "http://127.0.0.1:%d/v1/clusters/{cluster}/weight",
		rig->peer.port);
	rig->action = (struct action_config){
		.info = {.name = "divert",
			.verb = verb_find("cluster.divert"),
			.transport = "http"},
		.road = ACTION_BY_HTTP,
		.http = {.method = "POST",
			.url = rig->url,
			.json = "{\"weight\":{weight}}",
			.bearer_file = rig->token_file,
			.timeout_ms = 5000},
	};
	rig->configs = (struct action_configs){.rows = &rig->action,
		.count = 1,
		.guards = scene_limits(),
		.journal_file = rig->journal_file};
	plan_init(&rig->plan);
	open_executor(rig);
}

static inline void close_rig(struct rig *rig)
{
	close_executor(rig);
	plan_finish(&rig->plan);
	peer_close(&rig->peer);
	http_destroy(rig->http);
	loop_destroy(rig->loop);
	scene_remove(rig->directory);
	scene_close(&rig->scene);
}

static inline void make_plan(struct rig *rig, double to)
{
	struct error error = {0};
	ck_assert_msg(executor_plan(rig->executor, "divert", rig->scene.a, to, "demo", NULL, 0,
			      rig->scene.snapshot, &rig->scene.assessment, rig->scene.now_ms,
			      &rig->plan, &error),
		"%s", error.text);
}

static inline bool start(struct rig *rig, enum outcome_code *code, struct error *error)
{
	return executor_start(rig->executor, &rig->plan, rig->plan.hash, "a test",
		rig->scene.snapshot, &rig->scene.assessment, rig->scene.now_ms, code, error);
}

static inline void must_start(struct rig *rig)
{
	enum outcome_code code = OUTCOME_DONE;
	struct error error = {0};
	bool ok = start(rig, &code, &error);
	ck_assert_msg(ok, "%d: %s", (int)code, error.text);
}

/* Turn until the request is answered, or the peer has it. */
static inline void turn_until(struct rig *rig, enum run_state state)
{
	for (int i = 0; i < 2000 && executor_run(rig->executor)->state < state; i++)
		ck_assert(loop_turn(rig->loop, 10, NULL));
}

/* A second later: every reading anew, with this weight, and the executor is told. */
static inline void second(struct rig *rig, double weight)
{
	scene_advance(&rig->scene, 1000);
	clock_set(&rig->clock, rig->scene.now_ms);
	scene_read(&rig->scene, weight, 100, 20);
	executor_tick(
		rig->executor, rig->scene.snapshot, &rig->scene.assessment, rig->scene.now_ms);
}

static inline void verify_journal(const struct rig *rig)
{
	struct journal_check check;
	ck_assert(journal_verify(rig->journal_file, &check, NULL));
	ck_assert_msg(check.ok, "%s", check.why);
}

/* The events of the journal, by their first letters: "isrvd". */
static inline void events(const struct rig *rig, char out[32])
{
	struct journal_line lines[31];
	size_t count = journal_tail(rig->journal_file, lines, 31, NULL);
	for (size_t i = 0; i < count; i++)
		out[i] = lines[i].event[0];
	out[count] = '\0';
}

#endif
