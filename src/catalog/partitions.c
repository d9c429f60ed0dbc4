#include "catalog/partitions.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "sql.h"

static bool load_items(struct pg *pg, const struct table_info *t, struct partitioning *out,
		       struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok = false;

	pg_param_i64(&p, t->oid);
	if (!pg_query(pg, sql_partition_children, &p, &r, e))
		return false;
	out->items = mem_new((size_t)pg_rows(r), sizeof(*out->items), e);
	if (!out->items)
		goto out;
	for (int i = 0; i < pg_rows(r); i++) {
		struct partition *item = &out->items[out->count++];

		*item = (struct partition){
			.oid = (uint32_t)pg_i64(r, i, 0),
			.schema = mem_strdup(pg_text(r, i, 1), e),
			.name = mem_strdup(pg_text(r, i, 2), e),
			.bound = mem_strdup(pg_text(r, i, 3), e),
			.modulus = pg_i64(r, i, 4),
			.remainder = pg_i64(r, i, 5),
		};
		if (!item->schema || !item->name || !item->bound)
			goto out;
	}
	ok = true;
out:
	pg_result_free(r);
	return ok;
}

bool partitioning_load(struct pg *pg, const struct table_info *t, struct partitioning *out,
		       struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	*out = (struct partitioning){ 0 };
	pg_param_i64(&p, t->oid);
	ok = pg_query(pg, sql_partition_root, &p, &r, e);
	if (ok && pg_rows(r) != 1)
		ok = err_set(e, ERR_CONFIG, "table \"%s\" is gone", t->label);
	if (ok) {
		out->strategy = mem_strdup(pg_text(r, 0, 0), e);
		out->key = mem_strdup(pg_text(r, 0, 1), e);
		out->owner = mem_strdup(pg_text(r, 0, 2), e);
		out->name_max = pg_i64(r, 0, 3);
		ok = out->strategy && out->key && out->owner && load_items(pg, t, out, e);
	}
	pg_result_free(r);
	if (ok)
		return true;
	partitioning_release(out);
	return err_wrap(e, "could not look at the partitions of \"%s\"", t->label);
}

void partitioning_release(struct partitioning *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].schema);
		free(p->items[i].name);
		free(p->items[i].bound);
	}
	free(p->items);
	free(p->strategy);
	free(p->key);
	free(p->owner);
	*p = (struct partitioning){ 0 };
}

bool partitioning_largest_share(struct pg *pg, const struct table_info *t, double *share_out,
				struct err *e)
{
	static const char sql[] =
		"SELECT most_common_freqs[1]::float8 FROM pg_catalog.pg_stats WHERE schemaname = "
		"$1::text "
		"AND tablename = $2::text AND attname = $3::text AND inherited = $4::boolean";
	const struct column *workspace = table_info_column(t, COLUMN_WORKSPACE);
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	*share_out = -1;
	if (!workspace)
		return true;
	pg_param_text(&p, t->schema);
	pg_param_text(&p, t->name);
	pg_param_text(&p, workspace->name);
	pg_param_text(&p, t->partitioned ? "true" : "false");
	if (!pg_query(pg, sql, &p, &r, e))
		return err_wrap(e, "could not read the statistics of \"%s\"", t->label);
	if (pg_rows(r) == 1 && !pg_is_null(r, 0, 0))
		*share_out = pg_f64(r, 0, 0);
	pg_result_free(r);
	return true;
}

bool partitioning_create(struct pg *pg, const struct table_info *t, const struct partitioning *p,
			 const char *name, int64_t modulus, int64_t remainder, int wait_ms,
			 struct err *e)
{
	struct buf leaf = BUF_INIT, owner = BUF_INIT;
	bool ok;

	pg_add_qualified(pg, &leaf, t->schema, name);
	pg_add_identifier(pg, &owner, p->owner);
	ok = buf_ok(&leaf, e) && buf_ok(&owner, e) && pg_begin(pg, NULL, e);
	if (!ok)
		goto out;
	ok = pg_execf(pg, e, "SET LOCAL lock_timeout = %d", wait_ms) &&
	     pg_execf(pg, e,
		      "CREATE TABLE %s PARTITION OF %s FOR VALUES WITH (MODULUS %lld, REMAINDER "
		      "%lld)",
		      buf_str(&leaf), t->qualified, (long long)modulus, (long long)remainder) &&
	     pg_execf(pg, e, "ALTER TABLE %s OWNER TO %s", buf_str(&leaf), buf_str(&owner)) &&
	     pg_commit(pg, e);
	if (!ok && str_eq(pg_last_sqlstate(pg), "42P07")) {
		err_set(e, ERR_EXISTS,
			"there is a table \"%s.%s\" that is not a partition of \"%s\"", t->schema,
			name, t->label);
		err_hint(e,
			 "Rename it, or attach it where its rows belong there: ALTER TABLE %s "
			 "ATTACH PARTITION %s FOR VALUES WITH (MODULUS %lld, REMAINDER %lld);",
			 t->qualified, buf_str(&leaf), (long long)modulus, (long long)remainder);
	}
	if (!ok)
		pg_rollback(pg);
out:
	buf_release(&leaf);
	buf_release(&owner);
	return ok || err_wrap(e, "could not create partition \"%s\"", name);
}
