#include "store/store_retry.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "base/signal.h"

#define BASE_DELAY_MS     100
#define THROTTLE_DELAY_MS 500
/* A signal that comes just before we fall asleep must not cost the whole wait. */
#define NAP_MS 200

void retry_init(struct retry *r, const struct clock *clock, struct rng *rng, int max_tries,
		int64_t total_ms)
{
	*r = (struct retry){ .clock = clock,
			     .rng = rng,
			     .max_tries = max_tries,
			     .deadline_ms = clock_now_ms(clock) + total_ms };
}

void retry_restart(struct retry *r)
{
	r->tries = 0;
	r->damaged = 0;
}

int64_t retry_left_ms(const struct retry *r)
{
	int64_t left = r->deadline_ms - clock_now_ms(r->clock);

	return left > 0 ? left : 0;
}

int64_t retry_delay_ms(int n, struct rng *rng)
{
	int64_t most = RETRY_DELAY_MAX_MS;

	if (n < 1)
		n = 1;
	if (n < 16 && (int64_t)BASE_DELAY_MS << n < most)
		most = (int64_t)BASE_DELAY_MS << n;
	return (int64_t)rng_below(rng, (uint64_t)most + 1);
}

int64_t retry_throttle_ms(int n, struct rng *rng)
{
	int64_t most = RETRY_DELAY_MAX_MS;

	if (n < 1)
		n = 1;
	if (n < 16 && (int64_t)THROTTLE_DELAY_MS << n < most)
		most = (int64_t)THROTTLE_DELAY_MS << n;
	return most / 2 + (int64_t)rng_below(rng, (uint64_t)most / 2 + 1);
}

void resend_init(struct resend *r, unsigned percent, uint64_t total_bytes, uint64_t body_bytes)
{
	*r = (struct resend){ .percent = percent,
			      .limit_bytes = total_bytes / 100 * percent +
					     total_bytes % 100 * percent / 100 +
					     RESEND_FREE_BODIES * body_bytes };
}

bool resend_spend(struct resend *r, uint64_t bytes, struct err *e)
{
	if (!r || atomic_fetch_add(&r->bytes, bytes) + bytes <= r->limit_bytes)
		return true;
	err_wrap(e,
		 "gave up after %" PRIu64
		 " bytes sent in vain, more than s3.resend_percent (%u) allows",
		 atomic_load(&r->bytes), r->percent);
	return err_hint(e,
			"Find out why the archive breaks uploads off, or raise s3.resend_percent.");
}

bool retry_wait(struct retry *r, int64_t at_least_ms, struct err *e)
{
	int64_t wait_ms, until_ms;

	r->tries++;
	if (!err_is_retryable(e->code))
		return false;
	wait_ms = retry_delay_ms(r->tries, r->rng);
	if (wait_ms < at_least_ms)
		wait_ms = at_least_ms;
	if (r->tries >= r->max_tries)
		return err_wrap(e, "gave up after %d tries", r->tries);
	if (wait_ms >= retry_left_ms(r))
		return err_wrap(e, "out of time after %d tries", r->tries);
	until_ms = clock_now_ms(r->clock) + wait_ms;
	for (;;) {
		int64_t left = until_ms - clock_now_ms(r->clock);

		if (signal_stop_requested()) {
			err_set(e, ERR_INTERRUPTED,
				"stopped by a signal while waiting to try again");
			return false;
		}
		if (left <= 0)
			return true;
		clock_sleep_ms(r->clock, left < NAP_MS ? left : NAP_MS);
	}
}
