/*
 * haproxy_page.h - HAProxy's own page for Prometheus, read for what the CSV says as well.
 *
 * States come one series each (`haproxy_server_status{state="UP"} 1`). A server that nobody checks
 * is called UP there; that nobody checks it shows in its having no state of a check, and then
 * whether it is up is unknown.
 */
#ifndef BACKENDS_HAPROXY_PAGE_H
#define BACKENDS_HAPROXY_PAGE_H

#include <stdbool.h>

struct arena;
struct backend_answer;
struct error;
struct sheet;
struct source_config;

/* Whether the answer is such a page and no CSV. */
bool haproxy_page_is(const struct backend_answer *answer);

/* Read it. Errors: ERROR_SYNTAX, ERROR_LIMIT, ERROR_NO_MEMORY. */
bool haproxy_page_read(const struct source_config *source, const struct sheet *sheet,
	const struct backend_answer *answer, struct arena *scratch, struct error *error);

#endif
