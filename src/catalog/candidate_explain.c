#include "catalog/candidate_explain.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "catalog/candidate_sql.h"

/* "t.id = $1::type"; of several columns their texts with commas between. */
static void add_only(struct pg *pg, struct buf *b, const struct table_info *t,
		     enum column_role role)
{
	const struct column *first = table_info_column(t, role);
	size_t count = 0;

	for (size_t i = 0; i < t->column_count; i++)
		count += t->columns[i].role == role;
	if (count == 1) {
		candidate_sql_add_column(pg, b, "t", first);
		buf_printf(b, " = $1::%s", first->type_full);
		return;
	}
	for (size_t i = 0, n = 0; i < t->column_count; i++) {
		if (t->columns[i].role != role)
			continue;
		buf_add_str(b, n++ ? " || ',' || " : "(");
		candidate_sql_add_text(pg, b, "t", &t->columns[i]);
	}
	buf_add_str(b, ") = $1");
}

static void add_iso(struct buf *b, const char *expression)
{
	buf_printf(b,
		   "CASE WHEN pg_catalog.isfinite((%s)::timestamptz) THEN pg_catalog.to_char("
		   "(%s)::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END",
		   expression, expression);
}

static void add_text_or_null(struct pg *pg, struct buf *b, const struct column *c)
{
	if (c)
		candidate_sql_add_text(pg, b, "t", c);
	else
		buf_add_str(b, "NULL::text");
	buf_add_str(b, ", ");
}

/* Until when min_residency keeps the row. */
static void add_resident_until(struct pg *pg, struct buf *b, const struct table_info *t,
			       const struct candidate_rules *r, const struct candidate_sql *what)
{
	const struct column *created = table_info_column(t, COLUMN_CREATED);
	struct buf until = BUF_INIT;

	buf_printf(&until, "greatest(NULL::timestamptz%s%s", what->woken ? ", " : "",
		   what->woken ? what->woken : "");
	if (created && r->residency_of_created) {
		buf_add_str(&until, ", ");
		candidate_sql_add_column(pg, &until, "t", created);
	}
	buf_printf(&until, ") + pg_catalog.make_interval(secs => %" PRId64 ")", r->min_residency_s);
	buf_printf(b, "CASE WHEN %s > pg_catalog.now() THEN ", buf_str(&until));
	add_iso(b, buf_str(&until));
	buf_add_str(b, " END, ");
	b->failed |= until.failed;
	buf_release(&until);
}

#define ROW_COLUMNS 9

static void add_row_columns(struct pg *pg, struct buf *b, const struct table_info *t,
			    const struct candidate_rules *r, const struct candidate_sql *what)
{
	const struct candidate_rule of_chunk = { 0 };
	const struct column *created = table_info_column(t, COLUMN_CREATED);
	struct buf at = BUF_INIT;

	add_text_or_null(pg, b, table_info_column(t, COLUMN_WORKSPACE));
	add_text_or_null(pg, b, table_info_column(t, COLUMN_DOCUMENT));
	add_text_or_null(pg, b, table_info_column(t, COLUMN_VERSION));
	if (created) {
		candidate_sql_add_column(pg, &at, "t", created);
		add_iso(b, buf_str(&at));
		at.len = 0;
		candidate_sql_add_last_use(pg, &at, t, &of_chunk, what);
		buf_add_str(b, ", ");
		add_iso(b, buf_str(&at));
		buf_add_str(b, ", ");
	} else {
		buf_add_str(b, "NULL::text, NULL::text, ");
	}
	if (candidate_reads_any(&what->reads)) {
		buf_add_str(b, "round((");
		candidate_reads_add_heat(b, &what->reads, false);
		buf_add_str(b, ")::numeric, 6)::text, ");
	} else {
		buf_add_str(b, "NULL::text, ");
	}
	add_resident_until(pg, b, t, r, what);
	buf_add_str(b, what->returning ? "rb.version IS NOT NULL, " : "false, ");
	candidate_sql_add_bytes(pg, b, t);
	b->failed |= at.failed;
	buf_release(&at);
}

/* holds, value, due */
static void add_condition_columns(struct buf *b, struct candidate_condition *c)
{
	struct buf due = BUF_INIT;

	buf_printf(b, ", (%s) IS TRUE, ", buf_str(&c->sql));
	if (c->value.len)
		buf_printf(b, "(%s)", buf_str(&c->value));
	else if (c->since.len)
		add_iso(b, buf_str(&c->since));
	else
		buf_add_str(b, "NULL::text");
	buf_add_str(b, ", ");
	if (c->since.len) {
		buf_printf(&due, "%s + pg_catalog.make_interval(secs => %" PRId64 ")",
			   buf_str(&c->since), c->after_s);
		add_iso(b, buf_str(&due));
	} else {
		buf_add_str(b, "NULL::text");
	}
	b->failed |= c->sql.failed || c->value.failed || c->since.failed || due.failed;
	buf_release(&due);
}

struct explaining {
	const struct candidate_rules *rules;
	struct explained_rule *shown;
	struct explained_condition *conditions;
	size_t condition_count;
	bool (*visit)(void *ctx, const struct explained_row *row, struct err *e);
	void *ctx;
};

/* Keys, and where each rule's conditions are; the columns go to b. */
static bool add_rules(struct pg *pg, struct buf *b, const struct table_info *t,
		      const struct candidate_rules *r, const struct candidate_sql *what,
		      struct explaining *x, struct err *e)
{
	x->shown = mem_new(r->count, sizeof(*x->shown), e);
	x->conditions = mem_new(r->count * CANDIDATE_CONDITIONS_MAX, sizeof(*x->conditions), e);
	if (!x->shown || !x->conditions)
		return false;
	for (size_t i = 0; i < r->count; i++) {
		struct candidate_conditions list = { 0 };

		candidate_sql_conditions(pg, t, &r->rules[i], i, what, &list);
		x->shown[i].conditions = &x->conditions[x->condition_count];
		x->shown[i].count = list.count;
		for (size_t k = 0; k < list.count; k++) {
			x->conditions[x->condition_count++].key = list.items[k].key;
			add_condition_columns(b, &list.items[k]);
		}
		candidate_conditions_release(&list);
	}
	return true;
}

static const char *text_or_null(const struct pg_result *row, int column)
{
	return pg_is_null(row, 0, column) ? NULL : pg_text(row, 0, column);
}

static bool visit_explained(void *ctx, const struct pg_result *row, struct err *e)
{
	struct explaining *x = ctx;
	struct explained_row shown = {
		.workspace = text_or_null(row, 0),
		.document = text_or_null(row, 1),
		.version = text_or_null(row, 2),
		.created = text_or_null(row, 3),
		.last_use = text_or_null(row, 4),
		.heat = text_or_null(row, 5),
		.resident_until = text_or_null(row, 6),
		.returning = pg_bool(row, 0, 7),
		.bytes = pg_i64(row, 0, 8),
		.rules = x->shown,
	};
	int column = ROW_COLUMNS;

	for (size_t i = 0; i < x->condition_count; i++, column += 3) {
		x->conditions[i].holds = pg_bool(row, 0, column);
		x->conditions[i].value = text_or_null(row, column + 1);
		x->conditions[i].due = text_or_null(row, column + 2);
	}
	shown.rule = (int)pg_i64(row, 0, column);
	return x->visit(x->ctx, &shown, e);
}

/* The transaction, what the statements need to know, and the leaf's cuts (on the heap). */
static bool begin(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		  int64_t table_id, const struct candidate_rules *r, struct candidate_sql *what,
		  struct candidate_cut **cuts, struct err *e)
{
	*what = (struct candidate_sql){ .with_keep = true };
	*cuts = mem_new(r->count, sizeof(**cuts), e);
	if (!*cuts || !candidate_sql_begin(pg, t, r, e) ||
	    !candidate_sql_look(pg, t, table_id, r, what, e) ||
	    !candidate_pressure_cut_leaf(pg, t, leaf, table_id, r, what, *cuts, e))
		return false;
	what->cuts = *cuts;
	return true;
}

static bool end(struct pg *pg, const struct leaf *leaf, bool ok, struct err *e)
{
	if (ok && pg_commit(pg, e))
		return true;
	pg_rollback(pg);
	return err_wrap(e, "could not look into leaf \"%s\"", leaf->label);
}

bool candidate_explain_chunk(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			     int64_t table_id, const struct candidate_rules *r, const char *id,
			     bool (*visit)(void *ctx, const struct explained_row *row,
					   struct err *e),
			     void *ctx, struct err *e)
{
	struct explaining x = { .rules = r, .visit = visit, .ctx = ctx };
	struct buf selected = BUF_INIT, only = BUF_INIT, sql = BUF_INIT;
	struct pg_params p = PG_PARAMS_INIT;
	struct candidate_sql what;
	struct candidate_cut *cuts;
	bool ok = begin(pg, t, leaf, table_id, r, &what, &cuts, e);

	if (ok) {
		add_row_columns(pg, &selected, t, r, &what);
		ok = add_rules(pg, &selected, t, r, &what, &x, e);
		add_only(pg, &only, t, COLUMN_ID);
		ok = ok && buf_ok(&selected, e) && buf_ok(&only, e);
	}
	if (ok) {
		what.selected = buf_str(&selected);
		what.only = buf_str(&only);
		candidate_sql_add_rows(pg, &sql, t, leaf, table_id, r, &what);
		buf_add_str(&sql, " SELECT * FROM firn_rows");
		pg_param_text(&p, id);
		ok = buf_ok(&sql, e) &&
		     pg_query_each(pg, buf_str(&sql), &p, visit_explained, &x, e);
	}
	free(cuts);
	free(x.shown);
	free(x.conditions);
	buf_release(&selected);
	buf_release(&only);
	buf_release(&sql);
	return end(pg, leaf, ok, e);
}

struct summing {
	bool (*visit)(void *ctx, int rule, int64_t rows, int64_t bytes, struct err *e);
	void *ctx;
};

static bool visit_sum(void *ctx, const struct pg_result *row, struct err *e)
{
	const struct summing *s = ctx;

	return s->visit(s->ctx, (int)pg_i64(row, 0, 0), pg_i64(row, 0, 1), pg_i64(row, 0, 2), e);
}

bool candidate_explain_sums(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			    int64_t table_id, const struct candidate_rules *r,
			    enum column_role role, const char *value,
			    bool (*visit)(void *ctx, int rule, int64_t rows, int64_t bytes,
					  struct err *e),
			    void *ctx, struct err *e)
{
	struct summing s = { visit, ctx };
	struct buf selected = BUF_INIT, only = BUF_INIT, sql = BUF_INIT;
	struct pg_params p = PG_PARAMS_INIT;
	struct candidate_sql what;
	struct candidate_cut *cuts;
	bool ok = begin(pg, t, leaf, table_id, r, &what, &cuts, e);

	if (ok) {
		candidate_sql_add_bytes(pg, &selected, t);
		buf_add_str(&selected, " AS firn_b");
		add_only(pg, &only, t, role);
		what.selected = buf_str(&selected);
		what.only = buf_str(&only);
		candidate_sql_add_rows(pg, &sql, t, leaf, table_id, r, &what);
		buf_add_str(&sql, " SELECT firn_rule, count(*), sum(firn_b)::bigint FROM firn_rows "
				  "GROUP BY 1 ORDER BY 1");
		pg_param_text(&p, value);
		ok = buf_ok(&selected, e) && buf_ok(&only, e) && buf_ok(&sql, e) &&
		     pg_query_each(pg, buf_str(&sql), &p, visit_sum, &s, e);
	}
	free(cuts);
	buf_release(&selected);
	buf_release(&only);
	buf_release(&sql);
	return end(pg, leaf, ok, e);
}
