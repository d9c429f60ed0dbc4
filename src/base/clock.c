#include "base/clock.h"

static int64_t system_now_ms(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static time_t system_wall_s(void *ctx)
{
	(void)ctx;
	return time(NULL);
}

static void system_sleep_ms(void *ctx, int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)ctx;
	nanosleep(&t, NULL);
}

const struct clock clock_system = {
	.now_ms = system_now_ms,
	.wall_s = system_wall_s,
	.sleep_ms = system_sleep_ms,
};

int64_t clock_stopwatch_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
