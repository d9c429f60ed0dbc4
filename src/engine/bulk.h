/* rehydrate --bulk: vector indexes go out of the way of a large load, where the cost model says that this pays. */
#ifndef ENGINE_BULK_H
#define ENGINE_BULK_H

#include "engine/restore.h"

struct bulk {
	struct lease
		lease; /* held while indexes are out of the way: no one else may build them meanwhile */
	bool begun; /* indexes are: maintenance must follow, and brings them back */
	bool mixed; /* what the load takes says nothing about inserts of one kind */
	bool thin;
	int64_t rows; /* that are to come, as far as the catalog knows */
	/* The method and shape that inserts are logged for; method "": none. */
	char method[64];
	int dimensions, links;
};

/* Estimates rows a leaf from the catalog; where chunks or documents are selected, or too few rows for it to matter,
 * there is nothing to do. Without --bulk, or while someone else works on the table, only a note says what it would save. */
bool bulk_begin(struct bulk *b, struct restore *r, const struct segment_list *segments,
		struct err *e);

/* What the inserts took, for the cost model. */
bool bulk_log(const struct bulk *b, struct restore *r, int64_t rows, double seconds, struct err *e);

#endif
