#include "ui/console/list.h"

void list_move(struct list *list, enum command command, size_t count)
{
	size_t page = list->page > 1 ? list->page - 1 : 1;
	size_t last = count > 0 ? count - 1 : 0;
	size_t at = list->at_end || list->selected > last ? last : list->selected;
	if (command == COMMAND_UP)
		at = at > 0 ? at - 1 : 0;
	else if (command == COMMAND_DOWN)
		at = at + 1;
	else if (command == COMMAND_PAGE_UP)
		at = at > page ? at - page : 0;
	else if (command == COMMAND_PAGE_DOWN)
		at = at + page;
	else if (command == COMMAND_FIRST)
		at = 0;
	else if (command == COMMAND_LAST)
		at = last;
	list->selected = at < last ? at : last;
	/* Reaching the end of a growing list means to stay there; leaving it, to stay put. */
	list->at_end = list->at_end ? list->selected == last : command == COMMAND_LAST;
}

void list_fit(struct list *list, size_t count, size_t page)
{
	list->page = page;
	if (list->at_end || list->selected >= count)
		list->selected = count > 0 ? count - 1 : 0;
	if (page == 0)
		return;
	if (list->selected < list->top)
		list->top = list->selected;
	if (list->selected >= list->top + page)
		list->top = list->selected - page + 1;
	if (list->top + page > count)
		list->top = count > page ? count - page : 0;
}
