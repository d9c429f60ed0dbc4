#include "engine/versions.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

bool versions_known(const struct table_info *t, struct err *e)
{
	if (!table_info_column(t, COLUMN_VERSION)) {
		err_set(e, ERR_CONFIG, "table \"%s\" has no column for the embedding version",
			t->label);
		return err_hint(e, "Name it under tables: columns: version in the configuration.");
	}
	if (t->active.kind == ACTIVE_NONE) {
		err_set(e, ERR_CONFIG, "nothing says which version of table \"%s\" is active",
			t->label);
		return err_hint(e, "Configure active_version with a table, a query or a value.");
	}
	return true;
}

bool version_change_open(struct version_change *c, struct firn *f,
			 const struct firn_version_options *o, struct firn_version_result *result,
			 struct err *e)
{
	const struct firn_rehydrate_options names = {
		.workspaces = &o->workspace,
		.workspace_count = o->workspace != NULL,
		.versions = &o->to,
		.version_count = o->to != NULL,
	};

	*result = (struct firn_version_result){ 0 };
	*c = (struct version_change){ .f = f, .options = o, .result = result };
	if (o->to && !*o->to)
		return err_set(e, ERR_USAGE, "the name of the version is empty");
	if (!o->workspace || !*o->workspace) {
		err_set(e, ERR_USAGE, "no workspace is given");
		return err_hint(e, "Use --workspace ID.");
	}
	if (!engine_tables_given(f, e))
		return false;
	if (f->table_count > 1) {
		err_set(e, ERR_USAGE, "the active version is changed for one table at a time");
		return err_hint(e, "Name it by --table schema.table.");
	}
	if (!engine_table_open(f, &f->tables[0], &c->table, e) ||
	    !versions_known(c->table.info, e) || !version_flip_possible(c->table.info, e) ||
	    !selection_resolve(f->pg, c->table.info, &names, &c->names, e))
		return false;
	c->workspace = c->names.workspaces.texts[0];
	c->to = c->names.versions.count ? c->names.versions.texts[0] : NULL;
	result->table = mem_strdup(c->table.info->label, e);
	result->workspace = mem_strdup(c->workspace, e);
	return result->table && result->workspace;
}

void version_change_close(struct version_change *c)
{
	selection_release(&c->names);
	engine_table_close(&c->table);
}

bool version_change_note(struct version_change *c, struct err *e, const char *fmt, ...)
{
	struct firn_version_result *result = c->result;
	void *notes = result->notes;
	char text[ERR_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!mem_grow(&notes, &c->note_capacity, result->note_count + 1, sizeof(*result->notes), e))
		return false;
	result->notes = notes;
	result->notes[result->note_count] = mem_strdup(text, e);
	return result->notes[result->note_count++] != NULL;
}

struct cover_visit {
	const char *active, *to;
	struct version_cover *cover;
};

static bool add_to_cover(void *ctx, const struct version_row *row, struct err *e)
{
	const struct cover_visit *v = ctx;
	struct version_cover *c = v->cover;

	(void)e;
	c->documents = row->documents;
	c->missing = row->documents - row->covered;
	c->fewer = row->fewer;
	if (str_eq(row->version, v->active)) {
		c->active_rows = row->hot_rows + row->cold_rows;
		c->active_cold_rows = row->cold_rows;
	}
	if (str_eq(row->version, v->to)) {
		c->hot_rows = row->hot_rows;
		c->cold_rows = row->cold_rows;
	}
	return true;
}

bool version_change_cover(struct version_change *c, const char *active, const char *to,
			  struct version_cover *out, struct err *e)
{
	struct cover_visit v = { .active = active, .to = to, .cover = out };

	*out = (struct version_cover){ 0 };
	return version_counts(c->f->pg, c->table.info, c->table.id, c->workspace, to, add_to_cover,
			      &v, e);
}

void version_change_tell(struct version_change *c, const struct version_cover *cover)
{
	c->result->documents = cover->documents;
	c->result->missing = cover->missing;
	c->result->fewer = cover->fewer;
	c->result->rows = cover->hot_rows;
	c->result->rows_left = cover->cold_rows;
}

bool version_change_refuse_missing(struct version_change *c, const char *active, const char *to,
				   const struct version_cover *cover, struct err *e)
{
	struct buf names = BUF_INIT;

	if (version_missing(c->f->pg, c->table.info, c->workspace, active, to, &names, e))
		err_set(e, ERR_CONFIG,
			"%" PRId64 " of %" PRId64
			" documents of version \"%s\" in workspace \"%s\" have no row of version "
			"\"%s\"%s%s%s",
			cover->missing, cover->documents, active, c->workspace, to,
			names.len ? ": " : "", buf_str(&names),
			names.len && cover->missing > 3 ? ", ..." : "");
	buf_release(&names);
	return false;
}

/* ---- status ---- */

struct status {
	struct firn_versions_status *result;
	const struct table_info *table;
	size_t workspace_capacity, version_capacity;
};

static bool copy(const char *s, char **out, struct err *e)
{
	*out = mem_strdup(s, e);
	return *out || !s;
}

static bool add_workspace(struct status *s, const struct version_row *row, struct err *e)
{
	void *array = s->result->workspaces;
	struct firn_version_workspace *w;

	if (!mem_grow(&array, &s->workspace_capacity, s->result->workspace_count + 1, sizeof(*w),
		      e))
		return false;
	s->result->workspaces = array;
	w = &s->result->workspaces[s->result->workspace_count++];
	s->version_capacity = 0;
	*w = (struct firn_version_workspace){
		.documents = row->documents,
		.covered = row->covered,
		.fewer = row->fewer,
		.by_document = table_info_column(s->table, COLUMN_DOCUMENT) != NULL,
	};
	return copy(s->table->label, &w->table, e) && copy(row->workspace, &w->workspace, e) &&
	       copy(row->active, &w->active, e) && copy(row->target, &w->target, e) &&
	       copy(row->since, &w->since, e) && copy(row->rollback_to, &w->rollback_to, e) &&
	       copy(row->rollback_began, &w->rollback_began, e);
}

static bool add_version(void *ctx, const struct version_row *row, struct err *e)
{
	struct status *s = ctx;
	struct firn_version_workspace *w = NULL;
	struct firn_version *v;
	void *array;

	if (s->result->workspace_count)
		w = &s->result->workspaces[s->result->workspace_count - 1];
	if (!w || !str_eq(w->workspace, row->workspace) || !str_eq(w->table, s->table->label)) {
		if (!add_workspace(s, row, e))
			return false;
		w = &s->result->workspaces[s->result->workspace_count - 1];
	}
	array = w->versions;
	if (!mem_grow(&array, &s->version_capacity, w->version_count + 1, sizeof(*v), e))
		return false;
	w->versions = array;
	v = &w->versions[w->version_count++];
	*v = (struct firn_version){
		.documents = row->hot_documents,
		.hot_rows = row->hot_rows,
		.cold_rows = row->cold_rows,
	};
	return copy(row->version, &v->version, e);
}

static bool add_table(struct firn *f, const struct table_wanted *wanted,
		      const struct firn_versions_options *o, struct status *s, struct err *e)
{
	const struct firn_rehydrate_options names = { .workspaces = o->workspaces,
						      .workspace_count = o->workspace_count };
	struct engine_table t = { 0 };
	struct selection selection = { 0 };
	bool ok = engine_table_look(f, wanted, &t, e) && versions_known(t.info, e) &&
		  selection_resolve(f->pg, t.info, &names, &selection, e);

	s->table = t.info;
	if (ok && !selection.workspaces.count)
		ok = version_counts(f->pg, t.info, t.id, NULL, NULL, add_version, s, e);
	for (size_t i = 0; ok && i < selection.workspaces.count; i++)
		ok = version_counts(f->pg, t.info, t.id, selection.workspaces.texts[i], NULL,
				    add_version, s, e);
	selection_release(&selection);
	engine_table_close(&t);
	return ok;
}

bool firn_versions_status(struct firn *f, const struct firn_versions_options *options,
			  struct firn_versions_status *result, struct err *e)
{
	struct status s = { .result = result };
	bool ok = engine_tables_given(f, e);

	*result = (struct firn_versions_status){ 0 };
	for (size_t i = 0; ok && i < f->table_count; i++)
		ok = add_table(f, &f->tables[i], options, &s, e);
	return ok;
}
