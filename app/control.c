#include "app/control.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/executor.h"
#include "actions/journal.h"
#include "app/config.h"
#include "app/engine.h"
#include "app/path.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/wire/http.h"
#include "core/wire/ssh.h"

bool control_read(
	const struct config *config, struct action_configs *out, struct complaints *complaints)
{
	char state[PATH_BYTES];
	struct error error = {0};
	if (!path_state_directory(state, sizeof state, &error))
		snprintf(state, sizeof state, "%s", config->directory);
	return action_configs_read(config->actions, config->guards, config->journal,
		config->directory, state, config->arena, out, complaints);
}

/* Who is acting, for the journal: the login name, kept through sudo. */
static void control_name_operator(char *out, size_t size)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *entry = getpwuid(getuid());
	if (!name || !name[0])
		name = entry ? entry->pw_name : "unknown";
	sanitise(name, strlen(name), out, size);
}

static bool control_wire(struct control *control, struct engine *engine, struct error *error)
{
	control->ssh = ssh_create(engine->loop, engine->http, error);
	if (!control->ssh)
		return false;
	http_set_read_only(engine->http, !control->may_write);
	if (control->may_write) {
		control->journal =
			journal_open(control->configs.journal_file, &control->journal_trouble);
	}
	control->executor = executor_create(engine->loop, engine->http, control->ssh,
		control->journal, &control->configs, control->operator_name, error);
	return control->executor != NULL;
}

bool control_init(struct control *control, struct engine *engine,
	const struct action_configs *configs, bool read_only, struct error *error)
{
	const char *variable = getenv("SPILLWAY_READONLY");
	*control = (struct control){
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
	executor_destroy(control->executor);
	ssh_destroy(control->ssh);
	journal_close(control->journal);
	*control = (struct control){0};
}
