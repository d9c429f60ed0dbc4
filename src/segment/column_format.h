/* Numbers that the column encodings are known by on disk. FORMAT.md, "Column". */
#ifndef SEGMENT_COLUMN_FORMAT_H
#define SEGMENT_COLUMN_FORMAT_H

enum {
	COLUMN_HAS_NULLS = 1,
	COLUMN_HAS_REPEATS = 2
};

enum {
	CODEC_BYTES = 0,
	CODEC_FIXED = 1,
	CODEC_INT = 2,
	CODEC_HEX = 3,
	CODEC_UUID_TEXT = 4,
	CODEC_FLOATS = 5,
	CODEC_SPARSE = 6,
};

enum {
	UUID_TEXT_BYTES = 36
};

/* Fixed-length values of at most this many bytes past their common prefix are stored byte position by byte position. */
enum {
	FIXED_PLANES_MAX = 64
};

#endif
