#include "catalog/pass_log.h"

#define REMOVED_AT_ONCE 10000

static bool insert(struct pg *pg, int64_t pass_id, const struct pass_decision *items, size_t count,
		   struct err *e)
{
	static const char sql[] =
		"INSERT INTO firn.pass_log (pass_id, leaf, rule, decision, reason, times, rows, "
		"bytes, seconds) SELECT $1::bigint, * FROM ROWS FROM ("
		"pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]), "
		"pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::text[]), "
		"pg_catalog.unnest($6::bigint[]), pg_catalog.unnest($7::bigint[]), "
		"pg_catalog.unnest($8::bigint[]), pg_catalog.unnest($9::float8[])) x";
	struct buf columns[8] = { 0 };
	struct pg_params p = PG_PARAMS_INIT;
	bool ok = true;

	pg_param_i64(&p, pass_id);
	for (size_t c = 0; c < 8; c++)
		buf_add_byte(&columns[c], '{');
	for (size_t i = 0; i < count; i++) {
		pg_add_array_item(&columns[0], items[i].leaf);
		pg_add_array_item(&columns[1], items[i].rule);
		pg_add_array_item(&columns[2], items[i].decision);
		pg_add_array_item(&columns[3], items[i].reason);
		pg_add_array_i64(&columns[4], items[i].times);
		pg_add_array_i64(&columns[5], items[i].rows);
		pg_add_array_i64(&columns[6], items[i].bytes);
		buf_printf(&columns[7], "%s%.3f", i ? "," : "", items[i].seconds);
	}
	for (size_t c = 0; c < 8; c++) {
		buf_add_byte(&columns[c], '}');
		ok = ok && buf_ok(&columns[c], e);
		pg_param_text(&p, ok ? buf_str(&columns[c]) : NULL);
	}
	ok = ok && pg_query(pg, sql, &p, NULL, e);
	for (size_t c = 0; c < 8; c++)
		buf_release(&columns[c]);
	return ok;
}

bool pass_log_write(struct pg *pg, int64_t pass_id, const struct pass_decision *items, size_t count,
		    int64_t keep_s, struct err *e)
{
	static const char forget[] =
		"DELETE FROM firn.pass_log WHERE id IN (SELECT l.id FROM firn.pass_log l WHERE "
		"l.at < pg_catalog.now() - pg_catalog.make_interval(secs => $1::bigint) ORDER BY "
		"l.at LIMIT $2::bigint)";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, keep_s);
	pg_param_i64(&p, REMOVED_AT_ONCE);
	return (count == 0 || insert(pg, pass_id, items, count, e)) &&
	       pg_query(pg, forget, &p, NULL, e);
}

struct reading {
	bool (*visit)(void *ctx, const struct pass_decision *d, struct err *e);
	void *ctx;
};

static const char *text_or_null(const struct pg_result *row, int column)
{
	return pg_is_null(row, 0, column) ? NULL : pg_text(row, 0, column);
}

static bool visit_decision(void *ctx, const struct pg_result *row, struct err *e)
{
	const struct reading *r = ctx;

	return r->visit(r->ctx,
			&(struct pass_decision){
				.leaf = text_or_null(row, 0),
				.rule = text_or_null(row, 1),
				.decision = pg_text(row, 0, 2),
				.reason = text_or_null(row, 3),
				.times = pg_i64(row, 0, 4),
				.rows = pg_i64(row, 0, 5),
				.bytes = pg_i64(row, 0, 6),
				.seconds = pg_f64(row, 0, 7),
			},
			e);
}

bool pass_log_read(struct pg *pg, int64_t table_id, int64_t pass_id, int64_t *found_out,
		   bool (*visit)(void *ctx, const struct pass_decision *d, struct err *e),
		   void *ctx, struct err *e)
{
	static const char find[] =
		"SELECT coalesce(max(id), 0) FROM firn.pass WHERE CASE WHEN $2::bigint > 0 THEN "
		"id = $2::bigint ELSE $1::bigint IN (0, table_id) END";
	static const char read[] =
		"SELECT leaf, rule, decision, reason, times, rows, bytes, seconds FROM "
		"firn.pass_log WHERE pass_id = $1::bigint ORDER BY id";
	struct reading r = { visit, ctx };
	struct pg_params p = PG_PARAMS_INIT, by_id = PG_PARAMS_INIT;
	struct pg_result *result = NULL;

	pg_param_i64(&p, table_id);
	pg_param_i64(&p, pass_id);
	if (!pg_query(pg, find, &p, &result, e))
		return false;
	*found_out = pg_i64(result, 0, 0);
	pg_result_free(result);
	pg_param_i64(&by_id, *found_out);
	return pg_query_each(pg, read, &by_id, visit_decision, &r, e);
}

bool pass_log_locks(struct pg *pg, int64_t table_id, int64_t *rows_out, double *seconds_out,
		    struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;

	pg_param_i64(&p, table_id);
	if (!pg_query(pg,
		      "SELECT coalesce(sum(l.rows), 0)::bigint, coalesce(sum(l.seconds), 0) FROM "
		      "firn.pass_log l JOIN firn.pass p ON p.id = l.pass_id WHERE p.table_id = "
		      "$1::bigint AND l.decision = 'moved'",
		      &p, &result, e))
		return false;
	*rows_out = pg_i64(result, 0, 0);
	*seconds_out = pg_f64(result, 0, 1);
	pg_result_free(result);
	return true;
}

bool pass_log_why_empty(struct pg *pg, int64_t pass_id, int64_t keep_s, enum pass_log_empty *out,
			struct err *e)
{
	static const char sql[] =
		"SELECT finished_at IS NULL, outcome IS DISTINCT FROM 'done', rows_moved = 0, "
		"coalesce(finished_at, started_at) < "
		"pg_catalog.now() - pg_catalog.make_interval(secs => $2::bigint) FROM firn.pass "
		"WHERE id = $1::bigint";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, pass_id);
	pg_param_i64(&p, keep_s);
	*out = PASS_LOG_FORGOTTEN;
	if (!pg_query(pg, sql, &p, &r, e))
		return false;
	if (pg_rows(r) > 0 && pg_bool(r, 0, 0))
		*out = PASS_LOG_UNFINISHED;
	else if (pg_rows(r) > 0 && !pg_bool(r, 0, 3) && pg_bool(r, 0, 1))
		*out = PASS_LOG_FAILED;
	else if (pg_rows(r) > 0 && !pg_bool(r, 0, 3) && pg_bool(r, 0, 2))
		*out = PASS_LOG_NOTHING_DUE;
	pg_result_free(r);
	return true;
}
