/*
 * ssh_bytes.h - the data types of RFC 4251 section 5, read with bounds and written into a text.
 *
 * A reader never moves past its end: a field that does not fit makes the call false and leaves the
 * reader where it was.
 */
#ifndef CORE_WIRE_SSH_BYTES_H
#define CORE_WIRE_SSH_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

struct ssh_bytes {
	const unsigned char *at;
	size_t left;
};

bool ssh_bytes_u8(struct ssh_bytes *bytes, uint8_t *out);
bool ssh_bytes_u32(struct ssh_bytes *bytes, uint32_t *out);

/* A string: its length as u32, then the bytes; *out borrows from what is being read. */
bool ssh_bytes_string(struct ssh_bytes *bytes, struct ssh_bytes *out);

/* Whether the bytes are exactly those of `string`. */
bool ssh_bytes_equal(const struct ssh_bytes *bytes, const char *string);

void ssh_bytes_add_u32(struct text *out, uint32_t value);
void ssh_bytes_add_string(struct text *out, const void *bytes, size_t length);

#endif
