/* firn status: where the rows are and what they take. */
#include "engine/engine.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/sizes.h"

static struct firn_status_row *add_row(struct firn_status_row **rows, size_t *count,
				       size_t *capacity, const char *table, const char *leaf,
				       const char *workspace, const char *version, struct err *e)
{
	void *array = *rows;
	struct firn_status_row *row;

	if (!mem_grow(&array, capacity, *count + 1, sizeof(*row), e))
		return NULL;
	*rows = array;
	row = &(*rows)[(*count)++];
	*row = (struct firn_status_row){
		.table = mem_strdup(table, e),
		.leaf = mem_strdup(leaf, e),
		.workspace = mem_strdup(workspace, e),
		.version = mem_strdup(version, e),
	};
	return row->table && row->leaf && row->workspace && row->version ? row : NULL;
}

struct status {
	struct firn *f;
	struct firn_status_result *result;
	size_t table_capacity, leaf_capacity, workspace_capacity;
};

static void add_cold(struct firn_status_row *row, const struct row_count *cold)
{
	row->cold_rows += cold->cold_rows;
	row->cold_bytes += cold->cold_bytes;
	row->cold_raw_bytes += cold->cold_raw_bytes;
}

static bool add_leaves(struct status *s, const struct engine_table *t, const struct row_count *cold,
		       size_t cold_count, struct firn_status_row *sum, struct err *e)
{
	for (size_t i = 0; i < t->info->leaf_count; i++) {
		const struct leaf *leaf = &t->info->leaves[i];
		struct leaf_sizes sizes;
		struct firn_status_row *row;

		if (!sizes_of_leaf(s->f->pg, leaf, t->id, &sizes, e))
			return false;
		row = add_row(&s->result->leaves, &s->result->leaf_count, &s->leaf_capacity,
			      t->info->label, leaf->label, "", "", e);
		if (!row)
			return false;
		row->hot_rows = sizes.rows;
		row->hot_rows_estimated = sizes.estimated;
		row->hot = (struct firn_size){ sizes.heap_bytes, sizes.toast_bytes,
					       sizes.index_bytes };
		for (size_t c = 0; c < cold_count; c++)
			if (str_eq(cold[c].leaf, leaf->label))
				add_cold(row, &cold[c]);
		sum->hot_rows += sizes.rows;
		sum->hot_rows_estimated |= sizes.estimated;
		sum->hot.heap_bytes += sizes.heap_bytes;
		sum->hot.toast_bytes += sizes.toast_bytes;
		sum->hot.index_bytes += sizes.index_bytes;
	}
	return true;
}

static bool add_workspaces(struct status *s, const struct engine_table *t,
			   struct firn_status_row *sum, struct err *e)
{
	struct row_count *counts = NULL;
	size_t count = 0;
	int64_t hot = 0;
	bool ok = sizes_by_workspace(s->f->pg, t->info, t->id, &counts, &count, e);

	for (size_t i = 0; ok && i < count; i++) {
		struct firn_status_row *row = add_row(
			&s->result->workspaces, &s->result->workspace_count, &s->workspace_capacity,
			t->info->label, "", counts[i].workspace, counts[i].version, e);

		ok = row != NULL;
		if (!ok)
			break;
		row->hot_rows = counts[i].hot_rows;
		hot += counts[i].hot_rows;
		add_cold(row, &counts[i]);
	}
	if (ok) {
		sum->hot_rows = hot;
		sum->hot_rows_estimated = false;
	}
	row_counts_free(counts, count);
	return ok;
}

static bool add_table(struct status *s, const struct table_wanted *wanted, int detail,
		      struct catalog_summary *summary, struct err *e)
{
	struct engine_table t = { 0 };
	struct firn_status_row sum = { 0 }, *row;
	struct row_count *cold = NULL;
	size_t cold_count = 0;
	bool ok;

	ok = engine_table_look(s->f, wanted, &t, e) &&
	     sizes_cold_by_leaf(s->f->pg, t.id, &cold, &cold_count, e) &&
	     add_leaves(s, &t, cold, cold_count, &sum, e) &&
	     (!detail || add_workspaces(s, &t, &sum, e)) &&
	     sizes_summary(s->f->pg, t.id, summary, e);
	for (size_t c = 0; ok && c < cold_count; c++)
		add_cold(&sum, &cold[c]);
	if (ok) {
		row = add_row(&s->result->tables, &s->result->table_count, &s->table_capacity,
			      t.info->label, "", "", "", e);
		ok = row != NULL;
		if (ok) {
			row->hot_rows = sum.hot_rows;
			row->hot_rows_estimated = sum.hot_rows_estimated;
			row->hot = sum.hot;
			row->cold_rows = sum.cold_rows;
			row->cold_bytes = sum.cold_bytes;
			row->cold_raw_bytes = sum.cold_raw_bytes;
		}
	}
	row_counts_free(cold, cold_count);
	engine_table_close(&t);
	return ok;
}

bool firn_status(struct firn *f, int detail, struct firn_status_result *result, struct err *e)
{
	struct status s = { .f = f, .result = result };
	struct catalog_summary summary = { 0 };
	bool ok;

	*result = (struct firn_status_result){ 0 };
	ok = engine_tables_given(f, e);
	for (size_t i = 0; ok && i < f->table_count; i++)
		ok = add_table(&s, &f->tables[i], detail, &summary, e);
	result->segments_active = summary.active;
	result->segments_intent = summary.intent;
	result->segments_retired = summary.retired;
	result->segments_not_encrypted = summary.not_encrypted;
	result->encrypts = engine_encrypts(f) || summary.not_encrypted < summary.active;
	result->maintenance_due = summary.due;
	result->last_pass_at = summary.last_pass_at;
	result->last_pass_outcome = summary.last_pass_outcome;
	return ok;
}
