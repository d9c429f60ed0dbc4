/* Where keys come from, in which order, and when they are looked for again; without any server. */
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
#include "base/str.h"
#include "lib/aws_fixture.h"
#include "store/s3_credentials_source.h"

static int64_t now_s = 1700000000; /* 2023-11-14T22:13:20Z */

static int64_t fake_now(void *ctx)
{
	return *(int64_t *)ctx * 1000;
}

static time_t fake_wall(void *ctx)
{
	return (time_t) * (int64_t *)ctx;
}

static void fake_sleep(void *ctx, int64_t ms)
{
	(void)ctx;
	(void)ms;
}

static const struct clock fake_clock = { fake_now, fake_wall, fake_sleep, &now_s };
static struct s3_credential_options options = { .clock = &fake_clock };

static int set_up(void **state)
{
	static char folder[64];

	options = (struct s3_credential_options){ .clock = &fake_clock };
	now_s = 1700000000;
	*state = folder;
	return aws_fixture_make(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	return aws_fixture_remove(*state);
}

static void write_path(const char *path, const char *text)
{
	struct err e = { 0 };

	assert_true(file_write_atomic(path, text, strlen(text), &e));
}

static void write_file(const char *variable, const char *text)
{
	write_path(getenv(variable), text);
}

static void expect_keys(const char *profile, const char *access_key, const char *source)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };

	options.profile = profile;
	if (!s3_credentials_load(&c, &options, &e))
		fail_msg("%s", e.message);
	assert_string_equal(c.access_key, access_key);
	assert_non_null(strstr(c.source, source));
	assert_null(strstr(c.source, "HUSH"));
	s3_credentials_release(&c);
	assert_null(c.secret_key);
}

static void expect_error(const char *profile, enum err_code code, const char *says)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };

	options.profile = profile;
	assert_false(s3_credentials_load(&c, &options, &e));
	if (e.code != code || !strstr(e.message, says))
		fail_msg("%d: %s", e.code, e.message);
	assert_null(strstr(e.message, "HUSH"));
	assert_null(strstr(e.hint, "HUSH"));
	s3_credentials_release(&c);
}

#define KEYS(name) "aws_access_key_id=" name "\naws_secret_access_key=HUSH" name "\n"

static void the_environment_comes_first(void **state)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };

	(void)state;
	write_file("AWS_SHARED_CREDENTIALS_FILE", "[default]\n" KEYS("F"));
	setenv("AWS_ACCESS_KEY_ID", "E", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "ES", 1);
	setenv("AWS_SESSION_TOKEN", "ET", 1);
	setenv("AWS_DEFAULT_REGION", "r-2", 1);
	setenv("AWS_CREDENTIAL_EXPIRATION", "2023-11-14T23:13:20Z", 1);
	assert_true(s3_credentials_load(&c, &options, &e));
	assert_string_equal(c.access_key, "E");
	assert_string_equal(c.secret_key, "ES");
	assert_string_equal(c.session_token, "ET");
	assert_string_equal(c.region, "r-2");
	assert_int_equal(c.expires_s, now_s + 3600);
	assert_int_equal(c.renew_s, now_s + 3000);
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
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere", 1);
	setenv("AWS_ROLE_ARN", "arn", 1);
	write_file("AWS_SHARED_CREDENTIALS_FILE", "[default]\n" KEYS("F") "[other]\n" KEYS("O"));
	write_file("AWS_CONFIG_FILE", "[profile other]\nregion = r-3\n");
	options.profile = "other";
	assert_true(s3_credentials_load(&c, &options, &e));
	assert_string_equal(c.access_key, "O");
	assert_string_equal(c.secret_key, "HUSHO");
	assert_null(c.session_token);
	assert_string_equal(c.region, "r-3");
	assert_int_equal(c.expires_s, 0);
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
		"# comment\r\n[sso-session x]\r\nsso_region = y\r\n[profile \"in config\"] ; so\r\n"
		"AWS_access_key_id = C\r\n"
		"s3 =\r\n  nested = aws_secret_access_key\r\n"
		"aws_secret_access_key = a+b/c== # said he\r\naws_session_token=T\r\n");
	assert_true(s3_credentials_load(&c, &options, &e));
	assert_string_equal(c.access_key, "C");
	assert_string_equal(c.secret_key, "a+b/c==");
	assert_string_equal(c.session_token, "T");
	assert_non_null(strstr(c.source, "profile \"in config\" of \""));
	s3_credentials_release(&c);
	setenv("AWS_PROFILE", "gone", 1);
	expect_error(NULL, ERR_CONFIG, "profile \"gone\" is neither in");
}

static void keys_of_the_credentials_file_beat_a_process_and_that_the_config_file(void **state)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "[default]\n" KEYS(
			 "CONFIG") "credential_process = sh -c 'echo \"{\\\"Version\\\":1,"
				   "\\\"AccessKeyId\\\":\\\"P\\\",\\\"SecretAccessKey\\\":"
				   "\\\"S\\\"}\"'\n");
	write_file("AWS_CONFIG_FILE", text);
	write_file("AWS_SHARED_CREDENTIALS_FILE", "[default]\n" KEYS("CREDENTIALS"));
	expect_keys(NULL, "CREDENTIALS", "profile \"default\" of \"");
	write_file("AWS_SHARED_CREDENTIALS_FILE", "[default]\n");
	expect_keys(NULL, "P", "credential_process of profile \"default\"");
	write_file("AWS_CONFIG_FILE", "[default]\n" KEYS("CONFIG"));
	expect_keys(NULL, "CONFIG", "config\"");
	(void)state;
}

static void missing_keys_are_told_with_every_source_that_was_tried(void **state)
{
	(void)state;
	expect_error(NULL, ERR_DENIED,
		     "environment: AWS_ACCESS_KEY_ID is not set; web identity: "
		     "AWS_WEB_IDENTITY_TOKEN_FILE is not set; profile "
		     "\"default\": no keys in \"");
	expect_error(NULL, ERR_DENIED,
		     "; container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not "
		     "set; instance metadata: AWS_EC2_METADATA_DISABLED is true");
	setenv("AWS_SECRET_ACCESS_KEY", "HUSH", 1);
	expect_error(NULL, ERR_CONFIG, "only one is set");
	setenv("AWS_ACCESS_KEY_ID", "HUSH\r\nhost: evil", 1);
	expect_error(NULL, ERR_CONFIG, "a character that cannot be in it");
	setenv("AWS_ACCESS_KEY_ID", "E", 1);
	setenv("AWS_CREDENTIAL_EXPIRATION", "2023-11-14T22:13:19Z", 1);
	expect_error(NULL, ERR_DENIED,
		     "from environment (AWS_ACCESS_KEY_ID) expired at 2023-11-14T22:13:19Z");
}

static void no_metadata_service_fails_fast_and_says_so(void **state)
{
	(void)state;
	unsetenv("AWS_EC2_METADATA_DISABLED");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1/", 1);
	expect_error(NULL, ERR_DENIED, "; instance metadata: ");
}

static void a_broken_shared_file_names_the_line(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "[default]\nHUSH\n", "line 2: neither a heading" },
		{ "\n\n[default\n", "line 3: the heading has no \"]\"" },
		{ "[default] HUSH\n", "line 1: something follows" },
		{ "[ ]\n", "line 1: the heading is empty" },
		{ "aws_access_key_id=HUSH\n", "line 1: a setting before the first heading" },
		{ "[default]\n = HUSH\n=HUSH\n", "line 3: the setting has no name" },
		{ "[x]\na=1\n[y]\na=1\n[x]\nA=HUSH\n", "line 6: the profile has this setting" },
		{ "[default]\naws_secret_access_key=HUSH\n", "line 2: of access key and secret" },
		{ "[default]\naws_access_key_id=a/b\naws_secret_access_key=HUSH\n",
		  "line 2: profile \"default\": a key holds" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file("AWS_SHARED_CREDENTIALS_FILE", cases[i].text);
		expect_error(NULL, ERR_CONFIG, cases[i].says);
		expect_error(NULL, ERR_CONFIG, getenv("AWS_SHARED_CREDENTIALS_FILE"));
	}
}

static void
a_home_folder_of_somebody_else_is_none_but_a_file_that_is_named_is_asked_for(void **state)
{
	char home[100], aws[120], path[140];
	bool root = geteuid() == 0;
	struct err e = { 0 };

	snprintf(home, sizeof(home), "%s/home", (char *)*state);
	snprintf(aws, sizeof(aws), "%s/.aws", home);
	snprintf(path, sizeof(path), "%s/credentials", aws);
	assert_true(file_make_dirs(aws, &e));
	write_path(path, "[default]\n" KEYS("F"));
	setenv("HOME", home, 1);
	unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	unsetenv("AWS_CONFIG_FILE");
	expect_keys(NULL, "F", path);
	assert_int_equal(chmod(home, 0), 0);
	/* The superuser reads everything. */
	if (root)
		assert_int_equal(setresuid(65534, 65534, 0), 0);
	expect_error(NULL, ERR_DENIED, "profile \"default\": no permission to read \"");
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	expect_error(NULL, ERR_CONFIG, path);
	if (root)
		assert_int_equal(setresuid(0, 0, 0), 0);
	assert_int_equal(chmod(home, 0700), 0);
}

static void roles_that_cannot_be_assumed_name_profile_and_line(void **state)
{
	static const struct {
		const char *profile, *text, *says;
	} cases[] = {
		{ "a", "[profile a]\nrole_arn=r\n", "neither source_profile nor" },
		{ "a", "[profile a]\nrole_arn=r\nsource_profile=b\n", "that does not exist" },
		{ "a",
		  "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nrole_arn=r\n"
		  "source_profile=a\n",
		  "leads back to it" },
		{ "a", "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nregion=x\n",
		  "a source_profile without credentials" },
		{ "a", "[profile a]\nrole_arn=r\nsource_profile=b\ncredential_source=Environment\n",
		  "both" },
		{ "a", "[profile a]\nrole_arn=r\ncredential_source=Elsewhere\n",
		  "(\"%s\", line 3) has a credential_source other than" },
		{ "a", "[profile a]\nrole_arn=r\nsource_profile=a\nmfa_serial=m\n",
		  "(\"%s\", line 4) asks for a code of an MFA device" },
		{ "a", "[profile a]\nsso_session=x\n", "IAM Identity Center" },
		{ "a", "[profile a]\nweb_identity_token_file=/nowhere\n", "no role to go with it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char says[300];
		const char *place = strstr(cases[i].says, "%s");

		write_file("AWS_CONFIG_FILE", cases[i].text);
		if (place)
			snprintf(says, sizeof(says), "%.*s%s%s", (int)(place - cases[i].says),
				 cases[i].says, getenv("AWS_CONFIG_FILE"), place + 2);
		else
			snprintf(says, sizeof(says), "%s", cases[i].says);
		expect_error(cases[i].profile, ERR_CONFIG, says);
	}
}

static void commands_are_split_as_aws_does_and_nothing_is_expanded(void **state)
{
	static const struct {
		const char *text;
		const char *words[6];
	} cases[] = {
		{ "a  b\tc", { "a", "b", "c" } },
		{ "'/opt/my tool' \"x y\" z\"\"", { "/opt/my tool", "x y", "z" } },
		{ "a '' b", { "a", "", "b" } },
		{ "a $HOME `id` | b > c", { "a", "$HOME", "`id`", "|", "b" } },
		{ "a\\ b \\\"c\\\\ # d", { "a b", "\"c\\", "#", "d" } },
		{ "\"a \\\" \\\\ \\n\" '\\n \"'", { "a \" \\ \\n", "\\n \"" } },
	};
	static const char *const bad[] = { "", "  ", "a 'b", "a \"b\\\"", "a\\" };
	struct err e = { 0 };
	char **argv;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(s3_split_command(cases[i].text, &argv, &e));
		for (size_t w = 0; w < 5 && cases[i].words[w]; w++)
			assert_string_equal(argv[w], cases[i].words[w]);
		s3_free_words(argv);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(s3_split_command(bad[i], &argv, &e));
		assert_int_equal(e.code, ERR_CONFIG);
	}
}

/* Writes a profile whose process is "sh FOLDER/run", and that script. */
static void write_process(const char *folder, const char *script)
{
	char path[100], text[200];

	snprintf(path, sizeof(path), "%s/run", folder);
	write_path(path, script);
	snprintf(text, sizeof(text), "[default]\ncredential_process = sh \"%s\"\n", path);
	write_file("AWS_CONFIG_FILE", text);
}

static void a_process_that_fails_is_named_with_what_it_said(void **state)
{
	static const struct {
		const char *script, *says;
		enum err_code code;
	} cases[] = {
		{ "echo >&2 first; echo >&2 'no ticket'; exit 3\n",
		  "line 2): it ended with status 3: no ticket", ERR_DENIED },
		{ "kill -9 $$\n", "signal 9 ended it", ERR_DENIED },
		{ "echo HUSH\n", "no JSON object", ERR_DENIED },
		{ "echo '[]'\n", "no JSON object", ERR_DENIED },
		{ "echo '{\"AccessKeyId\":\"HUSH\",\"SecretAccessKey\":\"HUSH\"}'\n",
		  "not of \"Version\": 1", ERR_DENIED },
		{ "echo '{\"Version\":1,\"AccessKeyId\":\"HUSH\"}'\n", "no secret access key",
		  ERR_DENIED },
		{ "echo '{\"Version\":1,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"HUSH\","
		  "\"Expiration\":\"soon\"}'\n",
		  "the expiration is no time", ERR_DENIED },
		{ "echo '{\"Version\":1,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"HUSH\","
		  "\"Expiration\":\"2023-11-14T22:13:20Z\"}'\n",
		  "expired at 2023-11-14T22:13:20Z", ERR_DENIED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_process(*state, cases[i].script);
		expect_error(NULL, cases[i].code, cases[i].says);
	}
	write_file("AWS_CONFIG_FILE", "[default]\ncredential_process = /no/such/program\n");
	expect_error(NULL, ERR_CONFIG, "could not run \"/no/such/program\"");
}

static void what_a_process_says_is_logged_but_not_a_key(void **state)
{
	char *text = NULL;
	size_t len = 0;
	const struct log log = { .out = open_memstream(&text, &len), .level = LOG_INFO };

	options.log = &log;
	write_process(*state,
		      "echo >&2 'renewing your ticket'; echo >&2 'key HUSHP'; echo "
		      "'{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"HUSHP\"}'\n");
	expect_keys(NULL, "P", "credential_process");
	fclose(log.out);
	assert_non_null(strstr(text, "credential_process: renewing your ticket\n"));
	assert_non_null(strstr(text, "credentials from credential_process of profile"));
	assert_null(strstr(text, "HUSH"));
	free(text);
}

static void a_process_that_leaves_a_child_behind_is_not_waited_for(void **state)
{
	write_process(*state,
		      "sleep 30 & echo '{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":"
		      "\"S\"}'\n");
	expect_keys(NULL, "P", "credential_process");
}

/* A process that numbers its keys: K1, K2, ...; the file "until" says until when they are good, and
 * without it the process fails. */
static void write_counter(const char *folder)
{
	char script[600];

	snprintf(script, sizeof(script),
		 "cd %s; test -e until || { echo gone >&2; exit 1; }\n"
		 "echo >>count; n=$(wc -l <count); echo \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":"
		 "\\\"K${n##* }\\\",\\\"SecretAccessKey\\\":\\\"S\\\",\\\"Expiration\\\":\\\"$(cat "
		 "until)\\\"}\"\n",
		 folder);
	write_process(folder, script);
}

static void keys_are_renewed_before_they_expire(void **state)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };
	char until[100];

	snprintf(until, sizeof(until), "%s/until", (char *)*state);
	write_counter(*state);
	write_path(until, "2023-11-14T23:13:20+00:00");
	assert_true(s3_credentials_load(&c, &options, &e));
	assert_string_equal(c.access_key, "K1");
	now_s += 2999;
	assert_true(s3_credentials_keep(&c, &options, &e));
	assert_string_equal(c.access_key, "K1");
	now_s += 1;
	write_path(until, "2023-11-15T00:13:20.5Z");
	assert_true(s3_credentials_keep(&c, &options, &e));
	assert_string_equal(c.access_key, "K2");
	/* No newer ones: the present ones are used until their end, and the source is asked again
	 * now and then only. */
	unlink(until);
	now_s = c.renew_s;
	assert_true(s3_credentials_keep(&c, &options, &e));
	assert_string_equal(c.access_key, "K2");
	assert_int_equal(c.renew_s, now_s + 30);
	now_s = c.expires_s;
	assert_false(s3_credentials_keep(&c, &options, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.message, "have expired: credential_process of profile"));
	assert_non_null(strstr(e.message, "gone"));
	s3_credentials_release(&c);
}

static void keys_that_last_seconds_are_not_asked_for_at_every_call(void **state)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };
	char until[100];

	snprintf(until, sizeof(until), "%s/until", (char *)*state);
	write_counter(*state);
	write_path(until, "2023-11-14T22:14:20Z");
	assert_true(s3_credentials_load(&c, &options, &e));
	assert_int_equal(c.renew_s, now_s + 45);
	now_s += 44;
	assert_true(s3_credentials_keep(&c, &options, &e));
	assert_string_equal(c.access_key, "K1");
	s3_credentials_release(&c);
}

static void expirations_are_read_in_every_form(void **state)
{
	static const char *const same[] = {
		"2023-11-14T22:13:20Z",      "2023-11-14T22:13:20.123Z",
		"2023-11-14T22:13:20+00:00", "2023-11-15T00:13:20+02:00",
		"2023-11-14T16:43:20-0530",  "2023-11-14T22:13:20"
	};
	static const char *const bad[] = { "",
					   "soon",
					   "2023-11-14",
					   "2023-11-14T22:13:20+2",
					   "2023-11-14T22:13:20Zulu",
					   "1700000000" };
	int64_t s;

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_true(s3_parse_expiration(same[i], &s));
		assert_int_equal(s, 1700000000);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(s3_parse_expiration(bad[i], &s));
}

static void a_container_is_asked_over_http_on_this_machine_or_at_its_agents_only(void **state)
{
	static const char *const good[] = {
		"http://127.0.0.1:99/x",      "http://127.8.9.1/x",
		"http://localhost:1/",        "http://[::1]:80/x",
		"http://169.254.170.2/x",     "http://169.254.170.23/v1/c",
		"http://[fd00:ec2::23]/v1/c", "https://example.com/x"
	};
	static const char *const bad[] = { "http://example.com/x",
					   "http://169.254.169.254/x",
					   "http://127.0.0.1@evil.com/x",
					   "http://127.0.0.1\\@evil.com/x",
					   "http://127.evil.com/",
					   "ftp://127.0.0.1/",
					   "127.0.0.1/x",
					   "http:///x",
					   "https://",
					   "http://localhost.evil.com/" };
	struct err e = { 0 };
	char host[256];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!s3_check_container_url(good[i], host, &e))
			fail_msg("%s: %s", good[i], e.message);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (s3_check_container_url(bad[i], host, &e) || e.code != ERR_CONFIG)
			fail_msg("%s", bad[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_environment_comes_first),
		TEST(a_profile_that_is_asked_for_beats_the_environment),
		TEST(aws_profile_names_the_profile),
		TEST(keys_of_the_credentials_file_beat_a_process_and_that_the_config_file),
		TEST(missing_keys_are_told_with_every_source_that_was_tried),
		TEST(no_metadata_service_fails_fast_and_says_so),
		TEST(a_broken_shared_file_names_the_line),
		TEST(a_home_folder_of_somebody_else_is_none_but_a_file_that_is_named_is_asked_for),
		TEST(roles_that_cannot_be_assumed_name_profile_and_line),
		TEST(commands_are_split_as_aws_does_and_nothing_is_expanded),
		TEST(a_process_that_fails_is_named_with_what_it_said),
		TEST(what_a_process_says_is_logged_but_not_a_key),
		TEST(a_process_that_leaves_a_child_behind_is_not_waited_for),
		TEST(keys_are_renewed_before_they_expire),
		TEST(keys_that_last_seconds_are_not_asked_for_at_every_call),
		TEST(expirations_are_read_in_every_form),
		TEST(a_container_is_asked_over_http_on_this_machine_or_at_its_agents_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
