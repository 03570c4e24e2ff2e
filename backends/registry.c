#include <string.h>

#include "backends/backend.h"

/* The order is that of source_kinds(). */
static const struct backend_ops *const kinds[] = {&prometheus_ops, &exposition_ops, &haproxy_ops,
	&pgbouncer_ops, &postgres_probe_ops, &patroni_ops, &envoy_ops, &alertmanager_ops,
	&kubernetes_ops, &json_ops, &ssh_ops, &replay_ops, NULL};

const struct backend_ops *const *backend_kinds(void)
{
	return kinds;
}

const struct backend_ops *backend_find(const char *kind)
{
	for (size_t i = 0; kinds[i]; i++)
		if (strcmp(kinds[i]->name, kind) == 0)
			return kinds[i];
	return NULL;
}
