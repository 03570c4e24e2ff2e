/*
 * model_table.h - what an HAProxy in front of the fleet would say at `/stats;csv`.
 *
 * Full header of version 2.6 with its trailing comma; one FRONTEND per surface, and per cluster a
 * proxy of the cluster's name with a row per replica and a BACKEND. Status words as there: UP, UP
 * 2/3, DOWN, DOWN 1/2, MAINT. Empty cells where HAProxy leaves them empty.
 */
#ifndef BACKENDS_SIM_MODEL_TABLE_H
#define BACKENDS_SIM_MODEL_TABLE_H

struct model;
struct text;

void table_render(const struct model *model, struct text *out);

/* "UP 2/3": what the health check says of a replica. Never NULL. */
const char *table_status(int health);

#endif
