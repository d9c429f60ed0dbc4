#include "catalog/move_tx.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "catalog/candidate_reads.h"

static bool begin_fenced(struct pg *pg, const struct move_tx_options *o, struct err *e)
{
	return pg_begin(pg, NULL, e) && pg_local_search_path(pg, true, e) &&
	       pg_execf(pg, e,
			"SET LOCAL lock_timeout = %" PRId64
			"; SET LOCAL statement_timeout = %" PRId64 "; "
			"SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; "
			/* for what is loaded below: it is enough to see how many there are */
			"SET LOCAL default_statistics_target = 10",
			o->lock_timeout_ms, o->statement_timeout_ms) &&
	       lease_check(o->lease, pg, e);
}

/* From here on the leaf is what the pass took it for: ALTER TABLE, CREATE TRIGGER and foreign keys wait. */
static bool lock_leaf(struct pg *pg, const struct move_tx_options *o, struct err *e)
{
	return pg_execf(pg, e, "LOCK TABLE ONLY %s IN ROW EXCLUSIVE MODE", o->leaf->qualified) &&
	       table_info_recheck_leaf(pg, o->table, o->leaf, e);
}

static bool load(struct pg *pg, const char *create, const char *copy, const struct buf *rows,
		 const char *analyze, struct err *e)
{
	return pg_exec(pg, create, e) && pg_copy_in_start(pg, copy, e) &&
	       pg_copy_in_write(pg, rows->data, rows->len, e) && pg_copy_in_finish(pg, NULL, e) &&
	       pg_exec(pg, analyze, e);
}

/* firn_move(firn_row, firn_doc, firn_tid, firn_xmin, key columns): what was read, typed like the table's own key. */
static bool load_keys(struct pg *pg, const struct move_tx_options *o, struct err *e)
{
	const struct table_info *t = o->table;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_str(&sql,
		    "CREATE TEMP TABLE firn_move ON COMMIT DROP AS SELECT 0::int4 AS firn_row, "
		    "0::int4 AS firn_doc, t.ctid AS firn_tid, t.xmin AS firn_xmin");
	for (size_t i = 0; i < t->column_count; i++)
		if (t->columns[i].in_key) {
			buf_add_str(&sql, ", t.");
			pg_add_identifier(pg, &sql, t->columns[i].name);
		}
	buf_printf(&sql, " FROM ONLY %s t LIMIT 0", o->leaf->qualified);
	ok = buf_ok(&sql, e) &&
	     load(pg, buf_str(&sql), "COPY pg_temp.firn_move FROM STDIN (FORMAT BINARY)", o->keys,
		  "ANALYZE pg_temp.firn_move (firn_tid, firn_doc)", e);
	buf_release(&sql);
	return ok;
}

/* firn_moved_doc(firn_doc, w, d): workspaces, and documents where there are any, of the rows to delete. A table with
 * statistics of its own, because the planner cannot guess how few rows the versions' joins leave and would walk them
 * row by row. */
static bool load_documents(struct pg *pg, const struct move_tx_options *o, struct err *e)
{
	const struct column *document = table_info_column(o->table, COLUMN_DOCUMENT);
	struct buf sql = BUF_INIT;
	bool ok;

	if (!o->superseded && !o->of_document)
		return true;
	buf_add_str(&sql, "CREATE TEMP TABLE firn_moved_doc ON COMMIT DROP AS "
			  "SELECT 0::int4 AS firn_doc, t.");
	pg_add_identifier(pg, &sql, table_info_column(o->table, COLUMN_WORKSPACE)->name);
	buf_add_str(&sql, " AS w");
	if (document) {
		buf_add_str(&sql, ", t.");
		pg_add_identifier(pg, &sql, document->name);
		buf_add_str(&sql, " AS d");
	}
	buf_printf(&sql, " FROM ONLY %s t LIMIT 0", o->leaf->qualified);
	ok = buf_ok(&sql, e) &&
	     load(pg, buf_str(&sql), "COPY pg_temp.firn_moved_doc FROM STDIN (FORMAT BINARY)",
		  o->documents, "ANALYZE pg_temp.firn_moved_doc", e);
	buf_release(&sql);
	return ok;
}

/* While this transaction is open nobody can flip the active version of a workspace whose rows it deletes. */
static bool lock_active_versions(struct pg *pg, const struct move_tx_options *o, struct err *e)
{
	const struct table_info *t = o->table;
	struct buf sql = BUF_INIT;
	bool ok;

	if (!o->superseded || t->active.kind != ACTIVE_TABLE)
		return true;
	buf_printf(&sql,
		   "SELECT 1 FROM %s s WHERE s.%s::text IN (SELECT x.w::text FROM "
		   "pg_temp.firn_moved_doc x) "
		   "FOR SHARE OF s",
		   t->active.table, t->active.workspace_column);
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), NULL, NULL, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not lock the active versions");
}

/* The row must still be the very tuple that was read. A concurrent UPDATE makes a new tuple with another ctid and
 * xmin; xmin alone would do where Postgres re-checks a DELETE against the new tuple, ctid makes it fast, and the key
 * guards against a tuple that VACUUM FULL or CLUSTER put in the place of another. */
static void add_same_tuple(struct pg *pg, struct buf *b, const struct table_info *t)
{
	/* In a CASE the planner does not take the rest for a reason to expect one row only, and then to nest loops. */
	buf_add_str(b, "t.ctid = m.firn_tid AND CASE WHEN t.xmin = m.firn_xmin");
	for (size_t i = 0; i < t->column_count; i++)
		if (t->columns[i].in_key) {
			buf_add_str(b, " AND t.");
			pg_add_identifier(pg, b, t->columns[i].name);
			buf_add_str(b, " = m.");
			pg_add_identifier(pg, b, t->columns[i].name);
		}
	buf_add_str(b, " THEN true ELSE false END");
}

static bool build_delete(struct pg *pg, const struct move_tx_options *o, bool skip_locked,
			 struct buf *sql, struct err *e)
{
	struct buf ctes = BUF_INIT, conditions = BUF_INIT;
	bool ok = false;

	if (o->superseded && !candidates_recheck_sql(pg, o->table, o->leaf, o->table_id,
						     o->require_replacement, &ctes, &conditions, e))
		goto out;
	if (o->reads)
		candidate_reads_recheck_sql(pg, o->table, o->leaf, o->table_id, o->of_document,
					    &ctes, &conditions);
	if (!buf_ok(&ctes, e) || !buf_ok(&conditions, e))
		goto out;
	buf_add_str(sql, "WITH ");
	if (ctes.len)
		buf_printf(sql, "%s, ", buf_str(&ctes));
	if (skip_locked) {
		buf_printf(sql,
			   "firn_free AS MATERIALIZED (SELECT m.firn_row FROM ONLY %s t JOIN "
			   "pg_temp.firn_move m ON ",
			   o->leaf->qualified);
		add_same_tuple(pg, sql, o->table);
		buf_add_str(sql, " FOR UPDATE OF t SKIP LOCKED), ");
	}
	buf_printf(sql, "firn_gone AS (DELETE FROM ONLY %s t USING pg_temp.firn_move m%s WHERE ",
		   o->leaf->qualified, skip_locked ? ", firn_free f" : "");
	add_same_tuple(pg, sql, o->table);
	if (skip_locked)
		buf_add_str(sql, " AND f.firn_row = m.firn_row");
	buf_printf(sql,
		   "%s RETURNING m.firn_row) SELECT m.firn_row FROM pg_temp.firn_move m LEFT JOIN "
		   "firn_gone g "
		   "ON g.firn_row = m.firn_row WHERE g.firn_row IS NULL",
		   buf_str(&conditions));
	ok = buf_ok(sql, e);
out:
	buf_release(&ctes);
	buf_release(&conditions);
	return ok;
}

struct missed_rows {
	struct bitmap *missed;
	uint32_t rows;
};

static bool visit_missed(void *ctx, const struct pg_result *row, struct err *e)
{
	struct missed_rows *m = ctx;
	int64_t number = pg_i64(row, 0, 0);

	if (number < 0 || number >= m->rows)
		return err_set(e, ERR_INTERNAL, "row number %" PRId64 " was never sent", number);
	bitmap_add(m->missed, (uint32_t)number);
	return true;
}

/* A key table that lost rows on the way would hide undeleted rows: count before deleting. */
static bool check_count(struct pg *pg, const struct move_tx_options *o, struct err *e)
{
	struct pg_result *result = NULL;
	bool ok;

	if (!pg_query(pg, "SELECT count(*), count(DISTINCT firn_row) FROM pg_temp.firn_move", NULL,
		      &result, e))
		return false;
	ok = pg_i64(result, 0, 0) == o->rows && pg_i64(result, 0, 1) == o->rows;
	if (!ok)
		err_set(e, ERR_INTERNAL, "sent %u keys to delete, the server has %" PRId64, o->rows,
			pg_i64(result, 0, 0));
	pg_result_free(result);
	return ok;
}

static bool attempt(struct pg *pg, const struct move_tx_options *o, bool skip_locked,
		    struct bitmap *missed, struct err *e)
{
	struct missed_rows m = { .missed = missed, .rows = o->rows };
	struct buf sql = BUF_INIT;
	bool ok;

	ok = begin_fenced(pg, o, e) && lock_leaf(pg, o, e) && load_keys(pg, o, e) &&
	     check_count(pg, o, e) && load_documents(pg, o, e) && lock_active_versions(pg, o, e) &&
	     build_delete(pg, o, skip_locked, &sql, e) &&
	     pg_query_each(pg, buf_str(&sql), NULL, visit_missed, &m, e);
	buf_release(&sql);
	if (!ok)
		pg_rollback(pg);
	return ok;
}

/* A row that is moved to another partition, and a deadlock, end the statement; by the next try the row is gone. */
static bool lost_a_race(const struct pg *pg)
{
	const char *state = pg_last_sqlstate(pg);

	return strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0;
}

bool move_tx_delete(struct pg *pg, const struct move_tx_options *o, struct bitmap *missed,
		    bool *lock_wait_out, struct err *e)
{
	bool skip_locked = false, ok = attempt(pg, o, false, missed, e);
	struct err first = *e;

	for (int again = 0; !ok && again < 3; again++) {
		if (strcmp(pg_last_sqlstate(pg), PG_LOCK_NOT_AVAILABLE) == 0 && !skip_locked) {
			skip_locked = true;
			first = *e;
		} else if (!lost_a_race(pg)) {
			break;
		}
		bitmap_clear(missed);
		err_clear(e);
		ok = attempt(pg, o, skip_locked, missed, e);
	}
	*lock_wait_out = skip_locked;
	/* SKIP LOCKED asks for the UPDATE privilege, which firn does without: the lock is the true reason. */
	if (!ok && skip_locked && e->code == ERR_DENIED)
		*e = first;
	return ok || err_wrap(e, "could not delete the moved rows of leaf \"%s\"", o->leaf->label);
}
