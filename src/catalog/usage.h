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

/* ---- written down day by day ---- */

struct usage_class {
	const char *storage_class;
	int64_t objects, bytes, billed_bytes;
};

#define USAGE_CLASSES_MAX 16 /* that are told apart; the last holds the rest */

/* What a table uses now. */
struct usage_sizes {
	int64_t hot_rows, heap_bytes, toast_bytes, index_bytes, vector_index_bytes,
		reclaimable_bytes,
		vector_reclaimable_bytes; /* the latter is part of both before it */
	int64_t cold_rows, cold_raw_bytes;
	int64_t cache_bytes; /* of the local cache, whatever the table */
	struct usage_class classes[USAGE_CLASSES_MAX];
	size_t class_count;
};
/* Today's, in place of what was written today before. One statement. */
bool usage_write(struct pg *pg, int64_t table_id, const struct usage_sizes *s, struct err *e);
/* Whether sizes of today are written. */
bool usage_is_written(struct pg *pg, int64_t table_id, bool *out, struct err *e);
bool usage_add_rehydrated(struct pg *pg, int64_t table_id, int64_t rows, struct err *e);

/* kind and storage_class are names that firn gives. */
struct usage_requests {
	const char *kind, *storage_class;
	uint64_t calls, bytes;
};
/* Adds to today's. One statement. */
bool usage_add_requests(struct pg *pg, const struct usage_requests *requests, size_t count,
			struct err *e);
/* Those of one pass, once; they are added nowhere else. One statement. */
bool usage_add_pass_requests(struct pg *pg, int64_t pass_id, const struct usage_requests *requests,
			     size_t count, struct err *e);

/* A day's objects of one class, with what else is known of that day. */
struct usage_day {
	const char *day; /* "2026-11-24" */
	bool first;      /* of the rows of that day: the sizes are its own, and the same in each */
	/* The table's part of what belongs to no table: by billed bytes, else by hot ones. Over the tables asked for these are 1. */
	double share;
	struct usage_sizes sizes;  /* without classes */
	const char *storage_class; /* NULL: there were none */
	int64_t bytes, billed_bytes;
	int64_t rows_moved, rows_rehydrated;
};
/* Measured days of the table, by day. table_ids: all that the report is about. */
bool usage_days(struct pg *pg, int64_t table_id, const int64_t *table_ids, size_t table_count,
		bool (*visit)(void *ctx, const struct usage_day *d, struct err *e), void *ctx,
		struct err *e);

/* Columns: id, table, started at, seconds (-1), outcome, rows moved, rows changed, segments, raw bytes, stored bytes,
 * seconds until its moves had ended (-1); those of any table since that day, newest first, 200 at most. The caller frees the result. */
bool usage_passes(struct pg *pg, const char *since, struct pg_result **out, struct err *e);
/* Columns: pass, kind, storage class, calls, bytes, of the passes since that day, newest first. */
bool usage_read_pass_requests(struct pg *pg, const char *since, struct pg_result **out,
			      struct err *e);
/* Columns: kind, storage class, calls, bytes, since that day. */
bool usage_read_requests(struct pg *pg, const char *since, struct pg_result **out, struct err *e);
/* The same of the last so many days, today included. */
bool usage_recent_requests(struct pg *pg, int64_t days, struct pg_result **out, struct err *e);
/* Columns: day, kind, storage class, calls, bytes; by day. */
bool usage_requests_by_day(struct pg *pg, struct pg_result **out, struct err *e);
/* Columns: kind, calls, bytes, ever. */
bool usage_request_totals(struct pg *pg, struct pg_result **out, struct err *e);
/* One row; columns as the members of firn_operations, in their order. A pass that ended for one of these reasons (then NULL) was
 * a good one, too. */
bool usage_operations(struct pg *pg, const char *const *good_ends, struct pg_result **out,
		      struct err *e);
/* One row: today, the first of this month, so many days ago; by UTC. */
bool usage_calendar(struct pg *pg, int64_t days_ago, struct pg_result **out, struct err *e);

/* How verify or gc ended. */
struct usage_inspection {
	const char *command, *outcome; /* outcome "done", or why it ended */
	double seconds;
	bool deep;
	int64_t segments, problems;
	int64_t orphans, orphan_bytes; /* -1: not known */
};
/* Those of more than 400 days ago are forgotten, but the last 100. */
bool usage_add_inspection(struct pg *pg, const struct usage_inspection *i, struct err *e);

#endif
