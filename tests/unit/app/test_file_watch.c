#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/file_watch.h"

struct place {
	char directory[64], path[96], other[96];
	struct file_watch watch;
};

/* Times are set, not awaited: a file system's clock may be coarse. */
static void write_file(const char *path, const char *text, time_t changed_s)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	struct timespec times[2] = {{.tv_sec = changed_s}, {.tv_sec = changed_s}};
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void place_init(struct place *place)
{
	snprintf(place->directory, sizeof place->directory, "/tmp/file-watch-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(place->directory));
	snprintf(place->path, sizeof place->path, "%s/fleet.yaml", place->directory);
	snprintf(place->other, sizeof place->other, "%s/fleet.yaml.new", place->directory);
	write_file(place->path, "one", 1000);
	file_watch_init(&place->watch, place->path);
}

static void place_finish(struct place *place)
{
	unlink(place->path);
	unlink(place->other);
	rmdir(place->directory);
}

START_TEST(a_change_is_told_once_it_holds_still)
{
	struct place place;
	place_init(&place);
	ck_assert(!file_watch_changed(&place.watch));
	write_file(place.path, "half", 2000);
	ck_assert(!file_watch_changed(&place.watch));
	write_file(place.path, "half, and the rest", 2001);
	ck_assert(!file_watch_changed(&place.watch));
	ck_assert(file_watch_changed(&place.watch));
	ck_assert(!file_watch_changed(&place.watch));
	place_finish(&place);
}
END_TEST

START_TEST(a_replaced_file_is_a_change)
{
	struct place place;
	place_init(&place);
	write_file(place.other, "one", 1000); /* the same size and time: only the inode tells */
	ck_assert_int_eq(rename(place.other, place.path), 0);
	ck_assert(!file_watch_changed(&place.watch));
	ck_assert(file_watch_changed(&place.watch));
	place_finish(&place);
}
END_TEST

START_TEST(a_file_away_has_not_changed)
{
	struct place place;
	place_init(&place);
	unlink(place.path);
	ck_assert(!file_watch_changed(&place.watch));
	ck_assert(!file_watch_changed(&place.watch));
	write_file(place.path, "two", 3000);
	ck_assert(!file_watch_changed(&place.watch));
	ck_assert(file_watch_changed(&place.watch));
	place_finish(&place);
}
END_TEST

static Suite *file_watch_suite(void)
{
	Suite *suite = suite_create("file_watch");
	TCase *cases = tcase_create("file_watch");
	tcase_add_test(cases, a_change_is_told_once_it_holds_still);
	tcase_add_test(cases, a_replaced_file_is_a_change);
	tcase_add_test(cases, a_file_away_has_not_changed);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(file_watch_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
