#include "backends/sim/model_table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "backends/sim/model.h"
#include "core/base/text.h"

#define CELL_BYTES 40

/* The header of HAProxy 2.6, without the protocol-specific tail that it has for each linked-in
 * module. */
static const char *const columns[] = {"pxname", "svname", "qcur", "qmax", "scur", "smax", "slim",
	"stot", "bin", "bout", "dreq", "dresp", "ereq", "econ", "eresp", "wretr", "wredis",
	"status", "weight", "act", "bck", "chkfail", "chkdown", "lastchg", "downtime", "qlimit",
	"pid", "iid", "sid", "throttle", "lbtot", "tracked", "type", "rate", "rate_lim", "rate_max",
	"check_status", "check_code", "check_duration", "hrsp_1xx", "hrsp_2xx", "hrsp_3xx",
	"hrsp_4xx", "hrsp_5xx", "hrsp_other", "hanafail", "req_rate", "req_rate_max", "req_tot",
	"cli_abrt", "srv_abrt", "comp_in", "comp_out", "comp_byp", "comp_rsp", "lastsess",
	"last_chk", "last_agt", "qtime", "ctime", "rtime", "ttime", "agent_status", "agent_code",
	"agent_duration", "check_desc", "agent_desc", "check_rise", "check_fall", "check_health",
	"agent_rise", "agent_fall", "agent_health", "addr", "cookie", "mode", "algo", "conn_rate",
	"conn_rate_max", "conn_tot", "intercepted", "dcon", "dses", "wrew", "connect", "reuse",
	"cache_lookups", "cache_hits", "srv_icur", "src_ilim", "qtime_max", "ctime_max",
	"rtime_max", "ttime_max", "eint", "idle_conn_cur", "safe_conn_cur", "used_conn_cur",
	"need_conn_est", "uweight", "agg_server_status", "agg_server_check_status",
	"agg_check_status", "srid", "sess_other", "h1sess", "h2sess", "h3sess", "req_other",
	"h1req", "h2req", "h3req", "proto"};

#define COLUMNS (sizeof columns / sizeof columns[0])

enum row_type { ROW_FRONTEND = 0, ROW_BACKEND = 1, ROW_SERVER = 2 };

struct row {
	char cells[COLUMNS][CELL_BYTES];
};

static void row_set(struct row *row, const char *column, const char *value)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (strcmp(columns[i], column) == 0)
			snprintf(row->cells[i], CELL_BYTES, "%s", value);
}

static void row_set_count(struct row *row, const char *column, uint64_t value)
{
	char digits[CELL_BYTES];
	snprintf(digits, sizeof digits, "%" PRIu64, value);
	row_set(row, column, digits);
}

static void row_begin(struct row *row, const char *proxy, const char *server, enum row_type type)
{
	memset(row, 0, sizeof *row);
	row_set(row, "pxname", proxy);
	row_set(row, "svname", server);
	row_set_count(row, "type", (uint64_t)type);
	row_set(row, "pid", "1");
	row_set(row, "mode", type == ROW_FRONTEND ? "http" : "tcp");
}

static void row_write(const struct row *row, struct text *out)
{
	for (size_t i = 0; i < COLUMNS; i++)
		text_printf(out, "%s,", row->cells[i]);
	text_add_char(out, '\n');
}

const char *table_status(int health)
{
	static const char *const words[] = {
		[HEALTH_UP] = "UP",
		[HEALTH_UP_FAILING_1] = "UP 2/3",
		[HEALTH_UP_FAILING_2] = "UP 1/3",
		[HEALTH_DOWN] = "DOWN",
		[HEALTH_DOWN_RISING] = "DOWN 1/2",
		[HEALTH_MAINT] = "MAINT",
	};
	return words[health];
}

static void write_frontend(const struct model *model, enum surface surface, struct text *out)
{
	struct row row;
	uint64_t ok = 0, errors = 0;
	for (size_t c = 0; c < model_scenario(model)->cluster_count; c++) {
		struct surface_view view = model_surface(model, c, surface);
		ok += view.ok_total;
		errors += view.error_total;
	}
	row_begin(&row, surface == SURFACE_WEB ? "fe_web" : "fe_api", "FRONTEND", ROW_FRONTEND);
	row_set(&row, "status", "OPEN");
	row_set_count(&row, "stot", ok + errors);
	row_set_count(&row, "req_tot", ok + errors);
	row_set_count(&row, "hrsp_2xx", ok);
	row_set_count(&row, "hrsp_4xx", errors);
	row_write(&row, out);
}

static void write_server(
	const struct model *model, size_t cluster, size_t replica, struct text *out)
{
	const struct scenario_cluster *shape = &model_scenario(model)->clusters[cluster];
	struct replica_view view = model_replica(model, cluster, replica);
	bool checks_pass = view.health == HEALTH_UP || view.health == HEALTH_DOWN_RISING;
	struct row row;
	row_begin(&row, shape->name, shape->replicas[replica], ROW_SERVER);
	row_set_count(&row, "qcur", 0);
	row_set_count(&row, "scur", view.busy + view.waiting);
	row_set_count(&row, "stot", view.dispatched_total - view.refused_total);
	row_set_count(&row, "lbtot", view.dispatched_total);
	row_set_count(&row, "econ", view.refused_total);
	row_set(&row, "status", table_status((int)view.health));
	row_set(&row, "weight", "100");
	row_set(&row, "uweight", "100");
	row_set(&row, "act", "1");
	row_set(&row, "bck", "0");
	row_set_count(&row, "chkfail", view.failed_checks_total);
	row_set_count(&row, "chkdown", view.failed_checks_total / 3);
	row_set_count(
		&row, "lastchg", (uint64_t)(model_now_ms(model) - view.health_since_ms) / 1000);
	if (view.health != HEALTH_MAINT) {
		row_set(&row, "check_status", checks_pass ? "L7OK" : "L4TOUT");
		row_set(&row, "check_rise", "2");
		row_set(&row, "check_fall", "3");
	}
	row_write(&row, out);
}

static void write_backend(const struct model *model, size_t cluster, struct text *out)
{
	const struct scenario_cluster *shape = &model_scenario(model)->clusters[cluster];
	uint64_t sessions = 0, dispatched = 0, refused = 0, up = 0;
	for (size_t r = 0; r < shape->replica_count; r++) {
		struct replica_view view = model_replica(model, cluster, r);
		sessions += view.busy + view.waiting;
		dispatched += view.dispatched_total;
		refused += view.refused_total;
		up += view.health <= HEALTH_UP_FAILING_2 ? 1 : 0;
	}
	struct row row;
	row_begin(&row, shape->name, "BACKEND", ROW_BACKEND);
	row_set_count(&row, "qcur", 0);
	row_set_count(&row, "scur", sessions);
	row_set_count(&row, "stot", dispatched - refused);
	row_set_count(&row, "lbtot", dispatched);
	row_set_count(&row, "econ", refused);
	row_set(&row, "status", up > 0 ? "UP" : "DOWN");
	row_set_count(&row, "weight", up * 100);
	row_set_count(&row, "act", up);
	row_set(&row, "bck", "0");
	row_set(&row, "algo", "random");
	row_write(&row, out);
}

void table_render(const struct model *model, struct text *out)
{
	const struct scenario *scenario = model_scenario(model);
	text_add(out, "# ");
	for (size_t i = 0; i < COLUMNS; i++)
		text_printf(out, "%s,", columns[i]);
	text_add_char(out, '\n');
	for (size_t s = 0; s < SURFACE_COUNT; s++)
		write_frontend(model, (enum surface)s, out);
	for (size_t c = 0; c < scenario->cluster_count; c++) {
		for (size_t r = 0; r < scenario->clusters[c].replica_count; r++)
			write_server(model, c, r, out);
		write_backend(model, c, out);
	}
}
