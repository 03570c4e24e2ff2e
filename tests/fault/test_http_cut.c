/*
 * The lane over connections that take and give bytes as badly as TCP may: requests half sent,
 * answers in crumbs, ends after any number of bytes. The linker sends our send() and recv() here;
 * libcurl keeps its own, and so does the server, which runs in other threads.
 */
#include <errno.h>
#include <pthread.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/wire/hostile_server.h"
#include "tests/unit/wire/http_rig.h"

ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags);

static struct {
	bool armed;
	pthread_t thread; /* only this one's calls fail */
	int send_error;
	size_t send_most; /* bytes per call; 0: all */
	size_t recv_most;
	unsigned recv_turn; /* every second call has nothing yet */
	bool is_cut;
	size_t recv_left; /* until the end, which is recv_error or, where that is 0, a plain end */
	int recv_error;
} fault;

static bool is_faulty(void)
{
	return fault.armed && pthread_equal(pthread_self(), fault.thread);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
	if (!is_faulty())
		return __real_send(fd, bytes, length, flags);
	if (fault.send_error != 0) {
		errno = fault.send_error;
		return -1;
	}
	bool part = fault.send_most > 0 && fault.send_most < length;
	return __real_send(fd, bytes, part ? fault.send_most : length, flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags)
{
	if (!is_faulty() || flags & MSG_PEEK)
		return __real_recv(fd, bytes, length, flags);
	if (fault.recv_most > 0 && fault.recv_turn++ % 2 == 1) {
		errno = fault.recv_turn % 4 == 2 ? EINTR : EAGAIN;
		return -1;
	}
	if (fault.is_cut && fault.recv_left == 0) {
		errno = fault.recv_error;
		return fault.recv_error != 0 ? -1 : 0;
	}
	size_t most = fault.recv_most > 0 && fault.recv_most < length ? fault.recv_most : length;
	if (fault.is_cut && fault.recv_left < most)
		most = fault.recv_left;
	ssize_t got = __real_recv(fd, bytes, most, flags);
	if (fault.is_cut && got > 0)
		fault.recv_left -= (size_t)got;
	return got;
}

#define ANSWER                                                                 \
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"x\"\r\n\r\n" \
	"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"

static void serve(struct hostile *server, int fd, int number)
{
	(void)number;
	while (hostile_read(server, fd) && hostile_say(server, fd, ANSWER))
		continue;
}

static struct rig rig;
static struct hostile server;
static struct outcome outcome;
static char url[URL_BYTES];
static struct http_request request;

static void setup(void)
{
	memset(&fault, 0, sizeof(fault));
	server = (struct hostile){.material = NULL};
	rig_start(&rig);
	hostile_start(&server, serve);
	request = (struct http_request){
		.url = rig_url(url, server.port, "/metrics"), .timeout_ms = 60000};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	fault.thread = pthread_self();
	fault.armed = true;
}

static void teardown(void)
{
	fault.armed = false;
	rig_stop(&rig);
	hostile_stop(&server);
}

static void ask(bool by_lane, unsigned repeats)
{
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert_str_eq(outcome.body, "hello, world");
	ck_assert_str_eq(outcome.etag, "\"x\"");
	ck_assert_int_eq(outcome.reply.by_lane, by_lane);
	ck_assert_uint_eq(outcome.reply.repeats, repeats);
}

START_TEST(answers_come_in_crumbs)
{
	static const size_t pieces[] = {1, 2, 3, 7, 30};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		fault.recv_most = pieces[i];
		ask(true, 0);
	}
	ck_assert_int_eq(server.connection_count, 1);
}
END_TEST

/* Half a request is none: the peer never hears it whole, and libcurl sends it. */
START_TEST(a_request_that_does_not_leave_whole_is_libcurls)
{
	static const size_t pieces[] = {1, 20, 60};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		fault.send_most = pieces[i];
		ask(false, 0);
	}
	fault.send_most = 0;
	static const int numbers[] = {EPIPE, ECONNRESET, EAGAIN};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		fault.send_error = numbers[i];
		ask(false, 0);
	}
	fault.send_error = 0;
	ask(true, 0);
	ck_assert_int_eq(server.request_count, 8);
	ck_assert_int_eq(server.connection_count, 7);
}
END_TEST

/* Before its first byte the answer is asked for again, within it that is an error, and after it
 * nobody notices. */
START_TEST(connections_end_after_any_number_of_bytes)
{
	size_t length = strlen(ANSWER);
	for (size_t i = 0; i <= length; i++) {
		fault.is_cut = true;
		fault.recv_left = i;
		fault.recv_error = _i == 0 ? 0 : ECONNRESET;
		if (i == 0 || i == length) {
			ask(i > 0, i == 0);
		} else {
			const char *words =
				_i == 0 ? "the connection was closed" : "connection reset by peer";
			rig_ask(&rig, &request, &outcome);
			assert_failed(&outcome, ERROR_UNREACHABLE, words);
			assert_failed(&outcome, ERROR_UNREACHABLE,
				i < strlen("HTTP/1.1 200 OK\r\n") ? "no answer from 127.0.0.1:"
								  : "incomplete answer from 127");
		}
		fault.is_cut = false;
		if (i > 0 && i < length)
			ask(false, 0);
	}
}
END_TEST

static Suite *http_cut_suite(void)
{
	Suite *suite = suite_create("http_cut");
	TCase *cut = tcase_create("cut");
	tcase_set_timeout(cut, 60);
	tcase_add_checked_fixture(cut, setup, teardown);
	tcase_add_test(cut, answers_come_in_crumbs);
	tcase_add_test(cut, a_request_that_does_not_leave_whole_is_libcurls);
	tcase_add_loop_test(cut, connections_end_after_any_number_of_bytes, 0, 2);
	suite_add_tcase(suite, cut);
	return suite;
}

int main(void)
{
	return suite_run(http_cut_suite());
}
