/*
 * Money, in whole billionths of a currency ("nano"), so that sums are exact and no float is ever printed. What would not
 * fit (9.2 thousand million of the currency) is cut off there.
 */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdint.h>

#define MONEY_NANO 1000000000LL
#define MONEY_MAX  32 /* that either text takes */

/* amount times price, rounded to the nearest; a price for nothing is 0. */
int64_t money_times(double amount, int64_t nano);

/* 1.25 of the currency: 1250000000. */
int64_t money_of(double units);

/* As programs read it: "-0.023000000", always nine decimals. Both return out. */
const char *money_decimal(int64_t nano, char out[MONEY_MAX]);
/* As people read it: "12.30"; below 1 three digits that say something: "0.000712". Only nothing at all is "0". */
const char *money_short(int64_t nano, char out[MONEY_MAX]);

#endif
