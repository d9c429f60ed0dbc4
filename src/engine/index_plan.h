/* What a vector index should be like: arithmetic and names only. */
#ifndef ENGINE_INDEX_PLAN_H
#define ENGINE_INDEX_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog/vector_index.h"

/* pgvector's own, for an option that is not set. */
#define HNSW_DEFAULT_M               16
#define HNSW_DEFAULT_EF_CONSTRUCTION 64
#define IVFFLAT_DEFAULT_LISTS        100
#define IVFFLAT_MAX_LISTS            32768

/* Lists that IVFFlat should have (pgvector's README): rows / 1000 up to a million rows, the square root above. At least 1. */
int64_t index_lists_for(int64_t rows);
/* Whether so many are near enough: no more than twice, no less than half of that. */
bool index_lists_fit(int64_t lists, int64_t rows);

/* What is asked for: 0: as it is, -1 (lists only): as many as the rows need. */
struct index_wish {
	int64_t m, ef_construction, lists;
};
/* Whether an index of these options will do. rows of its leaf; negative: it holds none (an index of the partitioned
 * table), so that any number of lists will do where the rows decide. */
bool index_options_fit(const char *method, const struct vector_options *o,
		       const struct index_wish *w, int64_t rows);
/* Options for a new index; before: of the one that it replaces or is attached to, NULL: none. */
struct vector_options index_options_for(const char *method, const struct index_wish *w,
					const struct vector_options *before, int64_t rows);

/* relation_key_method, cut so that it fits a name, the nth of that name (1: without a number). */
#define INDEX_NAME_MAX 64
void index_name_for(char out[INDEX_NAME_MAX], const char *relation, const char *key,
		    const char *method, int nth);

/* What IVFFlat needs to find so many centers; pgvector refuses the build where maintenance_work_mem is less. */
int64_t index_lists_memory(int64_t lists, int64_t rows, int vector_bytes);

/* maintenance_work_mem for a graph of so many bytes: at least what the server has set, no more than most. */
int64_t index_build_memory(int64_t graph_bytes, int64_t server_bytes, int64_t most_bytes);

#endif
