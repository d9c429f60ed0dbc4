#include "catalog/server_facts.h"

#include <stdio.h>

#include "sql.h"

bool server_facts_read(struct pg *pg, struct server_facts *out, struct err *e)
{
	struct pg_result *r = NULL;

	*out = (struct server_facts){ 0 };
	if (!pg_query(pg, sql_server_facts, NULL, &r, e))
		return err_wrap(e, "could not look at the server");
	snprintf(out->role, sizeof(out->role), "%s", pg_text(r, 0, 0));
	snprintf(out->database, sizeof(out->database), "%s", pg_text(r, 0, 1));
	out->standby = pg_bool(r, 0, 2);
	out->clock_ms = pg_i64(r, 0, 3);
	snprintf(out->repack, sizeof(out->repack), "%s", pg_text(r, 0, 4));
	snprintf(out->repack_offered, sizeof(out->repack_offered), "%s", pg_text(r, 0, 5));
	out->vector_offered = pg_bool(r, 0, 6);
	snprintf(out->version, sizeof(out->version), "%s", pg_text(r, 0, 7));
	pg_result_free(r);
	return true;
}
