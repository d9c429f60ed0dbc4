#include "segment/index_object.h"

#include "base/hash.h"
#include "segment/ints.h"
#include "segment/sealing.h"

static void add_section(enum index_section id, const struct buf *body, struct buf *out)
{
	buf_add_u16le(out, (uint16_t)id);
	buf_add_u16le(out, id >= SECTION_DIGESTS ? SECTION_OPTIONAL : 0);
	buf_add_u64le(out, body->len);
	buf_add(out, body->data, body->len);
	out->failed |= body->failed;
}

static void add_blocks(const struct index_source *s, struct packer *p, struct buf *out)
{
	struct buf room = BUF_INIT;
	size_t n = s->block_count;
	uint64_t *v = (uint64_t *)(void *)buf_reserve(&room, n * sizeof(*v));

	if (!v) {
		out->failed = true;
		return;
	}
	for (int what = 0; what < 5; what++) {
		for (size_t i = 0; i < n; i++) {
			const struct block_entry *b = &s->blocks[i];

			v[i] = what == 0   ? b->rows
			       : what == 1 ? b->group
			       : what == 2 ? b->bytes
			       : what == 3 ? b->raw_bytes
					   : b->offset;
		}
		ints_add(p, v, n, out);
	}
	for (size_t i = 0; i < n; i++)
		buf_add_u64le(out, s->blocks[i].checksum);
	buf_release(&room);
}

bool index_object_write(const struct index_source *s, struct packer *p, struct buf *out,
			struct err *e)
{
	struct buf body = BUF_INIT;
	bool ok = true;

	buf_add(out, INDEX_MAGIC, INDEX_MAGIC_BYTES);
	buf_add_u32le(out, s->segment_id ? SEGMENT_FORMAT_SEALED : SEGMENT_FORMAT_PLAIN);
	if (s->segment_id) {
		buf_add(out, s->segment_id, SEGMENT_ID_BYTES);
		buf_add(out, s->table_key->master_id, SEAL_ID_BYTES);
		buf_add(out, s->table_key->wrapped, SEGMENT_WRAPPED_KEY_BYTES);
		seal_begin(out);
	}

	buf_add_varint(&body, s->segment_bytes);
	buf_add_varint(&body, s->rows);
	buf_add_varint(&body, s->block_count);
	buf_add_varint(&body, s->group_count);
	add_section(SECTION_SUMMARY, &body, out);

	buf_clear(&body);
	buf_add_varint(&body, s->about_count);
	buf_add(&body, s->about->data, s->about->len);
	add_section(SECTION_ABOUT, &body, out);

	buf_clear(&body);
	buf_add_varint(&body, s->column_count);
	for (size_t i = 0; i < s->column_count; i++)
		describe_column(&s->columns[i], &body);
	add_section(SECTION_COLUMNS, &body, out);

	buf_clear(&body);
	for (size_t i = 0; i < s->group_count; i++)
		describe_group(&s->groups[i], &body);
	add_section(SECTION_GROUPS, &body, out);

	buf_clear(&body);
	add_blocks(s, p, &body);
	add_section(SECTION_BLOCKS, &body, out);

	add_section(SECTION_CHUNKS, s->chunks, out);
	add_section(SECTION_DOCUMENTS, s->documents, out);
	if (s->dictionary->len > 0)
		add_section(SECTION_DICTIONARY, s->dictionary, out);

	buf_clear(&body);
	if (!s->segment_id) {
		for (size_t i = 0; i < s->block_count; i++)
			buf_add(&body, s->blocks[i].sha256, SHA256_BYTES);
		add_section(SECTION_DIGESTS, &body, out);
	} else {
		struct seal_place place = { s->segment_id, SEAL_INDEX, 0 };

		buf_add_varint(&body, s->key_count);
		buf_add(&body, s->keys->data, s->keys->len);
		add_section(SECTION_KEYS, &body, out);
		ok = buf_ok(out, e) &&
		     sealing_end(s->table_key->key, &place, out, INDEX_SEALED_HEAD_BYTES, e);
	}
	buf_add_u64le(out, out->failed ? 0 : hash64(out->data, out->len));
	ok = ok && buf_ok(out, e);
	buf_release(&body);
	return ok;
}
