/* list.h - where one is in a list that may be longer than the screen. */
#ifndef UI_CONSOLE_LIST_H
#define UI_CONSOLE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/console/key.h"

struct list {
	size_t selected;
	size_t top;  /* first row in sight */
	size_t page; /* rows in sight when it was last drawn */
	bool at_end; /* follows what is added */
};

/* Take a moving command; `count` rows exist. */
void list_move(struct list *list, enum command command, size_t count);

/* Settle selection and top for `count` rows of which `page` are in sight. */
void list_fit(struct list *list, size_t count, size_t page);

#endif
