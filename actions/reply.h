/*
 * reply.h - what an HTTP body says of a change: whether the target is still what the plan read, and
 * what is to be kept of the answer. Pure.
 *
 * Of what comes from the far end only what may go into a request again is taken over.
 */
#ifndef ACTIONS_REPLY_H
#define ACTIONS_REPLY_H

#include "actions/request.h"

#define REPLY_REVISION_BYTES 128
#define REPLY_KEPT_BYTES 96

enum reply_verdict {
	REPLY_GO,         /* it reads what the plan read */
	REPLY_ALREADY,    /* it reads what was asked for */
	REPLY_CHANGED,    /* somebody changed it since the plan was made */
	REPLY_UNREADABLE, /* what was to be there is not */
};

struct reply_check {
	enum reply_verdict verdict;
	char revision[REPLY_REVISION_BYTES]; /* "" none was asked for */
	char text[ACTION_TEXT_BYTES];        /* why not to go on; the far end's words sanitised */
};

/* Judge what was read right before a change; `etag` is that of the answer, "" none. */
void reply_check(const struct http_binding *binding, const struct request *request,
	const char *body, size_t length, const char *etag, struct reply_check *out);

/*
 * What `pointer` names in the answer to a change, for {kept} of its undo: a string or a number of
 * safe characters. "" when there is none.
 */
void reply_keep(const char *pointer, const char *body, size_t length, char out[REPLY_KEPT_BYTES]);

#endif
