#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/mem.h"

struct sha256 {
	EVP_MD_CTX *ctx;
};

static bool start(struct sha256 *s, struct err *e)
{
	if (EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) != 1)
		return err_set(e, ERR_INTERNAL, "could not start SHA-256");
	return true;
}

struct sha256 *sha256_new(struct err *e)
{
	struct sha256 *s = mem_new(1, sizeof(*s), e);

	if (!s)
		return NULL;
	s->ctx = EVP_MD_CTX_new();
	if (!s->ctx)
		err_no_memory(e);
	if (!s->ctx || !start(s, e)) {
		sha256_free(s);
		return NULL;
	}
	return s;
}

bool sha256_add(struct sha256 *s, const void *data, size_t len, struct err *e)
{
	if (EVP_DigestUpdate(s->ctx, data, len) != 1)
		return err_set(e, ERR_INTERNAL, "could not compute SHA-256");
	return true;
}

bool sha256_finish(struct sha256 *s, uint8_t digest[SHA256_BYTES], struct err *e)
{
	if (EVP_DigestFinal_ex(s->ctx, digest, NULL) != 1)
		return err_set(e, ERR_INTERNAL, "could not compute SHA-256");
	return start(s, e);
}

void sha256_free(struct sha256 *s)
{
	if (!s)
		return;
	EVP_MD_CTX_free(s->ctx);
	free(s);
}

bool sha256_once(const void *data, size_t len, uint8_t digest[SHA256_BYTES], struct err *e)
{
	if (EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) != 1)
		return err_set(e, ERR_INTERNAL, "could not compute SHA-256");
	return true;
}

bool sha256_file(const char *path, uint8_t digest[SHA256_BYTES], uint64_t *bytes_out, struct err *e)
{
	struct sha256 *s = NULL;
	uint8_t *chunk = NULL;
	const size_t chunk_bytes = 1 << 20;
	uint64_t total = 0;
	bool ok = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(e, ERR_IO, errno, "could not open file \"%s\"", path);
	s = sha256_new(e);
	chunk = mem_new(1, chunk_bytes, e);
	if (!s || !chunk)
		goto out;
	for (;;) {
		ssize_t n = read(fd, chunk, chunk_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_set_errno(e, ERR_IO, errno, "could not read file \"%s\"", path);
			goto out;
		}
		if (n == 0)
			break;
		if (!sha256_add(s, chunk, (size_t)n, e))
			goto out;
		total += (uint64_t)n;
	}
	if (bytes_out)
		*bytes_out = total;
	ok = sha256_finish(s, digest, e);
out:
	free(chunk);
	sha256_free(s);
	close(fd);
	return ok;
}

bool hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		 uint8_t mac[SHA256_BYTES], struct err *e)
{
	unsigned int mac_len = SHA256_BYTES;

	if (!HMAC(EVP_sha256(), key, (int)key_len, data, len, mac, &mac_len))
		return err_set(e, ERR_INTERNAL, "could not compute HMAC");
	return true;
}

void hex_encode(const uint8_t *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * len] = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(const char *hex, uint8_t *out, size_t len)
{
	if (strlen(hex) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

uint64_t hash64(const void *data, size_t len)
{
	return XXH3_64bits(data, len);
}

uint64_t row_hash(const struct field *fields, size_t count)
{
	/* Hash each field, then the string of (length, hash) pairs: no copying of large values. */
	uint8_t pairs[12 * 64];
	uint64_t h = hash64(NULL, 0);
	size_t filled = 0;

	for (size_t i = 0; i < count; i++) {
		int32_t len = fields[i].len;

		put_u32le(pairs + filled, (uint32_t)len);
		put_u64le(pairs + filled + 4, len > 0 ? hash64(fields[i].data, (size_t)len) : 0);
		filled += 12;
		if (filled == sizeof(pairs) || i + 1 == count) {
			h = XXH3_64bits_withSeed(pairs, filled, h);
			filled = 0;
		}
	}
	return h;
}
