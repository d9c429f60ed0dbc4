/*
 * A token bucket: so many units a second, and a second's worth at once after a quiet time. Time is the caller's, so that
 * tests can make it pass. Arithmetic only.
 */
#ifndef ENGINE_TOKEN_BUCKET_H
#define ENGINE_TOKEN_BUCKET_H

#include <stdint.h>

struct token_bucket {
	int64_t rate;    /* units a second; 0: no limit */
	double level;    /* units that may go at once; below 0: they went ahead of their time */
	int64_t last_ms; /* when level was right */
};

/* Full at now_ms. */
struct token_bucket token_bucket_full(int64_t rate, int64_t now_ms);

/* Takes n units that went now; returns after how many ms the next may go. now_ms never goes back. */
int64_t token_bucket_take(struct token_bucket *b, int64_t n, int64_t now_ms);

#endif
