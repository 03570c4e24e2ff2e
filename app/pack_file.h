/*
 * pack_file.h - one file of share/packs: what is known of a system of that name.
 *
 *   about    one sentence
 *   signals  what it yields: rows as in a fleet file, without `from` (pack.h)
 *   actions  what can be done to it: actions as in a fleet file, but for how it is reached
 *            (pack_actions.h)
 */
#ifndef APP_PACK_FILE_H
#define APP_PACK_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct complaints;
struct yaml_node;

struct pack_file {
	const char *about;
	const struct yaml_node *signals, *actions; /* NULL: it has none */
};

/*
 * The pack called `name`, which stands at `place` under `key`. Lives in `arena`. False when it
 * complained: there is none of that name (the nearest suggested), or its file is wrong.
 */
bool pack_file_read(const char *name, const struct yaml_node *place, const char *key,
	struct arena *arena, struct pack_file *out, struct complaints *complaints);

/* Whether there is a pack of that name. */
bool pack_file_exists(const char *name);

/* "there is no WHAT 'NAME'; did you mean ...?" */
void pack_complain_unknown(struct complaints *complaints, const struct yaml_node *node,
	const char *key, const char *what, const char *name, const char *const *names,
	size_t count);

#endif
