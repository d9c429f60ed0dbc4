/* What maintenance asks of Postgres: sizes and indexes of a leaf, what is due, what it cost before, and the statements
 * themselves. None of them runs inside a transaction. */
#ifndef CATALOG_INDEX_WORK_H
#define CATALOG_INDEX_WORK_H

#include "catalog/table_info.h"

struct due_work {
	char *leaf; /* label */
	int64_t deleted, inserted;
};
/* Leaves of the table with work to do, oldest first; items released by due_work_free. */
bool index_work_due(struct pg *pg, int64_t table_id, struct due_work **out, size_t *count_out,
		    struct err *e);
void due_work_free(struct due_work *items, size_t count);
/* Takes what was done off what is due: rows moved meanwhile stay due. */
bool index_work_done(struct pg *pg, int64_t table_id, const struct due_work *done, struct err *e);

struct leaf_index {
	char *name;      /* for people */
	char *qualified; /* quoted, for SQL */
	char method[64]; /* access method: hnsw, ivfflat, btree, gin */
	int64_t bytes;
	bool vector; /* hnsw or ivfflat */
};
/* Valid indexes of the leaf, largest first. */
bool index_work_indexes(struct pg *pg, uint32_t leaf_oid, struct leaf_index **out,
			size_t *count_out, struct err *e);
void leaf_indexes_free(struct leaf_index *indexes, size_t count);
bool index_work_bytes(struct pg *pg, const char *qualified, int64_t *bytes_out, struct err *e);

/* Invalid indexes that a REINDEX CONCURRENTLY which died left on the leaf (_ccnew, _ccold), unless someone is building
 * on the leaf right now. Same array as above. */
bool index_work_leftovers(struct pg *pg, uint32_t leaf_oid, struct leaf_index **out,
			  size_t *count_out, struct err *e);

/* Live rows as ANALYZE left them and dead ones as the statistics know them. */
bool index_work_rows(struct pg *pg, uint32_t leaf_oid, int64_t *live_out, int64_t *dead_out,
		     struct err *e);

/* Bytes free where the server's data folder is, or -1 when that cannot be known from here. */
bool index_work_disk_free(struct pg *pg, int64_t *bytes_out, struct err *e);

bool index_work_reindex(struct pg *pg, const struct leaf_index *index, bool concurrently,
			const char *work_mem, struct err *e);
bool index_work_drop(struct pg *pg, const struct leaf_index *index, struct err *e);
bool index_work_vacuum(struct pg *pg, const char *qualified, struct err *e);
bool index_work_analyze(struct pg *pg, const char *qualified, struct err *e);

struct work_log {
	int64_t table_id;
	const char *leaf, *index, *method, *action;
	int64_t rows, dead, bytes_before, bytes_after;
	double seconds;
};
bool index_work_log(struct pg *pg, const struct work_log *w, struct err *e);

/* Sums of what an action on indexes of a method cost lately (the last 50 times), all tables: for fitting constants. */
struct work_history {
	double seconds, rows, dead;
	int64_t count;
};
bool index_work_history(struct pg *pg, const char *method, const char *action,
			struct work_history *out, struct err *e);

#endif
