#include "core/base/complaints.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sanitise.h"
#include "core/base/text.h"

#define FIRST_ROWS 8
#define LONGEST_WORD 64
#define FARTHEST_TYPO 2

void complaints_init(struct complaints *complaints)
{
	*complaints = (struct complaints){.rows = NULL};
}

void complaints_finish(struct complaints *complaints)
{
	free(complaints->rows);
	*complaints = (struct complaints){.rows = NULL};
}

/* Room for one more; counts stay powers of two times FIRST_ROWS, so growth is seen from the count.
 */
static struct complaint *add_row(struct complaints *complaints)
{
	size_t count = complaints->count;
	if (count == COMPLAINTS_MOST)
		return NULL;
	if (count == 0 || (count >= FIRST_ROWS && (count & (count - 1)) == 0)) {
		size_t room = count == 0 ? FIRST_ROWS : 2 * count;
		struct complaint *rows = realloc(complaints->rows, room * sizeof(*rows));
		if (!rows)
			return NULL;
		complaints->rows = rows;
	}
	return &complaints->rows[complaints->count++];
}

void complaints_add(struct complaints *complaints, const char *file, int line, const char *key,
	const char *format, ...)
{
	complaints->total++;
	struct complaint *row = add_row(complaints);
	if (!row)
		return;
	char text[2 * sizeof(row->text)] = "";
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);

	*row = (struct complaint){.line = line};
	sanitise(file, strlen(file), row->file, sizeof(row->file));
	if (key)
		sanitise(key, strlen(key), row->key, sizeof(row->key));
	sanitise(text, strlen(text), row->text, sizeof(row->text));
}

static void complaint_print(const struct complaint *row, struct text *out)
{
	text_add(out, row->file);
	if (row->line > 0)
		text_printf(out, ":%d", row->line);
	text_add(out, ": ");
	if (row->key[0])
		text_printf(out, "%s: ", row->key);
	text_add(out, row->text);
}

void complaints_print(const struct complaints *complaints, struct text *out)
{
	for (size_t i = 0; i < complaints->count; i++) {
		complaint_print(&complaints->rows[i], out);
		text_add(out, "\n");
	}
	if (complaints->total > complaints->count)
		text_printf(out, "and %zu more\n", complaints->total - complaints->count);
}

void complaints_summary(const struct complaints *complaints, char *out, size_t size)
{
	struct text line;
	text_init(&line, sizeof(struct complaint) + 64);
	if (complaints->count > 0)
		complaint_print(&complaints->rows[0], &line);
	if (complaints->total > 1)
		text_printf(&line, " (and %zu more)", complaints->total - 1);
	snprintf(out, size, "%s", text_string(&line));
	text_finish(&line);
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

/* Letters to insert, remove, replace or swap with their neighbour to get from one to the other. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][LONGEST_WORD + 1] = {{0}};
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *now = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *two_above = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			now[j] = smallest(above[j] + 1, now[j - 1] + 1,
				above[j - 1] + (a[i - 1] != b[j - 1]));
			bool swapped =
				i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
			if (swapped && two_above[j - 2] + 1 < now[j])
				now[j] = two_above[j - 2] + 1;
		}
	}
	return rows[a_length % 3][b_length];
}

const char *complaints_nearest(const char *word, const char *const *candidates, size_t count)
{
	const char *nearest = NULL;
	size_t least = FARTHEST_TYPO + 1;
	size_t length = strlen(word);
	if (length > LONGEST_WORD)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t candidate_length = strlen(candidates[i]);
		if (candidate_length > LONGEST_WORD)
			continue;
		size_t far = distance(word, length, candidates[i], candidate_length);
		if (far < least && 2 * far < length) {
			least = far;
			nearest = candidates[i];
		}
	}
	return nearest;
}
