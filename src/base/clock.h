/* This machine's clock, for waiting, rates and log lines only: ages are measured by the database's clock.
 * Injected so that tests can make time pass. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

struct clock {
	/* Monotonic, from an arbitrary start. */
	int64_t (*now_ms)(void *ctx);
	/* Seconds since 1970, for signatures and log lines. */
	time_t (*wall_s)(void *ctx);
	/* Returns early when a signal arrives. */
	void (*sleep_ms)(void *ctx, int64_t ms);
	void *ctx;
};

extern const struct clock clock_system;

/* Microseconds from an arbitrary start, for how long a statement took. Of this machine, never injected. */
int64_t clock_stopwatch_us(void);

static inline int64_t clock_now_ms(const struct clock *c)
{
	return c->now_ms(c->ctx);
}

static inline time_t clock_wall_s(const struct clock *c)
{
	return c->wall_s(c->ctx);
}

static inline void clock_sleep_ms(const struct clock *c, int64_t ms)
{
	c->sleep_ms(c->ctx, ms);
}

#endif
