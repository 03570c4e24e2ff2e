/* The switch that stops all changes at once, and the word that lets a brake go. */
#include "actions/gate.h"

#include "actions/journal.h"
#include "tests/unit/actions/scene.h"

struct bench {
	char directory[64];
	char journal[96], file[104];
	struct gate gate;
};

static void open_bench(struct bench *bench)
{
	scene_directory(bench->directory);
	snprintf(bench->journal, sizeof(bench->journal), "%s/journal.jsonl", bench->directory);
	snprintf(bench->file, sizeof(bench->file), "%s.gate", bench->journal);
}

static bool record(struct bench *bench, enum gate_event event, const char *why, int64_t at_ms)
{
	struct error error = {0};
	bool ok = gate_record(bench->journal, event, "kim", why, at_ms, &error);
	if (!ok)
		ck_assert_int_eq(error.kind, ERROR_USAGE);
	gate_read(bench->journal, &bench->gate);
	return ok;
}

START_TEST(test_closed_and_opened)
{
	struct bench bench;
	struct journal_check check;
	open_bench(&bench);
	gate_read(bench.journal, &bench.gate);
	ck_assert(!bench.gate.is_closed && !bench.gate.is_unknown && bench.gate.since_ms == 0);
	ck_assert(!record(&bench, GATE_OPEN, "why", SCENE_NOW));
	ck_assert(!record(&bench, GATE_CLOSE, "", SCENE_NOW));
	ck_assert(!bench.gate.is_closed);
	ck_assert(record(&bench, GATE_CLOSE, "what\x1b is this", SCENE_NOW));
	ck_assert(bench.gate.is_closed);
	ck_assert_str_eq(bench.gate.by, "kim");
	ck_assert_int_eq(bench.gate.since_ms, SCENE_NOW);
	ck_assert_ptr_nonnull(strstr(bench.gate.why, "is this"));
	ck_assert_ptr_null(strchr(bench.gate.why, '\x1b'));
	ck_assert(!record(&bench, GATE_CLOSE, "again", SCENE_NOW + 1000));
	/* To have looked is not to open. */
	ck_assert(record(&bench, GATE_ACKNOWLEDGE, "seen", SCENE_NOW + 2000));
	ck_assert(bench.gate.is_closed);
	ck_assert_int_eq(bench.gate.acknowledged_ms, SCENE_NOW + 2000);
	ck_assert(record(&bench, GATE_OPEN, "all is well", SCENE_NOW + 3000));
	ck_assert(!bench.gate.is_closed);
	ck_assert_int_eq(bench.gate.acknowledged_ms, SCENE_NOW + 2000);
	ck_assert(journal_verify(bench.file, &check, NULL) && check.ok);
	ck_assert_uint_eq(check.records, 3);
	scene_remove(bench.directory);
}
END_TEST

/* What cannot be read is not open. */
START_TEST(test_unreadable)
{
	struct bench bench;
	open_bench(&bench);
	ck_assert(record(&bench, GATE_CLOSE, "why", SCENE_NOW));
	FILE *file = fopen(bench.file, "a");
	fputs("{\"event\":\"open\"", file); /* cut off: it never was */
	fclose(file);
	gate_read(bench.journal, &bench.gate);
	ck_assert(bench.gate.is_closed && !bench.gate.is_unknown);
	file = fopen(bench.file, "a");
	fputs("\nnonsense\n", file);
	fclose(file);
	gate_read(bench.journal, &bench.gate);
	ck_assert(bench.gate.is_unknown);
	unlink(bench.file);
	ck_assert_int_eq(mkdir(bench.file, 0700), 0);
	gate_read(bench.journal, &bench.gate);
	ck_assert(bench.gate.is_unknown);
	scene_remove(bench.directory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_closed_and_opened);
	tcase_add_test(tcase, test_unreadable);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
