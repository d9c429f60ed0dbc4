#include "catalog/candidates.h"

#include <inttypes.h>
#include <string.h>

#include "catalog/candidate_reads.h"
#include "catalog/candidate_where.h"

/* Longest age that a residency row can matter for: what min_residency and the idle rules look back at. */
static int64_t residency_reach_s(const struct candidate_rules *r)
{
	int64_t reach = r->min_residency_s;

	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i].has_idle_for && r->rules[i].idle_for_s > reach)
			reach = r->rules[i].idle_for_s;
	return reach;
}

static bool any_reads(const struct candidate_rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (candidate_rule_reads(&r->rules[i]) && !r->rules[i].withheld)
			return true;
	return false;
}

static bool any_reads_of_document(const struct candidate_rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i].of_document && !r->rules[i].withheld)
			return true;
	return false;
}

static bool any_superseded(const struct candidate_rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i].superseded)
			return true;
	return false;
}

static bool any_replacement(const struct candidate_rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i].superseded && r->rules[i].require_replacement)
			return true;
	return false;
}

/* What a row must fulfil for any rule that is asked about to match it. */
struct common {
	bool superseded, replacement;
};

static struct common common_of(const struct candidate_rules *r, bool with_keep)
{
	struct common all = { true, true };
	size_t asked = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct candidate_rule *rule = &r->rules[i];

		if (rule->keep && !with_keep)
			continue;
		asked++;
		all.superseded &= rule->superseded;
		all.replacement &= rule->superseded && rule->require_replacement;
	}
	return asked ? all : (struct common){ false, false };
}

static void add_column(struct pg *pg, struct buf *b, const char *alias, const struct column *c)
{
	buf_printf(b, "%s.", alias);
	pg_add_identifier(pg, b, c->name);
}

static void add_text(struct pg *pg, struct buf *b, const char *alias, const struct column *c)
{
	add_column(pg, b, alias, c);
	buf_add_str(b, "::text");
}

/* Passes a value to the statements of this transaction: COPY takes no parameters, settings do. */
static bool set_value(struct pg *pg, const char *name, const char *value, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;

	pg_param_text(&p, name);
	pg_param_text(&p, value);
	return pg_query(pg, "SELECT pg_catalog.set_config($1, $2, true)", &p, NULL, e);
}

/* A text[] literal of LIKE patterns made from shell patterns. */
static void add_pattern_array(struct buf *b, char *const *patterns, size_t count)
{
	buf_add_byte(b, '{');
	for (size_t i = 0; i < count; i++) {
		buf_add_str(b, i ? ",\"" : "\"");
		for (const char *c = patterns[i]; *c; c++) {
			switch (*c) {
			case '*':
				buf_add_byte(b, '%');
				break;
			case '?':
				buf_add_byte(b, '_');
				break;
			case '%':
			case '_':
				/* \% for LIKE, its backslash escaped for the array literal */
				buf_printf(b, "\\\\%c", *c);
				break;
			case '\\':
				buf_add_str(b, "\\\\\\\\");
				break;
			case '"':
				buf_add_str(b, "\\\"");
				break;
			default:
				buf_add_byte(b, (uint8_t)*c);
			}
		}
		buf_add_byte(b, '"');
	}
	buf_add_byte(b, '}');
}

static bool set_patterns(struct pg *pg, size_t rule, const char *what, char *const *patterns,
			 size_t count, struct err *e)
{
	struct buf value = BUF_INIT;
	char name[64];
	bool ok;

	if (count == 0)
		return true;
	snprintf(name, sizeof(name), "firn.rule%zu_%s", rule, what);
	add_pattern_array(&value, patterns, count);
	ok = buf_ok(&value, e) && set_value(pg, name, buf_str(&value), e);
	buf_release(&value);
	return ok;
}

static bool set_rule_values(struct pg *pg, const struct table_info *t,
			    const struct candidate_rules *r, struct err *e)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct candidate_rule *rule = &r->rules[i];

		if (!set_patterns(pg, i, "workspaces", rule->workspaces, rule->workspace_count,
				  e) ||
		    !set_patterns(pg, i, "versions", rule->versions, rule->version_count, e) ||
		    !set_patterns(pg, i, "documents", rule->documents, rule->document_count, e))
			return false;
	}
	return t->active.kind != ACTIVE_VALUE || set_value(pg, "firn.active", t->active.value, e);
}

/* firn_active(workspace, version, since, target): one row a workspace, or one row for all with ACTIVE_VALUE. */
static void add_active_cte(struct buf *b, const struct table_info *t, int64_t table_id)
{
	if (t->active.kind == ACTIVE_VALUE) {
		buf_printf(
			b,
			"firn_active AS MATERIALIZED (SELECT NULL::text AS workspace, v.version, "
			"coalesce((SELECT s.since FROM firn.version_seen s WHERE s.table_id = "
			"%" PRId64 " AND s.workspace = '' AND s.version = v.version), "
			"pg_catalog.now()) AS since, "
			"NULL::text AS target FROM (SELECT "
			"pg_catalog.current_setting('firn.active') AS version) v)",
			table_id);
		return;
	}
	buf_printf(b,
		   "firn_active AS MATERIALIZED (SELECT a.workspace, a.version, "
		   "coalesce(a.since, s.since, pg_catalog.now()) AS since, a.target FROM (%s) a "
		   "LEFT JOIN firn.version_seen s ON s.table_id = %" PRId64
		   " AND s.workspace = a.workspace AND s.version = a.version)",
		   t->active.select, table_id);
}

/* "a.workspace = t.ws::text", or true where one version holds for all. */
static void add_active_join(struct pg *pg, struct buf *b, const struct table_info *t,
			    const char *alias)
{
	if (t->active.kind == ACTIVE_VALUE) {
		buf_add_str(b, "true");
		return;
	}
	buf_add_str(b, "a.workspace = ");
	add_text(pg, b, alias, table_info_column(t, COLUMN_WORKSPACE));
}

/* Where replacements are looked for: the leaf when all rows of a workspace are there, else the whole table. */
static void add_scope(struct buf *b, const struct table_info *t, const struct leaf *leaf)
{
	if (t->workspace_in_leaf)
		buf_printf(b, "ONLY %s", leaf->qualified);
	else
		buf_add_str(b, t->qualified);
}

/* firn_replaced(w, d): documents that have hot rows of their workspace's active version. */
static void add_replaced_cte(struct pg *pg, struct buf *b, const struct table_info *t,
			     const struct leaf *leaf)
{
	buf_add_str(b, "firn_replaced AS MATERIALIZED (SELECT DISTINCT ");
	add_column(pg, b, "r", table_info_column(t, COLUMN_WORKSPACE));
	buf_add_str(b, " AS w, ");
	add_column(pg, b, "r", table_info_column(t, COLUMN_DOCUMENT));
	buf_add_str(b, " AS d FROM ");
	add_scope(b, t, leaf);
	buf_add_str(b, " r JOIN firn_active a ON ");
	add_active_join(pg, b, t, "r");
	buf_add_str(b, " WHERE ");
	add_text(pg, b, "r", table_info_column(t, COLUMN_VERSION));
	buf_add_str(b, " = a.version AND ");
	add_column(pg, b, "r", table_info_column(t, COLUMN_WORKSPACE));
	buf_add_str(b, " IS NOT NULL AND ");
	add_column(pg, b, "r", table_info_column(t, COLUMN_DOCUMENT));
	buf_add_str(b, " IS NOT NULL)");
}

/* firn_woken_w(workspace, at), firn_woken_d(workspace, document, at): when rows came back last. */
static void add_residency_ctes(struct buf *b, int64_t table_id, int64_t reach_s)
{
	static const char *const parts[] = { "firn_woken_w", "firn_woken_d" };

	for (int by_document = 0; by_document < 2; by_document++)
		buf_printf(b,
			   "%s AS MATERIALIZED (SELECT workspace, %s max(rehydrated_at) AS at "
			   "FROM firn.residency "
			   "WHERE table_id = %" PRId64 " AND document IS %s NULL "
			   "AND rehydrated_at > pg_catalog.now() - pg_catalog.make_interval(secs "
			   "=> %" PRId64 ") GROUP BY %s), ",
			   parts[by_document], by_document ? "document," : "", table_id,
			   by_document ? "NOT" : "", reach_s, by_document ? "1, 2" : "1");
}

/* What to classify, and what of firn's own records has a say in it: rarely any, so the statements know of them only then. */
struct classified {
	bool with_keep; /* rows of keep rules, too */
	bool returning; /* a rollback is under way */
	const char *
		woken; /* when the row came back, of its workspace or its document; NULL: none did */
	bool by_workspace, by_document;
	struct candidate_reads reads; /* none where no rule asks for them */
	const char *selected;
};

/* By the snapshot of the statement that follows in this transaction. A rollback that begins after it raises the lease's
 * epoch, and what is read here cannot be deleted any more. */
static bool look_at_records(struct pg *pg, const struct table_info *t, int64_t table_id,
			    const struct candidate_rules *r, struct classified *c, struct err *e)
{
	static const char sql[] =
		"WITH woken AS NOT MATERIALIZED (SELECT document FROM firn.residency WHERE "
		"table_id = "
		"$1::bigint AND rehydrated_at > pg_catalog.now() - "
		"pg_catalog.make_interval(secs => $2::bigint)) "
		"SELECT EXISTS (SELECT 1 FROM firn.version_flip WHERE table_id = $1::bigint "
		"AND flipped_at IS NULL AND given_up_at IS NULL), "
		"EXISTS (SELECT 1 FROM woken WHERE document IS NULL), "
		"EXISTS (SELECT 1 FROM woken WHERE document IS NOT NULL)";
	static const char *const woken[] = { NULL, "ww.at", "wd.at", "ww.at, wd.at" };
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;

	pg_param_i64(&p, table_id);
	pg_param_i64(&p, residency_reach_s(r));
	if (!pg_query(pg, sql, &p, &result, e))
		return err_wrap(e, "could not look for rollbacks and for what came back");
	c->returning = pg_bool(result, 0, 0) && table_info_column(t, COLUMN_VERSION);
	c->by_workspace = pg_bool(result, 0, 1);
	c->by_document = pg_bool(result, 0, 2) && table_info_column(t, COLUMN_DOCUMENT);
	c->woken = woken[c->by_workspace + 2 * c->by_document];
	pg_result_free(result);
	if (!any_reads(r))
		return true;
	if (!candidate_reads_look(pg, table_id, &c->reads, e))
		return false;
	c->reads.of_document = candidate_reads_any(&c->reads) && any_reads_of_document(r);
	return true;
}

/* firn_returning(workspace, version): to which rollbacks go. */
static void add_returning_cte(struct buf *b, int64_t table_id)
{
	buf_printf(b,
		   "firn_returning AS MATERIALIZED (SELECT workspace, to_version AS version FROM "
		   "firn.version_flip WHERE table_id = %" PRId64
		   " AND flipped_at IS NULL AND given_up_at IS NULL), ",
		   table_id);
}

static void add_returning_join(struct pg *pg, struct buf *b, const struct table_info *t)
{
	buf_add_str(b, " LEFT JOIN firn_returning rb ON rb.workspace = ");
	add_text(pg, b, "t", table_info_column(t, COLUMN_WORKSPACE));
	buf_add_str(b, " AND rb.version = ");
	add_text(pg, b, "t", table_info_column(t, COLUMN_VERSION));
}

static void add_older_than(struct buf *b, const char *expression, int64_t seconds,
			   const char *comparison)
{
	buf_printf(b, " AND %s %s pg_catalog.now() - pg_catalog.make_interval(secs => %" PRId64 ")",
		   expression, comparison, seconds);
}

static void add_patterns_condition(struct pg *pg, struct buf *b, const struct table_info *t,
				   enum column_role role, size_t rule, const char *what)
{
	buf_add_str(b, " AND ");
	add_text(pg, b, "t", table_info_column(t, role));
	/* The scalar subquery is evaluated once, not for every row. */
	buf_printf(b, " LIKE ANY ((SELECT pg_catalog.current_setting('firn.rule%zu_%s'))::text[])",
		   rule, what);
}

static void add_rule_condition(struct pg *pg, struct buf *b, const struct table_info *t,
			       const struct candidate_rule *rule, size_t number,
			       const struct classified *what)
{
	const char *woken = what->woken;
	const struct column *created = table_info_column(t, COLUMN_CREATED);
	struct buf created_sql = BUF_INIT;

	if (created)
		add_column(pg, &created_sql, "t", created);
	buf_add_str(b, rule->withheld ? "(false" : "(true");
	if (rule->workspace_count)
		add_patterns_condition(pg, b, t, COLUMN_WORKSPACE, number, "workspaces");
	if (rule->version_count)
		add_patterns_condition(pg, b, t, COLUMN_VERSION, number, "versions");
	if (rule->document_count)
		add_patterns_condition(pg, b, t, COLUMN_DOCUMENT, number, "documents");
	if (rule->where)
		candidate_where_add_condition(b, number);
	if (rule->superseded) {
		buf_add_str(b, " AND ");
		add_text(pg, b, "t", table_info_column(t, COLUMN_VERSION));
		buf_add_str(b, " <> a.version AND (a.target IS NULL OR a.target <> ");
		add_text(pg, b, "t", table_info_column(t, COLUMN_VERSION));
		buf_add_str(b, ")");
		add_older_than(b, "a.since", rule->grace_s, "<=");
		/* What was written since the flip may belong to the next version, which is still being built and
		 * need not be anybody's target yet: it was never active. */
		if (created && rule->grace_s > 0)
			buf_printf(b, " AND (%s IS NULL OR %s <= a.since)", buf_str(&created_sql),
				   buf_str(&created_sql));
		if (rule->require_replacement)
			buf_add_str(b, " AND p.d IS NOT NULL");
	}
	if (rule->has_age_over)
		add_older_than(b, buf_str(&created_sql), rule->age_over_s, "<");
	if (rule->has_idle_for) {
		struct buf last = BUF_INIT;

		buf_printf(&last, "greatest(%s%s%s", buf_str(&created_sql), woken ? ", " : "",
			   woken ? woken : "");
		if (!rule->withheld)
			candidate_reads_add_times(&last, &what->reads,
						  rule->of_document && what->reads.of_document);
		buf_add_byte(&last, ')');
		buf_printf(b, " AND %s IS NOT NULL", buf_str(&created_sql));
		add_older_than(b, buf_str(&last), rule->idle_for_s, "<");
		b->failed |= last.failed;
		buf_release(&last);
	}
	if (rule->has_heat_below && !rule->withheld) {
		buf_add_str(b, " AND ");
		candidate_reads_add_heat(b, &what->reads,
					 rule->of_document && what->reads.of_document);
		buf_printf(b, " < %.17g::float8", rule->heat_below);
	}
	buf_add_str(b, ")");
	b->failed |= created_sql.failed;
	buf_release(&created_sql);
}

/* WITH ..., firn_rows AS (SELECT <selected>, CASE ... END AS firn_rule FROM ONLY leaf t ...). */
static void add_classified(struct pg *pg, struct buf *b, const struct table_info *t,
			   const struct leaf *leaf, int64_t table_id,
			   const struct candidate_rules *r, const struct classified *what)
{
	const struct column *workspace = table_info_column(t, COLUMN_WORKSPACE);
	struct common common = common_of(r, what->with_keep);
	const struct column *document = table_info_column(t, COLUMN_DOCUMENT);

	buf_add_str(b, "WITH ");
	if (any_superseded(r)) {
		add_active_cte(b, t, table_id);
		buf_add_str(b, ", ");
	}
	if (any_replacement(r)) {
		add_replaced_cte(pg, b, t, leaf);
		buf_add_str(b, ", ");
	}
	if (what->woken)
		add_residency_ctes(b, table_id, residency_reach_s(r));
	if (what->returning)
		add_returning_cte(b, table_id);
	if (candidate_reads_any(&what->reads))
		candidate_reads_add_ctes(pg, b, t, leaf, table_id, r->half_life_s, &what->reads);
	buf_printf(b, "firn_rows AS (SELECT %s, CASE%s", what->selected,
		   what->returning ? " WHEN rb.version IS NOT NULL THEN -1" : "");
	if (what->woken && r->min_residency_s > 0)
		buf_printf(b,
			   " WHEN greatest(%s) > pg_catalog.now() - "
			   "pg_catalog.make_interval(secs => %" PRId64 ") THEN -1",
			   what->woken, r->min_residency_s);
	for (size_t i = 0; i < r->count; i++) {
		buf_add_str(b, " WHEN ");
		add_rule_condition(pg, b, t, &r->rules[i], i, what);
		buf_printf(b, " THEN %zu", i);
	}
	buf_add_str(b, " ELSE -1 END::int4 AS firn_rule FROM ");
	candidate_where_add_rows(b, leaf, r);
	if (what->by_workspace) {
		buf_add_str(b, " LEFT JOIN firn_woken_w ww ON ww.workspace = coalesce(");
		add_text(pg, b, "t", workspace);
		buf_add_str(b, ", '')");
	}
	if (what->by_document) {
		buf_add_str(b, " LEFT JOIN firn_woken_d wd ON wd.workspace = coalesce(");
		add_text(pg, b, "t", workspace);
		buf_add_str(b, ", '') AND wd.document = ");
		add_text(pg, b, "t", document);
	}
	if (any_superseded(r)) {
		buf_add_str(b, " LEFT JOIN firn_active a ON ");
		add_active_join(pg, b, t, "t");
	}
	if (any_replacement(r)) {
		buf_add_str(b, " LEFT JOIN firn_replaced p ON p.w = ");
		add_column(pg, b, "t", workspace);
		buf_add_str(b, " AND p.d = ");
		add_column(pg, b, "t", document);
	}
	if (what->returning)
		add_returning_join(pg, b, t);
	candidate_reads_add_joins(pg, b, t, &what->reads);
	/* The CASE above says so too, but the planner does not look into it: it would join, hash and spill whole rows of
	 * the active version. */
	if (common.superseded) {
		buf_add_str(b, " WHERE ");
		add_text(pg, b, "t", table_info_column(t, COLUMN_VERSION));
		buf_add_str(b, " <> a.version");
		if (common.replacement)
			buf_add_str(b, " AND p.d IS NOT NULL");
	}
	buf_add_str(b, ")");
}

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
	return !any_superseded(r) || t->active.kind == ACTIVE_VALUE ||
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

/* Nested loops are off because the planner takes the CTEs for single rows: it would walk all replaced documents for each
 * row. A hash join is right at every size, and spills where a hashed IN would fall back to walking. */
static bool begin_reading(struct pg *pg, const struct table_info *t,
			  const struct candidate_rules *r, struct err *e)
{
	return pg_begin(pg, "ISOLATION LEVEL REPEATABLE READ READ ONLY", e) &&
	       pg_local_search_path(pg, true, e) &&
	       pg_execf(pg, e,
			"SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; SET LOCAL "
			"enable_nestloop = off; "
			"SET LOCAL statement_timeout = %" PRId64,
			r->statement_timeout_ms) &&
	       set_rule_values(pg, t, r, e);
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
	};

	return v->visit(v->ctx, &g, e);
}

bool candidates_plan(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		     int64_t table_id, const struct candidate_rules *r,
		     bool (*visit)(void *ctx, const struct candidate_group *g, struct err *e),
		     void *ctx, struct err *e)
{
	struct plan_visit v = { .visit = visit, .ctx = ctx };
	struct classified what = { .with_keep = true };
	const struct column *version = table_info_column(t, COLUMN_VERSION);
	struct buf selected = BUF_INIT, sql = BUF_INIT;
	bool ok = false;

	add_text(pg, &selected, "t", table_info_column(t, COLUMN_WORKSPACE));
	buf_add_str(&selected, " AS firn_w, ");
	if (version)
		add_text(pg, &selected, "t", version);
	else
		buf_add_str(&selected, "NULL::text");
	/* 24 bytes of tuple header and 4 of line pointer; columns as stored, without reading what is out of line. */
	buf_add_str(&selected, " AS firn_v, (28");
	for (size_t i = 0; i < t->column_count; i++) {
		buf_add_str(&selected, " + coalesce(pg_catalog.pg_column_size(");
		add_column(pg, &selected, "t", &t->columns[i]);
		buf_add_str(&selected, "), 0)");
	}
	buf_add_str(&selected, ")::bigint AS firn_b");
	if (!buf_ok(&selected, e) || !begin_reading(pg, t, r, e) ||
	    !look_at_records(pg, t, table_id, r, &what, e))
		goto out;
	what.selected = buf_str(&selected);
	add_classified(pg, &sql, t, leaf, table_id, r, &what);
	buf_add_str(
		&sql,
		" SELECT firn_rule, firn_w, firn_v, count(*), sum(firn_b)::bigint FROM firn_rows "
		"WHERE firn_rule >= 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3");
	ok = buf_ok(&sql, e) && pg_query_each(pg, buf_str(&sql), NULL, visit_plan_row, &v, e) &&
	     pg_commit(pg, e);
out:
	if (!ok) {
		pg_rollback(pg);
		err_wrap(e, "could not plan leaf \"%s\"", leaf->label);
	}
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

bool candidates_copy_start(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			   int64_t table_id, const struct candidate_rules *r, int64_t limit_rows,
			   struct err *e)
{
	struct buf selected = BUF_INIT, sql = BUF_INIT;
	struct classified what = { .with_keep = false };
	size_t archiving = 0;
	bool ok = false;

	buf_add_str(&selected, "t.ctid AS firn_tid, t.xmin AS firn_xmin");
	for (size_t i = 0; i < t->column_count; i++) {
		buf_add_str(&selected, ", ");
		add_column(pg, &selected, "t", &t->columns[i]);
	}
	if (!buf_ok(&selected, e) || !begin_reading(pg, t, r, e) ||
	    !look_at_records(pg, t, table_id, r, &what, e))
		goto out;
	what.selected = buf_str(&selected);
	buf_add_str(&sql, "COPY (");
	add_classified(pg, &sql, t, leaf, table_id, r, &what);
	buf_add_str(&sql, " SELECT firn_tid, firn_xmin, firn_rule");
	for (size_t i = 0; i < t->column_count; i++) {
		buf_add_str(&sql, ", ");
		pg_add_identifier(pg, &sql, t->columns[i].name);
	}
	buf_add_str(&sql, " FROM firn_rows WHERE firn_rule IN (-2");
	for (size_t i = 0; i < r->count; i++)
		if (!r->rules[i].keep) {
			buf_printf(&sql, ", %zu", i);
			archiving++;
		}
	buf_add_str(&sql, ")");
	add_order(pg, &sql, t, archiving > 1);
	if (limit_rows > 0)
		buf_printf(&sql, " LIMIT %" PRId64, limit_rows);
	buf_add_str(&sql, ") TO STDOUT (FORMAT BINARY)");
	ok = buf_ok(&sql, e) && pg_copy_out_start(pg, buf_str(&sql), e);
out:
	if (!ok) {
		pg_rollback(pg);
		err_wrap(e, "could not read leaf \"%s\"", leaf->label);
	}
	buf_release(&selected);
	buf_release(&sql);
	return ok;
}

bool candidates_recheck_sql(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			    int64_t table_id, bool require_replacement, struct buf *ctes,
			    struct buf *conditions, struct err *e)
{
	const struct column *version = table_info_column(t, COLUMN_VERSION);

	if (t->active.kind == ACTIVE_VALUE && !set_value(pg, "firn.active", t->active.value, e))
		return false;
	add_active_cte(ctes, t, table_id);
	buf_add_str(conditions, " AND EXISTS (SELECT 1 FROM firn_active a WHERE ");
	add_active_join(pg, conditions, t, "t");
	buf_add_str(conditions, " AND ");
	add_text(pg, conditions, "t", version);
	buf_add_str(conditions, " <> a.version AND (a.target IS NULL OR a.target <> ");
	add_text(pg, conditions, "t", version);
	/* Not even when the workspace has got a second active version meanwhile. */
	buf_add_str(conditions, ")) AND NOT EXISTS (SELECT 1 FROM firn_active a WHERE ");
	add_active_join(pg, conditions, t, "t");
	buf_add_str(conditions, " AND a.version = ");
	add_text(pg, conditions, "t", version);
	buf_add_str(conditions, ")");
	if (require_replacement) {
		buf_add_str(ctes,
			    ", firn_replaced AS MATERIALIZED (SELECT x.firn_doc FROM "
			    "pg_temp.firn_moved_doc x "
			    "WHERE x.w IS NOT NULL AND x.d IS NOT NULL AND EXISTS (SELECT 1 FROM ");
		add_scope(ctes, t, leaf);
		buf_add_str(ctes, " r JOIN firn_active a ON ");
		add_active_join(pg, ctes, t, "r");
		buf_add_str(ctes, " AND ");
		add_text(pg, ctes, "r", version);
		buf_add_str(ctes, " = a.version WHERE ");
		add_column(pg, ctes, "r", table_info_column(t, COLUMN_WORKSPACE));
		buf_add_str(ctes, " = x.w AND ");
		add_column(pg, ctes, "r", table_info_column(t, COLUMN_DOCUMENT));
		buf_add_str(ctes, " = x.d))");
		/* In a CASE it is looked up in a hash table, whatever the planner thinks of how many there are. */
		buf_add_str(conditions, " AND CASE WHEN m.firn_doc IN (SELECT p.firn_doc FROM "
					"firn_replaced p) THEN true ELSE false END");
	}
	return buf_ok(ctes, e) && buf_ok(conditions, e);
}
