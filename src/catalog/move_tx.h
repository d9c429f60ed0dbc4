/*
 * The transaction that makes rows cold: fence, lock, DELETE by key + ctid + xmin. The only place in firn that deletes
 * rows of a managed table for good (replacing rows on rehydrate aside).
 */
#ifndef CATALOG_MOVE_TX_H
#define CATALOG_MOVE_TX_H

#include "base/bitmap.h"
#include "catalog/candidates.h"
#include "catalog/lease.h"

struct move_tx_options {
	const struct lease *lease;
	const struct table_info *table;
	const struct leaf *leaf;
	int64_t table_id;
	bool superseded, require_replacement; /* of the rule: checked once more */
	bool reads, of_document; /* the same: it asks for reads, for those of whole documents */
	int64_t lock_timeout_ms;
	int64_t statement_timeout_ms; /* 0: none */
	uint32_t rows;
	/* COPY BINARY stream (header, rows, trailer) of: row number int4, number of its document int4, ctid, xmin, then
	 * the key columns in the order of table->columns with in_key. */
	const struct buf *keys;
	/* The same of what superseded rows, and those of an of_document rule, are of, as they were read: number int4, workspace, and document where the table
	 * has it. The same pair may come twice. */
	const struct buf *documents;
};

/* Begins the transaction, checks the lease's epoch, locks what decides activity (the active version's rows of these
 * workspaces FOR SHARE), and deletes. missed gets the numbers of rows that were not deleted, because they changed, are
 * locked, are no longer superseded, or were read since: they stay hot. The transaction is left open for the caller to activate the
 * segment and commit; on failure it is rolled back. Rows locked by others for longer than lock_timeout are skipped in
 * a second try; *lock_wait_out: that there were such. */
bool move_tx_delete(struct pg *pg, const struct move_tx_options *o, struct bitmap *missed,
		    bool *lock_wait_out, struct err *e);

#endif
