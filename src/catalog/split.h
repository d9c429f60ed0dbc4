/*
 * Moving a table into other hash partitions while it is used.
 *
 * A new table of the same name is built in a schema of its own (firn_split_ID). Triggers on the old one record the keys
 * of changed rows; the rows are copied by ranges of blocks; recorded keys are brought up to date from what the old table
 * has. In any snapshot the two tables agree but for the recorded keys: that is what split_compare checks. At the end the
 * tables change their schemas in one transaction, so that the new one has all the names that the old one had, and the old
 * one is kept in firn_old_ID.
 *
 * Every call is a transaction (or a few) of its own that checks the lease; each can be repeated after a death.
 */
#ifndef CATALOG_SPLIT_H
#define CATALOG_SPLIT_H

#include "catalog/lease.h"
#include "catalog/table_info.h"

enum split_phase {
	SPLIT_NONE,
	SPLIT_COPY,    /* rows are being copied */
	SPLIT_INDEX,   /* they were; indexes are being built */
	SPLIT_SWAPPED, /* the new table is the table; the old one is kept */
};

struct split {
	struct pg *pg;                  /* borrowed */
	const struct lease *lease;      /* borrowed */
	const struct table_info *table; /* borrowed: what the managed table's name means now */
	int64_t table_id;
	enum split_phase phase;
	int64_t id, leaves, rows_copied, changes;
	uint32_t old_oid, new_oid;
	char building[40], kept[40]; /* names of the two schemas */
	char swapped_at[32];         /* "" until then */
	bool tells_changes;          /* this session has its table of keys */
	int64_t blocks;              /* that the next batch takes; 0: not known yet */
};

/* Fills in what firn.split says: SPLIT_NONE where there is none of the table. pg, lease and table are the caller's. */
bool split_load(struct split *s, int64_t table_id, struct err *e);
/* The same by the table's name, for looking only; *there_out false also where there is no catalog to ask. */
bool split_find(struct split *s, const char *label, bool *there_out, struct err *e);
const char *split_phase_name(enum split_phase phase);

/* ERR_CONFIG with all that keeps the table from being moved into so many partitions, and what to do. */
bool split_check(struct split *s, int64_t leaves, struct err *e);
/* What will be otherwise than before, a sentence each; *widens: unique keys must take in the workspace. */
bool split_notes(struct split *s, bool (*visit)(void *ctx, const char *note, struct err *e),
		 void *ctx, bool *widens, struct err *e);

/* Makes the new table with its key, rehearses the swap on the empty one (and takes that back), and begins to record
 * changes: all or nothing. ERR_BUSY when a lock does not come within wait_ms. */
bool split_begin(struct split *s, int64_t leaves, int wait_ms, struct err *e);

/* Copies a few blocks, aiming at rows. *done_out: there are no more; the phase is SPLIT_INDEX then. */
bool split_copy(struct split *s, int64_t rows, int64_t *rows_out, bool *done_out, struct err *e);
/* Share of the blocks that are copied, 0 to 1. */
bool split_progress(struct pg *pg, int64_t id, double *share_out, struct err *e);

/* Brings recorded keys up to date: at most limit records, or with 0 all of them, after which the new table is what the old
 * one was at that moment. Only all will do once there are other unique indexes than the key. */
bool split_apply(struct split *s, int64_t limit, int64_t *records_out, struct err *e);
/* How many records there are; counts no further than limit. */
bool split_waiting(struct split *s, int64_t limit, int64_t *out, struct err *e);
/* VACUUM of the record of changes, through which many rows pass. */
bool split_tidy(struct split *s, struct err *e);

/* The next index that a leaf of the new table lacks. name_out holds 128 bytes: what will be built; "": nothing lacks. */
struct split_index {
	char name[64], leaf[64];
	bool vector;
	char tablespace[64];
	char *root_sql, *leaf_sql;
	uint32_t root_oid, leaf_oid;
};
bool split_next_index(struct split *s, struct split_index *out, struct err *e);
bool split_build_index(struct split *s, const struct split_index *index, struct err *e);
void split_index_release(struct split_index *index);
bool split_analyze(struct split *s, struct err *e);

/* Whether the old table is still what the new one was made after, and its changes are recorded: ERR_CONFIG says which
 * column, check, index, partition or trigger is not. */
bool split_unchanged(struct split *s, struct err *e);
/* A text that is another after rows may have been changed past the triggers: between comparing and the swap none was. */
#define SPLIT_TRACE_BYTES 40
bool split_trace(struct split *s, char out[SPLIT_TRACE_BYTES], struct err *e);

enum split_depth {
	SPLIT_COUNT, /* how many rows there are */
	SPLIT_HASH,  /* and what is in them, byte by byte */
};
/* Compares the tables but for recorded keys. ERR_DATA when they differ. */
bool split_compare(struct split *s, enum split_depth depth, int64_t *rows_out, struct err *e);

/* The swap. trace is what split_trace gave before the tables were compared; compare NULL: they are not compared once more
 * under the lock. ERR_BUSY when a lock did not come, or *again_out: an index was made on the old table meanwhile, or the
 * trace is another. Phase is SPLIT_SWAPPED afterwards; the old table refuses to be written to. */
bool split_swap(struct split *s, int wait_ms, const char *trace, const enum split_depth *compare,
		int64_t *rows_out, bool *again_out, struct err *e);
/* One more step of what remains after the swap (foreign keys); *done_out when there was none. */
bool split_finish(struct split *s, int wait_ms, bool *done_out, struct err *e);

/* Before the swap: everything is as if it had not been begun. */
bool split_rollback(struct split *s, int wait_ms, struct err *e);

struct split_kept {
	char *table; /* label; NULL: someone dropped it */
	int64_t rows, bytes;
	int64_t missing; /* rows whose keys the new table does not have: deleted, given another key or moved out since */
	int64_t moved; /* rows that were moved out since */
};
/* After the swap: what is kept. rows are estimated; neither missing nor moved is looked for. */
bool split_kept(struct split *s, struct split_kept *out, struct err *e);
/* Counts rows, missing and moved, reading the keys of both tables. Where split_kept found a table. */
bool split_left_behind(struct split *s, struct split_kept *out, struct err *e);
/* After the swap: drops the old table. ERR_CONFIG when something depends on it. */
bool split_drop_old(struct split *s, int wait_ms, struct err *e);

#endif
