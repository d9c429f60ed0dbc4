/* What one transaction brings back: staged, compared, inserted, and live again in the catalog. Several can be under way
 * at once, of one segment, each in a session of its own. */
#ifndef ENGINE_RESTORE_LOAD_H
#define ENGINE_RESTORE_LOAD_H

#include "engine/restore.h"

struct expected_row {
	uint32_t row;
	uint64_t hash;
};

/* Rows gathered from a segment. */
struct load {
	struct buf copy;           /* COPY BINARY: row number, columns */
	struct expected_row *rows; /* ascending by row */
	size_t row_count, row_capacity;
};

/* Empty, with the header that COPY BINARY begins with. */
void load_reset(struct load *l);
void load_release(struct load *l);

/* The segment that rows come from. While loads are under way only dead and ids_noted change, under restore's lock. */
struct source {
	struct restore *r;
	struct segment_record *record;
	struct bitmap *dead;          /* as the catalog had it last */
	const struct column *columns; /* those that the table still has */
	size_t column_count;
	int64_t ids_noted;
};

/* Finishes the copy stream, and tries again where what the table holds changed meanwhile. On failure nothing of the load
 * came back. */
bool load_restore(struct source *s, struct load *l, struct pg *pg, struct err *e);

#endif
