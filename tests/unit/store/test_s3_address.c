/* Where a bucket is: in the host name or in the path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/s3.h"

static struct store *open_at(const char *url, const char *endpoint, bool path_style, struct err *e)
{
	setenv("AWS_ACCESS_KEY_ID", "KEY-ID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "hush", 1);
	return store_open(&(struct store_options){ .url = url,
						   .endpoint = endpoint,
						   .region = "here-1",
						   .path_style = path_style },
			  e);
}

static void a_bucket_is_in_the_host_name_where_that_can_be(void **state)
{
	static const struct {
		const char *url, *endpoint;
		bool path_style; /* asked for */
		const char *base_url;
		bool by_path;
	} cases[] = {
		{ "s3://bucket/p", NULL, false, "https://bucket.s3.here-1.amazonaws.com", false },
		{ "s3://bucket/p", NULL, true, "https://s3.here-1.amazonaws.com", true },
		{ "s3://bucket/p", "https://s3.example", false, "https://bucket.s3.example",
		  false },
		{ "s3://bucket/p", "https://s3.example:9000/", true, "https://s3.example:9000",
		  true },
		{ "s3://bucket/p", "https://s3.example:443", false, "https://bucket.s3.example",
		  false },
		{ "s3://bucket/p", "http://s3.example:80", false, "http://bucket.s3.example",
		  false },
		/* no certificate covers a second label */
		{ "s3://my.bucket/p", NULL, false, "https://s3.here-1.amazonaws.com", true },
		{ "s3://my.bucket/p", "https://s3.example", false, "https://s3.example", true },
		{ "s3://my.bucket/p", "http://s3.example", false, "http://my.bucket.s3.example",
		  false },
		/* an address has no names below it */
		{ "s3://bucket/p", "http://10.0.0.1", false, "http://10.0.0.1", true },
		{ "s3://bucket/p", "https://10.0.0.1:9000", false, "https://10.0.0.1:9000", true },
		{ "s3://bucket/p", "https://[fd00::1]:9000", false, "https://[fd00::1]:9000",
		  true },
		{ "s3://bucket/p", "http://10.example", false, "http://bucket.10.example", false },
		/* these would be other names, or none */
		{ "s3://Bucket/p", "https://s3.example", false, "https://s3.example", true },
		{ "s3://my_bucket/p", NULL, false, "https://s3.here-1.amazonaws.com", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };
		struct store *s = open_at(cases[i].url, cases[i].endpoint, cases[i].path_style, &e);
		const struct s3 *s3;

		if (!s)
			fail_msg("%zu: %s", i, e.message);
		s3 = s->impl;
		assert_string_equal(s3->base_url, cases[i].base_url);
		assert_string_equal(s3->host, strstr(cases[i].base_url, "://") + 3);
		assert_int_equal(s3->path_style, cases[i].by_path);
		store_close(s);
	}
}

static void a_prefix_is_kept_as_it_is_but_for_slashes_around_it(void **state)
{
	static const struct {
		const char *url, *prefix; /* NULL: refused */
	} cases[] = {
		{ "s3://bucket", "" },
		{ "s3://bucket/", "" },
		{ "s3://bucket/a", "a/" },
		{ "s3://bucket//a/b//", "a/b/" },
		{ "s3://bucket/a//b", "a//b/" },
		{ "s3://bucket/a%20b/%2e%2e", "a%20b/%2e%2e/" },
		{ "s3://bucket/a b+c?d#e", "a b+c?d#e/" },
		{ "s3://bucket/a/../b", NULL },
		{ "s3://bucket/./a", NULL },
		{ "s3://bucket/a/..", NULL },
		{ "s3://bucket/a\nb", NULL },
		{ "s3://bucket/\xff", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };
		struct store *s = open_at(cases[i].url, NULL, false, &e);

		if (!cases[i].prefix) {
			assert_null(s);
			assert_int_equal(e.code, ERR_CONFIG);
			continue;
		}
		if (!s)
			fail_msg("%zu: %s", i, e.message);
		assert_string_equal(((const struct s3 *)s->impl)->prefix, cases[i].prefix);
		store_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_is_in_the_host_name_where_that_can_be),
		cmocka_unit_test(a_prefix_is_kept_as_it_is_but_for_slashes_around_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
