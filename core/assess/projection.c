#include "core/assess/projection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess/ledger.h"
#include "core/assess/limits.h"
#include "core/assess/sentence.h"
#include "core/fleet/snapshot.h"

#define HALVINGS 60

void projection_init(struct projection *projection)
{
	*projection = (struct projection){.largest_safe_to = NAN};
}

void projection_finish(struct projection *projection)
{
	free(projection->lines);
	projection_init(projection);
}

bool projection_copy(const struct projection *from, struct projection *out)
{
	struct projection_line *lines = NULL;
	if (from->line_count > 0) {
		lines = calloc(from->line_count, sizeof(*lines));
		if (!lines)
			return false;
		memcpy(lines, from->lines, from->line_count * sizeof(*lines));
	}
	free(out->lines);
	*out = *from;
	out->lines = lines;
	return true;
}

/* ---- lines ---- */

static struct projection_line line_of(const struct ledger *ledger, size_t index)
{
	const struct ledger_cluster *before = &ledger->clusters[index];
	const struct effect *after = &ledger->effects[index];
	const struct effect now = {
		.high = before->high,
		.doubt = before->doubt,
		.capacity = before->capacity,
		.proven = INFINITY,
	};
	return (struct projection_line){
		.cluster = before->id,
		.share_before = before->share,
		.share_after = after->share,
		.asked_low = after->low,
		.asked_high = after->high,
		.capacity = after->capacity,
		.use_before = ledger_use(before->high, before->capacity),
		.use_low = ledger_use(fmax(after->low - after->doubt, 0), after->capacity),
		.use_high = ledger_use_most(before, after),
		.use_most_before = ledger_use_most(before, &now),
		.connections_after = after->connections,
		.connections_max = after->connections_max,
		.changed = after->changed,
		.over_ceiling = after->over_ceiling,
		.unproven = after->high + after->doubt > after->proven,
		.known = before->known,
	};
}

static void fill_lines(const struct ledger *ledger, struct projection *out)
{
	out->line_count = 0;
	for (int changed = 1; changed >= 0; changed--) {
		for (size_t i = 0; i < ledger->count; i++) {
			if (ledger->effects[i].changed == (changed == 1))
				out->lines[out->line_count++] = line_of(ledger, i);
		}
	}
}

/* ---- the arithmetic in words ---- */

/* "52.3", but "64" for a whole number. */
static void add_number(struct sentence *out, double value)
{
	sentence_add(out, "%.*f", fabs(value - round(value)) < 0.05 ? 0 : 1, value);
}

/* The line to speak of: over a limit before within, then the fullest, among those the move loads.
 */
static size_t worst_effect(const struct ledger *ledger, const struct move *move)
{
	size_t worst = ledger->count;
	double highest = -1;
	for (size_t i = 0; i < ledger->count; i++) {
		const struct effect *effect = &ledger->effects[i];
		if (!effect->changed)
			continue;
		double rank = fmin(ledger_use(effect->high, effect->capacity), 1e6);
		bool receives = move->kind != MOVE_DIVERT || effect->arriving > 0;
		rank = receives ? rank + 1 : 0;
		if (effect->over_ceiling || effect->over_database)
			rank += 1e9;
		if (rank > highest) {
			highest = rank;
			worst = i;
		}
	}
	return worst;
}

/* "87% > ceiling 85%", "84%, by chance up to 87% > ceiling 85%". */
static void tell_limit(
	const struct ledger *ledger, size_t index, double ceiling, struct sentence *out)
{
	const struct effect *effect = &ledger->effects[index];
	double brink = ledger->clusters[index].brink;
	double limit = fmin(ceiling, brink);
	double use = effect->high / effect->capacity;
	sentence_add_percent(out, use);
	if (!effect->over_ceiling)
		return;
	if (use <= limit) {
		sentence_add(out, ", by chance up to ");
		sentence_add_percent(out, (effect->high + effect->doubt) / effect->capacity);
	}
	sentence_add(out, brink < ceiling ? " > " : " > ceiling ");
	sentence_add_percent(out, limit);
	if (brink < ceiling)
		sentence_add(out, ", from where so small a pool may fill by retries");
}

static void tell_use(
	const struct ledger *ledger, size_t index, double ceiling, struct sentence *out)
{
	const struct effect *effect = &ledger->effects[index];
	if (effect->capacity <= 0) {
		sentence_add(out, "nothing would be left of %s",
			fleet_entity(ledger->snapshot->fleet, ledger->clusters[index].id)->path);
		return;
	}
	sentence_add(out, "%s would carry ",
		fleet_entity(ledger->snapshot->fleet, ledger->clusters[index].id)->path);
	if (effect->arriving > 0) {
		add_number(out, ledger->clusters[index].high);
		sentence_add(out, " + ");
		add_number(out, effect->arriving);
		sentence_add(out, " = ");
	}
	add_number(out, effect->high);
	sentence_add(out, " of ");
	add_number(out, effect->capacity);
	sentence_add(out, " connections: ");
	tell_limit(ledger, index, ceiling, out);
}

static void tell_database(
	const struct ledger *ledger, size_t index, const struct move *move, struct sentence *out)
{
	const struct effect *effect = &ledger->effects[index];
	double others = effect->connections - move->to;
	if (move->kind == MOVE_LIMIT_CONNECTIONS) {
		sentence_add(out, "; one database could get ");
		add_number(out, effect->connections);
		sentence_add(out, " connections%s", effect->over_database ? " > " : " of ");
		add_number(out, effect->connections_max);
		sentence_add(out, " it allows");
		return;
	}
	sentence_add(out, "; pools could open ");
	add_number(out, move->to);
	if (others > 0) {
		sentence_add(out, " + ");
		add_number(out, others);
		sentence_add(out, " of others = ");
		add_number(out, effect->connections);
	}
	sentence_add(out, " on one database");
	if (isnan(effect->connections_max)) {
		sentence_add(out, ", which allows nobody knows how many");
		return;
	}
	sentence_add(out, effect->over_database ? " > " : " of ");
	add_number(out, effect->connections_max);
	sentence_add(out, " it allows");
}

static void tell_sum(const struct ledger *ledger, const struct move *move, double ceiling,
	struct projection *out)
{
	struct sentence sentence;
	sentence_begin(&sentence, out->sum, sizeof(out->sum));
	size_t worst = worst_effect(ledger, move);
	if (worst == ledger->count)
		return;
	if (move->kind == MOVE_DIVERT && ledger->moved_share <= 0)
		sentence_add(&sentence, "nothing moves: ");
	tell_use(ledger, worst, ceiling, &sentence);
	if (!isnan(ledger->effects[worst].connections))
		tell_database(ledger, worst, move, &sentence);
	if (ledger->shared_share > 0) {
		sentence_add(&sentence, "; ");
		sentence_add_percent(&sentence, ledger->shared_share);
		sentence_add(&sentence, " of it lands on the same database: no relief there");
	}
	if (!out->blocked)
		return;
	double current = ledger_current(ledger, move);
	if (isnan(out->largest_safe_to)) {
		sentence_add(&sentence, "; no smaller step would be safe");
	} else {
		sentence_add(&sentence, "; the largest safe step is %s %g -> %g",
			move->kind == MOVE_DIVERT        ? "weight"
			: move->kind == MOVE_RESIZE_POOL ? "size"
							 : "limit",
			current, out->largest_safe_to);
	}
}

/* ---- the largest safe step ---- */

/* Weights and sizes that are whole numbers now are set to whole numbers: round towards where it
 * stands. */
static double round_towards(double value, double current)
{
	if (current < 2 || fabs(current - round(current)) > 1e-9)
		return value;
	return value < current ? ceil(value - 1e-6) : floor(value + 1e-6);
}

/*
 * The farther from where it stands, the worse: so halve the way between the current value, which is
 * safe by definition, and the one that is not.
 */
static double largest_safe(struct ledger *ledger, const struct move *move, double ceiling)
{
	double safe = ledger_current(ledger, move);
	double unsafe = move->to;
	double current = safe;
	if (isnan(safe))
		return NAN;
	struct move trial = *move;
	for (int i = 0; i < HALVINGS; i++) {
		trial.to = safe + (unsafe - safe) / 2;
		if (ledger_apply(ledger, &trial, ceiling))
			unsafe = trial.to;
		else
			safe = trial.to;
	}
	trial.to = round_towards(safe, current);
	bool moves = fabs(trial.to - current) > 1e-6 * fmax(1, fabs(current));
	bool blocked = ledger_apply(ledger, &trial, ceiling);
	return moves && !blocked ? trial.to : NAN;
}

bool project(const struct snapshot *snapshot, const struct assessment *assessment,
	const struct move *move, double ceiling, struct projection *out)
{
	struct ledger ledger;
	if (!ledger_init(&ledger, snapshot, assessment))
		return false;
	struct projection_line *lines = NULL;
	if (ledger.count > 0) {
		lines = calloc(ledger.count, sizeof(*lines));
		if (!lines) {
			ledger_finish(&ledger);
			return false;
		}
	}
	projection_finish(out);
	out->lines = lines;
	out->known = ledger_knows(&ledger, move, out->unknown_why);
	out->blocked = true;
	if (out->known) {
		out->unknown_why[0] = '\0';
		out->blocked = ledger_apply(&ledger, move, ceiling);
		bool has_value = move->kind == MOVE_DIVERT || move->kind == MOVE_RESIZE_POOL ||
				 move->kind == MOVE_LIMIT_RETRIES ||
				 move->kind == MOVE_LIMIT_CONNECTIONS;
		if (!out->blocked && has_value)
			out->largest_safe_to = move->to;
		if (out->blocked) {
			/* What is offered must still be safe when it is looked at again. */
			ledger.margin = PROJECTION_MARGIN;
			out->largest_safe_to = largest_safe(&ledger, move, ceiling);
			ledger.margin = 0;
			ledger_apply(&ledger, move, ceiling);
		}
		out->moved_share = ledger.moved_share;
		out->shared_share = ledger.shared_share;
		fill_lines(&ledger, out);
		tell_sum(&ledger, move, ceiling, out);
	}
	ledger_finish(&ledger);
	return true;
}
