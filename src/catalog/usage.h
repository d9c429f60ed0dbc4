/* What reports on storage ask of the catalog: what is cold, segment by segment, what was used on earlier days, and who
 * used it. */
#ifndef CATALOG_USAGE_H
#define CATALOG_USAGE_H

#include "catalog/table_info.h"

/* An active segment. */
struct usage_segment {
	int64_t id;
	const char *leaf;          /* as segments name it: the leaf may be gone */
	const char *storage_class; /* "" for the archive's default */
	int64_t rows_total, rows_live;
	int64_t bytes, index_bytes;
	int64_t raw_bytes;  /* of the live rows */
	int64_t age_days;   /* in its storage class */
	int64_t bytes_live; /* objects' bytes, in the share of live rows */
};
/* By id. The strings are the visit's only. */
bool usage_segments(struct pg *pg, int64_t table_id,
		    bool (*visit)(void *ctx, const struct usage_segment *s, struct err *e),
		    void *ctx, struct err *e);

/* Bytes of the leaf's hnsw and ivfflat indexes. */
bool usage_vector_index_bytes(struct pg *pg, const struct leaf *leaf, int64_t *out, struct err *e);

#endif
