/*
 * transport.h - carrying one request by any of the ways: the last gate before bytes leave.
 *
 * Secrets are read here, at the moment of sending, wiped at once, and masked in whatever the peer
 * says back. `is_armed` is asked right before the request is handed to the wire: a console disarmed
 * in between sends nothing. Where an action reads right before it changes (http: read), that
 * happens here too, and is no change.
 */
#ifndef ACTIONS_TRANSPORT_H
#define ACTIONS_TRANSPORT_H

#include "actions/request.h"

struct http;
struct loop;
struct ssh;
struct transport;

enum transport_result {
	TRANSPORT_ACCEPTED,
	TRANSPORT_REFUSED,       /* the peer answered, and the answer was no */
	TRANSPORT_CHANGED,       /* nothing was changed: the target is not what the plan read */
	TRANSPORT_LOST,          /* bytes left, no answer came */
	TRANSPORT_UNREACHABLE,   /* nothing was sent */
	TRANSPORT_NOT_PERMITTED, /* nothing was sent: no longer armed */
	TRANSPORT_LOCAL_ERROR,   /* nothing was sent */
};

/* `text` is sanitised, one line, without secrets; valid in the call only. */
typedef void transport_done_fn(void *context, enum transport_result result, const char *text);
typedef bool transport_armed_fn(void *context);

/* `http` (sockets and databases too) or `ssh` may be NULL: then requests of that kind are local
 * errors. */
struct transport *transport_create(struct loop *loop, struct http *http, struct ssh *ssh,
	transport_armed_fn *is_armed, void *context);

/* What is in flight is cancelled and its callback not called. */
void transport_destroy(struct transport *transport);

/*
 * Send one request; one at a time. Where it cannot even begin, the result is returned at once with
 * `text` filled and there is no callback; TRANSPORT_ACCEPTED means it is on its way and `done` will
 * be called from the loop.
 */
enum transport_result transport_send(struct transport *transport,
	const struct action_config *action, const struct request *request, transport_done_fn *done,
	void *context, char text[ACTION_TEXT_BYTES]);

/* What the last accepted reply said that is to be kept for the undo (http: keep); "" nothing. */
const char *transport_kept(const struct transport *transport);

/* Stop waiting for the answer. */
void transport_cancel(struct transport *transport);

#endif
