/*
 * Rows for benchmarks, as COPY BINARY on standard output:
 *
 *     bench-rows ROWS DIMENSIONS WORKSPACES [< document_chunk.copy]
 *
 * for a table (id uuid, document_id uuid, workspace_id text, chunk_index int, chunk_text text, chunk_hash text,
 * embedding vector, embedding_version text, created_at timestamptz). The first half of the rows are of version v1, the
 * second half are the same chunks of version v2, as if they had been embedded again. With the COPY BINARY of such a
 * table on standard input, texts and vectors are that table's in turn, with a little noise on each vector; with
 * nothing there (a terminal or /dev/null), both are made up.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS = 9, TEXT = 4, EMBEDDING = 6 };
#define NOISE 0.004
#define CHUNKS_A_DOCUMENT 2

struct sample {
	const uint8_t *text;
	uint32_t text_len;
	const uint8_t *vector; /* dimensions (2), unused (2), big-endian floats */
};

struct samples {
	uint8_t *data;
	struct sample *items;
	size_t count;
};

static uint64_t state = 0x9e3779b97f4a7c15;

/* splitmix64: the same rows at every run */
static uint64_t next_random(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* Between -1 and 1, denser in the middle. */
static double next_bell(void)
{
	uint64_t r = next_random();

	return ((double)(r & 0xffff) + (double)(r >> 16 & 0xffff) + (double)(r >> 32 & 0xffff) + (double)(r >> 48)) /
		       131070.0 -
	       1.0;
}

static void die(const char *message)
{
	fprintf(stderr, "bench-rows: %s\n", message);
	exit(65);
}

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_u16(uint16_t n)
{
	putchar_unlocked(n >> 8);
	putchar_unlocked(n & 0xff);
}

static void put_u32(uint32_t n)
{
	put_u16((uint16_t)(n >> 16));
	put_u16((uint16_t)n);
}

static void put_field(const void *data, uint32_t len)
{
	put_u32(len);
	fwrite(data, 1, len, stdout);
}

static uint8_t *read_all(size_t *len_out)
{
	size_t len = 0, room = 1 << 20, n;
	uint8_t *data = malloc(room);

	while (data && (n = fread(data + len, 1, room - len, stdin)) > 0) {
		len += n;
		if (len == room)
			data = realloc(data, room *= 2);
	}
	if (!data)
		die("out of memory");
	*len_out = len;
	return data;
}

static struct samples read_samples(unsigned dimensions)
{
	struct samples s = { 0 };
	size_t len = 0, at = 19, room = 0;

	if (isatty(0))
		return s;
	s.data = read_all(&len);
	if (len == 0)
		return s;
	if (len < at || memcmp(s.data, "PGCOPY\n\377\r\n", 11) != 0)
		die("standard input is not COPY BINARY");
	while (len - at >= 2 && s.data[at] == 0 && s.data[at + 1] == COLUMNS) {
		struct sample *sample;

		at += 2;
		if (s.count == room)
			s.items = realloc(s.items, (room = room ? room * 2 : 4096) * sizeof(*s.items));
		if (!s.items)
			die("out of memory");
		sample = &s.items[s.count++];
		for (int c = 0; c < COLUMNS; c++) {
			uint32_t field;

			if (len - at < 4 || (field = get_u32(s.data + at)) > len - at - 4)
				die("a row is cut short or holds a NULL");
			at += 4;
			if (c == TEXT) {
				sample->text = s.data + at;
				sample->text_len = field;
			}
			if (c == EMBEDDING) {
				if (field != 4 + 4 * dimensions)
					die("the vectors have other dimensions");
				sample->vector = s.data + at;
			}
			at += field;
		}
	}
	return s;
}

static void put_made_up_text(uint64_t chunk)
{
	static const char *const words[] = { "library",	 "files", "for",     "the",	"development", "package",
					     "provides", "tool",  "network", "support", "documentation", "and",
					     "data",	 "a",	  "of",	     "program" };
	char text[700];
	size_t len = 0;

	/* The two versions of a chunk have the same text. */
	state = chunk * 0xd1342543de82ef95;
	while (len < 400)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%llu ", words[next_random() % 16],
					(unsigned long long)(next_random() % 40));
	put_field(text, (uint32_t)len);
}

static void put_vector(const struct sample *base, unsigned dimensions, uint64_t row, double *values)
{
	double length = 0;

	state = row * 0x9e3779b97f4a7c15 + 1;
	for (unsigned i = 0; i < dimensions; i++) {
		values[i] = next_bell();
		if (base) {
			uint32_t bits = get_u32(base->vector + 4 + 4 * i);
			float value;

			memcpy(&value, &bits, 4);
			values[i] = value + NOISE * values[i];
		}
		length += values[i] * values[i];
	}
	length = sqrt(length);
	put_u32(4 + 4 * dimensions);
	put_u16((uint16_t)dimensions);
	put_u16(0);
	for (unsigned i = 0; i < dimensions; i++) {
		float value = (float)(values[i] / length);
		uint32_t bits;

		memcpy(&bits, &value, 4);
		put_u32(bits);
	}
}

static void put_uuid(uint64_t high, uint64_t low)
{
	put_u32(16);
	state = high * 0x2545f4914f6cdd1d + low;
	for (int i = 0; i < 2; i++) {
		uint64_t r = next_random();

		put_u32((uint32_t)(r >> 32));
		put_u32((uint32_t)r);
	}
}

static void put_row(const struct samples *s, uint64_t chunk, int version, uint64_t rows, unsigned dimensions,
		    unsigned workspaces, double *values)
{
	const struct sample *base = s->count ? &s->items[chunk % s->count] : NULL;
	uint64_t document = chunk / CHUNKS_A_DOCUMENT, created_us = 757382400000000 + chunk * 1000003;
	char workspace[32], hash[17];

	put_u16(COLUMNS);
	put_uuid(1, chunk * 2 + (uint64_t)version);
	put_uuid(2, document);
	put_field(workspace, (uint32_t)snprintf(workspace, sizeof(workspace), "workspace-%llu",
						(unsigned long long)(document % workspaces)));
	put_u32(4);
	put_u32((uint32_t)(chunk % CHUNKS_A_DOCUMENT));
	if (base)
		put_field(base->text, base->text_len);
	else
		put_made_up_text(chunk);
	state = chunk;
	put_field(hash, (uint32_t)snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)next_random()));
	put_vector(base, dimensions, chunk + (uint64_t)version * rows, values);
	put_field(version ? "v2" : "v1", 2);
	put_u32(8);
	put_u32((uint32_t)(created_us >> 32));
	put_u32((uint32_t)created_us);
}

int main(int argc, char **argv)
{
	uint64_t rows = argc == 4 ? strtoull(argv[1], NULL, 10) : 0;
	unsigned long dimensions = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long workspaces = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	double *values = calloc(dimensions + 1, sizeof(*values));
	struct samples samples;

	if (rows < 2 || dimensions < 1 || dimensions > 16000 || workspaces < 1 || !values) {
		fprintf(stderr, "usage: bench-rows ROWS DIMENSIONS WORKSPACES [< document_chunk.copy]\n");
		return 64;
	}
	samples = read_samples((unsigned)dimensions);
	fwrite("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 1, 19, stdout);
	for (int version = 0; version < 2; version++)
		for (uint64_t chunk = 0; chunk < rows / 2; chunk++)
			put_row(&samples, chunk, version, rows, (unsigned)dimensions, (unsigned)workspaces, values);
	put_u16(0xffff);
	free(samples.data);
	free(samples.items);
	free(values);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 74;
}
