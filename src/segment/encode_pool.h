/* Threads that encode blocks. Blocks come out in the order they went in, so that the result does not depend on how
 * many threads there are. */
#ifndef SEGMENT_ENCODE_POOL_H
#define SEGMENT_ENCODE_POOL_H

#include <zstd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/row.h"
#include "segment/block.h"
#include "segment/sealing.h"

/* Rows on their way to becoming a block. */
struct encode_job {
	struct buf bytes;  /* values one after another, row by row */
	struct buf fields; /* struct field; data is filled in by encode_pool_submit */
	struct buf hashes; /* uint64_t */
	uint32_t first_row, rows, group;
	uint64_t raw_bytes;
	const uint8_t *key; /* NULL: the block is not sealed; borrowed, as is place's segment_id */
	struct seal_place place;

	struct buf block; /* the result */
	struct block_head head;
	uint8_t sha256[SHA256_BYTES]; /* of one that is not sealed */
	bool done, ok;
	struct err err; /* where not ok */
	struct encode_job *next;
};

struct encode_job *encode_job_new(struct err *e);
void encode_job_free(struct encode_job *job);

struct encode_pool;

/* columns are borrowed. The pool holds all work back until encode_pool_start. */
struct encode_pool *encode_pool_new(const struct column *columns, size_t column_count, int level,
				    int threads, struct err *e);
/* Ends the threads; what they have not begun is dropped. NULL is fine. */
void encode_pool_free(struct encode_pool *pool);

/* The oldest job, while the pool holds back; the others follow by next. */
const struct encode_job *encode_pool_held(const struct encode_pool *pool);

/* Lets the threads begin, with the dictionary (borrowed) or NULL. */
void encode_pool_start(struct encode_pool *pool, const ZSTD_CDict *dictionary);

void encode_pool_submit(struct encode_pool *pool, struct encode_job *job_owned);

/* The oldest job once it is done, for the caller to own; waits for it or, if wait is false, gives NULL. NULL also
 * when there is none. */
struct encode_job *encode_pool_take(struct encode_pool *pool, bool wait);

/* Jobs that were submitted and not taken, and the bytes of their rows. */
size_t encode_pool_count(const struct encode_pool *pool);
uint64_t encode_pool_bytes(const struct encode_pool *pool);

#endif
