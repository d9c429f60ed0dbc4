/* Whether a table under split is still what the split began with, and whether the old one may go after it. */
#include "catalog/split_parts.h"

#include <stdio.h>

#include "base/str.h"
#include "sql.h"

static bool same_columns(struct split *s, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, s->old_oid);
	pg_param_i64(&p, s->new_oid);
	if (!pg_query(s->pg, sql_split_columns, &p, &r, e))
		return false;
	ok = pg_rows(r) == 0;
	if (!ok) {
		err_set(e, ERR_CONFIG, "\"%s\" was altered while it was being split: %s",
			s->table->label, pg_text(r, 0, 0));
		err_hint(e, "%s",
			 pg_is_null(r, 0, 1) ? "Run \"firn partitions split --rollback\", and "
					       "begin again."
					     : pg_text(r, 0, 1));
	}
	pg_result_free(r);
	return ok;
}

static bool is_recorded(struct split *s, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, s->old_oid);
	pg_param_i64(&p, s->id);
	if (!pg_query(s->pg, sql_split_recording, &p, &r, e))
		return false;
	ok = pg_rows(r) == 0;
	if (!ok) {
		err_set(e, ERR_CONFIG, "changes of \"%s\" may not have been recorded: %s",
			s->table->label, pg_text(r, 0, 0));
		err_hint(e,
			 "Nothing was swapped. Run \"firn partitions split --rollback\", and begin "
			 "again.");
	}
	pg_result_free(r);
	return ok;
}

bool split_unchanged(struct split *s, struct err *e)
{
	return (same_columns(s, e) && is_recorded(s, e) && split_same_indexes(s, e)) ||
	       err_wrap(e, "could not go on with the split");
}

bool split_trace(struct split *s, char out[SPLIT_TRACE_BYTES], struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, s->old_oid);
	pg_param_i64(&p, s->new_oid);
	if (!pg_query(s->pg, sql_split_trace, &p, &r, e))
		return err_wrap(e, "could not look at what was altered");
	snprintf(out, SPLIT_TRACE_BYTES, "%s", pg_text(r, 0, 0));
	pg_result_free(r);
	return true;
}

/* Rows of the old table, and those whose key the new one does not have. */
static bool count_missing(struct split *s, struct split_kept *out, struct err *e)
{
	struct buf sql = BUF_INIT;
	struct pg_result *r = NULL;
	bool ok;

	buf_add_str(&sql,
		    "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE NOT EXISTS ("
		    "SELECT 1 FROM ");
	buf_add_str(&sql, s->table->qualified);
	buf_add_str(&sql, " n WHERE ");
	split_add_key_join(s, &sql, "n", "o");
	buf_add_str(&sql, ")) FROM ");
	pg_add_qualified(s->pg, &sql, s->kept, s->table->name);
	buf_add_str(&sql, " o");
	ok = buf_ok(&sql, e) && pg_query(s->pg, buf_str(&sql), NULL, &r, e);
	if (ok) {
		out->rows = pg_i64(r, 0, 0);
		out->missing = pg_i64(r, 0, 1);
	}
	pg_result_free(r);
	buf_release(&sql);
	return ok;
}

static bool count_moved(struct split *s, struct split_kept *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, s->id);
	if (!pg_query(
		    s->pg,
		    "SELECT coalesce(sum(g.rows_total), 0)::bigint FROM firn.split s JOIN "
		    "firn.segment "
		    "g ON g.table_id = s.table_id AND g.activated_at >= s.swapped_at WHERE s.id = "
		    "$1::bigint",
		    &p, &r, e))
		return false;
	out->moved = pg_i64(r, 0, 0);
	pg_result_free(r);
	return true;
}

bool split_left_behind(struct split *s, struct split_kept *out, struct err *e)
{
	bool ok = split_begin_tx(s, "ISOLATION LEVEL REPEATABLE READ", NULL, e) &&
		  count_missing(s, out, e) && count_moved(s, out, e);

	pg_rollback(s->pg);
	return ok || err_wrap(e, "could not look for the old table's rows in the new one");
}
