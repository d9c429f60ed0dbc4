/*
 * How the S3 driver takes a server that fails: a server of our own in a thread that answers by a
 * script, and a clock that only moves when somebody sleeps, so that no test waits.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "store/store_driver.h"

#define SECRET "top-secret-key"

/* One request, as it must come, and what it gets. */
struct step {
	const char *request; /* how its first line begins */
	int status; /* 0: the connection is reset without an answer; -1: nothing at all happens */
	const char *body;
	const char *headers;  /* complete lines, or NULL */
	const char *contains; /* what must be in the request, or NULL */
	size_t cut;           /* of the body only so many bytes, then the connection ends; 0: all */
	bool our_nonce;       /* says that the object is the one that was last uploaded */
};

struct server {
	int listener;
	int port;
	pthread_t thread;
	const struct step *steps;
	size_t count, at;
	char nonce[64];
	char wrong[400]; /* "" or what came instead of what should have */
	int hung[8];     /* connections left without an answer */
	size_t hung_count;
};

static int64_t now_ms; /* of the clock; only the test's thread touches it */

static int64_t fake_now(void *ctx)
{
	return *(int64_t *)ctx;
}

static time_t fake_wall(void *ctx)
{
	return (time_t)(1700000000 + *(int64_t *)ctx / 1000);
}

static void fake_sleep(void *ctx, int64_t ms)
{
	*(int64_t *)ctx += ms;
}

static const struct clock fake_clock = { fake_now, fake_wall, fake_sleep, &now_ms };

/* The whole request, or less when the other side gives up; NUL-terminated. */
static size_t read_request(int fd, char *out, size_t size)
{
	size_t used = 0, wanted = size - 1;

	while (used < wanted) {
		ssize_t n = read(fd, out + used, wanted - used);
		const char *end, *length;

		if (n <= 0)
			break;
		used += (size_t)n;
		out[used] = '\0';
		end = strstr(out, "\r\n\r\n");
		if (!end)
			continue;
		length = strcasestr(out, "\r\ncontent-length:");
		wanted = (size_t)(end + 4 - out) +
			 (length && length < end ? (size_t)strtoul(length + 17, NULL, 10) : 0);
		if (wanted > size - 1)
			wanted = size - 1;
	}
	out[used] = '\0';
	return used;
}

static void note_nonce(struct server *s, const char *request)
{
	const char *at = strstr(request, "\r\nx-amz-meta-firn-upload: ");

	if (at)
		snprintf(s->nonce, sizeof(s->nonce), "%.32s", at + 26);
}

static void answer(struct server *s, int fd, const struct step *step)
{
	const char *body = step->body ? step->body : "";
	bool head = str_starts_with(step->request, "HEAD");
	char text[4096];
	int len;

	len = snprintf(text, sizeof(text),
		       "HTTP/1.1 %d Said\r\nConnection: close\r\nContent-Length: %zu\r\n%s",
		       step->status, strlen(body), step->headers ? step->headers : "");
	if (step->our_nonce)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
				"x-amz-meta-firn-upload: %s\r\n", s->nonce);
	len += snprintf(text + len, sizeof(text) - (size_t)len, "\r\n%s", head ? "" : body);
	if (step->cut)
		len -= (int)(strlen(body) - step->cut);
	if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		snprintf(s->wrong, sizeof(s->wrong), "could not send");
}

static void take_request(struct server *s, int fd)
{
	static const struct linger reset = { 1, 0 };
	const struct step *step = &s->steps[s->at];
	char request[8192];

	if (read_request(fd, request, sizeof(request)) == 0) {
		close(fd);
		return;
	}
	if (s->at >= s->count || !str_starts_with(request, step->request) ||
	    (step->contains && !strcasestr(request, step->contains))) {
		snprintf(s->wrong, sizeof(s->wrong), "request %zu: %.300s", s->at, request);
		close(fd);
		return;
	}
	s->at++;
	note_nonce(s, request);
	if (step->status == -1 && s->hung_count < 8) {
		s->hung[s->hung_count++] = fd;
		return;
	}
	if (step->status == 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	else
		answer(s, fd, step);
	close(fd);
}

static void *serve(void *ctx)
{
	struct server *s = ctx;

	for (;;) {
		int fd = accept(s->listener, NULL, NULL);

		if (fd < 0) /* shut down */
			return NULL;
		take_request(s, fd);
	}
}

static void start(struct server *s, const struct step *steps, size_t count)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	*s = (struct server){ .steps = steps, .count = count };
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listener >= 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(s->listener, 8), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &len), 0);
	s->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* Every step was taken, and nothing else came. */
static void finish(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	for (size_t i = 0; i < s->hung_count; i++)
		close(s->hung[i]);
	assert_string_equal(s->wrong, "");
	assert_int_equal(s->at, s->count);
}

static struct store *open_store(const struct server *s, uint64_t part_bytes)
{
	char endpoint[64];
	struct err e = { 0 };
	struct store *store;

	setenv("AWS_ACCESS_KEY_ID", "KEY-ID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	unsetenv("AWS_SESSION_TOKEN");
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", s->port);
	now_ms = 1000;
	store = store_open(&(struct store_options){ .url = "s3://bucket/p",
						    .endpoint = endpoint,
						    .region = "here",
						    .path_style = true,
						    .part_bytes = part_bytes,
						    .call_timeout_ms = 1000,
						    .max_tries = 4,
						    .clock = &fake_clock },
			   &e);
	assert_non_null(store);
	return store;
}

static bool put(struct store *s, const char *text, struct err *e)
{
	struct io_memory memory = { .data = (const uint8_t *)text, .len = strlen(text) };
	struct io_reader reader;

	io_reader_from_memory(&reader, &memory, "text");
	return store_put(s, "k", &reader, NULL, NULL, e);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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

static void a_redirect_is_not_followed(void **state)
{
	static const struct step steps[] = {
		{ .request = "GET ",
		  .status = 301,
		  .headers = "Location: http://127.0.0.1:1/elsewhere\r\nx-amz-bucket-region: "
			     "there-1\r\n",
		  .body = "<Error><Code>PermanentRedirect</Code></Error>" },
	};
	struct server server;
	struct store *s;
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	s = open_store(&server, 0);
	assert_false(store_get_range(s, "k", 0, 1, &out, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.hint, "there-1"));
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

static bool count_object(void *ctx, const struct store_object *object, struct err *e)
{
	(void)object;
	(void)e;
	(*(int *)ctx)++;
	return true;
}

static void a_listing_that_goes_round_in_circles_is_ended(void **state)
{
	static const struct step steps[] = {
		{ .request =
			  "GET /bucket/?encoding-type=url&list-type=2&max-keys=1000&prefix=p%2F ",
		  .status = 200,
		  .body = "<ListBucketResult><IsTruncated>true</"
			  "IsTruncated><NextContinuationToken>t+"
			  "</NextContinuationToken><Contents><Key>p/a</Key><Size>1</Size></"
			  "Contents></ListBucketResult>" },
		{ .request = "GET /bucket/?continuation-token=t%2B&encoding-type=url&",
		  .status = 200,
		  .body = "<ListBucketResult><IsTruncated>true</"
			  "IsTruncated><NextContinuationToken>t+"
			  "</NextContinuationToken><Contents><Key>p/b</Key><Size>1</Size></"
			  "Contents></ListBucketResult>" },
		{ .request = "GET /bucket/?",
		  .status = 200,
		  .body = "<ListBucketResult><IsTruncated>true</"
			  "IsTruncated><NextContinuationToken>t"
			  "</NextContinuationToken><Contents><Key>p/a</Key><Size>1</Size></"
			  "Contents></ListBucketResult>" },
		{ .request = "GET /bucket/?",
		  .status = 200,
		  .body = "<ListBucketResult><IsTruncated>true</"
			  "IsTruncated><NextContinuationToken>u"
			  "</NextContinuationToken><Contents><Key>p/a</Key><Size>1</Size></"
			  "Contents></ListBucketResult>" },
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
		{ .request = "HEAD ",
		  .status = 403,
		  .headers = "Date: Tue, 14 Nov 2023 21:13:20 GMT\r\n" },
		{ .request = "GET ", .status = 403 },
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
	/* The fake clock is an hour ahead of that date. */
	assert_false(store_head(s, "k", &object, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.hint, "clock"));
	store_close(s);
	finish(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passing_failures_are_tried_again),
		cmocka_unit_test(tries_come_to_an_end),
		cmocka_unit_test(what_the_server_refuses_is_not_tried_again_and_tells_no_secret),
		cmocka_unit_test(a_redirect_is_not_followed),
		cmocka_unit_test(a_download_goes_on_where_it_broke_off),
		cmocka_unit_test(a_download_of_an_object_that_changed_fails_and_leaves_no_file),
		cmocka_unit_test(answers_to_a_range_must_be_that_range),
		cmocka_unit_test(a_put_whose_answer_got_lost_is_known_again),
		cmocka_unit_test(a_put_that_lost_to_another_is_told_so),
		cmocka_unit_test(a_server_without_conditions_is_taken_as_it_is),
		cmocka_unit_test(a_completion_that_fails_with_status_200_is_tried_again),
		cmocka_unit_test(an_upload_that_cannot_be_completed_is_aborted),
		cmocka_unit_test(parts_that_fail_are_sent_again),
		cmocka_unit_test(a_listing_that_goes_round_in_circles_is_ended),
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
