/* Moving the candidates of one leaf out: DESIGN's moving protocol, segment by segment. One job of a pass. */
#ifndef ENGINE_MOVE_H
#define ENGINE_MOVE_H

#include "catalog/candidates.h"
#include "engine/crew.h"
#include "engine/engine.h"
#include "engine/quota.h"

struct move {
	struct firn *f;
	struct pg *reader; /* a connection beside f->pg, for the leaf's snapshot */
	const struct engine_table *table;
	const struct policy *policy;
	const struct candidate_rules *rules;
	const struct lease *lease;
	struct crew *crew;
	struct progress progress; /* of the leaf at hand */
	char catalog_id[37];
	int64_t pass_id;
	uint64_t segment_bytes;    /* at which a segment is full */
	const struct quota *quota; /* NULL: all that is due */
	/* Limits of the pass that are counted down; with either there is to be one job only. */
	int64_t max_rows;    /* left to move; -1: no limit */
	int64_t max_bytes;   /* COPY BINARY bytes left; -1: no limit */
	int lock_waits;      /* crew_note_locks of the latest segment */
	int64_t deadline_ms; /* by f->clock; no segment is begun after it; 0: none */
};

/* Streams the leaf's candidates into segments, each sealed, archived, read back, compared and only then activated in
 * the transaction that deletes its rows. Stops cleanly between segments (crew_stop). On failure the segment at
 * hand is undone; those before it stay moved. */
bool move_leaf(struct move *m, const struct leaf *leaf, struct err *e);

#endif
