/*
 * seal_text.h - what a seal is put on, shared by the writer of seals and by verify.
 */
#ifndef ACTIONS_SEAL_TEXT_H
#define ACTIONS_SEAL_TEXT_H

#include "actions/action.h"

#define SEAL_MESSAGE_BYTES 512

struct sealed_head {
	size_t records;
	char digest[PLAN_HASH_BYTES]; /* of the line with that number */
	int64_t at_ms;
	char by[ENTITY_NAME_BYTES];
};

/* The signed bytes. */
void seal_message(const struct sealed_head *head, char out[SEAL_MESSAGE_BYTES]);

/* How many records the newest line beside `journal` claims to cover; 0 none or unreadable. */
size_t seals_newest(const char *journal);

#endif
