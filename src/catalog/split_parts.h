/* What the files of split share. */
#ifndef CATALOG_SPLIT_PARTS_H
#define CATALOG_SPLIT_PARTS_H

#include "catalog/split.h"

/* Begins a transaction in the role's own search_path, for the operators of key columns, and checks the lease. lock (may
 * be NULL) is run first, so that what it locks is settled before a snapshot is taken. */
bool split_begin_tx(struct split *s, const char *options, const char *lock, struct err *e);

/* Names, quoted: the new table while it is built, the table of changes, and the key's columns as "a.k1, a.k2". */
void split_add_new(struct split *s, struct buf *b);
void split_add_changes(struct split *s, struct buf *b);
void split_add_key(struct split *s, struct buf *b, const char *alias);
/* "a.k1 = b.k1 AND a.k2 = b.k2" */
void split_add_key_join(struct split *s, struct buf *b, const char *left, const char *right);
/* All stored columns, with an alias where that is not "". */
void split_add_columns(struct split *s, struct buf *b, const char *alias);

/* In a transaction: split_apply without one of its own, and split_compare likewise. */
bool split_apply_here(struct split *s, int64_t limit, int64_t *records_out, struct err *e);
bool split_compare_here(struct split *s, enum split_depth depth, int64_t *rows_out, struct err *e);
/* The session's table of keys, made before the first apply. Not in a transaction. */
bool split_make_keys(struct split *s, struct err *e);

/* Indexes of the new tree's root alone, which no row needs: whether they can be made at all. In a transaction. */
bool split_make_roots(struct split *s, struct err *e);
/* Whether those that the new tree has are still defined as the old table's: ERR_CONFIG. */
bool split_same_indexes(struct split *s, struct err *e);

/* split_tree.c: the swap's statements, with nothing recorded; used by the rehearsal and the swap. In a transaction. */
bool split_run_swap(struct split *s, struct err *e);
/* Locks the old table, and those that its foreign keys refer to, against everyone. In a transaction. */
bool split_lock(struct split *s, int wait_ms, struct err *e);

/*
 * A copy of a definition such as "USING btree (a, (b + 1)) WHERE c" or "UNIQUE (a, b) INCLUDE (c)" in which the first
 * list in parentheses has one item more at its end. NULL and e set when there is no such list.
 */
char *split_widen(const char *definition, const char *item, struct err *e);

#endif
