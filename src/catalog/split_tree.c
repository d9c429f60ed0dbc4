/* The new tree of a split, what keeps a table from having one, and the swap. */
#include "catalog/split_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/str.h"
#include "catalog/partitions.h"
#include "sql.h"

#define OBSTACLES_TOLD 8

static const struct column *workspace_of(const struct split *s)
{
	return table_info_column(s->table, COLUMN_WORKSPACE);
}

bool split_check(struct split *s, int64_t leaves, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct buf messages = BUF_INIT, hints = BUF_INIT;
	bool ok;

	if (!workspace_of(s)) {
		err_set(e, ERR_CONFIG, "table \"%s\" has no workspace column to divide it by",
			s->table->label);
		return err_hint(e, "Configure columns.workspace.");
	}
	pg_param_i64(&p, s->phase == SPLIT_NONE ? s->table->oid : s->old_oid);
	pg_param_i64(&p, leaves);
	pg_param_i64(&p, s->table_id);
	pg_param_text(&p, workspace_of(s)->name);
	if (!pg_query(s->pg, sql_split_obstacles, &p, &r, e))
		return err_wrap(e, "could not look at what depends on \"%s\"", s->table->label);
	for (int i = 0; i < pg_rows(r) && i < OBSTACLES_TOLD; i++) {
		buf_printf(&messages, "%s%s", i ? "; " : "", pg_text(r, i, 0));
		if (!pg_is_null(r, i, 1) && !(i && str_eq(pg_text(r, i, 1), pg_text(r, i - 1, 1))))
			buf_printf(&hints, "%s%s", hints.len ? "\n" : "", pg_text(r, i, 1));
	}
	ok = buf_ok(&messages, e) && buf_ok(&hints, e);
	if (ok && pg_rows(r)) {
		ok = err_set(e, ERR_CONFIG, "table \"%s\" cannot be split: %s", s->table->label,
			     buf_str(&messages));
		err_hint(e, "%s", buf_str(&hints));
	}
	pg_result_free(r);
	buf_release(&messages);
	buf_release(&hints);
	return ok;
}

/* Keys that must take in the workspace, indexes that cannot be carried over. */
static bool note_indexes(struct split *s, bool (*visit)(void *, const char *, struct err *),
			 void *ctx, bool *widens, struct err *e)
{
	const char *workspace = workspace_of(s)->name;
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	char note[640];
	bool ok;

	pg_param_i64(&p, s->table->oid);
	pg_param_i64(&p, 0);
	pg_param_text(&p, workspace);
	ok = pg_query(s->pg, sql_split_indexes, &p, &r, e);
	for (int i = 0; ok && i < pg_rows(r); i++) {
		const char *name = pg_text(r, i, 0);

		if (!pg_bool(r, i, 9)) {
			snprintf(note, sizeof(note),
				 "Index \"%s\" is invalid and is not built anew.", name);
			ok = visit(ctx, note, e);
		} else if (pg_bool(r, i, 1) && !pg_bool(r, i, 2)) {
			*widens = true;
			snprintf(note, sizeof(note),
				 "Unique key \"%s\" takes in column \"%s\": the same %s in two "
				 "workspaces "
				 "is no longer refused, and ON CONFLICT must name \"%s\", too.",
				 name, workspace, i == 0 ? "id" : "key", workspace);
			ok = visit(ctx, note, e);
		}
	}
	pg_result_free(r);
	return ok;
}

bool split_notes(struct split *s, bool (*visit)(void *ctx, const char *note, struct err *e),
		 void *ctx, bool *widens, struct err *e)
{
	static const char sql[] =
		"SELECT pg_catalog.format('Index %I belongs to partition %s alone, and is not "
		"built "
		"anew: it is invalid.', x.relname, i.indrelid::pg_catalog.regclass) "
		"FROM pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) t "
		"JOIN pg_catalog.pg_index i ON i.indrelid = t.relid "
		"JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid "
		"WHERE t.relid <> $1::bigint::oid AND NOT x.relispartition AND NOT i.indisvalid "
		"UNION ALL "
		"SELECT pg_catalog.format('Partitions have different storage options; all will "
		"have those "
		"of %s.', (pg_catalog.array_agg(t.relid ORDER BY pg_catalog.length(c.relname), "
		"c.relname))[1]) FROM "
		"pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) t JOIN "
		"pg_catalog.pg_class c ON c.oid = t.relid WHERE t.isleaf HAVING "
		"pg_catalog.count(DISTINCT coalesce(c.reloptions, '{}')) > 1 ORDER BY 1";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	*widens = false;
	pg_param_i64(&p, s->table->oid);
	ok = note_indexes(s, visit, ctx, widens, e) && pg_query(s->pg, sql, &p, &r, e);
	for (int i = 0; ok && i < pg_rows(r); i++)
		ok = visit(ctx, pg_text(r, i, 0), e);
	pg_result_free(r);
	return ok || err_wrap(e, "could not look at the indexes of \"%s\"", s->table->label);
}

/* ---- the new tree ---- */

static bool make_schemas(struct split *s, const char *owner, struct err *e)
{
	struct buf role = BUF_INIT;
	bool ok;

	pg_add_identifier(s->pg, &role, owner);
	ok = buf_ok(&role, e) && pg_execf(s->pg, e, "CREATE SCHEMA %s", s->building) &&
	     pg_execf(s->pg, e, "CREATE SCHEMA %s", s->kept) &&
	     pg_execf(s->pg, e, "GRANT USAGE, CREATE ON SCHEMA %s, %s TO %s", s->building, s->kept,
		      buf_str(&role));
	if (!ok && e->code == ERR_DENIED)
		err_hint(e,
			 "The role needs CREATE on the database, for the schemas in which tables "
			 "wait.");
	buf_release(&role);
	return ok;
}

static bool record(struct split *s, int64_t leaves, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, s->table_id);
	pg_param_i64(&p, leaves);
	pg_param_i64(&p, s->table->oid);
	if (!pg_query(s->pg,
		      "INSERT INTO firn.split (table_id, phase, leaves, old_oid, new_oid) VALUES "
		      "($1::bigint, 'copy', $2::int, $3::bigint::oid, 0) RETURNING id",
		      &p, &r, e))
		return false;
	s->id = pg_i64(r, 0, 0);
	s->leaves = leaves;
	s->old_oid = s->table->oid;
	pg_result_free(r);
	snprintf(s->building, sizeof(s->building), "firn_split_%" PRId64, s->id);
	snprintf(s->kept, sizeof(s->kept), "firn_old_%" PRId64, s->id);
	return true;
}

/* Storage options, statistics targets and so on. */
static bool apply_options(struct split *s, const char *qualified, bool root, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, s->old_oid);
	pg_param_text(&p, root ? "true" : "false");
	ok = pg_query(s->pg, sql_split_options, &p, &r, e);
	for (int i = 0; ok && i < pg_rows(r); i++)
		ok = pg_execf(s->pg, e, "ALTER TABLE ONLY %s %s", qualified, pg_text(r, i, 0));
	pg_result_free(r);
	return ok;
}

static bool make_leaf(struct split *s, const char *root, const char *owner, int64_t n,
		      struct err *e)
{
	struct buf leaf = BUF_INIT, name = BUF_INIT, role = BUF_INIT;
	bool ok;

	buf_printf(&name, "%s_p%" PRId64, s->table->name, n);
	pg_add_qualified(s->pg, &leaf, s->building, buf_str(&name));
	pg_add_identifier(s->pg, &role, owner);
	ok = buf_ok(&leaf, e) && buf_ok(&name, e) && buf_ok(&role, e) &&
	     pg_execf(s->pg, e,
		      "CREATE TABLE %s PARTITION OF %s FOR VALUES WITH (MODULUS %" PRId64
		      ", REMAINDER %" PRId64 ")",
		      buf_str(&leaf), root, s->leaves, n) &&
	     apply_options(s, buf_str(&leaf), false, e) &&
	     pg_execf(s->pg, e, "ALTER TABLE %s OWNER TO %s", buf_str(&leaf), buf_str(&role));
	buf_release(&leaf);
	buf_release(&name);
	buf_release(&role);
	return ok;
}

/* Identity sequences get the names that the old ones have. */
static bool name_sequences(struct split *s, struct err *e)
{
	static const char sql[] =
		"SELECT pg_catalog.format('ALTER SEQUENCE %s RENAME TO %I', "
		"n.oid::pg_catalog.regclass, "
		"o.relname) FROM (SELECT d.refobjid, a.attname, s.oid, s.relname FROM "
		"pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON s.oid = d.objid AND "
		"s.relkind = "
		"'S' JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = "
		"d.refobjsubid WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND "
		"d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i') o "
		"JOIN (SELECT d.refobjid, a.attname, s.oid, s.relname FROM pg_catalog.pg_depend d "
		"JOIN "
		"pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN "
		"pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid "
		"WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = "
		"'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i') n USING (attname) "
		"WHERE o.refobjid = $1::bigint::oid AND n.refobjid = $2::bigint::oid AND o.relname "
		"<> "
		"n.relname";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, s->old_oid);
	pg_param_i64(&p, s->new_oid);
	ok = pg_query(s->pg, sql, &p, &r, e);
	for (int i = 0; ok && i < pg_rows(r); i++)
		ok = pg_exec(s->pg, pg_text(r, i, 0), e);
	pg_result_free(r);
	return ok;
}

/* The oid of the new table, noted in the catalog. */
static bool note_new(struct split *s, const char *root, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, s->id);
	pg_param_text(&p, root);
	if (!pg_query(s->pg,
		      "UPDATE firn.split SET new_oid = $2::pg_catalog.regclass::oid WHERE id = "
		      "$1::bigint RETURNING new_oid",
		      &p, &r, e))
		return false;
	s->new_oid = (uint32_t)pg_i64(r, 0, 0);
	pg_result_free(r);
	return true;
}

static bool tablespace_of(struct split *s, struct buf *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, s->old_oid);
	if (!pg_query(s->pg,
		      "SELECT t.spcname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_tablespace t "
		      "ON "
		      "t.oid = c.reltablespace WHERE c.oid = $1::bigint::oid OR c.oid IN (SELECT "
		      "p.relid FROM "
		      "pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) "
		      "p) ORDER BY c.oid = $1::bigint::oid DESC, c.oid LIMIT 1",
		      &p, &r, e))
		return false;
	if (pg_rows(r)) {
		buf_add_str(out, " TABLESPACE ");
		pg_add_identifier(s->pg, out, pg_text(r, 0, 0));
	}
	pg_result_free(r);
	return true;
}

/* Empty, with the key that copying needs. */
static bool make_tree(struct split *s, const char *owner, struct err *e)
{
	struct buf root = BUF_INIT, by = BUF_INIT, role = BUF_INIT;
	struct split_index index = { 0 };
	bool ok;

	split_add_new(s, &root);
	pg_add_identifier(s->pg, &by, workspace_of(s)->name);
	buf_add_byte(&by, ')');
	pg_add_identifier(s->pg, &role, owner);
	ok = tablespace_of(s, &by, e) && buf_ok(&root, e) && buf_ok(&by, e) && buf_ok(&role, e) &&
	     pg_execf(s->pg, e,
		      "CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING "
		      "STATISTICS) PARTITION BY HASH (%s",
		      buf_str(&root), s->table->qualified, buf_str(&by)) &&
	     note_new(s, buf_str(&root), e) && apply_options(s, buf_str(&root), true, e) &&
	     pg_execf(s->pg, e, "ALTER TABLE %s OWNER TO %s", buf_str(&root), buf_str(&role)) &&
	     name_sequences(s, e);
	for (int64_t n = 0; ok && n < s->leaves; n++)
		ok = make_leaf(s, buf_str(&root), owner, n, e);
	ok = ok && split_make_roots(s, e);
	/* The first in the list is the key; its leaves come before the next index. */
	for (int64_t n = 0; ok && n < s->leaves; n++) {
		ok = split_next_index(s, &index, e) && split_build_index(s, &index, e);
		split_index_release(&index);
	}
	buf_release(&root);
	buf_release(&by);
	buf_release(&role);
	return ok || err_wrap(e, "could not make the new table");
}

/* ---- recording changes ---- */

/* CREATE FUNCTION kept.name with that body. */
static bool make_function(struct split *s, const char *name, struct buf *body, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	if (!buf_ok(body, e))
		return false;
	pg_param_text(&p, s->kept);
	pg_param_text(&p, name);
	pg_param_text(&p, buf_str(body));
	/* As the role that splits: who writes the table has no rights here. */
	ok = pg_query(s->pg,
		      "SELECT pg_catalog.format('CREATE FUNCTION %I.%I() RETURNS trigger LANGUAGE "
		      "plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L', "
		      "$1::text, $2::text, $3::text)",
		      &p, &r, e) &&
	     pg_exec(s->pg, pg_text(r, 0, 0), e);
	pg_result_free(r);
	return ok;
}

static void add_texts(struct split *s, struct buf *b, const char *alias)
{
	bool first = true;

	for (size_t i = 0; i < s->table->column_count; i++) {
		if (!s->table->columns[i].in_key)
			continue;
		buf_printf(b, "%s%s.", first ? "" : ", ", alias);
		pg_add_identifier(s->pg, b, s->table->columns[i].name);
		buf_add_str(b, "::text");
		first = false;
	}
}

static bool make_functions(struct split *s, struct err *e)
{
	struct buf capture = BUF_INIT, refuse = BUF_INIT;
	bool ok;

	buf_add_str(&capture, "BEGIN IF TG_OP <> 'INSERT' THEN INSERT INTO ");
	split_add_changes(s, &capture);
	buf_add_str(&capture, " VALUES (");
	split_add_key(s, &capture, "OLD");
	buf_add_str(&capture, "); END IF; IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND ROW(");
	add_texts(s, &capture, "OLD");
	buf_add_str(&capture, ") IS DISTINCT FROM ROW(");
	add_texts(s, &capture, "NEW");
	buf_add_str(&capture, ")) THEN INSERT INTO ");
	split_add_changes(s, &capture);
	buf_add_str(&capture, " VALUES (");
	split_add_key(s, &capture, "NEW");
	buf_add_str(&capture, "); END IF; RETURN NULL; END");
	buf_add_str(
		&refuse,
		"BEGIN RAISE EXCEPTION 'table \"%\" is being split by firn and cannot be "
		"truncated', TG_TABLE_NAME USING ERRCODE = '55006', HINT = 'Delete the rows, or "
		"take the split back: firn partitions split --rollback.'; END");
	ok = make_function(s, "firn_capture", &capture, e) &&
	     make_function(s, "firn_refuse_truncate", &refuse, e);
	buf_release(&capture);
	buf_release(&refuse);
	return ok;
}

static bool make_changes(struct split *s, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_str(&sql, "CREATE TABLE ");
	split_add_changes(s, &sql);
	buf_add_str(&sql, " AS SELECT ");
	split_add_key(s, &sql, "");
	buf_printf(&sql, " FROM %s WITH NO DATA; ALTER TABLE ", s->table->qualified);
	split_add_changes(s, &sql);
	/* It is emptied as it fills. */
	buf_add_str(&sql, " SET (autovacuum_vacuum_scale_factor = 0.0, "
			  "autovacuum_vacuum_threshold = 20000, vacuum_truncate = off)");
	ok = buf_ok(&sql, e) && pg_exec(s->pg, buf_str(&sql), e) && make_functions(s, e);
	buf_release(&sql);
	return ok;
}

static bool record_leaf(struct split *s, uint32_t oid, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, s->id);
	pg_param_i64(&p, oid);
	return pg_query(s->pg,
			"INSERT INTO firn.split_leaf (split_id, leaf, filenode, end_block) SELECT "
			"$1::bigint, r.oid, pg_catalog.pg_relation_filenode(r.oid), "
			"pg_catalog.pg_relation_size(r.oid) / "
			"pg_catalog.current_setting('block_size')::bigint "
			"FROM (SELECT $2::bigint::oid::pg_catalog.regclass) r (oid)",
			&p, NULL, e);
}

/* Writers wait for the lock; whoever comes after it fires the triggers. So all that is not recorded is in blocks that are
 * there now. */
static bool begin_recording(struct split *s, int wait_ms, struct err *e)
{
	const struct table_info *t = s->table;
	bool ok;

	if (!pg_execf(s->pg, e, "SET LOCAL lock_timeout = %d", wait_ms) ||
	    !pg_execf(s->pg, e, "LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE", t->qualified) ||
	    !pg_execf(
		    s->pg, e,
		    "CREATE TRIGGER firn_split_capture AFTER INSERT OR UPDATE OR DELETE ON %s FOR "
		    "EACH ROW EXECUTE FUNCTION %s.firn_capture()",
		    t->qualified, s->kept))
		return false;
	/* Also for sessions that replay another database's changes. */
	ok = !t->partitioned ||
	     pg_execf(s->pg, e,
		      "ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER "
		      "firn_split_capture; CREATE TRIGGER firn_split_truncate BEFORE "
		      "TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION "
		      "%s.firn_refuse_truncate(); ALTER TABLE ONLY %s ENABLE ALWAYS "
		      "TRIGGER firn_split_truncate",
		      t->qualified, t->qualified, s->kept, t->qualified);
	for (size_t i = 0; ok && i < t->leaf_count; i++)
		ok = pg_execf(
			     s->pg, e,
			     "ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER firn_split_capture; CREATE "
			     "TRIGGER firn_split_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT "
			     "EXECUTE FUNCTION %s.firn_refuse_truncate(); ALTER TABLE ONLY %s "
			     "ENABLE "
			     "ALWAYS TRIGGER firn_split_truncate",
			     t->leaves[i].qualified, t->leaves[i].qualified, s->kept,
			     t->leaves[i].qualified) &&
		     record_leaf(s, t->leaves[i].oid, e);
	return ok;
}

bool split_begin(struct split *s, int64_t leaves, int wait_ms, struct err *e)
{
	struct partitioning parts = { 0 };
	bool ok;

	if (!partitioning_load(s->pg, s->table, &parts, e))
		return false;
	ok = split_begin_tx(s, NULL, NULL, e) && pg_local_search_path(s->pg, false, e) &&
	     record(s, leaves, e) && make_schemas(s, parts.owner, e) &&
	     make_tree(s, parts.owner, e);
	ok = ok && pg_exec(s->pg, "SAVEPOINT rehearsal", e) && split_lock(s, wait_ms, e);
	if (ok && !split_run_swap(s, e))
		ok = e->code == ERR_BUSY ? false : err_wrap(e, "the swap was tried and failed");
	ok = ok && pg_exec(s->pg, "ROLLBACK TO SAVEPOINT rehearsal", e) && make_changes(s, e) &&
	     begin_recording(s, wait_ms, e);
	if (ok && FAULT("split.before_begin"))
		ok = err_set(e, ERR_INTERNAL, "a fault was injected");
	ok = ok && pg_commit(s->pg, e);
	if (ok)
		s->phase = SPLIT_COPY;
	else
		pg_rollback(s->pg);
	partitioning_release(&parts);
	return ok || err_wrap(e, "could not begin to split \"%s\"", s->table->label);
}

/* ---- the swap ---- */

bool split_lock(struct split *s, int wait_ms, struct err *e)
{
	struct buf sql = BUF_INIT;
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	/* Dropping a foreign key locks the other table, too: better now than in the middle. */
	pg_param_i64(&p, s->old_oid);
	ok = pg_query(
		s->pg,
		"SELECT DISTINCT pg_catalog.format(', %I.%I', n.nspname, c.relname) FROM "
		"pg_catalog.pg_constraint f JOIN pg_catalog.pg_class c ON c.oid = f.confrelid "
		"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE f.conrelid = "
		"$1::bigint::oid AND f.contype = 'f' AND f.confrelid <> f.conrelid AND "
		"pg_catalog.has_table_privilege(c.oid, 'UPDATE')",
		&p, &r, e);
	buf_printf(&sql,
		   "SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d; LOCK TABLE %s",
		   wait_ms, wait_ms * 2, s->table->qualified);
	for (int i = 0; ok && i < pg_rows(r); i++)
		buf_add_str(&sql, pg_text(r, i, 0));
	buf_add_str(&sql, " IN ACCESS EXCLUSIVE MODE");
	ok = ok && buf_ok(&sql, e) && pg_exec(s->pg, buf_str(&sql), e) &&
	     pg_exec(s->pg, "SET LOCAL statement_timeout = 0", e);
	pg_result_free(r);
	buf_release(&sql);
	return ok;
}

static bool run_all(struct split *s, const char *sql, const struct pg_params *p, struct err *e)
{
	struct pg_result *r = NULL;
	bool ok = pg_query(s->pg, sql, p, &r, e);

	for (int i = 0; ok && i < pg_rows(r); i++)
		ok = pg_exec(s->pg, pg_text(r, i, 0), e) ||
		     err_wrap(e, "could not run \"%s\"", pg_text(r, i, 0));
	pg_result_free(r);
	return ok;
}

bool split_run_swap(struct split *s, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, s->old_oid);
	pg_param_i64(&p, s->new_oid);
	pg_param_text(&p, s->kept);
	/* Without CASCADE: it proves that nothing was left behind. */
	return run_all(s, sql_split_swap, &p, e) &&
	       pg_execf(s->pg, e, "DROP SCHEMA %s", s->building);
}

/* Triggers, functions and the record; those of partitions go with the table's. */
static bool stop_recording(struct split *s, struct err *e)
{
	static const char triggers[] =
		"SELECT pg_catalog.format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, "
		"c.relname) "
		"FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid "
		"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
		"WHERE t.tgname IN ('firn_split_capture', 'firn_split_truncate') AND t.tgparentid "
		"= 0 "
		"AND (c.oid = $1::bigint::oid OR c.oid IN (SELECT p.relid FROM "
		"pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) p))";
	struct pg_params p = PG_PARAMS_INIT;
	struct buf changes = BUF_INIT;
	bool ok;

	pg_param_i64(&p, s->old_oid);
	split_add_changes(s, &changes);
	ok = buf_ok(&changes, e) && run_all(s, triggers, &p, e) &&
	     pg_execf(s->pg, e,
		      "DROP FUNCTION IF EXISTS %s.firn_capture(); DROP FUNCTION IF EXISTS "
		      "%s.firn_refuse_truncate(); DROP TABLE IF EXISTS %s",
		      s->kept, s->kept, buf_str(&changes));
	buf_release(&changes);
	return ok;
}

static bool record_swap(struct split *s, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, s->id);
	pg_param_i64(&p, s->table_id);
	/* The new indexes have no dead entries. */
	return pg_query(s->pg,
			"WITH gone AS (DELETE FROM firn.maintenance WHERE table_id = $2::bigint) "
			"UPDATE firn.split SET phase = 'swapped', swapped_at = "
			"pg_catalog.clock_timestamp() WHERE id = $1::bigint",
			&p, NULL, e);
}

/* Under the lock: whether the old table is what was prepared for and compared. */
static bool still_ready(struct split *s, const char *trace, bool *again_out, struct err *e)
{
	struct split_index missing = { 0 };
	char now[SPLIT_TRACE_BYTES];
	bool ok;

	ok = split_check(s, s->leaves, e) && split_unchanged(s, e) &&
	     split_next_index(s, &missing, e) && split_trace(s, now, e);
	if (ok && missing.name[0])
		ok = err_set(e, ERR_BUSY, "index \"%s\" is not built yet", missing.name);
	else if (ok && !str_eq(now, trace))
		ok = err_set(e, ERR_BUSY, "\"%s\" was altered since it was compared",
			     s->table->label);
	else
		return ok;
	*again_out = true;
	split_index_release(&missing);
	return ok;
}

/* All records, of which nobody can add any: with the lock no transaction is open that wrote to the table. */
static bool apply_last(struct split *s, struct err *e)
{
	int64_t records, left = 0;

	if (!split_apply_here(s, 0, &records, e) || !split_waiting(s, 1, &left, e))
		return false;
	return left == 0 || err_set(e, ERR_INTERNAL, "changes were recorded under the lock");
}

/* From now on rows written into the old table would be lost with it. */
static bool freeze_old(struct split *s, struct err *e)
{
	static const char sql[] =
		"SELECT pg_catalog.format('CREATE TRIGGER firn_split_replaced BEFORE INSERT OR "
		"UPDATE OR "
		"DELETE OR TRUNCATE ON %1$I.%2$I FOR EACH STATEMENT EXECUTE FUNCTION "
		"%3$I.firn_refuse_write(); ALTER TABLE ONLY %1$I.%2$I ENABLE ALWAYS TRIGGER "
		"firn_split_replaced', n.nspname, c.relname, $2::text) FROM pg_catalog.pg_class c "
		"JOIN "
		"pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::bigint::oid "
		"OR "
		"c.oid IN (SELECT t.relid FROM "
		"pg_catalog.pg_partition_tree($1::bigint::oid::pg_catalog.regclass) t)";
	struct pg_params p = PG_PARAMS_INIT;
	struct buf refuse = BUF_INIT;
	bool ok;

	pg_param_i64(&p, s->old_oid);
	pg_param_text(&p, s->kept);
	buf_add_str(
		&refuse,
		"BEGIN RAISE EXCEPTION 'firn moved table \"%\" into other partitions: this is the "
		"old one', TG_TABLE_NAME USING ERRCODE = '55000'; END");
	ok = make_function(s, "firn_refuse_write", &refuse, e) && run_all(s, sql, &p, e);
	buf_release(&refuse);
	return ok;
}

bool split_swap(struct split *s, int wait_ms, const char *trace, const enum split_depth *compare,
		int64_t *rows_out, bool *again_out, struct err *e)
{
	int64_t changes = s->changes;
	bool ok;

	*again_out = false;
	ok = split_make_keys(s, e) && split_begin_tx(s, NULL, NULL, e) &&
	     split_lock(s, wait_ms, e) && pg_local_search_path(s->pg, false, e) &&
	     still_ready(s, trace, again_out, e) && pg_local_search_path(s->pg, true, e) &&
	     apply_last(s, e) && (!compare || split_compare_here(s, *compare, rows_out, e)) &&
	     pg_local_search_path(s->pg, false, e) && stop_recording(s, e) &&
	     split_run_swap(s, e) && freeze_old(s, e) && record_swap(s, e);
	if (ok && FAULT("split.before_swap"))
		ok = err_set(e, ERR_INTERNAL, "a fault was injected");
	ok = ok && pg_commit(s->pg, e);
	if (ok) {
		s->phase = SPLIT_SWAPPED;
	} else {
		pg_rollback(s->pg);
		s->changes = changes;
	}
	return ok;
}

bool split_finish(struct split *s, int wait_ms, bool *done_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_i64(&p, s->new_oid);
	ok = pg_query(s->pg, sql_split_finish, &p, &r, e);
	*done_out = ok && pg_rows(r) == 0;
	if (ok && !*done_out) {
		ok = pg_begin(s->pg, NULL, e) && lease_check(s->lease, s->pg, e) &&
		     pg_execf(s->pg, e, "SET LOCAL lock_timeout = %d", wait_ms) &&
		     pg_exec(s->pg, pg_text(r, 0, 0), e) && pg_commit(s->pg, e);
		if (!ok) {
			pg_rollback(s->pg);
			err_wrap(e, "could not run \"%s\"", pg_text(r, 0, 0));
		}
	}
	pg_result_free(r);
	return ok;
}

/* ---- ends ---- */

static bool forget(struct split *s, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, s->id);
	return pg_query(s->pg, "DELETE FROM firn.split WHERE id = $1::bigint", &p, NULL, e);
}

bool split_rollback(struct split *s, int wait_ms, struct err *e)
{
	bool ok;

	/* What CASCADE would take is only what the split made. */
	if (str_eq(s->table->schema, s->building) || str_eq(s->table->schema, s->kept))
		return err_set(e, ERR_CONFIG, "table \"%s\" is in a schema of the split itself",
			       s->table->label);
	/* Whatever of it is there: someone may have dropped some by hand. */
	ok = split_begin_tx(s, NULL, NULL, e) && pg_local_search_path(s->pg, false, e) &&
	     split_lock(s, wait_ms, e) && stop_recording(s, e) &&
	     pg_execf(s->pg, e, "DROP SCHEMA IF EXISTS %s CASCADE", s->building) &&
	     pg_execf(s->pg, e, "DROP SCHEMA IF EXISTS %s", s->kept) && forget(s, e);
	if (ok && FAULT("split.before_rollback"))
		ok = err_set(e, ERR_INTERNAL, "a fault was injected");
	ok = ok && pg_commit(s->pg, e);
	if (ok)
		s->phase = SPLIT_NONE;
	else
		pg_rollback(s->pg);
	return ok || err_wrap(e, "could not take the split of \"%s\" back", s->table->label);
}

/* DROP FUNCTION IF EXISTS wants the schema to be there. */
static bool drop_functions(struct split *s, struct err *e)
{
	static const char sql[] =
		"SELECT pg_catalog.format('DROP FUNCTION %I.%I()', n.nspname, p.proname) FROM "
		"pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
		"WHERE "
		"n.nspname = $1::text AND p.proname = 'firn_refuse_write'";
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_text(&p, s->kept);
	return run_all(s, sql, &p, e);
}

bool split_drop_old(struct split *s, int wait_ms, struct err *e)
{
	static const char tables[] =
		"SELECT pg_catalog.format('DROP TABLE %I.%I', n.nspname, c.relname) FROM "
		"pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
		"WHERE "
		"c.oid = $1::bigint::oid AND n.nspname = $2::text";
	struct pg_params p = PG_PARAMS_INIT;
	bool ok;

	pg_param_i64(&p, s->old_oid);
	pg_param_text(&p, s->kept);
	ok = split_begin_tx(s, NULL, NULL, e) && pg_local_search_path(s->pg, false, e) &&
	     pg_execf(s->pg, e, "SET LOCAL lock_timeout = %d", wait_ms) &&
	     run_all(s, tables, &p, e) && drop_functions(s, e) &&
	     pg_execf(s->pg, e, "DROP SCHEMA IF EXISTS %s", s->kept) && forget(s, e);
	if (ok && FAULT("split.before_drop"))
		ok = err_set(e, ERR_INTERNAL, "a fault was injected");
	ok = ok && pg_commit(s->pg, e);
	if (!ok)
		pg_rollback(s->pg);
	if (!ok && str_eq(pg_last_sqlstate(s->pg), "2BP01"))
		e->code = ERR_CONFIG;
	return ok || err_wrap(e, "could not drop the old table of \"%s\"", s->table->label);
}
