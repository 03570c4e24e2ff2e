#include "actions/anchor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "actions/anchor_record.h"
#include "actions/config.h"
#include "actions/etcd_note.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"

#define LINE_BYTES 4400
#define FLUSH_MS 5000

/* What is under way with etcd. */
enum telling {
	STAGE_NONE,
	STAGE_PLACE,     /* reading which journal is known here */
	STAGE_HEAD,      /* reading what is known of this one */
	STAGE_PUT_PLACE, /* telling that this one is here now */
	STAGE_PUT_HEAD,
};

struct anchor {
	struct loop *loop;
	struct journal *journal;
	const struct action_configs *configs;
	struct etcd *etcd; /* NULL: only the system log */
	struct etcd_note *note;
	enum telling stage;
	size_t found;     /* records, as this process found it */
	bool is_late;     /* some of them had not been told */
	bool is_compared; /* with what is known in etcd */
	bool is_refused;  /* another history is known there: it is kept */
	bool wants_more;
	struct anchor_head told; /* the newest that etcd has; records 0 none */
	struct anchor_head next; /* being told */
	struct anchor_place place;
	size_t logged; /* records that the system log was told of */
	char who[ENTITY_NAME_BYTES];
	uint64_t timer;
	char trouble[ACTION_TEXT_BYTES];     /* of etcd */
	char log_trouble[ACTION_TEXT_BYTES]; /* of the system log */
	bool is_strange; /* it took the place of a journal that is known, and was not begun here */
};

static void tell_etcd(struct anchor *anchor);

bool anchor_is_wanted(const struct action_configs *configs)
{
	return configs->signing.to_syslog ||
	       (configs->signing.to_etcd && configs->coordination.is_etcd);
}

const char *anchor_trouble(const struct anchor *anchor)
{
	if (anchor->trouble[0])
		return anchor->trouble;
	return anchor->is_strange ? "ANOTHER JOURNAL WAS KNOWN IN ITS PLACE, and this one had "
				    "records already; see 'spillway journal verify'"
				  : anchor->log_trouble;
}

/* ---- the system log ---- */

/* A datagram, so that a log that is stuck holds nobody up. */
static bool send_line(const char *name, const char *line, size_t length, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(name) >= sizeof(address.sun_path))
		return error_set(error, ERROR_LIMIT, "the name of the syslog socket is too long");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	union {
		const struct sockaddr_un *given;
		const struct sockaddr *wanted;
	} to = {.given = &address};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = fd >= 0 && sendto(fd, line, length, MSG_NOSIGNAL, to.wanted, sizeof(address)) ==
				     (ssize_t)length;
	if (!ok)
		error_errno(error, "the system log at '%.100s' was not told", name);
	if (fd >= 0)
		close(fd);
	return ok;
}

static void tell_syslog(struct anchor *anchor)
{
	char line[LINE_BYTES];
	struct journal_head head;
	struct error error = {.kind = ERROR_NONE};
	journal_head(anchor->journal, &head);
	if (!anchor->configs->signing.to_syslog || head.records == anchor->logged)
		return;
	/* Facility authpriv, severity notice. */
	int length = snprintf(line, sizeof(line), "<85>spillway: journal %s head %zu:%s by %s",
		journal_path(anchor->journal), head.records, head.digest, anchor->who);
	size_t used = length < (int)sizeof(line) ? (size_t)length : sizeof(line) - 1;
	if (send_line(anchor->configs->signing.syslog_socket, line, used, &error))
		anchor->logged = head.records;
	sanitise(error.text, strlen(error.text), anchor->log_trouble, sizeof(anchor->log_trouble));
}

/* ---- etcd ---- */

static void note_trouble(struct anchor *anchor, const char *text)
{
	char words[ACTION_TEXT_BYTES];
	anchor->stage = STAGE_NONE;
	sanitise(text, strlen(text), words, sizeof(words));
	snprintf(anchor->trouble, sizeof(anchor->trouble), "etcd does not have its head: %.250s",
		words);
}

/* Another history is known there: that is not overwritten, and said until somebody has looked. */
static void refuse(struct anchor *anchor, size_t records, bool is_cut)
{
	anchor->stage = STAGE_NONE;
	anchor->is_refused = true;
	snprintf(anchor->trouble, sizeof(anchor->trouble),
		is_cut ? "ITS END WAS CUT OFF: etcd knows %zu records of it; see 'spillway journal "
			 "verify'"
		       : "IT WAS REWRITTEN: record %zu is not the one that etcd knows; see "
			 "'spillway journal verify'",
		records);
}

static void put_head(struct anchor *anchor)
{
	char key[ETCD_KEY_BYTES];
	char value[ANCHOR_VALUE_BYTES];
	struct journal_head head;
	size_t told = anchor->told.head.records;
	journal_head(anchor->journal, &head);
	anchor->next = anchor->told;
	anchor->next.head = (struct sealed_head){
		.records = head.records, .at_ms = clock_wall_ms(loop_clock(anchor->loop))};
	snprintf(anchor->next.head.digest, sizeof(anchor->next.head.digest), "%s", head.digest);
	snprintf(anchor->next.head.by, sizeof(anchor->next.head.by), "%s", anchor->who);
	snprintf(anchor->next.first, sizeof(anchor->next.first), "%s", anchor->place.first);
	/* Told late: between these two nothing elsewhere shows what was in it. */
	if (anchor->trouble[0] || anchor->is_late) {
		anchor->next.gaps++;
		anchor->next.gap_from = told + 1;
		anchor->next.gap_to = head.records;
	}
	anchor->stage = STAGE_PUT_HEAD;
	anchor_head_key(anchor->configs->coordination.fleet, anchor->place.first, key);
	anchor_head_write(&anchor->next, value);
	etcd_note_put(anchor->note, key, value, 0);
}

static void put_place(struct anchor *anchor)
{
	anchor->is_late = anchor->found > 0;
	anchor->is_strange = anchor->found > 0 && anchor->place.before[0];
	char key[ETCD_KEY_BYTES];
	char value[ANCHOR_VALUE_BYTES];
	const char *journal = journal_path(anchor->journal);
	anchor->stage = STAGE_PUT_PLACE;
	anchor_place_key(anchor->configs->coordination.fleet, journal, key);
	anchor_place_write(&anchor->place, journal, value);
	etcd_note_put(anchor->note, key, value, 0);
}

/* A journal that this process did not begin must fit what is known of it. */
static void compare(struct anchor *anchor, const struct anchor_head *known)
{
	char digest[PLAN_HASH_BYTES];
	struct journal_head head;
	struct error error = {.kind = ERROR_NONE};
	journal_head(anchor->journal, &head);
	if (known->head.records > head.records) {
		refuse(anchor, known->head.records, true);
	} else if (!anchor_digest(
			   journal_path(anchor->journal), known->head.records, digest, &error)) {
		note_trouble(anchor, error.text);
	} else if (strcmp(digest, known->head.digest) != 0) {
		refuse(anchor, known->head.records, false);
	} else {
		anchor->told = *known;
		anchor->is_late = anchor->found > known->head.records;
		anchor->is_compared = true;
		anchor->stage = STAGE_NONE;
		if (head.records > known->head.records)
			put_head(anchor);
		else
			anchor->trouble[0] = '\0';
	}
}

static void on_head(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct anchor *anchor = context;
	struct anchor_head known;
	if (error)
		note_trouble(anchor, error->text);
	else if (reply->row_count == 0)
		put_place(anchor); /* nothing is known of it */
	else if (anchor_head_read(reply->rows[0].value, &known))
		compare(anchor, &known);
	else
		note_trouble(anchor, "it holds something else under its key");
}

static bool ask(struct anchor *anchor, enum telling stage, const char *key, etcd_done_fn *done)
{
	struct error error = {.kind = ERROR_NONE};
	const struct etcd_request request = {.verb = ETCD_READ, .key = key};
	anchor->stage = stage;
	if (etcd_send(anchor->etcd, &request, done, anchor, &error))
		return true;
	note_trouble(anchor, error.text);
	return false;
}

static void on_place(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct anchor *anchor = context;
	struct anchor_place known;
	struct error own = {.kind = ERROR_NONE};
	char first[PLAN_HASH_BYTES];
	char key[ETCD_KEY_BYTES];
	if (error) {
		note_trouble(anchor, error->text);
		return;
	}
	if (!anchor_digest(journal_path(anchor->journal), 1, first, &own)) {
		note_trouble(anchor, own.text);
		return;
	}
	anchor->place = (struct anchor_place){.since_ms = clock_wall_ms(loop_clock(anchor->loop)),
		.was_begun = anchor->found == 0};
	if (reply->row_count > 0 && anchor_place_read(reply->rows[0].value, &known)) {
		if (strcmp(known.first, first) == 0)
			anchor->place = known;
		else
			snprintf(anchor->place.before, sizeof(anchor->place.before), "%s",
				known.first);
	}
	snprintf(anchor->place.first, sizeof(anchor->place.first), "%s", first);
	anchor_head_key(anchor->configs->coordination.fleet, first, key);
	ask(anchor, STAGE_HEAD, key, on_head);
}

static void on_noted(void *context)
{
	struct anchor *anchor = context;
	if (etcd_note_state(anchor->note) == ETCD_NOTE_FAILED) {
		note_trouble(anchor, etcd_note_trouble(anchor->note));
		return;
	}
	if (anchor->stage == STAGE_PUT_PLACE) {
		put_head(anchor);
		return;
	}
	anchor->stage = STAGE_NONE;
	anchor->is_compared = true;
	anchor->is_late = false;
	anchor->told = anchor->next;
	anchor->trouble[0] = '\0';
	if (anchor->wants_more)
		tell_etcd(anchor);
}

static void tell_etcd(struct anchor *anchor)
{
	char key[ETCD_KEY_BYTES];
	struct journal_head head;
	journal_head(anchor->journal, &head);
	if (!anchor->etcd || anchor->is_refused || head.records == 0)
		return;
	if (anchor->stage != STAGE_NONE) {
		anchor->wants_more = true;
		return;
	}
	anchor->wants_more = false;
	if (anchor->is_compared && head.records > anchor->told.head.records) {
		put_head(anchor);
	} else if (!anchor->is_compared) {
		anchor_place_key(
			anchor->configs->coordination.fleet, journal_path(anchor->journal), key);
		ask(anchor, STAGE_PLACE, key, on_place);
	}
}

/* ---- when ---- */

static void on_time(void *context);

static void tell(struct anchor *anchor)
{
	loop_timer_stop(anchor->loop, anchor->timer);
	anchor->timer = 0;
	tell_syslog(anchor);
	tell_etcd(anchor);
	if (anchor->trouble[0] || anchor->log_trouble[0])
		anchor->timer = loop_timer_start(anchor->loop, ANCHOR_AFTER_MS, on_time, anchor);
}

static void on_time(void *context)
{
	struct anchor *anchor = context;
	anchor->timer = 0;
	tell(anchor);
}

static void on_record(void *context, const char *event)
{
	struct anchor *anchor = context;
	struct journal_head head;
	journal_head(anchor->journal, &head);
	if (journal_ends_something(event) || head.records % ANCHOR_RECORDS == 0)
		tell(anchor);
	else if (anchor->timer == 0)
		anchor->timer = loop_timer_start(anchor->loop, ANCHOR_AFTER_MS, on_time, anchor);
}

struct anchor *anchor_create(struct loop *loop, struct http *http, struct journal *journal,
	const struct action_configs *configs, const char *who, struct error *error)
{
	const struct coordination_config *coordination = &configs->coordination;
	bool asks = configs->signing.to_etcd && coordination->is_etcd;
	struct journal_head head;
	struct anchor *anchor = calloc(1, sizeof(*anchor));
	if (!anchor) {
		error_no_memory(error, "the journal's anchor");
		return NULL;
	}
	journal_head(journal, &head);
	anchor->loop = loop;
	anchor->journal = journal;
	anchor->configs = configs;
	anchor->found = anchor->logged = head.records;
	snprintf(anchor->who, sizeof(anchor->who), "%s", who);
	if (asks)
		anchor->etcd = etcd_create(loop, http, coordination, error);
	if (anchor->etcd)
		anchor->note = etcd_note_create(anchor->etcd,
			(unsigned)coordination->endpoint_count, on_noted, anchor, error);
	if (asks && !anchor->note) {
		etcd_destroy(anchor->etcd);
		free(anchor);
		return NULL;
	}
	journal_watch(journal, on_record, anchor);
	/* What an earlier process left untold, and whether it is still the journal that is known.
	 */
	tell_etcd(anchor);
	return anchor;
}

void anchor_flush(struct anchor *anchor)
{
	struct error error = {.kind = ERROR_NONE};
	int64_t until_ms = loop_now_ms(anchor->loop) + FLUSH_MS;
	tell(anchor);
	while (anchor->stage != STAGE_NONE && loop_now_ms(anchor->loop) < until_ms) {
		if (!loop_turn(anchor->loop, 100, &error))
			break;
	}
	if (anchor->stage != STAGE_NONE)
		note_trouble(anchor, "it did not answer in time");
}

void anchor_destroy(struct anchor *anchor)
{
	if (!anchor)
		return;
	journal_unwatch(anchor->journal, anchor);
	loop_timer_stop(anchor->loop, anchor->timer);
	etcd_destroy(anchor->etcd);
	etcd_note_destroy(anchor->note);
	free(anchor);
}
