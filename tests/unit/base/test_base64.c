#include "core/base/base64.h"

#include <string.h>

#include "tests/unit/base/suite.h"

static const struct {
	const char *plain, *coded;
} rows[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
	{"/spillway/\xc3\xa4", "L3NwaWxsd2F5L8Ok"}};

START_TEST(test_there_and_back)
{
	char out[64];
	size_t length = 0;
	const char *plain = rows[_i].plain;
	ck_assert(base64_encode(plain, strlen(plain), out, sizeof(out)));
	ck_assert_str_eq(out, rows[_i].coded);
	if (!plain[0])
		return;
	ck_assert(base64_decode(out, strlen(out), out, sizeof(out), &length));
	ck_assert_uint_eq(length, strlen(plain));
	ck_assert_mem_eq(out, plain, length);
}
END_TEST

START_TEST(test_what_is_none)
{
	char out[8] = "old";
	size_t length = 99;
	ck_assert(!base64_decode("Zg=", 3, out, sizeof(out), &length));
	ck_assert(!base64_decode("Z*==", 4, out, sizeof(out), &length));
	ck_assert(!base64_decode("Zm9vYmFyYmF6", 12, out, sizeof(out), &length));
	ck_assert_uint_eq(length, 99);
	ck_assert(!base64_encode("foobar", 6, out, sizeof(out)));
	ck_assert_str_eq(out, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base64");
	TCase *tcase = tcase_create("base64");
	tcase_add_loop_test(tcase, test_there_and_back, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tcase, test_what_is_none);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
