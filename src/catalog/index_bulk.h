/*
 * Vector indexes that a bulk load takes out of the way, and how they come back. firn.index_restore has what to do before
 * it is needed, so that whoever works on the table next can do it for a run that died.
 *
 * An index that stands for itself is dropped and created again. One that belongs to an index of the partitioned table
 * cannot be dropped alone: it gets the least ef_construction that HNSW takes, with which an insert costs a tenth (rows are
 * found meanwhile, though worse), and is built anew with the one it had. HNSW reads the setting at each insert.
 */
#ifndef CATALOG_INDEX_BULK_H
#define CATALOG_INDEX_BULK_H

#include "catalog/index_work.h"

struct index_restore {
	char *leaf; /* label */
	char *schema, *name,
		*definition; /* definition: CREATE INDEX, or ef_construction as it was ("": none) */
	bool create;
	bool there; /* an index of that name is */
};

/* Whether the index can be dropped and created again with nothing lost: no constraint, parent, tablespace or comment. */
bool index_bulk_can_drop(struct pg *pg, const struct leaf_index *index, bool *out, struct err *e);

/* Records how the index comes back (one that has a record already is not touched: an error), marks the leaf's work as due, and then drops it
 * (create) or makes its inserts cheap. Locks that are not got in 5 s are ERR_BUSY: then nothing is changed but the
 * record, which restoring finds needless. */
bool index_bulk_begin(struct pg *pg, int64_t table_id, const struct leaf *leaf,
		      const struct leaf_index *index, bool create, struct err *e);

/* What is to be restored on the table; released by index_restores_free. */
bool index_bulk_list(struct pg *pg, int64_t table_id, struct index_restore **out, size_t *count_out,
		     struct err *e);
void index_restores_free(struct index_restore *items, size_t count);

/* Makes the index whole, and forgets the record. *built_out: it was built. Concurrently where asked for. One that
 * was dropped, and that somebody else made anew since, stays as it is: then it is not built. Nor is one that only took
 * rows with little care and is not there any more: its record stays, for people to judge. */
bool index_bulk_restore(struct pg *pg, int64_t table_id, const struct index_restore *item,
			bool concurrently, const char *work_mem, bool *built_out, struct err *e);

/* The same in SQL, for whoever must do it by hand. */
void index_bulk_add_by_hand(struct pg *pg, struct buf *b, const struct index_restore *item);

#endif
