#include "engine/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/candidate_pressure.h"
#include "catalog/leaf_quiet.h"

bool plan_rules(const struct policy *p, int64_t half_life_s, struct candidate_rules *out,
		struct err *e)
{
	*out = (struct candidate_rules){
		.min_residency_s = p->limits.min_residency_s,
		.residency_of_created = p->limits.min_residency_given,
		.statement_timeout_ms = p->limits.statement_timeout_ms,
		.count = p->rule_count,
		.half_life_s = half_life_s,
		.path = p->path,
	};
	out->rules = mem_new(p->rule_count, sizeof(*out->rules), e);
	if (!out->rules)
		return false;
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct rule *r = &p->rules[i];

		out->rules[i] = (struct candidate_rule){
			.name = r->name,
			.keep = r->action == RULE_KEEP,
			.workspaces = r->workspaces,
			.workspace_count = r->workspace_count,
			.versions = r->versions,
			.version_count = r->version_count,
			.documents = r->documents,
			.document_count = r->document_count,
			.where = r->where,
			.line = r->line,
			.superseded = r->superseded,
			.require_replacement = r->require_replacement,
			.grace_s = r->superseded_grace_s,
			.has_idle_for = r->has_idle_for,
			.idle_for_s = r->idle_for_s,
			.has_age_over = r->has_age_over,
			.age_over_s = r->age_over_s,
			.has_heat_below = r->has_heat_below,
			.heat_below = r->heat_below,
			.of_document = r->of_document,
			.leaf_rows_over = r->leaf_rows_over,
			.hot_bytes_over = r->hot_bytes_over,
		};
	}
	return true;
}

struct plan_context {
	struct firn_plan_result *result;
	size_t capacity;
	const struct candidate_rules *rules;
	const char *table, *leaf;
	struct plan_leaf *sums; /* of the leaf */
};

static bool add_group(void *ctx, const struct candidate_group *g, struct err *e)
{
	struct plan_context *c = ctx;
	struct firn_plan_result *result = c->result;
	void *rows = result->rows;
	struct firn_plan_row *row;

	if (c->rules->rules[g->rule].keep) {
		result->kept_rows += g->rows;
		return true;
	}
	if (!mem_grow(&rows, &c->capacity, result->row_count + 1, sizeof(*row), e))
		return false;
	result->rows = rows;
	row = &result->rows[result->row_count++];
	*row = (struct firn_plan_row){
		.table = mem_strdup(c->table, e),
		.leaf = mem_strdup(c->leaf, e),
		.rule = mem_strdup(c->rules->rules[g->rule].name, e),
		.workspace = mem_strdup(g->workspace, e),
		.version = mem_strdup(g->version, e),
		.rows = g->rows,
		.bytes = g->bytes,
	};
	result->total_rows += g->rows;
	result->total_bytes += g->bytes;
	c->sums->rows += g->rows;
	c->sums->bytes += g->bytes;
	c->sums->copy_bytes += g->copy_bytes;
	return row->table && row->leaf && row->rule && row->workspace && row->version;
}

bool plan_table_rules(struct firn *f, const struct engine_table *t,
		      const struct candidate_rules *rules, struct candidate_rules *out,
		      const struct reads_held_back *held, struct err *e)
{
	return reads_rules(f, t, rules, out, held, e) &&
	       candidate_pressure_cut_table(f->pg, t->info, t->id, out, e);
}

/* Where nothing would move, an operator wants to know whether anything ever will. */
static bool add_waiting(struct firn *f, const struct engine_table *t,
			const struct candidate_rules *rules, struct firn_plan_result *result,
			struct err *e)
{
	for (size_t i = 0; i < t->info->leaf_count; i++) {
		char first[32];
		int64_t rows;

		if (!leaf_quiet_waiting(f->pg, t->info, &t->info->leaves[i], t->id, rules, &rows,
					first, e))
			return false;
		result->waiting_rows += rows;
		if (*first && (!*result->first_due || strcmp(first, result->first_due) < 0))
			snprintf(result->first_due, sizeof(result->first_due), "%s", first);
	}
	return true;
}

bool plan_table(struct firn *f, const struct engine_table *t, const struct candidate_rules *rules,
		struct firn_plan_result *result, struct err *e)
{
	struct plan_context c = { .result = result,
				  .capacity = result->row_count,
				  .rules = rules,
				  .table = t->info->label };
	const struct reads_held_back held = { &result->held_back, &result->held_back_count };
	struct candidate_rules own = { 0 };
	struct plan_leaf *sums = NULL;
	int64_t before = result->total_rows;
	bool ok;

	ok = engine_pg(f, e) && candidates_check(f->pg, t->info, rules, e) &&
	     plan_table_rules(f, t, rules, &own, &held, e);
	sums = mem_new(t->info->leaf_count + 1, sizeof(*sums), e);
	ok = ok && sums;
	for (size_t i = 0; ok && i < t->info->leaf_count; i++) {
		c.leaf = t->info->leaves[i].label;
		c.sums = &sums[i];
		ok = candidates_plan(f->pg, t->info, &t->info->leaves[i], t->id, &own, add_group,
				     &c, e);
	}
	ok = ok && (result->total_rows > before || add_waiting(f, t, &own, result, e)) &&
	     plan_expect(f, t, sums, &result->expected, e);
	free(sums);
	free(own.rules);
	return ok;
}

bool firn_plan(struct firn *f, const struct firn_pass_options *options,
	       struct firn_plan_result *result, struct err *e)
{
	const struct policy *policy = engine_policy(f, e);
	struct candidate_rules rules = { 0 };
	bool ok = false;

	(void)options; /* limits cut a pass short, they do not change what is due */
	*result = (struct firn_plan_result){ 0 };
	if (!policy || !engine_tables_given(f, e) || !engine_master_keys(f, e) ||
	    !plan_rules(policy, f->config.heat.half_life_s, &rules, e))
		goto out;
	for (size_t i = 0; i < f->table_count; i++) {
		struct engine_table t;

		if (!engine_table_look(f, &f->tables[i], &t, e))
			goto out;
		ok = engine_encryption_check(f, false, e) && plan_table(f, &t, &rules, result, e) &&
		     engine_expiries(f, &t, result, e);
		engine_table_close(&t);
		if (!ok)
			goto out;
	}
	ok = true;
out:
	free(rules.rules);
	return ok;
}
