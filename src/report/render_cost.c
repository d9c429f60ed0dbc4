/* What storage costs, as text and as JSON. */
#include <inttypes.h>
#include <math.h>

#include "base/money.h"
#include "base/str.h"
#include "report/json_doc.h"
#include "report/render.h"
#include "report/text_table.h"

bool report_pays_after(const struct firn_report_row *row)
{
	return row->break_even_known && row->cold_rows > 0 &&
	       (row->break_even_days < 0 || row->cost.saved_nano > 0);
}

const char *report_days_text(const struct firn_report_row *c, char out[32])
{
	if (!report_pays_after(c))
		return "";
	if (c->break_even_days < 0)
		return "never";
	snprintf(out, 32, "%.1f d", c->break_even_days);
	return out;
}

const char *report_part_name(enum firn_report_by by, const struct firn_report_row *c, char out[32])
{
	switch (by) {
	case FIRN_BY_LEAF:
		return c->leaf;
	case FIRN_BY_WORKSPACE:
		return c->workspace;
	case FIRN_BY_VERSION:
		return c->version;
	case FIRN_BY_MONTH:
		return c->month;
	case FIRN_BY_SEGMENT:
		snprintf(out, 32, "%" PRId64, c->segment);
		return c->segment ? out : "";
	case FIRN_BY_TABLE:
		break;
	}
	return "";
}

static void add_row(struct text_table *t, enum firn_report_by by, const struct firn_report_row *c)
{
	char text[32];

	text_add(t, c->table ? c->table : "total");
	text_add(t, report_part_name(by, c, text));
	/* What a segment is has no hot rows, nor a price of these. */
	if (by == FIRN_BY_SEGMENT) {
		text_add(t, "");
		text_add(t, "");
	} else {
		text_add_estimate(t, c->hot_rows, c->hot_rows_estimated != 0);
		text_add_bytes(t, c->hot.heap_bytes + c->hot.toast_bytes + c->hot.index_bytes);
	}
	text_add_count(t, c->cold_rows);
	text_add_bytes(t, c->cold_bytes);
	if (by == FIRN_BY_SEGMENT)
		text_add(t, "");
	else
		text_add_money(t, c->cost.hot_nano);
	text_add_money(t, c->cost.cold_nano);
	text_add_money(t, c->cost.all_hot_nano);
	text_add_money(t, c->cost.saved_nano);
	text_add(t, report_days_text(c, text));
}

/* Of segments: of cold rows alone, unlike the total of the whole. */
static struct firn_report_row sum_of_rows(const struct firn_report_result *x)
{
	struct firn_report_row sum = { 0 };

	for (size_t i = 0; i < x->row_count; i++) {
		sum.cold_rows += x->rows[i].cold_rows;
		sum.cold_bytes += x->rows[i].cold_bytes;
		sum.cost.cold_nano += x->rows[i].cost.cold_nano;
		sum.cost.all_hot_nano += x->rows[i].cost.all_hot_nano;
		sum.cost.saved_nano += x->rows[i].cost.saved_nano;
	}
	return sum;
}

static bool print_rows(const struct report *r, const struct firn_report_result *x, struct err *e)
{
	static const char *const names[] = { "LEAF",    "LEAF",    "WORKSPACE",
					     "VERSION", "SEGMENT", "MONTH" };
	const struct text_column columns[] = {
		{ "TABLE", TEXT_NAME },        { names[x->by], TEXT_NAME },
		{ "HOT ROWS", TEXT_NUMBER },   { "HOT", TEXT_NUMBER },
		{ "COLD ROWS", TEXT_NUMBER },  { "COLD", TEXT_NUMBER },
		{ "HOT COST", TEXT_MONEY },    { "COLD COST", TEXT_MONEY },
		{ "ALL HOT", TEXT_MONEY },     { "SAVED", TEXT_MONEY },
		{ "PAYS AFTER", TEXT_NUMBER },
	};
	struct text_table table = { .columns = columns,
				    .column_count = sizeof(columns) / sizeof(*columns) };
	bool ok;

	for (size_t i = 0; i < x->row_count; i++)
		add_row(&table, x->by, &x->rows[i]);
	if (x->by == FIRN_BY_SEGMENT) {
		const struct firn_report_row sum = sum_of_rows(x);

		add_row(&table, x->by, &sum);
	} else if (x->by == FIRN_BY_TABLE ? x->row_count > 1 : x->by != FIRN_BY_MONTH)
		add_row(&table, x->by, &x->total);
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	return ok;
}

static bool print_tenants(const struct report *r, const struct firn_report_result *x, struct err *e)
{
	static const struct text_column columns[] = {
		{ "TENANT", TEXT_NAME },       { "TABLE", TEXT_NAME }, { "HOT ROWS", TEXT_NUMBER },
		{ "COLD ROWS", TEXT_NUMBER },  { "COST", TEXT_MONEY }, { "SAVED", TEXT_MONEY },
		{ "PAYS AFTER", TEXT_NUMBER },
	};
	struct text_table table = { .columns = columns,
				    .column_count = sizeof(columns) / sizeof(*columns) };
	char text[32];
	bool ok;

	/* Without prices or tenants there are no dearest. */
	if (x->by != FIRN_BY_TABLE || x->tenant_count < 2 ||
	    x->total.cost.hot_nano + x->total.cost.cold_nano == 0)
		return true;
	for (size_t i = 0; i < x->tenant_count; i++) {
		const struct firn_report_row *c = &x->tenants[i];

		text_add(&table, c->workspace);
		text_add(&table, c->table);
		text_add_estimate(&table, c->hot_rows, c->hot_rows_estimated != 0);
		text_add_count(&table, c->cold_rows);
		text_add_money(&table, c->cost.hot_nano + c->cost.cold_nano);
		text_add_money(&table, c->cost.saved_nano);
		text_add(&table, report_days_text(c, text));
	}
	fputs("\nthe dearest tenants\n", r->out);
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	return ok;
}

/* Whether what was moved saves nothing, but would without the room that it left. */
static bool waits_for_room(const struct firn_report_row *t)
{
	double bytes = (double)(t->hot.heap_bytes + t->hot.toast_bytes + t->hot.index_bytes);
	double room = bytes > 0 ? (double)t->reclaimable_bytes / bytes : 0;

	return t->cold_rows > 0 && t->cost.saved_nano <= 0 &&
	       (double)t->cost.saved_nano + room * (double)t->cost.hot_nano > 0;
}

bool text_cost(const struct report *r, const struct firn_report_result *x, struct err *e)
{
	const struct firn_cost *all = &x->total.cost;
	char size[32], month[MONEY_MAX], ever[MONEY_MAX], cache[MONEY_MAX];

	if (!print_rows(r, x, e) || !print_tenants(r, x, e))
		return false;
	fprintf(r->out, "\ncosts are %s %s", x->currency,
		x->by == FIRN_BY_MONTH ? "in that month, of days that are known" : "a month");
	if (x->price_list_date && *x->price_list_date)
		fprintf(r->out, ", prices %s of %s\n", x->price_list, x->price_list_date);
	else
		fputs("; prices: none; name a list with --prices or \"prices:\" in the "
		      "configuration\n",
		      r->out);
	if (all->requests_nano + all->cache_nano > 0 && x->by != FIRN_BY_MONTH)
		fprintf(r->out,
			"of the cold cost objects are %s, requests %s, the local cache %s\n",
			money_short(all->objects_nano, month),
			money_short(all->requests_nano, ever), money_short(all->cache_nano, cache));
	if (x->known_since[0])
		fprintf(r->out, "saved this month %s, in total since %s %s\n",
			money_short(x->saved_month_nano, month), x->known_since,
			money_short(x->saved_total_nano, ever));
	if (x->by != FIRN_BY_MONTH && waits_for_room(&x->total))
		fputs("what was moved saves nothing yet: the room that it left is still paid "
		      "for\n",
		      r->out);
	if (x->total.reclaimable_bytes > 0)
		fprintf(r->out, "of what is hot, about %s is room for rows to come\n",
			str_format_bytes((uint64_t)x->total.reclaimable_bytes, size, sizeof(size)));
	for (size_t i = 0; i < x->formula_count; i++) {
		fputs(i == 0 ? "\n" : "", r->out);
		text_put(r->out, x->formulas[i].figure);
		fprintf(r->out, ": %s = %s\n", x->formulas[i].formula,
			money_decimal(x->formulas[i].nano, month));
	}
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
	set_money(o, "objects_per_month", c->objects_nano);
	set_money(o, "requests_per_month", c->requests_nano);
	set_money(o, "cache_per_month", c->cache_nano);
	set_money(o, "all_hot_per_month", c->all_hot_nano);
	set_money(o, "saved_per_month", c->saved_nano);
	set_money(o, "early_deletion_once", c->early_nano);
}

static void set_names(json_t *o, const struct firn_report_row *c)
{
	set_string(o, "table", c->table);
	set_name(o, "leaf", c->leaf);
	set_name(o, "workspace", c->workspace);
	set_name(o, "version", c->version);
	set_name(o, "month", c->month);
	if (c->segment) {
		set_int(o, "segment", c->segment);
		set_name(o, "storage_class", c->storage_class);
		set_int(o, "age_days", c->age_days);
		set_int(o, "early_deletion_days", c->early_days);
	}
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
	if (c->break_even_known && c->break_even_days >= 0)
		set_real(o, "break_even_days", c->break_even_days);
	else
		json_object_set_new(o, "break_even_days", json_null());
	if (c->break_even_known)
		set_bool(o, "pays", c->break_even_days >= 0);
}

static void set_history(json_t *o, const struct firn_report_result *x)
{
	static const char *const ends[] = { "done", "limit", "failed", NULL };
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
		set_money(j, "requests_cost", d->requests_nano);
		set_money(j, "cache_cost", d->cache_nano);
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
		if (p->move_seconds < 0)
			json_object_set_new(j, "move_seconds", json_null());
		else
			set_real(j, "move_seconds", p->move_seconds);
		set_name(j, "outcome", p->outcome);
		set_string(j, "ended", ends[p->end]);
		set_int(j, "rows_moved", p->rows_moved);
		set_int(j, "rows_changed", p->rows_changed);
		set_int(j, "segments", p->segments);
		set_int(j, "raw_bytes", p->raw_bytes);
		set_int(j, "stored_bytes", p->stored_bytes);
		if (p->requests < 0) {
			json_object_set_new(j, "requests", json_null());
			json_object_set_new(j, "request_cost", json_null());
		} else {
			set_int(j, "requests", p->requests);
			set_money(j, "request_cost", p->requests_nano);
		}
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

static void set_heat(json_t *o, const struct firn_report_result *x)
{
	json_t *heat = set_array(o, "heat"), *cuts = set_array(o, "heat_cuts");

	for (size_t i = 0; i < x->heat_count; i++) {
		json_t *j = add_object(heat);

		set_real(j, "from", x->heat[i].lower);
		if (isinf(x->heat[i].upper))
			json_object_set_new(j, "below", json_null());
		else
			set_real(j, "below", x->heat[i].upper);
		set_int(j, "chunks", x->heat[i].chunks);
	}
	for (size_t i = 0; i < x->cut_count; i++) {
		json_t *j = add_object(cuts);

		set_string(j, "rule", x->cuts[i].rule);
		set_real(j, "heat_below", x->cuts[i].heat_below);
	}
}

static void set_details(json_t *o, const struct firn_report_result *x)
{
	json_t *leaves = set_array(o, "reclaimable"), *formulas = set_array(o, "formulas"),
	       *tenants = set_array(o, "tenants");

	for (size_t i = 0; i < x->tenant_count; i++) {
		json_t *j = add_object(tenants);

		set_names(j, &x->tenants[i]);
		set_row(j, &x->tenants[i]);
	}
	set_heat(o, x);

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

		set_names(c, &x->rows[i]);
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
