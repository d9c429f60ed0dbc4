/*
 * libfirn: tiered storage for Postgres + pgvector. Everything that the firn program does goes through here.
 *
 *     struct err e = { 0 };
 *     struct firn *f = firn_open(&(struct firn_options){ .database = "service=app", .archive = "file:///srv/cold",
 *                                                         .tables = tables, .table_count = 1 }, &e);
 *     struct firn_pass_result result;
 *     if (!f || !firn_pass(f, &(struct firn_pass_options){ 0 }, &result, &e))
 *             fprintf(stderr, "%s\n", e.message);
 *     firn_close(f);
 *
 * A handle is used by one thread at a time. Calls block until their work is done, a limit is reached or a signal asks
 * to stop. Every result struct is filled by the call and released by the function named beside it; strings in it
 * belong to it. Counts are rows, sizes are bytes, times are seconds unless a name says otherwise.
 */
#ifndef FIRN_FIRN_H
#define FIRN_FIRN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "firn/err.h"

#define FIRN_VERSION "0.1.0"

struct firn;

enum firn_log_level {
	FIRN_LOG_ERROR,
	FIRN_LOG_WARNING,
	FIRN_LOG_NOTICE,
	FIRN_LOG_INFO,
	FIRN_LOG_DEBUG
};

/* What a caller overrides of configuration file and environment. NULL and 0 mean: not given here. */
struct firn_options {
	const char *config_path; /* YAML; NULL: none is read */
	const char *database;    /* libpq connection string; "" or NULL: libpq's environment */
	const char *archive;     /* s3://bucket/prefix or file:///dir */
	const char *
		policy_path; /* YAML; NULL: the configuration's, else the built-in rule "superseded, 7d" */
	const char *prices_path;   /* YAML */
	const char *const *tables; /* "schema.table"; none: those of the configuration */
	size_t table_count;
	const char *s3_endpoint, *s3_region, *s3_profile,
		*s3_ca_file; /* override the configuration's s3 keys */
	int s3_path_style;   /* 0 not given, 1 yes, -1 no */
	const char *cache_dir;
	FILE *log_out; /* NULL: stderr */
	enum firn_log_level log_level;
	int log_json;
	/* 0 none; 1 lines at the terminal's foot that are redrawn, where log_out is a terminal that can; 2 a log line a minute. With
	 * 1 a pass counts what is due in a leaf before it moves it, for the time left. */
	int progress;
};

/* Loads configuration and policy, connects to database and archive as calls need them. NULL and e set on failure. */
struct firn *firn_open(const struct firn_options *options, struct err *e);
void firn_close(struct firn *f);

/* ---- the configuration that is in force ---- */

struct firn_setting {
	char *key;   /* "s3.endpoint", "tables[0].table"; "tables" where options name them */
	char *value; /* as the file would have it, without secrets; NULL: not set */
	enum {
		FIRN_SETTING_DEFAULT,
		FIRN_SETTING_FILE,
		FIRN_SETTING_GIVEN /* by firn_options */
	} source;
	int line; /* of the file; 0: it is not there */
};

struct firn_config {
	struct firn_setting *settings;
	size_t setting_count;
};

/* What firn_open would go by, key by key. Asks neither database nor archive. */
bool firn_config(const struct firn_options *options, struct firn_config *out, struct err *e);
void firn_config_release(struct firn_config *c);

/* ---- doctor ---- */

enum firn_finding_state {
	FIRN_FINDING_OK,
	FIRN_FINDING_WARNING,
	FIRN_FINDING_FAILED,
	FIRN_FINDING_SKIPPED /* what it needs had failed */
};

struct firn_finding {
	enum firn_finding_state state;
	char name
		[64]; /* stable: "database", "archive-clock"; of a table's checks those of firn_check */
	char *subject; /* the table; NULL for what is of none */
	char *message; /* what was found */
	char *hint;    /* what to do; may be NULL */
};

struct firn_doctor_result {
	struct firn_finding *findings; /* in the order in which they were looked at */
	size_t finding_count, finding_capacity;
	int64_t warnings, failed;
};

/* Looks at all that a pass needs, one thing after the other: configuration, policy and prices, database, extensions,
 * catalog, tables, archive (an object is written, read and deleted), clocks, work folder. Goes on after a failure with
 * what does not depend on it. False where anything failed: e is the first failure then, result holds them all. */
bool firn_doctor(const struct firn_options *options, struct firn_doctor_result *result,
		 struct err *e);
void firn_doctor_result_release(struct firn_doctor_result *r);

/* Makes SIGINT and SIGTERM ask the calls of this process for a clean end: what is at hand is finished or undone, then
 * they return. A second signal of the same kind ends the process at once. say: the first one is answered on standard error,
 * in words for whoever sits there. For programs; never called by the library. */
void firn_stop_on_signals(int say);
/* Whether such a signal came. */
int firn_stop_requested(void);

/* ---- policies ---- */

struct firn_policy_rule {
	char *name;
	char action[16]; /* archive, keep */
	int line;        /* of the policy's file; 0: the built-in one */
};

struct firn_policy_check {
	char *path; /* NULL: the built-in policy */
	struct firn_policy_rule *rules;
	size_t rule_count;
	char **tables; /* that have what the rules speak of */
	size_t table_count;
};

/* Reads the policy; with_tables also asks the database whether each table has what its rules speak of, and whether "where" is
 * what it may be. ERR_CONFIG names file, line and key. Moves nothing, writes nothing. */
bool firn_policy_check(struct firn *f, int with_tables, struct firn_policy_check *out,
		       struct err *e);
void firn_policy_check_release(struct firn_policy_check *c);

/* ---- init ---- */

struct firn_check {
	enum {
		FIRN_CHECK_OK,
		FIRN_CHECK_WARNING,
		FIRN_CHECK_REFUSED
	} state;
	char name[64]; /* stable, for JSON: "primary-key", "delete-triggers" */
	char *message; /* what was found */
	char *hint;    /* what to do; may be NULL */
};

struct firn_column_info {
	char name[64], type[256],
		role[16]; /* role: id, workspace, document, embedding, version, created or "" */
	int in_key;
};

struct firn_table_info {
	char *table; /* schema.table */
	int partitioned;
	size_t leaf_count;
	int64_t rows_estimate;
	struct firn_column_info *columns;
	size_t column_count;
	struct firn_check *checks;
	size_t check_count;
};

struct firn_init_options {
	int take_over; /* this database works with the archive from now on, no other copy of it */
};

struct firn_init_result {
	int catalog_version_before, catalog_version;   /* 0 before: freshly installed */
	char server_version[32], pgvector_version[32]; /* "" without pgvector */
	struct firn_table_info *tables;
	size_t table_count;
	char *archive;
};

/* Installs or upgrades the catalog, registers the managed tables, proves that the archive can be written and read.
 * A refused check makes it fail with ERR_CONFIG or ERR_DENIED after result was filled, so that all can be shown. */
bool firn_init(struct firn *f, const struct firn_init_options *options,
	       struct firn_init_result *result, struct err *e);
void firn_init_result_release(struct firn_init_result *r);

/* ---- plan and pass ---- */

struct firn_plan_row {
	char *table, *leaf, *rule, *workspace, *version;
	int64_t rows, bytes; /* bytes: heap and TOAST of the rows, uncompressed */
};

/* A rule that matches nothing now, because what it asks of reads is not known. */
struct firn_held_back {
	char *table, *rule;
	char *known_since; /* reads are known since then, ISO 8601 UTC; NULL: none was ever recorded */
	char *until;       /* known long enough then; NULL where known_since is */
};

/* Cold rows of a rule with delete_after. */
struct firn_expiry {
	char *table, *rule;
	int64_t delete_after_s;
	int64_t segments, rows, bytes; /* archived longer ago: gc with expire gives them up */
	int64_t rows_later;            /* the others */
	int64_t next_s;                /* until the first of these; -1: there are none */
};

/* What moving all of a plan would bring and take; estimates. */
struct firn_plan_expectation {
	char *price_list; /* NULL: none is configured, and saved_nano is 0 */
	char currency[4]; /* "USD" */
	int64_t saved_nano; /* a month: hot storage with indexes, copies and memory, less objects, in billionths */
	double stored_share; /* of the rows' bytes in objects, by what was archived of these tables; 1: not known */
	int64_t transactions; /* that delete rows, a segment each */
	double lock_s;        /* that they take together, by passes before; negative: not known */
	double index_s;       /* of index work afterwards, by the cost model */
};

struct firn_plan_result {
	struct firn_plan_row *rows; /* by table, rule, leaf, workspace, version */
	size_t row_count;
	int64_t total_rows, total_bytes;
	int64_t kept_rows; /* that a keep rule pins */
	/* Of tables of which nothing would move: rows that time alone will make due, and when the first, ISO 8601 UTC or "". */
	int64_t waiting_rows;
	char first_due[32];
	struct firn_held_back *held_back;
	size_t held_back_count;
	struct firn_expiry *expiries;
	size_t expiry_count;
	struct firn_plan_expectation expected;
};

/* At its end a pass moves on what rules with transitions say. */
struct firn_pass_options {
	int64_t max_rows;      /* 0: no limit but the policy's */
	int64_t max_runtime_s; /* 0: none; no new segment is begun after it */
	int dry_run;           /* as firn_plan: nothing is moved */
	int no_maintain;       /* leave index work to firn_maintain */
	int64_t segment_bytes; /* 0: 128 MiB */
	int64_t jobs; /* leaves worked on at once; 0: the policy's; one where rows or bytes are limited */
};

bool firn_plan(struct firn *f, const struct firn_pass_options *options,
	       struct firn_plan_result *result, struct err *e);
void firn_plan_result_release(struct firn_plan_result *r);

struct firn_maintain_step {
	char *table, *leaf, *index; /* index "" where the step is the leaf's */
	/* reindex, create, repack, vacuum, analyze, wait, drop-leftover, put-off */
	char action[32];
	char *reason;
	double seconds;                    /* expected ones in a dry run */
	int64_t bytes_before, bytes_after; /* vacuum, repack: heap and TOAST */
	int64_t reclaimable_bytes; /* an estimate: what these take beyond a fresh copy; rows to come use it */
};

struct firn_maintain_result {
	struct firn_maintain_step *steps;
	size_t step_count;
	int64_t put_off; /* leaves whose work could not be done now */
};

struct firn_pass_result {
	int64_t rows_moved,
		rows_changed; /* changed, locked or read under the pass, so they stayed hot */
	int64_t segments;
	int64_t raw_bytes,
		stored_bytes; /* COPY BINARY bytes of the rows; bytes of segment and index objects */
	int64_t abandoned;    /* intents of dead runs that were found and undone */
	int64_t segments_moved_on,
		bytes_moved_on; /* to another storage class, by transitions of their rules */
	int stopped_early;      /* a limit or a signal ended it before the work was done */
	char *stop_reason;      /* NULL unless stopped_early */
	double seconds;
	struct firn_held_back *held_back;
	size_t held_back_count;
	struct firn_plan_result plan; /* filled by a dry run */
	struct firn_maintain_result maintain;
};

/* ERR_BUSY when another pass holds the table's lease. result is filled on failure too, with what was done. */
bool firn_pass(struct firn *f, const struct firn_pass_options *options,
	       struct firn_pass_result *result, struct err *e);
void firn_pass_result_release(struct firn_pass_result *r);

/* ---- explain ---- */

struct firn_explain_condition {
	char *key;   /* of the policy: "idle_for" */
	char *value; /* what was compared with it; may be NULL */
	char *due;   /* it holds from then on, ISO 8601 UTC; NULL: no matter of time */
	int holds;
};

struct firn_explain_rule {
	char *name, action[16];
	struct firn_explain_condition *conditions;
	size_t condition_count;
	int matches;
	char *due; /* it would match from then on, were nothing read, written or flipped until then; NULL: not by time alone */
};

/* A hot row. Texts may be NULL where the table has no such column. */
struct firn_explain_chunk {
	char *table, *leaf, *workspace, *document, *version, *created;
	char *last_use;       /* created, rehydrated or read */
	char *heat;           /* NULL: no rule asks for reads */
	char *resident_until; /* min_residency keeps it until then; may be NULL */
	int returning;        /* a rollback is going back to its version */
	int64_t bytes;
	int64_t saved_nano; /* a month, were it cold: by the price list, in billionths */
	char *verdict;      /* the rule that matches first; NULL: none */
	char *moves_at; /* the earliest due of a rule that archives, if none that keeps matches; NULL: not by time alone */
	struct firn_explain_rule *rules;
	size_t rule_count;
};

struct firn_explain_sum {
	char *table, *rule; /* rule NULL: of no rule, it stays hot */
	char action[16];    /* archive, keep; "" of no rule */
	int64_t rows, bytes;
};

/* Cold rows in one segment. */
struct firn_explain_segment {
	char *table, *rule, *object, *storage_class;
	int64_t segment, rows, rows_of_segment, bytes,
		archived_s;  /* bytes: of the whole object; archived_s: ago */
	int64_t blocks;      /* of the object that hold them; 0: not looked at (workspaces) */
	int64_t first_block; /* of these */
	int64_t block_bytes; /* that bringing them back reads; of a workspace its share */
	int64_t back_nano; /* what that costs: requests and retrieval by the price list, in billionths */
	int frozen;        /* must be restored before it can be read */
	int restore_h; /* which takes so many hours in the standard tier; 0: not known */
};

/* What a pass decided, one kind of it: see firn.pass_log. Texts may be NULL. */
struct firn_explain_decision {
	char *leaf, *rule, *decision, *reason;
	int64_t times, rows, bytes;
	double seconds;
};

struct firn_explain_options {
	const char *chunk, *document, *workspace; /* one of them, or pass */
	int64_t pass;                             /* its number; -1: the latest; 0: none */
};

struct firn_explain_result {
	struct firn_explain_chunk *chunks;
	size_t chunk_count;
	struct firn_explain_sum *sums; /* of a document or workspace */
	size_t sum_count;
	struct firn_explain_segment *segments;
	size_t segment_count;
	int64_t cold_rows;
	char *price_list; /* NULL: none, and no money is known */
	char currency[4];
	int64_t pass;       /* whose decisions these are; 0: it was not asked for */
	char *no_decisions; /* why there are none of it; NULL: there are */
	struct firn_explain_decision *decisions;
	size_t decision_count;
};

/* Where a chunk is, and why it is there: what each rule says of it. ERR_CONFIG when nothing of that name is known. Reads the
 * rows concerned, of cold ones the indexes of segments; changes nothing. */
bool firn_explain(struct firn *f, const struct firn_explain_options *options,
		  struct firn_explain_result *result, struct err *e);
void firn_explain_result_release(struct firn_explain_result *r);

/* ---- touch ---- */

struct firn_touch_options {
	/* Ids, one a line; or CSV whose first line is a header of id and, in any order, workspace and read_at (ISO 8601). Read
	 * to its end. */
	FILE *in;
	/* ISO 8601: with what in gives now, all reads since then are recorded. NULL: nobody says so. */
	const char *complete_since;
};

struct firn_touch_result {
	char *table;
	int64_t touched;   /* reads that were recorded */
	char *known_since; /* all reads since then, ISO 8601 UTC; NULL: none was ever recorded */
	double seconds;
};

/* Records reads of chunks of the one managed table. ERR_DATA names the line that is wrong; nothing was recorded then. Ids
 * are not looked for in the table: chunks may be cold, or gone. */
bool firn_touch(struct firn *f, const struct firn_touch_options *options,
		struct firn_touch_result *result, struct err *e);
void firn_touch_result_release(struct firn_touch_result *r);

/* ---- rehydrate ---- */

enum firn_on_conflict {
	FIRN_CONFLICT_SKIP,
	FIRN_CONFLICT_REPLACE,
	FIRN_CONFLICT_FAIL
};

/* The four selections narrow each other; within one, any of its values matches. None of them, no segment and no
 * everything is ERR_USAGE. */
enum firn_restore_tier {
	FIRN_RESTORE_STANDARD,
	FIRN_RESTORE_BULK,
	FIRN_RESTORE_EXPEDITED
};

struct firn_rehydrate_options {
	const char *const *workspaces, *const *documents, *const *chunks, *const *versions;
	size_t workspace_count, document_count, chunk_count, version_count;
	const int64_t *segments;
	size_t segment_count;
	int everything; /* --where-cold all */
	enum firn_on_conflict on_conflict;
	int no_maintain;
	int dry_run; /* count and size only */
	/* Vector indexes of leaves that get a large share of new rows are dropped, or filled with little care, and built
	 * anew after the load, where that takes a quarter less time. Until then searches of these leaves are slow, or find
	 * less. ERR_USAGE with no_maintain. */
	int bulk;
	int64_t jobs; /* sessions that insert at once; 0: 2; one unless on_conflict is skip */
	/* "OLD=NEW": archived column OLD is the table's column NEW now; "OLD=": its values are not wanted. Without it a
	 * column that the table has no longer is left out, but ERR_CONFIG where a new one of its type is there. */
	const char *const *columns;
	size_t column_count;
	/* For segments in storage classes that must be restored first: how fast, for how many days they stay readable
	 * (0: 7), and whether to wait until all of them are, looking every so many seconds (0: 300). */
	enum firn_restore_tier restore_tier;
	int64_t restore_days;
	int wait;
	int64_t restore_poll_s;
};

struct firn_rehydrate_result {
	int64_t rows;          /* brought back */
	int64_t rows_hot;      /* whose id is hot already: left cold, replaced, or the failure */
	int64_t rows_orphaned; /* whose referenced row (document) is gone: they stay cold */
	int64_t segments;      /* that rows came from */
	int64_t bytes_fetched; /* from the archive, index objects included */
	int64_t rows_matched;  /* by the selection */
	int64_t segments_frozen; /* left alone: their restore was asked for, call again when it is done */
	char **notes; /* sentences: dropped columns, the first ids that were skipped, ... */
	size_t note_count;
	double seconds;
	struct firn_maintain_result maintain;
};

bool firn_rehydrate(struct firn *f, const struct firn_rehydrate_options *options,
		    struct firn_rehydrate_result *result, struct err *e);
void firn_rehydrate_result_release(struct firn_rehydrate_result *r);

/* ---- transition: storage classes of what is archived ---- */

struct firn_transition_options {
	int dry_run;
	int64_t max_runtime_s; /* begin nothing after so long; 0: no limit */
};

struct firn_transition_row {
	int64_t segment;
	char *table, *rule, *from, *to;
	char *reason; /* why it was not moved; "": it was, or would be */
	int64_t bytes, age_s;
	int moved;
};

struct firn_transition_result {
	struct firn_transition_row *rows; /* of segments for which a move is due */
	size_t row_count;
	int64_t bytes_moved;
	double seconds;
};

/* Moves objects on to the storage classes that their rules say. ERR_CONFIG: the policy has no transitions, or this archive no
 * storage classes. */
bool firn_transition(struct firn *f, const struct firn_transition_options *options,
		     struct firn_transition_result *result, struct err *e);
void firn_transition_result_release(struct firn_transition_result *r);

/* The same as rules of the bucket, by the tag firn-rule of objects. */
struct firn_lifecycle_step {
	int64_t days;
	char *storage_class;
};

struct firn_lifecycle_rule {
	char *name; /* of the policy's rule, and value of the tag */
	struct firn_lifecycle_step *steps;
	size_t step_count;
};

struct firn_lifecycle {
	char *prefix; /* of the archive's keys; "" for none */
	struct firn_lifecycle_rule *rules;
	size_t rule_count;
};

/* ERR_CONFIG: no bucket, no transitions, or objects are not tagged (s3.object_tags). Asks no server. */
bool firn_lifecycle(struct firn *f, struct firn_lifecycle *out, struct err *e);
void firn_lifecycle_release(struct firn_lifecycle *l);

/* ---- maintain ---- */

struct firn_maintain_options {
	int force;             /* leaves without due work too */
	int dry_run;           /* steps that would be taken, with their reasons */
	int64_t max_runtime_s; /* 0: none */
	/* Leaves of which a fifth and 8 MiB are room that no row needs are written anew by pg_repack, also where nothing
	 * is due. */
	int reclaim;
};

bool firn_maintain(struct firn *f, const struct firn_maintain_options *options,
		   struct firn_maintain_result *result, struct err *e);
void firn_maintain_result_release(struct firn_maintain_result *r);

/* ---- status ---- */

struct firn_size {
	int64_t heap_bytes, toast_bytes, index_bytes;
};

struct firn_status_row {
	char *table, *leaf, *workspace, *version; /* "" for what is summed over */
	int64_t hot_rows, cold_rows;
	struct firn_size hot; /* leaves and tables only; all 0 for workspaces and versions */
	int64_t cold_bytes, cold_raw_bytes;
	int hot_rows_estimated;
};

struct firn_status_result {
	struct firn_status_row *tables, *leaves,
		*workspaces; /* workspaces: by table, workspace, version */
	size_t table_count, leaf_count, workspace_count;
	int64_t segments_active, segments_intent, segments_retired;
	int64_t segments_not_encrypted; /* of the active ones */
	int encrypts;                   /* whether new ones are encrypted, or old ones are */
	int64_t maintenance_due;        /* leaves with index work to do */
	char *last_pass_at, *last_pass_outcome; /* NULL when there was none */
};

/* detail 0: tables and leaves, hot rows estimated; 1: counts by workspace and version too (reads the whole table). */
bool firn_status(struct firn *f, int detail, struct firn_status_result *result, struct err *e);
void firn_status_result_release(struct firn_status_result *r);

/* ---- versions ---- */

struct firn_version {
	char *version; /* "" stands for NULL */
	int64_t hot_rows, cold_rows;
	int64_t documents; /* with hot rows */
};

struct firn_version_workspace {
	char *table, *workspace;
	char *active, *target, *since; /* NULL: not known, none. since: ISO 8601 UTC */
	int64_t documents;             /* with hot rows of the active version */
	int64_t covered;               /* of these, with hot rows of the target */
	int64_t fewer;   /* of these, with fewer rows of the target than of the active version */
	int by_document; /* 0: the table has no documents, a workspace counts as one */
	char *rollback_to, *rollback_began; /* of one that is unfinished, else NULL */
	struct firn_version *versions; /* by name: those with rows, the active one, the target */
	size_t version_count;
};

struct firn_versions_options {
	const char *const *workspaces; /* none: all */
	size_t workspace_count;
};

struct firn_versions_status {
	struct firn_version_workspace *workspaces; /* by table and name */
	size_t workspace_count;
};

struct firn_version_options {
	const char *workspace;
	const char *
		to; /* promote: NULL, the target; rollback: NULL, the one before the latest promote */
	int allow_missing; /* rollback: even where documents have no row of that version */
	int no_maintain;   /* rollback: leave index work to firn_maintain */
};

struct firn_version_result {
	char *table, *workspace;
	char *from,
		*to; /* the version that was active, and the one asked for; NULL: not known yet */
	int flipped; /* 0 without an error: it was active already */
	int resumed; /* a rollback that an earlier run had begun */
	int64_t documents;       /* of the version that was active */
	int64_t missing;         /* of these, without a row of the other */
	int64_t fewer;           /* of these, with fewer rows of the other */
	int64_t rows, rows_left; /* of the other version: hot, cold */
	int64_t rows_back, bytes_fetched;
	char **notes; /* sentences */
	size_t note_count;
	double seconds;
	struct firn_maintain_result maintain;
};

/* Reads the table's rows, not their vectors. */
bool firn_versions_status(struct firn *f, const struct firn_versions_options *options,
			  struct firn_versions_status *result, struct err *e);
/* Both change one workspace of one table. A pass that is moving rows of the table ends with ERR_FENCED.
 * ERR_CONFIG: it is not complete, or the configuration cannot change it; nothing was changed then. */
bool firn_versions_promote(struct firn *f, const struct firn_version_options *options,
			   struct firn_version_result *result, struct err *e);
/* Brings back what is cold of the version, then makes it active; until then the other one stays so. Whatever ended it,
 * it can be called again and goes on; no pass moves rows of that version meanwhile. ERR_BUSY: an index is not whole. */
bool firn_versions_rollback(struct firn *f, const struct firn_version_options *options,
			    struct firn_version_result *result, struct err *e);
void firn_versions_status_release(struct firn_versions_status *r);

/* ---- keys of encrypted segments ---- */

struct firn_master_key {
	char id[33];                    /* what it is known by: no secret */
	int configured, configured_old; /* as the one to use; as the one before */
	int current;                    /* the one that new keys are wrapped by */
	int64_t tables, workspaces;     /* whose keys it wraps */
};

struct firn_keys_status {
	struct firn_master_key *masters;
	size_t master_count;
	int64_t unopened; /* keys that what is configured does not open */
	int64_t segments_encrypted, segments_not_encrypted; /* active ones */
};

struct firn_keys_rotate_options {
	const char *new_key_file, *new_key_command; /* one of them */
};

struct firn_keys_rotate_result {
	char id[33]; /* of the new master key */
	int64_t rewrapped;
};

/* Both are of the whole catalog. Keys that do not open make it fail with ERR_CONFIG, after result was filled. */
bool firn_keys_status(struct firn *f, struct firn_keys_status *result, struct err *e);
void firn_keys_status_release(struct firn_keys_status *r);
/* Wraps every key by another master key, in one transaction; segments are not touched. */
bool firn_keys_rotate(struct firn *f, const struct firn_keys_rotate_options *options,
		      struct firn_keys_rotate_result *result, struct err *e);
void firn_version_result_release(struct firn_version_result *r);

/* ---- verify and gc ---- */

struct firn_verify_options {
	int deep;
	const int64_t *segments; /* none: all */
	size_t segment_count;
};

/* A problem, or a segment that could not be looked at. */
struct firn_problem {
	int64_t segment; /* 0: none */
	char *object;    /* key; may be NULL */
	char *message;
};

struct firn_verify_result {
	int64_t segments, objects, bytes; /* looked at */
	int64_t not_encrypted;            /* of the segments */
	int encrypts; /* whether new ones are encrypted, or others of these are */
	int64_t rows; /* decoded and re-hashed; deep only */
	struct firn_problem *problems;
	size_t problem_count;
	int64_t segments_frozen; /* of segments: in a storage class that cannot be read; only size and class were checked */
	double seconds;
};

/* Problems found make it fail with ERR_DATA, after result was filled. */
bool firn_verify(struct firn *f, const struct firn_verify_options *options,
		 struct firn_verify_result *result, struct err *e);
void firn_verify_result_release(struct firn_verify_result *r);

struct firn_gc_options {
	int confirm; /* 0: list only */
	int64_t horizon_s; /* -1: the configuration's (30 days): how long backups of the database are kept */
	int expire; /* with confirm: give up cold rows that are older than delete_after of their rule */
	int orphans; /* remove objects that no catalog row knows, too (another database may own them) */
};

struct firn_gc_item {
	char *object;  /* key, or an upload's key */
	char kind[16]; /* expired, retired, abandoned, orphan, upload */
	int64_t segment, bytes, age_s;
	int removable, removed; /* removable: old enough and of a kind that was asked for */
	char *reason;
};

struct firn_gc_result {
	struct firn_gc_item *items;
	size_t item_count;
	int64_t removed_bytes, removable_bytes;
	int64_t given_up; /* cold rows, by expire; their objects follow after the horizon */
	int64_t put_off; /* items that the archive keeps for now (Object Lock): a later run removes them */
};

bool firn_gc(struct firn *f, const struct firn_gc_options *options, struct firn_gc_result *result,
	     struct err *e);
void firn_gc_result_release(struct firn_gc_result *r);

/* ---- forget ---- */

struct firn_forget_options {
	const char *workspace;
	int confirm; /* 0: look only */
};

struct firn_forget_result {
	char *table, *workspace;
	int64_t rows_hot, rows_cold;              /* of it, when it was looked */
	int64_t segments, segments_not_encrypted; /* with cold rows of it */
	char *refused; /* why "confirm" would fail as it is now, and what to do; NULL: it would not */
	int key_destroyed;
};

/* Destroys the key of a workspace of one table, so that what is cold of it, and what segments still hold of it, cannot be
 * read by anyone. ERR_CONFIG, and nothing done, while it has hot rows or rows in segments that are not encrypted. Backups of
 * the database still have the key, as it was wrapped. */
bool firn_forget(struct firn *f, const struct firn_forget_options *options,
		 struct firn_forget_result *result, struct err *e);
void firn_forget_result_release(struct firn_forget_result *r);

/* ---- report ---- */

/* Money is whole billionths of the price list's currency; such names end in _nano. Costs are a month's, 30.4375 days of
 * it, unless a name says otherwise. */
#define FIRN_NANO 1000000000LL

/* One bill. */
struct firn_cost {
	/* hot: storage of heap, TOAST and indexes in each copy that there is, WAL that is archived, memory that vector
	 * indexes want */
	int64_t heap_nano, toast_nano, index_nano, replicas_nano, wal_nano, ram_nano;
	/* cold: objects as they are billed; what requests to the archive cost, retrieval and egress included, by those of the
	 * last 30 days as far as they are known; the disk of the local cache. The latter two belong to no leaf and are shared
	 * out by cold_billed_bytes, where nothing is cold by the hot bytes. */
	int64_t objects_nano, requests_nano, cache_nano;
	int64_t early_nano; /* once, no month's: what removing all now would cost for days that are billed at least */
	int64_t hot_nano, cold_nano; /* the sums; early_nano is in neither */
	int64_t all_hot_nano;        /* what it would cost if the cold rows were hot as well */
	int64_t saved_nano;          /* all_hot less hot and cold; negative where that costs more */
};

enum firn_report_by {
	FIRN_BY_TABLE,
	FIRN_BY_LEAF,
	FIRN_BY_WORKSPACE, /* counts rows: reads the whole table, but no vectors */
	FIRN_BY_VERSION,   /* so does this */
	FIRN_BY_SEGMENT,
	FIRN_BY_MONTH
};

/* Workspaces and versions have their share of each leaf's size and cost, by rows, and of each segment's. */
struct firn_report_row {
	char *table, *leaf, *workspace, *version; /* "" where summed over */
	char month
		[8]; /* "2026-11", else "": costs are what that month's measured days cost, rows and sizes their means */
	int64_t segment;     /* 0: none */
	char *storage_class; /* of a segment; else "", as for the archive's default */
	int64_t age_days,
		early_days; /* of a segment, in its class; so many more are billed at least */
	int64_t hot_rows, cold_rows;
	int hot_rows_estimated;
	struct firn_size hot;
	int64_t cold_bytes; /* of objects, their index objects included */
	int64_t cold_billed_bytes; /* the same where each object counts as large as it is billed at least */
	int64_t cold_raw_bytes;    /* as COPY BINARY */
	int64_t reclaimable_bytes; /* of hot, an estimate: what a fresh copy would not take */
	int64_t moved_rows; /* ever, into segments that are active: those that are cold no longer came back */
	/* So many days must what is moved out stay cold to have paid, with as many coming back as did so far; negative: it never
	 * pays. Not known while nothing is cold. */
	int break_even_known;
	double break_even_days;
	struct firn_cost cost;
};

/* By name: "hot heap of public.document_chunk", "12.3 GiB x 0.0952 USD = 1.17 USD". */
struct firn_formula {
	char *figure, *formula;
	int64_t nano; /* of money; of what is in days, of a day */
};

/* A day's end, by UTC, summed over the tables reported; only days of which something is known. */
struct firn_usage_day {
	char day[11]; /* "2026-11-24" */
	int64_t hot_rows, cold_rows, hot_bytes, cold_bytes;
	int64_t rows_moved, rows_rehydrated;     /* on that day */
	int64_t hot_nano, cold_nano, saved_nano; /* of that one day */
	int64_t requests_nano, cache_nano;       /* of cold_nano */
};

enum firn_pass_end {
	FIRN_PASS_DONE,
	FIRN_PASS_LIMITED, /* it came to a limit: of rows, of bytes, of run time, or its window's */
	FIRN_PASS_FAILED,  /* anything else: a signal, locks of others, an error, death */
	FIRN_PASS_RUNS     /* or it died, and no other came after it */
};

struct firn_pass_record {
	int64_t id;
	char *table;
	char *started_at; /* ISO 8601 UTC */
	double seconds;   /* with its index work; negative: it runs, or died */
	char *outcome;    /* "done", or why it ended; "" while it runs */
	enum firn_pass_end end;
	int64_t rows_moved, rows_changed, segments, raw_bytes, stored_bytes;
	int64_t requests; /* to the archive; -1: not known, as it runs, died, or was an older firn's */
	int64_t requests_nano; /* what they cost */
	double move_seconds; /* until its moves had ended; negative: they had not, or it was an older firn's */
};

/* Chunks by heat as it is now; those never read, or not lately, are in none. */
struct firn_heat_bucket {
	double lower, upper; /* upper is infinity in the last */
	int64_t chunks;
};

/* A rule of the policy that is in force, by heat_below. */
struct firn_heat_cut {
	char *rule;
	double heat_below;
};

struct firn_reclaimable {
	char *table, *leaf;
	int64_t bytes, reclaimable_bytes;
};

/* Requests to the archive that this catalog's commands made. */
struct firn_request_count {
	char *kind;           /* put, copy, get, head, list, delete, restore */
	char *storage_class;  /* as far as the request or its answer named one; "" */
	int64_t calls, bytes; /* since firn_report_result.since; bytes of bodies, either way */
	int64_t nano;         /* what they cost, retrieval and egress of the bytes included */
};

/* The same ever, of all classes; only rises. */
struct firn_request_total {
	char kind[16];
	int64_t calls, bytes;
};

/* The last runs of what should run; times in seconds since 1970, 0: never. */
struct firn_operations {
	int64_t last_pass_s, last_pass_done_s; /* ended in any way; ended "done" */
	int64_t last_verify_s,
		last_verify_ok; /* ok: 1 nothing was found, 0 problems, -1 never run */
	int64_t last_verify_problems;
	int64_t last_gc_s, orphans,
		orphan_bytes; /* as the last gc counted them; -1: it did not look */
	int64_t segments_active, segments_intent, segments_retired, segments_not_encrypted;
	int64_t maintenance_due;                         /* leaves with index work to do */
	int64_t rows_moved_total, rows_rehydrated_total; /* ever; only rise */
	int64_t cold_reads_total; /* rehydrates ever asked for that found something */
};

struct firn_report_options {
	enum firn_report_by by;
	const char *
		since; /* "2026-11-01": trend, months, passes and requests from that day on; NULL: 90 days */
	int explain; /* fill formulas */
};

struct firn_report_result {
	enum firn_report_by by;
	char *price_list, *price_list_date; /* name and date of the prices used; "none", "" */
	char currency[4];                   /* "USD" */
	char since[11], now[32];            /* a day; ISO 8601 UTC, by the database's clock */
	struct firn_report_row *rows;
	size_t row_count;
	struct firn_report_row total; /* of now, whatever by is; its strings are NULL */
	int64_t saved_month_nano; /* since the first of this month, by the days of which something is known */
	int64_t saved_total_nano; /* ever, likewise */
	char known_since[11];     /* first of these days; "": there is none yet */
	struct firn_formula *formulas;
	size_t formula_count;
	struct firn_usage_day *days; /* by day */
	size_t day_count;
	struct firn_pass_record *passes; /* newest first, 200 at most */
	size_t pass_count;
	struct firn_report_row *
		tenants; /* the ten workspaces that cost most, dearest first; by a sample, but by workspace */
	size_t tenant_count;
	struct firn_heat_bucket *heat; /* by lower; none: no read was recorded */
	size_t heat_count;
	struct firn_heat_cut *cuts;
	size_t cut_count;
	struct firn_reclaimable *reclaimable; /* leaves with any, most first */
	size_t reclaimable_count;
	struct firn_request_count *requests; /* by kind and class */
	size_t request_count;
	struct firn_request_total *request_totals; /* by kind */
	size_t request_total_count;
	struct firn_operations operations;
};

/* What hot and cold cost, and what was saved. Sizes and, but for by workspace and version, rows are the catalog's and the
 * statistics': no row is read but samples for what is reclaimable and for the dearest tenants. Prices that the list lacks count as 0, with a warning.
 * ERR_USAGE: since is no day. */
bool firn_report(struct firn *f, const struct firn_report_options *options,
		 struct firn_report_result *result, struct err *e);
void firn_report_result_release(struct firn_report_result *r);

#include "firn/layout.h"

/* ---- report --what-if ---- */

struct firn_what_if_row {
	int64_t idle_s;      /* in place of each idle_for of the policy; 0: as the policy says */
	int64_t rows, bytes; /* that are hot and would not be */
	int64_t saved_nano; /* a month, less what objects cost; gross of room that rows leave and nothing fills */
	int held_back; /* a rule asks for reads that are not known for so long: it would have moved nothing yet */
	/* Chunks a month that were read after having been idle for so long, and would have had to come back: at least so many. -1:
	 * not known, as no reads are recorded, not for long enough, or the policy does not ask for idle_for. */
	int64_t woken_rows;
	int64_t woken_nano; /* what that would cost in requests, retrieval and egress */
};

struct firn_what_if_result {
	char *policy, *price_list; /* price_list NULL: none, and all money is 0 */
	char currency[4];
	struct firn_what_if_row *rows;
	size_t row_count;
	/* Position in rows: it saves most, less what comes back. -1: none does, there are no prices, or it is not known how many rows
	 * would come back. */
	int recommended;
};

/* What the policy in that file would have moved by now, and saved, by the reads that were recorded; nothing is moved. at_s: times to
 * try in place of idle_for, none: as the policy says. ERR_USAGE: times, but no rule with idle_for. */
bool firn_what_if(struct firn *f, const char *policy, const int64_t *at_s, size_t at_count,
		  struct firn_what_if_result *result, struct err *e);
void firn_what_if_result_release(struct firn_what_if_result *r);

#endif
