/* What maintenance asks of Postgres: sizes and indexes of a leaf, what is due, what it cost before, and the statements
 * themselves. None of them runs inside a transaction. */
#ifndef CATALOG_INDEX_WORK_H
#define CATALOG_INDEX_WORK_H

#include "catalog/table_info.h"

struct due_work {
	char *leaf; /* label */
	int64_t deleted, inserted;
	double age_s; /* since it is due, or since rows were last taken off it */
};
/* Leaves of the table with work to do, oldest first; also those of which only an index is to be restored. Items released by due_work_free. */
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
	/* The rest is index_work_indexes' only; 0 where it is not known. */
	int dimensions, vector_bytes, links;
	double key_bytes; /* average of its plain columns */
	double row_bytes; /* after its last rebuild by firn */
	int64_t dead_at_build; /* dead rows of the leaf's due work that a rebuild has dealt with: a run died after it */
	bool attached;   /* belongs to an index of the partitioned table */
	bool constraint; /* of a primary key or another constraint */
};
/* Valid indexes of the leaf, largest first. */
bool index_work_indexes(struct pg *pg, int64_t table_id, const struct leaf *leaf,
			struct leaf_index **out, size_t *count_out, struct err *e);
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

/* Settings of the session for builds: memory (NULL: the server's), workers. The next one does it itself. */
bool index_work_set_up_build(struct pg *pg, const char *work_mem, struct err *e);
/* wait_s: how long it may wait for each transaction of another session, 0: for ever. After that ERR_BUSY, and *waited_out
 * (may be NULL) is true. */
bool index_work_reindex(struct pg *pg, const struct leaf_index *index, bool concurrently,
			const char *work_mem, int64_t wait_s, bool *waited_out, struct err *e);
/* Concurrently. ERR_BUSY where another session's transaction holds it up for INDEX_DROP_WAIT_S. */
#define INDEX_DROP_WAIT_S 10
bool index_work_drop(struct pg *pg, const struct leaf_index *index, struct err *e);

enum vacuum_indexes {
	VACUUM_AS_DUE,        /* Postgres leaves the indexes alone where few pages have dead rows */
	VACUUM_INDEXES,       /* in any case */
	VACUUM_LEAVE_INDEXES, /* room of dead rows is freed, their entries stay */
};
/* TOAST is always cleaned. */
bool index_work_vacuum(struct pg *pg, const struct leaf *leaf, enum vacuum_indexes how,
		       struct err *e);
bool index_work_analyze(struct pg *pg, const char *qualified, struct err *e);
/* Has the server count the leaf's rows anew, by a sample that leaves its long values alone. VACUUM reckons pages that it skips
 * to be as full as the mean of all was, so that it counts too few where what was deleted lay together. */
bool index_work_recount(struct pg *pg, const struct leaf *leaf, const char *column, struct err *e);

struct work_log {
	int64_t table_id;
	const char *leaf, *index, *method, *action;
	int64_t rows, dead, bytes_before, bytes_after;
	double seconds;
	int dimensions, links;
};
bool index_work_log(struct pg *pg, const struct work_log *w, struct err *e);

/* What an action on indexes of a method cost lately, all tables, latest first: for fitting constants. */
#define WORK_SAMPLES_MAX 50
struct work_sample {
	double seconds;
	int64_t rows, dead;
	int dimensions, links;
};
bool index_work_samples(struct pg *pg, const char *method, const char *action,
			struct work_sample out[WORK_SAMPLES_MAX], size_t *count_out, struct err *e);

/* When firn built the index last, as UTC ("2026-11-23T11:00:00Z"); NULL where it did not. */
bool index_work_last_build(struct pg *pg, int64_t table_id, const char *leaf, const char *index,
			   char **at_out, struct err *e);

/* Heap and TOAST of the leaf as files have them, and what a fresh copy of its rows would take, from a sample of them
 * (*fresh_out -1: nothing can be said). */
bool index_work_table_bytes(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			    int64_t rows, int64_t *bytes_out, int64_t *fresh_out, struct err *e);

#endif
