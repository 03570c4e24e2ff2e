#include "core/base/log.h"

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
	scratch_path(folder, "log", path);
}

static void remove_folder(void)
{
	log_close();
	remove(path);
	rmdir(folder);
}

START_TEST(before_it_is_opened_it_goes_nowhere)
{
	log_error("base", "nobody hears %d", 1);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(lines_have_time_level_room_and_safe_text)
{
	char content[4096];
	ck_assert(log_open(path, LOG_INFO, NULL));
	log_info("wire", "host %s", "a\x1b[2Jb\nsecond");
	log_debug("wire", "too fine");
	log_error("wire", "gone");
	log_close();
	scratch_read(path, content, sizeof(content));
	ck_assert_ptr_nonnull(strstr(content, "Z info  wire: host a?[2Jb second\n"));
	ck_assert_ptr_nonnull(strstr(content, "Z error wire: gone\n"));
	ck_assert_ptr_null(strstr(content, "too fine"));
	size_t lines = 0;
	for (const char *at = content; *at; at++)
		lines += *at == '\n';
	ck_assert_uint_eq(lines, 2);
}
END_TEST

START_TEST(it_appends_and_others_cannot_read)
{
	char content[4096];
	struct stat status;
	for (int i = 0; i < 2; i++) {
		ck_assert(log_open(path, LOG_DEBUG, NULL));
		log_debug("base", "opening %d", i);
	}
	log_close();
	scratch_read(path, content, sizeof(content));
	ck_assert_ptr_nonnull(strstr(content, "opening 0\n"));
	ck_assert_ptr_nonnull(strstr(content, "opening 1\n"));
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 077, 0);
}
END_TEST

START_TEST(a_very_long_text_stays_one_line)
{
	static char content[16384];
	static char text[8000];
	memset(text, 'x', sizeof(text) - 1);
	ck_assert(log_open(path, LOG_DEBUG, NULL));
	log_debug("base", "%s", text);
	log_close();
	size_t length = scratch_read(path, content, sizeof(content));
	ck_assert_uint_lt(length, 1200);
	ck_assert_ptr_eq(strchr(content, '\n'), content + length - 1);
}
END_TEST

START_TEST(a_failed_opening_keeps_the_old_log)
{
	char content[4096];
	struct error error = {0};
	ck_assert(log_open(path, LOG_DEBUG, NULL));
	ck_assert(!log_open("/nonexistent/log", LOG_DEBUG, &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	log_info("base", "still here");
	log_close();
	scratch_read(path, content, sizeof(content));
	ck_assert_ptr_nonnull(strstr(content, "still here"));
}
END_TEST

static Suite *log_suite(void)
{
	const TTest *tests[] = {before_it_is_opened_it_goes_nowhere,
		lines_have_time_level_room_and_safe_text, it_appends_and_others_cannot_read,
		a_very_long_text_stays_one_line, a_failed_opening_keeps_the_old_log};
	return suite_with("log", tests, COUNT_OF(tests), make_folder, remove_folder);
}

int main(void)
{
	return suite_run(log_suite());
}
