#include "backends/order.h"

#include <stdlib.h>
#include <string.h>

#include "backends/observation.h"
#include "core/base/error.h"

#define RUN ((size_t)16) /* sorted by insertion */

bool order_begin(struct order *order, struct observation *rows, size_t count, order_fn *compare,
	struct error *error)
{
	size_t at = 1;
	*order = (struct order){.compare = compare, .rows = rows, .count = count};
	while (at < count && compare(&rows[at - 1], &rows[at]) <= 0)
		at++;
	if (at >= count)
		return true;
	order->room = reallocarray(NULL, count, sizeof(*rows));
	return order->room || error_no_memory(error, "sorting observations");
}

static void sort_run(const struct order *order, size_t from, size_t until)
{
	struct observation *rows = order->rows;
	for (size_t i = from + 1; i < until; i++) {
		struct observation moving = rows[i];
		size_t at = i;
		for (; at > from && order->compare(&moving, &rows[at - 1]) < 0; at--)
			rows[at] = rows[at - 1];
		rows[at] = moving;
	}
}

/* The two runs at `at` into one, on the other side. */
static void merge_runs(const struct order *order, size_t at)
{
	const struct observation *from = order->swapped ? order->room : order->rows;
	struct observation *to = order->swapped ? order->rows : order->room;
	size_t middle = order->count - at > order->width ? at + order->width : order->count;
	size_t end = order->count - middle > order->width ? middle + order->width : order->count;
	size_t left = at, right = middle;
	while (left < middle && right < end)
		if (order->compare(&from[right], &from[left]) < 0)
			to[at++] = from[right++];
		else
			to[at++] = from[left++];
	memcpy(&to[at], &from[left], (middle - left) * sizeof(*to));
	memcpy(&to[at + middle - left], &from[right], (end - right) * sizeof(*to));
}

/* One part of a round; how many rows it was. */
static size_t step(struct order *order)
{
	size_t part = order->width ? 2 * order->width : RUN;
	if (part > order->count - order->at)
		part = order->count - order->at;
	if (order->width == 0)
		sort_run(order, order->at, order->at + part);
	else
		merge_runs(order, order->at);
	order->at += part;
	if (order->at == order->count) {
		order->swapped = order->width ? !order->swapped : false;
		order->width = order->width ? 2 * order->width : RUN;
		order->at = 0;
	}
	return part;
}

bool order_step(struct order *order, size_t most)
{
	if (!order->room)
		return true;
	for (size_t done = 0; done < most && order->width < order->count;)
		done += step(order);
	if (order->width < order->count)
		return false;
	if (order->swapped)
		memcpy(order->rows, order->room, order->count * sizeof(*order->rows));
	order_finish(order);
	return true;
}

void order_finish(struct order *order)
{
	free(order->room);
	order->room = NULL;
}
