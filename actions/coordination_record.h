/*
 * coordination_record.h - what consoles tell each other, as JSON: who holds a lock, who is here,
 * and what they hold. Written by us, read as if by strangers.
 */
#ifndef ACTIONS_COORDINATION_RECORD_H
#define ACTIONS_COORDINATION_RECORD_H

#include "actions/coordination.h"

/* Who we are. */
struct coordination_self {
	char by[ENTITY_NAME_BYTES];
	char host[ENTITY_NAME_BYTES];
	long process;
};
void coordination_self_init(struct coordination_self *self, const char *who);

/* {"by":...,"host":...,"process":...,"doing":...,"since":...} into `out`, "" where it is too long.
 */
void coordination_record_write(const struct coordination_self *self, const char *doing,
	int64_t since_ms, char *out, size_t size);

/* False when it is not such a record. */
bool coordination_record_read(const char *value, struct coordination_peer *out);

/* "kim on bastion2 (divert us-east/c2) since 21:03:10Z", or that somebody unreadable has it. */
void coordination_record_words(const char *value, char out[ACTION_TEXT_BYTES]);

struct text;
void coordination_holds_write(const struct coordination_self *self, const struct hold *holds,
	size_t count, struct text *out);
size_t coordination_holds_read(const char *value, int64_t now_ms, struct hold *out, size_t most);

#endif
