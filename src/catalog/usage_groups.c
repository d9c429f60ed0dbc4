#include "catalog/usage_groups.h"

#include <math.h>

struct group_visit {
	bool (*visit)(void *ctx, const struct usage_group *g, struct err *e);
	void *ctx;
};

static bool visit_group(void *ctx, const struct pg_result *r, struct err *e)
{
	const struct group_visit *v = ctx;
	const struct usage_group g = {
		.name = pg_text(r, 0, 0),
		.leaf = pg_text(r, 0, 1),
		.hot_rows = pg_i64(r, 0, 2),
		.hot_share = pg_f64(r, 0, 3),
		.cold_rows = pg_i64(r, 0, 4),
		.moved_rows = pg_i64(r, 0, 5),
		.cold_bytes = pg_i64(r, 0, 6),
		.cold_raw_bytes = pg_i64(r, 0, 7),
	};

	return v->visit(v->ctx, &g, e);
}

/* SYSTEM takes whole pages, so that only these are read; and the same ones each time. */
static bool add_sample(struct pg *pg, struct buf *sql, const struct table_info *t, int64_t pages,
		       struct err *e)
{
	int64_t all = 0;

	for (size_t i = 0; i < t->leaf_count; i++) {
		struct pg_params p = PG_PARAMS_INIT;
		struct pg_result *r = NULL;

		pg_param_i64(&p, t->leaves[i].oid);
		if (!pg_query(pg,
			      "SELECT pg_catalog.pg_relation_size($1::bigint::oid::regclass) / "
			      "pg_catalog.current_setting('block_size')::bigint",
			      &p, &r, e))
			return false;
		all += pg_i64(r, 0, 0);
		pg_result_free(r);
	}
	if (pages > 0 && all > pages)
		buf_printf(sql, " TABLESAMPLE SYSTEM (%.6f) REPEATABLE (0)",
			   100.0 * (double)pages / (double)all);
	return true;
}

static void add_group(struct pg *pg, struct buf *sql, const struct column *c)
{
	if (!c) {
		buf_add_str(sql, "''::text");
		return;
	}
	buf_add_str(sql, "coalesce(t.");
	pg_add_identifier(pg, sql, c->name);
	buf_add_str(sql, "::text, '')");
}

bool usage_groups(struct pg *pg, const struct table_info *t, int64_t table_id,
		  enum column_role role, int64_t sample_pages,
		  bool (*visit)(void *ctx, const struct usage_group *g, struct err *e), void *ctx,
		  struct err *e)
{
	const struct column *column = table_info_column(t, role);
	const char *cold = !column                  ? "''::text"
			   : role == COLUMN_VERSION ? "w.version"
						    : "w.workspace";
	struct group_visit v = { visit, ctx };
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT;
	bool ok;

	pg_param_i64(&p, table_id);
	buf_add_str(&sql, "WITH counted AS (SELECT t.tableoid AS leaf, ");
	add_group(pg, &sql, column);
	buf_printf(&sql, " COLLATE \"C\" AS g, count(*) AS n FROM %s t", t->qualified);
	ok = add_sample(pg, &sql, t, sample_pages, e);
	buf_add_str(
		&sql,
		" GROUP BY 1, 2), hot AS (SELECT s.nspname || '.' || c.relname AS leaf, h.g, h.n, "
		"h.n::float8 / (sum(h.n) OVER (PARTITION BY h.leaf))::float8 AS share "
		"FROM counted h JOIN pg_catalog.pg_class c ON c.oid = h.leaf "
		"JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace), "
		"cold AS (SELECT s.leaf, ");
	buf_printf(&sql,
		   "%s COLLATE \"C\" AS g, sum(w.rows_live)::bigint AS n, "
		   "sum(w.rows_total)::bigint AS moved, "
		   "sum((s.bytes + s.index_bytes)::numeric * w.rows_live / s.rows_live)::bigint AS "
		   "bytes, "
		   "sum(s.raw_bytes::numeric * w.rows_live / s.rows_total)::bigint AS raw, "
		   "(sum(w.rows_live) / sum(sum(w.rows_live)) OVER (PARTITION BY s.leaf))::float8 "
		   "AS share "
		   "FROM firn.segment s JOIN firn.segment_workspace w ON w.segment_id = s.id "
		   "WHERE s.table_id = $1::bigint AND s.state = 'active' GROUP BY 1, 2) ",
		   cold);
	buf_add_str(&sql, "SELECT coalesce(h.g, c.g), coalesce(h.leaf, c.leaf), coalesce(h.n, 0), "
			  "coalesce(h.share, CASE WHEN c.leaf IN (SELECT leaf FROM hot) THEN 0 "
			  "ELSE c.share END), coalesce(c.n, 0), coalesce(c.moved, 0), "
			  "coalesce(c.bytes, 0), coalesce(c.raw, 0) FROM hot h FULL JOIN cold c "
			  "ON c.g = h.g AND c.leaf = h.leaf ORDER BY 1, 2");
	ok = ok && buf_ok(&sql, e) && pg_query_each(pg, buf_str(&sql), &p, visit_group, &v, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not count the rows of table \"%s\"", t->label);
}

bool usage_heat(struct pg *pg, int64_t table_id, int64_t half_life_s,
		struct usage_heat out[USAGE_HEAT_BUCKETS], bool *known_out, struct err *e)
{
	static const char sql[] =
		"SELECT pg_catalog.width_bucket(heat * pg_catalog.power(2::float8, "
		"-least(1000, extract(epoch FROM pg_catalog.now() - last_read) / "
		"$2::bigint))::float8, "
		"ARRAY[0.25, 1, 4, 16, 64]::float8[]), count(*) FROM firn.heat "
		"WHERE table_id = $1::bigint GROUP BY 1";
	static const double bounds[] = { 0, 0.25, 1, 4, 16, 64, INFINITY };
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	for (int i = 0; i < USAGE_HEAT_BUCKETS; i++)
		out[i] = (struct usage_heat){ bounds[i], bounds[i + 1], 0 };
	pg_param_i64(&p, table_id);
	pg_param_i64(&p, half_life_s);
	ok = pg_query(pg, sql, &p, &r, e);
	*known_out = ok && pg_rows(r) > 0;
	for (int i = 0; ok && i < pg_rows(r); i++)
		out[pg_i64(r, i, 0)].chunks = pg_i64(r, i, 1);
	pg_result_free(r);
	return ok || err_wrap(e, "could not read how warm chunks are");
}
