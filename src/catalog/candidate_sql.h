/*
 * How rules become SQL: what candidates.h reads and candidate_pressure.h counts is built from these pieces, so that what a
 * rule means is written once.
 *
 * In a statement t is the row, a its workspace's active version, p its document's replacement, ww and wd when its workspace
 * or document came back, rb a rollback to its version, and ra, rw, da its reads (candidate_reads.h).
 */
#ifndef CATALOG_CANDIDATE_SQL_H
#define CATALOG_CANDIDATE_SQL_H

#include "catalog/candidate_pressure.h"
#include "catalog/candidate_reads.h"
#include "catalog/candidates.h"

/* What to classify, and what of firn's own records has a say in it: rarely any, so the statements know of them only then. */
struct candidate_sql {
	bool with_keep; /* rows of keep rules, too */
	bool returning; /* a rollback is under way */
	const char *
		woken; /* when the row came back, of its workspace or its document; NULL: none did */
	bool by_workspace, by_document;
	struct candidate_reads reads;     /* none where no rule asks for them */
	const struct candidate_cut *cuts; /* of each rule, in this leaf; NULL: no rule presses */
	const char *selected;
	const char *
		only; /* a condition: these rows of the leaf, whatever matches them; NULL: all that a rule could match */
};

/* One condition of a rule. All of them together are what the rule asks for. */
#define CANDIDATE_CONDITIONS_MAX 16
struct candidate_condition {
	const char *key; /* of the policy: "idle_for" */
	struct buf sql;  /* the condition; what it says of NULL is no */
	struct buf
		value; /* what is compared, as text; empty: since is that, or nothing can be shown */
	/* Where only time is wanting: it holds so many seconds after that time. since is empty in other conditions. */
	struct buf since;
	int64_t after_s;
};
struct candidate_conditions {
	struct candidate_condition items[CANDIDATE_CONDITIONS_MAX];
	size_t count;
};
/* Released by candidate_conditions_release; a piece that failed has .failed set. */
void candidate_sql_conditions(struct pg *pg, const struct table_info *t,
			      const struct candidate_rule *rule, size_t number,
			      const struct candidate_sql *what, struct candidate_conditions *list);
void candidate_conditions_release(struct candidate_conditions *list);

/* Begins the read-only transaction, and gives the statements in it their values. */
bool candidate_sql_begin(struct pg *pg, const struct table_info *t, const struct candidate_rules *r,
			 struct err *e);
/* Passes a value to the statements of this transaction: COPY takes no parameters, settings do. */
bool candidate_sql_set(struct pg *pg, const char *name, const char *value, struct err *e);
/* By the snapshot of the statement that follows in this transaction. A rollback that begins after it raises the lease's
 * epoch, and what is read here cannot be deleted any more. Sets all of c but with_keep, cuts and selected. */
bool candidate_sql_look(struct pg *pg, const struct table_info *t, int64_t table_id,
			const struct candidate_rules *r, struct candidate_sql *c, struct err *e);
/* WITH ..., firn_rows AS (SELECT <selected>, CASE ... END AS firn_rule FROM leaf's rows t ...). firn_rule is the first rule
 * that matches, or -1. */
void candidate_sql_add_rows(struct pg *pg, struct buf *b, const struct table_info *t,
			    const struct leaf *leaf, int64_t table_id,
			    const struct candidate_rules *r, const struct candidate_sql *what);

/* When the row was used last, as timestamptz: created, brought back or read, of_document one of its document's; infinity
 * where it does not say when it was created. The table has a column for that. */
void candidate_sql_add_last_use(struct pg *pg, struct buf *b, const struct table_info *t,
				const struct candidate_rule *rule,
				const struct candidate_sql *what);
/* What the row takes in heap and TOAST, in bytes: 24 of tuple header, 4 of line pointer, and its columns as they are stored,
 * without reading what is out of line. */
void candidate_sql_add_bytes(struct pg *pg, struct buf *b, const struct table_info *t);
/* Nearly what it takes in COPY BINARY, without reading what is out of line. */
void candidate_sql_add_copy_bytes(struct pg *pg, struct buf *b, const struct table_info *t);
/* ", 0, 2": the archive rules before the one of that number. */
void candidate_sql_add_earlier(struct buf *b, const struct candidate_rules *r, size_t before);

/* "t.column", and the same as text. */
void candidate_sql_add_column(struct pg *pg, struct buf *b, const char *alias,
			      const struct column *c);
void candidate_sql_add_text(struct pg *pg, struct buf *b, const char *alias,
			    const struct column *c);

bool candidate_sql_any_superseded(const struct candidate_rules *r);

#endif
