/*
 * e2e-parity: works out with samples.h and counter.h what tests/e2e/parity.py asks, one question a
 * line, one answer a line: a number, or "none" where nothing is known.
 *
 *     SERIES is N AT_MS VALUE AT_MS VALUE ..., of the samples within the window
 *
 *     increase FROM_MS UNTIL_MS SERIES
 *     rate FROM_MS UNTIL_MS SERIES
 *     direct SERIES                       the mean of the rates between its samples
 *     predict AT_MS AHEAD_S SERIES
 *     quantile SHARE FROM_MS UNTIL_MS BUCKETS { BOUND SERIES }
 *     burn OBJECTIVE FROM_MS UNTIL_MS SERIES SERIES     errors, requests
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fleet/counter.h"
#include "core/fleet/history.h"
#include "core/fleet/samples.h"

#define SAMPLES_MOST 8192
#define BUCKETS_MOST 64

static struct sample samples[SAMPLES_MOST];

static double read_number(void)
{
	char word[64];
	if (scanf("%63s", word) != 1) {
		fputs("e2e-parity: a question ends early\n", stderr);
		exit(1);
	}
	return strtod(word, NULL);
}

static int64_t read_ms(void)
{
	return (int64_t)read_number();
}

static size_t read_series(void)
{
	size_t count = (size_t)read_number();
	if (count > SAMPLES_MOST) {
		fputs("e2e-parity: too many samples\n", stderr);
		exit(1);
	}
	for (size_t i = 0; i < count; i++) {
		samples[i].at_ms = read_ms();
		samples[i].value = read_number();
	}
	return count;
}

static bool answer_growth(double *out, bool per_second)
{
	int64_t from_ms = read_ms(), until_ms = read_ms();
	size_t count = read_series();
	if (!samples_increase(samples, count, from_ms, until_ms, out))
		return false;
	if (per_second)
		*out /= (double)(until_ms - from_ms) / 1000;
	return true;
}

static bool answer_direct(double *out)
{
	struct counter counter = {0};
	double grown = 0, seconds = 0;
	size_t count = read_series();
	for (size_t i = 0; i < count; i++) {
		int64_t before_ms = counter.last_ms;
		double rate;
		if (!counter_feed(&counter, samples[i].value, samples[i].at_ms, &rate))
			continue;
		double span_s = (double)(samples[i].at_ms - before_ms) / 1000;
		grown += rate * span_s;
		seconds += span_s;
	}
	*out = grown / seconds;
	return seconds > 0;
}

static bool answer_predict(double *out)
{
	int64_t at_ms = read_ms();
	double ahead_s = read_number();
	struct samples_line line;
	size_t count = read_series();
	if (!samples_fit(samples, count, at_ms, &line))
		return false;
	*out = line.level + line.slope * ahead_s;
	return true;
}

static bool answer_quantile(double *out)
{
	double share = read_number();
	int64_t from_ms = read_ms(), until_ms = read_ms();
	size_t given = (size_t)read_number(), known = 0;
	struct samples_bucket buckets[BUCKETS_MOST];
	for (size_t i = 0; i < given; i++) {
		double bound = read_number(), increase;
		size_t count = read_series();
		if (samples_increase(samples, count, from_ms, until_ms, &increase) &&
			known < BUCKETS_MOST)
			buckets[known++] = (struct samples_bucket){bound, increase};
	}
	*out = samples_quantile(buckets, known, share);
	return !isnan(*out);
}

static bool answer_burn(double *out)
{
	double objective = read_number(), errors = NAN, requests = NAN;
	int64_t from_ms = read_ms(), until_ms = read_ms();
	size_t count = read_series();
	bool known = samples_increase(samples, count, from_ms, until_ms, &errors);
	count = read_series();
	known = samples_increase(samples, count, from_ms, until_ms, &requests) && known;
	*out = samples_burn(errors, requests, objective);
	return known && !isnan(*out);
}

int main(void)
{
	char question[16];
	while (scanf("%15s", question) == 1) {
		double value = NAN;
		bool known = false;
		if (strcmp(question, "increase") == 0)
			known = answer_growth(&value, false);
		else if (strcmp(question, "rate") == 0)
			known = answer_growth(&value, true);
		else if (strcmp(question, "direct") == 0)
			known = answer_direct(&value);
		else if (strcmp(question, "predict") == 0)
			known = answer_predict(&value);
		else if (strcmp(question, "quantile") == 0)
			known = answer_quantile(&value);
		else if (strcmp(question, "burn") == 0)
			known = answer_burn(&value);
		else
			return 1;
		if (known)
			printf("%.17g\n", value);
		else
			puts("none");
	}
	return 0;
}
