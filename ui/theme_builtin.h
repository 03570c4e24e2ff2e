/* theme_builtin.h - the themes that need no file: the same styles as themes/<name>.yaml (a test
 * compares). */
#ifndef UI_THEME_BUILTIN_H
#define UI_THEME_BUILTIN_H

#include <stddef.h>

#include "ui/theme.h"

#define THEME_BUILTIN_COUNT 3

extern const struct theme theme_builtins[THEME_BUILTIN_COUNT]; /* the first is the default */

#endif
