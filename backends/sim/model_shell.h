/*
 * model_shell.h - the one command that the fleet's jump host knows: psql to a cluster's pooler.
 *
 *     psql -h CLUSTER -p 6432 pgbouncer -c 'SET default_pool_size = N'    prints SET
 *     psql -h CLUSTER -p 6432 pgbouncer -c 'SHOW CONFIG' (or POOLS, DATABASES)
 *
 * The line is split as a shell would split it (quotes, backslashes) and is otherwise not a shell:
 * no variables, no pipes. Exit statuses are psql's: 0 done, 1 the server said no, 2 no connection;
 * and 127 for any other command.
 */
#ifndef BACKENDS_SIM_MODEL_SHELL_H
#define BACKENDS_SIM_MODEL_SHELL_H

struct model;
struct text;

#define SHELL_LINE_BYTES 2048 /* a longer line is refused */

/* Run `line`; append what it prints. Returns its exit status. */
int shell_run(struct model *model, const char *line, struct text *out, struct text *err);

#endif
