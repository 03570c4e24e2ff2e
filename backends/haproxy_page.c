#include "backends/haproxy_page.h"

#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/exposition.h"
#include "backends/fact.h"
#include "backends/observation.h"
#include "core/base/arena.h"
#include "core/base/error.h"

#define SERVERS_MOST 32768

/* What a page says of one server, gathered from many lines. */
struct server {
	const char *cluster, *name;
	uint64_t key; /* 0: free */
	bool told, checked;
	bool up, draining, away;
	bool has_responses, has_chosen;
	double responses, chosen;
};

struct page {
	const struct source_config *source;
	const struct sheet *sheet;
	struct arena *scratch;
	struct server *servers; /* open addressing */
	size_t capacity, count;
	bool known; /* something of HAProxy's was there */
};

bool haproxy_page_is(const struct backend_answer *answer)
{
	static const char *const starts[] = {"# HELP ", "# TYPE ", "haproxy_"};
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (answer->length > strlen(starts[i]) &&
			memcmp(answer->bytes, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* ---- gathering ---- */

static struct server *place_for(struct server *servers, size_t capacity, uint64_t key)
{
	size_t at = (size_t)hash_mix(key) & (capacity - 1);
	while (servers[at].key != 0 && servers[at].key != key)
		at = (at + 1) & (capacity - 1);
	return &servers[at];
}

static bool grow(struct page *page, struct error *error)
{
	size_t capacity = page->capacity ? page->capacity * 2 : 64;
	if (page->count >= SERVERS_MOST)
		return error_set(error, ERROR_LIMIT, "more than %d servers", SERVERS_MOST);
	struct server *servers = arena_array(page->scratch, capacity, sizeof(*servers));
	if (!servers)
		return error_no_memory(error, "servers");
	for (size_t i = 0; i < page->capacity; i++)
		if (page->servers[i].key != 0)
			*place_for(servers, capacity, page->servers[i].key) = page->servers[i];
	page->servers = servers;
	page->capacity = capacity;
	return true;
}

/* NULL without an error where the proxy is none of ours. */
static struct server *server_of(struct page *page, const struct series *series, struct error *error)
{
	const char *proxy = series_label(series, "proxy"), *name = series_label(series, "server");
	const char *cluster = fact_mapped(page->source->proxies, page->source->proxy_count, proxy);
	if (!cluster || !cluster[0] || !name[0])
		return NULL;
	uint64_t key = hash_string(hash_string(HASH_START, proxy), name);
	key = key ? key : 1;
	if ((page->count + 1) * 2 > page->capacity && !grow(page, error))
		return NULL;
	struct server *server = place_for(page->servers, page->capacity, key);
	if (server->key != 0)
		return server;
	const char *kept = arena_strdup(page->scratch, name);
	const char *kept_cluster = arena_strdup(page->scratch, cluster);
	if (!kept || !kept_cluster) {
		error_no_memory(error, "servers");
		return NULL;
	}
	*server = (struct server){.key = key, .cluster = kept_cluster, .name = kept};
	page->count++;
	return server;
}

static void take_status(struct server *server, const char *state, double value)
{
	server->told = true;
	if (!(value > 0))
		return;
	server->up = server->up || strcmp(state, "UP") == 0 || strcmp(state, "DRAIN") == 0 ||
		     strcmp(state, "NOLB") == 0;
	server->draining =
		server->draining || strcmp(state, "DRAIN") == 0 || strcmp(state, "NOLB") == 0;
	server->away = server->away || strcmp(state, "MAINT") == 0;
}

static bool on_sample(void *context, const struct exposition_sample *sample, struct error *error)
{
	struct page *page = context;
	const char *name = sample->series->name;
	if (strcmp(name, "haproxy_process_build_info") == 0)
		observations_describe(
			page->sheet->sink, "HAProxy %s", series_label(sample->series, "version"));
	if (strncmp(name, "haproxy_server_", 15) != 0) {
		page->known = page->known || strncmp(name, "haproxy_", 8) == 0;
		return true;
	}
	page->known = true;
	struct error trouble = {0};
	struct server *server = server_of(page, sample->series, &trouble);
	if (!server) {
		if (trouble.kind != ERROR_NONE && error)
			*error = trouble;
		return trouble.kind == ERROR_NONE;
	}
	if (strcmp(name, "haproxy_server_status") == 0) {
		take_status(server, series_label(sample->series, "state"), sample->value);
	} else if (strcmp(name, "haproxy_server_check_status") == 0) {
		server->checked = server->checked || sample->value > 0;
	} else if (strcmp(name, "haproxy_server_http_responses_total") == 0) {
		server->has_responses = true;
		server->responses += sample->value;
	} else if (strcmp(name, "haproxy_server_loadbalanced_total") == 0) {
		server->has_chosen = true;
		server->chosen = sample->value;
	}
	return true;
}

/* ---- what it means ---- */

static bool note(
	const struct page *page, const struct server *server, struct fact fact, struct error *error)
{
	fact.cluster = server->cluster;
	fact.replica = server->name;
	fact.series = server->key;
	return fact_note(page->sheet, &fact, error);
}

static bool note_server(const struct page *page, const struct server *server, struct error *error)
{
	struct fact up = {.signal = SIGNAL_REPLICA_UP, .value = server->up ? 1 : 0};
	struct fact away = {.signal = SIGNAL_REPLICA_MAINTENANCE,
		.value = server->away || server->draining ? 1 : 0};
	struct fact queries = {.signal = SIGNAL_REPLICA_QUERIES,
		.value = server->has_responses ? server->responses : server->chosen,
		.rate = true};
	/* UP that nobody checks is nobody's word. */
	bool known = server->told && (server->checked || !server->up || server->draining);
	if (known && !note(page, server, up, error))
		return false;
	if (server->told && !note(page, server, away, error))
		return false;
	return (!server->has_responses && !server->has_chosen) ||
	       note(page, server, queries, error);
}

bool haproxy_page_read(const struct source_config *source, const struct sheet *sheet,
	const struct backend_answer *answer, struct arena *scratch, struct error *error)
{
	struct page page = {.source = source, .sheet = sheet, .scratch = scratch};
	struct exposition_reader reader;
	if (!exposition_init(&reader, on_sample, &page, error))
		return false;
	bool good = exposition_feed(&reader, answer->bytes, answer->length, error) &&
		    exposition_end(&reader, error);
	exposition_finish(&reader);
	if (!good)
		return error_prefix(error, "HAProxy's page");
	if (!page.known)
		return error_set(error, ERROR_SCHEMA,
			"the page has no series of HAProxy: is it another exporter's?");
	for (size_t i = 0; i < page.capacity; i++)
		if (page.servers[i].key != 0 && !note_server(&page, &page.servers[i], error))
			return false;
	if (page.count == 0)
		observations_warn(sheet->sink, "the page has no server of the proxies named");
	return true;
}
