#include "catalog/sizes.h"

#include <stdlib.h>

#include "base/mem.h"

/* What moved since the statistics were made is known; builds of indexes count rows as well. Where the statistics are lost, or
 * somebody else's build counted, it may be that reltuples has it already: the former is left alone, the latter is not seen. */
#define MOVED_SINCE                                                                              \
	" + CASE WHEN c.reltuples > 0 THEN coalesce((SELECT m.rows_inserted - m.rows_deleted "   \
	"FROM firn.maintenance m WHERE m.table_id = $2::bigint AND m.leaf = $3 AND m.since > "   \
	"greatest(pg_catalog.pg_stat_get_last_analyze_time(c.oid), "                             \
	"pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid), "                                  \
	"pg_catalog.pg_stat_get_last_vacuum_time(c.oid), "                                       \
	"pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)) AND NOT EXISTS (SELECT 1 FROM "     \
	"firn.maintenance_log g WHERE g.table_id = m.table_id AND g.leaf = m.leaf AND g.action " \
	"IN ('reindex', 'create') AND g.done_at > m.since)), 0) ELSE 0 END "

bool sizes_of_leaf(struct pg *pg, const struct leaf *leaf, int64_t table_id, struct leaf_sizes *out,
		   struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL, *counted = NULL;
	struct buf sql = BUF_INIT, count = BUF_INIT;
	bool ok;

	*out = (struct leaf_sizes){ .estimated = true };
	buf_add_str(&sql,
		    "SELECT pg_catalog.pg_table_size(c.oid) - "
		    "coalesce(pg_catalog.pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0), "
		    "coalesce(pg_catalog.pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0), "
		    "pg_catalog.pg_indexes_size(c.oid), c.reltuples::bigint");
	pg_param_i64(&p, leaf->oid);
	if (table_id) {
		buf_add_str(&sql, MOVED_SINCE);
		pg_param_i64(&p, table_id);
		pg_param_text(&p, leaf->label);
	}
	buf_add_str(&sql, " FROM pg_catalog.pg_class c WHERE c.oid = $1::bigint::oid");
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, &r, e);
	if (ok && pg_rows(r) == 1) {
		out->heap_bytes = pg_i64(r, 0, 0);
		out->toast_bytes = pg_i64(r, 0, 1);
		out->index_bytes = pg_i64(r, 0, 2);
		out->rows = pg_i64(r, 0, 3);
	}
	if (ok && out->rows <= 0) {
		buf_printf(&count, "SELECT count(*) FROM ONLY %s", leaf->qualified);
		ok = buf_ok(&count, e) && pg_query(pg, buf_str(&count), NULL, &counted, e);
		if (ok)
			out->rows = pg_i64(counted, 0, 0);
		out->estimated = false;
	}
	pg_result_free(counted);
	pg_result_free(r);
	buf_release(&count);
	buf_release(&sql);
	return ok || err_wrap(e, "could not measure leaf \"%s\"", leaf->label);
}

void row_counts_free(struct row_count *counts, size_t count)
{
	for (size_t i = 0; counts && i < count; i++) {
		free(counts[i].leaf);
		free(counts[i].workspace);
		free(counts[i].version);
	}
	free(counts);
}

/* Columns: leaf, workspace, version, hot rows, cold rows, cold bytes, cold raw bytes. */
static bool read_counts(struct pg *pg, const char *sql, int64_t table_id, struct row_count **out,
			size_t *count_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	*out = NULL;
	*count_out = 0;
	pg_param_i64(&p, table_id);
	ok = pg_query(pg, sql, &p, &r, e);
	if (ok) {
		*out = mem_new((size_t)pg_rows(r), sizeof(**out), e);
		ok = *out != NULL;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		struct row_count *c = &(*out)[(*count_out)++];

		*c = (struct row_count){
			.leaf = mem_strdup(pg_text(r, i, 0), e),
			.workspace = mem_strdup(pg_text(r, i, 1), e),
			.version = mem_strdup(pg_text(r, i, 2), e),
			.hot_rows = pg_i64(r, i, 3),
			.cold_rows = pg_i64(r, i, 4),
			.cold_bytes = pg_i64(r, i, 5),
			.cold_raw_bytes = pg_i64(r, i, 6),
		};
		ok = c->leaf && c->workspace && c->version;
	}
	pg_result_free(r);
	if (!ok) {
		row_counts_free(*out, *count_out);
		*out = NULL;
		*count_out = 0;
	}
	return ok;
}

/* A group's bytes shrink with its live rows: the rest is waiting for compaction. */
#define COLD_SUMS                                                                              \
	"coalesce(sum(w.rows_live), 0)::bigint, "                                              \
	"coalesce(sum(w.bytes::numeric * w.rows_live / nullif(w.rows_total, 0)), 0)::bigint, " \
	"coalesce(sum(w.raw_bytes::numeric * w.rows_live / nullif(w.rows_total, 0)), 0)::bigint "

bool sizes_by_workspace(struct pg *pg, const struct table_info *t, int64_t table_id,
			struct row_count **out, size_t *count_out, struct err *e)
{
	const struct column *workspace = table_info_column(t, COLUMN_WORKSPACE);
	const struct column *version = table_info_column(t, COLUMN_VERSION);
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_str(&sql, "SELECT '', coalesce(h.w, c.w), coalesce(h.v, c.v), coalesce(h.n, 0), "
			  "coalesce(c.n, 0), "
			  "coalesce(c.b, 0), coalesce(c.r, 0) FROM (SELECT coalesce(t.");
	pg_add_identifier(pg, &sql, workspace->name);
	buf_add_str(&sql, "::text, '') AS w, ");
	if (version) {
		buf_add_str(&sql, "coalesce(t.");
		pg_add_identifier(pg, &sql, version->name);
		buf_add_str(&sql, "::text, '')");
	} else {
		buf_add_str(&sql, "''::text");
	}
	buf_printf(&sql,
		   " AS v, count(*) AS n FROM %s t GROUP BY 1, 2) h FULL JOIN (SELECT w.workspace, "
		   "w.version, " COLD_SUMS
		   "FROM firn.segment s JOIN firn.segment_workspace w ON w.segment_id = s.id "
		   "WHERE s.table_id = $1::bigint AND s.state = 'active' AND w.rows_live > 0 "
		   "GROUP BY 1, 2) c(w, v, n, b, r) ON c.w = h.w AND c.v = h.v ORDER BY 2, 3",
		   t->qualified);
	ok = buf_ok(&sql, e) && read_counts(pg, buf_str(&sql), table_id, out, count_out, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not count the rows of table \"%s\"", t->label);
}

bool sizes_cold_by_leaf(struct pg *pg, int64_t table_id, struct row_count **out, size_t *count_out,
			struct err *e)
{
	return read_counts(
		       pg,
		       "SELECT leaf, '', '', 0, sum(rows_live)::bigint, sum(bytes + "
		       "index_bytes)::bigint, "
		       "sum(raw_bytes::numeric * rows_live / rows_total)::bigint FROM firn.segment "
		       "WHERE table_id = $1::bigint AND state = 'active' GROUP BY 1 ORDER BY 1",
		       table_id, out, count_out, e) ||
	       err_wrap(e, "could not sum what is cold");
}

void cold_classes_free(struct cold_class *classes, size_t count)
{
	for (size_t i = 0; classes && i < count; i++)
		free(classes[i].storage_class);
	free(classes);
}

bool sizes_by_class(struct pg *pg, int64_t table_id, struct cold_class **out, size_t *count_out,
		    struct err *e)
{
	static const char sql[] =
		"SELECT class, sum(rows)::bigint, sum(bytes)::bigint, sum(raw)::bigint FROM ("
		"SELECT coalesce(storage_class, '') AS class, rows_live AS rows, bytes, "
		"raw_bytes::numeric * rows_live / rows_total AS raw FROM firn.segment "
		"WHERE table_id = $1::bigint AND state = 'active' "
		"UNION ALL SELECT '', 0, index_bytes, 0 FROM firn.segment WHERE table_id = "
		"$1::bigint AND state = 'active') q "
		"GROUP BY 1 ORDER BY 1";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	*out = NULL;
	*count_out = 0;
	pg_param_i64(&p, table_id);
	ok = pg_query(pg, sql, &p, &r, e);
	if (ok) {
		*out = mem_new((size_t)pg_rows(r), sizeof(**out), e);
		ok = *out != NULL;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		(*out)[i] = (struct cold_class){ mem_strdup(pg_text(r, i, 0), e), pg_i64(r, i, 1),
						 pg_i64(r, i, 2), pg_i64(r, i, 3) };
		(*count_out)++;
		ok = (*out)[i].storage_class != NULL;
	}
	pg_result_free(r);
	return ok || err_wrap(e, "could not sum what is cold by storage class");
}

bool sizes_encrypted(struct pg *pg, int64_t *encrypted_out, int64_t *not_encrypted_out,
		     struct err *e)
{
	struct pg_result *r = NULL;
	bool ok = pg_query(pg,
			   "SELECT count(*) FILTER (WHERE format_version > 1), "
			   "count(*) FILTER (WHERE format_version = 1) FROM firn.segment WHERE "
			   "state = 'active'",
			   NULL, &r, e);

	*encrypted_out = ok ? pg_i64(r, 0, 0) : 0;
	*not_encrypted_out = ok ? pg_i64(r, 0, 1) : 0;
	pg_result_free(r);
	return ok || err_wrap(e, "could not count encrypted segments");
}

bool sizes_summary(struct pg *pg, int64_t table_id, struct catalog_summary *out, struct err *e)
{
	static const char counts[] =
		"SELECT count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE state = "
		"'intent'), "
		"count(*) FILTER (WHERE state = 'retired'), "
		"(SELECT count(*) FROM (SELECT leaf FROM firn.maintenance WHERE table_id = "
		"$1::bigint UNION SELECT leaf FROM firn.index_restore WHERE table_id = "
		"$1::bigint) d), "
		"count(*) FILTER (WHERE state = 'active' AND format_version = 1) "
		"FROM firn.segment WHERE table_id = $1::bigint";
	static const char last[] = "SELECT pg_catalog.to_char(started_at AT TIME ZONE 'UTC', "
				   "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
				   "CASE WHEN finished_at IS NOT NULL THEN outcome WHEN "
				   "moved_at IS NOT NULL THEN 'still in its index work, or died "
				   "in it' ELSE 'still running, or died' END FROM firn.pass "
				   "WHERE table_id = $1::bigint "
				   "ORDER BY id DESC LIMIT 1";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *c = NULL, *l = NULL;
	bool ok;

	pg_param_i64(&p, table_id);
	ok = pg_query(pg, counts, &p, &c, e) && pg_query(pg, last, &p, &l, e);
	if (ok) {
		out->active += pg_i64(c, 0, 0);
		out->intent += pg_i64(c, 0, 1);
		out->retired += pg_i64(c, 0, 2);
		out->due += pg_i64(c, 0, 3);
		out->not_encrypted += pg_i64(c, 0, 4);
	}
	if (ok && pg_rows(l) == 1) {
		free(out->last_pass_at);
		free(out->last_pass_outcome);
		out->last_pass_at = mem_strdup(pg_text(l, 0, 0), e);
		out->last_pass_outcome = mem_strdup(pg_text(l, 0, 1), e);
		ok = out->last_pass_at && out->last_pass_outcome;
	}
	pg_result_free(c);
	pg_result_free(l);
	return ok || err_wrap(e, "could not sum up the catalog");
}
