/* Releasing what calls of the public API filled. */
#include <stdlib.h>

#include "firn/firn.h"

void firn_init_result_release(struct firn_init_result *r)
{
	for (size_t i = 0; i < r->table_count; i++) {
		struct firn_table_info *t = &r->tables[i];

		for (size_t c = 0; c < t->check_count; c++) {
			free(t->checks[c].message);
			free(t->checks[c].hint);
		}
		free(t->checks);
		free(t->columns);
		free(t->table);
	}
	free(r->tables);
	free(r->archive);
	*r = (struct firn_init_result){ 0 };
}

static void release_explained(struct firn_explain_chunk *c)
{
	for (size_t i = 0; i < c->rule_count; i++) {
		struct firn_explain_rule *r = &c->rules[i];

		for (size_t k = 0; k < r->condition_count; k++) {
			free(r->conditions[k].key);
			free(r->conditions[k].value);
			free(r->conditions[k].due);
		}
		free(r->conditions);
		free(r->name);
		free(r->due);
	}
	free(c->rules);
	free(c->table);
	free(c->leaf);
	free(c->workspace);
	free(c->document);
	free(c->version);
	free(c->created);
	free(c->last_use);
	free(c->heat);
	free(c->resident_until);
	free(c->verdict);
	free(c->moves_at);
}

void firn_explain_result_release(struct firn_explain_result *r)
{
	free(r->no_decisions);
	for (size_t i = 0; i < r->chunk_count; i++)
		release_explained(&r->chunks[i]);
	for (size_t i = 0; i < r->sum_count; i++) {
		free(r->sums[i].table);
		free(r->sums[i].rule);
	}
	for (size_t i = 0; i < r->segment_count; i++) {
		free(r->segments[i].table);
		free(r->segments[i].rule);
		free(r->segments[i].object);
		free(r->segments[i].storage_class);
	}
	for (size_t i = 0; i < r->decision_count; i++) {
		free(r->decisions[i].leaf);
		free(r->decisions[i].rule);
		free(r->decisions[i].decision);
		free(r->decisions[i].reason);
	}
	free(r->decisions);
	free(r->price_list);
	free(r->chunks);
	free(r->sums);
	free(r->segments);
	*r = (struct firn_explain_result){ 0 };
}

void firn_policy_check_release(struct firn_policy_check *c)
{
	for (size_t i = 0; i < c->rule_count; i++)
		free(c->rules[i].name);
	for (size_t i = 0; i < c->table_count; i++)
		free(c->tables[i]);
	free(c->rules);
	free(c->tables);
	free(c->path);
	*c = (struct firn_policy_check){ 0 };
}

void engine_release_held_back(struct firn_held_back *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(items[i].table);
		free(items[i].rule);
		free(items[i].known_since);
		free(items[i].until);
	}
	free(items);
}

void firn_plan_result_release(struct firn_plan_result *r)
{
	for (size_t i = 0; i < r->row_count; i++) {
		struct firn_plan_row *row = &r->rows[i];

		free(row->table);
		free(row->leaf);
		free(row->rule);
		free(row->workspace);
		free(row->version);
	}
	for (size_t i = 0; i < r->expiry_count; i++) {
		free(r->expiries[i].table);
		free(r->expiries[i].rule);
	}
	free(r->expected.price_list);
	free(r->expiries);
	free(r->rows);
	engine_release_held_back(r->held_back, r->held_back_count);
	*r = (struct firn_plan_result){ 0 };
}

static void release_steps(struct firn_maintain_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(steps[i].table);
		free(steps[i].leaf);
		free(steps[i].index);
		free(steps[i].reason);
	}
	free(steps);
}

void firn_maintain_result_release(struct firn_maintain_result *r)
{
	release_steps(r->steps, r->step_count);
	*r = (struct firn_maintain_result){ 0 };
}

void firn_pass_result_release(struct firn_pass_result *r)
{
	free(r->stop_reason);
	firn_plan_result_release(&r->plan);
	firn_maintain_result_release(&r->maintain);
	engine_release_held_back(r->held_back, r->held_back_count);
	*r = (struct firn_pass_result){ 0 };
}

void firn_touch_result_release(struct firn_touch_result *r)
{
	free(r->table);
	free(r->known_since);
	*r = (struct firn_touch_result){ 0 };
}

void firn_rehydrate_result_release(struct firn_rehydrate_result *r)
{
	for (size_t i = 0; i < r->note_count; i++)
		free(r->notes[i]);
	free(r->notes);
	firn_maintain_result_release(&r->maintain);
	*r = (struct firn_rehydrate_result){ 0 };
}

static void release_status_rows(struct firn_status_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(rows[i].table);
		free(rows[i].leaf);
		free(rows[i].workspace);
		free(rows[i].version);
	}
	free(rows);
}

void firn_status_result_release(struct firn_status_result *r)
{
	release_status_rows(r->tables, r->table_count);
	release_status_rows(r->leaves, r->leaf_count);
	release_status_rows(r->workspaces, r->workspace_count);
	free(r->last_pass_at);
	free(r->last_pass_outcome);
	*r = (struct firn_status_result){ 0 };
}

void firn_verify_result_release(struct firn_verify_result *r)
{
	for (size_t i = 0; i < r->problem_count; i++) {
		free(r->problems[i].object);
		free(r->problems[i].message);
	}
	free(r->problems);
	*r = (struct firn_verify_result){ 0 };
}

void firn_transition_result_release(struct firn_transition_result *r)
{
	for (size_t i = 0; i < r->row_count; i++) {
		free(r->rows[i].table);
		free(r->rows[i].rule);
		free(r->rows[i].from);
		free(r->rows[i].to);
		free(r->rows[i].reason);
	}
	free(r->rows);
	*r = (struct firn_transition_result){ 0 };
}

void firn_lifecycle_release(struct firn_lifecycle *l)
{
	for (size_t i = 0; i < l->rule_count; i++) {
		for (size_t s = 0; s < l->rules[i].step_count; s++)
			free(l->rules[i].steps[s].storage_class);
		free(l->rules[i].steps);
		free(l->rules[i].name);
	}
	free(l->rules);
	free(l->prefix);
	*l = (struct firn_lifecycle){ 0 };
}

void firn_forget_result_release(struct firn_forget_result *r)
{
	free(r->table);
	free(r->workspace);
	free(r->refused);
	*r = (struct firn_forget_result){ 0 };
}

void firn_gc_result_release(struct firn_gc_result *r)
{
	for (size_t i = 0; i < r->item_count; i++) {
		free(r->items[i].object);
		free(r->items[i].reason);
	}
	free(r->items);
	*r = (struct firn_gc_result){ 0 };
}

static void report_rows_free(struct firn_report_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(rows[i].table);
		free(rows[i].leaf);
		free(rows[i].workspace);
		free(rows[i].version);
		free(rows[i].storage_class);
	}
	free(rows);
}

void firn_report_result_release(struct firn_report_result *r)
{
	report_rows_free(r->rows, r->row_count);
	report_rows_free(r->tenants, r->tenant_count);
	for (size_t i = 0; i < r->cut_count; i++)
		free(r->cuts[i].rule);
	for (size_t i = 0; i < r->formula_count; i++) {
		free(r->formulas[i].figure);
		free(r->formulas[i].formula);
	}
	for (size_t i = 0; i < r->pass_count; i++) {
		free(r->passes[i].table);
		free(r->passes[i].started_at);
		free(r->passes[i].outcome);
	}
	for (size_t i = 0; i < r->reclaimable_count; i++) {
		free(r->reclaimable[i].table);
		free(r->reclaimable[i].leaf);
	}
	for (size_t i = 0; i < r->request_count; i++) {
		free(r->requests[i].kind);
		free(r->requests[i].storage_class);
	}
	free(r->formulas);
	free(r->days);
	free(r->passes);
	free(r->heat);
	free(r->cuts);
	free(r->reclaimable);
	free(r->requests);
	free(r->request_totals);
	free(r->price_list);
	free(r->price_list_date);
	*r = (struct firn_report_result){ 0 };
}

void firn_what_if_result_release(struct firn_what_if_result *r)
{
	free(r->policy);
	free(r->price_list);
	free(r->rows);
	*r = (struct firn_what_if_result){ 0 };
}

void firn_partitions_status_release(struct firn_partitions_status *r)
{
	for (size_t i = 0; i < r->table_count; i++) {
		free(r->tables[i].table);
		free(r->tables[i].strategy);
		free(r->tables[i].key);
		free(r->tables[i].split_phase);
		free(r->tables[i].split_old_table);
	}
	for (size_t i = 0; i < r->leaf_count; i++) {
		free(r->leaves[i].table);
		free(r->leaves[i].leaf);
		free(r->leaves[i].bound);
	}
	free(r->tables);
	free(r->leaves);
	*r = (struct firn_partitions_status){ 0 };
}

void firn_partitions_advice_release(struct firn_partitions_advice *r)
{
	for (size_t i = 0; i < r->table_count; i++) {
		free(r->tables[i].table);
		free(r->tables[i].strategy);
		for (size_t n = 0; n < r->tables[i].reason_count; n++)
			free(r->tables[i].reasons[n]);
		free(r->tables[i].reasons);
	}
	free(r->tables);
	*r = (struct firn_partitions_advice){ 0 };
}

void firn_partitions_made_release(struct firn_partitions_made *r)
{
	for (size_t i = 0; i < r->leaf_count; i++) {
		free(r->leaves[i].table);
		free(r->leaves[i].leaf);
	}
	free(r->leaves);
	*r = (struct firn_partitions_made){ 0 };
}

void firn_indexes_made_release(struct firn_indexes_made *r)
{
	release_steps(r->steps, r->step_count);
	*r = (struct firn_indexes_made){ 0 };
}

void firn_indexes_status_release(struct firn_indexes_status *r)
{
	for (size_t i = 0; i < r->index_count; i++) {
		struct firn_index *ix = &r->indexes[i];

		free(ix->table);
		free(ix->leaf);
		free(ix->index);
		free(ix->key);
		free(ix->opclass);
		free(ix->predicate);
		free(ix->rebuilt_at);
	}
	free(r->indexes);
	*r = (struct firn_indexes_status){ 0 };
}

void firn_indexes_probe_release(struct firn_indexes_probe *r)
{
	for (size_t i = 0; i < r->probe_count; i++) {
		free(r->probes[i].table);
		free(r->probes[i].leaf);
		free(r->probes[i].index);
		free(r->probes[i].opclass);
		free(r->probes[i].note);
	}
	free(r->probes);
	*r = (struct firn_indexes_probe){ 0 };
}

void firn_split_result_release(struct firn_split_result *r)
{
	free(r->table);
	free(r->old_table);
	for (size_t n = 0; n < r->note_count; n++)
		free(r->notes[n]);
	free(r->notes);
	*r = (struct firn_split_result){ 0 };
}

void firn_versions_status_release(struct firn_versions_status *r)
{
	for (size_t i = 0; i < r->workspace_count; i++) {
		struct firn_version_workspace *w = &r->workspaces[i];

		free(w->table);
		free(w->workspace);
		free(w->active);
		free(w->target);
		free(w->since);
		free(w->rollback_to);
		free(w->rollback_began);
		for (size_t v = 0; v < w->version_count; v++)
			free(w->versions[v].version);
		free(w->versions);
	}
	free(r->workspaces);
	*r = (struct firn_versions_status){ 0 };
}

void firn_version_result_release(struct firn_version_result *r)
{
	free(r->table);
	free(r->workspace);
	free(r->from);
	free(r->to);
	for (size_t i = 0; i < r->note_count; i++)
		free(r->notes[i]);
	free(r->notes);
	firn_maintain_result_release(&r->maintain);
	*r = (struct firn_version_result){ 0 };
}
