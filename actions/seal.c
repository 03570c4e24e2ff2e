#include "actions/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/config.h"
#include "actions/seal_text.h"
#include "actions/signature.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"

#define PATH_BYTES 4200
#define LINE_BYTES ((size_t)8192)
#define FLUSH_MS 5000

struct seal {
	struct loop *loop;
	struct journal *journal;
	struct signing_config config;
	char who[ENTITY_NAME_BYTES];
	size_t sealed;           /* records that are covered */
	struct sealed_head made; /* being signed */
	struct signing *signing; /* NULL: nothing under way */
	bool wants_more;         /* records came meanwhile that should be sealed at once */
	uint64_t timer;
	char trouble[ERROR_TEXT_BYTES];
};

const char *seal_trouble(const struct seal *seal)
{
	return seal->trouble;
}

static size_t unsealed(const struct seal *seal)
{
	struct journal_head head;
	journal_head(seal->journal, &head);
	return head.records > seal->sealed ? head.records - seal->sealed : 0;
}

static bool append_line(const char *journal, const struct text *line, struct error *error)
{
	char name[PATH_BYTES];
	snprintf(name, sizeof(name), "%s.seals", journal);
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0 && write(fd, line->bytes, line->length) == (ssize_t)line->length &&
		  fdatasync(fd) == 0;
	if (!ok)
		error_errno(error, "cannot write '%.200s'", name);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool keep(const struct seal *seal, const char *signature, struct error *error)
{
	struct text line;
	struct json_writer writer;
	text_init(&line, LINE_BYTES);
	json_writer_init(&writer, &line);
	json_begin_object(&writer);
	json_member_integer(&writer, "records", (int64_t)seal->made.records);
	json_member_string(&writer, "head", seal->made.digest);
	json_member_time(&writer, "at", seal->made.at_ms);
	json_member_string(&writer, "by", seal->made.by);
	json_member_string(&writer, "signature", signature);
	json_end_object(&writer);
	text_add_char(&line, '\n');
	bool ok = text_ok(&line) || error_no_memory(error, "a seal");
	ok = ok && append_line(journal_path(seal->journal), &line, error);
	text_finish(&line);
	return ok;
}

static void begin(struct seal *seal);

static void on_signed(void *context, const char *signature, const struct error *error)
{
	struct seal *seal = context;
	struct error own = {.kind = ERROR_NONE};
	seal->signing = NULL;
	if (error)
		own = *error;
	else if (keep(seal, signature, &own))
		seal->sealed = seal->made.records;
	sanitise(own.text, strlen(own.text), seal->trouble, sizeof(seal->trouble));
	bool again = seal->wants_more && own.kind == ERROR_NONE;
	seal->wants_more = false;
	if (again)
		begin(seal);
}

static void on_time(void *context)
{
	struct seal *seal = context;
	seal->timer = 0;
	begin(seal);
}

static void begin(struct seal *seal)
{
	struct journal_head head;
	struct error error = {.kind = ERROR_NONE};
	char message[SEAL_MESSAGE_BYTES];
	if (seal->signing) {
		seal->wants_more = true;
		return;
	}
	loop_timer_stop(seal->loop, seal->timer);
	seal->timer = 0;
	if (unsealed(seal) == 0)
		return;
	journal_head(seal->journal, &head);
	seal->made = (struct sealed_head){
		.records = head.records, .at_ms = clock_wall_ms(loop_clock(seal->loop))};
	snprintf(seal->made.digest, sizeof(seal->made.digest), "%s", head.digest);
	snprintf(seal->made.by, sizeof(seal->made.by), "%s", seal->who);
	seal_message(&seal->made, message);
	seal->signing = signature_start(
		seal->loop, seal->config.sign_with, message, on_signed, seal, &error);
	if (!seal->signing)
		sanitise(error.text, strlen(error.text), seal->trouble, sizeof(seal->trouble));
}

static void on_record(void *context, const char *event)
{
	struct seal *seal = context;
	if (journal_ends_something(event) || unsealed(seal) >= SEAL_RECORDS)
		begin(seal);
	else if (seal->timer == 0)
		seal->timer = loop_timer_start(seal->loop, SEAL_AFTER_MS, on_time, seal);
}

struct seal *seal_create(struct loop *loop, struct journal *journal,
	const struct signing_config *config, const char *who, struct error *error)
{
	struct seal *seal = calloc(1, sizeof(*seal));
	if (!seal) {
		error_no_memory(error, "the journal's seal");
		return NULL;
	}
	seal->loop = loop;
	seal->journal = journal;
	seal->config = *config;
	snprintf(seal->who, sizeof(seal->who), "%s", who);
	seal->sealed = seals_newest(journal_path(journal));
	journal_watch(journal, on_record, seal);
	if (unsealed(seal) > 0)
		begin(seal);
	return seal;
}

void seal_flush(struct seal *seal)
{
	struct error error = {.kind = ERROR_NONE};
	begin(seal);
	int64_t until_ms = loop_now_ms(seal->loop) + FLUSH_MS;
	while (seal->signing && loop_now_ms(seal->loop) < until_ms) {
		if (!loop_turn(seal->loop, 100, &error))
			break;
	}
}

void seal_destroy(struct seal *seal)
{
	if (!seal)
		return;
	journal_unwatch(seal->journal, seal);
	signature_stop(seal->signing);
	loop_timer_stop(seal->loop, seal->timer);
	free(seal);
}
