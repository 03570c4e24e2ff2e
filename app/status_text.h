/*
 * status_text.h - an assessment in text and in JSON, with the same words and numbers as the
 * screens.
 */
#ifndef APP_STATUS_TEXT_H
#define APP_STATUS_TEXT_H

struct assessment;
struct snapshot;
struct text;

/* A dozen lines for people. */
void status_print_text(
	const struct snapshot *snapshot, const struct assessment *assessment, struct text *out);

/* One JSON object with a newline; unknown numbers are null. */
void status_print_json(
	const struct snapshot *snapshot, const struct assessment *assessment, struct text *out);

/* The Nagios plugin convention: 0 ok, 1 warning, 2 critical, 3 unknown (also when nothing
 * answered). */
int status_exit_code(const struct assessment *assessment);

#endif
