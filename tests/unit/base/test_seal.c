#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/seal.h"

static const uint8_t key[SEAL_KEY_BYTES] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
					     11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
					     22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

static void what_is_sealed_opens_again(void **state)
{
	struct buf sealed = BUF_INIT, opened = BUF_INIT;
	uint8_t text[1000];
	struct err e = { 0 };

	(void)state;
	memset(text, 7, sizeof(text));
	for (size_t len = 0; len < sizeof(text); len += 37) {
		buf_clear(&sealed);
		assert_true(seal_add(key, "place", 5, text, len, &sealed, &e));
		assert_int_equal(sealed.len, len + SEAL_EXTRA_BYTES);
		assert_true(seal_open(key, "place", 5, sealed.data, sealed.len, &opened, &e));
		assert_int_equal(opened.len, len);
		if (len)
			assert_memory_equal(opened.data, text, len);
	}
	buf_release(&sealed);
	buf_release(&opened);
}

static void sealing_after_other_bytes_leaves_them(void **state)
{
	struct buf b = BUF_INIT, opened = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	buf_add_str(&b, "head");
	seal_begin(&b);
	buf_add_str(&b, "a secret");
	assert_true(seal_end(key, NULL, 0, &b, 4, &e));
	assert_memory_equal(b.data, "head", 4);
	assert_null(memmem(b.data, b.len, "secret", 6));
	assert_true(seal_open(key, NULL, 0, b.data + 4, b.len - 4, &opened, &e));
	assert_string_equal(buf_str(&opened), "a secret");
	buf_release(&b);
	buf_release(&opened);
}

static void the_same_text_is_never_sealed_to_the_same_bytes(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_true(seal_add(key, NULL, 0, "text", 4, &a, &e));
	assert_true(seal_add(key, NULL, 0, "text", 4, &b, &e));
	assert_memory_not_equal(a.data, b.data, SEAL_NONCE_BYTES);
	assert_memory_not_equal(a.data + SEAL_NONCE_BYTES, b.data + SEAL_NONCE_BYTES, 4);
	buf_release(&a);
	buf_release(&b);
}

static void any_changed_bit_any_cut_any_other_place_or_key_is_refused(void **state)
{
	struct buf sealed = BUF_INIT, opened = BUF_INIT;
	uint8_t other[SEAL_KEY_BYTES];
	struct err e = { 0 };

	(void)state;
	assert_true(seal_add(key, "place 1", 7, "forty-two bytes, or however many they are", 41,
			     &sealed, &e));
	for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
		sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(seal_open(key, "place 1", 7, sealed.data, sealed.len, &opened, &e));
		assert_int_equal(e.code, ERR_DATA);
		assert_int_equal(opened.len, 0);
		sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < sealed.len; len++)
		assert_false(seal_open(key, "place 1", 7, sealed.data, len, &opened, &e));
	assert_false(seal_open(key, "place 2", 7, sealed.data, sealed.len, &opened, &e));
	assert_false(seal_open(key, "place 1", 6, sealed.data, sealed.len, &opened, &e));
	for (size_t bit = 0; bit < 8 * sizeof(other); bit++) {
		memcpy(other, key, sizeof(other));
		other[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(seal_open(other, "place 1", 7, sealed.data, sealed.len, &opened, &e));
	}
	assert_true(seal_open(key, "place 1", 7, sealed.data, sealed.len, &opened, &e));
	buf_release(&sealed);
	buf_release(&opened);
}

static void parsed(const char *text, size_t len, bool wanted)
{
	uint8_t found[SEAL_KEY_BYTES];
	struct err e = { 0 };

	if (secret_parse_key((const uint8_t *)text, len, found, &e) != wanted)
		fail_msg("\"%.*s\" %s", (int)len, text, wanted ? e.message : "is taken for a key");
	if (wanted)
		assert_memory_equal(found, key, sizeof(key));
	else
		assert_true(e.code == ERR_CONFIG && e.hint[0]);
}

static void keys_are_read_as_bytes_hexadecimal_or_base64(void **state)
{
	static const char hex[] =
		"000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
	static const char base64[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
	char with_end[80];

	(void)state;
	parsed((const char *)key, 32, true);
	parsed(hex, 64, true);
	parsed(base64, 44, true);
	parsed(base64, 43, true);
	snprintf(with_end, sizeof(with_end), " %s\r\n", hex);
	parsed(with_end, strlen(with_end), true);
	snprintf(with_end, sizeof(with_end), "%s\n", base64);
	parsed(with_end, strlen(with_end), true);
}

static void what_is_no_key_is_refused_without_repeating_it(void **state)
{
	static const char almost[] =
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1x";
	uint8_t found[SEAL_KEY_BYTES];
	struct err e = { 0 };

	(void)state;
	parsed("", 0, false);
	parsed("\n", 1, false);
	parsed(almost, 64, false);
	parsed(almost, 63, false);
	parsed((const char *)key, 31, false);
	parsed("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8!", 44, false);
	parsed("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH==", 43, false);
	assert_false(secret_parse_key((const uint8_t *)almost, 64, found, &e));
	assert_null(strstr(e.message, "0001"));
	assert_null(strstr(e.hint, "0001"));
}

static void the_id_of_a_key_is_its_own_and_stays(void **state)
{
	uint8_t id[SEAL_ID_BYTES], again[SEAL_ID_BYTES], other_id[SEAL_ID_BYTES];
	uint8_t other[SEAL_KEY_BYTES];
	char hex[2 * SEAL_ID_BYTES + 1];
	struct err e = { 0 };

	(void)state;
	memcpy(other, key, sizeof(other));
	other[31] ^= 1;
	assert_true(seal_key_id(key, id, &e));
	assert_true(seal_key_id(key, again, &e));
	assert_true(seal_key_id(other, other_id, &e));
	assert_memory_equal(id, again, sizeof(id));
	assert_memory_not_equal(id, other_id, sizeof(id));
	hex_encode(id, sizeof(id), hex);
	assert_string_equal(hex, "aa40c8acb7f5aab1a6a1b6cb9bc22e73");
}

static void secrets_are_zero_at_first_and_can_be_wiped(void **state)
{
	struct err e = { 0 };
	uint8_t *secret = secret_new(100, &e), zeros[100] = { 0 };

	(void)state;
	assert_non_null(secret);
	assert_memory_equal(secret, zeros, 100);
	assert_true(secret_random_key(secret, &e));
	assert_false(secret_equal(secret, zeros, SEAL_KEY_BYTES));
	secret_wipe(secret, 100);
	assert_true(secret_equal(secret, zeros, 100));
	secret_free(secret);
	secret_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens_again),
		cmocka_unit_test(sealing_after_other_bytes_leaves_them),
		cmocka_unit_test(the_same_text_is_never_sealed_to_the_same_bytes),
		cmocka_unit_test(any_changed_bit_any_cut_any_other_place_or_key_is_refused),
		cmocka_unit_test(keys_are_read_as_bytes_hexadecimal_or_base64),
		cmocka_unit_test(what_is_no_key_is_refused_without_repeating_it),
		cmocka_unit_test(the_id_of_a_key_is_its_own_and_stays),
		cmocka_unit_test(secrets_are_zero_at_first_and_can_be_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
