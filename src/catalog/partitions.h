/* How a managed table is divided, and the making of hash partitions that it lacks. */
#ifndef CATALOG_PARTITIONS_H
#define CATALOG_PARTITIONS_H

#include "catalog/table_info.h"

struct partition {
	uint32_t oid;
	char *schema, *name;
	char *bound;                /* as SQL has it: "FOR VALUES WITH (modulus 4, remainder 0)" */
	int64_t modulus, remainder; /* modulus 0: not a hash partition */
};

struct partitioning {
	char *strategy; /* "hash", "list", "range"; "" for a plain table */
	char *key;      /* "HASH (workspace_id)"; "" for a plain table */
	char *owner;
	int64_t name_max;        /* bytes that a name may have */
	struct partition *items; /* direct partitions only, by modulus and remainder */
	size_t count;
};

bool partitioning_load(struct pg *pg, const struct table_info *t, struct partitioning *out,
		       struct err *e);
void partitioning_release(struct partitioning *p);

/* Share of the rows that the largest workspace has, from the statistics; -1 where they say nothing. Reads no row. */
bool partitioning_largest_share(struct pg *pg, const struct table_info *t, double *share_out,
				struct err *e);

/* Makes one partition in the table's schema, of the table's owner, in a transaction of its own. The table is locked
 * exclusively for a moment; ERR_BUSY when that lock does not come within wait_ms. ERR_EXISTS: the name is another's. */
bool partitioning_create(struct pg *pg, const struct table_info *t, const struct partitioning *p,
			 const char *name, int64_t modulus, int64_t remainder, int wait_ms,
			 struct err *e);

#endif
