/* What each leaf of a table takes, hot by Postgres's own figures and cold by the catalog's. */
#include "engine/cost_report.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/sizes.h"
#include "catalog/usage.h"
#include "engine/index_cost.h"

/* Fewer hot rows than this say little of what a row takes: pages and indexes have a least size. */
#define FEW_ROWS 100

static bool add_leaf(struct cost_table *t, const char *label, struct cost_leaf **out, struct err *e)
{
	void *array = t->leaves;

	if (!mem_grow(&array, &t->leaf_capacity, t->leaf_count + 1, sizeof(**out), e))
		return false;
	t->leaves = array;
	*out = &t->leaves[t->leaf_count++];
	**out = (struct cost_leaf){ .label = label };
	return true;
}

static bool measure_hot(struct cost_report *r, struct cost_table *t, const struct leaf *leaf,
			struct err *e)
{
	struct leaf_sizes sizes;
	struct cost_leaf *out;

	if (!add_leaf(t, leaf->label, &out, e) ||
	    !sizes_of_leaf(r->f->pg, leaf, t->table->id, &sizes, e) ||
	    !usage_vector_index_bytes(r->f->pg, leaf, &out->hot.vector_index_bytes, e) ||
	    !index_cost_reclaimable(r->f, t->table, leaf, sizes.rows, &out->reclaimable_bytes,
				    &out->hot.vector_free_bytes, e))
		return false;
	out->hot.size =
		(struct firn_size){ sizes.heap_bytes, sizes.toast_bytes, sizes.index_bytes };
	out->hot_rows = sizes.rows;
	out->estimated = sizes.estimated;
	return true;
}

static struct cost_leaf *leaf_of(struct cost_table *t, const char *label, struct err *e)
{
	struct cost_leaf *leaf = NULL;
	void *names = t->gone;
	size_t capacity = t->gone_count;

	for (size_t i = 0; i < t->leaf_count; i++)
		if (str_eq(t->leaves[i].label, label))
			return &t->leaves[i];
	if (!mem_grow(&names, &capacity, t->gone_count + 1, sizeof(*t->gone), e))
		return NULL;
	t->gone = names;
	t->gone[t->gone_count] = mem_strdup(label, e);
	if (!t->gone[t->gone_count] || !add_leaf(t, t->gone[t->gone_count], &leaf, e))
		return NULL;
	t->gone_count++;
	return leaf;
}

struct cold_visit {
	struct cost_report *r;
	struct cost_table *t;
};

static void add_class(struct cost_table *t, const struct bill_class *class, int64_t billed,
		      int64_t age_days)
{
	const size_t max = sizeof(t->classes) / sizeof(t->classes[0]);
	struct firn_cost c = { 0 };
	size_t i = 0;

	while (i < t->class_count && !str_eq(t->classes[i].name, class->name) && i < max - 1)
		i++;
	if (i == t->class_count) {
		snprintf(t->classes[i].name, sizeof(t->classes[i].name), "%s", class->name);
		t->classes[i].gib_nano = class->gib_nano;
		t->class_count++;
	}
	bill_objects(class, billed, age_days, &c);
	t->classes[i].billed_bytes += billed;
	t->classes[i].nano += c.objects_nano;
	t->classes[i].early_nano += c.early_nano;
	if (class->least_days > age_days)
		t->classes[i].early_byte_days +=
			(double)billed * (double)(class->least_days - age_days);
}

static bool add_segment(void *ctx, const struct usage_segment *s, struct err *e)
{
	struct cold_visit *v = ctx;
	struct cost_leaf *leaf = leaf_of(v->t, s->leaf, e);
	struct bill_class class = cost_class(v->r, s->storage_class),
			  standard = cost_class(v->r, "");
	int64_t billed = bill_object_bytes(&class, s->bytes),
		billed_index = bill_object_bytes(&standard, s->index_bytes);

	if (!leaf)
		return false;
	leaf->cold_rows += s->rows_live;
	leaf->moved_rows += s->rows_total;
	leaf->segments++;
	leaf->cold_bytes += s->bytes + s->index_bytes;
	leaf->cold_billed_bytes += billed + billed_index;
	leaf->cold_raw_bytes += s->raw_bytes;
	add_class(v->t, &class, billed, s->age_days);
	add_class(v->t, &standard, billed_index, s->age_days);
	bill_objects(&class, billed, s->age_days, &leaf->cold);
	bill_objects(&standard, billed_index, s->age_days, &leaf->cold);
	if (s->bytes > leaf->dearest_bytes || !leaf->dearest.name) {
		leaf->dearest_bytes = s->bytes;
		leaf->dearest = class;
	}
	return true;
}

struct bill_per_row cost_per_row(const struct bill_hot *hot, int64_t hot_rows, int64_t free_bytes,
				 int64_t cold_rows, int64_t cold_raw_bytes)
{
	const struct firn_size *s = &hot->size;
	double total = (double)s->heap_bytes + (double)s->toast_bytes + (double)s->index_bytes;
	double fresh;

	if (hot_rows < FEW_ROWS)
		return (struct bill_per_row){
			.heap_bytes =
				cold_rows > 0 ? (double)cold_raw_bytes / (double)cold_rows : 0,
		};
	fresh = total > 0 ? (total - (double)free_bytes) / total / (double)hot_rows : 0;
	return (struct bill_per_row){
		.heap_bytes = (double)s->heap_bytes * fresh,
		.toast_bytes = (double)s->toast_bytes * fresh,
		.index_bytes = (double)s->index_bytes * fresh,
		.vector_index_bytes = (double)(hot->vector_index_bytes - hot->vector_free_bytes) /
				      (double)hot_rows,
	};
}

static struct bill_per_row per_row(const struct cost_table *t)
{
	struct bill_hot hot = { 0 };
	int64_t rows = 0, free_bytes = 0, cold_rows = 0, raw = 0;

	for (size_t i = 0; i < t->leaf_count; i++) {
		const struct cost_leaf *l = &t->leaves[i];

		hot.size.heap_bytes += l->hot.size.heap_bytes;
		hot.size.toast_bytes += l->hot.size.toast_bytes;
		hot.size.index_bytes += l->hot.size.index_bytes;
		hot.vector_index_bytes += l->hot.vector_index_bytes;
		hot.vector_free_bytes += l->hot.vector_free_bytes;
		rows += l->hot_rows;
		free_bytes += l->reclaimable_bytes;
		cold_rows += l->cold_rows;
		raw += l->cold_raw_bytes;
	}
	return cost_per_row(&hot, rows, free_bytes, cold_rows, raw);
}

bool cost_table_measure(struct cost_report *r, const struct engine_table *t, struct cost_table *out,
			struct err *e)
{
	struct cold_visit v = { r, out };

	*out = (struct cost_table){ .table = t };
	for (size_t i = 0; i < t->info->leaf_count; i++)
		if (!measure_hot(r, out, &t->info->leaves[i], e))
			return false;
	if (!usage_segments(r->f->pg, t->id, add_segment, &v, e))
		return false;
	out->per_row = per_row(out);
	return true;
}

void cost_table_release(struct cost_table *t)
{
	for (size_t i = 0; i < t->gone_count; i++)
		free(t->gone[i]);
	free(t->gone);
	free(t->leaves);
	*t = (struct cost_table){ 0 };
}

void cost_row_add_leaf(const struct cost_report *r, const struct cost_table *t,
		       const struct cost_leaf *l, struct firn_report_row *row)
{
	struct bill_hot extra = bill_extra(&t->per_row, l->cold_rows, l->reclaimable_bytes,
					   l->hot.vector_free_bytes);
	struct firn_cost c = l->cold;

	row->hot_rows += l->hot_rows;
	row->hot_rows_estimated |= l->estimated;
	row->hot.heap_bytes += l->hot.size.heap_bytes;
	row->hot.toast_bytes += l->hot.size.toast_bytes;
	row->hot.index_bytes += l->hot.size.index_bytes;
	row->reclaimable_bytes += l->reclaimable_bytes;
	row->cold_rows += l->cold_rows;
	row->moved_rows += l->moved_rows;
	row->cold_bytes += l->cold_bytes;
	row->cold_billed_bytes += l->cold_billed_bytes;
	row->cold_raw_bytes += l->cold_raw_bytes;
	bill_hot(&r->prices, &l->hot, &c);
	bill_compare(&r->prices, &extra, &c);
	bill_add(&row->cost, &c);
}
