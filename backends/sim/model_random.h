/*
 * model_random.h - the model's own dice: the same on every machine and in every year.
 *
 * xoshiro256++ 1.0 (Blackman and Vigna, 2019, public domain, prng.di.unimi.it), seeded by
 * splitmix64 as its authors advise. Each purpose has its own stream, so that resizing a pool does
 * not change who arrives when.
 */
#ifndef BACKENDS_SIM_MODEL_RANDOM_H
#define BACKENDS_SIM_MODEL_RANDOM_H

#include <stdint.h>

struct random_stream {
	uint64_t state[4];
};

/* Begin stream number `which` of a seed; different numbers give unrelated streams. */
void random_seed(struct random_stream *stream, uint64_t seed, uint64_t which);

uint64_t random_next(struct random_stream *stream);

/* Uniform in (0, 1]: safe under a logarithm. */
double random_unit(struct random_stream *stream);

/* Uniform in 0 .. count - 1; `count` must not be 0. */
uint32_t random_below(struct random_stream *stream, uint32_t count);

/* Exponential with this mean. */
double random_exponential(struct random_stream *stream, double mean);

/* Standard normal. */
double random_normal(struct random_stream *stream);

/* Poisson with this mean (at least 0); by Knuth's product, in steps. */
uint32_t random_poisson(struct random_stream *stream, double mean);

#endif
