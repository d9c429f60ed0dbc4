/* Connections: kept, and what is said when the other side speaks something else. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/str.h"
#include "lib/http_fixture.h"
#include "store/http.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* Answers each request in the same way, and counts connections. */
struct server {
	int listener, port;
	pthread_t thread;
	const char *answer; /* "": hangs up without */
	int most;           /* requests of one connection, which is then closed */
	int connections, requests;
};

static void *serve(void *ctx)
{
	struct server *s = ctx;
	char request[4096];

	for (;;) {
		int fd = accept(s->listener, NULL, NULL);

		if (fd < 0) /* shut down */
			return NULL;
		s->connections++;
		for (int i = 0; i < s->most; i++) {
			/* TLS's hello has no end that the fixture would know. */
			if (recv(fd, request, 1, MSG_PEEK) == 1 && *request == 0x16)
				*request = recv(fd, request, sizeof(request), 0) > 0;
			else
				http_fixture_read(fd, request, sizeof(request));
			if (!*request)
				break;
			s->requests++;
			if (send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL) < 0)
				break;
		}
		close(fd);
	}
}

static void start(struct server *s, const char *answer, int most)
{
	*s = (struct server){ .answer = answer, .most = most };
	s->listener = http_fixture_listen(&s->port);
	assert_true(s->listener >= 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* The counts may be read after it. */
static void finish(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
}

static struct http *client(bool plain)
{
	struct err e = { 0 };
	struct http *h = http_new(NULL, plain, &e);

	assert_non_null(h);
	return h;
}

static bool ask(struct http *h, const struct server *s, const char *scheme, const char *method,
		struct http_response *r, struct err *e)
{
	char url[64];

	snprintf(url, sizeof(url), "%s://127.0.0.1:%d/", scheme, s->port);
	return http_perform(h,
			    &(struct http_request){ .method = method,
						    .url = url,
						    .body = "body",
						    .body_len = 4,
						    .idle_timeout_ms = 10000,
						    .total_timeout_ms = 10000,
						    .max_body_bytes = 100,
						    .direct = true },
			    r, e);
}

static void requests_share_a_connection(void **state)
{
	static const char *const methods[] = { "GET", "PUT", "GET", "POST", "DELETE", "GET" };
	struct http_response r = { .status = 0 };
	struct server server;
	struct err e = { 0 };
	struct http *h = client(true);

	(void)state;
	start(&server, OK_ANSWER, 100);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		assert_true(ask(h, &server, "http", methods[i], &r, &e));
		assert_int_equal(r.status, 200);
		assert_string_equal(buf_str(&r.body), "ok");
	}
	http_free(h);
	finish(&server);
	assert_int_equal(server.requests, 6);
	assert_int_equal(server.connections, 1);
	http_response_release(&r);
}

static void a_connection_that_was_closed_meanwhile_is_replaced(void **state)
{
	struct http_response r = { .status = 0 };
	struct server server;
	struct err e = { 0 };
	struct http *h = client(true);

	(void)state;
	start(&server, OK_ANSWER, 2);
	for (int i = 0; i < 6; i++) {
		assert_true(ask(h, &server, "http", i % 2 ? "PUT" : "GET", &r, &e));
		assert_int_equal(r.status, 200);
		/* That of a PUT is all there, even if it was begun on the dead connection. */
		assert_int_equal(r.bytes_out, i % 2 ? 4 : 0);
	}
	http_free(h);
	finish(&server);
	assert_int_equal(server.requests, 6);
	assert_int_equal(server.connections, 3);
	http_response_release(&r);
}

static void what_speaks_something_else_is_named(void **state)
{
	static const struct {
		const char *scheme, *answer, *hint;
		enum err_code code;
	} cases[] = {
		/* how servers of TLS take plain HTTP: an alert, or nothing */
		{ "http", "\x15\x03\x03\x01\x02\x02\x46", "https://", ERR_CONFIG },
		{ "http", "", "https://", ERR_OFFLINE },
		/* and servers of plain HTTP TLS */
		{ "https", "HTTP/1.1 400 Bad Request\r\n\r\n", "http://", ERR_OFFLINE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_response r = { .status = 0 };
		struct server server;
		struct err e = { 0 };
		struct http *h = client(str_eq(cases[i].scheme, "http"));

		start(&server, cases[i].answer, 1);
		assert_false(ask(h, &server, cases[i].scheme, "GET", &r, &e));
		http_free(h);
		finish(&server);
		if (e.code != cases[i].code)
			fail_msg("%zu: %s", i, e.message);
		if (!strstr(e.hint, cases[i].hint))
			fail_msg("%zu: %s: \"%s\"", i, e.message, e.hint);
		http_response_release(&r);
	}
}

static void plain_http_needs_to_be_allowed(void **state)
{
	struct http_response r = { .status = 0 };
	struct server server;
	struct err e = { 0 };
	struct http *h = client(false);

	(void)state;
	start(&server, OK_ANSWER, 1);
	assert_false(ask(h, &server, "http", "GET", &r, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	http_free(h);
	finish(&server);
	assert_int_equal(server.connections, 0);
	http_response_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_share_a_connection),
		cmocka_unit_test(a_connection_that_was_closed_meanwhile_is_replaced),
		cmocka_unit_test(what_speaks_something_else_is_named),
		cmocka_unit_test(plain_http_needs_to_be_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
