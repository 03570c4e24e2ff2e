#include "app/hold_watch.h"

#include "actions/config.h"
#include "actions/hold.h"
#include "actions/reaper.h"
#include "actions/run_log.h"
#include "core/base/error.h"

static void read_journal(struct hold_watch *watch)
{
	struct error error = {0};
	run_log_destroy(watch->log);
	watch->log = run_log_create();
	if (watch->log && run_log_read(watch->log, watch->configs->journal_file, &error)) {
		run_log_bind(watch->log, watch->configs, 0);
		return;
	}
	run_log_destroy(watch->log);
	watch->log = NULL;
}

void hold_watch_init(struct hold_watch *watch, const struct action_configs *configs)
{
	*watch = (struct hold_watch){.configs = configs};
	if (!configs->journal_file)
		return;
	file_watch_init(&watch->file, configs->journal_file);
	read_journal(watch);
}

void hold_watch_finish(struct hold_watch *watch)
{
	run_log_destroy(watch->log);
	watch->log = NULL;
}

void hold_watch_look(
	struct hold_watch *watch, int64_t now_ms, hold_watch_tell_fn *tell, void *context)
{
	struct hold holds[HOLDS_MOST];
	char line[ACTION_TEXT_BYTES];
	const char *path = watch->configs->journal_file;
	if (!path || (watch->looked_ms != 0 && now_ms - watch->looked_ms < HOLD_WATCH_EVERY_MS))
		return;
	if (file_watch_changed(&watch->file))
		read_journal(watch);
	size_t count = watch->log ? holds_list(watch->log, now_ms, holds, HOLDS_MOST) : 0;
	holds_bind(holds, count, watch->configs);
	bool is_reaped = count > 0 && reaper_is_recent(reaper_last_ms(path), now_ms);
	for (size_t i = 0; i < count; i++) {
		if (is_reaped && holds[i].protection == HOLD_BY_NOTHING)
			holds[i].protection = HOLD_BY_REAPER;
		if (hold_warns(&holds[i], watch->looked_ms, now_ms, line, sizeof line) ||
			hold_ended(&holds[i], watch->looked_ms, now_ms, line, sizeof line))
			tell(context, line);
	}
	watch->looked_ms = now_ms;
}
