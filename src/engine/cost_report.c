/* firn report: what hot and cold cost a month by the price list, and what was saved. */
#include "engine/cost_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/money.h"
#include "base/storage_class.h"
#include "base/str.h"

static void warn_unpriced(struct cost_report *r, const char *storage_class)
{
	unsigned bit = 1u << storage_class_number(storage_class);

	/* Where sizes are only written down there is no list. */
	if (!r->f->config.prices || !r->list.name || r->unpriced & bit)
		return;
	r->unpriced |= bit;
	log_warning(&r->f->log, "price list \"%s\" has no storage class \"%s\": it counts as 0",
		    r->list.name, *storage_class ? storage_class : "STANDARD");
}

struct bill_class cost_class(struct cost_report *r, const char *storage_class)
{
	const struct storage_class *known = storage_class_find(storage_class);
	struct bill_class c = { .name = storage_class };
	const struct price *price = prices_class(&r->list, storage_class);

	if (known) {
		c.least_days = known->least_days;
		c.least_bytes = (int64_t)known->least_bytes;
	}
	c.priced = price != NULL;
	if (!price)
		warn_unpriced(r, storage_class);
	c.egress_gib_nano = money_times(r->prices.egress_share, r->prices.egress_gib_nano);
	if (price) {
		c.gib_nano = money_of(price->usd_per_gib_month);
		c.put_nano = money_of(price->usd_per_1000_put);
		c.get_nano = money_of(price->usd_per_1000_get);
		c.restore_nano = money_of(price->usd_per_1000_restore);
		c.retrieved_gib_nano = money_of(price->usd_per_gib_retrieved);
		if (price->has_least_days)
			c.least_days = price->least_days;
		if (price->has_least_bytes)
			c.least_bytes = (int64_t)price->least_bytes;
	}
	return c;
}

bool cost_load_prices(struct cost_report *r, struct err *e)
{
	const struct config *config = &r->f->config;

	if (!prices_load(&r->list, config->prices, e))
		return false;
	r->prices = (struct bill_prices){
		.hot_gib_nano = money_of(r->list.hot_usd_per_gib_month),
		.wal_gib_nano = money_of(r->list.wal_usd_per_gib_month),
		.ram_gib_nano = money_of(r->list.ram_usd_per_gib_month),
		.copies = 1 + config->cost.replicas,
		.wal_share = (double)config->cost.wal_percent / 100,
		.memory_share = (double)config->cost.index_memory_percent / 100,
		.cache_gib_nano = money_of(r->list.cache_usd_per_gib_month),
		.egress_gib_nano = money_of(r->list.usd_per_gib_egress),
		.egress_share = (double)config->cost.egress_percent / 100,
	};
	return true;
}

static char *copy(const char *text, struct err *e)
{
	return mem_strdup(text ? text : "", e);
}

struct firn_report_row *cost_add_row(struct cost_report *r, const struct firn_report_row *template,
				     struct err *e)
{
	struct firn_report_result *x = r->result;
	void *array = x->rows;
	struct firn_report_row *row;

	if (!mem_grow(&array, &r->row_capacity, x->row_count + 1, sizeof(*row), e))
		return NULL;
	x->rows = array;
	row = &x->rows[x->row_count++];
	*row = *template;
	row->table = copy(template->table, e);
	row->leaf = copy(template->leaf, e);
	row->workspace = copy(template->workspace, e);
	row->version = copy(template->version, e);
	row->storage_class = copy(template->storage_class, e);
	return row->table && row->leaf && row->workspace && row->version && row->storage_class
		       ? row
		       : NULL;
}

/* In its place: most first. */
static bool add_reclaimable(struct cost_report *r, const char *table, const struct cost_leaf *l,
			    struct err *e)
{
	struct firn_report_result *x = r->result;
	void *array = x->reclaimable;
	size_t at = 0;

	if (l->reclaimable_bytes <= 0)
		return true;
	if (!mem_grow(&array, &r->reclaimable_capacity, x->reclaimable_count + 1,
		      sizeof(*x->reclaimable), e))
		return false;
	x->reclaimable = array;
	while (at < x->reclaimable_count &&
	       x->reclaimable[at].reclaimable_bytes >= l->reclaimable_bytes)
		at++;
	memmove(&x->reclaimable[at + 1], &x->reclaimable[at],
		(x->reclaimable_count++ - at) * sizeof(*x->reclaimable));
	x->reclaimable[at] = (struct firn_reclaimable){
		.table = mem_strdup(table, e),
		.leaf = mem_strdup(l->label, e),
		.bytes = l->hot.size.heap_bytes + l->hot.size.toast_bytes + l->hot.size.index_bytes,
		.reclaimable_bytes = l->reclaimable_bytes,
	};
	return x->reclaimable[at].table && x->reclaimable[at].leaf;
}

static bool add_leaves(struct cost_report *r, const struct cost_table *t,
		       struct firn_report_row *table, struct err *e)
{
	for (size_t i = 0; i < t->leaf_count; i++) {
		const struct firn_report_row template = {
			.table = t->table->info->label,
			.leaf = (char *)t->leaves[i].label,
		};
		struct firn_report_row *row;

		cost_row_add_leaf(r, t, &t->leaves[i], table);
		cost_row_add_leaf(r, t, &t->leaves[i], &r->result->total);
		if (!add_reclaimable(r, t->table->info->label, &t->leaves[i], e))
			return false;
		if (r->options->by != FIRN_BY_LEAF)
			continue;
		row = cost_add_row(r, &template, e);
		if (!row)
			return false;
		cost_row_add_leaf(r, t, &t->leaves[i], row);
		cost_share(r, &r->to_rows, row);
		cost_break_even(r, t, row);
	}
	return true;
}

static bool report_table(struct cost_report *r, struct cost_managed *m, struct err *e)
{
	const struct cost_table *t = &m->measured;

	m->sum.table = m->table.info->label;
	if (!add_leaves(r, t, &m->sum, e))
		return false;
	cost_share(r, &r->to_tables, &m->sum);
	cost_break_even(r, t, &m->sum);
	if (r->options->by == FIRN_BY_TABLE && !cost_add_row(r, &m->sum, e))
		return false;
	if (r->options->by == FIRN_BY_SEGMENT && !cost_segments(r, t, e))
		return false;
	return cost_groups(r, t, e) && (!r->options->explain || cost_explain(r, t, &m->sum, e));
}

/* All are measured before any row is made, since rows share what belongs to no table. */
static bool report_tables(struct cost_report *r, struct cost_managed *tables, size_t count,
			  struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (!engine_table_look(r->f, &r->f->tables[i], &tables[i].table, e) ||
		    !cost_table_measure(r, &tables[i].table, &tables[i].measured, e))
			return false;
	if (!cost_shared_load(r, tables, count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!report_table(r, &tables[i], e))
			return false;
	bill_add_shared(r->requests_nano, r->cache_nano, &r->result->total.cost);
	return true;
}

bool firn_report(struct firn *f, const struct firn_report_options *options,
		 struct firn_report_result *result, struct err *e)
{
	struct cost_report r = { .f = f, .options = options, .result = result };
	struct cost_managed *tables;
	bool ok;

	*result = (struct firn_report_result){ .by = options->by };
	if (!engine_tables_given(f, e) || !cost_load_prices(&r, e))
		return false;
	snprintf(result->currency, sizeof(result->currency), "%s", r.list.currency);
	result->price_list = mem_strdup(r.list.name, e);
	result->price_list_date = mem_strdup(r.list.date ? r.list.date : "", e);
	tables = mem_new(f->table_count, sizeof(*tables), e);
	ok = tables && result->price_list && result->price_list_date && engine_pg(f, e) &&
	     catalog_now(f->pg, result->now, NULL, e);
	ok = ok && report_tables(&r, tables, f->table_count, e) &&
	     cost_history(&r, tables, f->table_count, e) &&
	     (!options->explain || cost_explain_shared(&r, e)) &&
	     cost_heat(&r, tables, f->table_count, e);
	for (size_t i = 0; tables && i < f->table_count; i++) {
		cost_table_release(&tables[i].measured);
		engine_table_close(&tables[i].table);
	}
	free(tables);
	cost_shared_release(&r);
	prices_release(&r.list);
	return ok;
}
