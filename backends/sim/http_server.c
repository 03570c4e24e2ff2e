#include "backends/sim/http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/sim/model_pages.h"
#include "backends/sim/model_table.h"
#include "backends/sim/world.h"
#include "core/base/error.h"
#include "core/base/text.h"

#define PAGE_BYTES (4 * 1024 * 1024)
#define CONNECTIONS_MOST 512
#define IDLE_S 60

struct http_server {
	struct world *world;
	struct MHD_Daemon *daemon;
	int port;
};

/* One request while its body comes in. */
struct upload {
	struct text body;
};

/* What goes back. */
struct answer {
	int status;
	const char *type;
	const char *allow;
	uint64_t revision;
	struct text body;
};

static const char type_metrics[] = "text/plain; version=0.0.4; charset=utf-8";
static const char type_plain[] = "text/plain; charset=utf-8";
static const char type_json[] = "application/json";

static void answer_say(struct answer *answer, int status, const char *why)
{
	text_clear(&answer->body);
	text_printf(&answer->body, "{\"error\":\"%s\"}\n", why);
	answer->status = status;
	answer->type = type_json;
}

/* ---- what is asked for ---- */

static void answer_control(
	struct answer *answer, struct world *world, const struct control_request *request)
{
	struct control_reply reply =
		control_handle(&world->control, world->model, request, &answer->body);
	answer->status = reply.status;
	answer->revision = reply.revision;
	answer->allow = reply.allow;
	answer->type = type_json;
}

static void answer_page(
	struct answer *answer, struct world *world, const struct control_request *request)
{
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
		answer_say(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET here");
		answer->allow = "GET, HEAD";
	} else if (strcmp(request->path, "/stats;csv") == 0) {
		answer->type = type_plain;
		table_render(world->model, &answer->body);
	} else if (pages_render(world->model, request->path, &answer->body)) {
		answer->type = type_metrics;
	} else {
		answer_say(answer, MHD_HTTP_NOT_FOUND, "there is nothing at this path");
	}
}

static void answer_fill(
	struct answer *answer, struct world *world, const struct control_request *request)
{
	world_enter(world);
	if (strncmp(request->path, "/v1/", 4) == 0)
		answer_control(answer, world, request);
	else
		answer_page(answer, world, request);
	world_leave(world);
	if (!text_ok(&answer->body))
		answer_say(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "the page is too large");
}

/* ---- the library's side ---- */

static enum MHD_Result answer_send(struct MHD_Connection *connection, struct answer *answer)
{
	char etag[32];
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->body.length, answer->body.bytes, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (answer->allow)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
	if (answer->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (answer->revision > 0) {
		snprintf(etag, sizeof etag, "\"%llu\"", (unsigned long long)answer->revision);
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
	}
	enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result upload_begin(void **slot)
{
	struct upload *upload = calloc(1, sizeof *upload);
	if (!upload)
		return MHD_NO;
	/* One byte over the limit is kept, so that the control endpoint sees that it was passed. */
	text_init(&upload->body, CONTROL_BODY_BYTES + 1);
	*slot = upload;
	return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *bytes, size_t *length, void **slot)
{
	struct http_server *server = context;
	struct upload *upload = *slot;
	struct answer answer = {.status = MHD_HTTP_OK};
	(void)version;
	if (!upload)
		return upload_begin(slot);
	if (*length > 0) {
		size_t room = upload->body.limit - upload->body.length;
		text_append(&upload->body, bytes, *length < room ? *length : room);
		*length = 0;
		return MHD_YES;
	}
	struct control_request request = {.method = method,
		.path = path,
		.body = upload->body.bytes,
		.body_length = upload->body.length,
		.authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
		.if_match = header(connection, MHD_HTTP_HEADER_IF_MATCH)};
	text_init(&answer.body, PAGE_BYTES);
	answer_fill(&answer, server->world, &request);
	enum MHD_Result result = answer_send(connection, &answer);
	text_finish(&answer.body);
	return result;
}

static void request_over(void *context, struct MHD_Connection *connection, void **slot,
	enum MHD_RequestTerminationCode why)
{
	struct upload *upload = *slot;
	(void)context;
	(void)connection;
	(void)why;
	if (!upload)
		return;
	text_finish(&upload->body);
	free(upload);
	*slot = NULL;
}

struct http_server *http_server_create(struct world *world, int port, struct error *error)
{
	struct http_server *server = calloc(1, sizeof *server);
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (!server) {
		error_no_memory(error, "the HTTP server");
		return NULL;
	}
	server->world = world;
	server->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle,
		server, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
		MHD_OPTION_NOTIFY_COMPLETED, request_over, NULL, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_MOST, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
		MHD_OPTION_END);
	const union MHD_DaemonInfo *info =
		server->daemon ? MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)
			       : NULL;
	if (!info) {
		error_errno(error, "cannot listen for HTTP on 127.0.0.1:%d", port);
		http_server_destroy(server);
		return NULL;
	}
	server->port = info->port;
	return server;
}

void http_server_destroy(struct http_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	free(server);
}

int http_server_port(const struct http_server *server)
{
	return server->port;
}
