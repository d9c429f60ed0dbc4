/* What is known of reads, for a pass or a plan: folding them into heat, and holding back rules that ask for more. */
#ifndef ENGINE_READS_H
#define ENGINE_READS_H

#include "catalog/candidates.h"
#include "engine/engine.h"

/* At the start of a pass, under the table's lease. Where no rule asks for reads a failure is logged, not returned. */
bool reads_fold(struct firn *f, const struct engine_table *t, const struct candidate_rules *rules,
		struct err *e);

/* Finds out whether the log of reads was lost, and warns if so. */
bool reads_check_log(struct firn *f, struct err *e);

/* The rules as they hold for this table now: withheld is set where what a rule asks of reads is not known; these are
 * appended to list, and told as notices. Release with free(out->rules). */
struct reads_held_back {
	struct firn_held_back **items;
	size_t *count;
};
bool reads_rules(struct firn *f, const struct engine_table *t, const struct candidate_rules *rules,
		 struct candidate_rules *out, const struct reads_held_back *held, struct err *e);

/* Of a list that reads_rules filled (result.c). */
void engine_release_held_back(struct firn_held_back *items, size_t count);

#endif
