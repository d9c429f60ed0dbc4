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
	const uint64_t n = magnitude(nano), one = MONEY_NANO;
	const uint64_t coarse = (n + one / 200) / (one / 100);
	const char *sign = nano < 0 ? "-" : "";
	uint64_t unit = 1, fine;
	int decimals = 9;

	if (n == 0) {
		snprintf(out, MONEY_MAX, "0");
		return out;
	}
	while (n / unit >= 1000) {
		unit *= 10;
		decimals--;
	}
	/* Rounded before it is cut, so that 0.99999 is 1.00. */
	fine = (n + unit / 2) / unit;
	if (fine == 1000) {
		fine = 100;
		unit *= 10;
		decimals--;
	}
	if (decimals >= 3 && fine * unit < one)
		snprintf(out, MONEY_MAX, "%s0.%0*" PRIu64, sign, decimals, fine);
	else
		snprintf(out, MONEY_MAX, "%s%" PRIu64 ".%02" PRIu64, sign, coarse / 100,
			 coarse % 100);
	return out;
}
