/*
 * The jobs of a pass: each moves leaves out on connections of its own, one leaf after the other, until none is left.
 * While one job's rows are deleted or uploaded, another's are read.
 */
#ifndef ENGINE_CREW_H
#define ENGINE_CREW_H

#include <pthread.h>

#include "engine/decisions.h"
#include "engine/engine.h"
#include "engine/token_bucket.h"

/* What the jobs share. The mutex guards all of it while they run; before and after, it is the caller's to read. */
struct crew {
	pthread_mutex_t mutex;
	struct progress progress;
	struct decisions decisions; /* for firn.pass_log */
	struct token_bucket rows,
		bytes;       /* the rates that the policy allows, of all jobs together */
	const size_t *order; /* of the leaves, by position; NULL: as they are */
	size_t next_leaf;    /* in that order, the first that no job has taken */
	struct catalog_pass_totals totals;
	struct store_counters
		requests;      /* of the further jobs' archives, which are closed after each call */
	bool stop;             /* a job failed or came upon a limit: nothing new is begun */
	char stop_reason[128]; /* of the limit or signal; "" otherwise */
	bool stopped_by_signal;
	int lock_waits; /* segments one after the other whose rows others had locked */
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
/* Why a pass ends that does as it was told, though more is due. They stay: firn.pass has those of earlier versions. */
#define STOPPED_BY_ROWS   "the limit of rows a pass was reached"
#define STOPPED_BY_BYTES  "the limit of bytes a pass was reached"
#define STOPPED_BY_TIME   "the run time was used up"
#define STOPPED_BY_WINDOW "the policy's window is closed"
/* These, then NULL. */
extern const char *const crew_limits[];
/* Whether it is one of these. */
bool crew_is_limit(const char *stop_reason);
/* Counts rows that were read, and shows them. */
void crew_add_rows(struct crew *c, int64_t rows, int64_t bytes);
/* decisions_note */
void crew_note(struct crew *c, const struct pass_decision *what);
/* A segment was moved; whether others had rows of it locked for longer than lock_timeout. How many in a row there were. */
int crew_note_locks(struct crew *c, bool lock_wait);
/* Takes rows and their bytes out of what the rates allow; in how many ms the next may be read. */
int64_t crew_take(struct crew *c, int64_t rows, int64_t bytes, int64_t now_ms);

#endif
