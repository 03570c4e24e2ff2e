#include "core/wire/postgres.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/wire/http.h"

#define PLACE_BYTES 160
#define REASON_BYTES 240
#define URL_BYTES 2048
#define HOST_BYTES 256
#define QUERY_BYTES 8192
#define LOOKUP_MS 30000   /* our own deadline is the shorter one */
#define ROWS_PER_TURN 512 /* a large answer must not hold the loop */

enum stage { STAGE_WAITING, STAGE_CONNECTING, STAGE_IDLE, STAGE_ASKING };

struct place {
	char host[HOST_BYTES];
	int port;
};

/* One connection, and the request it carries. */
struct session {
	struct session *next;
	struct postgres *postgres;
	enum stage stage;
	/* who it is to whom; what belongs to a secret is wiped */
	char *url, *password, *ca_file, *client_cert_file, *client_key_file;
	char place[PLACE_BYTES];
	struct place where;
	char address[INET6_ADDRSTRLEN]; /* once resolved; "" while the url says enough */
	uint64_t resolving;             /* http_connect() under way; 0 none */
	PGconn *connection;
	int fd;         /* watched; -1 none */
	uint64_t timer; /* the deadline, or the end of being kept */
	uint64_t kick;  /* begins on the next turn */

	uint64_t id; /* of the request; 0 when idle */
	postgres_done_fn *done;
	void *context;
	char *queries[POSTGRES_QUERIES_MOST];
	size_t query_count, query;
	bool has_names; /* of the columns of the present result */
	bool reused, mutation;
	bool reading; /* more results are at hand than one turn may take */
	int64_t began_us;
	uint64_t wire_bytes;
	struct text answer;
	struct error failure;
};

struct postgres {
	struct loop *loop;
	struct http *http;
	struct session *first;
	size_t count;
	uint64_t last_id;
};

static void on_socket(void *context, int fd, unsigned events);
static void on_timer(void *context);

/* ---- ends ---- */

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void unwatch(struct session *session)
{
	if (session->fd >= 0)
		loop_unwatch(session->postgres->loop, session->fd);
	session->fd = -1;
}

static void forget_queries(struct session *session)
{
	for (size_t i = 0; i < session->query_count; i++)
		free(session->queries[i]);
	session->query_count = 0;
}

static void discard(struct session *session)
{
	struct postgres *postgres = session->postgres;
	for (struct session **at = &postgres->first; *at; at = &(*at)->next) {
		if (*at == session) {
			*at = session->next;
			postgres->count--;
			break;
		}
	}
	loop_timer_stop(postgres->loop, session->timer);
	loop_timer_stop(postgres->loop, session->kick);
	if (session->resolving != 0)
		http_cancel(postgres->http, session->resolving);
	unwatch(session);
	PQfinish(session->connection);
	forget_queries(session);
	text_finish(&session->answer);
	free(session->url);
	wipe(session->password);
	free(session->ca_file);
	free(session->client_cert_file);
	free(session->client_key_file);
	free(session);
}

static void start_timer(struct session *session, int64_t delay_ms)
{
	struct loop *loop = session->postgres->loop;
	loop_timer_stop(loop, session->timer);
	session->timer = loop_timer_start(loop, delay_ms, on_timer, session);
}

/* The callback may send again: everything is in order before it is called. */
static void fail(struct session *session)
{
	postgres_done_fn *done = session->done;
	void *context = session->context;
	struct error error = session->failure;
	bool asked = session->id != 0;
	if (session->mutation && session->stage == STAGE_ASKING)
		error.kind = ERROR_UNKNOWN_OUTCOME;
	discard(session);
	if (asked)
		done(context, NULL, &error);
}

static void succeed(struct session *session)
{
	struct text answer = session->answer;
	postgres_done_fn *done = session->done;
	void *context = session->context;
	struct postgres_reply reply = {.bytes = text_string(&answer),
		.length = answer.length,
		.wire_bytes = session->wire_bytes,
		.took_ms = (double)(clock_stopwatch_us() - session->began_us) / 1000.0,
		.reused = session->reused};
	text_init(&session->answer, POSTGRES_REPLY_BYTES);
	forget_queries(session);
	session->id = 0;
	session->stage = STAGE_IDLE;
	start_timer(session, session->mutation ? 0 : POSTGRES_KEPT_MS);
	done(context, &reply, NULL);
	text_finish(&answer);
}

/* ---- what went wrong, in words ---- */

/* What a server or libpq says while connecting; there is no code to go by, and no translation. The
 * first that fits counts. */
struct meaning {
	const char *says;
	enum error_kind kind;
};

static const struct meaning meanings[] = {
	{"received invalid response", ERROR_SYNTAX},
	{"expected authentication request", ERROR_SYNTAX},
	{"does not support", ERROR_SYNTAX},
	{"lost synchronization", ERROR_SYNTAX},
	{"too many clients", ERROR_REJECTED},
	{"remaining connection slots", ERROR_REJECTED},
	{"too many connections", ERROR_REJECTED},
	{"no more connections allowed", ERROR_REJECTED},
	{"is starting up", ERROR_REJECTED},
	{"is shutting down", ERROR_REJECTED},
	{"not accepting connections", ERROR_REJECTED},
	{"password", ERROR_UNTRUSTED},
	{"authentication", ERROR_UNTRUSTED},
	{"pg_hba.conf", ERROR_UNTRUSTED},
	{"not allowed", ERROR_UNTRUSTED},
	{"role \"", ERROR_UNTRUSTED},
	{"certificate", ERROR_UNTRUSTED},
	{"SSL", ERROR_UNTRUSTED},
};

static void explain(struct session *session, const char *what)
{
	const char *said = PQerrorMessage(session->connection);
	char clean[REASON_BYTES];
	sanitise(said, strcspn(said, "\n"), clean, sizeof(clean));
	enum error_kind kind = ERROR_UNREACHABLE;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (strstr(said, meanings[i].says)) {
			kind = meanings[i].kind;
			break;
		}
	}
	error_set(&session->failure, kind, "%s %s: %s", what, session->place,
		clean[0] ? clean : "the connection was closed");
}

static void on_timer(void *context)
{
	struct session *session = context;
	session->timer = 0;
	if (session->stage == STAGE_IDLE) {
		discard(session);
		return;
	}
	if (session->stage == STAGE_ASKING)
		error_set(&session->failure, ERROR_TIMEOUT, "%s did not answer the queries in time",
			session->place);
	else
		error_set(&session->failure, ERROR_TIMEOUT, "%s gave no session in time",
			session->place);
	fail(session);
}

/* ---- asking ---- */

static bool watch(struct session *session, unsigned events)
{
	int fd = PQsocket(session->connection);
	if (session->fd >= 0 && session->fd != fd)
		unwatch(session);
	session->fd = fd;
	return loop_watch(
		session->postgres->loop, fd, events, on_socket, session, &session->failure);
}

static void send_query(struct session *session)
{
	session->stage = STAGE_ASKING;
	session->has_names = false;
	if (PQsendQuery(session->connection, session->queries[session->query]) != 1 ||
		PQsetSingleRowMode(session->connection) != 1) {
		explain(session, "cannot ask");
		fail(session);
		return;
	}
	int left = PQflush(session->connection);
	if (!watch(session, left > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ))
		fail(session);
}

static void add_field(struct text *out, const char *bytes)
{
	for (const char *at = bytes; *at; at++) {
		if (*at == '\t')
			text_add(out, "\\t");
		else if (*at == '\n')
			text_add(out, "\\n");
		else if (*at == '\\')
			text_add(out, "\\\\");
		else
			text_add_char(out, *at);
	}
}

static void add_names(struct session *session, const PGresult *result)
{
	if (session->has_names)
		return;
	session->has_names = true;
	for (int column = 0; column < PQnfields(result); column++) {
		if (column > 0)
			text_add_char(&session->answer, '\t');
		add_field(&session->answer, PQfname(result, column));
	}
	text_add_char(&session->answer, '\n');
}

static void add_rows(struct session *session, const PGresult *result)
{
	struct text *out = &session->answer;
	add_names(session, result);
	for (int row = 0; row < PQntuples(result); row++) {
		for (int column = 0; column < PQnfields(result); column++) {
			if (column > 0)
				text_add_char(out, '\t');
			if (PQgetisnull(result, row, column))
				text_add(out, "\\N");
			else
				add_field(out, PQgetvalue(result, row, column));
		}
		text_add_char(out, '\n');
	}
}

static void add_refusal(struct session *session, const PGresult *result)
{
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (session->has_names) /* rows came first: they are not the whole answer */
		text_add_char(&session->answer, '\n');
	session->has_names = true;
	text_add_char(&session->answer, '!');
	add_field(&session->answer, code ? code : "XX000");
	text_add_char(&session->answer, '\t');
	add_field(&session->answer, said ? said : "refused");
	text_add_char(&session->answer, '\n');
}

static bool take_result(struct session *session, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	bool rows = status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK;
	bool known = rows || status == PGRES_COMMAND_OK || status == PGRES_FATAL_ERROR;
	if (rows)
		add_rows(session, result);
	else if (status == PGRES_FATAL_ERROR)
		add_refusal(session, result);
	PQclear(result);
	if (!known)
		return error_set(&session->failure, ERROR_SYNTAX,
			"%s answers a query with something that is no table", session->place);
	if (!text_ok(&session->answer))
		return error_set(&session->failure, ERROR_LIMIT,
			"%s answers with more than %zu bytes", session->place,
			session->answer.limit);
	return true;
}

/* Whatever results are there. */
static void read_results(struct session *session)
{
	session->reading = false;
	for (size_t i = 0; PQisBusy(session->connection) == 0; i++) {
		if (i == ROWS_PER_TURN) {
			session->reading =
				true; /* a socket that can be written to wakes us at once */
			if (!watch(session, LOOP_READ | LOOP_WRITE))
				fail(session);
			return;
		}
		PGresult *result = PQgetResult(session->connection);
		if (result) {
			if (take_result(session, result))
				continue;
			fail(session);
			return;
		}
		if (PQstatus(session->connection) != CONNECTION_OK) {
			explain(session, "lost the connection to");
			fail(session);
			return;
		}
		text_add_char(&session->answer, '\n');
		if (++session->query < session->query_count)
			send_query(session);
		else
			succeed(session);
		return;
	}
	if (!watch(session, LOOP_READ))
		fail(session);
}

static void on_answer(struct session *session)
{
	int waiting = 0;
	if (ioctl(session->fd, FIONREAD, &waiting) == 0 && waiting > 0)
		session->wire_bytes += (uint64_t)waiting;
	if (session->wire_bytes > POSTGRES_REPLY_BYTES) {
		error_set(&session->failure, ERROR_LIMIT, "%s answers with more than %zu bytes",
			session->place, POSTGRES_REPLY_BYTES);
		fail(session);
		return;
	}
	int left = PQflush(session->connection);
	if (left < 0 || PQconsumeInput(session->connection) != 1) {
		explain(session, "lost the connection to");
		fail(session);
		return;
	}
	if (left > 0 && !session->reading) {
		if (!watch(session, LOOP_READ | LOOP_WRITE))
			fail(session);
		return;
	}
	read_results(session);
}

/* ---- connecting ---- */

static void ignore_notice(void *context, const char *message)
{
	(void)context;
	(void)message;
}

static void poll_connection(struct session *session)
{
	/* libpq may close the descriptor and open another within. */
	unwatch(session);
	PostgresPollingStatusType next = PQconnectPoll(session->connection);
	if (next == PGRES_POLLING_OK) {
		PQsetnonblocking(session->connection, 1);
		send_query(session);
		return;
	}
	if (next == PGRES_POLLING_FAILED) {
		explain(session, "no session at");
		fail(session);
		return;
	}
	if (!watch(session, next == PGRES_POLLING_WRITING ? LOOP_WRITE : LOOP_READ))
		fail(session);
}

static void on_socket(void *context, int fd, unsigned events)
{
	struct session *session = context;
	(void)fd;
	(void)events;
	if (session->stage == STAGE_CONNECTING)
		poll_connection(session);
	else if (session->stage == STAGE_ASKING)
		on_answer(session);
	else if (session->stage == STAGE_IDLE)
		discard(session); /* what a server says unasked is goodbye */
}

static void start_connecting(struct session *session)
{
	const char *names[16], *values[16];
	size_t count = 0;
	const char *const pairs[][2] = {
		{"dbname", session->url},
		{"hostaddr", session->address[0] ? session->address : NULL},
		{"password", session->password},
		{"sslmode", session->ca_file ? "verify-full" : NULL},
		{"sslrootcert", session->ca_file},
		{"sslcert", session->client_cert_file},
		{"sslkey", session->client_key_file},
		{"fallback_application_name", "spillway"},
		{"gssencmode", "disable"},
		{"target_session_attrs", "any"},
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (!pairs[i][1])
			continue;
		names[count] = pairs[i][0];
		values[count++] = pairs[i][1];
	}
	names[count] = values[count] = NULL;
	session->stage = STAGE_CONNECTING;
	session->connection = PQconnectStartParams(names, values, 1);
	if (!session->connection) {
		error_no_memory(&session->failure, "a session");
		fail(session);
		return;
	}
	PQsetNoticeProcessor(session->connection, ignore_notice, NULL);
	if (PQstatus(session->connection) == CONNECTION_BAD) {
		explain(session, "no session at");
		fail(session);
		return;
	}
	if (!watch(session, LOOP_WRITE))
		fail(session);
}

/* The name was resolved and somebody listens there: libpq gets the address and need not ask. */
static void on_resolved(void *context, int fd, const struct error *error)
{
	struct session *session = context;
	struct sockaddr_storage peer = {0};
	socklen_t size = sizeof(peer);
	session->resolving = 0;
	if (fd < 0) {
		session->failure = *error;
		fail(session);
		return;
	}
	bool known = getpeername(fd, (void *)&peer, &size) == 0 &&
		     getnameinfo((const void *)&peer, size, session->address,
			     sizeof(session->address), NULL, 0, NI_NUMERICHOST) == 0;
	close(fd);
	if (!known) {
		error_set(&session->failure, ERROR_UNREACHABLE, "%s has no address that is known",
			session->place);
		fail(session);
		return;
	}
	start_connecting(session);
}

/* ---- who is meant ---- */

static bool read_place(const char *url, struct place *out, struct error *error)
{
	char *said = NULL;
	PQconninfoOption *options = PQconninfoParse(url, &said);
	if (!options) {
		char clean[REASON_BYTES];
		const char *words = said ? said : "no memory";
		sanitise(words, strcspn(words, "\n"), clean, sizeof(clean));
		PQfreemem(said);
		return error_set(error, ERROR_USAGE, "the url of a database is wrong: %s", clean);
	}
	*out = (struct place){.host = "localhost", .port = 5432};
	for (const PQconninfoOption *option = options; option->keyword; option++) {
		if (!option->val)
			continue;
		if (strcmp(option->keyword, "host") == 0)
			snprintf(out->host, sizeof(out->host), "%s", option->val);
		if (strcmp(option->keyword, "port") == 0)
			out->port = (int)strtol(option->val, NULL, 10);
	}
	PQconninfoFree(options);
	return true;
}

static bool needs_resolving(const char *host)
{
	unsigned char room[sizeof(struct in6_addr)];
	return host[0] != '/' && inet_pton(AF_INET, host, room) != 1 &&
	       inet_pton(AF_INET6, host, room) != 1;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct session *find_idle(struct postgres *postgres, const struct postgres_request *request)
{
	for (struct session *session = postgres->first; session; session = session->next)
		if (session->stage == STAGE_IDLE && !session->mutation && !request->mutation &&
			same(session->url, request->url) &&
			same(session->password, request->password) &&
			same(session->ca_file, request->ca_file) &&
			same(session->client_cert_file, request->client_cert_file) &&
			same(session->client_key_file, request->client_key_file))
			return session;
	return NULL;
}

static bool copy(char **out, const char *string)
{
	*out = string ? strdup(string) : NULL;
	return !string || *out;
}

static struct session *open_session(struct postgres *postgres,
	const struct postgres_request *request, const struct place *place, struct error *error)
{
	if (postgres->count >= POSTGRES_SESSIONS_MOST) {
		error_set(error, ERROR_LIMIT, "more than %d database sessions",
			POSTGRES_SESSIONS_MOST);
		return NULL;
	}
	struct session *session = calloc(1, sizeof(*session));
	if (!session) {
		error_no_memory(error, "a session");
		return NULL;
	}
	char text[HOST_BYTES + 16];
	snprintf(text, sizeof(text), "%s:%d", place->host, place->port);
	sanitise(text, strlen(text), session->place, sizeof(session->place));
	session->postgres = postgres;
	session->where = *place;
	session->fd = -1;
	session->next = postgres->first;
	postgres->first = session;
	postgres->count++;
	text_init(&session->answer, POSTGRES_REPLY_BYTES);
	if (copy(&session->url, request->url) && copy(&session->password, request->password) &&
		copy(&session->ca_file, request->ca_file) &&
		copy(&session->client_cert_file, request->client_cert_file) &&
		copy(&session->client_key_file, request->client_key_file))
		return session;
	discard(session);
	error_no_memory(error, "a session");
	return NULL;
}

/* ---- the public face ---- */

struct postgres *postgres_create(struct loop *loop, struct http *http, struct error *error)
{
	struct postgres *postgres = calloc(1, sizeof(*postgres));
	if (!postgres) {
		error_no_memory(error, "database sessions");
		return NULL;
	}
	postgres->loop = loop;
	postgres->http = http;
	return postgres;
}

void postgres_destroy(struct postgres *postgres)
{
	if (!postgres)
		return;
	while (postgres->first) {
		error_set(&postgres->first->failure, ERROR_CANCELLED, "cancelled");
		fail(postgres->first);
	}
	free(postgres);
}

static bool check(const struct postgres_request *request, struct error *error)
{
	if (!request->url || strlen(request->url) > URL_BYTES)
		return error_set(error, ERROR_USAGE, "a database needs a url that is not too long");
	if (request->query_count == 0 || request->query_count > POSTGRES_QUERIES_MOST ||
		request->timeout_ms <= 0)
		return error_set(error, ERROR_USAGE, "one to %d queries and a deadline are needed",
			POSTGRES_QUERIES_MOST);
	for (size_t i = 0; i < request->query_count; i++)
		if (strlen(request->queries[i]) > QUERY_BYTES)
			return error_set(
				error, ERROR_LIMIT, "a query of more than %d bytes", QUERY_BYTES);
	return true;
}

static bool take_request(struct session *session, const struct postgres_request *request,
	postgres_done_fn *done, void *context)
{
	session->query = 0;
	session->wire_bytes = 0;
	session->began_us = clock_stopwatch_us();
	session->failure = (struct error){0};
	session->mutation = request->mutation;
	for (size_t i = 0; i < request->query_count; i++) {
		session->queries[i] = strdup(request->queries[i]);
		if (!session->queries[i])
			return false;
		session->query_count = i + 1;
	}
	session->done = done;
	session->context = context;
	start_timer(session, request->timeout_ms);
	return session->timer != 0;
}

/* On the loop's next turn, because nothing is called from inside postgres_send(). */
static void on_kick(void *context)
{
	struct session *session = context;
	session->kick = 0;
	if (session->connection) {
		send_query(session);
		return;
	}
	if (!needs_resolving(session->where.host)) {
		start_connecting(session);
		return;
	}
	session->resolving = http_connect(session->postgres->http, session->where.host,
		session->where.port, LOOKUP_MS, on_resolved, session, &session->failure);
	if (session->resolving == 0)
		fail(session);
}

uint64_t postgres_send(struct postgres *postgres, const struct postgres_request *request,
	postgres_done_fn *done, void *context, struct error *error)
{
	struct place place = {0};
	if (!check(request, error) || !read_place(request->url, &place, error))
		return 0;
	struct session *session = find_idle(postgres, request);
	bool reused = session != NULL;
	if (!session)
		session = open_session(postgres, request, &place, error);
	if (!session)
		return 0;
	session->stage = STAGE_WAITING;
	session->reused = reused;
	session->kick = loop_timer_start(postgres->loop, 0, on_kick, session);
	if (session->kick == 0 || !take_request(session, request, done, context)) {
		discard(session);
		error_no_memory(error, "a query");
		return 0;
	}
	session->id = ++postgres->last_id;
	return session->id;
}

void postgres_cancel(struct postgres *postgres, uint64_t id)
{
	for (struct session *session = postgres->first; id != 0 && session;
		session = session->next) {
		if (session->id != id)
			continue;
		discard(session);
		return;
	}
}
