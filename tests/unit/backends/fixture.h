/*
 * fixture.h - bodies that real servers sent, or that their documentation shows, for the tests of
 * kinds.
 */
#ifndef TESTS_UNIT_BACKENDS_FIXTURE_H
#define TESTS_UNIT_BACKENDS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/backends/bench.h"

#define FIXTURE_BYTES ((size_t)1 << 20)

/* The whole file, NUL-terminated; free() it. */
static inline char *fixture_read(const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), TEST_SOURCE_DIR "/tests/unit/backends/fixtures/%s", name);
	FILE *file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s", path);
	char *bytes = calloc(1, FIXTURE_BYTES);
	ck_assert_ptr_nonnull(bytes);
	size_t length = fread(bytes, 1, FIXTURE_BYTES - 1, file);
	ck_assert(length > 0 && length < FIXTURE_BYTES - 1);
	fclose(file);
	return bytes;
}

/* The answer to step `step` is that file: it must be taken. */
static inline void fixture_accept(struct bench *bench, size_t step, const char *name)
{
	char *body = fixture_read(name);
	bench->ask.step = step;
	ck_assert_msg(bench_accept(bench, body), "%s", bench->error.text);
	free(body);
}

struct fixture_fact {
	enum entity_kind kind;
	const char *path;
	enum signal signal;
	double value; /* NAN: absent */
};

/* That each fact is as it should be, absence included. */
static inline void fixture_expect(
	const struct bench *bench, const struct fixture_fact *facts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		double value = bench_value(bench, facts[i].kind, facts[i].path, facts[i].signal);
		bool same =
			isnan(facts[i].value) ? isnan(value) : fabs(value - facts[i].value) < 1e-9;
		ck_assert_msg(same, "%s of %s is %g, not %g", signal_row(facts[i].signal)->name,
			facts[i].path, value, facts[i].value);
	}
}

/* An answer that is no good, and what the error must say of it. */
struct fixture_refusal {
	size_t step;
	int status;
	const char *body, *says;
};

static inline void fixture_refuse(struct bench *bench, const struct fixture_refusal *refusal)
{
	bench->ask.step = refusal->step;
	bench->answer.status = refusal->status;
	ck_assert_msg(!bench_accept(bench, refusal->body), "it was taken");
	ck_assert_msg(strstr(bench->error.text, refusal->says) != NULL, "%s", bench->error.text);
}

#define FIXTURE_COUNT(table) (sizeof(table) / sizeof((table)[0]))

#endif
