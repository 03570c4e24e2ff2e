#include "backends/recording.h"

#include <math.h>
#include <string.h>

#include "backends/label.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/wire/json.h"

static void copy(char *out, size_t size, const char *string)
{
	sanitise(string, strlen(string), out, size);
}

void recording_describe(const struct fleet *fleet, uint32_t entity, struct recording_row *out)
{
	const struct entity *subject = fleet_entity(fleet, entity);
	out->kind = subject->kind;
	copy(out->path, sizeof(out->path), subject->path);
	out->region[0] = '\0';
	out->name[0] = '\0';
	if (strchr(subject->name, '/'))
		copy(out->name, sizeof(out->name), subject->name);
	uint32_t cluster = fleet_cluster_of(fleet, entity);
	if (cluster == ENTITY_NONE)
		return;
	const struct entity *parent = fleet_entity(fleet, fleet_entity(fleet, cluster)->parent);
	if (parent->kind == ENTITY_REGION)
		copy(out->region, sizeof(out->region), parent->name);
}

void recording_write(const struct recording_row *row, struct text *out)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	json_begin_object(&writer);
	json_member_integer(&writer, "t", row->at_ms);
	json_member_string(&writer, "src", row->source);
	json_member_string(&writer, "e", row->path);
	json_member_string(&writer, "kind", entity_kind_name(row->kind));
	if (row->region[0])
		json_member_string(&writer, "r", row->region);
	if (row->name[0])
		json_member_string(&writer, "n", row->name);
	json_member_string(&writer, "sig", signal_row(row->signal)->name);
	json_member_number(&writer, "v", row->value);
	json_member_integer(&writer, "i", row->interval_ms);
	json_end_object(&writer);
	text_add_char(out, '\n');
}

static bool bad_member(struct error *error, const char *name, const char *expected)
{
	return error_set(error, ERROR_SCHEMA, "'%s' is not %s", name, expected);
}

/* A text member into a fixed field; optional ones may be absent. */
static bool read_text(const struct json_node *root, const char *name, bool required, char *out,
	size_t size, struct error *error)
{
	const struct json_node *node = json_get(root, name);
	const char *text = json_text(node);
	if (!text)
		return !node && !required ? true : bad_member(error, name, "a text");
	if (required && !text[0])
		return bad_member(error, name, "a text with something in it");
	copy(out, size, text);
	return true;
}

static bool read_numbers(
	const struct json_node *root, struct recording_row *row, struct error *error)
{
	int64_t interval_ms = 0;
	if (!json_integer_of(json_get(root, "t"), &row->at_ms) || row->at_ms <= 0 ||
		row->at_ms > INT64_MAX / 2)
		return bad_member(error, "t", "a time in milliseconds");
	if (!json_number_of(json_get(root, "v"), &row->value) || !isfinite(row->value))
		return bad_member(error, "v", "a number");
	if (!json_integer_of(json_get(root, "i"), &interval_ms) || interval_ms <= 0 ||
		interval_ms > INT32_MAX)
		return bad_member(error, "i", "an interval in milliseconds");
	row->interval_ms = (int32_t)interval_ms;
	return true;
}

static bool read_row(const struct json_node *root, struct recording_row *row, struct error *error)
{
	char word[RECORDING_NAME_BYTES] = "";
	if (!json_is_object(root))
		return error_set(error, ERROR_SCHEMA, "is not an object");
	if (!read_numbers(root, row, error) ||
		!read_text(root, "src", true, row->source, sizeof(row->source), error) ||
		!read_text(root, "e", true, row->path, sizeof(row->path), error) ||
		!read_text(root, "r", false, row->region, sizeof(row->region), error) ||
		!read_text(root, "n", false, row->name, sizeof(row->name), error) ||
		!read_text(root, "kind", true, word, sizeof(word), error))
		return false;
	if (!entity_kind_find(word, &row->kind))
		return error_set(error, ERROR_SCHEMA, "there is no kind '%s'", word);
	if (!read_text(root, "sig", true, word, sizeof(word), error))
		return false;
	if (!signal_find(word, &row->signal))
		return error_set(error, ERROR_SCHEMA, "there is no signal '%s'", word);
	if (!(signal_row(row->signal)->entities & (1u << row->kind)))
		return error_set(error, ERROR_SCHEMA, "%s is not measured on a %s", word,
			entity_kind_name(row->kind));
	return true;
}

bool recording_parse(
	const char *line, size_t length, struct recording_row *out, struct error *error)
{
	if (length > RECORDING_LINE_BYTES)
		return error_set(
			error, ERROR_LIMIT, "is longer than %d bytes", RECORDING_LINE_BYTES);
	struct json_document *document = json_parse(line, length, error);
	if (!document)
		return false;
	struct recording_row row = {0};
	bool good = read_row(json_root(document), &row, error);
	json_destroy(document);
	if (good)
		*out = row;
	return good;
}

/* Where the entity's own name begins in its path. */
static size_t name_start(const struct recording_row *row)
{
	size_t length = strlen(row->path), own = strlen(row->name);
	if (own > 0 && own <= length && strcmp(row->path + length - own, row->name) == 0)
		return length - own;
	const char *slash = strrchr(row->path, '/');
	return slash ? (size_t)(slash - row->path) + 1 : 0;
}

bool recording_intern(
	struct fleet *fleet, const struct recording_row *row, uint32_t *out, struct error *error)
{
	const char *region = row->region[0] ? row->region : NULL;
	if (row->kind == ENTITY_FLEET) {
		*out = ENTITY_ROOT;
		return true;
	}
	if (row->kind == ENTITY_CLUSTER)
		return label_intern_cluster(fleet, region, row->path, out, error);
	size_t start = row->kind == ENTITY_REGION ? 0 : name_start(row);
	uint32_t parent = ENTITY_ROOT;
	if (start > 1) {
		char cluster[ENTITY_PATH_BYTES];
		memcpy(cluster, row->path, start - 1);
		cluster[start - 1] = '\0';
		if (!label_intern_cluster(fleet, region, cluster, &parent, error))
			return false;
	}
	return fleet_intern(fleet, row->kind, parent, row->path + start, out, error);
}
