#include "actions/etcd_once.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/wire/http.h"

struct etcd_once {
	struct clock clock;
	struct loop *loop;
	struct http *http;
	struct etcd *etcd;
	const struct coordination_config *config;
};

struct etcd_once *etcd_once_open(const struct coordination_config *config, struct error *error)
{
	struct etcd_once *once = calloc(1, sizeof(*once));
	if (!once) {
		error_no_memory(error, "the way to etcd");
		return NULL;
	}
	once->config = config;
	clock_init_system(&once->clock);
	once->loop = loop_create(&once->clock, error);
	once->http = once->loop ? http_create(once->loop, error) : NULL;
	once->etcd = once->http ? etcd_create(once->loop, once->http, config, error) : NULL;
	if (once->etcd)
		return once;
	etcd_once_close(once);
	return NULL;
}

void etcd_once_close(struct etcd_once *once)
{
	if (!once)
		return;
	etcd_destroy(once->etcd);
	http_destroy(once->http);
	loop_destroy(once->loop);
	free(once);
}

struct waiting {
	etcd_done_fn *done; /* NULL: nobody */
	void *context;
	bool is_over, ok;
	struct error error;
};

static void on_reply(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct waiting *waiting = context;
	waiting->is_over = true;
	waiting->ok = reply != NULL;
	if (error)
		waiting->error = *error;
	else if (waiting->done)
		waiting->done(waiting->context, reply, NULL);
}

bool etcd_once_ask(struct etcd_once *once, const struct etcd_request *request, etcd_done_fn *done,
	void *context, struct error *error)
{
	struct waiting waiting = {.ok = false};
	/* A member that does not answer is passed over at the next call. */
	for (size_t i = 0; i < once->config->endpoint_count; i++) {
		waiting = (struct waiting){.done = done, .context = context};
		if (!etcd_send(once->etcd, request, on_reply, &waiting, &waiting.error))
			break;
		while (!waiting.is_over) {
			if (!loop_turn(once->loop, ETCD_TIMEOUT_MS, error))
				return false;
		}
		if (waiting.ok)
			return true;
		if (waiting.error.kind == ERROR_REJECTED)
			break;
	}
	return error_set(error, waiting.error.kind, "%s", waiting.error.text);
}

static void keep_lease(void *context, const struct etcd_reply *reply, const struct error *error)
{
	(void)error;
	snprintf(context, ETCD_LEASE_BYTES, "%s", reply->lease);
}

struct expected {
	const char *value;
	bool is_met;
};

static void compare(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct expected *expected = context;
	(void)error;
	expected->is_met =
		reply->row_count > 0 && strcmp(reply->rows[0].value, expected->value) == 0;
}

bool etcd_once_put(struct etcd_once *once, const char *key, const char *value, int64_t ttl_ms,
	struct error *error)
{
	char lease[ETCD_LEASE_BYTES] = "";
	struct expected expected = {.value = value};
	const struct etcd_request grant = {.verb = ETCD_GRANT, .ttl_s = (ttl_ms + 999) / 1000};
	if (ttl_ms > 0 && !etcd_once_ask(once, &grant, keep_lease, lease, error))
		return false;
	const struct etcd_request put = {
		.verb = ETCD_PUT, .key = key, .value = value, .lease = lease[0] ? lease : NULL};
	const struct etcd_request read = {.verb = ETCD_READ, .key = key};
	if (!etcd_once_ask(once, &put, NULL, NULL, error) ||
		!etcd_once_ask(once, &read, compare, &expected, error))
		return false;
	return expected.is_met || error_set(error, ERROR_SCHEMA,
					  "etcd took a value and does not have it: what answers "
					  "there is not one to rely on");
}
