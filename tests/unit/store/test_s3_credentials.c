#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/s3_credentials.h"

static const char *const variables[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
					 "AWS_SESSION_TOKEN", "AWS_PROFILE",
					 "AWS_REGION",        "AWS_DEFAULT_REGION" };

/* A folder with shared files, and no variable that says otherwise. */
static int set_up(void **state)
{
	static char folder[64];
	char path[100];
	struct err e = { 0 };

	snprintf(folder, sizeof(folder), "/tmp/firn-credentials-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	snprintf(path, sizeof(path), "%s/credentials", folder);
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	snprintf(path, sizeof(path), "%s/config", folder);
	setenv("AWS_CONFIG_FILE", path, 1);
	*state = folder;
	return file_make_dirs(folder, &e) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct err e = { 0 };

	return file_remove_tree(*state, &e) ? 0 : -1;
}

static void write_file(const char *variable, const char *text)
{
	struct err e = { 0 };

	assert_true(file_write_atomic(getenv(variable), text, strlen(text), &e));
}

static void the_environment_comes_first(void **state)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };

	(void)state;
	write_file("AWS_SHARED_CREDENTIALS_FILE",
		   "[default]\naws_access_key_id=F\naws_secret_access_key=FS\n");
	setenv("AWS_ACCESS_KEY_ID", "E", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "ES", 1);
	setenv("AWS_SESSION_TOKEN", "ET", 1);
	setenv("AWS_DEFAULT_REGION", "r-2", 1);
	assert_true(s3_credentials_load(&c, NULL, &e));
	assert_string_equal(c.access_key, "E");
	assert_string_equal(c.secret_key, "ES");
	assert_string_equal(c.session_token, "ET");
	assert_string_equal(c.region, "r-2");
	s3_credentials_release(&c);
	assert_null(c.secret_key);
}

static void a_profile_that_is_asked_for_beats_the_environment(void **state)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };

	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "E", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "ES", 1);
	setenv("AWS_SESSION_TOKEN", "ET", 1);
	write_file("AWS_SHARED_CREDENTIALS_FILE",
		   "[default]\naws_access_key_id=F\naws_secret_access_key=FS\n"
		   "[other]\naws_access_key_id=O\naws_secret_access_key=OS\n");
	write_file("AWS_CONFIG_FILE", "[profile other]\nregion = r-3\n");
	assert_true(s3_credentials_load(&c, "other", &e));
	assert_string_equal(c.access_key, "O");
	assert_string_equal(c.secret_key, "OS");
	assert_null(c.session_token);
	assert_string_equal(c.region, "r-3");
	s3_credentials_release(&c);
}

static void aws_profile_names_the_profile(void **state)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };

	(void)state;
	setenv("AWS_PROFILE", "in config", 1);
	write_file(
		"AWS_CONFIG_FILE",
		"# comment\r\n[profile in config]\r\naws_access_key_id = C\r\n"
		"  nested = aws_secret_access_key\r\naws_secret_access_key = a+b/c== # said he\r\n"
		"aws_session_token=T\r\n");
	assert_true(s3_credentials_load(&c, NULL, &e));
	assert_string_equal(c.access_key, "C");
	assert_string_equal(c.secret_key, "a+b/c==");
	assert_string_equal(c.session_token, "T");
	s3_credentials_release(&c);
}

static void missing_keys_are_told_without_repeating_any(void **state)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_false(s3_credentials_load(&c, NULL, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.hint, "AWS_ACCESS_KEY_ID"));
	s3_credentials_release(&c);
	setenv("AWS_SECRET_ACCESS_KEY", "hush", 1);
	assert_false(s3_credentials_load(&c, NULL, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_null(strstr(e.message, "hush"));
	s3_credentials_release(&c);
	setenv("AWS_ACCESS_KEY_ID", "a\r\nhost: evil", 1);
	assert_false(s3_credentials_load(&c, NULL, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	s3_credentials_release(&c);
}

static void garbage_is_passed_over(void **state)
{
	static const char text[] =
		"garbage\n=\n[\n[]\naws_access_key_id=no\n[p]\n=x\naws_access_key_id\n"
		"aws_access_key_id=\n aws_access_key_id=indented\naws_access_key_id=yes\n"
		"aws_access_key_id=twice\n[q]\nregion=no";
	struct s3_credentials c = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_true(s3_credentials_parse(&c, text, strlen(text), "p", &e));
	assert_string_equal(c.access_key, "yes");
	assert_null(c.region);
	s3_credentials_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_environment_comes_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_profile_that_is_asked_for_beats_the_environment,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(aws_profile_names_the_profile, set_up, tear_down),
		cmocka_unit_test_setup_teardown(missing_keys_are_told_without_repeating_any, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(garbage_is_passed_over, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
