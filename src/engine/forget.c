/* firn forget: what is cold of a workspace cannot be read by anyone any more, since the key that it was sealed by is gone. */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"
#include "catalog/key_store.h"
#include "catalog/workspace_rows.h"
#include "engine/selection.h"
#include "segment/describe.h"

struct forget {
	struct firn *f;
	struct engine_table table;
	struct selection names;
	const char *workspace; /* as the catalog has it */
	struct segment_list segments;
	struct firn_forget_result *result;
};

static bool fault(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "a fault was injected");
}

static bool open_forget(struct forget *g, const char *workspace, struct err *e)
{
	struct firn *f = g->f;
	const struct firn_rehydrate_options names = { .workspaces = &workspace,
						      .workspace_count = 1 };

	if (!workspace || !*workspace) {
		err_set(e, ERR_USAGE, "no workspace is given");
		return err_hint(e, "Use --workspace ID.");
	}
	if (!engine_tables_given(f, e))
		return false;
	if (f->table_count > 1) {
		err_set(e, ERR_USAGE, "a workspace is forgotten in one table at a time");
		return err_hint(e, "Name it by --table schema.table.");
	}
	if (!engine_table_open(f, &f->tables[0], &g->table, e) ||
	    !selection_resolve(f->pg, g->table.info, &names, &g->names, e))
		return false;
	g->workspace = g->names.workspaces.texts[0];
	g->result->table = mem_strdup(g->table.info->label, e);
	g->result->workspace = mem_strdup(g->workspace, e);
	return g->result->table && g->result->workspace;
}

/* Where its rows are. */
static bool look(struct forget *g, struct err *e)
{
	struct firn_forget_result *result = g->result;
	struct pg *pg = g->f->pg;
	bool ok = workspace_rows_count(pg, g->table.info, g->workspace, &result->rows_hot, e) &&
		  catalog_segments(pg,
				   &(struct segment_filter){ .table_id = g->table.id,
							     .states[SEGMENT_ACTIVE] = true,
							     .workspaces = &g->workspace,
							     .workspace_count = 1 },
				   &g->segments, e);

	for (size_t i = 0; ok && i < g->segments.count; i++) {
		struct segment_group_row *groups = NULL;
		size_t count = 0;

		ok = catalog_segment_groups(pg, g->segments.items[i].id, &groups, &count, e);
		for (size_t k = 0; ok && k < count; k++)
			if (str_eq(groups[k].workspace, g->workspace))
				result->rows_cold += groups[k].rows_live;
		segment_groups_free(groups, count);
		result->segments++;
		if (g->segments.items[i].format_version < SEGMENT_FORMAT_SEALED)
			result->segments_not_encrypted++;
	}
	return ok;
}

static bool check(const struct forget *g, struct err *e)
{
	const struct firn_forget_result *result = g->result;

	if (result->rows_hot > 0) {
		err_set(e, ERR_CONFIG, "workspace \"%s\" has %" PRId64 " hot rows", g->workspace,
			result->rows_hot);
		return err_hint(e, "Delete them first; only what is cold is forgotten.");
	}
	if (result->segments_not_encrypted > 0) {
		err_set(e, ERR_CONFIG,
			"%" PRId64
			" segments with rows of workspace \"%s\" are not encrypted: they "
			"could be read without any key",
			result->segments_not_encrypted, g->workspace);
		return err_hint(e, "Bring these rows back and delete them, then let \"firn gc\" "
				   "remove the segments.");
	}
	return true;
}

/* Groups of the workspace are dead from now on; how many changed, put first. */
static size_t kill_groups(const struct forget *g, struct segment_group_row *groups, size_t count,
			  struct bitmap *dead)
{
	size_t changed = 0;

	for (size_t i = 0; i < count; i++) {
		struct segment_group_row group = groups[i];

		if (!str_eq(group.workspace, g->workspace) || group.rows_live == 0)
			continue;
		bitmap_add_range(dead, (uint32_t)group.first_row,
				 (uint32_t)(group.first_row + group.rows_total));
		group.rows_live = 0;
		groups[i] = groups[changed];
		groups[changed++] = group;
	}
	return changed;
}

/* In a transaction, under the segment's lock: a rehydrate of it is before or after. */
static bool forget_rows(struct forget *g, int64_t id, struct err *e)
{
	struct segment_list current = { 0 };
	struct segment_group_row *groups = NULL;
	struct bitmap *dead = NULL;
	struct pg *pg = g->f->pg;
	size_t count = 0, changed;
	bool ok;

	ok = catalog_segments(pg,
			      &(struct segment_filter){ .ids = &id, .id_count = 1, .lock = true },
			      &current, e);
	if (!ok || current.count == 0 || current.items[0].state != SEGMENT_ACTIVE)
		goto out;
	dead = segment_record_dead(&current.items[0], e);
	ok = dead && catalog_segment_groups(pg, id, &groups, &count, e);
	if (!ok)
		goto out;
	changed = kill_groups(g, groups, count, dead);
	ok = changed == 0 ||
	     catalog_segment_update_dead(pg, id, dead,
					 current.items[0].rows_total - (int64_t)bitmap_count(dead),
					 groups, changed, e);
out:
	bitmap_free(dead);
	segment_groups_free(groups, count);
	segment_list_release(&current);
	return ok;
}

static bool forget_segment(struct forget *g, const struct lease *lease, int64_t id, struct err *e)
{
	struct pg *pg = g->f->pg;
	bool ok;

	if (!catalog_segment_lock(pg, id, e))
		return false;
	ok = pg_begin(pg, NULL, e) && lease_check(lease, pg, e) && forget_rows(g, id, e) &&
	     pg_commit(pg, e);
	if (!ok)
		pg_rollback(pg);
	catalog_segment_unlock(pg, id);
	return ok;
}

/* The rows first, so that nobody asks for what no key opens; the key last. A run that dies between is run again. */
static bool forget_all(struct forget *g, const struct lease *lease, struct err *e)
{
	struct buf name = BUF_INIT;
	bool ok = true;

	for (size_t i = 0; ok && i < g->segments.count; i++) {
		ok = forget_segment(g, lease, g->segments.items[i].id, e);
		if (ok && FAULT("forget.after_segment"))
			ok = fault(e);
	}
	describe_field(&g->names.workspaces.fields[0], &name);
	ok = ok && buf_ok(&name, e) &&
	     key_store_remove(g->f->pg, g->table.id, name.data, name.len, &g->result->key_destroyed,
			      e);
	if (ok && FAULT("forget.after_key"))
		ok = fault(e);
	buf_release(&name);
	return ok;
}

/* What a run that confirms would end with. */
static bool foretell(struct forget *g, struct err *e)
{
	struct buf why = BUF_INIT;
	struct err refusal = { 0 };

	if (check(g, &refusal))
		return true;
	buf_printf(&why, "%s. %s", refusal.message, refusal.hint);
	g->result->refused = buf_take(&why, e);
	return g->result->refused != NULL;
}

bool firn_forget(struct firn *f, const struct firn_forget_options *options,
		 struct firn_forget_result *result, struct err *e)
{
	struct forget g = { .f = f, .result = result };
	struct lease lease = { 0 };
	bool ok;

	*result = (struct firn_forget_result){ 0 };
	ok = open_forget(&g, options->workspace, e);
	/* No pass may seal rows by the key meanwhile. */
	if (ok && options->confirm)
		ok = lease_take(&lease, f->pg, g.table.id, e);
	ok = ok && look(&g, e);
	if (ok)
		ok = options->confirm ? check(&g, e) && forget_all(&g, &lease, e) : foretell(&g, e);
	lease_release(&lease);
	segment_list_release(&g.segments);
	selection_release(&g.names);
	engine_table_close(&g.table);
	return ok || err_wrap(e, "could not forget the workspace");
}
