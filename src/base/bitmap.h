/* A set of row numbers of a segment, over CRoaring. Serialised in CRoaring's portable format. */
#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct bitmap;

struct bitmap *bitmap_new(struct err *e);
void bitmap_free(struct bitmap *b);

/* From bytes that bitmap_write made. Bounds-checked: bad bytes are ERR_DATA, also any number of max_rows or more.
 * len 0 is the empty set. */
struct bitmap *bitmap_read(const uint8_t *data, size_t len, uint32_t max_rows, struct err *e);
bool bitmap_write(const struct bitmap *b, struct buf *out, struct err *e);

bool bitmap_has(const struct bitmap *b, uint32_t row);
void bitmap_add(struct bitmap *b, uint32_t row);
void bitmap_add_range(struct bitmap *b, uint32_t from, uint32_t to); /* from ... to - 1 */
void bitmap_remove(struct bitmap *b, uint32_t row);
uint64_t bitmap_count(const struct bitmap *b);
/* How many of from ... to - 1 are in it. */
uint64_t bitmap_count_range(const struct bitmap *b, uint32_t from, uint32_t to);

void bitmap_clear(struct bitmap *b);
void bitmap_add_all(struct bitmap *b, const struct bitmap *other);
void bitmap_keep_only(struct bitmap *b, const struct bitmap *other);
void bitmap_remove_all(struct bitmap *b,
		       const struct bitmap *other); /* other is not b: see bitmap_clear */

/* The smallest member that is at least from; false when there is none. */
bool bitmap_next(const struct bitmap *b, uint32_t from, uint32_t *row_out);

#endif
