/*
 * The jobs of a pass: each moves leaves out on connections of its own, one leaf after the other, until none is left.
 * While one job's rows are deleted or uploaded, another's are read.
 */
#ifndef ENGINE_CREW_H
#define ENGINE_CREW_H

#include <pthread.h>

#include "engine/engine.h"

/* What the jobs share. The mutex guards all of it while they run; before and after, it is the caller's to read. */
struct crew {
	pthread_mutex_t mutex;
	struct progress progress;
	const size_t *order; /* of the leaves, by position; NULL: as they are */
	size_t next_leaf;    /* in that order, the first that no job has taken */
	struct catalog_pass_totals totals;
	bool stop;             /* a job failed or came upon a limit: nothing new is begun */
	char stop_reason[128]; /* of the limit or signal; "" otherwise */
	bool stopped_by_signal;
	struct err first_error;
};
#define CREW_INIT                                  \
	{                                          \
		.mutex = PTHREAD_MUTEX_INITIALIZER \
	}

struct move;

/* Moves the leaves of how->table out with so many jobs, at most one a leaf; the first uses how's own connections. On
 * failure e is what went wrong first; what the other jobs had begun by then was finished. Called again it begins
 * with the first leaf, and adds to the totals. */
bool crew_move(struct crew *c, const struct move *how, int64_t jobs, struct err *e);

/* For the jobs. */
bool crew_stopped(struct crew *c);
void crew_stop(struct crew *c, bool by_signal, const char *reason);
void crew_add_segment(struct crew *c, const struct catalog_pass_totals *of_segment);
/* Counts rows that were read, and shows them. */
void crew_add_rows(struct crew *c, int64_t rows, int64_t bytes);
/* When, in ms of the clock, the rows counted so far are due at a rate of rows_per_second. */
int64_t crew_due_ms(struct crew *c, int64_t rows_per_second);

#endif
