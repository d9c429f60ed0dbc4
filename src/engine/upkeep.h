/*
 * The parts of maintenance: work on one leaf at a time, each step of which stands alone, is told in the result and is
 * logged with what it cost. maintain.c decides what is done in which order.
 */
#ifndef ENGINE_UPKEEP_H
#define ENGINE_UPKEEP_H

#include "engine/engine.h"
#include "engine/index_cost.h"
#include "engine/throttle.h"

struct work {
	struct firn *f;
	const struct engine_table *table;
	const struct firn_maintain_options *options;
	struct firn_maintain_result *result;
	size_t capacity;
	int64_t started_ms;
	const struct leaf *leaf; /* at hand */
	struct due_work due;     /* of it; deleted and inserted 0 where nothing is */
	int64_t rows, dead;
	int64_t inserted_before, measured_ms; /* into the whole table, and when that was */
	double ingest_rows_per_s;
	bool analyzed;     /* the leaf at hand, since the last rows came or went */
	bool only_reclaim; /* nothing is due at the leaf at hand */
};

/* Indexes of the leaf at hand, and what work on them would cost. */
struct leaf_list {
	struct leaf_index *indexes;
	struct index_cost *costs;
	size_t count;
};

/* What became of the leaf's indexes, for VACUUM. */
struct index_work {
	bool waits;      /* one keeps its dead until there are more */
	bool put_off;    /* one should be built, but cannot be now */
	bool vacuums;    /* VACUUM is to clean a vector index */
	double vacuum_s; /* expected, of those that VACUUM cleans */
};

/* Appends a step to the result, and logs it for people: seconds it took, bytes before and after, bytes that could still
 * be given back; fmt says why. */
bool upkeep_add_step(struct work *w, const char *index, const char *action, double seconds,
		     int64_t before, int64_t after, int64_t reclaimable, struct err *e,
		     const char *fmt, ...) PRINTF(9, 10);
/* Remembers what an action cost, for the cost model. index NULL: of the leaf. */
bool upkeep_log_step(struct work *w, const struct leaf_index *index, const char *action,
		     int64_t dead, int64_t after, double seconds, struct err *e);
double upkeep_seconds_since(struct work *w, int64_t start_ms);
/* The run time is used up, or a signal came. */
bool upkeep_out_of_time(const struct work *w);
/* Which of the two, where it is one. */
const char *upkeep_why_out_of_time(void);

/* Rows and indexes of the leaf as the statistics know them now, judged by the cost model. */
bool upkeep_judge_leaf(struct work *w, struct leaf_list *l, struct err *e);
void upkeep_leaf_list_release(struct leaf_list *l);

/* ANALYZE of the leaf at hand, or of the partitioned table. */
bool upkeep_analyze(struct work *w, const char *qualified, const char *reason, struct err *e);
/* Invalid indexes that dead builds left on the leaf. */
bool upkeep_drop_leftovers(struct work *w, struct err *e);
/* Why a build has to wait: no disk for it, or not now. *put_off false: it does not. The caller leaves the throttle. */
bool upkeep_check_build(struct work *w, const struct leaf_index *index,
			const struct index_cost *cost, struct throttle *throttle, bool *put_off,
			struct err *e);
/* Builds the index anew. *put_off true: other sessions' transactions held it up for longer than maintain.pause_at_most, or
 * a signal came; the index is as it was. */
bool upkeep_build_anew(struct work *w, const struct leaf_index *index,
		       const struct index_cost *cost, const char *reason, bool *put_off,
		       struct err *e);

/* Indexes of the leaf at hand that a bulk load took out of the way. Readers miss them: no window holds for them. *analyzed
 * becomes true where the leaf was. */
bool upkeep_restore_indexes(struct work *w, bool *analyzed, struct err *e);
/* A leaf whose index cannot be brought back does not keep the others from theirs: true, or one goes to the log, or to first
 * where that is still empty. */
bool upkeep_keep_first(struct work *w, bool ok, struct err *one, struct err *first);
/* What is still out of the way is told, also when time was up. */
bool upkeep_tell_missing(struct work *w, struct err *e);

/* Where much of the leaf's files is room that no row needs, pg_repack writes it anew with its indexes: *done, and neither a
 * rebuild nor VACUUM has anything left to do. *waits: it should, and cannot now. */
bool upkeep_reclaim(struct work *w, bool *done, bool *waits, struct err *e);

/* Indexes of a leaf that was worked on must find what the policy asks for. One that does not is built anew; one that
 * still does not ends the run, so that no more readers lose by it. */
bool upkeep_hold_recall(struct work *w, struct leaf_list *l, struct index_work *work,
			struct err *e);

#endif
