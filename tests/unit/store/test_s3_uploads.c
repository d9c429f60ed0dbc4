/* How the S3 driver puts objects to a server that fails. */
#include "lib/scripted_s3.h"

static void a_put_whose_answer_got_lost_is_known_again(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 },
		{ .request = "PUT /bucket/p/k ", .status = 0, .contains = "if-none-match: *" },
		{ .request = "PUT /bucket/p/k ",
		  .status = 412,
		  .body = "<Error><Code>PreconditionFailed</Code></Error>" },
		{ .request = "HEAD ", .status = 200, .body = "hello", .our_nonce = true },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!put(s, "hello", &e))
		fail_msg("%s", e.message);
	store_close(s);
	finish(&server);
}

static void a_put_that_lost_to_another_is_told_so(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 },
		{ .request = "PUT /bucket/p/k ", .status = 500 },
		{ .request = "PUT /bucket/p/k ", .status = 412 },
		{ .request = "HEAD ",
		  .status = 200,
		  .body = "hello",
		  .headers = "x-amz-meta-firn-upload: somebody-else\r\n" },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(put(s, "hello", &e));
	assert_int_equal(e.code, ERR_EXISTS);
	store_close(s);
	finish(&server);
}

static void a_server_without_conditions_is_taken_as_it_is(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 },
		{ .request = "PUT ",
		  .status = 501,
		  .body = "<Error><Code>NotImplemented</Code></Error>",
		  .contains = "if-none-match" },
		{ .request = "PUT ", .status = 200 },
		{ .request = "HEAD ", .status = 200, .body = "hello" },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_true(put(s, "hello", &e));
	assert_false(put(s, "hello", &e));
	assert_int_equal(e.code, ERR_EXISTS);
	store_close(s);
	finish(&server);
}

#define BEGIN_UPLOAD                                                                      \
	{ .request = "HEAD ", .status = 404 },                                            \
		{ .request = "POST /bucket/p/k?uploads= ",                                \
		  .status = 200,                                                          \
		  .body = "<InitiateMultipartUploadResult><UploadId>u/1</UploadId>"       \
			  "</InitiateMultipartUploadResult>" },                           \
	{                                                                                 \
		.request = "PUT /bucket/p/k?partNumber=1&uploadId=u%2F1 ", .status = 200, \
		.headers = "ETag: \"part\"\r\n"                                           \
	}

static void a_completion_that_fails_with_status_200_is_tried_again(void **state)
{
	static const struct step steps[] = {
		BEGIN_UPLOAD,
		{ .request = "HEAD ", .status = 404 },
		{ .request = "POST /bucket/p/k?uploadId=u%2F1 ",
		  .status = 200,
		  .body = "<Error><Code>InternalError</Code></Error>",
		  .contains = "<ETag>&quot;part&quot;</ETag>" },
		{ .request = "POST /bucket/p/k?uploadId=u%2F1 ", .status = 200, .body = "" },
		{ .request = "POST /bucket/p/k?uploadId=u%2F1 ",
		  .status = 404,
		  .body = "<Error><Code>NoSuchUpload</Code></Error>" },
		{ .request = "HEAD ", .status = 200, .body = "hello", .our_nonce = true },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 1);
	if (!put(s, "hello", &e))
		fail_msg("%s", e.message);
	store_close(s);
	finish(&server);
}

static void an_upload_that_cannot_be_completed_is_aborted(void **state)
{
	static const struct step steps[] = {
		BEGIN_UPLOAD,
		{ .request = "HEAD ", .status = 404 },
		{ .request = "POST /bucket/p/k?uploadId=u%2F1 ",
		  .status = 200,
		  .body = "<Error><Code>AccessDenied</Code></Error>" },
		{ .request = "DELETE /bucket/p/k?uploadId=u%2F1 ", .status = 204 },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 1);
	assert_false(put(s, "hello", &e));
	assert_int_equal(e.code, ERR_DENIED);
	store_close(s);
	finish(&server);
}

static void parts_that_fail_are_sent_again(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 },
		{ .request = "POST /bucket/p/k?uploads= ",
		  .status = 200,
		  .body = "<InitiateMultipartUploadResult><UploadId>u</UploadId></"
			  "InitiateMultipartUploadResult>" },
		{ .request = "PUT /bucket/p/k?partNumber=1&uploadId=u ", .status = 0 },
		{ .request = "PUT /bucket/p/k?partNumber=1&uploadId=u ",
		  .status = 400,
		  .body = "<Error><Code>RequestTimeout</Code></Error>" },
		{ .request = "PUT /bucket/p/k?partNumber=1&uploadId=u ",
		  .status = 200,
		  .headers = "ETag: \"a\"\r\n" },
		{ .request = "HEAD ", .status = 404 },
		{ .request = "POST /bucket/p/k?uploadId=u ",
		  .status = 200,
		  .body = "<CompleteMultipartUploadResult/>",
		  .contains = "if-none-match: *" },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 1);
	if (!put(s, "hello", &e))
		fail_msg("%s", e.message);
	store_close(s);
	finish(&server);
}

/* Something on the way sends requests twice: the second answer is what comes back. */
static void a_put_that_arrived_twice_is_a_success(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 },
		{ .request = "PUT ", .status = 412 },
		{ .request = "HEAD ", .status = 200, .body = "hello", .our_nonce = true },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!put(s, "hello", &e))
		fail_msg("%s", e.message);
	assert_int_equal(store_counters(s).bytes_resent, 0);
	store_close(s);
	finish(&server);
}

/* Sized text of x, which the server's thread need not keep. */
static char *text_of(size_t len)
{
	char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

static void a_large_body_is_not_sent_again_before_a_look(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 },
		{ .request = "PUT ", .status = 0 },
		{ .request = "HEAD ", .status = 404 },
		{ .request = "PUT ", .status = 0 },
		{ .request = "HEAD ", .status = 503 },
		{ .request = "HEAD ", .status = 200, .long_body = 70000, .our_nonce = true },
	};
	char *text = text_of(70000);
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!put(s, text, &e))
		fail_msg("%s", e.message);
	assert_int_equal(store_counters(s).bytes_out, 140000);
	store_close(s);
	finish(&server);
	free(text);
}

#define BEGUN \
	"<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
#define COMPLETED "<CompleteMultipartUploadResult/>"
#define PARTS(size, etag)                                                    \
	"<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>&quot;" etag \
	"&quot;</ETag><Size>" size                                           \
	"</Size></Part><IsTruncated>false</IsTruncated></ListPartsResult>"

static void parts_whose_etags_were_wrong_are_listed(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 },
		{ .request = "POST /bucket/p/k?uploads= ", .status = 200, .body = BEGUN },
		{ .request = "PUT ", .status = 200, .headers = "ETag: \"wrong\"\r\n" },
		{ .request = "HEAD ", .status = 404 },
		{ .request = "POST /bucket/p/k?uploadId=u1 ",
		  .status = 400,
		  .body = "<Error><Code>InvalidPart</Code></Error>",
		  .contains = "<ETag>&quot;wrong&quot;</ETag>" },
		{ .request = "GET /bucket/p/k?uploadId=u1 ",
		  .status = 200,
		  .body = PARTS("5", "right") },
		{ .request = "POST /bucket/p/k?uploadId=u1 ",
		  .status = 200,
		  .body = COMPLETED,
		  .contains =
			  "<Part><PartNumber>1</PartNumber><ETag>&quot;right&quot;</ETag></Part>"
			  "</CompleteMultipartUpload>" },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 1);
	if (!put(s, "hello", &e))
		fail_msg("%s", e.message);
	store_close(s);
	finish(&server);
}

static void parts_that_are_not_as_sent_are_not_completed(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 },
		{ .request = "POST /bucket/p/k?uploads= ", .status = 200, .body = BEGUN },
		{ .request = "PUT ", .status = 200, .headers = "ETag: \"wrong\"\r\n" },
		{ .request = "HEAD ", .status = 404 },
		{ .request = "POST /bucket/p/k?uploadId=u1 ",
		  .status = 400,
		  .body = "<Error><Code>InvalidPart</Code></Error>" },
		{ .request = "GET /bucket/p/k?uploadId=u1 ",
		  .status = 200,
		  .body = PARTS("4", "right") },
		{ .request = "GET /bucket/p/k?uploadId=u1 ",
		  .status = 200,
		  .body = PARTS("4", "right") },
		{ .request = "GET /bucket/p/k?uploadId=u1 ",
		  .status = 200,
		  .body = PARTS("4", "right") },
		{ .request = "GET /bucket/p/k?uploadId=u1 ",
		  .status = 200,
		  .body = PARTS("4", "right") },
		{ .request = "DELETE /bucket/p/k?uploadId=u1 ", .status = 204 },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 1);
	assert_false(put(s, "hello", &e));
	assert_non_null(strstr(e.message, "InvalidPart"));
	store_close(s);
	finish(&server);
}

static void an_upload_whose_id_was_damaged_is_begun_again(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 },
		{ .request = "POST /bucket/p/k?uploads= ", .status = 200, .body = "<Initiate" },
		{ .request = "POST /bucket/p/k?uploads= ",
		  .status = 200,
		  .body = "<InitiateMultipartUploadResult><UploadId>q1</UploadId>"
			  "</InitiateMultipartUploadResult>" },
		{ .request = "PUT /bucket/p/k?partNumber=1&uploadId=q1 ",
		  .status = 404,
		  .body = "<Error><Code>NoSuchUpload</Code></Error>" },
		{ .request = "POST /bucket/p/k?uploads= ", .status = 200, .body = BEGUN },
		{ .request = "PUT /bucket/p/k?partNumber=1&uploadId=u1 ",
		  .status = 200,
		  .headers = "ETag: \"e\"\r\n" },
		{ .request = "HEAD ", .status = 404 },
		{ .request = "POST /bucket/p/k?uploadId=u1 ", .status = 200, .body = COMPLETED },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 1);
	if (!put(s, "hello", &e))
		fail_msg("%s", e.message);
	store_close(s);
	finish(&server);
}

static void a_body_that_comes_damaged_is_sent_again_a_few_times(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 },
		{ .request = "PUT ",
		  .status = 400,
		  .body = "<Error><Code>XAmzContentSHA256Mismatch</Code></Error>" },
		{ .request = "PUT ",
		  .status = 400,
		  .body = "<Error><Code>BadDigest</Code></Error>" },
		/* Tries that failed otherwise do not count among these few. */
		{ .request = "PUT ", .status = 500 },
		{ .request = "PUT ", .status = 500 },
		{ .request = "PUT ",
		  .status = 400,
		  .body = "<Error><Code>BadDigest</Code></Error>" },
		{ .request = "PUT ", .status = 200 },
		{ .request = "HEAD ", .status = 404 },
		{ .request = "PUT ",
		  .status = 400,
		  .body = "<Error><Code>BadDigest</Code></Error>" },
		{ .request = "PUT ",
		  .status = 400,
		  .body = "<Error><Code>BadDigest</Code></Error>" },
		{ .request = "PUT ",
		  .status = 400,
		  .body = "<Error><Code>BadDigest</Code></Error>" },
		{ .request = "PUT ",
		  .status = 400,
		  .body = "<Error><Code>BadDigest</Code></Error>" },
		{ .request = "HEAD ", .status = 404 },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	((struct s3 *)s->impl)->max_tries = 99;
	if (!put(s, "hello", &e))
		fail_msg("%s", e.message);
	assert_int_equal(store_counters(s).retries_damaged, 3);
	assert_false(put(s, "hello", &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_non_null(strstr(e.message, "BadDigest"));
	store_close(s);
	finish(&server);
}

static void what_is_sent_in_vain_is_limited(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404 }, { .request = "PUT ", .status = 500 },
		{ .request = "PUT ", .status = 503 },  { .request = "PUT ", .status = 500 },
		{ .request = "PUT ", .status = 0 },    { .request = "PUT ", .status = 500 },
		{ .request = "HEAD ", .status = 404 }, /* it might have arrived all the same */
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	/* Half of "hello", and four parts. */
	s = open_store(&server, 5);
	((struct s3 *)s->impl)->max_tries = 99;
	assert_false(put(s, "hello", &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_non_null(strstr(e.message, "s3.resend_percent (50)"));
	assert_non_null(strstr(e.hint, "s3.resend_percent"));
	assert_int_equal(store_counters(s).bytes_resent, 20);
	store_close(s);
	finish(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_put_whose_answer_got_lost_is_known_again),
		cmocka_unit_test(a_put_that_lost_to_another_is_told_so),
		cmocka_unit_test(a_server_without_conditions_is_taken_as_it_is),
		cmocka_unit_test(a_completion_that_fails_with_status_200_is_tried_again),
		cmocka_unit_test(an_upload_that_cannot_be_completed_is_aborted),
		cmocka_unit_test(parts_that_fail_are_sent_again),
		cmocka_unit_test(a_put_that_arrived_twice_is_a_success),
		cmocka_unit_test(a_large_body_is_not_sent_again_before_a_look),
		cmocka_unit_test(parts_whose_etags_were_wrong_are_listed),
		cmocka_unit_test(parts_that_are_not_as_sent_are_not_completed),
		cmocka_unit_test(an_upload_whose_id_was_damaged_is_begun_again),
		cmocka_unit_test(a_body_that_comes_damaged_is_sent_again_a_few_times),
		cmocka_unit_test(what_is_sent_in_vain_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
