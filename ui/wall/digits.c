#include "ui/wall/digits.h"

#include <stddef.h>
#include <string.h>

#include "ui/canvas.h"

struct shape {
	char character;
	const char *rows[DIGITS_ROWS];
};

static const struct shape shapes[] = {
	{'0', {"###", "# #", "# #", "# #", "###"}},
	{'1', {"  #", "  #", "  #", "  #", "  #"}},
	{'2', {"###", "  #", "###", "#  ", "###"}},
	{'3', {"###", "  #", "###", "  #", "###"}},
	{'4', {"# #", "# #", "###", "  #", "  #"}},
	{'5', {"###", "#  ", "###", "  #", "###"}},
	{'6', {"###", "#  ", "###", "# #", "###"}},
	{'7', {"###", "  #", "  #", "  #", "  #"}},
	{'8', {"###", "# #", "###", "# #", "###"}},
	{'9', {"###", "# #", "###", "  #", "###"}},
	{'.', {" ", " ", " ", " ", "#"}},
	{'%', {"# #", "  #", " # ", "#  ", "# #"}},
	{'/', {"  #", "  #", " # ", "#  ", "#  "}},
	{'x', {"   ", "   ", "# #", " # ", "# #"}},
	{'s', {"   ", "###", "## ", " ##", "###"}},
	{'m', {"     ", "     ", "#####", "# # #", "# # #"}},
	{'h', {"#  ", "#  ", "###", "# #", "# #"}},
	{'-', {"   ", "   ", "###", "   ", "   "}},
	{'?', {"###", "  #", " ##", "   ", " # "}},
};

static const struct shape *shape_of(char character)
{
	static const struct shape blank = {' ', {"   ", "   ", "   ", "   ", "   "}};
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		if (shapes[i].character == character)
			return &shapes[i];
	}
	return &blank;
}

int digits_width(const char *figure)
{
	int width = 0;
	for (; *figure; figure++)
		width += (int)strlen(shape_of(*figure)->rows[0]) + 1;
	return width > 0 ? width - 1 : 0;
}

void digits_draw(struct canvas *canvas, int row, int column, int columns, enum role role, int scale,
	const char *figure)
{
	const char *block = canvas_is_ascii(canvas) ? "#" : "\xe2\x96\x88";
	int at = 0;
	for (; *figure; figure++) {
		const struct shape *shape = shape_of(*figure);
		int width = (int)strlen(shape->rows[0]);
		if (at + width * scale > columns)
			return;
		for (int i = 0; i < DIGITS_ROWS * scale; i++) {
			for (int j = 0; j < width * scale; j++) {
				if (shape->rows[i / scale][j / scale] == '#')
					canvas_text(
						canvas, row + i, column + at + j, 1, role, block);
			}
		}
		at += (width + 1) * scale;
	}
}
