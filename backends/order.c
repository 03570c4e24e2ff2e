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

static size_t shorter(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Some rows of two runs into one, on the other side; how many. */
static size_t merge_some(struct order *order, size_t most)
{
	const struct observation *from = order->swapped ? order->room : order->rows;
	struct observation *to = order->swapped ? order->rows : order->room;
	if (order->pair_end == order->at) { /* the next pair */
		order->left = order->at;
		order->right = order->at + shorter(order->width, order->count - order->at);
		order->left_end = order->right;
		order->pair_end = order->right + shorter(order->width, order->count - order->right);
	}
	size_t from_at = order->at, until = order->at + shorter(most, order->pair_end - order->at);
	while (order->at < until) {
		bool take_right =
			order->left == order->left_end ||
			(order->right < order->pair_end &&
				order->compare(&from[order->right], &from[order->left]) < 0);
		to[order->at++] = from[take_right ? order->right++ : order->left++];
	}
	return until - from_at;
}

/* A part of a round; how many rows it was. */
static size_t step(struct order *order, size_t most)
{
	size_t part = shorter(RUN, order->count - order->at);
	if (order->width == 0) {
		sort_run(order, order->at, order->at + part);
		order->at += part;
	} else {
		part = merge_some(order, most);
	}
	if (order->at == order->count) {
		order->swapped = order->width ? !order->swapped : false;
		order->width = order->width ? 2 * order->width : RUN;
		order->at = order->pair_end = 0;
	}
	return part;
}

bool order_step(struct order *order, size_t most)
{
	if (!order->room)
		return true;
	for (size_t done = 0; done < most && order->width < order->count;)
		done += step(order, most - done);
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
