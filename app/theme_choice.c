#include "app/theme_choice.h"

#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "ui/theme.h"

#define THEME_ARENA_BYTES (4u * 1024 * 1024)

static bool theme_from_file(const char *path, struct theme *out, struct error *error)
{
	struct arena *arena = arena_create(THEME_ARENA_BYTES);
	if (!arena)
		return error_no_memory(error, "the theme");
	struct complaints complaints;
	complaints_init(&complaints);
	bool ok = theme_read(arena, path, out, &complaints);
	if (!ok && complaints.count > 0)
		error_set(error, ERROR_SCHEMA, "%s:%d: %s: %s", complaints.rows[0].file,
			complaints.rows[0].line, complaints.rows[0].key, complaints.rows[0].text);
	complaints_finish(&complaints);
	arena_destroy(arena);
	return ok;
}

bool theme_choose(const char *word, struct theme *out, struct error *error)
{
	const struct theme *builtin = theme_builtin(word ? word : "default");
	if (builtin) {
		*out = *builtin;
		return true;
	}
	if (word && strchr(word, '/') == NULL && strchr(word, '.') == NULL)
		return error_set(error, ERROR_USAGE,
			"there is no theme '%s': name a built-in (default, mono, contrast) or a "
			"file",
			word);
	return theme_from_file(word ? word : "default", out, error);
}
