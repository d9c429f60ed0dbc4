/* How the S3 driver takes a server that fails or answers nonsense. */
#include "lib/scripted_s3.h"

static void passing_failures_are_tried_again(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/p/k ",
		  .status = 500,
		  .body = "<Error><Code>InternalError</Code></Error>" },
		{ .request = "GET /bucket/p/k ",
		  .status = 503,
		  .body = "<Error><Code>SlowDown</Code></Error>",
		  .headers = "Retry-After: 7\r\n" },
		{ .request = "GET /bucket/p/k ", .status = 0 },
		{ .request = "GET /bucket/p/k ",
		  .status = 206,
		  .body = "abc",
		  .headers = "Content-Range: bytes 2-4/9\r\n" },
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
	assert_string_equal(buf_str(&out), "abc");
	assert_true(now_ms >= 8000);
	assert_int_equal(store_counters(s).retries, 3);
	assert_int_equal(store_counters(s).calls, 4);
	buf_release(&out);
	store_close(s);
	finish(&server);
}

static void tries_come_to_an_end(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD /bucket/p/k ", .status = 500 },
		{ .request = "HEAD /bucket/p/k ", .status = 502 },
		{ .request = "HEAD /bucket/p/k ", .status = 429 },
		{ .request = "HEAD /bucket/p/k ", .status = 408 },
	};
	struct server server;
	struct store_object object;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(store_head(s, "k", &object, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_non_null(strstr(e.message, "408"));
	store_close(s);
	finish(&server);
}

static void what_the_server_refuses_is_not_tried_again_and_tells_no_secret(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET ",
		  .status = 403,
		  .body = "<Error><Code>SignatureDoesNotMatch</Code><Message>signed with " SECRET
			  "</Message><StringToSign>" SECRET "</StringToSign></Error>" },
		{ .request = "GET ",
		  .status = 403,
		  .body = "<Error><Code>RequestTimeTooSkewed</Code><Message>Too "
			  "late.</Message></Error>" },
		{ .request = "GET ", .status = 400, .body = "<html>" SECRET "</html>" },
	};
	struct server server;
	struct store *s;
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(store_get_range(s, "k", 0, 1, &out, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_null(strstr(e.message, SECRET));
	assert_null(strstr(e.hint, SECRET));
	assert_false(store_get_range(s, "k", 0, 1, &out, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.message, "Too late"));
	assert_non_null(strstr(e.hint, "clock"));
	assert_false(store_get_range(s, "k", 0, 1, &out, &e));
	assert_null(strstr(e.message, SECRET));
	assert_int_equal(store_counters(s).retries, 0);
	buf_release(&out);
	store_close(s);
	finish(&server);
}

static void a_download_goes_on_where_it_broke_off(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/p/k ",
		  .status = 200,
		  .body = "0123456789",
		  .cut = 4,
		  .headers = "ETag: \"e\"\r\n" },
		{ .request = "GET /bucket/p/k ",
		  .status = 206,
		  .body = "456789",
		  .cut = 3,
		  .headers = "Content-Range: bytes 4-9/10\r\n",
		  .contains = "\r\nrange: bytes=4-9\r\nif-match: \"e\"\r\n" },
		{ .request = "GET /bucket/p/k ", .status = 503 },
		{ .request = "GET /bucket/p/k ",
		  .status = 206,
		  .body = "789",
		  .headers = "Content-Range: bytes 7-9/10\r\n",
		  .contains = "\r\nrange: bytes=7-9\r\n" },
	};
	char path[] = "/tmp/firn-faults-XXXXXX";
	uint8_t digest[SHA256_BYTES], expected[SHA256_BYTES];
	uint64_t bytes = 0;
	struct server server;
	struct store *s;
	struct err e = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!store_get_file(s, "k", path, digest, &bytes, &e))
		fail_msg("%s", e.message);
	assert_int_equal(bytes, 10);
	assert_true(sha256_once("0123456789", 10, expected, &e));
	assert_memory_equal(digest, expected, sizeof(digest));
	store_close(s);
	finish(&server);
	unlink(path);
}

static void a_download_of_an_object_that_changed_fails_and_leaves_no_file(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/p/k ",
		  .status = 200,
		  .body = "0123456789",
		  .cut = 4,
		  .headers = "ETag: \"e\"\r\n" },
		{ .request = "GET /bucket/p/k ", .status = 412, .contains = "if-match: \"e\"" },
	};
	char path[] = "/tmp/firn-faults-XXXXXX";
	uint8_t digest[SHA256_BYTES];
	struct server server;
	struct store *s;
	struct err e = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(store_get_file(s, "k", path, digest, NULL, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_int_equal(access(path, F_OK), -1);
	store_close(s);
	finish(&server);
}

static void answers_to_a_range_must_be_that_range(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET ", .status = 200, .body = "0123456789" },
		{ .request = "GET ", .status = 206, .body = "abc" },
		{ .request = "GET ",
		  .status = 206,
		  .body = "abc",
		  .headers = "Content-Range: bytes 0-2/9\r\n" },
		{ .request = "GET ",
		  .status = 206,
		  .body = "ab",
		  .headers = "Content-Range: bytes 2-3/4\r\n" },
		{ .request = "GET ",
		  .status = 206,
		  .body = "abcd",
		  .headers = "Content-Range: bytes 2-4/9\r\n" },
		{ .request = "GET ",
		  .status = 416,
		  .body = "<Error><Code>InvalidRange</Code></Error>" },
	};
	struct server server;
	struct store *s;
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	for (size_t i = 0; i < COUNT(steps); i++) {
		assert_false(store_get_range(s, "k", 2, 3, &out, &e));
		assert_int_equal(e.code, ERR_DATA);
		assert_int_equal(out.len, 0);
	}
	buf_release(&out);
	store_close(s);
	finish(&server);
}

static bool count_object(void *ctx, const struct store_object *object, struct err *e)
{
	(void)object;
	(void)e;
	(*(int *)ctx)++;
	return true;
}

#define PAGE(key, rest)                                                                  \
	"<ListBucketResult><Contents><Key>p/" key "</Key><Size>1</Size></Contents>" rest \
	"</ListBucketResult>"
#define NEXT(token) \
	"<IsTruncated>true</IsTruncated><NextContinuationToken>" token "</NextContinuationToken>"
#define LAST "<IsTruncated>false</IsTruncated>"

static void a_listing_that_goes_round_in_circles_is_ended(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/?", .status = 200, .body = PAGE("a", NEXT("t+")) },
		/* the token of its own request */
		{ .request = "GET /bucket/?continuation-token=t%2B&encoding-type=url&",
		  .status = 200,
		  .body = PAGE("b", NEXT("t+")) },
		{ .request = "GET /bucket/?cont", .status = 200, .body = PAGE("b", NEXT("t+")) },
		{ .request = "GET /bucket/?cont", .status = 200, .body = PAGE("b", NEXT("t+")) },
		{ .request = "GET /bucket/?cont", .status = 200, .body = PAGE("b", NEXT("t+")) },
		{ .request = "GET /bucket/?enc", .status = 200, .body = PAGE("a", NEXT("t")) },
		/* the page before */
		{ .request = "GET /bucket/?cont", .status = 200, .body = PAGE("a", NEXT("u")) },
		{ .request = "GET /bucket/?cont", .status = 200, .body = PAGE("a", NEXT("u")) },
		{ .request = "GET /bucket/?cont", .status = 200, .body = PAGE("a", NEXT("u")) },
		{ .request = "GET /bucket/?cont", .status = 200, .body = PAGE("a", NEXT("u")) },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };
	int seen = 0;

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(store_list(s, "", count_object, &seen, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_false(store_list(s, "", count_object, &seen, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_int_equal(seen, 2);
	store_close(s);
	finish(&server);
}

static void a_page_that_makes_no_sense_is_asked_for_again(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/?enc", .status = 200, .body = PAGE("a", NEXT("t")) },
		/* the page before; the request's own token; neither last nor not; too few; broken */
		{ .request = "GET /bucket/?cont", .status = 200, .body = PAGE("a", NEXT("t")) },
		{ .request = "GET /bucket/?cont",
		  .status = 200,
		  .body = PAGE("b", "<NextContinuationToken>u</NextContinuationToken>") },
		{ .request = "GET /bucket/?cont",
		  .status = 200,
		  .body = PAGE("c", "<KeyCount>2</KeyCount>" LAST) },
		{ .request = "GET /bucket/?cont", .status = 200, .body = PAGE("b", NEXT("u")) },
		{ .request = "GET /bucket/?cont", .status = 200, .body = "<ListBucketResult" },
		{ .request = "GET /bucket/?cont",
		  .status = 200,
		  .body = PAGE("c", "<KeyCount>1</KeyCount>" LAST) },
	};
	struct server server;
	struct store *s;
	struct err e = { 0 };
	int seen = 0;

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!store_list(s, "", count_object, &seen, &e))
		fail_msg("%s", e.message);
	assert_int_equal(seen, 3);
	assert_int_equal(store_counters(s).retries_damaged, 4);
	assert_int_equal(store_counters(s).retries, 4);
	store_close(s);
	finish(&server);
}

static void a_deletion_whose_answer_is_damaged_is_asked_for_again(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/?versioning= ",
		  .status = 200,
		  .body = "<VersioningConfiguration/>" },
		{ .request = "POST /bucket/?delete= ", .status = 200, .body = "<DeleteRes" },
		{ .request = "POST /bucket/?delete= ",
		  .status = 200,
		  .body = "<DeleteResult><Error><Key>q/other</Key></Error></DeleteResult>",
		  .contains = "<Object><Key>p/a</Key></Object><Object><Key>p/b</Key></Object>" },
		{ .request = "POST /bucket/?delete= ", .status = 200, .body = "<DeleteResult/>" },
	};
	static const char *const keys[] = { "a", "b" };
	struct server server;
	struct store *s;
	size_t failed = 9;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!store_delete(s, keys, 2, &failed, &e))
		fail_msg("%s", e.message);
	assert_int_equal(failed, 0);
	assert_int_equal(store_counters(s).retries_damaged, 2);
	store_close(s);
	finish(&server);
}

static void retries_are_counted_by_what_went_before(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET ", .status = 0 },
		{ .request = "GET ", .status = 503 },
		{ .request = "GET ",
		  .status = 400,
		  .body = "<Error><Code>RequestTimeout</Code></Error>" },
		{ .request = "GET ",
		  .status = 206,
		  .body = "abc",
		  .headers = "Content-Range: bytes 2-4/9\r\n" },
		{ .request = "GET ", .status = 500 },
		{ .request = "GET ", .status = 429 },
		{ .request = "GET ", .status = -1 },
		{ .request = "GET ",
		  .status = 206,
		  .body = "abc",
		  .headers = "Content-Range: bytes 2-4/9\r\n" },
	};
	struct server server;
	struct store_counters c;
	struct store *s;
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	for (int i = 0; i < 2; i++)
		if (!store_get_range(s, "k", 2, 3, &out, &e))
			fail_msg("%s", e.message);
	c = store_counters(s);
	assert_int_equal(c.retries, 6);
	assert_int_equal(c.retries_broken, 1);
	assert_int_equal(c.retries_throttled, 2);
	assert_int_equal(c.retries_server, 1);
	assert_int_equal(c.retries_timeout, 2);
	assert_int_equal(c.retries_damaged, 0);
	/* each attempt is a request that is billed */
	assert_int_equal(c.requests[STORE_REQUEST_GET][0].calls, 8);
	assert_int_equal(c.requests[STORE_REQUEST_PUT][0].calls, 0);
	/* who is told to slow down waits for at least half of what may be */
	assert_true(now_ms >= 1000 + 2 * 1000);
	buf_release(&out);
	store_close(s);
	finish(&server);
}

static void each_key_that_is_not_deleted_counts(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/?versioning= ",
		  .status = 200,
		  .body = "<VersioningConfiguration/>" },
		{ .request = "POST /bucket/?delete= ",
		  .status = 200,
		  .body = "<DeleteResult><Error><Key>p/a</Key><Code>InternalError</Code></Error>"
			  "<Error><Key>p/c</Key><Code>NoSuchKey</Code></Error></DeleteResult>",
		  .contains = "\r\ncontent-md5: " },
		{ .request = "POST /bucket/?delete= ",
		  .status = 200,
		  .body = "<DeleteResult/>",
		  .contains = "<Quiet>true</Quiet><Object><Key>p/a</Key></Object></Delete>" },
		{ .request = "POST /bucket/?delete= ",
		  .status = 200,
		  .body = "<DeleteResult><Error><Key>p/b</Key><Code>AccessDenied</Code></Error></"
			  "DeleteResult>" },
	};
	static const char *const keys[] = { "a", "b", "c" };
	struct server server;
	struct store *s;
	size_t failed = 9;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!store_delete(s, keys, 3, &failed, &e))
		fail_msg("%s", e.message);
	assert_int_equal(failed, 0);
	assert_false(store_delete(s, keys, 3, &failed, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_int_equal(failed, 1);
	assert_non_null(strstr(e.message, "\"b\""));
	store_close(s);
	finish(&server);
}

#define VERSIONED                                                               \
	{                                                                       \
		.request = "GET /bucket/?versioning= ", .status = 200,          \
		.body = "<VersioningConfiguration><Status>Suspended</Status></" \
			"VersioningConfiguration>"                              \
	}

static void every_version_of_an_object_is_deleted(void **state)
{
	static const struct step steps[] = {
		VERSIONED,
		{ .request = "GET /bucket/?encoding-type=url&prefix=p%2Fk&versions= ",
		  .status = 200,
		  .body = "<ListVersionsResult><EncodingType>url</EncodingType>"
			  "<Version><Key>p%2Fk</Key><VersionId>null</VersionId></Version>"
			  "<IsTruncated>true</IsTruncated><NextKeyMarker>p%2Fk</NextKeyMarker>"
			  "<NextVersionIdMarker>null</NextVersionIdMarker></ListVersionsResult>" },
		{ .request = "GET /bucket/?encoding-type=url&key-marker=p%2Fk&prefix=p%2Fk&"
			     "version-id-marker=null&versions= ",
		  .status = 200,
		  .body = "<ListVersionsResult><EncodingType>url</EncodingType><DeleteMarker>"
			  "<Key>p%2Fk</Key><VersionId>2</VersionId></DeleteMarker><Version>"
			  "<Key>p%2Fk2</Key><VersionId>3</VersionId></Version>"
			  "<IsTruncated>true</IsTruncated><NextKeyMarker>p%2Fk2</NextKeyMarker>"
			  "</ListVersionsResult>" },
		{ .request = "POST /bucket/?delete= ",
		  .status = 200,
		  .body = "<DeleteResult><Error><Key>p/k</Key><VersionId>2</VersionId>"
			  "<Code>InternalError</Code></Error></DeleteResult>",
		  .contains = "<Object><Key>p/k</Key><VersionId>null</VersionId></Object>"
			      "<Object><Key>p/k</Key><VersionId>2</VersionId></Object></Delete>" },
		{ .request = "POST /bucket/?delete= ",
		  .status = 200,
		  .body = "<DeleteResult/>",
		  .contains = "<Quiet>true</Quiet><Object><Key>p/k</Key><VersionId>2</VersionId>"
			      "</Object></Delete>" },
	};
	static const char *const keys[] = { "k" };
	struct server server;
	struct err e = { 0 };
	struct store *s;

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!store_delete(s, keys, 1, NULL, &e))
		fail_msg("%s", e.message);
	store_close(s);
	finish(&server);
}

static void a_locked_version_is_put_off_and_says_until_when(void **state)
{
	static const struct step steps[] = {
		VERSIONED,
		{ .request = "GET /bucket/?encoding-type=url&prefix=p%2Fk&versions= ",
		  .status = 200,
		  .body = "<ListVersionsResult><Version><Key>p/k</Key><VersionId>1</VersionId>"
			  "</Version></ListVersionsResult>" },
		{ .request = "POST /bucket/?delete= ",
		  .status = 200,
		  .body = "<DeleteResult><Error><Key>p/k</Key><VersionId>1</VersionId>"
			  "<Code>AccessDenied</Code></Error></DeleteResult>" },
		{ .request = "HEAD /bucket/p/k?versionId=1 ",
		  .status = 200,
		  .headers = "x-amz-object-lock-mode: COMPLIANCE\r\n"
			     "x-amz-object-lock-retain-until-date: 2099-01-31T12:00:00.000Z\r\n" },
	};
	static const char *const keys[] = { "k" };
	struct server server;
	struct err e = { 0 };
	struct store *s;
	size_t failed;

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(store_delete(s, keys, 1, &failed, &e));
	assert_int_equal(failed, 1);
	assert_int_equal(e.code, ERR_BUSY);
	assert_non_null(strstr(e.message, "locked until 2099-01-31T12:00:00Z"));
	store_close(s);
	finish(&server);
}

static void credentials_that_may_not_ask_for_versions_delete_plainly(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/?versioning= ",
		  .status = 403,
		  .body = "<Error><Code>AccessDenied</Code></Error>" },
		{ .request = "POST /bucket/?delete= ", .status = 200, .body = "<DeleteResult/>" },
		{ .request = "POST /bucket/?delete= ", .status = 200, .body = "<DeleteResult/>" },
	};
	static const char *const keys[] = { "k" };
	struct server server;
	struct err e = { 0 };
	struct store *s;

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	for (int i = 0; i < 2; i++)
		if (!store_delete(s, keys, 1, NULL, &e))
			fail_msg("%s", e.message);
	store_close(s);
	finish(&server);
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
	static const struct step steps[] = { { .request = "HEAD ", .status = -1 },
					     { .request = "HEAD ", .status = 200, .body = "x" } };
	struct server server;
	struct store_object object;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	if (!store_head(s, "k", &object, &e))
		fail_msg("%s", e.message);
	assert_int_equal(store_counters(s).retries, 1);
	store_close(s);
	finish(&server);
}

static void nobody_listening_is_offline(void **state)
{
	struct server server;
	struct store_object object;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, NULL, 0);
	s = open_store(&server, 0);
	finish(&server);
	assert_false(store_head(s, "k", &object, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_int_equal(store_counters(s).retries, 3);
	store_close(s);
}

/* With libcurl 7.88 a failed look-up once made every later try fail for another reason. */
static void a_host_that_cannot_be_looked_up_is_tried_again(void **state)
{
	struct store_object object;
	struct err e = { 0 };
	struct store *s;

	(void)state;
	now_ms = 1000;
	/* A label this long never reaches a name server. */
	s = store_open(
		&(struct store_options){ .url = "s3://bucket/p",
					 .endpoint = "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
						     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid",
					 .path_style = true,
					 .max_tries = 3,
					 .clock = &fake_clock },
		&e);
	assert_non_null(s);
	assert_false(store_head(s, "k", &object, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_non_null(strstr(e.message, "resolve host"));
	assert_int_equal(store_counters(s).retries, 2);
	store_close(s);
}

static void a_refused_look_up_is_explained(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 403 },
		{ .request = "GET ",
		  .status = 403,
		  .body = "<Error><Code>InvalidAccessKeyId</Code></Error>",
		  .contains = "range: bytes=0-0" },
	};
	struct server server;
	struct store_object object;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(store_head(s, "k", &object, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.message, "InvalidAccessKeyId"));
	store_close(s);
	finish(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passing_failures_are_tried_again),
		cmocka_unit_test(tries_come_to_an_end),
		cmocka_unit_test(what_the_server_refuses_is_not_tried_again_and_tells_no_secret),
		cmocka_unit_test(a_download_goes_on_where_it_broke_off),
		cmocka_unit_test(a_download_of_an_object_that_changed_fails_and_leaves_no_file),
		cmocka_unit_test(answers_to_a_range_must_be_that_range),
		cmocka_unit_test(a_listing_that_goes_round_in_circles_is_ended),
		cmocka_unit_test(a_page_that_makes_no_sense_is_asked_for_again),
		cmocka_unit_test(a_deletion_whose_answer_is_damaged_is_asked_for_again),
		cmocka_unit_test(retries_are_counted_by_what_went_before),
		cmocka_unit_test(each_key_that_is_not_deleted_counts),
		cmocka_unit_test(every_version_of_an_object_is_deleted),
		cmocka_unit_test(a_locked_version_is_put_off_and_says_until_when),
		cmocka_unit_test(credentials_that_may_not_ask_for_versions_delete_plainly),
		cmocka_unit_test(a_server_that_says_nothing_is_given_up),
		cmocka_unit_test(nobody_listening_is_offline),
		cmocka_unit_test(a_host_that_cannot_be_looked_up_is_tried_again),
		cmocka_unit_test(a_refused_look_up_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
