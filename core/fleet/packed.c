#include "core/fleet/packed.h"

#include <math.h>
#include <string.h>

#include "core/fleet/history.h"

#define RAW_BITS 64 /* values as they are */
#define WIDEST_BITS 48
#define STEP_FRACTION 16 /* bits: intervals of 1000.4 ms must not drift */
#define STEP_SPAN_MOST ((int64_t)1 << 46)

struct head {
	int64_t first_ms;
	int64_t early_ms; /* how far off the step the earliest sample is */
	int64_t low;      /* the least value in steps of 2^exponent */
	uint64_t step;    /* in 2^-STEP_FRACTION ms */
	int16_t exponent;
	uint8_t time_bits, value_bits;
	uint8_t count;
};

#define HEAD_BYTES ((size_t)37) /* without the padding that the compiler would add */

static void head_write(const struct head *head, uint8_t *out)
{
	memcpy(out, &head->first_ms, 8);
	memcpy(out + 8, &head->early_ms, 8);
	memcpy(out + 16, &head->low, 8);
	memcpy(out + 24, &head->step, 8);
	memcpy(out + 32, &head->exponent, 2);
	out[34] = head->time_bits;
	out[35] = head->value_bits;
	out[36] = head->count;
}

static struct head head_read(const uint8_t *block)
{
	struct head head = {.time_bits = block[34], .value_bits = block[35], .count = block[36]};
	memcpy(&head.first_ms, block, 8);
	memcpy(&head.early_ms, block + 8, 8);
	memcpy(&head.low, block + 16, 8);
	memcpy(&head.step, block + 24, 8);
	memcpy(&head.exponent, block + 32, 2);
	return head;
}

static size_t body_bytes(const struct head *head)
{
	return (head->count * (size_t)(head->time_bits + head->value_bits) + 7) / 8;
}

/* ---- bits ---- */

static unsigned width(uint64_t value)
{
	return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

/* Into zeroed bytes; a shift by the width of a type is undefined, hence the branches. */
static void put_bits(uint8_t *bytes, size_t at, unsigned bits, uint64_t value)
{
	if (bits == 0)
		return;
	uint8_t *place = bytes + at / 8;
	unsigned shift = (unsigned)(at % 8);
	uint64_t word;
	memcpy(&word, place, 8);
	word |= value << shift;
	memcpy(place, &word, 8);
	if (shift > 0 && shift + bits > 64)
		place[8] = (uint8_t)(place[8] | (value >> (64 - shift)));
}

static uint64_t get_bits(const uint8_t *bytes, size_t at, unsigned bits)
{
	if (bits == 0)
		return 0;
	const uint8_t *place = bytes + at / 8;
	unsigned shift = (unsigned)(at % 8);
	uint64_t word;
	memcpy(&word, place, 8);
	word >>= shift;
	if (shift > 0 && shift + bits > 64)
		word |= (uint64_t)place[8] << (64 - shift);
	return bits == 64 ? word : word & ((1ull << bits) - 1);
}

/* ---- packing ---- */

/* When the sample would be, were all steps equal. */
static int64_t even_ms(const struct head *head, size_t index)
{
	return head->first_ms + (int64_t)(index * head->step >> STEP_FRACTION);
}

static void fit_times(struct head *head, const struct sample *samples)
{
	size_t count = head->count;
	int64_t span_ms = samples[count - 1].at_ms - samples[0].at_ms;
	head->first_ms = samples[0].at_ms;
	if (count > 1 && span_ms < STEP_SPAN_MOST)
		head->step = ((uint64_t)span_ms << STEP_FRACTION) / (count - 1);
	int64_t early_ms = 0, late_ms = 0;
	for (size_t i = 0; i < count; i++) {
		int64_t off_ms = samples[i].at_ms - even_ms(head, i);
		early_ms = off_ms < early_ms ? off_ms : early_ms;
		late_ms = off_ms > late_ms ? off_ms : late_ms;
	}
	head->early_ms = early_ms;
	head->time_bits = (uint8_t)width((uint64_t)(late_ms - early_ms));
}

/* The exponent of the lowest bit that a value has; zero has none. */
static int lowest_exponent(double value)
{
	int exponent = 0;
	double fraction = frexp(fabs(value), &exponent);
	uint64_t whole = (uint64_t)ldexp(fraction, 53);
	return exponent - 53 + __builtin_ctzll(whole);
}

static double rounded(double value)
{
	int exponent = 0;
	double fraction = frexp(value, &exponent);
	double near = ldexp(
		rint(ldexp(fraction, PACKED_SIGNIFICANT_BITS)), exponent - PACKED_SIGNIFICANT_BITS);
	return isfinite(near) ? near : value;
}

/* A common step of all values and the bits they then need; false where that is more than `most`. */
static bool fit_values(struct head *head, const double *values, unsigned most)
{
	int exponent = INT16_MAX;
	double low = values[0], high = values[0];
	for (size_t i = 0; i < head->count; i++) {
		low = values[i] < low ? values[i] : low;
		high = values[i] > high ? values[i] : high;
		int lowest = values[i] != 0 ? lowest_exponent(values[i]) : INT16_MAX;
		exponent = lowest < exponent ? lowest : exponent;
	}
	if (exponent == INT16_MAX)
		exponent = 0;
	double reach = fmax(fabs(low), fabs(high));
	/* Below, ldexp() must neither overflow nor lose the least normal bits. */
	if (exponent < -900 || exponent > 900 || ldexp(reach, -exponent) >= 0x1p53)
		return false;
	int64_t first = (int64_t)ldexp(low, -exponent), last = (int64_t)ldexp(high, -exponent);
	unsigned bits = width((uint64_t)(last - first));
	if (bits > most)
		return false;
	head->exponent = (int16_t)exponent;
	head->low = first;
	head->value_bits = (uint8_t)bits;
	return true;
}

static void fit(struct head *head, const struct sample *samples, double *values)
{
	fit_times(head, samples);
	for (size_t i = 0; i < head->count; i++)
		values[i] = samples[i].value;
	if (fit_values(head, values, PACKED_EXACT_BITS))
		return;
	for (size_t i = 0; i < head->count; i++)
		values[i] = rounded(values[i]);
	if (fit_values(head, values, WIDEST_BITS))
		return;
	head->value_bits = RAW_BITS;
	for (size_t i = 0; i < head->count; i++)
		values[i] = samples[i].value;
}

static uint64_t value_word(const struct head *head, double value, double scale)
{
	uint64_t word;
	if (head->value_bits != RAW_BITS)
		return (uint64_t)((int64_t)(value * scale) - head->low);
	memcpy(&word, &value, sizeof(word));
	return word;
}

size_t packed_write(const struct sample *samples, size_t count, uint8_t *out)
{
	struct head head = {.count = (uint8_t)count};
	double values[PACKED_SAMPLES_MOST] = {0};
	fit(&head, samples, values);
	head_write(&head, out);
	uint8_t *body = out + HEAD_BYTES;
	memset(body, 0, body_bytes(&head) + PACKED_SLACK);
	double scale = ldexp(1, -head.exponent);
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		int64_t off_ms = samples[i].at_ms - even_ms(&head, i);
		put_bits(body, at, head.time_bits, (uint64_t)(off_ms - head.early_ms));
		at += head.time_bits;
		put_bits(body, at, head.value_bits, value_word(&head, values[i], scale));
		at += head.value_bits;
	}
	return HEAD_BYTES + body_bytes(&head);
}

/* ---- unpacking ---- */

size_t packed_bytes(const uint8_t *block)
{
	struct head head = head_read(block);
	return HEAD_BYTES + body_bytes(&head);
}

size_t packed_count(const uint8_t *block)
{
	return block[36];
}

int64_t packed_first_ms(const uint8_t *block)
{
	return head_read(block).first_ms;
}

size_t packed_read(const uint8_t *block, struct sample *out)
{
	struct head head = head_read(block);
	const uint8_t *body = block + HEAD_BYTES;
	double scale = ldexp(1, head.exponent);
	size_t at = 0;
	for (size_t i = 0; i < head.count; i++) {
		out[i].at_ms = even_ms(&head, i) + head.early_ms +
			       (int64_t)get_bits(body, at, head.time_bits);
		at += head.time_bits;
		uint64_t word = get_bits(body, at, head.value_bits);
		at += head.value_bits;
		if (head.value_bits == RAW_BITS)
			memcpy(&out[i].value, &word, sizeof(word));
		else
			out[i].value = (double)(head.low + (int64_t)word) * scale;
	}
	return head.count;
}
