/*
 * The S3 driver against the real server, through a proxy that fails on purpose: what is said to be in
 * the archive is there with the right digest, and what fails fails with an error that says why.
 * Skipped without FIRN_TEST_S3_ENDPOINT. Waits between tries are skipped, so that only stalls take
 * time.
 */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "lib/fault_proxy.h"
#include "store/store_driver.h"
#include "store/store_retry.h"

#define PART_BYTES ((size_t)5 << 20)
#define LIST_LIES                                                                                 \
	(FAULT_BIT(FAULT_LIST_REPEAT) | FAULT_BIT(FAULT_LIST_TOKEN) | FAULT_BIT(FAULT_LIST_CUT) | \
	 FAULT_BIT(FAULT_LIST_DROP))
#define STORM_OBJECTS 200
#define STORM_THREADS 8
#define STORM_LEAST   1024
#define STORM_MOST    ((size_t)12 << 20)
#define STORM_PERCENT 20

struct fixture {
	struct fault_proxy *proxy;
	char url[200];
	char folder[64];
	_Atomic int64_t skipped_ms; /* of waiting, by the store below */
	struct clock clock;
	struct store *store;  /* through the proxy */
	struct store *direct; /* to the server */
};

#define assert_ok(call)                                                       \
	do {                                                                  \
		if (!(call))                                                  \
			fail_msg("%s: %s", err_code_name(e.code), e.message); \
	} while (0)

static int64_t now_ms(void *ctx)
{
	return clock_now_ms(&clock_system) + *(_Atomic int64_t *)ctx;
}

static time_t wall_s(void *ctx)
{
	(void)ctx;
	return clock_wall_s(&clock_system);
}

static void skip_ms(void *ctx, int64_t ms)
{
	*(_Atomic int64_t *)ctx += ms;
}

static struct store *open_store(const struct fixture *f, const struct clock *clock)
{
	struct err e = { 0 };
	char endpoint[64];
	struct store *s;

	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", fault_proxy_port(f->proxy));
	s = store_open(&(struct store_options){ .url = f->url,
						.endpoint = clock ? endpoint
								  : getenv("FIRN_TEST_S3_ENDPOINT"),
						.path_style = true,
						.part_bytes = PART_BYTES,
						.call_timeout_ms = clock ? 1000 : 30000,
						.clock = clock },
		       &e);
	if (!s)
		fail_msg("%s", e.message);
	return s;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };
	uint64_t number;

	if (!f || !rng_system(&number, sizeof(number), &e))
		return -1;
	*state = f;
	snprintf(f->folder, sizeof(f->folder), "/tmp/firn-faults-XXXXXX");
	snprintf(f->url, sizeof(f->url), "s3://%s/faults-%016" PRIx64,
		 getenv("FIRN_TEST_S3_BUCKET"), number);
	f->proxy = fault_proxy_start(getenv("FIRN_TEST_S3_ENDPOINT"));
	if (!f->proxy || !mkdtemp(f->folder))
		return -1;
	f->clock = (struct clock){ now_ms, wall_s, skip_ms, &f->skipped_ms };
	f->store = open_store(f, &f->clock);
	f->direct = open_store(f, NULL);
	return 0;
}

struct keys {
	char *keys[STORM_OBJECTS];
	size_t count;
};

static bool note_key(void *ctx, const struct store_object *object, struct err *e)
{
	struct keys *k = ctx;

	if (k->count == STORM_OBJECTS)
		return err_set(e, ERR_DATA, "there is more than any test puts");
	k->keys[k->count] = strdup(object->key);
	return k->keys[k->count++] ? true : err_no_memory(e);
}

static bool abort_it(void *ctx, const struct store_upload *upload, struct err *e)
{
	return store_abort_upload(ctx, upload, e);
}

static bool empty_archive(struct store *direct, struct err *e)
{
	struct keys k = { .count = 0 };
	bool ok = store_list(direct, "", note_key, &k, e) &&
		  store_delete(direct, (const char *const *)k.keys, k.count, NULL, e) &&
		  store_list_uploads(direct, "", abort_it, direct, e);

	for (size_t i = 0; i < k.count; i++)
		free(k.keys[i]);
	return ok;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	bool ok = empty_archive(f->direct, &e);

	store_close(f->store);
	store_close(f->direct);
	fault_proxy_stop(f->proxy);
	ok = file_remove_tree(f->folder, &e) && ok;
	free(f);
	return ok ? 0 : -1;
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

static bool put(struct store *s, const char *key, size_t len, struct err *e)
{
	uint8_t *data = make_bytes(len, len);
	struct io_memory memory = { .data = data, .len = len };
	struct io_reader reader;
	uint8_t digest[SHA256_BYTES];
	bool ok;

	io_reader_from_memory(&reader, &memory, "test bytes");
	ok = sha256_once(data, len, digest, e) && store_put(s, key, &reader, digest, NULL, e);
	free(data);
	return ok;
}

/* Through the whole of it: true when what came is what was put. *e is of reading. */
static bool comes_back(struct store *s, const char *folder, const char *key, size_t len,
		       struct err *e)
{
	uint8_t digest[SHA256_BYTES], expected[SHA256_BYTES], *data = make_bytes(len, len);
	uint64_t bytes = 0;
	char path[200];
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", folder, key);
	ok = store_get_file(s, key, path, digest, &bytes, e) &&
	     sha256_once(data, len, expected, e) && bytes == len &&
	     memcmp(digest, expected, sizeof(digest)) == 0;
	unlink(path);
	free(data);
	return ok;
}

static bool range_comes_back(struct store *s, const char *key, size_t len, struct err *e)
{
	uint8_t *data = make_bytes(len, len);
	struct buf out = BUF_INIT;
	bool ok = store_get_range(s, key, 100, len - 200, &out, e) && out.len == len - 200 &&
		  memcmp(out.data, data + 100, out.len) == 0;

	buf_release(&out);
	free(data);
	return ok;
}

static bool count_object(void *ctx, const struct store_object *object, struct err *e)
{
	(void)object;
	(void)e;
	++*(size_t *)ctx;
	return true;
}

static bool count_upload(void *ctx, const struct store_upload *upload, struct err *e)
{
	(void)upload;
	(void)e;
	++*(size_t *)ctx;
	return true;
}

static void no_fault_is_no_retry(void **state)
{
	struct fixture *f = *state;
	struct fault_counters c;
	struct err e = { 0 };

	assert_ok(put(f->store, "one", PART_BYTES + 1000, &e));
	assert_true(comes_back(f->store, f->folder, "one", PART_BYTES + 1000, &e));
	c = fault_proxy_counters(f->proxy);
	assert_int_equal(store_counters(f->store).retries, 0);
	assert_int_equal(store_counters(f->store).bytes_resent, 0);
	assert_int_equal(c.requests, store_counters(f->store).calls);
	assert_int_equal(c.forwarded, c.requests);
	assert_int_equal(c.body_bytes_in, store_counters(f->store).bytes_out);
}

/* What is worth the seconds until a stalled call is given up. */
#define STALLED                                                                 \
	(FAULT_BIT(CALL_GET) | FAULT_BIT(CALL_PUT) | FAULT_BIT(CALL_COMPLETE) | \
	 FAULT_BIT(CALL_LIST))

/* The first call of every sort fails in this way; where a page must follow another, the second. */
static void script_all(struct fixture *f, enum fault_kind kind)
{
	unsigned skip = kind == FAULT_LIST_REPEAT || kind == FAULT_LIST_TOKEN;

	for (int call = 0; call < CALL_COUNT; call++)
		if (fault_applies(kind, call) && (kind != FAULT_STALL || STALLED & FAULT_BIT(call)))
			assert_true(fault_proxy_script(f->proxy, FAULT_BIT(call), kind, skip, 1));
	/* so that parts are listed, too; the completion is refused before that, and does not fail
	 * otherwise */
	if (kind != FAULT_WRONG_ETAG && kind != FAULT_COMPLETE_DONE)
		assert_true(
			fault_proxy_script(f->proxy, FAULT_BIT(CALL_PART), FAULT_WRONG_ETAG, 1, 1));
}

static void each_fault(struct fixture *f, enum fault_kind kind)
{
	static const char *const keys[] = { "a-small", "b-large", "c", "d", "e" };
	const size_t sizes[] = { 3000, PART_BYTES + 1000, 400, 500, 600 };
	/* What XML says cannot be checked where its form is right. */
	bool may_lie = kind == FAULT_FLIP_ANSWER;
	size_t seen = 0, failed = 0;
	uint64_t happened = 0;
	struct err e = { 0 };

	print_message("# %s\n", fault_kind_name(kind));
	fault_proxy_clear(f->proxy);
	script_all(f, kind);
	store_s3_set_page_size(f->store, 2);
	for (size_t i = 0; i < 5; i++)
		assert_ok(put(f->store, keys[i], sizes[i], &e));
	for (size_t i = 0; i < 5; i++)
		if (!comes_back(f->store, f->folder, keys[i], sizes[i], &e))
			assert_true(may_lie && e.code == ERR_NONE &&
				    comes_back(f->store, f->folder, keys[i], sizes[i], &e));
	if (!range_comes_back(f->store, "b-large", sizes[1], &e))
		assert_true(may_lie && e.code == ERR_NONE);
	if (!store_list(f->store, "", count_object, &seen, &e))
		assert_true(may_lie && e.code != ERR_NONE && e.message[0]);
	assert_true(may_lie || seen == 5);
	err_clear(&e);
	if (!store_list_uploads(f->store, "", count_upload, &seen, &e))
		assert_true(may_lie && e.code != ERR_NONE && e.message[0]);
	/* What is in the archive is what was put, whatever was told in between. */
	for (size_t i = 0; i < 5; i++)
		if (!comes_back(f->direct, f->folder, keys[i], sizes[i], &e))
			fail_msg("%s: \"%s\" is lost: %s", fault_kind_name(kind), keys[i],
				 e.message);
	assert_ok(store_delete(f->store, keys, 5, &failed, &e));
	assert_int_equal(failed, 0);
	seen = 0;
	assert_ok(store_list(f->direct, "", count_object, &seen, &e));
	assert_int_equal(seen, 0);
	happened = fault_proxy_counters(f->proxy).faults[kind];
	if (happened == 0)
		fail_msg("%s never happened", fault_kind_name(kind));
	assert_ok(empty_archive(f->direct, &e));
}

static void each_way_of_failing_ends_in_success(void **state)
{
	for (int kind = FAULT_NONE + 1; kind < FAULT_KINDS; kind++)
		each_fault(*state, kind);
}

static void a_server_that_keeps_failing_is_an_error_and_nothing_is_there(void **state)
{
	struct fixture *f = *state;
	struct store_object object;
	struct fault_counters c;
	struct err e = { 0 };
	size_t len = 3 * PART_BYTES;

	fault_proxy_plan(f->proxy, &(struct fault_plan){ .percent = 100,
							 .kinds = FAULT_BIT(FAULT_500),
							 .calls = FAULT_BIT(CALL_PART) });
	assert_false(put(f->store, "never", len, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_non_null(strstr(e.message, "could not write object \"never\""));
	assert_non_null(strstr(e.message, "s3.resend_percent (50)"));
	c = fault_proxy_counters(f->proxy);
	/* Each of the three parts may be on its way when another has spent the rest. */
	assert_true(c.body_bytes_in <= len / 2 + (RESEND_FREE_BODIES + 3) * PART_BYTES);
	assert_false(store_head(f->direct, "never", &object, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
}

static void a_listing_that_keeps_lying_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	char key[2] = "a";

	for (; *key < 'h'; ++*key)
		assert_ok(put(f->store, key, 1000, &e));
	store_s3_set_page_size(f->store, 3);
	for (int kind = FAULT_LIST_REPEAT; kind <= FAULT_LIST_DROP; kind++) {
		size_t seen = 0;

		fault_proxy_clear(f->proxy);
		fault_proxy_plan(f->proxy,
				 &(struct fault_plan){ .percent = 100, .kinds = FAULT_BIT(kind) });
		err_clear(&e);
		assert_false(store_list(f->store, "", count_object, &seen, &e));
		assert_int_equal(e.code, ERR_DATA);
		assert_true(seen < 7);
		assert_true(fault_proxy_counters(f->proxy).faults[kind] > 1);
	}
}

/* ---- 20 % of the calls, in every way ---- */

struct storm {
	struct fixture *f;
	unsigned first; /* of STORM_OBJECTS, every STORM_THREADS-th */
	struct store_counters counters;
	char wrong[ERR_MESSAGE_MAX + 100];
};

/* One in eight has several parts; the others are spread over the orders of magnitude. */
static size_t storm_size(unsigned number)
{
	struct rng rng;
	size_t least = STORM_LEAST;

	rng_seed(&rng, number);
	if (number % 8 == 0)
		return PART_BYTES + 1 + (size_t)rng_below(&rng, STORM_MOST - PART_BYTES);
	for (uint64_t doublings = rng_below(&rng, 12); doublings > 0; doublings--)
		least *= 2;
	return least + (size_t)rng_below(&rng, least + 1);
}

static void storm_key(unsigned number, char key[16])
{
	snprintf(key, 16, "s%03u", number);
}

static void *storm(void *ctx)
{
	struct storm *t = ctx;
	_Atomic int64_t skipped = 0;
	const struct clock clock = { now_ms, wall_s, skip_ms, &skipped };
	struct store *s = open_store(t->f, &clock);

	for (unsigned i = t->first; i < STORM_OBJECTS && !t->wrong[0]; i += STORM_THREADS) {
		struct err e = { 0 };
		char key[16];
		int reads = 0;

		storm_key(i, key);
		if (!put(s, key, storm_size(i), &e)) {
			snprintf(t->wrong, sizeof(t->wrong), "put %s: %s", key, e.message);
			break;
		}
		/* A bit of the answer may flip: who knows the digest reads again. */
		while (!comes_back(s, t->f->folder, key, storm_size(i), &e) && e.code == ERR_NONE &&
		       ++reads < 5)
			;
		if (e.code != ERR_NONE || reads == 5)
			snprintf(t->wrong, sizeof(t->wrong), "get %s: %s", key, e.message);
	}
	t->counters = store_counters(s);
	store_close(s);
	return NULL;
}

static void run_storm(struct fixture *f, struct store_counters *sum)
{
	struct storm threads[STORM_THREADS];
	pthread_t ids[STORM_THREADS];

	for (unsigned i = 0; i < STORM_THREADS; i++) {
		threads[i] = (struct storm){ .f = f, .first = i };
		assert_int_equal(pthread_create(&ids[i], NULL, storm, &threads[i]), 0);
	}
	for (unsigned i = 0; i < STORM_THREADS; i++) {
		const struct store_counters *c = &threads[i].counters;

		pthread_join(ids[i], NULL);
		sum->retries += c->retries;
		sum->bytes_out += c->bytes_out;
		sum->retries_timeout += c->retries_timeout;
		sum->retries_broken += c->retries_broken;
		sum->retries_throttled += c->retries_throttled;
		sum->retries_server += c->retries_server;
		sum->retries_damaged += c->retries_damaged;
	}
	for (unsigned i = 0; i < STORM_THREADS; i++)
		if (threads[i].wrong[0])
			fail_msg("%s", threads[i].wrong);
}

static void nothing_is_lost_in_a_storm(void **state)
{
	struct fixture *f = *state;
	struct store_counters sum = { 0 };
	struct fault_counters c;
	uint64_t total = 0, faults = 0;
	size_t seen = 0;
	struct err e = { 0 };

	fault_proxy_plan(f->proxy, &(struct fault_plan){ .percent = STORM_PERCENT, .seed = 7 });
	/* of which there are few */
	assert_true(
		fault_proxy_script(f->proxy, FAULT_BIT(CALL_COMPLETE), FAULT_COMPLETE_ERROR, 3, 1));
	assert_true(
		fault_proxy_script(f->proxy, FAULT_BIT(CALL_COMPLETE), FAULT_COMPLETE_DONE, 7, 1));
	run_storm(f, &sum);
	/* And all of them are listed, in spite of pages that lie. */
	fault_proxy_plan(
		f->proxy,
		&(struct fault_plan){ .percent = STORM_PERCENT, .kinds = LIST_LIES, .seed = 8 });
	store_s3_set_page_size(f->store, 10);
	assert_ok(store_list(f->store, "", count_object, &seen, &e));
	assert_int_equal(seen, STORM_OBJECTS);
	for (unsigned i = 0; i < STORM_OBJECTS; i++) {
		char key[16];

		storm_key(i, key);
		total += storm_size(i);
		if (!comes_back(f->direct, f->folder, key, storm_size(i), &e))
			fail_msg("\"%s\" is lost: %s", key, e.message);
	}
	c = fault_proxy_counters(f->proxy);
	for (int i = FAULT_NONE + 1; i < FAULT_KINDS; i++) {
		if (c.faults[i] == 0)
			fail_msg("%s never happened", fault_kind_name(i));
		faults += c.faults[i];
	}
	print_message("# %" PRIu64 " requests, %" PRIu64 " faults, %" PRIu64
		      " bytes sent for %" PRIu64 " (%.2f; by the client's count %.2f)\n",
		      c.requests, faults, c.body_bytes_in, total,
		      (double)c.body_bytes_in / (double)total,
		      (double)sum.bytes_out / (double)total);
	assert_true(faults > c.requests / 10);
	assert_true(c.body_bytes_in < total + total / 2);
	assert_true(sum.bytes_out < total + total / 2);
	assert_true(sum.retries_timeout > 0 && sum.retries_broken > 0 &&
		    sum.retries_throttled > 0 && sum.retries_server > 0 && sum.retries_damaged > 0);
	assert_int_equal(sum.retries, sum.retries_timeout + sum.retries_broken +
					      sum.retries_throttled + sum.retries_server +
					      sum.retries_damaged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_fault_is_no_retry, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_way_of_failing_ends_in_success, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			a_server_that_keeps_failing_is_an_error_and_nothing_is_there, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_listing_that_keeps_lying_is_an_error, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_lost_in_a_storm, set_up, tear_down),
	};

	if (!getenv("FIRN_TEST_S3_ENDPOINT")) {
		printf("1..0 # SKIP FIRN_TEST_S3_ENDPOINT is not set\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
