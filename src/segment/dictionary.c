#include "segment/dictionary.h"

#include <stdlib.h>
#include <zdict.h>

#include "base/mem.h"
#include "segment/column_codec.h"

#define DICTIONARY_BYTES  (32u << 10)
#define SAMPLES_BYTES     (1u << 20)
#define SAMPLE_MAX        4096u /* of one value */
#define SAMPLES_MIN_BYTES (64u << 10)

struct samples {
	struct buf bytes;
	size_t *lens;
	size_t count, capacity;
};

static bool add_sample(struct samples *s, const struct field *f, struct err *e)
{
	size_t len = (size_t)f->len < SAMPLE_MAX ? (size_t)f->len : SAMPLE_MAX;
	void *lens = s->lens;

	if (!mem_grow(&lens, &s->capacity, s->count + 1, sizeof(*s->lens), e))
		return false;
	s->lens = lens;
	s->lens[s->count++] = len;
	buf_add(&s->bytes, f->data, len);
	return buf_ok(&s->bytes, e);
}

static bool gather(const struct column *columns, size_t column_count, const struct encode_job *jobs,
		   struct samples *s, struct err *e)
{
	for (; jobs; jobs = jobs->next) {
		const struct field *f = (const struct field *)(const void *)jobs->fields.data;

		for (size_t i = 0; i < jobs->rows; i++) {
			for (size_t c = 0; c < column_count; c++, f++) {
				/* Short values are ids and words: they teach nothing. */
				if (f->len < 32 || !column_is_text(columns[c].type_name))
					continue;
				if (s->bytes.len > SAMPLES_BYTES)
					return true;
				if (!add_sample(s, f, e))
					return false;
			}
		}
	}
	return true;
}

bool dictionary_train(const struct column *columns, size_t column_count,
		      const struct encode_job *jobs, struct buf *out, struct err *e)
{
	struct samples s = { 0 };
	bool ok = false;
	uint8_t *at;
	size_t n;

	if (!gather(columns, column_count, jobs, &s, e))
		goto out;
	ok = true;
	if (s.bytes.len < SAMPLES_MIN_BYTES || s.count < 64)
		goto out;
	at = buf_reserve(out, DICTIONARY_BYTES);
	ok = buf_ok(out, e);
	if (!ok)
		goto out;
	n = ZDICT_trainFromBuffer(at, DICTIONARY_BYTES, s.bytes.data, s.lens,
				  (unsigned int)s.count);
	if (!ZDICT_isError(n))
		out->len += n;
out:
	buf_release(&s.bytes);
	free(s.lens);
	return ok;
}
