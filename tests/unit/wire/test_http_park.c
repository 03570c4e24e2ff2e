/* Only what is alike in every respect is parked together, and nothing that shows a secret is. */
#include "core/wire/http_park.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/wire/http.h"
#include "core/wire/http_sockets.h"
#include "core/wire/http_transfer.h"
#include "tests/unit/base/suite.h"

static bool take_chunk(void *context, const char *bytes, size_t length)
{
	(void)context;
	(void)bytes;
	(void)length;
	return true;
}

/* Each differs from the first in one respect. */
static const struct http_request requests[] = {
	{.url = "http://h/m"},
	{.url = "http://h/n"},
	{.url = "http://h/m", .method = "HEAD"},
	{.url = "http://h/m", .ca_file = "/ca"},
	{.url = "http://h/m", .client_cert_file = "/ca"},
	{.url = "http://h/m", .client_key_file = "/ca"},
	{.url = "http://h/m", .unix_socket = "/ca"},
	{.url = "http://h/m", .proxy = "/ca"},
	{.url = "http://h/m", .proxy = ""},
	{.url = "http://h/m", .timeout_ms = 7},
	{.url = "http://h/m", .connect_timeout_ms = 7},
	{.url = "http://h/m", .max_body_bytes = 7},
	{.url = "http://h/m", .gzip = true},
	{.url = "http://h/m", .on_chunk = take_chunk},
	{.url = "http://h/m", .headers = {{"A", "b"}}, .header_count = 1},
	{.url = "http://h/m", .headers = {{"A", "c"}}, .header_count = 1},
	{.url = "http://h/m", .headers = {{"A", "b"}, {"A", "b"}}, .header_count = 2},
};

#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

START_TEST(what_differs_is_not_alike)
{
	char *texts[REQUESTS];
	for (size_t i = 0; i < REQUESTS; i++) {
		texts[i] = http_park_likeness(&requests[i]);
		ck_assert_ptr_nonnull(texts[i]);
		char *again = http_park_likeness(&requests[i]);
		ck_assert_str_eq(again, texts[i]);
		free(again);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(texts[i], texts[j]);
	}
	for (size_t i = 0; i < REQUESTS; i++)
		free(texts[i]);
}
END_TEST

START_TEST(changes_bodies_and_secrets_are_never_parked)
{
	const struct http_request none[] = {
		{.url = "http://h/m", .mutation = true},
		{.url = "http://h/m", .body = "x", .body_length = 1, .method = "POST"},
		{.url = "http://h/m", .bearer = "token"},
		{.url = "http://h/m", .basic = "user:password"},
	};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_ptr_null(http_park_likeness(&none[i]));
}
END_TEST

static struct http_transfer *make(struct http_sockets *sockets, int number)
{
	char url[64];
	snprintf(url, sizeof(url), "http://h/%d", number);
	struct http_request request = {.url = url};
	struct http_transfer *transfer = http_transfer_create(&request, sockets, NULL);
	ck_assert_ptr_nonnull(transfer);
	transfer->likeness = http_park_likeness(&request);
	transfer->id = (uint64_t)number;
	return transfer;
}

static struct http_transfer *take(struct http_park *park, int number)
{
	char url[64];
	snprintf(url, sizeof(url), "http://h/%d", number);
	struct http_request request = {.url = url};
	char *likeness = http_park_likeness(&request);
	struct http_transfer *transfer = http_park_take(park, likeness);
	free(likeness);
	return transfer;
}

START_TEST(each_comes_back_to_its_own_request)
{
	struct http_park park = {0};
	struct http_sockets sockets = {0};
	const int count = 600;
	ck_assert_ptr_null(take(&park, 1));
	for (int i = 0; i < count; i++)
		ck_assert(http_park_put(&park, make(&sockets, i)));
	for (int i = 0; i < count; i += 2) {
		struct http_transfer *transfer = take(&park, i * 7 % count);
		if (!transfer)
			continue; /* it was had before */
		ck_assert_uint_eq(transfer->id, (uint64_t)(i * 7 % count));
		ck_assert_ptr_null(take(&park, i * 7 % count));
		http_transfer_destroy(transfer);
	}
	for (int i = 1; i < count; i += 2) { /* those that stayed are still found */
		struct http_transfer *transfer = take(&park, i);
		ck_assert_ptr_nonnull(transfer);
		ck_assert_uint_eq(transfer->id, (uint64_t)i);
		ck_assert(http_park_put(&park, transfer));
	}
	http_park_finish(&park);
}
END_TEST

START_TEST(the_park_has_an_end)
{
	struct http_park park = {0};
	struct http_sockets sockets = {0};
	for (int i = 0; i < HTTP_PARKED_MOST; i++)
		ck_assert(http_park_put(&park, make(&sockets, i)));
	struct http_transfer *one_more = make(&sockets, HTTP_PARKED_MOST);
	ck_assert(!http_park_put(&park, one_more));
	http_transfer_destroy(one_more);
	http_park_finish(&park);
}
END_TEST

static Suite *http_park_suite(void)
{
	Suite *suite = suite_create("http_park");
	TCase *tcase = tcase_create("http_park");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, what_differs_is_not_alike);
	tcase_add_test(tcase, changes_bodies_and_secrets_are_never_parked);
	tcase_add_test(tcase, each_comes_back_to_its_own_request);
	tcase_add_test(tcase, the_park_has_an_end);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return suite_run(http_park_suite());
}
