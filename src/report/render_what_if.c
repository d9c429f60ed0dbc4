/* What another policy would have done, as text and as JSON. */
#include "base/money.h"
#include "base/str.h"
#include "report/json_doc.h"
#include "report/render.h"
#include "report/text_table.h"

static const char *rule_time(const struct firn_what_if_row *w, char *out, size_t len)
{
	return w->idle_s ? str_format_duration(w->idle_s, out, len) : "as it is";
}

static void add_row(struct text_table *t, const struct firn_what_if_row *w)
{
	char text[MONEY_MAX];

	text_add(t, rule_time(w, text, sizeof(text)));
	text_add_count(t, w->rows);
	text_add_bytes(t, w->bytes);
	text_add(t, money_short(w->saved_nano, text));
	if (w->woken_rows < 0) {
		text_add(t, "not known");
		text_add(t, "");
	} else {
		text_add_count(t, w->woken_rows);
		text_add(t, money_short(w->woken_nano, text));
	}
	text_add(t, w->held_back ? "reads are not known for so long" : "");
}

static bool woken_unknown(const struct firn_what_if_result *x)
{
	for (size_t i = 0; i < x->row_count; i++)
		if (!x->rows[i].held_back && x->rows[i].woken_rows < 0 && x->rows[i].saved_nano > 0)
			return true;
	return false;
}

static void recommendation(const struct report *r, const struct firn_what_if_result *x)
{
	const struct firn_what_if_row *w;
	char time[32], saved[MONEY_MAX], rows[32];

	if (x->recommended < 0 && woken_unknown(x)) {
		fputs("nothing is recommended: how many rows would have to come back is not "
		      "known:\nreads are not recorded for long enough, or the policy has no "
		      "idle_for\n",
		      r->out);
		return;
	}
	if (x->recommended < 0) {
		fputs(x->price_list ? "none of it saves anything now\n"
				    : "prices: none; name a list with --prices, and one can be "
				      "recommended\n",
		      r->out);
		return;
	}
	w = &x->rows[x->recommended];
	fprintf(r->out, "recommended: %s%s, which saves %s %s a month gross",
		w->idle_s ? "idle_for " : "", rule_time(w, time, sizeof(time)),
		money_short(w->saved_nano - w->woken_nano, saved), x->currency);
	fprintf(r->out, "; at least %s rows a month would have to come back\n",
		str_format_count(w->woken_rows, rows, sizeof(rows)));
}

bool text_what_if(const struct report *r, const struct firn_what_if_result *x, struct err *e)
{
	static const struct text_column columns[] = {
		{ "IDLE FOR", TEXT_NAME },     { "ROWS", TEXT_NUMBER },  { "BYTES", TEXT_NUMBER },
		{ "SAVED GROSS", TEXT_MONEY }, { "WOKEN", TEXT_NUMBER }, { "COST", TEXT_MONEY },
		{ "HELD BACK", TEXT_NAME },
	};
	struct text_table table = { .columns = columns,
				    .column_count = sizeof(columns) / sizeof(*columns) };
	bool ok;

	for (size_t i = 0; i < x->row_count; i++)
		add_row(&table, &x->rows[i]);
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	if (!ok)
		return false;
	fputc('\n', r->out);
	recommendation(r, x);
	return true;
}

bool json_what_if(const struct report *r, const struct firn_what_if_result *x,
		  const struct err *failure, struct err *e)
{
	json_t *o = begin("report"), *rows;
	char money[MONEY_MAX];

	set_string(o, "policy", x->policy);
	set_string(o, "price_list", x->price_list);
	set_string(o, "currency", x->price_list ? x->currency : NULL);
	rows = set_array(o, "what_if");
	for (size_t i = 0; i < x->row_count; i++) {
		const struct firn_what_if_row *w = &x->rows[i];
		json_t *j = add_object(rows);

		if (w->idle_s)
			set_int(j, "idle_for_s", w->idle_s);
		else
			json_object_set_new(j, "idle_for_s", json_null());
		set_int(j, "rows", w->rows);
		set_int(j, "bytes", w->bytes);
		set_string(j, "saved_per_month", money_decimal(w->saved_nano, money));
		if (w->woken_rows < 0)
			json_object_set_new(j, "woken_rows_per_month", json_null());
		else
			set_int(j, "woken_rows_per_month", w->woken_rows);
		set_string(j, "woken_cost_per_month", money_decimal(w->woken_nano, money));
		set_bool(j, "held_back", w->held_back != 0);
		set_bool(j, "recommended", (int)i == x->recommended);
	}
	return end(r, o, failure, e);
}
