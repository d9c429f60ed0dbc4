/*
 * Sealing: XChaCha20-Poly1305 (IETF) by libsodium, with a random nonce in front: what was sealed opens only with the same
 * key and the same associated data, and not at all where a bit of it was changed. FORMAT.md has test vectors.
 *
 *     sealed = 24 bytes nonce, ciphertext as long as the plaintext, 16 bytes tag
 *
 * And memory for keys. Any number of messages may be sealed by one key: nonces of 24 random bytes do not meet.
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define SEAL_KEY_BYTES   32
#define SEAL_NONCE_BYTES 24
#define SEAL_TAG_BYTES   16
#define SEAL_EXTRA_BYTES (SEAL_NONCE_BYTES + SEAL_TAG_BYTES)
#define SEAL_ID_BYTES    16

/* Appends data, sealed, to out. */
bool seal_add(const uint8_t key[SEAL_KEY_BYTES], const void *aad, size_t aad_len, const void *data,
	      size_t len, struct buf *out, struct err *e);

/* The same without a copy: seal_begin leaves room for the nonce at the end of b, then the plaintext is appended, then
 * seal_end seals all that follows position start, which b->len was before seal_begin. */
void seal_begin(struct buf *b);
bool seal_end(const uint8_t key[SEAL_KEY_BYTES], const void *aad, size_t aad_len, struct buf *b,
	      size_t start, struct err *e);

/* The plaintext replaces what out held. ERR_DATA, with nothing in out, when key, associated data or a bit of it differs;
 * which of them cannot be known. */
bool seal_open(const uint8_t key[SEAL_KEY_BYTES], const void *aad, size_t aad_len,
	       const uint8_t *data, size_t len, struct buf *out, struct err *e);

/* What a key is known by: tells nothing of the key itself. BLAKE2b of a fixed text, keyed by it. */
bool seal_key_id(const uint8_t key[SEAL_KEY_BYTES], uint8_t id[SEAL_ID_BYTES], struct err *e);

/* ---- keys in memory ---- */

/* Zeroed pages that are not swapped (as far as the system's limit on locked memory goes), left out of core dumps, between
 * guard pages. NULL and ERR_MEMORY where there is no room. */
void *secret_new(size_t bytes, struct err *e);
/* Overwrites, then frees. NULL is fine. */
void secret_free(void *secret);
/* Overwrites in a way that the compiler does not leave out. */
void secret_wipe(void *data, size_t len);
/* Overwrites all the memory that the buffer has, and releases it. */
void secret_buf_release(struct buf *b);
/* Whether they are the same; takes as long whatever they are. */
bool secret_equal(const void *a, const void *b, size_t len);

/* A fresh random key. */
bool secret_random_key(uint8_t key[SEAL_KEY_BYTES], struct err *e);

/* A key as people keep it: 32 bytes as they are, 64 hexadecimal digits, or 44 characters of base64 (43 without padding);
 * blanks and line ends around the last two do not matter. ERR_CONFIG, which repeats nothing of it, for anything else. */
bool secret_parse_key(const uint8_t *text, size_t len, uint8_t key[SEAL_KEY_BYTES], struct err *e);

#endif
