/*
 * Postgres's COPY BINARY framing (documented under COPY, "Binary Format"): 11-byte signature, flags, header
 * extension; then per row a 16-bit field count and per field a 32-bit length (-1: NULL) and bytes; trailer -1.
 */
#ifndef SEGMENT_COPYBIN_H
#define SEGMENT_COPYBIN_H

#include "base/buf.h"
#include "base/row.h"

enum copybin_event {
	COPYBIN_ROW,
	COPYBIN_HEADER,
	COPYBIN_END
};

/* Parses one CopyData message as the server sends them in COPY OUT: the header (possibly followed by the first
 * row's bytes in the same message: *used_out says how much was consumed; call again with the rest), a row, or the
 * trailer. fields has room for field_count; data is borrowed from message. ERR_DATA when the bytes are not COPY
 * BINARY or a row has another number of fields. */
bool copybin_parse(const uint8_t *message, size_t len, bool expect_header, struct field *fields,
		   size_t field_count, enum copybin_event *event_out, size_t *used_out,
		   struct err *e);

void copybin_add_header(struct buf *out);
void copybin_add_row(struct buf *out, const struct field *fields, size_t count);
void copybin_add_trailer(struct buf *out);

#endif
