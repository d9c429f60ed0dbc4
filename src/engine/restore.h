/* Bringing chosen rows of one segment back, in loads of one transaction each. */
#ifndef ENGINE_RESTORE_H
#define ENGINE_RESTORE_H

#include <pthread.h>

#include "engine/engine.h"
#include "engine/selection.h"

struct restore_pool;

struct restore {
	struct firn *f;
	const struct engine_table *table;
	const struct selection *selection;
	const struct firn_rehydrate_options *options;
	int64_t sessions;          /* that bring rows back at once, at most */
	struct restore_pool *pool; /* of further ones; NULL: only f's own */
	/* Guards what follows while several sessions are at work. */
	pthread_mutex_t lock;
	struct firn_rehydrate_result *result;
	size_t note_capacity;
	struct progress progress;
	int64_t insert_ms; /* spent in INSERT statements, of all sessions together */
};

/* The caller holds the segment's lock; record was read after that. ERR_CONFIG when a column's type has changed. */
bool restore_segment(struct restore *r, struct segment_record *record, struct err *e);

/* Appends a sentence to the result. */
bool restore_note(struct restore *r, struct err *e, const char *fmt, ...) PRINTF(3, 4);

#endif
