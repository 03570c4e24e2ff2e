/*
 * A reply in one piece, in small pieces, and again by one who remembers it: all three say the same.
 * The first byte chooses the size of the pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/memo.h"
#include "backends/observation.h"
#include "backends/vector.h"
#include "core/base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* What was said, as one number. */
static bool digest(void *context, struct vector_item *item, struct error *error)
{
	uint64_t *hash = context;
	uint32_t tag = (uint32_t)item->identity & 0x7fffffff;
	(void)error;
	if (item->tag != MEMO_UNKNOWN && item->tag != tag)
		abort();
	item->tag = tag;
	*hash = hash_bytes(*hash, &item->identity, sizeof(item->identity));
	*hash = hash_bytes(*hash, &item->has_value, sizeof(item->has_value));
	if (item->has_value && item->value == item->value)
		*hash = hash_bytes(*hash, &item->value, sizeof(item->value));
	if (item->has_value)
		*hash = hash_bytes(*hash, &item->seconds, sizeof(item->seconds));
	for (size_t i = 0; i < item->series->label_count; i++)
		if (!memchr(item->series->labels[i].value, '\0',
			    strlen(item->series->labels[i].value) + 1))
			abort();
	return true;
}

/* Whether it was a good reply. */
static bool read_all(
	const char *bytes, size_t length, size_t piece, struct memo *memo, uint64_t *hash)
{
	struct vector_reader reader;
	struct error error = {0};
	*hash = HASH_START;
	if (memo)
		memo_begin(memo, 1);
	if (!vector_init(&reader, digest, hash, memo, &error))
		abort();
	bool good = true;
	for (size_t at = 0; good && at < length; at += piece) {
		size_t size = length - at < piece ? length - at : piece;
		char *copy = malloc(size); /* its end is where the piece ends */
		if (!copy)
			abort();
		memcpy(copy, bytes + at, size);
		good = vector_feed(&reader, copy, size, &error);
		free(copy);
	}
	const char *frame = good ? vector_end(&reader, &error) : NULL;
	if ((frame != NULL) != (error.kind == ERROR_NONE))
		abort();
	vector_finish(&reader);
	if (frame && memo)
		memo_keep(memo);
	return frame != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	if (size == 0)
		return 0;
	const char *bytes = (const char *)input + 1;
	size_t length = size - 1, piece = (size_t)input[0] + 1;
	uint64_t whole = 0, pieces = 0;
	bool good = read_all(bytes, length, length + 1, NULL, &whole);
	if (read_all(bytes, length, piece, NULL, &pieces) != good || (good && whole != pieces))
		abort();
	struct memo memo = {0};
	for (int i = 0; i < 3; i++) {
		size_t step = i == 1 ? piece : length + 1;
		if (read_all(bytes, length, step, &memo, &pieces) != good ||
			(good && whole != pieces))
			abort();
	}
	memo_finish(&memo);
	return 0;
}
