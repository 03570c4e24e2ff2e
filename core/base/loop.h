/*
 * loop.h - one thread, one epoll, one documented turn.
 *
 * A turn: (1) wait for descriptors until the next timer, not at all where one is due; (2) run the
 * callbacks of ready descriptors, each at most once; (3) run the timers that were due when the turn
 * began, earliest first, in order of start where equal; (4) run signal callbacks. So an answer that
 * is there comes before its own deadline, however late the process is given its turn. Timers are
 * served even when descriptors are always ready. A callback may watch, unwatch, start and stop
 * anything, itself included; what it removed is not called again in that turn.
 */
#ifndef CORE_BASE_LOOP_H
#define CORE_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct error;
struct loop;

#define LOOP_FDS 65536    /* the highest descriptor that can be watched, plus one */
#define LOOP_TIMERS 16384 /* timers running at once */

enum loop_events {
	LOOP_READ = 1 << 0,
	LOOP_WRITE = 1 << 1,
	LOOP_HANGUP = 1 << 2, /* reported, never asked for */
};

typedef void loop_fd_fn(void *context, int fd, unsigned events);
typedef void loop_timer_fn(void *context);
typedef void loop_signal_fn(void *context, int signal_number);

/*
 * Let the process have as many descriptors as its hard limit allows, LOOP_FDS at most: the usual
 * soft limit of 1024 is less than a fleet's connections. Once, at the start.
 */
void loop_raise_descriptor_limit(void);

/* `clock` stays the caller's and must outlive the loop. */
struct loop *loop_create(const struct clock *clock, struct error *error);
/* Closes nothing that the caller owns and unblocks the signals it blocked. NULL is allowed. */
void loop_destroy(struct loop *loop);

int64_t loop_now_ms(const struct loop *loop); /* steady time, see clock.h */
const struct clock *loop_clock(const struct loop *loop);

/* Watch `fd` for `events`; a second call for the same fd replaces the first. A regular file is
 * always ready. */
bool loop_watch(struct loop *loop, int fd, unsigned events, loop_fd_fn *fn, void *context,
	struct error *error);

/* Before the descriptor is closed. Harmless when it is not watched or already closed. */
void loop_unwatch(struct loop *loop, int fd);

/* Call `fn` once after `delay_ms` (0: next turn). Returns an id, 0 only without memory or past
 * LOOP_TIMERS. */
uint64_t loop_timer_start(struct loop *loop, int64_t delay_ms, loop_timer_fn *fn, void *context);
void loop_timer_stop(struct loop *loop, uint64_t id); /* harmless when it has fired or id is 0 */

/* Deliver a signal as a callback in the loop (through a signalfd; the signal is blocked for the
 * process). */
bool loop_signal(struct loop *loop, int signal_number, loop_signal_fn *fn, void *context,
	struct error *error);

/* Turn until loop_stop(), also one that came before. False only when waiting itself failed. */
bool loop_run(struct loop *loop, struct error *error);
void loop_stop(struct loop *loop);

/* One turn, waiting at most `max_wait_ms` (-1: until something happens). */
bool loop_turn(struct loop *loop, int64_t max_wait_ms, struct error *error);

struct loop_stats {
	int64_t longest_callback_us; /* since the last reset */
	uint64_t turns;
	uint64_t callbacks;
	uint64_t stalls; /* callbacks that took longer than 5 ms */
};
struct loop_stats loop_stats_take(struct loop *loop); /* returns and resets */

#endif
