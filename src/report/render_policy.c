/* What firn policy check found. */
#include <inttypes.h>

#include "report/json_doc.h"
#include "report/render.h"
#include "report/text_table.h"

bool text_policy_check(const struct report *r, const struct firn_policy_check *x, struct err *e)
{
	static const struct text_column columns[] = { { "RULE", TEXT_NAME },
						      { "DOES", TEXT_WORD },
						      { "LINE", TEXT_NUMBER } };
	struct text_table table = { .columns = columns, .column_count = 3, .indent = 2 };
	bool ok;

	fprintf(r->out, "%s: well written, %zu %s\n", x->path ? x->path : "the built-in policy",
		x->rule_count, x->rule_count == 1 ? "rule" : "rules");
	for (size_t i = 0; i < x->rule_count; i++) {
		text_add(&table, x->rules[i].name);
		text_add(&table, x->rules[i].action);
		if (x->path)
			text_addf(&table, "%d", x->rules[i].line);
		else
			text_add(&table, "");
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	for (size_t i = 0; ok && i < x->table_count; i++)
		fprintf(r->out, "%s has what the rules speak of\n", x->tables[i]);
	return ok;
}

bool json_policy_check(const struct report *r, const struct firn_policy_check *x,
		       const struct err *failure, struct err *e)
{
	json_t *o = begin("policy check"), *rules, *tables;

	set_string(o, "policy", x->path);
	rules = set_array(o, "rules");
	for (size_t i = 0; i < x->rule_count; i++) {
		json_t *rule = add_object(rules);

		set_string(rule, "name", x->rules[i].name);
		set_string(rule, "action", x->rules[i].action);
		set_int(rule, "line", x->rules[i].line);
	}
	tables = set_array(o, "tables");
	for (size_t i = 0; i < x->table_count; i++)
		json_array_append_new(tables, json_string(x->tables[i]));
	return end(r, o, failure, e);
}
