#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/store_retry.h"

/* Time passes only by sleeping. */
static int64_t fake_now(void *ctx)
{
	return *(int64_t *)ctx;
}

static void fake_sleep(void *ctx, int64_t ms)
{
	*(int64_t *)ctx += ms;
}

static struct clock fake_clock(int64_t *now)
{
	return (struct clock){ .now_ms = fake_now, .sleep_ms = fake_sleep, .ctx = now };
}

static void delays_are_bounded_and_spread(void **state)
{
	struct rng rng;
	int64_t most = 0;

	(void)state;
	rng_seed(&rng, 1);
	for (int n = 1; n < 200; n++) {
		int64_t limit = n < 8 ? (int64_t)100 << n : RETRY_DELAY_MAX_MS;

		for (int i = 0; i < 100; i++) {
			int64_t delay = retry_delay_ms(n, &rng);

			assert_true(delay >= 0 && delay <= limit);
			most = delay > most ? delay : most;
		}
	}
	assert_true(most > RETRY_DELAY_MAX_MS * 9 / 10);
	assert_true(retry_delay_ms(-5, &rng) <= 200);
}

static void who_is_told_to_slow_down_waits_longer(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 4);
	for (int n = -1; n < 100; n++)
		for (int i = 0; i < 100; i++) {
			int64_t most = n < 1   ? 1000
				       : n < 6 ? (int64_t)500 << n
					       : RETRY_DELAY_MAX_MS;
			int64_t delay = retry_throttle_ms(n, &rng);

			assert_true(delay >= most / 2 && delay <= most);
		}
}

static void a_budget_is_spent_by_what_was_sent_in_vain(void **state)
{
	struct resend r;
	struct err e = { .code = ERR_OFFLINE, .message = "connection reset" };

	(void)state;
	resend_init(&r, 50, 1001, 100);
	assert_true(resend_spend(&r, 900, &e));
	assert_true(resend_spend(&r, 0, &e));
	assert_string_equal(e.message, "connection reset");
	assert_false(resend_spend(&r, 1, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_non_null(strstr(e.message, "901 bytes"));
	assert_non_null(strstr(e.message, "connection reset"));
	assert_true(resend_spend(NULL, UINT64_MAX, &e));
}

static void tries_run_out(void **state)
{
	int64_t now = 0;
	struct clock clock = fake_clock(&now);
	struct rng rng;
	struct retry r;
	struct err e = { .code = ERR_OFFLINE, .message = "connection reset" };

	(void)state;
	rng_seed(&rng, 2);
	retry_init(&r, &clock, &rng, 3, 1000000);
	assert_true(retry_wait(&r, 0, &e));
	assert_true(retry_wait(&r, 0, &e));
	assert_false(retry_wait(&r, 0, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_non_null(strstr(e.message, "connection reset"));
}

static void what_cannot_be_helped_is_not_tried_again(void **state)
{
	int64_t now = 0;
	struct clock clock = fake_clock(&now);
	struct rng rng;
	struct retry r;
	struct err e = { .code = ERR_DENIED };

	(void)state;
	rng_seed(&rng, 3);
	retry_init(&r, &clock, &rng, 3, 1000000);
	assert_false(retry_wait(&r, 0, &e));
	assert_int_equal(now, 0);
}

static void the_server_can_ask_for_a_longer_wait(void **state)
{
	int64_t now = 0;
	struct clock clock = fake_clock(&now);
	struct rng rng;
	struct retry r;
	struct err e = { .code = ERR_OFFLINE };

	(void)state;
	rng_seed(&rng, 4);
	retry_init(&r, &clock, &rng, 3, 1000000);
	assert_true(retry_wait(&r, 30000, &e));
	assert_true(now >= 30000);
}

static void no_wait_goes_past_the_deadline(void **state)
{
	int64_t now = 5000;
	struct clock clock = fake_clock(&now);
	struct rng rng;
	struct retry r;
	struct err e = { .code = ERR_OFFLINE };
	int waits = 0;

	(void)state;
	rng_seed(&rng, 5);
	retry_init(&r, &clock, &rng, 1000, 60000);
	while (retry_wait(&r, 0, &e))
		waits++;
	assert_true(waits > 3);
	assert_true(now < 65000);
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_false(retry_wait(&r, 60000, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_are_bounded_and_spread),
		cmocka_unit_test(who_is_told_to_slow_down_waits_longer),
		cmocka_unit_test(a_budget_is_spent_by_what_was_sent_in_vain),
		cmocka_unit_test(tries_run_out),
		cmocka_unit_test(what_cannot_be_helped_is_not_tried_again),
		cmocka_unit_test(the_server_can_ask_for_a_longer_wait),
		cmocka_unit_test(no_wait_goes_past_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
