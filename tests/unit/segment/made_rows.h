/* Rows made up for tests: repeatable from a seed, of every type that has an encoding of its own, as nasty as asked. */
#ifndef TESTS_MADE_ROWS_H
#define TESTS_MADE_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/row.h"

struct made_rows {
	struct column *columns;
	size_t column_count;
	uint32_t rows;
	struct field *fields; /* rows * column_count */
	uint64_t *hashes;
};

/* In percent of values. */
struct made_odds {
	unsigned int nulls, empty, misfits, repeats;
};

static const char *const made_types[] = {
	"int2",  "int4",    "int8",   "timestamptz", "uuid",    "text",        "hex", "uuid_text",
	"bool",  "float4",  "float8", "vector",      "halfvec", "sparsevec",   "bit", "jsonb",
	"bytea", "numeric", "prose",  "quantised",   "vary",    "strange_type"
};
#define MADE_TYPES (sizeof(made_types) / sizeof(made_types[0]))

static inline void made_column(struct column *c, const char *type)
{
	/* Some are the same type to Postgres, with other contents. */
	const char *name = strcmp(type, "hex") == 0 || strcmp(type, "uuid_text") == 0 ||
					   strcmp(type, "prose") == 0
				   ? "text"
			   : strcmp(type, "quantised") == 0 || strcmp(type, "vary") == 0 ? "vector"
											 : type;

	*c = (struct column){ .type_oid = 17, .typmod = -1 };
	snprintf(c->name, sizeof(c->name), "c_%s", type);
	snprintf(c->type_name, sizeof(c->type_name), "%s", name);
	snprintf(c->type_full, sizeof(c->type_full), "%s", name);
}

static inline void made_random(struct rng *r, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)rng_next(r);
}

/* Sums of random numbers: a bell, as the elements of embeddings are. Now and then what a float can be besides. */
static inline uint32_t made_float(struct rng *r)
{
	static const uint32_t odd[] = { 0x7f800000, 0xff800000, 0x7fc00000, 0x7fc12345, 0xffabcdef,
					0x80000000, 0x00000000, 0x00000001, 0x7f7fffff };
	float f = 0;
	uint32_t bits;

	if (rng_below(r, 200) == 0)
		return odd[rng_below(r, sizeof(odd) / sizeof(odd[0]))];
	for (int i = 0; i < 6; i++)
		f += (float)rng_below(r, 1u << 24) / (float)(1u << 24) - 0.5f;
	f *= 0.06f;
	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static inline size_t made_vector(struct rng *r, uint8_t *out, uint16_t dims, size_t width,
				 bool quantised)
{
	put_u16be(out, dims);
	put_u16be(out + 2, 0);
	for (size_t j = 0; j < dims; j++) {
		uint32_t bits = made_float(r);

		if (quantised)
			bits = 0x3f800000u + ((uint32_t)rng_below(r, 4) << 20);
		if (width == 4)
			put_u32be(out + 4 + 4 * j, bits);
		else
			put_u16be(out + 4 + 2 * j, (uint16_t)(bits >> 16));
	}
	return 4 + dims * width;
}

static inline size_t made_sparse(struct rng *r, uint8_t *out)
{
	uint32_t nnz = (uint32_t)rng_below(r, 20), index = 0;

	put_u32be(out, 1000);
	put_u32be(out + 4, nnz);
	put_u32be(out + 8, 0);
	for (uint32_t j = 0; j < nnz; j++) {
		index += 1 + (uint32_t)rng_below(r, 40);
		put_u32be(out + 12 + 4 * j, index);
		put_u32be(out + 12 + 4 * nnz + 4 * j, made_float(r));
	}
	return 12 + 8 * nnz;
}

static inline size_t made_prose(struct rng *r, uint8_t *out)
{
	static const char *const words[] = { "the ",      "library ", "of ",  "package ",
					     "contains ", "for ",     "and ", "files ",
					     "a ",        "tool ",    "to ",  "development ",
					     "in ",       "this ",    "that " };
	size_t len = 0;

	for (uint64_t n = rng_below(r, 60) + 5; n > 0; n--) {
		const char *word = words[rng_below(r, sizeof(words) / sizeof(words[0]))];

		memcpy(out + len, word, strlen(word));
		len += strlen(word);
	}
	return len;
}

static inline size_t made_digits(struct rng *r, uint8_t *out, size_t digits, bool uuid)
{
	for (size_t i = 0; i < digits; i++) {
		bool hyphen = uuid && (i == 8 || i == 13 || i == 18 || i == 23);

		out[i] = hyphen ? '-' : (uint8_t) "0123456789abcdef"[rng_below(r, 16)];
	}
	return digits;
}

/* At most 4096 bytes. i is the row. */
static inline size_t made_value(struct rng *r, const char *type, uint32_t i, uint8_t *out)
{
	if (strcmp(type, "int2") == 0) {
		put_u16be(out, (uint16_t)rng_next(r));
		return 2;
	}
	if (strcmp(type, "int4") == 0) {
		put_u32be(out, rng_below(r, 10) ? i / 3 : (uint32_t)rng_next(r));
		return 4;
	}
	if (strcmp(type, "int8") == 0) {
		put_u64be(out, rng_below(r, 50) ? 0xfffffffffffff000u + i * 7 : rng_next(r));
		return 8;
	}
	if (strcmp(type, "timestamptz") == 0) {
		put_u64be(out, 700000000000000u + i * 1000003u);
		return 8;
	}
	if (strcmp(type, "uuid") == 0) {
		made_random(r, out, 16);
		return 16;
	}
	if (strcmp(type, "hex") == 0)
		return made_digits(r, out, 64, false);
	if (strcmp(type, "uuid_text") == 0)
		return made_digits(r, out, 36, true);
	if (strcmp(type, "bool") == 0) {
		out[0] = (uint8_t)rng_below(r, 2);
		return 1;
	}
	if (strcmp(type, "float4") == 0) {
		put_u32be(out, made_float(r));
		return 4;
	}
	if (strcmp(type, "float8") == 0) {
		put_u64be(out, (uint64_t)made_float(r) << 32 | 0x1234);
		return 8;
	}
	if (strcmp(type, "vector") == 0)
		return made_vector(r, out, 96, 4, false);
	if (strcmp(type, "quantised") == 0)
		return made_vector(r, out, 64, 4, true);
	if (strcmp(type, "vary") == 0)
		return made_vector(r, out, (uint16_t)rng_below(r, 5), 4, false);
	if (strcmp(type, "halfvec") == 0)
		return made_vector(r, out, 64, 2, false);
	if (strcmp(type, "sparsevec") == 0)
		return made_sparse(r, out);
	if (strcmp(type, "bit") == 0) {
		put_u32be(out, 520);
		made_random(r, out + 4, 65);
		return 69;
	}
	if (strcmp(type, "prose") == 0 || strcmp(type, "jsonb") == 0)
		return made_prose(r, out);
	if (strcmp(type, "strange_type") == 0) {
		memset(out, 'x', 300);
		return rng_below(r, 300);
	}
	made_random(r, out, 40);
	return rng_below(r, 40);
}

/* One field on the heap, exactly as large as it is, so that a sanitizer sees the first byte past it. */
static inline struct field made_field(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	if (len)
		memcpy(copy, data, len);
	return (struct field){ copy, (int32_t)len };
}

static inline struct field made_one(struct rng *r, const char *type, const struct made_odds *odds,
				    uint32_t i, const struct field *before)
{
	uint64_t dice = rng_below(r, 100);
	uint8_t room[4096];

	if (dice < odds->nulls)
		return FIELD_NULL;
	dice = rng_below(r, 100);
	if (dice < odds->empty)
		return made_field(room, 0);
	dice = rng_below(r, 100);
	if (before && before->len >= 0 && dice < odds->repeats)
		return made_field(before->data, (size_t)before->len);
	dice = rng_below(r, 100);
	if (dice < odds->misfits) {
		made_random(r, room, 64);
		return made_field(room, rng_below(r, 64));
	}
	return made_field(room, made_value(r, type, i, room));
}

static inline void made_new(struct made_rows *m, const char *const *types, size_t type_count,
			    uint32_t rows, uint64_t seed, const struct made_odds *odds)
{
	struct rng r;

	rng_seed(&r, seed);
	*m = (struct made_rows){ .column_count = type_count, .rows = rows };
	m->columns = calloc(type_count, sizeof(*m->columns));
	m->fields = calloc(rows * type_count, sizeof(*m->fields));
	m->hashes = calloc(rows, sizeof(*m->hashes));
	if (!m->columns || !m->fields || !m->hashes)
		abort();
	for (size_t c = 0; c < type_count; c++)
		made_column(&m->columns[c], types[c]);
	for (uint32_t i = 0; i < rows; i++) {
		for (size_t c = 0; c < type_count; c++) {
			struct field *f = &m->fields[i * type_count + c];

			*f = made_one(&r, types[c], odds, i, i ? f - type_count : NULL);
		}
	}
}

static inline void made_release(struct made_rows *m)
{
	for (size_t i = 0; i < m->rows * m->column_count; i++)
		free((void *)(uintptr_t)m->fields[i].data);
	free(m->fields);
	free(m->columns);
	free(m->hashes);
}

static inline bool made_same(const struct field *a, const struct field *b)
{
	return a->len == b->len && (a->len <= 0 || memcmp(a->data, b->data, (size_t)a->len) == 0);
}

#endif
