/* firn policy check: what a pass would say of the policy, before it is one. */
#include <stdlib.h>

#include "base/mem.h"
#include "engine/plan.h"

static bool list_rules(const struct policy *p, struct firn_policy_check *out, struct err *e)
{
	out->path = mem_strdup(p->path, e);
	out->rules = mem_new(p->rule_count, sizeof(*out->rules), e);
	if ((p->path && !out->path) || !out->rules)
		return false;
	for (size_t i = 0; i < p->rule_count; i++) {
		struct firn_policy_rule *r = &out->rules[out->rule_count++];

		r->name = mem_strdup(p->rules[i].name, e);
		r->line = p->rules[i].line;
		snprintf(r->action, sizeof(r->action), "%s",
			 p->rules[i].action == RULE_KEEP ? "keep" : "archive");
		if (!r->name)
			return false;
	}
	return true;
}

static bool check_table(struct firn *f, const struct table_wanted *wanted,
			const struct candidate_rules *rules, struct firn_policy_check *out,
			struct err *e)
{
	struct engine_table t;
	bool ok;

	if (!engine_table_open(f, wanted, &t, e))
		return false;
	ok = candidates_check(f->pg, t.info, rules, e);
	if (ok) {
		out->tables[out->table_count] = mem_strdup(t.info->label, e);
		ok = out->tables[out->table_count++] != NULL;
	}
	engine_table_close(&t);
	return ok;
}

static bool check_tables(struct firn *f, const struct policy *p, struct firn_policy_check *out,
			 struct err *e)
{
	struct candidate_rules rules = { 0 };
	bool ok = engine_tables_given(f, e) && plan_rules(p, f->config.heat.half_life_s, &rules, e);

	if (ok) {
		out->tables = mem_new(f->table_count, sizeof(*out->tables), e);
		ok = out->tables != NULL;
	}
	for (size_t i = 0; ok && i < f->table_count; i++)
		ok = check_table(f, &f->tables[i], &rules, out, e);
	free(rules.rules);
	return ok;
}

bool firn_policy_check(struct firn *f, int with_tables, struct firn_policy_check *out,
		       struct err *e)
{
	const struct policy *p = engine_policy(f, e);

	*out = (struct firn_policy_check){ 0 };
	return p && list_rules(p, out, e) && (!with_tables || check_tables(f, p, out, e));
}
