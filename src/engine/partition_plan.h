/* How many leaves a table wants: arithmetic only. */
#ifndef ENGINE_PARTITION_PLAN_H
#define ENGINE_PARTITION_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct partition_need {
	int64_t rows;
	int64_t target;       /* rows that a leaf should not pass; at least 1 */
	double largest_share; /* of the rows, in one workspace; negative: not known */
	int64_t leaves_now; /* hash partitions, all of one modulus; 0: a plain table, or otherwise divided */
};

struct partition_count {
	int64_t evenly; /* leaves if rows lay evenly; at least 1 */
	int64_t with_largest; /* the same with room for the largest workspace beside a share of the others */
	int64_t recommended; /* a power of two, or leaves_now times one: a leaf can then be divided by itself */
	bool largest_too_large; /* one workspace alone passes the target, or nearly so: no number of leaves helps */
};

/* Never more than PARTITIONS_MAX leaves. */
#define PARTITIONS_MAX 4096
struct partition_count partition_count_for(const struct partition_need *need);

/* rows and percent more of them; INT64_MAX where that is too many. */
int64_t partition_rows_grown(int64_t rows, int64_t percent);

/* Largest leaf's rows over the mean; 1 where there are no rows. */
double partition_skew(const int64_t *rows, size_t count);

struct hash_bound {
	int64_t modulus, remainder;
};
/* How many remainders of the largest modulus no partition takes: rows that hash there are refused. */
int64_t partition_remainders_missing(const struct hash_bound *bounds, size_t count);

#endif
