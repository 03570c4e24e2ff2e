/*
 * door.h - how many requests one host is asked at once.
 *
 * Many targets may live behind one host and port, and a host in trouble answers slowly: without a
 * cap the questions would pile up on it. Who finds the room full waits in line and is called when
 * somebody leaves.
 */
#ifndef BACKENDS_DOOR_H
#define BACKENDS_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOOR_INSIDE_MOST 16 /* requests under way at one host and port */

typedef void door_admitted_fn(void *context);

struct door_guest {
	struct door_guest *next;
	bool inside, waiting;
	door_admitted_fn *admitted; /* from door_leave() of another guest */
	void *context;
};

struct door {
	uint64_t place; /* a hash of host and port */
	size_t inside;
	struct door_guest *first, *last; /* those who wait, in order */
	bool admitting;
};

/* A hash of the scheme, host and port of a url; of the whole where it has none. */
uint64_t door_place(const char *url);

/* True: inside now (also when it was before). False: waiting, and called later. */
bool door_enter(struct door *door, struct door_guest *guest);

/* Leave, or leave the line. Harmless when neither inside nor waiting. */
void door_leave(struct door *door, struct door_guest *guest);

#endif
