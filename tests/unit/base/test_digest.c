#include "core/base/digest.h"

#include <string.h>

#include "tests/unit/base/suite.h"

START_TEST(known_sums)
{
	static const struct {
		const char *bytes;
		const char *sum;
	} rows[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char out[DIGEST_HEX_BYTES];
		digest_sha256(rows[i].bytes, strlen(rows[i].bytes), out);
		ck_assert_str_eq(out, rows[i].sum);
	}
}
END_TEST

START_TEST(random_ids_have_their_length_and_differ)
{
	char before[65] = "";
	for (size_t count = 0; count <= 64; count++) {
		char out[66];
		memset(out, '#', sizeof(out));
		ck_assert(digest_random_hex(count, out));
		ck_assert_uint_eq(strlen(out), count);
		ck_assert_uint_eq(strspn(out, "0123456789abcdef"), count);
		ck_assert_int_eq(out[count + 1], '#');
		if (count >= 16)
			ck_assert_int_ne(strncmp(out, before, 15), 0);
		memcpy(before, out, count + 1);
	}
	char out[80];
	ck_assert(!digest_random_hex(65, out));
}
END_TEST

static Suite *digest_suite(void)
{
	const TTest *tests[] = {known_sums, random_ids_have_their_length_and_differ};
	return suite_of("digest", tests, COUNT_OF(tests));
}

int main(void)
{
	return suite_run(digest_suite());
}
