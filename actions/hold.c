#include "actions/hold.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actions/config.h"
#include "actions/expiry.h"
#include "actions/target.h"
#include "core/base/clock.h"
#include "core/fleet/snapshot.h"

static bool was_undone(const struct run_log *log, const struct run_entry *entry)
{
	for (size_t i = 0; i < run_log_count(log); i++) {
		const struct run_entry *other = run_log_at(log, i);
		if (strcmp(other->undo_of, entry->view.id) == 0 && other->view.code == OUTCOME_DONE)
			return true;
	}
	return false;
}

static bool is_same_setting(const struct run_entry *a, const struct run_entry *b)
{
	return a->verb->reads == b->verb->reads &&
	       strcmp(a->view.target_path, b->view.target_path) == 0;
}

static bool is_hold(const struct run_log *log, const struct run_entry *entry)
{
	return entry->verb && entry->view.expires_ms > 0 && !entry->undo_of[0] &&
	       !isnan(entry->view.from) && run_entry_may_have_changed(entry) &&
	       !was_undone(log, entry);
}

void hold_of_run(const struct run_entry *entry, int64_t now_ms, struct hold *out)
{
	const struct run_view *view = &entry->view;
	*out = (struct hold){
		.verb = entry->verb,
		.from = view->from,
		.to = view->to,
		.set_ms = view->started_ms,
		.expires_ms = view->expires_ms,
		.over_ms = run_entry_over_ms(entry),
		.is_expired = now_ms >= view->expires_ms,
		.put_offs = entry->put_offs,
		.is_certain = entry->is_closed && view->code != OUTCOME_UNKNOWN,
		.protection = view->planted[0] ? HOLD_BY_TIMER : HOLD_BY_NOTHING,
	};
	snprintf(out->planted, sizeof(out->planted), "%s", view->planted);
	snprintf(out->run, sizeof(out->run), "%s", view->id);
	snprintf(out->action, sizeof(out->action), "%s", view->action);
	snprintf(out->target_path, sizeof(out->target_path), "%s", view->target_path);
	snprintf(out->by, sizeof(out->by), "%s", view->by);
}

size_t holds_list(const struct run_log *log, int64_t now_ms, struct hold *out, size_t most)
{
	size_t count = 0;
	for (size_t i = 0; i < run_log_count(log) && count < most; i++) {
		const struct run_entry *entry = run_log_at(log, i);
		if (!is_hold(log, entry))
			continue;
		struct hold *hold = &out[count++];
		hold_of_run(entry, now_ms, hold);
		for (size_t j = 0; j < i && !hold->under[0]; j++) {
			const struct run_entry *later = run_log_at(log, j);
			if (is_hold(log, later) && is_same_setting(later, entry))
				snprintf(hold->under, sizeof(hold->under), "%s", later->view.id);
		}
	}
	return count;
}

int64_t hold_warn_ms(const struct hold *hold)
{
	int64_t half_ms = (hold->expires_ms - hold->set_ms) / 2;
	return hold->expires_ms - (half_ms < HOLD_WARN_MS ? half_ms : HOLD_WARN_MS);
}

bool hold_ends_soon(const struct hold *hold, int64_t now_ms)
{
	return now_ms >= hold_warn_ms(hold) && now_ms < hold->expires_ms;
}

bool hold_warns(const struct hold *hold, int64_t before_ms, int64_t now_ms, char *out, size_t size)
{
	char span[CLOCK_TEXT_BYTES];
	char protection[48];
	out[0] = '\0';
	if (!hold_ends_soon(hold, now_ms) || hold_warn_ms(hold) <= before_ms ||
		hold->expires_ms - hold->set_ms < HOLD_BRIEF_MS)
		return false;
	clock_format_span(hold->expires_ms - now_ms, span);
	hold_protection_words(hold, protection);
	bool is_persons = hold->protection == HOLD_BY_NOTHING || expiry_is_a_persons(hold);
	char put_off[32] = "";
	if (hold->put_offs > 0 && hold->put_offs <= EXPIRY_PUT_OFFS_MOST)
		snprintf(put_off, sizeof(put_off), " (put off %d of %d times)", hold->put_offs,
			EXPIRY_PUT_OFFS_MOST);
	snprintf(out, size,
		"%s %s %s ends in %s%s, and %s%s; 'spillway holds extend %s 30m' lets it last",
		hold->run, hold->action, hold->target_path, span, put_off,
		is_persons ? "only a person takes it back" : "is then taken back by ",
		is_persons ? "" : protection, hold->run);
	return true;
}

bool hold_ended(const struct hold *hold, int64_t before_ms, int64_t now_ms, char *out, size_t size)
{
	char protection[48];
	out[0] = '\0';
	if (hold->expires_ms <= before_ms || hold->expires_ms > now_ms ||
		hold->expires_ms - hold->set_ms < HOLD_BRIEF_MS)
		return false;
	hold_protection_words(hold, protection);
	bool is_persons = hold->protection == HOLD_BY_NOTHING || expiry_is_a_persons(hold);
	snprintf(out, size, "%s %s %s is over its time: %s%s%s", hold->run, hold->action,
		hold->target_path,
		is_persons ? "a person takes it back, 'spillway undo " : protection,
		is_persons ? hold->run : " takes it back",
		is_persons                                    ? "'"
		: hold->on_expiry == EXPIRY_REVERT_IF_HEALTHY ? " if that is healthy"
							      : "");
	return true;
}

void holds_bind(struct hold *holds, size_t count, const struct action_configs *configs)
{
	for (size_t i = 0; i < count; i++) {
		holds[i].on_expiry = EXPIRY_HOLD_AND_PAGE;
		for (size_t j = 0; j < configs->count; j++) {
			if (strcmp(configs->rows[j].info.name, holds[i].action) == 0)
				holds[i].on_expiry = configs->rows[j].on_expiry;
		}
	}
}

void hold_protection_words(const struct hold *hold, char out[48])
{
	switch (hold->protection) {
	case HOLD_BY_NOTHING:
		snprintf(out, 48, "nothing");
		return;
	case HOLD_BY_REAPER:
		snprintf(out, 48, "spillway reap");
		return;
	case HOLD_BY_CONSOLE:
		snprintf(out, 48, "this console");
		return;
	case HOLD_BY_TIMER:
		snprintf(out, 48, "a timer beside it (%s)", hold->planted);
		return;
	}
}

bool hold_is_back(const struct hold *hold, const struct snapshot *snapshot)
{
	struct target_value value;
	uint32_t target = fleet_find_path(snapshot->fleet, hold->verb->target, hold->target_path);
	if (target == ENTITY_NONE || target >= snapshot->entity_count)
		return false;
	target_read(snapshot, hold->verb, target, &value);
	if (!value.known || value.oldest_at_ms <= hold->over_ms ||
		!target_equal(value.low, hold->from) || !target_equal(value.high, hold->from))
		return false;
	return target_is_whole(snapshot, target, &value);
}
