/*
 * What every archive must do: the same tests over a folder and over S3. The S3 half needs
 * FIRN_TEST_S3_ENDPOINT, FIRN_TEST_S3_BUCKET (made if it is not there), AWS_ACCESS_KEY_ID and
 * AWS_SECRET_ACCESS_KEY, and is skipped without the first. FIRN_TEST_S3_CA names the file of the
 * authority to trust.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "lib/fault_proxy.h"
#include "store/http.h"
#include "store/s3_sign.h"
#include "store/store_driver.h"

#define PART_BYTES ((size_t)5 << 20)

/* One test's archive: fresh, and empty at its beginning. */
struct archive {
	bool s3;
	bool proxied;    /* through a proxy that changes nothing */
	bool by_host;    /* the bucket in the host name: localhost has every name below it */
	bool encrypted;  /* by the server, with a customer's key */
	char folder[64]; /* for downloads, and for the archive if it is in one */
	char url[200], key_file[100];
	struct fault_proxy *proxy;
	struct store *store;
};

#define assert_ok(call)                                                       \
	do {                                                                  \
		if (!(call))                                                  \
			fail_msg("%s: %s", err_code_name(e.code), e.message); \
	} while (0)

#define assert_fails(call, expected)                                            \
	do {                                                                    \
		err_clear(&e);                                                  \
		assert_false(call);                                             \
		if (e.code != (expected))                                       \
			fail_msg("%s instead of %s: %s", err_code_name(e.code), \
				 err_code_name(expected), e.message);           \
	} while (0)

static struct store *open_archive(const struct archive *a)
{
	struct err e = { 0 };
	const char *s3 = getenv("FIRN_TEST_S3_ENDPOINT");
	char other[64];
	struct store *s;

	if (a->proxy)
		snprintf(other, sizeof(other), "http://127.0.0.1:%d", fault_proxy_port(a->proxy));
	if (a->by_host)
		snprintf(other, sizeof(other), "http://localhost%s", strrchr(s3, ':'));
	s = store_open(
		&(struct store_options){ .url = a->url,
					 .make_folder = true,
					 .endpoint = a->proxy || a->by_host ? other : s3,
					 .path_style = !a->by_host,
					 .ca_file = getenv("FIRN_TEST_S3_CA"),
					 .part_bytes = PART_BYTES,
					 .sse = a->encrypted ? "customer" : NULL,
					 .sse_customer_key_file = a->encrypted ? a->key_file : NULL,
					 .call_timeout_ms = 30000,
					 .total_timeout_ms = 120000 },
		&e);

	if (!s)
		fail_msg("%s", e.message);
	return s;
}

static struct archive *begin(void **state)
{
	return *state;
}

/* PUT of the bucket itself: not something that firn ever does, so the test signs for itself. */
static void make_bucket(const char *bucket)
{
	const char *endpoint = getenv("FIRN_TEST_S3_ENDPOINT");
	struct http_response response = { 0 };
	struct buf url = BUF_INIT, path = BUF_INIT, authorization = BUF_INIT;
	char date[S3_DATE_BYTES];
	struct err e = { 0 };
	struct http *http = http_new(getenv("FIRN_TEST_S3_CA"), true, &e);
	struct http_header headers[4];
	struct s3_sign_request sign = {
		.method = "PUT",
		.query = "",
		.headers = headers,
		.header_count = 3,
		.payload_sha256 = S3_EMPTY_SHA256,
		.date = date,
		.region = "us-east-1",
		.access_key = getenv("AWS_ACCESS_KEY_ID"),
		.secret_key = getenv("AWS_SECRET_ACCESS_KEY"),
	};

	s3_format_date(clock_wall_s(&clock_system), date);
	buf_printf(&path, "/%s", bucket);
	buf_printf(&url, "%s%s", endpoint, buf_str(&path));
	sign.path = buf_str(&path);
	headers[0] = (struct http_header){ "host", strstr(endpoint, "://") + 3 };
	headers[1] = (struct http_header){ "x-amz-content-sha256", S3_EMPTY_SHA256 };
	headers[2] = (struct http_header){ "x-amz-date", date };
	assert_ok(s3_sign(&sign, &authorization, &e));
	headers[3] = (struct http_header){ "authorization", buf_str(&authorization) };
	assert_ok(http_perform(http,
			       &(struct http_request){ .method = "PUT",
						       .url = buf_str(&url),
						       .headers = headers,
						       .header_count = 4,
						       .idle_timeout_ms = 30000,
						       .total_timeout_ms = 30000,
						       .max_body_bytes = 65536 },
			       &response, &e));
	if (response.status != 200 && response.status != 409) /* 409: it is ours already */
		fail_msg("making bucket %s: HTTP %d", bucket, response.status);
	http_response_release(&response);
	buf_release(&url);
	buf_release(&path);
	buf_release(&authorization);
	http_free(http);
}

static int set_up(void **state)
{
	struct archive *a = *state;
	const char *bucket = getenv("FIRN_TEST_S3_BUCKET");
	struct err e = { 0 };
	uint64_t number;

	bucket = bucket ? bucket : "firn-contract";
	/* First, since it may fail: nothing is left behind then. */
	if (a->s3)
		make_bucket(bucket);
	snprintf(a->folder, sizeof(a->folder), "/tmp/firn-contract-XXXXXX");
	if (!mkdtemp(a->folder) || !rng_system(&number, sizeof(number), &e))
		return -1;
	if (a->s3) {
		snprintf(a->url, sizeof(a->url), "s3://%s/contract %016llx/", bucket,
			 (unsigned long long)number);
	} else {
		snprintf(a->url, sizeof(a->url), "file://%s/archive/a", a->folder);
	}
	if (a->proxied && !(a->proxy = fault_proxy_start(getenv("FIRN_TEST_S3_ENDPOINT"))))
		return -1;
	snprintf(a->key_file, sizeof(a->key_file), "%s/key", a->folder);
	if (a->encrypted &&
	    !file_write_atomic(a->key_file, "0123456789abcdef0123456789ABCDEF", 32, &e))
		return -1;
	a->store = open_archive(a);
	return 0;
}

static bool abort_it(void *ctx, const struct store_upload *upload, struct err *e)
{
	return store_abort_upload(ctx, upload, e);
}

static bool delete_it(void *ctx, const struct store_object *object, struct err *e)
{
	const char *keys[] = { object->key };

	return store_delete(ctx, keys, 1, NULL, e);
}

static int tear_down(void **state)
{
	struct archive *a = *state;
	struct err e = { 0 };
	bool ok = true;

	if (a->store)
		ok = store_list(a->store, "", delete_it, a->store, &e) &&
		     store_list_uploads(a->store, "", abort_it, a->store, &e);
	store_close(a->store);
	a->store = NULL;
	fault_proxy_stop(a->proxy);
	a->proxy = NULL;
	return ok && file_remove_tree(a->folder, &e) ? 0 : -1;
}

/* Bytes that differ everywhere, the same for the same seed. */
static uint8_t *make_bytes(size_t len, uint64_t seed)
{
	uint8_t *data = malloc(len + 8);
	struct rng rng;

	assert_non_null(data);
	rng_seed(&rng, seed);
	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = rng_next(&rng);

		memcpy(data + i, &v, 8);
	}
	return data;
}

static bool put_bytes(struct store *s, const char *key, const void *data, size_t len,
		      bool with_digest, struct err *e)
{
	struct io_memory memory = { .data = data, .len = len };
	struct io_reader reader;
	uint8_t digest[SHA256_BYTES];

	io_reader_from_memory(&reader, &memory, "test bytes");
	return sha256_once(data, len, digest, e) &&
	       store_put(s, key, &reader, with_digest ? digest : NULL, NULL, e);
}

static bool put_text(struct store *s, const char *key, const char *text, struct err *e)
{
	return put_bytes(s, key, text, strlen(text), true, e);
}

/* What comes back by head, by file and by range is what was put. */
static void check_object(struct archive *a, const char *key, const uint8_t *data, size_t len)
{
	uint8_t digest[SHA256_BYTES], expected[SHA256_BYTES];
	struct buf whole = BUF_INIT, back = BUF_INIT;
	struct store_object object;
	char path[100];
	uint64_t bytes = 0;
	struct err e = { 0 };

	assert_ok(store_head(a->store, key, &object, &e));
	assert_int_equal(object.bytes, len);
	assert_string_equal(object.key, key);
	assert_true(object.modified_s > 1700000000);
	snprintf(path, sizeof(path), "%s/download", a->folder);
	assert_ok(store_get_file(a->store, key, path, digest, &bytes, &e));
	assert_int_equal(bytes, len);
	assert_ok(sha256_once(data, len, expected, &e));
	assert_memory_equal(digest, expected, sizeof(digest));
	assert_ok(file_read(path, len + 1, &back, &e));
	assert_int_equal(back.len, len);
	if (len > 0)
		assert_memory_equal(back.data, data, len);
	assert_ok(store_get_range(a->store, key, 0, len, &whole, &e));
	assert_int_equal(whole.len, len);
	if (len > 0)
		assert_memory_equal(whole.data, data, len);
	buf_release(&whole);
	buf_release(&back);
}

static void round_trip(struct archive *a, const char *key, size_t len, bool with_digest)
{
	uint8_t *data = make_bytes(len, len + 1);
	struct err e = { 0 };

	assert_ok(put_bytes(a->store, key, data, len, with_digest, &e));
	check_object(a, key, data, len);
	free(data);
}

static void an_empty_object_comes_back(void **state)
{
	round_trip(begin(state), "empty", 0, true);
}

static void small_objects_come_back(void **state)
{
	struct archive *a = begin(state);

	round_trip(a, "one", 1, true);
	round_trip(a, "folder/some", 4097, true);
	round_trip(a, "folder/without digest", 70000, false);
}

static void an_object_of_one_whole_part_comes_back(void **state)
{
	round_trip(begin(state), "part", PART_BYTES, true);
}

static void an_object_of_one_part_and_a_byte_comes_back(void **state)
{
	round_trip(begin(state), "part and a byte", PART_BYTES + 1, true);
}

static void an_object_of_many_parts_comes_back(void **state)
{
	struct archive *a = begin(state);

	round_trip(a, "parts", 3 * PART_BYTES - 12345, true);
	round_trip(a, "parts without digest", 2 * PART_BYTES, false);
}

static void ranges_are_exact_at_the_edges(void **state)
{
	struct archive *a = begin(state);
	const size_t len = 100000;
	uint8_t *data = make_bytes(len, 7);
	const struct {
		uint64_t offset, len;
	} ranges[] = { { 0, 1 },    { len - 1, 1 }, { 0, len }, { 1, len - 1 },
		       { 4095, 2 }, { len, 0 },     { 5, 0 } };
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	assert_ok(put_bytes(a->store, "ranges", data, len, true, &e));
	buf_add_str(&out, "before");
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		out.len = 6;
		assert_ok(store_get_range(a->store, "ranges", ranges[i].offset, ranges[i].len, &out,
					  &e));
		assert_int_equal(out.len, 6 + ranges[i].len);
		assert_memory_equal(out.data, "before", 6);
		if (ranges[i].len > 0)
			assert_memory_equal(out.data + 6, data + ranges[i].offset, ranges[i].len);
	}
	free(data);
	buf_release(&out);
}

static void ranges_past_the_end_are_refused(void **state)
{
	struct archive *a = begin(state);
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	assert_ok(put_text(a->store, "ten", "0123456789", &e));
	assert_fails(store_get_range(a->store, "ten", 0, 11, &out, &e), ERR_DATA);
	assert_fails(store_get_range(a->store, "ten", 9, 2, &out, &e), ERR_DATA);
	assert_fails(store_get_range(a->store, "ten", 10, 1, &out, &e), ERR_DATA);
	assert_fails(store_get_range(a->store, "ten", 11, 0, &out, &e), ERR_DATA);
	assert_fails(store_get_range(a->store, "ten", UINT64_MAX, 2, &out, &e), ERR_DATA);
	assert_int_equal(out.len, 0);
	buf_release(&out);
}

static void an_object_is_never_overwritten(void **state)
{
	struct archive *a = begin(state);
	uint8_t *large = make_bytes(PART_BYTES + 10, 3);
	struct err e = { 0 };

	assert_ok(put_text(a->store, "once", "first", &e));
	assert_fails(put_text(a->store, "once", "second", &e), ERR_EXISTS);
	assert_fails(put_bytes(a->store, "once", large, PART_BYTES + 10, true, &e), ERR_EXISTS);
	check_object(a, "once", (const uint8_t *)"first", 5);
	free(large);
}

static void content_that_differs_from_its_digest_is_refused(void **state)
{
	struct archive *a = begin(state);
	static const uint8_t wrong[SHA256_BYTES] = { 1, 2, 3 };
	const size_t sizes[] = { 10, PART_BYTES + 1 };
	struct store_object object;
	struct io_reader reader;
	struct err e = { 0 };

	for (size_t i = 0; i < 2; i++) {
		uint8_t *data = make_bytes(sizes[i], 1);
		struct io_memory memory = { .data = data, .len = sizes[i] };

		io_reader_from_memory(&reader, &memory, "test bytes");
		assert_fails(store_put(a->store, "wrong", &reader, wrong, NULL, &e), ERR_DATA);
		assert_fails(store_head(a->store, "wrong", &object, &e), ERR_NOT_FOUND);
		free(data);
	}
}

static void what_is_not_there_is_not_found(void **state)
{
	struct archive *a = begin(state);
	uint8_t digest[SHA256_BYTES];
	struct store_object object;
	struct buf out = BUF_INIT;
	struct stat st;
	char path[100];
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s/nothing", a->folder);
	assert_ok(put_text(a->store, "folder/object", "text", &e));
	for (int i = 0; i < 3; i++) {
		const char *key = i == 0 ? "absent" : i == 1 ? "no/such/folder" : "folder";

		assert_fails(store_head(a->store, key, &object, &e), ERR_NOT_FOUND);
		assert_fails(store_get_range(a->store, key, 0, 1, &out, &e), ERR_NOT_FOUND);
		assert_fails(store_get_range(a->store, key, 0, 0, &out, &e), ERR_NOT_FOUND);
		assert_fails(store_get_file(a->store, key, path, digest, NULL, &e), ERR_NOT_FOUND);
		assert_int_not_equal(stat(path, &st), 0);
	}
	buf_release(&out);
}

static void keys_that_could_lead_elsewhere_are_refused(void **state)
{
	struct archive *a = begin(state);
	static const char *const keys[] = { "",         "/etc/passwd", "../x", "a/../b", "a//b",
					    "a/",       "./a",         "a/.",  "..",     "a\nb",
					    "\xff\xfe", "\xc0\xaf",    "\x7f" };
	char longest[STORE_KEY_MAX + 2];
	const char *one[] = { "a/../b" };
	size_t failed = 0;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_fails(put_text(a->store, keys[i], "x", &e), ERR_DATA);
	assert_fails(store_delete(a->store, one, 1, &failed, &e), ERR_DATA);
	assert_int_equal(failed, 1);
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 100; i < sizeof(longest); i += 100)
		longest[i] = '/';
	longest[STORE_KEY_MAX + 1] = '\0';
	assert_fails(put_text(a->store, longest, "x", &e), ERR_DATA);
	longest[STORE_KEY_MAX - 1] = 'b';
	longest[STORE_KEY_MAX] = '\0';
	assert_ok(put_text(a->store, longest, "x", &e));
	check_object(a, longest, (const uint8_t *)"x", 1);
}

/* Names that need care in a URL, a query, XML or a file system. */
static const char *const odd_keys[] = {
	"a b",
	"a%20b",
	"a+b",
	"a&b=c;d",
	"a<b>\"c\"'d'",
	"a?b#c",
	"a\\b",
	"a:b@c,d$",
	"a!(*)~_-.e",
	"\xc3\xa9/\xe2\x82\xac",
	"\xf0\x9f\x98\x80",
	"%",
	"%zz%2F",
	"a/b.c/d",
	"...",
	" lead and trail ",
};
#define ODD_KEYS (sizeof(odd_keys) / sizeof(odd_keys[0]))

struct seen {
	char keys[64][STORE_KEY_MAX + 1];
	size_t count;
	size_t stop_after; /* 0: never */
};

static bool see_object(void *ctx, const struct store_object *object, struct err *e)
{
	struct seen *seen = ctx;

	assert_true(seen->count < 64);
	snprintf(seen->keys[seen->count++], STORE_KEY_MAX + 1, "%s", object->key);
	assert_true(object->modified_s > 1700000000);
	if (seen->stop_after && seen->count == seen->stop_after)
		return err_set(e, ERR_FENCED, "enough");
	return true;
}

static int compare_keys(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

static void odd_keys_are_kept_as_they_are(void **state)
{
	struct archive *a = begin(state);
	struct seen *seen = calloc(1, sizeof(*seen));
	const char *sorted[ODD_KEYS];
	struct err e = { 0 };

	assert_non_null(seen);
	for (size_t i = 0; i < ODD_KEYS; i++) {
		if (!put_text(a->store, odd_keys[i], odd_keys[i], &e))
			fail_msg("\"%s\": %s", odd_keys[i], e.message);
		check_object(a, odd_keys[i], (const uint8_t *)odd_keys[i], strlen(odd_keys[i]));
	}
	store_s3_set_page_size(a->store, 3);
	assert_ok(store_list(a->store, "", see_object, seen, &e));
	assert_int_equal(seen->count, ODD_KEYS);
	memcpy(sorted, odd_keys, sizeof(sorted));
	qsort(sorted, ODD_KEYS, sizeof(*sorted), compare_keys);
	for (size_t i = 0; i < ODD_KEYS; i++)
		assert_string_equal(seen->keys[i], sorted[i]);
	assert_ok(store_delete(a->store, odd_keys, ODD_KEYS, NULL, &e));
	seen->count = 0;
	assert_ok(store_list(a->store, "", see_object, seen, &e));
	assert_int_equal(seen->count, 0);
	free(seen);
}

/* What may stand behind the bucket in an archive's URL: nothing of it is decoded, and no two are the
 * same place. The last five would be elsewhere in a folder, whose names have no "//" and are decoded. */
static const char *const odd_prefixes[] = { "a b",
					    "a+b",
					    "a/b",
					    "a?b#c=d&e",
					    "~='(*)!;@$,",
					    "\xc3\xa9\xe2\x82\xac",
					    "e\xcc\x81\xe2\x82\xac",
					    "a%20b",
					    "a%2Fb",
					    "a//b",
					    "a///b",
					    "/a/b" };
#define ODD_PREFIXES (sizeof(odd_prefixes) / sizeof(odd_prefixes[0]))
#define ONLY_IN_S3   5

static void odd_prefixes_are_kept_apart(void **state)
{
	struct archive *a = begin(state), below[ODD_PREFIXES];
	size_t count = a->s3 ? ODD_PREFIXES : ODD_PREFIXES - ONLY_IN_S3;
	struct seen *seen = calloc(1, sizeof(*seen));
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	assert_non_null(seen);
	for (size_t i = 0; i < count; i++) {
		below[i] = *a;
		snprintf(below[i].url, sizeof(below[i].url), "%s%s%s", a->url, a->s3 ? "" : "/",
			 odd_prefixes[i]);
		below[i].store = open_archive(&below[i]);
		if (!put_text(below[i].store, "k/x", odd_prefixes[i], &e))
			fail_msg("\"%s\": %s", odd_prefixes[i], e.message);
	}
	for (size_t i = 0; i < count; i++) {
		const char *one[] = { "k/x" };

		buf_clear(&out);
		seen->count = 0;
		if (!store_get_range(below[i].store, "k/x", 0, strlen(odd_prefixes[i]), &out, &e) ||
		    !store_list(below[i].store, "", see_object, seen, &e))
			fail_msg("\"%s\": %s", odd_prefixes[i], e.message);
		assert_string_equal(buf_str(&out), odd_prefixes[i]);
		assert_int_equal(seen->count, 1);
		assert_string_equal(seen->keys[0], "k/x");
		/* The later ones must still be there. */
		assert_ok(store_delete(below[i].store, one, 1, NULL, &e));
		store_close(below[i].store);
	}
	buf_release(&out);
	free(seen);
}

static void listing_is_in_key_order_and_pages_are_joined(void **state)
{
	struct archive *a = begin(state);
	/* "-" and "." sort before "/", "0" after it: folders must not be read as if "/" were the
	 * first of all. */
	static const char *const keys[] = { "a",    "a-b",   "a.b", "a/1", "a/2",
					    "a/2-", "a/2/x", "a0",  "b/1", "b/2",
					    "b/3",  "b/4",   "b/5", "c",   "d/e/f" };
	const size_t count = sizeof(keys) / sizeof(keys[0]);
	struct seen *seen = calloc(1, sizeof(*seen));
	struct err e = { 0 };
	size_t from =
		a->s3 ? 0 : 1; /* a folder cannot hold both "a" and "a/1", nor "a/2" and "a/2/x" */

	assert_non_null(seen);
	store_s3_set_page_size(a->store, 2);
	for (size_t i = count; i-- > from;)
		if (a->s3 || !str_eq(keys[i], "a/2"))
			assert_ok(put_text(a->store, keys[i], "x", &e));
	assert_ok(store_list(a->store, "", see_object, seen, &e));
	for (size_t i = from, at = 0; i < count; i++)
		if (a->s3 || !str_eq(keys[i], "a/2"))
			assert_string_equal(seen->keys[at++], keys[i]);
	seen->count = 0;
	assert_ok(store_list(a->store, "b/", see_object, seen, &e));
	assert_int_equal(seen->count, 5);
	seen->count = 0;
	assert_ok(store_list(a->store, "a/2", see_object, seen, &e));
	assert_int_equal(seen->count, a->s3 ? 3 : 2);
	seen->count = 0;
	assert_ok(store_list(a->store, "d/e/f", see_object, seen, &e));
	assert_int_equal(seen->count, 1);
	seen->count = 0;
	assert_ok(store_list(a->store, "nothing/", see_object, seen, &e));
	assert_int_equal(seen->count, 0);
	assert_fails(store_list(a->store, "../", see_object, seen, &e), ERR_DATA);
	free(seen);
}

static void a_visit_that_fails_ends_the_listing(void **state)
{
	struct archive *a = begin(state);
	struct seen *seen = calloc(1, sizeof(*seen));
	struct err e = { 0 };

	assert_non_null(seen);
	seen->stop_after = 2;
	for (int i = 0; i < 4; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key%d", i);
		assert_ok(put_text(a->store, key, "x", &e));
	}
	assert_fails(store_list(a->store, "", see_object, seen, &e), ERR_FENCED);
	assert_int_equal(seen->count, 2);
	free(seen);
}

static void deleting_what_is_not_there_succeeds(void **state)
{
	struct archive *a = begin(state);
	const char *keys[] = { "there", "not there", "no/such/folder", "there too" };
	size_t failed = 99;
	struct store_object object;
	struct err e = { 0 };

	assert_ok(put_text(a->store, "there", "x", &e));
	assert_ok(put_text(a->store, "there too", "x", &e));
	assert_ok(store_delete(a->store, keys, 4, &failed, &e));
	assert_int_equal(failed, 0);
	assert_fails(store_head(a->store, "there", &object, &e), ERR_NOT_FOUND);
	assert_fails(store_head(a->store, "there too", &object, &e), ERR_NOT_FOUND);
	assert_ok(store_delete(a->store, keys, 0, &failed, &e));
}

static void more_keys_than_a_batch_holds_are_deleted(void **state)
{
	struct archive *a = begin(state);
	const size_t count = 300;
	char(*names)[16] = calloc(count, sizeof(*names));
	const char **keys = calloc(count, sizeof(*keys));
	struct store_object object;
	size_t failed = 99;
	struct err e = { 0 };

	assert_non_null(names);
	assert_non_null(keys);
	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "many/%zu", i);
		keys[i] = names[i];
	}
	/* One in each batch is there; the others count as deleted. */
	assert_ok(put_text(a->store, keys[5], "x", &e));
	assert_ok(put_text(a->store, keys[290], "x", &e));
	assert_ok(store_delete(a->store, keys, count, &failed, &e));
	assert_int_equal(failed, 0);
	assert_fails(store_head(a->store, keys[5], &object, &e), ERR_NOT_FOUND);
	assert_fails(store_head(a->store, keys[290], &object, &e), ERR_NOT_FOUND);
	free(names);
	free(keys);
}

/* A source that breaks in its second part, and looks at the unfinished upload while it is one. */
struct breaking {
	struct archive *a;
	struct store_upload upload;
	size_t uploads;
};

static bool see_upload(void *ctx, const struct store_upload *upload, struct err *e)
{
	struct breaking *b = ctx;

	(void)e;
	b->uploads++;
	b->upload = *upload;
	return true;
}

static bool read_and_break(void *ctx, uint64_t offset, void *data, size_t len, struct err *e)
{
	struct breaking *b = ctx;
	struct store *other;
	bool ok;

	memset(data, 'x', len);
	if (offset < PART_BYTES)
		return true;
	/* From a second store, as another process would see it. */
	b->uploads = 0;
	other = open_archive(b->a);
	ok = store_list_uploads(other, "", see_upload, b, e);
	store_close(other);
	return ok && err_set(e, ERR_IO, "the source broke");
}

static void a_failed_upload_leaves_nothing_behind(void **state)
{
	struct archive *a = begin(state);
	struct breaking b = { .a = a };
	struct io_reader reader = { .read_at = read_and_break,
				    .ctx = &b,
				    .size_bytes = PART_BYTES + 100,
				    .name = "breaking source" };
	struct store_object object;
	struct err e = { 0 };

	assert_fails(store_put(a->store, "broken/a+b c", &reader, NULL, NULL, &e), ERR_IO);
	assert_int_equal(b.uploads, 1);
	assert_string_equal(b.upload.key, "broken/a+b c");
	assert_true(b.upload.started_s > 1700000000);
	b.uploads = 0;
	assert_ok(store_list_uploads(a->store, "", see_upload, &b, &e));
	assert_int_equal(b.uploads, 0);
	assert_fails(store_head(a->store, "broken/a+b c", &object, &e), ERR_NOT_FOUND);
}

static bool read_and_abort(void *ctx, uint64_t offset, void *data, size_t len, struct err *e)
{
	struct breaking *b = ctx;
	struct store *other;
	bool ok;

	memset(data, 'x', len);
	if (offset < PART_BYTES)
		return true;
	b->uploads = 0;
	other = open_archive(b->a);
	ok = store_list_uploads(other, "other/", see_upload, b, e) && b->uploads == 0 &&
	     store_list_uploads(other, "aborted/", see_upload, b, e) &&
	     store_abort_upload(other, &b->upload, e) && store_abort_upload(other, &b->upload, e);
	store_close(other);
	return ok;
}

static void an_upload_can_be_listed_and_aborted_by_others(void **state)
{
	struct archive *a = begin(state);
	struct breaking b = { .a = a };
	struct io_reader reader = { .read_at = read_and_abort,
				    .ctx = &b,
				    .size_bytes = PART_BYTES + 100,
				    .name = "slow source" };
	struct store_object object;
	struct err e = { 0 };

	/* Whose upload was taken away must not believe that it succeeded. */
	err_clear(&e);
	assert_false(store_put(a->store, "aborted/key", &reader, NULL, NULL, &e));
	assert_int_equal(b.uploads, 1);
	assert_fails(store_head(a->store, "aborted/key", &object, &e), ERR_NOT_FOUND);
	b.uploads = 0;
	assert_ok(store_list_uploads(a->store, "", see_upload, &b, &e));
	assert_int_equal(b.uploads, 0);
}

/* What a kill leaves behind. Over S3 an upload's parts never look like objects. */
static void unfinished_uploads_are_not_listed_as_objects(void **state)
{
	struct archive *a = begin(state);
	struct seen *seen = calloc(1, sizeof(*seen));
	struct breaking b = { .a = a };
	struct store_upload upload = { .key = "left/behind", .id = "0123456789abcdef" };
	char path[200];
	struct err e = { 0 };

	assert_non_null(seen);
	assert_ok(put_text(a->store, "left/object", "x", &e));
	snprintf(path, sizeof(path), "%s/left/.firn-upload-%s-behind", a->url + strlen("file://"),
		 upload.id);
	assert_ok(file_write_atomic(path, "half", 4, &e));
	assert_ok(store_list(a->store, "", see_object, seen, &e));
	assert_int_equal(seen->count, 1);
	assert_ok(store_list_uploads(a->store, "left/be", see_upload, &b, &e));
	assert_int_equal(b.uploads, 1);
	assert_string_equal(b.upload.key, upload.key);
	assert_string_equal(b.upload.id, upload.id);
	assert_fails(put_text(a->store, "left/.firn-upload-x", "x", &e), ERR_DATA);
	assert_ok(store_abort_upload(a->store, &b.upload, &e));
	assert_int_equal(access(path, F_OK), -1);
	free(seen);
}

#define RACERS 8

struct racer {
	struct store *store;
	char text[16];
	bool won;
	enum err_code code;
};

static void *race(void *ctx)
{
	struct racer *r = ctx;
	struct err e = { 0 };

	r->won = put_text(r->store, "race/prize", r->text, &e);
	r->code = e.code;
	return NULL;
}

static void of_many_who_put_one_key_one_wins(void **state)
{
	struct archive *a = begin(state);
	struct racer racers[RACERS] = { 0 };
	pthread_t threads[RACERS];
	int winner = -1;

	for (int i = 0; i < RACERS; i++) {
		racers[i].store = open_archive(a);
		snprintf(racers[i].text, sizeof(racers[i].text), "racer %d", i);
	}
	for (int i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	for (int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < RACERS; i++) {
		if (racers[i].won) {
			assert_int_equal(winner, -1);
			winner = i;
		} else {
			assert_int_equal(racers[i].code, ERR_EXISTS);
		}
		store_close(racers[i].store);
	}
	assert_int_not_equal(winner, -1);
	check_object(a, "race/prize", (const uint8_t *)racers[winner].text,
		     strlen(racers[winner].text));
}

static void a_check_leaves_nothing_behind(void **state)
{
	struct archive *a = begin(state);
	struct seen *seen = calloc(1, sizeof(*seen));
	struct err e = { 0 };

	assert_non_null(seen);
	assert_ok(store_check(a->store, &e));
	assert_ok(store_list(a->store, "", see_object, seen, &e));
	assert_int_equal(seen->count, 0);
	free(seen);
}

static void traffic_is_counted(void **state)
{
	struct archive *a = begin(state);
	struct store_counters before, after;
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	/* A server that knows no If-None-Match is sent the first body twice. */
	assert_ok(put_text(a->store, "first", "", &e));
	before = store_counters(a->store);
	assert_ok(put_text(a->store, "counted", "0123456789", &e));
	assert_ok(store_get_range(a->store, "counted", 2, 5, &out, &e));
	after = store_counters(a->store);
	assert_true(after.calls >= before.calls + 2);
	assert_int_equal(after.bytes_out - before.bytes_out, 10);
	assert_true(after.bytes_in - before.bytes_in >= 5);
	assert_string_equal(store_url(a->store), a->url);
	buf_release(&out);
}

static struct archive in_folder = { .s3 = false };
static struct archive in_s3 = { .s3 = true };
static struct archive in_host = { .s3 = true, .by_host = true };
static struct archive through_proxy = { .s3 = true, .proxied = true };
static struct archive with_key = { .s3 = true, .encrypted = true };

/* Every test, under this name in front, over this archive. */
#define ALL_OVER(name, archive)                                                                    \
	{ name "an_empty_object_comes_back", an_empty_object_comes_back, set_up, tear_down,        \
	  &archive },                                                                              \
		{ name "small_objects_come_back", small_objects_come_back, set_up, tear_down,      \
		  &archive },                                                                      \
		{ name "an_object_of_one_whole_part_comes_back",                                   \
		  an_object_of_one_whole_part_comes_back, set_up, tear_down, &archive },           \
		{ name "an_object_of_one_part_and_a_byte_comes_back",                              \
		  an_object_of_one_part_and_a_byte_comes_back, set_up, tear_down, &archive },      \
		{ name "an_object_of_many_parts_comes_back", an_object_of_many_parts_comes_back,   \
		  set_up, tear_down, &archive },                                                   \
		{ name "ranges_are_exact_at_the_edges", ranges_are_exact_at_the_edges, set_up,     \
		  tear_down, &archive },                                                           \
		{ name "ranges_past_the_end_are_refused", ranges_past_the_end_are_refused, set_up, \
		  tear_down, &archive },                                                           \
		{ name "an_object_is_never_overwritten", an_object_is_never_overwritten, set_up,   \
		  tear_down, &archive },                                                           \
		{ name "content_that_differs_from_its_digest_is_refused",                          \
		  content_that_differs_from_its_digest_is_refused, set_up, tear_down, &archive },  \
		{ name "what_is_not_there_is_not_found", what_is_not_there_is_not_found, set_up,   \
		  tear_down, &archive },                                                           \
		{ name "keys_that_could_lead_elsewhere_are_refused",                               \
		  keys_that_could_lead_elsewhere_are_refused, set_up, tear_down, &archive },       \
		{ name "odd_keys_are_kept_as_they_are", odd_keys_are_kept_as_they_are, set_up,     \
		  tear_down, &archive },                                                           \
		{ name "odd_prefixes_are_kept_apart", odd_prefixes_are_kept_apart, set_up,         \
		  tear_down, &archive },                                                           \
		{ name "listing_is_in_key_order_and_pages_are_joined",                             \
		  listing_is_in_key_order_and_pages_are_joined, set_up, tear_down, &archive },     \
		{ name "a_visit_that_fails_ends_the_listing", a_visit_that_fails_ends_the_listing, \
		  set_up, tear_down, &archive },                                                   \
		{ name "deleting_what_is_not_there_succeeds", deleting_what_is_not_there_succeeds, \
		  set_up, tear_down, &archive },                                                   \
		{ name "more_keys_than_a_batch_holds_are_deleted",                                 \
		  more_keys_than_a_batch_holds_are_deleted, set_up, tear_down, &archive },         \
		{ name "a_failed_upload_leaves_nothing_behind",                                    \
		  a_failed_upload_leaves_nothing_behind, set_up, tear_down, &archive },            \
		{ name "an_upload_can_be_listed_and_aborted_by_others",                            \
		  an_upload_can_be_listed_and_aborted_by_others, set_up, tear_down, &archive },    \
		{ name "of_many_who_put_one_key_one_wins", of_many_who_put_one_key_one_wins,       \
		  set_up, tear_down, &archive },                                                   \
		{ name "a_check_leaves_nothing_behind", a_check_leaves_nothing_behind, set_up,     \
		  tear_down, &archive },                                                           \
	{                                                                                          \
		name "traffic_is_counted", traffic_is_counted, set_up, tear_down, &archive         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "file: unfinished_uploads_are_not_listed_as_objects",
		  unfinished_uploads_are_not_listed_as_objects, set_up, tear_down, &in_folder },
		ALL_OVER("file: ", in_folder),
		ALL_OVER("s3: ", in_s3),
		ALL_OVER("s3 by virtual host: ", in_host),
		ALL_OVER("s3 through a proxy: ", through_proxy),
		ALL_OVER("s3 with a customer's key: ", with_key),
	};
	size_t count = sizeof(tests) / sizeof(tests[0]);

	/* For servers other than the run's own: "s3: *" without tests that they cannot pass. */
	if (getenv("FIRN_TEST_CONTRACT"))
		cmocka_set_test_filter(getenv("FIRN_TEST_CONTRACT"));
	if (getenv("FIRN_TEST_CONTRACT_SKIP"))
		cmocka_set_skip_filter(getenv("FIRN_TEST_CONTRACT_SKIP"));

	if (!getenv("FIRN_TEST_S3_ENDPOINT")) {
		count = 1 + (count - 1) / 5;
		printf("# SKIP the S3 half: FIRN_TEST_S3_ENDPOINT is not set\n");
	}
	return _cmocka_run_group_tests("store contract", tests, count, NULL, NULL);
}
