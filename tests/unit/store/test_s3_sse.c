/* Encryption by the server: which calls say what of it, and that a customer's key goes nowhere else. */
#include "lib/scripted_s3.h"

#include "base/file.h"

#define KEY      "0123456789abcdef0123456789ABCDEF"
#define KEY_TEXT "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY="
#define KEY_MD5  "V5euSAsQOO0sIBHETfEa4w=="
#define KEY_HEADERS                                                   \
	"x-amz-server-side-encryption-customer-algorithm: AES256\r\n" \
	"x-amz-server-side-encryption-customer-key: " KEY_TEXT "\r\n" \
	"x-amz-server-side-encryption-customer-key-md5: " KEY_MD5 "\r\n"
/* Of requests without a word on encryption. */
#define SIGNED_PLAIN  "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
#define SIGNED_PART   "SignedHeaders=content-md5;host;x-amz-content-sha256;x-amz-date,"
#define REFUSED(code) "<Error><Code>" code "</Code><Message>no " KEY_TEXT "</Message></Error>"

#define IN_PARTS(head, create, part)                                                              \
	{ .request = "HEAD ", .status = 404, .contains = head },                                  \
		{ .request = "POST /bucket/p/k?uploads= ",                                        \
		  .status = 200,                                                                  \
		  .body = "<InitiateMultipartUploadResult><UploadId>u</UploadId>"                 \
			  "</InitiateMultipartUploadResult>",                                     \
		  .contains = create },                                                           \
		{ .request = "PUT /bucket/p/k?partNumber=1&uploadId=u ",                          \
		  .status = 200,                                                                  \
		  .headers = "ETag: \"1\"\r\n",                                                   \
		  .contains = part },                                                             \
		{ .request = "HEAD ", .status = 404, .contains = head },                          \
	{                                                                                         \
		.request = "POST /bucket/p/k?uploadId=u ", .status = 200,                         \
		.body = "<CompleteMultipartUploadResult/>",                                       \
		.contains = "SignedHeaders=content-type;host;if-none-match;x-amz-content-sha256;" \
			    "x-amz-date,"                                                         \
	}

struct key_file {
	char path[64];
};

static int write_key(void **state)
{
	static struct key_file file;
	struct err e = { 0 };
	int fd;

	snprintf(file.path, sizeof(file.path), "/tmp/firn-sse-XXXXXX");
	fd = mkstemp(file.path);
	*state = &file;
	if (fd < 0 || !file_write_all(fd, KEY, strlen(KEY), file.path, &e))
		return -1;
	return close(fd);
}

static int remove_key(void **state)
{
	const struct key_file *file = *state;

	return unlink(file->path);
}

static struct store *open_with_key(const struct server *s, void **state)
{
	const struct key_file *file = *state;
	struct err e = { 0 };
	struct store *store = try_open(
		s, (struct store_options){ .sse = "customer", .sse_customer_key_file = file->path },
		&e);

	if (!store)
		fail_msg("%s", e.message);
	return store;
}

static void put_encrypted(struct store_options o, const struct step *steps, size_t count)
{
	struct server server;
	struct err e = { 0 };
	struct store *s;

	start(&server, steps, count);
	s = try_open(&server, o, &e);
	assert_non_null(s);
	if (!put(s, "hello", &e))
		fail_msg("%s", e.message);
	store_close(s);
	finish(&server);
}

static void the_server_is_told_to_encrypt_an_object(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404, .contains = SIGNED_PLAIN },
		{ .request = "PUT /bucket/p/k ",
		  .status = 200,
		  .contains = "\r\nx-amz-server-side-encryption: AES256\r\n" },
	};

	(void)state;
	put_encrypted((struct store_options){ .sse = "AES256" }, steps, COUNT(steps));
}

static void of_parts_only_the_beginning_says_how(void **state)
{
	static const struct step steps[] = { IN_PARTS(
		SIGNED_PLAIN,
		"\r\nx-amz-server-side-encryption: aws:kms\r\n"
		"x-amz-server-side-encryption-aws-kms-key-id: alias/k\r\n",
		SIGNED_PART) };

	(void)state;
	put_encrypted((struct store_options){ .sse = "aws:kms",
					      .sse_kms_key_id = "alias/k",
					      .part_bytes = 4 },
		      steps, COUNT(steps));
}

static void a_key_service_may_have_a_default(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 404, .contains = SIGNED_PLAIN },
		{ .request = "PUT /bucket/p/k ",
		  .status = 200,
		  .contains = "x-amz-meta-firn-upload;x-amz-server-side-encryption," },
	};

	(void)state;
	put_encrypted((struct store_options){ .sse = "aws:kms" }, steps, COUNT(steps));
}

static void a_customers_key_goes_with_every_part(void **state)
{
	static const struct step steps[] = { IN_PARTS(KEY_HEADERS, KEY_HEADERS, KEY_HEADERS) };
	const struct key_file *file = *state;

	put_encrypted((struct store_options){ .sse = "customer",
					      .sse_customer_key_file = file->path,
					      .part_bytes = 4 },
		      steps, COUNT(steps));
}

static void a_customers_key_goes_with_reading_and_not_with_listing(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 200, .body = "hello", .contains = KEY_HEADERS },
		{ .request = "GET /bucket/p/k ",
		  .status = 206,
		  .body = "ell",
		  .headers = "Content-Range: bytes 1-3/5\r\n",
		  .contains = KEY_HEADERS },
		{ .request = "GET /bucket/?encoding-type",
		  .status = 200,
		  .body = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
		  .contains = SIGNED_PLAIN },
	};
	struct buf out = BUF_INIT;
	struct server server;
	struct err e = { 0 };
	struct store *s;

	start(&server, steps, COUNT(steps));
	s = open_with_key(&server, state);
	assert_true(store_head(s, "k", &(struct store_object){ 0 }, &e));
	if (!store_get_range(s, "k", 1, 3, &out, &e))
		fail_msg("%s", e.message);
	assert_memory_equal(out.data, "ell", 3);
	assert_true(store_list(s, "", NULL, NULL, &e));
	buf_release(&out);
	store_close(s);
	finish(&server);
}

/* An archive that was begun without encryption goes on being read. */
static void what_was_written_without_a_key_is_read_without_it(void **state)
{
	static const struct step steps[] = {
		{ .request = "HEAD ", .status = 400, .contains = KEY_HEADERS },
		{ .request = "HEAD ", .status = 200, .body = "hello", .contains = SIGNED_PLAIN },
		{ .request = "GET /bucket/p/k ",
		  .status = 400,
		  .body = "<Error><Code>InvalidRequest</Code></Error>",
		  .contains = KEY_HEADERS },
		{ .request = "GET /bucket/p/k ",
		  .status = 206,
		  .body = "ell",
		  .headers = "Content-Range: bytes 1-3/5\r\n",
		  .contains = "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date," },
	};
	struct buf out = BUF_INIT;
	struct server server;
	struct err e = { 0 };
	struct store *s;

	start(&server, steps, COUNT(steps));
	s = open_with_key(&server, state);
	assert_true(store_head(s, "k", &(struct store_object){ 0 }, &e));
	if (!store_get_range(s, "k", 1, 3, &out, &e))
		fail_msg("%s", e.message);
	assert_memory_equal(out.data, "ell", 3);
	buf_release(&out);
	store_close(s);
	finish(&server);
}

static void a_wrong_key_is_named_and_not_shown(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/p/k ", .status = 403, .body = REFUSED("AccessDenied") },
	};
	struct buf out = BUF_INIT;
	struct server server;
	struct err e = { 0 };
	struct store *s;

	start(&server, steps, COUNT(steps));
	s = open_with_key(&server, state);
	assert_false(store_get_range(s, "k", 1, 3, &out, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.hint, "another key"));
	assert_null(strstr(e.message, KEY_TEXT));
	buf_release(&out);
	store_close(s);
	finish(&server);
}

static void an_object_that_wants_a_key_says_so(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET /bucket/p/k ",
		  .status = 400,
		  .body = "<Error><Code>InvalidRequest</Code></Error>" },
	};
	struct buf out = BUF_INIT;
	struct server server;
	struct err e = { 0 };
	struct store *s;

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(store_get_range(s, "k", 1, 3, &out, &e));
	assert_non_null(strstr(e.hint, "s3.sse"));
	buf_release(&out);
	store_close(s);
	finish(&server);
}

static void options_that_do_not_go_together_are_refused(void **state)
{
	const struct key_file *file = *state;
	const char *key = file->path;
	const struct {
		struct store_options options;
		const char *complaint;
	} cases[] = {
		{ { .sse = "aes" }, "s3.sse: \"aes\" is none of" },
		{ { .sse = "AES256", .sse_kms_key_id = "k" }, "s3.sse_kms_key_id is given" },
		{ { .sse = "aws:kms", .sse_kms_key_id = "" }, "s3.sse_kms_key_id is no id" },
		{ { .sse = "aws:kms", .sse_kms_key_id = "k\r\nx: y" },
		  "s3.sse_kms_key_id is no id" },
		{ { .sse_customer_key_file = key }, "s3.sse_customer_key_file is given" },
		{ { .sse = "customer" }, "there is no s3.sse_customer_key_file" },
		{ { .sse = "customer", .sse_customer_key_file = "/dev/null" },
		  "key file \"/dev/null\" does not hold 32 bytes" },
		{ { .sse = "customer", .sse_customer_key_file = "/dev/null/x" },
		  "could not open file" },
		{ { .sse = "customer",
		    .sse_customer_key_file = key,
		    .endpoint = "http://s3.example.net" },
		  "no https:// one" },
		{ { .sse = "customer",
		    .sse_customer_key_file = key,
		    .endpoint = "http://127.0.0.1.example.net:80" },
		  "no https:// one" },
	};
	struct server server = { .port = 1 };

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };

		assert_null(try_open(&server, cases[i].options, &e));
		assert_int_equal(e.code, ERR_CONFIG);
		if (!strstr(e.message, cases[i].complaint))
			fail_msg("%zu: %s", i, e.message);
	}
}

static void a_customers_key_may_go_by_https_and_to_this_machine(void **state)
{
	const char *endpoints[] = { "https://s3.example.net", "http://localhost:1",
				    "http://[::1]:1", "http://127.9.9.9" };
	const struct key_file *file = *state;
	struct server server = { .port = 1 };

	for (size_t i = 0; i < COUNT(endpoints); i++) {
		struct err e = { 0 };
		struct store *s =
			try_open(&server,
				 (struct store_options){ .sse = "customer",
							 .sse_customer_key_file = file->path,
							 .endpoint = endpoints[i] },
				 &e);

		if (!s)
			fail_msg("%s: %s", endpoints[i], e.message);
		store_close(s);
	}
}

static void a_key_that_is_too_long_is_refused(void **state)
{
	const struct key_file *file = *state;
	struct server server = { .port = 1 };
	struct err e = { 0 };

	assert_true(file_write_atomic(file->path, KEY "\n", strlen(KEY) + 1, &e));
	assert_null(try_open(
		&server,
		(struct store_options){ .sse = "customer", .sse_customer_key_file = file->path },
		&e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.message, "does not hold 32 bytes"));
	assert_null(strstr(e.message, KEY));
}

#define WITH_KEY(test) cmocka_unit_test_setup_teardown(test, write_key, remove_key)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_is_told_to_encrypt_an_object),
		cmocka_unit_test(of_parts_only_the_beginning_says_how),
		cmocka_unit_test(a_key_service_may_have_a_default),
		WITH_KEY(a_customers_key_goes_with_every_part),
		WITH_KEY(a_customers_key_goes_with_reading_and_not_with_listing),
		WITH_KEY(what_was_written_without_a_key_is_read_without_it),
		WITH_KEY(a_wrong_key_is_named_and_not_shown),
		cmocka_unit_test(an_object_that_wants_a_key_says_so),
		WITH_KEY(options_that_do_not_go_together_are_refused),
		WITH_KEY(a_customers_key_may_go_by_https_and_to_this_machine),
		WITH_KEY(a_key_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
