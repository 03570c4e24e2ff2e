/*
 * Any bytes into json_parse(). What the check accepts cJSON must accept too: then "no memory" can
 * only mean what it says. Every node is visited, so that nothing in the tree is left unread.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void visit(const struct json_node *node)
{
	double number = 0;
	int64_t integer = 0;
	json_number_of(node, &number);
	json_integer_of(node, &integer);
	const char *text = json_text(node);
	require(!text || utf8_is_valid(text, strlen(text)));
	size_t count = 0;
	for (const struct json_node *child = json_first(node); child; child = json_next(child)) {
		const char *key = json_key_of(child);
		require((key != NULL) == json_is_object(node));
		require(!key || json_get(node, key) != NULL);
		visit(child);
		count++;
	}
	require(count == json_count(node));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* json_get() is linear, so a long object would cost its square. */
	if (size > 4096)
		return 0;
	struct error error = {0};
	struct json_document *document = json_parse((const char *)data, size, &error);
	if (!document) {
		require(error.kind == ERROR_SYNTAX || error.kind == ERROR_LIMIT);
		return 0;
	}
	require(error.kind == ERROR_NONE && json_root(document) != NULL);
	visit(json_root(document));
	json_pointer(json_root(document), "/data/result/0/value/1");
	json_destroy(document);
	return 0;
}
