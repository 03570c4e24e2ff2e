/*
 * control.h - the acting river, wired to an engine: journal, SSH, executor. Only programs that can
 * act link it.
 */
#ifndef APP_CONTROL_H
#define APP_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "actions/config.h"
#include "core/base/error.h"

struct anchor;
struct complaints;
struct config;
struct coordination;
struct engine;
struct executor;
struct journal;
struct remote;
struct seal;

#define CONTROL_ARM_MS (10 * 60 * 1000) /* how long arming lasts */

struct control {
	struct engine *engine; /* it was wired to */
	struct action_configs configs;
	struct action_info infos[ACTIONS_MOST]; /* of configs, for screens and runbooks */
	size_t info_count;
	struct journal *journal; /* NULL: read-only, or it cannot be written: see journal_trouble */
	struct error
		journal_trouble; /* why there is none; ERROR_REJECTED: another process has it */
	struct coordination *coordination; /* NULL: nothing to agree on */
	struct seal *seal;                 /* NULL: the journal is not signed */
	struct anchor *anchor;             /* NULL: its head is told nobody */
	struct remote *remote;
	struct executor *executor;
	bool may_write; /* false: read-only for good */
	char operator_name[64];
};

/* Read the acting sections of the file. False when it complained. */
bool control_read(
	const struct config *config, struct action_configs *out, struct complaints *complaints);

/*
 * Who is acting: the login the kernel keeps for this session, through su and sudo, else the user of
 * this process. No variable is believed, but sudo's where this is root anyway.
 */
void control_name_operator(char *out, size_t size);

/*
 * Wire it. With read_only (or SPILLWAY_READONLY set) the journal is not opened and arming is
 * refused. A journal that cannot be opened is not an error here: everything can be looked at, and
 * every action is refused with journal_trouble.
 */
bool control_init(struct control *control, struct engine *engine,
	const struct action_configs *configs, bool read_only, struct error *error);

/* Wait a moment for the store that operators agree by, if there is one, so that a first plan knows
 * of the others. */
void control_wait_agreement(struct control *control, struct engine *engine);

/* Before engine_finish(). Seals the journal and tells its head, which may take a moment; what
 * cannot be done is told on stderr. */
void control_finish(struct control *control);

#endif
