/*
 * carrier.h - a kind's request on its road, and the answer back, whichever road it is.
 *
 * It adds what a source says about secrets, certificates and deadlines, and turns replies of all
 * transports into one shape. It knows nothing of schedules, kinds or stores.
 */
#ifndef BACKENDS_CARRIER_H
#define BACKENDS_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/backend.h"

struct carrier;
struct error;
struct http;
struct loop;
struct secret;
struct source_config;

/*
 * How commands are run: the functions of core/wire/ssh.h and its instance. A program that must not
 * be able to run anything has no such door and links none of it.
 */
struct command_door {
	uint64_t (*run)(struct ssh *ssh, const struct ssh_command *command, ssh_done_fn *done,
		void *context, struct error *error);
	void (*cancel)(struct ssh *ssh, uint64_t id);
	struct ssh *ssh;
};

/* What one request cost, and what the peer asked for. */
struct carrier_cost {
	uint64_t bytes;
	unsigned repeats;       /* further requests that it took, see struct http_reply */
	int64_t retry_after_ms; /* 0: it asked for nothing */
};

/* Exactly one of answer and error is not NULL. Never from inside carrier_send(). */
typedef void carrier_done_fn(void *context, const struct backend_answer *answer,
	const struct carrier_cost *cost, const struct error *error);

/* One request under way; zeroed before the first. */
struct parcel {
	struct carrier *carrier;
	enum backend_road road;
	uint64_t id; /* 0: none under way */
	bool evidence;
	double began_us;
	carrier_done_fn *done;
	void *context;
	bool shows_secret; /* a token or password goes with it */
};

struct carrier *carrier_create(struct loop *loop, struct http *http, struct error *error);
void carrier_destroy(struct carrier *carrier); /* after all parcels were cancelled; NULL allowed */

/* Copied; NULL closes it. */
void carrier_set_commands(struct carrier *carrier, const struct command_door *door);

/* Errors: those of the transports, and ERROR_USAGE where this program runs no commands. */
bool carrier_send(struct carrier *carrier, struct parcel *parcel,
	const struct source_config *source, struct backend_request *request,
	const struct secret *secret, carrier_done_fn *done, void *context, struct error *error);

/* Its callback is not called. Harmless when nothing is under way. */
void carrier_cancel(struct parcel *parcel);

/* Bring no more pieces of an HTTP answer for now (http.h), and again. Harmless on other roads. */
void carrier_pause(struct parcel *parcel);
void carrier_resume(struct parcel *parcel);

#endif
