#include "backends/sim/model_internal.h"

#include <math.h>

/* ---- attempts and their deadlines ---- */

static void deadline_add(struct model *model, uint32_t slot)
{
	/* The timeout is the same for all, so the order of sending is the order of deadlines. */
	struct attempt *attempt = &model->attempts[slot];
	attempt->previous = model->last_deadline;
	attempt->next = NOBODY;
	if (model->last_deadline == NOBODY)
		model->first_deadline = slot;
	else
		model->attempts[model->last_deadline].next = slot;
	model->last_deadline = slot;
}

static void deadline_remove(struct model *model, uint32_t slot)
{
	struct attempt *attempt = &model->attempts[slot];
	if (attempt->previous == NOBODY)
		model->first_deadline = attempt->next;
	else
		model->attempts[attempt->previous].next = attempt->next;
	if (attempt->next == NOBODY)
		model->last_deadline = attempt->previous;
	else
		model->attempts[attempt->next].previous = attempt->previous;
}

int64_t auth_next_deadline_us(const struct model *model)
{
	if (model->first_deadline == NOBODY)
		return INT64_MAX;
	return model->attempts[model->first_deadline].sent_us +
	       model->scenario.auth_timeout_ms * 1000;
}

void auth_release(struct model *model, uint32_t slot)
{
	model->attempts[slot].next = model->free_attempt;
	model->free_attempt = slot;
}

/* ---- requests ---- */

static double request_age_s(const struct model *model, const struct request *request)
{
	return (double)(model->now_us - request->born_us) / 1e6;
}

static void request_release(struct model *model, uint32_t slot)
{
	model->requests[slot].next_free = model->free_request;
	model->free_request = slot;
}

static void request_fail(struct model *model, uint32_t slot)
{
	struct request *request = &model->requests[slot];
	struct cluster *cluster = &model->clusters[request->cluster];
	cluster->auth.failures_total++;
	cluster->auth.in_flight--;
	cluster->bins[model->bin].failures++;
	surface_denied(model, request->cluster, request_age_s(model, request));
	request_release(model, slot);
}

/* Whether the budget, if there is one, has room for one more retry. */
static bool retry_allowed(struct model *model, struct cluster *cluster)
{
	if (isnan(model->retry_limit))
		return true;
	if (cluster->retry_tokens < 1.0) {
		cluster->auth.denied_total++;
		return false;
	}
	cluster->retry_tokens -= 1.0;
	return true;
}

/* An attempt came to nothing: try again later, or give up. */
static void request_disappointed(struct model *model, uint32_t slot)
{
	struct request *request = &model->requests[slot];
	struct cluster *cluster = &model->clusters[request->cluster];
	if (request->tries >= model->scenario.auth_attempts || !retry_allowed(model, cluster)) {
		request_fail(model, slot);
		return;
	}
	double backoff_us = (double)model->scenario.auth_backoff_ms * 1000.0 *
			    ldexp(1.0, request->tries - 1) *
			    (0.5 + 0.5 * random_unit(&model->backoffs));
	struct event event = {
		.at_us = model->now_us + (int64_t)backoff_us, .subject = slot, .kind = EVENT_RETRY};
	if (!agenda_add(&model->agenda, event))
		request_fail(model, slot);
}

static void request_send(struct model *model, uint32_t slot)
{
	struct request *request = &model->requests[slot];
	struct cluster *cluster = &model->clusters[request->cluster];
	uint32_t attempt_slot = model->free_attempt;
	struct attempt *attempt = &model->attempts[attempt_slot];
	model->free_attempt = attempt->next;
	*attempt =
		(struct attempt){.request = slot, .running_at = NOBODY, .sent_us = model->now_us};
	request->tries++;
	cluster->auth.attempts_total++;
	cluster->auth.outstanding++;
	cluster->bins[model->bin].attempts++;
	deadline_add(model, attempt_slot);
	pool_dispatch(model, request->cluster, attempt_slot);
}

/* A budget saves up at most what ten seconds of first tries earn, and always one retry. */
static void retry_earn(struct model *model, struct cluster *cluster)
{
	if (isnan(model->retry_limit))
		return;
	double share = cluster->weight / model->weight_sum;
	double most = model->retry_limit * model->check_rate * share * 10e6;
	cluster->retry_tokens += model->retry_limit;
	if (cluster->retry_tokens > fmax(most, 1.0))
		cluster->retry_tokens = fmax(most, 1.0);
}

/* An attempt of a client that asks again without waiting for its answer. */
static void storm_send(struct model *model, struct cluster *cluster, uint16_t index)
{
	uint32_t slot = model->free_attempt;
	model->free_attempt = model->attempts[slot].next;
	model->attempts[slot] =
		(struct attempt){.request = NOBODY, .running_at = NOBODY, .sent_us = model->now_us};
	cluster->auth.attempts_total++;
	cluster->auth.timed_out_total++;
	cluster->bins[model->bin].attempts++;
	pool_dispatch(model, index, slot);
}

void auth_arrive(struct model *model, uint16_t index)
{
	struct cluster *cluster = &model->clusters[index];
	cluster->auth.first_tries_total++;
	cluster->bins[model->bin].first_tries++;
	retry_earn(model, cluster);
	uint32_t slot = model->free_request;
	if (slot == NOBODY) {
		cluster->auth.failures_total++;
		cluster->bins[model->bin].failures++;
		surface_denied(model, index, 0.0);
		return;
	}
	struct request *request = &model->requests[slot];
	model->free_request = request->next_free;
	*request = (struct request){.born_us = model->now_us, .cluster = index};
	cluster->auth.in_flight++;
	request_send(model, slot);
	for (cluster->storm_debt += model->storm; cluster->storm_debt >= 1.0;
		cluster->storm_debt -= 1.0)
		if (retry_allowed(model, cluster))
			storm_send(model, cluster, index);
}

void auth_retry(struct model *model, uint32_t request)
{
	request_send(model, request);
}

/* The client learns how its attempt ended; the read itself may live on. */
static uint32_t attempt_conclude(struct model *model, uint32_t slot)
{
	uint32_t request = model->attempts[slot].request;
	model->attempts[slot].request = NOBODY;
	deadline_remove(model, slot);
	model->clusters[model->requests[request].cluster].auth.outstanding--;
	return request;
}

void auth_answered(struct model *model, uint32_t slot)
{
	if (model->attempts[slot].request == NOBODY)
		return;
	uint32_t request_slot = attempt_conclude(model, slot);
	struct request *request = &model->requests[request_slot];
	struct auth_view *auth = &model->clusters[request->cluster].auth;
	auth->answered_total++;
	auth->successes_total++;
	auth->in_flight--;
	surface_passed(model, request->cluster, request_age_s(model, request));
	request_release(model, request_slot);
}

void auth_refused(struct model *model, uint32_t slot)
{
	if (model->attempts[slot].request == NOBODY) {
		auth_release(model, slot);
		return;
	}
	uint32_t request = attempt_conclude(model, slot);
	auth_release(model, slot);
	model->clusters[model->requests[request].cluster].auth.refused_total++;
	request_disappointed(model, request);
}

void auth_timeouts(struct model *model)
{
	uint32_t request = attempt_conclude(model, model->first_deadline);
	model->clusters[model->requests[request].cluster].auth.timed_out_total++;
	request_disappointed(model, request);
}
