#include "backends/agreement.h"

#include <math.h>
#include <stdlib.h>

#include "backends/observation.h"
#include "core/base/error.h"

#define NOBODY UINT32_MAX
#define STALE_INTERVALS 3
#define LEVEL_SHARE 0.5
#define LEVEL_LEAST 5.0
#define CAPACITY_SHARE 0.01

/* One source's latest word on one fact. */
struct word {
	struct claim claim;
	int64_t differs_since_ms; /* from a word that counts as much or more; 0: it does not */
	uint32_t next;            /* of the same fact */
};

struct fact {
	uint64_t key;   /* 0: free */
	uint32_t first; /* its words */
};

struct agreement {
	struct fact *facts; /* open addressing, at most half full */
	size_t fact_capacity, fact_count;
	struct word *words;
	size_t word_capacity, word_count;
};

struct agreement *agreement_create(void)
{
	return calloc(1, sizeof(struct agreement));
}

void agreement_destroy(struct agreement *agreement)
{
	if (!agreement)
		return;
	free(agreement->facts);
	free(agreement->words);
	free(agreement);
}

static uint64_t key_of(uint32_t entity, enum signal signal)
{
	return ((uint64_t)entity << 8 | (uint64_t)signal) + 1;
}

static struct fact *find(struct fact *facts, size_t capacity, uint64_t key)
{
	size_t at = (size_t)hash_mix(key) & (capacity - 1);
	while (facts[at].key != 0 && facts[at].key != key)
		at = (at + 1) & (capacity - 1);
	return &facts[at];
}

static bool reserve(struct agreement *agreement, struct error *error)
{
	if (agreement->word_count == AGREEMENT_CLAIMS_MOST)
		return error_set(error, ERROR_LIMIT, "more than %d figures from all sources",
			AGREEMENT_CLAIMS_MOST);
	if (agreement->word_count == agreement->word_capacity) {
		size_t capacity = agreement->word_capacity ? agreement->word_capacity * 2 : 256;
		struct word *words = reallocarray(agreement->words, capacity, sizeof(*words));
		if (!words)
			return error_no_memory(error, "what sources say");
		agreement->words = words;
		agreement->word_capacity = capacity;
	}
	if ((agreement->fact_count + 1) * 2 <= agreement->fact_capacity)
		return true;
	size_t capacity = agreement->fact_capacity ? agreement->fact_capacity * 2 : 512;
	struct fact *facts = calloc(capacity, sizeof(*facts));
	if (!facts)
		return error_no_memory(error, "what sources say");
	for (size_t i = 0; i < agreement->fact_capacity; i++)
		if (agreement->facts[i].key != 0)
			*find(facts, capacity, agreement->facts[i].key) = agreement->facts[i];
	free(agreement->facts);
	agreement->facts = facts;
	agreement->fact_capacity = capacity;
	return true;
}

static struct word *word_of(struct agreement *agreement, const struct claim *claim)
{
	uint64_t key = key_of(claim->entity, claim->signal);
	struct fact *fact = find(agreement->facts, agreement->fact_capacity, key);
	if (fact->key == 0) {
		*fact = (struct fact){.key = key, .first = NOBODY};
		agreement->fact_count++;
	}
	for (uint32_t at = fact->first; at != NOBODY; at = agreement->words[at].next)
		if (agreement->words[at].claim.source == claim->source)
			return &agreement->words[at];
	struct word *word = &agreement->words[agreement->word_count];
	*word = (struct word){.next = fact->first};
	fact->first = (uint32_t)agreement->word_count++;
	return word;
}

static uint32_t first_word(const struct agreement *agreement, uint32_t entity, enum signal signal)
{
	uint64_t key = key_of(entity, signal);
	const struct fact *fact = find(agreement->facts, agreement->fact_capacity, key);
	return fact->key == 0 ? NOBODY : fact->first;
}

static bool is_stale(const struct claim *claim, int64_t now_ms)
{
	return now_ms - claim->at_ms > (int64_t)claim->interval_ms * STALE_INTERVALS;
}

static bool outranks(const struct claim *a, const struct claim *b)
{
	return a->trust != b->trust ? a->trust > b->trust : a->at_ms > b->at_ms;
}

static bool on_purpose(const struct agreement *agreement, uint32_t entity, int64_t now_ms)
{
	uint32_t at = first_word(agreement, entity, SIGNAL_REPLICA_MAINTENANCE);
	for (; at != NOBODY; at = agreement->words[at].next) {
		const struct claim *claim = &agreement->words[at].claim;
		if (claim->value > 0 && !is_stale(claim, now_ms))
			return true;
	}
	return false;
}

static bool differs(const struct claim *a, const struct claim *b)
{
	double apart = fabs(a->value - b->value);
	double larger = fmax(fabs(a->value), fabs(b->value));
	if (signal_row(a->signal)->unit == UNIT_FLAG)
		return apart > 0;
	if (a->signal == SIGNAL_POOL_MAX || a->signal == SIGNAL_REPLICA_CONNECTIONS_MAX)
		return apart > larger * CAPACITY_SHARE;
	return a->trust != b->trust && apart > larger * LEVEL_SHARE && apart > LEVEL_LEAST;
}

/* The contradiction with a word that is trusted as much or more, if it has lasted. */
static void judge(const struct agreement *agreement, struct word *word, int64_t now_ms,
	struct agreement_verdict *out)
{
	const struct claim *claim = &word->claim;
	const struct claim *against = NULL;
	uint32_t at = first_word(agreement, claim->entity, claim->signal);
	for (; at != NOBODY; at = agreement->words[at].next) {
		const struct claim *other = &agreement->words[at].claim;
		if (other == claim || other->trust < claim->trust || is_stale(other, now_ms) ||
			!differs(claim, other))
			continue;
		if (!against || outranks(other, against))
			against = other;
	}
	if (against && claim->signal == SIGNAL_REPLICA_UP &&
		on_purpose(agreement, claim->entity, now_ms))
		against = NULL;
	if (!against) {
		word->differs_since_ms = 0;
		return;
	}
	if (word->differs_since_ms == 0)
		word->differs_since_ms = now_ms;
	int64_t news_ms = (int64_t)STALE_INTERVALS * (against->interval_ms > claim->interval_ms
								     ? against->interval_ms
								     : claim->interval_ms);
	if (news_ms < AGREEMENT_NEWS_MS)
		news_ms = AGREEMENT_NEWS_MS;
	out->disputed = now_ms - word->differs_since_ms >= news_ms;
	out->other = against->source;
	out->other_value = against->value;
}

bool agreement_note(struct agreement *agreement, const struct claim *claim, int64_t now_ms,
	struct agreement_verdict *out, struct error *error)
{
	if (!reserve(agreement, error))
		return false;
	struct word *word = word_of(agreement, claim);
	word->claim = *claim;
	struct agreement_verdict verdict = {.counts = true};
	uint32_t at = first_word(agreement, claim->entity, claim->signal);
	bool alone = agreement->words[at].next == NOBODY;
	for (; !alone && at != NOBODY; at = agreement->words[at].next) {
		const struct claim *other = &agreement->words[at].claim;
		if (other != &word->claim && !is_stale(other, now_ms) &&
			other->trust > claim->trust)
			verdict.counts = false;
	}
	if (!alone)
		judge(agreement, word, now_ms, &verdict);
	*out = verdict;
	return true;
}
