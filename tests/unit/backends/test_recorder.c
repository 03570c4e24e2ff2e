#include "backends/recorder.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/recording.h"
#include "tests/unit/backends/bench.h"

#define THEN_MS 1700000000000LL

/* A directory of this test's own, with a recording in it. */
struct place {
	char directory[64];
	char path[96];
};

static void place_open(struct place *place)
{
	snprintf(place->directory, sizeof(place->directory), "/tmp/spillway-recorder-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/r.jsonl", place->directory);
}

static void place_close(struct place *place)
{
	unlink(place->path);
	rmdir(place->directory);
}

static void write_file(const struct place *place, const char *bytes)
{
	FILE *file = fopen(place->path, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, strlen(bytes), file), strlen(bytes));
	ck_assert_int_eq(fclose(file), 0);
}

static uint32_t learn(struct fleet *fleet, enum entity_kind kind, uint32_t parent, const char *name)
{
	uint32_t id = ENTITY_NONE;
	ck_assert(fleet_intern(fleet, kind, parent, name, &id, NULL));
	return id;
}

static void record_three(const struct place *place)
{
	struct error error = {0};
	struct fleet *fleet = fleet_create();
	struct recorder *recorder = recorder_create(place->path, fleet, &error);
	ck_assert_msg(recorder != NULL, "%s", error.text);
	uint32_t region = learn(fleet, ENTITY_REGION, ENTITY_ROOT, "us-east");
	uint32_t cluster = learn(fleet, ENTITY_CLUSTER, region, "east-a");
	uint32_t odd = learn(fleet, ENTITY_REPLICA, cluster, "r/1");
	uint32_t web = learn(fleet, ENTITY_SURFACE, ENTITY_ROOT, "web");
	recorder_note(recorder, "poolers", odd, SIGNAL_POOL_USED, 41.25, THEN_MS, 1000);
	recorder_note(recorder, "prom", web, SIGNAL_SURFACE_ERRORS, 0.1, THEN_MS + 700, 5000);
	recorder_note(recorder, "poolers", cluster, SIGNAL_POOL_MAX, 80, THEN_MS + 2000, 1000);
	ck_assert_str_eq(recorder_trouble(recorder), "");
	recorder_destroy(recorder);
	fleet_destroy(fleet);
}

static void open_replay(struct bench *bench, const struct place *place)
{
	struct text yaml;
	text_init(&yaml, 1024);
	text_printf(&yaml, "sources: {old: {kind: replay, file: %s}}\n", place->path);
	bench_open(bench, text_string(&yaml));
	text_finish(&yaml);
}

START_TEST(what_was_recorded_plays_again)
{
	struct place place;
	struct bench bench;
	place_open(&place);
	record_three(&place);
	open_replay(&bench, &place);
	ck_assert(bench_accept(&bench, ""));
	ck_assert_uint_eq(bench.sink.count, 1);
	const struct observation *used =
		bench_find(&bench, ENTITY_REPLICA, "east-a/r/1", SIGNAL_POOL_USED);
	ck_assert_ptr_nonnull(used);
	ck_assert_double_eq(used->value, 41.25);
	ck_assert_int_eq(used->at_ms, BENCH_NOW_MS);
	ck_assert_int_eq(used->interval_ms, 1000);
	uint32_t cluster = fleet_find_path(bench.fleet, ENTITY_CLUSTER, "east-a");
	ck_assert_str_eq(
		fleet_entity(bench.fleet, fleet_entity(bench.fleet, cluster)->parent)->name,
		"us-east");
	/* from then on only what has come due since */
	bench.ask.since_ms = BENCH_NOW_MS;
	bench.ask.now_ms = BENCH_NOW_MS + 699;
	ck_assert(bench_accept(&bench, ""));
	ck_assert_uint_eq(bench.sink.count, 0);
	bench.ask.now_ms = BENCH_NOW_MS + 1999;
	ck_assert(bench_accept(&bench, ""));
	ck_assert_uint_eq(bench.sink.count, 1);
	ck_assert_double_eq(bench_value(&bench, ENTITY_SURFACE, "web", SIGNAL_SURFACE_ERRORS), 0.1);
	ck_assert_uint_eq(bench.sink.warnings, 0);
	bench.ask.since_ms = BENCH_NOW_MS + 1999;
	bench.ask.now_ms = BENCH_NOW_MS + 60000;
	ck_assert(bench_accept(&bench, ""));
	ck_assert_double_eq(bench_value(&bench, ENTITY_CLUSTER, "east-a", SIGNAL_POOL_MAX), 80);
	ck_assert_str_eq(bench.sink.warning, "the recording has come to its end");
	bench_close(&bench);
	place_close(&place);
}
END_TEST

START_TEST(a_recording_is_private_and_never_overwritten)
{
	struct place place;
	struct stat facts;
	struct error error = {0};
	struct fleet *fleet = fleet_create();
	place_open(&place);
	struct recorder *recorder = recorder_create(place.path, fleet, &error);
	ck_assert_ptr_nonnull(recorder);
	ck_assert_int_eq(stat(place.path, &facts), 0);
	ck_assert_uint_eq(facts.st_mode & 0777, 0600);
	ck_assert_ptr_null(recorder_create(place.path, fleet, &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	ck_assert_msg(strstr(error.text, "exists"), "%s", error.text);
	recorder_destroy(recorder);
	recorder_destroy(NULL);
	fleet_destroy(fleet);
	place_close(&place);
}
END_TEST

START_TEST(says_when_the_disk_is_full)
{
	struct error error = {0};
	struct place place;
	struct fleet *fleet = fleet_create();
	struct rlimit limit = {4096, 4096};
	place_open(&place);
	struct recorder *recorder = recorder_create(place.path, fleet, &error);
	ck_assert_ptr_nonnull(recorder);
	/* A file that may not grow fails like a full disk; this test runs in a process of its own.
	 */
	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	uint32_t web = learn(fleet, ENTITY_SURFACE, ENTITY_ROOT, "web");
	for (int i = 0; i < 1000; i++)
		recorder_note(recorder, "s", web, SIGNAL_SURFACE_ERRORS, i, THEN_MS + i, 1000);
	ck_assert_msg(strstr(recorder_trouble(recorder),
			      "recording stopped after 4096 bytes: cannot write: "),
		"%s", recorder_trouble(recorder));
	recorder_destroy(recorder);
	fleet_destroy(fleet);
	place_close(&place);
}
END_TEST

#define LINE                                                                             \
	"{\"t\":1700000000000,\"src\":\"s\",\"e\":\"a/r\",\"kind\":\"replica\",\"sig\":" \
	"\"pool.used\",\"v\":1,\"i\":1000}\n"

struct file_row {
	const char *bytes;
	const char *says; /* NULL: it opens */
};

static const struct file_row file_rows[] = {
	{LINE, NULL},
	{LINE "{\"t\":17000", NULL}, /* killed in the middle of its last line */
	{LINE "{\"t\":1}\n", NULL},  /* a line nobody understands is skipped, and said */
	{"", "it holds no samples"},
	{"{\"t\":17000", "it holds no samples"},
	{"hello\n" LINE, "line 1: "},
	{LINE "}{\n", "line 2: "},
};

START_TEST(opens_what_can_be_played)
{
	struct place place;
	struct error error = {0};
	place_open(&place);
	write_file(&place, file_rows[_i].bytes);
	struct source_config source = {.name = "old", .file = place.path};
	struct sources sources = {&source, 1, NULL, 0};
	struct backend_setup setup = {&source, &sources, BENCH_NOW_MS};
	void *instance = replay_ops.create(&setup, &error);
	ck_assert_int_eq(instance != NULL, file_rows[_i].says == NULL);
	if (!instance)
		ck_assert_msg(
			strstr(error.text, file_rows[_i].says) && strstr(error.text, place.path),
			"%s", error.text);
	replay_ops.destroy(instance);
	place_close(&place);
}
END_TEST

START_TEST(a_missing_recording_is_named)
{
	struct error error = {0};
	struct source_config source = {.name = "old", .file = "/nonexistent/r.jsonl"};
	struct sources sources = {&source, 1, NULL, 0};
	struct backend_setup setup = {&source, &sources, BENCH_NOW_MS};
	ck_assert_ptr_null(replay_ops.create(&setup, &error));
	ck_assert_str_eq(error.text, "cannot open the recording '/nonexistent/r.jsonl': "
				     "No such file or directory");
}
END_TEST

struct line_row {
	const char *line;
	enum error_kind kind; /* ERROR_NONE: good */
};

#define MEMBERS(t, e, kind, sig, v, i)                                                      \
	"{\"t\":" t ",\"src\":\"s\",\"e\":" e ",\"kind\":" kind ",\"sig\":" sig ",\"v\":" v \
	",\"i\":" i "}"

static const struct line_row line_rows[] = {
	{MEMBERS("1", "\"a\"", "\"cluster\"", "\"pool.used\"", "2.5", "1"), ERROR_NONE},
	{MEMBERS("1", "\"a\"", "\"cluster\"", "\"pool.used\"", "null", "1"), ERROR_SCHEMA},
	{MEMBERS("1", "\"a\"", "\"cluster\"", "\"pool.used\"", "\"NaN\"", "1"), ERROR_SCHEMA},
	{MEMBERS("0", "\"a\"", "\"cluster\"", "\"pool.used\"", "1", "1"), ERROR_SCHEMA},
	{MEMBERS("1", "\"\"", "\"cluster\"", "\"pool.used\"", "1", "1"), ERROR_SCHEMA},
	{MEMBERS("1", "7", "\"cluster\"", "\"pool.used\"", "1", "1"), ERROR_SCHEMA},
	{MEMBERS("1", "\"a\"", "\"moon\"", "\"pool.used\"", "1", "1"), ERROR_SCHEMA},
	{MEMBERS("1", "\"a\"", "\"surface\"", "\"pool.used\"", "1", "1"), ERROR_SCHEMA},
	{MEMBERS("1", "\"a\"", "\"cluster\"", "\"pool.x\"", "1", "1"), ERROR_SCHEMA},
	{MEMBERS("1", "\"a\"", "\"cluster\"", "\"pool.used\"", "1", "0"), ERROR_SCHEMA},
	{MEMBERS("1", "\"a\"", "\"cluster\"", "\"pool.used\"", "1", "4294967296"), ERROR_SCHEMA},
	{"[]", ERROR_SCHEMA},
	{"{\"t\":1", ERROR_SYNTAX},
};

START_TEST(reads_lines_strictly)
{
	struct recording_row row = {.at_ms = 77};
	struct error error = {0};
	const char *line = line_rows[_i].line;
	bool good = recording_parse(line, strlen(line), &row, &error);
	ck_assert_int_eq(good, line_rows[_i].kind == ERROR_NONE);
	ck_assert_int_eq(error.kind, line_rows[_i].kind);
	if (!good)
		ck_assert_int_eq(row.at_ms, 77);
}
END_TEST

static Suite *recorder_suite(void)
{
	Suite *suite = suite_create("recorder");
	TCase *tcase = tcase_create("recorder");
	tcase_add_test(tcase, what_was_recorded_plays_again);
	tcase_add_test(tcase, a_recording_is_private_and_never_overwritten);
	tcase_add_test(tcase, says_when_the_disk_is_full);
	tcase_add_loop_test(tcase, opens_what_can_be_played, 0,
		(int)(sizeof(file_rows) / sizeof(file_rows[0])));
	tcase_add_test(tcase, a_missing_recording_is_named);
	tcase_add_loop_test(
		tcase, reads_lines_strictly, 0, (int)(sizeof(line_rows) / sizeof(line_rows[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(recorder_suite());
}
