/* theme_choice.h - which theme: a built-in's name, or a file. */
#ifndef APP_THEME_CHOICE_H
#define APP_THEME_CHOICE_H

#include <stdbool.h>

struct error;
struct theme;

/* NULL is the default theme. ERROR_USAGE or ERROR_SCHEMA with the first complaint. */
bool theme_choose(const char *word, struct theme *out, struct error *error);

#endif
