#include "segment/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "segment/block.h"
#include "segment/dictionary.h"
#include "segment/encode_pool.h"
#include "segment/index_object.h"
#include "segment/lmdb_file.h"
#include "segment/run_index.h"
#include "segment/sealing.h"
#include "segment/segment_parts.h"

#define BLOCK_ROWS  512
#define BLOCK_BYTES (4u << 20)
#define LEVEL       3
#define LEVEL_MAX   19
/* Raw bytes that may wait for encoding: what bounds memory when values are large. */
#define WAITING_BYTES (24u << 20)
/* A dictionary is trained on about that many bytes of rows, in however many blocks. */
#define TRAINING_BYTES  (8u << 20)
#define TRAINING_BLOCKS 4096
/* Blocks are put into LMDB in transactions of about this size: the figures are part of what makes a sealed file the
 * same for any number of threads. */
#define BATCH_BYTES (1u << 20)
#define BATCH_ITEMS 256
#define MAP_BYTES   (256u << 20)

struct segment_writer {
	struct segment_options options;
	struct column *columns;
	size_t column_count;
	int workspace, version, document;
	int *ids;
	size_t id_count;
	struct buf about; /* pairs, for the index */
	size_t about_count;
	char *table, *leaf, *object_key, *created_at;
	char *segment_path, *index_path;

	struct lmdb_work *work;
	struct encode_pool *pool;
	bool training;
	struct buf dictionary;
	ZSTD_CDict *cdict;

	struct encode_job *filling, *spare;
	uint32_t rows;
	uint64_t raw_bytes, stored_bytes,
		stored_raw_bytes; /* the last: raw bytes of the blocks that are stored */

	struct segment_group *groups;
	size_t group_count, group_capacity;
	struct block_entry *blocks;
	size_t block_count, block_capacity;
	struct run_index chunks, documents;

	/* Where it is sealed: */
	uint8_t segment_id[SEGMENT_ID_BYTES];
	struct segment_key table_key;
	struct buf keys; /* of its workspaces, for the index */
	size_t key_count;
	const uint8_t *workspace_key; /* of the last group */
	uint32_t blocks_begun;

	struct lmdb_item *batch; /* BATCH_ITEMS of them */
	size_t batch_count, batch_bytes;

	struct field *id_fields;
	bool failed, sealed;
	struct err err; /* where failed */
};

/* Keeps the first error: whatever is tried after it fails with the same. */
static bool fail(struct segment_writer *w, const struct err *e)
{
	if (!w->failed)
		w->err = *e;
	w->failed = true;
	return false;
}

static bool check_failed(const struct segment_writer *w, struct err *e)
{
	if (w->failed)
		*e = w->err;
	return !w->failed;
}

/* ---- set-up ---- */

static void choose_options(struct segment_options *o)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	o->zstd_level = o->zstd_level < 1           ? LEVEL
			: o->zstd_level > LEVEL_MAX ? LEVEL_MAX
						    : o->zstd_level;
	o->block_rows = o->block_rows == 0 ? BLOCK_ROWS : o->block_rows;
	o->block_rows = o->block_rows > BLOCK_ROWS_MAX ? BLOCK_ROWS_MAX : o->block_rows;
	o->block_bytes = o->block_bytes == 0 ? BLOCK_BYTES : o->block_bytes;
	if (o->threads < 1)
		o->threads = cores > 4 ? 4 : cores < 1 ? 1 : (int)cores;
}

static bool choose_paths(struct segment_writer *w, const char *dir, struct err *e)
{
	const char *const suffixes[] = { "lmdb", "index" };
	char **const paths[] = { &w->segment_path, &w->index_path };
	uint64_t unique;

	if (!rng_system(&unique, sizeof(unique), e))
		return false;
	for (int i = 0; i < 2; i++) {
		struct buf path = BUF_INIT;

		buf_printf(&path, "%s/segment-%016llx.%s", dir, (unsigned long long)unique,
			   suffixes[i]);
		*paths[i] = buf_take(&path, e);
		buf_release(&path);
		if (!*paths[i])
			return false;
	}
	return true;
}

static bool copy_about(struct segment_writer *w, const struct segment_about *about, struct err *e)
{
	const struct {
		const char *name, *value;
		char **copy;
	} pairs[] = {
		{ "created_at", about->created_at, &w->created_at },
		{ "leaf", about->leaf, &w->leaf },
		{ "object_key", about->object_key, &w->object_key },
		{ "table", about->table, &w->table },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (!pairs[i].value)
			continue;
		describe_pair(pairs[i].name, pairs[i].value, &w->about);
		w->about_count++;
		*pairs[i].copy = mem_strdup(pairs[i].value, e);
		if (!*pairs[i].copy)
			return false;
	}
	return buf_ok(&w->about, e);
}

static bool copy_columns(struct segment_writer *w, const struct column *columns, size_t count,
			 struct err *e)
{
	if (count == 0 || count > BLOCK_COLUMNS_MAX)
		return err_set(e, ERR_CONFIG, "cannot write a segment of %zu columns", count);
	w->column_count = count;
	w->columns = mem_new(count, sizeof(*columns), e);
	w->ids = mem_new(count, sizeof(*w->ids), e);
	w->id_fields = mem_new(count, sizeof(*w->id_fields), e);
	if (!w->columns || !w->ids || !w->id_fields)
		return false;
	memcpy(w->columns, columns, count * sizeof(*columns));
	for (size_t i = 0; i < count; i++)
		if (columns[i].role == COLUMN_ID)
			w->ids[w->id_count++] = (int)i;
	w->workspace = column_with_role(columns, count, COLUMN_WORKSPACE);
	w->version = column_with_role(columns, count, COLUMN_VERSION);
	w->document = column_with_role(columns, count, COLUMN_DOCUMENT);
	return true;
}

struct segment_writer *segment_writer_new(const char *dir, const struct segment_about *about,
					  const struct column *columns, size_t column_count,
					  const struct segment_options *options, struct err *e)
{
	struct segment_writer *w = mem_new(1, sizeof(*w), e);

	if (!w)
		return NULL;
	if (options)
		w->options = *options;
	choose_options(&w->options);
	if (!copy_columns(w, columns, column_count, e) || !copy_about(w, about, e) ||
	    !choose_paths(w, dir, e))
		goto fail;
	if (w->options.keys && (!rng_system(w->segment_id, sizeof(w->segment_id), e) ||
				!sealing_find_key(w->options.keys, NULL, &w->table_key, e)))
		goto fail;
	w->batch = mem_new(BATCH_ITEMS, sizeof(*w->batch), e);
	w->work = w->batch ? lmdb_work_new(w->segment_path, MAP_BYTES, e) : NULL;
	if (!w->work)
		goto fail;
	w->pool = encode_pool_new(w->columns, column_count, w->options.zstd_level,
				  w->options.threads, e);
	if (!w->pool)
		goto fail;
	w->training = w->options.text_dictionary;
	if (!w->training)
		encode_pool_start(w->pool, NULL);
	return w;
fail:
	segment_writer_free(w);
	return NULL;
}

static void release_groups(struct segment_group *groups, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_release(&groups[i].workspace);
		buf_release(&groups[i].version);
	}
	free(groups);
}

/* What is needed for encoding only; also called early, to have the memory for sorting. */
static void end_encoding(struct segment_writer *w)
{
	encode_pool_free(w->pool);
	w->pool = NULL;
	ZSTD_freeCDict(w->cdict);
	w->cdict = NULL;
	encode_job_free(w->filling);
	while (w->spare) {
		struct encode_job *job = w->spare;

		w->spare = job->next;
		encode_job_free(job);
	}
	w->filling = NULL;
}

void segment_writer_free(struct segment_writer *w)
{
	if (!w)
		return;
	end_encoding(w);
	lmdb_work_free(w->work);
	if (!w->sealed && w->segment_path)
		unlink(w->segment_path);
	if (!w->sealed && w->index_path)
		unlink(w->index_path);
	for (size_t i = 0; w->batch && i < BATCH_ITEMS; i++)
		buf_release(&w->batch[i].value);
	release_groups(w->groups, w->group_count);
	run_index_release(&w->chunks);
	run_index_release(&w->documents);
	buf_release(&w->dictionary);
	buf_release(&w->about);
	buf_release(&w->keys);
	free(w->batch);
	free(w->blocks);
	free(w->columns);
	free(w->ids);
	free(w->id_fields);
	free(w->table);
	free(w->leaf);
	free(w->object_key);
	free(w->created_at);
	free(w->segment_path);
	free(w->index_path);
	free(w);
}

/* ---- blocks ---- */

static bool flush_batch(struct segment_writer *w, struct err *e)
{
	if (!lmdb_work_put(w->work, w->batch, w->batch_count, e))
		return false;
	/* The first few keep their memory for later blocks (store_block), unless it is uncommonly much. */
	for (size_t i = 0; i < w->batch_count; i++) {
		struct buf *value = &w->batch[i].value;

		if (i > 3 || value->capacity > 2 * (size_t)BLOCK_BYTES)
			buf_release(value);
		else
			buf_clear(value);
	}
	w->batch_count = w->batch_bytes = 0;
	return true;
}

/* The next item of the batch, with its key set; value is empty but may have memory. */
static struct lmdb_item *batch_item(struct segment_writer *w, const char *database, const void *key,
				    size_t key_len)
{
	struct lmdb_item *item = &w->batch[w->batch_count++];

	item->database = database;
	item->key_len = key_len;
	memcpy(item->key, key, key_len);
	return item;
}

/* Puts the item's sealed form in its place, where the segment is sealed: nothing else goes into LMDB. */
static bool seal_item(const struct segment_writer *w, struct lmdb_item *item, enum seal_kind kind,
		      size_t number, struct err *e)
{
	struct seal_place place = { w->segment_id, kind, (uint32_t)number };

	if (!buf_ok(&item->value, e))
		return false;
	return !w->options.keys || sealing_replace(w->table_key.key, &place, &item->value, e);
}

static bool batch_added(struct segment_writer *w, const struct lmdb_item *item, struct err *e)
{
	if (!buf_ok(&item->value, e))
		return false;
	w->batch_bytes += item->value.len;
	return w->batch_count < BATCH_ITEMS && w->batch_bytes < BATCH_BYTES ? true
									    : flush_batch(w, e);
}

/* Takes over an encoded block: into the batch, and into what the index will say. */
static bool store_block(struct segment_writer *w, struct encode_job *job, struct err *e)
{
	void *blocks = w->blocks;
	const struct block_head *head = &job->head;
	struct lmdb_item *item;
	struct buf kept;
	uint8_t key[4];

	if (!job->ok) {
		*e = job->err;
		return false;
	}
	if (job->block.len > UINT32_MAX)
		return err_set(e, ERR_DATA, "rows from number %u on take more than 4 GiB",
			       job->first_row);
	if (!mem_grow(&blocks, &w->block_capacity, w->block_count + 1, sizeof(*w->blocks), e))
		return false;
	w->blocks = blocks;
	w->blocks[w->block_count] = (struct block_entry){
		.raw_bytes = head->raw_bytes,
		.checksum = head->checksum,
		.bytes = (uint32_t)job->block.len,
		.rows = head->rows,
		.first_row = head->first_row,
		.group = job->group,
		.last = get_u64le(job->block.data + job->block.len - 8),
	};
	memcpy(w->blocks[w->block_count].sha256, job->sha256, SHA256_BYTES);
	w->groups[job->group].stored_bytes += job->block.len;
	w->stored_bytes += job->block.len;
	w->stored_raw_bytes += head->raw_bytes;
	put_u32be(key, (uint32_t)w->block_count++);
	item = batch_item(w, DB_BLOCKS, key, sizeof(key));
	kept = item->value;
	item->value = job->block;
	job->block = kept;
	return batch_added(w, item, e);
}

/* Stores the oldest block that the pool has, if it is done or wait is set; *stored_out says whether there was one. */
static bool store_oldest(struct segment_writer *w, bool wait, bool *stored_out, struct err *e)
{
	struct encode_job *job = encode_pool_take(w->pool, wait);
	bool ok;

	*stored_out = job != NULL;
	if (!job)
		return true;
	ok = store_block(w, job, e);
	/* Its memory serves a later block, unless it had grown for an uncommonly large one. */
	if (job->bytes.capacity > 2 * (size_t)BLOCK_BYTES) {
		encode_job_free(job);
	} else {
		job->next = w->spare;
		w->spare = job;
	}
	return ok;
}

static bool store_while(struct segment_writer *w, size_t most_jobs, uint64_t most_bytes,
			struct err *e)
{
	bool stored = true;

	while (stored && encode_pool_count(w->pool) > 0) {
		bool wait = encode_pool_count(w->pool) > most_jobs ||
			    encode_pool_bytes(w->pool) > most_bytes;

		if (!store_oldest(w, wait, &stored, e))
			return false;
	}
	return true;
}

static bool end_training(struct segment_writer *w, struct err *e)
{
	w->training = false;
	if (!dictionary_train(w->columns, w->column_count, encode_pool_held(w->pool),
			      &w->dictionary, e))
		return false;
	if (w->dictionary.len > 0) {
		w->cdict = ZSTD_createCDict(w->dictionary.data, w->dictionary.len,
					    w->options.zstd_level);
		if (!w->cdict)
			return err_no_memory(e);
	}
	encode_pool_start(w->pool, w->cdict);
	return true;
}

/* Hands the rows gathered so far to the pool. */
static bool end_block(struct segment_writer *w, struct err *e)
{
	struct encode_job *job = w->filling;

	if (!job || job->rows == 0)
		return true;
	w->filling = NULL;
	encode_pool_submit(w->pool, job);
	if (w->training && encode_pool_count(w->pool) < TRAINING_BLOCKS &&
	    encode_pool_bytes(w->pool) < TRAINING_BYTES)
		return true;
	if (w->training && !end_training(w, e))
		return false;
	return store_while(w, (size_t)w->options.threads + 1, WAITING_BYTES, e);
}

static bool begin_block(struct segment_writer *w, struct err *e)
{
	struct encode_job *job = w->spare;

	if (job)
		w->spare = job->next;
	else
		job = encode_job_new(e);
	if (!job)
		return false;
	buf_clear(&job->bytes);
	buf_clear(&job->fields);
	buf_clear(&job->hashes);
	job->first_row = w->rows;
	job->rows = 0;
	job->raw_bytes = 0;
	job->group = (uint32_t)(w->group_count - 1);
	job->key = w->workspace_key;
	job->place = (struct seal_place){ w->segment_id, SEAL_BLOCK, w->blocks_begun++ };
	w->filling = job;
	return true;
}

/* ---- rows ---- */

static const struct field *field_or_null(const struct field *fields, int at)
{
	static const struct field null_field = { NULL, -1 };

	return at < 0 ? &null_field : &fields[at];
}

static bool same_value(const struct field *f, const struct buf *value, bool null)
{
	if (f->len < 0 || null)
		return f->len < 0 && null;
	return (size_t)f->len == value->len &&
	       (f->len == 0 || memcmp(f->data, value->data, value->len) == 0);
}

static bool copy_value(const struct field *f, struct buf *value, bool *null_out, struct err *e)
{
	*null_out = f->len < 0;
	if (f->len > 0)
		buf_add(value, f->data, (size_t)f->len);
	return buf_ok(value, e);
}

/* The key of the workspace whose rows come now; the index gets it as it was wrapped. */
static bool enter_workspace(struct segment_writer *w, const struct field *workspace, struct err *e)
{
	struct segment_key key;

	if (!sealing_find_key(w->options.keys, workspace, &key, e))
		return false;
	w->workspace_key = key.key;
	describe_key(workspace, &key, &w->keys);
	w->key_count++;
	return buf_ok(&w->keys, e);
}

/* Makes the last group the row's. A new one ends the block. */
static bool enter_group(struct segment_writer *w, const struct field *fields, struct err *e)
{
	const struct field *workspace = field_or_null(fields, w->workspace);
	const struct field *version = field_or_null(fields, w->version);
	struct segment_group *g = w->group_count ? &w->groups[w->group_count - 1] : NULL;
	void *groups = w->groups;
	bool new_workspace;

	if (g && same_value(workspace, &g->workspace, g->workspace_null) &&
	    same_value(version, &g->version, g->version_null))
		return true;
	new_workspace = !g || !same_value(workspace, &g->workspace, g->workspace_null);
	if (!end_block(w, e) ||
	    (w->options.keys && new_workspace && !enter_workspace(w, workspace, e)) ||
	    !mem_grow(&groups, &w->group_capacity, w->group_count + 1, sizeof(*w->groups), e))
		return false;
	w->groups = groups;
	g = &w->groups[w->group_count++];
	*g = (struct segment_group){ .first_row = w->rows };
	return copy_value(workspace, &g->workspace, &g->workspace_null, e) &&
	       copy_value(version, &g->version, &g->version_null, e);
}

static bool add_to_block(struct segment_writer *w, const struct field *fields, uint64_t hash,
			 uint64_t raw, struct err *e)
{
	struct encode_job *job = w->filling;
	size_t value_bytes = (size_t)raw - 2 - 4 * w->column_count;
	uint8_t *at = buf_reserve(&job->bytes, value_bytes);

	for (size_t i = 0; at && i < w->column_count; i++) {
		if (fields[i].len <= 0)
			continue;
		memcpy(at, fields[i].data, (size_t)fields[i].len);
		at += fields[i].len;
	}
	buf_add(&job->fields, fields, w->column_count * sizeof(*fields));
	buf_add(&job->hashes, &hash, sizeof(hash));
	if (!buf_ok(&job->bytes, e) || !buf_ok(&job->fields, e) || !buf_ok(&job->hashes, e))
		return false;
	job->bytes.len += value_bytes;
	job->rows++;
	job->raw_bytes += raw;
	return true;
}

static bool index_row(struct segment_writer *w, const struct field *fields, struct err *e)
{
	if (w->id_count > 0) {
		for (size_t i = 0; i < w->id_count; i++)
			w->id_fields[i] = fields[w->ids[i]];
		if (!run_index_add(&w->chunks, run_hash(w->id_fields, w->id_count), w->rows, e))
			return false;
	}
	if (w->document < 0)
		return true;
	return run_index_add(&w->documents, run_hash(&fields[w->document], 1), w->rows, e);
}

static bool add_row(struct segment_writer *w, const struct field *fields, uint64_t hash,
		    struct err *e)
{
	uint64_t raw = block_raw_bytes(fields, w->column_count);
	struct segment_group *g;

	if (w->sealed)
		return err_set(e, ERR_INTERNAL, "a sealed segment takes no more rows");
	if (w->rows == SEGMENT_ROWS_MAX)
		return err_set(e, ERR_INTERNAL, "a segment takes at most %u rows",
			       SEGMENT_ROWS_MAX);
	if (!enter_group(w, fields, e))
		return false;
	if (w->filling &&
	    (w->filling->rows == w->options.block_rows ||
	     w->filling->raw_bytes + raw > w->options.block_bytes) &&
	    !end_block(w, e))
		return false;
	if (!w->filling && !begin_block(w, e))
		return false;
	if (!add_to_block(w, fields, hash, raw, e) || !index_row(w, fields, e))
		return false;
	g = &w->groups[w->group_count - 1];
	g->rows++;
	g->raw_bytes += raw;
	w->raw_bytes += raw;
	w->rows++;
	return true;
}

bool segment_writer_add(struct segment_writer *w, const struct field *fields, uint64_t hash,
			struct err *e)
{
	if (!check_failed(w, e))
		return false;
	return add_row(w, fields, hash, e) ? true : fail(w, e);
}

uint32_t segment_writer_rows(const struct segment_writer *w)
{
	return w->rows;
}

uint64_t segment_writer_bytes(const struct segment_writer *w)
{
	uint64_t waiting = w->raw_bytes - w->stored_raw_bytes;

	/* As what was stored so far; before that, three quarters. */
	if (w->stored_raw_bytes == 0)
		return waiting - waiting / 4;
	return w->stored_bytes +
	       (uint64_t)((double)waiting * (double)w->stored_bytes / (double)w->stored_raw_bytes);
}

/* ---- sealing ---- */

static bool put_value(struct segment_writer *w, const char *name, const void *value, size_t len,
		      struct err *e)
{
	struct lmdb_item *item = batch_item(w, DB_META, name, strlen(name));

	buf_add(&item->value, value, len);
	return batch_added(w, item, e);
}

/* In clear is only what a reader needs to know which key opens the rest. */
static bool put_sealed_meta(struct segment_writer *w, struct err *e)
{
	struct lmdb_item *item = batch_item(w, DB_META, META_ABOUT, strlen(META_ABOUT));
	char format[16];

	buf_add_varint(&item->value, w->rows);
	buf_add_varint(&item->value, w->about_count);
	buf_add(&item->value, w->about.data, w->about.len);
	buf_add(&item->value, w->dictionary.data, w->dictionary.len);
	snprintf(format, sizeof(format), "%d", SEGMENT_FORMAT_SEALED);
	return seal_item(w, item, SEAL_ABOUT, 0, e) && batch_added(w, item, e) &&
	       put_value(w, "format", format, strlen(format), e) &&
	       put_value(w, META_SEGMENT_ID, w->segment_id, SEGMENT_ID_BYTES, e);
}

static bool put_meta(struct segment_writer *w, struct err *e)
{
	char rows[16], format[16];
	/* In the order of their names, as LMDB appends them. */
	const struct {
		const char *name;
		const void *value;
		size_t len;
	} pairs[] = {
		{ "created_at", w->created_at, w->created_at ? strlen(w->created_at) : 0 },
		{ "dictionary", w->dictionary.len ? w->dictionary.data : NULL, w->dictionary.len },
		{ "format", format,
		  (size_t)snprintf(format, sizeof(format), "%d", SEGMENT_FORMAT_PLAIN) },
		{ "leaf", w->leaf, w->leaf ? strlen(w->leaf) : 0 },
		{ "object_key", w->object_key, w->object_key ? strlen(w->object_key) : 0 },
		{ "rows", rows, (size_t)snprintf(rows, sizeof(rows), "%u", w->rows) },
		{ "table", w->table, w->table ? strlen(w->table) : 0 },
	};

	if (w->options.keys)
		return put_sealed_meta(w, e);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].value && !put_value(w, pairs[i].name, pairs[i].value, pairs[i].len, e))
			return false;
	return true;
}

static bool put_columns(struct segment_writer *w, struct err *e)
{
	for (size_t i = 0; i < w->column_count; i++) {
		struct lmdb_item *item;
		uint8_t key[2];

		put_u16be(key, (uint16_t)i);
		item = batch_item(w, DB_COLUMNS, key, sizeof(key));
		describe_column(&w->columns[i], &item->value);
		if (!seal_item(w, item, SEAL_COLUMN, i, e) || !batch_added(w, item, e))
			return false;
	}
	return true;
}

static bool put_groups(struct segment_writer *w, struct err *e)
{
	for (size_t i = 0; i < w->group_count; i += GROUP_BUCKET) {
		size_t end = w->group_count - i < GROUP_BUCKET ? w->group_count : i + GROUP_BUCKET;
		struct lmdb_item *item;
		uint8_t key[4];

		put_u32be(key, (uint32_t)(i / GROUP_BUCKET));
		item = batch_item(w, DB_BY_WORKSPACE, key, sizeof(key));
		buf_add_varint(&item->value, end - i);
		for (size_t k = i; k < end; k++)
			describe_group(&w->groups[k], &item->value);
		if (!seal_item(w, item, SEAL_GROUPS, i / GROUP_BUCKET, e) ||
		    !batch_added(w, item, e))
			return false;
	}
	return true;
}

/* Sorts the runs, puts them, keeps their bytes in all for the index object, and frees them. */
static bool put_runs(struct segment_writer *w, enum seal_kind kind, struct run_index *runs,
		     struct packer *p, struct buf *all, struct err *e)
{
	const char *database = kind == SEAL_CHUNKS ? DB_BY_CHUNK : DB_BY_DOCUMENT;

	run_index_sort(runs);
	for (size_t i = 0; i < run_index_buckets(runs); i++) {
		struct lmdb_item *item;
		uint8_t key[4];

		put_u32be(key, (uint32_t)i);
		item = batch_item(w, database, key, sizeof(key));
		run_index_write(runs, i, p, &item->value);
		buf_add(all, item->value.data, item->value.len);
		if (!buf_ok(all, e) || !seal_item(w, item, kind, i, e) || !batch_added(w, item, e))
			return false;
	}
	run_index_release(runs);
	return true;
}

/* Asks the sealed file where each block lies, and looks there without LMDB, as a ranged read will: by the end of the block,
 * which is a checksum or part of a tag. */
static bool locate_blocks(struct segment_writer *w, uint64_t file_bytes, struct err *e)
{
	static const char *const databases[] = { DB_META,     DB_COLUMNS,     DB_BLOCKS,
						 DB_BY_CHUNK, DB_BY_DOCUMENT, DB_BY_WORKSPACE,
						 NULL };
	struct lmdb_sealed *sealed = NULL;
	bool ok = false;
	int fd = file_open_read(w->segment_path, e);

	if (fd < 0)
		return false;
	sealed = lmdb_sealed_open(w->segment_path, databases, e);
	if (!sealed)
		goto out;
	for (size_t i = 0; i < w->block_count; i++) {
		struct block_entry *b = &w->blocks[i];
		struct lmdb_value v;
		uint8_t key[4], end[8];

		put_u32be(key, (uint32_t)i);
		if (!lmdb_sealed_get(sealed, DB_BLOCKS, key, sizeof(key), &v, e))
			goto out;
		b->offset = v.offset;
		if (v.len != b->bytes || v.offset > file_bytes || v.len > file_bytes - v.offset ||
		    !file_pread_all(fd, end, sizeof(end), b->offset + b->bytes - sizeof(end),
				    w->segment_path, e) ||
		    get_u64le(end) != b->last) {
			err_set(e, ERR_INTERNAL, "block %zu is not where LMDB put it in \"%s\"", i,
				w->segment_path);
			goto out;
		}
	}
	ok = true;
out:
	lmdb_sealed_close(sealed);
	close(fd);
	return ok;
}

/* Not synced, like the segment: what is archived is read back from there. */
static bool write_file(const char *path, const void *data, size_t len, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0)
		return err_set_errno(e, ERR_IO, errno, "could not create file \"%s\"", path);
	ok = file_write_all(fd, data, len, path, e);
	if (close(fd) != 0 && ok)
		ok = err_set_errno(e, ERR_IO, errno, "could not close file \"%s\"", path);
	return ok;
}

static bool write_index(struct segment_writer *w, uint64_t segment_bytes, const struct buf *chunks,
			const struct buf *documents, struct packer *p, struct segment_sealed *out,
			struct err *e)
{
	struct index_source source = {
		.segment_bytes = segment_bytes,
		.rows = w->rows,
		.about = &w->about,
		.about_count = w->about_count,
		.columns = w->columns,
		.column_count = w->column_count,
		.groups = w->groups,
		.group_count = w->group_count,
		.blocks = w->blocks,
		.block_count = w->block_count,
		.chunks = chunks,
		.documents = documents,
		.dictionary = &w->dictionary,
		.segment_id = w->options.keys ? w->segment_id : NULL,
		.table_key = &w->table_key,
		.keys = &w->keys,
		.key_count = w->key_count,
	};
	struct buf bytes = BUF_INIT;
	bool ok;

	ok = index_object_write(&source, p, &bytes, e) &&
	     sha256_once(bytes.data, bytes.len, out->index_sha256, e) &&
	     write_file(w->index_path, bytes.data, bytes.len, e);
	out->index_bytes = bytes.len;
	buf_release(&bytes);
	return ok;
}

static bool seal(struct segment_writer *w, struct segment_sealed *out, struct err *e)
{
	struct buf chunks = BUF_INIT, documents = BUF_INIT;
	struct packer p = { 0 };
	bool ok = false;

	if (w->sealed || w->rows == 0)
		return err_set(e, ERR_INTERNAL,
			       w->sealed ? "the segment is sealed already"
					 : "cannot seal a segment without rows");
	if (!end_block(w, e) || (w->training && !end_training(w, e)) || !store_while(w, 0, 0, e) ||
	    !flush_batch(w, e))
		return false;
	end_encoding(w);
	if (!packer_init(&p, w->options.zstd_level, e))
		return false;
	if (!put_runs(w, SEAL_CHUNKS, &w->chunks, &p, &chunks, e) ||
	    !put_runs(w, SEAL_DOCUMENTS, &w->documents, &p, &documents, e) || !put_groups(w, e) ||
	    !put_columns(w, e) || !put_meta(w, e) || !flush_batch(w, e))
		goto out;
	if (!lmdb_work_seal(w->work, &out->bytes, out->sha256, e))
		goto out;
	lmdb_work_free(w->work);
	w->work = NULL;
	if (!locate_blocks(w, out->bytes, e) ||
	    !write_index(w, out->bytes, &chunks, &documents, &p, out, e))
		goto out;
	out->path = mem_strdup(w->segment_path, e);
	out->index_path = mem_strdup(w->index_path, e);
	if (!out->path || !out->index_path)
		goto out;
	out->raw_bytes = w->raw_bytes;
	out->rows = w->rows;
	out->blocks = (uint32_t)w->block_count;
	out->groups = w->groups;
	out->group_count = w->group_count;
	w->groups = NULL;
	w->group_count = 0;
	w->sealed = true;
	ok = true;
out:
	packer_release(&p);
	buf_release(&chunks);
	buf_release(&documents);
	return ok;
}

bool segment_writer_seal(struct segment_writer *w, struct segment_sealed *out, struct err *e)
{
	*out = (struct segment_sealed){ 0 };
	if (!check_failed(w, e))
		return false;
	if (seal(w, out, e))
		return true;
	segment_sealed_release(out);
	return fail(w, e);
}

void segment_sealed_release(struct segment_sealed *s)
{
	release_groups(s->groups, s->group_count);
	free(s->path);
	free(s->index_path);
	*s = (struct segment_sealed){ 0 };
}
