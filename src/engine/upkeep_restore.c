/* Indexes that a bulk load took out of the way come back. */
#include "engine/upkeep.h"

#include <stdlib.h>

#include "base/str.h"
#include "catalog/index_bulk.h"

static bool log_restored(struct work *w, const struct index_restore *item, int64_t after,
			 double seconds, struct err *e)
{
	struct leaf_index *indexes = NULL;
	size_t count = 0;
	bool ok = index_work_indexes(w->f->pg, w->table->id, w->leaf, &indexes, &count, e);

	for (size_t i = 0; ok && i < count; i++)
		if (str_eq(indexes[i].name, item->name))
			ok = upkeep_log_step(w, &indexes[i], "reindex", w->dead, after, seconds, e);
	leaf_indexes_free(indexes, count);
	return ok;
}

static bool restore_index(struct work *w, const struct index_restore *item, struct err *e)
{
	int64_t start_ms = clock_now_ms(w->f->clock), after = 0;
	struct buf name = BUF_INIT;
	double seconds = 0;
	bool built = true, ok;

	pg_add_qualified(w->f->pg, &name, item->schema, item->name);
	ok = buf_ok(&name, e);
	if (ok && !w->options->dry_run) {
		ok = index_bulk_restore(w->f->pg, w->table->id, item,
					w->f->config.maintain.concurrently,
					w->f->config.maintain.work_mem, &built, e);
		seconds = upkeep_seconds_since(w, start_ms);
		if (ok && built)
			ok = index_work_bytes(w->f->pg, buf_str(&name), &after, e) &&
			     log_restored(w, item, after, seconds, e);
	}
	buf_release(&name);
	return ok && (!built ||
		      upkeep_add_step(w, item->name, item->create ? "create" : "reindex", seconds,
				      0, after, 0, e, "a bulk load had taken it out of the way"));
}

/* Indexes of the leaf at hand that a bulk load took out of the way. Readers miss them: no window holds for them. */
bool upkeep_restore_indexes(struct work *w, bool *analyzed, struct err *e)
{
	struct index_restore *items = NULL;
	size_t count = 0;
	bool ok = index_bulk_list(w->f->pg, w->table->id, &items, &count, e);

	for (size_t i = 0; ok && i < count; i++) {
		if (!str_eq(items[i].leaf, w->leaf->label))
			continue;
		if (!*analyzed)
			ok = upkeep_drop_leftovers(w, e) &&
			     upkeep_analyze(w, w->leaf->qualified, "rows came in bulk", e) &&
			     index_work_rows(w->f->pg, w->leaf->oid, &w->rows, &w->dead, e);
		*analyzed = true;
		if (ok && w->dead < w->due.deleted)
			w->dead = w->due.deleted;
		ok = ok && restore_index(w, &items[i], e);
	}
	index_restores_free(items, count);
	return ok;
}

/* A leaf whose index cannot be brought back does not keep the others from theirs. Of several failures the first is told
 * last. */
bool upkeep_keep_first(struct work *w, bool ok, struct err *one, struct err *first)
{
	if (ok)
		return true;
	if (first->code == ERR_NONE)
		*first = *one;
	else
		log_err(&w->f->log, one);
	err_clear(one);
	return false;
}

bool engine_restore_indexes(struct firn *f, const struct engine_table *t,
			    struct firn_maintain_result *result, struct err *e)
{
	struct firn_maintain_options options = { 0 };
	struct work w = {
		.f = f,
		.table = t,
		.options = &options,
		.result = result,
		.capacity = result->step_count,
		.started_ms = clock_now_ms(f->clock),
	};
	struct index_restore *items = NULL;
	struct err first = { 0 }, one = { 0 };
	size_t count = 0;
	bool ok = index_bulk_list(f->pg, t->id, &items, &count, e);

	index_restores_free(items, count);
	for (size_t i = 0; ok && count > 0 && i < t->info->leaf_count; i++) {
		bool analyzed = false;

		w.leaf = &t->info->leaves[i];
		w.due = (struct due_work){ .leaf = t->info->leaves[i].label };
		upkeep_keep_first(&w, upkeep_restore_indexes(&w, &analyzed, &one), &one, &first);
	}
	if (ok && first.code != ERR_NONE)
		*e = first;
	return ok && first.code == ERR_NONE;
}

/* Nobody but people can tell what became of an index or a leaf that is not there under its name. */
static bool tell_gone(struct work *w, const struct index_restore *item, const char *what,
		      struct err *e)
{
	struct buf sql = BUF_INIT;

	index_bulk_add_by_hand(w->f->pg, &sql, item);
	if (buf_ok(&sql, e)) {
		err_set(e, ERR_CONFIG,
			"a bulk load took index \"%s\" of leaf \"%s\" out of the way, and that "
			"%s is not there any more",
			item->name, item->leaf, what);
		err_hint(
			e,
			"If it only has another name: %s; with the names as they are now. When "
			"that is "
			"done, or it is gone for good: DELETE FROM firn.index_restore WHERE leaf = "
			"'%s' AND index_name = '%s'",
			buf_str(&sql), item->leaf, item->name);
	}
	buf_release(&sql);
	return false;
}

/* What is still out of the way is told, also when time was up. */
bool upkeep_tell_missing(struct work *w, struct err *e)
{
	struct index_restore *items = NULL;
	size_t count = 0;
	bool ok = index_bulk_list(w->f->pg, w->table->id, &items, &count, e);

	w->leaf = NULL;
	for (size_t i = 0; ok && i < count; i++) {
		const struct index_restore *item = &items[i];

		if (!table_info_leaf(w->table->info, item->leaf)) {
			ok = tell_gone(w, item, "leaf", e);
		} else if (!item->create && !item->there) {
			ok = tell_gone(w, item, "index", e);
		} else {
			if (w->result->put_off == 0)
				w->result->put_off = 1;
			ok = upkeep_add_step(
				w, item->name, "put-off", 0, 0, 0, 0, e,
				"still out of the way for a bulk load: until \"firn maintain\" "
				"searches of leaf \"%s\" are slow or find less",
				item->leaf);
		}
	}
	index_restores_free(items, count);
	return ok;
}
