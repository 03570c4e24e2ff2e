#include "actions/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/base/secret.h"
#include "core/wire/http.h"
#include "core/wire/ssh.h"

#define SAID_BYTES 160           /* of what the peer says, that is kept */
#define LEAST_SECRET ((size_t)4) /* shorter ones occur in any text by chance */

struct transport {
	struct http *http;
	struct ssh *ssh;
	transport_armed_fn *is_armed;
	void *armed_context;
	transport_done_fn *done;
	void *context;
	uint64_t id; /* in flight; 0 none */
	bool is_http;
	struct secret mask; /* what must not come back in the reply; wiped when it is over */
};

struct transport *transport_create(
	struct http *http, struct ssh *ssh, transport_armed_fn *is_armed, void *context)
{
	struct transport *transport = calloc(1, sizeof(*transport));
	if (transport) {
		transport->http = http;
		transport->ssh = ssh;
		transport->is_armed = is_armed;
		transport->armed_context = context;
	}
	return transport;
}

void transport_cancel(struct transport *transport)
{
	if (transport->id != 0 && transport->is_http)
		http_cancel(transport->http, transport->id);
	else if (transport->id != 0)
		ssh_cancel(transport->ssh, transport->id);
	transport->id = 0;
	secret_wipe(&transport->mask);
}

void transport_destroy(struct transport *transport)
{
	if (!transport)
		return;
	transport_cancel(transport);
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

static void mask(char *text, const struct secret *secret)
{
	mask_word(text, secret->bytes);
	const char *colon = strchr(secret->bytes, ':');
	if (colon)
		mask_word(text, colon + 1);
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
		return TRANSPORT_UNREACHABLE;
	case ERROR_TIMEOUT:
		return TRANSPORT_UNREACHABLE; /* the wire says UNKNOWN_OUTCOME once bytes left */
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
	end(transport, ok ? TRANSPORT_ACCEPTED : TRANSPORT_REFUSED, text);
}

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
	end(transport, reply->exit_status == 0 ? TRANSPORT_ACCEPTED : TRANSPORT_REFUSED, text);
}

static uint64_t send_http(struct transport *transport, const struct http_binding *binding,
	const struct request *request, struct error *error)
{
	struct http_request wire = {
		.method = request->method,
		.url = request->url,
		.body = request->body[0] ? request->body : NULL,
		.body_length = strlen(request->body),
		.ca_file = binding->ca_file,
		.client_cert_file = binding->client_cert_file,
		.client_key_file = binding->client_key_file,
		.timeout_ms = binding->timeout_ms,
		.max_body_bytes = 64 * 1024,
		.mutation = true,
	};
	const char *file = binding->bearer_file ? binding->bearer_file : binding->basic_file;
	if (file && !secret_read_file(&transport->mask, file, error))
		return 0;
	if (binding->bearer_file)
		wire.bearer = transport->mask.bytes;
	else if (binding->basic_file)
		wire.basic = transport->mask.bytes;
	if (request->body[0])
		wire.headers[wire.header_count++] = (struct http_header){
			"Content-Type", request->is_form ? "application/x-www-form-urlencoded"
							 : "application/json"};
	for (size_t i = 0; i < request->header_count; i++)
		wire.headers[wire.header_count++] =
			(struct http_header){request->headers[i].name, request->headers[i].value};
	return http_send(transport->http, &wire, http_answered, transport, error);
}

static uint64_t send_ssh(struct transport *transport, const struct ssh_binding *binding,
	const struct request *request, struct error *error)
{
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

enum transport_result transport_send(struct transport *transport,
	const struct action_config *action, const struct request *request, transport_done_fn *done,
	void *context, char text[ACTION_TEXT_BYTES])
{
	struct error error = {.kind = ERROR_NONE};
	bool has_wire =
		request->road == ACTION_BY_HTTP ? transport->http != NULL : transport->ssh != NULL;
	if (transport->id != 0 || !has_wire) {
		snprintf(text, ACTION_TEXT_BYTES, "%s",
			has_wire ? "another request is under way" : "this program cannot send");
		return TRANSPORT_LOCAL_ERROR;
	}
	transport->done = done;
	transport->context = context;
	transport->is_http = request->road == ACTION_BY_HTTP;
	if (!transport->is_armed(transport->armed_context)) {
		snprintf(text, ACTION_TEXT_BYTES, "no longer armed");
		return TRANSPORT_NOT_PERMITTED;
	}
	transport->id = transport->is_http ? send_http(transport, &action->http, request, &error)
					   : send_ssh(transport, &action->ssh, request, &error);
	if (transport->id != 0)
		return TRANSPORT_ACCEPTED;
	mask(error.text, &transport->mask);
	secret_wipe(&transport->mask);
	sanitise(error.text, strlen(error.text), text, ACTION_TEXT_BYTES);
	return error.kind == ERROR_UNTRUSTED || error.kind == ERROR_UNREACHABLE
		       ? TRANSPORT_UNREACHABLE
		       : TRANSPORT_LOCAL_ERROR;
}
