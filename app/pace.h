/*
 * pace.h - when the next assessment is due: soon after news, and never so often that looking costs
 * more than its share.
 *
 * News is an answer that was stored, or the lack of one. What comes within PACE_GATHER_MS of the
 * first news is judged with it. Without news an assessment is due all the same every PACE_TICK_MS,
 * because ages and dwells go on. Between two assessments there is a rest of PACE_REST times what
 * one costs, so that they take no more than one part in PACE_REST + 1 of the time, however large
 * the fleet; where that rest is longer than a tick, the tick waits too, up to PACE_REST_MOST_MS.
 * Arithmetic on times that the caller brings: nothing here reads a clock.
 */
#ifndef APP_PACE_H
#define APP_PACE_H

#include <stdint.h>

#define PACE_TICK_MS 250 /* a quarter of the usual poll */
#define PACE_GATHER_MS 8 /* a picture is of what came together, and yet nearly at once */
#define PACE_REST 9      /* so that assessments take at most a tenth of one core */
#define PACE_REST_MOST_MS 1000

/* Zeroed at first: the first assessment is due at once. */
struct pace {
	int64_t ended_ms; /* the last assessment; 0: there was none */
	int64_t news_ms;  /* the first news since then; 0: there is none */
	int64_t cost_us;  /* of an assessment, smoothed */
};

void pace_news(struct pace *pace, int64_t now_ms);

/* An assessment ended that took so long, and what it was made of held all news until now. */
void pace_assessed(struct pace *pace, int64_t now_ms, int64_t took_us);

/* Steady time of the next assessment; may lie in the past. */
int64_t pace_due_ms(const struct pace *pace);

#endif
