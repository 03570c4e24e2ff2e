#include "backends/sim/model_random.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15U);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

void random_seed(struct random_stream *stream, uint64_t seed, uint64_t which)
{
	uint64_t mix = seed;
	mix = splitmix64(&mix) ^ (which * 0xd1342543de82ef95U);
	for (int i = 0; i < 4; i++)
		stream->state[i] = splitmix64(&mix);
}

uint64_t random_next(struct random_stream *stream)
{
	uint64_t *s = stream->state;
	uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

double random_unit(struct random_stream *stream)
{
	return (double)((random_next(stream) >> 11) + 1) * 0x1p-53;
}

uint32_t random_below(struct random_stream *stream, uint32_t count)
{
	return (uint32_t)(((random_next(stream) >> 32) * count) >> 32);
}

double random_exponential(struct random_stream *stream, double mean)
{
	return -mean * log(random_unit(stream));
}

double random_normal(struct random_stream *stream)
{
	const double two_pi = 6.283185307179586;
	double radius = sqrt(-2.0 * log(random_unit(stream)));
	return radius * cos(two_pi * random_unit(stream));
}

uint32_t random_poisson(struct random_stream *stream, double mean)
{
	const double step = 30.0; /* exp(-30) is still far from underflow */
	uint32_t count = 0;
	while (mean > 0.0) {
		double part = mean < step ? mean : step;
		double floor_product = exp(-part);
		double product = random_unit(stream);
		while (product > floor_product) {
			count++;
			product *= random_unit(stream);
		}
		mean -= part;
	}
	return count;
}
