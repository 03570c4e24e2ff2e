/*
 * log.h - a levelled log to a file or stderr, never to the screen.
 *
 * The console owns the terminal, so library code never prints. Each line: time, level, room, text.
 * The text is sanitised here; secrets must not be passed (see secret.h).
 */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include <stdbool.h>

struct error;

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Open (append, 0600) and use `path`; NULL means stderr. Before this call logging goes nowhere. */
bool log_open(const char *path, enum log_level most, struct error *error);
void log_close(void);

void log_write(enum log_level level, const char *room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(room, ...) log_write(LOG_ERROR, room, __VA_ARGS__)
#define log_warn(room, ...) log_write(LOG_WARN, room, __VA_ARGS__)
#define log_info(room, ...) log_write(LOG_INFO, room, __VA_ARGS__)
#define log_debug(room, ...) log_write(LOG_DEBUG, room, __VA_ARGS__)

#endif
