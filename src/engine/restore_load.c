#include "engine/restore_load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "catalog/stage.h"
#include "segment/copybin.h"

/* Ids named in the notes; the counts tell the rest. */
#define NOTED_IDS 5

void load_reset(struct load *l)
{
	buf_clear(&l->copy);
	copybin_add_header(&l->copy);
	l->row_count = 0;
}

void load_release(struct load *l)
{
	buf_release(&l->copy);
	free(l->rows);
	*l = (struct load){ 0 };
}

static bool fault(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "a fault was injected");
}

static uint64_t expected_hash(void *ctx, uint32_t row)
{
	const struct load *l = ctx;
	size_t low = 0, high = l->row_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->rows[middle].row < row)
			low = middle + 1;
		else
			high = middle;
	}
	/* A row that was never sent: its real hash is 0 once in 2^64, and the count of compared rows is checked too. */
	return low < l->row_count && l->rows[low].row == row ? l->rows[low].hash : 0;
}

/* Whether there is room for one more id in the notes; it is taken. */
static bool take_note(struct source *from)
{
	bool room;

	pthread_mutex_lock(&from->r->lock);
	room = from->ids_noted < NOTED_IDS;
	from->ids_noted += room;
	pthread_mutex_unlock(&from->r->lock);
	return room;
}

static bool note_rows(struct source *from, struct stage *s, const struct bitmap *rows,
		      const char *why, struct err *e)
{
	uint32_t row = 0;

	while (bitmap_next(rows, row, &row) && take_note(from)) {
		struct buf id = BUF_INIT;
		bool ok = stage_describe_row(s, row, &id, e) && buf_ok(&id, e) &&
			  restore_note(from->r, e, "chunk %s %s", buf_str(&id), why);

		buf_release(&id);
		if (!ok)
			return false;
		row++;
	}
	return true;
}

/* Rows whose key another row of the batch has come after it, and find it hot. */
static bool set_repeated_aside(struct source *from, struct stage *s, struct err *e)
{
	struct bitmap *repeated = bitmap_new(e);
	bool ok = false;

	if (!repeated || !stage_find_repeated(s, repeated, e))
		goto out;
	if (bitmap_count(repeated) > 0 && from->r->options->on_conflict != FIRN_CONFLICT_SKIP) {
		err_set(e, ERR_DATA,
			"%" PRIu64 " of the rows to bring back have the same key as others of them",
			bitmap_count(repeated));
		err_hint(e,
			 "The key of table \"%s\" was another when they were archived. Use "
			 "--on-conflict skip to bring back "
			 "one row of each key.",
			 from->r->table->info->label);
		goto out;
	}
	ok = note_rows(from, s, repeated, "has the key of another archived row; it stays cold",
		       e) &&
	     stage_drop_rows(s, repeated, e);
out:
	bitmap_free(repeated);
	return ok;
}

/* Rows that cannot come back now leave the staging table; they stay cold. replaced gets those whose hot rows are gone. */
static bool set_aside(struct source *from, struct stage *s, struct bitmap *replaced,
		      int64_t *orphaned_out, struct err *e)
{
	enum firn_on_conflict mode = from->r->options->on_conflict;
	struct bitmap *hot = bitmap_new(e), *orphans = bitmap_new(e);
	bool ok = false;

	if (!hot || !orphans || !set_repeated_aside(from, s, e) ||
	    !stage_find_orphans(s, orphans, e) ||
	    !note_rows(from, s, orphans, "refers to a row that is gone; it stays cold", e) ||
	    !stage_drop_rows(s, orphans, e) || !stage_find_conflicts(s, hot, e))
		goto out;
	if (bitmap_count(hot) > 0) {
		if (mode == FIRN_CONFLICT_FAIL) {
			err_set(e, ERR_DATA,
				"%" PRIu64 " of the rows to bring back are hot already",
				bitmap_count(hot));
			err_hint(e, "Use --on-conflict skip to leave them cold, or --on-conflict "
				    "replace to put the "
				    "archived rows in their place.");
			goto out;
		}
		if (!note_rows(from, s, hot,
			       mode == FIRN_CONFLICT_REPLACE
				       ? "was hot already and was replaced"
				       : "is hot already; its archived copy was left alone",
			       e) ||
		    !(mode == FIRN_CONFLICT_REPLACE ? stage_delete_hot(s, replaced, e)
						    : stage_drop_rows(s, hot, e)))
			goto out;
	}
	*orphaned_out = (int64_t)bitmap_count(orphans);
	ok = true;
out:
	bitmap_free(hot);
	bitmap_free(orphans);
	return ok;
}

/* A hot row must not go without the archived one taking its place. */
static bool check_replaced(const struct bitmap *replaced, const struct bitmap *inserted,
			   struct err *e)
{
	struct bitmap *lost = bitmap_new(e);
	uint64_t count = 0;

	if (!lost)
		return false;
	bitmap_add_all(lost, replaced);
	bitmap_remove_all(lost, inserted);
	count = bitmap_count(lost);
	bitmap_free(lost);
	if (count == 0)
		return true;
	err_set(e, ERR_DATA,
		"%" PRIu64
		" archived rows cannot take the place of hot ones: another unique key refuses them",
		count);
	return err_hint(e, "Nothing was replaced. Remove the hot rows that hold these keys, or use "
			   "--on-conflict skip.");
}

struct leaf_work {
	struct pg *pg;
	int64_t table_id;
};

static bool add_leaf_work(void *ctx, const char *leaf, int64_t rows, struct err *e)
{
	const struct leaf_work *w = ctx;

	return catalog_maintenance_add(w->pg, w->table_id, leaf, 0, rows, e);
}

/* Counts what is live in each group, and puts those first where that changed: how many. */
static size_t count_live(struct segment_group_row *groups, size_t count, const struct bitmap *dead)
{
	size_t changed = 0;

	for (size_t i = 0; i < count; i++) {
		struct segment_group_row g = groups[i];
		uint32_t first = (uint32_t)g.first_row;
		int64_t live = g.rows_total - (int64_t)bitmap_count_range(
						      dead, first, first + (uint32_t)g.rows_total);

		if (live == g.rows_live)
			continue;
		g.rows_live = live;
		groups[i] = groups[changed];
		groups[changed++] = g;
	}
	return changed;
}

/* The catalog's side of the transaction: these rows are no longer cold. */
static bool mark_live(struct source *from, struct pg *pg, const struct bitmap *inserted,
		      struct bitmap *dead, struct err *e)
{
	struct segment_list current = { 0 };
	struct segment_group_row *groups = NULL;
	struct bitmap *dead_now = NULL;
	size_t group_count = 0, changed;
	bool ok = false;

	if (!catalog_segments(pg,
			      &(struct segment_filter){
				      .ids = &from->record->id, .id_count = 1, .lock = true },
			      &current, e))
		goto out;
	if (current.count == 1)
		dead_now = segment_record_dead(&current.items[0], e);
	else
		err_set(e, ERR_BUSY, "segment %" PRId64 " is gone", from->record->id);
	if (!dead_now || !catalog_segment_groups(pg, from->record->id, &groups, &group_count, e))
		goto out;
	bitmap_remove_all(dead_now, from->dead);
	if (bitmap_count(dead_now) > 0 || current.items[0].state != SEGMENT_ACTIVE) {
		err_set(e, ERR_BUSY, "segment %" PRId64 " was changed by someone else",
			from->record->id);
		goto out;
	}
	bitmap_add_all(dead, from->dead);
	bitmap_add_all(dead, inserted);
	changed = count_live(groups, group_count, dead);
	ok = catalog_segment_update_dead(pg, from->record->id, dead,
					 from->record->rows_total - (int64_t)bitmap_count(dead),
					 groups, changed, e);
out:
	bitmap_free(dead_now);
	segment_groups_free(groups, group_count);
	segment_list_release(&current);
	return ok;
}

/* Rows of a load that was inserted and is to be committed. */
struct outcome {
	int64_t rows, orphaned, replaced;
	int64_t insert_ms;
	struct bitmap *inserted;
};

static void count(struct source *from, const struct load *l, const struct outcome *o)
{
	struct restore *r = from->r;

	r->insert_ms += o->insert_ms;
	r->result->rows += o->rows;
	r->result->rows_orphaned += o->orphaned;
	/* Found hot and left alone, or refused by another unique key of the table; replaced ones were both hot and
	 * inserted. */
	r->result->rows_hot += (int64_t)l->row_count - o->orphaned - o->rows + o->replaced;
	progress_add(&r->progress, o->rows, (int64_t)l->copy.len);
}

/* The end of the transaction. One load at a time: each adds its rows to the segment's dead ones, and the next must know
 * them. */
static bool finish(struct source *from, const struct load *l, struct stage *s,
		   const struct outcome *o, struct err *e)
{
	struct restore *r = from->r;
	struct leaf_work work = { .pg = s->pg, .table_id = r->table->id };
	bool by_document = r->options->document_count || r->options->chunk_count;
	struct bitmap *dead = bitmap_new(e);
	bool ok = false;

	pthread_mutex_lock(&r->lock);
	if (!dead || (o->rows > 0 && (!mark_live(from, s->pg, o->inserted, dead, e) ||
				      !stage_note_residency(s, r->table->id, by_document, e) ||
				      !stage_leaves(s, add_leaf_work, &work, e))))
		goto out;
	if (FAULT("rehydrate.before_commit")) {
		fault(e);
		goto out;
	}
	if (!pg_commit(s->pg, e))
		goto out;
	if (FAULT("rehydrate.after_commit")) {
		fault(e);
		goto out;
	}
	bitmap_add_all(from->dead, o->inserted);
	count(from, l, o);
	ok = true;
out:
	pthread_mutex_unlock(&r->lock);
	bitmap_free(dead);
	return ok;
}

static bool restore_once(struct source *from, struct load *l, struct pg *pg, struct err *e)
{
	struct restore *r = from->r;
	struct outcome o = { .inserted = bitmap_new(e) };
	struct bitmap *replaced = bitmap_new(e);
	int64_t compared = 0, start_ms;
	struct stage s;
	bool ok = false;

	if (!o.inserted || !replaced ||
	    !stage_begin(&s, pg, r->table->info, from->columns, from->column_count, e) ||
	    !stage_load(&s, &l->copy, e) || !stage_compare(&s, expected_hash, l, &compared, e))
		goto out;
	if (compared != (int64_t)l->row_count) {
		err_set(e, ERR_INTERNAL, "staged %zu rows, the server has %" PRId64, l->row_count,
			compared);
		goto out;
	}
	if (FAULT("rehydrate.after_stage")) {
		fault(e);
		goto out;
	}
	if (!set_aside(from, &s, replaced, &o.orphaned, e))
		goto out;
	start_ms = clock_now_ms(r->f->clock);
	if (!stage_insert(&s, expected_hash, l, o.inserted, e) ||
	    !check_replaced(replaced, o.inserted, e))
		goto out;
	o.insert_ms = clock_now_ms(r->f->clock) - start_ms;
	if (FAULT("rehydrate.after_insert")) {
		fault(e);
		goto out;
	}
	o.rows = (int64_t)bitmap_count(o.inserted);
	o.replaced = (int64_t)bitmap_count(replaced);
	ok = finish(from, l, &s, &o, e);
out:
	if (!ok)
		pg_rollback(pg);
	bitmap_free(o.inserted);
	bitmap_free(replaced);
	return ok;
}

/* What a look at the table found may have changed before the INSERT, which fails then: look again. */
static bool look_again(const struct pg *pg, const struct err *e)
{
	const char *state = pg_last_sqlstate(pg);

	return e->code == ERR_DATA && (strcmp(state, "23503") == 0 || strcmp(state, "23505") == 0);
}

bool load_restore(struct source *s, struct load *l, struct pg *pg, struct err *e)
{
	bool ok = false;

	copybin_add_trailer(&l->copy);
	if (!buf_ok(&l->copy, e))
		return false;
	for (int attempt = 0; attempt < 3 && !ok; attempt++) {
		err_clear(e);
		ok = restore_once(s, l, pg, e);
		if (!ok && !look_again(pg, e))
			break;
	}
	return ok;
}
