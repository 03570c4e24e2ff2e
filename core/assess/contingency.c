#include "core/assess/contingency.h"

#include <math.h>

#include "core/assess/cluster.h"

void contingency_init(struct contingency *contingency)
{
	*contingency = (struct contingency){
		.replica = ENTITY_NONE,
		.cluster = ENTITY_NONE,
		.utilisation_now = NAN,
		.utilisation_after = NAN,
		.headroom = NAN,
		.seconds_to_timeout = NAN,
	};
}

void contingency_of(const struct cluster_view *view, double timeout_ms, struct contingency *out)
{
	contingency_init(out);
	out->cluster = view->id;
	out->utilisation_now = view->busy_minute / view->capacity;
	/* Retries come and go with errors; what stays is what first tries ask for. */
	double demand = isnan(view->demand) ? view->busy_minute : view->first_demand;
	double left = view->capacity - view->largest_capacity;
	if (isnan(demand) || isnan(left) || view->largest == ENTITY_NONE || view->serving == 0)
		return;
	out->known = true;
	out->replica = view->largest;
	bool last_one = view->serving == 1 || left <= 0;
	out->utilisation_after = last_one ? INFINITY : demand / left;
	out->headroom = 1 - out->utilisation_after;
	out->seconds_to_timeout = INFINITY;
	if (out->utilisation_after > 1)
		out->seconds_to_timeout = timeout_ms / 1000 / fmin(out->headroom * -1, 1e6);
	if (last_one)
		out->seconds_to_timeout = timeout_ms / 1000;
}
