#include "ui/figure.h"

#include <math.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/number.h"

static bool write_special(double value, char out[FIGURE_BYTES])
{
	if (isfinite(value))
		return false;
	snprintf(out, FIGURE_BYTES, "%s", isnan(value) ? "?" : value > 0 ? "inf" : "-inf");
	return true;
}

void figure_percent(double ratio, char out[FIGURE_BYTES])
{
	if (write_special(ratio, out))
		return;
	double percent = ratio * 100.0;
	int decimals = fabs(percent) < 9.95 && percent != 0.0 ? 1 : 0;
	snprintf(out, FIGURE_BYTES, "%.*f%%", decimals, percent);
}

void figure_percent_fine(double ratio, char out[FIGURE_BYTES])
{
	if (write_special(ratio, out))
		return;
	double percent = ratio * 100.0;
	snprintf(out, FIGURE_BYTES, "%.*f%%", fabs(percent) < 99.95 ? 1 : 0, percent);
}

void figure_percent_signed(double ratio, char out[FIGURE_BYTES])
{
	if (write_special(ratio, out))
		return;
	/* "-0%" would hide on which side of nothing it is. */
	double percent = ratio * 100.0;
	snprintf(out, FIGURE_BYTES, "%+.*f%%", fabs(percent) < 0.95 ? 1 : 0, percent);
}

void figure_factor(double factor, char out[FIGURE_BYTES])
{
	if (write_special(factor, out))
		return;
	int decimals = fabs(factor) < 9.995 ? 2 : fabs(factor) < 99.95 ? 1 : 0;
	snprintf(out, FIGURE_BYTES, "%.*fx", decimals, factor);
}

void figure_count(double count, char out[FIGURE_BYTES])
{
	if (write_special(count, out))
		return;
	char number[NUMBER_TEXT_BYTES];
	number_format(count, number);
	snprintf(out, FIGURE_BYTES, "%s", number);
}

void figure_rate(double per_second, char out[FIGURE_BYTES])
{
	char number[FIGURE_BYTES];
	figure_count(per_second, number);
	snprintf(out, FIGURE_BYTES, "%.30s/s", number);
}

void figure_age(int64_t age_ms, char out[FIGURE_BYTES])
{
	char span[CLOCK_TEXT_BYTES];
	if (age_ms < 0) {
		snprintf(out, FIGURE_BYTES, "?");
		return;
	}
	/* Ages in tenths of a second would only flicker. */
	clock_format_span(age_ms / 1000 * 1000, span);
	snprintf(out, FIGURE_BYTES, "%s", age_ms < 1000 ? "0s" : span);
}

void figure_wait(double ms, char out[FIGURE_BYTES])
{
	if (write_special(ms, out))
		return;
	if (ms < 999.5)
		snprintf(out, FIGURE_BYTES, "%.0fms", ms);
	else
		snprintf(out, FIGURE_BYTES, "%.1fs", ms / 1000.0);
}

void figure_short_span(int64_t span_ms, char out[FIGURE_BYTES])
{
	int64_t seconds = span_ms > 0 ? span_ms / 1000 : 0;
	if (seconds < 60)
		snprintf(out, FIGURE_BYTES, "%llds", (long long)seconds);
	else if (seconds < 7200)
		snprintf(out, FIGURE_BYTES, "%lldm", (long long)(seconds / 60));
	else
		snprintf(out, FIGURE_BYTES, "%lldh", (long long)(seconds / 3600));
}

void figure_time(int64_t at_ms, char out[FIGURE_BYTES])
{
	char text[CLOCK_TEXT_BYTES];
	if (at_ms <= 0) {
		snprintf(out, FIGURE_BYTES, "-");
		return;
	}
	clock_format_time(at_ms, text);
	snprintf(out, FIGURE_BYTES, "%.5s", text);
}

void figure_clock(int64_t at_ms, char out[FIGURE_BYTES])
{
	char text[CLOCK_TEXT_BYTES];
	clock_format_time(at_ms, text);
	snprintf(out, FIGURE_BYTES, "%s", at_ms > 0 ? text : "-");
}

void figure_elapsed(int64_t span_ms, char out[FIGURE_BYTES])
{
	int64_t seconds = span_ms > 0 ? span_ms / 1000 : 0;
	snprintf(out, FIGURE_BYTES, "+%02lld:%02lld:%02lld", (long long)(seconds / 3600),
		(long long)(seconds / 60 % 60), (long long)(seconds % 60));
}

void figure_signal(enum signal signal, double value, char out[FIGURE_BYTES])
{
	const struct signal_row *row = signal_row(signal);
	char number[FIGURE_BYTES];
	if (row->unit == UNIT_RATIO) {
		figure_percent(value, out);
	} else if (row->unit == UNIT_FACTOR) {
		figure_factor(value, out);
	} else {
		const char *unit = signal_unit_text(row->unit);
		figure_count(value, number);
		snprintf(out, FIGURE_BYTES, "%.20s%s%.16s", number,
			unit[0] && unit[0] != '/' ? " " : "", unit);
	}
}

struct state_row {
	const char *word;
	enum role role;
};

static const struct state_row states[] = {
	[SEVERITY_OK] = {" OK", ROLE_OK},
	[SEVERITY_WARNING] = {"~WARN", ROLE_WARNING},
	[SEVERITY_CRITICAL] = {"!CRIT", ROLE_CRITICAL},
	[SEVERITY_UNKNOWN] = {"?UNK", ROLE_UNKNOWN},
};

const char *state_word(enum severity severity)
{
	return states[severity].word;
}

char state_glyph(enum severity severity)
{
	return states[severity].word[0];
}

enum role state_role(enum severity severity)
{
	return states[severity].role;
}
