/* When to try again, and when to stop: full jitter, bounded tries, one deadline over all of it. */
#ifndef STORE_STORE_RETRY_H
#define STORE_STORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"

#define RETRY_DELAY_MAX_MS 20000

struct retry {
	const struct clock *clock;
	struct rng *rng;
	int max_tries;       /* of one call; at least 1 */
	int64_t deadline_ms; /* by clock_now_ms: no wait goes past it */
	int tries;           /* that have failed so far */
};

/* The deadline is total_ms from now. */
void retry_init(struct retry *r, const struct clock *clock, struct rng *rng, int max_tries,
		int64_t total_ms);

/* Milliseconds left until the deadline; 0 once it has passed. */
int64_t retry_left_ms(const struct retry *r);

/*
 * After a failed try that e describes: waits, and returns true when it is time to try again.
 * at_least_ms is what the server asked for (Retry-After), 0 if nothing. Returns false at once, e
 * saying how often it was tried, when e's code says that trying again is no use, the tries are used
 * up, or the wait would go past the deadline. False with ERR_INTERRUPTED when a signal asked to
 * stop.
 */
bool retry_wait(struct retry *r, int64_t at_least_ms, struct err *e);

/* Delay before try n + 1, when n (from 1) have failed: evenly spread over 0 to min(20 s, 100 ms *
 * 2^n). Never fails. */
int64_t retry_delay_ms(int n, struct rng *rng);

#endif
