/*
 * main.c - spillway-sim: a fleet in a box, in real time, on loopback.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/sim/box.h"
#include "backends/sim/http_server.h"
#include "backends/sim/model.h"
#include "backends/sim/model_fleet_file.h"
#include "backends/sim/ssh_server.h"
#include "backends/sim/world.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"

#define TURN_MS 20
#define STEP_MS 250     /* of the model's time under one lock */
#define BEHIND_US 50000 /* of real time spent catching up before looking at signals again */
#define SPEED_MOST 3600.0
#define FILE_BYTES (1024 * 1024)

enum exit_code { EXIT_OK = 0, EXIT_LOCAL = 1, EXIT_USAGE = 64, EXIT_BAD_SCENARIO = 78 };

struct options {
	const char *scenario, *dir;
	int64_t seed;
	double speed;
	int http_port, ssh_port;
	bool once, exit_with_stdin;
};

/* The running box. */
struct app {
	struct options options;
	struct scenario scenario;
	struct box box;
	struct world world;
	struct http_server *http;
	struct ssh_server *ssh;
	bool box_open, world_ready;
};

static const char usage[] =
	"usage: spillway-sim [options]\n"
	"A simulated fleet on loopback: exporters and control over HTTP, a jump host over SSH.\n\n"
	"  --scenario NAME|FILE  replica-loss (default), calm, feb4, or a file\n"
	"  --seed N              same seed, same run (default 1)\n"
	"  --speed X             times as fast as real (default 1)\n"
	"  --dir DIR             where to put fleet.yaml and keys (default: a fresh folder)\n"
	"  --http-port N         0, the default: any free port\n"
	"  --ssh-port N          likewise\n"
	"  --once                end when the scenario's time is over\n"
	"  --exit-with-stdin     end when standard input is closed\n"
	"  --version, --help\n\n"
	"Prints one line of JSON when ready. SIGTERM and SIGINT end it.\n";

/* ---- the command line ---- */

static bool read_number(const char *value, double least, double most, double *out)
{
	double number = 0.0;
	if (!number_parse(value, strlen(value), &number) || !(number >= least && number <= most))
		return false;
	*out = number;
	return true;
}

static bool read_integer(const char *value, int64_t least, int64_t most, int64_t *out)
{
	int64_t number = 0;
	if (!number_parse_integer(value, strlen(value), &number) || number < least || number > most)
		return false;
	*out = number;
	return true;
}

enum option_key {
	OPTION_SCENARIO = 256,
	OPTION_SEED,
	OPTION_SPEED,
	OPTION_DIR,
	OPTION_HTTP_PORT,
	OPTION_SSH_PORT,
	OPTION_ONCE,
	OPTION_EXIT_WITH_STDIN,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option option_rows[] = {
	{"scenario", required_argument, NULL, OPTION_SCENARIO},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"speed", required_argument, NULL, OPTION_SPEED},
	{"dir", required_argument, NULL, OPTION_DIR},
	{"http-port", required_argument, NULL, OPTION_HTTP_PORT},
	{"ssh-port", required_argument, NULL, OPTION_SSH_PORT},
	{"once", no_argument, NULL, OPTION_ONCE},
	{"exit-with-stdin", no_argument, NULL, OPTION_EXIT_WITH_STDIN},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

static bool read_port(const char *value, int *out)
{
	int64_t port = 0;
	if (!read_integer(value, 0, 65535, &port))
		return false;
	*out = (int)port;
	return true;
}

/* Apply one option. False when its value makes no sense. */
static bool options_apply(struct options *options, int key, const char *value)
{
	switch (key) {
	case OPTION_SCENARIO:
		options->scenario = value;
		return true;
	case OPTION_DIR:
		options->dir = value;
		return true;
	case OPTION_SEED:
		return read_integer(value, 0, INT64_MAX, &options->seed);
	case OPTION_SPEED:
		return read_number(value, 0.001, SPEED_MOST, &options->speed);
	case OPTION_HTTP_PORT:
		return read_port(value, &options->http_port);
	case OPTION_SSH_PORT:
		return read_port(value, &options->ssh_port);
	case OPTION_ONCE:
		options->once = true;
		return true;
	case OPTION_EXIT_WITH_STDIN:
		options->exit_with_stdin = true;
		return true;
	default:
		return false;
	}
}

/* -1: go on; else the exit code. */
static int options_read(struct options *options, int count, char **words)
{
	int key = 0, row = 0;
	*options = (struct options){.scenario = "replica-loss", .seed = 1, .speed = 1.0};
	while ((key = getopt_long(count, words, "h", option_rows, &row)) != -1) {
		if (key == 'h' || key == OPTION_HELP) {
			fputs(usage, stdout);
			return EXIT_OK;
		}
		if (key == OPTION_VERSION) {
			puts("spillway-sim " SPILLWAY_VERSION);
			return EXIT_OK;
		}
		if (key == '?')
			return EXIT_USAGE;
		if (!options_apply(options, key, optarg)) {
			fprintf(stderr, "spillway-sim: --%s does not take '%s'\n",
				option_rows[row].name, optarg);
			return EXIT_USAGE;
		}
	}
	if (optind < count) {
		fprintf(stderr, "spillway-sim: unexpected argument '%s'\n", words[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

/* ---- the scenario ---- */

static bool is_file(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* In a source tree the program lies somewhere below the folder that has share/. */
static bool find_above_program(const char *name, char path[PATH_MAX])
{
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
	if (length <= 0)
		return false;
	program[length] = '\0';
	for (int level = 0; level < 5; level++) {
		char *slash = strrchr(program, '/');
		if (!slash)
			return false;
		*slash = '\0';
		int written = snprintf(path, PATH_MAX, "%s/share/scenarios/%s.yaml", program, name);
		if (written > 0 && written < PATH_MAX && is_file(path))
			return true;
	}
	return false;
}

static bool find_scenario(const char *name, char path[PATH_MAX])
{
	const char *folders[] = {getenv("SPILLWAY_SHARE"), SPILLWAY_SHARE_DIR, "share"};
	if (strchr(name, '/') || strchr(name, '.')) {
		int written = snprintf(path, PATH_MAX, "%s", name);
		return written > 0 && written < PATH_MAX;
	}
	if (find_above_program(name, path))
		return true;
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		if (!folders[i])
			continue;
		int written = snprintf(path, PATH_MAX, "%s/scenarios/%s.yaml", folders[i], name);
		if (written > 0 && written < PATH_MAX && is_file(path))
			return true;
	}
	return false;
}

static bool load_scenario(struct app *app)
{
	char path[PATH_MAX];
	struct complaints complaints;
	struct text text;
	if (!find_scenario(app->options.scenario, path)) {
		fprintf(stderr,
			"spillway-sim: no scenario '%s' (calm, replica-loss, feb4, or a file)\n",
			app->options.scenario);
		return false;
	}
	complaints_init(&complaints);
	bool ok = scenario_load(path, &app->scenario, &complaints);
	if (!ok) {
		text_init(&text, FILE_BYTES);
		complaints_print(&complaints, &text);
		fputs(text_string(&text), stderr);
		text_finish(&text);
	}
	complaints_finish(&complaints);
	return ok;
}

/* ---- starting and stopping ---- */

static bool write_text(struct box *box, const char *name, struct text *text, struct error *error)
{
	bool ok = text_ok(text) ? box_write(box, name, text_string(text), error)
				: error_set(error, ERROR_LIMIT, "'%s' would be too large", name);
	text_finish(text);
	return ok;
}

static bool write_files(struct app *app, struct error *error)
{
	struct text text;
	struct fleet_ports ports = {
		.http = http_server_port(app->http), .ssh = ssh_server_port(app->ssh)};
	text_init(&text, FILE_BYTES);
	fleet_file_direct(&app->scenario, &ports, &text);
	if (!write_text(&app->box, "fleet.yaml", &text, error))
		return false;
	text_init(&text, FILE_BYTES);
	fleet_file_prometheus(&app->scenario, &ports, &text);
	if (!write_text(&app->box, "fleet-prometheus.yaml", &text, error))
		return false;
	text_init(&text, FILE_BYTES);
	fleet_file_scrape(&ports, &text);
	if (!write_text(&app->box, "prometheus.yml", &text, error))
		return false;
	text_init(&text, FILE_BYTES);
	text_printf(&text, "%s\n", app->world.control.token);
	return write_text(&app->box, "token", &text, error);
}

static bool app_start(struct app *app, struct error *error)
{
	char token[CONTROL_TOKEN_BYTES];
	if (!digest_random_hex(CONTROL_TOKEN_BYTES - 1, token))
		return error_set(error, ERROR_IO, "the system has no randomness to give");
	if (!box_open(&app->box, app->options.dir, error))
		return false;
	app->box_open = true;
	if (!world_init(&app->world, &app->scenario, (uint64_t)app->options.seed, token, error))
		return false;
	app->world_ready = true;
	app->http = http_server_create(&app->world, app->options.http_port, error);
	if (!app->http)
		return false;
	app->ssh = ssh_server_create(&app->world, &app->box, app->options.ssh_port, error);
	return app->ssh && write_files(app, error);
}

static void app_stop(struct app *app)
{
	ssh_server_destroy(app->ssh);
	http_server_destroy(app->http);
	if (app->world_ready)
		world_finish(&app->world);
	if (app->box_open)
		box_close(&app->box);
}

static void say_ready(const struct app *app)
{
	struct text text;
	struct json_writer writer;
	char fleet[BOX_PATH_BYTES];
	text_init(&text, FILE_BYTES);
	json_writer_init(&writer, &text);
	json_begin_object(&writer);
	json_member_bool(&writer, "ready", true);
	json_member_string(&writer, "dir", app->box.dir);
	if (box_path(&app->box, "fleet.yaml", fleet, NULL))
		json_member_string(&writer, "fleet", fleet);
	json_member_integer(&writer, "http", http_server_port(app->http));
	json_member_integer(&writer, "ssh", ssh_server_port(app->ssh));
	json_member_string(&writer, "scenario", app->scenario.name);
	json_member_integer(&writer, "seed", app->options.seed);
	json_end_object(&writer);
	puts(text_string(&text));
	fflush(stdout);
	text_finish(&text);
}

/* ---- running ---- */

/* Carry the model to `target_ms`, letting visitors in between; gives up for now when that takes
 * long. */
static void app_catch_up(struct app *app, int64_t target_ms)
{
	int64_t begun_us = clock_stopwatch_us();
	bool behind = true;
	while (behind && clock_stopwatch_us() - begun_us < BEHIND_US) {
		world_enter(&app->world);
		int64_t next_ms = model_now_ms(app->world.model) + STEP_MS;
		behind = next_ms < target_ms;
		model_advance(app->world.model, behind ? next_ms : target_ms);
		world_leave(&app->world);
	}
}

/* Whether the other end of standard input has gone; what it says meanwhile is of no interest. */
static bool stdin_is_over(const struct pollfd *poller)
{
	char ignored[256];
	if (!(poller->revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL)))
		return false;
	ssize_t got = read(poller->fd, ignored, sizeof ignored);
	return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
}

static void app_run(struct app *app, int signals)
{
	struct pollfd pollers[] = {{.fd = signals, .events = POLLIN},
		{.fd = app->options.exit_with_stdin ? STDIN_FILENO : -1, .events = POLLIN}};
	int64_t begun_us = clock_stopwatch_us();
	for (;;) {
		poll(pollers, 2, TURN_MS);
		if (pollers[0].revents & POLLIN)
			return;
		if (app->options.exit_with_stdin && stdin_is_over(&pollers[1]))
			return;
		double real_ms = (double)(clock_stopwatch_us() - begun_us) / 1000.0;
		app_catch_up(app, (int64_t)(real_ms * app->options.speed));
		if (app->options.once && model_now_ms(app->world.model) >= app->scenario.lasts_ms)
			return;
	}
}

/* Every thread inherits the mask, so the signals arrive here and nowhere else. */
static int take_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &ignore, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int app_main(struct app *app)
{
	struct error error = {0};
	int code = EXIT_OK;
	if (!load_scenario(app))
		return EXIT_BAD_SCENARIO;
	int signals = take_signals();
	if (signals < 0) {
		perror("spillway-sim: signals");
		return EXIT_LOCAL;
	}
	umask(0077);
	if (app_start(app, &error)) {
		say_ready(app);
		app_run(app, signals);
	} else {
		fprintf(stderr, "spillway-sim: %s\n", error.text);
		code = EXIT_LOCAL;
	}
	app_stop(app);
	close(signals);
	return code;
}

int main(int count, char **words)
{
	struct app *app = calloc(1, sizeof *app);
	if (!app) {
		fputs("spillway-sim: no memory\n", stderr);
		return EXIT_LOCAL;
	}
	int code = options_read(&app->options, count, words);
	if (code < 0)
		code = app_main(app);
	free(app);
	return code;
}
