/* Embedding versions as text. */
#include <inttypes.h>

#include "base/str.h"
#include "report/render.h"
#include "report/text_table.h"

static void add_cover(struct text_table *t, const struct firn_version_workspace *w)
{
	char of[32];

	if (!w->by_document || w->documents == 0)
		text_add(t, "");
	else
		text_addf(t, "%.1f%% of %s", 100.0 * (double)w->covered / (double)w->documents,
			  str_format_count(w->documents, of, sizeof(of)));
}

static const char *role_of(const struct firn_version_workspace *w, const struct firn_version *v)
{
	if (str_eq(v->version, w->active))
		return "active";
	return str_eq(v->version, w->rollback_to) ? "rollback"
	       : str_eq(v->version, w->target)    ? "target"
						  : "";
}

static bool print_table(const struct report *r, const struct firn_versions_status *x, size_t *next,
			struct err *e)
{
	static const struct text_column columns[] = {
		{ "WORKSPACE", TEXT_NAME },
		{ "VERSION", TEXT_NAME },
		{ "", TEXT_WORD },
		{ "SINCE", TEXT_WORD },
		{ "HOT ROWS", TEXT_NUMBER },
		{ "DOCUMENTS", TEXT_NUMBER },
		{ "COLD ROWS", TEXT_NUMBER },
		{ "COVERS", TEXT_NUMBER },
	};
	struct text_table table = { .columns = columns, .column_count = 8 };
	const char *of = x->workspaces[*next].table;
	bool ok;

	fprintf(r->out, "%s\n", of);
	for (; *next < x->workspace_count && str_eq(x->workspaces[*next].table, of); (*next)++) {
		const struct firn_version_workspace *w = &x->workspaces[*next];

		for (size_t i = 0; i < w->version_count; i++) {
			const struct firn_version *v = &w->versions[i];
			bool active = str_eq(v->version, w->active);

			text_add(&table, i ? "" : w->workspace);
			text_add(&table, v->version);
			text_add(&table, role_of(w, v));
			text_add(&table, active ? w->since : "");
			text_add_count(&table, v->hot_rows);
			text_add_count(&table, v->documents);
			text_add_count(&table, v->cold_rows);
			if (!active && str_eq(v->version, w->target))
				add_cover(&table, w);
			else
				text_add(&table, "");
		}
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	return ok;
}

bool text_versions_status(const struct report *r, const struct firn_versions_status *x,
			  struct err *e)
{
	size_t next = 0;

	while (next < x->workspace_count) {
		if (next)
			fputc('\n', r->out);
		if (!print_table(r, x, &next, e))
			return false;
	}
	for (size_t i = 0; i < x->workspace_count; i++)
		if (x->workspaces[i].rollback_to)
			fprintf(r->out,
				"workspace %s: a rollback to %s began at %s and is unfinished; "
				"\"firn versions rollback --workspace %s\" goes on\n",
				x->workspaces[i].workspace, x->workspaces[i].rollback_to,
				x->workspaces[i].rollback_began, x->workspaces[i].workspace);
	return true;
}

bool text_version_change(const struct report *r, const struct firn_version_result *x, bool failed)
{
	char n[32], size[16];

	if (x->rows_back > 0)
		fprintf(r->out, "%s rows of %s brought back, %s fetched\n",
			str_format_count(x->rows_back, n, sizeof(n)), x->to,
			str_format_bytes((uint64_t)x->bytes_fetched, size, sizeof(size)));
	if (x->maintain.put_off > 0)
		fprintf(r->out, "index work was put off: run \"firn maintain\" later\n");
	if (failed)
		return true;
	for (size_t i = 0; i < x->note_count; i++)
		fprintf(r->out, "%s\n", x->notes[i]);
	if (x->flipped)
		fprintf(r->out, "workspace %s: version %s is active, it was %s (%s rows)\n",
			x->workspace, x->to, x->from, str_format_count(x->rows, n, sizeof(n)));
	else
		fprintf(r->out, "workspace %s: version %s was active already\n", x->workspace,
			x->to);
	return true;
}
