/*
 * Kind postgres-probe: a new connection to a database server, as a client would make it, but only
 * up to the first byte: no login, no slot. It proves that the server accepts and forks, which is
 * more than any session that was opened earlier can say of it: of a server that hangs, nothing else
 * notices.
 *
 * Silence may be one packet that was lost, or one slow moment: only when a second knock, made as
 * soon as the first has timed out, is not answered either is the server down. A refusal is an
 * answer and needs no second. So a server that hangs is noticed within the interval and twice the
 * timeout.
 *
 * Where the url names a user one step more asks, over one kept session, for connection slots and
 * for the lag. Lag is believed only while the replica streams: a replica that lost its primary has
 * replayed all it received, and would call that zero.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/fact.h"
#include "backends/grid.h"
#include "backends/observation.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"

#define DEFAULT_PORT 5432

enum step { STEP_KNOCK, STEP_KNOCK_AGAIN, STEP_ASK };

struct knocker {
	const struct source_config *source;
	bool *silent; /* by target: the first knock of this poll was not answered */
};

/* SSLRequest: length 8, code 80877103. */
static const char ssl_request[8] = {0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f};

static const char slots_query[] =
	"SELECT current_setting('max_connections')::int"
	" - current_setting('superuser_reserved_connections')::int"
	" - coalesce(current_setting('reserved_connections', true)::int, 0) AS usable,"
	" (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,"
	" current_setting('server_version') AS version,"
	" (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS clock_ms";

static const char lag_query[] = "SELECT pg_is_in_recovery() AS replica,"
				" (SELECT status FROM pg_stat_wal_receiver LIMIT 1) AS receiver,"
				" CASE WHEN NOT pg_is_in_recovery() THEN 0"
				" WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0"
				" ELSE greatest(extract(epoch FROM clock_timestamp()"
				" - pg_last_xact_replay_timestamp()), 0) END AS lag";

/* What a url says of where to knock. */
struct address {
	const char *host;
	int port;
	bool user;
};

static bool has_user(const char *url)
{
	const char *rest = strstr(url, "://");
	rest = rest ? rest + 3 : url;
	return memchr(rest, '@', strcspn(rest, "/?#")) != NULL;
}

static void destroy(void *instance)
{
	struct knocker *knocker = instance;
	if (knocker)
		free(knocker->silent);
	free(knocker);
}

static void *create(const struct backend_setup *setup, struct error *error)
{
	struct knocker *knocker = calloc(1, sizeof(*knocker));
	if (knocker) {
		knocker->source = setup->source;
		knocker->silent = calloc(setup->source->target_count + 1, sizeof(*knocker->silent));
		if (knocker->silent)
			return knocker;
	}
	destroy(knocker);
	error_no_memory(error, "a source");
	return NULL;
}

static size_t steps(const void *instance, size_t target, bool past)
{
	const struct knocker *knocker = instance;
	if (past)
		return 0;
	return has_user(knocker->source->targets[target].url) ? STEP_ASK + 1 : STEP_ASK;
}

static bool read_address(
	const char *url, struct arena *scratch, struct address *out, struct error *error)
{
	const char *rest = strstr(url, "://");
	rest = rest ? rest + 3 : url;
	size_t length = strcspn(rest, "/?#");
	const char *at_sign = memchr(rest, '@', length);
	if (at_sign) {
		length -= (size_t)(at_sign + 1 - rest);
		rest = at_sign + 1;
	}
	bool bracket = length > 0 && rest[0] == '[';
	size_t host = bracket ? strcspn(rest, "]") : strcspn(rest, ":");
	host = host < length ? host : length;
	const char *name =
		arena_strndup(scratch, rest + (bracket ? 1 : 0), host - (bracket ? 1 : 0));
	if (!name)
		return error_no_memory(error, "a request");
	size_t after = host + (bracket ? 1 : 0);
	int64_t port = DEFAULT_PORT;
	if (after < length && rest[after] == ':' &&
		(!number_parse_integer(rest + after + 1, length - after - 1, &port) || port < 1 ||
			port > 65535))
		return error_set(error, ERROR_SCHEMA, "the url has a port that is none");
	*out = (struct address){.host = name, .port = (int)port, .user = at_sign != NULL};
	return true;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct knocker *knocker = instance;
	const char *url = knocker->source->targets[ask->target].url;
	if (ask->step == STEP_KNOCK)
		knocker->silent[ask->target] = false;
	if (ask->step == STEP_KNOCK_AGAIN && !knocker->silent[ask->target])
		return true; /* nothing more to fetch */
	out->evidence = true;
	if (ask->step == STEP_ASK) {
		out->road = ROAD_POSTGRES;
		out->postgres.url = url;
		out->postgres.queries[0] = slots_query;
		out->postgres.queries[1] = lag_query;
		out->postgres.query_count = 2;
		return true;
	}
	struct address address = {0};
	if (!read_address(url, scratch, &address, error))
		return false;
	out->road = ROAD_PROBE;
	out->probe.host = address.host;
	out->probe.port = address.port;
	out->probe.send = ssl_request;
	out->probe.send_length = sizeof(ssl_request);
	out->probe.enough = 1;
	out->probe.most = 16; /* a server sends one byte; more is somebody else */
	return true;
}

/* ---- the door ---- */

static bool read_knock(
	const struct sheet *sheet, const struct backend_answer *answer, struct error *error)
{
	struct fact up = {.signal = SIGNAL_REPLICA_UP, .value = 1};
	if (answer->failure) {
		observations_describe(
			sheet->sink, "a door that stays shut: %s", answer->failure->text);
		up.value = 0;
		return fact_note(sheet, &up, error);
	}
	char first = (char)(answer->length > 0 ? answer->bytes[0] : '\0');
	char place[ANSWER_PLACE_BYTES];
	answer_place(sheet->target->url, place);
	if (first != 'N' && first != 'S' && first != 'E')
		return error_set(error, ERROR_SYNTAX,
			"%s does not speak PostgreSQL's protocol: is the port right?", place);
	observations_describe(sheet->sink, "PostgreSQL, a new connection in %.1f ms%s",
		answer->took_ms, first == 'S' ? ", TLS offered" : "");
	return fact_note(sheet, &up, error);
}

/* ---- the session ---- */

static bool note_number(const struct sheet *sheet, const struct grid *grid, const char *column,
	enum signal signal, struct error *error)
{
	struct fact fact = {.signal = signal};
	return !grid_number(grid, 0, column, &fact.value) || fact_note(sheet, &fact, error);
}

static bool read_lag(const struct sheet *sheet, const struct grid *grid, struct error *error)
{
	const char *replica = grid_cell(grid, 0, "replica");
	const char *receiver = grid_cell(grid, 0, "receiver");
	if (!replica || replica[0] != 't')
		return true; /* a primary has no lag, and is no replica */
	if (receiver && strcmp(receiver, "streaming") == 0)
		return note_number(sheet, grid, "lag", SIGNAL_REPLICA_LAG, error);
	observations_warn(sheet->sink,
		receiver ? "the replica does not stream from its primary: its lag is unknown"
			 : "the lag is unknown: not streaming, or the user is not in pg_monitor");
	return true;
}

/* What it is, and what its clock says. */
static void describe(const struct sheet *sheet, const struct grid *slots)
{
	const char *version = slots->code ? NULL : grid_cell(slots, 0, "version");
	double clock_ms = 0;
	if (version)
		observations_describe(sheet->sink, "PostgreSQL %s", version);
	if (!slots->code && grid_number(slots, 0, "clock_ms", &clock_ms) && clock_ms > 0 &&
		clock_ms < 1e15)
		sheet->sink->peer_ms = (int64_t)clock_ms;
}

static bool read_session(const struct sheet *sheet, const struct backend_answer *answer,
	struct arena *scratch, struct error *error)
{
	struct grid_text text = {answer->bytes, answer->bytes + answer->length};
	struct grid slots, lag;
	struct error trouble = {0};
	if (answer->failure) {
		/* The door is open but nobody is let in: that is a finding, and no figure. */
		observations_warn(sheet->sink, "%s", answer->failure->text);
		return true;
	}
	if (!grid_next(&text, scratch, &slots, &trouble) ||
		!grid_next(&text, scratch, &lag, &trouble))
		return error_set(error, trouble.kind ? trouble.kind : ERROR_SYNTAX,
			"the server's answer is not whole");
	const struct grid *refused = slots.code ? &slots : &lag;
	if (refused->code) {
		char clean[120];
		sanitise(refused->said, strlen(refused->said), clean, sizeof(clean));
		observations_warn(
			sheet->sink, "a query is refused (%.5s): %s", refused->code, clean);
	}
	describe(sheet, &slots);
	return note_number(sheet, &slots, "used", SIGNAL_REPLICA_CONNECTIONS_USED, error) &&
	       note_number(sheet, &slots, "usable", SIGNAL_REPLICA_CONNECTIONS_MAX, error) &&
	       read_lag(sheet, &lag, error);
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct knocker *knocker = instance;
	struct sheet sheet = {sink, &knocker->source->targets[ask->target], answer->arrived_ms};
	bool *silent = &knocker->silent[ask->target];
	if (ask->step == STEP_ASK)
		return read_session(&sheet, answer, scratch, error);
	if (ask->step == STEP_KNOCK_AGAIN && !*silent)
		return true;
	if (ask->step == STEP_KNOCK)
		*silent = answer->failure && answer->failure->kind == ERROR_TIMEOUT;
	return (ask->step == STEP_KNOCK && *silent) || read_knock(&sheet, answer, error);
}

static const char *const keys[] = {"password_file", "password_env", "password_command", NULL};
static const char *const schemes[] = {"postgresql://", "postgres://", NULL};

const struct backend_ops postgres_probe_ops = {
	.name = "postgres-probe",
	.help = "A new connection to a database server, up to its first byte, and a second when "
		"the first times out; with a user in the url also slots and lag.",
	.traits = BACKEND_NEEDS_URL | BACKEND_HAS_LOGIN,
	.keys = keys,
	.schemes = schemes,
	.trust = 90,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
