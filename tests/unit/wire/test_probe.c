#include "core/wire/probe.h"

#include <pthread.h>
#include <sys/socket.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/wire/http_rig.h"
#include "tests/unit/wire/loopback.h"

/* A peer that takes one connection, reads `reads` bytes, says its line, and closes or holds on. */
struct peer {
	int listener, port;
	const char *says;
	size_t reads;
	bool holds;
	int held;
	pthread_t thread;
};

static void *peer_run(void *context)
{
	struct peer *peer = context;
	char bytes[64];
	peer->held = accept(peer->listener, NULL, NULL);
	if (peer->held < 0)
		return NULL;
	for (size_t got = 0; got < peer->reads;) {
		ssize_t more = recv(peer->held, bytes, sizeof(bytes), 0);
		if (more <= 0)
			break;
		got += (size_t)more;
	}
	if (peer->says[0])
		(void)!send(peer->held, peer->says, strlen(peer->says), MSG_NOSIGNAL);
	if (!peer->holds) {
		close(peer->held);
		peer->held = -1;
	}
	return NULL;
}

static void peer_start(struct peer *peer)
{
	peer->listener = loopback_listen(&peer->port);
	ck_assert_int_eq(pthread_create(&peer->thread, NULL, peer_run, peer), 0);
}

static void peer_stop(struct peer *peer)
{
	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
	if (peer->held >= 0)
		close(peer->held);
}

struct heard {
	int calls;
	char bytes[64];
	size_t length;
	struct error error;
};

static void on_done(void *context, const struct probe_reply *reply, const struct error *error)
{
	struct heard *heard = context;
	heard->calls++;
	ck_assert((reply == NULL) != (error == NULL));
	if (error) {
		heard->error = *error;
		return;
	}
	ck_assert(reply->took_ms >= reply->connect_ms && reply->connect_ms >= 0);
	heard->length = reply->length;
	snprintf(heard->bytes, sizeof(heard->bytes), "%s", reply->bytes);
}

struct probe_row {
	const char *says;
	bool holds;
	size_t enough, most;
	enum error_kind kind;
	const char *text; /* of the answer, or in the error */
};

static const struct probe_row rows[] = {
	{"N", true, 1, 0, ERROR_NONE, "N"},
	{"line one\nline two\n", false, 0, 0, ERROR_NONE, "line one\nline two\n"},
	{"", false, 1, 0, ERROR_REJECTED, "without an answer"},
	{"", true, 1, 0, ERROR_TIMEOUT, "accepts the connection and does not answer"},
	{"far too much", false, 0, 4, ERROR_LIMIT, "more than 4 bytes"},
};

START_TEST(tells_answers_from_silence)
{
	struct rig rig;
	const struct probe_row *row = &rows[_i];
	struct peer peer = {.says = row->says, .reads = 8, .holds = row->holds, .held = -1};
	struct heard heard = {0};
	struct error error = {0};
	peer_start(&peer);
	rig_start(&rig);
	struct prober *prober = prober_create(rig.loop, rig.http, &error);
	struct probe_request request = {.host = "127.0.0.1",
		.port = peer.port,
		.send = "8 bytes!",
		.send_length = 8,
		.enough = row->enough,
		.most = row->most,
		.timeout_ms = row->kind == ERROR_TIMEOUT ? 100 : 10000};
	ck_assert(probe_send(prober, &request, on_done, &heard, &error) != 0);
	rig_wait(&rig, &heard.calls, 1);
	ck_assert_int_eq(heard.error.kind, row->kind);
	const char *text = row->kind == ERROR_NONE ? heard.bytes : heard.error.text;
	ck_assert_msg(strstr(text, row->text) != NULL, "%s", text);
	prober_destroy(prober);
	rig_stop(&rig);
	peer_stop(&peer);
}
END_TEST

START_TEST(a_refusal_is_no_silence)
{
	struct rig rig;
	struct heard heard = {0};
	struct error error = {0};
	struct peer peer = {.says = "", .held = -1};
	peer_start(&peer);
	peer_stop(&peer); /* a port that nobody listens on */
	rig_start(&rig);
	struct prober *prober = prober_create(rig.loop, rig.http, &error);
	struct probe_request request = {
		.host = "127.0.0.1", .port = peer.port, .enough = 1, .timeout_ms = 10000};
	ck_assert(probe_send(prober, &request, on_done, &heard, &error) != 0);
	rig_wait(&rig, &heard.calls, 1);
	ck_assert_int_eq(heard.error.kind, ERROR_REJECTED);
	heard = (struct heard){0};
	request.unix_socket = "/nowhere/at/all.sock";
	ck_assert(probe_send(prober, &request, on_done, &heard, &error) != 0);
	ck_assert_int_eq(heard.calls, 0); /* never from inside */
	rig_wait(&rig, &heard.calls, 1);
	ck_assert_int_eq(heard.error.kind, ERROR_UNREACHABLE);
	prober_destroy(prober);
	rig_stop(&rig);
}
END_TEST

START_TEST(what_is_under_way_can_be_stopped)
{
	struct rig rig;
	struct heard heard = {0};
	struct error error = {0};
	struct peer peer = {.says = "", .reads = 1, .holds = true, .held = -1};
	peer_start(&peer);
	rig_start(&rig);
	struct prober *prober = prober_create(rig.loop, rig.http, &error);
	struct probe_request request = {
		.host = "127.0.0.1", .port = peer.port, .enough = 1, .timeout_ms = 10000};
	uint64_t id = probe_send(prober, &request, on_done, &heard, &error);
	ck_assert(id != 0);
	probe_cancel(prober, id);
	probe_cancel(prober, id);
	ck_assert_int_eq(heard.calls, 0);
	ck_assert(probe_send(prober, &request, on_done, &heard, &error) != 0);
	prober_destroy(prober);
	ck_assert_int_eq(heard.calls, 1);
	ck_assert_int_eq(heard.error.kind, ERROR_CANCELLED);
	rig_stop(&rig);
	peer_stop(&peer);
}
END_TEST

START_TEST(refuses_what_cannot_be)
{
	struct rig rig;
	struct error error = {0};
	rig_start(&rig);
	struct prober *prober = prober_create(rig.loop, rig.http, &error);
	struct probe_request request = {.host = "h", .port = 0, .timeout_ms = 10};
	ck_assert_uint_eq(probe_send(prober, &request, on_done, NULL, &error), 0);
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	request = (struct probe_request){.host = "h", .port = 1};
	ck_assert_uint_eq(probe_send(prober, &request, on_done, NULL, &error), 0);
	prober_destroy(prober);
	prober_destroy(NULL);
	rig_stop(&rig);
}
END_TEST

static Suite *probe_suite(void)
{
	Suite *suite = suite_create("probe");
	TCase *tcase = tcase_create("probe");
	tcase_add_loop_test(
		tcase, tells_answers_from_silence, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tcase, a_refusal_is_no_silence);
	tcase_add_test(tcase, what_is_under_way_can_be_stopped);
	tcase_add_test(tcase, refuses_what_cannot_be);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(probe_suite());
}
