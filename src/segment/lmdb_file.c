#include "segment/lmdb_file.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define DATABASES_MAX   32
#define OPTIONAL_PREFIX "opt_"
/* A disk with less room than this is taken for full. */
#define NO_ROOM_BYTES ((uint64_t)1 << 20)

/* LMDB says EIO where less was written than it asked for, as on a disk that has just become full. */
static bool is_disk_full(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && fs.f_bavail * fs.f_frsize < NO_ROOM_BYTES;
}

static bool failed(int rc, const char *path, struct err *e)
{
	enum err_code code = ERR_INTERNAL;

	if (rc == EIO && is_disk_full(path))
		rc = ENOSPC;
	if (rc > 0)
		return err_set_errno(e, rc == ENOMEM ? ERR_MEMORY : ERR_IO, rc, "LMDB file \"%s\"",
				     path);
	if (rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_INVALID ||
	    rc == MDB_VERSION_MISMATCH)
		code = ERR_DATA;
	return err_set(e, code, "LMDB file \"%s\": %s", path, mdb_strerror(rc));
}

/*
 * Where LMDB mapped the file. Its interface tells this for fixed maps only, but every page begins with its own number,
 * and the page that a value begins on is known: a value in an overflow page starts on that page's first, any other
 * lies within its leaf.
 */
static const uint8_t *map_base(const void *value, size_t page_bytes)
{
	const uint8_t *page = (const uint8_t *)((uintptr_t)value & ~(uintptr_t)(page_bytes - 1));
	size_t number;

	memcpy(&number, page, sizeof(number));
	return page - number * page_bytes;
}

static size_t page_bytes_of(MDB_env *env)
{
	MDB_stat st;

	return mdb_env_stat(env, &st) == 0 ? st.ms_psize : 4096;
}

/* ---- the work file ---- */

struct lmdb_work {
	MDB_env *env; /* NULL once it is sealed */
	char *path;
	bool made, sealed;
};

struct lmdb_work *lmdb_work_new(const char *path, uint64_t map_bytes, struct err *e)
{
	const unsigned int flags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC;
	struct lmdb_work *w = mem_new(1, sizeof(*w), e);
	int rc;

	if (!w)
		return NULL;
	if (access(path, F_OK) == 0) {
		err_set(e, ERR_EXISTS, "file \"%s\" exists already", path);
		goto fail;
	}
	rc = mdb_env_create(&w->env);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(w->env, DATABASES_MAX);
	if (rc == 0)
		rc = mdb_env_set_mapsize(w->env, map_bytes);
	if (rc == 0)
		w->path = mem_strdup(path, e);
	if (rc == 0 && !w->path)
		goto fail;
	w->made = rc == 0;
	if (rc == 0)
		rc = mdb_env_open(w->env, path, flags, 0600);
	if (rc == 0)
		return w;
	failed(rc, path, e);
fail:
	lmdb_work_free(w);
	return NULL;
}

static int put_all(struct lmdb_work *w, const struct lmdb_item *items, size_t count)
{
	const char *database = NULL;
	MDB_txn *txn;
	MDB_dbi dbi = 0;
	int rc = mdb_txn_begin(w->env, NULL, 0, &txn);

	if (rc)
		return rc;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct lmdb_item *item = &items[i];
		MDB_val key = { item->key_len, (void *)item->key };
		MDB_val value = { item->value.len,
				  item->value.data ? item->value.data : (void *)"" };

		if (!database || !str_eq(database, item->database))
			rc = mdb_dbi_open(txn, item->database, MDB_CREATE, &dbi);
		database = item->database;
		if (rc == 0)
			rc = mdb_put(txn, dbi, &key, &value, MDB_APPEND);
	}
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

bool lmdb_work_put(struct lmdb_work *w, const struct lmdb_item *items, size_t count, struct err *e)
{
	uint64_t bytes = 0;
	MDB_envinfo info;
	int rc = 0;

	if (count == 0)
		return true;
	for (size_t i = 0; i < count; i++)
		bytes += items[i].value.len;
	for (int tries = 0; tries < 16; tries++) {
		rc = put_all(w, items, count);
		if (rc != MDB_MAP_FULL)
			break;
		/* No transaction is open here, so the map may move. */
		rc = mdb_env_info(w->env, &info);
		if (rc == 0)
			rc = mdb_env_set_mapsize(w->env, 2 * info.me_mapsize + bytes);
		if (rc)
			break;
	}
	return rc ? failed(rc, w->path, e) : true;
}

bool lmdb_work_seal(struct lmdb_work *w, uint64_t *bytes_out, uint8_t sha256[SHA256_BYTES],
		    struct err *e)
{
	mdb_env_close(w->env);
	w->env = NULL;
	if (!sha256_file(w->path, sha256, bytes_out, e))
		return false;
	w->sealed = true;
	return true;
}

void lmdb_work_free(struct lmdb_work *w)
{
	if (!w)
		return;
	if (w->env)
		mdb_env_close(w->env);
	if (w->made && !w->sealed)
		unlink(w->path);
	free(w->path);
	free(w);
}

/* ---- a sealed file ---- */

struct lmdb_sealed {
	MDB_env *env;
	MDB_txn *txn;
	char *path;
	size_t page_bytes, system_page_bytes;
	uint64_t file_bytes;
	struct database {
		char *name;
		MDB_dbi dbi;
	} databases[DATABASES_MAX];
	size_t database_count;
	const uint8_t *base; /* NULL until the first value was found */
};

static bool is_known(const char *name, const char *const *known)
{
	for (; *known; known++)
		if (str_eq(*known, name))
			return true;
	return false;
}

/* The main database names the others. */
static bool open_databases(struct lmdb_sealed *s, const char *const *known, struct err *e)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	MDB_dbi main_dbi;
	int rc = mdb_dbi_open(s->txn, NULL, 0, &main_dbi);
	bool ok = true;

	if (rc == 0)
		rc = mdb_cursor_open(s->txn, main_dbi, &cursor);
	if (rc)
		return failed(rc, s->path, e);
	while (ok && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		struct database *d = &s->databases[s->database_count];
		char *name = mem_strndup(key.mv_data, key.mv_size, e);

		if (!name)
			ok = false;
		else if (str_starts_with(name, OPTIONAL_PREFIX))
			free(name);
		else if (!is_known(name, known) || s->database_count == DATABASES_MAX) {
			ok = err_set(
				e, ERR_CONFIG,
				"segment \"%s\" has a part \"%s\" that this program does not know",
				s->path, name);
			free(name);
		} else {
			d->name = name;
			s->database_count++;
		}
	}
	mdb_cursor_close(cursor);
	if (ok && rc != MDB_NOTFOUND)
		return failed(rc, s->path, e);
	for (size_t i = 0; ok && i < s->database_count; i++) {
		rc = mdb_dbi_open(s->txn, s->databases[i].name, 0, &s->databases[i].dbi);
		if (rc)
			ok = failed(rc, s->path, e);
	}
	return ok;
}

struct lmdb_sealed *lmdb_sealed_open(const char *path, const char *const *known, struct err *e)
{
	struct lmdb_sealed *s = mem_new(1, sizeof(*s), e);
	struct stat st;
	int rc;

	if (!s)
		return NULL;
	s->path = mem_strdup(path, e);
	if (!s->path)
		goto fail;
	if (stat(path, &st) != 0) {
		err_set_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
			      "could not open file \"%s\"", path);
		goto fail;
	}
	s->file_bytes = (uint64_t)st.st_size;
	s->system_page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	rc = mdb_env_create(&s->env);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, DATABASES_MAX);
	if (rc == 0)
		rc = mdb_env_open(s->env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0);
	if (rc == 0)
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->txn);
	if (rc) {
		failed(rc, path, e);
		goto fail;
	}
	s->page_bytes = page_bytes_of(s->env);
	if (open_databases(s, known, e))
		return s;
fail:
	lmdb_sealed_close(s);
	return NULL;
}

void lmdb_sealed_close(struct lmdb_sealed *s)
{
	if (!s)
		return;
	if (s->txn)
		mdb_txn_abort(s->txn);
	if (s->env)
		mdb_env_close(s->env);
	for (size_t i = 0; i < s->database_count; i++)
		free(s->databases[i].name);
	free(s->path);
	free(s);
}

static const struct database *database_of(const struct lmdb_sealed *s, const char *name)
{
	for (size_t i = 0; i < s->database_count; i++)
		if (str_eq(s->databases[i].name, name))
			return &s->databases[i];
	return NULL;
}

uint32_t lmdb_sealed_count(const struct lmdb_sealed *s, const char *database)
{
	const struct database *d = database_of(s, database);
	MDB_stat st;

	return d && mdb_stat(s->txn, d->dbi, &st) == 0 && st.ms_entries <= UINT32_MAX
		       ? (uint32_t)st.ms_entries
		       : 0;
}

bool lmdb_sealed_get(struct lmdb_sealed *s, const char *database, const void *key, size_t key_len,
		     struct lmdb_value *out, struct err *e)
{
	const struct database *d = database_of(s, database);
	MDB_val k = { key_len, (void *)(uintptr_t)key }, v;
	int rc = d ? mdb_get(s->txn, d->dbi, &k, &v) : MDB_NOTFOUND;

	if (rc == MDB_NOTFOUND)
		return err_set(e, ERR_NOT_FOUND, "segment \"%s\" has no such entry in \"%s\"",
			       s->path, database);
	if (rc)
		return failed(rc, s->path, e);
	if (!s->base)
		s->base = map_base(v.mv_data, s->page_bytes);
	*out = (struct lmdb_value){ v.mv_data, v.mv_size,
				    (uint64_t)((const uint8_t *)v.mv_data - s->base) };
	if (out->offset > s->file_bytes || out->len > s->file_bytes - out->offset)
		return err_set(e, ERR_DATA, "segment \"%s\" has a value beyond its end", s->path);
	return true;
}

void lmdb_sealed_forget(struct lmdb_sealed *s, const struct lmdb_value *value)
{
	uint64_t from = value->offset / s->system_page_bytes * s->system_page_bytes;
	uint64_t to = value->offset + value->len;

	/* Small values share their pages with the tree: those stay. */
	if (value->len >= s->system_page_bytes)
		madvise((void *)(uintptr_t)(s->base + from), (size_t)(to - from), MADV_DONTNEED);
}
