/*
 * scratch.h - a folder of its own for a test that needs files, and what to write into it.
 */
#ifndef TESTS_UNIT_BASE_SCRATCH_H
#define TESTS_UNIT_BASE_SCRATCH_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH_PATH_BYTES 256

/* A fresh folder below /tmp; its path in `folder`. */
static inline void scratch_make(char folder[SCRATCH_PATH_BYTES])
{
	snprintf(folder, SCRATCH_PATH_BYTES, "/tmp/spillway-base-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* "<folder>/<name>" */
static inline void scratch_path(const char *folder, const char *name, char out[SCRATCH_PATH_BYTES])
{
	int length = snprintf(out, SCRATCH_PATH_BYTES, "%s/%s", folder, name);
	ck_assert_int_lt(length, SCRATCH_PATH_BYTES);
}

static inline void scratch_write(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "wb");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
	ck_assert_int_eq(fclose(file), 0);
}

/* What the file holds, NUL-terminated, in `out`. */
static inline size_t scratch_read(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "rb");
	ck_assert_ptr_nonnull(file);
	size_t length = fread(out, 1, size - 1, file);
	out[length] = '\0';
	fclose(file);
	return length;
}

#endif
