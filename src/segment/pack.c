#include "segment/pack.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Below this, a frame's own header eats what compression would save. */
#define SMALLEST 24
#define SAMPLE   4096

/* zstd's ZSTD_c_literalCompressionMode and its value "always Huffman" (zstd.h, experimental section). Where a libzstd
 * does not take it, level 1 does the same job more slowly. */
#define PARAM_LITERALS   ZSTD_c_experimentalParam5
#define LITERALS_HUFFMAN 1

bool packer_init(struct packer *p, int level, struct err *e)
{
	*p = (struct packer){ .level = level };
	p->search = ZSTD_createCCtx();
	p->symbols = ZSTD_createCCtx();
	if (!p->search || !p->symbols) {
		packer_release(p);
		return err_no_memory(e);
	}
	ZSTD_CCtx_setParameter(p->search, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(p->search, ZSTD_c_contentSizeFlag, 0);
	ZSTD_CCtx_setParameter(p->search, ZSTD_c_dictIDFlag, 0);
	ZSTD_CCtx_setParameter(p->symbols, ZSTD_c_contentSizeFlag, 0);
	if (ZSTD_isError(ZSTD_CCtx_setParameter(p->symbols, PARAM_LITERALS, LITERALS_HUFFMAN)))
		ZSTD_CCtx_setParameter(p->symbols, ZSTD_c_compressionLevel, 1);
	else
		ZSTD_CCtx_setParameter(p->symbols, ZSTD_c_compressionLevel,
				       -1000); /* hardly any search */
	return true;
}

void packer_release(struct packer *p)
{
	ZSTD_freeCCtx(p->search);
	ZSTD_freeCCtx(p->symbols);
	buf_release(&p->trial);
	buf_release(&p->planes);
	*p = (struct packer){ 0 };
}

/* log2 of 64 to 127 in 1/256. */
static const uint16_t log2_of[64] = {
	1536, 1542, 1547, 1553, 1558, 1564, 1569, 1574, 1580, 1585, 1590, 1595, 1599,
	1604, 1609, 1614, 1618, 1623, 1628, 1632, 1636, 1641, 1645, 1649, 1654, 1658,
	1662, 1666, 1670, 1674, 1678, 1682, 1686, 1690, 1693, 1697, 1701, 1705, 1708,
	1712, 1715, 1719, 1722, 1726, 1729, 1733, 1736, 1739, 1743, 1746, 1749, 1752,
	1756, 1759, 1762, 1765, 1768, 1771, 1774, 1777, 1780, 1783, 1786, 1789,
};

/* log2 in 1/256. v at least 1. */
static uint32_t log2_q8(uint32_t v)
{
	int shift = 25 - __builtin_clz(v); /* to seven bits */
	uint32_t top = shift >= 0 ? v >> shift : v << -shift;

	return (uint32_t)((int)log2_of[top - 64] + 256 * shift);
}

uint32_t pack_estimate(const uint8_t *data, size_t len)
{
	uint32_t count[256] = { 0 }, used = 0, samples = 0;
	uint64_t sum = 0, bits;
	/* An odd step, so that it does not fall in step with rows of even length. */
	size_t step = len > SAMPLE ? (len / SAMPLE) | 1 : 1;

	if (len == 0)
		return 0;
	for (size_t i = 0; i < len; i += step) {
		count[data[i]]++;
		samples++;
	}
	for (size_t i = 0; i < 256; i++) {
		if (!count[i])
			continue;
		used++;
		sum += (uint64_t)count[i] * log2_q8(count[i]);
	}
	bits = log2_q8(samples) - sum / samples;
	/* A small sample looks less random than its source: the correction of Miller and Madow, (used - 1) / 2n ln 2. */
	return (uint32_t)bits + (used - 1) * 185 / samples;
}

static size_t compress(struct packer *p, ZSTD_CCtx *ctx, const ZSTD_CDict *dictionary,
		       const void *data, size_t len, struct buf *out)
{
	size_t bound = ZSTD_compressBound(len), n;
	uint8_t *at = buf_reserve(out, bound);

	if (!at)
		return SIZE_MAX;
	if (ctx == p->search)
		ZSTD_CCtx_refCDict(ctx, dictionary);
	n = ZSTD_compress2(ctx, at, bound, data, len);
	if (ZSTD_isError(n)) {
		out->failed = true;
		return SIZE_MAX;
	}
	return n;
}

void pack_add_raw(const void *data, size_t len, struct buf *out)
{
	buf_add_byte(out, PACK_RAW);
	buf_add_varint(out, len);
	buf_add(out, data, len);
}

static void add_frame(enum pack_method method, size_t len, const uint8_t *frame, size_t frame_len,
		      struct buf *out)
{
	uint8_t head[1 + 2 * VARINT_MAX_BYTES] = { (uint8_t)method };
	size_t head_len = 1;
	uint8_t *at;

	head_len += put_varint(head + head_len, len);
	head_len += put_varint(head + head_len, frame_len);
	/* The frame may lie in out already, just past its end: move it before the header overwrites it. */
	at = frame == out->data + out->len ? out->data + out->len
					   : buf_reserve(out, head_len + frame_len);
	if (!at)
		return;
	memmove(at + head_len, frame, frame_len);
	memcpy(at, head, head_len);
	out->len += head_len + frame_len;
}

static void add_best(struct packer *p, bool search, bool symbols, enum pack_method method,
		     const void *data, size_t len, struct buf *out)
{
	const ZSTD_CDict *dictionary = method == PACK_ZSTD_DICTIONARY ? p->dictionary : NULL;
	size_t most = len - len / 64, found = SIZE_MAX, other = SIZE_MAX;

	/* Room for the frame and its header at once: the frame is made where it will stay. */
	if (!buf_reserve(out, ZSTD_compressBound(len) + 1 + 2 * VARINT_MAX_BYTES))
		return;
	if (search)
		found = compress(p, p->search, dictionary, data, len, out);
	if (symbols) {
		buf_clear(&p->trial);
		other = compress(p, p->symbols, NULL, data, len, search ? &p->trial : out);
		out->failed |= p->trial.failed;
	}
	if (out->failed)
		return;
	if (found > most && other > most)
		pack_add_raw(data, len, out);
	else if (found <= other)
		add_frame(method, len, out->data + out->len, found, out);
	else
		add_frame(PACK_ZSTD, len, search ? p->trial.data : out->data + out->len, other,
			  out);
}

void pack_add(struct packer *p, enum pack_hint hint, const void *data, size_t len, struct buf *out)
{
	const uint8_t *bytes = data;

	if (len > 3 && memcmp(bytes, bytes + 1, len - 1) == 0) {
		buf_add_byte(out, PACK_RUN);
		buf_add_varint(out, len);
		buf_add_byte(out, bytes[0]);
		return;
	}
	if (len < SMALLEST) {
		pack_add_raw(data, len, out);
		return;
	}
	if (hint == PACK_TEXT)
		add_best(p, true, false, p->dictionary ? PACK_ZSTD_DICTIONARY : PACK_ZSTD, data,
			 len, out);
	else if (hint == PACK_BYTES && pack_is_noise(pack_estimate(bytes, len)))
		pack_add_raw(data, len, out);
	else
		add_best(p, hint == PACK_BYTES, true, PACK_ZSTD, data, len, out);
}

bool unpacker_init(struct unpacker *u, struct err *e)
{
	*u = (struct unpacker){ .dctx = ZSTD_createDCtx() };
	return u->dctx ? true : err_no_memory(e);
}

void unpacker_release(struct unpacker *u)
{
	ZSTD_freeDCtx(u->dctx);
	for (size_t i = 0; i < sizeof(u->pieces) / sizeof(u->pieces[0]); i++)
		free(u->pieces[i].data);
	*u = (struct unpacker){ 0 };
}

void unpacker_restart(struct unpacker *u, size_t budget_bytes)
{
	u->piece_count = 0;
	u->budget_bytes = budget_bytes;
}

void *unpacker_room(struct unpacker *u, size_t n, struct err *e)
{
	struct unpack_piece *piece = &u->pieces[u->piece_count];

	if (n > u->budget_bytes || u->piece_count == sizeof(u->pieces) / sizeof(u->pieces[0])) {
		err_set(e, ERR_DATA, "more is packed than can be true");
		return NULL;
	}
	if (n > piece->capacity || !piece->data) {
		free(piece->data);
		*piece = (struct unpack_piece){ malloc(n ? n : 1), n };
		if (!piece->data) {
			piece->capacity = 0;
			err_no_memory(e);
			return NULL;
		}
	}
	u->budget_bytes -= n;
	u->piece_count++;
	return piece->data;
}

/* Reads what precedes the bytes: *len_out is how many are stored. */
static bool read_head(struct cursor *c, size_t expected, enum pack_method *method_out,
		      size_t *len_out, struct err *e)
{
	uint8_t method = cursor_u8(c);
	uint64_t len = cursor_varint(c);

	*method_out = (enum pack_method)method;
	*len_out = expected;
	if (!c->bad && method <= PACK_RUN && len == expected) {
		if (method == PACK_RUN)
			*len_out = 1;
		else if (method != PACK_RAW)
			*len_out = (size_t)cursor_varint_max(c, c->left);
		if (!c->bad)
			return true;
	}
	return err_set(e, ERR_DATA, "packed bytes are damaged");
}

bool unpack_to(struct unpacker *u, struct cursor *c, uint8_t *dest, size_t expected, struct err *e)
{
	enum pack_method method;
	const uint8_t *stored;
	size_t len, n;

	if (!read_head(c, expected, &method, &len, e))
		return false;
	stored = cursor_take(c, len);
	if (!stored || (method == PACK_ZSTD_DICTIONARY && !u->dictionary))
		return err_set(e, ERR_DATA, "packed bytes are damaged");
	if (expected == 0)
		return true;
	if (method == PACK_RAW) {
		memcpy(dest, stored, expected);
	} else if (method == PACK_RUN) {
		memset(dest, stored[0], expected);
	} else {
		n = method == PACK_ZSTD ? ZSTD_decompressDCtx(u->dctx, dest, expected, stored, len)
					: ZSTD_decompress_usingDDict(u->dctx, dest, expected,
								     stored, len, u->dictionary);
		if (ZSTD_isError(n) || n != expected)
			return err_set(e, ERR_DATA, "packed bytes are damaged");
	}
	return true;
}

const uint8_t *unpack(struct unpacker *u, struct cursor *c, size_t expected, struct err *e)
{
	struct cursor look = *c;
	enum pack_method method;
	uint8_t *dest;
	size_t len;

	if (!read_head(&look, expected, &method, &len, e))
		return NULL;
	if (method == PACK_RAW) {
		const uint8_t *stored = cursor_take(&look, len);

		*c = look;
		if (!stored)
			err_set(e, ERR_DATA, "packed bytes are damaged");
		return stored;
	}
	dest = unpacker_room(u, expected, e);
	return dest && unpack_to(u, c, dest, expected, e) ? dest : NULL;
}
