#include "app/control.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/anchor.h"
#include "actions/coordination.h"
#include "actions/executor.h"
#include "actions/journal.h"
#include "actions/seal.h"
#include "app/config.h"
#include "app/engine.h"
#include "app/pack_actions.h"
#include "app/path.h"
#include "app/remote.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"
#include "core/wire/http.h"

#define AGREEMENT_MS 3000

bool control_read(
	const struct config *config, struct action_configs *out, struct complaints *complaints)
{
	char state[PATH_BYTES];
	struct error error = {0};
	if (!path_state_directory(state, sizeof state, &error))
		snprintf(state, sizeof state, "%s", config->directory);
	const struct yaml_node *actions = config->actions;
	bool ok = pack_actions_merge(actions, config->arena, &actions, complaints);
	ok = ok && action_configs_read(actions, config->guards, config->journal, config->directory,
			   state, config->arena, out, complaints);
	return coordination_config_read(
		       config->coordination, config->directory, config->arena, out, complaints) &&
	       ok;
}

/* The kernel's note of who logged in; it cannot be changed by who did. */
static bool control_login(uid_t *out)
{
	char word[32] = "";
	int64_t number = -1;
	FILE *file = fopen("/proc/self/loginuid", "re");
	if (!file)
		return false;
	size_t length = fread(word, 1, sizeof word - 1, file);
	fclose(file);
	if (!number_parse_integer(word, length, &number) || number < 0 || number >= UINT32_MAX)
		return false;
	*out = (uid_t)number;
	return true;
}

void control_name_operator(char *out, size_t size)
{
	uid_t uid = getuid();
	const char *name = uid == 0 ? getenv("SUDO_USER") : NULL;
	bool is_login = control_login(&uid);
	const struct passwd *entry = getpwuid(uid);
	if (is_login || !name || !name[0])
		name = entry ? entry->pw_name : "unknown";
	sanitise(name, strlen(name), out, size);
}

static bool control_wire(struct control *control, struct engine *engine, struct error *error)
{
	control->remote = remote_create(engine, error);
	if (!control->remote)
		return false;
	http_set_read_only(engine->http, !control->may_write);
	if (control->may_write) {
		control->journal =
			journal_open(control->configs.journal_file, &control->journal_trouble);
	}
	if (control->journal && control->configs.signing.sign_with) {
		control->seal = seal_create(engine->loop, control->journal,
			&control->configs.signing, control->operator_name, error);
		if (!control->seal)
			return false;
	}
	if (control->journal && anchor_is_wanted(&control->configs)) {
		control->anchor = anchor_create(engine->loop, engine->http, control->journal,
			&control->configs, control->operator_name, error);
		if (!control->anchor)
			return false;
	}
	if (control->journal || control->configs.coordination.is_etcd) {
		control->coordination = coordination_create(engine->loop, engine->http,
			&control->configs.coordination, control->operator_name, error);
		if (!control->coordination)
			return false;
	}
	control->executor = executor_create(engine->loop, engine->http, remote_ssh(control->remote),
		control->journal, &control->configs, control->operator_name, error);
	if (control->executor)
		executor_set_unattended(control->executor, !isatty(STDIN_FILENO));
	if (control->executor && control->coordination)
		executor_coordinate(control->executor, control->coordination);
	return control->executor != NULL;
}

void control_wait_agreement(struct control *control, struct engine *engine)
{
	struct coordination_view view = {.state = COORDINATION_GRANTED};
	struct error error = {.kind = ERROR_NONE};
	int64_t until_ms = loop_now_ms(engine->loop) + AGREEMENT_MS;
	bool waits = control->coordination && control->configs.coordination.is_etcd;
	while (waits && loop_now_ms(engine->loop) < until_ms) {
		coordination_look(control->coordination, "", &view);
		if (view.state != COORDINATION_DOWN || !loop_turn(engine->loop, 50, &error))
			return;
	}
}

bool control_init(struct control *control, struct engine *engine,
	const struct action_configs *configs, bool read_only, struct error *error)
{
	const char *variable = getenv("SPILLWAY_READONLY");
	*control = (struct control){
		.engine = engine,
		.configs = *configs,
		.may_write = !read_only && !(variable && variable[0] && strcmp(variable, "0") != 0),
	};
	for (size_t i = 0; i < configs->count && i < ACTIONS_MOST; i++)
		control->infos[control->info_count++] = configs->rows[i].info;
	control_name_operator(control->operator_name, sizeof control->operator_name);
	if (control_wire(control, engine, error))
		return true;
	control_finish(control);
	return false;
}

void control_finish(struct control *control)
{
	/* The loop still turns for what is to be told; nobody may act in its ticks meanwhile. */
	struct engine *engine = control->engine;
	engine_tick_fn *on_tick = engine ? engine->on_tick : NULL;
	if (engine)
		engine->on_tick = NULL;
	executor_destroy(control->executor);
	if (control->coordination)
		coordination_flush(control->coordination);
	coordination_destroy(control->coordination);
	if (control->seal) {
		seal_flush(control->seal);
		if (seal_trouble(control->seal)[0])
			fprintf(stderr, "spillway: the journal is not sealed: %s\n",
				seal_trouble(control->seal));
	}
	seal_destroy(control->seal);
	if (control->anchor) {
		anchor_flush(control->anchor);
		if (anchor_trouble(control->anchor)[0])
			fprintf(stderr, "spillway: the journal's anchor: %s\n",
				anchor_trouble(control->anchor));
	}
	anchor_destroy(control->anchor);
	remote_destroy(control->remote);
	journal_close(control->journal);
	*control = (struct control){0};
	if (engine)
		engine->on_tick = on_tick;
}
