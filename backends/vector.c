#include "backends/vector.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "backends/memo.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/utf8.h"

#define NEST_MOST 32
#define FIRST_ROOM_BYTES ((size_t)4096)
#define ROOM_SLACK 16             /* strings are copied eight bytes at a time, past their end */
#define JOIN_BYTES ((size_t)1024) /* looked at to end a series that a piece has cut */

/* One series being read. `dry` where its bytes ran out: more are to come, nothing is wrong. */
struct cursor {
	const char *at, *end;
	char *room;
	struct series *series;
	struct vector_item *item;
	size_t labels_length; /* as written */
	bool dry;
};

/* ---- small parts; each is false when it cannot go on ---- */

static bool look(struct cursor *cursor, char *out)
{
	while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\n' ||
						   *cursor->at == '\t' || *cursor->at == '\r'))
		cursor->at++;
	if (cursor->at == cursor->end) {
		cursor->dry = true;
		return false;
	}
	*out = *cursor->at;
	return true;
}

static bool take(struct cursor *cursor, char wanted)
{
	char c = 0;
	if (!look(cursor, &c) || c != wanted)
		return false;
	cursor->at++;
	return true;
}

static bool take_hex(struct cursor *cursor, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++) {
		if (cursor->at == cursor->end) {
			cursor->dry = true;
			return false;
		}
		char c = *cursor->at++;
		uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
				 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
							: 16;
		if (digit == 16)
			return false;
		*out = *out * 16 + digit;
	}
	return true;
}

static void put_code(struct cursor *cursor, uint32_t code)
{
	unsigned char bytes[4];
	size_t count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = count; i-- > 1; code >>= 6)
		bytes[i] = (unsigned char)(0x80 | (code & 0x3f));
	bytes[0] = (unsigned char)(leads[count] | code);
	memcpy(cursor->room, bytes, count);
	cursor->room += count;
}

/* "\u00fc", "\ud83d\ude00"; the cursor is behind the 'u'. */
static bool take_unicode(struct cursor *cursor)
{
	uint32_t code = 0, low = 0;
	if (!take_hex(cursor, &code) || code == 0 || (code >= 0xdc00 && code <= 0xdfff))
		return false;
	if (code >= 0xd800 && code <= 0xdbff) {
		if (cursor->end - cursor->at < 2) {
			cursor->dry = true;
			return false;
		}
		if (cursor->at[0] != '\\' || cursor->at[1] != 'u')
			return false;
		cursor->at += 2;
		if (!take_hex(cursor, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	put_code(cursor, code);
	return true;
}

static bool take_escape(struct cursor *cursor)
{
	static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	if (++cursor->at == cursor->end) {
		cursor->dry = true;
		return false;
	}
	char c = *cursor->at++;
	if (c == 'u')
		return take_unicode(cursor);
	const char *known = c ? strchr(names, c) : NULL;
	if (known)
		*cursor->room++ = means[known - names];
	return known != NULL;
}

/*
 * Eight bytes at a time for as long as they are plain: no quote, backslash, control byte or byte
 * beyond ASCII among them. The room takes eight bytes past the end of what is kept.
 */
static void take_plain(struct cursor *cursor)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	while (cursor->end - cursor->at >= 8) {
		uint64_t bytes;
		memcpy(&bytes, cursor->at, 8);
		memcpy(cursor->room, &bytes, 8);
		bytes = le64toh(bytes);
		uint64_t quote = bytes ^ (ones * '"'), slash = bytes ^ (ones * '\\');
		/* In each, the lowest byte that is marked is one that is wanted. */
		uint64_t found = (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
					 ((bytes - ones * 0x20) & ~bytes) | bytes) &
				 highs;
		size_t plain = found ? (size_t)__builtin_ctzll(found) / 8 : 8;
		cursor->at += plain;
		cursor->room += plain;
		if (plain < 8)
			return;
	}
}

/* A string into the room, which is as large as the bytes of the whole series. */
static const char *take_string(struct cursor *cursor)
{
	if (!take(cursor, '"'))
		return NULL;
	char *kept = cursor->room;
	unsigned char all = 0;
	for (;;) {
		take_plain(cursor);
		if (cursor->at == cursor->end) {
			cursor->dry = true;
			return NULL;
		}
		unsigned char c = (unsigned char)*cursor->at;
		if (c == '"')
			break;
		if (c < 0x20 || (c == '\\' && !take_escape(cursor)))
			return NULL;
		if (c == '\\')
			continue;
		all |= c;
		*cursor->room++ = (char)c;
		cursor->at++;
	}
	cursor->at++;
	if ((all & 0x80) && !utf8_is_valid(kept, (size_t)(cursor->room - kept)))
		return NULL;
	*cursor->room++ = '\0';
	return kept;
}

static bool take_number(struct cursor *cursor, double *out)
{
	char c = 0;
	if (!look(cursor, &c))
		return false;
	const char *from = cursor->at;
	while (cursor->at < cursor->end && *cursor->at && strchr("+-.0123456789eE", *cursor->at))
		cursor->at++;
	cursor->dry = cursor->at == cursor->end;
	return !cursor->dry && number_parse(from, (size_t)(cursor->at - from), out);
}

/* A value that says nothing to us: brackets are counted, strings are jumped. */
static bool skip_value(struct cursor *cursor)
{
	int depth = 0;
	do {
		char c = 0, *room = cursor->room;
		if (!look(cursor, &c))
			return false;
		if (c == '"') {
			if (!take_string(cursor))
				return false;
			cursor->room = room;
		} else {
			depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
			if (depth < 0 || depth > NEST_MOST)
				return false;
			cursor->at++;
		}
		if (depth == 0 && look(cursor, &c) && (c == ',' || c == '}'))
			return true;
	} while (!cursor->dry);
	return false;
}

/* ---- one series ---- */

static bool take_metric(struct cursor *cursor)
{
	struct series *series = cursor->series;
	char c = 0;
	if (!take(cursor, '{') || !look(cursor, &c))
		return false;
	const char *from = cursor->at;
	while (c != '}') {
		const char *name = take_string(cursor);
		const char *value = name && take(cursor, ':') ? take_string(cursor) : NULL;
		if (!value || !look(cursor, &c) || (c != ',' && c != '}'))
			return false;
		if (series->label_count < SERIES_LABELS_MOST)
			series->labels[series->label_count++] = (struct source_label){name, value};
		else
			cursor->item->crowded = true;
		cursor->at += c == ',' ? 1 : 0;
	}
	cursor->item->identity = memo_identity(from, (size_t)(cursor->at - from));
	cursor->labels_length = (size_t)(cursor->at - from);
	cursor->at++;
	return true;
}

static bool take_pair(struct cursor *cursor)
{
	if (!take(cursor, '[') || !take_number(cursor, &cursor->item->seconds) ||
		!take(cursor, ','))
		return false;
	const char *value = take_string(cursor);
	if (!value || !number_parse(value, strlen(value), &cursor->item->value))
		return false;
	cursor->item->has_value = true;
	return take(cursor, ']');
}

/* What a series has besides, up to its closing brace. */
static bool take_members(struct cursor *cursor)
{
	char c = 0;
	if (!look(cursor, &c))
		return false;
	while (c != '}') {
		const char *key = take_string(cursor);
		if (!key || !take(cursor, ':'))
			return false;
		bool good = strcmp(key, "metric") == 0  ? take_metric(cursor)
			    : strcmp(key, "value") == 0 ? take_pair(cursor)
							: skip_value(cursor);
		if (!good || !look(cursor, &c) || (c != ',' && c != '}'))
			return false;
		cursor->at += c == ',' ? 1 : 0;
	}
	cursor->at++;
	return true;
}

#define BEFORE_LABELS "{\"metric\":{"
#define AFTER_LABELS "},\"value\":["
#define BEFORE_BYTES (sizeof(BEFORE_LABELS) - 1)
#define AFTER_BYTES (sizeof(AFTER_LABELS) - 1)
#define KNOWN_BYTES 4096 /* labels longer than this are read each time, if they have moved */

/* The labels at the cursor as the last reply wrote them; NULL where they are not known so. */
static const struct memo_row *find_known(struct memo *memo, const char *labels, size_t left)
{
	const struct memo_row *row = memo_expected(memo);
	if (row && row->length + AFTER_BYTES <= left &&
		memcmp(labels + row->length, AFTER_LABELS, AFTER_BYTES) == 0 &&
		memo_identity(labels, row->length) == row->identity)
		return row;
	size_t within = left < KNOWN_BYTES ? left : KNOWN_BYTES;
	const char *end = memmem(labels, within, AFTER_LABELS, AFTER_BYTES);
	size_t length = end ? (size_t)(end - labels) : 0;
	row = end ? memo_find(memo, memo_identity(labels, length)) : NULL;
	return row && row->length == length ? row : NULL;
}

/*
 * A series that the last reply had too: its labels need no reading. In what was JSON the last time
 * the bytes after them cannot stand within a string.
 */
static bool take_known(struct cursor *cursor, struct memo *memo)
{
	const char *labels = cursor->at + BEFORE_BYTES;
	size_t left = (size_t)(cursor->end - cursor->at);
	if (memo->count == 0 || left < BEFORE_BYTES ||
		memcmp(cursor->at, BEFORE_LABELS, BEFORE_BYTES) != 0)
		return false;
	const struct memo_row *row = find_known(memo, labels, left - BEFORE_BYTES);
	if (!row)
		return false;
	cursor->item->identity = row->identity;
	cursor->item->tag = row->tag;
	cursor->labels_length = row->length;
	cursor->at = labels + row->length + AFTER_BYTES - 1; /* on the bracket */
	char c = 0;
	if (!take_pair(cursor) || !look(cursor, &c))
		return false;
	cursor->at += c == ',' ? 1 : 0;
	return take_members(cursor);
}

static bool hand_over(
	struct vector_reader *reader, const struct cursor *cursor, struct error *error)
{
	struct vector_item *item = cursor->item;
	if (!reader->on_item(reader->context, item, error))
		return false;
	if (reader->memo)
		memo_note(reader->memo, item->identity, cursor->labels_length, item->tag);
	return true;
}

/* The strings of a series take no more room than the series itself. */
static bool reserve_room(struct vector_reader *reader, size_t bytes, struct error *error)
{
	if (bytes + ROOM_SLACK <= reader->room_bytes)
		return true;
	char *room = realloc(reader->room, bytes + ROOM_SLACK);
	if (!room)
		return error_no_memory(error, "a reply");
	reader->room = room;
	reader->room_bytes = bytes + ROOM_SLACK;
	return true;
}

/* Takes one series at `bytes`: how many bytes it has; 0 when more are needed, or with `error`. */
static size_t read_item(
	struct vector_reader *reader, const char *bytes, size_t length, struct error *error)
{
	struct vector_item item = {.series = &reader->series, .tag = MEMO_UNKNOWN};
	size_t most = length < VECTOR_ITEM_BYTES ? length : VECTOR_ITEM_BYTES;
	if (!reserve_room(reader, most, error))
		return 0;
	struct cursor cursor = {.at = bytes,
		.end = bytes + most,
		.room = reader->room,
		.series = &reader->series,
		.item = &item};
	reader->series.name = "";
	reader->series.label_count = 0;
	if (reader->memo && take_known(&cursor, reader->memo))
		return hand_over(reader, &cursor, error) ? (size_t)(cursor.at - bytes) : 0;
	item = (struct vector_item){.series = &reader->series, .tag = MEMO_UNKNOWN};
	cursor.at = bytes;
	cursor.room = reader->room;
	cursor.dry = false;
	if (take(&cursor, '{') && take_members(&cursor))
		return hand_over(reader, &cursor, error) ? (size_t)(cursor.at - bytes) : 0;
	if (!cursor.dry)
		error_set(
			error, ERROR_SYNTAX, "a series of the reply is not what Prometheus writes");
	else if (length >= VECTOR_ITEM_BYTES)
		error_set(error, ERROR_LIMIT, "a series of the reply is longer than %d bytes",
			VECTOR_ITEM_BYTES);
	return 0;
}

/* ---- the reply ---- */

/* Where the series begin; 0 when they do not, yet. The first place that looks so is meant, however
 * the bytes come; where it was another's, what is kept as the frame is no JSON. */
static size_t head_length(const char *bytes, size_t length)
{
	static const char *const starts[] = {"\"result\":[", "\"result\": ["};
	size_t within = length < VECTOR_HEAD_BYTES ? length : VECTOR_HEAD_BYTES;
	size_t head = 0;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		const char *found = memmem(bytes, within, starts[i], strlen(starts[i]));
		size_t end = found ? (size_t)(found - bytes) + strlen(starts[i]) : 0;
		if (found && (head == 0 || end < head))
			head = end;
	}
	return head;
}

bool vector_is_one(const char *bytes, size_t length)
{
	size_t head = head_length(bytes, length);
	return head > 0 && bytes[0] == '{' &&
	       (memmem(bytes, head, "\"resultType\":\"vector\"", 21) ||
		       memmem(bytes, head, "\"resultType\": \"vector\"", 22));
}

bool vector_init(struct vector_reader *reader, vector_item_fn *on_item, void *context,
	struct memo *memo, struct error *error)
{
	char *room = malloc(FIRST_ROOM_BYTES);
	if (!room)
		return error_no_memory(error, "a reply");
	*reader = (struct vector_reader){.on_item = on_item,
		.context = context,
		.memo = memo,
		.room = room,
		.room_bytes = FIRST_ROOM_BYTES};
	text_init(&reader->frame, VECTOR_FRAME_BYTES);
	text_init(&reader->rest, 2 * VECTOR_ITEM_BYTES + JOIN_BYTES);
	return true;
}

void vector_finish(struct vector_reader *reader)
{
	text_finish(&reader->frame);
	text_finish(&reader->rest);
	free(reader->room);
	reader->room = NULL;
}

static bool keep(struct text *text, const char *bytes, size_t length, struct error *error)
{
	text_append(text, bytes, length);
	return text_ok(text) ||
	       error_set(error, ERROR_LIMIT, "the reply around its series is too long");
}

/* Series one after the other from `bytes`; how many bytes are done with. False with `error`. */
static bool read_items(struct vector_reader *reader, const char *bytes, size_t length, size_t *used,
	struct error *error)
{
	*used = 0;
	while (*used < length) {
		char c = bytes[*used];
		if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
			++*used;
		} else if (c == ']') {
			reader->in_tail = true;
			return true;
		} else if (c == (reader->after_item ? ',' : '{')) {
			size_t item = c == ',' ? 1 : 0;
			struct error trouble = {0};
			if (c == '{')
				item = read_item(reader, bytes + *used, length - *used, &trouble);
			if (item == 0 && trouble.kind != ERROR_NONE)
				return error_set(error, trouble.kind, "%s", trouble.text);
			if (item == 0)
				return true;
			reader->after_item = c == '{';
			*used += item;
		} else {
			return error_set(error, ERROR_SYNTAX,
				"between the series of the reply stands what is no JSON");
		}
	}
	return true;
}

/* The end of the head, which may come in pieces. Takes what belongs to it off the piece. */
static bool feed_head(
	struct vector_reader *reader, const char **bytes, size_t *length, struct error *error)
{
	struct text *rest = &reader->rest;
	size_t before = rest->length;
	size_t most = VECTOR_HEAD_BYTES - before;
	size_t more = *length < most ? *length : most;
	if (!keep(rest, *bytes, more, error))
		return false;
	size_t head = head_length(rest->bytes, rest->length);
	if (head == 0 && rest->length == VECTOR_HEAD_BYTES)
		return error_set(error, ERROR_SCHEMA, "the reply has no result in it");
	if (head > 0) {
		reader->in_items = true;
		more = head - before;
		if (!keep(&reader->frame, rest->bytes, head, error))
			return false;
		text_clear(rest);
	}
	*bytes += more;
	*length -= more;
	return true;
}

/* Series from the piece; one that was cut is kept until its end comes. */
static bool feed_items(
	struct vector_reader *reader, const char **bytes, size_t *length, struct error *error)
{
	struct text *rest = &reader->rest;
	size_t used = 0;
	if (rest->length == 0) {
		if (!read_items(reader, *bytes, *length, &used, error))
			return false;
		*bytes += used;
		*length -= used;
		if (reader->in_tail)
			return true;
		bool kept = keep(rest, *bytes, *length, error);
		*length = 0;
		return kept;
	}
	/* As much again as there is: a long series is not looked at from its start all too often.
	 */
	size_t before = rest->length, join = before > JOIN_BYTES ? before : JOIN_BYTES;
	size_t piece = *length < join ? *length : join;
	if (!keep(rest, *bytes, piece, error) ||
		!read_items(reader, rest->bytes, rest->length, &used, error))
		return false;
	if (used > before) { /* it ends in the piece, from which the reading goes on */
		piece = used - before;
		text_clear(rest);
	}
	*bytes += piece;
	*length -= piece;
	return true;
}

bool vector_feed(
	struct vector_reader *reader, const char *bytes, size_t length, struct error *error)
{
	if (!reader->in_items && !feed_head(reader, &bytes, &length, error))
		return false;
	while (length > 0 && reader->in_items && !reader->in_tail)
		if (!feed_items(reader, &bytes, &length, error))
			return false;
	return length == 0 || keep(&reader->frame, bytes, length, error);
}

const char *vector_end(struct vector_reader *reader, struct error *error)
{
	if (reader->in_tail)
		return text_string(&reader->frame);
	error_set(error, ERROR_SYNTAX, "the reply ends before its series do");
	return NULL;
}
