/* Reports by workspace, version and segment, and from when on moving pays. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/money.h"
#include "base/str.h"
#include "catalog/usage.h"
#include "catalog/usage_groups.h"
#include "engine/cost_report.h"

#define TENANTS_SHOWN 10
#define SAMPLE_PAGES  3000

static int64_t share(int64_t n, double of)
{
	return (int64_t)((double)n * of + 0.5);
}

const struct bill_class *cost_class_of_most(const struct cost_table *t)
{
	const struct cost_leaf *most = NULL;

	for (size_t i = 0; i < t->leaf_count; i++)
		if (t->leaves[i].dearest.name &&
		    (!most || t->leaves[i].dearest_bytes > most->dearest_bytes))
			most = &t->leaves[i];
	return most ? &most->dearest : NULL;
}

bool cost_move(const struct cost_report *r, const struct cost_table *t,
	       const struct firn_report_row *row, struct bill_move *out)
{
	const struct bill_class *class = cost_class_of_most(t);
	int64_t rows = row->cold_rows ? row->cold_rows : row->hot_rows;
	struct bill_hot there = bill_extra(&t->per_row, rows, 0, 0);
	double all_rows = 0, all_bytes = 0, all_nano = 0, segments = 0, bytes, thousands;
	struct firn_cost hot = { 0 };
	int64_t reading;

	for (size_t i = 0; i < t->leaf_count; i++) {
		all_rows += (double)t->leaves[i].cold_rows;
		all_bytes += (double)t->leaves[i].cold_bytes;
		all_nano += (double)t->leaves[i].cold.objects_nano;
		segments += (double)t->leaves[i].segments;
	}
	if (!class || all_rows <= 0 || all_bytes <= 0 || rows <= 0)
		return false;
	bytes = row->cold_rows ? (double)row->cold_bytes : (double)rows * all_bytes / all_rows;
	thousands = COST_OBJECTS_PER_SEGMENT * segments * bytes / all_bytes / 1000;
	reading = bill_read(class, thousands, bytes);
	bill_hot(&r->prices, &there, &hot);
	*out = (struct bill_move){
		.hot_month_nano = hot.hot_nano,
		.cold_month_nano = (int64_t)(all_nano * bytes / all_bytes),
		/* What was written is read again before rows are deleted. */
		.once_nano = money_times(thousands, class->put_nano) + reading,
		.back_nano = reading +
			     money_times(thousands / COST_OBJECTS_PER_SEGMENT, class->restore_nano),
		.back_share = row->moved_rows > 0
				      ? 1 - (double)row->cold_rows / (double)row->moved_rows
				      : 0,
		.least_days = class->least_days,
	};
	/* Without prices nothing pays, and nothing costs more either. */
	return out->hot_month_nano != 0 || out->cold_month_nano != 0;
}

void cost_break_even(const struct cost_report *r, const struct cost_table *t,
		     struct firn_report_row *row)
{
	struct bill_move move;

	if (!cost_move(r, t, row, &move))
		return;
	row->break_even_known = 1;
	row->break_even_days = bill_break_even_days(&move);
}

/* Rows that came back would fill the leaf's free room first, each its part of it. */
static void set_room(struct cost_leaf *part, const struct cost_leaf *leaf, double hot_share)
{
	double of =
		leaf->cold_rows > 0 ? (double)part->cold_rows / (double)leaf->cold_rows : hot_share;

	part->reclaimable_bytes = share(leaf->reclaimable_bytes, of);
	part->hot.vector_free_bytes = share(leaf->hot.vector_free_bytes, of);
}

/* ---- segments ---- */

struct segment_rows {
	struct cost_report *r;
	const struct cost_table *t;
};

static bool add_segment(void *ctx, const struct usage_segment *s, struct err *e)
{
	struct segment_rows *v = ctx;
	struct bill_class class = cost_class(v->r, s->storage_class),
			  standard = cost_class(v->r, "");
	struct cost_leaf alone = {
		.cold_rows = s->rows_live,
		.moved_rows = s->rows_total,
		.cold_bytes = s->bytes + s->index_bytes,
		.cold_raw_bytes = s->raw_bytes,
	};
	const struct firn_report_row template = {
		.table = v->t->table->info->label,
		.leaf = (char *)s->leaf,
		.storage_class = (char *)s->storage_class,
		.segment = s->id,
		.age_days = s->age_days,
		.early_days = class.least_days > s->age_days ? class.least_days - s->age_days : 0,
	};
	struct firn_report_row *row = cost_add_row(v->r, &template, e);
	int64_t billed = bill_object_bytes(&class, s->bytes),
		billed_index = bill_object_bytes(&standard, s->index_bytes);

	if (!row)
		return false;
	alone.cold_billed_bytes = billed + billed_index;
	bill_objects(&class, billed, s->age_days, &alone.cold);
	bill_objects(&standard, billed_index, s->age_days, &alone.cold);
	for (size_t i = 0; i < v->t->leaf_count; i++)
		if (str_eq(v->t->leaves[i].label, s->leaf))
			set_room(&alone, &v->t->leaves[i], 0);
	cost_row_add_leaf(v->r, v->t, &alone, row);
	row->reclaimable_bytes = 0;
	cost_share(v->r, &v->r->to_rows, row);
	cost_break_even(v->r, v->t, row);
	return true;
}

bool cost_segments(struct cost_report *r, const struct cost_table *t, struct err *e)
{
	struct segment_rows v = { r, t };

	return usage_segments(r->f->pg, t->table->id, add_segment, &v, e);
}

/* ---- workspaces and versions ---- */

struct group_rows {
	struct cost_report *r;
	const struct cost_table *t;
	bool versions, counted;
	bool rows, tenants; /* what is wanted */
	char *name;         /* of the group at hand; NULL: none yet */
	struct firn_report_row sum;
};

/* The leaf, as if it held only this group's rows. */
static struct cost_leaf part_of(const struct group_rows *v, const struct cost_leaf *leaf,
				const struct usage_group *g)
{
	double hot = g->hot_share, cold = 0;
	struct cost_leaf part = *leaf;

	if (leaf->cold_bytes > 0)
		cold = (double)g->cold_bytes / (double)leaf->cold_bytes;
	part.hot_rows = v->counted ? g->hot_rows : share(leaf->hot_rows, hot);
	part.estimated = !v->counted;
	part.hot.size.heap_bytes = share(leaf->hot.size.heap_bytes, hot);
	part.hot.size.toast_bytes = share(leaf->hot.size.toast_bytes, hot);
	part.hot.size.index_bytes = share(leaf->hot.size.index_bytes, hot);
	part.hot.vector_index_bytes = share(leaf->hot.vector_index_bytes, hot);
	part.cold_rows = g->cold_rows;
	set_room(&part, leaf, hot);
	part.moved_rows = g->moved_rows;
	part.cold_bytes = g->cold_bytes;
	part.cold_billed_bytes = share(leaf->cold_billed_bytes, cold);
	part.cold_raw_bytes = g->cold_raw_bytes;
	part.cold.objects_nano = share(leaf->cold.objects_nano, cold);
	part.cold.cold_nano = part.cold.objects_nano;
	part.cold.early_nano = share(leaf->cold.early_nano, cold);
	return part;
}

static int64_t costs(const struct firn_report_row *row)
{
	return row->cost.hot_nano + row->cost.cold_nano;
}

static bool copy_names(struct firn_report_row *to, const struct firn_report_row *from,
		       struct err *e)
{
	*to = *from;
	to->table = mem_strdup(from->table, e);
	to->leaf = mem_strdup("", e);
	to->workspace = mem_strdup(from->workspace, e);
	to->version = mem_strdup("", e);
	to->storage_class = mem_strdup("", e);
	return to->table && to->leaf && to->workspace && to->version && to->storage_class;
}

static void free_names(struct firn_report_row *row)
{
	free(row->table);
	free(row->leaf);
	free(row->workspace);
	free(row->version);
	free(row->storage_class);
}

/* In its place, if it is among the dearest. */
static bool add_tenant(struct group_rows *v, const struct firn_report_row *row, struct err *e)
{
	struct firn_report_result *x = v->r->result;
	void *array = x->tenants;
	size_t at = x->tenant_count;

	while (at > 0 && costs(&x->tenants[at - 1]) < costs(row))
		at--;
	if (at == TENANTS_SHOWN)
		return true;
	if (!mem_grow(&array, &v->r->tenant_capacity, TENANTS_SHOWN + 1, sizeof(*x->tenants), e))
		return false;
	x->tenants = array;
	memmove(&x->tenants[at + 1], &x->tenants[at],
		(x->tenant_count++ - at) * sizeof(*x->tenants));
	if (x->tenant_count > TENANTS_SHOWN)
		free_names(&x->tenants[--x->tenant_count]);
	return copy_names(&x->tenants[at], row, e);
}

static bool end_group(struct group_rows *v, struct err *e)
{
	struct firn_report_row *row;

	if (!v->name)
		return true;
	v->sum.table = v->t->table->info->label;
	v->sum.workspace = v->versions ? NULL : v->name;
	v->sum.version = v->versions ? v->name : NULL;
	cost_share(v->r, v->rows ? &v->r->to_rows : &v->r->to_tenants, &v->sum);
	cost_break_even(v->r, v->t, &v->sum);
	if (v->tenants && !add_tenant(v, &v->sum, e))
		return false;
	if (v->rows) {
		row = cost_add_row(v->r, &v->sum, e);
		if (!row)
			return false;
	}
	return true;
}

static bool add_group(void *ctx, const struct usage_group *g, struct err *e)
{
	struct group_rows *v = ctx;
	struct cost_leaf part;

	if (!v->name || !str_eq(v->name, g->name)) {
		if (!end_group(v, e))
			return false;
		free(v->name);
		v->sum = (struct firn_report_row){ 0 };
		v->name = mem_strdup(g->name, e);
		if (!v->name)
			return false;
	}
	for (size_t i = 0; i < v->t->leaf_count; i++) {
		if (!str_eq(v->t->leaves[i].label, g->leaf))
			continue;
		part = part_of(v, &v->t->leaves[i], g);
		cost_row_add_leaf(v->r, v->t, &part, &v->sum);
	}
	return true;
}

static bool read_groups(struct group_rows *v, struct err *e)
{
	bool ok = usage_groups(v->r->f->pg, v->t->table->info, v->t->table->id,
			       v->versions ? COLUMN_VERSION : COLUMN_WORKSPACE,
			       v->counted ? 0 : SAMPLE_PAGES, add_group, v, e) &&
		  end_group(v, e);

	free(v->name);
	return ok;
}

bool cost_groups(struct cost_report *r, const struct cost_table *t, struct err *e)
{
	bool by_workspace = r->options->by == FIRN_BY_WORKSPACE;
	struct group_rows tenants = {
		.r = r,
		.t = t,
		.tenants = true,
		.rows = by_workspace,
		.counted = by_workspace,
	};
	struct group_rows versions = {
		.r = r,
		.t = t,
		.versions = true,
		.rows = true,
		.counted = true,
	};

	return read_groups(&tenants, e) &&
	       (r->options->by != FIRN_BY_VERSION || read_groups(&versions, e));
}
