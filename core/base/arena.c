#include "core/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
/* A gap behind every object, so that running off its end is seen and does not hit the next one. */
#define GAP_BYTES 16
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#define GAP_BYTES 0
#endif

#define ALIGNMENT alignof(max_align_t)
#define FIRST_BLOCK_BYTES ((size_t)4096)
#define LARGEST_BLOCK_BYTES ((size_t)65536)

struct block {
	struct block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) char bytes[];
};

struct arena {
	struct block *first;
	struct block *current;
	size_t limit_bytes;
	size_t used_bytes;
	size_t next_block_bytes;
};

struct arena *arena_create(size_t limit_bytes)
{
	struct arena *arena = calloc(1, sizeof(*arena));
	if (!arena)
		return NULL;
	arena->limit_bytes = limit_bytes;
	arena->next_block_bytes = FIRST_BLOCK_BYTES;
	return arena;
}

static void free_blocks(struct block *block)
{
	while (block) {
		struct block *next = block->next;
		ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
		free(block);
		block = next;
	}
}

void arena_destroy(struct arena *arena)
{
	if (!arena)
		return;
	free_blocks(arena->first);
	free(arena);
}

static struct block *add_block(struct arena *arena, size_t least_bytes)
{
	size_t size = arena->next_block_bytes;
	if (size < least_bytes)
		size = least_bytes;
	struct block *block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	*block = (struct block){.size = size};
	ASAN_POISON_MEMORY_REGION(block->bytes, size);
	if (arena->current)
		arena->current->next = block;
	else
		arena->first = block;
	arena->current = block;
	if (arena->next_block_bytes < LARGEST_BLOCK_BYTES)
		arena->next_block_bytes *= 2;
	return block;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	if (bytes > SIZE_MAX - 2 * sizeof(struct block) - ALIGNMENT)
		return NULL;
	size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (rounded == 0)
		rounded = ALIGNMENT; /* even nothing has an address of its own */
	if (rounded > arena->limit_bytes - arena->used_bytes)
		return NULL;

	size_t needed = rounded + GAP_BYTES;
	struct block *block = arena->current;
	if (!block || needed > block->size - block->used)
		block = add_block(arena, needed);
	if (!block)
		return NULL;
	char *memory = block->bytes + block->used;
	block->used += needed;
	arena->used_bytes += rounded;
	ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
	memset(memory, 0, bytes);
	return memory;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	return arena_alloc(arena, count * size);
}

char *arena_strndup(struct arena *arena, const char *bytes, size_t length)
{
	if (length == SIZE_MAX)
		return NULL;
	char *copy = arena_alloc(arena, length + 1);
	if (copy && length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *string)
{
	return arena_strndup(arena, string, strlen(string));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	va_list again;
	va_start(arguments, format);
	va_copy(again, arguments);
	char *string = NULL;
	int length = vsnprintf(NULL, 0, format, arguments);
	if (length >= 0)
		string = arena_alloc(arena, (size_t)length + 1);
	if (string)
		vsnprintf(string, (size_t)length + 1, format, again);
	va_end(again);
	va_end(arguments);
	return string;
}

void arena_reset(struct arena *arena)
{
	struct block *first = arena->first;
	arena->used_bytes = 0;
	arena->next_block_bytes = FIRST_BLOCK_BYTES;
	if (!first)
		return;
	free_blocks(first->next);
	first->next = NULL;
	first->used = 0;
	arena->current = first;
	ASAN_POISON_MEMORY_REGION(first->bytes, first->size);
}

size_t arena_used_bytes(const struct arena *arena)
{
	return arena->used_bytes;
}
