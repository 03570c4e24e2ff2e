#include "actions/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/reply.h"
#include "core/base/base64.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"
#include "core/base/secret.h"
#include "core/wire/http.h"
#include "core/wire/postgres.h"
#include "core/wire/probe.h"
#include "core/wire/ssh.h"

#define SAID_BYTES 160 /* of what the peer says, that is kept */
#define REPLY_MOST_BYTES ((size_t)64 * 1024)
#define LEAST_SECRET ((size_t)4) /* shorter ones occur in any text by chance */

/* A row per way: how a request leaves, and how waiting for its answer ends. */
struct way {
	uint64_t (*send)(struct transport *transport, struct error *error);
	void (*cancel)(struct transport *transport, uint64_t id);
};

static const struct way ways[ACTION_ROADS];

struct transport {
	struct http *http;
	struct ssh *ssh;
	struct prober *prober;     /* NULL where http is */
	struct postgres *postgres; /* likewise */
	transport_armed_fn *is_armed;
	void *armed_context;
	transport_done_fn *done;
	void *context;
	uint64_t id; /* in flight; 0 none */
	enum action_road road;
	const struct action_config *action;
	struct request request; /* in flight */
	struct secret mask;     /* what must not come back in the reply; wiped when it is over */
	char kept[REPLY_KEPT_BYTES]; /* of the last reply */
};

struct transport *transport_create(struct loop *loop, struct http *http, struct ssh *ssh,
	transport_armed_fn *is_armed, void *context)
{
	struct transport *transport = calloc(1, sizeof(*transport));
	if (!transport)
		return NULL;
	transport->http = http;
	transport->ssh = ssh;
	transport->is_armed = is_armed;
	transport->armed_context = context;
	if (!http)
		return transport;
	transport->prober = prober_create(loop, http, NULL);
	transport->postgres = postgres_create(loop, http, NULL);
	if (transport->prober && transport->postgres)
		return transport;
	transport_destroy(transport);
	return NULL;
}

const char *transport_kept(const struct transport *transport)
{
	return transport->kept;
}

void transport_cancel(struct transport *transport)
{
	if (transport->id != 0)
		ways[transport->road].cancel(transport, transport->id);
	transport->id = 0;
	secret_wipe(&transport->mask);
}

void transport_destroy(struct transport *transport)
{
	if (!transport)
		return;
	transport_cancel(transport);
	prober_destroy(transport->prober);
	postgres_destroy(transport->postgres);
	free(transport);
}

/* Overwrite every occurrence of the secret, and of the part after its colon. */
static void mask_word(char *text, const char *secret)
{
	size_t length = strlen(secret);
	if (length < LEAST_SECRET)
		return;
	for (char *at = text; (at = strstr(at, secret)) != NULL; at += length)
		memset(at, '*', length);
}

/* A user and password also as they travel: a peer may well say back the header it was sent. */
static void mask(char *text, const struct secret *secret)
{
	char coded[BASE64_BYTES(SECRET_BYTES)];
	mask_word(text, secret->bytes);
	const char *colon = strchr(secret->bytes, ':');
	if (!colon)
		return;
	mask_word(text, colon + 1);
	if (base64_encode(secret->bytes, strlen(secret->bytes), coded, sizeof(coded)))
		mask_word(text, coded);
	explicit_bzero(coded, sizeof(coded));
}

/* The beginning of what the peer said, fit to be read. Masked before it is cut, lest half a secret
 * stay. */
static void peer_words(
	const struct transport *transport, const char *bytes, size_t length, char out[SAID_BYTES])
{
	size_t most = length < 4096 ? length : 4096;
	char *copy = strndup(bytes, most);
	out[0] = '\0';
	if (!copy)
		return;
	mask(copy, &transport->mask);
	sanitise(copy, strlen(copy), out, SAID_BYTES);
	free(copy);
}

/* The answer is there, or there will be none. */
static void end(struct transport *transport, enum transport_result result, const char *text)
{
	transport->id = 0;
	secret_wipe(&transport->mask);
	transport->done(transport->context, result, text);
}

/* Every kind, so that a new one is not taken for harmless. */
static enum transport_result from_error(enum error_kind kind)
{
	switch (kind) {
	case ERROR_UNREACHABLE:
	case ERROR_UNTRUSTED:
	case ERROR_TIMEOUT: /* the wire says UNKNOWN_OUTCOME once bytes left */
		return TRANSPORT_UNREACHABLE;
	case ERROR_REJECTED:
		return TRANSPORT_REFUSED;
	case ERROR_USAGE:
	case ERROR_NO_MEMORY:
	case ERROR_IO:
	case ERROR_SCHEMA:
		return TRANSPORT_LOCAL_ERROR;
	case ERROR_NONE:
	case ERROR_LIMIT:
	case ERROR_SYNTAX:
	case ERROR_UNKNOWN_OUTCOME:
	case ERROR_CANCELLED:
		break;
	}
	return TRANSPORT_LOST;
}

static void end_with_error(struct transport *transport, const struct error *error)
{
	char clean[ACTION_TEXT_BYTES];
	char words[ERROR_TEXT_BYTES];
	snprintf(words, sizeof(words), "%s", error->text);
	mask(words, &transport->mask);
	sanitise(words, strlen(words), clean, sizeof(clean));
	end(transport, from_error(error->kind), clean);
}

/* Where the wire tells a door that was shut from what went wrong once bytes had left. */
static void end_at_the_door(struct transport *transport, const struct error *error)
{
	struct error own = *error;
	if (own.kind == ERROR_REJECTED)
		own.kind = ERROR_UNREACHABLE;
	end_with_error(transport, &own);
}

/* The far end's words from a console; false when there are none but an error, and that is told. */
static bool take_words(struct transport *transport, const char *bytes, size_t length,
	const struct error *error, char said[SAID_BYTES])
{
	if (error) {
		end_at_the_door(transport, error);
		return false;
	}
	peer_words(transport, bytes, length, said);
	return true;
}

/* ---- http ---- */

/* The far end's own word that the target is another than the one that was read. */
static bool says_changed(const struct transport *transport, int status)
{
	return status == 412 || (status == 409 && transport->request.read_url[0]);
}

static void http_answered(void *context, const struct http_reply *reply, const struct error *error)
{
	struct transport *transport = context;
	char said[SAID_BYTES];
	char text[ACTION_TEXT_BYTES];
	if (error) {
		end_with_error(transport, error);
		return;
	}
	peer_words(transport, reply->body, reply->length, said);
	snprintf(text, sizeof(text), "HTTP %d%s%s", reply->status, said[0] ? ": " : "", said);
	/* A redirect of a change is not followed: it was not done there. */
	bool ok = reply->status >= 200 && reply->status < 300;
	if (ok && transport->action->http.keep)
		reply_keep(
			transport->action->http.keep, reply->body, reply->length, transport->kept);
	end(transport,
		ok                                       ? TRANSPORT_ACCEPTED
		: says_changed(transport, reply->status) ? TRANSPORT_CHANGED
							 : TRANSPORT_REFUSED,
		text);
}

/* Everything but what is asked for; secrets are read here. */
static bool http_begin(struct transport *transport, const struct http_binding *binding,
	struct http_request *out, struct error *error)
{
	*out = (struct http_request){
		.ca_file = binding->ca_file,
		.client_cert_file = binding->client_cert_file,
		.client_key_file = binding->client_key_file,
		.timeout_ms = binding->timeout_ms,
		.max_body_bytes = REPLY_MOST_BYTES,
	};
	const char *file = binding->bearer_file ? binding->bearer_file : binding->basic_file;
	const char *variable = binding->bearer_env ? binding->bearer_env : binding->basic_env;
	if (file && !secret_read_file(&transport->mask, file, error))
		return false;
	if (variable && !secret_read_variable(&transport->mask, variable, error))
		return false;
	if (binding->bearer_file || binding->bearer_env)
		out->bearer = transport->mask.bytes;
	else if (binding->basic_file || binding->basic_env)
		out->basic = transport->mask.bytes;
	return true;
}

static const char *type_of(const struct http_binding *binding)
{
	if (binding->content_type)
		return binding->content_type;
	return binding->is_form ? "application/x-www-form-urlencoded" : "application/json";
}

static uint64_t http_change(struct transport *transport, struct error *error)
{
	const struct http_binding *binding = &transport->action->http;
	const struct request *request = &transport->request;
	struct http_request wire;
	if (!http_begin(transport, binding, &wire, error))
		return 0;
	wire.method = request->method;
	wire.url = request->url;
	wire.body = request->body[0] ? request->body : NULL;
	wire.body_length = strlen(request->body);
	wire.mutation = true;
	if (request->body[0])
		wire.headers[wire.header_count++] =
			(struct http_header){"Content-Type", type_of(binding)};
	for (size_t i = 0; i < request->header_count; i++)
		wire.headers[wire.header_count++] =
			(struct http_header){request->headers[i].name, request->headers[i].value};
	return http_send(transport->http, &wire, http_answered, transport, error);
}

static void end_unread(struct transport *transport, enum transport_result result, const char *why)
{
	char text[ACTION_TEXT_BYTES];
	snprintf(text, sizeof(text), "%.300s", why);
	end(transport, result, text);
}

/* What was read is as it should be: now the change itself, if that is still allowed. */
static void http_go_on(struct transport *transport, const char *revision)
{
	struct error error = {.kind = ERROR_NONE};
	const struct template_moment moment = {.revision = revision[0] ? revision : NULL};
	transport->id = 0;
	if (!transport->is_armed(transport->armed_context)) {
		end(transport, TRANSPORT_NOT_PERMITTED, "no longer armed");
		return;
	}
	secret_wipe(&transport->mask);
	if (request_complete(&transport->request, &moment, &error))
		transport->id = http_change(transport, &error);
	if (transport->id == 0)
		end_with_error(transport, &error);
}

static void http_was_read(void *context, const struct http_reply *reply, const struct error *error)
{
	struct transport *transport = context;
	struct reply_check check;
	char text[ACTION_TEXT_BYTES];
	if (error || reply->status != 200) {
		snprintf(text, sizeof(text), "reading it right before the change failed: %.200s",
			error ? error->text : "the answer is not 200");
		end_unread(transport, TRANSPORT_UNREACHABLE, text);
		return;
	}
	reply_check(&transport->action->http, &transport->request, reply->body, reply->length,
		reply->etag, &check);
	switch (check.verdict) {
	case REPLY_GO:
		http_go_on(transport, check.revision);
		return;
	case REPLY_ALREADY:
		end_unread(transport, TRANSPORT_ACCEPTED, check.text);
		return;
	case REPLY_CHANGED:
		end_unread(transport, TRANSPORT_CHANGED, check.text);
		return;
	case REPLY_UNREADABLE:
		end_unread(transport, TRANSPORT_UNREACHABLE, check.text);
		return;
	}
}

static uint64_t send_http(struct transport *transport, struct error *error)
{
	struct http_request wire;
	if (!transport->request.read_url[0])
		return http_change(transport, error);
	if (!http_begin(transport, &transport->action->http, &wire, error))
		return 0;
	wire.method = "GET";
	wire.url = transport->request.read_url;
	wire.headers[wire.header_count++] = (struct http_header){"Accept", "application/json"};
	return http_send(transport->http, &wire, http_was_read, transport, error);
}

static void cancel_http(struct transport *transport, uint64_t id)
{
	http_cancel(transport->http, id);
}

/* ---- ssh ---- */

static void ssh_answered(void *context, const struct ssh_reply *reply, const struct error *error)
{
	struct transport *transport = context;
	char said[SAID_BYTES];
	char text[ACTION_TEXT_BYTES];
	if (error) {
		end_with_error(transport, error);
		return;
	}
	bool has_complaint = reply->err_length > 0;
	peer_words(transport, has_complaint ? reply->err : reply->out,
		has_complaint ? reply->err_length : reply->out_length, said);
	if (!reply->has_exit_status) {
		/* Killed half-way: it may have done its work before. */
		snprintf(text, sizeof(text), "command ended by signal %.32s%s%s",
			reply->exit_signal[0] ? reply->exit_signal : "or unseen",
			said[0] ? ": " : "", said);
		end(transport, TRANSPORT_LOST, text);
		return;
	}
	snprintf(text, sizeof(text), "exit status %d%s%s", reply->exit_status, said[0] ? ": " : "",
		said);
	bool ok = reply->exit_status == 0 && (!transport->action->ssh.is_quiet || !said[0]);
	end(transport, ok ? TRANSPORT_ACCEPTED : TRANSPORT_REFUSED, text);
}

static uint64_t send_ssh(struct transport *transport, struct error *error)
{
	const struct ssh_binding *binding = &transport->action->ssh;
	const struct request *request = &transport->request;
	const char *agent = binding->agent_socket;
	if (!agent && !binding->identity_file)
		agent = getenv("SSH_AUTH_SOCK");
	const struct ssh_command wire = {
		.host = request->host,
		.port = request->port,
		.user = request->user[0] ? request->user : NULL,
		.identity_file = binding->identity_file,
		.agent_socket = agent,
		.known_hosts_file = binding->known_hosts_file,
		.jump = request->jump[0] ? request->jump : NULL,
		.jump_identity_file = binding->jump_identity_file,
		.via = binding->is_openssh ? SSH_VIA_OPENSSH : SSH_VIA_LIBSSH2,
		.config_file = binding->config_file,
		.command = request->command,
		.timeout_ms = binding->timeout_ms,
	};
	return ssh_run(transport->ssh, &wire, ssh_answered, transport, error);
}

static void cancel_ssh(struct transport *transport, uint64_t id)
{
	ssh_cancel(transport->ssh, id);
}

/* ---- socket: one line, and what comes back until the far end closes ---- */

static void socket_answered(
	void *context, const struct probe_reply *reply, const struct error *error)
{
	struct transport *transport = context;
	char said[SAID_BYTES];
	if (!take_words(
		    transport, reply ? reply->bytes : "", reply ? reply->length : 0, error, said))
		return;
	bool is_blank = said[strspn(said, " ")] == '\0';
	bool ok = is_blank || !transport->action->socket.is_quiet;
	end(transport, ok ? TRANSPORT_ACCEPTED : TRANSPORT_REFUSED,
		is_blank ? "it answered nothing, as it does when all is well" : said);
}

/* "tcp://host:port" taken apart. */
static bool socket_place(const char *address, char host[REQUEST_HOST_BYTES], int *port)
{
	int64_t number = 0;
	const char *colon = strrchr(address, ':');
	if (strncmp(address, "tcp://", 6) != 0 || !colon || colon < address + 7 ||
		colon - (address + 6) >= REQUEST_HOST_BYTES ||
		!number_parse_integer(colon + 1, strlen(colon + 1), &number) || number < 1 ||
		number > 65535)
		return false;
	snprintf(host, REQUEST_HOST_BYTES, "%.*s", (int)(colon - (address + 6)), address + 6);
	*port = (int)number;
	return true;
}

static uint64_t send_socket(struct transport *transport, struct error *error)
{
	char line[PLAN_LINE_BYTES + 1];
	char host[REQUEST_HOST_BYTES];
	struct probe_request wire = {
		.send = line,
		.most = REPLY_MOST_BYTES,
		.timeout_ms = transport->action->socket.timeout_ms,
		.mutation = true,
	};
	int length = snprintf(line, sizeof(line), "%s\n", transport->request.command);
	wire.send_length = length > 0 ? (size_t)length : 0;
	const char *address = transport->request.url;
	if (strncmp(address, "unix://", 7) == 0) {
		wire.unix_socket = address + 7;
	} else if (socket_place(address, host, &wire.port)) {
		wire.host = host;
	} else {
		error_set(error, ERROR_USAGE, "'%.200s' is not tcp://host:port", address);
		return 0;
	}
	return probe_send(transport->prober, &wire, socket_answered, transport, error);
}

static void cancel_socket(struct transport *transport, uint64_t id)
{
	probe_cancel(transport->prober, id);
}

/* ---- sql: one statement ---- */

static void sql_answered(
	void *context, const struct postgres_reply *reply, const struct error *error)
{
	struct transport *transport = context;
	char said[SAID_BYTES];
	if (!take_words(
		    transport, reply ? reply->bytes : "", reply ? reply->length : 0, error, said))
		return;
	bool is_refused = said[0] == '!';
	end(transport, is_refused ? TRANSPORT_REFUSED : TRANSPORT_ACCEPTED,
		is_refused ? said + 1 : "the statement was accepted");
}

static uint64_t send_sql(struct transport *transport, struct error *error)
{
	const struct sql_binding *binding = &transport->action->sql;
	if (binding->password_file &&
		!secret_read_file(&transport->mask, binding->password_file, error))
		return 0;
	const struct postgres_request wire = {
		.url = transport->request.url,
		.password = binding->password_file ? transport->mask.bytes : NULL,
		.ca_file = binding->ca_file,
		.client_cert_file = binding->client_cert_file,
		.client_key_file = binding->client_key_file,
		.queries = {transport->request.command},
		.query_count = 1,
		.timeout_ms = binding->timeout_ms,
		.mutation = true,
	};
	return postgres_send(transport->postgres, &wire, sql_answered, transport, error);
}

static void cancel_sql(struct transport *transport, uint64_t id)
{
	postgres_cancel(transport->postgres, id);
}

/* ---- the gate ---- */

static const struct way ways[ACTION_ROADS] = {
	[ACTION_BY_SSH] = {send_ssh, cancel_ssh},
	[ACTION_BY_HTTP] = {send_http, cancel_http},
	[ACTION_BY_SOCKET] = {send_socket, cancel_socket},
	[ACTION_BY_SQL] = {send_sql, cancel_sql},
};

enum transport_result transport_send(struct transport *transport,
	const struct action_config *action, const struct request *request, transport_done_fn *done,
	void *context, char text[ACTION_TEXT_BYTES])
{
	struct error error = {.kind = ERROR_NONE};
	bool has_wire =
		request->road == ACTION_BY_SSH ? transport->ssh != NULL : transport->http != NULL;
	if (transport->id != 0 || !has_wire) {
		snprintf(text, ACTION_TEXT_BYTES, "%s",
			has_wire ? "another request is under way" : "this program cannot send");
		return TRANSPORT_LOCAL_ERROR;
	}
	transport->done = done;
	transport->context = context;
	transport->road = request->road;
	transport->action = action;
	transport->request = *request;
	transport->kept[0] = '\0';
	if (!transport->is_armed(transport->armed_context)) {
		snprintf(text, ACTION_TEXT_BYTES, "no longer armed");
		return TRANSPORT_NOT_PERMITTED;
	}
	transport->id = ways[request->road].send(transport, &error);
	if (transport->id != 0)
		return TRANSPORT_ACCEPTED;
	mask(error.text, &transport->mask);
	secret_wipe(&transport->mask);
	sanitise(error.text, strlen(error.text), text, ACTION_TEXT_BYTES);
	return error.kind == ERROR_UNTRUSTED || error.kind == ERROR_UNREACHABLE
		       ? TRANSPORT_UNREACHABLE
		       : TRANSPORT_LOCAL_ERROR;
}
