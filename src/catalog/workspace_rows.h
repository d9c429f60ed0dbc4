/* The rows that a workspace has in the managed table. */
#ifndef CATALOG_WORKSPACE_ROWS_H
#define CATALOG_WORKSPACE_ROWS_H

#include "catalog/table_info.h"

/* Rows of the workspace (text form) in the table, by its own connection's snapshot. */
bool workspace_rows_count(struct pg *pg, const struct table_info *t, const char *workspace,
			  int64_t *rows_out, struct err *e);

#endif
