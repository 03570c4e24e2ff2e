/*
 * theme.h - palettes by role. A theme file is YAML: a name and, for each role, colours for 256 and
 * 16 colours and attributes for mono.
 */
#ifndef UI_THEME_H
#define UI_THEME_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/role.h"

struct arena;
struct complaints;

struct theme_style {
	short fg256, bg256;                 /* -1: the terminal's default */
	short fg16, bg16;                   /* -1: default */
	bool bold, dim, reverse, underline; /* in every depth; mono uses only these */
};

struct theme {
	char name[32];
	struct theme_style styles[ROLE_COUNT];
};

/* The built-in theme of that name ("default", "mono", "contrast"), NULL when there is none. */
const struct theme *theme_builtin(const char *name);
const char *const *theme_names(void); /* NULL-terminated */

/* Read a theme file; roles it leaves out keep the default's. False when it complained. */
bool theme_read(
	struct arena *arena, const char *path, struct theme *out, struct complaints *complaints);

const char *role_name(enum role role);

#endif
