#include "catalog/lease.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

/* Class of the advisory locks of leases; the other half of the key is the table's id. */
#define LEASE_LOCK_CLASS 0x6669726c

static bool fail_taken(struct pg *pg, int64_t table_id, struct err *e)
{
	static const char sql[] =
		"SELECT m.label, l.holder, pg_catalog.to_char(l.taken_at, 'YYYY-MM-DD "
		"HH24:MI:SS'), "
		"l.taken_at IS NOT NULL AND l.released_at IS NULL "
		"FROM firn.managed_table m LEFT JOIN firn.lease l ON l.table_id = m.id "
		"WHERE m.id = $1::bigint";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, table_id);
	if (!pg_query(pg, sql, &p, &r, e))
		return false;
	/* The holder has the lock a moment before its row says so. */
	if (pg_rows(r) == 1 && pg_bool(r, 0, 3))
		err_set(e, ERR_BUSY, "table \"%s\" is being worked on by %s since %s UTC",
			pg_text(r, 0, 0), pg_text(r, 0, 1), pg_text(r, 0, 2));
	else
		err_set(e, ERR_BUSY, "table \"%s\" is being worked on by another process",
			pg_rows(r) == 1 ? pg_text(r, 0, 0) : "?");
	pg_result_free(r);
	return err_hint(
		e, "Wait for it to end, or stop it: the lease ends with its database session.");
}

/* *got_out false: another session has it, or this one already does (advisory locks may be taken twice). */
static bool try_lock(struct pg *pg, int64_t table_id, bool *got_out, struct err *e)
{
	static const char sql[] =
		"SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_locks WHERE locktype = "
		"'advisory' "
		"AND pid = pg_catalog.pg_backend_pid() AND granted AND objsubid = 2 "
		"AND classid = $1::bigint::oid AND objid = $2::bigint::oid) THEN false "
		"ELSE pg_catalog.pg_try_advisory_lock($1::bigint::int, $2::bigint::int) END";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, LEASE_LOCK_CLASS);
	pg_param_i64(&p, table_id);
	if (!pg_query(pg, sql, &p, &r, e))
		return false;
	*got_out = pg_bool(r, 0, 0);
	pg_result_free(r);
	return true;
}

static void unlock(struct pg *pg, int64_t table_id)
{
	struct err ignored = { 0 };

	pg_execf(pg, &ignored, "SELECT pg_catalog.pg_advisory_unlock(%d, %d)", LEASE_LOCK_CLASS,
		 (int)table_id);
}

static bool raise_epoch(struct lease *l, struct err *e)
{
	static const char sql[] = "INSERT INTO firn.lease AS l (table_id, epoch, holder, taken_at) "
				  "VALUES ($1::bigint, 1, $2, pg_catalog.clock_timestamp()) ON "
				  "CONFLICT (table_id) DO UPDATE "
				  "SET epoch = l.epoch + 1, holder = excluded.holder, taken_at = "
				  "excluded.taken_at, released_at = NULL "
				  "RETURNING epoch";
	char host[256] = "", holder[320];
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	if (gethostname(host, sizeof(host) - 1) != 0)
		snprintf(host, sizeof(host), "unknown host");
	snprintf(holder, sizeof(holder), "host %s pid %ld", host, (long)getpid());
	pg_param_i64(&p, l->table_id);
	pg_param_text(&p, holder);
	if (!pg_begin(l->pg, NULL, e))
		return false;
	/* Whoever still has the row locked lost its session's lock and is about to commit or fail: no reason to wait. */
	if (!pg_exec(l->pg, "SET LOCAL lock_timeout = '2s'", e) || !pg_query(l->pg, sql, &p, &r, e))
		goto fail;
	l->epoch = pg_i64(r, 0, 0);
	pg_result_free(r);
	if (pg_commit(l->pg, e))
		return true;
fail:
	pg_rollback(l->pg);
	return false;
}

bool lease_take(struct lease *l, struct pg *pg, int64_t table_id, struct err *e)
{
	bool got;

	*l = (struct lease){ .pg = pg, .table_id = table_id };
	if (pg_in_transaction(pg))
		return err_set(e, ERR_INTERNAL, "a lease cannot be taken inside a transaction");
	if (table_id <= 0 || table_id > INT32_MAX)
		return err_set(e, ERR_INTERNAL, "table id %lld has no place in a lock's key",
			       (long long)table_id);
	if (!try_lock(pg, table_id, &got, e))
		return err_wrap(e, "could not take the lease");
	if (!got)
		return fail_taken(pg, table_id, e);
	if (!raise_epoch(l, e)) {
		unlock(pg, table_id);
		return err_wrap(e, "could not take the lease");
	}
	l->held = true;
	return true;
}

bool lease_check(const struct lease *l, struct pg *pg, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	int64_t epoch;

	if (!l->held)
		return err_set(e, ERR_FENCED, "the lease is not held");
	if (!pg_in_transaction(pg))
		return err_set(e, ERR_INTERNAL,
			       "a lease is checked inside the transaction that it fences");
	pg_param_i64(&p, l->table_id);
	if (!pg_query(pg, "SELECT epoch FROM firn.lease WHERE table_id = $1::bigint FOR SHARE", &p,
		      &r, e))
		return err_wrap(e, "could not check the lease");
	epoch = pg_rows(r) == 1 ? pg_i64(r, 0, 0) : -1;
	pg_result_free(r);
	if (epoch != l->epoch)
		return err_set(e, ERR_FENCED, "the lease was taken over: epoch %lld is now %lld",
			       (long long)l->epoch, (long long)epoch);
	return true;
}

bool lease_bump(struct pg *pg, int64_t table_id, struct err *e)
{
	static const char sql[] =
		"INSERT INTO firn.lease AS l (table_id, epoch) VALUES ($1::bigint, 1) "
		"ON CONFLICT (table_id) DO UPDATE SET epoch = l.epoch + 1";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	return pg_query(pg, sql, &p, NULL, e) ||
	       err_wrap(e, "could not keep passes from deleting meanwhile");
}

void lease_release(struct lease *l)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct err ignored = { 0 };

	if (!l || !l->held)
		return;
	l->held = false;
	/* A transaction that is still open was left by a failure. */
	pg_rollback(l->pg);
	pg_param_i64(&p, l->table_id);
	pg_param_i64(&p, l->epoch);
	pg_query(l->pg,
		 "UPDATE firn.lease SET released_at = pg_catalog.clock_timestamp() "
		 "WHERE table_id = $1::bigint AND epoch = $2::bigint",
		 &p, NULL, &ignored);
	unlock(l->pg, l->table_id);
}
