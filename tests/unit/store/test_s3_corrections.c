/* What refusals teach the S3 driver: the server's time, and the bucket's region. */
#include "lib/scripted_s3.h"

static void a_redirect_is_not_followed_but_its_region_is_learned(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/p/k ",
		  .status = 301,
		  .headers = "Location: http://127.0.0.1:1/elsewhere\r\nx-amz-bucket-region: "
			     "there-1\r\n",
		  .body = "<Error><Code>PermanentRedirect</Code></Error>",
		  .contains = "/here/s3/aws4_request" },
		{ .request = "GET /bucket/p/k ",
		  .status = 206,
		  .body = "abc",
		  .headers = "Content-Range: bytes 2-4/9\r\n",
		  .contains = "/there-1/s3/aws4_request" },
		/* and once is enough */
		{ .request = "GET /bucket/p/k ",
		  .status = 400,
		  .body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>here</Region></"
			  "Error>",
		  .contains = "/there-1/s3/aws4_request" },
	};
	struct server server;
	struct store *s;
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!store_get_range(s, "k", 2, 3, &out, &e))
		fail_msg("%s", e.message);
	assert_false(store_get_range(s, "k", 2, 3, &out, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.hint, "\"here\""));
	assert_int_equal(store_counters(s).retries, 0);
	buf_release(&out);
	store_close(s);
	finish(&server);
}

static void a_region_that_the_body_names_is_used(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 400 },
		{ .request = "GET ",
		  .status = 400,
		  .body = "<Error><Code>AuthorizationHeaderMalformed</Code>"
			  "<Region>there-1</Region></Error>" },
		{ .request = "GET ", .status = 206, .contains = "/there-1/s3/aws4_request" },
		{ .request = "HEAD ",
		  .status = 200,
		  .body = "hello",
		  .contains = "/there-1/s3/aws4_request" },
	};
	struct server server;
	struct store_object object;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!store_head(s, "k", &object, &e))
		fail_msg("%s", e.message);
	assert_int_equal(object.bytes, 5);
	store_close(s);
	finish(&server);
}

static void a_region_that_is_none_is_not_used(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET ",
		  .status = 301,
		  .headers = "x-amz-bucket-region: evil.example/\r\n",
		  .body = "<Error><Code>PermanentRedirect</Code><Endpoint>evil.example</Endpoint>"
			  "</Error>" },
	};
	struct server server;
	struct store *s;
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(store_get_range(s, "k", 2, 3, &out, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_null(strstr(e.hint, "evil"));
	assert_non_null(strstr(e.hint, "endpoint and region"));
	buf_release(&out);
	store_close(s);
	finish(&server);
}

/* Amazon's own endpoint cannot be had here: what a redirect does to the driver's state is looked at. */
static void only_amazons_own_hosts_are_moved_to(void **state)
{
	static const struct {
		const char *location, *endpoint, *host;
	} cases[] = {
		{ "https://bucket.s3.there-1.amazonaws.com/p/k", "",
		  "bucket.s3.there-1.amazonaws.com" },
		{ "", "bucket.s3-there-1.amazonaws.com", "bucket.s3.there-1.amazonaws.com" },
		{ "", "s3.there-1.amazonaws.com", "bucket.s3.there-1.amazonaws.com" },
		{ "https://bucket.s3.there-1.amazonaws.com.evil.example/", "", NULL },
		{ "https://bucket.s3.amazonaws.com/", "", NULL },
		{ "https://evil.example/bucket.s3.there-1.amazonaws.com", "", NULL },
		{ "http://bucket.s3.there-1.amazonaws.com/", "", NULL },
		{ "https://bucket.ec2.there-1.amazonaws.com/", "", NULL },
		{ "", "bucket.s3.a/b.amazonaws.com", NULL },
	};

	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "KEY-ID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct s3_answer answer = { .http = { .status = 307 } };
		struct err e = { 0 };
		struct store *s = store_open(
			&(struct store_options){ .url = "s3://bucket/p", .region = "here" }, &e);
		const struct s3 *s3;

		assert_non_null(s);
		s3 = s->impl;
		assert_string_equal(s3->host, "bucket.s3.here.amazonaws.com");
		buf_add(&answer.http.headers, "location", sizeof("location"));
		buf_add(&answer.http.headers, cases[i].location, strlen(cases[i].location) + 1);
		snprintf(answer.error.endpoint, sizeof(answer.error.endpoint), "%s",
			 cases[i].endpoint);
		assert_int_equal(s3_correct_region(s->impl, &answer), cases[i].host != NULL);
		assert_string_equal(s3->host,
				    cases[i].host ? cases[i].host : "bucket.s3.here.amazonaws.com");
		assert_string_equal(s3->region, cases[i].host ? "there-1" : "here");
		assert_true(str_starts_with(s3->base_url, "https://"));
		assert_string_equal(s3->base_url + strlen("https://"), s3->host);
		s3_answer_release(&answer);
		store_close(s);
	}
}

/* The fake clock is an hour ahead of that date. */
#define HOUR_AGO "Date: Tue, 14 Nov 2023 21:13:20 GMT\r\n"

static void a_clock_that_is_wrong_is_corrected_by_the_servers(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET ",
		  .status = 403,
		  .headers = HOUR_AGO,
		  .body = "<Error><Code>RequestTimeTooSkewed</Code></Error>",
		  .contains = "\r\nx-amz-date: 20231114T2213" },
		{ .request = "GET ",
		  .status = 206,
		  .body = "abc",
		  .headers = "Content-Range: bytes 2-4/9\r\n",
		  .contains = "\r\nx-amz-date: 20231114T2113" },
		{ .request = "HEAD ",
		  .status = 200,
		  .body = "hello",
		  .contains = "\r\nx-amz-date: 20231114T2113" },
	};
	struct server server;
	struct store_object object;
	struct store *s;
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!store_get_range(s, "k", 2, 3, &out, &e) || !store_head(s, "k", &object, &e))
		fail_msg("%s", e.message);
	buf_release(&out);
	store_close(s);
	finish(&server);
}

static void a_clock_is_corrected_where_a_refusal_does_not_say_why(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 403, .headers = HOUR_AGO },
		{ .request = "HEAD ",
		  .status = 200,
		  .body = "hello",
		  .contains = "\r\nx-amz-date: 20231114T2113" },
	};
	struct server server;
	struct store_object object;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!store_head(s, "k", &object, &e))
		fail_msg("%s", e.message);
	store_close(s);
	finish(&server);
}

static void a_clock_that_cannot_be_corrected_is_named(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET ",
		  .status = 403,
		  .headers = HOUR_AGO,
		  .body = "<Error><Code>RequestTimeTooSkewed</Code></Error>" },
		{ .request = "GET ",
		  .status = 403,
		  .headers = HOUR_AGO,
		  .body = "<Error><Code>RequestTimeTooSkewed</Code></Error>" },
	};
	struct server server;
	struct store *s;
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(store_get_range(s, "k", 2, 3, &out, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.hint, "clock"));
	buf_release(&out);
	store_close(s);
	finish(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_redirect_is_not_followed_but_its_region_is_learned),
		cmocka_unit_test(a_region_that_the_body_names_is_used),
		cmocka_unit_test(a_region_that_is_none_is_not_used),
		cmocka_unit_test(only_amazons_own_hosts_are_moved_to),
		cmocka_unit_test(a_clock_that_is_wrong_is_corrected_by_the_servers),
		cmocka_unit_test(a_clock_is_corrected_where_a_refusal_does_not_say_why),
		cmocka_unit_test(a_clock_that_cannot_be_corrected_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
