/*
 * Why rows would move, or stay: what each condition of each rule says of them, by the same SQL that finds candidates.
 */
#ifndef CATALOG_CANDIDATE_EXPLAIN_H
#define CATALOG_CANDIDATE_EXPLAIN_H

#include "catalog/candidates.h"

struct explained_condition {
	const char *key;
	bool holds;
	const char *value; /* what was compared; NULL: nothing to show */
	const char *
		due; /* holds from then on, ISO 8601 UTC, where only time is wanting; NULL: no matter of time */
};

struct explained_rule {
	const struct explained_condition *conditions;
	size_t count;
};

/* Texts are NULL where the table has no such column, or the row no value. */
struct explained_row {
	const char *workspace, *document, *version, *created;
	const char *last_use;       /* created, rehydrated or read */
	const char *heat;           /* NULL: no rule asks for reads */
	const char *resident_until; /* min_residency keeps it until then; NULL: it does not */
	bool returning;             /* a rollback is going back to its version */
	int64_t bytes;
	int rule; /* the first that matches; -1: none */
	const struct explained_rule *rules;
};

/* Rows of the leaf with that chunk id, in a read-only transaction of its own. Everything visited is valid during the visit. */
bool candidate_explain_chunk(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			     int64_t table_id, const struct candidate_rules *r, const char *id,
			     bool (*visit)(void *ctx, const struct explained_row *row,
					   struct err *e),
			     void *ctx, struct err *e);

/* Rows and bytes of the leaf by the rule that matches first (-1: none), of one workspace or document. */
bool candidate_explain_sums(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
			    int64_t table_id, const struct candidate_rules *r,
			    enum column_role role, const char *value,
			    bool (*visit)(void *ctx, int rule, int64_t rows, int64_t bytes,
					  struct err *e),
			    void *ctx, struct err *e);

#endif
