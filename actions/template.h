/*
 * template.h - "{cluster}" in URLs, bodies and commands, filled so that nothing can be smuggled in.
 *
 *   {cluster} {region} {replica} {service} {surface}   names
 *   {size} {weight}                the action's value; only the one its verb has
 *   {percent}                      the same times 100, of a verb whose value is a share
 *   {cluster.ATTRIBUTE}            a free fact of the cluster from the fleet file
 *   {kept}                         in an undo: what the reply to the change said (keep:)
 *   {{                             one brace
 *
 * These are known only when the request is sent, and shown as they stand until then:
 *
 *   {run}                          the run and request, "a-0007-1"
 *   {now} {until}                  that moment, and when the hold ends: 2026-02-04T17:06:00Z
 *   {revision}                     what the read before the change said (read:)
 *
 * A brace that no lower-case letter follows stands for itself, so that JSON needs no escaping.
 * Every value put in must match [A-Za-z0-9._:-]+ and not begin with '-', but for the action's own
 * value, which may be below 0 where its verb allows that; else the whole is refused. In headers
 * {revision} may be any printable ASCII: an ETag has quotes.
 */
#ifndef ACTIONS_TEMPLATE_H
#define ACTIONS_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct fleet;
struct verb_row;

#define TEMPLATE_NAME_BYTES 64

struct template_values {
	const struct fleet *fleet;
	uint32_t target;  /* what the action acts on */
	uint32_t cluster; /* ENTITY_NONE where it is in none */
	uint32_t replica; /* ENTITY_NONE where the request is not about one */
	const struct verb_row *verb;
	double value;
	const char *kept; /* NULL or "": nothing was */
};

/*
 * Whether `source` can be filled for this verb, whatever the fleet; if not, `why` says so.
 * Attributes are not checked: which cluster it will be is not known yet.
 */
bool template_check(const char *source, const struct verb_row *verb, char *why, size_t why_size);

/* Whether it mentions {name}. */
bool template_mentions(const char *source, const char *name);

/* Whether it mentions the action's value, in either form. */
bool template_mentions_value(const char *source, const struct verb_row *verb);

/* What is known when a request is sent. */
struct template_moment {
	const char *run; /* "a-0007" */
	size_t number;   /* of the request, from 1 */
	int64_t now_ms, until_ms;
	const char *revision; /* NULL: not read yet, and left as it stands */
	bool is_header;
};

/* Fill what was left in `text`, which holds `size` bytes. Errors: ERROR_SCHEMA (a revision that may
 * not go there), ERROR_LIMIT. */
bool template_complete(
	char *text, size_t size, const struct template_moment *moment, struct error *error);

/* Fill. Errors: ERROR_SCHEMA (unknown name or attribute, unsafe value), ERROR_LIMIT (over `size`).
 */
bool template_render(const char *source, const struct template_values *values, char *out,
	size_t size, struct error *error);

/* Whether a value may go into a command: nothing in it that a shell, a URL or an option parser
 * reads as its own. */
bool template_is_safe(const char *value);

/* A value as commands want it: no exponent, no superfluous digits. ERROR_SCHEMA when it has none.
 */
bool template_number(double value, char *out, size_t size, struct error *error);

#endif
