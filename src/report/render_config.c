/* What firn config show says. */
#include "report/json_doc.h"
#include "report/render.h"
#include "report/text_table.h"

bool text_config(const struct report *r, const struct report_config *x, struct err *e)
{
	static const struct text_column columns[] = {
		{ "KEY", TEXT_WORD },
		{ "VALUE", TEXT_NOTE },
		{ "FROM", TEXT_WORD },
	};
	static const struct text_column variables[] = {
		{ "VARIABLE", TEXT_WORD },
		{ "VALUE", TEXT_NOTE },
		{ "READ BY", TEXT_WORD },
	};
	struct text_table table = { .columns = columns, .column_count = 3 };
	struct text_table environment = { .columns = variables, .column_count = 3 };
	bool ok;

	for (size_t i = 0; i < x->setting_count; i++) {
		const struct report_setting *s = &x->settings[i];

		text_add(&table, s->key);
		text_add(&table, s->value ? s->value : "-");
		text_addf(&table, "%s%s%s", s->source, s->where ? " " : "",
			  s->where ? s->where : "");
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	for (size_t i = 0; i < x->variable_count; i++) {
		text_add(&environment, x->variables[i].name);
		text_add(&environment, x->variables[i].value ? x->variables[i].value : "(hidden)");
		text_add(&environment, x->variables[i].reader);
	}
	if (ok && x->variable_count > 0)
		fputc('\n', r->out);
	ok = ok && text_table_print(&environment, r->out, r->width, e);
	text_table_release(&environment);
	return ok;
}

bool json_config(const struct report *r, const struct report_config *x, const struct err *failure,
		 struct err *e)
{
	json_t *o = begin("config show"), *list;

	set_string(o, "file", x->path);
	list = set_array(o, "settings");
	for (size_t i = 0; i < x->setting_count; i++) {
		json_t *s = add_object(list);

		set_string(s, "key", x->settings[i].key);
		set_string(s, "value", x->settings[i].value);
		set_string(s, "source", x->settings[i].source);
		set_string(s, "where", x->settings[i].where);
	}
	list = set_array(o, "environment");
	for (size_t i = 0; i < x->variable_count; i++) {
		json_t *v = add_object(list);

		set_string(v, "name", x->variables[i].name);
		set_string(v, "value", x->variables[i].value);
		set_string(v, "read_by", x->variables[i].reader);
	}
	return end(r, o, failure, e);
}
