#include "backends/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "backends/answer.h"
#include "backends/carrier.h"
#include "backends/source.h"
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/loop.h"

#define PIECE_BYTES ((size_t)16 * 1024)    /* read between two looks at the clock */
#define BACKLOG_BYTES ((size_t)128 * 1024) /* past it no more is brought before it is read */
#define STEP_ROWS ((size_t)512)
#define KEPT_BYTES ((size_t)8192) /* room for an answer is kept for the next, if it is small */

static void on_slice(void *context);

void delivery_init(struct delivery *delivery, struct delivery_room *room,
	const struct source_config *source, const void *instance, struct parcel *parcel,
	const struct intake_origin *origin, delivery_done_fn *done, void *context)
{
	*delivery = (struct delivery){.room = room,
		.source = source,
		.instance = instance,
		.parcel = parcel,
		.origin = *origin,
		.done = done,
		.context = context};
	observations_init(&delivery->sink, room->fleet);
	text_init(&delivery->held, HTTP_REPLY_BYTES);
}

/* Ready for the next answer. */
static void clear(struct delivery *delivery)
{
	loop_timer_stop(delivery->room->loop, delivery->timer);
	delivery->timer = 0;
	if (delivery->reading)
		delivery->source->ops->flow->drop(delivery->reading);
	delivery->reading = NULL;
	delivery->whole = delivery->ended = false;
	if (delivery->storing)
		delivery->room->storing--;
	delivery->storing = false;
	intake_finish(&delivery->job);
	if (delivery->sink.capacity > 0)
		observations_finish(&delivery->sink);
	text_clear(&delivery->held);
	if (delivery->held.capacity > KEPT_BYTES) {
		text_finish(&delivery->held);
		text_init(&delivery->held, HTTP_REPLY_BYTES);
	}
}

void delivery_finish(struct delivery *delivery)
{
	if (!delivery->room)
		return;
	clear(delivery);
	text_finish(&delivery->held);
	for (size_t i = 0; i < delivery->memo_count; i++)
		memo_finish(&delivery->memos[i]);
	free(delivery->memos);
	delivery->memos = NULL;
	delivery->memo_count = 0;
}

/* ---- coming in ---- */

/* Without memory there is none, and reading costs more. */
static struct memo *memo_of(struct delivery *delivery)
{
	size_t step = delivery->ask->step;
	if (step >= delivery->memo_count) {
		struct memo *memos = reallocarray(delivery->memos, step + 1, sizeof(*memos));
		if (!memos)
			return NULL;
		for (size_t i = delivery->memo_count; i <= step; i++)
			memos[i] = (struct memo){0};
		delivery->memos = memos;
		delivery->memo_count = step + 1;
	}
	return &delivery->memos[step];
}

static void arrange_slice(struct delivery *delivery)
{
	struct loop *loop = delivery->room->loop;
	if (delivery->timer != 0)
		return;
	delivery->timer = loop_timer_start(loop, 0, on_slice, delivery);
	if (delivery->timer == 0)
		error_no_memory(&delivery->error, "reading an answer");
}

/* Enough is there to see what it is: is it read as it comes, or held? */
static bool begin_reading(struct delivery *delivery)
{
	const struct backend_flow *flow = delivery->source->ops->flow;
	delivery->sink.past = delivery->ask->past;
	delivery->reading = flow->begin(delivery->instance, delivery->ask, delivery->held.bytes,
		delivery->held.length, &delivery->sink, memo_of(delivery), &delivery->error);
	delivery->whole = !delivery->reading;
	return delivery->error.kind == ERROR_NONE;
}

static void read_slice(struct delivery *delivery, int64_t until_us)
{
	const struct backend_flow *flow = delivery->source->ops->flow;
	struct text *held = &delivery->held;
	size_t at = 0;
	while (at < held->length && delivery->error.kind == ERROR_NONE) {
		size_t piece = held->length - at < PIECE_BYTES ? held->length - at : PIECE_BYTES;
		flow->feed(delivery->reading, held->bytes + at, piece, &delivery->error);
		at += piece;
		if (clock_stopwatch_us() >= until_us)
			break;
	}
	text_drop(held, at);
}

static bool on_chunk(void *context, const char *bytes, size_t length)
{
	struct delivery *delivery = context;
	if (delivery->error.kind != ERROR_NONE)
		return false;
	text_append(&delivery->held, bytes, length);
	if (!text_ok(&delivery->held))
		return error_set(&delivery->error, ERROR_LIMIT,
			"the answer is larger than %zu MiB, or comes faster than it can be read",
			HTTP_REPLY_BYTES / 1048576);
	if (!delivery->reading && !delivery->whole && delivery->held.length > BACKEND_WHOLE_BYTES &&
		!begin_reading(delivery))
		return false;
	if (delivery->reading) {
		arrange_slice(delivery);
		if (delivery->held.length > BACKLOG_BYTES)
			carrier_pause(delivery->parcel);
	}
	return delivery->error.kind == ERROR_NONE;
}

void delivery_begin(
	struct delivery *delivery, const struct backend_ask *ask, struct http_request *http)
{
	delivery->ask = ask;
	delivery->error = (struct error){0};
	if (!delivery->source->ops->flow)
		return;
	http->on_chunk = on_chunk;
	http->chunk_context = delivery;
	http->max_body_bytes = DELIVERY_MOST_BYTES;
}

const struct error *delivery_drop(struct delivery *delivery)
{
	clear(delivery);
	return delivery->error.kind == ERROR_NONE ? NULL : &delivery->error;
}

/* ---- storing ---- */

static void note_rows(const struct delivery *delivery, const struct observations *sink)
{
	struct delivery_room *room = delivery->room;
	if (!delivery->source->ops->row_key)
		return;
	for (size_t i = 0; i < sink->count; i++)
		if (sink->rows[i].group < room->row_count)
			room->row_answered[sink->rows[i].group] = true;
}

/* The end of the delivery, good or not: `sink` holds what there is to say. */
static void report(struct delivery *delivery, const struct observations *sink)
{
	char warning[OBSERVATION_WARNING_BYTES], detail[OBSERVATION_DETAIL_BYTES];
	struct error error = delivery->error;
	struct backend_answer said = delivery->answer;
	if (sink->peer_ms != 0)
		said.date_ms = sink->peer_ms;
	memcpy(warning, sink->warning, sizeof(warning));
	memcpy(detail, sink->detail, sizeof(detail));
	clear(delivery);
	delivery->done(delivery->context,
		&(struct delivery_outcome){.error = error.kind == ERROR_NONE ? NULL : &error,
			.warning = warning,
			.detail = detail,
			.clock_ahead_ms = -answer_skew_ms(&said)});
}

/* What was read is good: store it, a big one in slices. */
static void store(struct delivery *delivery, struct observations *sink)
{
	delivery->origin.now_ms = delivery->answer.arrived_ms;
	note_rows(delivery, sink);
	if (sink->count <= DELIVERY_SMALL_ROWS) {
		intake_take(&delivery->room->intake, &delivery->origin, sink, &delivery->error);
		report(delivery, sink);
		return;
	}
	if (sink != &delivery->sink) { /* it has to outlast this turn */
		struct observations mine = delivery->sink;
		delivery->sink = *sink;
		*sink = mine;
	}
	if (intake_begin(&delivery->job, &delivery->room->intake, &delivery->origin,
		    &delivery->sink, &delivery->error))
		arrange_slice(delivery);
	if (delivery->error.kind != ERROR_NONE)
		report(delivery, &delivery->sink);
}

/* True when there is nothing more to do. */
static bool store_slice(struct delivery *delivery, int64_t until_us)
{
	struct intake_job *job = &delivery->job;
	while (job->phase != INTAKE_DONE) {
		if (!intake_step(job, STEP_ROWS, &delivery->error))
			return true;
		if (job->phase == INTAKE_STORING && !delivery->storing) {
			delivery->storing = true;
			delivery->room->storing++;
		}
		if (clock_stopwatch_us() >= until_us)
			break;
	}
	return job->phase == INTAKE_DONE;
}

/* ---- reading ---- */

/* All of a big answer was read. */
static void end_reading(struct delivery *delivery)
{
	const struct backend_flow *flow = delivery->source->ops->flow;
	flow->end(delivery->reading, &delivery->answer, &delivery->error);
	flow->drop(delivery->reading);
	delivery->reading = NULL;
	if (delivery->error.kind == ERROR_NONE)
		store(delivery, &delivery->sink);
	else
		report(delivery, &delivery->sink);
}

static void on_slice(void *context)
{
	struct delivery *delivery = context;
	int64_t until_us = clock_stopwatch_us() + DELIVERY_SLICE_US;
	delivery->timer = 0;
	if (!delivery->reading) {
		if (store_slice(delivery, until_us))
			report(delivery, &delivery->sink);
		else
			arrange_slice(delivery);
		return;
	}
	read_slice(delivery, until_us);
	/* Before the end the transfer learns of an error with its next piece. */
	if (delivery->error.kind != ERROR_NONE && delivery->ended)
		report(delivery, &delivery->sink);
	else if (delivery->held.length > 0 && delivery->error.kind == ERROR_NONE)
		arrange_slice(delivery);
	else if (delivery->ended)
		end_reading(delivery);
	else
		carrier_resume(delivery->parcel);
}

/* ---- the end ---- */

static void take_whole(struct delivery *delivery, const struct backend_answer *answer)
{
	struct delivery_room *room = delivery->room;
	struct observations *sink = &room->sink;
	observations_clear(sink);
	sink->past = delivery->ask->past;
	arena_reset(room->scratch);
	if (delivery->source->ops->accept(delivery->instance, delivery->ask, answer, room->scratch,
		    sink, &delivery->error))
		store(delivery, sink);
	else
		report(delivery, sink);
}

void delivery_end(struct delivery *delivery, const struct backend_answer *answer)
{
	struct backend_answer held = *answer;
	delivery->ended = true;
	delivery->answer = *answer;
	delivery->answer.bytes = delivery->answer.content_type = delivery->answer.location = "";
	delivery->answer.length = 0;
	if (delivery->error.kind != ERROR_NONE) {
		report(delivery, &delivery->sink);
		return;
	}
	if (delivery->reading) {
		arrange_slice(delivery);
		if (delivery->error.kind != ERROR_NONE)
			report(delivery, &delivery->sink);
		return;
	}
	if (delivery->held.length > 0) {
		held.bytes = text_string(&delivery->held);
		held.length = delivery->held.length;
	}
	take_whole(delivery, &held);
}
