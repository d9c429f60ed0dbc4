/* firn report: what hot and cold cost a month, by the price list. */
#include "engine/index_cost.h"

#include <stdlib.h>

#include "base/mem.h"
#include "catalog/sizes.h"

#define GIB (1024.0 * 1024 * 1024)

struct report {
	struct firn *f;
	struct firn_report_result *result;
	size_t capacity;
	struct prices prices;
};

static bool add_row(struct report *r, const char *table, const char *tier,
		    const char *storage_class, int64_t rows, int64_t bytes, double price,
		    struct err *e)
{
	void *array = r->result->rows;
	struct firn_report_row *row;

	if (!mem_grow(&array, &r->capacity, r->result->row_count + 1, sizeof(*row), e))
		return false;
	r->result->rows = array;
	row = &r->result->rows[r->result->row_count++];
	*row = (struct firn_report_row){
		.table = mem_strdup(table, e),
		.tier = mem_strdup(tier, e),
		.storage_class = mem_strdup(storage_class, e),
		.rows = rows,
		.bytes = bytes,
		.usd_per_gib_month = price,
		.usd_per_month = (double)bytes / GIB * price,
	};
	return row->table && row->tier && row->storage_class;
}

static bool add_hot(struct report *r, const struct engine_table *t, int64_t *rows_out,
		    int64_t *bytes_out, struct err *e)
{
	int64_t rows = 0, bytes = 0, reclaimable;

	for (size_t i = 0; i < t->info->leaf_count; i++) {
		struct leaf_sizes sizes;

		if (!sizes_of_leaf(r->f->pg, &t->info->leaves[i], &sizes, e))
			return false;
		if (!index_cost_reclaimable(r->f, t, &t->info->leaves[i], sizes.rows, &reclaimable,
					    e))
			return false;
		r->result->reclaimable_bytes += reclaimable;
		rows += sizes.rows;
		bytes += sizes.heap_bytes + sizes.toast_bytes + sizes.index_bytes;
	}
	*rows_out = rows;
	*bytes_out = bytes;
	r->result->hot_usd_per_month += (double)bytes / GIB * r->prices.hot_usd_per_gib_month;
	return add_row(r, t->info->label, "hot", "", rows, bytes, r->prices.hot_usd_per_gib_month,
		       e);
}

static bool add_cold(struct report *r, const struct engine_table *t, int64_t hot_rows,
		     int64_t hot_bytes, struct err *e)
{
	struct cold_class *classes = NULL;
	size_t count = 0;
	bool ok = sizes_by_class(r->f->pg, t->id, &classes, &count, e);

	for (size_t i = 0; ok && i < count; i++) {
		double price = 0;

		if (!prices_find(&r->prices, classes[i].storage_class, &price))
			log_warning(&r->f->log,
				    "price list \"%s\" has no price for storage class \"%s\": "
				    "counted as 0",
				    r->prices.name, classes[i].storage_class);
		ok = add_row(r, t->info->label, "cold", classes[i].storage_class, classes[i].rows,
			     classes[i].bytes, price, e);
		r->result->cold_usd_per_month += (double)classes[i].bytes / GIB * price;
		/* What a hot row takes today, indexes included; without hot rows, the rows' own bytes. */
		r->result->hot_equivalent_bytes +=
			hot_rows > 0 ? (int64_t)((double)classes[i].rows * (double)hot_bytes /
						 (double)hot_rows)
				     : classes[i].raw_bytes;
	}
	cold_classes_free(classes, count);
	return ok;
}

bool firn_report(struct firn *f, struct firn_report_result *result, struct err *e)
{
	struct report r = { .f = f, .result = result };
	bool ok;

	*result = (struct firn_report_result){ 0 };
	if (!engine_tables_given(f, e) || !prices_load(&r.prices, f->config.prices, e))
		return false;
	result->price_list = mem_strdup(r.prices.name, e);
	result->price_list_date = mem_strdup(r.prices.date ? r.prices.date : "", e);
	ok = result->price_list && result->price_list_date;
	for (size_t i = 0; ok && i < f->table_count; i++) {
		struct engine_table t = { 0 };
		int64_t hot_rows, hot_bytes;

		ok = engine_table_open(f, &f->tables[i], &t, e) &&
		     add_hot(&r, &t, &hot_rows, &hot_bytes, e) &&
		     add_cold(&r, &t, hot_rows, hot_bytes, e);
		engine_table_close(&t);
	}
	result->saved_usd_per_month =
		(double)result->hot_equivalent_bytes / GIB * r.prices.hot_usd_per_gib_month -
		result->cold_usd_per_month;
	prices_release(&r.prices);
	return ok;
}
