#include "actions/etcd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "core/base/base64.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/wire/http.h"
#include "core/wire/json.h"

#define URL_BYTES 512
#define BODY_BYTES ((size_t)128 * 1024)
#define REPLY_BYTES ((size_t)16 * 1024 * 1024)

struct call {
	struct etcd *etcd;
	bool is_used;
	enum etcd_verb verb;
	etcd_done_fn *done;
	void *context;
	uint64_t id;
	size_t endpoint;
};

struct etcd {
	struct http *http;
	const struct coordination_config *config;
	size_t endpoint; /* that answered last, or the next to try */
	struct call calls[ETCD_CALLS_MOST];
	/* the self test */
	unsigned step;
	etcd_done_fn *tested;
	void *tested_context;
	struct call probe;
};

struct etcd *etcd_create(struct loop *loop, struct http *http,
	const struct coordination_config *config, struct error *error)
{
	struct etcd *etcd = calloc(1, sizeof(*etcd));
	(void)loop;
	if (!etcd) {
		error_no_memory(error, "the way to etcd");
		return NULL;
	}
	etcd->http = http;
	etcd->config = config;
	return etcd;
}

void etcd_destroy(struct etcd *etcd)
{
	if (!etcd)
		return;
	for (size_t i = 0; i < ETCD_CALLS_MOST; i++) {
		if (etcd->calls[i].is_used)
			http_cancel(etcd->http, etcd->calls[i].id);
	}
	if (etcd->probe.is_used)
		http_cancel(etcd->http, etcd->probe.id);
	free(etcd);
}

/* ---- what is said ---- */

static void member_base64(struct json_writer *writer, const char *key, const char *value)
{
	char coded[BASE64_BYTES(ETCD_VALUE_BYTES)];
	/* Only a verb that needs none has no key. */
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
	base64_encode(value, strlen(value), coded, sizeof(coded));
	json_member_string(writer, key, coded);
}

static void member_number(struct json_writer *writer, const char *key, int64_t value)
{
	char digits[24];
	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	json_member_string(writer, key, digits);
}

/* The end of all keys that begin so: the last byte counted up. Keys are plain text. */
static void member_range_end(struct json_writer *writer, const char *prefix)
{
	char end[ETCD_KEY_BYTES];
	size_t length = strlen(prefix);
	snprintf(end, sizeof(end), "%s", prefix);
	if (length > 0)
		end[length - 1]++;
	member_base64(writer, "range_end", end);
}

static void open_compare(struct json_writer *writer, const char *key, int64_t create_revision)
{
	json_key(writer, "compare");
	json_begin_array(writer);
	json_begin_object(writer);
	member_base64(writer, "key", key);
	json_member_string(writer, "target", "CREATE");
	json_member_string(writer, "result", "EQUAL");
	member_number(writer, "create_revision", create_revision);
	json_end_object(writer);
	json_end_array(writer);
}

static void write_acquire(struct json_writer *writer, const struct etcd_request *request)
{
	open_compare(writer, request->key, 0);
	json_key(writer, "success");
	json_begin_array(writer);
	json_begin_object(writer);
	json_key(writer, "request_put");
	json_begin_object(writer);
	member_base64(writer, "key", request->key);
	member_base64(writer, "value", request->value);
	json_member_string(writer, "lease", request->lease);
	json_end_object(writer);
	json_end_object(writer);
	json_end_array(writer);
	json_key(writer, "failure");
	json_begin_array(writer);
	json_begin_object(writer);
	json_key(writer, "request_range");
	json_begin_object(writer);
	member_base64(writer, "key", request->key);
	json_end_object(writer);
	json_end_object(writer);
	json_end_array(writer);
}

static const char *write_body(const struct etcd_request *request, struct json_writer *writer)
{
	static const char *const paths[] = {
		[ETCD_GRANT] = "/v3/lease/grant",
		[ETCD_ACQUIRE] = "/v3/kv/txn",
		[ETCD_READ] = "/v3/kv/range",
		[ETCD_KEEPALIVE] = "/v3/lease/keepalive",
		[ETCD_REVOKE] = "/v3/lease/revoke",
		[ETCD_PUT] = "/v3/kv/put",
		[ETCD_DELETE] = "/v3/kv/deleterange",
		[ETCD_LIST] = "/v3/kv/range",
	};
	json_begin_object(writer);
	switch (request->verb) {
	case ETCD_GRANT:
		member_number(writer, "TTL", request->ttl_s);
		break;
	case ETCD_ACQUIRE:
		write_acquire(writer, request);
		break;
	case ETCD_READ:
	case ETCD_DELETE:
		member_base64(writer, "key", request->key);
		break;
	case ETCD_KEEPALIVE:
	case ETCD_REVOKE:
		json_member_string(writer, "ID", request->lease);
		break;
	case ETCD_PUT:
		member_base64(writer, "key", request->key);
		member_base64(writer, "value", request->value);
		if (request->lease)
			json_member_string(writer, "lease", request->lease);
		break;
	case ETCD_LIST:
		member_base64(writer, "key", request->key);
		member_range_end(writer, request->key);
		member_number(writer, "limit", ETCD_ROWS_MOST + 1);
		break;
	}
	json_end_object(writer);
	return paths[request->verb];
}

/* ---- what is answered ---- */

struct answer {
	struct etcd_reply reply;
	struct etcd_row rows[ETCD_ROWS_MOST];
	char *bytes; /* of all keys and values */
	size_t used;
};

/* Zero is not written by the gateway. */
static int64_t integer_of(const struct json_node *object, const char *key)
{
	int64_t value = 0;
	return json_integer_of(json_get(object, key), &value) ? value : 0;
}

static void copy_id(char out[ETCD_LEASE_BYTES], const struct json_node *node)
{
	int64_t value = 0;
	const char *text = json_text(node);
	if (text && json_integer_of(node, &value) && strlen(text) < ETCD_LEASE_BYTES)
		snprintf(out, ETCD_LEASE_BYTES, "%s", text);
	else
		snprintf(out, ETCD_LEASE_BYTES, "0");
}

/* Decoded text at the end of the bytes kept; NULL when it is none. */
static const char *keep_text(struct answer *answer, size_t room, const struct json_node *node)
{
	const char *coded = json_text(node); /* absent: empty */
	size_t length = 0;
	char *out = answer->bytes + answer->used;
	if (!coded)
		coded = "";
	if (room <= answer->used ||
		(coded[0] && !base64_decode(coded, strlen(coded), out, room - answer->used - 1,
				     &length)) ||
		memchr(out, '\0', length))
		return NULL;
	out[length] = '\0';
	answer->used += length + 1;
	return out;
}

static bool read_rows(
	struct answer *answer, size_t room, const struct json_node *kvs, struct error *error)
{
	for (const struct json_node *kv = json_first(kvs); kv; kv = json_next(kv)) {
		if (answer->reply.row_count == ETCD_ROWS_MOST)
			return error_set(error, ERROR_LIMIT, "etcd holds more than %d keys of ours",
				ETCD_ROWS_MOST);
		struct etcd_row *row = &answer->rows[answer->reply.row_count++];
		row->key = keep_text(answer, room, json_get(kv, "key"));
		row->value = keep_text(answer, room, json_get(kv, "value"));
		row->create_revision = integer_of(kv, "create_revision");
		copy_id(row->lease, json_get(kv, "lease"));
		if (!row->key || !row->value)
			return error_set(error, ERROR_SCHEMA,
				"etcd answered with a key or value that is no text");
	}
	return true;
}

static bool read_answer(enum etcd_verb verb, const struct json_node *root, size_t room,
	struct answer *answer, struct error *error)
{
	struct etcd_reply *reply = &answer->reply;
	/* Streams wrap what they say. */
	const struct json_node *body = verb == ETCD_KEEPALIVE ? json_get(root, "result") : root;
	const struct json_node *kvs = json_get(body, "kvs");
	if (!json_is_object(body))
		return error_set(
			error, ERROR_SCHEMA, "etcd answered something that is not its own");
	reply->rows = answer->rows;
	reply->revision = integer_of(json_get(body, "header"), "revision");
	reply->ttl_s = integer_of(body, "TTL");
	copy_id(reply->lease, json_get(body, "ID"));
	if (verb == ETCD_ACQUIRE) {
		if (!json_bool_of(json_get(body, "succeeded"), &reply->won))
			reply->won = false;
		kvs = json_pointer(body, "/responses/0/response_range/kvs");
	}
	return read_rows(answer, room, kvs, error);
}

static bool check_status(
	const struct http_reply *reply, const struct json_node *root, struct error *error)
{
	char words[160] = "";
	const char *said = json_text(json_get(root, "message"));
	if (!said)
		said = json_text(json_get(root, "error"));
	if (said)
		sanitise(said, strlen(said), words, sizeof(words));
	if (reply->status == 200 && root)
		return true;
	return error_set(error, reply->status == 200 ? ERROR_SCHEMA : ERROR_REJECTED,
		"etcd answered HTTP %d%s%s", reply->status, words[0] ? ": " : "", words);
}

static void deliver(struct call *call, const struct etcd_reply *reply, const struct error *error)
{
	call->is_used = false;
	if (error && call->endpoint == call->etcd->endpoint)
		call->etcd->endpoint = (call->endpoint + 1) % call->etcd->config->endpoint_count;
	call->done(call->context, reply, error);
}

static void answered(void *context, const struct http_reply *reply, const struct error *error)
{
	struct call *call = context;
	struct error own = {.kind = ERROR_NONE};
	if (error) {
		own = *error;
		error_prefix(&own, "etcd");
		deliver(call, NULL, &own);
		return;
	}
	size_t length = reply->length;
	/* One line of a stream; more may follow, which do not matter. */
	const char *line_end =
		call->verb == ETCD_KEEPALIVE ? memchr(reply->body, '\n', length) : NULL;
	if (line_end)
		length = (size_t)(line_end - reply->body);
	struct json_document *document = json_parse(reply->body, length, NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	struct answer *answer = calloc(1, sizeof(*answer));
	/* Decoded it is smaller than it was, with a NUL for each. */
	size_t room = length + ETCD_ROWS_MOST * (size_t)2 + 2;
	if (answer)
		answer->bytes = malloc(room);
	bool ok = answer && answer->bytes;
	if (!ok)
		error_no_memory(&own, "an answer of etcd");
	ok = ok && check_status(reply, root, &own) &&
	     read_answer(call->verb, root, room, answer, &own);
	json_destroy(document);
	deliver(call, ok ? &answer->reply : NULL, ok ? NULL : &own);
	if (answer)
		free(answer->bytes);
	free(answer);
}

static bool post(struct call *call, const char *path, const struct text *body, struct error *error)
{
	struct etcd *etcd = call->etcd;
	char url[URL_BYTES];
	const char *base = etcd->config->endpoints[etcd->endpoint];
	size_t length = strlen(base);
	if (length > 0 && base[length - 1] == '/')
		length--;
	snprintf(url, sizeof(url), "%.*s%s", (int)length, base, path);
	/* None of these changes the fleet, and each may be done twice: no mutation. */
	const struct http_request wire = {.method = "POST",
		.url = url,
		.headers = {{"Content-Type", "application/json"}},
		.header_count = 1,
		.body = text_string(body),
		.body_length = body->length,
		.ca_file = etcd->config->ca_file,
		.client_cert_file = etcd->config->client_cert_file,
		.client_key_file = etcd->config->client_key_file,
		.timeout_ms = ETCD_TIMEOUT_MS,
		.max_body_bytes = REPLY_BYTES};
	call->endpoint = etcd->endpoint;
	call->id = http_send(etcd->http, &wire, answered, call, error);
	call->is_used = call->id != 0;
	return call->is_used;
}

static bool start(struct call *call, const struct etcd_request *request, struct error *error)
{
	struct text body;
	struct json_writer writer;
	bool fits = (!request->key || strlen(request->key) < ETCD_KEY_BYTES) &&
		    (!request->value || strlen(request->value) < ETCD_VALUE_BYTES);
	if (!fits)
		return error_set(error, ERROR_LIMIT, "a key or value for etcd is too long");
	text_init(&body, BODY_BYTES);
	json_writer_init(&writer, &body);
	const char *path = write_body(request, &writer);
	call->verb = request->verb;
	bool ok = text_ok(&body) || error_no_memory(error, "a request to etcd");
	ok = ok && post(call, path, &body, error);
	text_finish(&body);
	return ok;
}

bool etcd_send(struct etcd *etcd, const struct etcd_request *request, etcd_done_fn *done,
	void *context, struct error *error)
{
	for (size_t i = 0; i < ETCD_CALLS_MOST; i++) {
		struct call *call = &etcd->calls[i];
		if (call->is_used)
			continue;
		*call = (struct call){.etcd = etcd, .done = done, .context = context};
		return start(call, request, error);
	}
	return error_set(error, ERROR_LIMIT, "more than %d calls to etcd at once", ETCD_CALLS_MOST);
}

/* ---- the self test ---- */

static bool ask_step(struct etcd *etcd, struct error *error);

static void on_step(void *context, const struct etcd_reply *reply, const struct error *error)
{
	static const char *const faults[] = {
		"a comparison that must fail was passed over",
		"a comparison that must hold did not",
		"a lease that does not exist was kept alive",
	};
	struct etcd *etcd = context;
	struct error own = {.kind = ERROR_NONE};
	if (error) {
		etcd->tested(etcd->tested_context, NULL, error);
		return;
	}
	bool behaves = etcd->step == 0   ? !reply->won
		       : etcd->step == 1 ? reply->won
					 : reply->ttl_s == 0;
	if (!behaves)
		error_set(&own, ERROR_SCHEMA,
			"this etcd's HTTP gateway is not fit to lock by: %s; use kind: file, or "
			"another version",
			faults[etcd->step]);
	else if (++etcd->step < sizeof(faults) / sizeof(faults[0]) && ask_step(etcd, &own))
		return;
	etcd->tested(etcd->tested_context, own.kind == ERROR_NONE ? reply : NULL,
		own.kind == ERROR_NONE ? NULL : &own);
}

/* A key nobody has: created at revision 0, and at no other. Nothing is written. */
static bool ask_step(struct etcd *etcd, struct error *error)
{
	static const char key[] = "/spillway/self-test/no-such-key";
	struct text body;
	struct json_writer writer;
	etcd->probe = (struct call){.etcd = etcd, .done = on_step, .context = etcd};
	if (etcd->step == 2) {
		const struct etcd_request dead = {.verb = ETCD_KEEPALIVE, .lease = "1"};
		return start(&etcd->probe, &dead, error);
	}
	etcd->probe.verb = ETCD_ACQUIRE;
	text_init(&body, BODY_BYTES);
	json_writer_init(&writer, &body);
	json_begin_object(&writer);
	open_compare(&writer, key, etcd->step == 0 ? 1 : 0);
	json_end_object(&writer);
	bool ok = text_ok(&body) || error_no_memory(error, "a request to etcd");
	ok = ok && post(&etcd->probe, "/v3/kv/txn", &body, error);
	text_finish(&body);
	return ok;
}

bool etcd_self_test(struct etcd *etcd, etcd_done_fn *done, void *context, struct error *error)
{
	etcd->step = 0;
	etcd->tested = done;
	etcd->tested_context = context;
	return ask_step(etcd, error);
}
