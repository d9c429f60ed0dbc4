#include "engine/restore.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "catalog/stage.h"
#include "segment/copybin.h"

/* A batch is what one transaction brings back: bounded memory here, short locks there. */
#define BATCH_BYTES (24u << 20)
#define BATCH_ROWS  20000u
/* One ranged GET: neighbouring blocks are read together, small gaps included, since a request costs more. */
#define RANGE_BYTES     (8u << 20)
#define RANGE_GAP_BYTES (64u << 10)
/* Ids named in the notes; the counts tell the rest. */
#define NOTED_IDS 5

struct expected_row {
	uint32_t row;
	uint64_t hash;
};

struct batch {
	struct restore *r;
	struct segment_record *record;
	struct bitmap *dead;    /* as the catalog had it last */
	struct column *columns; /* those that the table still has */
	int *positions;         /* of each in the segment's columns */
	size_t column_count;
	struct field *fields;      /* room for one row, with the row number before it */
	struct buf copy;           /* COPY BINARY of the rows gathered so far */
	struct expected_row *rows; /* ascending by row */
	size_t row_count, row_capacity;
	int64_t ids_noted;
};

bool restore_note(struct restore *r, struct err *e, const char *fmt, ...)
{
	struct firn_rehydrate_result *result = r->result;
	char text[ERR_MESSAGE_MAX];
	void *notes = result->notes;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < result->note_count; i++)
		if (strcmp(result->notes[i], text) == 0)
			return true;
	if (!mem_grow(&notes, &r->note_capacity, result->note_count + 1, sizeof(*result->notes), e))
		return false;
	result->notes = notes;
	result->notes[result->note_count] = mem_strdup(text, e);
	return result->notes[result->note_count++] != NULL;
}

static bool fault(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "a fault was injected");
}

static uint64_t expected_hash(void *ctx, uint32_t row)
{
	const struct batch *b = ctx;
	size_t low = 0, high = b->row_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->rows[middle].row < row)
			low = middle + 1;
		else
			high = middle;
	}
	/* A row that was never sent: its real hash is 0 once in 2^64, and the count of compared rows is checked too. */
	return low < b->row_count && b->rows[low].row == row ? b->rows[low].hash : 0;
}

/* What --column says of a stored column: the name that it has now, "" where its values are given up, NULL for nothing. */
static const char *renamed_to(const struct restore *r, const char *stored)
{
	size_t len = strlen(stored);

	for (size_t i = 0; i < r->options->column_count; i++) {
		const char *said = r->options->columns[i];

		if (strncmp(said, stored, len) == 0 && said[len] == '=')
			return said + len + 1;
	}
	return NULL;
}

/* A column of the table that no stored one has the name of, and of this one's type: that one may have been renamed. */
static const char *maybe_renamed(const struct restore *r, const struct column *stored,
				 size_t stored_count, const struct column *lost)
{
	const struct table_info *t = r->table->info;

	for (size_t k = 0; k < t->column_count; k++) {
		const struct column *c = &t->columns[k];
		bool known = strcmp(c->type_full, lost->type_full) != 0;

		for (size_t i = 0; i < stored_count && !known; i++) {
			const char *said = renamed_to(r, stored[i].name);

			known = strcmp(c->name, said ? said : stored[i].name) == 0;
		}
		if (!known)
			return c->name;
	}
	return NULL;
}

/* A stored column that the table does not have: dropped, so its values are left out, or renamed, and then it matters. */
static bool lost_column(struct batch *b, const struct column *stored, size_t stored_count,
			const struct column *lost, struct err *e)
{
	const char *table = b->r->table->info->label, *said = renamed_to(b->r, lost->name);
	const char *candidate = maybe_renamed(b->r, stored, stored_count, lost);

	if (said && *said)
		return err_set(e, ERR_CONFIG,
			       "table \"%s\" has no column \"%s\", which --column says that \"%s\" "
			       "is now",
			       table, said, lost->name);
	if (lost->in_key || (!said && candidate)) {
		err_set(e, ERR_CONFIG,
			"%scolumn \"%s\" of the archived rows is no longer in table \"%s\"",
			lost->in_key ? "key " : "", lost->name, table);
		return err_hint(e, "If it was renamed, say so: --column %s=%s. %s", lost->name,
				candidate ? candidate : "NEW",
				lost->in_key
					? "Or add it back before bringing these rows back."
					: "If its values are not wanted any more, leave the new "
					  "name out.");
	}
	return restore_note(
		b->r, e,
		said ? "column \"%s\" was given up; its archived values did not go into "
		       "table \"%s\""
		     : "column \"%s\" was dropped from table \"%s\"; its archived values "
		       "were left out",
		lost->name, table);
}

/* Adds the stored column at position i under the name that it has now. */
static bool take_column(struct batch *b, const struct column *stored, size_t stored_count, size_t i,
			struct err *e)
{
	const char *said = renamed_to(b->r, stored[i].name);
	struct column now = stored[i];
	bool missing = said && !*said;

	if (said && *said)
		snprintf(now.name, sizeof(now.name), "%s", said);
	if (!missing && !table_info_match_column(b->r->table->info, &now, &missing, e))
		return false;
	if (missing)
		return lost_column(b, stored, stored_count, &stored[i], e);
	for (size_t k = 0; k < b->column_count; k++)
		if (strcmp(b->columns[k].name, now.name) == 0)
			return err_set(e, ERR_CONFIG,
				       "two columns of the archived rows would go to column \"%s\"",
				       now.name);
	b->columns[b->column_count] = now;
	b->positions[b->column_count++] = (int)i;
	return true;
}

/* Which stored columns go into the table; the table's new ones get their defaults. */
static bool match_columns(struct batch *b, const struct column *stored, size_t stored_count,
			  struct err *e)
{
	const struct table_info *t = b->r->table->info;

	b->columns = mem_new(stored_count, sizeof(*b->columns), e);
	b->positions = mem_new(stored_count, sizeof(*b->positions), e);
	b->fields = mem_new(stored_count + 1, sizeof(*b->fields), e);
	if (!b->columns || !b->positions || !b->fields)
		return false;
	for (size_t i = 0; i < stored_count; i++)
		if (!take_column(b, stored, stored_count, i, e))
			return false;
	/* The table's key may have changed since: what it is now decides what a conflict is. */
	for (size_t k = 0; k < t->column_count; k++) {
		bool found = false;

		for (size_t i = 0; i < b->column_count && !found; i++)
			found = strcmp(b->columns[i].name, t->columns[k].name) == 0;
		if (t->columns[k].in_key && !found)
			return err_set(
				e, ERR_CONFIG,
				"key column \"%s\" of table \"%s\" is not in the archived rows",
				t->columns[k].name, t->label);
	}
	return true;
}

static void reset_batch(struct batch *b)
{
	buf_clear(&b->copy);
	copybin_add_header(&b->copy);
	b->row_count = 0;
}

static bool add_row(struct batch *b, uint32_t row, const struct field *stored, struct err *e)
{
	uint8_t number[4] = { (uint8_t)(row >> 24), (uint8_t)(row >> 16), (uint8_t)(row >> 8),
			      (uint8_t)row };
	void *rows = b->rows;

	if (!mem_grow(&rows, &b->row_capacity, b->row_count + 1, sizeof(*b->rows), e))
		return false;
	b->rows = rows;
	b->fields[0] = (struct field){ number, sizeof(number) };
	for (size_t i = 0; i < b->column_count; i++)
		b->fields[i + 1] = stored[b->positions[i]];
	b->rows[b->row_count++] =
		(struct expected_row){ row, row_hash(b->fields + 1, b->column_count) };
	copybin_add_row(&b->copy, b->fields, b->column_count + 1);
	return buf_ok(&b->copy, e);
}

static bool note_rows(struct batch *b, struct stage *s, const struct bitmap *rows, const char *why,
		      struct err *e)
{
	uint32_t row = 0;

	while (b->ids_noted < NOTED_IDS && bitmap_next(rows, row, &row)) {
		struct buf id = BUF_INIT;
		bool ok = stage_describe_row(s, row, &id, e) && buf_ok(&id, e) &&
			  restore_note(b->r, e, "chunk %s %s", buf_str(&id), why);

		buf_release(&id);
		if (!ok)
			return false;
		b->ids_noted++;
		row++;
	}
	return true;
}

/* Rows whose key another row of the batch has come after it, and find it hot. */
static bool set_repeated_aside(struct batch *b, struct stage *s, struct err *e)
{
	struct bitmap *repeated = bitmap_new(e);
	bool ok = false;

	if (!repeated || !stage_find_repeated(s, repeated, e))
		goto out;
	if (bitmap_count(repeated) > 0 && b->r->options->on_conflict != FIRN_CONFLICT_SKIP) {
		err_set(e, ERR_DATA,
			"%" PRIu64 " of the rows to bring back have the same key as others of them",
			bitmap_count(repeated));
		err_hint(e,
			 "The key of table \"%s\" was another when they were archived. Use "
			 "--on-conflict skip to bring back "
			 "one row of each key.",
			 b->r->table->info->label);
		goto out;
	}
	ok = note_rows(b, s, repeated, "has the key of another archived row; it stays cold", e) &&
	     stage_drop_rows(s, repeated, e);
out:
	bitmap_free(repeated);
	return ok;
}

/* Rows that cannot come back now leave the staging table; they stay cold. replaced gets those whose hot rows are gone. */
static bool set_aside(struct batch *b, struct stage *s, struct bitmap *replaced,
		      int64_t *orphaned_out, struct err *e)
{
	enum firn_on_conflict mode = b->r->options->on_conflict;
	struct bitmap *hot = bitmap_new(e), *orphans = bitmap_new(e);
	bool ok = false;

	if (!hot || !orphans || !set_repeated_aside(b, s, e) ||
	    !stage_find_orphans(s, orphans, e) ||
	    !note_rows(b, s, orphans, "refers to a row that is gone; it stays cold", e) ||
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
		if (!note_rows(b, s, hot,
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
static bool mark_live(struct batch *b, const struct bitmap *inserted, struct bitmap *dead,
		      struct err *e)
{
	struct pg *pg = b->r->f->pg;
	struct segment_list current = { 0 };
	struct segment_group_row *groups = NULL;
	struct bitmap *dead_now = NULL;
	size_t group_count = 0, changed;
	bool ok = false;

	if (!catalog_segments(
		    pg,
		    &(struct segment_filter){ .ids = &b->record->id, .id_count = 1, .lock = true },
		    &current, e))
		goto out;
	if (current.count == 1)
		dead_now = segment_record_dead(&current.items[0], e);
	else
		err_set(e, ERR_BUSY, "segment %" PRId64 " is gone", b->record->id);
	if (!dead_now || !catalog_segment_groups(pg, b->record->id, &groups, &group_count, e))
		goto out;
	bitmap_remove_all(dead_now, b->dead);
	if (bitmap_count(dead_now) > 0 || current.items[0].state != SEGMENT_ACTIVE) {
		err_set(e, ERR_BUSY, "segment %" PRId64 " was changed by someone else",
			b->record->id);
		goto out;
	}
	bitmap_add_all(dead, b->dead);
	bitmap_add_all(dead, inserted);
	changed = count_live(groups, group_count, dead);
	ok = catalog_segment_update_dead(pg, b->record->id, dead,
					 b->record->rows_total - (int64_t)bitmap_count(dead),
					 groups, changed, e);
out:
	bitmap_free(dead_now);
	segment_groups_free(groups, group_count);
	segment_list_release(&current);
	return ok;
}

static bool flush_once(struct batch *b, struct err *e)
{
	struct restore *r = b->r;
	struct pg *pg = r->f->pg;
	struct bitmap *inserted = bitmap_new(e), *dead = bitmap_new(e), *replaced = bitmap_new(e);
	struct leaf_work work = { .pg = pg, .table_id = r->table->id };
	bool by_document = r->options->document_count || r->options->chunk_count;
	int64_t compared = 0, orphaned = 0, rows;
	int64_t insert_start_ms;
	struct stage s;
	bool ok = false;

	if (!inserted || !dead || !replaced ||
	    !stage_begin(&s, pg, r->table->info, b->columns, b->column_count, e) ||
	    !stage_load(&s, &b->copy, e) || !stage_compare(&s, expected_hash, b, &compared, e))
		goto out;
	if (compared != (int64_t)b->row_count) {
		err_set(e, ERR_INTERNAL, "staged %zu rows, the server has %" PRId64, b->row_count,
			compared);
		goto out;
	}
	if (FAULT("rehydrate.after_stage")) {
		fault(e);
		goto out;
	}
	if (!set_aside(b, &s, replaced, &orphaned, e))
		goto out;
	insert_start_ms = clock_now_ms(r->f->clock);
	if (!stage_insert(&s, expected_hash, b, inserted, e) ||
	    !check_replaced(replaced, inserted, e))
		goto out;
	r->insert_ms += clock_now_ms(r->f->clock) - insert_start_ms;
	if (FAULT("rehydrate.after_insert")) {
		fault(e);
		goto out;
	}
	rows = (int64_t)bitmap_count(inserted);
	if (rows > 0 && (!mark_live(b, inserted, dead, e) ||
			 !stage_note_residency(&s, r->table->id, by_document, e) ||
			 !stage_leaves(&s, add_leaf_work, &work, e)))
		goto out;
	if (FAULT("rehydrate.before_commit")) {
		fault(e);
		goto out;
	}
	if (!pg_commit(pg, e))
		goto out;
	if (FAULT("rehydrate.after_commit")) {
		fault(e);
		goto out;
	}
	bitmap_add_all(b->dead, inserted);
	r->result->rows += rows;
	r->result->rows_orphaned += orphaned;
	/* Found hot and left alone, or refused by another unique key of the table; replaced ones were both hot and inserted. */
	r->result->rows_hot += (int64_t)b->row_count - orphaned - rows;
	r->result->rows_hot += (int64_t)bitmap_count(replaced);
	progress_add(&r->progress, rows, (int64_t)b->copy.len);
	ok = true;
out:
	if (!ok)
		pg_rollback(pg);
	bitmap_free(inserted);
	bitmap_free(dead);
	bitmap_free(replaced);
	return ok;
}

/* What a look at the table found may have changed before the INSERT, which fails then: look again. */
static bool look_again(const struct pg *pg, const struct err *e)
{
	const char *state = pg_last_sqlstate(pg);

	return e->code == ERR_DATA && (strcmp(state, "23503") == 0 || strcmp(state, "23505") == 0);
}

static bool flush(struct batch *b, struct err *e)
{
	bool ok = false;

	if (b->row_count == 0)
		return true;
	copybin_add_trailer(&b->copy);
	if (!buf_ok(&b->copy, e))
		return false;
	for (int attempt = 0; attempt < 3 && !ok; attempt++) {
		err_clear(e);
		ok = flush_once(b, e);
		if (!ok && !look_again(b->r->f->pg, e))
			break;
	}
	if (ok)
		reset_batch(b);
	return ok;
}

static bool take_block(struct batch *b, const struct segment_index *index, uint32_t number,
		       const uint8_t *data, size_t len, const struct bitmap *wanted,
		       struct block_rows *block, struct err *e)
{
	size_t column_count;
	const struct column *columns = segment_index_columns(index, &column_count);

	if (!segment_index_decode(index, number, data, len, block, e))
		return false;
	for (uint32_t i = 0; i < block->rows; i++) {
		const struct field *row = block_row(block, i);

		if (!bitmap_has(wanted, block->first_row + i) ||
		    !selection_matches(b->r->selection, columns, column_count, row))
			continue;
		b->r->result->rows_matched++;
		if (!add_row(b, block->first_row + i, row, e))
			return false;
		if ((b->copy.len >= BATCH_BYTES || b->row_count >= BATCH_ROWS) && !flush(b, e))
			return false;
	}
	return true;
}

/* What one GET brings: bytes [from, to) of the object, with blocks first to end - 1 of those wanted in it. */
struct range {
	uint64_t from, to;
	uint32_t first, end;
};

/* Blocks follow each other in the file, but small ones of one LMDB page in descending order: the range grows either way
 * while it stays small and without large gaps. */
static struct range range_from(const struct segment_index *index, const struct bitmap *wanted,
			       uint32_t first)
{
	struct segment_block block = segment_index_block(index, first);
	struct range r = { block.offset, block.offset + block.bytes, first, first + 1 };

	for (uint32_t i = first + 1; i < segment_index_block_count(index); i++) {
		uint64_t from, to;

		block = segment_index_block(index, i);
		from = block.offset < r.from ? block.offset : r.from;
		to = block.offset + block.bytes > r.to ? block.offset + block.bytes : r.to;
		if (to - from > RANGE_BYTES ||
		    to - from > (r.to - r.from) + block.bytes + RANGE_GAP_BYTES)
			break;
		if (bitmap_count_range(wanted, block.first_row, block.first_row + block.rows) == 0)
			continue;
		r = (struct range){ from, to, first, i + 1 };
	}
	return r;
}

static bool fetch_and_take(struct batch *b, const struct segment_index *index,
			   const struct bitmap *wanted, struct err *e)
{
	struct store *store = engine_store(b->r->f, e);
	struct block_rows block = { 0 };
	struct buf data = BUF_INIT;
	uint32_t row = 0;
	bool ok = store != NULL;

	while (ok && bitmap_next(wanted, row, &row)) {
		struct range range =
			range_from(index, wanted, segment_index_block_of_row(index, row));

		if (signal_stop_requested()) {
			ok = err_set(e, ERR_INTERRUPTED,
				     "stopped by a signal; what was brought back stays hot");
			break;
		}
		buf_clear(&data);
		ok = store_get_range(store, b->record->object_key, range.from,
				     range.to - range.from, &data, e);
		if (!ok)
			break;
		b->r->result->bytes_fetched += (int64_t)data.len;
		if (FAULT("rehydrate.after_fetch")) {
			ok = fault(e);
			break;
		}
		for (uint32_t i = range.first; ok && i < range.end; i++) {
			struct segment_block at = segment_index_block(index, i);

			row = at.first_row + at.rows;
			if (bitmap_count_range(wanted, at.first_row, row) > 0)
				ok = take_block(b, index, i, data.data + (at.offset - range.from),
						at.bytes, wanted, &block, e);
		}
	}
	block_rows_release(&block);
	buf_release(&data);
	return ok && flush(b, e);
}

static void batch_release(struct batch *b)
{
	bitmap_free(b->dead);
	free(b->columns);
	free(b->positions);
	free(b->fields);
	free(b->rows);
	buf_release(&b->copy);
}

bool restore_segment(struct restore *r, struct segment_record *record, struct err *e)
{
	struct batch b = { .r = r, .record = record };
	struct segment_index *index = NULL;
	struct bitmap *wanted = bitmap_new(e);
	int64_t before = r->result->rows_matched;
	const struct column *columns;
	size_t column_count;
	bool ok = false;

	b.dead = segment_record_dead(record, e);
	index = wanted && b.dead ? engine_segment_index(r->f, record, &r->result->bytes_fetched, e)
				 : NULL;
	if (!index || !selection_rows(r->selection, index, b.dead, wanted, e))
		goto out;
	if (r->options->dry_run) {
		r->result->rows_matched += (int64_t)bitmap_count(wanted);
	} else if (bitmap_count(wanted) > 0) {
		columns = segment_index_columns(index, &column_count);
		if (!match_columns(&b, columns, column_count, e))
			goto out;
		reset_batch(&b);
		if (!fetch_and_take(&b, index, wanted, e))
			goto out;
	}
	r->result->segments += r->result->rows_matched > before;
	ok = true;
out:
	if (!ok)
		err_wrap(e, "could not bring rows back from segment %" PRId64, record->id);
	bitmap_free(wanted);
	segment_index_free(index);
	batch_release(&b);
	return ok;
}
