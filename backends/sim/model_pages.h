/*
 * model_pages.h - what the fleet's exporters would say, in the Prometheus text format.
 *
 *     /metrics/CLUSTER/REPLICA   pooler and database of one replica
 *     /metrics/CLUSTER/auth      the auth service of a cluster
 *     /metrics/CLUSTER/web       a surface in a cluster (and /api)
 *     /metrics/control           the traffic divider
 *     /metrics/edge              what health checks say of the replicas
 *     /metrics                   all of it on one page
 *
 * Names follow the community exporters of PgBouncer and PostgreSQL and HAProxy's own page; labels
 * region, cluster and replica are on everything they apply to. A replica that is away is `pg_up 0`
 * and nothing else: its gauges are absent, not zero.
 */
#ifndef BACKENDS_SIM_MODEL_PAGES_H
#define BACKENDS_SIM_MODEL_PAGES_H

#include <stdbool.h>

struct model;
struct text;

/* Append the page at `path`. False, nothing appended, when there is no such page. */
bool pages_render(const struct model *model, const char *path, struct text *out);

#endif
