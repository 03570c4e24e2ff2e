#include "core/wire/http_lane_reply.h"

#include <string.h>
#include <strings.h>

#include "core/wire/http_header.h"
#include "core/wire/http_transfer.h"

struct row {
	const char *name;
	size_t offset, size;
};

#define ROW(header, field)                                              \
	{                                                               \
		header, offsetof(struct http_lane_reply, field),        \
			sizeof(((struct http_lane_reply *)NULL)->field) \
	}

enum { CONTENT_TYPE, ETAG, LOCATION, DATE, RETRY_AFTER, CONTENT_ENCODING, TRANSFER_ENCODING };

static const struct row rows[] = {
	[CONTENT_TYPE] = ROW("Content-Type", content_type),
	[ETAG] = ROW("ETag", etag),
	[LOCATION] = ROW("Location", location),
	[DATE] = ROW("Date", date),
	[RETRY_AFTER] = ROW("Retry-After", retry_after),
	[CONTENT_ENCODING] = ROW("Content-Encoding", content_encoding),
	[TRANSFER_ENCODING] = ROW("Transfer-Encoding", transfer_encoding),
};

#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

static char *value_of(struct http_lane_reply *reply, int row)
{
	return (char *)reply + rows[row].offset;
}

/* ---- what the parser calls ---- */

static int on_header_field(struct http_parser *parser, const char *bytes, size_t length)
{
	struct http_lane_reply *reply = parser->data;
	if (reply->in_value)
		reply->name_length = 0;
	reply->in_value = false;
	if (length < sizeof(reply->name) - reply->name_length)
		memcpy(reply->name + reply->name_length, bytes, length);
	else
		reply->name_length = sizeof(reply->name);
	if (reply->name_length < sizeof(reply->name))
		reply->name_length += length;
	return 0;
}

/* Trailers are not headers, and of two of one name the first counts, as with libcurl. */
static int find_row(const struct http_lane_reply *reply)
{
	for (int i = 0; i < ROWS && !reply->head_is_whole; i++)
		if (reply->name_length == strlen(rows[i].name) && !(reply->seen & 1u << i) &&
			strncasecmp(reply->name, rows[i].name, reply->name_length) == 0)
			return i;
	return -1;
}

static int on_header_value(struct http_parser *parser, const char *bytes, size_t length)
{
	struct http_lane_reply *reply = parser->data;
	/* libcurl does not let it pass, and the parser does in some places. */
	if (memchr(bytes, '\0', length))
		return -1;
	if (!reply->in_value) {
		reply->in_value = true;
		reply->row = find_row(reply);
		if (reply->row >= 0)
			reply->seen |= 1u << reply->row;
	}
	if (reply->row < 0)
		return 0;
	char *value = value_of(reply, reply->row);
	size_t held = strlen(value);
	if (length < rows[reply->row].size - held) {
		memcpy(value + held, bytes, length);
		value[held + length] = '\0';
	} else {
		reply->too_long |= 1u << reply->row;
	}
	return 0;
}

static void finish_values(struct http_lane_reply *reply)
{
	for (int i = 0; i < ROWS; i++) {
		char *value = value_of(reply, i);
		size_t length = strlen(value);
		while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
			value[--length] = '\0';
		if (reply->too_long & 1u << i)
			value[0] = '\0';
	}
}

static bool has(const struct http_lane_reply *reply, int row)
{
	return (reply->seen & 1u << row) != 0;
}

static bool redirects(const struct http_lane_reply *reply)
{
	int status = reply->status;
	return has(reply, LOCATION) &&
	       ((status >= 301 && status <= 303) || status == 307 || status == 308);
}

static bool is_odd(const struct http_lane_reply *reply)
{
	return reply->parser.http_major != 1 || reply->status < 200 || redirects(reply) ||
	       (has(reply, TRANSFER_ENCODING) &&
		       strcasecmp(reply->transfer_encoding, "chunked") != 0) ||
	       reply->encoded;
}

/* What it returns: 0 a body may follow, 1 none does whatever the headers say, -1 stop. */
static int on_headers_complete(struct http_parser *parser)
{
	struct http_lane_reply *reply = parser->data;
	finish_values(reply);
	reply->head_is_whole = true;
	reply->status = (int)parser->status_code;
	reply->announced =
		parser->flags & F_CONTENTLENGTH && parser->content_length <= (uint64_t)INT64_MAX
			? (int64_t)parser->content_length
			: -1;
	reply->encoded = reply->gzip && has(reply, CONTENT_ENCODING);
	if (is_odd(reply))
		return -1;
	return reply->status == 204 || reply->status == 304 ? 1 : 0;
}

static int on_body(struct http_parser *parser, const char *bytes, size_t length)
{
	struct http_lane_reply *reply = parser->data;
	if (reply->body(reply->context, bytes, length))
		return 0;
	reply->verdict = HTTP_LANE_STOPPED;
	return -1;
}

static int on_message_complete(struct http_parser *parser)
{
	struct http_lane_reply *reply = parser->data;
	reply->verdict = HTTP_LANE_WHOLE;
	reply->keep = parser->http_minor == 1 && http_should_keep_alive(parser);
	/* Or it would go on with what follows. */
	http_parser_pause(parser, 1);
	return 0;
}

static const struct http_parser_settings settings = {
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* ---- reading ---- */

void http_lane_reply_begin(
	struct http_lane_reply *reply, bool gzip, http_lane_body_fn *body, void *context)
{
	http_parser_init(&reply->parser, HTTP_RESPONSE);
	http_parser_set_max_header_size((uint32_t)HTTP_HEAD_BYTES);
	reply->parser.data = reply;
	reply->verdict = HTTP_LANE_MORE;
	reply->body = body;
	reply->context = context;
	reply->gzip = gzip;
	reply->head_is_whole = reply->keep = reply->encoded = reply->in_value = false;
	reply->status = 0;
	reply->announced = -1;
	reply->bytes = 0;
	reply->head_bytes = reply->name_length = 0;
	reply->row = -1;
	reply->seen = reply->too_long = 0;
	for (int i = 0; i < ROWS; i++)
		value_of(reply, i)[0] = '\0';
}

static void count_head(struct http_lane_reply *reply, const char *bytes, size_t length)
{
	const char *line = memrchr(bytes, '\n', length);
	if (line)
		reply->head_bytes += (size_t)(line - bytes) + 1;
}

enum http_lane_verdict http_lane_reply_feed(
	struct http_lane_reply *reply, const char *bytes, size_t length, size_t *used)
{
	*used = 0;
	if (reply->verdict != HTTP_LANE_MORE || length == 0)
		return reply->verdict;
	if (!reply->head_is_whole)
		count_head(reply, bytes, length);
	*used = http_parser_execute(&reply->parser, &settings, bytes, length);
	reply->bytes += *used;
	enum http_errno trouble = HTTP_PARSER_ERRNO(&reply->parser);
	if (reply->verdict != HTTP_LANE_MORE)
		return reply->verdict;
	if (trouble == HPE_HEADER_OVERFLOW)
		reply->verdict = HTTP_LANE_HEAD;
	else if (trouble != HPE_OK || *used != length)
		reply->verdict = HTTP_LANE_ODD;
	return reply->verdict;
}

enum http_lane_verdict http_lane_reply_end(struct http_lane_reply *reply)
{
	if (reply->verdict == HTTP_LANE_MORE && reply->head_is_whole)
		http_parser_execute(&reply->parser, &settings, NULL, 0);
	return reply->verdict;
}

const char *http_lane_reply_reason(const struct http_lane_reply *reply)
{
	return http_errno_description(HTTP_PARSER_ERRNO(&reply->parser));
}

void http_lane_reply_describe(
	const struct http_lane_reply *reply, struct http_reply_texts *texts, struct http_reply *out)
{
	http_header_copy(reply->content_type, texts->content_type, sizeof(texts->content_type));
	http_header_copy(reply->etag, texts->etag, sizeof(texts->etag));
	http_header_copy(reply->location, texts->location, sizeof(texts->location));
	*out = (struct http_reply){
		.status = reply->status,
		.content_type = texts->content_type,
		.etag = texts->etag,
		.location = texts->location,
		.wire_bytes = reply->bytes,
		.by_lane = true,
	};
}
