#include "catalog/usage.h"

#include <inttypes.h>

struct segment_visit {
	bool (*visit)(void *ctx, const struct usage_segment *s, struct err *e);
	void *ctx;
};

static bool visit_segment(void *ctx, const struct pg_result *r, struct err *e)
{
	const struct segment_visit *v = ctx;
	struct usage_segment s = {
		.id = pg_i64(r, 0, 0),
		.leaf = pg_text(r, 0, 1),
		.storage_class = pg_text(r, 0, 2),
		.rows_total = pg_i64(r, 0, 3),
		.rows_live = pg_i64(r, 0, 4),
		.bytes = pg_i64(r, 0, 5),
		.index_bytes = pg_i64(r, 0, 6),
		.raw_bytes = pg_i64(r, 0, 7),
		.age_days = pg_i64(r, 0, 8),
		.bytes_live = pg_i64(r, 0, 9),
	};

	return v->visit(v->ctx, &s, e);
}

bool usage_segments(struct pg *pg, int64_t table_id,
		    bool (*visit)(void *ctx, const struct usage_segment *s, struct err *e),
		    void *ctx, struct err *e)
{
	static const char sql[] =
		"SELECT id, leaf, coalesce(storage_class, ''), rows_total, rows_live, bytes, "
		"index_bytes, "
		"(raw_bytes::numeric * rows_live / rows_total)::bigint, "
		"greatest(0, extract(epoch FROM now() - coalesce(storage_class_since, "
		"activated_at, "
		"created_at)) / 86400)::bigint, "
		"((bytes + index_bytes)::numeric * rows_live / rows_total)::bigint "
		"FROM firn.segment WHERE table_id = $1::bigint AND state = 'active' ORDER BY id";
	struct segment_visit v = { visit, ctx };
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	return pg_query_each(pg, sql, &p, visit_segment, &v, e) ||
	       err_wrap(e, "could not read what is cold");
}

bool usage_vector_index_bytes(struct pg *pg, const struct leaf *leaf, int64_t *out, struct err *e)
{
	static const char sql[] =
		"SELECT coalesce(sum(pg_catalog.pg_relation_size(i.indexrelid)), 0)::bigint "
		"FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
		"JOIN pg_catalog.pg_am a ON a.oid = c.relam "
		"WHERE i.indrelid = $1::bigint::oid AND a.amname IN ('hnsw', 'ivfflat')";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, leaf->oid);
	ok = pg_query(pg, sql, &p, &r, e);
	*out = ok && pg_rows(r) == 1 ? pg_i64(r, 0, 0) : 0;
	pg_result_free(r);
	return ok || err_wrap(e, "could not measure the indexes of leaf \"%s\"", leaf->label);
}

/* ---- written down day by day ---- */

#define TODAY "((pg_catalog.now() AT TIME ZONE 'UTC')::date)"

bool usage_write(struct pg *pg, int64_t table_id, const struct usage_sizes *s, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT;
	bool ok;

	pg_param_i64(&p, table_id);
	pg_param_i64(&p, s->hot_rows);
	pg_param_i64(&p, s->heap_bytes);
	pg_param_i64(&p, s->toast_bytes);
	pg_param_i64(&p, s->index_bytes);
	pg_param_i64(&p, s->vector_index_bytes);
	pg_param_i64(&p, s->reclaimable_bytes);
	pg_param_i64(&p, s->cold_rows);
	pg_param_i64(&p, s->cold_raw_bytes);
	pg_param_i64(&p, s->cache_bytes);
	pg_param_i64(&p, s->vector_reclaimable_bytes);
	buf_add_str(&sql,
		    "WITH today AS (INSERT INTO firn.usage_daily AS u (table_id, day, measured_at, "
		    "hot_rows, heap_bytes, toast_bytes, index_bytes, vector_index_bytes, "
		    "reclaimable_bytes, cold_rows, cold_raw_bytes, cache_bytes, "
		    "vector_reclaimable_bytes) VALUES "
		    "($1::bigint, " TODAY
		    ", pg_catalog.clock_timestamp(), $2::bigint, $3::bigint, $4::bigint, "
		    "$5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint, $10::bigint, "
		    "$11::bigint) "
		    "ON CONFLICT (table_id, day) DO UPDATE SET measured_at = excluded.measured_at, "
		    "hot_rows = excluded.hot_rows, heap_bytes = excluded.heap_bytes, "
		    "toast_bytes = excluded.toast_bytes, index_bytes = excluded.index_bytes, "
		    "vector_index_bytes = excluded.vector_index_bytes, "
		    "reclaimable_bytes = excluded.reclaimable_bytes, "
		    "cold_rows = excluded.cold_rows, cold_raw_bytes = excluded.cold_raw_bytes, "
		    "cache_bytes = excluded.cache_bytes, "
		    "vector_reclaimable_bytes = excluded.vector_reclaimable_bytes "
		    "RETURNING u.table_id, u.day), classes (c, o, b, l) AS (VALUES ");
	/* A row without a class, so that there is one: it is left out below. */
	buf_add_str(&sql, "(NULL::text, 0::bigint, 0::bigint, 0::bigint)");
	for (size_t i = 0; i < s->class_count; i++) {
		const struct usage_class *c = &s->classes[i];

		pg_param_text(&p, c->storage_class);
		buf_printf(&sql, ", ($%d, %" PRId64 ", %" PRId64 ", %" PRId64 ")", p.count,
			   c->objects, c->bytes, c->billed_bytes);
	}
	buf_add_str(&sql, "), gone AS (DELETE FROM firn.usage_daily_class d WHERE d.table_id = "
			  "$1::bigint AND d.day = " TODAY
			  " AND NOT EXISTS (SELECT 1 FROM classes WHERE c = d.storage_class)) "
			  "INSERT INTO firn.usage_daily_class (table_id, day, storage_class, "
			  "objects, bytes, billed_bytes) SELECT t.table_id, t.day, c.c, c.o, c.b, "
			  "c.l FROM today t, classes c WHERE c.c IS NOT NULL "
			  "ON CONFLICT (table_id, day, storage_class) DO UPDATE SET objects = "
			  "excluded.objects, bytes = excluded.bytes, billed_bytes = "
			  "excluded.billed_bytes");
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, NULL, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not record what storage is used");
}

bool usage_is_written(struct pg *pg, int64_t table_id, bool *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, table_id);
	ok = pg_query(pg,
		      "SELECT 1 FROM firn.usage_daily WHERE table_id = $1::bigint AND day = " TODAY
		      " AND measured_at IS NOT NULL",
		      &p, &r, e);
	*out = ok && pg_rows(r) > 0;
	pg_result_free(r);
	return ok || err_wrap(e, "could not read what storage was used");
}

bool usage_add_rehydrated(struct pg *pg, int64_t table_id, int64_t rows, struct err *e)
{
	static const char sql[] =
		"INSERT INTO firn.usage_daily AS u (table_id, day, rows_rehydrated, rehydrates) "
		"VALUES ($1::bigint, " TODAY ", $2::bigint, 1) ON CONFLICT (table_id, day) DO "
		"UPDATE SET rows_rehydrated = u.rows_rehydrated + excluded.rows_rehydrated, "
		"rehydrates = u.rehydrates + 1";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	pg_param_i64(&p, rows);
	return pg_query(pg, sql, &p, NULL, e) ||
	       err_wrap(e, "could not count the rows that came back");
}

/* " VALUES (owner, kind, class, calls, bytes), ..." */
static void add_request_values(struct buf *sql, const char *owner,
			       const struct usage_requests *requests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(sql, "%s(%s, '%s', '%s', %" PRIu64 ", %" PRIu64 ")",
			   i > 0 ? ", " : " VALUES ", owner, requests[i].kind,
			   requests[i].storage_class, requests[i].calls, requests[i].bytes);
}

bool usage_add_requests(struct pg *pg, const struct usage_requests *requests, size_t count,
			struct err *e)
{
	static const char there[] =
		"SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
		"ON n.oid = c.relnamespace WHERE n.nspname = 'firn' AND c.relname = "
		"'request_daily')";
	struct pg_result *r = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	if (count == 0)
		return true;
	/* Before "firn init" there is nowhere to count them: an error would be one in the server's log. */
	if (!pg_query(pg, there, NULL, &r, e))
		return err_wrap(e, "could not count the requests to the archive");
	ok = pg_bool(r, 0, 0);
	pg_result_free(r);
	if (!ok)
		return true;
	buf_add_str(&sql, "INSERT INTO firn.request_daily AS r (day, kind, storage_class, calls, "
			  "bytes)");
	add_request_values(&sql, TODAY, requests, count);
	buf_add_str(&sql, " ON CONFLICT (day, kind, storage_class) DO UPDATE SET calls = r.calls + "
			  "excluded.calls, bytes = r.bytes + excluded.bytes");
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), NULL, NULL, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not count the requests to the archive");
}

bool usage_add_pass_requests(struct pg *pg, int64_t pass_id, const struct usage_requests *requests,
			     size_t count, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT;
	bool ok;

	if (count == 0)
		return true;
	pg_param_i64(&p, pass_id);
	buf_add_str(&sql, "INSERT INTO firn.pass_request (pass_id, kind, storage_class, calls, "
			  "bytes)");
	add_request_values(&sql, "$1::bigint", requests, count);
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, NULL, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not record the pass's requests to the archive");
}

static void param_count(struct pg_params *p, int64_t n)
{
	if (n < 0)
		pg_param_text(p, NULL);
	else
		pg_param_i64(p, n);
}

bool usage_add_inspection(struct pg *pg, const struct usage_inspection *i, struct err *e)
{
	static const char sql[] =
		"WITH old AS (DELETE FROM firn.inspection WHERE finished_at < pg_catalog.now() - "
		"interval '400 days' AND id < (SELECT max(id) FROM firn.inspection) - 100) "
		"INSERT INTO firn.inspection (command, outcome, seconds, deep, segments, problems, "
		"orphans, orphan_bytes) VALUES ($1, $2, $3::float8, $4::boolean, $5::bigint, "
		"$6::bigint, $7::bigint, $8::bigint)";
	struct pg_params p = PG_PARAMS_INIT;
	char seconds[32];

	snprintf(seconds, sizeof(seconds), "%.3f", i->seconds);
	pg_param_text(&p, i->command);
	pg_param_text(&p, i->outcome);
	pg_param_text(&p, seconds);
	pg_param_text(&p, i->deep ? "true" : "false");
	pg_param_i64(&p, i->segments);
	pg_param_i64(&p, i->problems);
	param_count(&p, i->orphans);
	param_count(&p, i->orphan_bytes);
	return pg_query(pg, sql, &p, NULL, e) ||
	       err_wrap(e, "could not record how \"firn %s\" ended", i->command);
}

/* ---- read for reports ---- */

struct day_visit {
	bool (*visit)(void *ctx, const struct usage_day *d, struct err *e);
	void *ctx;
};

static bool visit_day(void *ctx, const struct pg_result *r, struct err *e)
{
	const struct day_visit *v = ctx;
	const struct usage_day d = {
		.day = pg_text(r, 0, 0),
		.first = pg_bool(r, 0, 1),
		.sizes = { .hot_rows = pg_i64(r, 0, 2),
			   .heap_bytes = pg_i64(r, 0, 3),
			   .toast_bytes = pg_i64(r, 0, 4),
			   .index_bytes = pg_i64(r, 0, 5),
			   .vector_index_bytes = pg_i64(r, 0, 6),
			   .reclaimable_bytes = pg_i64(r, 0, 7),
			   .cold_rows = pg_i64(r, 0, 8),
			   .cold_raw_bytes = pg_i64(r, 0, 9),
			   .cache_bytes = pg_i64(r, 0, 15),
			   .vector_reclaimable_bytes = pg_i64(r, 0, 17) },
		.share = pg_f64(r, 0, 16),
		.storage_class = pg_is_null(r, 0, 10) ? NULL : pg_text(r, 0, 10),
		.bytes = pg_i64(r, 0, 11),
		.billed_bytes = pg_i64(r, 0, 12),
		.rows_rehydrated = pg_i64(r, 0, 13),
		.rows_moved = pg_i64(r, 0, 14),
	};

	return v->visit(v->ctx, &d, e);
}

static bool param_ids(struct pg_params *p, const int64_t *ids, size_t count, struct buf *text,
		      struct err *e)
{
	buf_add_str(text, "{");
	for (size_t i = 0; i < count; i++)
		pg_add_array_i64(text, ids[i]);
	buf_add_str(text, "}");
	pg_param_text(p, buf_str(text));
	return buf_ok(text, e);
}

bool usage_days(struct pg *pg, int64_t table_id, const int64_t *table_ids, size_t table_count,
		bool (*visit)(void *ctx, const struct usage_day *d, struct err *e), void *ctx,
		struct err *e)
{
	static const char sql[] =
		"WITH cold AS (SELECT table_id, day, sum(billed_bytes) AS billed FROM "
		"firn.usage_daily_class WHERE table_id = ANY ($2::bigint[]) GROUP BY 1, 2), "
		"taken AS (SELECT d.table_id, d.day, d.heap_bytes + d.toast_bytes + "
		"d.index_bytes AS hot, coalesce(cold.billed, 0) AS cold FROM firn.usage_daily d "
		"LEFT JOIN cold USING (table_id, day) WHERE d.table_id = ANY ($2::bigint[]) AND "
		"d.measured_at IS NOT NULL), "
		"part AS (SELECT table_id, day, (CASE WHEN sum(cold) OVER w > 0 THEN cold / "
		"sum(cold) OVER w WHEN sum(hot) OVER w > 0 THEN hot / sum(hot) OVER w ELSE "
		"1.0 / count(*) OVER w END)::float8 AS share FROM taken "
		"WINDOW w AS (PARTITION BY day)) "
		"SELECT u.day::text, row_number() OVER (PARTITION BY u.day ORDER BY "
		"c.storage_class) = 1, u.hot_rows, u.heap_bytes, u.toast_bytes, u.index_bytes, "
		"u.vector_index_bytes, u.reclaimable_bytes, u.cold_rows, u.cold_raw_bytes, "
		"c.storage_class, c.bytes, c.billed_bytes, u.rows_rehydrated, "
		"coalesce(p.moved, 0), coalesce(u.cache_bytes, 0), part.share, "
		/* Of days before that is not known: as much of it as of all. */
		"coalesce(u.vector_reclaimable_bytes, (u.reclaimable_bytes::float8 * "
		"u.vector_index_bytes / nullif(u.heap_bytes + u.toast_bytes + u.index_bytes, "
		"0))::bigint, 0) FROM "
		"firn.usage_daily u JOIN part USING (table_id, day) LEFT JOIN "
		"firn.usage_daily_class c "
		"USING (table_id, day) LEFT JOIN (SELECT (started_at AT TIME ZONE 'UTC')::date AS "
		"day, sum(rows_moved)::bigint AS moved FROM firn.pass WHERE table_id = $1::bigint "
		"GROUP BY 1) p ON p.day = u.day WHERE u.table_id = $1::bigint AND u.measured_at IS "
		"NOT NULL ORDER BY u.day, c.storage_class";
	struct day_visit v = { visit, ctx };
	struct pg_params p = PG_PARAMS_INIT;
	struct buf ids = BUF_INIT;
	bool ok;

	pg_param_i64(&p, table_id);
	ok = param_ids(&p, table_ids, table_count, &ids, e) &&
	     pg_query_each(pg, sql, &p, visit_day, &v, e);
	buf_release(&ids);
	return ok || err_wrap(e, "could not read what storage was used");
}

bool usage_passes(struct pg *pg, const char *since, struct pg_result **out, struct err *e)
{
	static const char sql[] =
		"SELECT p.id, t.label, pg_catalog.to_char(p.started_at AT TIME ZONE 'UTC', "
		"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), coalesce(extract(epoch FROM p.finished_at - "
		"p.started_at), -1)::float8, CASE WHEN p.finished_at IS NULL THEN '' ELSE "
		"coalesce(p.outcome, '') END, p.rows_moved, "
		"p.rows_changed, p.segments, p.raw_bytes, p.stored_bytes, "
		"coalesce(extract(epoch FROM p.moved_at - p.started_at), -1)::float8 FROM "
		"firn.pass p JOIN "
		"firn.managed_table t ON t.id = p.table_id WHERE p.started_at >= "
		"$1::date::timestamp "
		"AT TIME ZONE 'UTC' ORDER BY p.id DESC LIMIT 200";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_text(&p, since);
	return pg_query(pg, sql, &p, out, e) || err_wrap(e, "could not read the passes");
}

bool usage_read_pass_requests(struct pg *pg, const char *since, struct pg_result **out,
			      struct err *e)
{
	static const char sql[] =
		"SELECT q.pass_id, q.kind, q.storage_class, q.calls, q.bytes FROM "
		"firn.pass_request q JOIN firn.pass p ON p.id = q.pass_id WHERE p.started_at >= "
		"$1::date::timestamp AT TIME ZONE 'UTC' ORDER BY 1 DESC, 2, 3";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_text(&p, since);
	return pg_query(pg, sql, &p, out, e) ||
	       err_wrap(e, "could not read the passes' requests to the archive");
}

bool usage_recent_requests(struct pg *pg, int64_t days, struct pg_result **out, struct err *e)
{
	static const char sql[] =
		"SELECT kind, storage_class, sum(calls)::bigint, sum(bytes)::bigint "
		"FROM firn.request_daily WHERE day > " TODAY " - $1::int AND calls > 0 "
		"GROUP BY 1, 2 ORDER BY 1, 2";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, days);
	return pg_query(pg, sql, &p, out, e) ||
	       err_wrap(e, "could not read the requests to the archive");
}

bool usage_requests_by_day(struct pg *pg, struct pg_result **out, struct err *e)
{
	return pg_query(pg,
			"SELECT day::text, kind, storage_class, calls, bytes FROM "
			"firn.request_daily ORDER BY 1, 2, 3",
			NULL, out, e) ||
	       err_wrap(e, "could not read the requests to the archive");
}

bool usage_request_totals(struct pg *pg, struct pg_result **out, struct err *e)
{
	return pg_query(pg,
			"SELECT kind, sum(calls)::bigint, sum(bytes)::bigint FROM "
			"firn.request_daily GROUP BY 1 ORDER BY 1",
			NULL, out, e) ||
	       err_wrap(e, "could not count the requests to the archive");
}

bool usage_read_requests(struct pg *pg, const char *since, struct pg_result **out, struct err *e)
{
	static const char sql[] =
		"SELECT kind, storage_class, sum(calls)::bigint, sum(bytes)::bigint FROM "
		"firn.request_daily WHERE day >= $1::date GROUP BY 1, 2 ORDER BY 1, 2";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_text(&p, since);
	return pg_query(pg, sql, &p, out, e) ||
	       err_wrap(e, "could not read the requests to the archive");
}

bool usage_operations(struct pg *pg, const char *const *good_ends, struct pg_result **out,
		      struct err *e)
{
	static const char sql[] =
		"WITH v AS (SELECT * FROM firn.inspection WHERE command = 'verify' "
		"ORDER BY id DESC LIMIT 1), "
		"g AS (SELECT * FROM firn.inspection WHERE command = 'gc' ORDER BY id DESC LIMIT "
		"1), "
		"p AS (SELECT max(finished_at) AS ended, "
		"max(finished_at) FILTER (WHERE outcome = 'done' OR outcome = ANY ($1::text[])) AS "
		"done, "
		"coalesce(sum(rows_moved), 0)::bigint AS moved FROM firn.pass), "
		"s AS (SELECT count(*) FILTER (WHERE state = 'active') AS active, "
		"count(*) FILTER (WHERE state = 'intent') AS intent, "
		"count(*) FILTER (WHERE state = 'retired') AS retired, "
		"count(*) FILTER (WHERE state = 'active' AND format_version = 1) AS plain "
		"FROM firn.segment), "
		"due AS (SELECT table_id, leaf FROM firn.maintenance "
		"UNION SELECT table_id, leaf FROM firn.index_restore), "
		"u AS (SELECT coalesce(sum(rows_rehydrated), 0)::bigint AS rows, "
		"coalesce(sum(rehydrates), 0)::bigint AS times FROM firn.usage_daily) "
		"SELECT coalesce(extract(epoch FROM p.ended), 0)::bigint, "
		"coalesce(extract(epoch FROM p.done), 0)::bigint, "
		"coalesce((SELECT extract(epoch FROM finished_at) FROM v), 0)::bigint, "
		"coalesce((SELECT (outcome = 'done' AND problems = 0)::int FROM v), -1), "
		"coalesce((SELECT problems FROM v), 0), "
		"coalesce((SELECT extract(epoch FROM finished_at) FROM g), 0)::bigint, "
		"coalesce((SELECT orphans FROM g), -1), "
		"coalesce((SELECT orphan_bytes FROM g), -1), "
		"s.active, s.intent, s.retired, s.plain, (SELECT count(*) FROM due), "
		"p.moved, u.rows, u.times FROM p, s, u";
	struct pg_params p = PG_PARAMS_INIT;
	struct buf reasons = BUF_INIT;
	bool ok;

	buf_add_str(&reasons, "{");
	for (; *good_ends; good_ends++)
		pg_add_array_item(&reasons, *good_ends);
	buf_add_str(&reasons, "}");
	ok = buf_ok(&reasons, e);
	pg_param_text(&p, buf_str(&reasons));
	ok = ok && pg_query(pg, sql, &p, out, e);
	buf_release(&reasons);
	return ok || err_wrap(e, "could not read how passes and inspections ended");
}

bool usage_calendar(struct pg *pg, int64_t days_ago, struct pg_result **out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, days_ago);
	return pg_query(pg,
			"SELECT " TODAY "::text, pg_catalog.date_trunc('month', " TODAY
			"::timestamp)::date::text, (" TODAY " - $1::int)::text",
			&p, out, e) ||
	       err_wrap(e, "could not read the date");
}
