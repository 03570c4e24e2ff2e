/* test_anchor.c - heads of a journal told to an etcd that is a table in this file, and to a system
 * log that is a socket. */
#include "actions/anchor.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "actions/anchor_record.h"
#include "actions/config.h"
#include "core/base/clock.h"
#include "core/base/loop.h"
#include "tests/unit/actions/scene.h"

/* ---- an etcd ---- */

#define KEYS 16

static struct {
	char key[ETCD_KEY_BYTES];
	char value[ANCHOR_VALUE_BYTES];
} table[KEYS];
static size_t table_count;
static bool table_is_down;
static unsigned table_puts;

struct etcd {
	struct loop *loop;
	struct call {
		struct etcd *etcd;
		enum etcd_verb verb;
		char key[ETCD_KEY_BYTES];
		etcd_done_fn *done;
		void *context;
		uint64_t timer;
	} call; /* one at a time is all that is asked */
};

struct etcd *etcd_create(struct loop *loop, struct http *http,
	const struct coordination_config *config, struct error *error)
{
	struct etcd *etcd = calloc(1, sizeof(*etcd));
	(void)http;
	(void)config;
	(void)error;
	ck_assert_ptr_nonnull(etcd);
	etcd->loop = loop;
	return etcd;
}

void etcd_destroy(struct etcd *etcd)
{
	if (etcd)
		loop_timer_stop(etcd->loop, etcd->call.timer);
	free(etcd);
}

static size_t at_key(const char *key)
{
	size_t i = 0;
	while (i < table_count && strcmp(table[i].key, key) != 0)
		i++;
	return i;
}

static void answer(void *context)
{
	struct call call = *(struct call *)context;
	struct etcd_row row = {.key = call.key};
	struct etcd_reply reply = {.rows = &row};
	struct error error = {.kind = ERROR_UNREACHABLE};
	size_t at = at_key(call.key);
	call.etcd->call.timer = 0;
	snprintf(error.text, sizeof(error.text), "nobody there");
	if (call.verb == ETCD_READ && at < table_count) {
		row.value = table[at].value;
		reply.row_count = 1;
	}
	call.done(call.context, table_is_down ? NULL : &reply, table_is_down ? &error : NULL);
}

bool etcd_send(struct etcd *etcd, const struct etcd_request *request, etcd_done_fn *done,
	void *context, struct error *error)
{
	(void)error;
	ck_assert_uint_eq(etcd->call.timer, 0);
	etcd->call = (struct call){
		.etcd = etcd, .verb = request->verb, .done = done, .context = context};
	snprintf(etcd->call.key, sizeof(etcd->call.key), "%s", request->key);
	if (request->verb == ETCD_PUT && !table_is_down) {
		size_t at = at_key(request->key);
		ck_assert_uint_lt(at, KEYS);
		table_count += at == table_count;
		table_puts++;
		snprintf(table[at].key, sizeof(table[at].key), "%s", request->key);
		snprintf(table[at].value, sizeof(table[at].value), "%s", request->value);
	}
	etcd->call.timer = loop_timer_start(etcd->loop, 0, answer, &etcd->call);
	return true;
}

bool etcd_self_test(struct etcd *etcd, etcd_done_fn *done, void *context, struct error *error)
{
	(void)etcd;
	(void)done;
	(void)context;
	(void)error;
	return false;
}

/* ---- a journal ---- */

struct office {
	char directory[64], path[96], log[96];
	struct clock clock;
	struct loop *loop;
	struct journal *journal;
	struct action_configs configs;
	struct anchor *anchor;
};

static void open_journal(struct office *office)
{
	office->journal = journal_open(office->path, NULL);
	ck_assert_ptr_nonnull(office->journal);
	office->anchor =
		anchor_create(office->loop, NULL, office->journal, &office->configs, "kim", NULL);
	ck_assert_ptr_nonnull(office->anchor);
}

static void open_office(struct office *office)
{
	*office = (struct office){.directory = ""};
	table_count = table_puts = 0;
	table_is_down = false;
	scene_directory(office->directory);
	snprintf(office->path, sizeof(office->path), "%s/journal.jsonl", office->directory);
	snprintf(office->log, sizeof(office->log), "%s/log", office->directory);
	office->configs.signing.to_etcd = true;
	office->configs.signing.syslog_socket = office->log;
	office->configs.coordination =
		(struct coordination_config){.is_etcd = true, .fleet = "unit", .endpoint_count = 1};
	clock_init_system(&office->clock);
	office->loop = loop_create(&office->clock, NULL);
	ck_assert_ptr_nonnull(office->loop);
	open_journal(office);
}

/* What it says at the end. */
static void close_journal(struct office *office, const char *trouble)
{
	anchor_flush(office->anchor);
	ck_assert_msg(strstr(anchor_trouble(office->anchor), trouble) &&
			      (trouble[0] || !anchor_trouble(office->anchor)[0]),
		"'%s' instead of '%s'", anchor_trouble(office->anchor), trouble);
	anchor_destroy(office->anchor);
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

static struct anchor_check check(struct office *office)
{
	struct journal_check chain;
	struct anchor_check found;
	ck_assert(journal_verify(office->path, &chain, NULL));
	ck_assert_msg(chain.ok, "%s", chain.why);
	anchor_verify(office->path, chain.records, &office->configs, &found);
	return found;
}

/* Take the file away as somebody could who may write there, and make one of `count` records with
 * these words; the first `same` are as they were. */
static void forge(struct office *office, int same, int count, const char *words)
{
	char name[128];
	snprintf(name, sizeof(name), "%s.head", office->path);
	ck_assert_int_eq(unlink(office->path), 0);
	ck_assert_int_eq(unlink(name), 0);
	struct journal *forged = journal_open(office->path, NULL);
	ck_assert_ptr_nonnull(forged);
	for (int i = 0; i < count; i++)
		ck_assert(journal_append(forged, "a-0001", "note", i < same ? "something" : words,
			"", SCENE_NOW + i * 1000, NULL));
	journal_close(forged);
}

START_TEST(test_told_at_the_end_of_a_run)
{
	struct office office;
	open_office(&office);
	write_records(&office, 5, "done");
	for (int i = 0; i < 100 && !check(&office).is_known; i++)
		ck_assert(loop_turn(office.loop, 10, NULL));
	ck_assert_uint_eq(check(&office).records, 5);
	write_records(&office, 2, "intent");
	close_journal(&office, "");
	struct anchor_check found = check(&office);
	ck_assert_msg(found.ok && !found.why[0], "%s", found.why);
	ck_assert_uint_eq(found.records, 7);
	/* One that finds all told tells nothing. */
	unsigned puts = table_puts;
	open_journal(&office);
	close_journal(&office, "");
	ck_assert_uint_eq(table_puts, puts);
	close_office(&office);
}
END_TEST

START_TEST(test_a_cut_and_a_rewrite_are_found_without_a_key)
{
	static const struct {
		int same, count;
		const char *words, *why;
	} cases[] = {{3, 3, "", "its end was cut off: it has 3 records, and etcd knows record 5"},
		{1, 5, "nothing happened", "it was rewritten: record 5"},
		{1, 9, "nothing happened", "it was rewritten: record 5"},
		{0, 9, "nothing happened", "it was put there instead"}, {0, 0, "", "of 5 records"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct office office;
		open_office(&office);
		write_records(&office, 5, "note");
		close_journal(&office, "");
		forge(&office, cases[i].same, cases[i].count, cases[i].words);
		struct anchor_check found = check(&office);
		ck_assert_msg(!found.ok, "case %zu: %s", i, found.why);
		ck_assert_msg(
			strstr(found.why, cases[i].why) != NULL, "case %zu: %s", i, found.why);
		close_office(&office);
	}
}
END_TEST

/* Whoever goes on with a forged journal is told, and does not put away the proof. */
START_TEST(test_the_proof_is_kept)
{
	struct office office;
	open_office(&office);
	write_records(&office, 5, "note");
	close_journal(&office, "");
	forge(&office, 1, 6, "nothing happened");
	open_journal(&office);
	write_records(&office, 3, "done");
	close_journal(&office, "IT WAS REWRITTEN: record 5");
	ck_assert_ptr_nonnull(strstr(check(&office).why, "it was rewritten: record 5"));
	forge(&office, 2, 2, "");
	open_journal(&office);
	close_journal(&office, "ITS END WAS CUT OFF: etcd knows 5 records");
	ck_assert_ptr_nonnull(strstr(check(&office).why, "cut off"));
	/* From the first record on: another journal, in the place of the one that is known. */
	forge(&office, 0, 6, "nothing happened");
	open_journal(&office);
	write_records(&office, 3, "done");
	close_journal(&office, "ANOTHER JOURNAL WAS KNOWN IN ITS PLACE");
	struct anchor_check found = check(&office);
	ck_assert(!found.ok);
	ck_assert_ptr_nonnull(strstr(found.why, "of 5 records"));
	close_office(&office);
}
END_TEST

START_TEST(test_begun_anew)
{
	struct office office;
	char old[128], head[128];
	open_office(&office);
	write_records(&office, 5, "note");
	close_journal(&office, "");
	snprintf(old, sizeof(old), "%s.old", office.path);
	snprintf(head, sizeof(head), "%s.head", office.path);
	ck_assert_int_eq(rename(office.path, old), 0);
	ck_assert_int_eq(unlink(head), 0);
	open_journal(&office);
	ck_assert(journal_append(
		office.journal, "a-0001", "done", "another", "", SCENE_NOW + 9000, NULL));
	close_journal(&office, "");
	struct anchor_check found = check(&office);
	ck_assert_msg(found.ok, "%s", found.why);
	ck_assert_ptr_nonnull(
		strstr(found.why, "before it another journal was in its place, of 5"));
	/* The one moved away is known where it is now. */
	anchor_verify(old, 5, &office.configs, &found);
	ck_assert_msg(found.ok && found.is_known, "%s", found.why);
	close_office(&office);
}
END_TEST

START_TEST(test_a_gap_is_marked)
{
	struct office office;
	open_office(&office);
	write_records(&office, 5, "done");
	anchor_flush(office.anchor);
	table_is_down = true;
	write_records(&office, 3, "done");
	anchor_flush(office.anchor);
	ck_assert_ptr_nonnull(strstr(anchor_trouble(office.anchor), "nobody there"));
	ck_assert_ptr_nonnull(strstr(check(&office).why, "not compared with etcd: nobody there"));
	ck_assert(check(&office).ok);
	table_is_down = false;
	write_records(&office, 1, "done");
	close_journal(&office, "");
	struct anchor_check found = check(&office);
	ck_assert(found.ok);
	ck_assert_msg(
		strstr(found.why, "not told in time of records 6 to 9") != NULL, "%s", found.why);
	ck_assert_uint_eq(found.records, 9);
	/* One that died without telling leaves a gap too. */
	struct journal *journal = journal_open(office.path, NULL);
	ck_assert(journal_append(journal, "a-0002", "intent", "then it died", "", SCENE_NOW, NULL));
	journal_close(journal);
	open_journal(&office);
	close_journal(&office, "");
	ck_assert_ptr_nonnull(strstr(check(&office).why, "records 10 to 10, the last of several"));
	close_office(&office);
}
END_TEST

START_TEST(test_the_system_log_is_told)
{
	struct office office;
	char line[4096] = "";
	struct journal_head head;
	char wanted[96];
	open_office(&office);
	close_journal(&office, "");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", office.log);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	office.configs.signing.to_syslog = true;
	office.configs.coordination.is_etcd = false;
	open_journal(&office);
	write_records(&office, 5, "done");
	journal_head(office.journal, &head);
	close_journal(&office, "");
	ck_assert_int_gt(recv(fd, line, sizeof(line) - 1, 0), 0);
	snprintf(wanted, sizeof(wanted), " head 5:%s by kim", head.digest);
	ck_assert_msg(strstr(line, wanted) != NULL, "%s", line);
	ck_assert_msg(strncmp(line, "<85>spillway: journal /", 23) == 0, "%s", line);
	/* Once each. */
	ck_assert_int_lt(recv(fd, line, sizeof(line) - 1, 0), 0);
	close(fd);
	ck_assert_int_eq(unlink(office.log), 0);
	open_journal(&office);
	write_records(&office, 1, "done");
	close_journal(&office, "the system log at");
	close_office(&office);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("anchor");
	TCase *tcase = tcase_create("anchor");
	tcase_add_test(tcase, test_told_at_the_end_of_a_run);
	tcase_add_test(tcase, test_a_cut_and_a_rewrite_are_found_without_a_key);
	tcase_add_test(tcase, test_the_proof_is_kept);
	tcase_add_test(tcase, test_begun_anew);
	tcase_add_test(tcase, test_a_gap_is_marked);
	tcase_add_test(tcase, test_the_system_log_is_told);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
