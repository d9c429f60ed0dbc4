/*
 * "where" of a rule: an SQL expression over the columns of the managed table, in the operator's words. Names in it are
 * looked up in the role's own search_path; subqueries may read other tables.
 *
 * What it may be is for the server to say, before anything runs: the server must take it for a single boolean expression
 * without aggregates, and none of the functions that it names may be VOLATILE: those could write, or say one thing
 * of a row now and another later. It is evaluated only in READ ONLY transactions, those that look for candidates. The
 * deleting transaction deletes only the very tuples that were judged there, and does not judge them again.
 */
#ifndef CATALOG_CANDIDATE_WHERE_H
#define CATALOG_CANDIDATE_WHERE_H

#include "catalog/candidates.h"

/* ERR_CONFIG names file, line, rule and what the server said. Needs to be allowed temporary objects; leaves none. No
 * transaction may be open. */
bool candidate_where_check(struct pg *pg, const struct table_info *t,
			   const struct candidate_rules *r, const struct candidate_rule *rule,
			   struct err *e);

/* What the rules are tried on, in a FROM: the leaf's rows as t, and what each "where" says of them. */
void candidate_where_add_rows(struct buf *b, const struct leaf *leaf,
			      const struct candidate_rules *r);
/* " AND ..." for the rule of that number, over those rows. */
void candidate_where_add_condition(struct buf *b, size_t rule);

#endif
