/*
 * gate.h - the switch that stops all changes at once, and the word of a person that lets a brake
 * go.
 *
 * Records of a journal of its own beside the journal of runs (<journal>.gate, chained and fsynced
 * likewise), so that one person can close it while another's console holds the journal:
 *
 *   close        from now on nothing is changed here but what takes our own changes back
 *   open         changes are allowed again
 *   acknowledge  somebody has looked at what was changed: the brake counts anew from here
 *
 * It holds for everybody who writes that journal; consoles on other machines have their own.
 */
#ifndef ACTIONS_GATE_H
#define ACTIONS_GATE_H

#include "actions/action.h"

struct error;

enum gate_event { GATE_CLOSE, GATE_OPEN, GATE_ACKNOWLEDGE, GATE_EVENT_COUNT };

const char *gate_event_name(enum gate_event event); /* "close", ... */

/* The event of that name; false: there is none. */
bool gate_event_find(const char *name, enum gate_event *out);

struct gate {
	bool is_unknown; /* its file is there and cannot be read: `why` says what is wrong */
	bool is_closed;
	int64_t since_ms; /* of the last close or open; 0 neither */
	char by[ENTITY_NAME_BYTES];
	char why[ACTION_TEXT_BYTES];
	int64_t acknowledged_ms; /* 0 never */
	char acknowledged_by[ENTITY_NAME_BYTES];
};

/* As the file beside `journal` tells; open when there is none. */
void gate_read(const char *journal, struct gate *out);

/* Record an event. Errors: ERROR_USAGE (it is so already, or no reason), else as journal_open(). */
bool gate_record(const char *journal, enum gate_event event, const char *by, const char *reason,
	int64_t wall_ms, struct error *error);

#endif
