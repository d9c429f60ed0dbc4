/* How the parts of a segment are sealed: what each is bound to. FORMAT.md, "Sealed segments". */
#ifndef SEGMENT_SEALING_H
#define SEGMENT_SEALING_H

#include "base/seal.h"
#include "segment/segment.h"

enum seal_kind {
	SEAL_BLOCK = 1,
	SEAL_ABOUT = 2,
	SEAL_COLUMN = 3,
	SEAL_CHUNKS = 4,
	SEAL_DOCUMENTS = 5,
	SEAL_GROUPS = 6,
	SEAL_INDEX = 7,
};

/* A part's place: nothing that was sealed for one opens in another. */
struct seal_place {
	const uint8_t *segment_id; /* SEGMENT_ID_BYTES */
	enum seal_kind kind;
	uint32_t number;
};

#define SEAL_AAD_BYTES 32
void sealing_aad(const struct seal_place *place, uint8_t out[SEAL_AAD_BYTES]);

/* As seal_end and seal_open, for a part in its place. */
bool sealing_end(const uint8_t *key, const struct seal_place *place, struct buf *b, size_t start,
		 struct err *e);
bool sealing_open(const uint8_t *key, const struct seal_place *place, const uint8_t *data,
		  size_t len, struct buf *out, struct err *e);
/* Puts the sealed form in place of what the buffer holds. */
bool sealing_replace(const uint8_t *key, const struct seal_place *place, struct buf *b,
		     struct err *e);

/* ERR_CONFIG where there are no keys to ask; workspace NULL: the key of the table. */
bool sealing_find_key(const struct segment_keys *keys, const struct field *workspace,
		      struct segment_key *out, struct err *e);

/* Block number i, which holds rows of that workspace. */
bool sealing_open_block(const struct segment_keys *keys, const struct field *workspace,
			const uint8_t *segment_id, uint32_t i, const uint8_t *data, size_t len,
			struct buf *out, struct err *e);

#endif
