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
	SECTION_COUNT
};

enum {
	SECTION_OPTIONAL = 1
}; /* flag: a reader that does not know the section may go on without it */

#define INDEX_MAGIC          "FIRNIDX\n"
#define INDEX_MAGIC_BYTES    8
#define INDEX_DICTIONARY_MAX (1u << 20)

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
};

bool index_object_write(const struct index_source *s, struct packer *p, struct buf *out,
			struct err *e);

#endif
