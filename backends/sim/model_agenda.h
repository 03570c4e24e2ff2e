/*
 * model_agenda.h - what is due next: a binary heap of events, ties in the order they were added.
 *
 * The room is given at creation and never grows: the model bounds how many events can be pending.
 */
#ifndef BACKENDS_SIM_MODEL_AGENDA_H
#define BACKENDS_SIM_MODEL_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_SERVED, /* subject: an attempt; group: its pool */
	EVENT_RETRY,  /* subject: a request; group unused */
};

struct event {
	int64_t at_us;
	uint64_t order; /* set by agenda_add() */
	uint32_t subject;
	uint16_t group;
	uint16_t kind; /* enum event_kind */
};

struct agenda {
	struct event *events;
	size_t count, capacity;
	uint64_t next_order;
};

bool agenda_init(struct agenda *agenda, size_t capacity); /* false without memory */
void agenda_finish(struct agenda *agenda);

/* False, and nothing added, when it is full. */
bool agenda_add(struct agenda *agenda, struct event event);

/* When the next event is due; INT64_MAX when there is none. */
int64_t agenda_next_us(const struct agenda *agenda);

/* Take the next event; the agenda must not be empty. */
struct event agenda_take(struct agenda *agenda);

/* Drop all events of this kind and group. */
void agenda_drop_group(struct agenda *agenda, enum event_kind kind, uint16_t group);

#endif
