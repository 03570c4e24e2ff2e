#include "backends/plain.h"

#include <stdlib.h>

#include "backends/backend.h"
#include "core/base/error.h"

void *plain_create(const struct backend_setup *setup, struct error *error)
{
	struct plain *plain = calloc(1, sizeof(*plain));
	if (plain)
		plain->source = setup->source;
	else
		error_no_memory(error, "a source");
	return plain;
}

void plain_destroy(void *instance)
{
	free(instance);
}
