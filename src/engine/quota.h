/*
 * Which rows a pass that may not move all that is due moves: by leaf, rule and workspace, so that workspaces take turns
 * (fair.h), and in which order it visits leaves.
 */
#ifndef ENGINE_QUOTA_H
#define ENGINE_QUOTA_H

#include "catalog/candidates.h"
#include "engine/decisions.h"
#include "engine/engine.h"

struct quota {
	struct candidate_quota *items; /* by leaf */
	size_t *first;                 /* of each leaf its first item; then how many there are */
	char **workspaces;
	size_t workspace_count;
	int64_t rows; /* of all quotas */
	bool cut;     /* more is due than they allow */
};

/* Reads every leaf once. max_rows, max_bytes (COPY BINARY): -1: no limit. turn: a number that grows from pass to pass, so that
 * it is not always the same workspace that is first. notes (may be NULL) gets what is kept and left. Released with quota_release, also after a failure. */
bool quota_make(struct pg *pg, const struct engine_table *t, const struct candidate_rules *rules,
		int64_t max_rows, int64_t max_bytes, int64_t turn, struct decisions *notes,
		struct quota *out, struct err *e);
struct candidate_quotas quota_of_leaf(const struct quota *q, size_t leaf);
void quota_release(struct quota *q);

/* Positions of the table's leaves, those first out of which nothing was moved for longest. Released with free. */
size_t *quota_leaf_order(struct pg *pg, const struct engine_table *t, struct err *e);

#endif
