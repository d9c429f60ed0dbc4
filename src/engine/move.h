/* Moving the candidates of one leaf out: DESIGN's moving protocol, segment by segment. */
#ifndef ENGINE_MOVE_H
#define ENGINE_MOVE_H

#include "catalog/candidates.h"
#include "engine/engine.h"

struct move {
	struct firn *f;
	const struct engine_table *table;
	const struct policy *policy;
	const struct candidate_rules *rules;
	struct lease *lease;
	char catalog_id[37];
	int64_t pass_id;
	uint64_t segment_bytes; /* at which a segment is full */
	int64_t max_rows;       /* left to move in this pass; -1: no limit */
	int64_t max_bytes;      /* COPY BINARY bytes left; -1: no limit */
	int64_t deadline_ms;    /* by f->clock; no segment is begun after it; 0: none */
	struct catalog_pass_totals totals;
	struct progress progress;
	char stop_reason[128]; /* set when a limit or a signal ended the work early; "" otherwise */
	bool stopped_by_signal;
};

/* Streams the leaf's candidates into segments, each sealed, archived, read back, compared and only then activated in
 * the transaction that deletes its rows. Stops cleanly between segments (m->stop_reason). On failure the segment at
 * hand is undone; those before it stay moved. */
bool move_leaf(struct move *m, const struct leaf *leaf, struct err *e);

#endif
