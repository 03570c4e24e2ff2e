/*
 * http_server.h - the box over HTTP, on loopback only.
 *
 * Pages of model_pages.h, the table of model_table.h, the control endpoint of model_control.h. One
 * thread of libmicrohttpd answers; every answer is rendered under the world's lock into a buffer of
 * bounded size and sent without it.
 */
#ifndef BACKENDS_SIM_HTTP_SERVER_H
#define BACKENDS_SIM_HTTP_SERVER_H

struct error;
struct http_server;
struct world;

/* Listen on 127.0.0.1:`port` (0: any free one). NULL with ERROR_IO or ERROR_NO_MEMORY. */
struct http_server *http_server_create(struct world *world, int port, struct error *error);

/* Stop, waiting for answers under way. NULL is allowed. */
void http_server_destroy(struct http_server *server);

int http_server_port(const struct http_server *server);

#endif
