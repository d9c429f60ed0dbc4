/*
 * Lines of a stream, and records of comma-separated values (RFC 4180) made of them: fields may be quoted, quotes inside
 * are doubled, quoted fields may span lines. Lines end with LF or CRLF. Memory is bounded: a line or record of more than
 * CSV_BYTES_MAX is refused. Errors are ERR_DATA and begin with "line N: "; ERR_IO when the stream cannot be read.
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stdio.h>

#include "base/buf.h"

#define CSV_BYTES_MAX  (1 << 20)
#define CSV_FIELDS_MAX 16

struct csv {
	FILE *in;
	int64_t line;    /* number of the line read last, from 1 */
	int64_t record;  /* number of the first line of the record at hand */
	struct buf text; /* the line, or the record's lines, without the last end */
	struct buf unquoted;
	const char *fields[CSV_FIELDS_MAX]; /* of the record, each with a NUL after it */
	size_t field_count;
};

/* Reads the next line into text. *end_out: there is none. */
bool csv_line(struct csv *c, bool *end_out, struct err *e);
/* Takes the line at hand for the beginning of a record, reads on where a quoted field is open, and fills fields. */
bool csv_split(struct csv *c, struct err *e);
void csv_release(struct csv *c);

#endif
