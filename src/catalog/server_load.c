#include "catalog/server_load.h"

#include "sql.h"

/* Class of the advisory locks of build slots; the other half of the key is the slot's number. */
#define SLOT_LOCK_CLASS 0x66697262

bool server_load_read(struct pg *pg, struct server_load *out, struct err *e)
{
	struct pg_result *r = NULL;

	if (!pg_query(pg, sql_server_load, NULL, &r, e))
		return err_wrap(e, "could not see how busy the server is");
	*out = (struct server_load){ pg_i64(r, 0, 0), pg_i64(r, 0, 1), pg_i64(r, 0, 2) };
	pg_result_free(r);
	return true;
}

bool server_load_inserted(struct pg *pg, const struct table_info *t, int64_t *rows_out,
			  struct err *e)
{
	static const char sql[] =
		"SELECT coalesce(sum(pg_catalog.pg_stat_get_tuples_inserted(p.relid)), 0)::bigint "
		"FROM (SELECT $1::bigint::oid AS relid UNION SELECT t.relid::oid FROM "
		"pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) t) p";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, t->oid);
	if (!pg_query(pg, sql, &p, &r, e))
		return err_wrap(e, "could not see how many rows come in");
	*rows_out = pg_i64(r, 0, 0);
	pg_result_free(r);
	return true;
}

bool build_slot_take(struct pg *pg, int64_t count, int *slot_out, struct err *e)
{
	struct pg_result *r = NULL;

	*slot_out = -1;
	for (int slot = 0; slot < count && *slot_out < 0; slot++) {
		struct pg_params p = PG_PARAMS_INIT;

		pg_param_i64(&p, SLOT_LOCK_CLASS);
		pg_param_i64(&p, slot);
		if (!pg_query(pg,
			      "SELECT pg_catalog.pg_try_advisory_lock($1::bigint::int, "
			      "$2::bigint::int)",
			      &p, &r, e))
			return err_wrap(e, "could not take a place for an index build");
		if (pg_bool(r, 0, 0))
			*slot_out = slot;
		pg_result_free(r);
	}
	return true;
}

void build_slot_release(struct pg *pg, int slot)
{
	struct err ignored = { 0 };

	if (slot >= 0)
		pg_execf(pg, &ignored, "SELECT pg_catalog.pg_advisory_unlock(%d, %d)",
			 SLOT_LOCK_CLASS, slot);
}
