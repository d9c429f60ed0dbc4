#include "engine/cost_model.h"

#include "base/str.h"

/* From this share on an index of another kind is worth building anew for its size alone: its build is cheap, and VACUUM
 * gives none of its pages back. */
#define SHRINK_SHARE 0.2

#define PRIOR_ROWS 10000.0

struct cost_constants cost_prior(const char *method)
{
	if (str_eq(method, "hnsw"))
		return (struct cost_constants){ 0.25e-3, 0.45e-3, 3e-3 };
	if (str_eq(method, "ivfflat"))
		return (struct cost_constants){ 0.05e-3, 0.002e-3, 0.002e-3 };
	return (struct cost_constants){ 0.005e-3, 0.002e-3, 0.002e-3 };
}

void cost_fit_build(struct cost_constants *c, double seconds, double rows, int64_t count)
{
	if (count <= 0 || rows <= 0 || seconds <= 0)
		return;
	c->build_s_per_row = (c->build_s_per_row * PRIOR_ROWS + seconds) / (PRIOR_ROWS + rows);
}

struct cost_estimate cost_decide(const struct cost_constants *c, bool vector, int64_t rows,
				 int64_t dead)
{
	struct cost_estimate out = {
		.vacuum_s =
			c->vacuum_s_per_row * (double)rows + c->vacuum_s_per_dead * (double)dead,
		.reindex_s = c->build_s_per_row * (double)rows,
		.dead_share = rows + dead > 0 ? (double)dead / (double)(rows + dead) : 0,
	};

	if (dead == 0 || (vector && out.dead_share < COST_WAIT_SHARE))
		out.choice = COST_WAIT;
	else if (vector)
		out.choice = out.reindex_s <= out.vacuum_s || out.dead_share >= SHRINK_SHARE
				     ? COST_REINDEX
				     : COST_VACUUM;
	else
		out.choice = out.dead_share >= SHRINK_SHARE ? COST_REINDEX : COST_VACUUM;
	return out;
}
