/* What comes of a request, by every way: nobody is told "failed" who might have been heard. */
#include "actions/transport.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "actions/reply.h"
#include "core/base/clock.h"
#include "core/base/loop.h"
#include "core/wire/http.h"
#include "tests/unit/actions/scene.h"

#define BYTES 4096

/* A far end that says one thing to each connection in turn; NULL: it closes without a word. */
struct far_end {
	pid_t pid;
	int port;
};

static void serve(int listener, const char *const *answers, size_t count)
{
	char bytes[BYTES];
	for (size_t i = 0;; i++) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			_exit(0);
		if (read(fd, bytes, sizeof(bytes)) < 0)
			_exit(1);
		const char *answer = i < count ? answers[i] : NULL;
		if (answer && write(fd, answer, strlen(answer)) < 0)
			_exit(1);
		close(fd);
	}
}

static struct far_end start(const char *const *answers, size_t count)
{
	struct far_end far_end = {.pid = -1};
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert(bind(listener, (struct sockaddr *)&address, size) == 0);
	ck_assert(listen(listener, 8) == 0);
	ck_assert(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	far_end.port = ntohs(address.sin_port);
	if (count > 0 || answers) {
		far_end.pid = fork();
		if (far_end.pid == 0)
			serve(listener, answers, count);
	}
	close(listener); /* without a child nobody listens: it refuses */
	return far_end;
}

static void stop(const struct far_end *far_end)
{
	if (far_end->pid <= 0)
		return;
	kill(far_end->pid, SIGKILL);
	waitpid(far_end->pid, NULL, 0);
}

struct outcome {
	bool is_told, is_armed;
	enum transport_result result;
	char text[ACTION_TEXT_BYTES];
	char kept[REPLY_KEPT_BYTES];
	struct transport *transport;
};

static bool is_armed(void *context)
{
	const struct outcome *outcome = context;
	return outcome->is_armed;
}

static void done(void *context, enum transport_result result, const char *text)
{
	struct outcome *outcome = context;
	outcome->is_told = true;
	outcome->result = result;
	snprintf(outcome->text, sizeof(outcome->text), "%s", text);
	snprintf(outcome->kept, sizeof(outcome->kept), "%s", transport_kept(outcome->transport));
}

static void send_it(
	const struct action_config *action, const struct request *request, struct outcome *outcome)
{
	struct clock clock;
	char text[ACTION_TEXT_BYTES] = "";
	clock_init_system(&clock);
	struct loop *loop = loop_create(&clock, NULL);
	struct http *http = http_create(loop, NULL);
	outcome->transport = transport_create(loop, http, NULL, is_armed, outcome);
	ck_assert(http && outcome->transport);
	enum transport_result at_once =
		transport_send(outcome->transport, action, request, done, outcome, text);
	if (at_once != TRANSPORT_ACCEPTED)
		done(outcome, at_once, text);
	while (!outcome->is_told)
		ck_assert(loop_turn(loop, 100, NULL));
	transport_destroy(outcome->transport);
	http_destroy(http);
	loop_destroy(loop);
}

static const struct {
	const char *answer; /* "-": nobody listens; NULL: closes without a word */
	bool is_quiet;
	enum transport_result result;
	const char *words;
} lines[] = {
	{"\n", true, TRANSPORT_ACCEPTED, "answered nothing"},
	{"No such server.\n\n", true, TRANSPORT_REFUSED, "No such server."},
	{"done\n", false, TRANSPORT_ACCEPTED, "done"},
	{NULL, true, TRANSPORT_LOST, ""},
	{"-", true, TRANSPORT_UNREACHABLE, "refused"},
};

START_TEST(test_socket)
{
	bool is_there = !lines[_i].answer || strcmp(lines[_i].answer, "-") != 0;
	struct far_end far_end = start(is_there ? &lines[_i].answer : NULL, is_there ? 1 : 0);
	struct outcome outcome = {.is_armed = true};
	struct request request = {.road = ACTION_BY_SOCKET, .command = "set weight b/s 3"};
	const struct action_config action = {.road = ACTION_BY_SOCKET,
		.socket = {.timeout_ms = 5000, .is_quiet = lines[_i].is_quiet}};
	snprintf(request.url, sizeof(request.url), "tcp://127.0.0.1:%d", far_end.port);
	send_it(&action, &request, &outcome);
	ck_assert_msg(
		outcome.result == lines[_i].result, "%d: %s", (int)outcome.result, outcome.text);
	ck_assert_msg(strstr(outcome.text, lines[_i].words) != NULL, "%s", outcome.text);
	stop(&far_end);
}
END_TEST

/* A database that cannot be reached was not asked; one that falls silent once asked may have done
 * it (that part is proved on real servers). */
START_TEST(test_sql)
{
	static const char *const answers[] = {NULL};
	struct far_end nobody = start(NULL, 0);
	struct far_end mute = start(answers, 1);
	const struct action_config action = {
		.road = ACTION_BY_SQL, .sql = {.timeout_ms = 3000, .statement = ""}};
	const int ports[] = {nobody.port, mute.port};
	for (size_t i = 0; i < 2; i++) {
		struct outcome outcome = {.is_armed = true};
		struct request request = {.road = ACTION_BY_SQL, .command = "SELECT 1"};
		snprintf(request.url, sizeof(request.url),
			"postgresql://ops@127.0.0.1:%d/x?sslmode=disable", ports[i]);
		send_it(&action, &request, &outcome);
		ck_assert_msg(outcome.result == TRANSPORT_UNREACHABLE, "%d: %s",
			(int)outcome.result, outcome.text);
	}
	stop(&mute);
}
END_TEST

#define ANSWER(status, headers, body) \
	"HTTP/1.1 " status "\r\nConnection: close\r\n" headers "\r\n" body

static const struct {
	const char *answers[2]; /* to the read, to the change */
	enum transport_result result;
	const char *words, *kept;
} reads[] = {
	{{ANSWER("200 OK", "", "{\"n\":3,\"r\":\"7\"}"), ANSWER("200 OK", "", "{\"id\":\"x-1\"}")},
		TRANSPORT_ACCEPTED, "HTTP 200", "x-1"},
	{{ANSWER("200 OK", "", "{\"n\":3,\"r\":\"7\"}"), ANSWER("409 Conflict", "", "no")},
		TRANSPORT_CHANGED, "HTTP 409", ""},
	{{ANSWER("200 OK", "", "{\"n\":3,\"r\":\"7\"}"), ANSWER("412 No", "", "no")},
		TRANSPORT_CHANGED, "HTTP 412", ""},
	{{ANSWER("200 OK", "", "{\"n\":3,\"r\":\"7\"}"), ANSWER("500 No", "", "no")},
		TRANSPORT_REFUSED, "HTTP 500", ""},
	{{ANSWER("200 OK", "", "{\"n\":3,\"r\":\"7\"}"), NULL}, TRANSPORT_LOST, "", ""},
	{{ANSWER("200 OK", "", "{\"n\":4,\"r\":\"7\"}"), ANSWER("200 OK", "", "{}")},
		TRANSPORT_CHANGED, "the plan read 3", ""},
	{{ANSWER("200 OK", "", "{\"n\":5,\"r\":\"7\"}"), ANSWER("500 No", "", "")},
		TRANSPORT_ACCEPTED, "reads 5", ""},
	{{ANSWER("200 OK", "", "{\"n\":3,\"r\":\"a b\"}"), ANSWER("200 OK", "", "{}")},
		TRANSPORT_LOCAL_ERROR, "{revision}", ""},
	{{ANSWER("404 No", "", "{}"), ANSWER("200 OK", "", "{}")}, TRANSPORT_UNREACHABLE,
		"right before", ""},
	{{NULL, ANSWER("200 OK", "", "{}")}, TRANSPORT_UNREACHABLE, "right before", ""},
};

START_TEST(test_read_before)
{
	struct far_end far_end = start(reads[_i].answers, 2);
	struct outcome outcome = {.is_armed = true};
	struct request request = {.road = ACTION_BY_HTTP,
		.method = "PUT",
		.body = "{\"n\":5,\"r\":\"{revision}\"}",
		.from = 3,
		.to = 5};
	const struct action_config action = {.road = ACTION_BY_HTTP,
		.http = {.timeout_ms = 5000,
			.read_value = "/n",
			.read_revision = "/r",
			.keep = "/id"}};
	snprintf(request.url, sizeof(request.url), "http://127.0.0.1:%d/x", far_end.port);
	memcpy(request.read_url, request.url, sizeof(request.read_url));
	send_it(&action, &request, &outcome);
	ck_assert_msg(
		outcome.result == reads[_i].result, "%d: %s", (int)outcome.result, outcome.text);
	ck_assert_msg(strstr(outcome.text, reads[_i].words) != NULL, "%s", outcome.text);
	ck_assert_str_eq(outcome.kept, reads[_i].kept);
	stop(&far_end);
}
END_TEST

START_TEST(test_disarmed)
{
	static const char *const answers[] = {"\n"};
	struct far_end far_end = start(answers, 1);
	const struct action_config action = {
		.road = ACTION_BY_SOCKET, .socket = {.timeout_ms = 999}};
	struct request request = {.road = ACTION_BY_SOCKET, .command = "x"};
	struct outcome outcome = {.is_armed = false};
	snprintf(request.url, sizeof(request.url), "tcp://127.0.0.1:%d", far_end.port);
	send_it(&action, &request, &outcome);
	ck_assert_int_eq(outcome.result, TRANSPORT_NOT_PERMITTED);
	struct outcome wrong = {.is_armed = true};
	snprintf(request.url, sizeof(request.url), "tcp://127.0.0.1:99999");
	send_it(&action, &request, &wrong);
	ck_assert_int_eq(wrong.result, TRANSPORT_LOCAL_ERROR);
	stop(&far_end);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transport");
	TCase *tcase = tcase_create("all");
	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_socket, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(tcase, test_sql);
	tcase_add_loop_test(tcase, test_read_before, 0, sizeof(reads) / sizeof(reads[0]));
	tcase_add_test(tcase, test_disarmed);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
