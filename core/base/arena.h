/*
 * arena.h - memory that is freed as a whole.
 *
 * Something is parsed or built into an arena, used, and dropped with it. An arena has a limit given
 * at birth, so hostile input ends as ERROR_LIMIT and not as an empty machine.
 */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* A new arena that will hand out at most `limit_bytes`. NULL when there is no memory. */
struct arena *arena_create(size_t limit_bytes);

/* Frees everything the arena handed out. NULL is allowed. */
void arena_destroy(struct arena *arena);

/* Zeroed memory, aligned for any type, living as long as the arena. NULL past the limit or without
 * memory. */
void *arena_alloc(struct arena *arena, size_t bytes);

/* Room for `count` objects of `size` bytes, zeroed; NULL also when count * size overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* Copies with a terminating NUL. NULL as for arena_alloc(). */
char *arena_strdup(struct arena *arena, const char *string);
char *arena_strndup(struct arena *arena, const char *bytes, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Forget all contents but keep the first block for reuse; earlier pointers become invalid. */
void arena_reset(struct arena *arena);

/* Bytes handed out since creation or reset. */
size_t arena_used_bytes(const struct arena *arena);

#endif
