#include "core/base/secret.h"

#include <string.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/base/suite.h"

static char folder[SCRATCH_PATH_BYTES];
static char path[SCRATCH_PATH_BYTES];

static void make_folder(void)
{
	scratch_make(folder);
	scratch_path(folder, "secret", path);
}

static void remove_folder(void)
{
	remove(path);
	rmdir(folder);
}

START_TEST(contents)
{
	static char long_bytes[SECRET_BYTES + 10];
	memset(long_bytes, 'k', sizeof(long_bytes));
	const struct {
		const char *bytes;
		size_t length;
		const char *secret; /* NULL: refused */
		enum error_kind kind;
	} rows[] = {
		{"token", 5, "token", ERROR_NONE},
		{"token\n", 6, "token", ERROR_NONE},
		{"token\r\n", 7, "token", ERROR_NONE},
		{" to ken ", 8, " to ken ", ERROR_NONE},
		{"", 0, NULL, ERROR_SCHEMA},
		{"\n", 1, NULL, ERROR_SCHEMA},
		{"token\n\n", 7, NULL, ERROR_SCHEMA},
		{"token\nX-Evil: 1\n", 16, NULL, ERROR_SCHEMA},
		{"to\0ken", 6, NULL, ERROR_SCHEMA},
		{"to\x7fken", 6, NULL, ERROR_SCHEMA},
		{long_bytes, SECRET_BYTES, NULL, ERROR_LIMIT},
		{long_bytes, SECRET_BYTES + 10, NULL, ERROR_LIMIT},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct secret secret = {.bytes = "before", .length = 6};
		struct error error = {0};
		scratch_write(path, rows[i].bytes, rows[i].length);
		bool ok = secret_read_file(&secret, path, &error);
		ck_assert_msg(ok == (rows[i].secret != NULL), "row %zu: %s", i, error.text);
		ck_assert_str_eq(secret.bytes, ok ? rows[i].secret : "before");
		ck_assert_uint_eq(secret.length, strlen(secret.bytes));
		ck_assert_int_eq(error.kind, rows[i].kind);
		/* The error names the file and never what is in it. */
		ck_assert_ptr_null(strstr(error.text, "token"));
	}
}
END_TEST

START_TEST(the_longest_secret_fits)
{
	static char bytes[SECRET_BYTES];
	memset(bytes, 'k', sizeof(bytes));
	static struct secret secret;
	scratch_write(path, bytes, SECRET_BYTES - 1);
	ck_assert(secret_read_file(&secret, path, NULL));
	ck_assert_uint_eq(secret.length, SECRET_BYTES - 1);
}
END_TEST

START_TEST(only_files_are_read)
{
	struct secret secret = {.length = 0};
	struct error error = {0};
	ck_assert(!secret_read_file(&secret, "/nonexistent/secret", &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	ck_assert_ptr_nonnull(strstr(error.text, "No such file"));
	ck_assert(!secret_read_file(&secret, folder, &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	/* A pipe that nobody writes to must not keep anyone waiting. */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert(!secret_read_file(&secret, path, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "not a regular file"));
}
END_TEST

START_TEST(wiping_leaves_nothing)
{
	struct secret secret = {.bytes = "token", .length = 5};
	static const char zeroes[SECRET_BYTES];
	secret_wipe(&secret);
	ck_assert_uint_eq(secret.length, 0);
	ck_assert_int_eq(memcmp(secret.bytes, zeroes, sizeof(zeroes)), 0);
}
END_TEST

static Suite *secret_suite(void)
{
	const TTest *tests[] = {
		contents, the_longest_secret_fits, only_files_are_read, wiping_leaves_nothing};
	return suite_with("secret", tests, COUNT_OF(tests), make_folder, remove_folder);
}

int main(void)
{
	return suite_run(secret_suite());
}
