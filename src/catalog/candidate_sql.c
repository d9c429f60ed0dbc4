#include "catalog/candidate_sql.h"

#include <inttypes.h>
#include <string.h>

#include "catalog/candidate_where.h"

/* Longest age that a residency row can matter for: what min_residency and the idle rules look back at. */
static int64_t residency_reach_s(const struct candidate_rules *r)
{
	int64_t reach = r->min_residency_s;

	for (size_t i = 0; i < r->count; i++)
		if (candidate_rule_presses(&r->rules[i]))
			return INT32_MAX;
		else if (r->rules[i].has_idle_for && r->rules[i].idle_for_s > reach)
			reach = r->rules[i].idle_for_s;
	return reach;
}

static bool any_reads(const struct candidate_rules *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct candidate_rule *rule = &r->rules[i];

		if ((candidate_rule_reads(rule) || candidate_rule_presses(rule)) && !rule->withheld)
			return true;
	}
	return false;
}

static bool any_reads_of_document(const struct candidate_rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i].of_document && !r->rules[i].withheld)
			return true;
	return false;
}

bool candidate_sql_any_superseded(const struct candidate_rules *r)
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

void candidate_sql_add_column(struct pg *pg, struct buf *b, const char *alias,
			      const struct column *c)
{
	buf_printf(b, "%s.", alias);
	pg_add_identifier(pg, b, c->name);
}

void candidate_sql_add_text(struct pg *pg, struct buf *b, const char *alias, const struct column *c)
{
	candidate_sql_add_column(pg, b, alias, c);
	buf_add_str(b, "::text");
}

bool candidate_sql_set(struct pg *pg, const char *name, const char *value, struct err *e)
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
	ok = buf_ok(&value, e) && candidate_sql_set(pg, name, buf_str(&value), e);
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
	return t->active.kind != ACTIVE_VALUE ||
	       candidate_sql_set(pg, "firn.active", t->active.value, e);
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
	candidate_sql_add_text(pg, b, alias, table_info_column(t, COLUMN_WORKSPACE));
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
	candidate_sql_add_column(pg, b, "r", table_info_column(t, COLUMN_WORKSPACE));
	buf_add_str(b, " AS w, ");
	candidate_sql_add_column(pg, b, "r", table_info_column(t, COLUMN_DOCUMENT));
	buf_add_str(b, " AS d FROM ");
	add_scope(b, t, leaf);
	buf_add_str(b, " r JOIN firn_active a ON ");
	add_active_join(pg, b, t, "r");
	buf_add_str(b, " WHERE ");
	candidate_sql_add_text(pg, b, "r", table_info_column(t, COLUMN_VERSION));
	buf_add_str(b, " = a.version AND ");
	candidate_sql_add_column(pg, b, "r", table_info_column(t, COLUMN_WORKSPACE));
	buf_add_str(b, " IS NOT NULL AND ");
	candidate_sql_add_column(pg, b, "r", table_info_column(t, COLUMN_DOCUMENT));
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

/* By the snapshot of the statement that follows in this transaction. A rollback that begins after it raises the lease's
 * epoch, and what is read here cannot be deleted any more. */
bool candidate_sql_look(struct pg *pg, const struct table_info *t, int64_t table_id,
			const struct candidate_rules *r, struct candidate_sql *c, struct err *e)
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
	candidate_sql_add_text(pg, b, "t", table_info_column(t, COLUMN_WORKSPACE));
	buf_add_str(b, " AND rb.version = ");
	candidate_sql_add_text(pg, b, "t", table_info_column(t, COLUMN_VERSION));
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
	candidate_sql_add_text(pg, b, "t", table_info_column(t, role));
	/* The scalar subquery is evaluated once, not for every row. */
	buf_printf(b, " LIKE ANY ((SELECT pg_catalog.current_setting('firn.rule%zu_%s'))::text[])",
		   rule, what);
}

/* The latest of when the row was created, came back, and was read. */
static void add_uses(struct buf *b, const char *created, const struct candidate_rule *rule,
		     const struct candidate_sql *what)
{
	buf_printf(b, "greatest(%s%s%s", created, what->woken ? ", " : "",
		   what->woken ? what->woken : "");
	if (!rule->withheld)
		candidate_reads_add_times(b, &what->reads,
					  rule->of_document && what->reads.of_document);
	buf_add_byte(b, ')');
}

void candidate_sql_add_last_use(struct pg *pg, struct buf *b, const struct table_info *t,
				const struct candidate_rule *rule, const struct candidate_sql *what)
{
	struct buf created = BUF_INIT;

	candidate_sql_add_column(pg, &created, "t", table_info_column(t, COLUMN_CREATED));
	buf_printf(b, "CASE WHEN %s IS NULL THEN 'infinity'::timestamptz ELSE ", buf_str(&created));
	add_uses(b, buf_str(&created), rule, what);
	buf_add_str(b, "::timestamptz END");
	b->failed |= created.failed;
	buf_release(&created);
}

static struct candidate_condition *begin_condition(struct candidate_conditions *list,
						   const char *key)
{
	struct candidate_condition *c = &list->items[list->count++];

	*c = (struct candidate_condition){ .key = key };
	buf_add_str(&c->sql, "true");
	return c;
}

static void add_name_condition(struct pg *pg, struct candidate_conditions *list,
			       const struct table_info *t, enum column_role role, size_t rule,
			       const char *key, const char *setting)
{
	struct candidate_condition *c = begin_condition(list, key);

	add_patterns_condition(pg, &c->sql, t, role, rule, setting);
	candidate_sql_add_text(pg, &c->value, "t", table_info_column(t, role));
}

static void add_superseded_conditions(struct pg *pg, struct candidate_conditions *list,
				      const struct table_info *t, const struct candidate_rule *rule,
				      const char *created)
{
	struct candidate_condition *c = begin_condition(list, "superseded");

	buf_add_str(&c->sql, " AND ");
	candidate_sql_add_text(pg, &c->sql, "t", table_info_column(t, COLUMN_VERSION));
	buf_add_str(&c->sql, " <> a.version AND (a.target IS NULL OR a.target <> ");
	candidate_sql_add_text(pg, &c->sql, "t", table_info_column(t, COLUMN_VERSION));
	buf_add_str(&c->sql, ")");
	buf_add_str(&c->value, "'active: ' || coalesce(a.version, 'none') || "
			       "coalesce(', target: ' || a.target, '')");
	c = begin_condition(list, "grace");
	add_older_than(&c->sql, "a.since", rule->grace_s, "<=");
	buf_add_str(&c->since, "a.since");
	c->after_s = rule->grace_s;
	/* What was written since the flip may belong to the next version, which is still being built and
	 * need not be anybody's target yet: it was never active. */
	if (*created && rule->grace_s > 0) {
		c = begin_condition(list, "created before the flip");
		buf_printf(&c->sql, " AND (%s IS NULL OR %s <= a.since)", created, created);
		buf_printf(&c->value, "%s::text", created);
	}
	if (rule->require_replacement) {
		c = begin_condition(list, "require_replacement");
		buf_add_str(&c->sql, " AND p.d IS NOT NULL");
		buf_add_str(&c->value, "CASE WHEN p.d IS NULL THEN 'none is hot' ELSE 'hot' END");
	}
}

static void add_read_conditions(struct pg *pg, struct candidate_conditions *list,
				const struct candidate_rule *rule, const char *created,
				const struct candidate_sql *what)
{
	struct candidate_condition *c;

	(void)pg;
	if (rule->has_idle_for) {
		c = begin_condition(list, "idle_for");
		add_uses(&c->since, created, rule, what);
		c->after_s = rule->idle_for_s;
		buf_printf(&c->sql, " AND %s IS NOT NULL", created);
		add_older_than(&c->sql, buf_str(&c->since), rule->idle_for_s, "<");
	}
	if (rule->has_heat_below && !rule->withheld) {
		c = begin_condition(list, "heat_below");
		buf_add_str(&c->sql, " AND ");
		candidate_reads_add_heat(&c->sql, &what->reads,
					 rule->of_document && what->reads.of_document);
		buf_printf(&c->sql, " < %.17g::float8", rule->heat_below);
		buf_add_str(&c->value, "round((");
		candidate_reads_add_heat(&c->value, &what->reads,
					 rule->of_document && what->reads.of_document);
		buf_add_str(&c->value, ")::numeric, 6)::text");
	}
}

void candidate_sql_conditions(struct pg *pg, const struct table_info *t,
			      const struct candidate_rule *rule, size_t number,
			      const struct candidate_sql *what, struct candidate_conditions *list)
{
	const struct column *created = table_info_column(t, COLUMN_CREATED);
	struct candidate_condition *c;
	struct buf created_sql = BUF_INIT;

	list->count = 0;
	if (created)
		candidate_sql_add_column(pg, &created_sql, "t", created);
	if (rule->withheld) {
		c = begin_condition(list, "reads known for long enough");
		buf_add_str(&c->sql, " AND false");
	}
	if (rule->workspace_count)
		add_name_condition(pg, list, t, COLUMN_WORKSPACE, number, "workspace",
				   "workspaces");
	if (rule->version_count)
		add_name_condition(pg, list, t, COLUMN_VERSION, number, "version", "versions");
	if (rule->document_count)
		add_name_condition(pg, list, t, COLUMN_DOCUMENT, number, "document", "documents");
	if (rule->where) {
		c = begin_condition(list, "where");
		candidate_where_add_condition(&c->sql, number);
	}
	if (rule->superseded)
		add_superseded_conditions(pg, list, t, rule, created ? buf_str(&created_sql) : "");
	if (rule->has_age_over) {
		c = begin_condition(list, "age_over");
		add_older_than(&c->sql, buf_str(&created_sql), rule->age_over_s, "<");
		buf_add_str(&c->since, buf_str(&created_sql));
		c->after_s = rule->age_over_s;
	}
	add_read_conditions(pg, list, rule, created ? buf_str(&created_sql) : "", what);
	if (candidate_rule_presses(rule) && !rule->withheld) {
		c = begin_condition(list,
				    rule->leaf_rows_over ? "leaf_rows_over" : "hot_bytes_over");
		candidate_pressure_add_condition(pg, &c->sql, t, rule, &what->cuts[number], what);
		buf_add_str(&c->value, "'used last ' || (");
		candidate_sql_add_last_use(pg, &c->value, t, rule, what);
		buf_add_str(&c->value, ")::text");
	}
	for (size_t i = 0; i < list->count; i++)
		list->items[i].sql.failed |= created_sql.failed;
	buf_release(&created_sql);
}

void candidate_conditions_release(struct candidate_conditions *list)
{
	for (size_t i = 0; i < list->count; i++) {
		buf_release(&list->items[i].sql);
		buf_release(&list->items[i].value);
		buf_release(&list->items[i].since);
	}
	list->count = 0;
}

static void add_rule_condition(struct pg *pg, struct buf *b, const struct table_info *t,
			       const struct candidate_rule *rule, size_t number,
			       const struct candidate_sql *what)
{
	struct candidate_conditions list = { 0 };

	candidate_sql_conditions(pg, t, rule, number, what, &list);
	buf_add_str(b, "(true");
	for (size_t i = 0; i < list.count; i++) {
		struct candidate_condition *c = &list.items[i];

		b->failed |= c->sql.failed || c->value.failed || c->since.failed;
		buf_printf(b, " AND (%s)", buf_str(&c->sql));
	}
	buf_add_str(b, ")");
	candidate_conditions_release(&list);
}

void candidate_sql_add_bytes(struct pg *pg, struct buf *b, const struct table_info *t)
{
	buf_add_str(b, "(28");
	for (size_t i = 0; i < t->column_count; i++) {
		buf_add_str(b, " + coalesce(pg_catalog.pg_column_size(");
		candidate_sql_add_column(pg, b, "t", &t->columns[i]);
		buf_add_str(b, "), 0)");
	}
	buf_add_str(b, ")::bigint");
}

/* Of texts the size is known without reading what is out of line, also when it is compressed. */
void candidate_sql_add_copy_bytes(struct pg *pg, struct buf *b, const struct table_info *t)
{
	static const char *const texts[] = { "text", "varchar", "bpchar", "bytea" };

	buf_printf(b, "(%zu", 2 + 4 * t->column_count);
	for (size_t i = 0; i < t->column_count; i++) {
		bool is_text = false;

		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
			is_text |= strcmp(t->columns[i].type_name, texts[k]) == 0;
		buf_printf(b, " + coalesce(pg_catalog.%s(",
			   is_text ? "octet_length" : "pg_column_size");
		candidate_sql_add_column(pg, b, "t", &t->columns[i]);
		buf_add_str(b, "), 0)");
	}
	buf_add_str(b, ")::bigint");
}

void candidate_sql_add_earlier(struct buf *b, const struct candidate_rules *r, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (!r->rules[i].keep)
			buf_printf(b, ", %zu", i);
}

/* WITH ..., firn_rows AS (SELECT <selected>, CASE ... END AS firn_rule FROM ONLY leaf t ...). */
/* Too young, or too lately back, for any rule. */
static void add_resident(struct buf *b, const char *times, int64_t seconds)
{
	buf_printf(b,
		   " WHEN greatest(%s) > pg_catalog.now() - pg_catalog.make_interval(secs => "
		   "%" PRId64 ") THEN -1",
		   times, seconds);
}

void candidate_sql_add_rows(struct pg *pg, struct buf *b, const struct table_info *t,
			    const struct leaf *leaf, int64_t table_id,
			    const struct candidate_rules *r, const struct candidate_sql *what)
{
	const struct column *workspace = table_info_column(t, COLUMN_WORKSPACE);
	const struct column *created = table_info_column(t, COLUMN_CREATED);
	struct common common = common_of(r, what->with_keep);
	const struct column *document = table_info_column(t, COLUMN_DOCUMENT);

	buf_add_str(b, "WITH ");
	if (candidate_sql_any_superseded(r)) {
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
		add_resident(b, what->woken, r->min_residency_s);
	if (created && r->residency_of_created && r->min_residency_s > 0) {
		struct buf at = BUF_INIT;

		candidate_sql_add_column(pg, &at, "t", created);
		add_resident(b, buf_str(&at), r->min_residency_s);
		b->failed |= at.failed;
		buf_release(&at);
	}
	for (size_t i = 0; i < r->count; i++) {
		buf_add_str(b, " WHEN ");
		add_rule_condition(pg, b, t, &r->rules[i], i, what);
		buf_printf(b, " THEN %zu", i);
	}
	buf_add_str(b, " ELSE -1 END::int4 AS firn_rule FROM ");
	candidate_where_add_rows(b, leaf, r);
	if (what->by_workspace) {
		buf_add_str(b, " LEFT JOIN firn_woken_w ww ON ww.workspace = coalesce(");
		candidate_sql_add_text(pg, b, "t", workspace);
		buf_add_str(b, ", '')");
	}
	if (what->by_document) {
		buf_add_str(b, " LEFT JOIN firn_woken_d wd ON wd.workspace = coalesce(");
		candidate_sql_add_text(pg, b, "t", workspace);
		buf_add_str(b, ", '') AND wd.document = ");
		candidate_sql_add_text(pg, b, "t", document);
	}
	if (candidate_sql_any_superseded(r)) {
		buf_add_str(b, " LEFT JOIN firn_active a ON ");
		add_active_join(pg, b, t, "t");
	}
	if (any_replacement(r)) {
		buf_add_str(b, " LEFT JOIN firn_replaced p ON p.w = ");
		candidate_sql_add_column(pg, b, "t", workspace);
		buf_add_str(b, " AND p.d = ");
		candidate_sql_add_column(pg, b, "t", document);
	}
	if (what->returning)
		add_returning_join(pg, b, t);
	candidate_reads_add_joins(pg, b, t, &what->reads);
	/* The CASE above says so too, but the planner does not look into it: it would join, hash and spill whole rows of
	 * the active version. */
	if (what->only) {
		buf_printf(b, " WHERE %s", what->only);
	} else if (common.superseded) {
		buf_add_str(b, " WHERE ");
		candidate_sql_add_text(pg, b, "t", table_info_column(t, COLUMN_VERSION));
		buf_add_str(b, " <> a.version");
		if (common.replacement)
			buf_add_str(b, " AND p.d IS NOT NULL");
	}
	buf_add_str(b, ")");
}

/* Nested loops are off because the planner takes the CTEs for single rows: it would walk all replaced documents for each
 * row. A hash join is right at every size, and spills where a hashed IN would fall back to walking. */
bool candidate_sql_begin(struct pg *pg, const struct table_info *t, const struct candidate_rules *r,
			 struct err *e)
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

bool candidates_recheck_sql(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			    int64_t table_id, bool require_replacement, struct buf *ctes,
			    struct buf *conditions, struct err *e)
{
	const struct column *version = table_info_column(t, COLUMN_VERSION);

	if (t->active.kind == ACTIVE_VALUE &&
	    !candidate_sql_set(pg, "firn.active", t->active.value, e))
		return false;
	add_active_cte(ctes, t, table_id);
	buf_add_str(conditions, " AND EXISTS (SELECT 1 FROM firn_active a WHERE ");
	add_active_join(pg, conditions, t, "t");
	buf_add_str(conditions, " AND ");
	candidate_sql_add_text(pg, conditions, "t", version);
	buf_add_str(conditions, " <> a.version AND (a.target IS NULL OR a.target <> ");
	candidate_sql_add_text(pg, conditions, "t", version);
	/* Not even when the workspace has got a second active version meanwhile. */
	buf_add_str(conditions, ")) AND NOT EXISTS (SELECT 1 FROM firn_active a WHERE ");
	add_active_join(pg, conditions, t, "t");
	buf_add_str(conditions, " AND a.version = ");
	candidate_sql_add_text(pg, conditions, "t", version);
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
		candidate_sql_add_text(pg, ctes, "r", version);
		buf_add_str(ctes, " = a.version WHERE ");
		candidate_sql_add_column(pg, ctes, "r", table_info_column(t, COLUMN_WORKSPACE));
		buf_add_str(ctes, " = x.w AND ");
		candidate_sql_add_column(pg, ctes, "r", table_info_column(t, COLUMN_DOCUMENT));
		buf_add_str(ctes, " = x.d))");
		/* In a CASE it is looked up in a hash table, whatever the planner thinks of how many there are. */
		buf_add_str(conditions, " AND CASE WHEN m.firn_doc IN (SELECT p.firn_doc FROM "
					"firn_replaced p) THEN true ELSE false END");
	}
	return buf_ok(ctes, e) && buf_ok(conditions, e);
}
