#include "ui/terminal_paint.h"

#include <curses.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "ui/cell.h"
#include "ui/theme.h"

#define RESET_BYTES 256

struct painter {
	SCREEN *screen;
	FILE *out; /* on the memory file */
	FILE *in;  /* ncurses wants one; it is never read */
	int memory;
	attr_t attributes[ROLE_COUNT];
	short pairs[ROLE_COUNT];
	char paste_on[32], paste_off[32];
	char reset[RESET_BYTES];
	bool entered;
};

/* newterm() takes these when they are default; signals belong to the loop. */
static const int newterm_takes[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
#define TAKEN_COUNT (sizeof newterm_takes / sizeof *newterm_takes)

static const char *capability(const char *name)
{
	char buffer[32];
	snprintf(buffer, sizeof buffer, "%s", name);
	const char *value = tigetstr(buffer);
	return value && (intptr_t)value != -1 ? value : "";
}

/* An environment variable with another value for a while. */
struct lent_variable {
	const char *name;
	char *before; /* NULL: it was not set */
};

static void lend(struct lent_variable *variable, const char *name, int value)
{
	char text[16];
	const char *before = getenv(name);
	snprintf(text, sizeof text, "%d", value);
	variable->name = name;
	variable->before = before ? strdup(before) : NULL;
	setenv(name, text, 1);
}

static void take_back(struct lent_variable *variable)
{
	if (variable->before)
		setenv(variable->name, variable->before, 1);
	else
		unsetenv(variable->name);
	free(variable->before);
}

static SCREEN *start_curses(const char *term, int columns, int rows, FILE *out, FILE *in)
{
	struct sigaction before[TAKEN_COUNT];
	struct lent_variable lent_columns, lent_rows;
	for (size_t i = 0; i < TAKEN_COUNT; i++)
		sigaction(newterm_takes[i], NULL, &before[i]);
	/* A file has no size, and the terminfo of some consoles has none either: this is how to say
	 * it. */
	lend(&lent_columns, "COLUMNS", columns);
	lend(&lent_rows, "LINES", rows);
	SCREEN *screen = newterm(term, out, in);
	take_back(&lent_columns);
	take_back(&lent_rows);
	for (size_t i = 0; i < TAKEN_COUNT; i++)
		sigaction(newterm_takes[i], &before[i], NULL);
	return screen;
}

static attr_t style_attributes(const struct theme_style *style)
{
	attr_t attributes = A_NORMAL;
	attributes |= style->bold ? A_BOLD : 0;
	attributes |= style->dim ? A_DIM : 0;
	attributes |= style->reverse ? A_REVERSE : 0;
	attributes |= style->underline ? A_UNDERLINE : 0;
	return attributes;
}

/* Eight colours only: the bright ones become bold (text) or plain (background). */
static short fit_color(short color, attr_t *attributes)
{
	if (color >= 8 && COLORS < 16) {
		if (attributes)
			*attributes |= A_BOLD;
		return (short)(color - 8);
	}
	return color;
}

static void load_styles(struct painter *painter, const struct theme *theme, bool no_color)
{
	bool colored = !no_color && has_colors() && start_color() == OK;
	bool defaults = colored && use_default_colors() == OK;
	for (int role = ROLE_TEXT; role < ROLE_COUNT; role++) {
		const struct theme_style *style = &theme->styles[role];
		painter->attributes[role] = style_attributes(style);
		if (!colored || role >= COLOR_PAIRS)
			continue;
		short front = (short)(COLORS >= 256 ? style->fg256 : style->fg16);
		short back = (short)(COLORS >= 256 ? style->bg256 : style->bg16);
		if (COLORS < 256) {
			front = fit_color(front, &painter->attributes[role]);
			back = fit_color(back, NULL);
		}
		if (!defaults) {
			front = (short)(front < 0 ? COLOR_WHITE : front);
			back = (short)(back < 0 ? COLOR_BLACK : back);
		}
		if (init_pair((short)role, front, back) == OK)
			painter->pairs[role] = (short)role;
	}
}

static bool open_files(struct painter *painter, struct error *error)
{
	painter->memory = memfd_create("screen", MFD_CLOEXEC);
	if (painter->memory < 0)
		return error_errno(error, "cannot make a screen in memory");
	painter->out = fdopen(painter->memory, "w");
	painter->in = fopen("/dev/null", "r");
	if (!painter->out || !painter->in)
		return error_errno(error, "cannot make a screen in memory");
	return true;
}

static bool check_term(const char *term, const SCREEN *screen, struct error *error)
{
	if (!screen)
		return error_set(error, ERROR_USAGE,
			"terminal type '%s' is not known on this machine (hint: "
			"TERM=xterm-256color)",
			term);
	if (!capability("cup")[0])
		return error_set(error, ERROR_USAGE,
			"terminal type '%s' cannot place the cursor (hint: --plain, or "
			"TERM=xterm-256color)",
			term);
	return true;
}

struct painter *painter_create(const char *term, const struct theme *theme, bool no_color,
	int columns, int rows, struct error *error)
{
	struct painter *painter = calloc(1, sizeof *painter);
	if (!painter) {
		error_no_memory(error, "the screen");
		return NULL;
	}
	painter->memory = -1;
	if (!open_files(painter, error)) {
		painter_destroy(painter);
		return NULL;
	}
	painter->screen = start_curses(term, columns, rows, painter->out, painter->in);
	if (!check_term(term, painter->screen, error)) {
		painter_destroy(painter);
		return NULL;
	}
	nonl();
	leaveok(stdscr, TRUE);
	load_styles(painter, theme, no_color);
	curs_set(0);
	snprintf(painter->paste_on, sizeof painter->paste_on, "%s", capability("BE"));
	snprintf(painter->paste_off, sizeof painter->paste_off, "%s", capability("BD"));
	snprintf(painter->reset, sizeof painter->reset, "%s%s%s%s%s\r\n", painter->paste_off,
		capability("sgr0"), capability("op"), capability("cnorm"), capability("rmcup"));
	painter_resize(painter, columns, rows);
	return painter;
}

void painter_destroy(struct painter *painter)
{
	if (!painter)
		return;
	if (painter->screen) {
		endwin();
		delscreen(painter->screen);
	}
	if (painter->out)
		fclose(painter->out);
	else if (painter->memory >= 0)
		close(painter->memory);
	if (painter->in)
		fclose(painter->in);
	free(painter);
}

void painter_resize(struct painter *painter, int columns, int rows)
{
	(void)painter;
	resize_term(rows, columns);
	clearok(curscr, TRUE);
}

/* Hand on what ncurses has written since the last time. */
static void collect(struct painter *painter, struct text *out)
{
	char buffer[16384];
	off_t at = 0;
	for (;;) {
		ssize_t got = pread(painter->memory, buffer, sizeof buffer, at);
		if (got <= 0)
			break;
		text_append(out, buffer, (size_t)got);
		at += got;
	}
	if (at > 0 && ftruncate(painter->memory, 0) == 0)
		lseek(painter->memory, 0, SEEK_SET);
}

static void put_cell(const struct painter *painter, int row, int column, const struct cell *cell)
{
	wchar_t string[CELL_MARKS + 2] = {(wchar_t)cell->base};
	size_t length = 1;
	/* Where the C library thinks otherwise about the width, ncurses would shift the row. */
	bool agreed = wcwidth((wchar_t)cell->base) == cell->width;
	if (!agreed)
		string[0] = L'?';
	for (int i = 0; agreed && i < CELL_MARKS && cell->marks[i]; i++) {
		if (wcwidth((wchar_t)cell->marks[i]) == 0)
			string[length++] = (wchar_t)cell->marks[i];
	}
	string[length] = L'\0';
	cchar_t character;
	if (setcchar(&character, string, painter->attributes[cell->role],
		    painter->pairs[cell->role], NULL) != OK)
		return;
	mvadd_wch(row, column, &character);
	if (!agreed && cell->width == 2)
		mvadd_wch(row, column + 1, &character);
}

void painter_draw(struct painter *painter, const struct canvas *canvas, bool anew, struct text *out)
{
	if (!painter->entered) {
		text_add(out, painter->paste_on);
		painter->entered = true;
	}
	if (anew)
		clearok(curscr, TRUE);
	for (int row = 0; row < canvas->rows; row++) {
		for (int column = 0; column < canvas->columns; column++) {
			const struct cell *cell = &canvas->cells[row * canvas->columns + column];
			if (cell->width > 0)
				put_cell(painter, row, column, cell);
		}
	}
	wnoutrefresh(stdscr);
	doupdate();
	collect(painter, out);
}

void painter_leave(struct painter *painter, struct text *out)
{
	text_add(out, painter->paste_off);
	painter->entered = false;
	endwin();
	collect(painter, out);
}

const char *painter_reset_string(const struct painter *painter)
{
	return painter->reset;
}
