#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/str.h"
#include "store/s3_list.h"
#include "store/s3_xml.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

static const char objects[] = HEAD
	"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</Name>"
	"<IsTruncated>true</IsTruncated><NextContinuationToken>abc==</NextContinuationToken>"
	"<Contents><Key>a%2Fb+c%2B</Key><LastModified>2024-01-31T12:00:00.000Z</LastModified>"
	"<ETag>&quot;x&quot;</ETag><Size>123456789012</Size><StorageClass>STANDARD_IA</"
	"StorageClass></Contents>"
	"<Contents><Key>d</Key><Size>0</Size></Contents>"
	"<EncodingType>url</EncodingType></ListBucketResult>";

static void a_listing_is_read(void **state)
{
	struct s3_page page = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_true(s3_parse_objects(objects, strlen(objects), &page, &e));
	assert_int_equal(page.count, 2);
	assert_string_equal(page.entries[0].key, "a/b c+");
	assert_true(page.entries[0].bytes == 123456789012u);
	assert_int_equal(page.entries[0].time_s, 1706702400);
	assert_string_equal(page.entries[0].storage_class, "STANDARD_IA");
	assert_string_equal(page.entries[1].key, "d");
	assert_string_equal(page.entries[1].storage_class, "");
	assert_true(page.truncated);
	assert_string_equal(page.next_token, "abc==");
	s3_page_release(&page);
}

static void an_upload_listing_is_read(void **state)
{
	static const char xml[] = HEAD
		"<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</"
		"NextKeyMarker>"
		"<NextUploadIdMarker>2~x</NextUploadIdMarker><Upload><Key>a+b</Key><UploadId>2~x</"
		"UploadId>"
		"<Initiated>2024-01-31T12:00:00Z</Initiated></Upload></ListMultipartUploadsResult>";
	struct s3_page page = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_true(s3_parse_uploads(xml, strlen(xml), &page, &e));
	assert_int_equal(page.count, 1);
	assert_string_equal(page.entries[0].key, "a+b");
	assert_string_equal(page.entries[0].id, "2~x");
	assert_string_equal(page.next_key, "k");
	s3_page_release(&page);
}

static void damaged_listings_are_refused(void **state)
{
	static const char *const damaged[] = {
		"",
		"not xml",
		"<ListBucketResult>",
		"<Other/>",
		"<Error><Code>AccessDenied</Code></Error>",
		"<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></"
		"ListBucketResult>",
		"<ListBucketResult><Contents><Key>a</Key><Size>99999999999999999999999</Size></"
		"Contents></ListBucketResult>",
		"<ListBucketResult><Contents><Key>a</Key><LastModified>yesterday</LastModified></"
		"Contents></ListBucketResult>",
		"<ListBucketResult><IsTruncated>perhaps</IsTruncated></ListBucketResult>",
		"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
		"<ListBucketResult><Contents><Key>a%2</Key></Contents><EncodingType>url</"
		"EncodingType></ListBucketResult>",
		"<ListBucketResult><Contents><Key>a%00b</Key></Contents><EncodingType>url</"
		"EncodingType></ListBucketResult>",
		"<ListBucketResult><Contents><Key>\xff</Key></Contents></ListBucketResult>",
		"<ListBucketResult/><ListBucketResult/>",
		"<!DOCTYPE ListBucketResult><ListBucketResult/>",
		"<!DOCTYPE x [<!ENTITY a "
		"\"b\">]><ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>",
		"<ListBucketResult>&undefined;</ListBucketResult>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct s3_page page = { 0 };
		struct err e = { 0 };

		if (s3_parse_objects(damaged[i], strlen(damaged[i]), &page, &e))
			fail_msg("was taken: %s", damaged[i]);
		assert_int_equal(e.code, ERR_DATA);
		s3_page_release(&page);
	}
}

static void every_truncation_of_a_listing_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(objects); len++) {
		struct s3_page page = { 0 };
		struct err e = { 0 };

		assert_false(s3_parse_objects(objects, len, &page, &e));
		assert_int_equal(e.code, ERR_DATA);
		s3_page_release(&page);
	}
}

/* Under the sanitizers this finds what reads or frees wrongly; what it says is either a page or
 * ERR_DATA. */
static void damaged_bytes_never_break_the_parser(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 6);
	for (int i = 0; i < 5000; i++) {
		char copy[sizeof(objects)];
		struct s3_page page = { 0 };
		struct err e = { 0 };

		memcpy(copy, objects, sizeof(objects));
		for (int j = 0; j < 3; j++)
			copy[rng_below(&rng, sizeof(objects) - 1)] = (char)rng_next(&rng);
		if (!s3_parse_objects(copy, sizeof(objects) - 1, &page, &e))
			assert_int_equal(e.code, ERR_DATA);
		s3_page_release(&page);
	}
}

static void depth_and_length_are_bounded(void **state)
{
	struct buf xml = BUF_INIT;
	struct s3_page page = { 0 };
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_add_str(&xml, "<a>");
	for (int i = 0; i < 1000; i++)
		buf_add_str(&xml, "</a>");
	assert_false(s3_parse_objects(xml.data, xml.len, &page, &e));
	assert_int_equal(e.code, ERR_DATA);
	buf_clear(&xml);
	buf_add_str(&xml, "<ListBucketResult><Contents><Key>");
	for (int i = 0; i < 20000; i++)
		buf_add_byte(&xml, 'a');
	buf_add_str(&xml, "</Key></Contents></ListBucketResult>");
	assert_false(s3_parse_objects(xml.data, xml.len, &page, &e));
	assert_int_equal(e.code, ERR_DATA);
	s3_page_release(&page);
	buf_clear(&xml);
	buf_add_str(&xml, "<ListBucketResult>");
	for (int i = 0; i <= S3_LIST_MAX; i++)
		buf_add_str(&xml, "<Contents><Key>a</Key></Contents>");
	buf_add_str(&xml, "</ListBucketResult>");
	assert_false(s3_parse_objects(xml.data, xml.len, &page, &e));
	assert_int_equal(e.code, ERR_DATA);
	s3_page_release(&page);
	buf_release(&xml);
}

static void an_error_is_read_as_far_as_it_goes(void **state)
{
	static const char xml[] =
		HEAD "<Error><Code>SlowDown</Code><Message>Reduce your rate</Message><Reg";
	struct s3_error error;

	(void)state;
	s3_parse_error(xml, strlen(xml), &error);
	assert_string_equal(error.code, "SlowDown");
	assert_string_equal(error.message, "Reduce your rate");
	s3_parse_error("<html>gateway", 13, &error);
	assert_string_equal(error.code, "");
	s3_parse_error(NULL, 0, &error);
	assert_string_equal(error.code, "");
}

static void a_completion_is_told_from_an_error_with_status_200(void **state)
{
	static const char good[] = HEAD
		"\n<CompleteMultipartUploadResult><ETag>x-2</ETag></CompleteMultipartUploadResult>";
	static const char bad[] = HEAD "<Error><Code>InternalError</Code></Error>";
	struct s3_error error;

	(void)state;
	assert_true(s3_parse_result(good, strlen(good), "CompleteMultipartUploadResult", &error));
	assert_false(
		s3_parse_result(good, strlen(good) - 1, "CompleteMultipartUploadResult", &error));
	assert_string_equal(error.code, "");
	assert_false(s3_parse_result(bad, strlen(bad), "CompleteMultipartUploadResult", &error));
	assert_string_equal(error.code, "InternalError");
	assert_false(s3_parse_result("", 0, "CompleteMultipartUploadResult", &error));
}

static void an_upload_id_must_be_there_and_fit(void **state)
{
	static const char good[] = "<InitiateMultipartUploadResult><UploadId>2~abc</UploadId></"
				   "InitiateMultipartUploadResult>";
	static const char none[] =
		"<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>";
	char id[6];
	struct err e = { 0 };

	(void)state;
	assert_true(s3_parse_upload_id(good, strlen(good), id, sizeof(id), &e));
	assert_string_equal(id, "2~abc");
	assert_false(s3_parse_upload_id(good, strlen(good), id, 5, &e));
	assert_false(s3_parse_upload_id(none, strlen(none), id, sizeof(id), &e));
}

struct refusals {
	char text[200];
};

static bool note(void *ctx, const char *key, const struct s3_error *error, struct err *e)
{
	struct refusals *r = ctx;
	size_t used = strlen(r->text);

	(void)e;
	snprintf(r->text + used, sizeof(r->text) - used, "%s=%s;", key, error->code);
	return true;
}

static void a_deletion_names_what_is_left(void **state)
{
	static const char xml[] = "<DeleteResult><Deleted><Key>a</Key></"
				  "Deleted><Error><Key>b&amp;c</Key><Code>AccessDenied"
				  "</Code></Error><Error><Code>InternalError</Code><Key>d</Key></"
				  "Error></DeleteResult>";
	struct refusals r = { "" };
	struct err e = { 0 };

	(void)state;
	assert_true(s3_parse_delete(xml, strlen(xml), note, &r, &e));
	assert_string_equal(r.text, "b&c=AccessDenied;d=InternalError;");
	assert_false(s3_parse_delete("<Other/>", 8, note, &r, &e));
	assert_int_equal(e.code, ERR_DATA);
}

static void text_is_escaped(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	s3_xml_add_text(&out, "a<b>&\"'\xc3\xa9");
	assert_string_equal(buf_str(&out), "a&lt;b&gt;&amp;&quot;'\xc3\xa9");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listing_is_read),
		cmocka_unit_test(an_upload_listing_is_read),
		cmocka_unit_test(damaged_listings_are_refused),
		cmocka_unit_test(every_truncation_of_a_listing_is_refused),
		cmocka_unit_test(damaged_bytes_never_break_the_parser),
		cmocka_unit_test(depth_and_length_are_bounded),
		cmocka_unit_test(an_error_is_read_as_far_as_it_goes),
		cmocka_unit_test(a_completion_is_told_from_an_error_with_status_200),
		cmocka_unit_test(an_upload_id_must_be_there_and_fit),
		cmocka_unit_test(a_deletion_names_what_is_left),
		cmocka_unit_test(text_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
