#include "actions/signature.h"

#include "tests/unit/actions/keys.h"

START_TEST(test_signed_and_checked)
{
	char directory[64], key[96], allowed[96], signature[SIGNATURE_BYTES],
		other[SIGNATURE_BYTES];
	struct error error = {0};
	scene_directory(directory);
	key_make(directory, "kim");
	key_make(directory, "ann");
	snprintf(key, sizeof(key), "%s/kim", directory);
	snprintf(allowed, sizeof(allowed), "%s/allowed", directory);
	ck_assert_msg(signature_make(key, "the bytes\n", signature, &error), "%s", error.text);
	ck_assert(signature_check(allowed, "kim", "the bytes\n", signature, &error));
	ck_assert(!signature_check(allowed, "kim", "the bytes!\n", signature, &error));
	ck_assert_int_eq(error.kind, ERROR_UNTRUSTED);
	/* Her name with his key. */
	ck_assert(!signature_check(allowed, "ann", "the bytes\n", signature, NULL));
	ck_assert(!signature_check(allowed, "bob", "the bytes\n", signature, NULL));
	snprintf(other, sizeof(other), "%s", signature);
	other[120] = other[120] == 'A' ? 'B' : 'A';
	ck_assert(!signature_check(allowed, "kim", "the bytes\n", other, NULL));
	ck_assert(!signature_check(allowed, "kim", "the bytes\n", "", NULL));
	scene_remove(directory);
}
END_TEST

START_TEST(test_a_key_that_cannot_be_used)
{
	char directory[64], key[96], signature[SIGNATURE_BYTES] = "untouched";
	struct error error = {0};
	scene_directory(directory);
	snprintf(key, sizeof(key), "%s/none", directory);
	ck_assert(!signature_make(key, "x", signature, &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	ck_assert_ptr_nonnull(strstr(error.text, "/none"));
	ck_assert_str_eq(signature, "untouched");
	ck_assert(!signature_check(key, "kim", "x", "y", &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	scene_remove(directory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signature");
	TCase *tcase = tcase_create("signature");
	tcase_add_test(tcase, test_signed_and_checked);
	tcase_add_test(tcase, test_a_key_that_cannot_be_used);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
