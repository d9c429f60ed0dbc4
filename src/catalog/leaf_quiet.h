/*
 * Leaves that a pass need not read. Where it found nothing due, the earliest moment at which time alone makes anything due
 * is kept in firn.leaf_quiet, with a digest of what else that depends on: the rules, which versions are active, rollbacks,
 * and the leaf's counts of written rows, read before the leaf was. A count that comes late, or is reset, only makes the
 * next pass read the leaf again; one that comes late is given five minutes after the leaf was found quiet. To be wrong here can only put a move off, and never for longer than a day.
 *
 * No leaf is skipped while a rule depends on more: where, hot_bytes_over, heat_below; or require_replacement where a
 * workspace's rows lie in several leaves.
 */
#ifndef CATALOG_LEAF_QUIET_H
#define CATALOG_LEAF_QUIET_H

#include "catalog/candidates.h"

struct leaf_quiet {
	bool possible;  /* it can be known of this table under these rules */
	bool quiet;     /* nothing can be due now */
	char until[32]; /* ISO 8601 UTC, where quiet */
	char state[64]; /* for leaf_quiet_note */
};

/* Before the leaf is read. */
bool leaf_quiet_look(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		     int64_t table_id, const struct candidate_rules *r, struct leaf_quiet *out,
		     struct err *e);

/* After it was, and no row was due: finds out until when that holds, by one more look at its rows. */
bool leaf_quiet_note(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		     int64_t table_id, const struct candidate_rules *r, const struct leaf_quiet *q,
		     struct err *e);

/* How many rows time alone will make due, and when the first (ISO 8601 UTC, "" for none). Reads the leaf. */
bool leaf_quiet_waiting(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			int64_t table_id, const struct candidate_rules *r, int64_t *rows_out,
			char first[32], struct err *e);

#endif
