#include "backends/reader.h"

#include <string.h>

#include "backends/series.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/yaml.h"

void reader_complain(
	struct reader *reader, const struct yaml_node *node, const char *key, const char *what)
{
	complaints_add(reader->complaints, node->file, node->line, key, "%s", what);
	reader->good = false;
}

void *reader_take(struct reader *reader, const struct yaml_node *node, size_t count, size_t size)
{
	void *memory = arena_array(reader->arena, count ? count : 1, size);
	if (!memory)
		reader_complain(reader, node, NULL, "no memory for the sources of the fleet file");
	return memory;
}

const char *reader_join(struct reader *reader, const char *path, const char *key)
{
	const char *joined = arena_printf(reader->arena, "%s.%s", path, key);
	return joined ? joined : path;
}

const char *reader_resolve(struct reader *reader, const char *name)
{
	if (!name || name[0] == '/' || !reader->directory || !reader->directory[0])
		return name;
	const char *full = arena_printf(reader->arena, "%s/%s", reader->directory, name);
	reader->good = reader->good && full;
	return full ? full : name;
}

static bool is_label_name(const char *name)
{
	size_t length = strlen(name);
	return length > 0 && series_label_name_length(name, length) == length;
}

bool reader_labels(struct reader *reader, const struct yaml_node *node, const char *path,
	const char *const *names, struct source_label *out, size_t *count)
{
	*count = 0;
	if (!node)
		return true;
	if (node->kind != YAML_MAPPING) {
		reader_complain(reader, node, path, "expected a mapping such as {cluster: east-a}");
		return false;
	}
	for (const struct yaml_node *member = node->first; member; member = member->next) {
		const char *key = reader_join(reader, path, member->key);
		size_t known = 0;
		for (; names && names[known] && strcmp(names[known], member->key) != 0;)
			known++;
		if (names && !names[known]) {
			const char *near = complaints_nearest(member->key, names, known);
			complaints_add(reader->complaints, member->file, member->line, key,
				"no such label; it is one of region, cluster, replica, service, "
				"surface%s%s%s",
				near ? " (did you mean '" : "", near ? near : "",
				near ? "'?)" : "");
			reader->good = false;
		} else if (member->kind != YAML_SCALAR || !member->scalar[0]) {
			reader_complain(reader, member, key, "expected a text that is not empty");
		} else if (!names && !is_label_name(member->key)) {
			reader_complain(reader, member, key,
				"a label's name has letters, digits and '_' only");
		} else if (*count == SOURCE_LABELS_MOST) {
			complaints_add(reader->complaints, member->file, member->line, key,
				"more than %d labels", SOURCE_LABELS_MOST);
			reader->good = false;
			return false;
		} else {
			out[(*count)++] = (struct source_label){member->key, member->scalar};
		}
	}
	return reader->good;
}
