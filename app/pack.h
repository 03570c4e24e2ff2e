/*
 * pack.h - packs: ready rows of `signals:` for what well-known exporters call things.
 *
 *   use: [pgbouncer, haproxy]                every source that a row can be read from
 *   use: {pgbouncer: poolers, node: [a, b]}  only the sources named
 *
 * A pack's `signals` (pack_file.h) are as in a fleet file, but without `from`: a row with `metric`
 * is read from sources of kind exposition, one with `query` from kind prometheus. A signal that has
 * rows in the fleet file itself takes none from packs. Where several packs have rows of one signal
 * they are alternatives, in the order of `use`.
 */
#ifndef APP_PACK_H
#define APP_PACK_H

#include <stdbool.h>

struct arena;
struct complaints;
struct yaml_node;

#define PACKS_MOST 32
#define PACK_ROWS_MOST 512 /* bound rows, over all packs */

/*
 * The section `signals` with the rows of the packs named by `use` behind its own; the same node
 * where nothing is used. Any node may be NULL. Lives in `arena`. False when it complained, `out`
 * untouched: an unknown pack or source (the nearest suggested), a pack none of whose rows any
 * source can take, a pack's file that is wrong.
 */
bool pack_merge(const struct yaml_node *use, const struct yaml_node *sources,
	const struct yaml_node *signals, struct arena *arena, const struct yaml_node **out,
	struct complaints *complaints);

#endif
