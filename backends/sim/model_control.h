/*
 * model_control.h - the control endpoint: what it answers, without the wire.
 *
 *     GET  /v1/clusters/C/weight      {"cluster":"east-a","weight":26,"revision":3}
 *     POST /v1/clusters/C/weight      {"weight":20}
 *     GET  /v1/replicas/C/R/state
 * {"replica":"east-a/r2","state":"ready","health":"UP","revision":1} POST /v1/replicas/C/R/state
 * {"state":"ready|maint|down|hung"} GET  /v1/retries                {"limit":null,"revision":1}
 *     POST /v1/retries                {"limit":0.1}, or null for no limit
 *     GET  /v1/truth                  what really happens: for judging, not for operating
 *
 * Every request carries `Authorization: Bearer TOKEN`. A change is answered with the new value and
 * its revision; with `If-Match: N` it happens only while N is the revision (weights have one
 * together, since each changes every share; so have states and the retry limit). Answers are JSON;
 * refusals are {"error":"..."} with 400, 401, 404, 405, 412 or 422.
 */
#ifndef BACKENDS_SIM_MODEL_CONTROL_H
#define BACKENDS_SIM_MODEL_CONTROL_H

#include <stddef.h>
#include <stdint.h>

struct model;
struct text;

#define CONTROL_TOKEN_BYTES 65
#define CONTROL_BODY_BYTES 4096 /* a longer body is refused */

struct control {
	char token[CONTROL_TOKEN_BYTES];
	uint64_t weights_revision, states_revision, retries_revision;
};

struct control_request {
	const char *method, *path;
	const char *body; /* `body_length` bytes; NULL when there are none */
	size_t body_length;
	const char *authorization, *if_match; /* headers, NULL when absent */
};

struct control_reply {
	int status;
	uint64_t revision; /* for ETag; 0 when none applies */
	const char *allow; /* for 405, else NULL */
};

/* Revisions start at 1. `token` is cut to CONTROL_TOKEN_BYTES - 1. */
void control_init(struct control *control, const char *token);

/* Do it and append the answer's body. */
struct control_reply control_handle(struct control *control, struct model *model,
	const struct control_request *request, struct text *out);

#endif
