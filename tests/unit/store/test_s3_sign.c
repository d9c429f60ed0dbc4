/* Against the worked examples of AWS's documentation, "Signature Calculations for the Authorization
 * Header". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "store/s3_sign.h"

static void expect_signature(const char *method, const char *path, const char *query,
			     const char *payload, const struct http_header *extra,
			     size_t extra_count, const char *signed_headers, const char *signature)
{
	struct http_header headers[8];
	struct buf out = BUF_INIT, expected = BUF_INIT;
	struct err e = { 0 };
	struct s3_sign_request r = {
		.method = method,
		.path = path,
		.query = query,
		.headers = headers,
		.header_count = 3 + extra_count,
		.payload_sha256 = payload,
		.date = "20130524T000000Z",
		.region = "us-east-1",
		.access_key = "AKIAIOSFODNN7EXAMPLE",
		.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	};

	/* not in order: signing sorts */
	headers[0] = (struct http_header){ "x-amz-date", "20130524T000000Z" };
	headers[1] = (struct http_header){ "x-amz-content-sha256", payload };
	headers[2] = (struct http_header){ "host", "examplebucket.s3.amazonaws.com" };
	for (size_t i = 0; i < extra_count; i++)
		headers[3 + i] = extra[i];
	assert_true(s3_sign(&r, &out, &e));
	buf_printf(&expected,
		   "AWS4-HMAC-SHA256 "
		   "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
		   "SignedHeaders=%s,Signature=%s",
		   signed_headers, signature);
	assert_string_equal(buf_str(&out), buf_str(&expected));
	buf_release(&out);
	buf_release(&expected);
}

static void get_object_is_signed_as_in_the_example(void **state)
{
	const struct http_header extra[] = { { "range", "bytes=0-9" } };

	(void)state;
	expect_signature("GET", "/test.txt", "", S3_EMPTY_SHA256, extra, 1,
			 "host;range;x-amz-content-sha256;x-amz-date",
			 "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void put_object_is_signed_as_in_the_example(void **state)
{
	const struct http_header extra[] = { { "x-amz-storage-class", "REDUCED_REDUNDANCY" },
					     { "date", "Fri, 24 May 2013 00:00:00 GMT" } };
	struct buf path = BUF_INIT;
	uint8_t digest[SHA256_BYTES];
	char hex[SHA256_HEX_BYTES];
	struct err e = { 0 };

	(void)state;
	assert_true(sha256_once("Welcome to Amazon S3.", 21, digest, &e));
	hex_encode(digest, sizeof(digest), hex);
	s3_uri_encode(&path, "/test$file.text", true);
	expect_signature("PUT", buf_str(&path), "", hex, extra, 2,
			 "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
			 "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
	buf_release(&path);
}

static void a_query_without_value_is_signed_as_in_the_example(void **state)
{
	(void)state;
	expect_signature("GET", "/", "lifecycle=", S3_EMPTY_SHA256, NULL, 0,
			 "host;x-amz-content-sha256;x-amz-date",
			 "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void listing_is_signed_as_in_the_example(void **state)
{
	(void)state;
	expect_signature("GET", "/", "max-keys=2&prefix=J", S3_EMPTY_SHA256, NULL, 0,
			 "host;x-amz-content-sha256;x-amz-date",
			 "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void spaces_in_header_values_do_not_change_a_signature(void **state)
{
	const struct http_header extra[] = { { "range", "  bytes=0-9 " } };

	(void)state;
	expect_signature("GET", "/test.txt", "", S3_EMPTY_SHA256, extra, 1,
			 "host;range;x-amz-content-sha256;x-amz-date",
			 "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void only_unreserved_characters_stay_unencoded(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	s3_uri_encode(&out, "AZaz09-._~/", true);
	assert_string_equal(buf_str(&out), "AZaz09-._~/");
	buf_clear(&out);
	s3_uri_encode(&out, "a/b c+d%e=\xc3\xa9*'()!", false);
	assert_string_equal(buf_str(&out), "a%2Fb%20c%2Bd%25e%3D%C3%A9%2A%27%28%29%21");
	buf_release(&out);
}

static void dates_are_written_in_utc(void **state)
{
	char date[S3_DATE_BYTES];

	(void)state;
	s3_format_date(1369353600, date);
	assert_string_equal(date, "20130524T000000Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_object_is_signed_as_in_the_example),
		cmocka_unit_test(put_object_is_signed_as_in_the_example),
		cmocka_unit_test(a_query_without_value_is_signed_as_in_the_example),
		cmocka_unit_test(listing_is_signed_as_in_the_example),
		cmocka_unit_test(spaces_in_header_values_do_not_change_a_signature),
		cmocka_unit_test(only_unreserved_characters_stay_unencoded),
		cmocka_unit_test(dates_are_written_in_utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
