#include "app/pace.h"

#define SMOOTHING 4 /* one costly assessment is no costly fleet */

void pace_news(struct pace *pace, int64_t now_ms)
{
	if (pace->news_ms == 0)
		pace->news_ms = now_ms;
}

void pace_assessed(struct pace *pace, int64_t now_ms, int64_t took_us)
{
	pace->cost_us += pace->ended_ms == 0 ? took_us : (took_us - pace->cost_us) / SMOOTHING;
	pace->ended_ms = now_ms;
	pace->news_ms = 0;
}

int64_t pace_due_ms(const struct pace *pace)
{
	int64_t due_ms = pace->ended_ms + PACE_TICK_MS;
	/* Rounded up: a rest that is cut short costs more than its share. */
	int64_t rest_ms = (pace->cost_us * PACE_REST + 999) / 1000;
	if (pace->ended_ms == 0)
		return 0;
	if (pace->news_ms != 0 && pace->news_ms + PACE_GATHER_MS < due_ms)
		due_ms = pace->news_ms + PACE_GATHER_MS;
	if (rest_ms > PACE_REST_MOST_MS)
		rest_ms = PACE_REST_MOST_MS;
	return due_ms < pace->ended_ms + rest_ms ? pace->ended_ms + rest_ms : due_ms;
}
