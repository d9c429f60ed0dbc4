#include "catalog/table_load.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "sql.h"

#define DEFAULT_TABLE "workspace_index_state"
#define CHECK         "active-version"

/* Best first. */
static const char *const active_names[] = {
	"active_embedding_version",  "active_version",  "active_embedding_model", "active_model",
	"current_embedding_version", "current_version", "current_model",          NULL
};
static const char *const since_names[] = { "flipped_at", "activated_at", "active_since",
					   "updated_at", NULL };
static const char *const target_names[] = { "target_embedding_version", "target_version",
					    "target_embedding_model", "target_model", NULL };
/* Counts flips, so that caches of the application know. */
static const char *const epoch_names[] = { "index_epoch", "version_epoch", "epoch", NULL };

static bool refuse(struct table_load *l, const char *hint, struct err *e, const char *what,
		   const char *name)
{
	return table_add_check(l->info, TABLE_CHECK_REFUSED, ERR_CONFIG, CHECK, hint, e,
			       "%s \"%s\"", what, name);
}

/* ---- a table ---- */

/* The column for one part: as configured, else by name. *ok false: configured, but not there. */
static struct found_column *part(const struct found_columns *c, const char *configured,
				 const char *const *names,
				 bool (*fits)(const struct found_column *), const char *key,
				 bool *ok, struct err *e)
{
	struct found_column *f;

	if (!configured)
		return found_columns_like(c, names, fits);
	f = found_columns_named(c, configured);
	if (!f)
		*ok = err_set(e, ERR_CONFIG, "there is no column \"%s\" (active_version.%s)",
			      configured, key);
	return f;
}

static void add_value(struct pg *pg, struct buf *b, const struct found_column *f, const char *type,
		      const char *name)
{
	buf_add_str(b, ", ");
	if (f)
		pg_add_identifier(pg, b, f->column.name);
	else
		buf_add_str(b, "NULL");
	buf_printf(b, "::pg_catalog.%s AS %s", type, name);
}

struct parts {
	struct found_column *workspace, *version, *since, *target, *epoch;
};

static bool is_counter(const struct found_column *c)
{
	return str_eq(c->column.type_name, "int4") || str_eq(c->column.type_name, "int8") ||
	       str_eq(c->column.type_name, "int2");
}

/* NULL without an error where there is no such column. */
static bool quote_part(struct pg *pg, const struct found_column *f, char **out, struct err *e)
{
	struct buf b = BUF_INIT;

	*out = NULL;
	if (!f)
		return true;
	pg_add_identifier(pg, &b, f->column.name);
	*out = buf_take(&b, e);
	buf_release(&b);
	return *out != NULL;
}

static bool use_table(struct table_load *l, uint32_t oid, const struct relation *r,
		      const struct parts *parts, struct err *e)
{
	struct active_source *a = &l->info->active;
	struct buf b = BUF_INIT;
	bool table = r->kind == 'r' || r->kind == 'p', ok = false;

	if (!quote_part(l->pg, parts->workspace, &a->workspace_column, e) ||
	    !quote_part(l->pg, parts->version, &a->version_column, e) ||
	    !quote_part(l->pg, parts->since, &a->since_column, e) ||
	    !quote_part(l->pg, parts->epoch, &a->epoch_column, e))
		return false;
	buf_printf(&b, "SELECT %s::pg_catalog.text AS workspace", a->workspace_column);
	add_value(l->pg, &b, parts->version, "text", "version");
	add_value(l->pg, &b, parts->since, "timestamptz", "since");
	add_value(l->pg, &b, parts->target, "text", "target");
	buf_printf(&b, " FROM %s", r->qualified);
	a->select = buf_take(&b, e);
	a->table = a->select ? mem_strdup(r->qualified, e) : NULL;
	if (!a->table)
		goto out;
	a->kind = table ? ACTIVE_TABLE : ACTIVE_QUERY;
	l->active_oid = oid;
	ok = table_add_check(l->info, TABLE_CHECK_OK, ERR_NONE, CHECK, NULL, e,
			     "column \"%s\" of \"%s\"%s%s%s", parts->version->column.name, r->label,
			     parts->since ? ", since \"" : "",
			     parts->since ? parts->since->column.name : "",
			     parts->since ? "\"" : ", since firn first saw it");
out:
	buf_release(&b);
	return ok;
}

static bool from_table(struct table_load *l, uint32_t oid, bool configured, struct err *e)
{
	const struct table_wanted *w = l->wanted;
	const struct column *workspace = table_info_column(l->info, COLUMN_WORKSPACE);
	const char *const same_name[] = { workspace ? workspace->name : "", NULL };
	struct relation r = { 0 };
	struct found_columns c = { 0 };
	struct parts p = { 0 };
	struct buf names = BUF_INIT, hint = BUF_INIT;
	bool ok = false, found = true;

	if (!table_load_relation(l->pg, oid, &r, e) || !found_columns_load(l->pg, oid, &c, e))
		goto out;
	p.workspace = part(&c, w->active_workspace_column, same_name, NULL, "workspace_column",
			   &found, e);
	if (!p.workspace && !w->active_workspace_column)
		p.workspace = found_columns_like(&c, workspace_names, NULL);
	if (found)
		p.version = part(&c, w->active_version_column, active_names, NULL, "version_column",
				 &found, e);
	if (found)
		p.since = part(&c, w->active_since_column, since_names, column_is_timestamp,
			       "since_column", &found, e);
	p.target = found_columns_like(&c, target_names, NULL);
	p.epoch = found_columns_like(&c, epoch_names, is_counter);
	if (!found) {
		found_columns_list(l->pg, &c, &names);
		err_hint(e, "Table \"%s\" has: %s.", r.label, buf_str(&names));
		goto out;
	}
	if (p.since && !column_is_timestamp(p.since)) {
		err_set(e, ERR_CONFIG,
			"column \"%s\" (active_version.since_column) is no timestamp but %s",
			p.since->column.name, p.since->column.type_full);
		goto out;
	}
	found_columns_list(l->pg, &c, &names);
	buf_printf(&hint,
		   "Configure active_version.workspace_column and "
		   "active_version.version_column. The table has: %s.",
		   buf_str(&names));
	if (p.workspace && p.version)
		ok = use_table(l, oid, &r, &p, e);
	else if (configured)
		ok = refuse(l, buf_str(&hint), e,
			    p.workspace ? "found no column for the active version in table"
					: "found no column for the workspace in table",
			    r.label);
	else
		ok = table_add_check(
			l->info, TABLE_CHECK_WARNING, ERR_NONE, CHECK,
			"Configure active_version: { table, workspace_column, version_column }.", e,
			"table \"%s\" has no column for the workspace or its active version: the "
			"rule "
			"\"superseded\" cannot be used",
			r.label);
out:
	buf_release(&names);
	buf_release(&hint);
	found_columns_release(&c);
	relation_release(&r);
	return ok;
}

/* ---- a query ---- */

/* Without the semicolons and blanks at its end. */
static char *trimmed(const char *query, struct err *e)
{
	size_t n = strlen(query);

	while (n > 0 && (query[n - 1] == ';' || isspace((unsigned char)query[n - 1])))
		n--;
	return mem_strndup(query, n, e);
}

/*
 * The operator's names mean what they mean under the role's own search_path, firn's statements run under others. So the
 * server is asked how it understood the query, by way of a view that the transaction takes with it when it ends. That
 * also refuses what is no query: several statements, changes of data, parameters.
 */
static bool understand_query(struct pg *pg, const char *query, char **select_out, struct err *e)
{
	static const char *const names[] = { "workspace", "version", "since", "target" };
	struct pg_result *r = NULL;
	struct buf b = BUF_INIT;
	char *text = NULL, *definition = NULL;
	int columns;
	bool ok = false;

	text = trimmed(query, e);
	if (!text)
		return false;
	buf_printf(&b, "CREATE TEMPORARY VIEW firn_active_query AS %s", text);
	if (!buf_ok(&b, e) || !pg_local_search_path(pg, true, e) ||
	    !pg_query(pg, buf_str(&b), NULL, NULL, e) || !pg_local_search_path(pg, false, e) ||
	    !pg_query(pg, sql_active_columns, NULL, &r, e))
		goto out;
	columns = pg_rows(r) < 4 ? pg_rows(r) : 4;
	if (columns < 2) {
		err_set(e, ERR_CONFIG, "it gives one column, not workspace and active version");
		goto out;
	}
	if (columns > 2 && !str_starts_with(pg_text(r, 2, 1), "timestamp")) {
		err_set(e, ERR_CONFIG,
			"its third column is to be a timestamptz (active since when), but is %s",
			pg_text(r, 2, 1));
		goto out;
	}
	definition = trimmed(pg_text(r, 0, 2), e);
	if (!definition)
		goto out;
	buf_clear(&b);
	buf_add_str(&b, "SELECT q.workspace::pg_catalog.text AS workspace, "
			"q.version::pg_catalog.text AS version");
	buf_printf(&b, ", %s::pg_catalog.timestamptz AS since", columns > 2 ? "q.since" : "NULL");
	buf_printf(&b, ", %s::pg_catalog.text AS target FROM (%s) q (",
		   columns > 3 ? "q.target" : "NULL", definition);
	for (int i = 0; i < columns; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", names[i]);
	buf_add_byte(&b, ')');
	*select_out = buf_take(&b, e);
	if (!*select_out)
		goto out;
	/* A view is made without asking what its reader may read. */
	buf_printf(&b, "SELECT * FROM (%s) s LIMIT 0", *select_out);
	ok = buf_ok(&b, e) && pg_query(pg, buf_str(&b), NULL, NULL, e);
out:
	pg_result_free(r);
	buf_release(&b);
	free(text);
	free(definition);
	return ok;
}

/* The statements without which the role may not read what the query names: "" where none is found. */
static bool find_grants(struct table_load *l, char **out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	pg_param_text(&p, l->wanted->active_query);
	ok = pg_local_search_path(l->pg, true, e) &&
	     pg_query(l->pg, sql_active_grants, &p, &r, e) && pg_local_search_path(l->pg, false, e);
	if (ok) {
		*out = mem_strdup(pg_text(r, 0, 0), e);
		ok = *out != NULL;
	}
	pg_result_free(r);
	return ok;
}

static bool from_query(struct table_load *l, struct err *e)
{
	struct active_source *a = &l->info->active;
	struct err why = { 0 };
	char *grants = NULL;
	bool denied, ok;

	if (!pg_exec(l->pg, "SAVEPOINT firn_query", e))
		return false;
	if (understand_query(l->pg, l->wanted->active_query, &a->select, &why)) {
		a->kind = ACTIVE_QUERY;
		return table_add_check(l->info, TABLE_CHECK_OK, ERR_NONE, CHECK, NULL, e,
				       "the configured query");
	}
	if (err_is_retryable(why.code) || why.code == ERR_MEMORY) {
		*e = why;
		return false;
	}
	free(a->select);
	a->select = NULL;
	denied = why.code == ERR_DENIED;
	if (!pg_exec(l->pg, "ROLLBACK TO SAVEPOINT firn_query", e) ||
	    (denied && !find_grants(l, &grants, e)))
		return false;
	ok = table_add_check(
		l->info, TABLE_CHECK_REFUSED, denied ? ERR_DENIED : ERR_CONFIG, CHECK,
		grants && *grants ? grants
		: why.hint[0]     ? why.hint
			      : "Configure active_version.query as one SELECT of workspace, active "
				"version, "
				"since when (timestamptz, optional) and the version being built "
				"(optional).",
		e, "the query of the active version cannot be used: %s", why.message);
	free(grants);
	return ok;
}

bool table_load_active(struct table_load *l, struct err *e)
{
	const struct table_wanted *w = l->wanted;
	struct active_source *a = &l->info->active;
	uint32_t oid;

	if (!!w->active_table + !!w->active_query + !!w->active_value > 1)
		return err_set(e, ERR_CONFIG,
			       "active_version is to have one of table, query and value");
	a->promote_statement = mem_strdup(w->promote_statement, e);
	if (w->promote_statement && !a->promote_statement)
		return false;
	if (w->active_value) {
		a->kind = ACTIVE_VALUE;
		a->value = mem_strdup(w->active_value, e);
		return a->value && table_add_check(l->info, TABLE_CHECK_OK, ERR_NONE, CHECK, NULL,
						   e, "\"%s\" for every workspace", a->value);
	}
	if (w->active_query)
		return from_query(l, e);
	if (!table_find_relation(l->pg, w->active_table ? w->active_table : DEFAULT_TABLE,
				 l->info->schema, &oid, e))
		return false;
	if (oid)
		return from_table(l, oid, w->active_table != NULL, e);
	if (w->active_table) {
		err_set(e, ERR_CONFIG, "there is no table \"%s\" (active_version.table)",
			w->active_table);
		return err_hint(e, "Write schema.table, or configure active_version.query.");
	}
	return table_add_check(
		l->info, TABLE_CHECK_WARNING, ERR_NONE, CHECK,
		"Configure active_version with a table, a query or a value.", e,
		"nothing says which version is active: the rule \"superseded\" cannot be used");
}
