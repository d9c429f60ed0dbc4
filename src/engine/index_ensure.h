/* Inside of "firn indexes ensure": the plan of one table (index_ensure.c) and the building of one index
 * (index_build.c). */
#ifndef ENGINE_INDEX_ENSURE_H
#define ENGINE_INDEX_ENSURE_H

#include "engine/engine.h"
#include "engine/index_plan.h"

/* What becomes of one relation's index. */
struct index_target {
	int64_t rows;    /* of a leaf */
	int old;         /* the index that is replaced, in ensure.have; -1: none */
	char *name;      /* of the index that shall be; NULL: not there yet */
	char *qualified; /* the same, for SQL */
	bool temporary;  /* the name is one of firn's, until the end */
	bool attached;   /* to the parent's target */
	char final_name[INDEX_NAME_MAX];
	struct vector_options options; /* for one that is built */
};

struct ensure {
	struct firn *f;
	const struct engine_table *table;
	const struct firn_indexes_ensure_options *options;
	struct index_wish wish;
	struct firn_indexes_made *result;
	size_t capacity;
	struct vector_shape shape;
	struct vector_indexes have;
	struct index_target *targets; /* one for each node of have */
	bool put_off;                 /* a build has to wait, so the rest does too */
};

bool ensure_step(struct ensure *x, const char *leaf, const char *index, const char *action,
		 double seconds, int64_t before, int64_t after, struct err *e, const char *fmt, ...)
	PRINTF(9, 10);

/* Sets the target's name. */
bool ensure_name(struct ensure *x, const struct vector_node *node, struct index_target *t,
		 const char *name, struct err *e);

/* Builds the leaf's index under a name of firn's, concurrently; nothing is attached. Sets x->put_off instead, with a
 * step that says why, where it cannot be done now. */
bool ensure_build_leaf(struct ensure *x, size_t node, struct err *e);

/* Statements of one short transaction, tried again while locks do not come. */
bool ensure_patiently(struct ensure *x, const char *sql, struct err *e);

#endif
