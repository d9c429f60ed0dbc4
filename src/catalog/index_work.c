#include "catalog/index_work.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/mem.h"
#include "base/str.h"
#include "sql.h"

bool index_work_due(struct pg *pg, int64_t table_id, struct due_work **out, size_t *count_out,
		    struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	*out = NULL;
	*count_out = 0;
	pg_param_i64(&p, table_id);
	ok = pg_query(pg,
		      "SELECT leaf, rows_deleted, rows_inserted, "
		      "extract(epoch FROM clock_timestamp() - since) AS age FROM firn.maintenance "
		      "WHERE table_id = $1::bigint UNION ALL "
		      "SELECT r.leaf, 0, 0, extract(epoch FROM clock_timestamp() - min(r.since)) "
		      "FROM firn.index_restore r WHERE r.table_id = $1::bigint AND NOT EXISTS "
		      "(SELECT 1 FROM firn.maintenance m WHERE m.table_id = r.table_id AND "
		      "m.leaf = r.leaf) GROUP BY r.leaf ORDER BY age DESC, leaf",
		      &p, &r, e);
	if (ok) {
		*out = mem_new((size_t)pg_rows(r), sizeof(**out), e);
		ok = *out != NULL;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		(*out)[i] = (struct due_work){ mem_strdup(pg_text(r, i, 0), e), pg_i64(r, i, 1),
					       pg_i64(r, i, 2), pg_f64(r, i, 3) };
		(*count_out)++;
		ok = (*out)[i].leaf != NULL;
	}
	pg_result_free(r);
	return ok || err_wrap(e, "could not read what maintenance is due");
}

void due_work_free(struct due_work *items, size_t count)
{
	for (size_t i = 0; items && i < count; i++)
		free(items[i].leaf);
	free(items);
}

bool index_work_done(struct pg *pg, int64_t table_id, const struct due_work *done, struct err *e)
{
	static const char subtract[] =
		"UPDATE firn.maintenance SET rows_deleted = rows_deleted - $3::bigint, "
		"rows_inserted = rows_inserted - $4::bigint, "
		"since = CASE WHEN $3::bigint > 0 THEN now() ELSE since END "
		"WHERE table_id = $1::bigint AND leaf = $2 AND rows_deleted >= $3::bigint AND "
		"rows_inserted >= $4::bigint";
	static const char clear[] =
		"DELETE FROM firn.maintenance WHERE table_id = $1::bigint AND leaf = $2 "
		"AND rows_deleted = 0 AND rows_inserted = 0";
	struct pg_params p = PG_PARAMS_INIT, q = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	pg_param_text(&p, done->leaf);
	pg_param_i64(&p, done->deleted);
	pg_param_i64(&p, done->inserted);
	pg_param_i64(&q, table_id);
	pg_param_text(&q, done->leaf);
	return (pg_query(pg, subtract, &p, NULL, e) && pg_query(pg, clear, &q, NULL, e)) ||
	       err_wrap(e, "could not record that maintenance of leaf \"%s\" is done", done->leaf);
}

static bool list_indexes(struct pg *pg, const char *sql, const struct pg_params *p, bool all,
			 struct leaf_index **out, size_t *count_out, struct err *e)
{
	struct pg_result *r = NULL;
	bool ok;

	*out = NULL;
	*count_out = 0;
	ok = pg_query(pg, sql, p, &r, e);
	if (ok) {
		*out = mem_new((size_t)pg_rows(r), sizeof(**out), e);
		ok = *out != NULL;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		struct leaf_index *index = &(*out)[i];
		struct buf qualified = BUF_INIT;

		pg_add_qualified(pg, &qualified, pg_text(r, i, 0), pg_text(r, i, 1));
		*index = (struct leaf_index){
			.name = mem_strdup(pg_text(r, i, 1), e),
			.qualified = buf_take(&qualified, e),
			.bytes = pg_i64(r, i, 3),
		};
		snprintf(index->method, sizeof(index->method), "%s", pg_text(r, i, 2));
		index->vector = str_eq(index->method, "hnsw") || str_eq(index->method, "ivfflat");
		if (all) {
			index->dimensions = (int)pg_i64(r, i, 4);
			index->vector_bytes = (int)pg_i64(r, i, 5);
			index->links = (int)pg_i64(r, i, 6);
			index->key_bytes = pg_f64(r, i, 7);
			index->row_bytes = pg_f64(r, i, 8);
			index->dead_at_build = pg_i64(r, i, 9);
			index->attached = pg_bool(r, i, 10);
			index->constraint = pg_bool(r, i, 11);
		}
		(*count_out)++;
		ok = index->name && index->qualified;
	}
	pg_result_free(r);
	return ok || err_wrap(e, "could not list indexes");
}

bool index_work_indexes(struct pg *pg, int64_t table_id, const struct leaf *leaf,
			struct leaf_index **out, size_t *count_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, leaf->oid);
	pg_param_i64(&p, table_id);
	pg_param_text(&p, leaf->label);
	return list_indexes(pg, sql_index_list, &p, true, out, count_out, e);
}

/* Whoever builds concurrently holds a ShareUpdateExclusiveLock on the leaf; so does VACUUM, and then the leftovers
 * wait for the next time. */
bool index_work_leftovers(struct pg *pg, uint32_t leaf_oid, struct leaf_index **out,
			  size_t *count_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, leaf_oid);
	return list_indexes(pg, sql_index_leftovers, &p, false, out, count_out, e);
}

void leaf_indexes_free(struct leaf_index *indexes, size_t count)
{
	for (size_t i = 0; indexes && i < count; i++) {
		free(indexes[i].name);
		free(indexes[i].qualified);
	}
	free(indexes);
}

static bool one_row(struct pg *pg, const char *sql, const struct pg_params *p,
		    struct pg_result **out, struct err *e)
{
	if (!pg_query(pg, sql, p, out, e))
		return false;
	if (pg_rows(*out) == 1)
		return true;
	pg_result_free(*out);
	*out = NULL;
	return err_set(e, ERR_INTERNAL, "a statement that gives one row gave none");
}

bool index_work_bytes(struct pg *pg, const char *qualified, int64_t *bytes_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_text(&p, qualified);
	if (!one_row(pg, "SELECT pg_catalog.pg_relation_size($1::regclass)", &p, &r, e))
		return false;
	*bytes_out = pg_i64(r, 0, 0);
	pg_result_free(r);
	return true;
}

bool index_work_rows(struct pg *pg, uint32_t leaf_oid, int64_t *live_out, int64_t *dead_out,
		     struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, leaf_oid);
	if (!one_row(pg,
		     "SELECT greatest(c.reltuples, 0)::bigint, "
		     "coalesce(pg_catalog.pg_stat_get_dead_tuples(c.oid), 0) "
		     "FROM pg_catalog.pg_class c WHERE c.oid = $1::bigint::oid",
		     &p, &r, e))
		return false;
	*live_out = pg_i64(r, 0, 0);
	*dead_out = pg_i64(r, 0, 1);
	pg_result_free(r);
	return true;
}

bool index_work_disk_free(struct pg *pg, int64_t *bytes_out, struct err *e)
{
	struct pg_result *r = NULL;
	struct statvfs fs;

	*bytes_out = -1;
	if (!pg_is_local(pg))
		return true;
	/* Without the right to see the setting the row's value is NULL. */
	if (!one_row(pg,
		     "SELECT (SELECT setting FROM pg_catalog.pg_settings WHERE name = "
		     "'data_directory')",
		     NULL, &r, e))
		return false;
	if (!pg_is_null(r, 0, 0) && statvfs(pg_text(r, 0, 0), &fs) == 0)
		*bytes_out = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	pg_result_free(r);
	return true;
}

/* Vectors lie in TOAST, so that the heap, by whose size Postgres decides on parallel workers, is small even where there
 * is much to do: max_parallel_maintenance_workers is what limits them. */
bool index_work_set_up_build(struct pg *pg, const char *work_mem, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	if (!pg_exec(pg, "SET min_parallel_table_scan_size = 0", e))
		return false;
	if (!work_mem)
		return true;
	pg_param_text(&p, work_mem);
	return pg_query(pg, "SELECT pg_catalog.set_config('maintenance_work_mem', $1, false)", &p,
			NULL, e);
}

/* A statement that cannot run in a transaction, without the limits meant for short ones. A concurrent build's waits for
 * other transactions are waits for locks on them: lock_timeout holds there, too. */
static bool run_alone(struct pg *pg, const char *verb, const char *qualified, int64_t wait_s,
		      bool *waited_out, struct err *e)
{
	struct err ignored = { 0 };
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql, "%s %s", verb, qualified);
	ok = buf_ok(&sql, e) &&
	     pg_execf(pg, e, "SET statement_timeout = 0; SET lock_timeout = '%" PRId64 "s'",
		      wait_s) &&
	     pg_exec(pg, buf_str(&sql), e);
	if (waited_out)
		*waited_out = !ok && str_eq(pg_last_sqlstate(pg), PG_LOCK_NOT_AVAILABLE);
	/* A cancel that comes late may hit this one; that the server is gone the next statement shows. */
	pg_exec(pg, "SET lock_timeout = 0", &ignored);
	buf_release(&sql);
	return ok || err_wrap(e, "could not %s %s", verb, qualified);
}

bool index_work_reindex(struct pg *pg, const struct leaf_index *index, bool concurrently,
			const char *work_mem, int64_t wait_s, bool *waited_out, struct err *e)
{
	return index_work_set_up_build(pg, work_mem, e) &&
	       run_alone(pg, concurrently ? "REINDEX INDEX CONCURRENTLY" : "REINDEX INDEX",
			 index->qualified, wait_s, waited_out, e);
}

bool index_work_drop(struct pg *pg, const struct leaf_index *index, struct err *e)
{
	return run_alone(pg, "DROP INDEX CONCURRENTLY IF EXISTS", index->qualified,
			 INDEX_DROP_WAIT_S, NULL, e);
}

/* INDEX_CLEANUP OFF holds for TOAST as well, where nothing speaks for leaving dead entries: it gets a VACUUM of its
 * own. */
static bool vacuum_toast(struct pg *pg, const struct leaf *leaf, struct err *e)
{
	static const char find[] = "SELECT n.nspname, t.relname FROM pg_catalog.pg_class c "
				   "JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid "
				   "JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace "
				   "WHERE c.oid = $1::bigint::oid";
	struct pg_params p = PG_PARAMS_INIT;
	struct buf name = BUF_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, leaf->oid);
	ok = pg_query(pg, find, &p, &r, e);
	if (ok && pg_rows(r) == 1) {
		pg_add_qualified(pg, &name, pg_text(r, 0, 0), pg_text(r, 0, 1));
		ok = buf_ok(&name, e) && run_alone(pg, "VACUUM", buf_str(&name), 0, NULL, e);
	}
	buf_release(&name);
	pg_result_free(r);
	return ok;
}

bool index_work_vacuum(struct pg *pg, const struct leaf *leaf, enum vacuum_indexes how,
		       struct err *e)
{
	static const char *const verbs[] = {
		[VACUUM_AS_DUE] = "VACUUM",
		[VACUUM_INDEXES] = "VACUUM (INDEX_CLEANUP ON)",
		[VACUUM_LEAVE_INDEXES] = "VACUUM (INDEX_CLEANUP OFF)",
	};

	return run_alone(pg, verbs[how], leaf->qualified, 0, NULL, e) &&
	       (how != VACUUM_LEAVE_INDEXES || vacuum_toast(pg, leaf, e));
}

bool index_work_recount(struct pg *pg, const struct leaf *leaf, const char *column, struct err *e)
{
	struct buf what = BUF_INIT;
	bool ok;

	buf_printf(&what, "%s (", leaf->qualified);
	pg_add_identifier(pg, &what, column);
	buf_add_str(&what, ")");
	ok = buf_ok(&what, e) && run_alone(pg, "ANALYZE", buf_str(&what), 0, NULL, e);
	buf_release(&what);
	return ok;
}

bool index_work_analyze(struct pg *pg, const char *qualified, struct err *e)
{
	return run_alone(pg, "ANALYZE", qualified, 0, NULL, e);
}

bool index_work_log(struct pg *pg, const struct work_log *w, struct err *e)
{
	static const char sql[] = "INSERT INTO firn.maintenance_log (table_id, leaf, index_name, "
				  "method, action, rows, dead, bytes_before, "
				  "bytes_after, seconds, dimensions, links) VALUES ($1::bigint, "
				  "$2, $3, $4, $5, $6::bigint, $7::bigint, $8::bigint, "
				  "$9::bigint, $10::double precision, $11::bigint::int, "
				  "$12::bigint::int)";
	struct pg_params p = PG_PARAMS_INIT;
	char seconds[32];

	snprintf(seconds, sizeof(seconds), "%.6f", w->seconds);
	pg_param_i64(&p, w->table_id);
	pg_param_text(&p, w->leaf);
	pg_param_text(&p, w->index);
	pg_param_text(&p, w->method);
	pg_param_text(&p, w->action);
	pg_param_i64(&p, w->rows);
	pg_param_i64(&p, w->dead);
	pg_param_i64(&p, w->bytes_before);
	pg_param_i64(&p, w->bytes_after);
	pg_param_text(&p, seconds);
	pg_param_i64(&p, w->dimensions);
	pg_param_i64(&p, w->links);
	return pg_query(pg, sql, &p, NULL, e) || err_wrap(e, "could not log what maintenance cost");
}

bool index_work_samples(struct pg *pg, const char *method, const char *action,
			struct work_sample out[WORK_SAMPLES_MAX], size_t *count_out, struct err *e)
{
	static const char sql[] = "SELECT seconds, rows, dead, dimensions, links FROM "
				  "firn.maintenance_log WHERE method = $1 AND action = $2 "
				  "AND rows > 0 ORDER BY id DESC LIMIT $3::bigint";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_text(&p, method);
	pg_param_text(&p, action);
	pg_param_i64(&p, WORK_SAMPLES_MAX);
	*count_out = 0;
	if (!pg_query(pg, sql, &p, &r, e))
		return err_wrap(e, "could not read what maintenance cost before");
	for (int i = 0; i < pg_rows(r); i++)
		out[(*count_out)++] = (struct work_sample){
			.seconds = pg_f64(r, i, 0),
			.rows = pg_i64(r, i, 1),
			.dead = pg_i64(r, i, 2),
			.dimensions = (int)pg_i64(r, i, 3),
			.links = (int)pg_i64(r, i, 4),
		};
	pg_result_free(r);
	return true;
}

bool index_work_last_build(struct pg *pg, int64_t table_id, const char *leaf, const char *index,
			   char **at_out, struct err *e)
{
	static const char sql[] =
		"SELECT pg_catalog.to_char(max(done_at) AT TIME ZONE 'UTC', "
		"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM firn.maintenance_log WHERE table_id = "
		"$1::bigint AND action = 'reindex' AND leaf = $2 AND index_name = $3";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	*at_out = NULL;
	pg_param_i64(&p, table_id);
	pg_param_text(&p, leaf);
	pg_param_text(&p, index);
	ok = one_row(pg, sql, &p, &r, e);
	if (ok && !pg_is_null(r, 0, 0)) {
		*at_out = mem_strdup(pg_text(r, 0, 0), e);
		ok = *at_out != NULL;
	}
	pg_result_free(r);
	return ok;
}

/* Rows that the estimate of a fresh copy looks at. */
#define SAMPLE_ROWS 1000.0

/* A row's header and item pointer; each value as it is stored (compressed or not), and for one in TOAST the pointer and
 * the headers of its chunks, of which a page takes four. */
static void add_row_bytes(struct pg *pg, struct buf *sql, const struct table_info *t)
{
	buf_add_str(sql, "28");
	for (size_t i = 0; i < t->column_count; i++) {
		buf_add_str(sql, " + coalesce((SELECT s.n + CASE WHEN s.n > 1900 THEN 18 + 38 * "
				 "((s.n + 1995) / 1996) ELSE 0 END FROM (SELECT "
				 "pg_catalog.pg_column_size(r.");
		pg_add_identifier(pg, sql, t->columns[i].name);
		buf_add_str(sql, ") AS n) s), 0)");
	}
}

bool index_work_table_bytes(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			    int64_t rows, int64_t *bytes_out, int64_t *fresh_out, struct err *e)
{
	double percent = rows > 0 ? 100 * SAMPLE_ROWS / (double)rows : 100;
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *size = NULL, *sample = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	*fresh_out = -1;
	pg_param_i64(&p, leaf->oid);
	ok = one_row(pg,
		     "SELECT pg_catalog.pg_relation_size(c.oid) + coalesce("
		     "pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0) "
		     "FROM pg_catalog.pg_class c WHERE c.oid = $1::bigint::oid",
		     &p, &size, e);
	if (!ok)
		goto out;
	*bytes_out = pg_i64(size, 0, 0);
	buf_add_str(&sql, "SELECT avg(");
	add_row_bytes(pg, &sql, t);
	buf_printf(&sql, "), count(*) FROM ONLY %s r TABLESAMPLE SYSTEM (%.4f) REPEATABLE (0)",
		   leaf->qualified,
		   percent > 100     ? 100
		   : percent < 0.001 ? 0.001
				     : percent);
	ok = buf_ok(&sql, e) && one_row(pg, buf_str(&sql), NULL, &sample, e);
	if (ok && pg_i64(sample, 0, 1) >= (int64_t)SAMPLE_ROWS / 4)
		*fresh_out = (int64_t)(pg_f64(sample, 0, 0) * (double)rows);
out:
	pg_result_free(size);
	pg_result_free(sample);
	buf_release(&sql);
	return ok || err_wrap(e, "could not measure leaf \"%s\"", leaf->label);
}
