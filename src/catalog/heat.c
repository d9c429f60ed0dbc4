#include "catalog/heat.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "sql.h"

/* Of the log: a few thousand calls, and a transaction that takes a moment. */
#define BATCH_BLOCKS 128
/* A log of so many blocks is not worth the lock that empties its file. */
#define BLOCKS_KEPT 4
/* What a key of firn.heat has room for. No key of a managed table is longer either. */
#define KEY_BYTES_MAX 2600

static bool fault(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "a fault was injected");
}

/* ---- whether the log is whole ---- */

static bool is_whole(struct pg *pg, bool *out, struct err *e)
{
	struct pg_result *r = NULL;

	if (!pg_query(pg,
		      "SELECT EXISTS (SELECT 1 FROM firn.touch_state s JOIN firn.touch_log l ON "
		      "l.managed = 0 AND l.ids = ARRAY[s.marker::text] WHERE s.log = "
		      "'firn.touch_log'::regclass::oid)",
		      NULL, &r, e))
		return false;
	*out = pg_bool(r, 0, 0);
	pg_result_free(r);
	return true;
}

static bool lock_state(struct pg *pg, char from[32], char to[32], struct err *e)
{
	static const char sql[] =
		"SELECT to_char(intact_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
		"to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
		"FROM firn.touch_state FOR UPDATE";
	struct pg_result *r = NULL;

	if (!pg_query(pg, sql, NULL, &r, e))
		return false;
	snprintf(from, 32, "%s", pg_rows(r) ? pg_text(r, 0, 0) : "");
	snprintf(to, 32, "%s", pg_rows(r) ? pg_text(r, 0, 1) : "");
	pg_result_free(r);
	return true;
}

static bool any_tracked(struct pg *pg, bool *out, struct err *e)
{
	struct pg_result *r = NULL;

	if (!pg_query(pg, "SELECT EXISTS (SELECT 1 FROM firn.heat_state)", NULL, &r, e))
		return false;
	*out = pg_bool(r, 0, 0);
	pg_result_free(r);
	return true;
}

bool heat_check_log(struct pg *pg, bool *lost_out, char from[32], char to[32], struct err *e)
{
	bool whole = false, ok;

	*lost_out = false;
	ok = pg_begin(pg, NULL, e) && lock_state(pg, from, to, e) && is_whole(pg, &whole, e);
	if (ok && whole)
		ok = pg_exec(pg, "UPDATE firn.touch_state SET intact_at = now()", e);
	else if (ok)
		ok = pg_exec(pg, sql_heat_lost, e) && any_tracked(pg, lost_out, e);
	ok = ok && pg_commit(pg, e);
	if (!ok)
		pg_rollback(pg);
	return ok || err_wrap(e, "could not look at the log of reads");
}

/* ---- reads from elsewhere ---- */

bool heat_record_start(struct pg *pg, uint32_t table_oid, struct err *e)
{
	static const char touched[] =
		"INSERT INTO firn.touched (managed) SELECT $1::bigint::oid WHERE NOT EXISTS "
		"(SELECT 1 FROM firn.touched WHERE managed = $1::bigint::oid)";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_oid);
	if (pg_begin(pg, NULL, e) && pg_query(pg, touched, &p, NULL, e) &&
	    pg_copy_in_start(pg,
			     "COPY firn.touch_log (managed, workspace, ids, read_at) FROM STDIN "
			     "(FORMAT BINARY)",
			     e))
		return true;
	pg_rollback(pg);
	return err_wrap(e, "could not record reads");
}

bool heat_complete_since(struct pg *pg, int64_t table_id, int64_t since_us, struct err *e)
{
	static const char sql[] =
		"INSERT INTO firn.heat_state AS s (table_id, known_since) SELECT $1::bigint, t.at "
		"FROM (SELECT timestamptz 'epoch' + $2::bigint * interval '1 microsecond' AS at) t "
		"WHERE t.at <= now() ON CONFLICT (table_id) DO UPDATE SET known_since = "
		"least(s.known_since, excluded.known_since)";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool future;

	pg_param_i64(&p, table_id);
	pg_param_i64(&p, since_us);
	if (!pg_query(pg, sql, &p, &r, e))
		return err_wrap(e, "could not note since when reads are complete");
	future = pg_affected(r) == 0;
	pg_result_free(r);
	return !future || err_set(e, ERR_USAGE, "the time of --complete-since is still to come");
}

/* ---- folding ---- */

/* The table has a row of heat_state once it was touched; what was read before it had one is not known. */
static bool begin_tracking(struct pg *pg, int64_t table_id, bool *tracked_out, struct err *e)
{
	static const char insert[] =
		"INSERT INTO firn.heat_state (table_id) SELECT $1::bigint WHERE EXISTS (SELECT 1 "
		"FROM firn.touched t JOIN firn.touch_oid o ON o.oid = t.managed WHERE o.table_id = "
		"$1::bigint) ON CONFLICT DO NOTHING";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, table_id);
	if (!pg_query(pg, insert, &p, NULL, e) ||
	    !pg_query(pg,
		      "SELECT EXISTS (SELECT 1 FROM firn.heat_state WHERE table_id = $1::bigint)",
		      &p, &r, e))
		return false;
	*tracked_out = pg_bool(r, 0, 0);
	pg_result_free(r);
	return true;
}

static bool log_blocks(struct pg *pg, int64_t *out, struct err *e)
{
	struct pg_result *r = NULL;

	if (!pg_query(pg,
		      "SELECT pg_relation_size('firn.touch_log') / "
		      "current_setting('block_size')::bigint",
		      NULL, &r, e))
		return false;
	*out = pg_i64(r, 0, 0);
	pg_result_free(r);
	return true;
}

/* One statement: a read is in the log or in the heat, never in both and never in neither. Both sums are at the later of
 * the two last reads, so it does not matter in which order batches come. Exponents are bounded, because Postgres takes a
 * power that is too small to be written for an error. */
static bool fold_batch(struct pg *pg, const struct heat_options *o, const char *oids, int64_t from,
		       int64_t *reads_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_str(&sql, "WITH batch AS (DELETE FROM firn.touch_log l WHERE ");
	pg_add_blocks(pg, &sql, "l.ctid", from, from + BATCH_BLOCKS);
	buf_printf(
		&sql,
		" AND l.managed = ANY ($2::oid[]) RETURNING l.workspace, l.ids, "
		"least(l.read_at, clock_timestamp()) AS at), "
		"reads AS (SELECT b.workspace COLLATE \"C\" AS workspace, i.id COLLATE \"C\" AS "
		"chunk, b.at, max(b.at) OVER (PARTITION BY b.workspace COLLATE \"C\", i.id COLLATE "
		"\"C\") AS last FROM batch b, unnest(b.ids) i (id) WHERE i.id IS NOT NULL AND "
		"octet_length(b.workspace) + octet_length(i.id) <= %d), "
		"put AS (INSERT INTO firn.heat AS h (table_id, workspace, chunk, heat, last_read) "
		"SELECT $1::bigint, workspace, chunk, sum(power(2::float8, "
		"-least(date_part('epoch', last - at) / $3::float8, 1000))), last FROM reads "
		"GROUP BY workspace, chunk, last "
		"ON CONFLICT (table_id, workspace, chunk) DO UPDATE SET heat = "
		"h.heat * power(2::float8, -least(greatest(date_part('epoch', "
		"excluded.last_read - h.last_read) / $3::float8, 0), 1000)) + "
		"excluded.heat * power(2::float8, -least(greatest(date_part('epoch', "
		"h.last_read - excluded.last_read) / $3::float8, 0), 1000)), "
		"last_read = greatest(h.last_read, excluded.last_read)) "
		"SELECT count(*) FROM reads",
		KEY_BYTES_MAX);
	pg_param_i64(&p, o->table_id);
	pg_param_text(&p, oids);
	pg_param_i64(&p, o->half_life_s);
	ok = buf_ok(&sql, e) && pg_begin(pg, NULL, e) && pg_query(pg, buf_str(&sql), &p, &r, e);
	if (ok) {
		*reads_out += pg_i64(r, 0, 0);
		ok = !FAULT("heat.before_commit") || fault(e);
	}
	ok = ok && pg_commit(pg, e);
	if (!ok)
		pg_rollback(pg);
	pg_result_free(r);
	buf_release(&sql);
	return ok;
}

static bool fold_all(struct pg *pg, const struct heat_options *o, int64_t *reads_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	int64_t blocks = 0;
	bool ok;

	pg_param_i64(&p, o->table_id);
	/* What is appended from here on is for the next pass. */
	ok = log_blocks(pg, &blocks, e) &&
	     pg_query(pg,
		      "SELECT coalesce(array_agg(oid), '{}') FROM firn.touch_oid WHERE table_id = "
		      "$1::bigint",
		      &p, &r, e);
	for (int64_t from = 0; ok && from < blocks; from += BATCH_BLOCKS) {
		ok = fold_batch(pg, o, pg_text(r, 0, 0), from, reads_out, e);
		if (ok && FAULT("heat.after_batch"))
			ok = fault(e);
	}
	pg_result_free(r);
	return ok;
}

/* ---- forgetting ---- */

/* Several policies may look at one table in turn: what the one that looks back furthest needs is kept, until no policy
 * has looked so far for a month. */
static bool note_reach(struct pg *pg, const struct heat_options *o, int64_t *reach_out,
		       bool *due_out, struct err *e)
{
	static const char sql[] =
		"UPDATE firn.heat_state s SET folded_at = clock_timestamp(), "
		"reach_s = CASE WHEN w.wider THEN $2::bigint ELSE s.reach_s END, "
		"reach_at = CASE WHEN w.wider THEN now() ELSE s.reach_at END "
		"FROM (SELECT table_id, $2::bigint >= reach_s OR reach_at < now() - interval "
		"'30 days' AS wider FROM firn.heat_state) w "
		"WHERE s.table_id = $1::bigint AND w.table_id = s.table_id "
		"RETURNING s.reach_s, coalesce(s.pruned_at < now() - interval '1 day', true)";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, o->table_id);
	pg_param_i64(&p, o->reach_s);
	if (!pg_query(pg, sql, &p, &r, e))
		return false;
	*reach_out = pg_i64(r, 0, 0);
	*due_out = pg_bool(r, 0, 1);
	pg_result_free(r);
	return true;
}

/* What is forgotten is not known any more: a policy that looks back further waits. */
static bool prune(struct pg *pg, const struct heat_options *o, int64_t reach_s, struct err *e)
{
	static const char state[] =
		"UPDATE firn.heat_state SET pruned_at = now(), known_since = greatest(known_since, "
		"now() - make_interval(secs => $2::bigint)) WHERE table_id = $1::bigint";
	static const char rows[] =
		"DELETE FROM firn.heat h WHERE h.table_id = $1::bigint AND h.last_read < now() - "
		"make_interval(secs => $2::bigint) AND h.heat * power(2::float8, "
		"-least(date_part('epoch', now() - h.last_read) / $3::float8, 1000)) < $4::float8";
	struct pg_params p = PG_PARAMS_INIT, q = PG_PARAMS_INIT;
	char least[32];
	bool ok;

	pg_param_i64(&p, o->table_id);
	pg_param_i64(&p, reach_s);
	pg_param_i64(&q, o->table_id);
	pg_param_i64(&q, reach_s);
	pg_param_i64(&q, o->half_life_s);
	snprintf(least, sizeof(least), "%.17g", o->least);
	pg_param_text(&q, least);
	ok = pg_begin(pg, NULL, e) && pg_query(pg, state, &p, NULL, e) &&
	     pg_query(pg, rows, &q, NULL, e) && (!FAULT("heat.before_prune") || fault(e)) &&
	     pg_commit(pg, e);
	if (!ok)
		pg_rollback(pg);
	return ok;
}

/* ---- the log's room ---- */

static bool only_the_marker(struct pg *pg, bool *out, struct err *e)
{
	struct pg_result *r = NULL;

	if (!pg_query(pg,
		      "SELECT count(*) FILTER (WHERE managed <> 0) = 0 AND count(*) = 1 FROM "
		      "(SELECT managed FROM firn.touch_log LIMIT 2) l",
		      NULL, &r, e))
		return false;
	*out = pg_bool(r, 0, 0);
	pg_result_free(r);
	return true;
}

/* Nobody who reads waits longer than the moment that this waits. */
static bool empty_log(struct pg *pg, bool *done_out, struct err *e)
{
	char from[32], to[32];
	bool only = false, ok;

	*done_out = false;
	ok = pg_begin(pg, NULL, e) && pg_exec(pg, "SET LOCAL lock_timeout = '50ms'", e) &&
	     lock_state(pg, from, to, e) &&
	     pg_exec(pg, "LOCK TABLE firn.touch_log IN ACCESS EXCLUSIVE MODE", e) &&
	     only_the_marker(pg, &only, e);
	if (ok && only)
		ok = pg_exec(pg,
			     "TRUNCATE firn.touch_log; INSERT INTO firn.touch_log (managed, ids) "
			     "SELECT 0, ARRAY[marker::text] FROM firn.touch_state",
			     e) &&
		     (!FAULT("heat.before_truncate") || fault(e)) && pg_commit(pg, e);
	if (!ok || !only)
		pg_rollback(pg);
	*done_out = ok && only;
	return ok;
}

/* What cannot be done now is done by another pass: a failure of it is none of the pass. */
static bool tidy_log(struct pg *pg, struct err *e)
{
	struct err ignored = { 0 };
	int64_t blocks = 0;
	bool only = false, done = false;

	if (!log_blocks(pg, &blocks, e) || (blocks > BLOCKS_KEPT && !only_the_marker(pg, &only, e)))
		return false;
	if (blocks <= BLOCKS_KEPT)
		return true;
	if (only)
		empty_log(pg, &done, &ignored);
	if (ignored.code == ERR_OFFLINE || ignored.code == ERR_INTERNAL) {
		*e = ignored;
		return false;
	}
	if (!done)
		pg_exec(pg, "VACUUM (SKIP_LOCKED) firn.touch_log", &ignored);
	return !FAULT("heat.after_tidy") || fault(e);
}

bool heat_fold(struct pg *pg, const struct heat_options *o, int64_t *reads_out, struct err *e)
{
	int64_t reach_s = 0;
	bool tracked, due = false, ok;

	*reads_out = 0;
	ok = begin_tracking(pg, o->table_id, &tracked, e);
	if (ok && tracked)
		ok = fold_all(pg, o, reads_out, e) && note_reach(pg, o, &reach_s, &due, e) &&
		     (!due || prune(pg, o, reach_s, e));
	return (ok && tidy_log(pg, e)) || err_wrap(e, "could not fold the log of reads");
}

/* ---- the rest ---- */

bool heat_drop_strays(struct pg *pg,
		      bool (*visit)(void *ctx, const char *name, int64_t reads, struct err *e),
		      void *ctx, struct err *e)
{
	struct pg_result *r = NULL;
	bool ok = pg_query(pg, sql_heat_strays, NULL, &r, e);

	if (!ok)
		return err_wrap(e, "could not look for reads of unknown tables");
	for (int i = 0; ok && i < pg_rows(r); i++)
		ok = visit(ctx, pg_text(r, i, 0), pg_i64(r, i, 1), e);
	pg_result_free(r);
	return ok;
}

bool heat_look(struct pg *pg, int64_t table_id, struct heat_known *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	*out = (struct heat_known){ 0 };
	pg_param_i64(&p, table_id);
	if (!pg_query(pg, sql_heat_known, &p, &r, e))
		return err_wrap(e, "could not look at what is known of reads");
	out->tracked = pg_bool(r, 0, 1);
	snprintf(out->since, sizeof(out->since), "%s", pg_text(r, 0, 2));
	out->for_s = pg_i64(r, 0, 3);
	pg_result_free(r);
	return true;
}

bool heat_known_until(struct pg *pg, const char *since, int64_t need_s, char out[32], struct err *e)
{
	static const char sql[] =
		"SELECT to_char(($1::timestamptz + make_interval(secs => $2::bigint)) AT TIME ZONE "
		"'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_text(&p, since);
	pg_param_i64(&p, need_s);
	if (!pg_query(pg, sql, &p, &r, e))
		return false;
	snprintf(out, 32, "%s", pg_text(r, 0, 0));
	pg_result_free(r);
	return true;
}
