/*
 * Parts of an object that are sent at the same time: a server that answers no part before as many have
 * come as are wanted at once, and writes down what it got.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/str.h"
#include "base/thread.h"
#include "lib/http_fixture.h"
#include "store/store.h"

#define PART_BYTES     ((size_t)5 << 20)
#define CONNECTIONS    64
#define PARTS_MAX      20
#define DEADLINE_S     20
#define REQUEST_HEADER 8192

struct server {
	int listener, port;
	pthread_t acceptor, threads[CONNECTIONS];
	size_t thread_count;
	unsigned together; /* parts that must have come before one is answered */
	unsigned refused;  /* number of a part that is answered 403; 0: none */
	pthread_mutex_t lock;
	pthread_cond_t came;
	/* Under lock. */
	unsigned waiting, most_waiting, parts_taken, aborted, completed;
	uint64_t part_bytes[PARTS_MAX + 1];
	bool late; /* not so many came at once within the deadline */
	char finish[4096];
};

struct connection {
	struct server *server;
	int fd;
};

/* The head of a request, NUL-terminated, and how many bytes of body follow it; the body is dropped
 * but for its beginning. False: there is no request any more. */
static bool read_head(int fd, char head[REQUEST_HEADER], char body[4096], uint64_t *len_out)
{
	char buffer[65536];
	size_t used = 0, kept;
	const char *end = NULL, *length;
	uint64_t left;

	while (!end) {
		ssize_t n = read(fd, head + used, REQUEST_HEADER - 1 - used);

		if (n <= 0)
			return false;
		used += (size_t)n;
		head[used] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	length = strcasestr(head, "\r\ncontent-length:");
	left = length && length < end ? strtoull(length + 17, NULL, 10) : 0;
	*len_out = left;
	kept = used - (size_t)(end + 4 - head);
	snprintf(body, 4096, "%.*s", (int)(kept < 4095 ? kept : 4095), end + 4);
	left -= kept;
	while (left > 0) {
		ssize_t n = read(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer));

		if (n <= 0)
			return false;
		if (strlen(body) + (size_t)n < 4096)
			strncat(body, buffer, (size_t)n);
		left -= (uint64_t)n;
	}
	return true;
}

static void answer(int fd, int status, const char *headers, const char *body)
{
	char text[1024];
	int len =
		snprintf(text, sizeof(text), "HTTP/1.1 %d Said\r\nContent-Length: %zu\r\n%s\r\n%s",
			 status, strlen(body), headers, body);

	(void)!send(fd, text, (size_t)len, MSG_NOSIGNAL);
}

/* Waits until enough parts have come, so that it shows whether they come at once. */
static void take_part(struct server *s, int fd, unsigned number, uint64_t bytes)
{
	struct timespec until;
	char etag[64];

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DEADLINE_S;
	pthread_mutex_lock(&s->lock);
	s->parts_taken++;
	if (number <= PARTS_MAX)
		s->part_bytes[number] = bytes;
	s->waiting++;
	if (s->waiting > s->most_waiting)
		s->most_waiting = s->waiting;
	pthread_cond_broadcast(&s->came);
	while (s->most_waiting < s->together && !s->late)
		s->late = pthread_cond_timedwait(&s->came, &s->lock, &until) != 0;
	s->waiting--;
	pthread_mutex_unlock(&s->lock);
	snprintf(etag, sizeof(etag), "ETag: \"part-%u\"\r\n", number);
	if (number == s->refused)
		answer(fd, 403, "", "<Error><Code>QuotaExceeded</Code></Error>");
	else
		answer(fd, 200, etag, "");
}

static void *serve_connection(void *arg)
{
	struct connection *c = arg;
	struct server *s = c->server;
	char head[REQUEST_HEADER], body[4096];
	uint64_t len;

	while (read_head(c->fd, head, body, &len)) {
		const char *number = strstr(head, "partNumber=");

		if (str_starts_with(head, "HEAD")) {
			answer(c->fd, 404, "", "");
		} else if (strstr(head, "?uploads= ")) {
			answer(c->fd, 200, "",
			       "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
			       "</InitiateMultipartUploadResult>");
		} else if (number) {
			take_part(s, c->fd, (unsigned)strtoul(number + 11, NULL, 10), len);
		} else if (str_starts_with(head, "DELETE")) {
			pthread_mutex_lock(&s->lock);
			s->aborted++;
			pthread_mutex_unlock(&s->lock);
			answer(c->fd, 204, "", "");
		} else {
			pthread_mutex_lock(&s->lock);
			s->completed++;
			snprintf(s->finish, sizeof(s->finish), "%s", body);
			pthread_mutex_unlock(&s->lock);
			answer(c->fd, 200, "", "<CompleteMultipartUploadResult/>");
		}
	}
	close(c->fd);
	free(c);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct server *s = arg;

	for (;;) {
		int fd = accept(s->listener, NULL, NULL);
		struct connection *c;
		struct err e = { 0 };

		if (fd < 0) /* shut down */
			return NULL;
		c = malloc(sizeof(*c));
		if (!c || s->thread_count == CONNECTIONS)
			abort();
		*c = (struct connection){ s, fd };
		if (!thread_start(&s->threads[s->thread_count++], serve_connection, c, &e))
			abort();
	}
}

static void start(struct server *s, unsigned together, unsigned refused)
{
	struct err e = { 0 };

	*s = (struct server){ .together = together, .refused = refused };
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->came, NULL);
	s->listener = http_fixture_listen(&s->port);
	assert_true(s->listener >= 0);
	assert_true(thread_start(&s->acceptor, accept_all, s, &e));
}

/* After the store was closed, and its connections with it. */
static void stop(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->acceptor, NULL);
	for (size_t i = 0; i < s->thread_count; i++)
		pthread_join(s->threads[i], NULL);
	close(s->listener);
	assert_false(s->late);
}

/* Puts parts parts, the last one of a byte, and closes the store. */
static bool put(struct server *s, unsigned jobs, size_t parts, struct err *e)
{
	size_t len = (parts - 1) * PART_BYTES + 1;
	uint8_t *data = malloc(len), digest[SHA256_BYTES];
	struct io_memory memory = { .data = data, .len = len };
	struct io_reader reader;
	struct store *store;
	char endpoint[64];
	bool ok;

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 31 + (i >> 13));
	assert_true(sha256_once(data, len, digest, e));
	setenv("AWS_ACCESS_KEY_ID", "KEY-ID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	unsetenv("AWS_SESSION_TOKEN");
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", s->port);
	store = store_open(&(struct store_options){ .url = "s3://bucket/p",
						    .endpoint = endpoint,
						    .path_style = true,
						    .part_bytes = PART_BYTES,
						    .upload_jobs = jobs },
			   e);
	assert_non_null(store);
	io_reader_from_memory(&reader, &memory, "content");
	ok = store_put(store, "k", &reader, digest, NULL, e);
	if (ok)
		assert_int_equal(store_counters(store).calls, parts + 4);
	if (ok)
		assert_true(store_counters(store).bytes_out >= len);
	store_close(store);
	free(data);
	return ok;
}

static void four_parts_are_sent_at_once_and_listed_in_order(void **state)
{
	struct server s;
	struct err e = { 0 };
	const char *at;

	(void)state;
	start(&s, 4, 0);
	if (!put(&s, 0, 7, &e))
		fail_msg("%s", e.message);
	stop(&s);
	assert_int_equal(s.most_waiting, 4);
	assert_int_equal(s.parts_taken, 7);
	assert_int_equal(s.completed, 1);
	assert_int_equal(s.aborted, 0);
	for (unsigned i = 1; i <= 6; i++)
		assert_int_equal(s.part_bytes[i], PART_BYTES);
	assert_int_equal(s.part_bytes[7], 1);
	at = s.finish;
	for (unsigned i = 1; i <= 7; i++) {
		char part[128];

		snprintf(part, sizeof(part),
			 "<Part><PartNumber>%u</PartNumber><ETag>&quot;part-%u&quot;</ETag></Part>",
			 i, i);
		at = strstr(at, part);
		assert_non_null(at);
	}
}

static void one_job_sends_one_part_at_a_time(void **state)
{
	struct server s;
	struct err e = { 0 };

	(void)state;
	start(&s, 1, 0);
	if (!put(&s, 1, 3, &e))
		fail_msg("%s", e.message);
	stop(&s);
	assert_int_equal(s.most_waiting, 1);
	assert_int_equal(s.parts_taken, 3);
}

/* 13 parts of 5 MiB would not be within 64 MiB. */
static void parts_in_memory_are_bounded_however_many_jobs_are_asked_for(void **state)
{
	struct server s;
	struct err e = { 0 };

	(void)state;
	start(&s, 12, 0);
	if (!put(&s, 16, 20, &e))
		fail_msg("%s", e.message);
	stop(&s);
	assert_int_equal(s.most_waiting, 12);
	assert_int_equal(s.parts_taken, 20);
}

static void a_part_that_is_refused_ends_the_upload(void **state)
{
	struct server s;
	struct err e = { 0 };

	(void)state;
	start(&s, 4, 2);
	assert_false(put(&s, 4, 20, &e));
	stop(&s);
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.message, "part 2"));
	assert_int_equal(s.completed, 0);
	assert_int_equal(s.aborted, 1);
	/* What was on its way when the refusal came, and not all the rest. */
	assert_in_range(s.parts_taken, 4, 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_parts_are_sent_at_once_and_listed_in_order),
		cmocka_unit_test(one_job_sends_one_part_at_a_time),
		cmocka_unit_test(parts_in_memory_are_bounded_however_many_jobs_are_asked_for),
		cmocka_unit_test(a_part_that_is_refused_ends_the_upload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
