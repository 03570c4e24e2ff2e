/*
 * Kind pgbouncer: PgBouncer's console, asked as a stats user. Columns come and go from version to
 * version and are found by name.
 *
 *   pool.used, waiting, wait   SHOW POOLS: server connections at work, clients in line, and how
 *                              long the first of them has stood there
 *   pool.busy                  SHOW STATS: query time grows by the time clients waited as well, so
 *                              mean busy is the growth of query time less that of wait time. Both
 *                              grow when a query ends: while clients wait behind queries that do
 *                              not end, what is at work is what is busy
 *   pool.paused                SHOW DATABASES: whether it is paused by hand
 *   pool.max                   SHOW DATABASES: pool_size holds for each user on its own, so it
 * counts once per user seen in SHOW POOLS, up to max_connections
 */
#include <string.h>

#include "backends/backend.h"
#include "backends/fact.h"
#include "backends/grid.h"
#include "backends/label.h"
#include "backends/observation.h"
#include "backends/plain.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"

#define CONSOLE "pgbouncer" /* the console itself is a database without a pool */
#define MICROSECONDS 1e-6

enum table { TABLE_POOLS, TABLE_STATS, TABLE_DATABASES, TABLE_CONFIG, TABLE_VERSION, TABLE_COUNT };

static const char *const queries[TABLE_COUNT] = {
	[TABLE_POOLS] = "SHOW POOLS",
	[TABLE_STATS] = "SHOW STATS",
	[TABLE_DATABASES] = "SHOW DATABASES",
	[TABLE_CONFIG] = "SHOW CONFIG",
	[TABLE_VERSION] = "SHOW VERSION",
};

/* One answer being read. */
struct console {
	const struct source_config *source;
	struct sheet sheet;
	struct arena *scratch;
	struct grid grids[TABLE_COUNT];
};

/* Whose pool a database is. */
struct owner {
	const char *cluster, *replica;
};

static size_t steps(const void *instance, size_t target, bool past)
{
	(void)instance;
	(void)target;
	return past ? 0 : 1;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct plain *pgbouncer = instance;
	(void)scratch;
	(void)error;
	out->road = ROAD_POSTGRES;
	out->postgres.url = pgbouncer->source->targets[ask->target].url;
	for (size_t i = 0; i < TABLE_COUNT; i++)
		out->postgres.queries[i] = queries[i];
	out->postgres.query_count = TABLE_COUNT;
	return true;
}

/* False when the database is none of ours. With no mapping and no label, it is a cluster's name. */
static bool owner_of(const struct console *console, const char *database, struct owner *out)
{
	const struct source_config *source = console->source;
	*out = (struct owner){0};
	if (strcmp(database, CONSOLE) == 0)
		return false;
	if (source->database_count == 0) {
		struct label_view view = {.target = console->sheet.target};
		out->cluster = label_value(&view, "cluster") ? NULL : database;
		return true;
	}
	const char *mapped = fact_mapped(source->databases, source->database_count, database);
	if (!mapped)
		return false;
	const char *slash = strchr(mapped, '/');
	out->cluster =
		slash ? arena_strndup(console->scratch, mapped, (size_t)(slash - mapped)) : mapped;
	out->replica = slash ? slash + 1 : NULL;
	return out->cluster != NULL;
}

static bool note(const struct console *console, const struct owner *owner, struct fact fact,
	struct error *error)
{
	fact.cluster = owner->cluster;
	fact.replica = owner->replica;
	return fact_note(&console->sheet, &fact, error);
}

static uint64_t series_of(const char *database, const char *user)
{
	return hash_string(hash_string(HASH_START, database), user ? user : "");
}

/* ---- pools ---- */

static bool read_pool(const struct console *console, size_t row, struct error *error)
{
	const struct grid *pools = &console->grids[TABLE_POOLS];
	const char *database = grid_cell(pools, row, "database");
	double active = 0, cancelling = 0, waiting = 0, seconds = 0, micros = 0;
	struct owner owner;
	if (!database || !owner_of(console, database, &owner))
		return true;
	uint64_t series = series_of(database, grid_cell(pools, row, "user"));
	if (grid_number(pools, row, "sv_active", &active)) {
		grid_number(pools, row, "sv_active_cancel", &cancelling);
		struct fact used = {
			.signal = SIGNAL_POOL_USED, .value = active + cancelling, .series = series};
		if (!note(console, &owner, used, error))
			return false;
	}
	struct fact line = {.signal = SIGNAL_POOL_WAITING, .series = series};
	if (grid_number(pools, row, "cl_waiting", &waiting)) {
		line.value = waiting;
		if (!note(console, &owner, line, error))
			return false;
	}
	if (!grid_number(pools, row, "maxwait", &seconds))
		return true;
	grid_number(pools, row, "maxwait_us", &micros);
	struct fact wait = {.signal = SIGNAL_POOL_WAIT,
		.value = seconds * 1000 + micros / 1000,
		.series = series};
	return note(console, &owner, wait, error);
}

/* ---- busy ---- */

/* Connections at work for a database in whose line somebody stands; false when nobody does. */
static bool is_full(const struct console *console, const char *database, double *active)
{
	const struct grid *pools = &console->grids[TABLE_POOLS];
	double waiting = 0, part = 0;
	*active = 0;
	for (size_t i = 0; i < pools->rows; i++) {
		const char *name = grid_cell(pools, i, "database");
		if (!name || strcmp(name, database) != 0)
			continue;
		waiting += grid_number(pools, i, "cl_waiting", &part) ? part : 0;
		*active += grid_number(pools, i, "sv_active", &part) ? part : 0;
	}
	return waiting > 0;
}

static bool read_stats(const struct console *console, size_t row, struct error *error)
{
	const struct grid *stats = &console->grids[TABLE_STATS];
	const char *database = grid_cell(stats, row, "database");
	double query_us = 0, wait_us = 0, active = 0;
	struct owner owner;
	if (!database || !owner_of(console, database, &owner) ||
		!grid_number(stats, row, "total_query_time", &query_us) ||
		!grid_number(stats, row, "total_wait_time", &wait_us))
		return true;
	if (is_full(console, database, &active)) {
		struct fact full = {.signal = SIGNAL_POOL_BUSY,
			.value = active,
			.series = series_of(database, "full")};
		return note(console, &owner, full, error);
	}
	struct fact busy = {.signal = SIGNAL_POOL_BUSY,
		.value = query_us * MICROSECONDS,
		.rate = true,
		.term = 0,
		.terms = 2,
		.series = series_of(database, "query")};
	struct fact waited = busy;
	waited.value = wait_us * MICROSECONDS;
	waited.term = 1;
	waited.series = series_of(database, "wait");
	return note(console, &owner, busy, error) && note(console, &owner, waited, error);
}

/* ---- capacity ---- */

/* How many users have a pool of that database. */
static size_t users_of(const struct grid *pools, const char *database)
{
	size_t users = 0;
	for (size_t i = 0; i < pools->rows; i++) {
		const char *name = grid_cell(pools, i, "database");
		users += name && strcmp(name, database) == 0 ? 1 : 0;
	}
	return users;
}

static void warn_of(const struct console *console, size_t row, const char *column)
{
	const struct grid *databases = &console->grids[TABLE_DATABASES];
	double set = 0;
	if (grid_number(databases, row, column, &set) && set != 0)
		observations_warn(console->sheet.sink, "database '%s' is %s in PgBouncer",
			grid_cell(databases, row, "name"), column);
}

static bool read_database(const struct console *console, size_t row, struct error *error)
{
	const struct grid *databases = &console->grids[TABLE_DATABASES];
	const char *name = grid_cell(databases, row, "name");
	double size = 0, most = 0;
	struct owner owner;
	if (!name || !owner_of(console, name, &owner))
		return true;
	warn_of(console, row, "paused");
	warn_of(console, row, "disabled");
	struct fact pause = {.signal = SIGNAL_POOL_PAUSED, .series = series_of(name, NULL)};
	if (grid_number(databases, row, "paused", &pause.value) &&
		!note(console, &owner, pause, error))
		return false;
	if (!grid_number(databases, row, "pool_size", &size))
		return true;
	size_t users = users_of(&console->grids[TABLE_POOLS], name);
	double capacity = size * (double)(users > 0 ? users : 1);
	if (grid_number(databases, row, "max_connections", &most) && most > 0 && most < capacity)
		capacity = most;
	struct fact fact = {
		.signal = SIGNAL_POOL_MAX, .value = capacity, .series = series_of(name, NULL)};
	return note(console, &owner, fact, error);
}

/* ---- the whole ---- */

static void describe(const struct console *console)
{
	const struct grid *config = &console->grids[TABLE_CONFIG];
	const char *version = grid_cell(&console->grids[TABLE_VERSION], 0, "version");
	const char *clients = NULL;
	for (size_t i = 0; i < config->rows; i++) {
		const char *key = grid_cell(config, i, "key");
		if (key && strcmp(key, "max_client_conn") == 0)
			clients = grid_cell(config, i, "value");
	}
	observations_describe(console->sheet.sink, "%s, %zu pools, max_client_conn %s",
		version ? version : "PgBouncer", console->grids[TABLE_POOLS].rows,
		clients ? clients : "unknown");
}

static bool read_tables(
	struct console *console, const struct backend_answer *answer, struct error *error)
{
	struct grid_text text = {answer->bytes, answer->bytes + answer->length};
	struct error trouble = {0};
	size_t count = 0;
	while (count < TABLE_COUNT &&
		grid_next(&text, console->scratch, &console->grids[count], &trouble))
		count++;
	if (trouble.kind != ERROR_NONE)
		return error_set(error, trouble.kind, "PgBouncer's console: %s", trouble.text);
	if (count < TABLE_CONFIG)
		return error_set(error, ERROR_SYNTAX, "PgBouncer's console answers too little");
	for (size_t i = 0; i < TABLE_CONFIG; i++) {
		const struct grid *grid = &console->grids[i];
		char clean[120];
		if (!grid->code)
			continue;
		sanitise(grid->said, strlen(grid->said), clean, sizeof(clean));
		return error_set(error, ERROR_UNTRUSTED,
			"%s is refused: %s; is the user among stats_users, and the database "
			"'pgbouncer'?",
			queries[i], clean);
	}
	if (!grid_has(&console->grids[TABLE_POOLS], "sv_active"))
		return error_set(error, ERROR_SCHEMA,
			"SHOW POOLS has no column 'sv_active': is it PgBouncer, and the database "
			"'pgbouncer'?");
	return true;
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct plain *pgbouncer = instance;
	struct console *console = arena_alloc(scratch, sizeof(*console));
	if (!console)
		return error_no_memory(error, "a console's answer");
	console->source = pgbouncer->source;
	console->scratch = scratch;
	console->sheet =
		(struct sheet){sink, &pgbouncer->source->targets[ask->target], answer->arrived_ms};
	if (!read_tables(console, answer, error))
		return false;
	static bool (*const readers[])(const struct console *, size_t, struct error *) = {
		[TABLE_POOLS] = read_pool,
		[TABLE_STATS] = read_stats,
		[TABLE_DATABASES] = read_database,
	};
	for (size_t table = TABLE_POOLS; table <= TABLE_DATABASES; table++)
		for (size_t row = 0; row < console->grids[table].rows; row++)
			if (!readers[table](console, row, error))
				return false;
	if (sink->count == 0)
		observations_warn(sink, "PgBouncer has no pool of the databases that were named");
	describe(console);
	return true;
}

static const char *const keys[] = {
	"databases", "password_file", "password_env", "password_command", NULL};
static const char *const schemes[] = {"postgresql://", "postgres://", NULL};

const struct backend_ops pgbouncer_ops = {
	.name = "pgbouncer",
	.help = "PgBouncer's console, asked as a stats user: its pools and who waits for them.",
	.traits = BACKEND_NEEDS_URL | BACKEND_HAS_LOGIN,
	.keys = keys,
	.schemes = schemes,
	.trust = 80,
	.create = plain_create,
	.destroy = plain_destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
