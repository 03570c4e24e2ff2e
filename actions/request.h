/*
 * request.h - one request of an action, filled in: what a plan shows and what the transport sends
 * are made here and nowhere else.
 */
#ifndef ACTIONS_REQUEST_H
#define ACTIONS_REQUEST_H

#include "actions/config.h"

struct error;
struct snapshot;

#define REQUEST_HOST_BYTES 256
#define REQUEST_USER_BYTES 64
#define REQUEST_METHOD_BYTES 16
#define REQUEST_HEADER_BYTES 128

/* Secrets are not in it: the transport reads them at the last moment. */
struct request {
	enum action_road road;
	char method[REQUEST_METHOD_BYTES];
	char url[PLAN_LINE_BYTES];
	char body[PLAN_LINE_BYTES]; /* "" none */
	bool is_form;
	struct {
		const char *name; /* the configuration's own */
		char value[REQUEST_HEADER_BYTES];
	} headers[ACTION_HEADERS_MOST];
	size_t header_count;
	char host[REQUEST_HOST_BYTES];
	char user[REQUEST_USER_BYTES]; /* "": as ssh_config says */
	char jump[REQUEST_HOST_BYTES]; /* "": none */
	char command[PLAN_LINE_BYTES];
	int port;
};

/*
 * The requests of one change, in the order they will be sent: one, or where the target is a cluster
 * and the templates mention {replica}, one per serving replica. Returns how many, 0 with `error`:
 * ERROR_SCHEMA, ERROR_LIMIT (more than `most`, or one too long to be shown whole).
 */
size_t requests_make(const struct action_config *action, const struct snapshot *snapshot,
	uint32_t target, double value, struct request *out, size_t most, struct error *error);

/* Put the run's id and the request's number where headers hold {run}: they are known only now. */
void request_name_run(struct request *request, const char *run, size_t number);

/* As people read it: "POST URL BODY" or "user@host:port $ command". */
bool request_line(const struct request *request, char out[PLAN_LINE_BYTES], struct error *error);

#endif
