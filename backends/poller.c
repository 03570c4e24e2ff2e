#include "backends/poller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/agreement.h"
#include "backends/backend.h"
#include "backends/carrier.h"
#include "backends/credential.h"
#include "backends/delivery.h"
#include "backends/door.h"
#include "backends/observation.h"
#include "backends/rates.h"
#include "backends/schedule.h"
#include "backends/source.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/base/secret.h"
#include "core/fleet/snapshot.h"

#define PAST_MS (60 * 60 * 1000)
#define PAST_STEP_MS 10000 /* fine enough for a baseline, small enough to be read in one go */
#define HURRY_AT_ONCE 8    /* asks started in one turn of the loop */
#define HURRY_GAP_MS 5
#define ROOM "backends"

/* One target of one source, being polled. */
struct watch {
	struct poller *poller;
	const struct source_config *source;
	struct origin *origin;
	const struct source_target *target;
	uint64_t hash;
	uint16_t status; /* index in the store */
	struct rates rates;

	uint64_t timer;       /* the next poll, or the end of holding back */
	struct parcel parcel; /* in flight */
	struct delivery delivery;
	struct door *door; /* of its host */
	struct door_guest guest;
	bool awaits_secret; /* the poll goes on when the source's command has ended */
	bool busy;          /* a poll is under way */
	bool midway;        /* of which a part is stored */
	bool settled;       /* a poll has ended, well or not */
	bool answered;      /* one has ended well */

	/* the poll under way */
	struct backend_ask ask;
	size_t steps, good, refused;
	double took_ms;
	int64_t retry_after_ms; /* the peer asked for it; 0 */
	char trouble[SOURCE_TROUBLE_BYTES];
};

/* One source: what its targets share. */
struct origin {
	struct poller *poller;
	const struct source_config *source;
	void *instance;
	struct credential *credential;
};

struct poller {
	struct loop *loop;
	struct carrier *carrier;
	struct delivery_room room;
	const struct sources *sources;
	struct origin *origins; /* one per source */
	struct watch *watches;
	size_t watch_count;
	struct door *doors; /* at most one per watch */
	size_t door_count;
	size_t midway;           /* watches that are */
	poller_news_fn *on_news; /* NULL: nobody listens */
	void *news_context;
	bool started;
};

static void on_timer(void *context);
static void on_delivered(void *context, const struct delivery_outcome *outcome);
static void on_admitted(void *context);
static void on_secret(void *context);
static void send_step(struct watch *watch, bool may_hold);

/* ---- making and unmaking ---- */

static const struct source_target file_target = {.name = NULL};

static struct door *find_door(struct poller *poller, const struct watch *watch)
{
	const char *url = watch->target->url ? watch->target->url : watch->source->name;
	const char *socket = watch->source->unix_socket;
	uint64_t place = door_place(socket ? socket : url);
	for (size_t i = 0; i < poller->door_count; i++)
		if (poller->doors[i].place == place)
			return &poller->doors[i];
	poller->doors[poller->door_count] = (struct door){.place = place};
	return &poller->doors[poller->door_count++];
}

static bool add_watch(struct poller *poller, size_t source, size_t target, struct error *error)
{
	const struct source_config *config = &poller->sources->rows[source];
	struct watch *watch = &poller->watches[poller->watch_count];
	watch->poller = poller;
	watch->source = config;
	watch->origin = &poller->origins[source];
	watch->target = config->target_count > 0 ? &config->targets[target] : &file_target;
	watch->ask.target = target;
	const char *name = watch->target->name ? watch->target->name : config->name;
	watch->hash = hash_string(HASH_START, name);
	rates_init(&watch->rates);
	watch->door = find_door(poller, watch);
	watch->guest = (struct door_guest){.admitted = on_admitted, .context = watch};
	if (!store_add_source(poller->room.intake.store, name, config->ops->name,
		    (int32_t)config->every_ms, &watch->status, error))
		return error_prefix(error, "source '%s'", config->name);
	struct intake_origin origin = {.name = config->name,
		.source = watch->status,
		.interval_ms = (int32_t)config->every_ms,
		.rates = &watch->rates,
		.trust = config->ops->trust};
	delivery_init(&watch->delivery, &poller->room, config, watch->origin->instance,
		&watch->parcel, &origin, on_delivered, watch);
	poller->watch_count++;
	return true;
}

static bool add_source(struct poller *poller, size_t source, struct error *error)
{
	const struct source_config *config = &poller->sources->rows[source];
	struct backend_setup setup = {
		.source = config, .sources = poller->sources, .now_ms = loop_now_ms(poller->loop)};
	struct origin *origin = &poller->origins[source];
	*origin = (struct origin){.poller = poller, .source = config};
	origin->credential = credential_create(poller->loop, &config->secret, on_secret, origin);
	if (!origin->credential)
		return error_no_memory(error, "a source");
	origin->instance = config->ops->create(&setup, error);
	if (!origin->instance)
		return error_prefix(error, "source '%s'", config->name);
	size_t targets = config->target_count > 0 ? config->target_count : 1;
	for (size_t i = 0; i < targets; i++)
		if (!add_watch(poller, source, i, error))
			return false;
	return true;
}

static bool allocate(struct poller *poller, struct error *error)
{
	const struct sources *sources = poller->sources;
	size_t targets = 0;
	for (size_t i = 0; i < sources->count; i++)
		targets += sources->rows[i].target_count > 0 ? sources->rows[i].target_count : 1;
	poller->origins = calloc(sources->count + 1, sizeof(*poller->origins));
	poller->watches = calloc(targets + 1, sizeof(*poller->watches));
	poller->doors = calloc(targets + 1, sizeof(*poller->doors));
	struct delivery_room *room = &poller->room;
	room->row_count = sources->map_count;
	room->row_answered = calloc(sources->map_count + 1, sizeof(*room->row_answered));
	room->scratch = arena_create(BACKEND_SCRATCH_BYTES);
	room->intake.agreement = agreement_create();
	if (!poller->origins || !poller->watches || !poller->doors || !room->row_answered ||
		!room->scratch || !room->intake.agreement)
		return error_no_memory(error, "the poller");
	return true;
}

struct poller *poller_create(struct loop *loop, struct http *http, struct fleet *fleet,
	struct store *store, struct history *history, const struct sources *sources,
	struct recorder *recorder, struct error *error)
{
	struct poller *poller = calloc(1, sizeof(*poller));
	if (!poller) {
		error_no_memory(error, "the poller");
		return NULL;
	}
	poller->loop = loop;
	poller->sources = sources;
	poller->room = (struct delivery_room){
		.loop = loop, .intake = {store, history, recorder, NULL}, .fleet = fleet};
	observations_init(&poller->room.sink, fleet);
	poller->carrier = carrier_create(loop, http, error);
	bool good = poller->carrier && allocate(poller, error);
	for (size_t i = 0; good && i < sources->count; i++)
		good = add_source(poller, i, error);
	if (good)
		return poller;
	poller_destroy(poller);
	return NULL;
}

void poller_destroy(struct poller *poller)
{
	if (!poller)
		return;
	for (size_t i = 0; i < poller->watch_count; i++) {
		struct watch *watch = &poller->watches[i];
		loop_timer_stop(poller->loop, watch->timer);
		carrier_cancel(&watch->parcel);
		delivery_finish(&watch->delivery);
		rates_finish(&watch->rates);
	}
	for (size_t i = 0; poller->origins && i < poller->sources->count; i++) {
		poller->sources->rows[i].ops->destroy(poller->origins[i].instance);
		credential_destroy(poller->origins[i].credential);
	}
	carrier_destroy(poller->carrier);
	agreement_destroy(poller->room.intake.agreement);
	observations_finish(&poller->room.sink);
	arena_destroy(poller->room.scratch);
	free(poller->room.row_answered);
	free(poller->watches);
	free(poller->doors);
	free(poller->origins);
	free(poller);
}

/* ---- one poll ---- */

static struct source_status *status_of(struct watch *watch)
{
	return store_source(watch->poller->room.intake.store, watch->status);
}

static void start_timer(struct watch *watch, int64_t delay_ms)
{
	struct loop *loop = watch->poller->loop;
	loop_timer_stop(loop, watch->timer);
	watch->timer = loop_timer_start(loop, delay_ms, on_timer, watch);
	if (watch->timer == 0)
		log_error(ROOM, "no memory for the next poll of '%s'", status_of(watch)->name);
}

/* The first thing that went wrong in this poll is what people are told. */
static void note_trouble(struct watch *watch, const char *text)
{
	if (watch->trouble[0] == '\0')
		sanitise(text, strlen(text), watch->trouble, sizeof(watch->trouble));
}

/* What to do about an error that has no answer behind it. */
static const char *advice(enum error_kind kind)
{
	if (kind == ERROR_UNREACHABLE)
		return "; is it running, and is the url right?";
	if (kind == ERROR_TIMEOUT)
		return "; is it overloaded, or 'timeout' too short?";
	if (kind == ERROR_UNTRUSTED)
		return "; check ca_file and the certificate";
	return "";
}

static void log_change(const struct source_status *status, enum source_state before)
{
	if (status->state == before)
		return;
	if (status->state == SOURCE_OK)
		log_info(ROOM, "source '%s' answers", status->name);
	else
		log_warn(ROOM, "source '%s': %s", status->name, status->trouble);
}

static void set_midway(struct watch *watch, bool midway)
{
	watch->poller->midway += (size_t)midway - (size_t)watch->midway;
	watch->midway = midway;
}

static void end_poll(struct watch *watch, bool failed)
{
	struct poller *poller = watch->poller;
	struct source_status *status = status_of(watch);
	enum source_state before = status->state;
	int64_t now_ms = loop_now_ms(poller->loop);
	watch->busy = false;
	watch->settled = true;
	set_midway(watch, false);
	if (failed) {
		status->state = SOURCE_FAILING;
		status->failures++;
	} else {
		status->state = watch->trouble[0] ? SOURCE_PARTIAL : SOURCE_OK;
		status->failures = 0;
		status->last_ok_ms = now_ms;
		watch->answered = true;
	}
	status->last_took_ms = watch->took_ms;
	snprintf(status->trouble, sizeof(status->trouble), "%s", watch->trouble);
	status->next_try_ms = schedule_next_ms(watch->hash, watch->source->every_ms,
		status->failures, status->last_try_ms, now_ms);
	if (status->next_try_ms < now_ms + watch->retry_after_ms)
		status->next_try_ms = now_ms + watch->retry_after_ms;
	log_change(status, before);
	start_timer(watch, status->next_try_ms - now_ms);
	if (poller->on_news)
		poller->on_news(poller->news_context);
}

static void begin_poll(struct watch *watch)
{
	int64_t now_ms = loop_now_ms(watch->poller->loop);
	watch->ask = (struct backend_ask){
		.target = watch->ask.target, .since_ms = watch->ask.since_ms, .now_ms = now_ms};
	watch->steps = watch->source->ops->steps(watch->origin->instance, watch->ask.target, false);
	watch->good = watch->refused = 0;
	watch->took_ms = 0;
	watch->retry_after_ms = 0;
	watch->trouble[0] = '\0';
	watch->busy = true;
	status_of(watch)->last_try_ms = now_ms;
	send_step(watch, true);
}

/* The past is filled once and before the first poll, because history takes times in order only. */
static bool begin_past(struct watch *watch)
{
	int64_t now_ms = loop_now_ms(watch->poller->loop);
	int64_t every_ms = watch->source->every_ms;
	watch->ask.past = true;
	watch->ask.now_ms = now_ms;
	watch->ask.step = 0;
	watch->ask.every_ms = every_ms > PAST_STEP_MS ? every_ms : PAST_STEP_MS;
	watch->ask.until_ms = now_ms - every_ms;
	watch->ask.from_ms = watch->ask.until_ms - PAST_MS;
	watch->steps = watch->source->ops->steps(watch->origin->instance, watch->ask.target, true);
	watch->busy = watch->steps > 0;
	if (watch->busy)
		send_step(watch, true);
	return watch->busy;
}

/* A poll cannot go on. Of the past no more is wanted then; the present is what counts. */
static void give_up(struct watch *watch, const char *text)
{
	if (watch->ask.past) {
		log_info(ROOM, "source '%s' gives no past: %s", status_of(watch)->name, text);
		begin_poll(watch);
		return;
	}
	note_trouble(watch, text);
	end_poll(watch, true);
}

static void next_step(struct watch *watch)
{
	if (++watch->ask.step < watch->steps) {
		set_midway(watch, !watch->ask.past);
		send_step(watch, true);
		return;
	}
	if (watch->ask.past) {
		begin_poll(watch);
		return;
	}
	watch->ask.since_ms = watch->ask.now_ms;
	end_poll(watch, watch->good == 0);
}

static void on_delivered(void *context, const struct delivery_outcome *outcome)
{
	struct watch *watch = context;
	const struct error *error = outcome->error;
	if (error && error->kind != ERROR_REJECTED) {
		give_up(watch, error->text);
		return;
	}
	watch->good += error ? 0 : 1;
	watch->refused += error ? 1 : 0;
	if (!watch->ask.past && (error || outcome->warning[0]))
		note_trouble(watch, error ? error->text : outcome->warning);
	if (!error && outcome->detail[0])
		snprintf(status_of(watch)->detail, SOURCE_DETAIL_BYTES, "%s", outcome->detail);
	status_of(watch)->clock_ahead_ms = outcome->clock_ahead_ms;
	next_step(watch);
}

/* There is no answer, or it was stopped for what came of it. */
static void take_failure(struct watch *watch, const struct error *error)
{
	char text[ERROR_TEXT_BYTES + 64];
	const struct error *trouble = delivery_drop(&watch->delivery);
	if (trouble) {
		struct error why = *trouble;
		on_delivered(watch, &(struct delivery_outcome){&why, "", "", 0});
		return;
	}
	snprintf(text, sizeof(text), "%s%s", error->text, advice(error->kind));
	give_up(watch, text);
}

static void on_done(void *context, const struct backend_answer *answer,
	const struct carrier_cost *cost, const struct error *error)
{
	struct watch *watch = context;
	door_leave(watch->door, &watch->guest);
	if (!answer && error->kind == ERROR_CANCELLED) {
		watch->busy = false;
		set_midway(watch, false);
		return;
	}
	if (!answer) {
		take_failure(watch, error);
		return;
	}
	status_of(watch)->bytes += cost->bytes;
	status_of(watch)->requests += cost->repeats;
	watch->took_ms += answer->took_ms;
	if (answer->status == 429 || answer->status == 503)
		watch->retry_after_ms = cost->retry_after_ms < POLLER_RETRY_MOST_MS
						? cost->retry_after_ms
						: POLLER_RETRY_MOST_MS;
	if (answer->status == 401)
		credential_refused(watch->origin->credential);
	delivery_end(&watch->delivery, answer);
}

/* ---- one ask ---- */

/* True when it is on its way, or will be once the source's command has printed a secret. */
static bool dispatch(struct watch *watch, struct backend_request *request, struct error *error)
{
	struct poller *poller = watch->poller;
	struct secret secret = {0};
	enum credential_state state = credential_read(watch->origin->credential, &secret, error);
	bool good = state != CREDENTIAL_FAILED;
	watch->awaits_secret = state == CREDENTIAL_COMING;
	if (state == CREDENTIAL_READY) {
		delivery_begin(&watch->delivery, &watch->ask, &request->http);
		good = carrier_send(poller->carrier, &watch->parcel, watch->source, request,
			&secret, on_done, watch, error);
		status_of(watch)->requests += good ? 1 : 0;
	}
	secret_wipe(&secret);
	if (watch->parcel.id == 0)
		door_leave(watch->door, &watch->guest);
	return good;
}

static void send_step(struct watch *watch, bool may_hold)
{
	struct poller *poller = watch->poller;
	struct backend_request request = {0};
	struct error error = {0};
	arena_reset(poller->room.scratch);
	if (!watch->source->ops->request(
		    watch->origin->instance, &watch->ask, poller->room.scratch, &request, &error)) {
		give_up(watch, error.text);
		return;
	}
	if (may_hold && request.hold_ms > 0) {
		start_timer(watch, request.hold_ms);
		return;
	}
	if (request.road != ROAD_HTTP || request.http.url) {
		if (door_enter(watch->door, &watch->guest) && !dispatch(watch, &request, &error))
			give_up(watch, error.text);
		return;
	}
	struct backend_answer nothing = {.bytes = "",
		.content_type = "",
		.location = "",
		.arrived_ms = loop_now_ms(poller->loop)};
	delivery_begin(&watch->delivery, &watch->ask, &request.http);
	delivery_end(&watch->delivery, &nothing);
}

static void on_admitted(void *context)
{
	send_step(context, false);
}

static void on_secret(void *context)
{
	struct origin *origin = context;
	struct poller *poller = origin->poller;
	for (size_t i = 0; i < poller->watch_count; i++) {
		struct watch *watch = &poller->watches[i];
		if (watch->origin != origin || !watch->awaits_secret)
			continue;
		watch->awaits_secret = false;
		send_step(watch, false);
	}
}

static void on_timer(void *context)
{
	struct watch *watch = context;
	watch->timer = 0;
	if (watch->busy)
		send_step(watch, false); /* it was held back */
	else if (watch->ask.now_ms != 0 || !begin_past(watch))
		begin_poll(watch);
}

/* ---- from outside ---- */

void poller_set_commands(struct poller *poller, const struct command_door *door)
{
	carrier_set_commands(poller->carrier, door);
}

void poller_start(struct poller *poller)
{
	if (poller->started)
		return;
	poller->started = true;
	for (size_t i = 0; i < poller->watch_count; i++) {
		struct watch *watch = &poller->watches[i];
		int64_t delay_ms = schedule_first_ms(watch->hash, watch->source->every_ms);
		status_of(watch)->next_try_ms = loop_now_ms(poller->loop) + delay_ms;
		start_timer(watch, delay_ms);
	}
}

bool poller_settled(const struct poller *poller)
{
	for (size_t i = 0; i < poller->watch_count; i++)
		if (!poller->watches[i].settled)
			return false;
	return true;
}

size_t poller_answered(const struct poller *poller)
{
	size_t count = 0;
	for (size_t i = 0; i < poller->watch_count; i++)
		count += poller->watches[i].answered ? 1 : 0;
	return count;
}

bool poller_is_midway(const struct poller *poller)
{
	return poller->room.storing > 0 || poller->midway > 0;
}

void poller_on_news(struct poller *poller, poller_news_fn *fn, void *context)
{
	poller->on_news = fn;
	poller->news_context = context;
}

void poller_hurry(struct poller *poller)
{
	int64_t started = 0;
	if (!poller->started)
		return;
	for (size_t i = 0; i < poller->watch_count; i++) {
		struct watch *watch = &poller->watches[i];
		if (watch->busy)
			continue;
		start_timer(watch, started++ / HURRY_AT_ONCE * HURRY_GAP_MS);
	}
}

bool poller_row_answered(const struct poller *poller, size_t map)
{
	return map < poller->room.row_count && poller->room.row_answered[map];
}
