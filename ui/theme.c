#include "ui/theme.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/fields.h"
#include "core/base/sanitise.h"
#include "core/base/yaml.h"
#include "ui/theme_builtin.h"

#define PATH_BYTES 160

static const char *const role_names[ROLE_COUNT] = {
	[ROLE_TEXT] = "text",
	[ROLE_DIM] = "dim",
	[ROLE_STRONG] = "strong",
	[ROLE_TITLE] = "title",
	[ROLE_OK] = "ok",
	[ROLE_WARNING] = "warning",
	[ROLE_CRITICAL] = "critical",
	[ROLE_UNKNOWN] = "unknown",
	[ROLE_STALE] = "stale",
	[ROLE_BANNER] = "banner",
	[ROLE_BANNER_PROD] = "banner-prod",
	[ROLE_ARMED] = "armed",
	[ROLE_SELECTED] = "selected",
	[ROLE_CHART] = "chart",
	[ROLE_ONSET] = "onset",
	[ROLE_KEY] = "key",
	[ROLE_DIALOG] = "dialog",
	[ROLE_INPUT] = "input",
};

/* A style as a file writes it. */
struct style_row {
	int64_t fg256, bg256, fg16, bg16;
	bool bold, dim, reverse, underline;
};

#define COLOR_FIELD(name, most, words)                                                           \
	{                                                                                        \
		.key = #name, .type = FIELD_INTEGER, .offset = offsetof(struct style_row, name), \
		.min = -1, .max = (most), .fallback = "-1", .help = (words)                      \
	}
#define FLAG_FIELD(name, words)                                                               \
	{                                                                                     \
		.key = #name, .type = FIELD_BOOL, .offset = offsetof(struct style_row, name), \
		.help = (words)                                                               \
	}

static const struct field style_fields[] = {
	COLOR_FIELD(fg256, 255, "Text colour among 256; -1 is the terminal's own."),
	COLOR_FIELD(bg256, 255, "Background among 256; -1 is the terminal's own."),
	COLOR_FIELD(fg16, 15, "Text colour among 16; -1 is the terminal's own."),
	COLOR_FIELD(bg16, 15, "Background among 16; -1 is the terminal's own."),
	FLAG_FIELD(bold, "Bold, in every depth."),
	FLAG_FIELD(dim, "Dim, in every depth."),
	FLAG_FIELD(reverse, "Text and background change places."),
	FLAG_FIELD(underline, "Underlined, in every depth."),
};

struct theme_file {
	const char *name;
	const struct yaml_node *roles;
};

static const struct field file_fields[] = {
	{.key = "name",
		.type = FIELD_STRING,
		.offset = offsetof(struct theme_file, name),
		.required = true,
		.help = "What the theme is called."},
	{.key = "roles",
		.type = FIELD_NODE,
		.offset = offsetof(struct theme_file, roles),
		.required = true,
		.help = "Role names, each with its style."},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *role_name(enum role role)
{
	return role >= ROLE_TEXT && role < ROLE_COUNT ? role_names[role] : "text";
}

const struct theme *theme_builtin(const char *name)
{
	for (size_t i = 0; i < THEME_BUILTIN_COUNT; i++) {
		if (strcmp(theme_builtins[i].name, name) == 0)
			return &theme_builtins[i];
	}
	return NULL;
}

const char *const *theme_names(void)
{
	static const char *const names[] = {"default", "mono", "contrast", NULL};
	return names;
}

static int find_role(const char *name)
{
	for (int role = ROLE_TEXT; role < ROLE_COUNT; role++) {
		if (strcmp(role_names[role], name) == 0)
			return role;
	}
	return 0;
}

static void complain_about_role(const struct yaml_node *node, struct complaints *complaints)
{
	const char *nearest =
		complaints_nearest(node->key, role_names + ROLE_TEXT, ROLE_COUNT - ROLE_TEXT);
	complaints_add(complaints, node->file, node->line, "roles", "there is no role '%s'%s%s%s",
		node->key, nearest ? " (did you mean '" : "", nearest ? nearest : "",
		nearest ? "'?)" : "");
}

static bool read_role(struct arena *arena, const struct yaml_node *node, struct theme *theme,
	struct complaints *complaints)
{
	int role = find_role(node->key);
	if (!role) {
		complain_about_role(node, complaints);
		return false;
	}
	char path[PATH_BYTES];
	snprintf(path, sizeof path, "roles.%s", role_names[role]);
	struct style_row row;
	if (!fields_read(style_fields, COUNT(style_fields), node, path, &row, arena, complaints))
		return false;
	theme->styles[role] = (struct theme_style){
		.fg256 = (short)row.fg256,
		.bg256 = (short)row.bg256,
		.fg16 = (short)row.fg16,
		.bg16 = (short)row.bg16,
		.bold = row.bold,
		.dim = row.dim,
		.reverse = row.reverse,
		.underline = row.underline,
	};
	return true;
}

bool theme_read(
	struct arena *arena, const char *path, struct theme *out, struct complaints *complaints)
{
	const struct yaml_node *root = yaml_read(arena, path, complaints);
	if (!root)
		return false;
	struct theme_file file;
	if (!fields_read(file_fields, COUNT(file_fields), root, "", &file, arena, complaints))
		return false;
	if (file.roles->kind != YAML_MAPPING) {
		complaints_add(complaints, file.roles->file, file.roles->line, "roles",
			"expected a mapping of roles, not %s", yaml_kind_words(file.roles));
		return false;
	}
	struct theme theme = theme_builtins[0];
	sanitise(file.name, strlen(file.name), theme.name, sizeof theme.name);
	bool ok = true;
	for (const struct yaml_node *node = file.roles->first; node; node = node->next)
		ok = read_role(arena, node, &theme, complaints) && ok;
	if (ok)
		*out = theme;
	return ok;
}
