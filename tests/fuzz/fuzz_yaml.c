/*
 * Any bytes into yaml_parse(), and what is accepted into fields_read(). Every node is visited: the
 * counts, depths, limits and keys that the header promises must hold, and refusals must say why.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/fields.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/base/utf8.h"
#include "core/base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One key of every type, with names short enough to be found. */
struct sample {
	const char *text;
	bool truth;
	int64_t integer;
	double number;
	int64_t duration_ms;
	double share;
	double factor;
	int64_t time_ms;
	int choice;
	const struct yaml_node *node;
};

static const char *const choices[] = {"one", "two", NULL};

static const struct field rows[] = {
	{"a", FIELD_STRING, offsetof(struct sample, text), .required = true},
	{"b", FIELD_BOOL, offsetof(struct sample, truth), .fallback = "true"},
	{"c", FIELD_INTEGER, offsetof(struct sample, integer), .min = -5, .max = 5},
	{"d", FIELD_NUMBER, offsetof(struct sample, number), .min = -INFINITY, .max = 1e9},
	{"e", FIELD_DURATION, offsetof(struct sample, duration_ms), .max = 60000},
	{"f", FIELD_PERCENT, offsetof(struct sample, share), .max = 1},
	{"g", FIELD_FACTOR, offsetof(struct sample, factor), .min = 1, .max = 10},
	{"h", FIELD_TIME, offsetof(struct sample, time_ms), .help = NULL},
	{"i", FIELD_CHOICE, offsetof(struct sample, choice), .choices = choices},
	{"j", FIELD_NODE, offsetof(struct sample, node), .help = NULL},
};

static void require(int holds)
{
	if (!holds)
		abort();
}

/* Returns how many values there are from here down. */
static size_t visit(const struct yaml_node *node, size_t depth)
{
	require(depth <= YAML_DEPTH);
	require(node->line >= 1 && node->column >= 1 && node->key_line >= 1);
	require((node->scalar != NULL) == (node->kind == YAML_SCALAR));
	require(!node->scalar || utf8_is_valid(node->scalar, strlen(node->scalar)));
	size_t total = 1;
	size_t count = 0;
	for (const struct yaml_node *child = node->first; child; child = child->next) {
		require((child->key != NULL) == (node->kind == YAML_MAPPING));
		require(!child->key || yaml_get(node, child->key) == child);
		total += visit(child, depth + (child->kind != YAML_SCALAR));
		/* Looking every key up is quadratic; a few hundred prove as much. */
		if (++count > 300 && node->kind == YAML_MAPPING)
			break;
	}
	require(count == node->count || count > 300);
	return total;
}

static void read_fields(
	const struct yaml_node *root, struct arena *arena, struct complaints *complaints)
{
	struct sample sample;
	size_t before = complaints->total;
	bool ok = fields_read(
		rows, sizeof(rows) / sizeof(rows[0]), root, "", &sample, arena, complaints);
	require(ok == (complaints->total == before));
	require(sample.integer >= -5 && sample.integer <= 5);
	require(sample.duration_ms >= 0 && sample.duration_ms <= 60000);
	require(isnan(sample.share) || (sample.share >= 0 && sample.share <= 1));
	require(isnan(sample.factor) || (sample.factor >= 1 && sample.factor <= 10));
	require(sample.choice >= -1 && sample.choice <= 1);
	require(!ok || sample.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create((size_t)32 * 1024 * 1024);
	struct complaints complaints;
	struct text printed;
	if (!arena)
		return 0;
	complaints_init(&complaints);
	text_init(&printed, (size_t)1024 * 1024);
	const struct yaml_node *root =
		yaml_parse(arena, "f", (const char *)data, size, &complaints);
	require((root == NULL) == (complaints.total > 0));
	if (root) {
		require(visit(root, root->kind != YAML_SCALAR) <= YAML_NODES);
		read_fields(root, arena, &complaints);
	}
	complaints_print(&complaints, &printed);
	require(text_ok(&printed));
	for (size_t i = 0; i < complaints.count; i++) {
		const struct complaint *row = &complaints.rows[i];
		require(sanitise_is_clean(row->text, strlen(row->text)));
		require(sanitise_is_clean(row->key, strlen(row->key)));
	}
	text_finish(&printed);
	complaints_finish(&complaints);
	arena_destroy(arena);
	return 0;
}
