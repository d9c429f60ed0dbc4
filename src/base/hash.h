/* Digests: SHA-256 and HMAC over libcrypto for objects and signatures, XXH3 for rows and blocks. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/row.h"

#define SHA256_BYTES     32
#define SHA256_HEX_BYTES 65 /* with the NUL */

struct sha256; /* an incremental computation */

struct sha256 *sha256_new(struct err *e);
bool sha256_add(struct sha256 *s, const void *data, size_t len, struct err *e);
/* Writes the digest of all that was added and starts over. */
bool sha256_finish(struct sha256 *s, uint8_t digest[SHA256_BYTES], struct err *e);
void sha256_free(struct sha256 *s);

bool sha256_once(const void *data, size_t len, uint8_t digest[SHA256_BYTES], struct err *e);

/* Of a whole file, read from its beginning by path; *bytes_out may be NULL. ERR_IO. */
bool sha256_file(const char *path, uint8_t digest[SHA256_BYTES], uint64_t *bytes_out,
		 struct err *e);

/* RFC 2104 with SHA-256. */
bool hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		 uint8_t mac[SHA256_BYTES], struct err *e);

/* out must hold 2 * len + 1 bytes. Lower case. */
void hex_encode(const uint8_t *data, size_t len, char *out);
/* hex must be exactly 2 * len digits. false if it is not. */
bool hex_decode(const char *hex, uint8_t *out, size_t len);

/* XXH3, 64 bits, of a byte string. For catching damage, not for defence. */
uint64_t hash64(const void *data, size_t len);

/* XXH3, 64 bits, over the count, lengths and bytes of a row's fields: what "row hash" means everywhere in firn.
 * NULL and the empty string differ. Defined in segment/FORMAT.md: never change it. */
uint64_t row_hash(const struct field *fields, size_t count);

#endif
