/*
 * Byte strings, stored as they are or by zstd, whichever is worth it. FORMAT.md, "packed".
 * The encoder spends time only where a cheap estimate says that bytes can be saved: the low bytes of floats are noise,
 * and zstd would read them for nothing.
 */
#ifndef SEGMENT_PACK_H
#define SEGMENT_PACK_H

#include <zstd.h>

#include "segment/wire.h"

enum pack_method {
	PACK_RAW = 0,
	PACK_ZSTD = 1,
	PACK_ZSTD_DICTIONARY = 2,
	PACK_RUN = 3
};

enum pack_hint {
	PACK_TEXT,  /* repeats itself: zstd with the dictionary where there is one */
	PACK_BYTES, /* anything: what an estimate and a try find best */
	PACK_SYMBOLS, /* known to be skewed, without repeats: Huffman codes alone, five times faster than a search */
};

/* One thread's encoder. level and dictionary are set by the owner before use; the dictionary is borrowed. */
struct packer {
	int level;
	const ZSTD_CDict *dictionary;
	ZSTD_CCtx *search, *symbols; /* contexts with their parameters set once */
	struct buf trial;            /* the second of two tries */
	struct buf planes;           /* work space of ints.c */
};

bool packer_init(struct packer *p, int level, struct err *e);
void packer_release(struct packer *p);

/* Appends the string. A failure (memory only) is left in out, as buf.h does. */
void pack_add(struct packer *p, enum pack_hint hint, const void *data, size_t len, struct buf *out);

/* The same as it is. */
void pack_add_raw(const void *data, size_t len, struct buf *out);

/* Bits a byte that an order-0 code would need, in 1/256 bit, from a sample of at most 4096 bytes; 0 for none. */
uint32_t pack_estimate(const uint8_t *data, size_t len);

/* 7.85 bits and more: less than 2% to gain. */
static inline bool pack_is_noise(uint32_t estimate)
{
	return estimate >= 785 * 256 / 100;
}

/*
 * One thread's decoder: a context and memory that is handed out in pieces and taken back all at once.
 * Whoever starts a decode sets budget_bytes: what all pieces together may take.
 */
struct unpacker {
	ZSTD_DCtx *dctx;
	const ZSTD_DDict *dictionary; /* borrowed; NULL: frames that need one are damaged */
	size_t budget_bytes;
	struct unpack_piece {
		uint8_t *data;
		size_t capacity;
	} pieces[48];
	size_t piece_count;
};

bool unpacker_init(struct unpacker *u, struct err *e);
void unpacker_release(struct unpacker *u);

/* Takes all pieces back and sets the budget anew. */
void unpacker_restart(struct unpacker *u, size_t budget_bytes);

/* n bytes (aligned for any type) that last until the restart. ERR_DATA above the budget. */
void *unpacker_room(struct unpacker *u, size_t n, struct err *e);

/* Reads one packed string that must hold expected bytes; the result is borrowed from the cursor's bytes or from u.
 * NULL and ERR_DATA when it is damaged. */
const uint8_t *unpack(struct unpacker *u, struct cursor *c, size_t expected, struct err *e);

/* The same into dest, which has room for expected bytes. */
bool unpack_to(struct unpacker *u, struct cursor *c, uint8_t *dest, size_t expected, struct err *e);

#endif
