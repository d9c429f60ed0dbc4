#include "catalog/workspace_rows.h"

bool workspace_rows_count(struct pg *pg, const struct table_info *t, const char *workspace,
			  int64_t *rows_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql, "SELECT count(*) FROM %s t WHERE t.", t->qualified);
	pg_add_identifier(pg, &sql, table_info_column(t, COLUMN_WORKSPACE)->name);
	buf_add_str(&sql, "::text = $1");
	pg_param_text(&p, workspace);
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, &r, e);
	*rows_out = ok ? pg_i64(r, 0, 0) : 0;
	pg_result_free(r);
	buf_release(&sql);
	return ok || err_wrap(e, "could not count the workspace's hot rows");
}
