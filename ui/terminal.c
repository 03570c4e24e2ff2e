#include "ui/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "ui/canvas.h"
#include "ui/cell.h"
#include "ui/terminal_guard.h"
#include "ui/terminal_input.h"
#include "ui/terminal_paint.h"
#include "ui/theme.h"

#define BACKLOG_BYTES (4 * 1024 * 1024)
#define ESCAPE_DELAY_MS 25
#define FAREWELL_MS 250 /* how long a slow terminal is waited for at the end */

struct terminal {
	struct canvas *canvas;
	struct painter *painter; /* NULL in memory */
	int in, out;             /* our own descriptions of the tty, not blocking; -1 in memory */
	int in_flags, out_flags; /* to be put back where we had to share them; -1 otherwise */
	int waiter;              /* epoll: the tty or the escape timer */
	int escape_timer;
	int escape_delay_ms;
	struct termios modes_before;
	struct terminal_input input;
	struct text backlog;
	bool anew;    /* draw everything with the next frame */
	bool resized; /* owed as a key */
	bool hung_up; /* the tty is gone */
	bool hangup_told;
	bool suspended;
};

/*
 * A description of our own for the tty: O_NONBLOCK on the one we were given would reach into the
 * shell that started us. Where that is not possible, the given one is used and its flags are put
 * back later.
 */
static int open_own(int given, int access, int *flags_before)
{
	char path[32] = "/proc/self/fd/0";
	path[sizeof "/proc/self/fd/" - 1] = (char)('0' + given);
	*flags_before = -1;
	int fd = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && isatty(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	fd = fcntl(given, F_DUPFD_CLOEXEC, 3);
	*flags_before = fcntl(given, F_GETFL);
	if (fd >= 0 && *flags_before >= 0)
		fcntl(fd, F_SETFL, *flags_before | O_NONBLOCK);
	return fd;
}

static void close_own(int fd, int flags_before)
{
	if (fd < 0)
		return;
	if (flags_before >= 0)
		fcntl(fd, F_SETFL, flags_before);
	close(fd);
}

/* Keys come one by one; Ctrl-C stays a signal so that it works whatever the program does. */
static void set_modes(struct terminal *terminal)
{
	struct termios modes = terminal->modes_before;
	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | IEXTEN);
	modes.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | ISTRIP);
	modes.c_oflag &= ~(tcflag_t)OPOST;
	modes.c_cc[VSUSP] = _POSIX_VDISABLE;
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	tcsetattr(terminal->out, TCSADRAIN, &modes);
}

static void read_size(const struct terminal *terminal, int *columns, int *rows)
{
	struct winsize size;
	*columns = 80;
	*rows = 24;
	if (ioctl(terminal->out, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
		*columns = size.ws_col;
		*rows = size.ws_row;
	}
}

static bool open_waiter(struct terminal *terminal, struct error *error)
{
	terminal->waiter = epoll_create1(EPOLL_CLOEXEC);
	terminal->escape_timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (terminal->waiter < 0 || terminal->escape_timer < 0)
		return error_errno(error, "cannot watch the terminal");
	struct epoll_event tty = {.events = EPOLLIN, .data.fd = terminal->in};
	struct epoll_event timer = {.events = EPOLLIN, .data.fd = terminal->escape_timer};
	if (epoll_ctl(terminal->waiter, EPOLL_CTL_ADD, terminal->in, &tty) != 0 ||
		epoll_ctl(terminal->waiter, EPOLL_CTL_ADD, terminal->escape_timer, &timer) != 0)
		return error_errno(error, "cannot watch the terminal");
	return true;
}

static bool check_environment(struct error *error)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(error, ERROR_USAGE,
			"standard input and output are not a terminal (hint: --plain)");
	const char *term = getenv("TERM");
	if (!term || !term[0])
		return error_set(error, ERROR_USAGE,
			"TERM is not set (hint: TERM=xterm-256color, or --plain)");
	if (strcmp(term, "dumb") == 0)
		return error_set(error, ERROR_USAGE,
			"terminal type 'dumb' cannot carry a screen (hint: --plain, or "
			"TERM=xterm-256color)");
	return true;
}

static struct terminal *make(const struct terminal_options *options, struct error *error)
{
	struct terminal *terminal = calloc(1, sizeof *terminal);
	if (!terminal) {
		error_no_memory(error, "the terminal");
		return NULL;
	}
	terminal->in = terminal->out = terminal->waiter = terminal->escape_timer = -1;
	terminal->in_flags = terminal->out_flags = -1;
	terminal->anew = true;
	terminal->escape_delay_ms =
		options->escape_delay_ms > 0 ? options->escape_delay_ms : ESCAPE_DELAY_MS;
	text_init(&terminal->backlog, BACKLOG_BYTES);
	return terminal;
}

static bool open_screen(
	struct terminal *terminal, const struct terminal_options *options, struct error *error)
{
	terminal->in = open_own(STDIN_FILENO, O_RDONLY, &terminal->in_flags);
	terminal->out = open_own(STDOUT_FILENO, O_RDWR, &terminal->out_flags);
	if (terminal->in < 0 || terminal->out < 0)
		return error_errno(error, "cannot open the terminal");
	if (tcgetattr(terminal->out, &terminal->modes_before) != 0)
		return error_errno(error, "cannot read the modes of the terminal");
	int columns, rows;
	read_size(terminal, &columns, &rows);
	setlocale(LC_CTYPE, "");
	bool ascii = options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	terminal->canvas = canvas_create(columns, rows, ascii);
	if (!terminal->canvas)
		return error_no_memory(error, "the screen");
	const struct theme *theme = options->theme ? options->theme : theme_builtin("default");
	terminal->painter =
		painter_create(getenv("TERM"), theme, options->no_color, columns, rows, error);
	return terminal->painter && open_waiter(terminal, error);
}

struct terminal *terminal_open(const struct terminal_options *options, struct error *error)
{
	if (!check_environment(error))
		return NULL;
	struct terminal *terminal = make(options, error);
	if (!terminal)
		return NULL;
	if (!open_screen(terminal, options, error)) {
		terminal_close(terminal);
		return NULL;
	}
	terminal_guard_set(
		terminal->out, &terminal->modes_before, painter_reset_string(terminal->painter));
	set_modes(terminal);
	return terminal;
}

struct terminal *terminal_open_memory(
	const struct terminal_options *options, int columns, int rows, struct error *error)
{
	struct terminal *terminal = make(options, error);
	if (!terminal)
		return NULL;
	terminal->canvas = canvas_create(columns, rows, options->ascii);
	if (!terminal->canvas) {
		error_no_memory(error, "the screen");
		terminal_close(terminal);
		return NULL;
	}
	return terminal;
}

static int64_t stopwatch_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The one place that waits, at the very end and for a bounded time. */
static void farewell(struct terminal *terminal)
{
	int64_t deadline = stopwatch_ms() + FAREWELL_MS;
	terminal_drain(terminal);
	while (terminal_has_backlog(terminal)) {
		int64_t left = deadline - stopwatch_ms();
		struct pollfd waiting = {.fd = terminal->out, .events = POLLOUT};
		if (left <= 0 || poll(&waiting, 1, (int)left) <= 0)
			return;
		terminal_drain(terminal);
	}
}

static void leave(struct terminal *terminal)
{
	painter_leave(terminal->painter, &terminal->backlog);
	farewell(terminal);
	tcsetattr(terminal->out, TCSANOW, &terminal->modes_before);
	terminal_guard_clear();
}

void terminal_close(struct terminal *terminal)
{
	if (!terminal)
		return;
	if (terminal->painter && terminal->waiter >= 0 && !terminal->suspended)
		leave(terminal);
	painter_destroy(terminal->painter);
	canvas_destroy(terminal->canvas);
	close_own(terminal->in, terminal->in_flags);
	close_own(terminal->out, terminal->out_flags);
	if (terminal->waiter >= 0)
		close(terminal->waiter);
	if (terminal->escape_timer >= 0)
		close(terminal->escape_timer);
	text_finish(&terminal->backlog);
	free(terminal);
}

struct canvas *terminal_canvas(struct terminal *terminal)
{
	return terminal->canvas;
}

int terminal_input_fd(const struct terminal *terminal)
{
	return terminal->waiter;
}

int terminal_output_fd(const struct terminal *terminal)
{
	return terminal->out;
}

static void arm_escape_timer(struct terminal *terminal, int delay_ms)
{
	struct itimerspec when = {.it_value = {.tv_sec = delay_ms / 1000,
					  .tv_nsec = (long)(delay_ms % 1000) * 1000000}};
	timerfd_settime(terminal->escape_timer, 0, &when, NULL);
}

/* True when something was read. */
static bool read_input(struct terminal *terminal)
{
	unsigned char bytes[1024];
	size_t room = TERMINAL_INPUT_BYTES - terminal->input.length;
	if (terminal->hung_up || room == 0)
		return false;
	ssize_t got = read(terminal->in, bytes, room < sizeof bytes ? room : sizeof bytes);
	if (got > 0) {
		terminal_input_feed(&terminal->input, bytes, (size_t)got);
		return true;
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		terminal->hung_up = true;
		epoll_ctl(terminal->waiter, EPOLL_CTL_DEL, terminal->in, NULL);
	}
	return false;
}

static uint32_t settle_escape(struct terminal *terminal)
{
	uint64_t expirations;
	if (!terminal_input_is_pending(&terminal->input))
		return TERMINAL_KEY_NONE;
	if (read(terminal->escape_timer, &expirations, sizeof expirations) > 0)
		return terminal_input_settle(&terminal->input);
	struct itimerspec running;
	timerfd_gettime(terminal->escape_timer, &running);
	if (running.it_value.tv_sec == 0 && running.it_value.tv_nsec == 0)
		arm_escape_timer(terminal, terminal->escape_delay_ms);
	return TERMINAL_KEY_NONE;
}

uint32_t terminal_key(struct terminal *terminal)
{
	if (terminal->resized) {
		terminal->resized = false;
		return TERMINAL_KEY_RESIZE;
	}
	if (terminal->in < 0)
		return TERMINAL_KEY_NONE;
	do {
		uint32_t key = terminal_input_next(&terminal->input);
		if (key != TERMINAL_KEY_NONE) {
			arm_escape_timer(terminal, 0);
			return key;
		}
	} while (read_input(terminal));
	if (terminal->hung_up && !terminal->hangup_told) {
		terminal->hangup_told = true;
		return TERMINAL_KEY_HANGUP;
	}
	return settle_escape(terminal);
}

void terminal_resize(struct terminal *terminal)
{
	if (terminal->out < 0)
		return;
	int columns, rows;
	read_size(terminal, &columns, &rows);
	if (!canvas_resize(terminal->canvas, columns, rows))
		return; /* without memory the old size is still a screen */
	painter_resize(
		terminal->painter, canvas_columns(terminal->canvas), canvas_rows(terminal->canvas));
	terminal->anew = true;
	terminal->resized = true;
}

bool terminal_flush(struct terminal *terminal)
{
	if (!terminal->painter || terminal->suspended)
		return true;
	terminal_drain(terminal);
	if (terminal_has_backlog(terminal))
		return false;
	text_clear(&terminal->backlog);
	painter_draw(terminal->painter, terminal->canvas, terminal->anew, &terminal->backlog);
	terminal->anew = !text_ok(&terminal->backlog);
	terminal_drain(terminal);
	return !terminal->anew;
}

bool terminal_has_backlog(const struct terminal *terminal)
{
	return terminal->backlog.length > 0;
}

void terminal_drain(struct terminal *terminal)
{
	while (terminal->backlog.length > 0) {
		ssize_t written =
			write(terminal->out, terminal->backlog.bytes, terminal->backlog.length);
		if (written > 0) {
			text_drop(&terminal->backlog, (size_t)written);
		} else if (written < 0 && errno == EINTR) {
			continue;
		} else {
			/* The input side finds out that a terminal is gone; here it only ends. */
			if (written < 0 && errno != EAGAIN)
				text_clear(&terminal->backlog);
			return;
		}
	}
}

void terminal_suspend(struct terminal *terminal)
{
	if (!terminal->painter || terminal->suspended)
		return;
	leave(terminal);
	terminal->suspended = true;
}

void terminal_resume(struct terminal *terminal)
{
	if (!terminal->painter || !terminal->suspended)
		return;
	terminal->suspended = false;
	terminal_guard_set(
		terminal->out, &terminal->modes_before, painter_reset_string(terminal->painter));
	set_modes(terminal);
	terminal_resize(terminal);
}

void terminal_beep(struct terminal *terminal)
{
	if (terminal->painter && !terminal_has_backlog(terminal)) {
		text_add_char(&terminal->backlog, '\a');
		terminal_drain(terminal);
	}
}
