#include "actions/coordination_etcd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "actions/etcd_note.h"
#include "actions/etcd_told.h"
#include "actions/lease.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"

#define TICK_MS 500
#define STALE_MS (5 * COORDINATION_POLL_MS) /* of the last list: older, nothing is known */
#define PREFIX_BYTES 128
#define LISTED_MOST ETCD_ROWS_MOST
#define HERE_TTL_MS 15000

/* One call under way for one of the two leases; one that came of an earlier begin is not heard. */
struct flight {
	struct etcd_desk *desk;
	struct lease *lease;
	unsigned serial;
};
#define FLIGHTS 8

/* A row of the last list, kept. */
struct listed {
	char *key, *value;
};

/* What others hold, since the lock is ours. */
enum known { KNOWN_OLD, KNOWN_ASKED, KNOWN_FRESH, KNOWN_NOT };

enum tested { TEST_DUE, TEST_RUNNING, TEST_GOOD, TEST_BAD };

struct etcd_desk {
	struct loop *loop;
	struct etcd *etcd;
	const struct coordination_config *config;
	struct coordination_self self;
	char prefix[PREFIX_BYTES];
	enum tested tested;
	struct lease lock, here;
	unsigned lock_serial, here_serial;
	struct flight flights[FLIGHTS];
	size_t next_flight;
	char domain[ENTITY_NAME_BYTES];
	char doing[ACTION_TEXT_BYTES]; /* while entered */
	int64_t timeout_ms;
	bool is_waiting; /* for the self test, before it enters */
	bool is_asked, is_checking;
	int64_t lasts_until_ms; /* the lock was left, and is kept until then; 0: it was not */
	coordination_done_fn *done;
	void *context;
	uint64_t timer;
	bool is_listing;
	unsigned lists; /* asked for so far */
	enum known known;
	unsigned known_from; /* the first of them that was asked with the lock in hand */
	int64_t listed_ms, next_list_ms; /* 0 never */
	struct listed rows[LISTED_MOST];
	size_t row_count;
	size_t leaving; /* revocations on their way */
	struct etcd_note *note;
	struct etcd_told *told; /* our holds */
	char trouble[ACTION_TEXT_BYTES];
};

static void pump(struct etcd_desk *desk);
static void list(struct etcd_desk *desk);

static int64_t now_of(const struct etcd_desk *desk)
{
	return loop_now_ms(desk->loop);
}

static void note_trouble(struct etcd_desk *desk, const struct error *error)
{
	sanitise(error->text, strlen(error->text), desk->trouble, sizeof(desk->trouble));
}

/* ---- answers to those who asked ---- */

static void answer(struct etcd_desk *desk, enum coordination_answer answer, const char *text)
{
	coordination_done_fn *done = desk->done;
	desk->is_asked = desk->is_checking = false;
	desk->done = NULL;
	done(desk->context, answer, text);
}

static void say_holder(const struct etcd_desk *desk, char out[ACTION_TEXT_BYTES])
{
	char who[ACTION_TEXT_BYTES];
	coordination_record_words(desk->lock.holder, who);
	snprintf(out, ACTION_TEXT_BYTES, "%.200s acts in '%.60s': wait for its end", who,
		desk->domain);
}

/* What others hold is theirs to change until the lock is ours: it is read once more after that. */
static void answer_held(struct etcd_desk *desk)
{
	char text[ACTION_TEXT_BYTES];
	switch (desk->known) {
	case KNOWN_OLD:
		desk->known = KNOWN_ASKED;
		desk->known_from = desk->lists + 1;
		desk->next_list_ms = 0;
		list(desk);
		return;
	case KNOWN_ASKED:
		return;
	case KNOWN_FRESH:
		answer(desk, COORDINATION_GRANTED, "");
		return;
	case KNOWN_NOT:
		snprintf(text, sizeof(text), "what others hold cannot be read: %.200s",
			desk->trouble);
		answer(desk, COORDINATION_DOWN, text);
		return;
	}
}

static void answer_ask(struct etcd_desk *desk)
{
	char text[ACTION_TEXT_BYTES] = "";
	switch (desk->lock.state) {
	case LEASE_HELD:
		answer_held(desk);
		return;
	case LEASE_TAKEN:
		say_holder(desk, text);
		answer(desk, COORDINATION_TAKEN, text);
		return;
	case LEASE_NONE:
	case LEASE_FAILED:
	case LEASE_LOST:
		snprintf(text, sizeof(text), "etcd gave no lock: %.200s",
			desk->trouble[0] ? desk->trouble : "it did not answer in time");
		answer(desk, COORDINATION_DOWN, text);
		return;
	case LEASE_ASKING:
	case LEASE_TAKING:
	case LEASE_READING:
		return;
	}
}

/* What is about to be held must be known to the others before it can be true. */
static void answer_told(struct etcd_desk *desk)
{
	char text[ACTION_TEXT_BYTES] = "";
	enum etcd_note_state state = etcd_told_state(desk->told);
	if (state == ETCD_NOTE_UNDER_WAY)
		return;
	if (state == ETCD_NOTE_FAILED)
		snprintf(text, sizeof(text),
			"the others could not be told what this holds (%.200s): nothing more is "
			"sent",
			etcd_told_trouble(desk->told));
	answer(desk, text[0] ? COORDINATION_TAKEN : COORDINATION_GRANTED, text);
}

static void answer_check(struct etcd_desk *desk)
{
	const struct lease *lock = &desk->lock;
	char text[ACTION_TEXT_BYTES] = "";
	if (lease_was_checked(lock) && lease_may_send(lock, now_of(desk), desk->timeout_ms)) {
		answer_told(desk);
	} else if (lock->state != LEASE_HELD || !lock->is_checking) {
		snprintf(text, sizeof(text),
			"the lock of '%.60s' was lost%s%.160s: nothing more is sent, read back "
			"first",
			desk->domain, desk->trouble[0] ? ": " : "", desk->trouble);
		answer(desk, COORDINATION_TAKEN, text);
	}
}

static void settle(struct etcd_desk *desk)
{
	if (desk->is_asked && !desk->is_waiting)
		answer_ask(desk);
	else if (desk->is_checking)
		answer_check(desk);
}

/* ---- carrying ---- */

static void on_flight(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct flight *flight = context;
	struct etcd_desk *desk = flight->desk;
	unsigned serial = flight->lease == &desk->lock ? desk->lock_serial : desk->here_serial;
	if (error)
		note_trouble(desk, error);
	else
		desk->trouble[0] = '\0';
	if (flight->serial != serial)
		return;
	lease_reply(flight->lease, reply, now_of(desk));
	pump(desk);
	settle(desk);
}

static void on_revoked(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct etcd_desk *desk = context;
	(void)reply;
	(void)error;
	desk->leaving--;
}

static void send_lease(struct etcd_desk *desk, struct lease *lease)
{
	struct etcd_request request;
	struct error error = {.kind = ERROR_NONE};
	while (lease_next(lease, now_of(desk), &request)) {
		if (request.verb == ETCD_REVOKE) {
			desk->leaving += etcd_send(desk->etcd, &request, on_revoked, desk, &error);
			continue;
		}
		struct flight *flight = &desk->flights[desk->next_flight++ % FLIGHTS];
		*flight = (struct flight){.desk = desk,
			.lease = lease,
			.serial = lease == &desk->lock ? desk->lock_serial : desk->here_serial};
		if (!etcd_send(desk->etcd, &request, on_flight, flight, &error)) {
			note_trouble(desk, &error);
			lease_reply(lease, NULL, now_of(desk));
		}
	}
}

static void pump(struct etcd_desk *desk)
{
	send_lease(desk, &desk->lock);
	send_lease(desk, &desk->here);
}

/* ---- the self test, before the first lock ---- */

/* A word about what we are at: lost, it is said again at the next change. */
static void on_told(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct etcd_desk *desk = context;
	(void)reply;
	if (error)
		note_trouble(desk, error);
	desk->leaving--;
}

/* Left a while ago and kept for what was still on its way: it is ours yet, and says so. */
static bool take_up_lock(struct etcd_desk *desk, const char *key, const char *value, int64_t ttl_ms)
{
	struct error error = {.kind = ERROR_NONE};
	const struct etcd_request request = {
		.verb = ETCD_PUT, .key = key, .value = value, .lease = desk->lock.id};
	bool is_ours = desk->lasts_until_ms > 0 && desk->lock.state == LEASE_HELD &&
		       strcmp(desk->lock.key, key) == 0 && desk->lock.ttl_ms >= ttl_ms;
	desk->lasts_until_ms = 0;
	if (is_ours)
		desk->leaving += etcd_send(desk->etcd, &request, on_told, desk, &error);
	return is_ours;
}

static void begin_lock(struct etcd_desk *desk)
{
	char key[ETCD_KEY_BYTES];
	char value[LEASE_HOLDER_BYTES];
	int64_t ttl_ms = lease_ttl_for(desk->config->ttl_ms, desk->timeout_ms);
	snprintf(key, sizeof(key), "%.100slock/%.60s", desk->prefix, desk->domain);
	coordination_record_write(&desk->self, desk->doing, clock_wall_ms(loop_clock(desk->loop)),
		value, sizeof(value));
	desk->is_waiting = false;
	desk->known = KNOWN_OLD;
	if (take_up_lock(desk, key, value, ttl_ms))
		return;
	desk->lock_serial++;
	lease_begin(&desk->lock, key, value, ttl_ms, (unsigned)desk->config->endpoint_count + 1);
	pump(desk);
}

static void end_lock(struct etcd_desk *desk)
{
	desk->lasts_until_ms = 0;
	lease_end(&desk->lock);
}

static void begin_here(struct etcd_desk *desk)
{
	char key[ETCD_KEY_BYTES];
	char value[LEASE_HOLDER_BYTES];
	snprintf(key, sizeof(key), "%.100shere/%.60s@%.60s-%ld", desk->prefix, desk->self.by,
		desk->self.host, desk->self.process);
	coordination_record_write(&desk->self, desk->doing, clock_wall_ms(loop_clock(desk->loop)),
		value, sizeof(value));
	desk->here_serial++;
	lease_begin(&desk->here, key, value, HERE_TTL_MS, 1);
}

static void on_tested(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct etcd_desk *desk = context;
	desk->tested = reply ? TEST_GOOD : error->kind == ERROR_SCHEMA ? TEST_BAD : TEST_DUE;
	if (error)
		note_trouble(desk, error);
	if (desk->is_waiting && reply) {
		begin_lock(desk);
	} else if (desk->is_waiting) {
		desk->is_waiting = false;
		lease_init(&desk->lock);
	}
	settle(desk);
}

static void test(struct etcd_desk *desk)
{
	struct error error = {.kind = ERROR_NONE};
	if (desk->tested != TEST_DUE)
		return;
	desk->tested = TEST_RUNNING;
	if (etcd_self_test(desk->etcd, on_tested, desk, &error))
		return;
	desk->tested = TEST_DUE;
	note_trouble(desk, &error);
}

/* ---- what is there ---- */

static void drop_rows(struct etcd_desk *desk)
{
	for (size_t i = 0; i < desk->row_count; i++) {
		free(desk->rows[i].key);
		free(desk->rows[i].value);
	}
	desk->row_count = 0;
}

static void keep_rows(struct etcd_desk *desk, const struct etcd_reply *reply)
{
	size_t skip = strlen(desk->prefix);
	drop_rows(desk);
	for (size_t i = 0; i < reply->row_count && strlen(reply->rows[i].key) > skip; i++) {
		struct listed *row = &desk->rows[desk->row_count];
		row->key = strdup(reply->rows[i].key + skip);
		row->value = strdup(reply->rows[i].value);
		if (row->key && row->value) {
			desk->row_count++;
		} else {
			free(row->key);
			free(row->value);
		}
	}
	desk->listed_ms = now_of(desk);
}

static void on_list(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct etcd_desk *desk = context;
	desk->is_listing = false;
	desk->next_list_ms = now_of(desk) + COORDINATION_POLL_MS;
	if (error)
		note_trouble(desk, error);
	else
		keep_rows(desk, reply);
	if (desk->known != KNOWN_ASKED)
		return;
	if (desk->lists < desk->known_from) {
		/* It was asked before the lock was ours, and says nothing either way. */
		desk->next_list_ms = 0;
		list(desk);
		return;
	}
	desk->known = error ? KNOWN_NOT : KNOWN_FRESH;
	settle(desk);
}

static void list(struct etcd_desk *desk)
{
	struct error error = {.kind = ERROR_NONE};
	const struct etcd_request request = {.verb = ETCD_LIST, .key = desk->prefix};
	if (desk->is_listing || now_of(desk) < desk->next_list_ms)
		return;
	desk->is_listing = etcd_send(desk->etcd, &request, on_list, desk, &error);
	desk->lists += desk->is_listing;
	if (!desk->is_listing)
		note_trouble(desk, &error);
}

static void on_tick(void *context)
{
	struct etcd_desk *desk = context;
	int64_t now_ms = now_of(desk);
	desk->timer = loop_timer_start(desk->loop, TICK_MS, on_tick, desk);
	if (desk->lasts_until_ms > 0 && now_ms >= desk->lasts_until_ms)
		end_lock(desk);
	lease_tick(&desk->lock, now_ms);
	lease_tick(&desk->here, now_ms);
	etcd_told_tick(desk->told, now_ms);
	test(desk);
	list(desk);
	if (desk->here.state != LEASE_HELD && !desk->here.in_flight && desk->tested == TEST_GOOD)
		begin_here(desk);
	pump(desk);
	settle(desk);
}

/* Lately enough that what it told may be relied on. */
static bool is_heard(const struct etcd_desk *desk)
{
	return desk->listed_ms > 0 && now_of(desk) - desk->listed_ms <= STALE_MS;
}

static const char *value_of(const struct etcd_desk *desk, const char *kind, const char *name)
{
	char key[ETCD_KEY_BYTES];
	snprintf(key, sizeof(key), "%s/%s", kind, name);
	for (size_t i = 0; i < desk->row_count; i++) {
		if (strcmp(desk->rows[i].key, key) == 0)
			return desk->rows[i].value;
	}
	return NULL;
}

void etcd_desk_look(const struct etcd_desk *desk, const char *domain, struct coordination_view *out)
{
	char who[ACTION_TEXT_BYTES];
	bool is_known = is_heard(desk);
	const char *value = value_of(desk, "lock", domain);
	out->text[0] = '\0';
	if (!is_known || desk->tested == TEST_BAD) {
		out->state = COORDINATION_DOWN;
		snprintf(out->text, sizeof(out->text), "%.300s",
			desk->trouble[0] ? desk->trouble : "etcd has not answered yet");
	} else if (value && desk->lock.state != LEASE_HELD) {
		out->state = COORDINATION_TAKEN;
		coordination_record_words(value, who);
		snprintf(out->text, sizeof(out->text), "%.200s", who);
	} else {
		out->state = COORDINATION_GRANTED;
	}
}

/* Rows of a kind that are not our own. */
static const struct listed *next_other(
	const struct etcd_desk *desk, const char *kind, const char *own, size_t *at)
{
	size_t length = strlen(kind);
	for (; *at < desk->row_count; (*at)++) {
		const struct listed *row = &desk->rows[*at];
		if (strncmp(row->key, kind, length) == 0 && strcmp(row->key + length, own) != 0)
			return &desk->rows[(*at)++];
	}
	return NULL;
}

size_t etcd_desk_peers(const struct etcd_desk *desk, struct coordination_peer *out, size_t most)
{
	char own[ETCD_KEY_BYTES];
	size_t count = 0;
	size_t at = 0;
	const struct listed *row = NULL;
	snprintf(own, sizeof(own), "%.60s@%.60s-%ld", desk->self.by, desk->self.host,
		desk->self.process);
	while (count < most && (row = next_other(desk, "here/", own, &at)) != NULL)
		count += coordination_record_read(row->value, &out[count]);
	return count;
}

size_t etcd_desk_holds(const struct etcd_desk *desk, int64_t now_ms, struct hold *out, size_t most)
{
	char own[ETCD_KEY_BYTES];
	size_t count = 0;
	size_t at = 0;
	const struct listed *row = NULL;
	snprintf(own, sizeof(own), "%.60s@%.60s", desk->self.by, desk->self.host);
	while (count < most && (row = next_other(desk, "holds/", own, &at)) != NULL)
		count += coordination_holds_read(row->value, now_ms, out + count, most - count);
	return count;
}

/* ---- notes ---- */

/* What was just put is to be seen here too before long. */
static void on_noted(void *context)
{
	struct etcd_desk *desk = context;
	desk->next_list_ms = 0;
}

/* Whoever waits to send may be waiting for this. */
static void on_said(void *context)
{
	settle(context);
}

bool etcd_desk_note(struct etcd_desk *desk, const char *name, const char *value, int64_t ttl_ms)
{
	char key[ETCD_KEY_BYTES + PREFIX_BYTES];
	snprintf(key, sizeof(key), "%s%s", desk->prefix, name);
	return etcd_note_put(desk->note, key, value, ttl_ms);
}

enum coordination_answer etcd_desk_noted(const struct etcd_desk *desk, char text[ACTION_TEXT_BYTES])
{
	switch (etcd_note_state(desk->note)) {
	case ETCD_NOTE_UNDER_WAY:
		return COORDINATION_WAIT;
	case ETCD_NOTE_FAILED:
		snprintf(text, ACTION_TEXT_BYTES, "%s", etcd_note_trouble(desk->note));
		return COORDINATION_DOWN;
	case ETCD_NOTE_NONE:
	case ETCD_NOTE_THERE:
		break;
	}
	return COORDINATION_GRANTED;
}

size_t etcd_desk_notes(
	const struct etcd_desk *desk, const char *prefix, const char **out, size_t most)
{
	size_t count = 0;
	for (size_t i = 0; is_heard(desk) && i < desk->row_count && count < most; i++) {
		if (strncmp(desk->rows[i].key, prefix, strlen(prefix)) == 0)
			out[count++] = desk->rows[i].value;
	}
	return count;
}

/* ---- the interface ---- */

struct etcd_desk *etcd_desk_create(struct loop *loop, struct http *http,
	const struct coordination_config *config, const struct coordination_self *self,
	struct error *error)
{
	struct etcd_desk *desk = calloc(1, sizeof(*desk));
	if (!desk) {
		error_no_memory(error, "coordination");
		return NULL;
	}
	desk->loop = loop;
	desk->config = config;
	desk->self = *self;
	snprintf(desk->prefix, sizeof(desk->prefix), "/spillway/%s/", config->fleet);
	lease_init(&desk->lock);
	lease_init(&desk->here);
	desk->etcd = etcd_create(loop, http, config, error);
	if (desk->etcd)
		desk->note = etcd_note_create(
			desk->etcd, (unsigned)config->endpoint_count, on_noted, desk, error);
	if (desk->note)
		desk->told = etcd_told_create(
			desk->etcd, (unsigned)config->endpoint_count, on_said, desk, error);
	if (!desk->told) {
		etcd_destroy(desk->etcd);
		etcd_note_destroy(desk->note);
		free(desk);
		return NULL;
	}
	on_tick(desk);
	return desk;
}

void etcd_desk_destroy(struct etcd_desk *desk)
{
	if (!desk)
		return;
	loop_timer_stop(desk->loop, desk->timer);
	etcd_destroy(desk->etcd);
	etcd_note_destroy(desk->note);
	etcd_told_destroy(desk->told);
	drop_rows(desk);
	free(desk);
}

/* Tell what we are at under the lease that says we are here; a word lost is said again at the next
 * change. */
static void tell_doing(struct etcd_desk *desk)
{
	char value[LEASE_HOLDER_BYTES];
	struct error error = {.kind = ERROR_NONE};
	coordination_record_write(&desk->self, desk->doing, clock_wall_ms(loop_clock(desk->loop)),
		value, sizeof(value));
	const struct etcd_request request = {
		.verb = ETCD_PUT, .key = desk->here.key, .value = value, .lease = desk->here.id};
	if (desk->here.state == LEASE_HELD)
		desk->leaving += etcd_send(desk->etcd, &request, on_told, desk, &error);
}

enum coordination_answer etcd_desk_enter(struct etcd_desk *desk, const struct coordination_ask *ask,
	coordination_done_fn *done, void *context)
{
	snprintf(desk->domain, sizeof(desk->domain), "%s", ask->domain);
	snprintf(desk->doing, sizeof(desk->doing), "%s", ask->what);
	desk->timeout_ms = ask->timeout_ms;
	desk->done = done;
	desk->context = context;
	desk->is_asked = true;
	desk->is_waiting = desk->tested != TEST_GOOD;
	tell_doing(desk);
	if (!desk->is_waiting)
		begin_lock(desk);
	else
		test(desk);
	/* A test that could not even begin is answered from the loop, like all else. */
	if (desk->is_waiting && desk->tested != TEST_RUNNING) {
		desk->is_waiting = false;
		lease_init(&desk->lock);
	}
	return COORDINATION_WAIT;
}

enum coordination_answer etcd_desk_check(
	struct etcd_desk *desk, coordination_done_fn *done, void *context)
{
	desk->done = done;
	desk->context = context;
	desk->is_checking = true;
	lease_check(&desk->lock);
	pump(desk);
	return COORDINATION_WAIT;
}

void etcd_desk_leave(struct etcd_desk *desk, int64_t may_land_until_ms)
{
	desk->is_asked = desk->is_checking = desk->is_waiting = false;
	desk->done = NULL;
	desk->doing[0] = '\0';
	if (desk->lock.state == LEASE_HELD && may_land_until_ms > now_of(desk))
		desk->lasts_until_ms = may_land_until_ms;
	else
		end_lock(desk);
	tell_doing(desk);
	pump(desk);
}

bool etcd_desk_publish(
	struct etcd_desk *desk, const struct hold *holds, size_t count, struct error *error)
{
	char key[ETCD_KEY_BYTES];
	struct text value;
	snprintf(key, sizeof(key), "%.100sholds/%.60s@%.60s", desk->prefix, desk->self.by,
		desk->self.host);
	text_init(&value, ETCD_VALUE_BYTES - 1);
	coordination_holds_write(&desk->self, holds, count, &value);
	bool ok = text_ok(&value) ||
		  error_set(error, ERROR_LIMIT, "the holds are too many to be told to the others");
	ok = ok && etcd_told_say(desk->told, key, count > 0 ? text_string(&value) : NULL,
			   now_of(desk), error);
	if (!ok)
		note_trouble(desk, error);
	text_finish(&value);
	return ok;
}

bool etcd_desk_is_leaving(const struct etcd_desk *desk)
{
	return desk->leaving > 0 || etcd_note_state(desk->note) == ETCD_NOTE_UNDER_WAY ||
	       etcd_told_state(desk->told) == ETCD_NOTE_UNDER_WAY;
}
