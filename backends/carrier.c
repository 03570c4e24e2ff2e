#include "backends/carrier.h"

#include <stdlib.h>
#include <string.h>

#include "backends/source.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/secret.h"

struct carrier {
	struct loop *loop;
	struct http *http;
	struct postgres *postgres;
	struct prober *prober;
	struct command_door door; /* run NULL: closed */
};

struct carrier *carrier_create(struct loop *loop, struct http *http, struct error *error)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));
	if (!carrier) {
		error_no_memory(error, "the carrier");
		return NULL;
	}
	carrier->loop = loop;
	carrier->http = http;
	carrier->postgres = postgres_create(loop, http, error);
	carrier->prober = carrier->postgres ? prober_create(loop, http, error) : NULL;
	if (carrier->prober)
		return carrier;
	carrier_destroy(carrier);
	return NULL;
}

void carrier_destroy(struct carrier *carrier)
{
	if (!carrier)
		return;
	prober_destroy(carrier->prober);
	postgres_destroy(carrier->postgres);
	free(carrier);
}

void carrier_set_commands(struct carrier *carrier, const struct command_door *door)
{
	carrier->door = door ? *door : (struct command_door){0};
}

/* ---- the way back ---- */

static void deliver(
	struct parcel *parcel, struct backend_answer *answer, const struct carrier_cost *cost)
{
	answer->arrived_ms = loop_now_ms(parcel->carrier->loop);
	answer->content_type = answer->content_type ? answer->content_type : "";
	answer->location = answer->location ? answer->location : "";
	parcel->id = 0;
	parcel->done(parcel->context, answer, cost, NULL);
}

static void deliver_failure(struct parcel *parcel, const struct error *error)
{
	bool said_no = error->kind == ERROR_REJECTED || error->kind == ERROR_TIMEOUT;
	/* Who asks a database has knocked before: that it gives no session is a finding, whatever
	 * the reason. */
	if (parcel->road == ROAD_POSTGRES)
		said_no = error->kind != ERROR_CANCELLED && error->kind != ERROR_NO_MEMORY;
	if (parcel->evidence && said_no) {
		struct backend_answer answer = {.bytes = "",
			.took_ms = ((double)clock_stopwatch_us() - parcel->began_us) / 1000.0,
			.failure = error};
		deliver(parcel, &answer, &(struct carrier_cost){0});
		return;
	}
	parcel->id = 0;
	parcel->done(parcel->context, NULL, NULL, error);
}

static void on_http(void *context, const struct http_reply *reply, const struct error *error)
{
	struct parcel *parcel = context;
	if (!reply) {
		deliver_failure(parcel, error);
		return;
	}
	struct backend_answer answer = {.status = reply->status,
		.bytes = reply->body,
		.length = reply->length,
		.content_type = reply->content_type,
		.location = reply->location,
		.was_shown_secret = parcel->shows_secret,
		.date_ms = reply->date_ms,
		.took_ms = reply->took_ms};
	struct carrier_cost cost = {.bytes = reply->wire_bytes,
		.repeats = reply->repeats,
		.retry_after_ms = reply->retry_after_ms};
	deliver(parcel, &answer, &cost);
}

static void on_postgres(
	void *context, const struct postgres_reply *reply, const struct error *error)
{
	struct parcel *parcel = context;
	if (!reply) {
		deliver_failure(parcel, error);
		return;
	}
	struct backend_answer answer = {.status = 200,
		.bytes = reply->bytes,
		.length = reply->length,
		.took_ms = reply->took_ms};
	deliver(parcel, &answer, &(struct carrier_cost){.bytes = reply->wire_bytes});
}

static void on_probe(void *context, const struct probe_reply *reply, const struct error *error)
{
	struct parcel *parcel = context;
	if (!reply) {
		deliver_failure(parcel, error);
		return;
	}
	struct backend_answer answer = {.status = 200,
		.bytes = reply->bytes,
		.length = reply->length,
		.took_ms = reply->took_ms};
	deliver(parcel, &answer, &(struct carrier_cost){.bytes = reply->length});
}

/* A command that fails is an answer: the kind says so in words, from what it said on stderr. */
static void on_command(void *context, const struct ssh_reply *reply, const struct error *error)
{
	struct parcel *parcel = context;
	if (!reply) {
		deliver_failure(parcel, error);
		return;
	}
	bool good = reply->has_exit_status && reply->exit_status == 0 && !reply->truncated;
	bool failed = reply->has_exit_status && reply->exit_status > 0;
	struct backend_answer answer = {.status = good     ? 200
						  : failed ? -reply->exit_status
							   : BACKEND_COMMAND_LOST,
		.bytes = good ? reply->out : reply->err,
		.length = good ? reply->out_length : reply->err_length,
		.took_ms = reply->took_ms};
	deliver(parcel, &answer, &(struct carrier_cost){.bytes = reply->out_length});
}

/* ---- the way out ---- */

static bool send_http(struct parcel *parcel, const struct source_config *source,
	struct http_request *http, const struct secret *secret, struct error *error)
{
	bool shown = secret->length > 0;
	parcel->shows_secret = shown;
	http->bearer = shown && source->secret.form == SECRET_BEARER ? secret->bytes : NULL;
	http->basic = shown && source->secret.form == SECRET_BASIC ? secret->bytes : NULL;
	http->ca_file = source->ca_file;
	http->client_cert_file = source->client_cert_file;
	http->client_key_file = source->client_key_file;
	http->unix_socket = source->unix_socket;
	http->proxy = source->proxy;
	http->timeout_ms = source->timeout_ms;
	http->gzip = http->gzip || source->gzip;
	http->http2 = source->http2;
	parcel->id = http_send(parcel->carrier->http, http, on_http, parcel, error);
	return parcel->id != 0;
}

static bool send_postgres(struct parcel *parcel, const struct source_config *source,
	struct postgres_request *postgres, const struct secret *secret, struct error *error)
{
	postgres->password = secret->length > 0 ? secret->bytes : NULL;
	postgres->ca_file = source->ca_file;
	postgres->client_cert_file = source->client_cert_file;
	postgres->client_key_file = source->client_key_file;
	postgres->timeout_ms = source->timeout_ms;
	parcel->id = postgres_send(parcel->carrier->postgres, postgres, on_postgres, parcel, error);
	return parcel->id != 0;
}

static bool send_command(struct parcel *parcel, const struct source_config *source,
	struct ssh_command *command, struct error *error)
{
	const struct command_door *door = &parcel->carrier->door;
	if (!door->run)
		return error_set(error, ERROR_USAGE, "this program runs no commands on hosts");
	command->timeout_ms = source->timeout_ms;
	command->connect_timeout_ms = source->timeout_ms;
	parcel->id = door->run(door->ssh, command, on_command, parcel, error);
	return parcel->id != 0;
}

bool carrier_send(struct carrier *carrier, struct parcel *parcel,
	const struct source_config *source, struct backend_request *request,
	const struct secret *secret, carrier_done_fn *done, void *context, struct error *error)
{
	*parcel = (struct parcel){.carrier = carrier,
		.road = request->road,
		.evidence = request->evidence,
		.began_us = (double)clock_stopwatch_us(),
		.done = done,
		.context = context};
	switch (request->road) {
	case ROAD_HTTP:
		return send_http(parcel, source, &request->http, secret, error);
	case ROAD_POSTGRES:
		return send_postgres(parcel, source, &request->postgres, secret, error);
	case ROAD_PROBE:
		request->probe.timeout_ms = source->timeout_ms;
		parcel->id = probe_send(carrier->prober, &request->probe, on_probe, parcel, error);
		return parcel->id != 0;
	case ROAD_COMMAND:
		return send_command(parcel, source, &request->command, error);
	}
	return error_set(error, ERROR_USAGE, "there is no such road");
}

void carrier_cancel(struct parcel *parcel)
{
	struct carrier *carrier = parcel->carrier;
	if (parcel->id == 0)
		return;
	if (parcel->road == ROAD_HTTP)
		http_cancel(carrier->http, parcel->id);
	else if (parcel->road == ROAD_POSTGRES)
		postgres_cancel(carrier->postgres, parcel->id);
	else if (parcel->road == ROAD_PROBE)
		probe_cancel(carrier->prober, parcel->id);
	else if (carrier->door.cancel)
		carrier->door.cancel(carrier->door.ssh, parcel->id);
	parcel->id = 0;
}

void carrier_pause(struct parcel *parcel)
{
	if (parcel->id != 0 && parcel->road == ROAD_HTTP)
		http_pause(parcel->carrier->http, parcel->id);
}

void carrier_resume(struct parcel *parcel)
{
	if (parcel->id != 0 && parcel->road == ROAD_HTTP)
		http_resume(parcel->carrier->http, parcel->id);
}
