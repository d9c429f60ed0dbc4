#include "catalog/candidates.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/signal.h"
#include "catalog/candidate_sql.h"
#include "catalog/candidate_where.h"

bool candidate_rule_at(const struct candidate_rules *r, const struct candidate_rule *rule,
		       struct err *e)
{
	return r->path ? err_wrap(e, "%s:%d", r->path, rule->line) : false;
}

static bool need_column(const struct table_info *t, const struct candidate_rules *r,
			const struct candidate_rule *rule, enum column_role role,
			const char *condition, const char *key, struct err *e)
{
	if (table_info_column(t, role))
		return true;
	err_set(e, ERR_CONFIG, "rule \"%s\" speaks of \"%s\", for which table \"%s\" has no column",
		rule->name, condition, t->label);
	candidate_rule_at(r, rule, e);
	return err_hint(e,
			"Name the column under tables: columns: %s in the configuration, or leave "
			"the condition out.",
			key);
}

/* A workspace with two active versions would double its rows in the joins and make "superseded" mean nothing. */
static bool check_active_unique(struct pg *pg, const struct table_info *t, struct err *e)
{
	struct buf sql = BUF_INIT;
	struct pg_result *result = NULL;
	bool ok = false;

	buf_printf(&sql, "SELECT a.workspace FROM (%s) a GROUP BY 1 HAVING count(*) > 1 LIMIT 1",
		   t->active.select);
	if (!buf_ok(&sql, e) || !pg_query(pg, buf_str(&sql), NULL, &result, e)) {
		err_wrap(e, "could not read the active versions of table \"%s\"", t->label);
		goto out;
	}
	if (pg_rows(result) > 0) {
		err_set(e, ERR_CONFIG, "workspace \"%s\" has more than one active version",
			pg_text(result, 0, 0));
		err_hint(e,
			 "The table or query under active_version must give one row a workspace.");
		goto out;
	}
	ok = true;
out:
	pg_result_free(result);
	buf_release(&sql);
	return ok;
}

bool candidates_check(struct pg *pg, const struct table_info *t, const struct candidate_rules *r,
		      struct err *e)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct candidate_rule *rule = &r->rules[i];

		if (rule->version_count &&
		    !need_column(t, r, rule, COLUMN_VERSION, "version", "version", e))
			return false;
		if (rule->has_idle_for &&
		    !need_column(t, r, rule, COLUMN_CREATED, "idle_for", "created", e))
			return false;
		if (rule->has_age_over &&
		    !need_column(t, r, rule, COLUMN_CREATED, "age_over", "created", e))
			return false;
		if (candidate_rule_presses(rule) &&
		    !need_column(t, r, rule, COLUMN_CREATED,
				 rule->leaf_rows_over ? "leaf_rows_over" : "hot_bytes_over",
				 "created", e))
			return false;
		if (rule->of_document &&
		    !need_column(t, r, rule, COLUMN_DOCUMENT, "of: document", "document", e))
			return false;
		if (rule->document_count &&
		    !need_column(t, r, rule, COLUMN_DOCUMENT, "document", "document", e))
			return false;
		if (rule->where && !candidate_where_check(pg, t, r, rule, e))
			return false;
		if (!rule->superseded)
			continue;
		if (!need_column(t, r, rule, COLUMN_VERSION, "superseded", "version", e))
			return false;
		if (rule->require_replacement &&
		    !need_column(t, r, rule, COLUMN_DOCUMENT, "require_replacement", "document", e))
			return false;
		if (t->active.kind == ACTIVE_NONE) {
			err_set(e, ERR_CONFIG,
				"rule \"%s\" speaks of \"superseded\", but nothing says which "
				"version is active",
				rule->name);
			candidate_rule_at(r, rule, e);
			return err_hint(e,
					"Set active_version of table \"%s\" to a table, a query or "
					"a value.",
					t->label);
		}
	}
	return !candidate_sql_any_superseded(r) || t->active.kind == ACTIVE_VALUE ||
	       check_active_unique(pg, t, e);
}

bool candidates_note_versions(struct pg *pg, const struct table_info *t, int64_t table_id,
			      struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT;
	bool ok;

	if (t->active.kind == ACTIVE_NONE)
		return true;
	buf_printf(
		&sql,
		"INSERT INTO firn.version_seen AS s (table_id, workspace, version) SELECT %" PRId64
		", ",
		table_id);
	if (t->active.kind == ACTIVE_VALUE) {
		buf_add_str(&sql, "'', $1::text");
		pg_param_text(&p, t->active.value);
	} else {
		buf_printf(&sql,
			   "a.workspace, a.version FROM (%s) a WHERE a.workspace IS NOT NULL AND "
			   "a.version IS NOT NULL",
			   t->active.select);
	}
	buf_add_str(&sql, " ON CONFLICT (table_id, workspace) DO UPDATE SET version = "
			  "excluded.version, since = now() "
			  "WHERE s.version <> excluded.version");
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, NULL, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not note the active versions of table \"%s\"", t->label);
}

struct plan_visit {
	bool (*visit)(void *ctx, const struct candidate_group *g, struct err *e);
	void *ctx;
};

static bool visit_plan_row(void *ctx, const struct pg_result *row, struct err *e)
{
	const struct plan_visit *v = ctx;
	struct candidate_group g = {
		.rule = (int)pg_i64(row, 0, 0),
		.workspace = pg_text(row, 0, 1),
		.version = pg_text(row, 0, 2),
		.rows = pg_i64(row, 0, 3),
		.bytes = pg_i64(row, 0, 4),
		.copy_bytes = pg_i64(row, 0, 5),
	};

	return v->visit(v->ctx, &g, e);
}

bool candidates_plan(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		     int64_t table_id, const struct candidate_rules *r,
		     bool (*visit)(void *ctx, const struct candidate_group *g, struct err *e),
		     void *ctx, struct err *e)
{
	struct plan_visit v = { .visit = visit, .ctx = ctx };
	struct candidate_sql what = { .with_keep = true };
	struct candidate_cut *cuts = NULL;
	const struct column *version = table_info_column(t, COLUMN_VERSION);
	struct buf selected = BUF_INIT, sql = BUF_INIT;
	bool ok = false;

	candidate_sql_add_text(pg, &selected, "t", table_info_column(t, COLUMN_WORKSPACE));
	buf_add_str(&selected, " AS firn_w, ");
	if (version)
		candidate_sql_add_text(pg, &selected, "t", version);
	else
		buf_add_str(&selected, "NULL::text");
	buf_add_str(&selected, " AS firn_v, ");
	candidate_sql_add_bytes(pg, &selected, t);
	buf_add_str(&selected, " AS firn_b, ");
	candidate_sql_add_copy_bytes(pg, &selected, t);
	buf_add_str(&selected, " AS firn_c");
	cuts = mem_new(r->count, sizeof(*cuts), e);
	if (!cuts || !buf_ok(&selected, e) || !candidate_sql_begin(pg, t, r, e) ||
	    !candidate_sql_look(pg, t, table_id, r, &what, e) ||
	    !candidate_pressure_cut_leaf(pg, t, leaf, table_id, r, &what, cuts, e))
		goto out;
	what.cuts = cuts;
	what.selected = buf_str(&selected);
	candidate_sql_add_rows(pg, &sql, t, leaf, table_id, r, &what);
	buf_add_str(&sql, " SELECT firn_rule, firn_w, firn_v, count(*), sum(firn_b)::bigint, "
			  "sum(firn_c)::bigint FROM firn_rows WHERE firn_rule >= 0 GROUP BY 1, 2, "
			  "3 ORDER BY 1, 2, 3");
	ok = buf_ok(&sql, e) && pg_query_each(pg, buf_str(&sql), NULL, visit_plan_row, &v, e) &&
	     pg_commit(pg, e);
out:
	if (!ok) {
		pg_rollback(pg);
		err_wrap(e, "could not plan leaf \"%s\"", leaf->label);
	}
	free(cuts);
	buf_release(&selected);
	buf_release(&sql);
	return ok;
}

/* rule, workspace, version, document, id: rows that share a block lie together, and a re-read gives the same order. Any
 * order of texts will do, and that of their bytes is by far the cheapest. */
static void add_order(struct pg *pg, struct buf *b, const struct table_info *t, bool by_rule)
{
	static const enum column_role order[] = { COLUMN_WORKSPACE, COLUMN_VERSION, COLUMN_DOCUMENT,
						  COLUMN_ID };
	const char *before = " ORDER BY ";

	/* One rule is no key: the first one is the one that sorting compares cheaply. */
	if (by_rule) {
		buf_add_str(b, " ORDER BY firn_rule");
		before = ", ";
	}
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (size_t c = 0; c < t->column_count; c++)
			if (t->columns[c].role == order[i]) {
				const char *type = t->columns[c].type_name;

				buf_add_str(b, before);
				before = ", ";
				pg_add_identifier(pg, b, t->columns[c].name);
				if (strcmp(type, "text") == 0 || strcmp(type, "varchar") == 0)
					buf_add_str(b, " COLLATE \"C\"");
			}
}

/* firn_quota(rule, w, rows), from settings: COPY takes no parameters. */
static bool set_quotas(struct pg *pg, const struct candidate_quotas *quotas, struct err *e)
{
	struct buf arrays[3] = { BUF_INIT, BUF_INIT, BUF_INIT };
	static const char *const names[] = { "firn.quota_rules", "firn.quota_workspaces",
					     "firn.quota_rows" };
	bool ok = true;

	for (size_t i = 0; i < 3; i++)
		buf_add_byte(&arrays[i], '{');
	for (size_t i = 0; i < quotas->count; i++) {
		pg_add_array_i64(&arrays[0], quotas->items[i].rule);
		pg_add_array_item(&arrays[1], quotas->items[i].workspace);
		pg_add_array_i64(&arrays[2], quotas->items[i].rows);
	}
	for (size_t i = 0; i < 3; i++) {
		buf_add_byte(&arrays[i], '}');
		ok = ok && buf_ok(&arrays[i], e) &&
		     candidate_sql_set(pg, names[i], buf_str(&arrays[i]), e);
		buf_release(&arrays[i]);
	}
	return ok;
}

/* What is needed to pick rows: their columns are read for those that were picked only. */
static void select_to_pick(struct pg *pg, struct buf *b, const struct table_info *t,
			   const struct candidate_sql *what)
{
	buf_add_str(b, "t.ctid AS firn_tid, coalesce(");
	candidate_sql_add_text(pg, b, "t", table_info_column(t, COLUMN_WORKSPACE));
	buf_add_str(b, ", '') AS firn_w, ");
	if (table_info_column(t, COLUMN_CREATED))
		candidate_sql_add_last_use(pg, b, t, &(struct candidate_rule){ 0 }, what);
	else
		buf_add_str(b, "NULL::timestamptz");
	buf_add_str(b, " AS firn_at");
}

static void add_picked(struct buf *b, const struct candidate_rules *r)
{
	buf_add_str(
		b,
		", firn_quota AS MATERIALIZED (SELECT * FROM ROWS FROM ("
		"pg_catalog.unnest(pg_catalog.current_setting('firn.quota_rules')::int4[]), "
		"pg_catalog.unnest(pg_catalog.current_setting('firn.quota_workspaces')::text[]), "
		"pg_catalog.unnest(pg_catalog.current_setting('firn.quota_rows')::int8[])) "
		"q (rule, w, rows)), firn_picked AS MATERIALIZED (SELECT n.firn_tid, "
		"n.firn_rule FROM (SELECT firn_tid, firn_rule, firn_w, "
		"pg_catalog.row_number() OVER (PARTITION BY firn_rule, firn_w ORDER BY "
		"firn_at, firn_tid) AS place FROM firn_rows WHERE firn_rule IN (-2");
	candidate_sql_add_earlier(b, r, r->count);
	buf_add_str(b, ")) n JOIN firn_quota q ON q.rule = n.firn_rule AND q.w = n.firn_w WHERE "
		       "n.place <= q.rows)");
}

static void add_columns(struct pg *pg, struct buf *b, const struct table_info *t)
{
	for (size_t i = 0; i < t->column_count; i++) {
		buf_add_str(b, ", ");
		candidate_sql_add_column(pg, b, "t", &t->columns[i]);
	}
}

bool candidates_copy_start(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			   int64_t table_id, const struct candidate_rules *r,
			   const struct candidate_quotas *quotas, struct err *e)
{
	struct buf selected = BUF_INIT, sql = BUF_INIT;
	struct candidate_sql what = { .with_keep = false };
	struct candidate_cut *cuts = mem_new(r->count, sizeof(*cuts), e);
	size_t archiving = 0;
	bool ok = false;

	if (!cuts || !candidate_sql_begin(pg, t, r, e) ||
	    !candidate_sql_look(pg, t, table_id, r, &what, e) ||
	    !candidate_pressure_cut_leaf(pg, t, leaf, table_id, r, &what, cuts, e) ||
	    (quotas && !set_quotas(pg, quotas, e)))
		goto out;
	what.cuts = cuts;
	if (quotas) {
		select_to_pick(pg, &selected, t, &what);
	} else {
		buf_add_str(&selected, "t.ctid AS firn_tid, t.xmin AS firn_xmin");
		add_columns(pg, &selected, t);
	}
	if (!buf_ok(&selected, e))
		goto out;
	what.selected = buf_str(&selected);
	for (size_t i = 0; i < r->count; i++)
		archiving += !r->rules[i].keep;
	buf_add_str(&sql, "COPY (");
	candidate_sql_add_rows(pg, &sql, t, leaf, table_id, r, &what);
	if (quotas) {
		add_picked(&sql, r);
		buf_add_str(&sql, " SELECT t.ctid, t.xmin, p.firn_rule");
		add_columns(pg, &sql, t);
		buf_printf(&sql, " FROM firn_picked p JOIN ONLY %s t ON t.ctid = p.firn_tid",
			   leaf->qualified);
	} else {
		buf_add_str(&sql, " SELECT firn_tid, firn_xmin, firn_rule");
		for (size_t i = 0; i < t->column_count; i++) {
			buf_add_str(&sql, ", ");
			pg_add_identifier(pg, &sql, t->columns[i].name);
		}
		buf_add_str(&sql, " FROM firn_rows WHERE firn_rule IN (-2");
		candidate_sql_add_earlier(&sql, r, r->count);
		buf_add_str(&sql, ")");
	}
	add_order(pg, &sql, t, archiving > 1);
	buf_add_str(&sql, ") TO STDOUT (FORMAT BINARY)");
	ok = buf_ok(&sql, e) &&
	     pg_copy_out_start_until(pg, buf_str(&sql), signal_stop_requested, e);
out:
	if (!ok) {
		pg_rollback(pg);
		err_wrap(e, "could not read leaf \"%s\"", leaf->label);
	}
	free(cuts);
	buf_release(&selected);
	buf_release(&sql);
	return ok;
}
