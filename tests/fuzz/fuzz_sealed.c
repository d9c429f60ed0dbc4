/* The index object of a sealed segment: the bytes as such an object, its hash made to fit, and the bytes as what is sealed
 * in one, for a reader that has the keys. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "segment/index_object.h"
#include "segment/sealing.h"
#include "unit/segment/made_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_index(struct buf *bytes, const struct segment_keys *keys)
{
	static const uint8_t zeros[200];
	const struct field field = { zeros, 16 };
	struct block_rows rows = { 0 };
	struct segment_key key;
	struct segment_index *x;
	struct err e = { 0 };

	if (bytes->len >= 8)
		put_u64le(bytes->data + bytes->len - 8, hash64(bytes->data, bytes->len - 8));
	segment_index_table_key(bytes->data, bytes->len, &key);
	x = segment_index_parse(bytes->data, bytes->len, keys, &e);
	if (!x && e.code != ERR_DATA && e.code != ERR_CONFIG)
		abort();
	buf_release(bytes); /* the index must not need it any more */
	for (uint32_t i = 0; x && i < segment_index_block_count(x); i++) {
		struct segment_block b = segment_index_block(x, i);

		segment_index_workspace_key(x, &b.workspace, &key);
		/* More than a test's key finder has room for. */
		if (b.workspace.len < 200 &&
		    segment_index_decode(x, i, zeros, sizeof(zeros), &rows, &e))
			abort();
	}
	if (x)
		segment_index_workspace_key(x, &field, &key);
	block_rows_release(&rows);
	segment_index_free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct made_keys keys;
	static const uint8_t id[SEGMENT_ID_BYTES];
	struct seal_place place = { id, SEAL_INDEX, 0 };
	struct buf bytes = BUF_INIT;
	struct segment_key key;
	struct err e = { 0 };

	made_keys_init(&keys, "fuzz");
	buf_add(&bytes, data, len);
	if (!buf_ok(&bytes, &e))
		return 0;
	read_index(&bytes, &keys.keys);

	if (!made_key_find(&keys, NULL, &key, &e))
		return 0;
	buf_add(&bytes, INDEX_MAGIC, INDEX_MAGIC_BYTES);
	buf_add_u32le(&bytes, SEGMENT_FORMAT_SEALED);
	buf_add(&bytes, id, sizeof(id));
	buf_add(&bytes, key.master_id, sizeof(key.master_id));
	buf_add(&bytes, key.wrapped, sizeof(key.wrapped));
	seal_begin(&bytes);
	buf_add(&bytes, data, len);
	if (buf_ok(&bytes, &e) &&
	    sealing_end(key.key, &place, &bytes, INDEX_SEALED_HEAD_BYTES, &e)) {
		buf_add_u64le(&bytes, 0);
		if (buf_ok(&bytes, &e))
			read_index(&bytes, &keys.keys);
	}
	buf_release(&bytes);
	return 0;
}
