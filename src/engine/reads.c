#include "engine/reads.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/heat.h"

#define DAY_S 86400

/* For how long reads must be known before the rule's heat can be told: until then those that are missing weigh too much. */
static int64_t heat_reach_s(const struct candidate_rule *rule, int64_t half_life_s)
{
	double half_lives = log2(1 / rule->heat_below);

	if (half_lives < HEAT_HALF_LIVES)
		half_lives = HEAT_HALF_LIVES;
	return (int64_t)ceil(half_lives * (double)half_life_s);
}

static int64_t needed_s(const struct candidate_rule *rule, int64_t half_life_s)
{
	int64_t idle = rule->has_idle_for ? rule->idle_for_s : 0;
	int64_t heat = rule->has_heat_below ? heat_reach_s(rule, half_life_s) : 0;

	return idle > heat ? idle : heat;
}

static bool any_rule_reads(const struct candidate_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (candidate_rule_reads(&rules->rules[i]))
			return true;
	return false;
}

static struct heat_options options_of(const struct engine_table *t,
				      const struct candidate_rules *rules)
{
	struct heat_options o = {
		.table_id = t->id,
		.half_life_s = rules->half_life_s,
		.reach_s = HEAT_HALF_LIVES * rules->half_life_s,
		.least = HEAT_LEAST,
	};

	for (size_t i = 0; i < rules->count; i++) {
		const struct candidate_rule *rule = &rules->rules[i];
		int64_t reach_s =
			needed_s(rule, rules->half_life_s) + (rule->has_idle_for ? DAY_S : 0);

		if (reach_s > o.reach_s)
			o.reach_s = reach_s;
		if (rule->has_heat_below && rule->heat_below < o.least)
			o.least = rule->heat_below;
	}
	return o;
}

static bool warn_of_stray(void *ctx, const char *name, int64_t reads, struct err *e)
{
	const struct firn *f = ctx;

	(void)e;
	log_warning(&f->log,
		    "removed %" PRId64
		    " reads that were recorded for \"%s\", which is no managed table",
		    reads, name);
	return true;
}

bool reads_check_log(struct firn *f, struct err *e)
{
	char from[32], to[32];
	bool lost = false;

	if (!heat_check_log(f->pg, &lost, from, to, e))
		return false;
	if (lost)
		log_warning(&f->log,
			    "the log of reads was lost (a crash, another server, TRUNCATE): what "
			    "was read between %s and %s is not known, and rules that ask for it "
			    "are held back; \"firn touch --complete-since\" can supply it",
			    *from ? from : "then", *to ? to : "now");
	return true;
}

static bool fold(struct firn *f, const struct engine_table *t, const struct candidate_rules *rules,
		 struct err *e)
{
	const struct heat_options o = options_of(t, rules);
	int64_t reads = 0;

	if (!reads_check_log(f, e) || !heat_fold(f->pg, &o, &reads, e) ||
	    !heat_drop_strays(f->pg, warn_of_stray, f, e))
		return false;
	if (reads > 0)
		log_info(&f->log, "folded %" PRId64 " reads of table \"%s\" into its heat", reads,
			 t->info->label);
	return true;
}

bool reads_fold(struct firn *f, const struct engine_table *t, const struct candidate_rules *rules,
		struct err *e)
{
	if (fold(f, t, rules, e))
		return true;
	if (any_rule_reads(rules))
		return false;
	log_err(&f->log, e);
	err_clear(e);
	return true;
}

static bool hold_back(struct firn *f, const struct engine_table *t, struct candidate_rule *rule,
		      const struct heat_known *known, int64_t need_s,
		      const struct reads_held_back *held, struct err *e)
{
	size_t capacity = *held->count;
	void *items = *held->items;
	struct firn_held_back *item;
	char until[32] = "";

	rule->withheld = true;
	if (known->tracked && !heat_known_until(f->pg, known->since, need_s, until, e))
		return false;
	if (known->tracked)
		log_notice(&f->log,
			   "rule \"%s\" of table \"%s\" is held back until %s: reads are known "
			   "only since %s",
			   rule->name, t->info->label, until, known->since);
	else
		log_notice(&f->log,
			   "rule \"%s\" matches nothing in table \"%s\": no read of it was ever "
			   "recorded",
			   rule->name, t->info->label);
	if (!mem_grow(&items, &capacity, *held->count + 1, sizeof(*item), e))
		return false;
	*held->items = items;
	item = &(*held->items)[(*held->count)++];
	*item = (struct firn_held_back){
		.table = mem_strdup(t->info->label, e),
		.rule = mem_strdup(rule->name, e),
		.known_since = mem_strdup(known->tracked ? known->since : NULL, e),
		.until = mem_strdup(known->tracked ? until : NULL, e),
	};
	return item->table && item->rule && (!known->tracked || (item->known_since && item->until));
}

bool reads_rules(struct firn *f, const struct engine_table *t, const struct candidate_rules *rules,
		 struct candidate_rules *out, const struct reads_held_back *held, struct err *e)
{
	struct heat_known known = { 0 };

	*out = *rules;
	out->rules = mem_new(rules->count, sizeof(*out->rules), e);
	if (!out->rules)
		return false;
	memcpy(out->rules, rules->rules, rules->count * sizeof(*out->rules));
	if (!any_rule_reads(rules))
		return true;
	if (!heat_look(f->pg, t->id, &known, e))
		return false;
	for (size_t i = 0; i < out->count; i++) {
		struct candidate_rule *rule = &out->rules[i];
		int64_t need_s = needed_s(rule, rules->half_life_s);

		if (!candidate_rule_reads(rule) ||
		    (known.tracked ? known.for_s >= need_s : !rule->has_heat_below))
			continue;
		if (!hold_back(f, t, rule, &known, need_s, held, e))
			return false;
	}
	return true;
}
