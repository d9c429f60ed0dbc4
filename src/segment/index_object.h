/* The bytes of the index object. FORMAT.md, "Index object". */
#ifndef SEGMENT_INDEX_OBJECT_H
#define SEGMENT_INDEX_OBJECT_H

#include "segment/describe.h"
#include "segment/pack.h"

enum index_section {
	SECTION_SUMMARY = 1,
	SECTION_ABOUT = 2,
	SECTION_COLUMNS = 3,
	SECTION_GROUPS = 4,
	SECTION_BLOCKS = 5,
	SECTION_CHUNKS = 6,
	SECTION_DOCUMENTS = 7,
	SECTION_DICTIONARY = 8,
	SECTION_DIGESTS = 9,
	SECTION_KEYS = 10,
	SECTION_COUNT
};

enum {
	SECTION_OPTIONAL = 1
}; /* flag: a reader that does not know the section may go on without it */

#define INDEX_MAGIC          "FIRNIDX\n"
#define INDEX_MAGIC_BYTES    8
#define INDEX_DICTIONARY_MAX (1u << 20)
#define INDEX_HEAD_BYTES     (INDEX_MAGIC_BYTES + 4)
/* Of a sealed one: segment id, master key's id, wrapped key of the table. */
#define INDEX_SEALED_HEAD_BYTES \
	(INDEX_HEAD_BYTES + SEGMENT_ID_BYTES + SEAL_ID_BYTES + SEGMENT_WRAPPED_KEY_BYTES)

struct index_source {
	uint64_t segment_bytes;
	uint32_t rows;
	const struct buf *about; /* pairs by describe_pair, one after another */
	size_t about_count;
	const struct column *columns;
	size_t column_count;
	const struct segment_group *groups;
	size_t group_count;
	const struct block_entry *blocks;
	size_t block_count;
	const struct buf *chunks, *documents; /* buckets by run_index_write, one after another */
	const struct buf *dictionary;
	/* Of a sealed segment: */
	const uint8_t *segment_id;           /* NULL: not sealed */
	const struct segment_key *table_key; /* that seals it */
	const struct buf *keys;              /* by describe_key, one after another */
	size_t key_count;
};

bool index_object_write(const struct index_source *s, struct packer *p, struct buf *out,
			struct err *e);

#endif
