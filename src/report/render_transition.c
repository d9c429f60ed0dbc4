/* What firn transition did, as text. */
#include <inttypes.h>

#include "base/str.h"
#include "report/render.h"
#include "report/text_table.h"

bool text_transition(const struct report *r, const struct firn_transition_result *x, bool dry_run,
		     struct err *e)
{
	static const struct text_column columns[] = {
		{ "SEGMENT", TEXT_NUMBER }, { "RULE", TEXT_WORD },   { "AGE", TEXT_NUMBER },
		{ "BYTES", TEXT_NUMBER },   { "FROM", TEXT_WORD },   { "TO", TEXT_WORD },
		{ "STATE", TEXT_WORD },     { "REASON", TEXT_NOTE },
	};
	struct text_table table = { .columns = columns, .column_count = 8 };
	char text[32];
	bool ok;

	if (x->row_count == 0) {
		fputs("nothing is due to move on\n", r->out);
		return true;
	}
	for (size_t i = 0; i < x->row_count; i++) {
		const struct firn_transition_row *row = &x->rows[i];

		text_addf(&table, "%" PRId64, row->segment);
		text_add(&table, row->rule);
		text_add(&table, str_format_duration(row->age_s, text, sizeof(text)));
		text_add_bytes(&table, row->bytes);
		text_add(&table, row->from);
		text_add(&table, row->to);
		text_add(&table, row->moved ? "moved" : *row->reason || !dry_run ? "stays" : "due");
		text_add(&table, row->reason);
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	if (ok && !dry_run)
		fprintf(r->out, "\n%s moved on\n",
			str_format_bytes((uint64_t)x->bytes_moved, text, sizeof(text)));
	return ok;
}
