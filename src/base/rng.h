/* Random numbers: from the kernel for names that must be unique, seeded for jitter and tests. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* SplitMix64 (Steele, Lea, Flood 2014): repeatable from its seed, not for secrets. */
struct rng {
	uint64_t state;
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* 0 to bound - 1; bound at least 1. */
uint64_t rng_below(struct rng *r, uint64_t bound);

/* Fills data from getrandom(2). */
bool rng_system(void *data, size_t len, struct err *e);

#endif
