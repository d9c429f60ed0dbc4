#include "engine/partition_plan.h"

#include <math.h>

static int64_t at_most(int64_t n)
{
	return n < PARTITIONS_MAX ? n : PARTITIONS_MAX;
}

struct partition_count partition_count_for(const struct partition_need *need)
{
	struct partition_count c = { .evenly = need->rows / need->target };
	double rows = (double)need->rows, target = (double)need->target;
	double largest = need->largest_share > 0 ? need->largest_share * rows : 0;

	if (c.evenly * need->target < need->rows || c.evenly == 0)
		c.evenly++;
	c.evenly = at_most(c.evenly);
	c.with_largest = c.evenly;
	if (c.evenly > 1) {
		/* largest + (rows - largest) / n <= target; beyond four times the even number that buys too little. */
		double n =
			largest < target ? ceil((rows - largest) / (target - largest)) : INFINITY;

		c.largest_too_large = n > 4.0 * (double)c.evenly;
		if (!c.largest_too_large && (int64_t)n > c.with_largest)
			c.with_largest = at_most((int64_t)n);
	}
	c.recommended = need->leaves_now > 0 ? need->leaves_now : 1;
	while (c.recommended < c.with_largest && c.recommended <= PARTITIONS_MAX / 2)
		c.recommended *= 2;
	return c;
}

int64_t partition_rows_grown(int64_t rows, int64_t percent)
{
	int64_t whole, part;

	if (__builtin_mul_overflow(rows / 100, percent, &whole) ||
	    __builtin_mul_overflow(rows % 100, percent, &part) ||
	    __builtin_add_overflow(whole, part / 100, &whole) ||
	    __builtin_add_overflow(rows, whole, &whole))
		return INT64_MAX;
	return whole;
}

double partition_skew(const int64_t *rows, size_t count)
{
	double sum = 0, largest = 0;

	for (size_t i = 0; i < count; i++) {
		sum += (double)rows[i];
		if ((double)rows[i] > largest)
			largest = (double)rows[i];
	}
	return sum > 0 ? largest * (double)count / sum : 1;
}

int64_t partition_remainders_missing(const struct hash_bound *bounds, size_t count)
{
	int64_t largest = 0, taken = 0;

	for (size_t i = 0; i < count; i++)
		if (bounds[i].modulus > largest)
			largest = bounds[i].modulus;
	/* Each modulus divides the next larger one, and no two partitions overlap: Postgres sees to it. */
	for (size_t i = 0; i < count; i++)
		if (bounds[i].modulus > 0)
			taken += largest / bounds[i].modulus;
	return largest - taken;
}
