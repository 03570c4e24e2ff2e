/*
 * poller.h - when to ask whom, and where the answers go.
 *
 * Each target is polled on its own phase within the interval (spread by a hash of its name, so that
 * starts never coincide), with at most one request in flight; a late answer delays its own next
 * poll and nobody else's. Failures back off (doubling to 8 intervals, at most 60 s, jittered) but
 * every miss is noted at once, and a peer that says Retry-After is left alone that long (at most
 * POLLER_RETRY_MOST_MS). One host is asked at most DOOR_INSIDE_MOST things at once (door.h). The
 * poller decides nothing about health: it stores readings with their age.
 */
#ifndef BACKENDS_POLLER_H
#define BACKENDS_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command_door;
struct error;
struct fleet;
struct history;
struct http;
struct loop;
struct poller;
struct recorder;
struct sources;
struct store;

#define POLLER_RETRY_MOST_MS (5 * 60 * 1000)

/*
 * `sources` and everything it points to, and all else passed in, must outlive the poller.
 * `recorder` may be NULL. Every target becomes a source status in the store.
 */
struct poller *poller_create(struct loop *loop, struct http *http, struct fleet *fleet,
	struct store *store, struct history *history, const struct sources *sources,
	struct recorder *recorder, struct error *error);
void poller_destroy(struct poller *poller); /* cancels what is in flight */

/* How sources of kind ssh run their commands (carrier.h); without it they say that they cannot.
 * Before poller_start(); what it points to must outlive the poller. */
void poller_set_commands(struct poller *poller, const struct command_door *door);

void poller_start(struct poller *poller);

/* Whether every target has answered or failed at least once: for one-shot commands that wait for a
 * first full picture. */
bool poller_settled(const struct poller *poller);

/* How many targets answered well at least once. */
size_t poller_answered(const struct poller *poller);

/*
 * Whether what some source says is there by half: a big answer is being stored, in slices, or of a
 * poll that takes several questions some are answered and others are not. A picture taken now
 * would mix what was with what is.
 */
bool poller_is_midway(const struct poller *poller);

/* Call `fn` whenever a poll has ended, with what it said stored, or without an answer. `fn` must
 * not touch the poller. Before poller_start(). */
typedef void poller_news_fn(void *context);
void poller_on_news(struct poller *poller, poller_news_fn *fn, void *context);

/* Ask everybody now, out of turn, unless a request is in flight (the executor wants a newer
 * snapshot to verify against). */
void poller_hurry(struct poller *poller);

/* Whether a row of sources->maps has ever given a value: a name that no exporter knows never does.
 */
bool poller_row_answered(const struct poller *poller, size_t map);

#endif
