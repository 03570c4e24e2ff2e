/*
 * error.h - what went wrong, in a form a human can act on.
 *
 * A function that can fail takes a `struct error *` last and returns false (or NULL). On failure it
 * fills the error and leaves its outputs untouched; on success it leaves the error untouched. The
 * text is one line without a final full stop, what failed first, its subject quoted: "cannot open
 * 'x.yaml': no such file". The size is fixed so that even "no memory" can be reported. `error` may
 * be NULL where the caller does not care.
 */
#ifndef CORE_BASE_ERROR_H
#define CORE_BASE_ERROR_H

#include <stdbool.h>

/* Chosen by what the caller does differently, not by where it happened. */
enum error_kind {
	ERROR_NONE = 0,
	ERROR_NO_MEMORY,
	ERROR_LIMIT,           /* a stated limit was exceeded; the text says which and by what */
	ERROR_SYNTAX,          /* the bytes are not in the format they claim */
	ERROR_SCHEMA,          /* well formed, but not what was expected */
	ERROR_USAGE,           /* the command line or an argument is wrong */
	ERROR_IO,              /* the operating system refused; the text ends with its reason */
	ERROR_UNREACHABLE,     /* the peer could not be reached: nothing was sent */
	ERROR_TIMEOUT,         /* the deadline passed on something that changes nothing */
	ERROR_UNTRUSTED,       /* host key, certificate or login refused: nothing was sent */
	ERROR_REJECTED,        /* the peer answered, and the answer was no */
	ERROR_UNKNOWN_OUTCOME, /* a change was sent and no answer came: it may have happened */
	ERROR_CANCELLED,
};

#define ERROR_TEXT_BYTES 512

struct error {
	enum error_kind kind;
	char text[ERROR_TEXT_BYTES];
};

/* Fill `error` (cut to fit, never overflowing). Always returns false: `return error_set(...)`. */
bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "<prefix>: " in front of the text, keeping the kind. Always returns false. */
bool error_prefix(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ERROR_NO_MEMORY, "no memory for <what>". Always returns false. */
bool error_no_memory(struct error *error, const char *what);

/* ERROR_IO with errno's words appended: "<text>: <strerror>". Reads errno first. Always false. */
bool error_errno(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A lower-case word for the kind, such as "limit" or "unreachable"; never NULL. */
const char *error_kind_name(enum error_kind kind);

#ifdef __clang_analyzer__
/* It reads one file at a time and would follow paths on which setting an error is a success. The
 * functions' own definitions have their names in parentheses, which keeps macros away. */
#define error_set(...) ((error_set)(__VA_ARGS__), false)
#define error_prefix(...) ((error_prefix)(__VA_ARGS__), false)
#define error_no_memory(...) ((error_no_memory)(__VA_ARGS__), false)
#define error_errno(...) ((error_errno)(__VA_ARGS__), false)
#endif

#endif
