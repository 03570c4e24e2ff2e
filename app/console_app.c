#include "app/console_app.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/coordination.h"
#include "actions/executor.h"
#include "actions/hold.h"
#include "actions/journal.h"
#include "actions/plan.h"
#include "app/brief.h"
#include "app/config.h"
#include "app/control.h"
#include "app/engine.h"
#include "app/expired.h"
#include "app/file_watch.h"
#include "app/path.h"
#include "app/rollback.h"
#include "app/status_text.h"
#include "app/theme_choice.h"
#include "backends/poller.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"
#include "ui/canvas.h"
#include "ui/console/console.h"
#include "ui/terminal.h"
#include "ui/theme.h"

#define FRAME_MS 33 /* at most 30 frames a second, however fast keys come */
#define CALM_FRAME_MS \
	250 /* between frames that only bring figures up to date: assessments come oftener */
#define PICTURE_MS 60000 /* a source that is asked seldom is not waited for */
#define WATCH_MS 1000    /* between looks at the fleet file */
#define RUNS_SHOWN 32
#define JOURNAL_SHOWN 200
#define EXPORT_BYTES (1024u * 1024)
#define SIGNAL_EXIT_BASE 128 /* a shell's convention for "ended by signal n" */

/* What of an assessment is news to whoever looks at the screen: it is shown at once. */
struct told {
	enum phase phase;
	enum severity severity;
	bool page;
	size_t finding_count, cause_count, recommendation_count, sources_ok;
	enum run_state run;
};

struct console_app {
	const struct options *options;
	struct config **config;      /* in force */
	char fleet_file[PATH_BYTES]; /* watched; outlives each config */
	struct file_watch watch;
	bool reload_due;                       /* changed while a run was in flight */
	char config_trouble[ERROR_TEXT_BYTES]; /* why the changed file is refused; "" none is */
	struct engine *engine;
	struct control *control;
	struct terminal *terminal;
	struct theme theme; /* the terminal borrows it */
	struct console *console;
	struct plan plan;
	struct brief brief;
	struct rollback rollback;
	struct expired expired;
	int64_t picture_by_ms; /* no longer is a whole picture waited for */
	bool has_plan;
	char plan_trouble[ERROR_TEXT_BYTES];
	int64_t armed_until_ms;
	struct run_view runs[RUNS_SHOWN];
	size_t run_count;
	enum run_state seen_state; /* of the run whose journal lines are shown */
	struct console_hold holds[CONSOLE_HOLDS_MOST];
	size_t hold_count;
	int64_t looked_ms; /* when they were last looked at */
	struct console_peer peers[CONSOLE_PEERS_MOST];
	size_t peer_count;
	struct journal_line *journal;
	size_t journal_count;
	struct console_message messages[CONSOLE_MESSAGES_MOST];
	size_t message_count;
	enum source_state *source_states; /* as last told in a message */
	size_t source_count;
	bool frame_pending;
	int64_t drawn_ms;  /* when the last frame was drawn */
	struct told drawn; /* and what it told */
	bool drain_watched;
	int exit_code;
	struct error *error; /* why it ends, where that is a failure */
};

bool console_app_has_screen(const struct options *options)
{
	return !options->plain && strcmp(options->output, "json") != 0 && isatty(STDIN_FILENO) &&
	       isatty(STDOUT_FILENO);
}

static int64_t app_now_ms(const struct console_app *app)
{
	return loop_now_ms(app->engine->loop);
}

static void app_message(struct console_app *app, enum severity severity, const char *text)
{
	if (app->message_count == CONSOLE_MESSAGES_MOST) {
		memmove(app->messages, app->messages + 1,
			(CONSOLE_MESSAGES_MOST - 1) * sizeof app->messages[0]);
		app->message_count--;
	}
	struct console_message *message = &app->messages[app->message_count++];
	*message = (struct console_message){.at_ms = app_now_ms(app), .severity = severity};
	snprintf(message->text, sizeof message->text, "%.*s", (int)sizeof message->text - 1, text);
}

static struct console_model app_model(const struct console_app *app)
{
	const struct engine *engine = app->engine;
	const struct config *config = *app->config;
	const char *slash = strrchr(config->path, '/');
	return (struct console_model){
		.now_ms = app_now_ms(app),
		.environment = config->environment,
		.fleet_name = slash ? slash + 1 : config->path,
		.config_trouble = app->config_trouble,
		.snapshot = engine->snapshot,
		.history = engine->history,
		.assessment = engine->snapshot ? &engine->assessment : NULL,
		.armed_until_ms = executor_is_armed(app->control->executor, app_now_ms(app))
					  ? app->armed_until_ms
					  : 0,
		.may_arm = app->control->may_write,
		.actions = app->control->infos,
		.action_count = app->control->info_count,
		.plan = app->has_plan ? &app->plan : NULL,
		.plan_trouble = app->plan_trouble,
		.run = executor_run(app->control->executor),
		.runs = app->runs,
		.run_count = app->run_count,
		.holds = app->holds,
		.hold_count = app->hold_count,
		.peers = app->peers,
		.peer_count = app->peer_count,
		.journal = app->journal,
		.journal_count = app->journal_count,
		.messages = app->messages,
		.message_count = app->message_count,
	};
}

/* ---- drawing ---- */

static void app_drain(void *context, int fd, unsigned events)
{
	struct console_app *app = context;
	(void)events;
	terminal_drain(app->terminal);
	if (!terminal_has_backlog(app->terminal)) {
		loop_unwatch(app->engine->loop, fd);
		app->drain_watched = false;
	}
}

static struct told app_told(const struct console_app *app)
{
	const struct assessment *now = &app->engine->assessment;
	return (struct told){
		.phase = now->phase,
		.severity = now->severity,
		.page = now->page,
		.finding_count = now->finding_count,
		.cause_count = now->cause_count,
		.recommendation_count = now->recommendation_count,
		.sources_ok = now->sources_ok,
		.run = app->seen_state,
	};
}

static bool told_is_same(const struct told *a, const struct told *b)
{
	return a->phase == b->phase && a->severity == b->severity && a->page == b->page &&
	       a->finding_count == b->finding_count && a->cause_count == b->cause_count &&
	       a->recommendation_count == b->recommendation_count &&
	       a->sources_ok == b->sources_ok && a->run == b->run;
}

static void app_draw(struct console_app *app)
{
	struct console_model model = app_model(app);
	struct error error;
	app->drawn_ms = model.now_ms;
	app->drawn = app_told(app);
	console_draw(app->console, &model, terminal_canvas(app->terminal));
	terminal_flush(app->terminal);
	/* The same descriptor often serves input too: only a separate one can be watched for room.
	 */
	int fd = terminal_output_fd(app->terminal);
	if (terminal_has_backlog(app->terminal) && !app->drain_watched &&
		fd != terminal_input_fd(app->terminal))
		app->drain_watched =
			loop_watch(app->engine->loop, fd, LOOP_WRITE, app_drain, app, &error);
}

static void app_frame(void *context)
{
	struct console_app *app = context;
	app->frame_pending = false;
	app_draw(app);
}

static void app_want_frame(struct console_app *app)
{
	if (app->frame_pending)
		return;
	app->frame_pending = loop_timer_start(app->engine->loop, FRAME_MS, app_frame, app) != 0;
}

/* After each assessment, which may be many a second. */
static void app_want_picture(struct console_app *app)
{
	const struct told told = app_told(app);
	if (!told_is_same(&told, &app->drawn) ||
		app_now_ms(app) - app->drawn_ms >= CALM_FRAME_MS - FRAME_MS)
		app_want_frame(app);
}

/* ---- what keys ask for ---- */

static void app_drop_plan(struct console_app *app)
{
	plan_finish(&app->plan);
	plan_init(&app->plan);
	app->has_plan = false;
	app->plan_trouble[0] = '\0';
}

static void app_take_plan(struct console_app *app, bool made, const struct error *error)
{
	app->has_plan = made;
	snprintf(app->plan_trouble, sizeof app->plan_trouble, "%s", made ? "" : error->text);
	if (!made)
		app_message(app, SEVERITY_WARNING, error->text);
}

static void app_plan(struct console_app *app, const struct console_request *request)
{
	struct error error = {0};
	app_drop_plan(app);
	if (!app->engine->snapshot)
		return;
	bool made = executor_plan(app->control->executor, request->action, request->target,
		request->value, (*app->config)->environment, NULL, 0, app->engine->snapshot,
		&app->engine->assessment, app_now_ms(app), &app->plan, &error);
	app_take_plan(app, made, &error);
}

static void app_plan_undo(struct console_app *app, const struct console_request *request)
{
	struct error error = {0};
	app_drop_plan(app);
	if (!app->engine->snapshot)
		return;
	bool made = executor_plan_undo(app->control->executor, request->run_id,
		(*app->config)->environment, app->engine->snapshot, &app->engine->assessment,
		app_now_ms(app), &app->plan, &error);
	app_take_plan(app, made, &error);
}

static void app_start_run(struct console_app *app, const struct console_request *request)
{
	struct error error = {0};
	enum outcome_code code = OUTCOME_LOCAL_ERROR;
	if (!app->has_plan)
		return;
	if (executor_start(app->control->executor, &app->plan, request->plan_hash, request->reason,
		    app->engine->snapshot, &app->engine->assessment, app_now_ms(app), &code,
		    &error))
		return;
	snprintf(app->plan_trouble, sizeof app->plan_trouble, "%s", error.text);
	app_message(app, SEVERITY_CRITICAL, error.text);
}

static void app_arm(struct console_app *app)
{
	if (!app->control->may_write) {
		app_message(app, SEVERITY_WARNING, "this console is read-only and cannot be armed");
		return;
	}
	app->armed_until_ms = app_now_ms(app) + CONTROL_ARM_MS;
	executor_arm(app->control->executor, app->armed_until_ms);
	if (!app->control->journal)
		app_message(app, SEVERITY_CRITICAL, app->control->journal_trouble.text);
}

/* The screen and the state in one text file, in the working directory, for pasting into a handover.
 */
static void app_export(struct console_app *app)
{
	char at[CLOCK_TEXT_BYTES];
	char name[96];
	clock_format(clock_wall_ms(&app->engine->clock), false, at);
	snprintf(name, sizeof name, "spillway-%s.txt", at);
	struct text text;
	text_init(&text, EXPORT_BYTES);
	canvas_capture(terminal_canvas(app->terminal), &text);
	text_add(&text, "\n");
	if (app->engine->snapshot) {
		status_print_text(app->engine->snapshot, &app->engine->assessment, &text);
		status_print_json(app->engine->snapshot, &app->engine->assessment, &text);
	}
	char line[ACTION_TEXT_BYTES];
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, text_string(&text), text.length) == (ssize_t)text.length;
	if (ok)
		snprintf(line, sizeof line, "written: %s", name);
	else
		snprintf(line, sizeof line, "cannot write %s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	text_finish(&text);
	app_message(app, ok ? SEVERITY_OK : SEVERITY_WARNING, line);
}

static void app_suspend(struct console_app *app)
{
	terminal_suspend(app->terminal);
	raise(SIGSTOP);
	terminal_resume(app->terminal);
	app_want_frame(app);
}

static void app_leave(struct console_app *app, int code)
{
	app->exit_code = code;
	loop_stop(app->engine->loop);
}

static void app_carry_out(struct console_app *app, const struct console_request *request)
{
	switch (request->kind) {
	case REQUEST_NONE:
		return;
	case REQUEST_REDRAW:
		break;
	case REQUEST_QUIT:
		app_leave(app, 0);
		return;
	case REQUEST_ARM:
		app_arm(app);
		break;
	case REQUEST_DISARM:
		app->armed_until_ms = 0;
		executor_disarm(app->control->executor);
		break;
	case REQUEST_PLAN:
		app_plan(app, request);
		break;
	case REQUEST_RUN:
		app_start_run(app, request);
		break;
	case REQUEST_DROP_PLAN:
		app_drop_plan(app);
		break;
	case REQUEST_UNDO:
		app_plan_undo(app, request);
		break;
	case REQUEST_REFRESH:
		poller_hurry(app->engine->poller);
		break;
	case REQUEST_EXPORT:
		app_export(app);
		break;
	case REQUEST_SUSPEND:
		app_suspend(app);
		break;
	}
	app_want_frame(app);
}

static void app_drain_keys(struct console_app *app)
{
	uint32_t key;
	while ((key = terminal_key(app->terminal)) != TERMINAL_KEY_NONE) {
		if (key == TERMINAL_KEY_HANGUP) {
			app_leave(app, SIGNAL_EXIT_BASE + SIGHUP);
			return;
		}
		struct console_model model = app_model(app);
		struct console_request request = console_key(app->console, key, &model);
		app_carry_out(app, &request);
	}
}

static void app_input(void *context, int fd, unsigned events)
{
	struct console_app *app = context;
	(void)fd;
	app_drain_keys(app);
	if (events & LOOP_HANGUP)
		app_leave(app, SIGNAL_EXIT_BASE + SIGHUP);
}

static void app_signal(void *context, int signal_number)
{
	struct console_app *app = context;
	if (signal_number == SIGWINCH) {
		terminal_resize(app->terminal);
		app_drain_keys(app);
		app_want_frame(app);
	} else if (signal_number == SIGTSTP) {
		app_suspend(app);
	} else {
		app_leave(app, SIGNAL_EXIT_BASE + signal_number);
	}
}

/* ---- each tick ---- */

static void app_tell_sources(struct console_app *app)
{
	const struct snapshot *snapshot = app->engine->snapshot;
	if (snapshot->source_count > app->source_count) {
		enum source_state *more =
			realloc(app->source_states, snapshot->source_count * sizeof *more);
		if (!more)
			return;
		app->source_states = more;
		while (app->source_count < snapshot->source_count)
			app->source_states[app->source_count++] = SOURCE_STARTING;
	}
	for (size_t i = 0; i < snapshot->source_count; i++) {
		const struct source_status *source = &snapshot->sources[i];
		if (source->state == app->source_states[i])
			continue;
		char line[ACTION_TEXT_BYTES];
		snprintf(line, sizeof line, "source %.63s: %.200s", source->name,
			source->state == SOURCE_OK ? "answers" : source->trouble);
		bool news = source->state == SOURCE_FAILING || source->state == SOURCE_PARTIAL ||
			    app->source_states[i] == SOURCE_FAILING;
		if (news)
			app_message(app,
				source->state == SOURCE_OK ? SEVERITY_OK : SEVERITY_WARNING, line);
		app->source_states[i] = source->state;
	}
}

/* The journal is read again only when the run has moved: its file may be long. */
static void app_read_journal(struct console_app *app)
{
	struct error error;
	app->run_count = executor_runs(app->control->executor, app->runs, RUNS_SHOWN);
	if (app->control->journal)
		app->journal_count = journal_tail(
			app->control->configs.journal_file, app->journal, JOURNAL_SHOWN, &error);
}

static void app_show_hold(struct console_app *app, const struct hold *hold, bool is_elsewhere)
{
	if (app->hold_count == CONSOLE_HOLDS_MOST)
		return;
	struct console_hold *shown = &app->holds[app->hold_count++];
	*shown = (struct console_hold){
		.from = hold->from,
		.to = hold->to,
		.warn_ms = hold_warn_ms(hold),
		.expires_ms = hold->expires_ms,
		.is_protected = hold->protection != HOLD_BY_NOTHING,
		.is_certain = hold->is_certain,
		.is_elsewhere = is_elsewhere,
	};
	snprintf(shown->run, sizeof shown->run, "%s", hold->run);
	snprintf(shown->action, sizeof shown->action, "%s", hold->action);
	snprintf(shown->target_path, sizeof shown->target_path, "%s", hold->target_path);
	snprintf(shown->by, sizeof shown->by, "%s", hold->by);
	hold_protection_words(hold, shown->protection);
}

/* Its end is said once, in time for somebody to let it last. */
static void app_warn_of_end(struct console_app *app, const struct hold *hold, int64_t now_ms)
{
	char line[ACTION_TEXT_BYTES];
	if (hold_warns(hold, app->looked_ms, now_ms, line, sizeof line))
		app_message(app, SEVERITY_WARNING, line);
	if (hold_ended(hold, app->looked_ms, now_ms, line, sizeof line))
		app_message(app, SEVERITY_CRITICAL, line);
}

/* What is held, here and elsewhere, and who else is here. */
static void app_look_around(struct console_app *app)
{
	struct hold holds[HOLDS_MOST];
	struct coordination_peer peers[CONSOLE_PEERS_MOST];
	const struct coordination *coordination = app->control->coordination;
	int64_t now_ms = app_now_ms(app);
	app->hold_count = app->peer_count = 0;
	size_t own = executor_holds(app->control->executor, now_ms, holds, HOLDS_MOST);
	for (size_t i = 0; i < own; i++) {
		app_show_hold(app, &holds[i], false);
		app_warn_of_end(app, &holds[i], now_ms);
	}
	app->looked_ms = now_ms;
	if (!coordination)
		return;
	size_t others = coordination_holds(coordination, now_ms, holds, HOLDS_MOST);
	for (size_t i = 0; i < others; i++)
		app_show_hold(app, &holds[i], true);
	size_t count = coordination_peers(coordination, peers, CONSOLE_PEERS_MOST);
	for (size_t i = 0; i < count; i++) {
		struct console_peer *shown = &app->peers[app->peer_count++];
		shown->since_ms = peers[i].since_ms;
		snprintf(shown->by, sizeof shown->by, "%s", peers[i].by);
		snprintf(shown->host, sizeof shown->host, "%s", peers[i].host);
		snprintf(shown->doing, sizeof shown->doing, "%s", peers[i].doing);
	}
}

/* Before anything brief is ended: the last run is then still the one that harmed. */
static void app_roll_back(struct console_app *app)
{
	char text[ACTION_TEXT_BYTES];
	enum rollback_news news = rollback_tick(
		&app->rollback, app->control, app->engine, (*app->config)->environment, text);
	if (news != ROLLBACK_NONE)
		app_message(app, news == ROLLBACK_DONE ? SEVERITY_OK : SEVERITY_CRITICAL, text);
}

/* What has expired, when nothing is more pressing; told last of all that a tick has to tell. */
static void app_take_back(struct console_app *app, bool is_pressed)
{
	static const enum severity severities[] = {
		[EXPIRED_BEGUN] = SEVERITY_WARNING,
		[EXPIRED_TAKEN_BACK] = SEVERITY_OK,
		[EXPIRED_OVER] = SEVERITY_OK,
		[EXPIRED_KEPT] = SEVERITY_CRITICAL,
		[EXPIRED_PUT_OFF] = SEVERITY_CRITICAL,
		[EXPIRED_HANDED] = SEVERITY_CRITICAL,
	};
	struct expired_news news;
	const struct console_model model = app_model(app);
	bool has_picture = engine_has_picture(app->engine) || app_now_ms(app) >= app->picture_by_ms;
	bool waits = is_pressed || !has_picture || console_is_confirming(app->console, &model);
	expired_tick(&app->expired, app->control, app->engine, (*app->config)->environment, waits,
		&news);
	if (news.end == EXPIRED_NOTHING)
		return;
	app_message(app, severities[news.end], news.text);
	app_read_journal(app);
}

static void app_tick(void *context)
{
	struct console_app *app = context;
	app_look_around(app);
	executor_tick(app->control->executor, app->engine->snapshot, &app->engine->assessment,
		app_now_ms(app));
	app_roll_back(app);
	bool is_pressed = rollback_is_due(&app->rollback, app->control);
	is_pressed |=
		brief_tick(&app->brief, app->control, app->engine, (*app->config)->environment);
	app_tell_sources(app);
	const struct run_view *run = executor_run(app->control->executor);
	enum run_state state = run ? run->state : RUN_IDLE;
	if (state != app->seen_state) {
		app->seen_state = state;
		app_read_journal(app);
		if (run && (state == RUN_DONE || state == RUN_FAILED))
			app_message(app, state == RUN_DONE ? SEVERITY_OK : SEVERITY_CRITICAL,
				run->text);
	}
	app_take_back(app, is_pressed);
	app_want_picture(app);
}

/* ---- a changed fleet file ---- */

static void app_refuse_config(struct console_app *app, const char *why)
{
	char line[ACTION_TEXT_BYTES];
	snprintf(app->config_trouble, sizeof app->config_trouble, "%s", why);
	snprintf(line, sizeof line, "fleet file refused, the old one stays in force: %.240s", why);
	app_message(app, SEVERITY_WARNING, line);
}

/* The changed file, wholly checked. NULL when it was refused. */
static struct config *app_read_config(struct console_app *app, struct action_configs *actions)
{
	struct complaints complaints;
	complaints_init(&complaints);
	struct config *config = config_read((*app->config)->path, &complaints);
	if (config && !control_read(config, actions, &complaints)) {
		config_destroy(config);
		config = NULL;
	}
	if (!config) {
		char why[ERROR_TEXT_BYTES];
		complaints_summary(&complaints, why, sizeof why);
		app_refuse_config(app, why);
	}
	complaints_finish(&complaints);
	return config;
}

/*
 * The acting river goes first, because its sessions are lent to sources; it comes back disarmed: a
 * console armed for the old file was not armed for this one.
 */
static bool app_take_config(struct console_app *app, const struct config *config,
	const struct action_configs *actions, struct error *why)
{
	struct action_configs before = app->control->configs;
	app_drop_plan(app);
	app->armed_until_ms = 0;
	app->picture_by_ms = app_now_ms(app) + PICTURE_MS;
	expired_leave(&app->expired, app->control);
	control_finish(app->control);
	bool taken = engine_reload(app->engine, config, why);
	struct error *error = taken ? why : app->error;
	if (app->engine->poller &&
		control_init(app->control, app->engine, taken ? actions : &before,
			app->options->read_only, error)) {
		if (app->options->ticket)
			executor_set_ticket(app->control->executor, app->options->ticket);
		poller_start(app->engine->poller);
		return taken;
	}
	if (!app->engine->poller)
		*app->error = *why;
	app_leave(app, 1);
	return taken;
}

static void app_reload(struct console_app *app)
{
	struct action_configs actions;
	struct error why = {0};
	bool was_armed = app->armed_until_ms > 0;
	app->reload_due = false;
	struct config *config = app_read_config(app, &actions);
	if (!config)
		return;
	if (!app_take_config(app, config, &actions, &why)) {
		config_destroy(config);
		app_refuse_config(app, why.text);
		return;
	}
	config_destroy(*app->config);
	*app->config = config;
	app->config_trouble[0] = '\0';
	app_read_journal(app);
	app_message(app, SEVERITY_OK,
		was_armed ? "the changed fleet file is in force; the console is read-only again"
			  : "the changed fleet file is in force");
}

/* Never under a run: it ends by the file it was planned with. */
static void app_watch_config(void *context)
{
	struct console_app *app = context;
	loop_timer_start(app->engine->loop, WATCH_MS, app_watch_config, app);
	if (file_watch_changed(&app->watch))
		app->reload_due = true;
	if (!app->reload_due || executor_is_busy(app->control->executor))
		return;
	app_reload(app);
	app_want_frame(app);
}

/* ---- beginning and end ---- */

static bool app_watch(struct console_app *app, struct error *error)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP};
	struct loop *loop = app->engine->loop;
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		if (!loop_signal(loop, signals[i], app_signal, app, error))
			return false;
	}
	return loop_watch(loop, terminal_input_fd(app->terminal), LOOP_READ, app_input, app, error);
}

static int app_run(struct console_app *app, struct error *error)
{
	app->engine->on_tick = app_tick;
	app->engine->context = app;
	if (!app_watch(app, error))
		return 1;
	app_read_journal(app);
	app_draw(app);
	engine_start(app->engine);
	loop_timer_start(app->engine->loop, WATCH_MS, app_watch_config, app);
	if (!loop_run(app->engine->loop, error))
		return 1;
	struct loop_stats stats = loop_stats_take(app->engine->loop);
	log_info("console", "longest callback %lld us, %llu of %llu callbacks over 5 ms",
		(long long)stats.longest_callback_us, (unsigned long long)stats.stalls,
		(unsigned long long)stats.callbacks);
	return app->exit_code;
}

static bool app_open(struct console_app *app, struct error *error)
{
	const struct options *options = app->options;
	const char *no_color = getenv("NO_COLOR");
	if (!theme_choose(options->theme, &app->theme, error))
		return false;
	struct terminal_options terminal = {
		.theme = &app->theme,
		.no_color = options->no_color || (no_color && no_color[0]),
		.ascii = options->ascii,
	};
	plan_init(&app->plan);
	brief_init(&app->brief, app->engine);
	rollback_init(&app->rollback);
	expired_init(&app->expired);
	app->picture_by_ms = app_now_ms(app) + PICTURE_MS;
	app->journal = calloc(JOURNAL_SHOWN, sizeof *app->journal);
	app->console = console_create();
	if (!app->journal || !app->console)
		return error_no_memory(error, "the console");
	app->terminal = terminal_open(&terminal, error);
	return app->terminal != NULL;
}

int console_app_run(const struct options *options, struct config **config, struct engine *engine,
	struct control *control, struct error *error)
{
	struct console_app *app = calloc(1, sizeof *app);
	if (!app) {
		error_no_memory(error, "the console");
		return 1;
	}
	app->options = options;
	app->config = config;
	app->engine = engine;
	app->control = control;
	app->error = error;
	snprintf(app->fleet_file, sizeof app->fleet_file, "%s", (*config)->path);
	file_watch_init(&app->watch, app->fleet_file);
	int code = app_open(app, error) ? app_run(app, error) : 1;
	engine->on_tick = NULL;
	terminal_close(app->terminal);
	console_destroy(app->console);
	plan_finish(&app->plan);
	brief_finish(&app->brief);
	rollback_finish(&app->rollback);
	expired_leave(&app->expired, control);
	expired_finish(&app->expired);
	free(app->source_states);
	free(app->journal);
	free(app);
	return code;
}
