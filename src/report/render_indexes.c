/* Vector indexes as text. */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "report/render.h"
#include "report/text_table.h"

/* A leaf of the table's own schema goes without it. */
static const char *short_name(const char *leaf, const char *table)
{
	const char *dot = strchr(table, '.');
	size_t len = dot ? (size_t)(dot - table) + 1 : 0;

	return strncmp(leaf, table, len) == 0 ? leaf + len : leaf;
}

bool text_indexes_made(const struct report *r, const struct firn_indexes_made *x, bool dry_run,
		       bool failed, struct err *e)
{
	static const struct text_column columns[] = {
		{ "TABLE", TEXT_NAME },    { "INDEX", TEXT_NAME },   { "ACTION", TEXT_WORD },
		{ "BEFORE", TEXT_NUMBER }, { "AFTER", TEXT_NUMBER }, { "TIME", TEXT_NUMBER },
		{ "", TEXT_NOTE },
	};
	struct text_table table = { .columns = columns, .column_count = 7 };
	bool ok;

	for (size_t i = 0; i < x->step_count; i++) {
		const struct firn_maintain_step *s = &x->steps[i];

		text_add(&table, short_name(s->leaf, s->table));
		text_add(&table, s->index);
		text_add(&table, s->action);
		if (s->bytes_before > 0)
			text_add_bytes(&table, s->bytes_before);
		else
			text_add(&table, "");
		if (s->bytes_after > 0)
			text_add_bytes(&table, s->bytes_after);
		else
			text_add(&table, "");
		if (s->seconds > 0)
			text_addf(&table, "%.1fs", s->seconds);
		else
			text_add(&table, "");
		text_add(&table, s->reason);
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	if (x->put_off)
		fprintf(r->out, "put off: run it again later, it goes on from here\n");
	if (!failed)
		fprintf(r->out, "%" PRId64 " %s, %" PRId64 " kept\n", x->built,
			dry_run ? "would be built" : "built", x->kept);
	return ok;
}

static void add_options(struct text_table *t, const struct firn_index *ix)
{
	if (ix->m)
		text_addf(t, "m %" PRId64 " ef %" PRId64, ix->m, ix->ef_construction);
	else if (ix->lists_off)
		text_addf(t, "lists %" PRId64 " (should be %" PRId64 ")", ix->lists,
			  ix->lists_recommended);
	else if (ix->lists)
		text_addf(t, "lists %" PRId64, ix->lists);
	else
		text_add(t, "");
}

static const char *state_of(const struct firn_index *ix)
{
	return ix->leftover && ix->valid ? "leftover"
	       : ix->leftover            ? "leftover, invalid"
	       : !ix->valid && ix->above ? "incomplete"
	       : !ix->valid              ? "invalid"
					 : "";
}

static void add_index(struct text_table *t, const struct firn_index *ix, bool same_leaf)
{
	text_add(t, same_leaf ? "" : short_name(ix->leaf, ix->table));
	text_add(t, ix->index);
	text_add(t, state_of(ix));
	text_add(t, ix->method);
	text_add(t, ix->opclass);
	add_options(t, ix);
	if (ix->above)
		text_add(t, "");
	else
		text_add_bytes(t, ix->bytes);
	if (ix->fresh_bytes > 0)
		text_add_bytes(t, ix->fresh_bytes);
	else
		text_add(t, "");
	if (ix->dead_share >= 0)
		text_addf(t, "%.1f%%", ix->dead_share * 100);
	else
		text_add(t, "");
	text_add(t, ix->rebuilt_at ? ix->rebuilt_at : "");
	text_addf(t, "%s%s%s", strchr(ix->key, '(') || strchr(ix->key, ':') ? ix->key : "",
		  *ix->predicate ? " WHERE " : "", ix->predicate);
}

bool text_indexes_status(const struct report *r, const struct firn_indexes_status *x, struct err *e)
{
	static const struct text_column columns[] = {
		{ "TABLE", TEXT_NAME },   { "INDEX", TEXT_NAME },   { "", TEXT_WORD },
		{ "METHOD", TEXT_WORD },  { "OPCLASS", TEXT_NAME }, { "OPTIONS", TEXT_WORD },
		{ "SIZE", TEXT_NUMBER },  { "FRESH", TEXT_NUMBER }, { "DEAD", TEXT_NUMBER },
		{ "REBUILT", TEXT_WORD }, { "OF", TEXT_NOTE },
	};
	struct text_table table = { .columns = columns, .column_count = 11 };
	bool ok;

	for (size_t i = 0; i < x->index_count; i++)
		add_index(&table, &x->indexes[i],
			  i > 0 && str_eq(x->indexes[i].leaf, x->indexes[i - 1].leaf));
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	if (x->index_count == 0)
		fputs("no vector index\n", r->out);
	if (x->leftovers)
		fprintf(r->out,
			"%" PRId64 " left over by builds that died, or are going on: \"firn "
			"indexes ensure\" and \"firn maintain\" drop theirs\n",
			x->leftovers);
	if (x->lists_off)
		fprintf(r->out,
			"%" PRId64 " with far too many or too few lists for its rows: \"firn "
			"indexes ensure --type ivfflat --lists auto\"\n",
			x->lists_off);
	return ok;
}

bool text_indexes_probe(const struct report *r, const struct firn_indexes_probe *x, struct err *e)
{
	static const struct text_column columns[] = {
		{ "LEAF", TEXT_NAME },     { "INDEX", TEXT_NAME },       { "QUERIES", TEXT_NUMBER },
		{ "RECALL", TEXT_NUMBER }, { "LEAST", TEXT_NUMBER },     { "ANN P50", TEXT_NUMBER },
		{ "P95", TEXT_NUMBER },    { "EXACT P50", TEXT_NUMBER }, { "P95", TEXT_NUMBER },
		{ "", TEXT_NOTE },
	};
	struct text_table table = { .columns = columns, .column_count = 10 };
	bool ok;

	for (size_t i = 0; i < x->probe_count; i++) {
		const struct firn_index_probe *p = &x->probes[i];
		bool same = i > 0 && str_eq(p->leaf, p[-1].leaf);

		text_add(&table, same ? "" : short_name(p->leaf, p->table));
		text_add(&table, p->index);
		if (p->note) {
			for (int c = 0; c < 7; c++)
				text_add(&table, "");
			text_add(&table, p->note);
			continue;
		}
		text_add_count(&table, p->queries);
		text_addf(&table, "%.3f", p->recall);
		text_addf(&table, "%.1f", p->least_recall);
		text_addf(&table, "%.2f ms", p->ann_p50_ms);
		text_addf(&table, "%.2f ms", p->ann_p95_ms);
		text_addf(&table, "%.2f ms", p->exact_p50_ms);
		text_addf(&table, "%.2f ms", p->exact_p95_ms);
		text_add(&table, "");
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	if (x->probe_count == 0)
		fputs("no vector index to probe\n", r->out);
	return ok;
}
