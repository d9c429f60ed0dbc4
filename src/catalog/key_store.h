/* Wrapped keys in the catalog. Keys are named by table and workspace: bytes as a segment's group has them, none for the
 * table's own key. Only wrapped keys are ever here, so nothing is secret. */
#ifndef CATALOG_KEY_STORE_H
#define CATALOG_KEY_STORE_H

#include "catalog/pg.h"

#define KEY_STORE_ID_BYTES      16
#define KEY_STORE_WRAPPED_BYTES 72

struct stored_key {
	uint8_t master_id[KEY_STORE_ID_BYTES]; /* of the master key that wraps it */
	uint8_t wrapped[KEY_STORE_WRAPPED_BYTES];
};

/* The id of the master key that new keys are wrapped by. *found_out false: there is none yet. */
bool key_store_master(struct pg *pg, uint8_t id[KEY_STORE_ID_BYTES], bool *found_out,
		      struct err *e);
/* Makes it that one where there is none. */
bool key_store_claim(struct pg *pg, const uint8_t id[KEY_STORE_ID_BYTES], struct err *e);

bool key_store_find(struct pg *pg, int64_t table_id, const void *workspace, size_t workspace_len,
		    struct stored_key *out, bool *found_out, struct err *e);
/* Committed on return, outside a transaction. *added_out false: there is one already, or the catalog's master key is
 * another one by now. */
bool key_store_add(struct pg *pg, int64_t table_id, const void *workspace, size_t workspace_len,
		   const struct stored_key *key, bool *added_out, struct err *e);

/* Every key. table is "schema.table". Rows come one by one; the visit may use another connection only. */
struct key_row {
	int64_t table_id;
	const char *table;
	const uint8_t *workspace;
	size_t workspace_len;
	struct stored_key key;
};
bool key_store_each(struct pg *pg,
		    bool (*visit)(void *ctx, const struct key_row *row, struct err *e), void *ctx,
		    struct err *e);

/* ---- another master key: in one transaction of the caller's ---- */

/* From here on no process adds a key, and after the commit only those that have the new master key. */
bool key_store_begin_rewrap(struct pg *pg, const uint8_t new_id[KEY_STORE_ID_BYTES], struct err *e);
/* Keys that another one wraps, some at a time: each call replaces what the visit changed in row->key. *done_out: none
 * is left. */
bool key_store_rewrap_some(struct pg *pg, const uint8_t new_id[KEY_STORE_ID_BYTES],
			   bool (*rewrap)(void *ctx, struct key_row *row, struct err *e), void *ctx,
			   bool *done_out, struct err *e);

#endif
