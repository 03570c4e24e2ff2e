/*
 * page.h - whether somebody should be woken.
 *
 * Yes when users are hit or clients wait, and before that: as soon as a replica is gone, cut or
 * starved and what is left can't carry what was carried. A replica lost that the others can carry
 * wakes nobody.
 */
#ifndef CORE_ASSESS_PAGE_H
#define CORE_ASSESS_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/assess/assess.h"

struct snapshot;

struct page_memory {
	int64_t since_ms; /* 0: nobody is paged */
	int64_t held_ms;  /* when there was last a reason */
	char why[ASSESSMENT_TEXT_BYTES];
};

/* Fill page, page_since_ms and page_why of an assessment whose phases are judged. */
void page_judge(
	struct page_memory *memory, const struct snapshot *snapshot, struct assessment *assessment);

#endif
