/*
 * request.h - one request of an action, filled in: what a plan shows and what the transport sends
 * are made here and nowhere else.
 */
#ifndef ACTIONS_REQUEST_H
#define ACTIONS_REQUEST_H

#include "actions/config.h"
#include "actions/template.h"

struct error;
struct snapshot;

#define REQUEST_HOST_BYTES 256
#define REQUEST_USER_BYTES 64
#define REQUEST_METHOD_BYTES 16
#define REQUEST_HEADER_BYTES 128

/* Secrets are not in it: the transport reads them at the last moment. */
struct request {
	enum action_road road;
	/* http; of a socket or database: its address, and what is said is in `command` */
	char method[REQUEST_METHOD_BYTES];
	char url[PLAN_LINE_BYTES];
	char body[PLAN_LINE_BYTES];     /* "" none */
	char read_url[PLAN_LINE_BYTES]; /* "" nothing is read before */
	struct {
		const char *name; /* the configuration's own */
		char value[REQUEST_HEADER_BYTES];
	} headers[ACTION_HEADERS_MOST];
	size_t header_count;
	/* ssh */
	char host[REQUEST_HOST_BYTES];
	char user[REQUEST_USER_BYTES]; /* "": as ssh_config says */
	char jump[REQUEST_HOST_BYTES]; /* "": none */
	char command[PLAN_LINE_BYTES];
	int port;
	double from, to;  /* the values before and after: what a read right before must show */
	uint32_t replica; /* whose pool it is sent for; ENTITY_NONE: it is for the whole target */
};

/* What is changed, and what is known of it. */
struct request_change {
	const struct action_config *action;
	uint32_t target;
	double from, to;
	const char *kept; /* of an undo: what the reply to the change said; "" nothing */
	bool is_undo;
	int64_t hold_ms; /* it holds that long; 0: it is no hold */
	bool only_timer; /* not the change: its timer planted anew, or with hold_ms 0 cancelled */
};

/* The timer that such a change plants beside its target: "systemd", "at"; "" none. */
const char *request_plants(const struct request_change *change);

/*
 * The requests of one change, in the order they will be sent: one, or where the target is a cluster
 * and the templates mention {replica}, one per serving replica. Returns how many, 0 with `error`:
 * ERROR_SCHEMA, ERROR_LIMIT (more than `most`, or one too long to be shown whole).
 */
size_t requests_make(const struct request_change *change, const struct snapshot *snapshot,
	struct request *out, size_t most, struct error *error);

/*
 * Put in what is known only now. Once with the run and the time, {revision} left as it stands, and
 * where something was read right before, once more with that. Errors: as template_complete().
 */
bool request_complete(
	struct request *request, const struct template_moment *moment, struct error *error);

/* "ssh", "http", "socket" or "sql". */
const char *action_road_name(enum action_road road);

/* As people read it: "POST URL BODY", "user@host:port $ command", "address < line". */
bool request_line(const struct request *request, char out[PLAN_LINE_BYTES], struct error *error);

#endif
