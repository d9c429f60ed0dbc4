/*
 * A growing byte buffer that remembers failure: append freely, then check once with buf_ok.
 * After a failed append the buffer keeps what it had and ignores further appends.
 *
 *     struct buf b = BUF_INIT;
 *     buf_printf(&b, "%s/%s", prefix, key);
 *     if (!buf_ok(&b, e)) ...
 *     use(buf_str(&b));
 *     buf_release(&b);
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf {
	uint8_t *data; /* NULL while empty */
	size_t len;
	size_t capacity;
	bool failed;
};

#define BUF_INIT  \
	{         \
		0 \
	}

void buf_release(struct buf *b);

/* Empties it and forgets a failure; keeps the memory. */
void buf_clear(struct buf *b);

/* false and ERR_MEMORY when an append had failed. */
bool buf_ok(const struct buf *b, struct err *e);

/* Room for n more bytes; returns where they go (then add n to len), or NULL after a failure. */
uint8_t *buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_byte(struct buf *b, uint8_t byte);
void buf_add_u16be(struct buf *b, uint16_t v);
void buf_add_u32be(struct buf *b, uint32_t v);
void buf_add_u64be(struct buf *b, uint64_t v);
void buf_add_u16le(struct buf *b, uint16_t v);
void buf_add_u32le(struct buf *b, uint32_t v);
void buf_add_u64le(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* The contents as a C string (a NUL follows the data); "" while empty or failed without memory. */
const char *buf_str(struct buf *b);

/* Moves the contents out as a heap string that the caller frees; NULL and e set if an append failed. */
char *buf_take(struct buf *b, struct err *e);

#endif
