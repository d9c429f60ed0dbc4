/* How a table lies in the database: its partitions and their vector indexes. Part of firn/firn.h, which includes it. */
#ifndef FIRN_LAYOUT_H
#define FIRN_LAYOUT_H

#include <stdint.h>

#include "firn/firn.h"

/* ---- partitions ---- */

#define FIRN_LEAF_ROWS 25000000 /* that a leaf should not pass */

struct firn_partition {
	char *table, *leaf, *bound; /* bound "" where the table is its own only leaf */
	int64_t rows;
	int rows_estimated;
	struct firn_size size;
	int over; /* more rows than leaf_rows */
};

struct firn_partitioned_table {
	char *table, *strategy, *key;   /* strategy: hash, list, range, or "" for a plain table */
	int64_t leaf_count, rows, over; /* over: leaves with more than leaf_rows */
	int64_t missing; /* hash remainders without a leaf: rows that fall there are refused */
	int rows_estimated;
	double skew; /* rows of the largest leaf over the mean */
	struct firn_size size;
	/* A split: NULL, or how far it is (copy, index, swapped), into how many leaves, share of the blocks copied, and the
	 * old table that is kept after the swap (NULL before). */
	char *split_phase;
	int64_t split_leaves;
	double split_share;
	char *split_old_table;
	int64_t split_old_bytes;
};

struct firn_partitions_options {
	int64_t leaf_rows; /* 0: FIRN_LEAF_ROWS */
	int64_t growth_percent,
		rows; /* firn_partitions_recommend: percent more than now, or how many rows; not both */
	int64_t count; /* firn_partitions_ensure: how many leaves there shall be */
};

struct firn_partitions_status {
	struct firn_partitioned_table *tables;
	struct firn_partition *leaves;
	size_t table_count, leaf_count;
	int64_t leaf_rows;
};

struct firn_partition_advice {
	char *table, *strategy;
	int64_t rows, rows_planned, bytes; /* bytes: heap, TOAST and indexes now */
	int rows_estimated;
	int64_t leaves;         /* now; a plain table is one */
	int64_t leaves_now;     /* recommended for the rows of now */
	int64_t leaves_planned; /* recommended for rows_planned */
	double largest_share;   /* of the rows, in one workspace; negative: not known */
	char **reasons;         /* sentences */
	size_t reason_count;
};

struct firn_partitions_advice {
	struct firn_partition_advice *tables;
	size_t table_count;
	int64_t leaf_rows;
};

struct firn_partition_made {
	char *table, *leaf;
	int64_t remainder;
	int created; /* else it was there */
};

struct firn_partitions_made {
	struct firn_partition_made *leaves;
	size_t leaf_count;
	int64_t count, created;
};

/* None of the three needs the catalog or the archive. Rows are those in Postgres: cold ones weigh nothing. */
bool firn_partitions_status(struct firn *f, const struct firn_partitions_options *options,
			    struct firn_partitions_status *result, struct err *e);
bool firn_partitions_recommend(struct firn *f, const struct firn_partitions_options *options,
			       struct firn_partitions_advice *result, struct err *e);
/* Creates the hash partitions <table>_p0 to <table>_p<count - 1> that are missing; the remainder's partition may have
 * another name. ERR_CONFIG: no hash-partitioned table, or one of another modulus; nothing was made then. ERR_BUSY: the
 * lock did not come. On failure result has what was made until then. */
bool firn_partitions_ensure(struct firn *f, const struct firn_partitions_options *options,
			    struct firn_partitions_made *result, struct err *e);
void firn_partitions_status_release(struct firn_partitions_status *r);
void firn_partitions_advice_release(struct firn_partitions_advice *r);
void firn_partitions_made_release(struct firn_partitions_made *r);

/* ---- indexes ---- */

struct firn_indexes_ensure_options {
	const char *type; /* hnsw or ivfflat */
	/* 0: as the index that is there has it, else pgvector's default. lists: -1, and 0 for a new index: as many as
	 * the rows of the leaf need; one that has between half and twice as many is left as it is. */
	int64_t m, ef_construction, lists;
	/* NULL: the operator class of a vector index that is there, else the cosine class of the type. Not both. */
	const char *opclass, *op; /* "vector_l2_ops"; "<->" */
	const char
		*expression; /* SQL, in place of the embedding column: "embedding::halfvec(512)" */
	const char *where;   /* SQL: a partial index */
	int dry_run;
};

struct firn_indexes_made {
	struct firn_maintain_step *
		steps; /* action: keep, create, attach, drop, drop-leftover, put-off; leaf: or a table above */
	size_t step_count;
	int64_t built, kept; /* indexes of leaves */
	int64_t put_off;     /* tables whose work could not be done now */
};

/* Makes the index on every leaf, concurrently, and attaches it to an index of the partitioned table. One that is there
 * and is as it is asked for is left; one that differs in its options is replaced: built beside, names exchanged, the old
 * one dropped. An index of another method, key, operator class or predicate is another index. Takes the table's lease.
 * A call that died is called again. ERR_BUSY: a lock did not come. On failure result has what was done until then. */
bool firn_indexes_ensure(struct firn *f, const struct firn_indexes_ensure_options *options,
			 struct firn_indexes_made *result, struct err *e);
void firn_indexes_made_release(struct firn_indexes_made *r);

struct firn_index {
	char *table, *leaf, *index; /* leaf: the partitioned table itself for its own index */
	char method[64];
	char *key, *opclass, *predicate; /* predicate "": of all rows */
	int above;                       /* of a partitioned table: holds nothing itself */
	int valid, attached;
	int leftover; /* of a build or replacement that died, or one that is going on */
	int64_t m, ef_construction, lists; /* in effect; 0 where the method has none */
	int64_t lists_recommended;         /* for the leaf's rows; 0 where the method has none */
	int lists_off;                     /* lists are more than twice or less than half of that */
	int64_t rows, bytes,
		fresh_bytes; /* fresh_bytes: that a new build would take; 0: not known */
	double dead_share;   /* of its entries; negative: not known */
	char *rebuilt_at;    /* by firn, or NULL */
};

struct firn_indexes_status {
	struct firn_index
		*indexes; /* by table, leaf, name; vector indexes, and leftovers of any kind */
	size_t index_count;
	int64_t leftovers, invalid, lists_off;
};

bool firn_indexes_status(struct firn *f, struct firn_indexes_status *result, struct err *e);
void firn_indexes_status_release(struct firn_indexes_status *r);

struct firn_indexes_probe_options {
	const char
		*queries_path; /* a vector a line, as pgvector writes it; NULL: rows of each leaf */
	int64_t sample;        /* rows of each leaf; 0: 20 */
	int64_t seed;          /* the same seed chooses the same rows while they are there */
	int64_t ef_search, probes; /* 0: the session's */
};

struct firn_index_probe {
	char *table, *leaf, *index;
	char method[64];
	char *opclass;
	char *note;          /* why it was not probed; NULL: it was */
	int64_t queries;     /* that found anything */
	double recall;       /* at 10, the mean; rows as near as the tenth count as found */
	double least_recall; /* of one query */
	double ann_p50_ms, ann_p95_ms, exact_p50_ms, exact_p95_ms;
};

struct firn_indexes_probe {
	struct firn_index_probe *probes; /* by table, leaf, index */
	size_t probe_count;
	int64_t limit; /* 10: rows that each query asks for */
};

/* Asks each valid vector index for the nearest rows, and the leaf itself without an index, and compares. Reads the whole
 * leaf once for each query. */
bool firn_indexes_probe(struct firn *f, const struct firn_indexes_probe_options *options,
			struct firn_indexes_probe *result, struct err *e);
void firn_indexes_probe_release(struct firn_indexes_probe *r);

/* ---- partitions split ---- */

struct firn_split_options {
	int64_t count;  /* hash partitions that there shall be */
	int widen_keys; /* unique keys without the workspace may take it in */
	int rollback;   /* take an unfinished one back */
	int drop_old;   /* drop the table that a finished one left */
	int confirm;    /* with drop_old: do it; without, only say what it would drop */
	int force; /* with drop_old: even where the table has less than half of the old one's rows */
	int dry_run;
};

struct firn_split_result {
	char *table;
	/* what was done: planned, unchanged, swapped, rolled-back, kept, dropped; "" on failure */
	char outcome[16];
	char phase[16]; /* how far the split is: none, copy, index, swapped */
	int64_t leaves_before, leaves;
	int64_t rows;        /* compared before the swap */
	int64_t rows_copied; /* by this and earlier runs */
	int64_t changes; /* keys that were brought up to date because writers changed them meanwhile */
	int64_t indexes;             /* partitions of indexes that this run built */
	char *old_table;             /* kept, or dropped; NULL: there is none */
	int64_t old_rows, old_bytes; /* old_rows: an estimate but with drop_old */
	int64_t old_missing; /* with drop_old: of these, whose keys the table does not have now */
	char **notes;        /* sentences: what is otherwise than before */
	size_t note_count;
	double seconds,
		swap_seconds; /* swap_seconds: the transaction with the lock, the wait for it included */
};

/* Moves the one managed table into count hash partitions by workspace while it is used. A run that died is finished by
 * another with the same count. ERR_BUSY: a lock did not come, a standby lags, no room on the disk; the next run goes on.
 * ERR_CONFIG: something about the table is in the way, and is said. ERR_DATA: old and new table differ; nothing was
 * swapped. result is filled on failure, too. */
bool firn_partitions_split(struct firn *f, const struct firn_split_options *options,
			   struct firn_split_result *result, struct err *e);
void firn_split_result_release(struct firn_split_result *r);

#endif
