/* Rows of the firn schema: managed tables, passes, segments. Everything here runs in the caller's transaction if one
 * is open on pg, else in one of its own statement. */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include "base/bitmap.h"
#include "base/hash.h"
#include "catalog/pg.h"

/* Registers the table (label "schema.table") with the archive's URL if it is not yet there, and makes its lease row.
 * An already registered table with cold rows in another archive is ERR_CONFIG. */
bool catalog_register_table(struct pg *pg, const char *label, const char *archive_url,
			    int64_t *id_out, struct err *e);
/* ERR_CONFIG with a hint to run init when it is not registered. */
bool catalog_find_table(struct pg *pg, const char *label, const char *archive_url, int64_t *id_out,
			struct err *e);

/* The catalog's own id (uuid text), part of every object key. out holds 37 bytes. */
bool catalog_id(struct pg *pg, char out[37], struct err *e);
/* The turn that this catalog took last (archive_turn.c): its number, 0 for none, and its token (uuid text). */
#define CATALOG_TOKEN_MAX 37
bool catalog_turn(struct pg *pg, int64_t *number_out, char token[CATALOG_TOKEN_MAX], struct err *e);
/* Takes the next one, which is above beyond, too; committed when this returns, unless a transaction is open. */
bool catalog_turn_take(struct pg *pg, int64_t beyond, int64_t *number_out,
		       char token[CATALOG_TOKEN_MAX], struct err *e);
/* Now by the database's clock: ISO 8601 UTC, and seconds since 1970. Either may be NULL. */
bool catalog_now(struct pg *pg, char iso_out[32], int64_t *seconds_out, struct err *e);

/* ---- passes ---- */

/* Also ends, as "died", those of earlier epochs that did not. Under the table's lease. */
bool catalog_pass_begin(struct pg *pg, int64_t table_id, int64_t epoch, int64_t *pass_id_out,
			struct err *e);
struct catalog_pass_totals {
	int64_t rows_moved, rows_changed, segments, raw_bytes, stored_bytes;
};
/* Its moves have ended, and how: "done", or why there are no more. */
bool catalog_pass_moved(struct pg *pg, int64_t pass_id, const struct catalog_pass_totals *totals,
			const char *outcome, struct err *e);
/* All of it has, the index work included; failure (or NULL) takes the outcome's place. */
bool catalog_pass_end(struct pg *pg, int64_t pass_id, const char *failure, struct err *e);

/* ---- segments ---- */

enum segment_state {
	SEGMENT_INTENT,
	SEGMENT_ACTIVE,
	SEGMENT_RETIRED,
	SEGMENT_ABANDONED,
	SEGMENT_REMOVED
};
const char *segment_state_name(enum segment_state state);

struct segment_record {
	int64_t id, table_id, pass_id, epoch;
	enum segment_state state;
	char *table, *leaf, *rule, *object_key, *index_key,
		*storage_class; /* storage_class "" when none */
	int format_version;
	int64_t rows_total, rows_live, bytes, index_bytes, raw_bytes;
	uint8_t sha256[SHA256_BYTES], index_sha256[SHA256_BYTES]; /* zeros in an intent */
	bool has_digests;
	int64_t unreferenced_age_s; /* by the database's clock; -1 where it is referenced */
	int64_t created_age_s;
	int64_t class_age_s; /* since when it has its storage class */
	struct buf dead;     /* serialised bitmap */
};

struct segment_list {
	struct segment_record *items;
	size_t count;
};

/* What to list; 0 and NULL: any. workspaces and versions: segments with live rows of one of them (text forms). */
struct segment_filter {
	int64_t table_id;                 /* 0: of every table */
	const char *archive;              /* of tables with this URL; NULL: any */
	bool states[SEGMENT_REMOVED + 1]; /* none true: any state */
	const char *const *workspaces, *const *versions;
	size_t workspace_count, version_count;
	const int64_t *ids;
	size_t id_count;
	bool lock; /* FOR UPDATE, in id order */
};
bool catalog_segments(struct pg *pg, const struct segment_filter *filter, struct segment_list *out,
		      struct err *e);
void segment_list_release(struct segment_list *l);

/* Bitmap of dead rows of a record. NULL and ERR_DATA when it is damaged. */
struct bitmap *segment_record_dead(const struct segment_record *r, struct err *e);

/* The newest segment of each leaf that has any, whatever became of it. */
bool catalog_last_segments(struct pg *pg, int64_t table_id,
			   bool (*visit)(void *ctx, const char *leaf, int64_t segment,
					 struct err *e),
			   void *ctx, struct err *e);

struct segment_intent {
	int64_t table_id, pass_id, epoch;
	const char *leaf, *rule, *object_key, *index_key, *storage_class;
	int format_version;
};
bool catalog_segment_intent(struct pg *pg, const struct segment_intent *i, int64_t *id_out,
			    struct err *e);

/* One (workspace, version) run of rows, values in their text form; NULL: SQL NULL. */
struct segment_group_row {
	const char *workspace, *version;
	int64_t first_row, rows_total, rows_live, bytes, raw_bytes;
};

struct segment_activation {
	int64_t segment_id;
	int64_t rows_total, rows_live, bytes, index_bytes, raw_bytes;
	const uint8_t *sha256, *index_sha256;
	const struct bitmap *dead;
	const struct segment_group_row *groups;
	size_t group_count;
};
/* In the transaction that deleted the rows. ERR_FENCED when the segment is no longer an intent. With no live rows it
 * becomes abandoned instead of active. */
bool catalog_segment_activate(struct pg *pg, const struct segment_activation *a, struct err *e);

/* In the transaction that brought rows back: the new bitmap, live counts of those groups, by their first_row; retires the
 * segment when nothing is live. The caller holds the row's lock (filter.lock). */
bool catalog_segment_update_dead(struct pg *pg, int64_t segment_id, const struct bitmap *dead,
				 int64_t rows_live, const struct segment_group_row *groups,
				 size_t group_count, struct err *e);
/* Groups of a segment, by first_row: fills a heap array (strings too) released by segment_groups_free. */
bool catalog_segment_groups(struct pg *pg, int64_t segment_id, struct segment_group_row **out,
			    size_t *count_out, struct err *e);
void segment_groups_free(struct segment_group_row *groups, size_t count);

/* Intents of epochs before this one become abandoned; how many. Caller holds the lease. */
bool catalog_abandon_dead_intents(struct pg *pg, int64_t table_id, int64_t epoch,
				  int64_t *count_out, struct err *e);
bool catalog_segment_abandon(struct pg *pg, int64_t segment_id, struct err *e);
/* retired or abandoned -> removed. *done_out false when it is in another state by now. */
bool catalog_segment_removed(struct pg *pg, int64_t segment_id, bool *done_out, struct err *e);

/* Its object is in that storage class from now on. */
bool catalog_segment_set_class(struct pg *pg, int64_t segment_id, const char *storage_class,
			       struct err *e);

/* Session-level advisory lock of one segment: fetches of the same segment take turns. Blocks; released with unlock or
 * the session. */
bool catalog_segment_lock(struct pg *pg, int64_t segment_id, struct err *e);
void catalog_segment_unlock(struct pg *pg, int64_t segment_id);

/* ---- index work that is due ---- */

bool catalog_maintenance_add(struct pg *pg, int64_t table_id, const char *leaf, int64_t deleted,
			     int64_t inserted, struct err *e);

/* ---- version_seen: see candidates.h ---- */

#endif
