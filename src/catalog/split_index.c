/* Indexes of a split's new tree: on the root alone, then leaf by leaf, each attached in the transaction that built it. */
#include "catalog/split_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "sql.h"

void split_index_release(struct split_index *index)
{
	free(index->root_sql);
	free(index->leaf_sql);
	*index = (struct split_index){ 0 };
}

/* Columns of split_indexes.sql. */
enum {
	INDEX_NAME,
	INDEX_UNIQUE,
	INDEX_HAS_WORKSPACE,
	INDEX_CONSTRAINT,
	INDEX_TEXT,
	INDEX_TEXT_READ,
	INDEX_VECTOR,
	INDEX_NEW_OID,
	INDEX_NEW_VALID,
	INDEX_VALID,
	INDEX_IS_KEY,
	INDEX_NEW_TEXT,
	INDEX_WORKSPACE_QUOTED,
	INDEX_TABLESPACE,
};

/* What the new index's definition is to be after the table's name, or its constraint; the caller frees it. */
static char *new_definition(const struct pg_result *r, int row, struct err *e)
{
	bool constraint = !pg_is_null(r, row, INDEX_CONSTRAINT);
	const char *text = pg_text(r, row, constraint ? INDEX_CONSTRAINT : INDEX_TEXT);

	if (!constraint && !pg_bool(r, row, INDEX_TEXT_READ)) {
		err_set(e, ERR_INTERNAL, "cannot read the definition of index \"%s\"",
			pg_text(r, row, INDEX_NAME));
		return NULL;
	}
	if (pg_bool(r, row, INDEX_UNIQUE) && !pg_bool(r, row, INDEX_HAS_WORKSPACE))
		return split_widen(text, pg_text(r, row, INDEX_WORKSPACE_QUOTED), e);
	return mem_strdup(text, e);
}

static bool query_indexes(struct split *s, struct pg_result **r, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, s->old_oid);
	pg_param_i64(&p, s->new_oid);
	pg_param_text(&p, table_info_column(s->table, COLUMN_WORKSPACE)->name);
	return pg_query(s->pg, sql_split_indexes, &p, r, e);
}

/* Where what this transaction makes goes. */
static bool set_tablespace(struct split *s, const char *name, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_text(&p, name);
	return pg_query(
		s->pg,
		"SELECT pg_catalog.set_config('default_tablespace', "
		"CASE $1::text WHEN '' THEN '' ELSE pg_catalog.quote_ident($1::text) END, true)",
		&p, NULL, e);
}

/* The two statements, from a row of split_indexes.sql. */
static bool write_statements(struct split *s, const struct pg_result *r, int row, const char *leaf,
			     struct split_index *out, struct err *e)
{
	bool constraint = !pg_is_null(r, row, INDEX_CONSTRAINT);
	const char *unique = pg_bool(r, row, INDEX_UNIQUE) ? "UNIQUE " : "";
	struct buf root = BUF_INIT, on_leaf = BUF_INIT;
	char *definition = new_definition(r, row, e);
	bool ok = definition != NULL;

	if (ok && constraint) {
		buf_add_str(&root, "ALTER TABLE ONLY ");
		split_add_new(s, &root);
		buf_add_str(&root, " ADD CONSTRAINT ");
		pg_add_identifier(s->pg, &root, pg_text(r, row, INDEX_NAME));
		buf_printf(&root, " %s", definition);
		buf_printf(&on_leaf, "ALTER TABLE %s ADD %s", leaf, definition);
	} else if (ok) {
		buf_printf(&root, "CREATE %sINDEX ", unique);
		pg_add_identifier(s->pg, &root, pg_text(r, row, INDEX_NAME));
		buf_add_str(&root, " ON ONLY ");
		split_add_new(s, &root);
		buf_printf(&root, " %s", definition);
		buf_printf(&on_leaf, "CREATE %sINDEX ON %s %s", unique, leaf, definition);
	}
	ok = ok && buf_ok(&root, e) && buf_ok(&on_leaf, e);
	out->root_sql = ok ? buf_take(&root, e) : NULL;
	out->leaf_sql = ok ? buf_take(&on_leaf, e) : NULL;
	snprintf(out->tablespace, sizeof(out->tablespace), "%s", pg_text(r, row, INDEX_TABLESPACE));
	buf_release(&root);
	buf_release(&on_leaf);
	free(definition);
	return out->root_sql && out->leaf_sql;
}

/* *found_out: a leaf has no part of the index yet (index 0: no leaf has). */
static bool find_leaf(struct split *s, uint32_t index, struct buf *qualified,
		      struct split_index *out, bool *found_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, s->new_oid);
	pg_param_i64(&p, index);
	if (!pg_query(s->pg, sql_split_leaf_indexes, &p, &r, e))
		return false;
	*found_out = pg_rows(r) > 0;
	if (*found_out) {
		out->leaf_oid = (uint32_t)pg_i64(r, 0, 0);
		snprintf(out->leaf, sizeof(out->leaf), "%s", pg_text(r, 0, 2));
		pg_add_qualified(s->pg, qualified, pg_text(r, 0, 1), pg_text(r, 0, 2));
	}
	pg_result_free(r);
	return buf_ok(qualified, e);
}

bool split_next_index(struct split *s, struct split_index *out, struct err *e)
{
	struct pg_result *r = NULL;
	struct buf leaf = BUF_INIT;
	bool found = false, ok;

	*out = (struct split_index){ 0 };
	ok = query_indexes(s, &r, e);
	for (int i = 0; ok && !found && i < pg_rows(r); i++) {
		if (!pg_bool(r, i, INDEX_VALID) || pg_bool(r, i, INDEX_NEW_VALID))
			continue;
		out->root_oid = (uint32_t)pg_i64(r, i, INDEX_NEW_OID);
		ok = find_leaf(s, out->root_oid, &leaf, out, &found, e);
		if (!ok || !found)
			continue;
		snprintf(out->name, sizeof(out->name), "%s", pg_text(r, i, INDEX_NAME));
		out->vector = pg_bool(r, i, INDEX_VECTOR);
		ok = write_statements(s, r, i, buf_str(&leaf), out, e);
	}
	pg_result_free(r);
	buf_release(&leaf);
	if (!ok)
		split_index_release(out);
	return ok || err_wrap(e, "could not look at the indexes of \"%s\"", s->table->label);
}

bool split_make_roots(struct split *s, struct err *e)
{
	struct pg_result *r = NULL;
	bool ok = query_indexes(s, &r, e);

	for (int i = 0; ok && i < pg_rows(r); i++) {
		struct split_index index = { 0 };

		if (!pg_bool(r, i, INDEX_VALID))
			continue;
		ok = (write_statements(s, r, i, "", &index, e) &&
		      set_tablespace(s, index.tablespace, e) &&
		      pg_exec(s->pg, index.root_sql, e)) ||
		     err_wrap(e, "could not make index \"%s\"", pg_text(r, i, INDEX_NAME));
		split_index_release(&index);
	}
	pg_result_free(r);
	return ok && set_tablespace(s, "", e);
}

bool split_same_indexes(struct split *s, struct err *e)
{
	struct pg_result *r = NULL;
	bool ok = query_indexes(s, &r, e);

	for (int i = 0; ok && i < pg_rows(r); i++) {
		bool constraint = !pg_is_null(r, i, INDEX_CONSTRAINT);
		char *wanted;

		if (!pg_bool(r, i, INDEX_VALID) || !pg_i64(r, i, INDEX_NEW_OID))
			continue;
		wanted = new_definition(r, i, e);
		ok = wanted != NULL;
		if (ok && !str_eq(wanted, pg_text(r, i, INDEX_NEW_TEXT))) {
			ok = err_set(
				e, ERR_CONFIG,
				"index \"%s\" is another than when the split began: %s, not %s",
				pg_text(r, i, INDEX_NAME), wanted, pg_text(r, i, INDEX_NEW_TEXT));
			err_hint(e,
				 "To have it built anew, drop that %s of \"%s.%s\", and run the "
				 "split "
				 "again.",
				 constraint ? "constraint" : "index", s->building, s->table->name);
		}
		free(wanted);
	}
	pg_result_free(r);
	return ok;
}

/* In each transaction the one index of the leaf that belongs to nothing is the one just built. */
static bool attach(struct split *s, const struct split_index *index, struct err *e)
{
	static const char sql[] =
		"SELECT pg_catalog.format('ALTER INDEX %I.%I ATTACH PARTITION %I.%I', $1::text, "
		"$2::text, n.nspname, x.relname) FROM pg_catalog.pg_index i JOIN "
		"pg_catalog.pg_class x "
		"ON x.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace "
		"WHERE i.indrelid = $3::bigint::oid AND NOT x.relispartition";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_text(&p, s->building);
	pg_param_text(&p, index->name);
	pg_param_i64(&p, index->leaf_oid);
	ok = pg_query(s->pg, sql, &p, &r, e);
	if (ok && pg_rows(r) != 1)
		ok = err_set(e, ERR_INTERNAL, "%d indexes of \"%s\" belong to none of its table's",
			     pg_rows(r), index->leaf);
	ok = ok && pg_exec(s->pg, pg_text(r, 0, 0), e);
	pg_result_free(r);
	return ok;
}

bool split_build_index(struct split *s, const struct split_index *index, struct err *e)
{
	bool inside = pg_in_transaction(s->pg), ok;

	ok = inside || (split_begin_tx(s, NULL, NULL, e) && pg_local_search_path(s->pg, false, e));
	ok = ok && set_tablespace(s, index->tablespace, e) &&
	     (index->root_oid || pg_exec(s->pg, index->root_sql, e)) &&
	     pg_exec(s->pg, index->leaf_sql, e) && attach(s, index, e) && set_tablespace(s, "", e);
	if (!inside) {
		ok = ok && pg_commit(s->pg, e);
		if (!ok)
			pg_rollback(s->pg);
	}
	return ok ||
	       err_wrap(e, "could not build index \"%s\" of \"%s\"", index->name, index->leaf);
}

bool split_analyze(struct split *s, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	/* The root's statistics and, with them, every leaf's. */
	buf_add_str(&sql, "ANALYZE ");
	split_add_new(s, &sql);
	ok = buf_ok(&sql, e) && pg_exec(s->pg, buf_str(&sql), e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not analyze the new table");
}
