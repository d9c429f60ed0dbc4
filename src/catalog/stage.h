/*
 * Bringing rows back: a temporary staging table, comparison of what arrived in it, and the INSERT into the managed
 * table. All in one transaction that the caller commits after updating the segment's bitmap.
 */
#ifndef CATALOG_STAGE_H
#define CATALOG_STAGE_H

#include "base/bitmap.h"
#include "catalog/table_info.h"

struct stage {
	struct pg *pg; /* borrowed; in a transaction */
	const struct table_info *table;
	const struct column *
		columns; /* stored columns that the table still has, in the segment's order; borrowed */
	size_t column_count;
};

/* Begins the transaction and makes the staging table with firn_row int4 and these columns. */
bool stage_begin(struct stage *s, struct pg *pg, const struct table_info *t,
		 const struct column *columns, size_t column_count, struct err *e);

/* Loads a COPY BINARY stream of (row number int4, columns...). */
bool stage_load(struct stage *s, const struct buf *rows, struct err *e);

/* Reads the staging table back and compares the row hash (over the columns) of each row with expected(ctx, row).
 * ERR_DATA on the first difference. *rows_out: how many there were. */
bool stage_compare(struct stage *s, uint64_t (*expected)(void *ctx, uint32_t row), void *ctx,
		   int64_t *rows_out, struct err *e);

/* Rows whose key is in the managed table already / whose foreign keys have no row to refer to. */
bool stage_find_conflicts(struct stage *s, struct bitmap *out, struct err *e);
bool stage_find_orphans(struct stage *s, struct bitmap *out, struct err *e);

/* Takes these rows out of the staging table. */
bool stage_drop_rows(struct stage *s, const struct bitmap *rows, struct err *e);

/* Rows but the first of those that have the same key: the table's key may have become narrower since they were archived. */
bool stage_find_repeated(struct stage *s, struct bitmap *out, struct err *e);

/* Deletes from the managed table the rows whose keys are staged (--on-conflict replace); replaced gets the numbers of the
 * staged ones, and unless all of them are inserted then, the caller must not commit. */
bool stage_delete_hot(struct stage *s, struct bitmap *replaced, struct err *e);

/* Inserts what is staged, of which no two rows may share a key; inserted gets the row numbers that are hot now. Rows that
 * another unique key refuses are left out; in a table with deferrable unique constraints they make it fail. ERR_DATA when
 * a row went in under another key than it was staged with. With insert triggers the inserted rows are compared again by
 * expected. */
bool stage_insert(struct stage *s, uint64_t (*expected)(void *ctx, uint32_t row), void *ctx,
		  struct bitmap *inserted, struct err *e);

/* Notes that what is staged was brought back, by document or by whole workspace. */
bool stage_note_residency(struct stage *s, int64_t table_id, bool by_document, struct err *e);

/* Rows per leaf label of what is staged: for maintenance. */
bool stage_leaves(struct stage *s,
		  bool (*visit)(void *ctx, const char *leaf, int64_t rows, struct err *e),
		  void *ctx, struct err *e);

/* Text of the id column(s) of a staged row, for messages: appended to out. */
bool stage_describe_row(struct stage *s, uint32_t row, struct buf *out, struct err *e);

#endif
