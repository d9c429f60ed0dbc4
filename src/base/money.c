#include "base/money.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static int64_t whole(long double nano)
{
	if (!(nano > -9.2e18L))
		return nano <= -9.2e18L ? -9200000000000000000LL : 0; /* not a number: nothing */
	return nano < 9.2e18L ? (int64_t)roundl(nano) : 9200000000000000000LL;
}

int64_t money_times(double amount, int64_t nano)
{
	return whole((long double)amount * (long double)nano);
}

int64_t money_of(double units)
{
	return whole((long double)units * (long double)MONEY_NANO);
}

static uint64_t magnitude(int64_t nano)
{
	return nano < 0 ? -(uint64_t)nano : (uint64_t)nano;
}

const char *money_decimal(int64_t nano, char out[MONEY_MAX])
{
	const uint64_t n = magnitude(nano), one = MONEY_NANO;

	snprintf(out, MONEY_MAX, "%s%" PRIu64 ".%09" PRIu64, nano < 0 ? "-" : "", n / one, n % one);
	return out;
}

const char *money_short(int64_t nano, char out[MONEY_MAX])
{
	const uint64_t n = magnitude(nano);
	/* Rounded before it is cut, so that 0.99999 is 1.00. */
	uint64_t fine = (n + 50000) / 100000, coarse = (n + 5000000) / 10000000;
	const char *sign = nano < 0 && fine > 0 ? "-" : "";

	if (fine < 10000)
		snprintf(out, MONEY_MAX, "%s0.%04" PRIu64, sign, fine);
	else
		snprintf(out, MONEY_MAX, "%s%" PRIu64 ".%02" PRIu64, sign, coarse / 100,
			 coarse % 100);
	return out;
}
