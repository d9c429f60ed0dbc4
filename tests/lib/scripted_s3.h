/*
 * A server that answers the S3 driver by a script, in a thread, and a clock that only moves when
 * somebody sleeps, so that no test waits.
 */
#ifndef LIB_SCRIPTED_S3_H
#define LIB_SCRIPTED_S3_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <strings.h>

#include <cmocka.h>

#include "base/str.h"
#include "lib/http_fixture.h"
#include "store/s3.h"

#define SECRET "top-secret-key"

/* One request, as it must come, and what it gets. */
struct step {
	const char *request; /* how its first line begins */
	int status; /* 0: the connection is reset without an answer; -1: nothing at all happens */
	const char *body;
	const char *headers;  /* complete lines, or NULL */
	const char *contains; /* what must be in the request, or NULL */
	size_t cut;           /* of the body only so many bytes, then the connection ends; 0: all */
	size_t long_body;     /* for HEAD: the length that is said */
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

static inline int64_t fake_now(void *ctx)
{
	return *(int64_t *)ctx;
}

static inline time_t fake_wall(void *ctx)
{
	return (time_t)(1700000000 + *(int64_t *)ctx / 1000);
}

static inline void fake_sleep(void *ctx, int64_t ms)
{
	*(int64_t *)ctx += ms;
}

static const struct clock fake_clock = { fake_now, fake_wall, fake_sleep, &now_ms };

static inline void note_nonce(struct server *s, const char *request)
{
	const char *at = strstr(request, "\r\nx-amz-meta-firn-upload: ");

	if (at)
		snprintf(s->nonce, sizeof(s->nonce), "%.32s", at + 26);
}

static inline void answer(struct server *s, int fd, const struct step *step)
{
	const char *body = step->body ? step->body : "";
	bool head = str_starts_with(step->request, "HEAD");
	size_t body_len = step->long_body ? step->long_body : strlen(body);
	char text[4096];
	int len;

	len = snprintf(text, sizeof(text),
		       "HTTP/1.1 %d Said\r\nConnection: close\r\nContent-Length: %zu\r\n%s",
		       step->status, body_len, step->headers ? step->headers : "");
	if (step->our_nonce)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
				"x-amz-meta-firn-upload: %s\r\n", s->nonce);
	len += snprintf(text + len, sizeof(text) - (size_t)len, "\r\n%s", head ? "" : body);
	if (step->cut)
		len -= (int)(strlen(body) - step->cut);
	if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		snprintf(s->wrong, sizeof(s->wrong), "could not send");
}

static inline void take_request(struct server *s, int fd)
{
	static const struct linger reset = { 1, 0 };
	const struct step *step = &s->steps[s->at];
	static char request[128 << 10]; /* only the server's thread is here */

	http_fixture_read(fd, request, sizeof(request));
	if (!*request) {
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

static inline void *serve(void *ctx)
{
	struct server *s = ctx;

	for (;;) {
		int fd = accept(s->listener, NULL, NULL);

		if (fd < 0) /* shut down */
			return NULL;
		take_request(s, fd);
	}
}

static inline void start(struct server *s, const struct step *steps, size_t count)
{
	*s = (struct server){ .steps = steps, .count = count };
	s->listener = http_fixture_listen(&s->port);
	assert_true(s->listener >= 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* Every step was taken, and nothing else came. */
static inline void finish(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	for (size_t i = 0; i < s->hung_count; i++)
		close(s->hung[i]);
	assert_string_equal(s->wrong, "");
	assert_int_equal(s->at, s->count);
}

/* With what o has beyond what all tests need. */
static inline struct store *try_open(const struct server *s, struct store_options o, struct err *e)
{
	char endpoint[64];

	setenv("AWS_ACCESS_KEY_ID", "KEY-ID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	unsetenv("AWS_SESSION_TOKEN");
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", s->port);
	now_ms = 1000;
	o.url = "s3://bucket/p";
	if (!o.endpoint)
		o.endpoint = endpoint;
	o.region = "here";
	o.path_style = true;
	o.call_timeout_ms = 1000;
	o.max_tries = 4;
	o.clock = &fake_clock;
	return store_open(&o, e);
}

static inline struct store *open_store(const struct server *s, uint64_t part_bytes)
{
	struct err e = { 0 };
	struct store *store = try_open(s, (struct store_options){ .part_bytes = part_bytes }, &e);

	assert_non_null(store);
	return store;
}

static inline bool put(struct store *s, const char *text, struct err *e)
{
	struct io_memory memory = { .data = (const uint8_t *)text, .len = strlen(text) };
	struct io_reader reader;

	io_reader_from_memory(&reader, &memory, "text");
	return store_put(s, "k", &reader, NULL, NULL, e);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
