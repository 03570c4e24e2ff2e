/*
 * clock.h - time as an argument.
 *
 * Everything that decides takes `int64_t now_ms`. It is steady time: milliseconds since the Unix
 * epoch, read once from the wall clock at start and carried on by the monotonic clock, so that it
 * never jumps and ages are always right. The wall clock itself is for journal records and screens.
 * A manual clock serves tests, replay and simulation.
 */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock {
	bool manual;
	int64_t offset_ms; /* system: wall minus monotonic at start; manual: the time itself */
};

void clock_init_system(struct clock *clock);
void clock_init_manual(struct clock *clock, int64_t now_ms);
void clock_set(struct clock *clock, int64_t now_ms);    /* manual clocks only */
void clock_advance(struct clock *clock, int64_t by_ms); /* manual clocks only */

/* Steady time, ms since the epoch. */
int64_t clock_now_ms(const struct clock *clock);

/* The wall clock now, ms since the epoch; equals steady time on a manual clock. */
int64_t clock_wall_ms(const struct clock *clock);

/* Monotonic microseconds, for measuring how long something took; unrelated to the epoch. */
int64_t clock_stopwatch_us(void);

#define CLOCK_TEXT_BYTES 32

/* "2026-02-04T17:06:00Z"; with_ms adds ".123". */
void clock_format(int64_t ms, bool with_ms, char out[CLOCK_TEXT_BYTES]);

/* "17:06:00" in UTC. */
void clock_format_time(int64_t ms, char out[CLOCK_TEXT_BYTES]);

/* A span for people: "450ms", "12s", "3m20s", "2h05m", "4d". */
void clock_format_span(int64_t span_ms, char out[CLOCK_TEXT_BYTES]);

/* RFC 3339 with Z or an offset, fraction optional. False when it is not one. */
bool clock_parse(const char *string, int64_t *out_ms);

#endif
