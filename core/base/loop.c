#include "core/base/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"

#define EVENTS_PER_TURN 64
#define STALL_US 5000
#define SIGNALS 65

/*
 * A descriptor's slot, found by its number. The generation tells an event for this watch from one
 * that was fetched for an earlier watch of the same number and must not reach its successor.
 */
struct watch {
	loop_fd_fn *fn; /* NULL: not watched */
	void *context;
	unsigned events;
	uint32_t generation;
	bool always_ready; /* a regular file: epoll refuses those */
};

struct timer {
	int64_t due_ms;
	uint64_t id;
	loop_timer_fn *fn;
	void *context;
};

struct signal_slot {
	loop_signal_fn *fn;
	void *context;
};

struct loop {
	const struct clock *clock;
	int epoll_fd;
	int signal_fd; /* -1 until the first loop_signal() */
	bool stopping;
	bool signals_pending;

	struct watch *watches;
	size_t watch_slots;
	size_t always_ready;
	uint32_t generation;

	struct timer *timers; /* a heap: the parent of i is (i - 1) / 2 and never later */
	size_t timer_count;
	size_t timer_room;
	uint64_t last_timer;

	sigset_t signal_set;
	sigset_t blocked_here;
	struct signal_slot signals[SIGNALS];

	struct loop_stats stats;
};

void loop_raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= LOOP_FDS)
		return;
	limit.rlim_cur = limit.rlim_max < LOOP_FDS ? limit.rlim_max : LOOP_FDS;
	setrlimit(RLIMIT_NOFILE, &limit); /* refused, all is as it was */
}

struct loop *loop_create(const struct clock *clock, struct error *error)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	if (!loop) {
		error_no_memory(error, "the event loop");
		return NULL;
	}
	loop->clock = clock;
	loop->signal_fd = -1;
	sigemptyset(&loop->signal_set);
	sigemptyset(&loop->blocked_here);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		error_errno(error, "cannot create the event loop");
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->signal_fd >= 0) {
		/* What came too late is dropped here: unblocked, it would still end the process. */
		struct signalfd_siginfo info;
		while (read(loop->signal_fd, &info, sizeof(info)) > 0)
			continue;
		close(loop->signal_fd);
		sigprocmask(SIG_UNBLOCK, &loop->blocked_here, NULL);
	}
	close(loop->epoll_fd);
	free(loop->watches);
	free(loop->timers);
	free(loop);
}

int64_t loop_now_ms(const struct loop *loop)
{
	return clock_now_ms(loop->clock);
}

const struct clock *loop_clock(const struct loop *loop)
{
	return loop->clock;
}

/* Every callback runs between these two, so that no stall goes unseen. */
static int64_t callback_begin(struct loop *loop)
{
	loop->stats.callbacks++;
	return clock_stopwatch_us();
}

static void callback_end(struct loop *loop, int64_t began_us)
{
	int64_t took_us = clock_stopwatch_us() - began_us;
	if (took_us > loop->stats.longest_callback_us)
		loop->stats.longest_callback_us = took_us;
	if (took_us > STALL_US)
		loop->stats.stalls++;
}

/* ---- descriptors ---- */

static bool ensure_slot(struct loop *loop, int fd, struct error *error)
{
	if (fd < 0)
		return error_set(error, ERROR_IO, "cannot watch descriptor %d", fd);
	size_t needed = (size_t)fd + 1;
	if (needed > LOOP_FDS)
		return error_set(error, ERROR_LIMIT, "descriptor %d is past the loop's limit of %d",
			fd, LOOP_FDS);
	if (needed <= loop->watch_slots)
		return true;
	size_t slots = loop->watch_slots ? loop->watch_slots : 16;
	while (slots < needed)
		slots *= 2;
	struct watch *watches = realloc(loop->watches, slots * sizeof(*watches));
	if (!watches)
		return error_no_memory(error, "watching a descriptor");
	memset(watches + loop->watch_slots, 0, (slots - loop->watch_slots) * sizeof(*watches));
	loop->watches = watches;
	loop->watch_slots = slots;
	return true;
}

static uint64_t pack(int fd, uint32_t generation)
{
	return (uint64_t)generation << 32 | (uint32_t)fd;
}

/* Tell epoll; errno is set on failure. The kernel may have forgotten a closed fd, or kept a reused
 * one. */
static int register_fd(struct loop *loop, int fd, unsigned events, uint32_t generation)
{
	struct epoll_event event = {.data.u64 = pack(fd, generation)};
	if (events & LOOP_READ)
		event.events |= EPOLLIN | EPOLLRDHUP;
	if (events & LOOP_WRITE)
		event.events |= EPOLLOUT;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

bool loop_watch(struct loop *loop, int fd, unsigned events, loop_fd_fn *fn, void *context,
	struct error *error)
{
	if (!ensure_slot(loop, fd, error))
		return false;
	uint32_t generation = loop->generation + 1;
	bool always_ready = false;
	if (register_fd(loop, fd, events, generation) != 0) {
		if (errno != EPERM)
			return error_errno(error, "cannot watch descriptor %d", fd);
		always_ready = true;
	}
	struct watch *watch = &loop->watches[fd];
	loop->always_ready += always_ready;
	loop->always_ready -= watch->always_ready;
	loop->generation = generation;
	*watch = (struct watch){
		.fn = fn,
		.context = context,
		.events = events,
		.generation = generation,
		.always_ready = always_ready,
	};
	return true;
}

void loop_unwatch(struct loop *loop, int fd)
{
	if (fd < 0 || (size_t)fd >= loop->watch_slots || !loop->watches[fd].fn)
		return;
	struct watch *watch = &loop->watches[fd];
	if (!watch->always_ready)
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	loop->always_ready -= watch->always_ready;
	*watch = (struct watch){.fn = NULL};
}

static void call_watch(struct loop *loop, int fd, unsigned events)
{
	struct watch watch = loop->watches[fd];
	int64_t began_us = callback_begin(loop);
	watch.fn(watch.context, fd, events);
	callback_end(loop, began_us);
}

static void dispatch(struct loop *loop, const struct epoll_event *event)
{
	int fd = (int)(uint32_t)event->data.u64;
	uint32_t generation = (uint32_t)(event->data.u64 >> 32);
	if (fd == loop->signal_fd) {
		loop->signals_pending = true;
		return;
	}
	const struct watch *watch = &loop->watches[fd];
	if (!watch->fn || watch->generation != generation)
		return;
	unsigned events = 0;
	if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI))
		events |= LOOP_READ;
	if (event->events & EPOLLOUT)
		events |= LOOP_WRITE;
	/* Whoever waited to read or write learns the reason by trying to. */
	if (event->events & (EPOLLHUP | EPOLLERR))
		events |= LOOP_HANGUP | watch->events;
	call_watch(loop, fd, events);
}

/* Regular files, except those that were added or replaced since `newest`. */
static void dispatch_always_ready(struct loop *loop, uint32_t newest)
{
	for (size_t fd = 0; fd < loop->watch_slots && loop->always_ready > 0; fd++) {
		const struct watch *watch = &loop->watches[fd];
		/* The difference survives the counter's wrapping around. */
		if (watch->fn && watch->always_ready && newest - watch->generation <= INT32_MAX)
			call_watch(loop, (int)fd, watch->events);
	}
}

/* ---- timers ---- */

static bool is_before(const struct timer *a, const struct timer *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->id < b->id;
}

static void sift_up(struct timer *heap, size_t at)
{
	struct timer moving = heap[at];
	while (at > 0 && is_before(&moving, &heap[(at - 1) / 2])) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = moving;
}

static void sift_down(struct timer *heap, size_t count, size_t at)
{
	struct timer moving = heap[at];
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= count)
			break;
		if (child + 1 < count && is_before(&heap[child + 1], &heap[child]))
			child++;
		if (!is_before(&heap[child], &moving))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moving;
}

static void remove_timer(struct loop *loop, size_t at)
{
	size_t last = --loop->timer_count;
	if (at == last)
		return;
	loop->timers[at] = loop->timers[last];
	sift_down(loop->timers, last, at);
	sift_up(loop->timers, at);
}

uint64_t loop_timer_start(struct loop *loop, int64_t delay_ms, loop_timer_fn *fn, void *context)
{
	if (loop->timer_count == LOOP_TIMERS)
		return 0;
	if (loop->timer_count == loop->timer_room) {
		size_t room = loop->timer_room ? 2 * loop->timer_room : 16;
		struct timer *timers = realloc(loop->timers, room * sizeof(*timers));
		if (!timers)
			return 0;
		loop->timers = timers;
		loop->timer_room = room;
	}
	int64_t due_ms = loop_now_ms(loop);
	if (delay_ms > 0 && __builtin_add_overflow(due_ms, delay_ms, &due_ms))
		due_ms = INT64_MAX;
	size_t at = loop->timer_count++;
	loop->timers[at] = (struct timer){
		.due_ms = due_ms,
		.id = ++loop->last_timer,
		.fn = fn,
		.context = context,
	};
	sift_up(loop->timers, at);
	return loop->last_timer;
}

void loop_timer_stop(struct loop *loop, uint64_t id)
{
	for (size_t i = 0; id != 0 && i < loop->timer_count; i++) {
		if (loop->timers[i].id == id) {
			remove_timer(loop, i);
			return;
		}
	}
}

static bool timer_is_due(const struct loop *loop)
{
	return loop->timer_count > 0 && loop->timers[0].due_ms <= loop_now_ms(loop);
}

/* Those up to `newest`: what callbacks of this turn start waits for the next, or descriptors would
 * never get theirs. */
static void run_timers(struct loop *loop, uint64_t newest)
{
	int64_t now_ms = loop_now_ms(loop);
	while (loop->timer_count > 0) {
		struct timer timer = loop->timers[0];
		if (timer.due_ms > now_ms || timer.id > newest)
			break;
		remove_timer(loop, 0);
		int64_t began_us = callback_begin(loop);
		timer.fn(timer.context);
		callback_end(loop, began_us);
	}
}

/* ---- signals ---- */

bool loop_signal(struct loop *loop, int signal_number, loop_signal_fn *fn, void *context,
	struct error *error)
{
	if (signal_number < 1 || signal_number >= SIGNALS)
		return error_set(error, ERROR_USAGE, "no signal has the number %d", signal_number);
	sigset_t wanted = loop->signal_set;
	sigset_t one;
	sigset_t before;
	sigemptyset(&one);
	sigaddset(&one, signal_number);
	sigaddset(&wanted, signal_number);
	/* Blocked first: between the two calls it must not take its default course. */
	if (sigprocmask(SIG_BLOCK, &one, &before) != 0)
		return error_errno(error, "cannot block signal %d", signal_number);
	bool was_blocked = sigismember(&before, signal_number) == 1;
	int fd = signalfd(loop->signal_fd, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd >= 0 && loop->signal_fd < 0 && register_fd(loop, fd, LOOP_READ, 0) != 0) {
		int number = errno;
		close(fd);
		errno = number;
		fd = -1;
	}
	if (fd < 0) {
		error_errno(error, "cannot receive signal %d", signal_number);
		if (!was_blocked)
			sigprocmask(SIG_UNBLOCK, &one, NULL);
		return false;
	}
	if (!was_blocked)
		sigaddset(&loop->blocked_here, signal_number);
	loop->signal_fd = fd;
	loop->signal_set = wanted;
	loop->signals[signal_number] = (struct signal_slot){.fn = fn, .context = context};
	return true;
}

static void run_signals(struct loop *loop)
{
	struct signalfd_siginfo info;
	loop->signals_pending = false;
	while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo >= SIGNALS || !loop->signals[info.ssi_signo].fn)
			continue;
		struct signal_slot slot = loop->signals[info.ssi_signo];
		int64_t began_us = callback_begin(loop);
		slot.fn(slot.context, (int)info.ssi_signo);
		callback_end(loop, began_us);
	}
}

/* ---- turning ---- */

static int wait_ms(const struct loop *loop, int64_t max_wait_ms)
{
	int64_t wait = max_wait_ms;
	if (loop->timer_count > 0) {
		int64_t now_ms = loop_now_ms(loop);
		int64_t due_ms = loop->timers[0].due_ms;
		int64_t until_ms = due_ms > now_ms ? due_ms - now_ms : 0;
		if (wait < 0 || until_ms < wait)
			wait = until_ms;
	}
	if (wait < 0)
		return -1;
	return wait > INT_MAX ? INT_MAX : (int)wait;
}

bool loop_turn(struct loop *loop, int64_t max_wait_ms, struct error *error)
{
	loop->stats.turns++;
	bool due = timer_is_due(loop);
	uint64_t newest_timer = loop->last_timer;
	/* Where something has happened already, nobody waits for more. */
	bool busy = due || loop->always_ready > 0 || loop->stopping;

	struct epoll_event events[EVENTS_PER_TURN];
	uint32_t newest = loop->generation;
	int count = epoll_wait(
		loop->epoll_fd, events, EVENTS_PER_TURN, busy ? 0 : wait_ms(loop, max_wait_ms));
	if (count < 0 && errno != EINTR)
		return error_errno(error, "cannot wait for events");
	for (int i = 0; i < count; i++)
		dispatch(loop, &events[i]);
	dispatch_always_ready(loop, newest);
	if (due)
		run_timers(loop, newest_timer);
	if (loop->signals_pending)
		run_signals(loop);
	return true;
}

bool loop_run(struct loop *loop, struct error *error)
{
	bool ok = true;
	while (ok && !loop->stopping)
		ok = loop_turn(loop, -1, error);
	loop->stopping = false;
	return ok;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

struct loop_stats loop_stats_take(struct loop *loop)
{
	struct loop_stats stats = loop->stats;
	loop->stats = (struct loop_stats){0};
	return stats;
}
