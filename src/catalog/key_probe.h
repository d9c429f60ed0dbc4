/* Whether keys of cold rows are hot as well: what must never be. */
#ifndef CATALOG_KEY_PROBE_H
#define CATALOG_KEY_PROBE_H

#include "catalog/table_info.h"

/* keys: COPY BINARY stream of the table's key columns, in the order of t->columns with in_key. *hot_out: how many of
 * them the managed table holds. Runs in a transaction of its own that is rolled back. */
bool key_probe_count(struct pg *pg, const struct table_info *t, const struct buf *keys,
		     int64_t *hot_out, struct err *e);

#endif
