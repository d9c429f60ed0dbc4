#include "catalog/repack.h"

#include <stdio.h>

#include "sql.h"

bool repack_look(struct pg *pg, const struct leaf *leaf, struct repack_state *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, leaf->oid);
	ok = pg_query(pg, sql_repack_state, &p, &r, e) &&
	     (pg_rows(r) == 1 || err_set(e, ERR_NOT_FOUND, "leaf \"%s\" is gone", leaf->label));
	if (ok) {
		*out = (struct repack_state){
			.server_major = pg_server_version(pg) / 10000,
			.may_use = pg_bool(r, 0, 1),
			.has_key = pg_bool(r, 0, 2),
			.left_over = pg_bool(r, 0, 3),
			.total_bytes = pg_i64(r, 0, 4),
			.file = (uint32_t)pg_i64(r, 0, 5),
		};
		snprintf(out->version, sizeof(out->version), "%s", pg_text(r, 0, 0));
	}
	pg_result_free(r);
	return ok;
}
