#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "engine/master_key.h"

static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static int set_up(void **state)
{
	static char folder[64];

	snprintf(folder, sizeof(folder), "/tmp/firn-keys-XXXXXX");
	*state = mkdtemp(folder);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	struct err e = { 0 };

	return file_remove_tree(*state, &e) ? 0 : -1;
}

static const char *write_key(void **state, const char *text, mode_t mode)
{
	static char path[100];
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s/key", (const char *)*state);
	assert_true(file_write_atomic(path, text, strlen(text), &e));
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static struct master_key *load_file(const char *path, struct err *e)
{
	*e = (struct err){ 0 };
	return master_key_load(&(struct key_source){ .file = path, .name = "key_file" }, e);
}

static struct master_key *load_command(const char *command, struct err *e)
{
	*e = (struct err){ 0 };
	return master_key_load(&(struct key_source){ .command = command, .name = "key_command" },
			       e);
}

static void check(struct master_key *m, const struct err *e)
{
	if (!m)
		fail_msg("%s", e->message);
	assert_int_equal(m->key[31], 31);
	assert_string_equal(m->id_hex, "aa40c8acb7f5aab1a6a1b6cb9bc22e73");
	secret_free(m);
}

static void a_key_file_is_read_if_only_its_owner_can(void **state)
{
	static const mode_t good[] = { 0600, 0400, 0700 }, bad[] = { 0640, 0604, 0620, 0644, 0610 };
	struct err e;

	for (size_t i = 0; i < 3; i++)
		check(load_file(write_key(state, hex, good[i]), &e), &e);
	for (size_t i = 0; i < 5; i++) {
		assert_null(load_file(write_key(state, hex, bad[i]), &e));
		assert_int_equal(e.code, ERR_CONFIG);
		assert_non_null(strstr(e.hint, "chmod 600"));
	}
}

static void what_is_no_key_file_is_refused(void **state)
{
	char long_text[3000];
	struct err e;

	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_null(load_file(write_key(state, "0001", 0600), &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.message, "4 bytes are no key"));
	assert_non_null(strstr(e.hint, "32 random bytes"));
	assert_null(load_file(write_key(state, long_text, 0600), &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_null(load_file(*state, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_null(load_file("/nonexistent/key", &e));
	assert_int_equal(e.code, ERR_CONFIG);
}

static void a_command_gives_the_key(void **state)
{
	char command[200];
	struct err e;

	snprintf(command, sizeof(command), "cat  %s ", write_key(state, hex, 0600));
	check(load_command(command, &e), &e);
	snprintf(command, sizeof(command), "echo %s", hex);
	check(load_command(command, &e), &e);
}

static void a_command_sees_no_shell(void **state)
{
	char command[200];
	struct err e;

	snprintf(command, sizeof(command), "echo %s ; touch %s/made", hex, (const char *)*state);
	assert_null(load_command(command, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	snprintf(command, sizeof(command), "%s/made", (const char *)*state);
	assert_int_not_equal(access(command, F_OK), 0);
}

static void a_command_that_fails_is_named_and_its_output_is_not(void **state)
{
	char command[200], path[100];
	const char *script = "#!/bin/sh\necho not-to-be-shown\nexit 3\n";
	struct err e;

	snprintf(path, sizeof(path), "%s/script", (const char *)*state);
	assert_true(file_write_atomic(path, script, strlen(script), &e));
	assert_int_equal(chmod(path, 0700), 0);
	assert_null(load_command(path, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.message, "status 3"));
	assert_null(strstr(e.message, "not-to-be-shown"));
	assert_null(load_command("/nonexistent/program", &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_null(load_command("  ", &e));
	assert_int_equal(e.code, ERR_CONFIG);
	snprintf(command, sizeof(command), "yes %s", hex);
	assert_null(load_command(command, &e));
	assert_null(strstr(e.message, hex));
}

static void unhex(const char *text, uint8_t *out)
{
	assert_true(hex_decode(text, out, strlen(text) / 2));
}

/* FORMAT.md, "Test vectors". */
static void the_vectors_of_the_format_unwrap(void **state)
{
	static const char nonce[] = "404142434445464748494a4b4c4d4e4f5051525354555657";
	static const char text[] =
		"54b887f35465ff91077d0d352311eb1d022b3f5787ccc50df2a867de9599bd0f";
	uint8_t of_table[SEGMENT_WRAPPED_KEY_BYTES], of_acme[SEGMENT_WRAPPED_KEY_BYTES];
	static const uint8_t acme[] = { 5, 'a', 'c', 'm', 'e' };
	uint8_t key[SEAL_KEY_BYTES];
	struct master_key *m;
	struct err e;

	unhex(nonce, of_table);
	unhex(text, of_table + 24);
	memcpy(of_acme, of_table, sizeof(of_acme));
	unhex("213ce808d2e3eba52cb66ba8a4b486ee", of_table + 56);
	unhex("7bdcef08151ac4506df9e5313444a44f", of_acme + 56);
	m = load_file(write_key(state, hex, 0600), &e);
	assert_non_null(m);
	assert_true(master_key_unwrap(m, "public.t", NULL, 0, of_table, key, &e));
	assert_true(key[0] == 0x80 && key[31] == 0x9f);
	assert_true(master_key_unwrap(m, "public.t", acme, sizeof(acme), of_acme, key, &e));
	assert_true(key[0] == 0x80 && key[31] == 0x9f);
	/* Neither takes the other's place, nor that in another table. */
	assert_false(master_key_unwrap(m, "public.t", NULL, 0, of_acme, key, &e));
	assert_false(master_key_unwrap(m, "public.t", acme, sizeof(acme), of_table, key, &e));
	assert_false(master_key_unwrap(m, "public.u", acme, sizeof(acme), of_acme, key, &e));
	assert_int_equal(e.code, ERR_DATA);
	secret_free(m);
}

static void a_wrapped_key_unwraps_with_the_same_master_key_only(void **state)
{
	uint8_t key[SEAL_KEY_BYTES], found[SEAL_KEY_BYTES], wrapped[SEGMENT_WRAPPED_KEY_BYTES];
	struct master_key *m, *other;
	struct err e;
	char changed[65];

	m = load_file(write_key(state, hex, 0600), &e);
	memcpy(changed, hex, sizeof(changed));
	changed[63] = 'e';
	other = load_file(write_key(state, changed, 0600), &e);
	assert_true(m && other);
	assert_string_not_equal(m->id_hex, other->id_hex);
	assert_true(secret_random_key(key, &e));
	assert_true(master_key_wrap(m, "a.b", "w", 1, key, wrapped, &e));
	assert_null(memmem(wrapped, sizeof(wrapped), key, 8));
	assert_true(master_key_unwrap(m, "a.b", "w", 1, wrapped, found, &e));
	assert_memory_equal(key, found, sizeof(key));
	assert_false(master_key_unwrap(other, "a.b", "w", 1, wrapped, found, &e));
	secret_free(m);
	secret_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_file_is_read_if_only_its_owner_can),
		cmocka_unit_test(what_is_no_key_file_is_refused),
		cmocka_unit_test(a_command_gives_the_key),
		cmocka_unit_test(a_command_sees_no_shell),
		cmocka_unit_test(a_command_that_fails_is_named_and_its_output_is_not),
		cmocka_unit_test(the_vectors_of_the_format_unwrap),
		cmocka_unit_test(a_wrapped_key_unwraps_with_the_same_master_key_only),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
