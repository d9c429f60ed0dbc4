/*
 * Which rows of a leaf a policy would move. Rules become one SQL statement a leaf: each row gets the number of the
 * first rule that matches it. Values reach the statement through set_config() parameters (COPY takes none), so nothing
 * of the policy is glued into SQL.
 *
 * idle_for and heat_below: candidate_reads.h.
 *
 * superseded: the workspace has an active version, the row's is neither it nor the target being built, the active one
 * is so for the grace period and (with a grace period) the row was created before that; with require_replacement, rows of the active version are
 * hot for the same document. Ages are by the database's clock. A row brought back within min_residency matches nothing,
 * nor does one of the version that a rollback is going back to (version_flip.h).
 */
#ifndef CATALOG_CANDIDATES_H
#define CATALOG_CANDIDATES_H

#include "catalog/table_info.h"

/* Up to where the coldest rows reach that a rule takes: candidate_pressure.h. */
enum candidate_cut_kind {
	CUT_NONE, /* no row is too many */
	CUT_ALL,  /* all that match are too many, or just enough */
	CUT_AT
};

struct candidate_cut {
	enum candidate_cut_kind kind;
	int leaf; /* position in the table's leaves, of hot_bytes_over: after the time, before the tuple */
	bool never;      /* its last use is not known: the time is infinity */
	int64_t last_us; /* last use, microseconds since 1970 */
	uint32_t block, offset;
};

struct candidate_rule {
	const char *name;
	bool keep;
	char *const *workspaces; /* patterns with * and ? */
	size_t workspace_count;
	char *const *versions;
	size_t version_count;
	char *const *documents;
	size_t document_count;
	const char *where; /* candidate_where.h; NULL: none */
	int line;          /* in the policy's file */
	bool superseded, require_replacement;
	int64_t grace_s;
	bool has_idle_for, has_age_over;
	int64_t idle_for_s, age_over_s;
	bool has_heat_below;
	double heat_below;
	bool of_document;
	int64_t leaf_rows_over, hot_bytes_over; /* candidate_pressure.h; 0: not asked for */
	struct candidate_cut cut; /* of hot_bytes_over: candidate_pressure_cut_table */
	bool withheld;            /* what it asks of reads is not known: it matches nothing */
};

struct candidate_rules {
	struct candidate_rule *rules;
	size_t count;
	const char *path; /* the policy's file, for messages; NULL: the built-in policy */
	int64_t min_residency_s;
	bool residency_of_created; /* it holds from a row's creation, too, where the table says when that was */
	int64_t statement_timeout_ms;
	int64_t half_life_s; /* of heat */
};

/* Whether the table has what the rules speak of (a version column, an active version's source, created, document), and
 * "where" is what it may be (candidate_where.h). ERR_CONFIG names file, line, rule and what is missing. Also refuses an
 * active source with two rows for a workspace. */
bool candidates_check(struct pg *pg, const struct table_info *t, const struct candidate_rules *r,
		      struct err *e);

/* Records which version is active now for sources that do not say since when (firn.version_seen). */
bool candidates_note_versions(struct pg *pg, const struct table_info *t, int64_t table_id,
			      struct err *e);

struct candidate_group {
	int rule; /* position in rules */
	const char *workspace, *version;
	int64_t rows, bytes;
	int64_t copy_bytes; /* as COPY BINARY has them; near enough where columns are compressed */
};

/* How many rows of a workspace a rule may move out of a leaf, the coldest first: those that were used last longest ago, as
 * far as the rules ask for reads, else those created first. */
struct candidate_quota {
	int rule;
	const char *workspace;
	int64_t rows;
};
struct candidate_quotas {
	const struct candidate_quota
		*items; /* one for each rule and workspace; where there is none no row moves */
	size_t count;
};
/* Sums by rule, workspace, version over one leaf, keep rules included. Read-only. */
bool candidates_plan(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
		     int64_t table_id, const struct candidate_rules *r,
		     bool (*visit)(void *ctx, const struct candidate_group *g, struct err *e),
		     void *ctx, struct err *e);

/* Starts, in a transaction of its own on pg, COPY BINARY of the rows that archive rules match: fields are
 *   0 ctid (tid), 1 xmin (xid), 2 rule (int4), then t->columns in their order,
 * sorted by rule, workspace, version, document, id. quotas NULL: all; else the heap is read twice. Then read with
 * pg_copy_out_next and end with pg_commit or pg_rollback. ERR_INTERRUPTED where a signal asks to stop before the first row. */
#define CANDIDATE_FIELDS 3
bool candidates_copy_start(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			   int64_t table_id, const struct candidate_rules *r,
			   const struct candidate_quotas *quotas, struct err *e);

/* Puts before a message where in the policy's file the rule stands. Returns false. */
bool candidate_rule_at(const struct candidate_rules *r, const struct candidate_rule *rule,
		       struct err *e);

/* Whether the rule asks when or how much a chunk was read. */
static inline bool candidate_rule_reads(const struct candidate_rule *rule)
{
	return rule->has_idle_for || rule->has_heat_below;
}

/* Whether it takes the coldest only, as many as are too many. */
static inline bool candidate_rule_presses(const struct candidate_rule *rule)
{
	return rule->leaf_rows_over > 0 || rule->hot_bytes_over > 0;
}

/* For the deleting transaction: appends " AND ..." conditions by which a row t of this table is still superseded and
 * replaced, and the CTEs that they read ("active AS (...)") to ctes; and sets the parameters. m.firn_doc is the number
 * in pg_temp.firn_moved_doc (firn_doc, w, d) of t's workspace and document. */
bool candidates_recheck_sql(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			    int64_t table_id, bool require_replacement, struct buf *ctes,
			    struct buf *conditions, struct err *e);

#endif
