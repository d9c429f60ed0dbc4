/*
 * Who may move how much when not all may: workspaces take turns by deficit round robin over bytes (Shreedhar and Varghese,
 * "Efficient fair queuing using deficit round robin", 1995). In its turn a workspace gets a quantum, moves rows for it as
 * long as it has some, and keeps what is left for its next turn. So a giant gets no more than each of the others until
 * these have no rows left. Arithmetic only.
 */
#ifndef ENGINE_FAIR_H
#define ENGINE_FAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What a workspace has to move in one place (a leaf, by one rule): rows, and their bytes together. */
struct fair_group {
	uint32_t workspace; /* 0 to workspaces - 1 */
	int64_t rows, bytes;
	int64_t quota; /* rows that may move: the answer */
};

struct fair_limits {
	int64_t rows, bytes; /* -1: none. That of bytes is passed by less than a row */
	uint32_t first;      /* the workspace whose turn is first */
};

/* Sets the quota of every group. A workspace's groups are served in their order here. *cut_out: whether anything is left
 * over. False: no memory. */
bool fair_share(struct fair_group *groups, size_t count, uint32_t workspaces,
		const struct fair_limits *limits, bool *cut_out, struct err *e);

#endif
