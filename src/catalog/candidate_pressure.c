#include "catalog/candidate_pressure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "catalog/candidate_sql.h"

bool candidate_pressure_any(const struct candidate_rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (candidate_rule_presses(&r->rules[i]))
			return true;
	return false;
}

/* ---- the condition ---- */

void candidate_pressure_add_condition(struct pg *pg, struct buf *b, const struct table_info *t,
				      const struct candidate_rule *rule,
				      const struct candidate_cut *cut,
				      const struct candidate_sql *what)
{
	switch (cut->kind) {
	case CUT_NONE:
		buf_add_str(b, " AND false");
		break;
	case CUT_ALL:
		break;
	case CUT_AT:
		buf_add_str(b, " AND (");
		candidate_sql_add_last_use(pg, b, t, rule, what);
		if (cut->never)
			buf_add_str(b, ", t.ctid) <= ('infinity'::timestamptz");
		else
			buf_printf(b,
				   ", t.ctid) <= ('epoch'::timestamptz + '%" PRId64
				   " microseconds'::interval",
				   cut->last_us);
		buf_printf(b, ", '(%" PRIu32 ",%" PRIu32 ")'::tid)", cut->block, cut->offset);
	}
}

/* What the cut of the whole table means in one leaf: there every tuple of that time lies before it, or behind it. */
static struct candidate_cut in_leaf(const struct candidate_cut *of_table, int leaf)
{
	struct candidate_cut cut = *of_table;

	if (cut.kind != CUT_AT || leaf == cut.leaf)
		return cut;
	cut.block = leaf < cut.leaf ? UINT32_MAX : 0;
	cut.offset = leaf < cut.leaf ? UINT16_MAX : 0;
	return cut;
}

/* ---- finding a cut ---- */

/* Columns of a statement that ends with the one row at the cut. */
#define CUT_COLUMNS                                                                        \
	"x.leaf, CASE WHEN pg_catalog.isfinite(x.at) THEN (pg_catalog.date_part('epoch', " \
	"pg_catalog.date_trunc('second', x.at))::bigint * 1000000 + "                      \
	"pg_catalog.to_char(x.at, 'US')::bigint) END, x.tid::text"

static bool read_cut(const struct pg_result *row, struct candidate_cut *cut, struct err *e)
{
	if (sscanf(pg_text(row, 0, 2), "(%" SCNu32 ",%" SCNu32 ")", &cut->block, &cut->offset) != 2)
		return err_set(e, ERR_INTERNAL, "\"%s\" is no place of a row", pg_text(row, 0, 2));
	cut->kind = CUT_AT;
	cut->leaf = (int)pg_i64(row, 0, 0);
	cut->never = pg_is_null(row, 0, 1);
	cut->last_us = pg_i64(row, 0, 1);
	return true;
}

/* The statement's row, if it has one, else "all". */
static bool query_cut(struct pg *pg, struct buf *sql, struct candidate_cut *cut, struct err *e)
{
	struct pg_result *result = NULL;
	bool ok;

	if (!pg_query(pg, buf_str(sql), NULL, &result, e))
		return false;
	cut->kind = CUT_ALL;
	ok = pg_rows(result) == 0 || read_cut(result, cut, e);
	pg_result_free(result);
	return ok;
}

/* The leaf's rows by rule, the one at hand taken for one that does not press. */
static void add_rows(struct pg *pg, struct buf *b, const struct table_info *t,
		     const struct leaf *leaf, int64_t table_id, const struct candidate_rules *r,
		     const struct candidate_sql *what, const char *selected,
		     struct candidate_cut *cuts, size_t rule)
{
	struct candidate_sql own = *what;

	own.with_keep = true;
	own.selected = selected;
	own.cuts = cuts;
	cuts[rule].kind = CUT_ALL;
	candidate_sql_add_rows(pg, b, t, leaf, table_id, r, &own);
}

/* The rule's row number "take", coldest first. */
static bool find_in_leaf(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			 int64_t table_id, const struct candidate_rules *r,
			 const struct candidate_sql *what, size_t rule, int64_t take,
			 struct candidate_cut *cuts, struct err *e)
{
	struct buf selected = BUF_INIT, sql = BUF_INIT;
	bool ok;

	candidate_sql_add_last_use(pg, &selected, t, &r->rules[rule], what);
	buf_add_str(&selected, " AS at, t.ctid AS tid");
	add_rows(pg, &sql, t, leaf, table_id, r, what, buf_str(&selected), cuts, rule);
	buf_printf(&sql,
		   " SELECT " CUT_COLUMNS " FROM (SELECT 0 AS leaf, at, tid FROM firn_rows WHERE "
		   "firn_rule = %zu ORDER BY at, tid OFFSET %" PRId64 " LIMIT 1) x",
		   rule, take - 1);
	ok = !selected.failed && buf_ok(&sql, e) && query_cut(pg, &sql, &cuts[rule], e);
	buf_release(&selected);
	buf_release(&sql);
	return ok;
}

static bool cut_rule_in_leaf(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			     int64_t table_id, const struct candidate_rules *r,
			     const struct candidate_sql *what, size_t rule,
			     struct candidate_cut *cuts, struct err *e)
{
	struct pg_result *result = NULL;
	struct buf sql = BUF_INIT;
	int64_t take = 0, matching = 0;
	bool ok;

	add_rows(pg, &sql, t, leaf, table_id, r, what, "1 AS one", cuts, rule);
	buf_printf(
		&sql,
		" SELECT (SELECT count(*) FROM ONLY %s), count(*) FILTER (WHERE firn_rule IN (-2",
		leaf->qualified);
	candidate_sql_add_earlier(&sql, r, rule);
	buf_printf(&sql, ")), count(*) FILTER (WHERE firn_rule = %zu) FROM firn_rows", rule);
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), NULL, &result, e);
	buf_release(&sql);
	if (!ok)
		return false;
	take = pg_i64(result, 0, 0) - pg_i64(result, 0, 1) - r->rules[rule].leaf_rows_over;
	matching = pg_i64(result, 0, 2);
	pg_result_free(result);
	cuts[rule].kind = take <= 0 ? CUT_NONE : CUT_ALL;
	return take <= 0 || take >= matching ||
	       find_in_leaf(pg, t, leaf, table_id, r, what, rule, take, cuts, e);
}

/* Cuts of the rules before "before". */
static bool cut_earlier(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			int64_t table_id, const struct candidate_rules *r,
			const struct candidate_sql *what, size_t before, struct candidate_cut *cuts,
			struct err *e)
{
	for (size_t i = 0; i < before; i++) {
		const struct candidate_rule *rule = &r->rules[i];

		if (rule->withheld)
			continue;
		if (rule->hot_bytes_over > 0)
			cuts[i] = in_leaf(&rule->cut, (int)(leaf - t->leaves));
		else if (rule->leaf_rows_over > 0 &&
			 !cut_rule_in_leaf(pg, t, leaf, table_id, r, what, i, cuts, e))
			return false;
	}
	return true;
}

bool candidate_pressure_cut_leaf(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
				 int64_t table_id, const struct candidate_rules *r,
				 const struct candidate_sql *what, struct candidate_cut *cuts,
				 struct err *e)
{
	return !candidate_pressure_any(r) ||
	       cut_earlier(pg, t, leaf, table_id, r, what, r->count, cuts, e);
}

/* ---- of the table ---- */

/* A statement over the rows of all leaves by rule: head, then (per-leaf SELECT) UNION ALL ..., then tail. */
static bool add_all_leaves(struct pg *pg, struct buf *sql, const struct table_info *t,
			   int64_t table_id, const struct candidate_rules *r,
			   const struct candidate_sql *what, size_t rule, const char *selected,
			   const char *from_rows, struct err *e)
{
	struct candidate_cut *cuts = mem_new(r->count, sizeof(*cuts), e);

	if (!cuts)
		return false;
	for (size_t l = 0; l < t->leaf_count; l++) {
		if (!cut_earlier(pg, t, &t->leaves[l], table_id, r, what, rule, cuts, e)) {
			free(cuts);
			return false;
		}
		buf_add_str(sql, l ? " UNION ALL (" : "(");
		add_rows(pg, sql, t, &t->leaves[l], table_id, r, what, selected, cuts, rule);
		buf_printf(sql, " SELECT %zu AS leaf, %s)", l, from_rows);
	}
	free(cuts);
	return true;
}

/* Bytes of the table that are too many for the rule, and bytes that it could take. */
static bool sum_bytes(struct pg *pg, const struct table_info *t, int64_t table_id,
		      const struct candidate_rules *r, const struct candidate_sql *what,
		      size_t rule, int64_t *take_out, int64_t *matching_out, struct err *e)
{
	struct buf bytes = BUF_INIT, selected = BUF_INIT, sums = BUF_INIT, sql = BUF_INIT;
	struct pg_result *result = NULL;
	bool ok;

	candidate_sql_add_bytes(pg, &bytes, t);
	buf_printf(&selected, "%s AS bytes", buf_str(&bytes));
	buf_add_str(&sums, "sum(bytes) FILTER (WHERE firn_rule IN (-2");
	candidate_sql_add_earlier(&sums, r, rule);
	buf_printf(&sums,
		   ")) AS earlier, sum(bytes) FILTER (WHERE firn_rule = %zu) AS matching FROM "
		   "firn_rows",
		   rule);
	buf_printf(&sql,
		   "SELECT (SELECT sum(%s) FROM %s t)::bigint, sum(x.earlier)::bigint, "
		   "sum(x.matching)::bigint FROM (",
		   buf_str(&bytes), t->qualified);
	ok = add_all_leaves(pg, &sql, t, table_id, r, what, rule, buf_str(&selected),
			    buf_str(&sums), e);
	buf_add_str(&sql, ") x");
	ok = ok && buf_ok(&bytes, e) && buf_ok(&selected, e) && buf_ok(&sums, e) &&
	     buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), NULL, &result, e);
	if (ok) {
		*take_out =
			pg_i64(result, 0, 0) - pg_i64(result, 0, 1) - r->rules[rule].hot_bytes_over;
		*matching_out = pg_i64(result, 0, 2);
	}
	pg_result_free(result);
	buf_release(&bytes);
	buf_release(&selected);
	buf_release(&sums);
	buf_release(&sql);
	return ok;
}

/* The last row that is needed for "take" bytes, coldest first. */
static bool find_in_table(struct pg *pg, const struct table_info *t, int64_t table_id,
			  const struct candidate_rules *r, const struct candidate_sql *what,
			  size_t rule, int64_t take, struct candidate_cut *cut, struct err *e)
{
	struct buf selected = BUF_INIT, rows = BUF_INIT, sql = BUF_INIT;
	bool ok;

	candidate_sql_add_last_use(pg, &selected, t, &r->rules[rule], what);
	buf_add_str(&selected, " AS at, t.ctid AS tid, ");
	candidate_sql_add_bytes(pg, &selected, t);
	buf_add_str(&selected, " AS bytes");
	buf_printf(&rows, "at, tid, bytes FROM firn_rows WHERE firn_rule = %zu", rule);
	buf_add_str(&sql, "SELECT " CUT_COLUMNS
			  " FROM (SELECT leaf, at, tid, bytes, sum(bytes) OVER (ORDER BY at, "
			  "leaf, tid ROWS UNBOUNDED PRECEDING) AS taken FROM (");
	ok = add_all_leaves(pg, &sql, t, table_id, r, what, rule, buf_str(&selected),
			    buf_str(&rows), e);
	buf_printf(&sql, ") y) x WHERE x.taken >= %" PRId64 " ORDER BY x.at, x.leaf, x.tid LIMIT 1",
		   take);
	ok = ok && buf_ok(&selected, e) && buf_ok(&rows, e) && buf_ok(&sql, e) &&
	     query_cut(pg, &sql, cut, e);
	buf_release(&selected);
	buf_release(&rows);
	buf_release(&sql);
	return ok;
}

static bool cut_rule_in_table(struct pg *pg, const struct table_info *t, int64_t table_id,
			      const struct candidate_rules *r, const struct candidate_sql *what,
			      size_t rule, struct candidate_cut *cut, struct err *e)
{
	int64_t take = 0, matching = 0;

	if (!sum_bytes(pg, t, table_id, r, what, rule, &take, &matching, e))
		return false;
	cut->kind = take <= 0 ? CUT_NONE : CUT_ALL;
	return take <= 0 || take >= matching ||
	       find_in_table(pg, t, table_id, r, what, rule, take, cut, e);
}

bool candidate_pressure_cut_table(struct pg *pg, const struct table_info *t, int64_t table_id,
				  struct candidate_rules *r, struct err *e)
{
	struct candidate_sql what = { 0 };
	bool any = false, ok;

	for (size_t i = 0; i < r->count; i++)
		any |= r->rules[i].hot_bytes_over > 0;
	if (!any)
		return true;
	ok = candidate_sql_begin(pg, t, r, e) && candidate_sql_look(pg, t, table_id, r, &what, e);
	for (size_t i = 0; ok && i < r->count; i++) {
		if (r->rules[i].hot_bytes_over == 0 || r->rules[i].withheld)
			continue;
		ok = cut_rule_in_table(pg, t, table_id, r, &what, i, &r->rules[i].cut, e);
	}
	if (ok && pg_commit(pg, e))
		return true;
	pg_rollback(pg);
	return err_wrap(e, "could not find the coldest rows of table \"%s\"", t->label);
}
