/*
 * healer.h - a runbook carried out on a simulated fleet: the same engine, plans and guards as live,
 * with the model in place of SSH and HTTP.
 *
 * A change takes hold HEALER_DELAY_MS after it was ordered, and counts as verified a little later.
 */
#ifndef APP_HEALER_H
#define APP_HEALER_H

#include <stdbool.h>

struct error;
struct healer;
struct runbook;
struct simulation;
struct trial;

#define HEALER_DELAY_MS 1500
#define HEALER_VERIFY_MS 3000

/* The runbook must outlive it. NULL without memory. */
struct healer *healer_create(const struct runbook *runbook);
void healer_destroy(struct healer *healer);

/* After each step. Errors: ERROR_NO_MEMORY, ERROR_USAGE where the runbook does not fit the fleet.
 */
bool healer_tick(struct healer *healer, struct simulation *simulation, struct error *error);

/* The trial is over: say what was done in it, and what of it must not have been, and be ready for
 * the next. */
void healer_rest(struct healer *healer, struct trial *trial);

#endif
