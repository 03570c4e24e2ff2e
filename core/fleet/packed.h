/*
 * packed.h - a run of samples in few bytes, for histories that are kept long and read seldom.
 *
 * Polls come at a steady pace and values move little, so a block says once what its samples have in
 * common and of each sample only how it differs:
 *
 *   times   steps of equal length from the first on; per sample how far it is off, in the bits that
 *           the worst of them needs. Always exact.
 *   values  whole multiples of a power of two above the least; likewise. Exact where
 *           PACKED_EXACT_BITS a sample suffice (all counts and flags), else each is rounded to
 *           PACKED_SIGNIFICANT_BITS, which is off by at most 0.025 percent. What no common step
 *           can hold is kept as it is.
 *
 * Packing again what was unpacked changes nothing.
 */
#ifndef CORE_FLEET_PACKED_H
#define CORE_FLEET_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sample;

#define PACKED_SAMPLES_MOST 240
#define PACKED_EXACT_BITS 16
#define PACKED_SIGNIFICANT_BITS 12
#define PACKED_SLACK 8 /* bytes behind the last block that must be readable */
#define PACKED_BYTES_MOST (64 + PACKED_SAMPLES_MOST * 16 + PACKED_SLACK)

/*
 * Pack 1 to PACKED_SAMPLES_MOST samples, times strictly growing, values finite, into `out`, which
 * has room for PACKED_BYTES_MOST. Returns the bytes of the block.
 */
size_t packed_write(const struct sample *samples, size_t count, uint8_t *out);

size_t packed_bytes(const uint8_t *block);
size_t packed_count(const uint8_t *block);
int64_t packed_first_ms(const uint8_t *block);

/* All samples of a block, oldest first; `out` has room for PACKED_SAMPLES_MOST. Returns how many.
 */
size_t packed_read(const uint8_t *block, struct sample *out);

#endif
