#include "catalog/version_counts.h"

#include <inttypes.h>

#include "sql.h"

/* Documents that a message names. */
#define NAMED_MAX 3

#define ISO "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'"

static void add_text(struct pg *pg, struct buf *b, const struct column *c)
{
	buf_add_str(b, "t.");
	pg_add_identifier(pg, b, c->name);
	buf_add_str(b, "::text");
}

/* By the column's own type, so that an index on it can be used. type_full is the server's own rendering. */
static void add_in_workspace(struct pg *pg, struct buf *b, const struct table_info *t)
{
	const struct column *c = table_info_column(t, COLUMN_WORKSPACE);

	buf_add_str(b, "t.");
	pg_add_identifier(pg, b, c->name);
	buf_printf(b, " = $1::text::%s", c->type_full);
}

/* firn_doc(w, d, v, n): rows by workspace, document and version. */
static void add_documents(struct pg *pg, struct buf *b, const struct table_info *t,
			  const char *workspace)
{
	const struct column *document = table_info_column(t, COLUMN_DOCUMENT);

	buf_add_str(b, "WITH firn_doc AS MATERIALIZED (SELECT coalesce(");
	add_text(pg, b, table_info_column(t, COLUMN_WORKSPACE));
	buf_add_str(b, ", '') AS w, ");
	if (document)
		add_text(pg, b, document);
	else
		buf_add_str(b, "NULL::text");
	buf_add_str(b, " AS d, coalesce(");
	add_text(pg, b, table_info_column(t, COLUMN_VERSION));
	buf_printf(b, ", '') AS v, count(*) AS n FROM %s t", t->qualified);
	if (workspace) {
		buf_add_str(b, " WHERE ");
		add_in_workspace(pg, b, t);
	}
	buf_add_str(b, " GROUP BY 1, 2, 3)");
}

/* firn_active(w, version, since, target) */
static void add_active(struct buf *b, const struct table_info *t, int64_t table_id)
{
	buf_printf(b,
		   ", firn_cold AS MATERIALIZED (SELECT s.workspace AS w, s.version AS v, "
		   "sum(s.rows_live)::bigint AS n FROM firn.segment g JOIN firn.segment_workspace "
		   "s ON s.segment_id = g.id WHERE g.table_id = %" PRId64
		   " AND g.state = 'active' AND s.rows_live > 0 "
		   "AND ($1::text IS NULL OR s.workspace = $1::text) GROUP BY 1, 2)",
		   table_id);
	buf_add_str(b, ", firn_active AS MATERIALIZED (SELECT DISTINCT ON (a.w) a.w, a.version, "
		       "coalesce(a.since, s.since) AS since, coalesce($2::text, a.target) AS "
		       "target FROM (");
	if (t->active.kind == ACTIVE_VALUE)
		buf_add_str(b, "SELECT x.w, $3::text AS version, NULL::timestamptz AS since, "
			       "NULL::text AS target FROM (SELECT w FROM firn_doc UNION "
			       "SELECT w FROM firn_cold) x");
	else
		buf_printf(b,
			   "SELECT q.workspace AS w, q.version, q.since, q.target FROM (%s) q "
			   "WHERE q.workspace IS NOT NULL AND q.version IS NOT NULL "
			   "AND ($1::text IS NULL OR q.workspace = $1::text)",
			   t->active.select);
	buf_printf(b,
		   ") a LEFT JOIN firn.version_seen s ON s.table_id = %" PRId64
		   " AND s.workspace = %s AND s.version = a.version ORDER BY a.w)",
		   table_id, t->active.kind == ACTIVE_VALUE ? "''" : "a.w");
}

static void build_counts(struct pg *pg, struct buf *b, const struct table_info *t, int64_t table_id,
			 const char *workspace)
{
	add_documents(pg, b, t, workspace);
	add_active(b, t, table_id);
	/* The active version and the target are there without rows, too. */
	buf_add_str(b, ", firn_all AS (SELECT q.w, q.v, sum(q.hot)::bigint AS hot, "
		       "sum(q.docs)::bigint AS docs, sum(q.cold)::bigint AS cold FROM ("
		       "SELECT w, v, n AS hot, 1 AS docs, 0::bigint AS cold FROM firn_doc "
		       "UNION ALL SELECT w, v, 0, 0, n FROM firn_cold "
		       "UNION ALL SELECT w, version, 0, 0, 0 FROM firn_active "
		       "UNION ALL SELECT w, target, 0, 0, 0 FROM firn_active WHERE target IS NOT "
		       "NULL) q GROUP BY 1, 2)");
	buf_add_str(b, ", firn_cover AS (SELECT q.w, count(*) AS docs, count(q.next) AS covered, "
		       "count(*) FILTER (WHERE q.next < q.act) AS fewer FROM (SELECT x.w, x.d, "
		       "sum(x.n) FILTER (WHERE x.v = a.version) AS act, "
		       "sum(x.n) FILTER (WHERE x.v = a.target) AS next "
		       "FROM firn_doc x JOIN firn_active a ON a.w = x.w GROUP BY 1, 2) q "
		       "WHERE q.act IS NOT NULL GROUP BY 1)");
	buf_printf(b,
		   " SELECT r.w, a.version, a.target, "
		   "pg_catalog.to_char(a.since AT TIME ZONE 'UTC', " ISO "), "
		   "coalesce(k.docs, 0), coalesce(k.covered, 0), coalesce(k.fewer, 0), "
		   "o.to_version, pg_catalog.to_char(o.began_at AT TIME ZONE 'UTC', " ISO "), "
		   "r.v, r.hot, r.docs, r.cold FROM firn_all r "
		   "LEFT JOIN firn_active a ON a.w = r.w LEFT JOIN firn_cover k ON k.w = r.w "
		   "LEFT JOIN firn.version_flip o ON o.table_id = %" PRId64
		   " AND o.workspace = r.w AND o.flipped_at IS NULL AND o.given_up_at IS NULL "
		   "ORDER BY 1, r.v",
		   table_id);
}

struct count_visit {
	bool (*visit)(void *ctx, const struct version_row *row, struct err *e);
	void *ctx;
};

static const char *text_or_null(const struct pg_result *r, int column)
{
	return pg_is_null(r, 0, column) ? NULL : pg_text(r, 0, column);
}

static bool visit_count(void *ctx, const struct pg_result *r, struct err *e)
{
	const struct count_visit *v = ctx;
	struct version_row row = {
		.workspace = pg_text(r, 0, 0),
		.active = text_or_null(r, 1),
		.target = text_or_null(r, 2),
		.since = text_or_null(r, 3),
		.documents = pg_i64(r, 0, 4),
		.covered = pg_i64(r, 0, 5),
		.fewer = pg_i64(r, 0, 6),
		.rollback_to = text_or_null(r, 7),
		.rollback_began = text_or_null(r, 8),
		.version = pg_text(r, 0, 9),
		.hot_rows = pg_i64(r, 0, 10),
		.hot_documents = pg_i64(r, 0, 11),
		.cold_rows = pg_i64(r, 0, 12),
	};

	return v->visit(v->ctx, &row, e);
}

bool version_counts(struct pg *pg, const struct table_info *t, int64_t table_id,
		    const char *workspace, const char *target,
		    bool (*visit)(void *ctx, const struct version_row *row, struct err *e),
		    void *ctx, struct err *e)
{
	struct count_visit v = { .visit = visit, .ctx = ctx };
	bool own = !pg_in_transaction(pg), ok;
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT;

	pg_param_text(&p, workspace);
	pg_param_text(&p, target);
	if (t->active.kind == ACTIVE_VALUE)
		pg_param_text(&p, t->active.value);
	build_counts(pg, &sql, t, table_id, workspace);
	ok = buf_ok(&sql, e) &&
	     (!own || (pg_begin(pg, "ISOLATION LEVEL REPEATABLE READ READ ONLY", e) &&
		       pg_local_search_path(pg, true, e) &&
		       pg_exec(pg, "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off", e))) &&
	     pg_query_each(pg, buf_str(&sql), &p, visit_count, &v, e);
	if (own && ok)
		ok = pg_commit(pg, e);
	if (own && !ok)
		pg_rollback(pg);
	buf_release(&sql);
	return ok || err_wrap(e, "could not count the versions of table \"%s\"", t->label);
}

/* The first column of a statement's rows, as "a", "b". */
static bool list_names(struct pg *pg, const char *sql, const struct pg_params *p, struct buf *out,
		       struct err *e)
{
	struct pg_result *r = NULL;

	if (!pg_query(pg, sql, p, &r, e))
		return false;
	for (int i = 0; i < pg_rows(r); i++)
		buf_printf(out, "%s\"%s\"", out->len ? ", " : "", pg_text(r, i, 0));
	pg_result_free(r);
	return buf_ok(out, e);
}

bool version_missing(struct pg *pg, const struct table_info *t, const char *workspace,
		     const char *active, const char *version, struct buf *out, struct err *e)
{
	const struct column *document = table_info_column(t, COLUMN_DOCUMENT);
	const char *const wanted[] = { "$2", "$3" };
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT;
	bool ok;

	if (!document)
		return true;
	for (int i = 0; i < 2; i++) {
		buf_add_str(&sql, i ? " EXCEPT SELECT " : "SELECT ");
		add_text(pg, &sql, document);
		buf_printf(&sql, " AS d FROM %s t WHERE ", t->qualified);
		add_in_workspace(pg, &sql, t);
		buf_add_str(&sql, " AND ");
		add_text(pg, &sql, table_info_column(t, COLUMN_VERSION));
		buf_printf(&sql, " = %s::text", wanted[i]);
	}
	buf_printf(&sql, " ORDER BY 1 LIMIT %d", NAMED_MAX);
	pg_param_text(&p, workspace);
	pg_param_text(&p, active);
	pg_param_text(&p, version);
	ok = buf_ok(&sql, e) && list_names(pg, buf_str(&sql), &p, out, e);
	buf_release(&sql);
	return ok;
}

bool version_unusable_indexes(struct pg *pg, const struct table_info *t, int64_t table_id,
			      const char *workspace, const char *version, struct buf *out,
			      struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *leaves = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql, "SELECT DISTINCT t.tableoid::bigint FROM %s t WHERE ", t->qualified);
	add_in_workspace(pg, &sql, t);
	buf_add_str(&sql, " AND ");
	add_text(pg, &sql, table_info_column(t, COLUMN_VERSION));
	buf_add_str(&sql, " = $2::text");
	pg_param_text(&p, workspace);
	pg_param_text(&p, version);
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, &leaves, e);
	for (int i = 0; ok && i < pg_rows(leaves); i++)
		for (size_t l = 0; ok && l < t->leaf_count; l++) {
			struct pg_params of_leaf = PG_PARAMS_INIT;

			if (t->leaves[l].oid != (uint32_t)pg_i64(leaves, i, 0))
				continue;
			pg_param_i64(&of_leaf, t->leaves[l].oid);
			pg_param_i64(&of_leaf, table_id);
			pg_param_text(&of_leaf, t->leaves[l].label);
			ok = list_names(pg, sql_version_indexes, &of_leaf, out, e);
		}
	pg_result_free(leaves);
	buf_release(&sql);
	return ok || err_wrap(e, "could not look at the indexes of table \"%s\"", t->label);
}
