/* firn.pass_log: what passes decided, and why. */
#ifndef CATALOG_PASS_LOG_H
#define CATALOG_PASS_LOG_H

#include "catalog/pg.h"

struct pass_decision {
	const char *leaf, *rule; /* NULL: of none */
	const char *decision;
	const char *reason; /* NULL: it speaks for itself */
	int64_t times, rows, bytes;
	double seconds;
};

/* In one statement. Then removes what is older than keep_s, some ten thousand rows at most. */
bool pass_log_write(struct pg *pg, int64_t pass_id, const struct pass_decision *items, size_t count,
		    int64_t keep_s, struct err *e);

/* Of one pass in the order in which it was written; pass_id 0: the latest of the table (0: of any). *found_out: its id, 0
 * where there is none. */
bool pass_log_read(struct pg *pg, int64_t table_id, int64_t pass_id, int64_t *found_out,
		   bool (*visit)(void *ctx, const struct pass_decision *d, struct err *e),
		   void *ctx, struct err *e);

enum pass_log_empty {
	PASS_LOG_NOTHING_DUE,
	PASS_LOG_UNFINISHED, /* it is at work, or died */
	PASS_LOG_FAILED,     /* it ended, but not well */
	PASS_LOG_FORGOTTEN,  /* what it decided was older than keep_s, or can be removed any time */
};
/* Why the log has nothing of this pass, which there is. */
bool pass_log_why_empty(struct pg *pg, int64_t pass_id, int64_t keep_s, enum pass_log_empty *out,
			struct err *e);

/* By the log: how long rows that move are locked, in all, and how many these were. */
bool pass_log_locks(struct pg *pg, int64_t table_id, int64_t *rows_out, double *seconds_out,
		    struct err *e);

#endif
