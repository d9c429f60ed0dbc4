/* What storage costs, as text and as JSON. */
#include <math.h>

#include "base/money.h"
#include "report/json_doc.h"
#include "report/render.h"
#include "report/text_table.h"

static void add_money(struct text_table *t, int64_t nano)
{
	char text[MONEY_MAX];

	text_add(t, money_short(nano, text));
}

static void add_row(struct text_table *t, const struct firn_report_row *c)
{
	text_add(t, c->table ? c->table : "total");
	text_add(t, c->leaf);
	text_add_count(t, c->hot_rows);
	text_add_bytes(t, c->hot.heap_bytes + c->hot.toast_bytes + c->hot.index_bytes);
	text_add_count(t, c->cold_rows);
	text_add_bytes(t, c->cold_bytes);
	add_money(t, c->cost.hot_nano);
	add_money(t, c->cost.cold_nano);
	add_money(t, c->cost.all_hot_nano);
	add_money(t, c->cost.saved_nano);
}

bool text_cost(const struct report *r, const struct firn_report_result *x, struct err *e)
{
	static const struct text_column columns[] = {
		{ "TABLE", TEXT_NAME },       { "LEAF", TEXT_NAME },
		{ "HOT ROWS", TEXT_NUMBER },  { "HOT", TEXT_NUMBER },
		{ "COLD ROWS", TEXT_NUMBER }, { "COLD", TEXT_NUMBER },
		{ "HOT COST", TEXT_NUMBER },  { "COLD COST", TEXT_NUMBER },
		{ "ALL HOT", TEXT_NUMBER },   { "SAVED", TEXT_NUMBER },
	};
	struct text_table table = { .columns = columns, .column_count = 10 };
	char size[32], month[MONEY_MAX], ever[MONEY_MAX];
	bool ok;

	for (size_t i = 0; i < x->row_count; i++)
		add_row(&table, &x->rows[i]);
	if (x->row_count > 1)
		add_row(&table, &x->total);
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	if (!ok)
		return false;
	fprintf(r->out, "\ncosts are %s a month", x->currency);
	if (x->price_list_date && *x->price_list_date)
		fprintf(r->out, ", prices %s of %s\n", x->price_list, x->price_list_date);
	else
		fputs("; prices: none; name a list with --prices or \"prices:\" in the "
		      "configuration\n",
		      r->out);
	if (x->known_since[0])
		fprintf(r->out, "saved this month %s, in total since %s %s\n",
			money_short(x->saved_month_nano, month), x->known_since,
			money_short(x->saved_total_nano, ever));
	if (x->total.reclaimable_bytes > 0)
		fprintf(r->out, "of what is hot, about %s is room for rows to come\n",
			str_format_bytes((uint64_t)x->total.reclaimable_bytes, size, sizeof(size)));
	for (size_t i = 0; i < x->formula_count; i++)
		fprintf(r->out, "%s%s: %s = %s\n", i == 0 ? "\n" : "", x->formulas[i].figure,
			x->formulas[i].formula, money_decimal(x->formulas[i].nano, month));
	return true;
}

static void set_money(json_t *o, const char *name, int64_t nano)
{
	char text[MONEY_MAX];

	set_string(o, name, money_decimal(nano, text));
}

static void set_name(json_t *o, const char *name, const char *s)
{
	set_string(o, name, s && *s ? s : NULL);
}

static void set_costs(json_t *o, const struct firn_cost *c)
{
	set_money(o, "hot_per_month", c->hot_nano);
	set_money(o, "cold_per_month", c->cold_nano);
	set_money(o, "all_hot_per_month", c->all_hot_nano);
	set_money(o, "saved_per_month", c->saved_nano);
	set_money(o, "early_deletion_once", c->early_nano);
}

static void set_row(json_t *o, const struct firn_report_row *c)
{
	set_int(o, "hot_rows", c->hot_rows);
	set_bool(o, "hot_rows_estimated", c->hot_rows_estimated != 0);
	set_int(o, "heap_bytes", c->hot.heap_bytes);
	set_int(o, "toast_bytes", c->hot.toast_bytes);
	set_int(o, "index_bytes", c->hot.index_bytes);
	set_int(o, "cold_rows", c->cold_rows);
	set_int(o, "cold_bytes", c->cold_bytes);
	set_int(o, "cold_billed_bytes", c->cold_billed_bytes);
	set_int(o, "cold_raw_bytes", c->cold_raw_bytes);
	set_int(o, "reclaimable_bytes", c->reclaimable_bytes);
	set_costs(o, &c->cost);
}

static void set_history(json_t *o, const struct firn_report_result *x)
{
	json_t *days = set_array(o, "days"), *passes = set_array(o, "passes"),
	       *requests = set_array(o, "requests");

	for (size_t i = 0; i < x->day_count; i++) {
		const struct firn_usage_day *d = &x->days[i];
		json_t *j = add_object(days);

		set_string(j, "day", d->day);
		set_int(j, "hot_rows", d->hot_rows);
		set_int(j, "cold_rows", d->cold_rows);
		set_int(j, "hot_bytes", d->hot_bytes);
		set_int(j, "cold_bytes", d->cold_bytes);
		set_int(j, "rows_moved", d->rows_moved);
		set_int(j, "rows_rehydrated", d->rows_rehydrated);
		set_money(j, "hot_cost", d->hot_nano);
		set_money(j, "cold_cost", d->cold_nano);
		set_money(j, "saved", d->saved_nano);
	}
	for (size_t i = 0; i < x->pass_count; i++) {
		const struct firn_pass_record *p = &x->passes[i];
		json_t *j = add_object(passes);

		set_int(j, "pass", p->id);
		set_string(j, "table", p->table);
		set_string(j, "started_at", p->started_at);
		if (p->seconds < 0)
			json_object_set_new(j, "seconds", json_null());
		else
			set_real(j, "seconds", p->seconds);
		set_name(j, "outcome", p->outcome);
		set_int(j, "rows_moved", p->rows_moved);
		set_int(j, "rows_changed", p->rows_changed);
		set_int(j, "segments", p->segments);
		set_int(j, "raw_bytes", p->raw_bytes);
		set_int(j, "stored_bytes", p->stored_bytes);
	}
	for (size_t i = 0; i < x->request_count; i++) {
		const struct firn_request_count *q = &x->requests[i];
		json_t *j = add_object(requests);

		set_string(j, "kind", q->kind);
		set_name(j, "storage_class", q->storage_class);
		set_int(j, "calls", q->calls);
		set_int(j, "bytes", q->bytes);
		set_money(j, "cost", q->nano);
	}
}

static void set_details(json_t *o, const struct firn_report_result *x)
{
	json_t *leaves = set_array(o, "reclaimable"), *formulas = set_array(o, "formulas");

	for (size_t i = 0; i < x->reclaimable_count; i++) {
		json_t *j = add_object(leaves);

		set_string(j, "table", x->reclaimable[i].table);
		set_string(j, "leaf", x->reclaimable[i].leaf);
		set_int(j, "bytes", x->reclaimable[i].bytes);
		set_int(j, "reclaimable_bytes", x->reclaimable[i].reclaimable_bytes);
	}
	for (size_t i = 0; i < x->formula_count; i++) {
		json_t *j = add_object(formulas);

		set_string(j, "figure", x->formulas[i].figure);
		set_string(j, "formula", x->formulas[i].formula);
		set_money(j, "result", x->formulas[i].nano);
	}
}

bool json_cost(const struct report *r, const struct firn_report_result *x,
	       const struct err *failure, struct err *e)
{
	json_t *o = begin("report"), *rows, *total;

	set_name(o, "price_list", x->price_list);
	set_name(o, "price_list_date", x->price_list_date);
	set_string(o, "currency", x->currency);
	rows = set_array(o, "rows");
	for (size_t i = 0; i < x->row_count; i++) {
		json_t *c = add_object(rows);

		set_string(c, "table", x->rows[i].table);
		set_name(c, "leaf", x->rows[i].leaf);
		set_row(c, &x->rows[i]);
	}
	total = json_object();
	set_row(total, &x->total);
	json_object_set_new(o, "total", total);
	set_string(o, "since", x->since);
	set_name(o, "known_since", x->known_since);
	set_money(o, "saved_this_month", x->saved_month_nano);
	set_money(o, "saved_in_total", x->saved_total_nano);
	set_history(o, x);
	set_details(o, x);
	return end(r, o, failure, e);
}
