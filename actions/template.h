/*
 * template.h - "{cluster}" in URLs, bodies and commands, filled so that nothing can be smuggled in.
 *
 *   {cluster} {region} {replica}   names
 *   {size} {weight}                the action's value; only the one its verb has
 *   {cluster.ATTRIBUTE}            a free fact of the cluster from the fleet file
 *   {run}                          in headers: the run and request, "a-0007-1", as it is sent
 *   {{                             one brace
 *
 * A brace that no lower-case letter follows stands for itself, so that JSON needs no escaping.
 * Every value put in must match [A-Za-z0-9._:-]+ and not begin with '-'; else the whole is refused.
 */
#ifndef ACTIONS_TEMPLATE_H
#define ACTIONS_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct fleet;

#define TEMPLATE_NAME_BYTES 64
#define TEMPLATE_RUN "{run}"

struct template_values {
	const struct fleet *fleet;
	uint32_t cluster;
	uint32_t replica;      /* ENTITY_NONE where the request is not about one */
	const char *parameter; /* "weight" */
	double value;
	bool keeps_run; /* {run} stays as it is until the request is sent; elsewhere it is refused
			 */
};

/*
 * Whether `source` can be filled for a verb with this parameter, whatever the fleet; if not, `why`
 * says so. Attributes are not checked: which cluster it will be is not known yet.
 */
bool template_check(const char *source, const char *parameter, char *why, size_t why_size);

/* Whether it mentions {name}. */
bool template_mentions(const char *source, const char *name);

/* Fill. Errors: ERROR_SCHEMA (unknown name or attribute, unsafe value), ERROR_LIMIT (over `size`).
 */
bool template_render(const char *source, const struct template_values *values, char *out,
	size_t size, struct error *error);

/* A value as commands want it: no exponent, no superfluous digits. ERROR_SCHEMA when it has none.
 */
bool template_number(double value, char *out, size_t size, struct error *error);

#endif
