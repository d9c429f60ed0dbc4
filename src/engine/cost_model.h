/*
 * What index work costs, and which of it to do. Pure: numbers in, a choice out.
 *
 * Seconds are a constant times units of work. The units know what the work depends on, so that what one leaf showed
 * holds for others:
 *
 *     build, insert    rows, scaled by dimensions and the logarithm of the leaf's rows (an HNSW search is that deep);
 *                      what of the graph does not fit into maintenance_work_mem is inserted, not built
 *     VACUUM, HNSW     elements that lost a neighbour: rows * (1 - (1 - dead share) ^ m); each is linked anew by a search
 *     VACUUM, others   rows and dead: one scan
 *
 * The constants begin as measured (DESIGN.md: 30,000 chunks of 512 dimensions, m 16, ef_construction 64) and move to
 * what this database itself showed.
 */
#ifndef ENGINE_COST_MODEL_H
#define ENGINE_COST_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds a unit. */
struct cost_constants {
	double build_s;
	double insert_s; /* one row into an index that is there */
	double thin_s;   /* the same with the least ef_construction that HNSW takes */
	double scan_s;   /* VACUUM's look at one row's entry */
	double repair_s; /* an element that VACUUM links anew; HNSW only */
};

/* Prior of an access method. */
struct cost_constants cost_prior(const char *method);

/* An index of a leaf. 0 means: not known. */
struct cost_index {
	const char *method; /* hnsw, ivfflat, btree, gin */
	bool vector;
	int dimensions, vector_bytes; /* of one vector */
	int links;                    /* HNSW's m */
	double key_bytes;             /* of a B-tree's key */
	double row_bytes;             /* bytes a row after its last build */
	int64_t rows, dead;           /* dead: that this index still holds */
	int64_t bytes;
	int64_t memory_bytes;     /* maintenance_work_mem */
	double ingest_rows_per_s; /* come in while it is being built */
};

/* Units of work of each kind. */
double cost_build_units(const struct cost_index *ix);
double cost_repair_units(const struct cost_index *ix);
double cost_scan_units(const struct cost_index *ix);
/* What an HNSW graph of these rows takes in memory while it is built. */
int64_t cost_graph_bytes(const struct cost_index *ix);
/* What a fresh build would take on disk; 0 when nothing is known. */
int64_t cost_fresh_bytes(const struct cost_index *ix);

struct cost_sample {
	double units, seconds;
};
/* The constant after these samples: a mean of what they showed, weighted by units, in which the prior counts as much as
 * 10,000. Samples below 1,000 units are overhead and left out; what lies more than three times beside the median is an
 * outlier (a busy server, a cold cache) and counts as three times; none weighs more than 50,000 units. */
double cost_fit(double prior, const struct cost_sample *samples, size_t count);

/* Builds of HNSW showed another constant than the prior: a slow server, or vectors that are hard to tell apart. Both hold
 * for its other work as well, which may have shown nothing yet: its priors follow half the way (in ratio). */
void cost_learn_from_builds(struct cost_constants *c, double prior_build_s);

enum cost_choice {
	COST_NOTHING, /* nothing dead, nothing to win */
	COST_WAIT,    /* too few dead to be worth anything yet */
	COST_VACUUM,  /* VACUUM cleans this index well enough */
	COST_REINDEX, /* build it anew, before VACUUM */
};

struct cost_estimate {
	enum cost_choice choice;
	double vacuum_s, reindex_s;
	double dead_share;         /* of live and dead rows */
	int64_t reclaimable_bytes; /* its size beyond that of a fresh build */
	int64_t rows_to_limit;     /* COST_WAIT: so many more dead and it no longer waits */
	bool fits_memory;
};

/* Dead elements take up places among the ef_search candidates of a query (40 by default): below this share, less than
 * half a place. VACUUM is then asked to leave the indexes alone, for at few dead rows it costs more than it gives. */
#define COST_WAIT_SHARE 0.01

struct cost_estimate cost_decide(const struct cost_constants *c, const struct cost_index *ix);

/* How many seconds it stays safe to wait when rows die at this rate; -1 for ever. */
int64_t cost_wait_s(const struct cost_estimate *e, double dead_rows_per_s);

/* Bytes given back and dead elements taken out of searches, for each second of the choice's time: what is done first. */
double cost_benefit_per_s(const struct cost_estimate *e, const struct cost_index *ix);

enum cost_load_choice {
	COST_LOAD_INSERT,   /* row by row */
	COST_LOAD_THIN,     /* insert with the least ef_construction, then build anew */
	COST_LOAD_RECREATE, /* drop, load, create */
};

struct cost_load_estimate {
	enum cost_load_choice choice;
	double insert_s, thin_s, recreate_s;
};

/* Of loading so many rows into a leaf that has ix->rows, by so many sessions at once. can_drop: the index does not belong
 * to a parent's index. A way that has the index built anew must save a quarter to be chosen. */
struct cost_load_estimate cost_load(const struct cost_constants *c, const struct cost_index *ix,
				    int64_t incoming, int64_t sessions, bool can_drop);

#endif
