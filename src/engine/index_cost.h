/* The cost model fed with what this database knows: an index's shape, and constants fitted from firn.maintenance_log. */
#ifndef ENGINE_INDEX_COST_H
#define ENGINE_INDEX_COST_H

#include "catalog/index_work.h"
#include "engine/cost_model.h"
#include "engine/engine.h"

struct index_cost {
	struct cost_constants constants;
	struct cost_index shape; /* borrows the leaf_index's method */
	struct cost_estimate estimate;
};

/* rows and dead: of the leaf; what a rebuild of the index already dealt with is taken off dead. */
bool index_cost_of(struct firn *f, const struct leaf_index *index, int64_t rows, int64_t dead,
		   double ingest_rows_per_s, struct index_cost *out, struct err *e);

/* Of what the leaf's heap, TOAST and indexes take, what a fresh copy of them would not: an estimate, 0 where it cannot be
 * told from noise. Reads a sample of the leaf's rows. *vector_bytes_out: the part of it that is in vector indexes. */
bool index_cost_reclaimable(struct firn *f, const struct engine_table *t, const struct leaf *leaf,
			    int64_t rows, int64_t *bytes_out, int64_t *vector_bytes_out,
			    struct err *e);

#endif
