#include "actions/seal.h"

#include "actions/config.h"
#include "core/base/clock.h"
#include "core/base/loop.h"
#include "tests/unit/actions/keys.h"

struct office {
	char directory[64], path[96], seals[112], key[96], allowed[96];
	struct clock clock;
	struct loop *loop;
	struct journal *journal;
	struct signing_config signing;
	struct seal *seal;
};

static void open_journal(struct office *office)
{
	office->journal = journal_open(office->path, NULL);
	ck_assert_ptr_nonnull(office->journal);
	office->seal = seal_create(office->loop, office->journal, &office->signing, "kim", NULL);
	ck_assert_ptr_nonnull(office->seal);
}

static void open_office(struct office *office)
{
	*office = (struct office){.directory = ""};
	scene_directory(office->directory);
	snprintf(office->path, sizeof(office->path), "%s/journal.jsonl", office->directory);
	snprintf(office->seals, sizeof(office->seals), "%s.seals", office->path);
	snprintf(office->key, sizeof(office->key), "%s/kim", office->directory);
	snprintf(office->allowed, sizeof(office->allowed), "%s/allowed", office->directory);
	key_make(office->directory, "kim");
	office->signing = (struct signing_config){
		.sign_with = office->key, .allowed_signers = office->allowed};
	clock_init_system(&office->clock);
	office->loop = loop_create(&office->clock, NULL);
	open_journal(office);
}

static void close_journal(struct office *office)
{
	seal_flush(office->seal);
	ck_assert_str_eq(seal_trouble(office->seal), "");
	seal_destroy(office->seal);
	journal_close(office->journal);
}

static void close_office(struct office *office)
{
	loop_destroy(office->loop);
	scene_remove(office->directory);
}

static void write_records(struct office *office, int count, const char *last)
{
	for (int i = 0; i < count; i++)
		ck_assert(journal_append(office->journal, "a-0001", i + 1 == count ? last : "note",
			"something", "", SCENE_NOW + i * 1000, NULL));
}

static struct seals_check check(struct office *office, const char *anchored)
{
	struct journal_check chain;
	struct seals_check seals = {.ok = false};
	struct error error = {0};
	ck_assert(journal_verify(office->path, &chain, NULL));
	ck_assert_msg(chain.ok, "%s", chain.why);
	ck_assert_msg(seals_verify(office->path, chain.records, &office->signing, anchored, &seals,
			      &error),
		"%s", error.text);
	return seals;
}

/* Write the journal anew with other words, as somebody could who may write the file: the chain is
 * whole again, the head file fits. */
static void rewrite(struct office *office, int count)
{
	char name[128];
	ck_assert_int_eq(unlink(office->path), 0);
	snprintf(name, sizeof(name), "%s.head", office->path);
	ck_assert_int_eq(unlink(name), 0);
	struct journal *forged = journal_open(office->path, NULL);
	ck_assert_ptr_nonnull(forged);
	for (int i = 0; i < count; i++)
		ck_assert(journal_append(forged, "a-0001", "note", "nothing happened", "",
			SCENE_NOW + i * 1000, NULL));
	journal_close(forged);
}

START_TEST(test_sealed_at_the_end_of_a_run)
{
	struct office office;
	open_office(&office);
	write_records(&office, 5, "done");
	write_records(&office, 2, "intent");
	close_journal(&office);
	struct seals_check seals = check(&office, NULL);
	ck_assert_msg(seals.ok, "%s", seals.why);
	ck_assert_uint_eq(seals.sealed, 7);
	ck_assert_str_eq(seals.by, "kim");
	close_office(&office);
}
END_TEST

START_TEST(test_sealed_every_so_many_records)
{
	struct office office;
	open_office(&office);
	write_records(&office, SEAL_RECORDS, "note");
	for (int i = 0; i < 500 && access(office.seals, F_OK) != 0; i++)
		ck_assert(loop_turn(office.loop, 10, NULL));
	ck_assert_int_eq(access(office.seals, F_OK), 0);
	close_journal(&office);
	ck_assert_uint_eq(check(&office, NULL).seals, 1);
	close_office(&office);
}
END_TEST

START_TEST(test_a_rewrite_is_seen)
{
	struct office office;
	open_office(&office);
	write_records(&office, 5, "done");
	close_journal(&office);
	rewrite(&office, 6);
	struct seals_check seals = check(&office, NULL);
	ck_assert(!seals.ok);
	ck_assert_ptr_nonnull(strstr(seals.why, "rewritten"));
	close_office(&office);
}
END_TEST

START_TEST(test_a_cut_is_seen)
{
	struct office office;
	open_office(&office);
	write_records(&office, 5, "done");
	close_journal(&office);
	rewrite(&office, 3);
	struct seals_check seals = check(&office, NULL);
	ck_assert(!seals.ok);
	ck_assert_ptr_nonnull(strstr(seals.why, "cut off"));
	close_office(&office);
}
END_TEST

/* Who rewrites the journal and its seals has no key that is believed; who takes the seals away
 * leaves a journal that says it is not sealed, and the head told elsewhere still shows it. */
START_TEST(test_changed_seals_are_seen)
{
	struct office office;
	char head[80];
	struct journal_head newest;
	open_office(&office);
	write_records(&office, 5, "done");
	journal_head(office.journal, &newest);
	snprintf(head, sizeof(head), "%zu:%s", newest.records, newest.digest);
	close_journal(&office);
	ck_assert(check(&office, head).ok);
	rewrite(&office, 6);
	FILE *file = fopen(office.seals, "we");
	fprintf(file,
		"{\"records\":6,\"head\":\"%064d\",\"at\":\"2026-02-04T17:06:00.000Z\","
		"\"by\":\"kim\",\"signature\":\"-----BEGIN SSH SIGNATURE-----\\nAAAA\\n\"}\n",
		0);
	fclose(file);
	struct seals_check seals = check(&office, NULL);
	ck_assert(!seals.ok);
	ck_assert_ptr_nonnull(strstr(seals.why, "were changed"));
	ck_assert_int_eq(unlink(office.seals), 0);
	ck_assert(check(&office, NULL).ok);
	ck_assert_str_eq(check(&office, NULL).why, "it is not sealed");
	seals = check(&office, head);
	ck_assert(!seals.ok);
	ck_assert_ptr_nonnull(strstr(seals.why, "rewritten"));
	close_office(&office);
}
END_TEST

/* What a process that died had not sealed, the next one seals. */
START_TEST(test_the_gap_is_closed)
{
	struct office office;
	open_office(&office);
	write_records(&office, 5, "done");
	close_journal(&office);
	struct journal *journal = journal_open(office.path, NULL);
	ck_assert(journal_append(journal, "a-0002", "intent", "then it died", "", SCENE_NOW, NULL));
	journal_close(journal);
	ck_assert_ptr_nonnull(strstr(check(&office, NULL).why, "1 records after that"));
	open_journal(&office);
	close_journal(&office);
	ck_assert_uint_eq(check(&office, NULL).sealed, 6);
	close_office(&office);
}
END_TEST

START_TEST(test_a_key_that_fails_is_told)
{
	struct office office;
	open_office(&office);
	ck_assert_int_eq(unlink(office.key), 0);
	write_records(&office, 5, "done");
	seal_flush(office.seal);
	ck_assert_ptr_nonnull(strstr(seal_trouble(office.seal), "cannot sign"));
	seal_destroy(office.seal);
	journal_close(office.journal);
	ck_assert_str_eq(check(&office, NULL).why, "it is not sealed");
	close_office(&office);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seal");
	TCase *tcase = tcase_create("seal");
	tcase_add_test(tcase, test_sealed_at_the_end_of_a_run);
	tcase_add_test(tcase, test_sealed_every_so_many_records);
	tcase_add_test(tcase, test_a_rewrite_is_seen);
	tcase_add_test(tcase, test_a_cut_is_seen);
	tcase_add_test(tcase, test_changed_seals_are_seen);
	tcase_add_test(tcase, test_the_gap_is_closed);
	tcase_add_test(tcase, test_a_key_that_fails_is_told);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
