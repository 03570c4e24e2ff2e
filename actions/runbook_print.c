/* A runbook as people read it before they let it run. */
#include "actions/runbook_parts.h"
#include "core/base/clock.h"
#include "core/base/text.h"

static void print_wait(const struct runbook_row *row, struct text *out)
{
	char span[CLOCK_TEXT_BYTES];
	text_printf(out, "wait until %s", row->until);
	if (row->for_ms > 0) {
		clock_format_span(row->for_ms, span);
		text_printf(out, " for %s", span);
	}
	clock_format_span(row->within_ms, span);
	text_printf(out, ", at most %s\n", span);
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
	for (size_t i = 0; i < runbook->row_count; i++) {
		const struct runbook_row *row = &runbook->rows[i];
		text_printf(out, "  %zu %s: ", i + 1, row->id);
		if (row->when)
			text_printf(out, "when %s: ", row->when);
		if (row->is_wait)
			print_wait(row, out);
		else
			text_printf(out, "%s %s to %s\n", row->action, row->target, row->to);
	}
}
