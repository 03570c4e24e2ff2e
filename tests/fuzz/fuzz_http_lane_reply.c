/*
 * Whatever a peer answers on the lane: it is whole, more is to come, or it is left to libcurl, and
 * read in one piece or in many the verdict, the body and the headers are the same. The first byte
 * says how large the pieces are and whether compression was asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/observation.h"
#include "core/wire/http_lane_reply.h"
#include "core/wire/http_transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct digest {
	uint64_t body;
	size_t length;
};

static bool take(void *context, const char *bytes, size_t length)
{
	struct digest *digest = context;
	if (length == 0)
		abort();
	for (size_t i = 0; i < length; i++)
		digest->body = hash_bytes(digest->body, bytes + i, 1);
	digest->length += length;
	return digest->length <= 4096;
}

/* The sizes of pieces must not matter, except to how much was taken before the taker had enough. */
static uint64_t read_answer(
	struct http_lane_reply *reply, const char *bytes, size_t length, size_t piece, bool gzip)
{
	struct digest digest = {.body = HASH_START};
	struct http_reply_texts texts;
	struct http_reply out;
	size_t at = 0;
	http_lane_reply_begin(reply, gzip, take, &digest);
	while (at < length && reply->verdict == HTTP_LANE_MORE) {
		size_t used = 0;
		size_t next = length - at < piece ? length - at : piece;
		http_lane_reply_feed(reply, bytes + at, next, &used);
		if (used > next || (reply->verdict == HTTP_LANE_MORE && used != next))
			abort();
		at += used;
	}
	if (reply->verdict == HTTP_LANE_WHOLE && reply->bytes != at)
		abort();
	http_lane_reply_end(reply);
	http_lane_reply_describe(reply, &texts, &out);
	if (reply->verdict == HTTP_LANE_STOPPED || reply->verdict == HTTP_LANE_HEAD)
		return (uint64_t)reply->verdict;
	uint64_t hash = hash_bytes(digest.body, &reply->verdict, sizeof(reply->verdict));
	/* What is odd may be found so before or after its last good piece was taken. */
	if (reply->verdict == HTTP_LANE_ODD)
		hash = hash_bytes(HASH_START, &reply->verdict, sizeof(reply->verdict));
	else if (reply->head_is_whole)
		hash = hash_bytes(hash, &out.status, sizeof(out.status));
	if (reply->verdict != HTTP_LANE_WHOLE)
		return hash;
	hash = hash_bytes(hash, &reply->keep, sizeof(reply->keep));
	hash = hash_bytes(hash, &reply->bytes, sizeof(reply->bytes));
	hash = hash_string(hash, out.content_type);
	hash = hash_string(hash, out.etag);
	hash = hash_string(hash, out.location);
	hash = hash_string(hash, reply->date);
	return hash_string(hash, reply->retry_after);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct http_lane_reply reply;
	if (length == 0)
		return 0;
	bool gzip = bytes[0] & 1u;
	size_t piece = (size_t)(bytes[0] >> 1) + 1;
	const char *answer = (const char *)bytes + 1;
	uint64_t whole = read_answer(&reply, answer, length - 1, length, gzip);
	if (read_answer(&reply, answer, length - 1, piece, gzip) != whole)
		abort();
	return 0;
}
