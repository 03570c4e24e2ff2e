#include "app/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/pack_file.h"
#include "backends/backend.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/yaml.h"

#define SIGNALS_MOST 64
#define NAMES_MOST 256

/* The rows of one signal, gathered from packs. */
struct gathered {
	struct yaml_node *list;
	struct yaml_node *last; /* its last row */
};

struct merge {
	const struct yaml_node *sources, *signals;
	struct arena *arena;
	struct complaints *complaints;
	struct gathered signal[SIGNALS_MOST];
	size_t signal_count, row_count;
	bool good;
};

/* One entry of `use`. */
struct wish {
	const char *name;
	const struct yaml_node *place; /* for complaints */
	const struct yaml_node *only;  /* a source or a list of sources; NULL: any */
	size_t bound;                  /* rows that found a source */
};

static void complain(
	struct merge *merge, const struct yaml_node *node, const char *key, const char *what)
{
	complaints_add(merge->complaints, node->file, node->line, key, "%s", what);
	merge->good = false;
}

static struct yaml_node *new_node(struct merge *merge, const struct yaml_node *like)
{
	struct yaml_node *node = arena_alloc(merge->arena, sizeof(*node));
	if (!node) {
		complain(merge, like, "use", "no memory for the packs of the fleet file");
		return NULL;
	}
	*node = *like;
	node->next = NULL;
	return node;
}

static const struct yaml_node *read_pack(struct merge *merge, const struct wish *wish)
{
	struct pack_file file;
	if (!pack_file_read(
		    wish->name, wish->place, "use", merge->arena, &file, merge->complaints)) {
		merge->good = false;
		return NULL;
	}
	if (!file.signals)
		complain(merge, wish->place, "use",
			"that pack has no signals: an action names it, under 'actions'");
	else if (file.signals->kind != YAML_MAPPING)
		complain(merge, file.signals, "signals", "expected a mapping of signals to rows");
	else
		return file.signals;
	return NULL;
}

/* ---- from which sources ---- */

static bool is_wished(const struct wish *wish, const char *source)
{
	const struct yaml_node *name = wish->only;
	if (!name)
		return true;
	for (name = name->kind == YAML_SEQUENCE ? name->first : name; name; name = name->next) {
		if (name->scalar && strcmp(name->scalar, source) == 0)
			return true;
		if (wish->only->kind != YAML_SEQUENCE)
			break;
	}
	return false;
}

/* Whether a source's kind takes rows that have what this one has. */
static bool can_take(const struct yaml_node *source, const struct yaml_node *row)
{
	const struct yaml_node *kind = yaml_get(source, "kind");
	const struct backend_ops *ops = kind && kind->scalar ? backend_find(kind->scalar) : NULL;
	return ops && ops->row_key && yaml_get(row, ops->row_key);
}

static void check_source(struct merge *merge, const struct yaml_node *name)
{
	const char *names[NAMES_MOST];
	size_t count = 0;
	if (name->kind != YAML_SCALAR) {
		complain(merge, name, "use", "expected the name of a source, or a list of names");
		return;
	}
	if (yaml_get(merge->sources, name->scalar))
		return;
	const struct yaml_node *source = merge->sources ? merge->sources->first : NULL;
	for (; source && source->key && count < NAMES_MOST; source = source->next)
		names[count++] = source->key;
	pack_complain_unknown(merge->complaints, name, "use", "source", name->scalar, names, count);
	merge->good = false;
}

static void check_sources(struct merge *merge, const struct wish *wish)
{
	if (!wish->only)
		return;
	if (wish->only->kind != YAML_SEQUENCE) {
		check_source(merge, wish->only);
		return;
	}
	for (const struct yaml_node *name = wish->only->first; name; name = name->next)
		check_source(merge, name);
}

/* The list for `from`; NULL when no source can give this row. */
static struct yaml_node *sources_of(
	struct merge *merge, const struct wish *wish, const struct yaml_node *row)
{
	struct yaml_node *list = NULL, *last = NULL;
	const struct yaml_node *source = merge->sources ? merge->sources->first : NULL;
	for (; source && source->key; source = source->next) {
		if (!is_wished(wish, source->key) || !can_take(source, row))
			continue;
		struct yaml_node *name = new_node(merge, wish->place);
		if (name && !list)
			list = new_node(merge, wish->place);
		if (!name || !list)
			return NULL;
		name->kind = YAML_SCALAR;
		name->key = NULL;
		name->scalar = source->key;
		name->first = NULL;
		name->count = 0;
		if (!last) {
			*list = (struct yaml_node){.kind = YAML_SEQUENCE,
				.file = name->file,
				.line = name->line,
				.column = name->column,
				.key = "from",
				.key_line = name->line,
				.first = name};
		} else {
			last->next = name;
		}
		list->count++;
		last = name;
	}
	return list;
}

/* ---- rows ---- */

static struct gathered *gather(struct merge *merge, const struct yaml_node *member)
{
	for (size_t i = 0; i < merge->signal_count; i++)
		if (strcmp(merge->signal[i].list->key, member->key) == 0)
			return &merge->signal[i];
	if (merge->signal_count == SIGNALS_MOST) {
		complain(merge, member, "signals", "more signals than packs may have");
		return NULL;
	}
	struct yaml_node *list = new_node(merge, member);
	if (!list)
		return NULL;
	list->kind = YAML_SEQUENCE;
	list->scalar = NULL;
	list->first = NULL;
	list->count = 0;
	struct gathered *gathered = &merge->signal[merge->signal_count++];
	*gathered = (struct gathered){.list = list};
	return gathered;
}

static void add_row(struct merge *merge, struct wish *wish, const struct yaml_node *member,
	const struct yaml_node *row)
{
	if (row->kind != YAML_MAPPING || yaml_get(row, "from")) {
		complain(merge, row, member->key,
			"a row of a pack is a mapping, without 'from': the fleet file says that");
		return;
	}
	struct yaml_node *from = sources_of(merge, wish, row);
	if (!from)
		return;
	wish->bound++;
	struct gathered *gathered = gather(merge, member);
	struct yaml_node *bound = gathered ? new_node(merge, row) : NULL;
	if (!bound)
		return;
	if (++merge->row_count > PACK_ROWS_MOST) {
		complain(merge, wish->place, "use", "more rows than packs may have together");
		return;
	}
	from->next = row->first;
	bound->first = from;
	bound->count = row->count + 1;
	bound->key = NULL;
	if (gathered->last)
		gathered->last->next = bound;
	else
		gathered->list->first = bound;
	gathered->list->count++;
	gathered->last = bound;
}

static void add_pack(struct merge *merge, struct wish *wish)
{
	check_sources(merge, wish);
	const struct yaml_node *signals = read_pack(merge, wish);
	if (!signals)
		return;
	bool own = false; /* the fleet file has rows of its own for some of them */
	for (const struct yaml_node *member = signals->first; member; member = member->next) {
		if (yaml_get(merge->signals, member->key)) {
			own = true;
			continue;
		}
		if (member->kind != YAML_SEQUENCE) {
			add_row(merge, wish, member, member);
			continue;
		}
		for (const struct yaml_node *row = member->first; row; row = row->next)
			add_row(merge, wish, member, row);
	}
	if (wish->bound > 0 || own || !merge->good)
		return;
	complaints_add(merge->complaints, wish->place->file, wish->place->line, "use",
		"no source%s is of a kind that the pack '%s' can read", wish->only ? " named" : "",
		wish->name);
	merge->good = false;
}

static void add_wish(struct merge *merge, const struct yaml_node *node, struct wish *wishes,
	size_t *count, struct wish wish)
{
	if (!wish.name) {
		complain(merge, node, "use", "expected the name of a pack");
		return;
	}
	for (size_t i = 0; i < *count; i++) {
		if (strcmp(wishes[i].name, wish.name) == 0) {
			complain(merge, node, "use", "names the same pack twice");
			return;
		}
	}
	if (*count == PACKS_MOST) {
		complain(merge, node, "use", "more packs than can be used");
		return;
	}
	wishes[*count] = wish;
	add_pack(merge, &wishes[(*count)++]);
}

static void add_packs(struct merge *merge, const struct yaml_node *use)
{
	struct wish wishes[PACKS_MOST];
	size_t count = 0;
	if (use->kind == YAML_SCALAR) {
		add_wish(merge, use, wishes, &count, (struct wish){use->scalar, use, NULL, 0});
		return;
	}
	for (const struct yaml_node *node = use->first; node; node = node->next) {
		struct wish wish = {node->scalar, node, NULL, 0};
		if (use->kind == YAML_MAPPING)
			wish = (struct wish){node->key, node, node, 0};
		add_wish(merge, node, wishes, &count, wish);
	}
}

/* The fleet file's own rows first, then those gathered. */
static const struct yaml_node *joined(struct merge *merge, const struct yaml_node *use)
{
	struct yaml_node *all = new_node(merge, merge->signals ? merge->signals : use);
	struct yaml_node *last = NULL;
	if (!all)
		return NULL;
	const struct yaml_node *own = merge->signals ? merge->signals->first : NULL;
	all->kind = YAML_MAPPING;
	all->scalar = NULL;
	all->first = NULL;
	all->count = 0;
	for (size_t i = 0; own || i < merge->signal_count; all->count++) {
		struct yaml_node *node = own ? new_node(merge, own) : merge->signal[i++].list;
		if (!node)
			return NULL;
		own = own ? own->next : NULL;
		if (last)
			last->next = node;
		else
			all->first = node;
		last = node;
	}
	return all;
}

bool pack_merge(const struct yaml_node *use, const struct yaml_node *sources,
	const struct yaml_node *signals, struct arena *arena, const struct yaml_node **out,
	struct complaints *complaints)
{
	if (!use) {
		*out = signals;
		return true;
	}
	/* What is no mapping at all is complained about by its own reader. */
	struct merge *merge = calloc(1, sizeof(*merge));
	if (!merge) {
		complaints_add(complaints, use->file, use->line, "use", "no memory for packs");
		return false;
	}
	merge->sources = sources && sources->kind == YAML_MAPPING ? sources : NULL;
	merge->signals = signals && signals->kind == YAML_MAPPING ? signals : NULL;
	merge->arena = arena;
	merge->complaints = complaints;
	merge->good = true;
	add_packs(merge, use);
	const struct yaml_node *all = merge->good ? joined(merge, use) : NULL;
	bool good = merge->good && all;
	if (good && (!signals || merge->signals))
		*out = all;
	else if (good)
		*out = signals;
	free(merge);
	return good;
}
