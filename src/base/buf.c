#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

bool buf_ok(const struct buf *b, struct err *e)
{
	return b->failed ? err_no_memory(e) : true;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	struct err ignored;
	void *data = b->data;

	if (b->failed)
		return NULL;
	/* One byte more, so that buf_str always has room for its NUL. */
	if (n >= SIZE_MAX - b->len || !mem_grow(&data, &b->capacity, b->len + n + 1, 1, &ignored)) {
		b->failed = true;
		return NULL;
	}
	b->data = data;
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	uint8_t *at = buf_reserve(b, len);

	if (!at || len == 0)
		return;
	memcpy(at, data, len);
	b->len += len;
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_add_byte(struct buf *b, uint8_t byte)
{
	buf_add(b, &byte, 1);
}

void buf_add_u16be(struct buf *b, uint16_t v)
{
	uint8_t tmp[2];

	put_u16be(tmp, v);
	buf_add(b, tmp, sizeof(tmp));
}

void buf_add_u32be(struct buf *b, uint32_t v)
{
	uint8_t tmp[4];

	put_u32be(tmp, v);
	buf_add(b, tmp, sizeof(tmp));
}

void buf_add_u64be(struct buf *b, uint64_t v)
{
	uint8_t tmp[8];

	put_u64be(tmp, v);
	buf_add(b, tmp, sizeof(tmp));
}

void buf_add_u16le(struct buf *b, uint16_t v)
{
	uint8_t tmp[2];

	put_u16le(tmp, v);
	buf_add(b, tmp, sizeof(tmp));
}

void buf_add_u32le(struct buf *b, uint32_t v)
{
	uint8_t tmp[4];

	put_u32le(tmp, v);
	buf_add(b, tmp, sizeof(tmp));
}

void buf_add_u64le(struct buf *b, uint64_t v)
{
	uint8_t tmp[8];

	put_u64le(tmp, v);
	buf_add(b, tmp, sizeof(tmp));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int len;
	uint8_t *at;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0) {
		b->failed = true;
		return;
	}
	at = buf_reserve(b, (size_t)len);
	if (!at)
		return;
	va_start(ap, fmt);
	vsnprintf((char *)at, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
}

const char *buf_str(struct buf *b)
{
	if (!b->data)
		return "";
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

char *buf_take(struct buf *b, struct err *e)
{
	char *s;

	if (!buf_ok(b, e) || (!b->data && !buf_reserve(b, 0))) {
		err_no_memory(e);
		return NULL;
	}
	b->data[b->len] = '\0';
	s = (char *)b->data;
	*b = (struct buf)BUF_INIT;
	return s;
}
