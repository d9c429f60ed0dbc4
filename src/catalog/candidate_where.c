#include "catalog/candidate_where.h"

#include <string.h>

/* Names of columns alone mean the row's: within this subselect nothing else has columns. */
void candidate_where_add_rows(struct buf *b, const struct leaf *leaf,
			      const struct candidate_rules *r)
{
	bool any = false;

	for (size_t i = 0; i < r->count; i++)
		any |= r->rules[i].where != NULL;
	if (!any) {
		buf_printf(b, "ONLY %s t", leaf->qualified);
		return;
	}
	buf_add_str(b, "(SELECT t.ctid, t.xmin, t.*");
	for (size_t i = 0; i < r->count; i++)
		/* The line's end closes a comment that the expression may end with. */
		if (r->rules[i].where)
			buf_printf(b, ", (\n%s\n) AS firn_where%zu", r->rules[i].where, i);
	buf_printf(b, " FROM ONLY %s t) t", leaf->qualified);
}

void candidate_where_add_condition(struct buf *b, size_t rule)
{
	buf_printf(b, " AND t.firn_where%zu", rule);
}

/* A view is parsed and analysed, never run. */
static bool define(struct pg *pg, const char *name, const char *before, const char *where,
		   const char *after, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql, "CREATE TEMP VIEW %s AS SELECT %s\n%s\n%s", name, before, where, after);
	/* By the extended protocol, which takes one statement only. */
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), NULL, NULL, e);
	buf_release(&sql);
	return ok;
}

/* Both parse only if the text's own parentheses and brackets match: what closed the one around it would meet the other in
 * the second statement. So it is what it looks like within the first: one operand of WHERE, which takes no aggregates, no
 * window functions and no sets, and nothing but a boolean. */
static bool parse(struct pg *pg, const struct table_info *t, const char *where, struct err *e)
{
	struct buf from = BUF_INIT;
	bool ok;

	buf_printf(&from, "] AS a FROM ONLY %s t", t->qualified);
	ok = buf_ok(&from, e) && define(pg, "firn_where_array", "ARRAY[", where, buf_str(&from), e);
	from.len = 0;
	buf_printf(&from, "true AS a FROM ONLY %s t WHERE (", t->qualified);
	ok = ok && buf_ok(&from, e) && define(pg, "firn_where", buf_str(&from), where, ")", e);
	buf_release(&from);
	return ok;
}

/* Functions of the server's own are no entries of pg_depend: the rule's tree names them all. */
static bool find_volatile(struct pg *pg, char *name, size_t name_len, struct err *e)
{
	static const char sql[] =
		"SELECT p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_rewrite w, "
		"pg_catalog.pg_proc p WHERE w.ev_class = 'pg_temp.firn_where'::pg_catalog.regclass "
		"AND p.provolatile = 'v' AND p.oid IN (SELECT f[1]::pg_catalog.oid FROM "
		"pg_catalog.regexp_matches(w.ev_action::text, "
		"':(?:funcid|opfuncid|aggfnoid|winfnoid|tsmhandler) ([0-9]+)', 'g') f) LIMIT 1";
	struct pg_result *result = NULL;

	if (!pg_query(pg, sql, NULL, &result, e))
		return false;
	snprintf(name, name_len, "%s", pg_rows(result) ? pg_text(result, 0, 0) : "");
	pg_result_free(result);
	return true;
}

bool candidate_where_check(struct pg *pg, const struct table_info *t,
			   const struct candidate_rules *r, const struct candidate_rule *rule,
			   struct err *e)
{
	char name[256] = "";
	bool ok = pg_begin(pg, NULL, e) && pg_local_search_path(pg, true, e);

	if (ok && !parse(pg, t, rule->where, e)) {
		ok = false;
		/* A connection that broke, or a right that is missing, is no fault of the text. */
		if (e->code == ERR_INTERNAL || e->code == ERR_DATA)
			e->code = ERR_CONFIG;
		err_wrap(e, "rule \"%s\": where", rule->name);
		if (e->code == ERR_CONFIG)
			candidate_rule_at(r, rule, e);
	}
	ok = ok && find_volatile(pg, name, sizeof(name), e);
	pg_rollback(pg);
	if (!ok || !*name)
		return ok;
	err_set(e, ERR_CONFIG, "rule \"%s\": where: the function %s is volatile", rule->name, name);
	candidate_rule_at(r, rule, e);
	return err_hint(e, "Use functions that are STABLE or IMMUTABLE: a condition only looks.");
}
