/*
 * Aligned columns of text. Cells are added row by row, from the left; columns that are empty from top to bottom are
 * left out. Control characters become "?", so that no name from a database can speak to the terminal.
 *
 *     static const struct text_column columns[] = { { "LEAF", TEXT_NAME }, { "ROWS", TEXT_NUMBER } };
 *     struct text_table t = { .columns = columns, .column_count = 2, .indent = 2 };
 *     text_add(&t, "document_chunk_p0");
 *     text_add_count(&t, 1234);
 *     ok = text_table_print(&t, stdout, 100, e);
 *     text_table_release(&t);
 */
#ifndef REPORT_TEXT_TABLE_H
#define REPORT_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum text_kind {
	TEXT_WORD,   /* to the left, never cut */
	TEXT_NAME,   /* to the left; when the table is too wide cut in the middle ("docu...idx") */
	TEXT_NOTE,   /* to the left; cut at its end, before names are */
	TEXT_NUMBER, /* to the right */
	TEXT_MONEY,  /* to the right, so that decimal points are below each other */
};

struct text_column {
	const char *title;
	enum text_kind kind;
};

struct text_table {
	const struct text_column *columns;
	size_t column_count;
	int indent;
	char **cells; /* row after row */
	size_t cell_count, cell_capacity;
	bool failed; /* out of memory: reported by text_table_print */
};

void text_add(struct text_table *t, const char *s); /* NULL is empty */
void text_addf(struct text_table *t, const char *fmt, ...) PRINTF(2, 3);
void text_add_count(struct text_table *t, int64_t n);                    /* 12,345 */
void text_add_bytes(struct text_table *t, int64_t bytes);                /* 1.2 GiB */
void text_add_estimate(struct text_table *t, int64_t n, bool estimated); /* 12,345 or ~12,345 */
void text_add_money(struct text_table *t, int64_t nano); /* 12.30, 0.00210: base/money.h */

/* A line's part beside a table, as a cell would show it. */
void text_put(FILE *out, const char *s);

/* How many rows are complete. */
size_t text_table_rows(const struct text_table *t);

/*
 * Titles and rows, in lines of at most width (0: as wide as it gets); nothing at all when there are no rows. Where notes
 * and names cut short are still too wide, each row is a block of lines "TITLE  value" instead, apart by empty lines.
 */
bool text_table_print(const struct text_table *t, FILE *out, int width, struct err *e);
void text_table_release(struct text_table *t);

#endif
