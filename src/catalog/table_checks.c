#include "catalog/table_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "sql.h"

/* Of many findings the first are told. */
#define FINDINGS_MAX 8

/* First pgvector in which VACUUM and inserts cannot damage an HNSW index between them. */
static const int64_t sound_pgvector[3] = { 0, 8, 4 };

static const struct {
	const char *name;
	enum table_check_state state; /* where something was found */
	enum err_code code;
	const char *sql;     /* see sql/check_referencing_keys.sql */
	const char *nothing; /* what to say where nothing was found */
} checks[] = {
	{ "referencing-keys", TABLE_CHECK_REFUSED, ERR_CONFIG, sql_check_referencing_keys,
	  "no foreign key refers to the table" },
	{ "delete-triggers", TABLE_CHECK_REFUSED, ERR_CONFIG, sql_check_delete_triggers,
	  "no trigger fires on DELETE" },
	{ "insert-triggers", TABLE_CHECK_WARNING, ERR_NONE, sql_check_insert_triggers,
	  "no trigger fires on INSERT" },
	{ "rules", TABLE_CHECK_REFUSED, ERR_CONFIG, sql_check_rules,
	  "no rule rewrites INSERT or DELETE" },
	{ "row-security", TABLE_CHECK_REFUSED, ERR_CONFIG, sql_check_row_security,
	  "no row-level security applies to this role" },
	{ "privileges", TABLE_CHECK_REFUSED, ERR_DENIED, sql_check_privileges,
	  "this role has what firn needs" },
	{ "maintenance-rights", TABLE_CHECK_REFUSED, ERR_DENIED, sql_check_maintenance,
	  "this role may VACUUM, ANALYZE and REINDEX" },
	{ "unlogged", TABLE_CHECK_WARNING, ERR_NONE, sql_check_unlogged,
	  "the table survives a crash" },
	{ "publications", TABLE_CHECK_WARNING, ERR_NONE, sql_check_publications,
	  "the table is not published" },
	{ "replica-identity", TABLE_CHECK_REFUSED, ERR_CONFIG, sql_check_replica_identity,
	  "rows can be deleted where they are published" },
};

/* One check: nothing found is fine, else messages and hints of what was, joined. */
static bool run_check(struct table_load *l, size_t i, struct err *e)
{
	struct table_info *t = l->info;
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct buf messages = BUF_INIT, hints = BUF_INIT;
	int shown;
	bool ok = false;

	pg_param_i64(&p, t->oid);
	pg_param_i64(&p, l->active_oid);
	if (!pg_query(l->pg, checks[i].sql, &p, &r, e))
		return false;
	shown = pg_rows(r) < FINDINGS_MAX ? pg_rows(r) : FINDINGS_MAX;
	for (int row = 0; row < shown; row++) {
		buf_printf(&messages, "%s%s", row ? "; " : "", pg_text(r, row, 0));
		if (!pg_is_null(r, row, 1) &&
		    (row == 0 || !str_eq(pg_text(r, row, 1), pg_text(r, row - 1, 1))))
			buf_printf(&hints, "%s%s", hints.len ? "\n" : "", pg_text(r, row, 1));
	}
	if (pg_rows(r) > shown) {
		buf_printf(&messages, "; and %d more", pg_rows(r) - shown);
		buf_printf(&hints, "%sThe same for %d more.", hints.len ? "\n" : "",
			   pg_rows(r) - shown);
	}
	if (checks[i].sql == sql_check_insert_triggers)
		for (int row = 0; row < pg_rows(r); row++)
			t->insert_triggers |= pg_bool(r, row, 2);
	if (!buf_ok(&messages, e) || !buf_ok(&hints, e))
		goto out;
	if (shown == 0)
		ok = table_add_check(t, TABLE_CHECK_OK, ERR_NONE, checks[i].name, NULL, e, "%s",
				     checks[i].nothing);
	else
		ok = table_add_check(t, checks[i].state, checks[i].code, checks[i].name,
				     hints.len ? buf_str(&hints) : NULL, e, "%s",
				     buf_str(&messages));
out:
	pg_result_free(r);
	buf_release(&messages);
	buf_release(&hints);
	return ok;
}

bool table_info_pgvector_is_sound(const char *version)
{
	const char *s = version;

	for (size_t i = 0; i < 3; i++) {
		char *end;
		int64_t n = strtoll(s, &end, 10);

		if (n != sound_pgvector[i])
			return n > sound_pgvector[i];
		s = *end == '.' ? end + 1 : end;
	}
	return true;
}

static bool check_pgvector(struct table_load *l, struct err *e)
{
	char version[32];

	if (!table_info_pgvector_version(l->pg, version, e))
		return false;
	if (!version[0])
		return table_add_check(l->info, TABLE_CHECK_WARNING, ERR_NONE, "pgvector",
				       "Run: CREATE EXTENSION vector;", e,
				       "pgvector is not installed in this database");
	if (!table_info_pgvector_is_sound(version))
		return table_add_check(
			l->info, TABLE_CHECK_WARNING, ERR_NONE, "pgvector",
			"Upgrade pgvector, then run: ALTER EXTENSION vector UPDATE; and REINDEX.",
			e,
			"pgvector %s: before 0.8.4, VACUUM beside inserts can damage an HNSW index",
			version);
	return table_add_check(l->info, TABLE_CHECK_OK, ERR_NONE, "pgvector", NULL, e,
			       "pgvector %s", version);
}

bool table_run_checks(struct table_load *l, struct err *e)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (!run_check(l, i, e))
			return err_wrap(e, "could not check \"%s\"", checks[i].name);
	return check_pgvector(l, e);
}

/* A column that was not read would be lost with its rows, one of another type could not come back. */
static bool same_columns(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			 struct err *e)
{
	struct found_columns found = { 0 };
	size_t stored = 0, same = 0;
	bool ok = false;

	if (!found_columns_load(pg, leaf->oid, &found, e))
		goto out;
	for (size_t i = 0; i < found.count; i++) {
		const struct column *c = &found.items[i].column;

		if (found.items[i].generated)
			continue;
		stored++;
		for (size_t k = 0; k < t->column_count; k++)
			same += str_eq(c->name, t->columns[k].name) &&
				c->type_oid == t->columns[k].type_oid &&
				c->typmod == t->columns[k].typmod;
	}
	ok = stored == t->column_count && same == stored;
	if (!ok)
		err_set(e, ERR_BUSY, "the columns of \"%s\" were changed while it was read",
			leaf->label);
out:
	found_columns_release(&found);
	return ok;
}

bool table_info_recheck_leaf(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			     struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, t->oid);
	pg_param_i64(&p, leaf->oid);
	pg_param_text(&p, leaf->qualified);
	if (!pg_query(pg, sql_recheck_leaf, &p, &r, e))
		return false;
	ok = pg_rows(r) == 0;
	if (!ok)
		err_set(e, ERR_BUSY, "\"%s\" was changed while it was read: %s", leaf->label,
			pg_text(r, 0, 0));
	pg_result_free(r);
	ok = ok && same_columns(pg, t, leaf, e);
	if (!ok && e->code == ERR_BUSY)
		err_hint(e, "Run it again: the table is looked at anew then.");
	return ok;
}
