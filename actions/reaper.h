/*
 * reaper.h - whether somebody takes expired holds back: `spillway reap`, or a console in its place,
 * notes when it looked, in <journal>.reaped, and holds count as protected by it while that is
 * recent.
 */
#ifndef ACTIONS_REAPER_H
#define ACTIONS_REAPER_H

#include <stdbool.h>
#include <stdint.h>

#define REAPER_RECENT_MS (15 * 60 * 1000)

/* Best effort: a note that cannot be left only makes holds look less protected. */
void reaper_note(const char *journal, int64_t wall_ms);

/* Who noted goes and looks no more: the note says again what it did before, 0 for none. */
void reaper_forget(const char *journal, int64_t before_ms);

/* When it looked last; 0 never. */
int64_t reaper_last_ms(const char *journal);

bool reaper_is_recent(int64_t last_ms, int64_t wall_ms);

#endif
