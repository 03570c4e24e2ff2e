/*
 * postgres.h - a few queries over the PostgreSQL protocol on the loop (the only file that knows
 * libpq).
 *
 * Queries are sent one after the other as simple queries: that is all PgBouncer's console
 * understands. Sessions are kept for the next request to the same url and password, so that asking
 * every second takes one connection and not one a second. Names are resolved off the loop. What
 * comes back is text, so that whoever reads it can be tested and fuzzed on bytes alone:
 *
 *   database\tuser\tcl_active          the names of the columns
 *   app\tweb\t12                       a row; \N is NULL; tab, newline and backslash as \t \n \\
 *                                      an empty line ends each result
 *   !42501\tpermission denied          instead of names and rows: the query was refused
 *
 * A session whose deadline passed, or that lost its connection, is closed.
 *
 * Errors that reach the callback:
 *
 *   ERROR_UNREACHABLE   no address, refused, connection lost
 *   ERROR_TIMEOUT       not connected or not answered in time
 *   ERROR_UNTRUSTED     the certificate, or the login was refused
 *   ERROR_REJECTED      the server is there and takes no more connections (the text says which
 *                       limit), is starting, or is shutting down
 *   ERROR_SYNTAX        it does not speak this protocol
 *   ERROR_LIMIT         more than POSTGRES_REPLY_BYTES
 *   ERROR_CANCELLED     postgres_destroy()
 */
#ifndef CORE_WIRE_POSTGRES_H
#define CORE_WIRE_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http;
struct loop;
struct postgres;

#define POSTGRES_QUERIES_MOST 8
#define POSTGRES_SESSIONS_MOST 1024
#define POSTGRES_KEPT_MS 120000 /* an idle session is closed after this */
#define POSTGRES_REPLY_BYTES ((size_t)16 * 1024 * 1024)

/* Everything is copied. */
struct postgres_request {
	const char *url;      /* postgresql://user@host:port/database */
	const char *password; /* a secret; NULL: none, or as libpq finds it in ~/.pgpass */
	const char *ca_file;  /* not NULL: TLS is required and the server's name is verified */
	const char *client_cert_file, *client_key_file;
	const char *queries[POSTGRES_QUERIES_MOST];
	size_t query_count;
	int64_t timeout_ms; /* from connecting, where that is needed, to the last row */
	bool mutation;      /* it changes something: over a session of its own, and what goes wrong
			       after the first query had left is ERROR_UNKNOWN_OUTCOME */
};

struct postgres_reply {
	const char *bytes; /* NUL-terminated after `length`; valid in the callback; NOT sanitised */
	size_t length;
	uint64_t wire_bytes; /* about */
	double took_ms;
	bool reused; /* on a session that was already open */
};

/* Exactly one of reply and error is not NULL. Called once, from the loop, never from inside
 * postgres_send(). */
typedef void postgres_done_fn(
	void *context, const struct postgres_reply *reply, const struct error *error);

/* `http` resolves names; both must outlive it. */
struct postgres *postgres_create(struct loop *loop, struct http *http, struct error *error);
void postgres_destroy(struct postgres *postgres); /* NULL is allowed */

/* Returns an id, or 0 with `error` and no callback: ERROR_USAGE, ERROR_LIMIT, ERROR_NO_MEMORY. */
uint64_t postgres_send(struct postgres *postgres, const struct postgres_request *request,
	postgres_done_fn *done, void *context, struct error *error);

/* Stop it and close its session; its callback is not called. Harmless when it is over. */
void postgres_cancel(struct postgres *postgres, uint64_t id);

#endif
