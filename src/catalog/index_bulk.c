#include "catalog/index_bulk.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"
#include "catalog/catalog.h"

/* pgvector's HNSW_MIN_EF_CONSTRUCTION. */
#define LEAST_EF_CONSTRUCTION 4
#define LOCK_TIMEOUT          "SET lock_timeout = '5s'"

static bool query_name(struct pg *pg, const char *sql, const char *qualified,
		       struct pg_result **out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_text(&p, qualified);
	return pg_query(pg, sql, &p, out, e);
}

bool index_bulk_can_drop(struct pg *pg, const struct leaf_index *index, bool *out, struct err *e)
{
	static const char sql[] = "SELECT c.reltablespace = 0 AND "
				  "pg_catalog.obj_description(c.oid, 'pg_class') IS NULL "
				  "FROM pg_catalog.pg_class c WHERE c.oid = $1::regclass";
	struct pg_result *r = NULL;

	*out = false;
	if (index->attached || index->constraint)
		return true;
	if (!query_name(pg, sql, index->qualified, &r, e))
		return false;
	*out = pg_rows(r) == 1 && pg_bool(r, 0, 0);
	pg_result_free(r);
	return true;
}

static bool record(struct pg *pg, int64_t table_id, const struct leaf *leaf,
		   const struct leaf_index *index, bool create, struct err *e)
{
	static const char sql[] =
		"INSERT INTO firn.index_restore (table_id, leaf, schema_name, index_name, action, "
		"definition) SELECT $1::bigint, $2, n.nspname, c.relname, $3, CASE $3 WHEN "
		"'create' THEN pg_catalog.pg_get_indexdef(c.oid) ELSE coalesce((SELECT "
		"o.option_value FROM pg_catalog.pg_options_to_table(c.reloptions) o "
		"WHERE o.option_name = 'ef_construction'), '') END "
		"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
		"c.relnamespace WHERE c.oid = $4::regclass";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	pg_param_text(&p, leaf->label);
	pg_param_text(&p, create ? "create" : "reset");
	pg_param_text(&p, index->qualified);
	if (!pg_begin(pg, NULL, e))
		return false;
	if (pg_query(pg, sql, &p, NULL, e) &&
	    catalog_maintenance_add(pg, table_id, leaf->label, 0, 0, e) && pg_commit(pg, e))
		return true;
	pg_rollback(pg);
	return false;
}

/* A statement that waits for its lock no longer than readers may wait behind it. */
static bool exec_with_timeout(struct pg *pg, const char *sql, struct err *e)
{
	struct err ignored = { 0 };
	bool ok = pg_exec(pg, LOCK_TIMEOUT "; SET statement_timeout = 0", e) && pg_exec(pg, sql, e);

	pg_exec(pg, "SET lock_timeout = 0", ok ? e : &ignored);
	return ok;
}

bool index_bulk_begin(struct pg *pg, int64_t table_id, const struct leaf *leaf,
		      const struct leaf_index *index, bool create, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	if (create)
		buf_printf(&sql, "DROP INDEX CONCURRENTLY IF EXISTS %s", index->qualified);
	else
		buf_printf(&sql, "ALTER INDEX %s SET (ef_construction = %d)", index->qualified,
			   LEAST_EF_CONSTRUCTION);
	ok = buf_ok(&sql, e) && record(pg, table_id, leaf, index, create, e);
	/* DROP INDEX CONCURRENTLY waits for transactions, not behind a lock that keeps readers out. */
	if (ok)
		ok = create ? pg_exec(pg, "SET statement_timeout = 0", e) &&
				      pg_exec(pg, buf_str(&sql), e)
			    : exec_with_timeout(pg, buf_str(&sql), e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not take index \"%s\" out of the way", index->name);
}

bool index_bulk_list(struct pg *pg, int64_t table_id, struct index_restore **out, size_t *count_out,
		     struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	*out = NULL;
	*count_out = 0;
	pg_param_i64(&p, table_id);
	ok = pg_query(pg,
		      "SELECT leaf, schema_name, index_name, definition, action = 'create', "
		      "pg_catalog.to_regclass(pg_catalog.format('%I.%I', schema_name, "
		      "index_name)) IS NOT NULL FROM firn.index_restore WHERE table_id = "
		      "$1::bigint ORDER BY since, index_name",
		      &p, &r, e);
	if (ok) {
		*out = mem_new((size_t)pg_rows(r), sizeof(**out), e);
		ok = *out != NULL;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		struct index_restore *item = &(*out)[(*count_out)++];

		*item = (struct index_restore){
			.leaf = mem_strdup(pg_text(r, i, 0), e),
			.schema = mem_strdup(pg_text(r, i, 1), e),
			.name = mem_strdup(pg_text(r, i, 2), e),
			.definition = mem_strdup(pg_text(r, i, 3), e),
			.create = pg_bool(r, i, 4),
			.there = pg_bool(r, i, 5),
		};
		ok = item->leaf && item->schema && item->name && item->definition;
	}
	pg_result_free(r);
	return ok || err_wrap(e, "could not read which indexes are to be restored");
}

void index_restores_free(struct index_restore *items, size_t count)
{
	for (size_t i = 0; items && i < count; i++) {
		free(items[i].leaf);
		free(items[i].schema);
		free(items[i].name);
		free(items[i].definition);
	}
	free(items);
}

static bool forget(struct pg *pg, int64_t table_id, const struct index_restore *item, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	pg_param_text(&p, item->leaf);
	pg_param_text(&p, item->schema);
	pg_param_text(&p, item->name);
	return pg_query(pg,
			"DELETE FROM firn.index_restore WHERE table_id = $1::bigint AND leaf = $2 "
			"AND schema_name = $3 AND index_name = $4",
			&p, NULL, e);
}

static bool create(struct pg *pg, const struct index_restore *item, const char *qualified,
		   bool there, bool valid, bool concurrently, bool *built_out, struct err *e)
{
	static const char begin[] = "CREATE INDEX ";
	struct leaf_index invalid = { .qualified = (char *)qualified };
	struct buf sql = BUF_INIT;
	bool ok;

	if (there && valid)
		return true;
	if (!str_starts_with(item->definition, begin))
		return err_set(e, ERR_INTERNAL, "\"%s\" is not a definition of an index",
			       item->definition);
	buf_printf(&sql, "%s%s%s", begin, concurrently ? "CONCURRENTLY " : "",
		   item->definition + strlen(begin));
	ok = buf_ok(&sql, e) && (!there || index_work_drop(pg, &invalid, e)) &&
	     pg_exec(pg, buf_str(&sql), e);
	*built_out = ok;
	buf_release(&sql);
	return ok;
}

/* ef_construction as it was. */
static void add_reset(struct buf *sql, const struct index_restore *item, const char *qualified)
{
	if (*item->definition)
		buf_printf(sql, "ALTER INDEX %s SET (ef_construction = %s)", qualified,
			   item->definition);
	else
		buf_printf(sql, "ALTER INDEX %s RESET (ef_construction)", qualified);
}

static bool reset(struct pg *pg, const struct index_restore *item, const char *qualified,
		  bool concurrently, const char *work_mem, bool *built_out, struct err *e)
{
	struct leaf_index index = { .qualified = (char *)qualified };
	struct buf sql = BUF_INIT;
	int64_t ef = 0;
	bool ok = true;

	if (*item->definition)
		ok = str_parse_i64(item->definition, &ef, e);
	add_reset(&sql, item, qualified);
	ok = ok && buf_ok(&sql, e) && exec_with_timeout(pg, buf_str(&sql), e) &&
	     index_work_reindex(pg, &index, concurrently, work_mem, 0, NULL, e);
	*built_out = ok;
	buf_release(&sql);
	return ok;
}

void index_bulk_add_by_hand(struct pg *pg, struct buf *b, const struct index_restore *item)
{
	struct buf name = BUF_INIT;

	if (item->create) {
		buf_add_str(b, item->definition);
		return;
	}
	pg_add_qualified(pg, &name, item->schema, item->name);
	add_reset(b, item, buf_str(&name));
	buf_printf(b, "; REINDEX INDEX CONCURRENTLY %s", buf_str(&name));
	b->failed |= name.failed;
	buf_release(&name);
}

bool index_bulk_restore(struct pg *pg, int64_t table_id, const struct index_restore *item,
			bool concurrently, const char *work_mem, bool *built_out, struct err *e)
{
	struct buf qualified = BUF_INIT;
	struct pg_result *r = NULL;
	bool there, ok;

	*built_out = false;
	pg_add_qualified(pg, &qualified, item->schema, item->name);
	ok = buf_ok(&qualified, e) && index_work_set_up_build(pg, work_mem, e) &&
	     query_name(pg,
			"SELECT i.indisvalid FROM pg_catalog.pg_index i "
			"WHERE i.indexrelid = pg_catalog.to_regclass($1)",
			buf_str(&qualified), &r, e);
	if (!ok)
		goto out;
	there = pg_rows(r) == 1;
	if (item->create)
		ok = create(pg, item, buf_str(&qualified), there, there && pg_bool(r, 0, 0),
			    concurrently, built_out, e);
	else if (there)
		ok = reset(pg, item, buf_str(&qualified), concurrently, work_mem, built_out, e);
	if (ok && FAULT("bulk.after_build"))
		ok = err_set(e, ERR_INTERNAL, "a fault was injected");
	/* One that has another name now would keep the setting of the load: the record is all that knows. */
	ok = ok && (!item->create && !there ? true : forget(pg, table_id, item, e));
out:
	pg_result_free(r);
	buf_release(&qualified);
	return ok ||
	       err_wrap(e, "could not restore index \"%s\" of leaf \"%s\"", item->name, item->leaf);
}
