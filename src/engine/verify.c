/* firn verify: every object against the catalog; --deep every row, and that nothing is both hot and cold. */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/signal.h"
#include "catalog/key_probe.h"
#include "catalog/usage.h"
#include "segment/copybin.h"

/* Keys that are asked for at once. */
#define PROBE_BYTES (4u << 20)

struct verify {
	struct firn *f;
	const struct engine_table *table;
	const struct firn_verify_options *options;
	struct firn_verify_result *result;
	size_t capacity;
	bool missing;                        /* an object was not there */
	const struct segment_record *record; /* at hand */
	struct progress progress;
};

static bool problem(struct verify *v, const char *object, struct err *e, const char *fmt, ...)
	PRINTF(4, 5);

static bool problem(struct verify *v, const char *object, struct err *e, const char *fmt, ...)
{
	void *problems = v->result->problems;
	struct firn_problem *p;
	char message[ERR_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (!mem_grow(&problems, &v->capacity, v->result->problem_count + 1, sizeof(*p), e))
		return false;
	v->result->problems = problems;
	p = &v->result->problems[v->result->problem_count++];
	*p = (struct firn_problem){
		.segment = v->record->id,
		.object = object ? mem_strdup(object, e) : NULL,
		.message = mem_strdup(message, e),
	};
	return p->message && (!object || p->object);
}

/* A failure that says something about the archive's contents is a problem to list; any other ends the run. */
static bool list_or_fail(struct verify *v, const char *object, struct err *e)
{
	char message[ERR_MESSAGE_MAX];

	if (e->code != ERR_DATA && e->code != ERR_NOT_FOUND && e->code != ERR_CONFIG)
		return false;
	v->missing |= e->code == ERR_NOT_FOUND;
	snprintf(message, sizeof(message), "%s", e->message);
	err_clear(e);
	return problem(v, object, e, "%s", message);
}

/* The index as it lies in the archive: never from the cache. */
static struct segment_index *read_index_once(struct verify *v, struct err *e)
{
	const struct segment_record *r = v->record;
	struct segment_index *index = NULL;
	uint8_t digest[SHA256_BYTES];
	struct store_object object;
	struct buf bytes = BUF_INIT;
	const struct segment_keys *keys;

	if (!engine_segment_keys(v->f, r, &keys, e) ||
	    !store_head(v->f->store, r->index_key, &object, e))
		goto out;
	if (object.bytes != (uint64_t)r->index_bytes) {
		err_set(e, ERR_DATA, "has %" PRIu64 " bytes instead of %" PRId64, object.bytes,
			r->index_bytes);
		goto out;
	}
	if (!store_get_range(v->f->store, r->index_key, 0, (uint64_t)r->index_bytes, &bytes, e) ||
	    !sha256_once(bytes.data, bytes.len, digest, e))
		goto out;
	if (memcmp(digest, r->index_sha256, SHA256_BYTES) != 0)
		err_set(e, ERR_DATA, "is not what was archived: its digest differs");
	else
		index = segment_index_parse(bytes.data, bytes.len, keys, e);
	v->result->bytes += (int64_t)bytes.len;
out:
	buf_release(&bytes);
	return index;
}

static struct segment_index *read_archived_index(struct verify *v, struct err *e)
{
	struct segment_index *index;
	int64_t before = v->result->bytes;
	int reads = 0;

	do {
		index = read_index_once(v, e);
	} while (!index && engine_read_again(v->f, v->record->index_key, &reads, e));
	v->result->objects += v->result->bytes > before;
	return index;
}

struct probe {
	struct verify *v;
	struct buf keys;
	int64_t hot;
};

static bool flush_probe(struct probe *p, struct err *e)
{
	int64_t hot = 0;

	copybin_add_trailer(&p->keys);
	if (!buf_ok(&p->keys, e) ||
	    !key_probe_count(p->v->f->pg, p->v->table->info, &p->keys, &hot, e))
		return false;
	p->hot += hot;
	buf_clear(&p->keys);
	copybin_add_header(&p->keys);
	return true;
}

/* The managed table's key columns of one archived row, by name. */
static bool add_key(struct probe *p, const struct column *columns, size_t column_count,
		    const struct field *row, struct err *e)
{
	const struct table_info *t = p->v->table->info;
	struct field key[32];
	size_t count = 0;

	for (size_t k = 0; k < t->column_count; k++) {
		size_t c = 0;

		if (!t->columns[k].in_key)
			continue;
		while (c < column_count && strcmp(columns[c].name, t->columns[k].name) != 0)
			c++;
		if (c == column_count || count == 32)
			return err_set(e, ERR_CONFIG,
				       "key column \"%s\" is not in the archived rows",
				       t->columns[k].name);
		key[count++] = row[c];
	}
	copybin_add_row(&p->keys, key, count);
	return buf_ok(&p->keys, e) && (p->keys.len < PROBE_BYTES || flush_probe(p, e));
}

/* A sealed block whose rows are all dead: its key may have been destroyed (firn forget), and nobody will ask for it. */
static bool is_given_up(const struct verify *v, const struct segment_index *index, uint32_t number,
			const struct bitmap *dead, uint32_t *rows_out)
{
	struct segment_block b;

	if (!index || v->record->format_version < SEGMENT_FORMAT_SEALED)
		return false;
	b = segment_index_block(index, number);
	*rows_out = b.rows;
	return bitmap_count_range(dead, b.first_row, b.first_row + b.rows) == b.rows;
}

/* Decodes everything, which compares the hash of each row, and asks for the keys of the live ones. */
static bool walk_rows(struct verify *v, struct segment_file *file,
		      const struct segment_index *index, const struct bitmap *dead,
		      struct probe *probe, int64_t *rows_out, struct err *e)
{
	struct block_rows block = { 0 };
	size_t column_count;
	const struct column *columns = segment_file_columns(file, &column_count);
	bool ok = true;

	for (uint32_t b = 0; ok && b < segment_file_block_count(file); b++) {
		uint32_t rows;

		if (is_given_up(v, index, b, dead, &rows)) {
			*rows_out += rows;
			continue;
		}
		ok = segment_file_decode(file, b, &block, e);
		for (uint32_t i = 0; ok && i < block.rows; i++) {
			if (!bitmap_has(dead, block.first_row + i))
				ok = add_key(probe, columns, column_count, block_row(&block, i), e);
		}
		*rows_out += ok ? block.rows : 0;
		if (ok)
			progress_add(&v->progress, block.rows, 0);
		if (ok && signal_stop_requested())
			ok = err_set(e, ERR_INTERRUPTED, "stopped by a signal");
	}
	block_rows_release(&block);
	return ok && flush_probe(probe, e);
}

static bool check_counts(struct verify *v, const struct bitmap *dead, int64_t rows, struct err *e)
{
	const struct segment_record *r = v->record;
	struct segment_group_row *groups = NULL;
	size_t count = 0;
	int64_t total = 0;
	bool ok = catalog_segment_groups(v->f->pg, r->id, &groups, &count, e);

	if (ok && rows != r->rows_total)
		ok = problem(v, r->object_key, e,
			     "holds %" PRId64 " rows, the catalog says %" PRId64, rows,
			     r->rows_total);
	if (ok && r->rows_live != r->rows_total - (int64_t)bitmap_count(dead))
		ok = problem(v, NULL, e,
			     "the catalog counts %" PRId64 " live rows, its bitmap leaves %" PRId64,
			     r->rows_live, r->rows_total - (int64_t)bitmap_count(dead));
	for (size_t i = 0; ok && i < count; i++) {
		int64_t dead_rows = (int64_t)bitmap_count_range(
			dead, (uint32_t)groups[i].first_row,
			(uint32_t)(groups[i].first_row + groups[i].rows_total));

		total += groups[i].rows_total;
		if (groups[i].rows_live != groups[i].rows_total - dead_rows)
			ok = problem(v, NULL, e,
				     "the catalog counts %" PRId64
				     " live rows of workspace \"%s\", its bitmap "
				     "leaves %" PRId64,
				     groups[i].rows_live,
				     groups[i].workspace ? groups[i].workspace : "",
				     groups[i].rows_total - dead_rows);
	}
	if (ok && total != r->rows_total)
		ok = problem(v, NULL, e,
			     "the groups of the catalog add up to %" PRId64
			     " rows instead of %" PRId64,
			     total, r->rows_total);
	segment_groups_free(groups, count);
	return ok;
}

static bool check_deep(struct verify *v, struct segment_file *file,
		       const struct segment_index *index, struct err *e)
{
	struct bitmap *dead = segment_record_dead(v->record, e);
	struct probe probe = { .v = v };
	int64_t rows = 0;
	bool ok;

	copybin_add_header(&probe.keys);
	ok = dead && walk_rows(v, file, index, dead, &probe, &rows, e);
	v->result->rows += rows;
	if (!ok)
		ok = list_or_fail(v, v->record->object_key, e);
	else
		ok = check_counts(v, dead, rows, e);
	if (ok && probe.hot > 0)
		ok = problem(
			v, NULL, e,
			"%" PRId64
			" of its cold rows are hot as well: the application inserted their keys "
			"again",
			probe.hot);
	bitmap_free(dead);
	buf_release(&probe.keys);
	return ok;
}

/* What cannot be read is not damaged: that it is there, and as long as it was, can be seen all the same. */
static bool check_frozen(struct verify *v, struct err *e)
{
	const struct segment_record *r = v->record;
	struct store_object object;

	if (!store_head(v->f->store, r->object_key, &object, e))
		return list_or_fail(v, r->object_key, e);
	v->result->segments_frozen++;
	if (object.bytes == (uint64_t)r->bytes)
		return true;
	return problem(v, r->object_key, e, "has %" PRIu64 " bytes instead of %" PRId64,
		       object.bytes, r->bytes);
}

static bool check_objects(struct verify *v, struct err *e)
{
	const struct segment_record *r = v->record;
	struct segment_index *index = NULL;
	struct segment_file *file = NULL;
	char *path = NULL;
	const struct segment_keys *keys;
	bool ok;

	/* Without the key nothing is known of any segment: no problem of this one. */
	if (!engine_segment_keys(v->f, r, &keys, e))
		return false;
	index = read_archived_index(v, e);
	if (!index && !list_or_fail(v, r->index_key, e))
		return false;
	file = engine_segment_file(v->f, r, &path, e);
	ok = file != NULL;
	if (!ok && e->code == ERR_FROZEN) {
		err_clear(e);
		ok = check_frozen(v, e);
		goto out;
	}
	if (ok) {
		v->result->objects++;
		v->result->bytes += r->bytes;
	}
	if (ok && index)
		ok = segment_file_matches_index(file, index, e);
	if (!ok)
		ok = list_or_fail(v, r->object_key, e);
	else if (v->options->deep)
		ok = check_deep(v, file, index, e);
out:
	segment_file_close(file);
	segment_index_free(index);
	if (path)
		unlink(path);
	free(path);
	return ok;
}

/* Under the segment's lock nobody changes it, so nothing found is a race; the record is read after it. */
static bool verify_segment(struct verify *v, int64_t id, struct err *e)
{
	struct segment_list current = { 0 };
	struct pg *pg = v->f->pg;
	bool ok;

	if (!catalog_segment_lock(pg, id, e))
		return false;
	ok = catalog_segments(pg, &(struct segment_filter){ .ids = &id, .id_count = 1 }, &current,
			      e);
	if (ok && current.count == 1 && current.items[0].state == SEGMENT_ACTIVE) {
		v->record = &current.items[0];
		v->result->segments++;
		v->result->not_encrypted += v->record->format_version < SEGMENT_FORMAT_SEALED;
		ok = check_objects(v, e);
	}
	catalog_segment_unlock(pg, id);
	segment_list_release(&current);
	return ok;
}

static bool verify_table(struct firn *f, const struct table_wanted *wanted, struct verify *v,
			 struct err *e)
{
	struct engine_table t = { 0 };
	struct segment_list list = { 0 };
	int64_t total = 0;
	bool ok;

	ok = engine_table_open(f, wanted, &t, e) &&
	     catalog_segments(f->pg,
			      &(struct segment_filter){
				      .table_id = t.id,
				      .states[SEGMENT_ACTIVE] = true,
				      .ids = v->options->segments,
				      .id_count = v->options->segment_count,
			      },
			      &list, e);
	v->table = &t;
	for (size_t i = 0; ok && i < list.count; i++)
		total += list.items[i].rows_total;
	progress_start(&v->progress, f, "verifying", NULL,
		       v->options->deep ? total : (int64_t)list.count);
	if (!v->options->deep)
		v->progress.unit = "segments";
	for (size_t i = 0; ok && i < list.count; i++) {
		ok = verify_segment(v, list.items[i].id, e);
		if (!v->options->deep)
			progress_add(&v->progress, 1,
				     list.items[i].bytes + list.items[i].index_bytes);
		if (ok && signal_stop_requested())
			ok = err_set(e, ERR_INTERRUPTED, "stopped by a signal");
	}
	progress_end(&v->progress, false);
	segment_list_release(&list);
	engine_table_close(&t);
	return ok;
}

/* For who watches; one that died half-way, or looked at some segments only, proves nothing. */
static void note(struct verify *v, bool ok, const struct err *e)
{
	const struct firn_verify_result *r = v->result;

	if (v->options->segment_count > 0 || e->code == ERR_INTERRUPTED)
		return;
	engine_note_inspection(v->f, &(struct usage_inspection){
					     .command = "verify",
					     .outcome = ok ? "done" : e->message,
					     .seconds = r->seconds,
					     .deep = v->options->deep != 0,
					     .segments = r->segments,
					     .problems = (int64_t)r->problem_count,
					     .orphans = -1,
					     .orphan_bytes = -1,
				     });
}

bool firn_verify(struct firn *f, const struct firn_verify_options *options,
		 struct firn_verify_result *result, struct err *e)
{
	struct verify v = { .f = f, .options = options, .result = result };
	int64_t started_ms = clock_now_ms(f->clock);
	bool ok;

	*result = (struct firn_verify_result){ 0 };
	ok = engine_tables_given(f, e) && engine_store(f, e);
	for (size_t i = 0; ok && i < f->table_count; i++)
		ok = verify_table(f, &f->tables[i], &v, e);
	result->encrypts = engine_encrypts(f) || result->not_encrypted < result->segments;
	result->seconds = (double)(clock_now_ms(f->clock) - started_ms) / 1000;
	if (ok && result->segments < (int64_t)options->segment_count) {
		err_set(e, ERR_NOT_FOUND, "of %zu segments to verify %" PRId64 " are there",
			options->segment_count, result->segments);
		return err_hint(
			e,
			"A segment whose rows all came back is no longer verified; gc lists it.");
	}
	if (ok && v.missing && engine_archive_is_another(f, e))
		ok = false;
	note(&v, ok, e);
	if (ok && result->problem_count > 0) {
		err_set(e, ERR_DATA, "%zu problems were found in the archive",
			result->problem_count);
		return err_hint(e,
				"Hot rows are not touched. Keep the database's backups, and "
				"restore damaged objects "
				"from the archive's own versions or replicas where there are any.");
	}
	return ok;
}
