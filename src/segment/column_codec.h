/*
 * One column of one block. The type's name only suggests an encoding: each looks whether all values have its shape and
 * leaves them to a plainer one if not, so that any bytes come back as they were. FORMAT.md, "Column".
 */
#ifndef SEGMENT_COLUMN_CODEC_H
#define SEGMENT_COLUMN_CODEC_H

#include "base/row.h"
#include "segment/pack.h"
#include "segment/planes.h"

/* One thread's encoder with its work space. */
struct column_encoder {
	struct packer packer;
	struct planes_room planes;
	struct buf values, index, table, numbers, bytes;
};

bool column_encoder_init(struct column_encoder *x, int level, struct err *e);
void column_encoder_release(struct column_encoder *x);

/* Whether the type's values are worth a dictionary. */
bool column_is_text(const char *type_name);

/* Appends the column that is at fields[0], fields[stride], ... A failure (memory) is left in out. */
void column_add(struct column_encoder *x, const char *type_name, const struct field *fields,
		size_t stride, uint32_t rows, struct buf *out);

/* Where decoded values are put: never grows, so that fields may point into it. */
struct value_room {
	uint8_t *at;
	size_t left;
};

/* Reads a column and sets fields[0], fields[stride], ...; all of the cursor must be used up. ERR_DATA when damaged. */
bool column_read(struct unpacker *u, struct cursor *c, struct value_room *room,
		 struct field *fields, size_t stride, uint32_t rows, struct err *e);

#endif
