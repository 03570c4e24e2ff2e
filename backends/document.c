/* Kind json: any HTTP endpoint that answers JSON, each row with a pointer to its number. */
#include <stdlib.h>
#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/fact.h"
#include "backends/observation.h"
#include "backends/pointer.h"
#include "core/base/error.h"
#include "core/wire/json.h"

static void *create(const struct backend_setup *setup, struct error *error)
{
	struct pointer_rows *rows = pointer_rows_create(setup, error);
	for (size_t i = 0; rows && i < rows->count; i++) {
		const char *pointer = pointer_row(rows, i);
		if (pointer[0] == '\0' || pointer[0] == '/')
			continue;
		error_set(
			error, ERROR_SCHEMA, "a pointer into JSON begins with '/': '%s'", pointer);
		free(rows);
		return NULL;
	}
	return rows;
}

static void destroy(void *instance)
{
	free(instance);
}

static size_t steps(const void *instance, size_t target, bool past)
{
	(void)instance;
	(void)target;
	return past ? 0 : 1;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct pointer_rows *rows = instance;
	(void)scratch;
	(void)error;
	out->http.method = "GET";
	out->http.url = rows->source->targets[ask->target].url;
	out->http.headers[0] = (struct http_header){"Accept", "application/json"};
	out->http.header_count = 1;
	return true;
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct pointer_rows *rows = instance;
	struct sheet sheet = {sink, &rows->source->targets[ask->target], answer->arrived_ms};
	(void)scratch;
	struct json_document *document = fact_json(&sheet, answer, "JSON", error);
	if (!document)
		return false;
	bool good = true;
	for (size_t i = 0; good && i < rows->count; i++) {
		double value = 0;
		if (pointer_number(json_pointer(json_root(document), pointer_row(rows, i)), &value))
			good = pointer_note(rows, i, ask, answer, value, sink, error);
		else
			pointer_miss(rows, i, sink);
	}
	json_destroy(document);
	return good;
}

const struct backend_ops json_ops = {
	.name = "json",
	.help = "Any HTTP endpoint that answers JSON; rows say by pointer where their number is.",
	.traits = BACKEND_NEEDS_URL,
	.row_key = "pointer",
	.trust = 55,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
