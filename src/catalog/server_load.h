/* What the database is busy with, and the slots that limit index builds over all of it. */
#ifndef CATALOG_SERVER_LOAD_H
#define CATALOG_SERVER_LOAD_H

#include "catalog/table_info.h"

struct server_load {
	int64_t lag_bytes; /* WAL that the slowest streaming standby has yet to replay; 0 without one */
	int64_t lag_s;     /* the same in time */
	int64_t memory_bytes; /* maintenance_work_mem */
};
bool server_load_read(struct pg *pg, struct server_load *out, struct err *e);

/* Rows ever inserted into the table's leaves, as the statistics know them. */
bool server_load_inserted(struct pg *pg, const struct table_info *t, int64_t *rows_out,
			  struct err *e);

/* One of count slots of this database, held by the session until it is given back: *slot_out -1 when all are taken. Does
 * not wait. */
bool build_slot_take(struct pg *pg, int64_t count, int *slot_out, struct err *e);
void build_slot_release(struct pg *pg, int slot); /* -1: nothing */

#endif
