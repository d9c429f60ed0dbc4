/* The token bucket holds its rate, whatever comes when; time here is a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/token_bucket.h"

/* Sends units of so many at once until so much time has passed; how many went. */
static int64_t send(struct token_bucket *b, int64_t each, int64_t from_ms, int64_t to_ms)
{
	int64_t sent = 0;

	for (int64_t now = from_ms; now < to_ms; sent += each)
		now += token_bucket_take(b, each, now);
	return sent;
}

static void the_rate_is_held(void **state)
{
	static const int64_t rates[] = { 1, 7, 500, 5000, 1000000, 50000000 };
	static const int64_t sizes[] = { 1, 256, 1 << 20 };

	(void)state;
	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct token_bucket b = token_bucket_full(rates[r], 1000);
			int64_t seconds = sizes[s] > rates[r] ? 100 * sizes[s] / rates[r] : 100;
			int64_t sent;

			if (rates[r] / sizes[s] > 20000)
				continue;
			sent = send(&b, sizes[s], 1000, 1000 + seconds * 1000);
			/* A second's worth at first, and what went last may be ahead of its time. */
			assert_in_range(sent, rates[r] * seconds * 98 / 100,
					rates[r] * (seconds + 1) + sizes[s]);
		}
}

static void a_pause_gives_no_more_than_a_second(void **state)
{
	struct token_bucket b = token_bucket_full(100, 0);

	(void)state;
	assert_int_equal(token_bucket_take(&b, 100, 0), 0);
	assert_int_equal(token_bucket_take(&b, 1, 0), 10);
	assert_int_equal(token_bucket_take(&b, 0, 3600 * 1000), 0);
	assert_int_equal(token_bucket_take(&b, 100, 3600 * 1000), 0);
	assert_int_equal(token_bucket_take(&b, 50, 3600 * 1000), 500);
}

static void without_a_rate_nothing_waits(void **state)
{
	struct token_bucket b = token_bucket_full(0, 0);

	(void)state;
	assert_int_equal(token_bucket_take(&b, INT64_MAX, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_is_held),
		cmocka_unit_test(a_pause_gives_no_more_than_a_second),
		cmocka_unit_test(without_a_rate_nothing_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
