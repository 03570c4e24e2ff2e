/*
 * answer.h - what an HTTP answer is when it is not what was asked for, said to people.
 *
 * Exporters sit behind proxies, login pages and load balancers, which answer in their place. The
 * sentences name what came, from where, and what to do about it.
 */
#ifndef BACKENDS_ANSWER_H
#define BACKENDS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backend_answer;
struct error;
struct observations;

#define ANSWER_PLACE_BYTES 80
#define ANSWER_SKEW_MS 2000 /* clocks nearer than this are taken as equal */

/* A url fit to be shown: without its query, cut to size. */
void answer_place(const char *url, char out[ANSWER_PLACE_BYTES]);

/*
 * Whether the answer is a 200 that could be `expected` ("Prometheus text"). If not, the error says
 * why: ERROR_UNTRUSTED for 401 and 403, ERROR_UNREACHABLE for 5xx, ERROR_SCHEMA for all else
 * (redirects, HTML, an empty body).
 */
bool answer_check(const struct backend_answer *answer, const char *url, const char *expected,
	struct error *error);

/* Whether the body looks like HTML, whatever its type says. */
bool answer_is_html(const struct backend_answer *answer);

/* What to add to the peer's times to have them in ours; 0 when its clock is near or unknown. It may
 * have written the date at any time from being asked to its last byte. */
int64_t answer_skew_ms(const struct backend_answer *answer);

/* A time of the peer in ours, never later than the arrival. */
int64_t answer_time_ms(const struct backend_answer *answer, int64_t peer_ms);

/*
 * Whoever reads an answer while it comes does not know yet when it will have arrived: he notes the
 * peer's times as they are, and OBSERVATION_ARRIVAL where there is none. This makes them ours.
 */
void answer_settle(const struct backend_answer *answer, struct observations *sink);

#endif
