/* The handle behind the public API, and what the engine's files share. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/clock.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "catalog/lease.h"
#include "catalog/pg.h"
#include "catalog/table_info.h"
#include "firn/firn.h"
#include "policy/config.h"
#include "policy/policy.h"
#include "segment/segment.h"
#include "store/store.h"

struct firn {
	struct config config; /* with the options laid over it; cache.dir is always set */
	struct policy policy;
	bool policy_loaded;
	/* What is managed: options over configuration; strings are config's or table_names'. */
	struct table_wanted *tables;
	size_t table_count;
	char **table_names;
	struct log log; /* its board is owned; splits borrow it */
	int progress;   /* PROGRESS_... */
	const struct clock *clock;
	struct pg *pg;           /* main connection; NULL until engine_pg */
	struct store *store;     /* NULL until engine_store */
	struct scratch *scratch; /* NULL until engine_scratch */
	/* NULL until engine_master_keys; of a split, the whole's. */
	struct master_key *master, *old_master;
	struct keyring *keyring; /* of keyring_table, for reading */
	int64_t keyring_table;
	bool may_make_archive; /* init's: the folder of a file archive is made if it is not there */
};

/* Opened once, on first need. */
struct pg *engine_pg(struct firn *f, struct err *e);
/* f with connections, archive and work folder of its own, for another thread; the rest is f's, which must outlive it. */
struct firn engine_split(const struct firn *f);
void engine_split_close(struct firn *split);
/* A further connection that the caller closes. */
struct pg *engine_pg_extra(struct firn *f, struct err *e);
struct store *engine_store(struct firn *f, struct err *e);
/* A folder for work files that vanishes with the process's lock. */
const char *engine_scratch(struct firn *f, struct err *e);
const struct policy *engine_policy(struct firn *f, struct err *e);

/* ---- keys of encrypted segments (encryption.c) ---- */

struct keyring;
/* Whether new segments are encrypted. */
bool engine_encrypts(const struct firn *f);
/* Reads those that are configured, once; true where none are. Before engine_split, where the parts need them. */
bool engine_master_keys(struct firn *f, struct err *e);
/* Whether the master key is the one that the catalog's keys are wrapped by; claim: makes it that where there is none.
 * True where none is configured. ERR_CONFIG names the one wanted. */
bool engine_encryption_check(struct firn *f, bool claim, struct err *e);
/* With fresh keys read from the catalog; the caller frees it. */
struct keyring *engine_keyring(struct firn *f, int64_t table_id, const char *table, bool may_make,
			       struct err *e);
/* What opens the segment: *out NULL where it is not encrypted. Borrowed from f, until another table's is asked for.
 * ERR_CONFIG where the master key is missing or another one. */
bool engine_segment_keys(struct firn *f, const struct segment_record *r,
			 const struct segment_keys **out, struct err *e);
void engine_forget_keys(struct firn *f);

/* ---- whether the archive is the right one (archive.c) ---- */

#define ENGINE_MARKER_MAX 64
/* The object by which this catalog's archive is known: no garbage, and no segment. */
bool engine_archive_marker(struct firn *f, char key[ENGINE_MARKER_MAX], struct err *e);
/* Writes, reads and deletes a small object. */
bool engine_archive_probe(struct firn *f, struct err *e);
/* To be called before anything is written or deleted there. ERR_OFFLINE where it is another one. */
bool engine_archive_check(struct firn *f, struct err *e);
/* To be called when an object is missing, with that error or none in e: where the marker is missing as well and the
 * archive is not otherwise known to be the right one, e says so instead (ERR_OFFLINE) and the result is true. */
bool engine_archive_is_another(struct firn *f, struct err *e);
/* Leaves the marker, unless it is there or the archive lacks what any table has in it (ERR_OFFLINE). */
bool engine_archive_mark(struct firn *f, struct err *e);

/* ---- whether another copy of the database works there (archive_turn.c) ---- */

/* What the names of turns begin with: no garbage, and no segments. */
bool engine_archive_turn_prefix(struct firn *f, char out[ENGINE_MARKER_MAX], struct err *e);
/* engine_archive_check, and ERR_CONFIG where another copy has taken a turn that this one has not. Before objects are
 * removed or changed. */
bool engine_archive_ours(struct firn *f, struct err *e);
/* The same, and takes the next turn: before rows are moved. */
bool engine_archive_take_turn(struct firn *f, struct err *e);
/* Takes a turn above all that are there: the other copies are refused from now on. */
bool engine_archive_take_over(struct firn *f, struct err *e);

/* ---- transition.c ---- */

struct engine_table;
bool engine_policy_has_transitions(const struct policy *p);
/* Moves on what is due, until the deadline (by clock_now_ms; 0: none); adds to result. */
bool engine_transition_table(struct firn *f, const struct engine_table *table,
			     const struct firn_transition_options *options, int64_t deadline_ms,
			     struct firn_transition_result *result, struct err *e);

/* A managed table, ready to work on: catalog version checked, looked up, judged usable, registered. */
struct engine_table {
	struct table_info *info;
	int64_t id;
};
bool engine_table_open(struct firn *f, const struct table_wanted *wanted, struct engine_table *out,
		       struct err *e);
/* The same to look at only: the role need not be able to move anything. */
bool engine_table_look(struct firn *f, const struct table_wanted *wanted, struct engine_table *out,
		       struct err *e);
void engine_table_close(struct engine_table *t);

/* ---- the end of life of cold rows (expire.c) ---- */

/* The rule by which the segment's rows may be given up now; NULL: there is none. */
const struct rule *engine_expired_by(const struct policy *p, const struct segment_record *s);
/* Gives them up, in every segment of the table; adds how many rows that were. */
bool engine_expire(struct firn *f, int64_t table_id, int64_t *rows_out, struct err *e);
/* Adds what could be given up, and what later, to result. */
bool engine_expiries(struct firn *f, const struct engine_table *t, struct firn_plan_result *result,
		     struct err *e);
/* e is the first of so many checks that failed: where there are more, its hint says so. */
void engine_hint_failed(struct err *e, int64_t failed);
/* How many tables there are; ERR_USAGE with a hint when there is none. */
bool engine_tables_given(const struct firn *f, struct err *e);

/* What came of object key from the archive is not what was archived (ERR_DATA in e). The way here may have damaged it,
 * so it is read again before the archive is blamed: true, with e cleared, the first three times for this
 * *reads, which begins at 0. */
bool engine_read_again(struct firn *f, const char *key, int *reads, struct err *e);

/* The index object of a segment: from the local cache when its digest matches, else from the archive (then cached).
 * *fetched_bytes (may be NULL) is raised by what came from the archive. */
struct segment_index *engine_segment_index(struct firn *f, const struct segment_record *r,
					   int64_t *fetched_bytes, struct err *e);

/* What that cache takes; 0 where it is not there. */
int64_t engine_cache_bytes(const struct firn *f);

/* The whole segment object in a scratch file, its length and digest compared with the record. path_out (heap, set also
 * where it fails half-way) is removed and freed by the caller. */
bool engine_segment_copy(struct firn *f, const struct segment_record *r, char **path_out,
			 struct err *e);
/* The same, opened. */
struct segment_file *engine_segment_file(struct firn *f, const struct segment_record *r,
					 char **path_out, struct err *e);

/* maintain.c: index work that is due on a table (only_due) or on all its leaves. Appends steps to result. The lease
 * is held by the caller. Never deletes rows. */
bool engine_maintain_table(struct firn *f, const struct engine_table *t,
			   const struct firn_maintain_options *options,
			   struct firn_maintain_result *result, struct err *e);

/* Only the vector indexes that a bulk load which died took out of the way. The same holds for the lease. */
bool engine_restore_indexes(struct firn *f, const struct engine_table *t,
			    struct firn_maintain_result *result, struct err *e);

/* ---- what is written down for reports (usage_notes.c): a failure is a warning, and ends nothing ---- */

struct usage_inspection;
/* What the table uses now, under today's date; where nothing was moved, only the first time of a day. */
void engine_note_usage(struct firn *f, const struct engine_table *t, bool moved);
void engine_note_rehydrated(struct firn *f, int64_t table_id, int64_t rows);
void engine_note_inspection(struct firn *f, const struct usage_inspection *i);
/* The requests of f's archive, which is about to be closed. */
void engine_note_requests(struct firn *f);
/* Those of a pass: what f's archive was asked since the counters were before, and what the closed archives of its jobs were.
 * They are part of what engine_note_requests counts. */
void engine_note_pass_requests(struct firn *f, int64_t pass_id, const struct store_counters *before,
			       const struct store_counters *jobs);

/* ---- progress (progress.c) ---- */

enum {
	PROGRESS_NONE,
	PROGRESS_TERMINAL, /* lines of f->log.board */
	PROGRESS_LOG
};

/* One thread's, or guarded by its owner. */
struct progress {
	struct firn *f;
	const char *verb, *label;        /* "moving"; borrowed */
	const char *unit;                /* "rows", unless it is set after the start */
	const char *note;                /* what is being done that rows do not tell, or NULL */
	int64_t total_rows, rows, bytes; /* total_rows 0: unknown */
	size_t part, parts;              /* of the whole: leaf 2 of 4; 0: not told */
	int64_t started_ms, first_row_ms, shown_ms;
	int board_line;
	bool shown;
};
/* label: a part of something whose own line is above, such as a leaf; shown on a terminal only. NULL: the whole. */
void progress_start(struct progress *p, struct firn *f, const char *verb, const char *label,
		    int64_t total_rows);
void progress_add(struct progress *p, int64_t rows, int64_t bytes);
/* Until more rows come: "uploading". A literal. */
void progress_note(struct progress *p, const char *what);
/* stays: what was done remains to be read on the terminal. */
void progress_end(struct progress *p, bool stays);

#endif
