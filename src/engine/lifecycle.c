/* The policy's transitions as rules of the bucket, which then moves objects on by itself. */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define DAY_S 86400

static bool add_rule(struct firn_lifecycle *out, const struct rule *rule, struct err *e)
{
	struct firn_lifecycle_rule *r = &out->rules[out->rule_count++];

	r->name = mem_strdup(rule->name, e);
	r->steps = mem_new(rule->transition_count, sizeof(*r->steps), e);
	if (!r->name || !r->steps)
		return false;
	for (size_t i = 0; i < rule->transition_count; i++) {
		const struct rule_transition *t = &rule->transitions[i];

		/* The bucket counts whole days. */
		r->steps[r->step_count++] = (struct firn_lifecycle_step){
			.days = (t->after_s + DAY_S - 1) / DAY_S,
			.storage_class = mem_strdup(t->storage_class, e),
		};
		if (!r->steps[i].storage_class)
			return false;
	}
	return true;
}

bool firn_lifecycle(struct firn *f, struct firn_lifecycle *out, struct err *e)
{
	const struct policy *policy = engine_policy(f, e);
	const char *slash;

	*out = (struct firn_lifecycle){ 0 };
	if (!policy)
		return false;
	if (!str_starts_with(f->config.archive ? f->config.archive : "", "s3://"))
		return err_set(e, ERR_CONFIG, "only buckets have rules: the archive is none");
	if (!f->config.s3.object_tags) {
		err_set(e, ERR_CONFIG, "objects do not say by which rule they were archived");
		return err_hint(e, "Set s3.object_tags: true, so that segments archived from then "
				   "on have a tag; the rules of the bucket go by that.");
	}
	if (!engine_policy_has_transitions(policy))
		return err_set(e, ERR_CONFIG, "no rule of the policy has transitions");
	slash = strchr(f->config.archive + strlen("s3://"), '/');
	out->prefix = mem_strdup(slash && slash[1] ? slash + 1 : "", e);
	out->rules = mem_new(policy->rule_count, sizeof(*out->rules), e);
	if (!out->prefix || !out->rules)
		return false;
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].transition_count > 0 && !add_rule(out, &policy->rules[i], e))
			return false;
	return true;
}
