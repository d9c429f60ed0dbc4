#include "base/seal.h"

#include <sodium.h>
#include <string.h>

#include "base/rng.h"

_Static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(SEAL_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

/* Chooses the code for this processor, once a process; any thread may be the first. */
static bool ready(struct err *e)
{
	return sodium_init() >= 0 || err_set(e, ERR_INTERNAL, "could not start libsodium");
}

void seal_begin(struct buf *b)
{
	if (buf_reserve(b, SEAL_NONCE_BYTES))
		b->len += SEAL_NONCE_BYTES;
}

bool seal_end(const uint8_t key[SEAL_KEY_BYTES], const void *aad, size_t aad_len, struct buf *b,
	      size_t start, struct err *e)
{
	uint8_t *tag = buf_reserve(b, SEAL_TAG_BYTES), *nonce, *text;
	size_t len;

	if (!tag)
		return buf_ok(b, e);
	nonce = b->data + start;
	text = nonce + SEAL_NONCE_BYTES;
	len = b->len - start - SEAL_NONCE_BYTES;
	if (!ready(e) || !rng_system(nonce, SEAL_NONCE_BYTES, e))
		return false;
	/* Never fails. The stream cipher works in place. */
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(text, tag, NULL, text, len, aad,
							    aad_len, NULL, nonce, key);
	b->len += SEAL_TAG_BYTES;
	return true;
}

bool seal_add(const uint8_t key[SEAL_KEY_BYTES], const void *aad, size_t aad_len, const void *data,
	      size_t len, struct buf *out, struct err *e)
{
	size_t start = out->len;

	seal_begin(out);
	buf_add(out, data, len);
	return buf_ok(out, e) && seal_end(key, aad, aad_len, out, start, e);
}

bool seal_open(const uint8_t key[SEAL_KEY_BYTES], const void *aad, size_t aad_len,
	       const uint8_t *data, size_t len, struct buf *out, struct err *e)
{
	size_t text_len;

	buf_clear(out);
	if (!ready(e))
		return false;
	if (len < SEAL_EXTRA_BYTES)
		return err_set(e, ERR_DATA, "these bytes are too few to be sealed");
	text_len = len - SEAL_EXTRA_BYTES;
	if (!buf_reserve(out, text_len + 1))
		return buf_ok(out, e);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
		    out->data, NULL, data + SEAL_NONCE_BYTES, text_len,
		    data + SEAL_NONCE_BYTES + text_len, aad, aad_len, data, key) != 0)
		return err_set(e, ERR_DATA,
			       "the seal does not hold: these bytes, their place or the key are "
			       "not what they were sealed with");
	out->len = text_len;
	return true;
}

bool seal_key_id(const uint8_t key[SEAL_KEY_BYTES], uint8_t id[SEAL_ID_BYTES], struct err *e)
{
	static const char text[] = "firn: the id of a key";

	if (!ready(e))
		return false;
	return crypto_generichash(id, SEAL_ID_BYTES, (const uint8_t *)text, strlen(text), key,
				  SEAL_KEY_BYTES) == 0 ||
	       err_set(e, ERR_INTERNAL, "could not compute the id of a key");
}

/* ---- keys in memory ---- */

void *secret_new(size_t bytes, struct err *e)
{
	void *secret = ready(e) ? sodium_malloc(bytes) : NULL;

	if (!secret) {
		err_no_memory(e);
		return NULL;
	}
	memset(secret, 0, bytes);
	return secret;
}

void secret_free(void *secret)
{
	sodium_free(secret);
}

void secret_wipe(void *data, size_t len)
{
	if (len > 0)
		sodium_memzero(data, len);
}

void secret_buf_release(struct buf *b)
{
	secret_wipe(b->data, b->capacity);
	buf_release(b);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

bool secret_random_key(uint8_t key[SEAL_KEY_BYTES], struct err *e)
{
	return rng_system(key, SEAL_KEY_BYTES, e);
}

static bool not_a_key(size_t len, struct err *e)
{
	err_set(e, ERR_CONFIG, "%zu bytes are no key", len);
	return err_hint(e, "A key is 32 random bytes: as they are, as 64 hexadecimal digits, or in "
			   "base64. \"openssl rand -hex 32\" makes one.");
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* libsodium's decoders read no table by secret bytes. */
static bool parse_text(const char *text, size_t len, uint8_t key[SEAL_KEY_BYTES])
{
	const int base64 = len == 44 ? sodium_base64_VARIANT_ORIGINAL
				     : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	size_t found = 0;
	const char *end = NULL;
	int rc = -1;

	if (len == 2 * SEAL_KEY_BYTES)
		rc = sodium_hex2bin(key, SEAL_KEY_BYTES, text, len, NULL, &found, &end);
	else if (len == 44 || len == 43)
		rc = sodium_base642bin(key, SEAL_KEY_BYTES, text, len, NULL, &found, &end, base64);
	return rc == 0 && found == SEAL_KEY_BYTES && end == text + len;
}

bool secret_parse_key(const uint8_t *text, size_t len, uint8_t key[SEAL_KEY_BYTES], struct err *e)
{
	size_t whole = len;

	if (!ready(e))
		return false;
	if (len == SEAL_KEY_BYTES) {
		memcpy(key, text, SEAL_KEY_BYTES);
		return true;
	}
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	if (parse_text((const char *)text, len, key))
		return true;
	secret_wipe(key, SEAL_KEY_BYTES);
	return not_a_key(whole, e);
}
