#include "engine/token_bucket.h"

#include <math.h>

struct token_bucket token_bucket_full(int64_t rate, int64_t now_ms)
{
	return (struct token_bucket){ .rate = rate, .level = (double)rate, .last_ms = now_ms };
}

int64_t token_bucket_take(struct token_bucket *b, int64_t n, int64_t now_ms)
{
	if (b->rate <= 0)
		return 0;
	b->level += (double)(now_ms - b->last_ms) * (double)b->rate / 1000;
	if (b->level > (double)b->rate)
		b->level = (double)b->rate;
	b->last_ms = now_ms;
	b->level -= (double)n;
	return b->level >= 0 ? 0 : (int64_t)ceil(-b->level * 1000 / (double)b->rate);
}
