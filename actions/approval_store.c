#include "actions/approval_store.h"

#include <stdio.h>

#include "actions/approval_record.h"
#include "actions/config.h"
#include "actions/etcd_once.h"
#include "core/base/error.h"
#include "core/base/text.h"

void approval_store_name(const char *hash, const char *who, char out[ETCD_KEY_BYTES])
{
	snprintf(out, ETCD_KEY_BYTES, APPROVAL_STORE_PREFIX "%.64s/%s%.60s", hash,
		who ? "by-" : "ask", who ? who : "");
}

struct reading {
	struct approvals *out;
	const struct signing_config *signing;
	int64_t now_ms;
};

static void on_list(void *context, const struct etcd_reply *reply, const struct error *error)
{
	const struct reading *reading = context;
	const char *values[ETCD_ROWS_MOST];
	(void)error;
	for (size_t i = 0; i < reply->row_count; i++)
		values[i] = reply->rows[i].value;
	approvals_add_shared(
		reading->out, values, reply->row_count, reading->signing, reading->now_ms);
}

bool approval_store_read(struct etcd_once *once, const struct coordination_config *config,
	const struct signing_config *signing, int64_t now_ms, struct approvals *out,
	struct error *error)
{
	char key[ETCD_KEY_BYTES];
	struct reading reading = {.out = out, .signing = signing, .now_ms = now_ms};
	snprintf(key, sizeof(key), "/spillway/%s/" APPROVAL_STORE_PREFIX, config->fleet);
	const struct etcd_request list = {.verb = ETCD_LIST, .key = key};
	return etcd_once_ask(once, &list, on_list, &reading, error);
}

bool approval_store_answer(struct etcd_once *once, const struct coordination_config *config,
	const struct signing_config *signing, const struct approval *row, bool give, const char *by,
	const char *reason, int64_t wall_ms, struct error *error)
{
	char name[ETCD_KEY_BYTES];
	char key[ETCD_KEY_BYTES + 80];
	struct text value;
	text_init(&value, APPROVAL_RECORD_BYTES);
	approval_store_name(row->hash, by, name);
	snprintf(key, sizeof(key), "/spillway/%s/%s", config->fleet, name);
	bool ok = approval_write_answer(
			  row, signing, give, by, reason, wall_ms, true, &value, error) &&
		  etcd_once_put(once, key, text_string(&value),
			  row->expires_ms - wall_ms + APPROVAL_STORE_AFTER_MS, error);
	text_finish(&value);
	return ok;
}
