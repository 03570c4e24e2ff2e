/*
 * plain.h - the instance of a kind that has nothing of its own beside its source.
 *
 * For the slots of a table of operations: what such a kind asks, and what an answer means, is all
 * in the fleet file and in the answer.
 */
#ifndef BACKENDS_PLAIN_H
#define BACKENDS_PLAIN_H

struct backend_setup;
struct error;
struct source_config;

struct plain {
	const struct source_config *source; /* outlives the instance */
};

/* A struct plain; NULL with ERROR_NO_MEMORY. */
void *plain_create(const struct backend_setup *setup, struct error *error);
void plain_destroy(void *instance);

#endif
