#include "core/wire/known_hosts.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "tests/unit/base/suite.h"

/* Three ed25519 blobs that differ in their last bytes, and one of ECDSA's type; what stands behind
 * the type is never looked into. */
#define ED_A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ED_B "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"
#define EC_A "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAA"

enum key { KEY_ED_A, KEY_ED_B, KEY_EC_A };

static size_t key_blob(enum key key, unsigned char *out)
{
	static const unsigned char ed25519[51] = "\0\0\0\x0bssh-ed25519\0\0\0\x20";
	static const unsigned char ecdsa[27] = "\0\0\0\x13"
					       "ecdsa-sha2-nistp256\0\0\0";
	if (key == KEY_EC_A) {
		memcpy(out, ecdsa, sizeof(ecdsa));
		return sizeof(ecdsa);
	}
	memcpy(out, ed25519, sizeof(ed25519));
	out[50] = key == KEY_ED_B;
	return sizeof(ed25519);
}

static struct known_hosts *parse(const char *text)
{
	struct error error = {.kind = ERROR_NONE};
	struct known_hosts *known = known_hosts_parse(text, strlen(text), &error);
	ck_assert_msg(known != NULL, "%s", error.text);
	return known;
}

static const struct row {
	const char *text, *host;
	int port;
	enum key key;
	enum known_hosts_verdict verdict;
	int line;
	size_t bad_lines;
} rows[] = {
	/* plain names */
	{"db " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"db " ED_A, "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"db " ED_A " a comment here\r\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"\tdb \t " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"db " ED_A "\n", "DB", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"Db.Example " ED_A "\n", "db.example", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"db " ED_A "\n", "dbx", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"dbx " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"a,db,c " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"a,,db " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"# db " ED_A "\n\n  \n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"db " ED_A "\n", "", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	/* other keys */
	{"# head\n\ndb " ED_B "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_CHANGED, 3, 0},
	{"db " EC_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_OTHER_TYPE, 1, 0},
	{"db " EC_A "\ndb " ED_B "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_CHANGED, 2, 0},
	{"db " ED_B "\ndb " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 2, 0},
	{"db " EC_A "\ndb " ED_A "\n", "db", 22, KEY_EC_A, KNOWN_HOSTS_MATCH, 1, 0},
	/* ports */
	{"[db]:2222 " ED_A "\n", "db", 2222, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"[db]:2222 " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"[db]:2222 " ED_A "\n", "db", 2223, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"db " ED_A "\n", "db", 2222, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"[::1]:2222 " ED_A "\n", "::1", 2222, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"::1 " ED_A "\n", "::1", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"db " ED_A "\n", "db", 0, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	/* patterns */
	{"*.example " ED_A "\n", "db.example", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"*.example " ED_A "\n", "example", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"* " ED_A "\n", "anything", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"db? " ED_A "\n", "db7", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"db? " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"d*b*c " ED_A "\n", "dxxbyybzzc", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"d*b*c " ED_A "\n", "dxxbyyc0", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"[*.example]:2222 " ED_A "\n", "db.example", 2222, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"*.example,!db.example " ED_A "\n", "db.example", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"!db.example,*.example " ED_A "\n", "db.example", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"*.example,!db.example " ED_A "\n", "eb.example", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 1, 0},
	{"!db " ED_A "\n", "eb", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"!,! " ED_A "\n", "eb", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	/* markers */
	{"@revoked db " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_REVOKED, 1, 0},
	{"db " ED_A "\n@revoked * " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_REVOKED, 2, 0},
	{"@revoked * " ED_A "\ndb " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_REVOKED, 1, 0},
	{"@revoked * " ED_B "\ndb " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 2, 0},
	{"@revoked elsewhere " ED_A "\ndb " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 2, 0},
	{"@revoked db " ED_B "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"@cert-authority * " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"@cert-authority * " ED_B "\ndb " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 2, 0},
	/* bad lines are passed over and counted */
	{"@unheard-of db " ED_A "\ndb " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 2, 1},
	{"@revoked\ndb " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 2, 1},
	{"db\ndb ssh-ed25519\ndb " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 3, 2},
	{"db ssh-ed25519 not*base64\ndb " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 2, 1},
	{"db ssh-ed25519 AAAAC3Nz\ndb " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_MATCH, 2, 1},
	{"db ssh-ed25519 AAAA\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 1},
	{"db ssh-ed25519 ====\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 1},
	/* the type in the line is not that of the key */
	{"db ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAA\n", "db", 22, KEY_ED_A,
		KNOWN_HOSTS_UNKNOWN, 0, 1},
	/* the old protocol's form */
	{"db 1024 35 1234567890\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 1},
	/* names hashed by ssh-keygen -H, below too */
	{"|1|bad|hash " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 1},
	{"|2|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA= " ED_A "\n", "db", 22,
		KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 1},
	{"|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA= " ED_A "\n", "db", 22,
		KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 0},
	{"| " ED_A "\n", "db", 22, KEY_ED_A, KNOWN_HOSTS_UNKNOWN, 0, 1},
};

START_TEST(judges_by_the_table)
{
	const struct row *row = &rows[_i];
	unsigned char blob[64];
	int line = -1;
	size_t length = key_blob(row->key, blob);
	struct known_hosts *known = parse(row->text);
	int verdict = (int)known_hosts_check(known, row->host, row->port, blob, length, &line);
	ck_assert_msg(verdict == (int)row->verdict, "verdict %d for:\n%s", verdict, row->text);
	ck_assert_int_eq(line, row->line);
	ck_assert_uint_eq(known_hosts_bad_lines(known), row->bad_lines);
	known_hosts_destroy(known);
}
END_TEST

START_TEST(a_nul_byte_spoils_its_line_only)
{
	static const char text[] = "d\0b " ED_A "\ndb " ED_A "\n";
	struct error error;
	unsigned char blob[64];
	int line = 0;
	size_t length = key_blob(KEY_ED_A, blob);
	struct known_hosts *known = known_hosts_parse(text, sizeof(text) - 1, &error);
	ck_assert_ptr_nonnull(known);
	ck_assert_uint_eq(known_hosts_bad_lines(known), 1);
	ck_assert_int_eq(
		known_hosts_check(known, "db", 22, blob, length, &line), KNOWN_HOSTS_MATCH);
	ck_assert_int_eq(line, 2);
	known_hosts_destroy(known);
}
END_TEST

START_TEST(a_blob_that_is_none_is_unknown)
{
	struct known_hosts *known = parse("* " ED_A "\n");
	int line = -1;
	ck_assert_int_eq(known_hosts_check(known, "db", 22, "", 0, &line), KNOWN_HOSTS_UNKNOWN);
	ck_assert_int_eq(line, 0);
	ck_assert_int_eq(known_hosts_check(known, "db", 22, "\xff\xff\xff\xff!", 5, &line),
		KNOWN_HOSTS_UNKNOWN);
	known_hosts_destroy(known);
}
END_TEST

START_TEST(lists_the_types_of_a_host)
{
	static const struct {
		const char *text, *host, *types;
		size_t size;
	} cases[] = {
		{"db " ED_A "\ndb " EC_A "\n", "db", "ssh-ed25519,ecdsa-sha2-nistp256", 64},
		{"db " EC_A "\ndb " ED_A "\ndb " ED_B "\n", "db", "ecdsa-sha2-nistp256,ssh-ed25519",
			64},
		{"db " ED_A "\n", "other", "", 64},
		{"@revoked db " ED_A "\n@cert-authority db " ED_A "\n", "db", "", 64},
		/* a type that does not fit is left out whole */
		{"db " ED_A "\ndb " EC_A "\n", "db", "ssh-ed25519", 31},
		{"db " ED_A "\ndb " EC_A "\n", "db", "ssh-ed25519", 12},
		{"db " ED_A "\n", "db", "", 11},
		{"db " ED_A "\n", "db", "", 1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char types[64];
		struct known_hosts *known = parse(cases[i].text);
		known_hosts_types(known, cases[i].host, 22, types, cases[i].size);
		ck_assert_str_eq(types, cases[i].types);
		known_hosts_destroy(known);
	}
}
END_TEST

static void run(const char *const *argv)
{
	pid_t pid = fork();
	int status = 0;
	if (pid == 0) {
		union {
			const char *const *in;
			char *const *out;
		} arguments = {.in = argv};
		fclose(stdout);
		fclose(stderr);
		execv(argv[0], arguments.out);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
}

START_TEST(reads_files_that_ssh_keygen_hashed)
{
	char path[] = "/tmp/spillway-known-XXXXXX", old[64];
	unsigned char blob[64];
	int line = 0, fd = mkstemp(path);
	struct error error;
	ck_assert_int_ge(fd, 0);
	static const char text[] = "db.example " ED_A "\n[db.example]:2222 " ED_B "\n";
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	const char *argv[] = {"/usr/bin/ssh-keygen", "-H", "-f", path, NULL};
	run(argv);
	struct known_hosts *known = known_hosts_read(path, &error);
	ck_assert_ptr_nonnull(known);
	ck_assert_uint_eq(known_hosts_bad_lines(known), 0);
	size_t length = key_blob(KEY_ED_A, blob);
	ck_assert_int_eq(
		known_hosts_check(known, "DB.example", 22, blob, length, &line), KNOWN_HOSTS_MATCH);
	ck_assert_int_eq(line, 1);
	ck_assert_int_eq(known_hosts_check(known, "db.example", 2222, blob, length, &line),
		KNOWN_HOSTS_CHANGED);
	ck_assert_int_eq(line, 2);
	ck_assert_int_eq(known_hosts_check(known, "db.exampl", 22, blob, length, &line),
		KNOWN_HOSTS_UNKNOWN);
	known_hosts_destroy(known);
	snprintf(old, sizeof(old), "%s.old", path);
	unlink(old);
	unlink(path);
}
END_TEST

START_TEST(reports_files_that_cannot_be_read)
{
	static const struct {
		const char *path;
		const char *words;
	} cases[] = {
		{"/nonexistent/known_hosts", "No such file"},
		{"/tmp", "not a regular file"},
		{"/dev/null", "not a regular file"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error error = {.kind = ERROR_NONE};
		ck_assert_ptr_null(known_hosts_read(cases[i].path, &error));
		ck_assert_int_eq(error.kind, ERROR_IO);
		ck_assert_msg(strstr(error.text, cases[i].words) != NULL, "%s", error.text);
	}
}
END_TEST

START_TEST(a_file_over_the_limit_is_refused)
{
	char path[] = "/tmp/spillway-known-XXXXXX";
	struct error error = {.kind = ERROR_NONE};
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, KNOWN_HOSTS_BYTES + 1), 0);
	ck_assert_ptr_null(known_hosts_read(path, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	struct known_hosts *known = known_hosts_read(path, &error);
	ck_assert_ptr_nonnull(known);
	known_hosts_destroy(known);
	close(fd);
	unlink(path);
	ck_assert_ptr_null(known_hosts_parse("", KNOWN_HOSTS_BYTES + 1, &error));
}
END_TEST

static Suite *known_hosts_suite(void)
{
	Suite *suite = suite_create("known_hosts");
	TCase *tests = tcase_create("lines");
	tcase_set_timeout(tests, 30);
	tcase_add_loop_test(tests, judges_by_the_table, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tests, a_nul_byte_spoils_its_line_only);
	tcase_add_test(tests, a_blob_that_is_none_is_unknown);
	tcase_add_test(tests, lists_the_types_of_a_host);
	tcase_add_test(tests, reads_files_that_ssh_keygen_hashed);
	tcase_add_test(tests, reports_files_that_cannot_be_read);
	tcase_add_test(tests, a_file_over_the_limit_is_refused);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	return suite_run(known_hosts_suite());
}
