#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS_PER_DAY INT64_C(86400000)

static int64_t read_us(clockid_t which)
{
	struct timespec now = {0};
	clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_init_system(struct clock *clock)
{
	*clock = (struct clock){
		.offset_ms = read_us(CLOCK_REALTIME) / 1000 - read_us(CLOCK_MONOTONIC) / 1000,
	};
}

void clock_init_manual(struct clock *clock, int64_t now_ms)
{
	*clock = (struct clock){.manual = true, .offset_ms = now_ms};
}

void clock_set(struct clock *clock, int64_t now_ms)
{
	if (clock->manual)
		clock->offset_ms = now_ms;
}

void clock_advance(struct clock *clock, int64_t by_ms)
{
	if (clock->manual)
		clock->offset_ms += by_ms;
}

int64_t clock_now_ms(const struct clock *clock)
{
	if (clock->manual)
		return clock->offset_ms;
	return clock->offset_ms + read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_wall_ms(const struct clock *clock)
{
	return clock->manual ? clock->offset_ms : read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_stopwatch_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

struct civil {
	int64_t year;
	int month; /* 1 to 12 */
	int day;   /* 1 to 31 */
};

/*
 * Days are counted in years that begin on the first of March, so that the leap day comes last, in
 * eras of 400 years, all of which have 146097 days.
 */
static struct civil civil_from_days(int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t of_era = shifted - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int month = (int)((5 * of_year + 2) / 153);
	return (struct civil){
		.year = year + era * 400 + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = (int)(of_year - (153 * month + 2) / 5 + 1),
	};
}

static int64_t days_from_civil(struct civil date)
{
	int64_t year = date.month <= 2 ? date.year - 1 : date.year;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
	int64_t of_year = (153 * month + 2) / 5 + date.day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in_month(int64_t year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

/* Split so that the time of day is never negative. */
static int64_t split_day(int64_t ms, int *of_day_ms)
{
	int64_t days = ms / MS_PER_DAY;
	int64_t rest = ms % MS_PER_DAY;
	if (rest < 0) {
		rest += MS_PER_DAY;
		days--;
	}
	*of_day_ms = (int)rest;
	return days;
}

void clock_format(int64_t ms, bool with_ms, char out[CLOCK_TEXT_BYTES])
{
	int of_day_ms = 0;
	struct civil date = civil_from_days(split_day(ms, &of_day_ms));
	int seconds = of_day_ms / 1000;
	char fraction[8] = "";
	if (with_ms)
		snprintf(fraction, sizeof(fraction), ".%03d", of_day_ms % 1000);
	/* Wider than any year of 64 bits of milliseconds needs, which the compiler cannot know. */
	char text[2 * CLOCK_TEXT_BYTES];
	snprintf(text, sizeof(text), "%04lld-%02d-%02dT%02d:%02d:%02d%sZ", (long long)date.year,
		date.month, date.day, seconds / 3600, seconds / 60 % 60, seconds % 60, fraction);
	memcpy(out, text, CLOCK_TEXT_BYTES - 1);
	out[CLOCK_TEXT_BYTES - 1] = '\0';
}

void clock_format_time(int64_t ms, char out[CLOCK_TEXT_BYTES])
{
	int of_day_ms = 0;
	split_day(ms, &of_day_ms);
	int seconds = of_day_ms / 1000;
	snprintf(out, CLOCK_TEXT_BYTES, "%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
		seconds % 60);
}

void clock_format_span(int64_t span_ms, char out[CLOCK_TEXT_BYTES])
{
	const char *sign = span_ms < 0 ? "-" : "";
	uint64_t ms = span_ms < 0 ? 0 - (uint64_t)span_ms : (uint64_t)span_ms;
	unsigned long long seconds = ms / 1000;
	unsigned long long minutes = seconds / 60;
	unsigned long long hours = minutes / 60;
	if (ms < 1000)
		snprintf(out, CLOCK_TEXT_BYTES, "%s%llums", sign, (unsigned long long)ms);
	else if (seconds < 60)
		snprintf(out, CLOCK_TEXT_BYTES, "%s%llus", sign, seconds);
	else if (minutes < 60)
		snprintf(out, CLOCK_TEXT_BYTES, "%s%llum%02llus", sign, minutes, seconds % 60);
	else if (hours < 24)
		snprintf(out, CLOCK_TEXT_BYTES, "%s%lluh%02llum", sign, hours, minutes % 60);
	else
		snprintf(out, CLOCK_TEXT_BYTES, "%s%llud", sign, hours / 24);
}

/* Exactly `digits` digits, moving *at behind them; -1 when they are not there. */
static int take_digits(const char **at, int digits)
{
	int value = 0;
	for (int i = 0; i < digits; i++) {
		char c = (*at)[i];
		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + (c - '0');
	}
	*at += digits;
	return value;
}

static bool take_char(const char **at, const char *allowed)
{
	if (**at == '\0' || !strchr(allowed, **at))
		return false;
	(*at)++;
	return true;
}

static bool take_date(const char **at, struct civil *date)
{
	date->year = take_digits(at, 4);
	if (date->year < 0 || !take_char(at, "-"))
		return false;
	date->month = take_digits(at, 2);
	if (date->month < 1 || date->month > 12 || !take_char(at, "-"))
		return false;
	date->day = take_digits(at, 2);
	return date->day >= 1 && date->day <= days_in_month(date->year, date->month);
}

/* An optional fraction of a second, any number of digits of which milliseconds are kept. */
static bool take_fraction(const char **at, int *ms)
{
	if (!take_char(at, "."))
		return true;
	int digits = 0;
	for (int scale = 100; **at >= '0' && **at <= '9'; (*at)++, digits++) {
		*ms += (**at - '0') * scale;
		scale /= 10;
	}
	return digits > 0;
}

/* Second 60 is allowed, as in RFC 3339, and is the first second of the next minute. */
static bool take_time(const char **at, int64_t *out_ms)
{
	int hour = take_digits(at, 2);
	if (hour < 0 || hour > 23 || !take_char(at, ":"))
		return false;
	int minute = take_digits(at, 2);
	if (minute < 0 || minute > 59 || !take_char(at, ":"))
		return false;
	int second = take_digits(at, 2);
	int ms = 0;
	if (second < 0 || second > 60 || !take_fraction(at, &ms))
		return false;
	*out_ms = ((int64_t)hour * 3600 + (int64_t)minute * 60 + second) * 1000 + ms;
	return true;
}

static bool take_zone(const char **at, int64_t *out_ms)
{
	*out_ms = 0;
	if (take_char(at, "Zz"))
		return true;
	bool west = **at == '-';
	if (!take_char(at, "+-"))
		return false;
	int hour = take_digits(at, 2);
	if (hour < 0 || hour > 23 || !take_char(at, ":"))
		return false;
	int minute = take_digits(at, 2);
	if (minute < 0 || minute > 59)
		return false;
	int64_t ms = ((int64_t)hour * 60 + minute) * 60000;
	*out_ms = west ? -ms : ms;
	return true;
}

bool clock_parse(const char *string, int64_t *out_ms)
{
	const char *at = string;
	struct civil date;
	int64_t of_day_ms = 0;
	int64_t zone_ms = 0;
	if (!take_date(&at, &date) || !take_char(&at, "Tt ") || !take_time(&at, &of_day_ms) ||
		!take_zone(&at, &zone_ms) || *at != '\0')
		return false;
	*out_ms = days_from_civil(date) * MS_PER_DAY + of_day_ms - zone_ms;
	return true;
}
