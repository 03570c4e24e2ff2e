#include "backends/sim/model_agenda.h"

#include <stdlib.h>

static bool event_before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

bool agenda_init(struct agenda *agenda, size_t capacity)
{
	*agenda = (struct agenda){.events = calloc(capacity, sizeof(struct event))};
	agenda->capacity = agenda->events ? capacity : 0;
	return agenda->events != NULL;
}

void agenda_finish(struct agenda *agenda)
{
	free(agenda->events);
	*agenda = (struct agenda){0};
}

static void sift_up(struct agenda *agenda, size_t at, struct event event)
{
	while (at > 0) {
		size_t parent = (at - 1) / 2;
		if (!event_before(&event, &agenda->events[parent]))
			break;
		agenda->events[at] = agenda->events[parent];
		at = parent;
	}
	agenda->events[at] = event;
}

static void sift_down(struct agenda *agenda, size_t at, struct event event)
{
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= agenda->count)
			break;
		if (child + 1 < agenda->count &&
			event_before(&agenda->events[child + 1], &agenda->events[child]))
			child++;
		if (!event_before(&agenda->events[child], &event))
			break;
		agenda->events[at] = agenda->events[child];
		at = child;
	}
	agenda->events[at] = event;
}

bool agenda_add(struct agenda *agenda, struct event event)
{
	if (agenda->count == agenda->capacity)
		return false;
	event.order = agenda->next_order++;
	sift_up(agenda, agenda->count++, event);
	return true;
}

int64_t agenda_next_us(const struct agenda *agenda)
{
	return agenda->count > 0 ? agenda->events[0].at_us : INT64_MAX;
}

struct event agenda_take(struct agenda *agenda)
{
	struct event first = agenda->events[0];
	agenda->count--;
	if (agenda->count > 0)
		sift_down(agenda, 0, agenda->events[agenda->count]);
	return first;
}

void agenda_drop_group(struct agenda *agenda, enum event_kind kind, uint16_t group)
{
	size_t kept = 0;
	for (size_t i = 0; i < agenda->count; i++) {
		const struct event *event = &agenda->events[i];
		if (event->kind != (uint16_t)kind || event->group != group)
			agenda->events[kept++] = *event;
	}
	agenda->count = kept;
	for (size_t i = kept / 2; i-- > 0;)
		sift_down(agenda, i, agenda->events[i]);
}
