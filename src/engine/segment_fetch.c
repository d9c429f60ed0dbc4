/* Segments and their index objects from the archive, never trusted before their digest was compared. */
#include "engine/engine.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/signal.h"

#define READS_MAX 4

/* ---- the local cache of index objects: files named by their digest, so that a wrong one cannot be taken ---- */

#define CACHE_ENTRIES_MAX 1000000 /* that are looked at, for reports */

int64_t engine_cache_bytes(const struct firn *f)
{
	struct buf path = BUF_INIT;
	struct err ignored;
	int64_t bytes = 0;

	buf_printf(&path, "%s/index", f->config.cache.dir);
	if (buf_ok(&path, &ignored))
		bytes = (int64_t)file_folder_bytes(buf_str(&path), CACHE_ENTRIES_MAX);
	buf_release(&path);
	return bytes;
}

static bool cache_path(struct firn *f, const struct segment_record *r, struct buf *out,
		       struct err *e)
{
	char hex[SHA256_HEX_BYTES];

	hex_encode(r->index_sha256, SHA256_BYTES, hex);
	buf_printf(out, "%s/index/%s.idx", f->config.cache.dir, hex);
	return buf_ok(out, e);
}

static bool has_digest(const struct buf *bytes, const uint8_t expected[SHA256_BYTES], struct err *e)
{
	uint8_t digest[SHA256_BYTES];

	return sha256_once(bytes->data, bytes->len, digest, e) &&
	       memcmp(digest, expected, SHA256_BYTES) == 0;
}

struct cached_file {
	char *path;
	int64_t used_s;
	uint64_t bytes;
};

static int by_use(const void *a, const void *b)
{
	const struct cached_file *x = a, *y = b;

	return x->used_s < y->used_s ? -1 : x->used_s > y->used_s;
}

/* Removes the files used longest ago until the rest fits. Best effort: a cache that cannot be read is no error. */
static void evict(struct firn *f, const char *dir_path)
{
	struct cached_file *files = NULL;
	size_t count = 0, capacity = 0;
	uint64_t total = 0;
	struct err ignored = { 0 };
	DIR *dir = opendir(dir_path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		struct buf path = BUF_INIT;
		void *array = files;
		struct stat st;

		buf_printf(&path, "%s/%s", dir_path, entry->d_name);
		if (entry->d_name[0] != '.' && buf_ok(&path, &ignored) &&
		    stat(buf_str(&path), &st) == 0 && S_ISREG(st.st_mode) &&
		    mem_grow(&array, &capacity, count + 1, sizeof(*files), &ignored)) {
			files = array;
			files[count++] = (struct cached_file){ buf_take(&path, &ignored),
							       st.st_mtime, (uint64_t)st.st_size };
			total += (uint64_t)st.st_size;
		}
		buf_release(&path);
	}
	if (dir)
		closedir(dir);
	if (count && total > f->config.cache.max_bytes)
		qsort(files, count, sizeof(*files), by_use);
	for (size_t i = 0; i < count; i++) {
		if (files[i].path && total > f->config.cache.max_bytes &&
		    unlink(files[i].path) == 0)
			total -= files[i].bytes;
		free(files[i].path);
	}
	free(files);
}

/* What is kept for the next time; failing to keep it is only worth a line in the log. */
static void cache_store(struct firn *f, const char *path, const struct buf *bytes)
{
	struct err e = { 0 };
	char *dir = mem_strndup(path, (size_t)(strrchr(path, '/') - path), &e);

	if (!dir || !file_make_dirs(dir, &e) ||
	    !file_write_atomic(path, bytes->data, bytes->len, &e))
		log_warning(&f->log, "could not keep an index in the cache: %s", e.message);
	else
		evict(f, dir);
	free(dir);
}

bool engine_read_again(struct firn *f, const char *key, int *reads, struct err *e)
{
	if (e->code != ERR_DATA || ++*reads >= READS_MAX || signal_stop_requested())
		return false;
	log_warning(&f->log, "object \"%s\" came back damaged, reading it again: %s", key,
		    e->message);
	err_clear(e);
	return true;
}

static struct segment_index *fetch_index(struct firn *f, const struct segment_record *r,
					 const struct segment_keys *keys, int64_t *fetched_bytes,
					 struct buf *bytes, struct err *e)
{
	buf_clear(bytes);
	if (!store_get_range(f->store, r->index_key, 0, (uint64_t)r->index_bytes, bytes, e))
		return NULL;
	if (fetched_bytes)
		*fetched_bytes += (int64_t)bytes->len;
	if (!has_digest(bytes, r->index_sha256, e)) {
		if (e->code == ERR_NONE)
			err_set(e, ERR_DATA,
				"object \"%s\" is not what was archived: its digest differs",
				r->index_key);
		return NULL;
	}
	return segment_index_parse(bytes->data, bytes->len, keys, e);
}

struct segment_index *engine_segment_index(struct firn *f, const struct segment_record *r,
					   int64_t *fetched_bytes, struct err *e)
{
	struct store *store = engine_store(f, e);
	struct segment_index *index = NULL;
	struct buf path = BUF_INIT, bytes = BUF_INIT;
	struct err miss = { 0 };
	const struct segment_keys *keys;
	int reads = 0;

	if (!store || !engine_segment_keys(f, r, &keys, e) || !cache_path(f, r, &path, e))
		goto out;
	if (file_read(buf_str(&path), (uint64_t)r->index_bytes, &bytes, &miss) &&
	    has_digest(&bytes, r->index_sha256, &miss)) {
		utimensat(AT_FDCWD, buf_str(&path), NULL, 0); /* used now: evicted later */
		index = segment_index_parse(bytes.data, bytes.len, keys, e);
		goto out;
	}
	do {
		index = fetch_index(f, r, keys, fetched_bytes, &bytes, e);
	} while (!index && engine_read_again(f, r->index_key, &reads, e));
	if (index)
		cache_store(f, buf_str(&path), &bytes);
out:
	if (!index)
		err_wrap(e, "could not read the index of segment %" PRId64, r->id);
	buf_release(&path);
	buf_release(&bytes);
	return index;
}

static bool fetch_copy(struct firn *f, const struct segment_record *r, const char *path,
		       struct err *e)
{
	uint8_t digest[SHA256_BYTES];
	uint64_t bytes;

	if (!store_get_file(f->store, r->object_key, path, digest, &bytes, e))
		return false;
	if (bytes != (uint64_t)r->bytes)
		return err_set(e, ERR_DATA,
			       "object \"%s\" has %" PRIu64 " bytes instead of %" PRId64,
			       r->object_key, bytes, r->bytes);
	if (memcmp(digest, r->sha256, SHA256_BYTES) != 0)
		return err_set(e, ERR_DATA,
			       "object \"%s\" is not what was archived: its digest differs",
			       r->object_key);
	return true;
}

bool engine_segment_copy(struct firn *f, const struct segment_record *r, char **path_out,
			 struct err *e)
{
	struct store *store = engine_store(f, e);
	const char *dir = engine_scratch(f, e);
	struct buf path = BUF_INIT;
	int reads = 0;
	bool ok;

	*path_out = NULL;
	if (!store || !dir)
		return false;
	buf_printf(&path, "%s/fetched-%" PRId64 ".seg", dir, r->id);
	*path_out = buf_take(&path, e);
	if (!*path_out)
		return false;
	do {
		ok = fetch_copy(f, r, *path_out, e);
	} while (!ok && engine_read_again(f, r->object_key, &reads, e));
	return ok;
}

struct segment_file *engine_segment_file(struct firn *f, const struct segment_record *r,
					 char **path_out, struct err *e)
{
	const struct segment_keys *keys;

	*path_out = NULL;
	if (!engine_segment_keys(f, r, &keys, e) || !engine_segment_copy(f, r, path_out, e))
		return NULL;
	return segment_file_open(*path_out, (uint64_t)r->bytes, r->sha256, keys, e);
}
