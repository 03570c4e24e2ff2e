#include "core/wire/postgres.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/wire/http_rig.h"
#include "tests/unit/wire/loopback.h"

/*
 * A server with a script: it refuses TLS, lets everybody in, and answers each query with the next
 * bytes of its script. A NULL answer closes, an empty one stays silent.
 */
struct server {
	int listener, port;
	const char *login; /* sent after the startup message; NULL: the usual */
	size_t login_length;
	const char *answers[8];
	size_t lengths[8];
	size_t count;
	atomic_uint connections, asked;
	pthread_t thread;
};

static const char ready[] = "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/* One row of one text column "n", then the end and ready. */
#define NAMES "T\0\0\0\x1a\0\x01n\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"
#define ROW3(text) "D\0\0\0\x0d\0\x01\0\0\0\x03" text
#define ROW_NULL "D\0\0\0\x0a\0\x01\xff\xff\xff\xff"
#define DONE "C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I"
static const char one_row[] = NAMES ROW3("a\tb") ROW_NULL DONE;
static const char refused[] = "E\0\0\0\x1bSERROR\0C42501\0Mno\nway\0\0Z\0\0\0\x05I";
static const char too_many[] = "E\0\0\0\x34SFATAL\0C53300\0Msorry, too many clients already\0\0";
static const char garbage[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

static bool read_all(int fd, char *out, size_t length)
{
	for (size_t got = 0; got < length;) {
		ssize_t more = recv(fd, out + got, length - got, 0);
		if (more <= 0)
			return false;
		got += (size_t)more;
	}
	return true;
}

/* A message with its length in front; after the first with a kind before that. */
static bool read_message(int fd, bool kind)
{
	char head[5], rest[4096];
	if (!read_all(fd, head, kind ? 5 : 4))
		return false;
	const unsigned char *at = (const unsigned char *)head + (kind ? 1 : 0);
	size_t length = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
	return length >= 4 && length - 4 <= sizeof(rest) && read_all(fd, rest, length - 4) &&
	       (!kind || head[0] == 'Q');
}

static void serve(struct server *server, int fd)
{
	(void)!send(fd, "N", 1, MSG_NOSIGNAL);
	if (!read_message(fd, false)) /* startup */
		return;
	const char *login = server->login ? server->login : ready;
	size_t length = server->login ? server->login_length : sizeof(ready) - 1;
	(void)!send(fd, login, length, MSG_NOSIGNAL);
	while (read_message(fd, true)) {
		unsigned nth = atomic_fetch_add(&server->asked, 1);
		if (nth >= server->count || !server->answers[nth])
			return;
		(void)!send(fd, server->answers[nth], server->lengths[nth], MSG_NOSIGNAL);
	}
}

static void *run(void *context)
{
	struct server *server = context;
	for (;;) {
		int fd = accept(server->listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		atomic_fetch_add(&server->connections, 1);
		if (read_message(fd, false)) /* the wish for TLS */
			serve(server, fd);
		close(fd);
	}
}

static void server_start(struct server *server)
{
	server->listener = loopback_listen(&server->port);
	ck_assert_int_eq(pthread_create(&server->thread, NULL, run, server), 0);
}

static void server_stop(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

static void server_answers(struct server *server, const char *bytes, size_t length)
{
	server->answers[server->count] = bytes;
	server->lengths[server->count++] = length;
}

struct heard {
	int calls;
	char text[1024];
	bool reused;
	struct error error;
};

static void on_done(void *context, const struct postgres_reply *reply, const struct error *error)
{
	struct heard *heard = context;
	heard->calls++;
	ck_assert((reply == NULL) != (error == NULL));
	if (error) {
		heard->error = *error;
		return;
	}
	snprintf(heard->text, sizeof(heard->text), "%s", reply->bytes);
	heard->reused = reply->reused;
}

struct bench {
	struct rig rig;
	struct server *server;
	struct postgres *postgres;
	char url[128];
};

static void bench_start(struct bench *bench, struct server *server, const char *host)
{
	struct error error = {0};
	bench->server = server;
	server_start(server);
	rig_start(&bench->rig);
	bench->postgres = postgres_create(bench->rig.loop, bench->rig.http, &error);
	ck_assert_ptr_nonnull(bench->postgres);
	snprintf(bench->url, sizeof(bench->url), "postgresql://u@%s:%d/d", host, server->port);
}

static void bench_stop(struct bench *bench)
{
	postgres_destroy(bench->postgres);
	rig_stop(&bench->rig);
	server_stop(bench->server);
}

static struct heard ask(struct bench *bench, size_t queries, int64_t timeout_ms)
{
	struct heard heard = {0};
	struct error error = {0};
	struct postgres_request request = {.url = bench->url,
		.password = "secret",
		.queries = {"SHOW A", "SHOW B"},
		.query_count = queries,
		.timeout_ms = timeout_ms};
	ck_assert_msg(postgres_send(bench->postgres, &request, on_done, &heard, &error) != 0, "%s",
		error.text);
	ck_assert_int_eq(heard.calls, 0);
	rig_wait(&bench->rig, &heard.calls, 1);
	return heard;
}

START_TEST(answers_come_as_text_and_the_session_stays)
{
	struct bench bench;
	struct server server = {.listener = -1};
	server_answers(&server, one_row, sizeof(one_row) - 1);
	server_answers(&server, refused, sizeof(refused) - 1);
	server_answers(&server, one_row, sizeof(one_row) - 1);
	bench_start(&bench, &server, "127.0.0.1");
	struct heard heard = ask(&bench, 2, 10000);
	ck_assert_msg(heard.error.kind == ERROR_NONE, "%s", heard.error.text);
	ck_assert_str_eq(heard.text, "n\na\\tb\n\\N\n\n!42501\tno\\nway\n\n");
	ck_assert(!heard.reused);
	heard = ask(&bench, 1, 10000);
	ck_assert_str_eq(heard.text, "n\na\\tb\n\\N\n\n");
	ck_assert(heard.reused);
	ck_assert_uint_eq(atomic_load(&server.connections), 1);
	bench_stop(&bench);
}
END_TEST

START_TEST(names_are_resolved_off_the_loop)
{
	struct bench bench;
	struct server server = {.listener = -1};
	server_answers(&server, one_row, sizeof(one_row) - 1);
	bench_start(&bench, &server, "localhost");
	struct heard heard = ask(&bench, 1, 10000);
	ck_assert_msg(heard.error.kind == ERROR_NONE, "%s", heard.error.text);
	bench_stop(&bench);
}
END_TEST

struct failure_row {
	const char *login;
	size_t login_length;
	const char *answer; /* NULL: the server closes */
	size_t length;
	int64_t timeout_ms;
	enum error_kind kind;
	const char *says;
};

static const struct failure_row failures[] = {
	{too_many, sizeof(too_many) - 1, "", 0, 10000, ERROR_REJECTED, "too many clients"},
	{garbage, sizeof(garbage) - 1, "", 0, 10000, ERROR_SYNTAX, "expected authentication"},
	{"", 0, "", 0, 200, ERROR_TIMEOUT, "gave no session in time"},
	{NULL, 0, "", 0, 200, ERROR_TIMEOUT, "did not answer the queries in time"},
	{NULL, 0, NULL, 0, 10000, ERROR_UNREACHABLE, "lost the connection to"},
	{NULL, 0, garbage, sizeof(garbage) - 1, 10000, ERROR_SYNTAX, "lost synchronization"},
};

START_TEST(says_what_went_wrong)
{
	struct bench bench;
	const struct failure_row *row = &failures[_i];
	struct server server = {
		.listener = -1, .login = row->login, .login_length = row->login_length};
	server_answers(&server, row->answer, row->length);
	bench_start(&bench, &server, "127.0.0.1");
	struct heard heard = ask(&bench, 1, row->timeout_ms);
	ck_assert_msg(heard.error.kind == row->kind && strstr(heard.error.text, row->says),
		"%s: %s", error_kind_name(heard.error.kind), heard.error.text);
	ck_assert_ptr_null(strstr(heard.error.text, "secret"));
	bench_stop(&bench);
}
END_TEST

START_TEST(what_is_under_way_can_be_stopped)
{
	struct bench bench;
	struct server server = {.listener = -1};
	struct heard heard = {0};
	struct error error = {0};
	server_answers(&server, "", 0);
	bench_start(&bench, &server, "127.0.0.1");
	struct postgres_request request = {
		.url = bench.url, .queries = {"SHOW A"}, .query_count = 1, .timeout_ms = 10000};
	uint64_t id = postgres_send(bench.postgres, &request, on_done, &heard, &error);
	rig_turn(&bench.rig);
	postgres_cancel(bench.postgres, id);
	postgres_cancel(bench.postgres, id);
	ck_assert_int_eq(heard.calls, 0);
	ck_assert(postgres_send(bench.postgres, &request, on_done, &heard, &error) != 0);
	rig_turn(&bench.rig);
	postgres_destroy(bench.postgres);
	bench.postgres = NULL;
	ck_assert_int_eq(heard.calls, 1);
	ck_assert_int_eq(heard.error.kind, ERROR_CANCELLED);
	bench_stop(&bench);
}
END_TEST

START_TEST(refuses_what_cannot_be)
{
	struct bench bench;
	struct server server = {.listener = -1};
	struct error error = {0};
	bench_start(&bench, &server, "127.0.0.1");
	struct postgres_request request = {.url = bench.url, .timeout_ms = 10};
	ck_assert_uint_eq(postgres_send(bench.postgres, &request, on_done, NULL, &error), 0);
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	request.queries[0] = "SHOW A";
	request.query_count = 1;
	request.url = "postgresql://h/d?no_such_option=1";
	ck_assert_uint_eq(postgres_send(bench.postgres, &request, on_done, NULL, &error), 0);
	ck_assert_msg(strstr(error.text, "the url of a database is wrong"), "%s", error.text);
	bench_stop(&bench);
}
END_TEST

static Suite *postgres_suite(void)
{
	Suite *suite = suite_create("postgres");
	TCase *tcase = tcase_create("postgres");
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, answers_come_as_text_and_the_session_stays);
	tcase_add_test(tcase, names_are_resolved_off_the_loop);
	tcase_add_loop_test(
		tcase, says_what_went_wrong, 0, (int)(sizeof(failures) / sizeof(failures[0])));
	tcase_add_test(tcase, what_is_under_way_can_be_stopped);
	tcase_add_test(tcase, refuses_what_cannot_be);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(postgres_suite());
}
