/*
 * LMDB files as segments use them: written once by one process, then only read.
 *
 * The work file is written without MDB_WRITEMAP: a full disk must give an error, not SIGBUS, and pages written stay out
 * of this process's resident memory. Mapped pages that were read are given back (madvise) for the same reason.
 */
#ifndef SEGMENT_LMDB_FILE_H
#define SEGMENT_LMDB_FILE_H

#include "base/buf.h"
#include "base/hash.h"

#define LMDB_KEY_MAX 64

struct lmdb_item {
	const char *database;
	uint8_t key[LMDB_KEY_MAX];
	size_t key_len;
	struct buf value; /* owned by whoever holds the item */
};

/* ---- the work file ---- */

struct lmdb_work;

/* Creates the file, which must not exist. map_bytes is what it may grow to before the map is enlarged, at least a few
 * pages; the file itself takes what is in it. */
struct lmdb_work *lmdb_work_new(const char *path, uint64_t map_bytes, struct err *e);

/* Puts all items or none; keys of one database must ascend over all calls. ERR_IO when the disk is full. */
bool lmdb_work_put(struct lmdb_work *w, const struct lmdb_item *items, size_t count, struct err *e);

/* Ends the writing: the file stays, as it will be archived. A compacting copy would save a few pages of the free list,
 * since keys ascend and nothing is deleted. It is not synced: what is archived is read back from there. */
bool lmdb_work_seal(struct lmdb_work *w, uint64_t *bytes_out, uint8_t sha256[SHA256_BYTES],
		    struct err *e);

/* Removes the file unless it was sealed. NULL is fine. */
void lmdb_work_free(struct lmdb_work *w);

/* ---- a sealed file ---- */

struct lmdb_sealed;

/* The bytes must be known to be what was sealed: LMDB trusts them. ERR_CONFIG when a database is there that is neither
 * in known (NULL-terminated) nor marked optional by its name. */
struct lmdb_sealed *lmdb_sealed_open(const char *path, const char *const *known, struct err *e);
void lmdb_sealed_close(struct lmdb_sealed *s);

/* How many entries a database has; 0 when it is missing. */
uint32_t lmdb_sealed_count(const struct lmdb_sealed *s, const char *database);

struct lmdb_value {
	const uint8_t *data; /* in the map: valid until lmdb_sealed_forget or close */
	size_t len;
	uint64_t offset; /* of data in the file */
};

/* ERR_NOT_FOUND when there is no such entry. */
bool lmdb_sealed_get(struct lmdb_sealed *s, const char *database, const void *key, size_t key_len,
		     struct lmdb_value *out, struct err *e);

/* Gives the value's mapped pages back to the system; its data can still be read, at the cost of mapping it again. */
void lmdb_sealed_forget(struct lmdb_sealed *s, const struct lmdb_value *value);

#endif
