/* firn rehydrate: which segments may hold what is asked for, one after the other, then the index work. */
#include "engine/bulk.h"
#include "engine/restore.h"
#include "engine/restore_pool.h"
#include "engine/thaw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/storage_class.h"

/* One per processor of a small server; how many the server has cannot be seen from here. */
#define DEFAULT_SESSIONS 2

static bool find_segments(struct firn *f, const struct engine_table *t, const struct selection *s,
			  const struct firn_rehydrate_options *o, struct segment_list *out,
			  struct err *e)
{
	struct segment_filter filter = {
		.table_id = t->id,
		.states[SEGMENT_ACTIVE] = true,
		.workspaces = (const char *const *)s->workspaces.texts,
		.workspace_count = s->workspaces.count,
		.versions = (const char *const *)s->versions.texts,
		.version_count = s->versions.count,
		.ids = o->segments,
		.id_count = o->segment_count,
	};

	return catalog_segments(f->pg, &filter, out, e);
}

/* Two rehydrates of one segment take turns: the second sees what the first brought back, and finds its index cached.
 * *readable_out is false where the object must be restored first, which was asked for then. */
static bool restore_locked(struct restore *r, int64_t segment_id, bool *readable_out, struct err *e)
{
	struct pg *pg = r->f->pg;
	struct segment_list current = { 0 };
	struct segment_record *record;
	bool ok;

	*readable_out = true;
	if (!catalog_segment_lock(pg, segment_id, e))
		return false;
	ok = catalog_segments(pg, &(struct segment_filter){ .ids = &segment_id, .id_count = 1 },
			      &current, e);
	if (ok && current.count == 1 && current.items[0].state == SEGMENT_ACTIVE) {
		record = &current.items[0];
		ok = restore_segment(r, record, e);
		/* Rules of the bucket may have moved it without firn. */
		if (!ok && e->code == ERR_FROZEN) {
			err_clear(e);
			ok = thaw_segment(r, record, readable_out, e);
		}
	}
	segment_list_release(&current);
	catalog_segment_unlock(pg, segment_id);
	return ok;
}

/* Asks for all restores before anything is loaded: they take hours. */
static bool thaw_first(struct restore *r, const struct segment_list *list, bool *frozen,
		       struct err *e)
{
	for (size_t i = 0; i < list->count; i++) {
		bool readable = true;

		if (storage_class_is_frozen(list->items[i].storage_class) &&
		    !thaw_segment(r, &list->items[i], &readable, e))
			return false;
		frozen[i] = !readable;
	}
	return true;
}

/* Newest first: of a key that was archived, inserted again and archived again, the later row is the row. The older copy
 * then finds it hot and is left alone. */
static bool restore_all(struct restore *r, const struct segment_list *list, struct err *e)
{
	bool *frozen = mem_new(list->count + 1, sizeof(*frozen), e), *done = NULL;
	const struct segment_record **left = mem_new(list->count + 1, sizeof(*left), e);
	size_t left_count;
	bool ok;

	done = mem_new(list->count + 1, sizeof(*done), e);
	ok = frozen && left && done && thaw_first(r, list, frozen, e);
	do {
		left_count = 0;
		for (size_t i = list->count; ok && i > 0; i--) {
			bool readable = !frozen[i - 1];

			if (done[i - 1])
				continue;
			if (readable)
				ok = restore_locked(r, list->items[i - 1].id, &readable, e);
			done[i - 1] = readable;
			frozen[i - 1] = false; /* looked at again in the next round */
			if (!readable)
				left[left_count++] = &list->items[i - 1];
		}
		if (ok && left_count > 0 && r->options->wait) {
			ok = thaw_wait(r, left, left_count, e);
			r->result->segments_frozen = 0;
		}
	} while (ok && left_count > 0 && r->options->wait);
	free(frozen);
	free(done);
	free(left);
	return ok;
}

/* lease: of a bulk load, or not held yet. Released here. */
static bool maintain_after(struct firn *f, const struct engine_table *t, struct restore *r,
			   struct lease *lease, struct err *e)
{
	bool ok;

	if (FAULT("rehydrate.before_maintain"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	if (!lease->held && !lease_take(lease, f->pg, t->id, e)) {
		if (e->code != ERR_BUSY)
			return false;
		err_clear(e);
		return restore_note(r, e,
				    "a pass is working on table \"%s\": it, or \"firn maintain\", "
				    "does the index work",
				    t->info->label);
	}
	ok = engine_maintain_table(f, t, &(struct firn_maintain_options){ 0 }, &r->result->maintain,
				   e);
	lease_release(lease);
	return ok;
}

/* What a bulk load took away comes back, whatever became of the load; of two failures the first is told. */
static bool end_bulk(struct firn *f, struct restore *r, struct bulk *bulk, bool ok, struct err *e)
{
	struct err second = { 0 };

	if (maintain_after(f, r->table, r, &bulk->lease, ok ? e : &second))
		return ok;
	if (!ok)
		log_err(&f->log, &second);
	return false;
}

static bool rehydrate_table(struct firn *f, const struct table_wanted *wanted,
			    const struct firn_rehydrate_options *o, struct restore *r,
			    struct err *e)
{
	struct engine_table table = { 0 };
	struct selection selection = { 0 };
	struct segment_list segments = { 0 };
	struct bulk bulk = { 0 };
	int64_t rows_before = r->result->rows, ms_before = r->insert_ms;
	bool ok = false;

	if (!engine_table_open(f, wanted, &table, e) ||
	    !selection_resolve(f->pg, table.info, o, &selection, e) ||
	    !find_segments(f, &table, &selection, o, &segments, e))
		goto out;
	r->table = &table;
	r->selection = &selection;
	ok = bulk_begin(&bulk, r, &segments, e);
	progress_start(&r->progress, f, "bringing back", NULL, bulk.rows);
	ok = ok && restore_all(r, &segments, e);
	if (!ok && e->code == ERR_NOT_FOUND)
		engine_archive_is_another(f, e);
	progress_end(&r->progress, false);
	ok = ok && bulk_log(&bulk, r, r->result->rows - rows_before,
			    (double)(r->insert_ms - ms_before) / 1000, e);
	engine_note_rehydrated(f, table.id, r->result->rows - rows_before);
	if (bulk.begun)
		ok = end_bulk(f, r, &bulk, ok, e);
	else if (ok && !o->dry_run && !o->no_maintain && r->result->rows > rows_before)
		ok = maintain_after(f, &table, r, &bulk.lease, e);
out:
	lease_release(&bulk.lease);
	segment_list_release(&segments);
	selection_release(&selection);
	engine_table_close(&table);
	return ok;
}

bool firn_rehydrate(struct firn *f, const struct firn_rehydrate_options *o,
		    struct firn_rehydrate_result *result, struct err *e)
{
	struct restore r = {
		.f = f,
		.options = o,
		.result = result,
		.sessions = o->jobs > 0 ? o->jobs : DEFAULT_SESSIONS,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int64_t started_ms = clock_now_ms(f->clock);
	bool ok;

	*result = (struct firn_rehydrate_result){ 0 };
	if (!o->workspace_count && !o->document_count && !o->chunk_count && !o->version_count &&
	    !o->segment_count && !o->everything) {
		err_set(e, ERR_USAGE, "nothing says what to bring back");
		return err_hint(e, "Use --workspace, --document, --chunk, --version or --segment, "
				   "or --where-cold all.");
	}
	for (size_t i = 0; i < o->column_count; i++)
		if (!strchr(o->columns[i], '=') || o->columns[i][0] == '=') {
			err_set(e, ERR_USAGE, "\"%s\" does not say which column is now which",
				o->columns[i]);
			return err_hint(e,
					"Use --column OLD=NEW, or --column OLD= to give its values "
					"up.");
		}
	if (o->bulk && o->no_maintain) {
		err_set(e, ERR_USAGE, "a bulk load cannot leave the index work to others");
		return err_hint(e,
				"What it drops it also builds: use --bulk without --no-maintain.");
	}
	if (o->jobs < 0 || o->jobs > POLICY_JOBS_MAX)
		return err_set(e, ERR_USAGE, "a rehydrate has from 1 to %d jobs, not %" PRId64,
			       POLICY_JOBS_MAX, o->jobs);
	ok = engine_store(f, e) && engine_tables_given(f, e);
	if (ok && r.sessions > 1) {
		r.pool = restore_pool_new(f, r.sessions, e);
		ok = r.pool != NULL;
	}
	for (size_t i = 0; ok && i < f->table_count; i++)
		ok = rehydrate_table(f, &f->tables[i], o, &r, e);
	restore_pool_free(r.pool);
	result->seconds = (double)(clock_now_ms(f->clock) - started_ms) / 1000;
	return ok;
}
