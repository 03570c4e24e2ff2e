/* What http_send() refuses before anything is sent, and what http_connect() does. */
#include "tests/unit/base/suite.h"
#include "tests/unit/wire/http_rig.h"

struct refusal {
	struct http_request request;
	enum error_kind kind;
	const char *text;
};

#define URL "http://127.0.0.1:9/"
#define HEADER(n, v) .url = URL, .header_count = 1, .headers = {{n, v}}

static bool no_chunk(void *context, const char *bytes, size_t length)
{
	(void)context;
	(void)bytes;
	return length == 0;
}

static const struct refusal refusals[] = {
	{{.url = NULL}, ERROR_USAGE, "without a URL"},
	{{.url = ""}, ERROR_USAGE, "empty"},
	{{.url = "file:///etc/passwd"}, ERROR_USAGE, "only http:// and https://"},
	{{.url = "scp://host/x"}, ERROR_USAGE, "only http:// and https://"},
	{{.url = "ftp://host/x"}, ERROR_USAGE, "only http:// and https://"},
	{{.url = "127.0.0.1:9/"}, ERROR_USAGE, "URL '127.0.0.1:9/'"},
	{{.url = "/path"}, ERROR_USAGE, "not an absolute URL"},
	{{.url = "http://"}, ERROR_USAGE, "cannot be used"},
	{{.url = "http://h:0/"}, ERROR_USAGE, "no usable port"},
	{{.url = "http://h:99999/"}, ERROR_USAGE, "cannot be used"},
	{{.url = "http://h/a b"}, ERROR_USAGE, "blanks"},
	{{.url = "http://h/\r\nX: y"}, ERROR_USAGE, "blanks"},
	{{.url = "http://h/\x1b[31m"}, ERROR_USAGE, "'http://h/?[31m'"},
	{{.url = URL, .method = "get"}, ERROR_USAGE, "capitals"},
	{{.url = URL, .method = ""}, ERROR_USAGE, "capitals"},
	{{.url = URL, .method = "GET /x HTTP/1.1\r\nA: b\r\n\r\nGET"}, ERROR_USAGE, "capitals"},
	{{.url = URL, .method = "AVERYVERYLONGWORD"}, ERROR_USAGE, "capitals"},
	{{.url = URL, .method = "DELETE"}, ERROR_USAGE, "DELETE changes something"},
	{{.url = URL, .method = "PUT"}, ERROR_USAGE, "PUT changes something"},
	{{HEADER("X-A", "a\r\nX-B: b")}, ERROR_USAGE, "header 'X-A'"},
	{{HEADER("X-A", "a\nb")}, ERROR_USAGE, "header 'X-A'"},
	{{HEADER("X-A", "\x1b[2J")}, ERROR_USAGE, "header 'X-A'"},
	{{HEADER("X-A", NULL)}, ERROR_USAGE, "header 'X-A'"},
	{{HEADER("X-A: b\r\nX-C", "d")}, ERROR_USAGE, "no token"},
	{{HEADER("", "d")}, ERROR_USAGE, "no token"},
	{{HEADER(NULL, "d")}, ERROR_USAGE, "no token"},
	{{HEADER("content-length", "0")}, ERROR_USAGE, "not for callers"},
	{{HEADER("Transfer-Encoding", "chunked")}, ERROR_USAGE, "not for callers"},
	{{.url = URL, .header_count = HTTP_HEADERS_MOST + 1}, ERROR_USAGE, "17 headers"},
	{{.url = URL, .bearer = "a\r\nb"}, ERROR_USAGE, "bearer"},
	{{.url = URL, .bearer = ""}, ERROR_USAGE, "bearer"},
	{{.url = URL, .bearer = "a", .basic = "u:p"}, ERROR_USAGE, "both"},
	{{.url = URL, .basic = "user"}, ERROR_USAGE, "user:password"},
	{{.url = URL, .timeout_ms = -1}, ERROR_USAGE, "timeout"},
	{{.url = URL, .connect_timeout_ms = INT64_MAX}, ERROR_USAGE, "timeout"},
	{{.url = URL, .max_body_bytes = SIZE_MAX}, ERROR_USAGE, "cannot be held"},
	{{.url = URL, .body = "", .body_length = SIZE_MAX}, ERROR_LIMIT, "over the limit"},
};

static void never(void *context, const struct http_reply *reply, const struct error *error)
{
	(void)context;
	(void)reply;
	(void)error;
	ck_abort_msg("a refused request called back");
}

START_TEST(refuses)
{
	const struct refusal *row = &refusals[_i];
	struct rig rig;
	struct error error = {0};
	rig_start(&rig);
	ck_assert_uint_eq(http_send(rig.http, &row->request, never, NULL, &error), 0);
	ck_assert_msg(error.kind == row->kind, "row %d: %s", _i, error.text);
	ck_assert_msg(strstr(error.text, row->text) != NULL, "row %d: %s", _i, error.text);
	rig_turn(&rig);
	rig_stop(&rig);
}
END_TEST

START_TEST(refuses_passwords_in_urls_without_showing_them)
{
	static const char *const urls[] = {
		"http://user:sesame@h/", "http://user:se same@h/", "ftp://user:sesame@h/"};
	struct rig rig;
	rig_start(&rig);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct error error = {0};
		struct http_request request = {.url = urls[i]};
		ck_assert_uint_eq(http_send(rig.http, &request, never, NULL, &error), 0);
		ck_assert_int_eq(error.kind, ERROR_USAGE);
		ck_assert_ptr_null(strstr(error.text, "same"));
	}
	rig_stop(&rig);
}
END_TEST

START_TEST(takes_large_limits_when_streaming)
{
	struct rig rig;
	struct outcome outcome;
	struct http_request request = {
		.url = URL, .max_body_bytes = SIZE_MAX, .on_chunk = no_chunk};
	rig_start(&rig);
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, "cannot reach 127.0.0.1:9: connection refused");
	rig_stop(&rig);
}
END_TEST

START_TEST(read_only_lets_no_change_out)
{
	struct rig rig;
	struct outcome outcome;
	struct error error = {0};
	struct http_request request = {.url = URL, .mutation = true};
	rig_start(&rig);
	http_set_read_only(rig.http, true);
	ck_assert_uint_eq(http_send(rig.http, &request, never, NULL, &error), 0);
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	http_set_read_only(rig.http, false);
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, "refused");
	rig_stop(&rig);
}
END_TEST

struct address {
	const char *host;
	int port;
	int64_t timeout_ms;
};

static const struct address addresses[] = {
	{NULL, 22, 0},
	{"", 22, 0},
	{"a b", 22, 0},
	{"a/b", 22, 0},
	{"user@host", 22, 0},
	{"host\r\n", 22, 0},
	{"host", 0, 0},
	{"host", 65536, 0},
	{"host", 22, -1},
};

static void never_connected(void *context, int fd, const struct error *error)
{
	(void)context;
	(void)fd;
	(void)error;
	ck_abort_msg("a refused connection called back");
}

START_TEST(refuses_addresses)
{
	const struct address *row = &addresses[_i];
	struct rig rig;
	struct error error = {0};
	rig_start(&rig);
	ck_assert_uint_eq(http_connect(rig.http, row->host, row->port, row->timeout_ms,
				  never_connected, NULL, &error),
		0);
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	rig_stop(&rig);
}
END_TEST

static Suite *http_request_suite(void)
{
	Suite *suite = suite_create("http_request");
	TCase *refusing = tcase_create("refusing");
	tcase_add_loop_test(refusing, refuses, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(refusing, refuses_passwords_in_urls_without_showing_them);
	tcase_add_test(refusing, takes_large_limits_when_streaming);
	tcase_add_test(refusing, read_only_lets_no_change_out);
	tcase_add_loop_test(
		refusing, refuses_addresses, 0, sizeof(addresses) / sizeof(addresses[0]));
	suite_add_tcase(suite, refusing);
	return suite;
}

int main(void)
{
	return suite_run(http_request_suite());
}
