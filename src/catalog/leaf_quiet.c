#include "catalog/leaf_quiet.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "catalog/candidate_sql.h"

#define AT_MOST_S 86400
/* Counts of what sessions wrote come late, by a minute at most where they are busy. */
#define SETTLED_S 300

static bool is_possible(const struct table_info *t, const struct candidate_rules *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct candidate_rule *rule = &r->rules[i];

		if (rule->where || rule->hot_bytes_over > 0 || rule->has_heat_below ||
		    (rule->superseded && rule->require_replacement && !t->workspace_in_leaf))
			return false;
	}
	return true;
}

/* The rules, in every respect that matters here. */
static void add_rules_text(struct buf *b, const struct candidate_rules *r)
{
	buf_printf(b, "%" PRId64 " %d", r->min_residency_s, r->residency_of_created);
	for (size_t i = 0; i < r->count; i++) {
		const struct candidate_rule *rule = &r->rules[i];

		buf_printf(b, "\n%d %d %d %d %d", rule->keep, rule->superseded,
			   rule->require_replacement, rule->of_document, rule->withheld);
		buf_printf(b, " %" PRId64 " %d %" PRId64 " %d %" PRId64 " %" PRId64, rule->grace_s,
			   rule->has_idle_for, rule->idle_for_s, rule->has_age_over,
			   rule->age_over_s, rule->leaf_rows_over);
		for (size_t k = 0; k < rule->workspace_count; k++)
			buf_printf(b, "\nw %s", rule->workspaces[k]);
		for (size_t k = 0; k < rule->version_count; k++)
			buf_printf(b, "\nv %s", rule->versions[k]);
		for (size_t k = 0; k < rule->document_count; k++)
			buf_printf(b, "\nd %s", rule->documents[k]);
	}
}

/* What is active, and since when. */
static void add_active_text(struct buf *b, const struct table_info *t)
{
	if (t->active.kind == ACTIVE_NONE)
		buf_add_str(b, "''");
	else if (t->active.kind == ACTIVE_VALUE)
		buf_add_str(b, "pg_catalog.current_setting('firn.active')");
	else
		buf_printf(b,
			   "coalesce((SELECT pg_catalog.string_agg(pg_catalog.md5(q::text), '' "
			   "ORDER BY q::text) FROM (%s) q), '')",
			   t->active.select);
}

static bool read_state(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		       int64_t table_id, const struct candidate_rules *r, struct leaf_quiet *out,
		       struct err *e)
{
	struct buf rules = BUF_INIT, sql = BUF_INIT;
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	bool ok;

	add_rules_text(&rules, r);
	buf_add_str(&sql, "SELECT s.state, pg_catalog.to_char(q.until AT TIME ZONE 'UTC', "
			  "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM (SELECT pg_catalog.md5("
			  "pg_catalog.concat_ws(' ', $2::text, ");
	add_active_text(&sql, t);
	buf_printf(&sql,
		   ", (SELECT pg_catalog.string_agg(f::text, ' ' ORDER BY f.id) FROM "
		   "firn.version_flip f WHERE f.table_id = $1::bigint AND f.flipped_at IS NULL), "
		   "(SELECT pg_catalog.string_agg(v::text, ' ' ORDER BY v::text) FROM "
		   "firn.version_seen v WHERE v.table_id = $1::bigint), "
		   "pg_catalog.pg_relation_filenode(%u), "
		   "pg_catalog.pg_stat_get_tuples_inserted(%u), "
		   "pg_catalog.pg_stat_get_tuples_updated(%u), "
		   "pg_catalog.pg_stat_get_tuples_deleted(%u))) AS state) s LEFT JOIN "
		   "firn.leaf_quiet q ON q.table_id = $1::bigint AND q.leaf_oid = %u AND q.state = "
		   "s.state AND q.until > pg_catalog.now() AND q.noted_at < pg_catalog.now() - "
		   "pg_catalog.make_interval(secs => %d)",
		   leaf->oid, leaf->oid, leaf->oid, leaf->oid, leaf->oid, SETTLED_S);
	pg_param_i64(&p, table_id);
	ok = buf_ok(&rules, e) && buf_ok(&sql, e);
	if (ok) {
		pg_param_text(&p, buf_str(&rules));
		ok = pg_query(pg, buf_str(&sql), &p, &result, e);
	}
	if (ok) {
		snprintf(out->state, sizeof(out->state), "%s", pg_text(result, 0, 0));
		out->quiet = !pg_is_null(result, 0, 1);
		snprintf(out->until, sizeof(out->until), "%s", pg_text(result, 0, 1));
	}
	pg_result_free(result);
	buf_release(&rules);
	buf_release(&sql);
	return ok;
}

bool leaf_quiet_look(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		     int64_t table_id, const struct candidate_rules *r, struct leaf_quiet *out,
		     struct err *e)
{
	*out = (struct leaf_quiet){ .possible = is_possible(t, r) };
	if (!out->possible)
		return true;
	if (candidate_sql_begin(pg, t, r, e) && read_state(pg, t, leaf, table_id, r, out, e) &&
	    pg_commit(pg, e))
		return true;
	pg_rollback(pg);
	return err_wrap(e, "could not see whether leaf \"%s\" has changed", leaf->label);
}

/* When the rule matches the row by time alone: NULL where anything else is wanting. */
static void add_rule_due(struct pg *pg, struct buf *b, const struct table_info *t,
			 const struct candidate_rules *r, size_t rule,
			 const struct candidate_sql *what)
{
	struct candidate_conditions list = { 0 };

	candidate_sql_conditions(pg, t, &r->rules[rule], rule, what, &list);
	buf_add_str(b, "CASE WHEN true");
	for (size_t i = 0; i < list.count; i++)
		if (!list.items[i].since.len)
			buf_printf(b, " AND (%s)", buf_str(&list.items[i].sql));
	buf_printf(b, " THEN greatest('-infinity'::timestamptz");
	for (size_t i = 0; i < list.count; i++) {
		struct candidate_condition *c = &list.items[i];

		b->failed |= c->sql.failed || c->value.failed || c->since.failed;
		if (c->since.len)
			buf_printf(b,
				   ", coalesce((%s)::timestamptz + pg_catalog.make_interval(secs "
				   "=> %" PRId64 "), 'infinity')",
				   buf_str(&c->since), c->after_s);
	}
	buf_add_str(b, ") END");
	candidate_conditions_release(&list);
}

/* Asks select of the rows, of which due is when the first rule that archives takes them by time alone (NULL: none will). */
static bool ask_due(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		    int64_t table_id, const struct candidate_rules *r, const char *select,
		    struct pg_result **out, struct err *e)
{
	struct candidate_sql what = { .with_keep = true, .only = "true" };
	struct candidate_cut *cuts = mem_new(r->count, sizeof(*cuts), e);
	struct buf selected = BUF_INIT, sql = BUF_INIT;
	bool ok = cuts && candidate_sql_begin(pg, t, r, e) &&
		  candidate_sql_look(pg, t, table_id, r, &what, e) &&
		  candidate_pressure_cut_leaf(pg, t, leaf, table_id, r, &what, cuts, e);

	if (!ok)
		goto out;
	what.cuts = cuts;
	buf_add_str(&selected, "least(NULL::timestamptz");
	for (size_t i = 0; i < r->count; i++)
		if (!r->rules[i].keep) {
			buf_add_str(&selected, ", ");
			add_rule_due(pg, &selected, t, r, i, &what);
		}
	buf_add_str(&selected, ") AS due");
	ok = buf_ok(&selected, e);
	if (!ok)
		goto out;
	what.selected = buf_str(&selected);
	candidate_sql_add_rows(pg, &sql, t, leaf, table_id, r, &what);
	buf_printf(&sql, " SELECT %s FROM firn_rows WHERE firn_rule NOT IN (-2", select);
	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i].keep)
			buf_printf(&sql, ", %zu", i);
	buf_add_str(&sql, ")");
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), NULL, out, e) && pg_commit(pg, e);
out:
	if (!ok)
		pg_rollback(pg);
	free(cuts);
	buf_release(&selected);
	buf_release(&sql);
	return ok;
}

/* The earliest. */
static bool find_until(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		       int64_t table_id, const struct candidate_rules *r, char until[32],
		       struct err *e)
{
	struct pg_result *result = NULL;
	char select[128];
	bool ok;

	snprintf(select, sizeof(select),
		 "least(min(due), pg_catalog.now() + pg_catalog.make_interval(secs => %d))::text",
		 AT_MOST_S);
	ok = ask_due(pg, t, leaf, table_id, r, select, &result, e);
	if (ok)
		snprintf(until, 32, "%s", pg_text(result, 0, 0));
	pg_result_free(result);
	return ok;
}

bool leaf_quiet_waiting(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			int64_t table_id, const struct candidate_rules *r, int64_t *rows_out,
			char first[32], struct err *e)
{
	struct pg_result *result = NULL;
	bool ok = ask_due(pg, t, leaf, table_id, r,
			  "count(*) FILTER (WHERE due > now() AND due < 'infinity'), "
			  "pg_catalog.to_char(min(due) FILTER (WHERE due > now()) AT TIME ZONE "
			  "'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
			  &result, e);

	*rows_out = ok ? pg_i64(result, 0, 0) : 0;
	snprintf(first, 32, "%s", *rows_out > 0 ? pg_text(result, 0, 1) : "");
	pg_result_free(result);
	return ok || err_wrap(e, "could not find out when leaf \"%s\" has rows due", leaf->label);
}

bool leaf_quiet_note(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		     int64_t table_id, const struct candidate_rules *r, const struct leaf_quiet *q,
		     struct err *e)
{
	static const char sql[] =
		"INSERT INTO firn.leaf_quiet AS q (table_id, leaf_oid, until, state) VALUES "
		"($1::bigint, $2::bigint::oid, $3::timestamptz, $4::text) ON CONFLICT (table_id, "
		"leaf_oid) DO UPDATE SET until = excluded.until, state = excluded.state, noted_at "
		"= "
		"CASE WHEN q.state = excluded.state THEN q.noted_at ELSE excluded.noted_at END";
	struct pg_params p = PG_PARAMS_INIT;
	char until[32] = "";

	if (!find_until(pg, t, leaf, table_id, r, until, e))
		return err_wrap(e, "could not find out when leaf \"%s\" has rows due", leaf->label);
	pg_param_i64(&p, table_id);
	pg_param_i64(&p, leaf->oid);
	pg_param_text(&p, until);
	pg_param_text(&p, q->state);
	return pg_query(pg, sql, &p, NULL, e);
}
