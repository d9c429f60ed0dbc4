/* Recall and latency of the vector indexes of a leaf. */
#ifndef ENGINE_INDEX_PROBE_H
#define ENGINE_INDEX_PROBE_H

#include "catalog/vector_probe.h"
#include "engine/engine.h"

#define PROBE_SAMPLE 20
#define PROBE_SEED   1

/* Share of the exact ones that were found: a row at no greater distance than the last exact one is found, whichever of
 * several at the same distance it is. 1 where there is nothing to be found. */
double probe_recall(const struct vector_nearest *found, const struct vector_nearest *exact);

/* The value below or at which so many percent of them are; values are sorted. */
double probe_percentile(double *values, size_t count, int percent);

/* Appends one for each valid vector index of the node; queries NULL: rows of it. */
bool probe_node(struct firn *f, const struct table_info *t, const struct vector_indexes *have,
		size_t node, const struct firn_indexes_probe_options *o, char *const *queries,
		size_t query_count, struct firn_indexes_probe *result, size_t *capacity,
		struct err *e);

/* The same for one leaf of the table, by a sample of its rows. Released by firn_indexes_probe_release. */
bool probe_leaf(struct firn *f, const struct table_info *t, const struct leaf *leaf,
		struct firn_indexes_probe *out, struct err *e);

#endif
