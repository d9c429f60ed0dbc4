/*
 * One object to an archive or back, and what it took:
 *
 *     bench-upload put URL KEY BYTES JOBS    made-up content, parts of it sent JOBS at a time
 *     bench-upload get URL KEY BYTES FILE    back into FILE, compared with what put made up
 *     bench-upload delete URL KEY
 *
 * put and get print seconds and this process's peak resident memory in KiB. The content is computed where it is asked
 * for, so that neither a disk nor a copy of it in memory counts. FIRN_S3_ENDPOINT and AWS's variables as for firn.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "base/str.h"
#include "store/store.h"

#define CHUNK_BYTES ((size_t)1 << 20)

/* splitmix64 of the number of the word: any part of it can be had alone. */
static uint64_t word_at(uint64_t n)
{
	uint64_t z = (n + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static bool make_up(void *ctx, uint64_t offset, void *data, size_t len, struct err *e)
{
	uint8_t *out = data;

	(void)ctx;
	(void)e;
	while (len > 0) {
		uint64_t word = word_at(offset / 8);
		size_t skip = (size_t)(offset % 8), take = 8 - skip;
		uint8_t bytes[8];

		if (take > len)
			take = len;
		memcpy(bytes, &word, sizeof(bytes));
		memcpy(out, bytes + skip, take);
		out += take;
		offset += take;
		len -= take;
	}
	return true;
}

static bool digest(const struct io_reader *content, uint8_t out[SHA256_BYTES], struct err *e)
{
	struct sha256 *h = sha256_new(e);
	uint8_t *chunk = malloc(CHUNK_BYTES);
	bool ok = h && chunk;

	for (uint64_t at = 0; ok && at < content->size_bytes; at += CHUNK_BYTES) {
		uint64_t left = content->size_bytes - at;
		size_t len = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;

		ok = io_read_at(content, at, chunk, len, e) && sha256_add(h, chunk, len, e);
	}
	ok = ok && sha256_finish(h, out, e);
	sha256_free(h);
	free(chunk);
	return ok;
}

static void report(int64_t from_ms)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("%.3f %ld\n", (double)(clock_now_ms(&clock_system) - from_ms) / 1000,
	       usage.ru_maxrss);
}

static bool put(struct store *s, const char *key, const struct io_reader *content, struct err *e)
{
	uint8_t sha256[SHA256_BYTES];
	int64_t from_ms;

	if (!digest(content, sha256, e))
		return false;
	from_ms = clock_now_ms(&clock_system);
	if (!store_put(s, key, content, sha256, NULL, e))
		return false;
	report(from_ms);
	return true;
}

static bool get(struct store *s, const char *key, const struct io_reader *content, const char *path,
		struct err *e)
{
	uint8_t wanted[SHA256_BYTES], got[SHA256_BYTES];
	int64_t from_ms = clock_now_ms(&clock_system);
	uint64_t bytes;

	if (!store_get_file(s, key, path, got, &bytes, e))
		return false;
	report(from_ms);
	if (!digest(content, wanted, e))
		return false;
	if (bytes != content->size_bytes || memcmp(got, wanted, sizeof(got)) != 0)
		return err_set(e, ERR_DATA, "object \"%s\" did not come back as it was sent", key);
	return true;
}

int main(int argc, char **argv)
{
	struct store_options options = { .path_style = true,
					 .endpoint = getenv("FIRN_S3_ENDPOINT"),
					 .upload_jobs = 1 };
	struct io_reader content = { .read_at = make_up, .name = "made up" };
	struct err e = { 0 };
	struct store *s;
	uint64_t jobs = 1;
	bool ok = false;

	if (argc < 4 || (!str_eq(argv[1], "delete") && argc != 6)) {
		fputs("bench-upload: see the beginning of its source\n", stderr);
		return 64;
	}
	if ((argc == 6 && !str_parse_u64(argv[4], &content.size_bytes, &e)) ||
	    (str_eq(argv[1], "put") && !str_parse_u64(argv[5], &jobs, &e))) {
		fprintf(stderr, "bench-upload: %s\n", e.message);
		return 64;
	}
	options.url = argv[2];
	options.upload_jobs = (unsigned)jobs;
	s = store_open(&options, &e);
	if (s && str_eq(argv[1], "put"))
		ok = put(s, argv[3], &content, &e);
	else if (s && str_eq(argv[1], "get"))
		ok = get(s, argv[3], &content, argv[5], &e);
	else if (s)
		ok = store_delete(s, (const char *const *)&argv[3], 1, NULL, &e);
	store_close(s);
	if (ok)
		return 0;
	fprintf(stderr, "bench-upload: %s\n", e.message);
	return 69;
}
