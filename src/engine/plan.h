/* Policies turned into candidates: shared by plan and pass. */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "catalog/candidates.h"
#include "engine/engine.h"
#include "engine/reads.h"

/* The policy's rules as the catalog layer takes them; strings stay the policy's. Release with free(out->rules). */
bool plan_rules(const struct policy *p, int64_t half_life_s, struct candidate_rules *out,
		struct err *e);

/* The rules as they hold for this table now: those that ask for reads that are not known are held back (reads.h), those with
 * hot_bytes_over know how far they reach. Release with free(out->rules), also after a failure. */
bool plan_table_rules(struct firn *f, const struct engine_table *t,
		      const struct candidate_rules *rules, struct candidate_rules *out,
		      const struct reads_held_back *held, struct err *e);

/* Of one leaf, what a plan would move. */
struct plan_leaf {
	int64_t rows, bytes, copy_bytes;
};
/* Adds what moving these (one for each leaf) would bring and take (plan_expect.c). */
bool plan_expect(struct firn *f, const struct engine_table *t, const struct plan_leaf *leaves,
		 struct firn_plan_expectation *out, struct err *e);

/* Appends what would move of this table to result. */
bool plan_table(struct firn *f, const struct engine_table *t, const struct candidate_rules *rules,
		struct firn_plan_result *result, struct err *e);

#endif
