/*
 * What index work costs, and which of it to do. The constants start as measured (DESIGN.md: 30,000 chunks of 512
 * dimensions, one core) and move towards what this database itself showed:
 *
 *     VACUUM of an HNSW index    0.45 ms a remaining row + 3 ms a dead one, once it looks at the index at all
 *     build of an HNSW index     0.25 ms a remaining row
 *     build of an IVFFlat index  0.05 ms, of another 0.005 ms a row; their VACUUM 0.002 ms a row
 */
#ifndef ENGINE_COST_MODEL_H
#define ENGINE_COST_MODEL_H

#include <stdbool.h>
#include <stdint.h>

struct cost_constants {
	double build_s_per_row, vacuum_s_per_row, vacuum_s_per_dead;
};

/* Prior of an access method. */
struct cost_constants cost_prior(const char *method);

/* Moves the build constant by what builds cost here: seconds and rows summed over count builds. The prior counts as
 * much as a build of 10,000 rows. */
void cost_fit_build(struct cost_constants *c, double seconds, double rows, int64_t count);

enum cost_choice {
	COST_WAIT,    /* too few dead to be worth anything yet */
	COST_VACUUM,  /* VACUUM cleans this index well enough */
	COST_REINDEX, /* build it anew, before VACUUM */
};

struct cost_estimate {
	enum cost_choice choice;
	double vacuum_s, reindex_s;
	double dead_share; /* of live and dead rows */
};

/* Below this share Postgres leaves indexes alone in VACUUM (2% of pages; vacuumlazy.c, BYPASS_THRESHOLD_PAGES), and a
 * vector index keeps its dead elements. */
#define COST_WAIT_SHARE 0.01

struct cost_estimate cost_decide(const struct cost_constants *c, bool vector, int64_t rows,
				 int64_t dead);

#endif
