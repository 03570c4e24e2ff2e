/* A runbook as people read it before they let it run. */
#include <stdio.h>

#include "actions/runbook_parts.h"
#include "core/base/clock.h"
#include "core/base/text.h"

static void print_span(const char *before, int64_t span_ms, struct text *out)
{
	char span[CLOCK_TEXT_BYTES];
	if (span_ms <= 0)
		return;
	clock_format_span(span_ms, span);
	text_printf(out, "%s%s", before, span);
}

static void print_wait(const struct runbook_row *row, struct text *out)
{
	static const char *const timeouts[] = {
		[ON_TIMEOUT_STOP] = "stop and hold",
		[ON_TIMEOUT_CONTINUE] = "go on",
		[ON_TIMEOUT_FINISH] = "finish",
		[ON_TIMEOUT_FAIL] = "fail",
	};
	text_printf(out, "wait until %s", row->until);
	print_span(" for ", row->for_ms, out);
	print_span(", at most ", row->within_ms, out);
	text_printf(out, ", then %s\n", timeouts[row->on_timeout]);
}

static void print_do(const struct runbook_row *row, struct text *out)
{
	text_printf(out, "%s %s to %s", row->action, row->target, row->to);
	if (row->ramp_by > 0) {
		text_printf(out, " by %.4g%% at a time", row->ramp_by * 100);
		print_span(", resting ", row->ramp_hold_ms, out);
	}
	if (row->repeat > 1)
		text_printf(out, ", at most %lld times while that holds", (long long)row->repeat);
	text_add(out, "\n");
	if (row->approve)
		text_add(out, "      once another person has approved the plan\n");
	if (row->proof.within_ms > 0) {
		text_printf(out, "      proved when %s", row->proof.pass_if);
		print_span(" for ", row->proof.for_ms, out);
		print_span(" within ", row->proof.within_ms, out);
		if (row->proof.fail_if)
			text_printf(out, "; failed when %s", row->proof.fail_if);
		text_add(out, "\n");
	}
	if (row->on_inconclusive == ON_TROUBLE_CONTINUE)
		text_add(out, "      neither proved nor failed: go on\n");
	if (row->on_refused == ON_TROUBLE_CONTINUE)
		text_add(out, "      refused: go on\n");
}

static void print_failure(
	const struct runbook *runbook, const struct runbook_row *row, struct text *out)
{
	const char *then = runbook->rolls_back ? ", and the run is taken back" : "";
	switch (row->on_failure) {
	case ON_FAILURE_STOP:
		return;
	case ON_FAILURE_CONTINUE:
		text_add(out, "      on failure: go on\n");
		return;
	case ON_FAILURE_ROLLBACK:
		text_printf(out, "      on failure: take back what it did%s\n", then);
		return;
	case ON_FAILURE_GOTO:
		text_printf(out, "      on failure: go to %s, at most %lld times; then stop%s\n",
			row->goto_id, (long long)row->goto_most, then);
		return;
	}
}

static void print_run(const struct runbook *runbook, struct text *out)
{
	print_span("  takes at most ", runbook->timeout_ms, out);
	if (runbook->timeout_ms > 0)
		text_add(out, "\n");
	if (!runbook->rolls_back) {
		text_add(out, "  when a failure stops it: what was done is held\n");
		return;
	}
	text_add(out, "  when a failure stops it: what was done is taken back, the newest first");
	const char *comma = ", but not what was done by ";
	for (size_t i = 0; i < runbook->row_count; i++) {
		if (!runbook->rows[i].is_excepted)
			continue;
		text_printf(out, "%s%s", comma, runbook->rows[i].id);
		comma = ", ";
	}
	text_add(out, "\n");
}

void runbook_print(const struct runbook *runbook, struct text *out)
{
	text_printf(out, "runbook %s: %zu steps\n", runbook->name, runbook->row_count);
	for (size_t i = 0; i < runbook->param_count; i++) {
		const struct runbook_param *param = &runbook->params[i];
		text_printf(out, "  parameter %s (%s%s%s%s)%s%s\n", param->name, param->kind,
			param->required ? ", required" : "", param->value ? ", default " : "",
			param->value ? param->value : "", param->help ? ": " : "",
			param->help ? param->help : "");
	}
	for (size_t i = 0; i < runbook->assert_count; i++)
		text_printf(out, "  first %s: %s, or nothing is done\n", runbook->asserts[i].id,
			runbook->asserts[i].that);
	for (size_t i = 0; i < runbook->row_count; i++) {
		const struct runbook_row *row = &runbook->rows[i];
		text_printf(out, "  %zu %s: ", i + 1, row->id);
		if (row->when)
			text_printf(out, "when %s: ", row->when);
		if (row->is_wait)
			print_wait(row, out);
		else
			print_do(row, out);
		print_span("      takes at most ", row->timeout_ms, out);
		if (row->timeout_ms > 0)
			text_add(out, "\n");
		print_failure(runbook, row, out);
	}
	print_run(runbook, out);
}
