/*
 * Rules that press: leaf_rows_over and hot_bytes_over take no more rows than the leaf or the table has too many, the coldest
 * first. Which these are is found once, as a cut: rows that match the rest of the rule and were used last before it, or
 * then and lie before its tuple, match the rule; the others are for the rules after it.
 *
 * What is too much: rows of the leaf, or bytes of the table's rows in heap and TOAST, that are over the rule's number
 * when all that earlier archive rules match is gone. Cost: the leaf's or the table's heap is read up to three times, and
 * 40 bytes or so a matching row are sorted; no TOAST is read.
 */
#ifndef CATALOG_CANDIDATE_PRESSURE_H
#define CATALOG_CANDIDATE_PRESSURE_H

#include "catalog/candidates.h"

struct candidate_sql;

/* Finds the cuts of rules with hot_bytes_over, in a transaction of its own, and puts them into the rules. */
bool candidate_pressure_cut_table(struct pg *pg, const struct table_info *t, int64_t table_id,
				  struct candidate_rules *r, struct err *e);

/* In the open transaction of candidate_sql_begin: cuts, of as many as there are rules, for this leaf. */
bool candidate_pressure_cut_leaf(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
				 int64_t table_id, const struct candidate_rules *r,
				 const struct candidate_sql *what, struct candidate_cut *cuts,
				 struct err *e);

/* Whether any rule presses: otherwise there are no cuts. */
bool candidate_pressure_any(const struct candidate_rules *r);

/* " AND ...": the row lies before the cut. */
void candidate_pressure_add_condition(struct pg *pg, struct buf *b, const struct table_info *t,
				      const struct candidate_rule *rule,
				      const struct candidate_cut *cut,
				      const struct candidate_sql *what);

#endif
