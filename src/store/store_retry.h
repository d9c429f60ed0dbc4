/* When to try again, and when to stop: full jitter, bounded tries, one deadline over all of it. */
#ifndef STORE_STORE_RETRY_H
#define STORE_STORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"

#define RETRY_DELAY_MAX_MS 20000

/* What failed tries of one upload may have cost, whatever its parts' retries: they may be in several
 * threads. */
struct resend {
	unsigned percent; /* of what is to be sent: for the message only */
	uint64_t limit_bytes;
	_Atomic uint64_t bytes; /* sent in vain so far */
};

struct retry {
	const struct clock *clock;
	struct rng *rng;
	int max_tries;         /* of one call; at least 1 */
	int64_t deadline_ms;   /* by clock_now_ms: no wait goes past it */
	int tries;             /* that have failed so far */
	int damaged;           /* those of them whose body did not arrive as it was sent */
	struct resend *resend; /* NULL: what a retry sends is not counted */
};

/* The deadline is total_ms from now. */
void retry_init(struct retry *r, const struct clock *clock, struct rng *rng, int max_tries,
		int64_t total_ms);

/* For the next call under the same deadline: no try has failed. */
void retry_restart(struct retry *r);

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

/* The limit for an upload of total bytes in bodies of at most body_bytes: percent of the total, and
 * RESEND_FREE_BODIES bodies, so that what is sent in one or two can be tried again at all. */
#define RESEND_FREE_BODIES 4
void resend_init(struct resend *r, unsigned percent, uint64_t total_bytes, uint64_t body_bytes);

/* A try that sent bytes has failed. ERR_OFFLINE, with what e held before in it, when no more may be
 * sent. True where there is no budget. */
bool resend_spend(struct resend *r, uint64_t bytes, struct err *e);

/* What to wait at least after a server has said n times (from 1) that it is asked too often: half of
 * min(20 s, 500 ms * 2^n), and up to as much again. Never fails. */
int64_t retry_throttle_ms(int n, struct rng *rng);

/* Delay before try n + 1, when n (from 1) have failed: evenly spread over 0 to min(20 s, 100 ms *
 * 2^n). Never fails. */
int64_t retry_delay_ms(int n, struct rng *rng);

#endif
