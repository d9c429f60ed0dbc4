#include "catalog/version_flip.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/lease.h"

bool version_flip_possible(const struct table_info *t, struct err *e)
{
	const struct active_source *a = &t->active;

	if (a->kind == ACTIVE_VALUE) {
		err_set(e, ERR_CONFIG,
			"the active version of table \"%s\" is the value \"%s\" of the "
			"configuration, for all workspaces",
			t->label, a->value);
		return err_hint(e, "Bring what is cold back by \"firn rehydrate --version NAME\", "
				   "then change active_version.value.");
	}
	if (a->kind == ACTIVE_QUERY && !a->promote_statement) {
		err_set(e, ERR_CONFIG,
			"the active version of table \"%s\" comes from a query: nothing says how "
			"to change it",
			t->label);
		return err_hint(e, "Configure active_version.promote_statement: one statement that "
				   "makes version $2 active for workspace $1.");
	}
	return true;
}

bool version_flip_begin(struct pg *pg, const struct table_info *t, int64_t table_id, struct err *e)
{
	return (pg_begin(pg, NULL, e) && pg_local_search_path(pg, true, e) &&
		pg_exec(pg,
			"SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0; "
			"SET LOCAL work_mem = '64MB'; SET LOCAL jit = off",
			e) &&
		lease_bump(pg, table_id, e)) ||
	       err_wrap(e, "could not begin to change the active version of table \"%s\"",
			t->label);
}

void version_state_release(struct version_state *s)
{
	free(s->active);
	free(s->target);
	*s = (struct version_state){ 0 };
}

static char *copy_or_null(const struct pg_result *r, int column, struct err *e)
{
	return pg_is_null(r, 0, column) ? NULL : mem_strdup(pg_text(r, 0, column), e);
}

/* One row: version, target. */
static bool read_state(struct pg *pg, const struct table_info *t, const char *workspace,
		       const char *sql, struct version_state *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok = false;

	pg_param_text(&p, workspace);
	if (!pg_query(pg, sql, &p, &r, e))
		return err_wrap(e, "could not read the active version of workspace \"%s\"",
				workspace);
	if (pg_rows(r) > 1) {
		err_set(e, ERR_CONFIG, "workspace \"%s\" has more than one active version",
			workspace);
		err_hint(e,
			 "The table or query under active_version must give one row a workspace.");
	} else if (pg_rows(r) == 0 || pg_is_null(r, 0, 0)) {
		err_set(e, ERR_NOT_FOUND,
			"nothing says which version of workspace \"%s\" is active", workspace);
		if (t->active.table)
			err_hint(e, "Insert a row for it into %s.", t->active.table);
	} else {
		out->active = mem_strdup(pg_text(r, 0, 0), e);
		out->target = copy_or_null(r, 1, e);
		ok = out->active && (out->target || pg_is_null(r, 0, 1));
	}
	pg_result_free(r);
	return ok;
}

static bool look_at_state(struct pg *pg, const struct table_info *t, const char *workspace,
			  struct version_state *out, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	*out = (struct version_state){ 0 };
	buf_printf(&sql, "SELECT a.version, a.target FROM (%s) a WHERE a.workspace = $1::text",
		   t->active.select);
	ok = buf_ok(&sql, e) && read_state(pg, t, workspace, buf_str(&sql), out, e);
	buf_release(&sql);
	return ok;
}

bool version_state_lock(struct pg *pg, const struct table_info *t, const char *workspace,
			struct version_state *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT;
	bool ok = true;

	*out = (struct version_state){ 0 };
	if (t->active.kind == ACTIVE_TABLE) {
		buf_printf(&sql, "SELECT 1 FROM %s s WHERE s.%s::text = $1::text FOR UPDATE OF s",
			   t->active.table, t->active.workspace_column);
		pg_param_text(&p, workspace);
		ok = (buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, NULL, e)) ||
		     err_wrap(e, "could not lock the active version of workspace \"%s\"",
			      workspace);
	}
	buf_release(&sql);
	return ok && look_at_state(pg, t, workspace, out, e);
}

static void hint_grant(const struct table_info *t, struct err *e)
{
	if (e->code == ERR_DENIED)
		err_hint(e, "GRANT UPDATE ON %s to the role that firn connects as.",
			 t->active.table);
}

static bool update_table(struct pg *pg, const struct table_info *t, const char *workspace,
			 const char *version, struct err *e)
{
	const struct active_source *a = &t->active;
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql, "UPDATE %s AS s SET %s = $2", a->table, a->version_column);
	if (a->since_column)
		buf_printf(&sql, ", %s = pg_catalog.clock_timestamp()", a->since_column);
	if (a->epoch_column)
		buf_printf(&sql, ", %s = coalesce(s.%s, 0) + 1", a->epoch_column, a->epoch_column);
	buf_printf(&sql, " WHERE s.%s::text = $1::text", a->workspace_column);
	pg_param_text(&p, workspace);
	pg_param_text(&p, version);
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, NULL, e);
	if (!ok)
		hint_grant(t, e);
	buf_release(&sql);
	return ok;
}

static bool run_statement(struct pg *pg, const struct table_info *t, const char *workspace,
			  const char *version, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_text(&p, workspace);
	pg_param_text(&p, version);
	return pg_query(pg, t->active.promote_statement, &p, NULL, e) ||
	       err_wrap(e, "active_version.promote_statement failed");
}

/* A statement that does something else, or a trigger that knows better. */
static bool check_flipped(struct pg *pg, const struct table_info *t, const char *workspace,
			  const char *version, struct err *e)
{
	struct version_state now;
	bool ok = look_at_state(pg, t, workspace, &now, e);

	if (ok && !str_eq(now.active, version)) {
		ok = err_set(e, ERR_CONFIG, "version \"%s\" stayed active", now.active);
		err_hint(e, t->active.promote_statement
				    ? "Look at active_version.promote_statement: it is to make "
				      "version $2 active for workspace $1."
				    : "Look at the triggers of the table that says which version "
				      "is active.");
	}
	version_state_release(&now);
	return ok;
}

static bool note_since(struct pg *pg, int64_t table_id, const char *workspace, const char *version,
		       struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	pg_param_text(&p, workspace);
	pg_param_text(&p, version);
	return pg_query(pg,
			"INSERT INTO firn.version_seen (table_id, workspace, version, since) "
			"VALUES ($1::bigint, $2, $3, pg_catalog.clock_timestamp()) "
			"ON CONFLICT (table_id, workspace) DO UPDATE SET version = "
			"excluded.version, since = excluded.since",
			&p, NULL, e);
}

bool version_flip(struct pg *pg, const struct table_info *t, int64_t table_id,
		  const char *workspace, const char *version, struct err *e)
{
	bool ok = t->active.promote_statement ? run_statement(pg, t, workspace, version, e)
					      : update_table(pg, t, workspace, version, e);

	return (ok && check_flipped(pg, t, workspace, version, e) &&
		note_since(pg, table_id, workspace, version, e)) ||
	       err_wrap(e, "could not make version \"%s\" active for workspace \"%s\"", version,
			workspace);
}

bool version_note_residency(struct pg *pg, int64_t table_id, const char *workspace, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_i64(&p, table_id);
	pg_param_text(&p, workspace);
	return pg_query(pg,
			"INSERT INTO firn.residency AS r (table_id, workspace) VALUES "
			"($1::bigint, $2) "
			"ON CONFLICT (table_id, workspace, (coalesce(document, '')), ((document IS "
			"NULL))) DO UPDATE SET rehydrated_at = pg_catalog.now()",
			&p, NULL, e);
}

/* ---- the record ---- */

void flip_record_release(struct flip_record *r)
{
	free(r->from);
	free(r->to);
	*r = (struct flip_record){ 0 };
}

static bool find_record(struct pg *pg, const char *condition, int64_t table_id,
			const char *workspace, struct flip_record *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	*out = (struct flip_record){ 0 };
	buf_printf(&sql,
		   "SELECT id, from_version, to_version FROM firn.version_flip "
		   "WHERE table_id = $1::bigint AND workspace = $2 AND %s ORDER BY id DESC LIMIT 1",
		   condition);
	pg_param_i64(&p, table_id);
	pg_param_text(&p, workspace);
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, &r, e);
	if (ok && pg_rows(r) == 1) {
		out->id = pg_i64(r, 0, 0);
		out->from = mem_strdup(pg_text(r, 0, 1), e);
		out->to = mem_strdup(pg_text(r, 0, 2), e);
		ok = out->from && out->to;
	}
	pg_result_free(r);
	buf_release(&sql);
	return ok || err_wrap(e, "could not read what was promoted and rolled back");
}

bool flip_record_open(struct pg *pg, int64_t table_id, const char *workspace,
		      struct flip_record *out, struct err *e)
{
	return find_record(pg, "flipped_at IS NULL AND given_up_at IS NULL", table_id, workspace,
			   out, e);
}

bool flip_record_promoted(struct pg *pg, int64_t table_id, const char *workspace,
			  struct flip_record *out, struct err *e)
{
	return find_record(pg, "kind = 'promote' AND flipped_at IS NOT NULL", table_id, workspace,
			   out, e);
}

static bool add_record(struct pg *pg, int64_t table_id, const char *workspace, bool promote,
		       const char *from, const char *to, int64_t *id_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, table_id);
	pg_param_text(&p, workspace);
	pg_param_text(&p, promote ? "promote" : "rollback");
	pg_param_text(&p, from);
	pg_param_text(&p, to);
	if (!pg_query(pg,
		      "INSERT INTO firn.version_flip (table_id, workspace, kind, from_version, "
		      "to_version, flipped_at) VALUES ($1::bigint, $2, $3::text, "
		      "$4, $5, CASE $3::text WHEN 'promote' THEN pg_catalog.clock_timestamp() "
		      "END) RETURNING id",
		      &p, &r, e))
		return err_wrap(e, "could not record the change of the active version");
	*id_out = pg_i64(r, 0, 0);
	pg_result_free(r);
	return true;
}

bool flip_record_promote(struct pg *pg, int64_t table_id, const char *workspace, const char *from,
			 const char *to, struct err *e)
{
	int64_t id;

	return add_record(pg, table_id, workspace, true, from, to, &id, e);
}

bool flip_record_rollback(struct pg *pg, int64_t table_id, const char *workspace, const char *from,
			  const char *to, int64_t *id_out, struct err *e)
{
	return add_record(pg, table_id, workspace, false, from, to, id_out, e);
}

bool flip_record_end(struct pg *pg, int64_t id, bool flipped, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql,
		   "UPDATE firn.version_flip SET %s = pg_catalog.clock_timestamp() WHERE id = "
		   "$1::bigint AND flipped_at IS NULL AND given_up_at IS NULL",
		   flipped ? "flipped_at" : "given_up_at");
	pg_param_i64(&p, id);
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, NULL, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not record the end of the rollback");
}
