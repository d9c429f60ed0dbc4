/* firn gc: objects that nothing needs any more, listed, and removed when asked to. Never one that a catalog row in use
 * names, never before the horizon: a restored backup of the database may still refer to it. */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "catalog/usage.h"

struct gc {
	struct firn *f;
	const struct firn_gc_options *options;
	struct firn_gc_result *result;
	size_t capacity;
	int64_t horizon_s, now_s;
	struct segment_list known; /* every segment of the catalog */
	char **keys;               /* of them, sorted */
	char marker[ENGINE_MARKER_MAX], turns[ENGINE_MARKER_MAX];
	size_t key_count;
};

static struct firn_gc_item *add_item(struct gc *g, const char *kind, const char *object,
				     int64_t segment, int64_t bytes, int64_t age_s, bool removable,
				     const char *reason, struct err *e)
{
	void *items = g->result->items;
	struct firn_gc_item *item;

	if (!mem_grow(&items, &g->capacity, g->result->item_count + 1, sizeof(*item), e))
		return NULL;
	g->result->items = items;
	item = &g->result->items[g->result->item_count++];
	*item = (struct firn_gc_item){
		.object = mem_strdup(object, e),
		.segment = segment,
		.bytes = bytes,
		.age_s = age_s,
		.removable = removable,
		.reason = mem_strdup(reason, e),
	};
	snprintf(item->kind, sizeof(item->kind), "%s", kind);
	if (!item->object || !item->reason)
		return NULL;
	if (removable)
		g->result->removable_bytes += bytes;
	return item;
}

/* Why an item of this age stays or goes. */
static void explain(const struct gc *g, int64_t age_s, const char *what, char *out, size_t out_len)
{
	char age[32], left[32];

	str_format_duration(age_s, age, sizeof(age));
	if (age_s >= g->horizon_s)
		snprintf(out, out_len, "%s for %s", what, age);
	else
		snprintf(out, out_len,
			 "%s for %s; kept for another %s, while backups may refer to it", what, age,
			 str_format_duration(g->horizon_s - age_s, left, sizeof(left)));
}

/* Object Lock keeps it: what e says becomes the item's reason. False: e is another failure. */
static bool put_off(struct gc *g, struct firn_gc_item *item, struct err *e)
{
	char *reason;

	if (e->code != ERR_BUSY)
		return false;
	reason = mem_strdup(e->message, e);
	if (!reason)
		return false;
	free(item->reason);
	item->reason = reason;
	item->removable = 0;
	g->result->removable_bytes -= item->bytes;
	g->result->put_off++;
	err_clear(e);
	return true;
}

static void mark_removed(struct gc *g, struct firn_gc_item *item)
{
	item->removed = 1;
	g->result->removed_bytes += item->bytes;
}

/* ---- segments that are retired or abandoned ---- */

/* The row stays, as removed: its keys are never used again. The state is checked, and locked, right before. */
static bool remove_segment(struct gc *g, const struct segment_record *r, bool *removed,
			   struct err *e)
{
	struct pg *pg = g->f->pg;
	struct segment_list current = { 0 };
	const char *keys[] = { r->object_key, r->index_key };
	bool ok;

	*removed = false;
	ok = pg_begin(pg, NULL, e) &&
	     catalog_segments(
		     pg, &(struct segment_filter){ .ids = &r->id, .id_count = 1, .lock = true },
		     &current, e);
	if (ok && current.count == 1 &&
	    (current.items[0].state == SEGMENT_RETIRED ||
	     current.items[0].state == SEGMENT_ABANDONED)) {
		ok = store_delete(g->f->store, keys, 2, NULL, e);
		if (ok && FAULT("gc.after_delete"))
			ok = err_set(e, ERR_INTERNAL, "a fault was injected");
		ok = ok && catalog_segment_removed(pg, r->id, removed, e);
		if (ok && FAULT("gc.before_commit"))
			ok = err_set(e, ERR_INTERNAL, "a fault was injected");
	}
	ok = ok && pg_commit(pg, e);
	if (!ok)
		pg_rollback(pg);
	segment_list_release(&current);
	return ok || err_wrap(e, "could not remove segment %" PRId64, r->id);
}

static bool collect_segment(struct gc *g, const struct segment_record *r, struct err *e)
{
	const char *kind = r->state == SEGMENT_RETIRED ? "retired" : "abandoned";
	bool old_enough = r->unreferenced_age_s >= g->horizon_s, removed;
	struct firn_gc_item *item;
	char reason[256];

	explain(g, r->unreferenced_age_s,
		r->state == SEGMENT_RETIRED ? "without live rows"
					    : "left by a run that did not end",
		reason, sizeof(reason));
	item = add_item(g, kind, r->object_key, r->id, r->bytes + r->index_bytes,
			r->unreferenced_age_s, old_enough, reason, e);
	if (!item)
		return false;
	if (!g->options->confirm || !old_enough)
		return true;
	if (!remove_segment(g, r, &removed, e))
		return put_off(g, item, e);
	if (removed)
		mark_removed(g, item);
	return true;
}

/* Past its rule's delete_after: the rows are given up when that was asked for, else shown. */
static bool collect_expired(struct gc *g, const struct policy *policy,
			    const struct segment_record *r, struct err *e)
{
	const struct rule *rule = engine_expired_by(policy, r);
	char age[32], limit[32], rows[32], reason[256];

	if (!rule)
		return true;
	snprintf(reason, sizeof(reason),
		 "%s rows were archived %s ago, delete_after of rule \"%s\" is %s: --expire "
		 "--confirm gives them up",
		 str_format_count(r->rows_live, rows, sizeof(rows)),
		 str_format_duration(r->created_age_s, age, sizeof(age)), rule->name,
		 str_format_duration(rule->delete_after_s, limit, sizeof(limit)));
	return add_item(g, "expired", r->object_key, r->id, r->bytes + r->index_bytes,
			r->created_age_s, false, reason, e) != NULL;
}

/* What expired is given up where asked for. Intents: of a run at work, or of a dead one. Only who can take the lease knows; a run at work keeps its intents. */
static bool settle_intents(struct gc *g, const struct table_wanted *wanted, struct err *e)
{
	struct engine_table t = { 0 };
	struct lease lease = { 0 };
	int64_t count;
	bool ok;

	if (!engine_table_open(g->f, wanted, &t, e))
		return false;
	if (g->options->expire && !engine_expire(g->f, t.id, &g->result->given_up, e)) {
		engine_table_close(&t);
		return false;
	}
	ok = lease_take(&lease, g->f->pg, t.id, e);
	if (!ok && e->code == ERR_BUSY) {
		log_notice(
			&g->f->log,
			"table \"%s\" is being worked on: its unfinished segments are left alone",
			t.info->label);
		err_clear(e);
		ok = true;
	} else if (ok) {
		ok = catalog_abandon_dead_intents(g->f->pg, t.id, lease.epoch, &count, e);
	}
	lease_release(&lease);
	engine_table_close(&t);
	return ok;
}

static bool collect_segments(struct gc *g, struct err *e)
{
	const struct policy *policy = engine_policy(g->f, e);
	struct segment_list *list = &g->known;

	if (!policy)
		return false;
	for (size_t i = 0; g->options->confirm && i < g->f->table_count; i++)
		if (!settle_intents(g, &g->f->tables[i], e))
			return false;
	if (!catalog_segments(g->f->pg, &(struct segment_filter){ 0 }, list, e))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		const struct segment_record *r = &list->items[i];

		if (!collect_expired(g, policy, r, e))
			return false;
		if (r->state == SEGMENT_INTENT &&
		    !add_item(g, "intent", r->object_key, r->id, 0, r->created_age_s, false,
			      "of a run that is at work, or died: the next pass or gc --confirm "
			      "settles it",
			      e))
			return false;
		if ((r->state == SEGMENT_RETIRED || r->state == SEGMENT_ABANDONED) &&
		    !collect_segment(g, r, e))
			return false;
		if (signal_stop_requested())
			return err_set(e, ERR_INTERRUPTED, "stopped by a signal");
	}
	return true;
}

/* ---- objects that no row names ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keys of every segment that has not been removed, whatever its state: those objects have an owner. */
static bool sort_keys(struct gc *g, struct err *e)
{
	g->keys = mem_new(2 * g->known.count, sizeof(*g->keys), e);
	if (!g->keys)
		return false;
	for (size_t i = 0; i < g->known.count; i++) {
		if (g->known.items[i].state == SEGMENT_REMOVED)
			continue;
		g->keys[g->key_count++] = g->known.items[i].object_key;
		g->keys[g->key_count++] = g->known.items[i].index_key;
	}
	qsort(g->keys, g->key_count, sizeof(*g->keys), by_text);
	return true;
}

static bool visit_object(void *ctx, const struct store_object *object, struct err *e)
{
	struct gc *g = ctx;
	const char *key = object->key;
	int64_t age_s = g->now_s - object->modified_s;
	bool old_enough = age_s >= g->horizon_s;
	char reason[256];

	if (str_eq(key, g->marker) || str_starts_with(key, g->turns) ||
	    bsearch(&key, g->keys, g->key_count, sizeof(*g->keys), by_text))
		return true;
	explain(g, age_s, "no row of this catalog names it", reason, sizeof(reason));
	if (old_enough && !g->options->orphans)
		snprintf(reason, sizeof(reason),
			 "no row of this catalog names it, but a copy of this database may: use "
			 "--orphans "
			 "to remove it");
	return add_item(g, "orphan", key, 0, (int64_t)object->bytes, age_s,
			old_enough && g->options->orphans, reason, e) != NULL;
}

/* The state of the segment that has this key now: one begun since the catalog was listed must not look like an orphan.
 * SEGMENT_REMOVED when there is none. */
static bool state_now(struct gc *g, const char *key, enum segment_state *state, struct err *e)
{
	struct segment_list now = { 0 };
	bool ok = catalog_segments(g->f->pg, &(struct segment_filter){ 0 }, &now, e);

	*state = SEGMENT_REMOVED;
	for (size_t i = 0; ok && i < now.count; i++)
		if (str_eq(now.items[i].object_key, key) || str_eq(now.items[i].index_key, key))
			*state = now.items[i].state;
	segment_list_release(&now);
	return ok;
}

static bool collect_orphans(struct gc *g, struct err *e)
{
	char prefix[64], id[37];
	size_t first = g->result->item_count;

	if (!catalog_id(g->f->pg, id, e) || !engine_archive_marker(g->f, g->marker, e) ||
	    !engine_archive_turn_prefix(g->f, g->turns, e) || !sort_keys(g, e))
		return false;
	snprintf(prefix, sizeof(prefix), "%s/", id);
	if (!store_list(g->f->store, prefix, visit_object, g, e))
		return false;
	for (size_t i = first; g->options->confirm && i < g->result->item_count; i++) {
		struct firn_gc_item *item = &g->result->items[i];
		const char *key = item->object;
		enum segment_state state;

		if (!item->removable)
			continue;
		if (!state_now(g, key, &state, e))
			return false;
		if (state != SEGMENT_REMOVED)
			continue;
		if (store_delete(g->f->store, &key, 1, NULL, e))
			mark_removed(g, item);
		else if (!put_off(g, item, e))
			return false;
	}
	return true;
}

/* ---- uploads that never ended ---- */

static bool visit_upload(void *ctx, const struct store_upload *upload, struct err *e)
{
	struct gc *g = ctx;
	int64_t age_s = g->now_s - upload->started_s;
	bool old_enough = age_s >= g->horizon_s;
	enum segment_state state = SEGMENT_REMOVED;
	struct firn_gc_item *item;
	char reason[256];

	explain(g, age_s, "an upload that never ended, begun", reason, sizeof(reason));
	/* However short the horizon: what a run is writing now is left alone. With --confirm the dead ones' intents have
	 * been settled before. */
	if (old_enough && !state_now(g, upload->key, &state, e))
		return false;
	if (state == SEGMENT_INTENT) {
		old_enough = false;
		snprintf(reason, sizeof(reason), "of a run that is at work, or died");
	}
	item = add_item(g, "upload", upload->key, 0, 0, age_s, old_enough, reason, e);
	if (!item)
		return false;
	if (!g->options->confirm || !old_enough)
		return true;
	if (!store_abort_upload(g->f->store, upload, e))
		return false;
	mark_removed(g, item);
	return true;
}

static bool collect_uploads(struct gc *g, struct err *e)
{
	char prefix[64], id[37];

	if (!catalog_id(g->f->pg, id, e))
		return false;
	snprintf(prefix, sizeof(prefix), "%s/", id);
	return store_list_uploads(g->f->store, prefix, visit_upload, g, e);
}

/* For who watches: what is left that nobody names. */
static void note(struct gc *g, bool ok, int64_t started_ms, const struct err *e)
{
	struct usage_inspection i = {
		.command = "gc",
		.outcome = ok ? "done" : e->message,
		.seconds = (double)(clock_now_ms(g->f->clock) - started_ms) / 1000,
		.segments = (int64_t)g->known.count,
		.orphans = ok ? 0 : -1,
		.orphan_bytes = ok ? 0 : -1,
	};

	for (size_t n = 0; ok && n < g->result->item_count; n++) {
		const struct firn_gc_item *item = &g->result->items[n];

		if (str_eq(item->kind, "orphan") && !item->removed) {
			i.orphans++;
			i.orphan_bytes += item->bytes;
		}
	}
	engine_note_inspection(g->f, &i);
}

bool firn_gc(struct firn *f, const struct firn_gc_options *options, struct firn_gc_result *result,
	     struct err *e)
{
	struct gc g = {
		.f = f,
		.options = options,
		.result = result,
		.horizon_s = options->horizon_s >= 0 ? options->horizon_s : f->config.gc.horizon_s,
	};
	struct engine_table t = { 0 };
	int64_t started_ms = clock_now_ms(f->clock);
	bool ok;

	*result = (struct firn_gc_result){ 0 };
	/* Opening each table checks that this archive is the one that the catalog means. */
	ok = engine_tables_given(f, e) && engine_store(f, e);
	for (size_t i = 0; ok && i < f->table_count; i++) {
		ok = engine_table_open(f, &f->tables[i], &t, e);
		engine_table_close(&t);
	}
	ok = ok && (options->confirm ? engine_archive_ours(f, e) : engine_archive_check(f, e)) &&
	     catalog_now(f->pg, NULL, &g.now_s, e) && collect_segments(&g, e) &&
	     collect_orphans(&g, e) && collect_uploads(&g, e);
	note(&g, ok, started_ms, e);
	segment_list_release(&g.known);
	free(g.keys);
	return ok || err_wrap(e, "could not collect garbage");
}
