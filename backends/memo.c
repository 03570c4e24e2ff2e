#include "backends/memo.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROWS ((size_t)256)

void memo_finish(struct memo *memo)
{
	free(memo->rows);
	free(memo->index);
	free(memo->next);
	*memo = (struct memo){0};
}

static void drop_index(struct memo *memo)
{
	free(memo->index);
	memo->index = NULL;
	memo->index_size = 0;
}

void memo_begin(struct memo *memo, uint64_t epoch)
{
	if (memo->epoch != epoch) {
		memo->count = 0;
		drop_index(memo);
	}
	memo->epoch = epoch;
	memo->next_count = memo->at = 0;
}

const struct memo_row *memo_expected(const struct memo *memo)
{
	return memo->at < memo->count ? &memo->rows[memo->at] : NULL;
}

/* Made only where an answer comes in another order than the last: at most half full. */
static bool make_index(struct memo *memo)
{
	size_t size = FIRST_ROWS;
	while (size < 2 * memo->count)
		size *= 2;
	uint32_t *index = malloc(size * sizeof(*index));
	if (!index)
		return false;
	memset(index, 0xff, size * sizeof(*index));
	for (size_t i = 0; i < memo->count; i++) {
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what is counted is there */
		size_t at = (size_t)memo->rows[i].identity & (size - 1);
		while (index[at] != MEMO_UNKNOWN)
			at = (at + 1) & (size - 1);
		index[at] = (uint32_t)i;
	}
	memo->index = index;
	memo->index_size = size;
	return true;
}

const struct memo_row *memo_find(struct memo *memo, uint64_t identity)
{
	const struct memo_row *expected = memo_expected(memo);
	if (expected && expected->identity == identity)
		return expected;
	if (memo->count == 0 || (!memo->index && !make_index(memo)))
		return NULL;
	size_t at = (size_t)identity & (memo->index_size - 1);
	for (; memo->index[at] != MEMO_UNKNOWN; at = (at + 1) & (memo->index_size - 1)) {
		if (memo->rows[memo->index[at]].identity != identity)
			continue;
		memo->at = memo->index[at];
		return &memo->rows[memo->at];
	}
	return NULL;
}

void memo_note(struct memo *memo, uint64_t identity, size_t length, uint32_t tag)
{
	const struct memo_row *expected = memo_expected(memo);
	if (expected && expected->identity == identity)
		memo->at++;
	if (memo->next_count == memo->next_capacity && memo->next_count < MEMO_ROWS_MOST) {
		size_t capacity = memo->next_capacity ? memo->next_capacity * 2 : FIRST_ROWS;
		struct memo_row *next = reallocarray(memo->next, capacity, sizeof(*next));
		if (next) {
			memo->next = next;
			memo->next_capacity = capacity;
		}
	}
	if (tag == MEMO_UNKNOWN || length > UINT32_MAX || memo->next_count == memo->next_capacity)
		return;
	memo->next[memo->next_count++] = (struct memo_row){identity, (uint32_t)length, tag};
}

void memo_keep(struct memo *memo)
{
	struct memo_row *rows = memo->rows;
	size_t capacity = memo->capacity;
	memo->rows = memo->next;
	memo->count = memo->next_count;
	memo->capacity = memo->next_capacity;
	memo->next = rows;
	memo->next_capacity = capacity;
	memo->next_count = memo->at = 0;
	drop_index(memo);
}

uint64_t memo_identity(const char *bytes, size_t length)
{
	uint64_t hash = length, other = ~(uint64_t)length, word = 0;
	/* Two chains side by side: a multiplication waits for the one before it. */
	for (; length >= 16; bytes += 16, length -= 16) {
		memcpy(&word, bytes, 8);
		hash = (hash ^ word) * 0x9fb21c651e98df25u;
		hash ^= hash >> 32;
		memcpy(&word, bytes + 8, 8);
		other = (other ^ word) * 0xd6e8feb86659fd93u;
		other ^= other >> 32;
	}
	for (; length > 0; bytes += length < 8 ? length : 8, length -= length < 8 ? length : 8) {
		word = 0;
		memcpy(&word, bytes, length < 8 ? length : 8);
		hash = (hash ^ word) * 0x9fb21c651e98df25u;
		hash ^= hash >> 32;
	}
	hash = (hash ^ (other * 0x9fb21c651e98df25u)) * 0xd6e8feb86659fd93u;
	return hash ^ (hash >> 29);
}
