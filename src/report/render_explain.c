/* Why chunks are where they are. */
#include <inttypes.h>

#include "base/money.h"
#include "base/str.h"
#include "report/json_doc.h"
#include "report/render.h"
#include "report/text_table.h"

static void print_fact(const struct report *r, const char *name, const char *value)
{
	if (value)
		fprintf(r->out, "  %-10s %s\n", name, value);
}

static bool print_conditions(const struct report *r, const struct firn_explain_rule *rule,
			     struct err *e)
{
	static const struct text_column columns[] = { { "CONDITION", TEXT_WORD },
						      { "HOLDS", TEXT_WORD },
						      { "COMPARED", TEXT_NAME },
						      { "FROM", TEXT_WORD } };
	struct text_table table = { .columns = columns, .column_count = 4, .indent = 4 };
	bool ok;

	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct firn_explain_condition *c = &rule->conditions[i];

		text_add(&table, c->key);
		text_add(&table, c->holds ? "yes" : "no");
		text_add(&table, c->value ? c->value : "");
		text_add(&table, c->due ? c->due : "");
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	return ok;
}

static bool print_chunk(const struct report *r, const struct firn_explain_result *x,
			const struct firn_explain_chunk *c, struct err *e)
{
	char size[16], money[MONEY_MAX];

	fprintf(r->out, "hot, in leaf %s of %s\n", c->leaf, c->table);
	print_fact(r, "workspace", c->workspace);
	print_fact(r, "document", c->document);
	print_fact(r, "version", c->version);
	print_fact(r, "created", c->created);
	print_fact(r, "last used", c->last_use);
	print_fact(r, "heat", c->heat);
	print_fact(r, "takes", str_format_bytes((uint64_t)c->bytes, size, sizeof(size)));
	if (x->price_list)
		fprintf(r->out, "  %-10s %s %s a month less, by the prices %s\n", "cold it is",
			money_decimal(c->saved_nano, money), x->currency, x->price_list);
	for (size_t i = 0; i < c->rule_count; i++) {
		const struct firn_explain_rule *rule = &c->rules[i];

		fprintf(r->out, "\n  rule %s (%s): %s%s%s\n", rule->name, rule->action,
			rule->matches ? "matches" : "does not match",
			rule->due ? ", but would from " : "", rule->due ? rule->due : "");
		if (rule->condition_count > 0 && !print_conditions(r, rule, e))
			return false;
	}
	fputc('\n', r->out);
	if (c->returning)
		fputs("it stays: a rollback is going back to its version\n", r->out);
	else if (c->resident_until)
		fprintf(r->out, "it stays until %s by min_residency\n", c->resident_until);
	if (c->verdict)
		fprintf(r->out, "rule %s decides\n", c->verdict);
	else if (c->moves_at)
		fprintf(r->out, "no rule matches; it would move from %s on, if nothing changes\n",
			c->moves_at);
	else if (!c->returning)
		fputs("no rule matches, and none will by time alone\n", r->out);
	return true;
}

static bool print_sums(const struct report *r, const struct firn_explain_result *x, struct err *e)
{
	static const struct text_column columns[] = { { "HOT, BY RULE", TEXT_NAME },
						      { "DOES", TEXT_WORD },
						      { "ROWS", TEXT_NUMBER },
						      { "BYTES", TEXT_NUMBER } };
	struct text_table table = { .columns = columns, .column_count = 4 };
	bool ok;

	for (size_t i = 0; i < x->sum_count; i++) {
		text_add(&table, x->sums[i].rule ? x->sums[i].rule : "(none)");
		text_add(&table, x->sums[i].rule ? x->sums[i].action : "stays");
		text_add_count(&table, x->sums[i].rows);
		text_add_bytes(&table, x->sums[i].bytes);
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	return ok;
}

static bool print_segments(const struct report *r, const struct firn_explain_result *x,
			   struct err *e)
{
	static const struct text_column columns[] = {
		{ "COLD, SEGMENT", TEXT_NUMBER },
		{ "BLOCK", TEXT_NUMBER },
		{ "ROWS", TEXT_NUMBER },
		{ "READS", TEXT_NUMBER },
		{ "RULE", TEXT_NAME },
		{ "ARCHIVED", TEXT_NUMBER },
		{ "CLASS", TEXT_WORD },
		{ "OBJECT", TEXT_NAME },
	};
	struct text_table table = { .columns = columns, .column_count = 8 };
	int64_t back_nano = 0;
	char money[MONEY_MAX];
	int hours = 0;
	bool ok;

	for (size_t i = 0; i < x->segment_count; i++) {
		const struct firn_explain_segment *s = &x->segments[i];
		char age[32];

		text_addf(&table, "%" PRId64, s->segment);
		if (s->blocks == 1)
			text_addf(&table, "%" PRId64, s->first_block);
		else if (s->blocks > 1)
			text_addf(&table, "%" PRId64 " of them", s->blocks);
		else
			text_add(&table, "");
		text_add_count(&table, s->rows);
		text_add_bytes(&table, s->block_bytes);
		text_add(&table, s->rule);
		text_addf(&table, "%s ago", str_format_duration(s->archived_s, age, sizeof(age)));
		text_add(&table, s->storage_class);
		text_add(&table, s->object);
		back_nano += s->back_nano;
		if (s->frozen && s->restore_h > hours)
			hours = s->restore_h;
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	if (x->price_list)
		fprintf(r->out,
			"bringing them back costs %s %s in requests and retrieval, by the prices "
			"%s\n",
			money_decimal(back_nano, money), x->currency, x->price_list);
	if (hours > 0)
		fprintf(r->out,
			"some must be restored first, which takes about %d hours in the standard "
			"tier\n",
			hours);
	return ok;
}

static bool print_decisions(const struct report *r, const struct firn_explain_result *x,
			    struct err *e)
{
	static const struct text_column columns[] = {
		{ "DECISION", TEXT_WORD },  { "LEAF", TEXT_NAME },   { "RULE", TEXT_NAME },
		{ "TIMES", TEXT_NUMBER },   { "ROWS", TEXT_NUMBER }, { "BYTES", TEXT_NUMBER },
		{ "SECONDS", TEXT_NUMBER }, { "WHY", TEXT_NOTE },
	};
	struct text_table table = { .columns = columns, .column_count = 8 };
	bool ok;

	fprintf(r->out, "pass %" PRId64 "%s%s\n", x->pass, x->no_decisions ? ": " : "",
		x->no_decisions ? x->no_decisions : "");
	for (size_t i = 0; i < x->decision_count; i++) {
		const struct firn_explain_decision *d = &x->decisions[i];

		text_add(&table, d->decision);
		text_add(&table, d->leaf ? d->leaf : "");
		text_add(&table, d->rule ? d->rule : "");
		text_add_count(&table, d->times);
		if (d->rows)
			text_add_count(&table, d->rows);
		else
			text_add(&table, "");
		if (d->bytes)
			text_add_bytes(&table, d->bytes);
		else
			text_add(&table, "");
		if (d->seconds > 0)
			text_addf(&table, "%.1f", d->seconds);
		else
			text_add(&table, "");
		text_add(&table, d->reason ? d->reason : "");
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	return ok;
}

bool text_explain(const struct report *r, const struct firn_explain_result *x, struct err *e)
{
	if (x->pass)
		return print_decisions(r, x, e);
	for (size_t i = 0; i < x->chunk_count; i++) {
		if (i > 0)
			fputc('\n', r->out);
		if (!print_chunk(r, x, &x->chunks[i], e))
			return false;
	}
	if (x->sum_count > 0 && !print_sums(r, x, e))
		return false;
	if (x->segment_count > 0 && (x->sum_count > 0 || x->chunk_count > 0))
		fputc('\n', r->out);
	return x->segment_count == 0 || print_segments(r, x, e);
}

/* ---- JSON ---- */

static void put_rule(json_t *list, const struct firn_explain_rule *rule)
{
	json_t *o = add_object(list), *conditions;

	set_string(o, "name", rule->name);
	set_string(o, "action", rule->action);
	set_bool(o, "matches", rule->matches);
	set_string(o, "due", rule->due);
	conditions = set_array(o, "conditions");
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct firn_explain_condition *c = &rule->conditions[i];
		json_t *to = add_object(conditions);

		set_string(to, "key", c->key);
		set_bool(to, "holds", c->holds);
		set_string(to, "value", c->value);
		set_string(to, "due", c->due);
	}
}

static void put_chunk(json_t *list, const struct firn_explain_chunk *c, bool priced)
{
	char money[MONEY_MAX];
	json_t *o = add_object(list), *rules;

	set_string(o, "table", c->table);
	set_string(o, "leaf", c->leaf);
	set_string(o, "workspace", c->workspace);
	set_string(o, "document", c->document);
	set_string(o, "version", c->version);
	set_string(o, "created", c->created);
	set_string(o, "last_use", c->last_use);
	set_string(o, "heat", c->heat);
	set_string(o, "resident_until", c->resident_until);
	set_bool(o, "returning", c->returning);
	set_int(o, "bytes", c->bytes);
	set_string(o, "saved_month", priced ? money_decimal(c->saved_nano, money) : NULL);
	set_string(o, "verdict", c->verdict);
	set_string(o, "moves_at", c->moves_at);
	rules = set_array(o, "rules");
	for (size_t i = 0; i < c->rule_count; i++)
		put_rule(rules, &c->rules[i]);
}

static void put_segment(json_t *list, const struct firn_explain_segment *s, bool priced)
{
	char money[MONEY_MAX];
	json_t *o = add_object(list);

	set_string(o, "table", s->table);
	set_int(o, "segment", s->segment);
	set_string(o, "rule", s->rule);
	set_string(o, "object", s->object);
	set_string(o, "storage_class", s->storage_class);
	set_int(o, "rows", s->rows);
	set_int(o, "rows_of_segment", s->rows_of_segment);
	set_int(o, "bytes", s->bytes);
	set_int(o, "archived_s", s->archived_s);
	set_int(o, "blocks", s->blocks);
	set_int(o, "first_block", s->first_block);
	set_int(o, "block_bytes", s->block_bytes);
	set_string(o, "back", priced ? money_decimal(s->back_nano, money) : NULL);
	set_bool(o, "frozen", s->frozen);
	set_int(o, "restore_h", s->restore_h);
}

bool json_explain(const struct report *r, const struct firn_explain_result *x,
		  const struct err *failure, struct err *e)
{
	json_t *o = begin("explain"), *list = set_array(o, "chunks");

	for (size_t i = 0; i < x->chunk_count; i++)
		put_chunk(list, &x->chunks[i], x->price_list != NULL);
	list = set_array(o, "sums");
	for (size_t i = 0; i < x->sum_count; i++) {
		json_t *s = add_object(list);

		set_string(s, "table", x->sums[i].table);
		set_string(s, "rule", x->sums[i].rule);
		set_string(s, "action", *x->sums[i].action ? x->sums[i].action : NULL);
		set_int(s, "rows", x->sums[i].rows);
		set_int(s, "bytes", x->sums[i].bytes);
	}
	list = set_array(o, "segments");
	for (size_t i = 0; i < x->segment_count; i++)
		put_segment(list, &x->segments[i], x->price_list != NULL);
	set_int(o, "cold_rows", x->cold_rows);
	set_string(o, "price_list", x->price_list);
	set_string(o, "currency", x->price_list ? x->currency : NULL);
	if (x->pass)
		set_int(o, "pass", x->pass);
	else
		json_object_set_new(o, "pass", json_null());
	set_string(o, "no_decisions", x->no_decisions);
	list = set_array(o, "decisions");
	for (size_t i = 0; i < x->decision_count; i++) {
		json_t *d = add_object(list);

		set_string(d, "decision", x->decisions[i].decision);
		set_string(d, "leaf", x->decisions[i].leaf);
		set_string(d, "rule", x->decisions[i].rule);
		set_int(d, "times", x->decisions[i].times);
		set_int(d, "rows", x->decisions[i].rows);
		set_int(d, "bytes", x->decisions[i].bytes);
		set_real(d, "seconds", x->decisions[i].seconds);
		set_string(d, "reason", x->decisions[i].reason);
	}
	return end(r, o, failure, e);
}
