/* fleet_section.h - the `fleet:` section: what labels cannot tell. */
#ifndef APP_FLEET_SECTION_H
#define APP_FLEET_SECTION_H

#include <stdbool.h>

struct arena;
struct complaints;
struct fleet;
struct text;
struct yaml_node;

/* Declare everything in `node` (NULL: nothing) into `fleet`. False when it complained. */
bool fleet_section_read(const struct yaml_node *node, struct arena *arena, struct fleet *fleet,
	struct complaints *complaints);

/* Its JSON Schema. */
void fleet_section_schema(struct text *out);

#endif
