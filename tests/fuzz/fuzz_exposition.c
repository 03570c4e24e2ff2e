/*
 * Whatever bytes a page has: it is read or refused, and in one piece or in two the verdict and
 * every sample are the same. The first byte says where to cut. A page that is good is good also for
 * one who wants nothing of it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/exposition.h"
#include "backends/observation.h"
#include "core/base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static bool digest(void *context, const struct exposition_sample *sample, struct error *error)
{
	uint64_t *hash = context;
	double value = isnan(sample->value) ? 0 : sample->value;
	(void)error;
	*hash = hash_string(*hash, sample->series->name);
	for (size_t i = 0; i < sample->series->label_count; i++) {
		*hash = hash_string(*hash, sample->series->labels[i].name);
		*hash = hash_string(*hash, sample->series->labels[i].value);
	}
	*hash = hash_bytes(*hash, &value, sizeof(value));
	*hash = hash_bytes(*hash, &sample->time_ms, sizeof(sample->time_ms));
	return true;
}

static bool wants_none(const void *context, const char *name, size_t length)
{
	(void)context;
	(void)name;
	(void)length;
	return false;
}

static bool read_page(
	const char *bytes, size_t length, size_t cut, exposition_wants_fn *wants, uint64_t *hash)
{
	struct exposition_reader reader;
	struct error error = {0};
	*hash = HASH_START;
	if (!exposition_init(&reader, digest, hash, &error))
		abort();
	reader.wants = wants;
	bool good = exposition_feed(&reader, bytes, cut, &error) &&
		    exposition_feed(&reader, bytes + cut, length - cut, &error) &&
		    exposition_end(&reader, &error);
	exposition_finish(&reader);
	if (good != (error.kind == ERROR_NONE))
		abort();
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length == 0)
		return 0;
	size_t cut = bytes[0] % length;
	const char *page = (const char *)bytes + 1;
	uint64_t whole = 0, pieces = 0;
	bool good = read_page(page, length - 1, 0, NULL, &whole);
	if (read_page(page, length - 1, cut, NULL, &pieces) != good || whole != pieces)
		abort();
	if (good && !read_page(page, length - 1, cut, wants_none, &pieces))
		abort();
	return 0;
}
