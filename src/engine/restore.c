#include "engine/restore.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/signal.h"
#include "engine/restore_load.h"
#include "engine/restore_pool.h"
#include "segment/copybin.h"

/* A batch is what one transaction brings back: bounded memory here, short locks there. */
#define BATCH_BYTES (24u << 20)
#define BATCH_ROWS  20000u
/* One ranged GET: neighbouring blocks are read together, small gaps included, since a request costs more. */
#define RANGE_BYTES     (8u << 20)
#define RANGE_GAP_BYTES (64u << 10)

/* Of a segment that is brought back by several sessions, each gets at least so many rows at a time. */
#define LEAST_ROWS_A_LOAD 500u

struct batch {
	struct source from;
	struct column *columns; /* as from has them */
	int *positions;         /* of each in the segment's columns */
	struct field *fields;   /* room for one row, with the row number before it */
	struct load load;       /* that is being filled */
	size_t most_rows;       /* of a load */
	bool shared_out;        /* loads go to the pool */
	int copy_fd; /* of the whole segment, where ranges of it cannot be trusted; else -1 */
};

static bool add_note(struct restore *r, const char *text, struct err *e)
{
	struct firn_rehydrate_result *result = r->result;
	void *notes = result->notes;

	for (size_t i = 0; i < result->note_count; i++)
		if (strcmp(result->notes[i], text) == 0)
			return true;
	if (!mem_grow(&notes, &r->note_capacity, result->note_count + 1, sizeof(*result->notes), e))
		return false;
	result->notes = notes;
	result->notes[result->note_count] = mem_strdup(text, e);
	return result->notes[result->note_count++] != NULL;
}

bool restore_note(struct restore *r, struct err *e, const char *fmt, ...)
{
	char text[ERR_MESSAGE_MAX];
	va_list ap;
	bool ok;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&r->lock);
	ok = add_note(r, text, e);
	pthread_mutex_unlock(&r->lock);
	return ok;
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
	const char *table = b->from.r->table->info->label,
		   *said = renamed_to(b->from.r, lost->name);
	const char *candidate = maybe_renamed(b->from.r, stored, stored_count, lost);

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
		b->from.r, e,
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
	const char *said = renamed_to(b->from.r, stored[i].name);
	struct column now = stored[i];
	bool missing = said && !*said;

	if (said && *said)
		snprintf(now.name, sizeof(now.name), "%s", said);
	if (!missing && !table_info_match_column(b->from.r->table->info, &now, &missing, e))
		return false;
	if (missing)
		return lost_column(b, stored, stored_count, &stored[i], e);
	for (size_t k = 0; k < b->from.column_count; k++)
		if (strcmp(b->columns[k].name, now.name) == 0)
			return err_set(e, ERR_CONFIG,
				       "two columns of the archived rows would go to column \"%s\"",
				       now.name);
	b->columns[b->from.column_count] = now;
	b->positions[b->from.column_count++] = (int)i;
	return true;
}

/* Which stored columns go into the table; the table's new ones get their defaults. */
static bool match_columns(struct batch *b, const struct column *stored, size_t stored_count,
			  struct err *e)
{
	const struct table_info *t = b->from.r->table->info;

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

		for (size_t i = 0; i < b->from.column_count && !found; i++)
			found = strcmp(b->columns[i].name, t->columns[k].name) == 0;
		if (t->columns[k].in_key && !found)
			return err_set(
				e, ERR_CONFIG,
				"key column \"%s\" of table \"%s\" is not in the archived rows",
				t->columns[k].name, t->label);
	}
	return true;
}

static bool add_row(struct batch *b, uint32_t row, const struct field *stored, struct err *e)
{
	uint8_t number[4] = { (uint8_t)(row >> 24), (uint8_t)(row >> 16), (uint8_t)(row >> 8),
			      (uint8_t)row };
	struct load *l = &b->load;
	void *rows = l->rows;

	if (!mem_grow(&rows, &l->row_capacity, l->row_count + 1, sizeof(*l->rows), e))
		return false;
	l->rows = rows;
	b->fields[0] = (struct field){ number, sizeof(number) };
	for (size_t i = 0; i < b->from.column_count; i++)
		b->fields[i + 1] = stored[b->positions[i]];
	l->rows[l->row_count++] =
		(struct expected_row){ row, row_hash(b->fields + 1, b->from.column_count) };
	copybin_add_row(&l->copy, b->fields, b->from.column_count + 1);
	return buf_ok(&l->copy, e);
}

static bool flush(struct batch *b, struct err *e)
{
	struct restore *r = b->from.r;

	if (b->load.row_count == 0)
		return true;
	if (!(b->shared_out ? restore_pool_give(r->pool, &b->from, &b->load, e)
			    : load_restore(&b->from, &b->load, r->f->pg, e)))
		return false;
	load_reset(&b->load);
	return true;
}

/* The rows of a block that was decoded. */
static bool take_block(struct batch *b, const struct segment_index *index,
		       const struct bitmap *wanted, struct block_rows *block, struct err *e)
{
	size_t column_count;
	const struct column *columns = segment_index_columns(index, &column_count);

	for (uint32_t i = 0; i < block->rows; i++) {
		const struct field *row = block_row(block, i);

		if (!bitmap_has(wanted, block->first_row + i) ||
		    !selection_matches(b->from.r->selection, columns, column_count, row))
			continue;
		b->from.r->result->rows_matched++;
		if (!add_row(b, block->first_row + i, row, e))
			return false;
		if ((b->load.copy.len >= BATCH_BYTES || b->load.row_count >= b->most_rows) &&
		    !flush(b, e))
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

/* What the index has no digests for is known to be right as a whole only: an open copy, compared with the catalog. */
static bool fetch_whole(struct batch *b, struct err *e)
{
	struct restore *r = b->from.r;
	char *path = NULL;

	if (engine_segment_copy(r->f, b->from.record, &path, e)) {
		b->copy_fd = file_open_read(path, e);
		r->result->bytes_fetched += b->from.record->bytes;
	}
	if (path)
		unlink(path);
	free(path);
	return b->copy_fd >= 0;
}

static bool fetch_range(struct batch *b, const struct range *range, struct buf *data, struct err *e)
{
	const char *key = b->from.record->object_key;
	size_t len = (size_t)(range->to - range->from);
	uint8_t *room;

	buf_clear(data);
	if (b->copy_fd < 0) {
		if (!store_get_range(engine_store(b->from.r->f, e), key, range->from, len, data, e))
			return false;
		b->from.r->result->bytes_fetched += (int64_t)len;
		return true;
	}
	room = buf_reserve(data, len);
	if (!room || !file_pread_all(b->copy_fd, room, len, range->from, key, e))
		return room ? false : buf_ok(data, e);
	data->len = len;
	return true;
}

/* The wanted blocks of a range that was fetched; one that is damaged is fetched again before that is believed. */
static bool take_range(struct batch *b, const struct segment_index *index,
		       const struct range *range, const struct bitmap *wanted, struct buf *data,
		       struct block_rows *block, struct err *e)
{
	int reads = 0;

	for (uint32_t i = range->first; i < range->end; i++) {
		struct segment_block at = segment_index_block(index, i);

		if (bitmap_count_range(wanted, at.first_row, at.first_row + at.rows) == 0)
			continue;
		while (!segment_index_decode(index, i, data->data + (at.offset - range->from),
					     at.bytes, block, e))
			if (!engine_read_again(b->from.r->f, b->from.record->object_key, &reads,
					       e) ||
			    !fetch_range(b, range, data, e))
				return false;
		if (!take_block(b, index, wanted, block, e))
			return false;
	}
	return true;
}

static bool fetch_and_take(struct batch *b, const struct segment_index *index,
			   const struct bitmap *wanted, struct err *e)
{
	struct block_rows block = { 0 };
	struct buf data = BUF_INIT;
	struct segment_block last;
	uint32_t row = 0;
	bool ok = engine_store(b->from.r->f, e) &&
		  (segment_index_ranges_are_safe(index) || fetch_whole(b, e));

	while (ok && bitmap_next(wanted, row, &row)) {
		struct range range =
			range_from(index, wanted, segment_index_block_of_row(index, row));

		if (signal_stop_requested()) {
			ok = err_set(e, ERR_INTERRUPTED,
				     "stopped by a signal; what was brought back stays hot");
			break;
		}
		ok = fetch_range(b, &range, &data, e);
		if (!ok)
			break;
		if (FAULT("rehydrate.after_fetch")) {
			ok = err_set(e, ERR_INTERNAL, "a fault was injected");
			break;
		}
		ok = take_range(b, index, &range, wanted, &data, &block, e);
		last = segment_index_block(index, range.end - 1);
		row = last.first_row + last.rows;
	}
	block_rows_release(&block);
	buf_release(&data);
	return ok && flush(b, e);
}

static void batch_release(struct batch *b)
{
	if (b->copy_fd >= 0)
		close(b->copy_fd);
	bitmap_free(b->from.dead);
	free(b->columns);
	free(b->positions);
	free(b->fields);
	load_release(&b->load);
}

/* How the rows are shared out. Where hot rows are in the way and matter, one session does it all: what is there does not
 * change under it then. */
static void choose_loads(struct batch *b, uint64_t wanted)
{
	struct restore *r = b->from.r;
	uint64_t each = wanted / (2 * (uint64_t)r->sessions) + 1;

	b->most_rows = BATCH_ROWS;
	if (r->sessions < 2 || r->options->on_conflict != FIRN_CONFLICT_SKIP)
		return;
	if (each < LEAST_ROWS_A_LOAD)
		each = LEAST_ROWS_A_LOAD;
	if (each < b->most_rows)
		b->most_rows = (size_t)each;
	b->shared_out = wanted > b->most_rows && r->pool;
}

static bool bring_back(struct batch *b, const struct segment_index *index,
		       const struct bitmap *wanted, struct err *e)
{
	size_t column_count;
	const struct column *columns = segment_index_columns(index, &column_count);
	struct err second = { 0 };
	bool ok;

	if (!match_columns(b, columns, column_count, e))
		return false;
	b->from.columns = b->columns;
	choose_loads(b, bitmap_count(wanted));
	load_reset(&b->load);
	ok = fetch_and_take(b, index, wanted, e);
	/* Whatever happened: nobody works on the segment any more when its lock is given back. */
	if (b->shared_out && !restore_pool_wait(b->from.r->pool, ok ? e : &second))
		ok = false;
	return ok;
}

bool restore_segment(struct restore *r, struct segment_record *record, struct err *e)
{
	struct batch b = { .from = { .r = r, .record = record }, .copy_fd = -1 };
	struct segment_index *index = NULL;
	struct bitmap *wanted = bitmap_new(e);
	int64_t before = r->result->rows_matched;
	bool ok = false;

	b.from.dead = segment_record_dead(record, e);
	index = wanted && b.from.dead
			? engine_segment_index(r->f, record, &r->result->bytes_fetched, e)
			: NULL;
	if (!index || !selection_rows(r->selection, index, b.from.dead, wanted, e))
		goto out;
	if (r->options->dry_run)
		r->result->rows_matched += (int64_t)bitmap_count(wanted);
	else if (bitmap_count(wanted) > 0 && !bring_back(&b, index, wanted, e))
		goto out;
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
