#include "core/base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yaml.h>

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/text.h"
#include "core/base/utf8.h"

#define PATH_BYTES 160

/* A mapping or sequence that is still open. */
struct frame {
	struct yaml_node *node;
	struct yaml_node *last; /* its newest child */
	const char *key;        /* of the value to come; NULL: in a mapping a key comes next */
	int key_line;
};

struct builder {
	struct arena *arena;
	struct complaints *complaints;
	const char *file;
	const char *bytes;
	size_t length;
	size_t complaints_before;
	struct yaml_node *root;
	struct frame frames[YAML_DEPTH];
	size_t depth;
	size_t nodes;
	size_t documents;
	bool given_up; /* after an error that leaves nothing sensible to go on with */
};

static int line_of(const yaml_mark_t *mark)
{
	return mark->line >= INT32_MAX ? INT32_MAX : (int)mark->line + 1;
}

/* "sources.prom.every" or "steps[2].verb": where the builder stands. */
static void write_path(const struct builder *builder, char out[PATH_BYTES])
{
	struct text path;
	text_init(&path, PATH_BYTES - 1);
	for (size_t i = 0; i < builder->depth; i++) {
		const struct frame *frame = &builder->frames[i];
		if (frame->node->kind == YAML_SEQUENCE)
			text_printf(&path, "[%zu]", frame->node->count);
		else if (frame->key)
			text_printf(&path, "%s%s", path.length > 0 ? "." : "", frame->key);
	}
	snprintf(out, PATH_BYTES, "%s", text_string(&path));
	text_finish(&path);
}

static void complain(struct builder *builder, const yaml_mark_t *mark, const char *what)
{
	char path[PATH_BYTES];
	write_path(builder, path);
	complaints_add(builder->complaints, builder->file, line_of(mark), path, "%s", what);
}

static void give_up(struct builder *builder, const yaml_mark_t *mark, const char *what)
{
	complain(builder, mark, what);
	builder->given_up = true;
}

static int line_at(const char *bytes, size_t offset)
{
	int line = 1;
	for (size_t i = 0; i < offset; i++)
		line += bytes[i] == '\n';
	return line;
}

/* ---- building ---- */

static void refuse_sharing(struct builder *builder, const yaml_event_t *event,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		complain(builder, &event->start_mark, "anchors are not supported; write it out");
	if (tag)
		complain(builder, &event->start_mark,
			"tags are not supported; the key decides the type");
}

static struct yaml_node *add_node(
	struct builder *builder, const yaml_event_t *event, enum yaml_kind kind)
{
	if (builder->nodes == YAML_NODES) {
		char what[80];
		snprintf(what, sizeof(what), "more than %d values in one file", YAML_NODES);
		give_up(builder, &event->start_mark, what);
		return NULL;
	}
	struct yaml_node *node = arena_alloc(builder->arena, sizeof(*node));
	if (!node) {
		give_up(builder, &event->start_mark, "no memory left for this file");
		return NULL;
	}
	builder->nodes++;
	node->kind = kind;
	node->file = builder->file;
	node->line = line_of(&event->start_mark);
	node->key_line = node->line;
	node->column = (int)event->start_mark.column + 1;
	if (builder->depth == 0) {
		builder->root = node;
		return node;
	}
	struct frame *frame = &builder->frames[builder->depth - 1];
	if (frame->key) {
		node->key = frame->key;
		node->key_line = frame->key_line;
	}
	if (frame->last)
		frame->last->next = node;
	else
		frame->node->first = node;
	frame->last = node;
	return node;
}

/* A value is complete: its parent counts it and, if a mapping, waits for the next key. */
static void finish_value(struct builder *builder)
{
	if (builder->depth == 0)
		return;
	struct frame *frame = &builder->frames[builder->depth - 1];
	frame->node->count++;
	frame->key = NULL;
}

static bool expects_key(const struct builder *builder)
{
	if (builder->depth == 0)
		return false;
	const struct frame *frame = &builder->frames[builder->depth - 1];
	return frame->node->kind == YAML_MAPPING && !frame->key;
}

static void on_scalar(struct builder *builder, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	refuse_sharing(builder, event, event->data.scalar.anchor, event->data.scalar.tag);
	if (memchr(value, '\0', length)) {
		give_up(builder, &event->start_mark, "text with a NUL character");
		return;
	}
	char *copy = arena_strndup(builder->arena, value, length);
	if (!copy) {
		give_up(builder, &event->start_mark, "no memory left for this file");
		return;
	}
	if (expects_key(builder)) {
		struct frame *frame = &builder->frames[builder->depth - 1];
		frame->key = copy;
		frame->key_line = line_of(&event->start_mark);
		return;
	}
	struct yaml_node *node = add_node(builder, event, YAML_SCALAR);
	if (!node)
		return;
	node->scalar = copy;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	finish_value(builder);
}

static void on_alias(struct builder *builder, const yaml_event_t *event)
{
	give_up(builder, &event->start_mark, "aliases are not supported; write it out");
}

static void on_start(struct builder *builder, const yaml_event_t *event, enum yaml_kind kind)
{
	if (expects_key(builder)) {
		give_up(builder, &event->start_mark, "a key must be plain text");
		return;
	}
	if (builder->depth == YAML_DEPTH) {
		char what[80];
		snprintf(what, sizeof(what), "nested deeper than %d levels", YAML_DEPTH);
		give_up(builder, &event->start_mark, what);
		return;
	}
	struct yaml_node *node = add_node(builder, event, kind);
	if (node)
		builder->frames[builder->depth++] = (struct frame){.node = node};
}

static void on_sequence_start(struct builder *builder, const yaml_event_t *event)
{
	refuse_sharing(
		builder, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
	on_start(builder, event, YAML_SEQUENCE);
}

static void on_mapping_start(struct builder *builder, const yaml_event_t *event)
{
	refuse_sharing(
		builder, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
	on_start(builder, event, YAML_MAPPING);
}

static void on_sequence_end(struct builder *builder, const yaml_event_t *event)
{
	(void)event;
	builder->depth--;
	finish_value(builder);
}

static int compare_keys(const void *a, const void *b)
{
	const struct yaml_node *const *left = a;
	const struct yaml_node *const *right = b;
	int order = strcmp((*left)->key, (*right)->key);
	if (order != 0)
		return order;
	if ((*left)->line != (*right)->line)
		return (*left)->line < (*right)->line ? -1 : 1;
	return (*left)->column < (*right)->column ? -1 : (*left)->column > (*right)->column;
}

/* Sorted rather than compared each with each: a hostile mapping may have tens of thousands of keys.
 */
static void refuse_duplicates(struct builder *builder, const struct yaml_node *mapping)
{
	if (mapping->count < 2)
		return;
	const struct yaml_node **members = calloc(mapping->count, sizeof(const struct yaml_node *));
	if (!members) {
		complaints_add(builder->complaints, builder->file, mapping->line, NULL,
			"no memory to check the keys");
		builder->given_up = true;
		return;
	}
	size_t count = 0;
	for (const struct yaml_node *node = mapping->first; node; node = node->next)
		members[count++] = node;
	qsort(members, count, sizeof(const struct yaml_node *), compare_keys);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(members[i - 1]->key, members[i]->key) != 0)
			continue;
		char parent[PATH_BYTES];
		char path[2 * PATH_BYTES];
		write_path(builder, parent);
		snprintf(path, sizeof(path), "%s%s%.100s", parent, parent[0] ? "." : "",
			members[i]->key);
		complaints_add(builder->complaints, builder->file, members[i]->key_line, path,
			"duplicate key, first on line %d", members[i - 1]->key_line);
	}
	free(members);
}

static void on_mapping_end(struct builder *builder, const yaml_event_t *event)
{
	(void)event;
	const struct yaml_node *mapping = builder->frames[--builder->depth].node;
	refuse_duplicates(builder, mapping);
	finish_value(builder);
}

static void on_document_start(struct builder *builder, const yaml_event_t *event)
{
	if (++builder->documents > 1)
		give_up(builder, &event->start_mark, "a second document; only one is read");
}

static void on_document_end(struct builder *builder, const yaml_event_t *event)
{
	const struct yaml_node *root = builder->root;
	if (root && root->kind == YAML_SCALAR && !root->quoted && root->scalar[0] == '\0')
		give_up(builder, &event->start_mark, "the document is empty");
}

static void on_stream_end(struct builder *builder, const yaml_event_t *event)
{
	if (builder->documents == 0)
		give_up(builder, &event->start_mark, "the document is empty");
}

typedef void event_fn(struct builder *builder, const yaml_event_t *event);

static event_fn *const handlers[] = {
	[YAML_STREAM_END_EVENT] = on_stream_end,
	[YAML_DOCUMENT_START_EVENT] = on_document_start,
	[YAML_DOCUMENT_END_EVENT] = on_document_end,
	[YAML_ALIAS_EVENT] = on_alias,
	[YAML_SCALAR_EVENT] = on_scalar,
	[YAML_SEQUENCE_START_EVENT] = on_sequence_start,
	[YAML_SEQUENCE_END_EVENT] = on_sequence_end,
	[YAML_MAPPING_START_EVENT] = on_mapping_start,
	[YAML_MAPPING_END_EVENT] = on_mapping_end,
};

/* ---- errors of the parser itself ---- */

/* The commonest mistake deserves better than "found character that cannot start any token". */
static bool is_indented_with_tab(const char *bytes, size_t length, size_t line_index)
{
	const char *at = bytes;
	const char *end = bytes + length;
	for (size_t i = 0; i < line_index; i++) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			return false;
		at++;
	}
	while (at < end && *at == ' ')
		at++;
	return at < end && *at == '\t';
}

static void complain_of_parser(struct builder *builder, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "not YAML";
	if (parser->error == YAML_MEMORY_ERROR) {
		complaints_add(builder->complaints, builder->file, 0, NULL, "no memory to read it");
	} else if (parser->error == YAML_READER_ERROR) {
		size_t offset = parser->problem_offset < builder->length ? parser->problem_offset
									 : builder->length;
		complaints_add(builder->complaints, builder->file, line_at(builder->bytes, offset),
			NULL, "%s at byte %zu", problem, offset);
	} else {
		char path[PATH_BYTES];
		write_path(builder, path);
		const char *hint = is_indented_with_tab(builder->bytes, builder->length,
					   parser->problem_mark.line)
					   ? "; indent with spaces, not tabs"
					   : "";
		complaints_add(builder->complaints, builder->file, line_of(&parser->problem_mark),
			path, "not valid YAML: %s%s%s%s", parser->context ? parser->context : "",
			parser->context ? ", " : "", problem, hint);
	}
	builder->given_up = true;
}

/* libyaml would guess at UTF-16 and stop at a NUL in ways that depend on where it stands. */
static bool check_bytes(struct builder *builder)
{
	const char *nul = builder->length ? memchr(builder->bytes, '\0', builder->length) : NULL;
	size_t at = 0;
	while (at < builder->length) {
		uint32_t codepoint = 0;
		size_t size = utf8_decode(builder->bytes + at, builder->length - at, &codepoint);
		if (size == 0 || builder->bytes + at == nul)
			break;
		at += size;
	}
	if (at == builder->length)
		return true;
	complaints_add(builder->complaints, builder->file, line_at(builder->bytes, at), NULL,
		"%s at byte %zu: the file must be UTF-8 text",
		builder->bytes + at == nul ? "a NUL" : "invalid UTF-8", at);
	return false;
}

static void parse_events(struct builder *builder, yaml_parser_t *parser)
{
	bool done = false;
	while (!done && !builder->given_up) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event)) {
			complain_of_parser(builder, parser);
			return;
		}
		size_t type = (size_t)event.type;
		if (type < sizeof(handlers) / sizeof(handlers[0]) && handlers[type])
			handlers[type](builder, &event);
		done = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
}

const struct yaml_node *yaml_parse(struct arena *arena, const char *file, const char *bytes,
	size_t length, struct complaints *complaints)
{
	struct builder builder = {
		.arena = arena,
		.complaints = complaints,
		.complaints_before = complaints->total,
		.bytes = bytes,
		.length = length,
		.file = file,
	};
	if (length > YAML_FILE_BYTES) {
		complaints_add(complaints, file, 0, NULL, "%zu bytes are more than the limit of %d",
			length, YAML_FILE_BYTES);
		return NULL;
	}
	builder.file = arena_strdup(arena, file);
	yaml_parser_t parser;
	if (!builder.file || !yaml_parser_initialize(&parser)) {
		complaints_add(complaints, file, 0, NULL, "no memory to read it");
		return NULL;
	}
	if (check_bytes(&builder)) {
		yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, length);
		parse_events(&builder, &parser);
	}
	yaml_parser_delete(&parser);
	return complaints->total == builder.complaints_before ? builder.root : NULL;
}

/* ---- files ---- */

/* The whole file into `content`, whose limit is one byte more than is allowed. */
static bool read_all(int fd, struct text *content)
{
	char buffer[16384];
	for (;;) {
		ssize_t got = read(fd, buffer, sizeof(buffer));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		text_append(content, buffer, (size_t)got);
		if (!text_ok(content) || content->length > YAML_FILE_BYTES)
			return true;
	}
}

/* The reason it cannot be opened in *why, which may be errno's words in `buffer`; -1 then. */
static int open_regular(const char *path, const char **why, char *buffer, size_t size)
{
	/* A pipe or a device could keep the reader waiting for ever. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) != 0) {
		*why = strerror_r(errno, buffer, size);
	} else if (S_ISREG(status.st_mode)) {
		return fd;
	} else {
		*why = S_ISDIR(status.st_mode) ? "it is a directory" : "not a regular file";
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

const struct yaml_node *yaml_read(
	struct arena *arena, const char *path, struct complaints *complaints)
{
	char buffer[128];
	const char *why = "";
	int fd = open_regular(path, &why, buffer, sizeof(buffer));
	if (fd < 0) {
		complaints_add(complaints, path, 0, NULL, "cannot open: %s", why);
		return NULL;
	}
	const struct yaml_node *root = NULL;
	struct text content;
	text_init(&content, YAML_FILE_BYTES + 1);
	if (!read_all(fd, &content))
		complaints_add(complaints, path, 0, NULL, "cannot read: %s",
			strerror_r(errno, buffer, sizeof(buffer)));
	else if (content.length > YAML_FILE_BYTES)
		complaints_add(complaints, path, 0, NULL, "larger than the limit of %d bytes",
			YAML_FILE_BYTES);
	else if (!text_ok(&content))
		complaints_add(complaints, path, 0, NULL, "no memory to read it");
	else
		root = yaml_parse(arena, path, text_string(&content), content.length, complaints);
	text_finish(&content);
	close(fd);
	return root;
}

const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key)
{
	if (!node || node->kind != YAML_MAPPING)
		return NULL;
	for (const struct yaml_node *member = node->first; member; member = member->next) {
		if (strcmp(member->key, key) == 0)
			return member;
	}
	return NULL;
}

const char *yaml_kind_words(const struct yaml_node *node)
{
	if (node->kind == YAML_MAPPING)
		return "a mapping";
	if (node->kind == YAML_SEQUENCE)
		return "a list";
	return node->scalar[0] == '\0' && !node->quoted ? "nothing" : "text";
}
