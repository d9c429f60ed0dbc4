/*
 * Flipping a workspace's active version, and firn's record of it (firn.version_flip).
 *
 * A pass that runs meanwhile reads rules from a snapshot, and of the lease only the epoch is checked again when it
 * deletes. So each transaction here raises the epoch first: passes that began before it cannot delete any more, later ones
 * see what it changed. Locks come in the order in which a pass takes them: the lease's row, then the workspace's state.
 */
#ifndef CATALOG_VERSION_FLIP_H
#define CATALOG_VERSION_FLIP_H

#include "catalog/table_info.h"

/* Whether the table has what a flip needs; ERR_CONFIG says what it lacks. */
bool version_flip_possible(const struct table_info *t, struct err *e);

/* Begins the transaction and raises the epoch; waits a minute at most for locks (ERR_BUSY). The caller ends it. */
bool version_flip_begin(struct pg *pg, const struct table_info *t, int64_t table_id, struct err *e);

struct version_state {
	char *active;
	char *target; /* NULL: none */
};

/* What is active now, its row locked where it is a table's. ERR_NOT_FOUND when nothing speaks of the workspace,
 * ERR_CONFIG when two rows do. */
bool version_state_lock(struct pg *pg, const struct table_info *t, const char *workspace,
			struct version_state *out, struct err *e);
void version_state_release(struct version_state *s);

/* Makes version active, by the operator's statement where there is one, and sees that it is. Since when, and the count
 * of flips, are written where there are columns for it; firn's own record of since when in any case. */
bool version_flip(struct pg *pg, const struct table_info *t, int64_t table_id,
		  const char *workspace, const char *version, struct err *e);

/* Keeps the workspace's rows hot for the policy's min_residency. */
bool version_note_residency(struct pg *pg, int64_t table_id, const char *workspace, struct err *e);

/* ---- the record ---- */

struct flip_record {
	int64_t id; /* 0: none */
	char *from, *to;
};
void flip_record_release(struct flip_record *r);

/* The rollback that is under way. Until it is ended no pass moves a row of the version that it goes to. */
bool flip_record_open(struct pg *pg, int64_t table_id, const char *workspace,
		      struct flip_record *out, struct err *e);
/* The latest promote. */
bool flip_record_promoted(struct pg *pg, int64_t table_id, const char *workspace,
			  struct flip_record *out, struct err *e);

/* A promote is done with its record; a rollback is under way until it is ended. */
bool flip_record_promote(struct pg *pg, int64_t table_id, const char *workspace, const char *from,
			 const char *to, struct err *e);
bool flip_record_rollback(struct pg *pg, int64_t table_id, const char *workspace, const char *from,
			  const char *to, int64_t *id_out, struct err *e);
bool flip_record_end(struct pg *pg, int64_t id, bool flipped, struct err *e);

#endif
