#include "actions/journal.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/actions/scene.h"

#define RECORDS 6

static char directory[64];
static char path[128];

static void setup(void)
{
	scene_directory(directory);
	snprintf(path, sizeof(path), "%s/new/state/journal.jsonl", directory);
}

static void teardown(void)
{
	scene_remove(directory);
}

static void append(struct journal *journal, const char *run, const char *event)
{
	struct error error = {0};
	ck_assert_msg(
		journal_append(journal, run, event, "some words", "\"to\":88", SCENE_NOW, &error),
		"%s", error.text);
}

static void write_some(void)
{
	struct error error = {0};
	struct journal *journal = journal_open(path, &error);
	ck_assert_msg(journal != NULL, "%s", error.text);
	for (int i = 0; i < RECORDS; i++)
		append(journal, i < 3 ? "a-0001" : "a-0002", i % 3 == 0 ? "intent" : "sent");
	journal_close(journal);
}

static size_t slurp(char **out)
{
	FILE *file = fopen(path, "rb");
	ck_assert_ptr_nonnull(file);
	char *bytes = malloc(65536);
	ck_assert_ptr_nonnull(bytes);
	size_t length = fread(bytes, 1, 65536, file);
	fclose(file);
	*out = bytes;
	return length;
}

static void spill(const char *bytes, size_t length)
{
	FILE *file = fopen(path, "wb");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

static struct journal_check verify(void)
{
	struct journal_check check;
	struct error error = {0};
	ck_assert_msg(journal_verify(path, &check, &error), "%s", error.text);
	return check;
}

START_TEST(test_appended_records_verify_and_read_back)
{
	struct journal_line lines[4];
	char next[PLAN_ID_BYTES];
	struct stat status;
	write_some();
	struct journal_check check = verify();
	ck_assert_msg(check.ok, "%s", check.why);
	ck_assert_uint_eq(check.records, RECORDS);
	ck_assert_str_eq(check.why, "");
	ck_assert_uint_eq(journal_tail(path, lines, 4, NULL), 4);
	ck_assert_str_eq(lines[3].run, "a-0002");
	ck_assert_str_eq(lines[3].event, "sent");
	ck_assert_str_eq(lines[1].event, "intent");
	ck_assert_str_eq(lines[3].text, "some words");
	ck_assert_int_eq(lines[3].at_ms, SCENE_NOW);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0600);
	struct journal *journal = journal_open(path, NULL);
	journal_next_run(journal, next);
	ck_assert_str_eq(next, "a-0003");
	ck_assert_str_eq(journal_trouble(journal), "");
	append(journal, next, "intent");
	journal_close(journal);
	ck_assert_uint_eq(verify().records, RECORDS + 1);
}
END_TEST

START_TEST(test_no_edited_byte_escapes)
{
	char *bytes = NULL;
	write_some();
	size_t length = slurp(&bytes);
	for (size_t i = 0; i < length; i++) {
		char was = bytes[i];
		bytes[i] = (char)(was ^ 1);
		spill(bytes, length);
		struct journal_check check = verify();
		ck_assert_msg(!check.ok && check.bad_line > 0 && check.why[0],
			"byte %zu changed from '%c' and nobody saw it", i, was);
		bytes[i] = was;
	}
	spill(bytes, length);
	ck_assert(verify().ok);
	free(bytes);
}
END_TEST

/* Build a file out of lines of the old one, in this order. */
static void rearrange(const char *order)
{
	char *bytes = NULL;
	char made[65536];
	size_t used = 0;
	size_t length = slurp(&bytes);
	const char *starts[RECORDS + 1];
	size_t count = 0;
	starts[count++] = bytes;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n')
			starts[count++] = bytes + i + 1;
	}
	for (; *order; order++) {
		size_t at = (size_t)(*order - '1');
		size_t size = (size_t)(starts[at + 1] - starts[at]);
		memcpy(made + used, starts[at], size);
		used += size;
	}
	spill(made, used);
	free(bytes);
}

static const struct {
	const char *what, *order;
	size_t bad_line;
} arrangements[] = {
	{"nothing", "123456", 0},
	{"first removed", "23456", 1},
	{"middle removed", "12456", 3},
	{"last removed", "12345", 6},
	{"two swapped", "132456", 2},
	{"one twice", "1223456", 3},
	{"first again at the end", "1234561", 7},
	{"all removed", "", 1},
};

START_TEST(test_no_rearranged_line_escapes)
{
	write_some();
	rearrange(arrangements[_i].order);
	struct journal_check check = verify();
	ck_assert_msg(check.ok == (arrangements[_i].bad_line == 0), "%s", arrangements[_i].what);
	ck_assert_uint_eq(check.bad_line, arrangements[_i].bad_line);
	struct error error = {0};
	struct journal *journal = journal_open(path, &error);
	bool may_go_on = check.ok || arrangements[_i].order[0] == '\0';
	ck_assert_msg((journal != NULL) == may_go_on, "%s", error.text);
	if (!may_go_on)
		ck_assert_int_eq(error.kind, ERROR_SCHEMA);
	journal_close(journal);
}
END_TEST

START_TEST(test_line_put_in)
{
	char *bytes = NULL;
	write_some();
	size_t length = slurp(&bytes);
	const char blank[] = "\n";
	spill(blank, 1);
	ck_assert(!verify().ok);
	memmove(bytes + 1, bytes, length);
	bytes[0] = '\n';
	spill(bytes, length + 1);
	ck_assert_uint_eq(verify().bad_line, 1);
	free(bytes);
}
END_TEST

/* A whole record of another journal, sound in itself and with the right number, is still not the
 * one. */
START_TEST(test_record_of_another_journal)
{
	char *bytes = NULL;
	char *others = NULL;
	char made[65536];
	write_some();
	size_t length = slurp(&bytes);
	ck_assert_int_eq(unlink(path), 0);
	struct journal *journal = journal_open(path, NULL);
	ck_assert_ptr_nonnull(journal);
	for (int i = 0; i < RECORDS; i++)
		ck_assert(journal_append(
			journal, "a-0001", "intent", "Some words", "\"to\":88", SCENE_NOW, NULL));
	journal_close(journal);
	slurp(&others);
	char *ours = strchr(strchr(bytes, '\n') + 1, '\n') + 1;
	char *theirs = strchr(strchr(others, '\n') + 1, '\n') + 1;
	size_t before = (size_t)(ours - bytes);
	size_t size = (size_t)(strchr(theirs, '\n') + 1 - theirs);
	size_t after = length - (size_t)(strchr(ours, '\n') + 1 - bytes);
	memcpy(made, bytes, before);
	memcpy(made + before, theirs, size);
	memcpy(made + before + size, strchr(ours, '\n') + 1, after);
	spill(made, before + size + after);
	ck_assert_uint_eq(verify().bad_line, 3);
	free(others);
	free(bytes);
}
END_TEST

START_TEST(test_torn_tail_is_reported_and_set_aside)
{
	char *bytes = NULL;
	char torn[160];
	write_some();
	size_t length = slurp(&bytes);
	/* Without the head file, as after a crash between the line and its head. */
	snprintf(torn, sizeof(torn), "%s.head", path);
	ck_assert_int_eq(unlink(torn), 0);
	for (size_t cut = 1; cut < 240; cut += 37) {
		spill(bytes, length - cut);
		struct journal_check check = verify();
		ck_assert(!check.ok);
		ck_assert_uint_eq(check.bad_line, RECORDS);
		ck_assert_ptr_nonnull(strstr(check.why, "unfinished"));
		struct journal *journal = journal_open(path, NULL);
		ck_assert_ptr_nonnull(journal);
		append(journal, "a-0009", "intent");
		journal_close(journal);
		ck_assert(verify().ok);
		ck_assert_int_eq(unlink(torn), 0);
	}
	snprintf(torn, sizeof(torn), "%s.torn", path);
	ck_assert_int_eq(access(torn, R_OK), 0);
	free(bytes);
}
END_TEST

START_TEST(test_second_writer_is_refused)
{
	struct error error = {0};
	struct journal *journal = journal_open(path, NULL);
	ck_assert_ptr_nonnull(journal);
	ck_assert_ptr_null(journal_open(path, &error));
	ck_assert_int_eq(error.kind, ERROR_REJECTED);
	ck_assert_ptr_nonnull(strstr(error.text, "another spillway"));
	journal_close(journal);
	journal = journal_open(path, NULL);
	ck_assert_ptr_nonnull(journal);
	journal_close(journal);
}
END_TEST

/* The limit on file sizes stands in for a full disk: writing must be refused before it is tried. */
START_TEST(test_no_room_refuses)
{
	struct error error = {0};
	write_some();
	struct journal *journal = journal_open(path, NULL);
	struct rlimit before;
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	const struct rlimit limit = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_ptr_nonnull(strstr(journal_trouble(journal), "limit on file sizes"));
	ck_assert(!journal_append(journal, "a-0003", "intent", "", "", SCENE_NOW, &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	journal_close(journal);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert(verify().ok);
}
END_TEST

START_TEST(test_trouble_when_the_file_is_no_longer_ours)
{
	struct journal *journal = NULL;
	write_some();
	journal = journal_open(path, NULL);
	FILE *file = fopen(path, "a");
	fputs("intruder\n", file);
	fclose(file);
	ck_assert_ptr_nonnull(strstr(journal_trouble(journal), "changed by someone else"));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_ptr_nonnull(strstr(journal_trouble(journal), "deleted"));
	journal_close(journal);
}
END_TEST

START_TEST(test_limits_and_odd_files)
{
	struct error error = {0};
	struct journal_check check;
	struct journal_line lines[2];
	char *long_text = malloc(JOURNAL_LINE_BYTES + 64);
	ck_assert_ptr_nonnull(long_text);
	memset(long_text, 'x', JOURNAL_LINE_BYTES + 63);
	memcpy(long_text, "\"a\":\"", 5);
	long_text[JOURNAL_LINE_BYTES + 62] = '"';
	long_text[JOURNAL_LINE_BYTES + 63] = '\0';
	struct journal *journal = journal_open(path, NULL);
	ck_assert(!journal_append(journal, "a-0001", "intent", "", long_text, 0, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	ck_assert(journal_append(
		journal, "a-0001", "intent", "esc \033[2J\n and more", "", SCENE_NOW, NULL));
	journal_close(journal);
	ck_assert(verify().ok);
	ck_assert_uint_eq(journal_tail(path, lines, 2, NULL), 1);
	ck_assert_ptr_null(strchr(lines[0].text, '\033'));
	ck_assert_uint_eq(journal_tail("/nonexistent/journal", lines, 2, &error), 0);
	ck_assert(!journal_verify("/nonexistent/journal", &check, &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	ck_assert_ptr_null(journal_open(directory, &error));
	ck_assert_ptr_null(journal_open("/dev/null", &error));
	ck_assert_ptr_null(journal_open("/proc/nothing/here", &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	free(long_text);
}
END_TEST

static Suite *journal_suite(void)
{
	Suite *suite = suite_create("journal");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_appended_records_verify_and_read_back);
	tcase_add_test(tcase, test_no_edited_byte_escapes);
	tcase_add_loop_test(tcase, test_no_rearranged_line_escapes, 0,
		sizeof(arrangements) / sizeof(arrangements[0]));
	tcase_add_test(tcase, test_line_put_in);
	tcase_add_test(tcase, test_record_of_another_journal);
	tcase_add_test(tcase, test_torn_tail_is_reported_and_set_aside);
	tcase_add_test(tcase, test_second_writer_is_refused);
	tcase_add_test(tcase, test_no_room_refuses);
	tcase_add_test(tcase, test_trouble_when_the_file_is_no_longer_ours);
	tcase_add_test(tcase, test_limits_and_odd_files);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(journal_suite());
}
