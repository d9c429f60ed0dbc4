/* firn report --what-if: plans by another policy, with idle_for as it is or as others would have it, and what that risks. */
#include <stdlib.h>

#include "base/mem.h"
#include "catalog/candidate_reads.h"
#include "catalog/heat.h"
#include "engine/cost_report.h"
#include "engine/plan.h"

#define DAY_S        86400
#define WINDOW_S     (30 * (int64_t)DAY_S) /* of reads that are looked at */
#define READS_OF_ONE 2 /* requests that bring one chunk back: its segment's index, its blocks */

static bool set_idle_for(struct policy *p, int64_t idle_s)
{
	bool any = false;

	for (size_t i = 0; i < p->rule_count; i++) {
		if (!p->rules[i].has_idle_for || p->rules[i].action == RULE_KEEP)
			continue;
		p->rules[i].idle_for_s = idle_s;
		any = true;
	}
	return any;
}

/* The shortest that an archive rule asks for; 0: none does. */
static int64_t least_idle_for(const struct policy *p)
{
	int64_t least = 0;

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct rule *r = &p->rules[i];

		if (r->has_idle_for && r->action != RULE_KEEP && (!least || r->idle_for_s < least))
			least = r->idle_for_s;
	}
	return least;
}

/* Adds what would have come back of this table, scaled to a month. */
static bool add_woken(struct firn *f, const struct engine_table *t, int64_t idle_s,
		      struct firn_what_if_row *row, struct err *e)
{
	struct heat_known known;
	int64_t window = WINDOW_S, woken = 0;

	if (row->woken_rows < 0)
		return true;
	if (!heat_look(f->pg, t->id, &known, e))
		return false;
	if (known.for_s - idle_s < window)
		window = known.for_s - idle_s;
	if (!known.tracked || window < DAY_S || !table_info_column(t->info, COLUMN_CREATED)) {
		row->woken_rows = -1;
		return true;
	}
	if (!candidate_reads_woken(f->pg, t->info, t->id, f->config.heat.half_life_s, idle_s,
				   window, &woken, e))
		return false;
	row->woken_rows +=
		(int64_t)((double)woken * BILL_MONTH_DAYS * DAY_S / (double)window + 0.5);
	return true;
}

static bool try_tables(struct firn *f, const struct candidate_rules *rules, int64_t idle_s,
		       struct firn_plan_result *plan, struct firn_what_if_row *row, struct err *e)
{
	bool ok = true;

	for (size_t i = 0; ok && i < f->table_count; i++) {
		struct engine_table t;

		if (!engine_table_look(f, &f->tables[i], &t, e))
			return false;
		ok = plan_table(f, &t, rules, plan, e) && add_woken(f, &t, idle_s, row, e);
		engine_table_close(&t);
	}
	return ok;
}

static bool add_prices(struct firn *f, const struct firn_plan_result *plan,
		       struct firn_what_if_result *result, struct firn_what_if_row *row,
		       struct err *e)
{
	struct cost_report r = { .f = f };
	struct bill_class class;

	if (!f->config.prices)
		return true;
	if (!cost_load_prices(&r, e))
		return false;
	class = cost_class(&r, "");
	snprintf(result->currency, sizeof(result->currency), "%s", r.list.currency);
	if (!result->price_list)
		result->price_list = mem_strdup(r.list.name, e);
	if (row->woken_rows > 0)
		row->woken_nano = bill_read(
			&class, READS_OF_ONE * (double)row->woken_rows / 1000,
			(double)plan->total_bytes * plan->expected.stored_share /
				(double)(row->rows ? row->rows : 1) * (double)row->woken_rows);
	prices_release(&r.list);
	return result->price_list != NULL;
}

static bool try_policy(struct firn *f, const struct policy *p, struct firn_what_if_result *result,
		       struct firn_what_if_row *row, struct err *e)
{
	struct firn_plan_result plan = { 0 };
	struct candidate_rules rules = { 0 };
	int64_t idle_s = least_idle_for(p);
	bool ok;

	row->woken_rows = idle_s ? 0 : -1;
	ok = plan_rules(p, f->config.heat.half_life_s, &rules, e) &&
	     try_tables(f, &rules, idle_s, &plan, row, e);
	row->rows = plan.total_rows;
	row->bytes = plan.total_bytes;
	row->saved_nano = plan.expected.saved_nano;
	row->held_back = plan.held_back_count > 0;
	ok = ok && add_prices(f, &plan, result, row, e);
	firn_plan_result_release(&plan);
	free(rules.rules);
	return ok;
}

static void recommend(struct firn_what_if_result *result)
{
	int64_t most = 0;

	result->recommended = -1;
	for (size_t i = 0; i < result->row_count; i++) {
		const struct firn_what_if_row *r = &result->rows[i];

		/* What it would cost in rows that come back is half of the question. */
		if (r->held_back || r->woken_rows < 0 || r->saved_nano - r->woken_nano <= most)
			continue;
		most = r->saved_nano - r->woken_nano;
		result->recommended = (int)i;
	}
}

bool firn_what_if(struct firn *f, const char *policy, const int64_t *at_s, size_t at_count,
		  struct firn_what_if_result *result, struct err *e)
{
	struct policy p = { 0 };
	size_t count = at_count ? at_count : 1;
	bool ok;

	*result = (struct firn_what_if_result){ .recommended = -1 };
	if (!engine_tables_given(f, e) || !engine_pg(f, e) || !policy_load(&p, policy, e))
		return false;
	result->policy = mem_strdup(policy, e);
	result->rows = mem_new(count, sizeof(*result->rows), e);
	ok = result->policy && result->rows;
	for (size_t i = 0; ok && i < count; i++) {
		struct firn_what_if_row *row = &result->rows[result->row_count++];

		row->idle_s = at_count ? at_s[i] : 0;
		if (at_count && !set_idle_for(&p, at_s[i])) {
			ok = err_set(e, ERR_USAGE, "policy \"%s\" has no rule with idle_for",
				     policy);
			err_hint(e, "--at says what to try in its place: leave it out.");
		}
		ok = ok && try_policy(f, &p, result, row, e);
	}
	if (ok)
		recommend(result);
	policy_release(&p);
	return ok;
}
