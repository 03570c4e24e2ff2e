/*
 * wall_main.c - spillway-wall: a program of its own, because what it does not link it cannot do.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config.h"
#include "app/engine.h"
#include "app/file_watch.h"
#include "app/option.h"
#include "app/path.h"
#include "app/status_text.h"
#include "backends/poller.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"
#include "ui/canvas.h"
#include "ui/terminal.h"
#include "ui/theme.h"
#include "ui/wall/wall.h"

#define WALL_FRAME_MS 500  /* the clock blinks: half a second on, half off */
#define WALL_WATCH_MS 1000 /* between looks at the fleet file */
#define WALL_TEXT_BYTES (1024u * 1024)
#define WALL_PICTURE_MS 5000
#define WALL_EXIT_LOCAL_ERROR 1
#define WALL_EXIT_USAGE 64
#define WALL_EXIT_BAD_CONFIG 78

struct wall_app {
	struct engine engine;
	struct config *config;       /* in force */
	char fleet_file[PATH_BYTES]; /* watched; outlives each config */
	struct file_watch watch;
	char config_trouble[ERROR_TEXT_BYTES]; /* why the changed file is refused; "" none is */
	struct terminal *terminal;
	int exit_code;
};

static int wall_fail(int code, const struct error *error)
{
	fprintf(stderr, "spillway-wall: %s\n", error->text);
	return code;
}

static struct wall_model wall_app_model(const struct wall_app *app)
{
	const char *slash = strrchr(app->config->path, '/');
	return (struct wall_model){
		.now_ms = loop_now_ms(app->engine.loop),
		.environment = app->config->environment,
		.fleet_name = slash ? slash + 1 : app->config->path,
		.config_trouble = app->config_trouble,
		.snapshot = app->engine.snapshot,
		.history = app->engine.history,
		.assessment = app->engine.snapshot ? &app->engine.assessment : NULL,
	};
}

/* The frame has its own timer: when data stops coming, the face must still change. */
static void wall_frame(void *context)
{
	struct wall_app *app = context;
	struct wall_model model = wall_app_model(app);
	loop_timer_start(app->engine.loop, WALL_FRAME_MS, wall_frame, app);
	terminal_drain(app->terminal);
	wall_draw(&model, terminal_canvas(app->terminal));
	terminal_flush(app->terminal);
}

static void wall_leave(struct wall_app *app, int code)
{
	app->exit_code = code;
	loop_stop(app->engine.loop);
}

static void wall_input(void *context, int fd, unsigned events)
{
	struct wall_app *app = context;
	uint32_t key;
	(void)fd;
	while ((key = terminal_key(app->terminal)) != TERMINAL_KEY_NONE) {
		if (key == 'q' || key == TERMINAL_KEY_HANGUP) {
			wall_leave(app, 0);
			return;
		}
	}
	if (events & LOOP_HANGUP)
		wall_leave(app, 128 + SIGHUP);
}

static void wall_signal(void *context, int signal_number)
{
	struct wall_app *app = context;
	if (signal_number == SIGWINCH)
		terminal_resize(app->terminal);
	else
		wall_leave(app, 128 + signal_number);
}

/* A wall runs for months: what is changed in the file is to be seen without anybody's touch. */
static void wall_watch(void *context)
{
	struct wall_app *app = context;
	loop_timer_start(app->engine.loop, WALL_WATCH_MS, wall_watch, app);
	if (!file_watch_changed(&app->watch))
		return;
	struct error error = {0};
	struct complaints complaints;
	complaints_init(&complaints);
	struct config *config = config_read(app->fleet_file, &complaints);
	complaints_summary(&complaints, app->config_trouble, sizeof app->config_trouble);
	complaints_finish(&complaints);
	if (!config)
		return;
	bool taken = engine_reload(&app->engine, config, &error);
	if (!taken)
		snprintf(app->config_trouble, sizeof app->config_trouble, "%s", error.text);
	config_destroy(taken ? app->config : config);
	if (taken)
		app->config = config;
	if (app->engine.poller)
		poller_start(app->engine.poller);
	else
		wall_leave(app, WALL_EXIT_LOCAL_ERROR);
}

static int wall_screen(struct wall_app *app, const struct terminal_options *options)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	struct error error = {0};
	app->terminal = terminal_open(options, &error);
	if (!app->terminal)
		return wall_fail(WALL_EXIT_LOCAL_ERROR, &error);
	bool ok = loop_watch(app->engine.loop, terminal_input_fd(app->terminal), LOOP_READ,
		wall_input, app, &error);
	for (size_t i = 0; ok && i < sizeof signals / sizeof signals[0]; i++)
		ok = loop_signal(app->engine.loop, signals[i], wall_signal, app, &error);
	if (ok) {
		wall_frame(app);
		engine_start(&app->engine);
		loop_timer_start(app->engine.loop, WALL_WATCH_MS, wall_watch, app);
		ok = loop_run(app->engine.loop, &error);
	}
	terminal_close(app->terminal);
	return ok ? app->exit_code : wall_fail(WALL_EXIT_LOCAL_ERROR, &error);
}

/* One face on stdout, for pipes: what it would show, at 80x24. */
static int wall_once(struct wall_app *app, const struct terminal_options *options)
{
	struct error error = {0};
	engine_start(&app->engine);
	if (!engine_wait_picture(&app->engine, WALL_PICTURE_MS, &error))
		return wall_fail(WALL_EXIT_LOCAL_ERROR, &error);
	app->terminal = terminal_open_memory(options, 80, 24, &error);
	if (!app->terminal)
		return wall_fail(WALL_EXIT_LOCAL_ERROR, &error);
	struct wall_model model = wall_app_model(app);
	struct text text;
	text_init(&text, WALL_TEXT_BYTES);
	wall_draw(&model, terminal_canvas(app->terminal));
	canvas_capture(terminal_canvas(app->terminal), &text);
	puts(text_string(&text));
	text_finish(&text);
	terminal_close(app->terminal);
	return wall_is_stale(&model) ? 3 : status_exit_code(&app->engine.assessment);
}

static int wall_run(struct wall_app *app, const struct options *options)
{
	struct error error = {0};
	const char *no_color = getenv("NO_COLOR");
	const struct theme *theme = theme_builtin(options->theme ? options->theme : "default");
	if (!theme) {
		error_set(&error, ERROR_USAGE, "there is no theme '%s'", options->theme);
		return wall_fail(WALL_EXIT_USAGE, &error);
	}
	struct terminal_options terminal = {
		.theme = theme,
		.no_color = options->no_color || (no_color && no_color[0]),
		.ascii = options->ascii,
	};
	if (!engine_init(&app->engine, app->config, NULL, &error))
		return wall_fail(WALL_EXIT_LOCAL_ERROR, &error);
	bool has_screen =
		!options->plain && !options->once && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	int code = has_screen ? wall_screen(app, &terminal) : wall_once(app, &terminal);
	engine_finish(&app->engine);
	return code;
}

static struct config *wall_config(const struct options *options)
{
	char path[4096];
	struct error error = {0};
	if (!config_find(options->config_file, path, sizeof path, &error)) {
		wall_fail(WALL_EXIT_BAD_CONFIG, &error);
		return NULL;
	}
	struct complaints complaints;
	complaints_init(&complaints);
	struct config *config = config_read(path, &complaints);
	struct text text;
	text_init(&text, WALL_TEXT_BYTES);
	complaints_print(&complaints, &text);
	fputs(text_string(&text), stderr);
	text_finish(&text);
	complaints_finish(&complaints);
	return config;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	const struct verb_entry *verb = verb_entry_find("wall");
	struct options options;
	struct error error = {0};
	if (!verb || !options_parse(verb, argc - 1, argv + 1, &options, &error))
		return wall_fail(WALL_EXIT_USAGE, &error);
	if (options.help || options.version) {
		struct text text;
		text_init(&text, WALL_TEXT_BYTES);
		if (options.help)
			option_verb_help(verb, &text);
		else
			text_printf(&text, "spillway-wall %s\n", SPILLWAY_VERSION);
		fputs(text_string(&text), stdout);
		text_finish(&text);
		return 0;
	}
	struct config *config = wall_config(&options);
	if (!config)
		return WALL_EXIT_BAD_CONFIG;
	struct wall_app app = {.config = config};
	snprintf(app.fleet_file, sizeof app.fleet_file, "%s", config->path);
	file_watch_init(&app.watch, app.fleet_file);
	int code = wall_run(&app, &options);
	config_destroy(app.config);
	return code;
}
