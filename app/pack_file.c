#include "app/pack_file.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "app/path.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/fields.h"
#include "core/base/yaml.h"

#define NAMES_MOST 256

static const struct field pack_fields[] = {
	{.key = "about",
		.type = FIELD_STRING,
		.required = true,
		.offset = offsetof(struct pack_file, about),
		.help = "what it is of, in one sentence"},
	{.key = "signals",
		.type = FIELD_NODE,
		.offset = offsetof(struct pack_file, signals),
		.help = "rows as in a fleet file, without 'from'"},
	{.key = "actions",
		.type = FIELD_NODE,
		.offset = offsetof(struct pack_file, actions),
		.help = "actions as in a fleet file, without how the system is reached"},
};

void pack_complain_unknown(struct complaints *complaints, const struct yaml_node *node,
	const char *key, const char *what, const char *name, const char *const *names, size_t count)
{
	const char *near = complaints_nearest(name, names, count);
	complaints_add(complaints, node->file, node->line, key, "there is no %s '%s'%s%s%s", what,
		name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void unknown_pack(const char *name, const struct yaml_node *place, const char *key,
	struct arena *arena, struct complaints *complaints)
{
	char directory[PATH_BYTES];
	const char *names[NAMES_MOST];
	size_t count = 0;
	struct error error = {0};
	if (!path_shared_file("packs", directory, sizeof directory, &error)) {
		complaints_add(complaints, place->file, place->line, key, "%s", error.text);
		return;
	}
	DIR *open = opendir(directory);
	for (struct dirent *entry; open && count < NAMES_MOST && (entry = readdir(open)) != NULL;) {
		size_t length = strlen(entry->d_name);
		if (length <= 5 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
			continue;
		const char *found = arena_strndup(arena, entry->d_name, length - 5);
		if (found)
			names[count++] = found;
	}
	if (open)
		closedir(open);
	pack_complain_unknown(complaints, place, key, "pack", name, names, count);
}

/* A pack's name is never a path. */
static bool is_pack_name(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && !strchr(name, '/') && strlen(name) < 64;
}

static bool pack_path(const char *name, char path[PATH_BYTES])
{
	char part[96];
	snprintf(part, sizeof part, "packs/%.64s.yaml", name);
	return is_pack_name(name) && path_shared_file(part, path, PATH_BYTES, NULL);
}

bool pack_file_exists(const char *name)
{
	char path[PATH_BYTES];
	return pack_path(name, path);
}

bool pack_file_read(const char *name, const struct yaml_node *place, const char *key,
	struct arena *arena, struct pack_file *out, struct complaints *complaints)
{
	char path[PATH_BYTES];
	if (!pack_path(name, path)) {
		unknown_pack(name, place, key, arena, complaints);
		return false;
	}
	const char *kept = arena_strdup(arena, path);
	const struct yaml_node *root = kept ? yaml_read(arena, kept, complaints) : NULL;
	return root && fields_read(pack_fields, sizeof pack_fields / sizeof pack_fields[0], root,
			       "", out, arena, complaints);
}
