/* The bytes of firn's own formats: a bounds-checked cursor for reading, variable-length integers for writing. */
#ifndef SEGMENT_WIRE_H
#define SEGMENT_WIRE_H

#include "base/buf.h"
#include "base/bytes.h"

/* Reads never go past the end: the first that would sets bad, and from then on all give zero or NULL. */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static inline struct cursor cursor_over(const uint8_t *data, size_t len)
{
	return (struct cursor){ .at = data, .left = len };
}

/* The next n bytes, borrowed. n 0 gives a pointer that must not be read. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *at = c->at;

	if (c->bad || n > c->left) {
		c->bad = true;
		return NULL;
	}
	if (n > 0)
		c->at += n;
	c->left -= n;
	return at;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);

	return p ? get_u16le(p) : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p ? get_u32le(p) : 0;
}

static inline uint64_t cursor_u64(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 8);

	return p ? get_u64le(p) : 0;
}

/* LEB128, unsigned, at most 64 bits; an encoding that holds more is bad. */
static inline uint64_t cursor_varint(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(c);

		if (shift == 63 && byte > 1)
			break;
		v |= (uint64_t)(byte & 127) << shift;
		if (!(byte & 128))
			return c->bad ? 0 : v;
	}
	c->bad = true;
	return 0;
}

/* A varint that must be at most max. */
static inline uint64_t cursor_varint_max(struct cursor *c, uint64_t max)
{
	uint64_t v = cursor_varint(c);

	if (v > max) {
		c->bad = true;
		return 0;
	}
	return v;
}

#define VARINT_MAX_BYTES 10

static inline size_t put_varint(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	for (; v > 127; v >>= 7)
		p[n++] = (uint8_t)(v | 128);
	p[n++] = (uint8_t)v;
	return n;
}

static inline void buf_add_varint(struct buf *b, uint64_t v)
{
	uint8_t tmp[VARINT_MAX_BYTES];

	buf_add(b, tmp, put_varint(tmp, v));
}

#endif
