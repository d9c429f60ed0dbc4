#include "segment/sealing.h"

#include <string.h>

#include "base/bytes.h"

static const uint8_t magic[8] = { 'F', 'I', 'R', 'N', 'S', 'E', 'A', 'L' };

void sealing_aad(const struct seal_place *place, uint8_t out[SEAL_AAD_BYTES])
{
	memcpy(out, magic, sizeof(magic));
	memcpy(out + 8, place->segment_id, SEGMENT_ID_BYTES);
	put_u32le(out + 24, (uint32_t)place->kind);
	put_u32le(out + 28, place->number);
}

bool sealing_end(const uint8_t *key, const struct seal_place *place, struct buf *b, size_t start,
		 struct err *e)
{
	uint8_t aad[SEAL_AAD_BYTES];

	sealing_aad(place, aad);
	return seal_end(key, aad, sizeof(aad), b, start, e);
}

bool sealing_open(const uint8_t *key, const struct seal_place *place, const uint8_t *data,
		  size_t len, struct buf *out, struct err *e)
{
	uint8_t aad[SEAL_AAD_BYTES];

	sealing_aad(place, aad);
	return seal_open(key, aad, sizeof(aad), data, len, out, e);
}

bool sealing_replace(const uint8_t *key, const struct seal_place *place, struct buf *b,
		     struct err *e)
{
	size_t len = b->len;

	if (!buf_reserve(b, SEAL_EXTRA_BYTES))
		return buf_ok(b, e);
	memmove(b->data + SEAL_NONCE_BYTES, b->data, len);
	b->len = SEAL_NONCE_BYTES + len;
	return sealing_end(key, place, b, 0, e);
}

bool sealing_find_key(const struct segment_keys *keys, const struct field *workspace,
		      struct segment_key *out, struct err *e)
{
	if (keys)
		return keys->find(keys->ctx, workspace, out, e);
	err_set(e, ERR_CONFIG, "the segment is encrypted, and there is no key");
	return err_hint(e, "Set encryption.key_file or encryption.key_command in the "
			   "configuration.");
}

bool sealing_open_block(const struct segment_keys *keys, const struct field *workspace,
			const uint8_t *segment_id, uint32_t i, const uint8_t *data, size_t len,
			struct buf *out, struct err *e)
{
	struct seal_place place = { segment_id, SEAL_BLOCK, i };
	struct segment_key key;

	return sealing_find_key(keys, workspace, &key, e) &&
	       sealing_open(key.key, &place, data, len, out, e);
}
