#include "actions/coordination.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "actions/coordination_etcd.h"
#include "actions/coordination_lock.h"
#include "actions/lease.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/fleet/snapshot.h"

#define FLUSH_MS 2000

struct coordination {
	struct loop *loop;
	const struct coordination_config *config;
	struct coordination_self self;
	struct coordination_lock lock; /* kind file, or with the glass broken */
	struct coordination_lock kept; /* left, and given back by the timer */
	uint64_t keeps;                /* that timer; 0 none */
	char domain[ENTITY_NAME_BYTES], kept_domain[ENTITY_NAME_BYTES];
	struct etcd_desk *desk; /* NULL: kind file */
	bool is_local;          /* what was entered is the lock of this machine */
	bool is_entered;
};

struct coordination *coordination_create(struct loop *loop, struct http *http,
	const struct coordination_config *config, const char *who, struct error *error)
{
	struct coordination *coordination = calloc(1, sizeof(*coordination));
	if (!coordination) {
		error_no_memory(error, "coordination");
		return NULL;
	}
	coordination->loop = loop;
	coordination->config = config;
	coordination_self_init(&coordination->self, who);
	coordination_lock_init(&coordination->lock);
	coordination_lock_init(&coordination->kept);
	if (config->is_etcd) {
		coordination->desk =
			etcd_desk_create(loop, http, config, &coordination->self, error);
		if (!coordination->desk) {
			free(coordination);
			return NULL;
		}
	}
	return coordination;
}

static void give_kept(struct coordination *coordination)
{
	loop_timer_stop(coordination->loop, coordination->keeps);
	coordination->keeps = 0;
	coordination_lock_give(&coordination->kept);
}

void coordination_destroy(struct coordination *coordination)
{
	if (!coordination)
		return;
	give_kept(coordination);
	coordination_lock_give(&coordination->lock);
	etcd_desk_destroy(coordination->desk);
	free(coordination);
}

void coordination_flush(struct coordination *coordination)
{
	struct error error = {.kind = ERROR_NONE};
	coordination_leave(coordination, 0);
	int64_t until_ms = loop_now_ms(coordination->loop) + FLUSH_MS;
	while (coordination->desk && etcd_desk_is_leaving(coordination->desk) &&
		loop_now_ms(coordination->loop) < until_ms) {
		if (!loop_turn(coordination->loop, 100, &error))
			return;
	}
}

const char *coordination_domain(
	const struct coordination *coordination, const struct snapshot *snapshot, uint32_t target)
{
	static const char whole[] = "fleet";
	if (!coordination->config->by_region)
		return whole;
	uint32_t at = target;
	while (at != ENTITY_NONE && at != ENTITY_ROOT) {
		const struct entity *entity = fleet_entity(snapshot->fleet, at);
		if (entity->kind == ENTITY_REGION)
			return entity->name;
		at = entity->parent;
	}
	return whole;
}

static enum coordination_answer take(const struct coordination *coordination,
	struct coordination_lock *lock, const struct coordination_ask *ask,
	char text[ACTION_TEXT_BYTES])
{
	char value[LEASE_HOLDER_BYTES];
	char holder[LEASE_HOLDER_BYTES];
	char who[ACTION_TEXT_BYTES];
	struct error error = {.kind = ERROR_NONE};
	value[0] = '\0';
	if (ask->what[0])
		coordination_record_write(&coordination->self, ask->what,
			clock_wall_ms(loop_clock(coordination->loop)), value, sizeof(value));
	enum coordination_answer answer = coordination_lock_take(lock,
		coordination->config->directory, coordination->config->fleet, ask->domain, value,
		holder, sizeof(holder), &error);
	text[0] = '\0';
	if (answer == COORDINATION_DOWN) {
		sanitise(error.text, strlen(error.text), text, ACTION_TEXT_BYTES);
	} else if (answer == COORDINATION_TAKEN) {
		coordination_record_words(holder, who);
		snprintf(text, ACTION_TEXT_BYTES, "%.200s acts in '%.60s': wait for its end", who,
			ask->domain);
	}
	return answer;
}

/* Left by ourselves a moment ago, and kept for what may still land. */
static bool is_kept(const struct coordination *coordination, const char *domain)
{
	return coordination->keeps != 0 && strcmp(coordination->kept_domain, domain) == 0;
}

static enum coordination_answer enter_here(struct coordination *coordination,
	const struct coordination_ask *ask, char text[ACTION_TEXT_BYTES])
{
	enum coordination_answer answer = COORDINATION_GRANTED;
	text[0] = '\0';
	snprintf(coordination->domain, sizeof(coordination->domain), "%s", ask->domain);
	if (is_kept(coordination, ask->domain)) {
		coordination->lock = coordination->kept;
		coordination_lock_init(&coordination->kept);
		give_kept(coordination);
	} else {
		answer = take(coordination, &coordination->lock, ask, text);
	}
	coordination->is_entered = answer == COORDINATION_GRANTED;
	return answer;
}

enum coordination_answer coordination_enter(struct coordination *coordination,
	const struct coordination_ask *ask, coordination_done_fn *done, void *context,
	char text[ACTION_TEXT_BYTES])
{
	coordination->is_local = !coordination->desk || ask->breaks_glass;
	if (coordination->is_local)
		return enter_here(coordination, ask, text);
	coordination->is_entered = true;
	return etcd_desk_enter(coordination->desk, ask, done, context);
}

enum coordination_answer coordination_check(struct coordination *coordination,
	coordination_done_fn *done, void *context, char text[ACTION_TEXT_BYTES])
{
	text[0] = '\0';
	if (!coordination->is_local)
		return etcd_desk_check(coordination->desk, done, context);
	/* The kernel keeps it as long as this process lives. */
	return COORDINATION_GRANTED;
}

static void on_kept(void *context)
{
	struct coordination *coordination = context;
	coordination->keeps = 0;
	give_kept(coordination);
}

static void leave_here(struct coordination *coordination, int64_t may_land_until_ms)
{
	int64_t left_ms = may_land_until_ms - loop_now_ms(coordination->loop);
	if (left_ms > 0) {
		give_kept(coordination);
		coordination->kept = coordination->lock;
		memcpy(coordination->kept_domain, coordination->domain,
			sizeof(coordination->domain));
		coordination_lock_init(&coordination->lock);
		coordination->keeps =
			loop_timer_start(coordination->loop, left_ms, on_kept, coordination);
	}
	coordination_lock_give(&coordination->lock);
}

void coordination_leave(struct coordination *coordination, int64_t may_land_until_ms)
{
	if (!coordination->is_entered)
		return;
	coordination->is_entered = false;
	if (coordination->is_local)
		leave_here(coordination, may_land_until_ms);
	else
		etcd_desk_leave(coordination->desk, may_land_until_ms);
}

bool coordination_is_remote(const struct coordination *coordination)
{
	return coordination->desk && !coordination->is_local;
}

void coordination_look(
	struct coordination *coordination, const char *domain, struct coordination_view *out)
{
	*out = (struct coordination_view){.state = COORDINATION_GRANTED};
	if (coordination->desk) {
		etcd_desk_look(coordination->desk, domain, out);
		return;
	}
	if (coordination->is_entered || is_kept(coordination, domain))
		return;
	/* Taking it for a moment is the only way to know. */
	struct coordination_lock lock;
	const struct coordination_ask ask = {.domain = domain, .what = ""};
	coordination_lock_init(&lock);
	out->state = take(coordination, &lock, &ask, out->text);
	coordination_lock_give(&lock);
}

size_t coordination_peers(
	const struct coordination *coordination, struct coordination_peer *out, size_t most)
{
	return coordination->desk ? etcd_desk_peers(coordination->desk, out, most) : 0;
}

size_t coordination_holds(
	const struct coordination *coordination, int64_t now_ms, struct hold *out, size_t most)
{
	return coordination->desk ? etcd_desk_holds(coordination->desk, now_ms, out, most) : 0;
}

bool coordination_note(
	struct coordination *coordination, const char *name, const char *value, int64_t ttl_ms)
{
	return !coordination->desk || etcd_desk_note(coordination->desk, name, value, ttl_ms);
}

enum coordination_answer coordination_noted(
	const struct coordination *coordination, char text[ACTION_TEXT_BYTES])
{
	text[0] = '\0';
	return coordination->desk ? etcd_desk_noted(coordination->desk, text)
				  : COORDINATION_GRANTED;
}

size_t coordination_notes(
	const struct coordination *coordination, const char *prefix, const char **out, size_t most)
{
	return coordination->desk ? etcd_desk_notes(coordination->desk, prefix, out, most) : 0;
}

bool coordination_publish(struct coordination *coordination, const struct hold *holds, size_t count,
	struct error *error)
{
	return !coordination->desk || etcd_desk_publish(coordination->desk, holds, count, error);
}
