/* A split as text. */
#include <inttypes.h>

#include "base/str.h"
#include "report/render.h"

static void print_notes(const struct report *r, const struct firn_split_result *x)
{
	for (size_t i = 0; i < x->note_count; i++)
		fprintf(r->out, "  %s\n", x->notes[i]);
}

static void print_old(const struct report *r, const struct firn_split_result *x, const char *before,
		      const char *after)
{
	char rows[32], bytes[16];

	fprintf(r->out, "%s %s, %s rows, %s%s\n", before, x->old_table,
		str_format_count(x->old_rows, rows, sizeof(rows)),
		str_format_bytes((uint64_t)x->old_bytes, bytes, sizeof(bytes)), after);
}

bool text_partitions_split(const struct report *r, const struct firn_split_result *x)
{
	char rows[32], changes[32];

	if (str_eq(x->outcome, "planned") && str_eq(x->phase, "none")) {
		fprintf(r->out, "%s: would be moved from %" PRId64 " to %" PRId64 " %s\n", x->table,
			x->leaves_before, x->leaves, x->leaves == 1 ? "partition" : "partitions");
		print_notes(r, x);
	} else if (str_eq(x->outcome, "planned")) {
		fprintf(r->out, "%s: a split into %" PRId64 " is under way (%s): would go on\n",
			x->table, x->leaves, x->phase);
	} else if (str_eq(x->outcome, "unchanged")) {
		fprintf(r->out, "%s: has these %" PRId64 " partitions already\n", x->table,
			x->leaves);
	} else if (str_eq(x->outcome, "swapped")) {
		fprintf(r->out,
			"%s: %s rows copied, %s changed meanwhile, now in %" PRId64
			" %s (swap %.2f s)\n",
			x->table, str_format_count(x->rows_copied, rows, sizeof(rows)),
			str_format_count(x->changes, changes, sizeof(changes)), x->leaves,
			x->leaves == 1 ? "partition" : "partitions", x->swap_seconds);
		print_notes(r, x);
		if (x->old_table)
			print_old(r, x, "kept", ": \"firn partitions split --drop-old\" drops it");
	} else if (str_eq(x->outcome, "rolled-back")) {
		fprintf(r->out, "%s: the split was taken back\n", x->table);
	} else if (str_eq(x->outcome, "kept") || str_eq(x->outcome, "dropped")) {
		const char *verb = str_eq(x->outcome, "kept") ? "would drop" : "dropped";

		if (!x->old_table) {
			fprintf(r->out, "%s: the old table was dropped by someone else\n",
				x->table);
			return true;
		}
		print_old(r, x, verb, str_eq(x->outcome, "kept") ? ": add --confirm to do it" : "");
		if (x->old_missing)
			fprintf(r->out,
				"  %s of its rows are not in the table now: deleted, moved out or "
				"given other "
				"keys since\n",
				str_format_count(x->old_missing, rows, sizeof(rows)));
	}
	return true;
}
