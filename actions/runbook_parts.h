/*
 * runbook_parts.h - a runbook as read, shared by its reader and its engine.
 */
#ifndef ACTIONS_RUNBOOK_PARTS_H
#define ACTIONS_RUNBOOK_PARTS_H

#include "actions/runbook.h"
#include "core/base/expression.h"

#define RUNBOOK_STRING_BYTES 1200 /* of one string after its parameters were put in */
#define RUNBOOK_WORST "worst"

enum on_unknown { ON_UNKNOWN_STOP, ON_UNKNOWN_SKIP };
enum on_trouble { ON_TROUBLE_STOP, ON_TROUBLE_CONTINUE };
enum on_timeout { ON_TIMEOUT_STOP, ON_TIMEOUT_CONTINUE, ON_TIMEOUT_FINISH, ON_TIMEOUT_FAIL };
enum on_failure {
	ON_FAILURE_STOP,
	ON_FAILURE_CONTINUE,
	ON_FAILURE_ROLLBACK,
	ON_FAILURE_GOTO,
};

/* How a change is proved beyond reading it back; `within_ms` 0: it is not. */
struct runbook_proof {
	const char *pass_if, *fail_if; /* NULL: not asked */
	int64_t for_ms, within_ms;
};

struct runbook_assert {
	const char *id, *that;
	int line;
};

/* One step: it waits or it does. */
struct runbook_row {
	const char *id;
	const char *when; /* NULL: always */
	int on_unknown, on_inconclusive, on_refused;
	bool is_wait;
	const char *until;
	int64_t for_ms, within_ms;
	int on_timeout;
	const char *action, *target, *to;
	int64_t repeat;
	int64_t timeout_ms; /* 0: none */
	bool approve;
	bool says_on_failure; /* the step itself does */
	enum on_failure on_failure;
	const char *goto_id; /* ON_FAILURE_GOTO */
	int64_t goto_most;
	struct runbook_proof proof;
	double ramp_by; /* share of the larger end of the way; not above 0: at once */
	int64_t ramp_hold_ms;
	bool is_excepted; /* from the run's rollback */
	int line;
};

struct runbook {
	const char *name;
	const char *file;
	struct runbook_param params[RUNBOOK_PARAMS_MOST];
	size_t param_count;
	struct runbook_row rows[RUNBOOK_STEPS_MOST];
	size_t row_count;
	struct runbook_assert asserts[RUNBOOK_ASSERTS_MOST];
	size_t assert_count;
	int64_t timeout_ms; /* of the whole run; 0: none */
	bool keeps_going, rolls_back;
};

/* The row of that id; row_count: there is none. */
size_t runbook_find_row(const struct runbook *runbook, const char *id);

enum amount_kind { AMOUNT_ABSOLUTE, AMOUNT_TIMES, AMOUNT_LESS, AMOUNT_LARGEST_SAFE };

struct amount {
	enum amount_kind kind;
	double number; /* TIMES: the factor; LESS: the share taken off */
};

/* "40", "x1.5", "-25%", "largest-safe". */
bool amount_parse(const char *text, struct amount *out);

/* Put parameters in for {name}. Errors: ERROR_SCHEMA for an unknown one, ERROR_LIMIT. */
bool runbook_fill(const char *source, const struct runbook_param *params, size_t count,
	char out[RUNBOOK_STRING_BYTES], struct error *error);

/* ---- what names in conditions stand for ---- */

/* What names were before a change. */
struct runbook_before {
	struct {
		char name[96];
		double value; /* NAN: not known, or no number */
	} rows[RUNBOOK_BEFORE_MOST];
	size_t count;
};

struct runbook_view {
	const struct snapshot *snapshot;
	const struct assessment *assessment; /* NULL: only which names there are is asked */
	uint32_t worst;                      /* the cluster `worst` is bound to, ENTITY_NONE */
	const struct runbook_before *before; /* NULL: nothing is known of before */
};

/* Keep what the names in `expression` that begin with "before." are now. */
void runbook_keep_before(const struct expression *expression, const struct runbook_view *view,
	struct runbook_before *out);

/* Whether there is a name, with or without an [argument], in any fleet. */
bool runbook_name_exists(const char *name, bool has_argument);

bool runbook_lookup(
	void *context, const char *name, const char *argument, struct expression_value *out);

/* A cluster by name, `worst` included; ENTITY_NONE when there is none. */
uint32_t runbook_cluster(const struct runbook_view *view, const char *name);

#endif
