/* firn explain: where a chunk is, and what each rule says of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "base/money.h"
#include "base/storage_class.h"
#include "base/str.h"
#include "catalog/candidate_explain.h"
#include "catalog/pass_log.h"
#include "engine/cost_report.h"
#include "engine/plan.h"
#include "engine/selection.h"
#include "segment/segment.h"

struct explain {
	struct firn *f;
	const struct policy *policy;
	const struct firn_explain_options *options;
	struct firn_explain_result *result;
	size_t chunk_capacity, sum_capacity, segment_capacity, decision_capacity;
	struct engine_table table;
	const struct leaf *leaf;
	struct cost_report money;
};

/* Copies a text that may be NULL. */
static bool copy(const char *text, char **out, struct err *e)
{
	*out = mem_strdup(text, e);
	return *out || !text;
}

static const char *action_of(const struct rule *r)
{
	return r->action == RULE_KEEP ? "keep" : "archive";
}

/* ---- hot ---- */

static const char *later(const char *a, const char *b)
{
	if (!a || !b)
		return a ? a : b;
	return strcmp(a, b) > 0 ? a : b;
}

static bool add_rule(struct firn_explain_rule *out, const struct rule *rule,
		     const struct explained_rule *said, struct err *e)
{
	const char *due = NULL;
	bool by_time = true;

	out->matches = 1;
	snprintf(out->action, sizeof(out->action), "%s", action_of(rule));
	out->conditions = mem_new(said->count + 1, sizeof(*out->conditions), e);
	if (!out->conditions || !copy(rule->name, &out->name, e))
		return false;
	for (size_t i = 0; i < said->count; i++) {
		const struct explained_condition *c = &said->conditions[i];
		struct firn_explain_condition *to = &out->conditions[out->condition_count++];

		to->holds = c->holds;
		out->matches &= c->holds;
		by_time &= c->holds || c->due;
		due = later(due, c->due);
		if (!copy(c->key, &to->key, e) || !copy(c->value, &to->value, e) ||
		    !copy(c->due, &to->due, e))
			return false;
	}
	return copy(by_time && !out->matches ? due : NULL, &out->due, e);
}

/* The earliest at which a rule that archives matches, unless one that keeps does so before it in the policy. */
static const char *moves_at(const struct firn_explain_chunk *c)
{
	const char *first = NULL;

	for (size_t i = 0; i < c->rule_count; i++) {
		const struct firn_explain_rule *r = &c->rules[i];

		if (str_eq(r->action, "keep") && r->matches)
			break;
		if (str_eq(r->action, "archive") && r->due && (!first || strcmp(r->due, first) < 0))
			first = r->due;
	}
	return later(first, first ? c->resident_until : NULL);
}

static bool add_chunk(void *ctx, const struct explained_row *row, struct err *e)
{
	struct explain *x = ctx;
	struct firn_explain_result *result = x->result;
	void *chunks = result->chunks;
	struct firn_explain_chunk *c;

	if (!mem_grow(&chunks, &x->chunk_capacity, result->chunk_count + 1, sizeof(*c), e))
		return false;
	result->chunks = chunks;
	c = &result->chunks[result->chunk_count++];
	*c = (struct firn_explain_chunk){ .returning = row->returning, .bytes = row->bytes };
	c->rules = mem_new(x->policy->rule_count, sizeof(*c->rules), e);
	if (!c->rules || !copy(x->table.info->label, &c->table, e) ||
	    !copy(x->leaf->label, &c->leaf, e) || !copy(row->workspace, &c->workspace, e) ||
	    !copy(row->document, &c->document, e) || !copy(row->version, &c->version, e) ||
	    !copy(row->created, &c->created, e) || !copy(row->last_use, &c->last_use, e) ||
	    !copy(row->heat, &c->heat, e) || !copy(row->resident_until, &c->resident_until, e) ||
	    !copy(row->rule >= 0 ? x->policy->rules[row->rule].name : NULL, &c->verdict, e))
		return false;
	for (size_t i = 0; i < x->policy->rule_count; i++) {
		c->rule_count++;
		if (!add_rule(&c->rules[i], &x->policy->rules[i], &row->rules[i], e))
			return false;
	}
	return copy(c->verdict || c->returning ? NULL : moves_at(c), &c->moves_at, e);
}

static bool add_sum(void *ctx, int number, int64_t rows, int64_t bytes, struct err *e)
{
	struct explain *x = ctx;
	const struct rule *rule = number >= 0 ? &x->policy->rules[number] : NULL;
	struct firn_explain_result *result = x->result;
	void *sums = result->sums;
	struct firn_explain_sum *s;

	for (size_t i = 0; i < result->sum_count; i++) {
		s = &result->sums[i];
		if (str_eq(s->table, x->table.info->label) &&
		    str_eq(s->rule, rule ? rule->name : NULL)) {
			s->rows += rows;
			s->bytes += bytes;
			return true;
		}
	}
	if (!mem_grow(&sums, &x->sum_capacity, result->sum_count + 1, sizeof(*s), e))
		return false;
	result->sums = sums;
	s = &result->sums[result->sum_count++];
	*s = (struct firn_explain_sum){ .rows = rows, .bytes = bytes };
	if (rule)
		snprintf(s->action, sizeof(s->action), "%s", action_of(rule));
	return copy(x->table.info->label, &s->table, e) &&
	       copy(rule ? rule->name : NULL, &s->rule, e);
}

/* As plans of one row each, where there are prices. */
static bool add_savings(struct explain *x, size_t from, struct err *e)
{
	const struct table_info *t = x->table.info;
	struct plan_leaf *leaves = mem_new(t->leaf_count, sizeof(*leaves), e);
	bool ok = leaves != NULL;

	for (size_t i = from; ok && x->f->config.prices && i < x->result->chunk_count; i++) {
		struct firn_explain_chunk *c = &x->result->chunks[i];
		struct firn_plan_expectation expected = { 0 };

		for (size_t l = 0; l < t->leaf_count; l++)
			leaves[l] = str_eq(t->leaves[l].label, c->leaf)
					    ? (struct plan_leaf){ 1, c->bytes, c->bytes }
					    : (struct plan_leaf){ 0 };
		ok = plan_expect(x->f, &x->table, leaves, &expected, e);
		c->saved_nano = expected.saved_nano;
		free(expected.price_list);
	}
	free(leaves);
	return ok;
}

static bool look_at_hot(struct explain *x, const struct selection *names,
			const struct candidate_rules *rules, struct err *e)
{
	const struct firn_explain_options *o = x->options;
	const struct table_info *t = x->table.info;
	struct pg *pg = x->f->pg;
	bool ok = true;

	for (size_t i = 0; ok && i < t->leaf_count; i++) {
		x->leaf = &t->leaves[i];
		if (o->chunk)
			ok = candidate_explain_chunk(pg, t, x->leaf, x->table.id, rules,
						     names->chunks.texts[0], add_chunk, x, e);
		else
			ok = candidate_explain_sums(pg, t, x->leaf, x->table.id, rules,
						    o->document ? COLUMN_DOCUMENT
								: COLUMN_WORKSPACE,
						    o->document ? names->documents.texts[0]
								: names->workspaces.texts[0],
						    add_sum, x, e);
	}
	return ok;
}

/* ---- cold ---- */

/* Which rows of a segment are asked for, and what reading them takes. */
struct cold {
	int64_t rows, blocks, first_block, bytes;
};

/* The index object, each run of blocks (taken for one), and a restore where that comes first. */
static int64_t cost_of_reading(struct explain *x, const struct segment_record *s,
			       const struct cold *c)
{
	struct bill_class class = cost_class(&x->money, s->storage_class), plain;
	int64_t gets = c->blocks > 0 ? c->blocks : 1;

	if (!x->f->config.prices)
		return 0;
	plain = cost_class(&x->money, "");
	return bill_read(&class, (double)gets / 1000, (double)c->bytes) +
	       money_times(1.0 / 1000, plain.get_nano) +
	       (storage_class_is_frozen(s->storage_class)
			? money_times(1.0 / 1000, class.restore_nano)
			: 0);
}

static bool add_segment(struct explain *x, const struct segment_record *s, const struct cold *cold,
			struct err *e)
{
	int64_t rows = cold->rows;
	const struct storage_class *class = storage_class_find(s->storage_class);
	struct firn_explain_result *result = x->result;
	void *segments = result->segments;
	struct firn_explain_segment *to;

	result->cold_rows += rows;
	if (!mem_grow(&segments, &x->segment_capacity, result->segment_count + 1, sizeof(*to), e))
		return false;
	result->segments = segments;
	to = &result->segments[result->segment_count++];
	*to = (struct firn_explain_segment){
		.segment = s->id,
		.rows = rows,
		.rows_of_segment = s->rows_live,
		.bytes = s->bytes,
		.archived_s = s->created_age_s,
		.blocks = cold->blocks,
		.first_block = cold->first_block,
		.block_bytes = cold->bytes,
		.back_nano = cost_of_reading(x, s, cold),
		.frozen = storage_class_is_frozen(s->storage_class),
		.restore_h = class ? class->standard_h : 0,
	};
	return copy(s->table, &to->table, e) && copy(s->rule, &to->rule, e) &&
	       copy(s->object_key, &to->object, e) &&
	       copy(*s->storage_class ? s->storage_class : "STANDARD", &to->storage_class, e);
}

/* Of documents and chunks the segment's index knows, by hash: "firn rehydrate" decides on the rows themselves. */
static bool rows_in(struct explain *x, const struct segment_record *s,
		    const struct selection *names, struct cold *cold, struct err *e)
{
	struct bitmap *dead = segment_record_dead(s, e), *found = bitmap_new(e);
	struct segment_index *index = dead && found ? engine_segment_index(x->f, s, NULL, e) : NULL;
	bool ok = index && selection_rows(names, index, dead, found, e);

	for (uint32_t i = 0; ok && i < segment_index_block_count(index); i++) {
		struct segment_block b = segment_index_block(index, i);
		uint64_t rows = bitmap_count_range(found, b.first_row, b.first_row + b.rows);

		if (rows == 0)
			continue;
		if (cold->blocks++ == 0)
			cold->first_block = i;
		cold->rows += (int64_t)rows;
		cold->bytes += (int64_t)b.bytes;
	}
	segment_index_free(index);
	bitmap_free(found);
	bitmap_free(dead);
	return ok;
}

static bool rows_of_workspace(struct explain *x, const struct segment_record *s,
			      const char *workspace, struct cold *cold, struct err *e)
{
	struct segment_group_row *groups = NULL;
	size_t count = 0;
	bool ok = catalog_segment_groups(x->f->pg, s->id, &groups, &count, e);

	for (size_t i = 0; ok && i < count; i++)
		if (str_eq(groups[i].workspace, workspace) && groups[i].rows_live > 0) {
			cold->rows += groups[i].rows_live;
			cold->bytes += groups[i].bytes;
		}
	segment_groups_free(groups, count);
	return ok;
}

static bool look_at_cold(struct explain *x, const struct selection *names, struct err *e)
{
	struct segment_list list = { 0 };
	bool ok =
		catalog_segments(x->f->pg,
				 &(struct segment_filter){
					 .table_id = x->table.id,
					 .states[SEGMENT_ACTIVE] = true,
					 .workspaces = (const char *const *)names->workspaces.texts,
					 .workspace_count = names->workspaces.count,
				 },
				 &list, e);

	for (size_t i = 0; ok && i < list.count; i++) {
		struct cold cold = { 0 };

		ok = x->options->workspace ? rows_of_workspace(x, &list.items[i],
							       names->workspaces.texts[0], &cold, e)
					   : rows_in(x, &list.items[i], names, &cold, e);
		if (ok && cold.rows > 0)
			ok = add_segment(x, &list.items[i], &cold, e);
	}
	segment_list_release(&list);
	return ok;
}

static bool explain_table(struct explain *x, const struct table_wanted *wanted,
			  const struct candidate_rules *rules, struct err *e)
{
	const struct firn_explain_options *o = x->options;
	const struct firn_rehydrate_options asked = {
		.workspaces = &o->workspace,
		.workspace_count = o->workspace != NULL,
		.documents = &o->document,
		.document_count = o->document != NULL,
		.chunks = &o->chunk,
		.chunk_count = o->chunk != NULL,
	};
	struct firn_held_back *held_items = NULL;
	size_t held_count = 0;
	const struct reads_held_back held = { &held_items, &held_count };
	struct candidate_rules own = { 0 };
	struct selection names = { 0 };
	size_t from = x->result->chunk_count;
	bool ok;

	ok = engine_table_look(x->f, wanted, &x->table, e) &&
	     selection_resolve(x->f->pg, x->table.info, &asked, &names, e) &&
	     candidates_check(x->f->pg, x->table.info, rules, e) &&
	     plan_table_rules(x->f, &x->table, rules, &own, &held, e) &&
	     look_at_hot(x, &names, &own, e) && add_savings(x, from, e) &&
	     look_at_cold(x, &names, e);
	free(own.rules);
	engine_release_held_back(held_items, held_count);
	selection_release(&names);
	engine_table_close(&x->table);
	return ok;
}

/* ---- passes ---- */

static bool add_decision(void *ctx, const struct pass_decision *d, struct err *e)
{
	struct explain *x = ctx;
	struct firn_explain_result *result = x->result;
	void *decisions = result->decisions;
	struct firn_explain_decision *to;

	if (!mem_grow(&decisions, &x->decision_capacity, result->decision_count + 1, sizeof(*to),
		      e))
		return false;
	result->decisions = decisions;
	to = &result->decisions[result->decision_count++];
	*to = (struct firn_explain_decision){
		.times = d->times, .rows = d->rows, .bytes = d->bytes, .seconds = d->seconds
	};
	return copy(d->leaf, &to->leaf, e) && copy(d->rule, &to->rule, e) &&
	       copy(d->decision, &to->decision, e) && copy(d->reason, &to->reason, e);
}

static bool explain_emptiness(struct explain *x, struct err *e)
{
	static const char *const why[] = {
		[PASS_LOG_NOTHING_DUE] = "nothing was due",
		[PASS_LOG_UNFINISHED] =
			"it is at work, or died before it wrote down what it decided",
		[PASS_LOG_FAILED] = "it died, or failed, and what it decided is not known",
		[PASS_LOG_FORGOTTEN] = "what it decided is no longer known",
	};
	enum pass_log_empty reason;

	return pass_log_why_empty(x->f->pg, x->result->pass, x->f->config.gc.pass_log_s, &reason,
				  e) &&
	       copy(why[reason], &x->result->no_decisions, e);
}

static bool explain_pass(struct explain *x, struct err *e)
{
	int64_t wanted = x->options->pass, table_id = 0;
	bool ok = true;

	if (wanted < 0 && x->f->table_count == 1) {
		ok = engine_table_look(x->f, &x->f->tables[0], &x->table, e);
		table_id = x->table.id;
		engine_table_close(&x->table);
	}
	if (!ok || !engine_pg(x->f, e) ||
	    !pass_log_read(x->f->pg, table_id, wanted > 0 ? wanted : 0, &x->result->pass,
			   add_decision, x, e))
		return false;
	if (x->result->pass > 0)
		return x->result->decision_count > 0 || explain_emptiness(x, e);
	if (wanted > 0)
		err_set(e, ERR_CONFIG, "there is no pass %" PRId64, wanted);
	else
		err_set(e, ERR_CONFIG, "there was no pass yet");
	return false;
}

bool firn_explain(struct firn *f, const struct firn_explain_options *options,
		  struct firn_explain_result *result, struct err *e)
{
	struct explain x = {
		.f = f, .policy = engine_policy(f, e), .options = options, .result = result
	};
	struct candidate_rules rules = { 0 };
	bool ok = x.policy != NULL;

	*result = (struct firn_explain_result){ 0 };
	if (ok &&
	    !options->chunk + !options->document + !options->workspace + !options->pass != 3) {
		err_set(e, ERR_USAGE,
			"explain takes one of --chunk, --document, --workspace and --pass");
		return err_hint(e, "For example \"firn explain --chunk ID\".");
	}
	if (ok && options->pass)
		return explain_pass(&x, e);
	ok = ok && engine_tables_given(f, e) && engine_master_keys(f, e) &&
	     plan_rules(x.policy, f->config.heat.half_life_s, &rules, e);
	x.money.f = f;
	ok = ok && cost_load_prices(&x.money, e);
	if (ok && f->config.prices) {
		snprintf(result->currency, sizeof(result->currency), "%s", x.money.list.currency);
		ok = copy(x.money.list.name, &result->price_list, e);
	}
	for (size_t i = 0; ok && i < f->table_count; i++)
		ok = explain_table(&x, &f->tables[i], &rules, e);
	prices_release(&x.money.list);
	free(rules.rules);
	if (ok && !result->chunk_count && !result->sum_count && !result->segment_count) {
		ok = err_set(e, ERR_CONFIG, "no %s \"%s\" is hot or cold",
			     options->chunk      ? "chunk"
			     : options->document ? "document"
						 : "workspace",
			     options->chunk      ? options->chunk
			     : options->document ? options->document
						 : options->workspace);
		err_hint(e, "It was never there, or was deleted, or --table names another table.");
	}
	return ok;
}
