#include "backends/door.h"

#include <string.h>

#include "backends/observation.h"

uint64_t door_place(const char *url)
{
	const char *host = strstr(url, "://");
	size_t length = strlen(url);
	if (host)
		length = (size_t)(host - url) + 3 + strcspn(host + 3, "/?#");
	return hash_bytes(HASH_START, url, length);
}

bool door_enter(struct door *door, struct door_guest *guest)
{
	if (guest->inside)
		return true;
	if (door->inside < DOOR_INSIDE_MOST && !door->first) {
		door->inside++;
		guest->inside = true;
		return true;
	}
	if (guest->waiting)
		return false;
	guest->waiting = true;
	guest->next = NULL;
	if (door->last)
		door->last->next = guest;
	else
		door->first = guest;
	door->last = guest;
	return false;
}

static struct door_guest *take_first(struct door *door)
{
	struct door_guest *guest = door->first;
	door->first = guest->next;
	if (!door->first)
		door->last = NULL;
	guest->waiting = false;
	return guest;
}

static void leave_line(struct door *door, struct door_guest *guest)
{
	struct door_guest *before = NULL;
	for (struct door_guest *at = door->first; at; before = at, at = at->next) {
		if (at != guest)
			continue;
		if (before)
			before->next = at->next;
		else
			door->first = at->next;
		if (door->last == at)
			door->last = before;
		break;
	}
	guest->waiting = false;
}

void door_leave(struct door *door, struct door_guest *guest)
{
	if (guest->waiting)
		leave_line(door, guest);
	if (!guest->inside)
		return;
	guest->inside = false;
	door->inside--;
	if (door->admitting)
		return; /* who was admitted left at once: the loop below goes on */
	door->admitting = true;
	while (door->first && door->inside < DOOR_INSIDE_MOST) {
		struct door_guest *next = take_first(door);
		next->inside = true;
		door->inside++;
		next->admitted(next->context);
	}
	door->admitting = false;
}
