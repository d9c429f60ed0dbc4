/* Nearest neighbours of a leaf by one of its vector indexes, and without any. */
#ifndef CATALOG_VECTOR_PROBE_H
#define CATALOG_VECTOR_PROBE_H

#include "catalog/vector_index.h"

#define PROBE_LIMIT 10 /* rows asked for */

/* Values of the leaf's rows that the index has, as text; fewer where there are not so many. The rows that a seed chooses
 * stay the same while they are there. Released by vector_queries_free. */
bool vector_sample(struct pg *pg, const struct table_info *t, const struct vector_node *node,
		   const struct vector_index *ix, int64_t rows, int64_t seed, char ***out,
		   size_t *count_out, struct err *e);
void vector_queries_free(char **queries, size_t count);

/* A transaction with one snapshot for what follows; 0 leaves a setting as the session has it. Ended by pg_rollback. */
bool vector_probe_begin(struct pg *pg, int64_t ef_search, int64_t probes, struct err *e);
/* Within it: only indexes, or none. */
bool vector_probe_by(struct pg *pg, bool index, struct err *e);

/* Whether the planner would use the index; else plan_out says what it would do. */
bool vector_probe_uses(struct pg *pg, const struct vector_node *node, const struct vector_index *ix,
		       const char *query, bool *uses_out, char plan_out[200], struct err *e);

/* Distances of the nearest, in the order in which they came; those that are no number are left out. ERR_DATA: the query
 * is not a value of the type. */
struct vector_nearest {
	double distances[PROBE_LIMIT];
	int count;
	int64_t us; /* that the statement took */
};
bool vector_nearest(struct pg *pg, const struct vector_node *node, const struct vector_index *ix,
		    const char *query, struct vector_nearest *out, struct err *e);

#endif
