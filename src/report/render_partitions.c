/* Partitions as text. */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "report/render.h"
#include "report/text_table.h"

/* A leaf of the table's own schema goes without it. */
static const char *leaf_name(const char *leaf, const char *table)
{
	const char *dot = strchr(table, '.');
	size_t len = dot ? (size_t)(dot - table) + 1 : 0;

	return strncmp(leaf, table, len) == 0 ? leaf + len : leaf;
}

/* Every bound begins with the same two words. */
static const char *short_bound(const char *bound)
{
	static const char words[] = "FOR VALUES ";

	return str_starts_with(bound, words) ? bound + sizeof(words) - 1 : bound;
}

static void add_row(struct text_table *t, const char *indent, const char *name, int64_t rows,
		    bool estimated, const struct firn_size *size, const char *bound,
		    const char *note)
{
	text_addf(t, "%s%s", indent, name);
	text_add_estimate(t, rows, estimated);
	text_add_bytes(t, size->heap_bytes);
	text_add_bytes(t, size->toast_bytes);
	text_add_bytes(t, size->index_bytes);
	text_add(t, note);
	text_add(t, bound);
}

static void print_split(const struct report *r, const struct firn_partitioned_table *t)
{
	char bytes[16];

	if (t->split_phase && !t->split_old_table)
		fprintf(r->out,
			"a split into %" PRId64
			" is under way, %.0f%% copied: the same \"partitions split "
			"--count %" PRId64 "\" goes on, --rollback takes it back\n",
			t->split_leaves, t->split_share * 100, t->split_leaves);
	if (t->split_old_table)
		fprintf(r->out,
			"a split left %s with %s: \"partitions split --drop-old\" drops it\n",
			t->split_old_table,
			str_format_bytes((uint64_t)t->split_old_bytes, bytes, sizeof(bytes)));
}

static bool print_table(const struct report *r, const struct firn_partitions_status *x,
			const struct firn_partitioned_table *t, struct err *e)
{
	static const struct text_column columns[] = {
		{ "TABLE", TEXT_NAME },   { "ROWS", TEXT_NUMBER },    { "HEAP", TEXT_NUMBER },
		{ "TOAST", TEXT_NUMBER }, { "INDEXES", TEXT_NUMBER }, { "", TEXT_WORD },
		{ "BOUND", TEXT_NOTE },
	};
	struct text_table table = { .columns = columns, .column_count = 7 };
	char most[32];
	bool ok;

	add_row(&table, "", t->table, t->rows, t->rows_estimated, &t->size, t->key,
		!t->strategy[0] && t->over ? "over" : "");
	for (size_t i = 0; t->strategy[0] && i < x->leaf_count; i++) {
		const struct firn_partition *l = &x->leaves[i];

		if (str_eq(l->table, t->table))
			add_row(&table, "  ", leaf_name(l->leaf, t->table), l->rows,
				l->rows_estimated, &l->size, short_bound(l->bound),
				l->over ? "over" : "");
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	str_format_count(x->leaf_rows, most, sizeof(most));
	if (t->leaf_count > 1)
		fprintf(r->out, "skew %.2f: the largest leaf over the mean\n", t->skew);
	if (t->over)
		fprintf(r->out, "%" PRId64 " of %" PRId64 " with more than %s rows\n", t->over,
			t->leaf_count, most);
	if (t->missing)
		fprintf(r->out,
			"%" PRId64 " of the hash remainders have no leaf: rows that fall there are "
			"refused\n",
			t->missing);
	if (t->strategy[0] && t->leaf_count == 0)
		fprintf(r->out, "no leaf: every row is refused\n");
	print_split(r, t);
	return ok;
}

bool text_partitions_status(const struct report *r, const struct firn_partitions_status *x,
			    struct err *e)
{
	for (size_t i = 0; i < x->table_count; i++) {
		if (i)
			fputc('\n', r->out);
		if (!print_table(r, x, &x->tables[i], e))
			return false;
	}
	return true;
}

static const char *leaves(int64_t n)
{
	return n == 1 ? "leaf" : "leaves";
}

bool text_partitions_advice(const struct report *r, const struct firn_partitions_advice *x)
{
	for (size_t i = 0; i < x->table_count; i++) {
		const struct firn_partition_advice *t = &x->tables[i];
		char now[32], planned[32];

		str_format_count(t->rows, now, sizeof(now));
		str_format_count(t->rows_planned, planned, sizeof(planned));
		fprintf(r->out,
			"%s: %s%s rows in %" PRId64 " %s; recommended now %" PRId64 ", for %s rows "
			"%" PRId64 "\n",
			t->table, t->rows_estimated ? "about " : "", now, t->leaves,
			leaves(t->leaves), t->leaves_now, planned, t->leaves_planned);
		for (size_t n = 0; n < t->reason_count; n++)
			fprintf(r->out, "  %s\n", t->reasons[n]);
	}
	return true;
}

bool text_partitions_made(const struct report *r, const struct firn_partitions_made *x, bool failed)
{
	for (size_t i = 0; i < x->leaf_count; i++)
		if (x->leaves[i].created)
			fprintf(r->out, "created %s\n", x->leaves[i].leaf);
	if (!failed)
		fprintf(r->out, "%" PRId64 " created, %" PRId64 " were there\n", x->created,
			(int64_t)x->leaf_count - x->created);
	return true;
}
