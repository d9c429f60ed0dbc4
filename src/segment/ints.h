/* Sequences of 64-bit integers: differences where they are smaller, an offset taken off, then bytes by significance.
 * FORMAT.md, "ints". */
#ifndef SEGMENT_INTS_H
#define SEGMENT_INTS_H

#include "segment/pack.h"

/* Appends n numbers; a failure (memory) is left in out. */
void ints_add(struct packer *p, const uint64_t *v, size_t n, struct buf *out);

/* Reads n numbers into v. ERR_DATA when damaged. Uses pieces of u for the duration of the call only. */
bool ints_read(struct unpacker *u, struct cursor *c, uint64_t *v, size_t n, struct err *e);

/* The same into room of u. NULL on failure. */
uint64_t *ints_unpack(struct unpacker *u, struct cursor *c, size_t n, struct err *e);

/* The same, each at most max; the sum goes to *sum_out where that is not NULL. */
uint64_t *ints_unpack_max(struct unpacker *u, struct cursor *c, size_t n, uint64_t max,
			  uint64_t *sum_out, struct err *e);

#endif
