/*
 * Reads of chunks. firn.touch appends them to firn.touch_log (sql/migrate_007.sql says how a lost log is found out); a
 * pass folds the log into firn.heat, a row for each chunk that was read lately. A read counts 1 when it happens and half
 * as much after each half-life, so heat is a sum of powers of two, kept as it was at the chunk's last read.
 *
 * What is in the log counts before it is folded, too (candidate_reads.h), so that folding changes nothing but where a
 * read is written down.
 *
 * Each call is a transaction, or a few, of its own.
 */
#ifndef CATALOG_HEAT_H
#define CATALOG_HEAT_H

#include "catalog/pg.h"

/* A read weighs less than that after HEAT_HALF_LIVES half-lives: what was lost before them is not missed. */
#define HEAT_HALF_LIVES 6
#define HEAT_LEAST      (1.0 / 64)

struct heat_options {
	int64_t table_id;
	int64_t half_life_s;
	int64_t reach_s; /* how far the policy looks back: what was read before may be forgotten */
	double least;    /* only where the heat is below this by now */
};

/* Whether the log is whole. If not, reads are known from now on only, for each table that was ever touched, and there is
 * a new log. from and to (ISO 8601 UTC, "" unless *lost_out) are the time of which reads are missing. *lost_out stays
 * false where nothing was ever touched. */
bool heat_check_log(struct pg *pg, bool *lost_out, char from[32], char to[32], struct err *e);

/* Begins a transaction, and in it a COPY BINARY into the log: fields managed (oid), workspace (text), ids (text[]),
 * read_at (timestamptz). From then on the table counts as touched. The caller ends both. */
bool heat_record_start(struct pg *pg, uint32_t table_oid, struct err *e);
/* In the open transaction: all reads since then (microseconds since 1970) are in log and heat. ERR_USAGE when that is to
 * come yet. */
bool heat_complete_since(struct pg *pg, int64_t table_id, int64_t since_us, struct err *e);

/* Folds what the log has of the table, in batches: each read is counted exactly once whenever this dies. Then forgets
 * what is older than reach_s and colder than least, and gives the log's room back. The lease of the table is held.
 * *reads_out: how many were folded. */
bool heat_fold(struct pg *pg, const struct heat_options *o, int64_t *reads_out, struct err *e);

/* Removes reads of what is no managed table, a day after they were recorded. visit gets each name (or oid). */
bool heat_drop_strays(struct pg *pg,
		      bool (*visit)(void *ctx, const char *name, int64_t reads, struct err *e),
		      void *ctx, struct err *e);

struct heat_known {
	bool tracked;   /* reads of this table were recorded at all */
	int64_t for_s;  /* reads of so many seconds are known */
	char since[32]; /* ISO 8601 UTC */
};
/* Only looks, also at whether the log is whole: if not, nothing is known. */
bool heat_look(struct pg *pg, int64_t table_id, struct heat_known *out, struct err *e);

/* When reads of need_s will be known: ISO 8601 UTC. */
bool heat_known_until(struct pg *pg, const char *since, int64_t need_s, char out[32],
		      struct err *e);

#endif
