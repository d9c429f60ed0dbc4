/* Index work after rows moved: each step stands alone, so that a run that dies is simply run again. */
#include "engine/engine.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "catalog/index_bulk.h"
#include "catalog/index_work.h"
#include "catalog/server_load.h"
#include "engine/index_cost.h"
#include "engine/index_probe.h"
#include "engine/throttle.h"

/* A new index next to the old one: its size again, and a tenth for what comes in meanwhile. */
#define ROOM_FACTOR 1.1
/* A build waits for older transactions; it gives way to whoever waits behind it, and tries again. */
#define REINDEX_TRIES 3
/* Who waits long gains on who would gain more: a leaf's benefit doubles with each so many days. */
#define AGE_DOUBLES_S (7 * 86400.0)
/* Rates are measured over at least this long. */
#define RATE_LEAST_MS 2000

struct work {
	struct firn *f;
	const struct engine_table *table;
	const struct firn_maintain_options *options;
	struct firn_maintain_result *result;
	size_t capacity;
	int64_t started_ms;
	const struct leaf *leaf; /* at hand */
	struct due_work due;     /* of it; deleted and inserted 0 where nothing is */
	int64_t rows, dead;
	int64_t inserted_before, measured_ms; /* into the whole table, and when that was */
	double ingest_rows_per_s;
	bool analyzed; /* the leaf at hand, since the last rows came or went */
};

/* Indexes of the leaf at hand, and what work on them would cost. */
struct leaf_list {
	struct leaf_index *indexes;
	struct index_cost *costs;
	size_t count;
};

static bool add_step(struct work *w, const char *index, const char *action, double seconds,
		     int64_t before, int64_t after, int64_t reclaimable, struct err *e,
		     const char *fmt, ...) PRINTF(9, 10);

static bool add_step(struct work *w, const char *index, const char *action, double seconds,
		     int64_t before, int64_t after, int64_t reclaimable, struct err *e,
		     const char *fmt, ...)
{
	void *steps = w->result->steps;
	struct firn_maintain_step *step;
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (!mem_grow(&steps, &w->capacity, w->result->step_count + 1, sizeof(*step), e))
		return false;
	w->result->steps = steps;
	step = &w->result->steps[w->result->step_count++];
	*step = (struct firn_maintain_step){
		.table = mem_strdup(w->table->info->label, e),
		.leaf = mem_strdup(w->leaf ? w->leaf->label : w->table->info->label, e),
		.index = mem_strdup(index, e),
		.reason = mem_strdup(reason, e),
		.seconds = seconds,
		.bytes_before = before,
		.bytes_after = after,
		.reclaimable_bytes = reclaimable,
	};
	snprintf(step->action, sizeof(step->action), "%s", action);
	log_info(&w->f->log, "%s %s%s%s: %s", action, step->leaf, *index ? " index " : "", index,
		 reason);
	return step->table && step->leaf && step->index && step->reason;
}

static double seconds_since(struct work *w, int64_t start_ms)
{
	return (double)(clock_now_ms(w->f->clock) - start_ms) / 1000;
}

static bool log_step(struct work *w, const struct leaf_index *index, const char *action,
		     int64_t dead, int64_t after, double seconds, struct err *e)
{
	return index_work_log(w->f->pg,
			      &(struct work_log){
				      .table_id = w->table->id,
				      .leaf = w->leaf ? w->leaf->label : w->table->info->label,
				      .index = index ? index->name : "",
				      .method = index ? index->method : "",
				      .action = action,
				      .rows = w->rows,
				      .dead = dead,
				      .bytes_before = index ? index->bytes : 0,
				      .bytes_after = after,
				      .seconds = seconds,
				      .dimensions = index ? index->dimensions : 0,
				      .links = index ? index->links : 0,
			      },
			      e);
}

static bool out_of_time(const struct work *w)
{
	int64_t limit = w->options->max_runtime_s;

	return signal_stop_requested() ||
	       (limit > 0 && clock_now_ms(w->f->clock) - w->started_ms >= limit * 1000);
}

static bool drop_leftovers(struct work *w, struct err *e)
{
	struct leaf_index *left = NULL;
	size_t count = 0;
	bool ok = index_work_leftovers(w->f->pg, w->leaf->oid, &left, &count, e);

	for (size_t i = 0; ok && i < count; i++) {
		ok = add_step(w, left[i].name, "drop-leftover", 0, left[i].bytes, 0, 0, e,
			      "an index build that died left it invalid");
		if (ok && !w->options->dry_run)
			ok = index_work_drop(w->f->pg, &left[i], e) &&
			     log_step(w, &left[i], "drop-leftover", 0, 0, 0, e);
	}
	leaf_indexes_free(left, count);
	return ok;
}

/* *enough false: a second index of this size might not fit. Where nothing can be known the build goes on. */
static bool check_room(struct work *w, const struct leaf_index *index, bool *enough,
		       int64_t *free_out, struct err *e)
{
	int64_t room = (int64_t)w->f->config.maintain.disk_free_bytes;

	*enough = true;
	if (!room && !index_work_disk_free(w->f->pg, &room, e))
		return false;
	*free_out = room;
	if (room < 0)
		log_info(&w->f->log,
			 "cannot see how much room the database's disk has; building index \"%s\" "
			 "anyway",
			 index->name);
	else
		*enough = (double)room >= (double)index->bytes * ROOM_FACTOR;
	return true;
}

static bool build_anew(struct work *w, const struct leaf_index *index,
		       const struct index_cost *cost, const char *reason, struct err *e)
{
	int64_t start_ms = clock_now_ms(w->f->clock), after = 0, waste;
	double seconds;
	bool ok = false;

	if (FAULT("maintain.before_reindex"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	for (int i = 0; i < REINDEX_TRIES && !ok; i++) {
		ok = index_work_reindex(w->f->pg, index, w->f->config.maintain.concurrently,
					w->f->config.maintain.work_mem, e);
		if (!ok && (e->code != ERR_BUSY || signal_stop_requested()))
			return false;
		/* What the try left behind must go before the next. */
		if (!ok && i + 1 < REINDEX_TRIES && !drop_leftovers(w, e))
			return false;
	}
	seconds = seconds_since(w, start_ms);
	if (!ok || !index_work_bytes(w->f->pg, index->qualified, &after, e) ||
	    !log_step(w, index, "reindex", w->dead, after, seconds, e))
		return false;
	if (FAULT("maintain.after_reindex"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	/* What it takes now is the best there is to know about a fresh build. */
	waste = cost->shape.row_bytes > 0 ? after - cost_fresh_bytes(&cost->shape) : 0;
	return add_step(w, index->name, "reindex", seconds, index->bytes, after,
			waste > after / 10 ? waste : 0, e, "%s", reason);
}

/* Why a build has to wait: no disk for it, or not now. *put_off false: it does not. */
static bool check_build(struct work *w, const struct leaf_index *index,
			const struct index_cost *cost, struct throttle *throttle, bool *put_off,
			struct err *e)
{
	char has[16], needs[16];
	bool enough, go;
	int64_t room = -1;

	if (!check_room(w, index, &enough, &room, e))
		return false;
	if (!enough) {
		*put_off = true;
		return add_step(w, index->name, "put-off", 0, index->bytes, index->bytes,
				cost->estimate.reclaimable_bytes, e,
				"a new build needs %s of disk beside the old one, there are %s",
				str_format_bytes((uint64_t)((double)index->bytes * ROOM_FACTOR),
						 needs, sizeof(needs)),
				str_format_bytes((uint64_t)room, has, sizeof(has)));
	}
	if (w->options->dry_run)
		return true;
	if (!throttle_enter(throttle, cost->estimate.reindex_s, &go, e))
		return false;
	if (go)
		return true;
	*put_off = true;
	return add_step(w, index->name, "put-off", 0, index->bytes, index->bytes,
			cost->estimate.reclaimable_bytes, e, "%s", throttle->reason);
}

static bool say_wait(struct work *w, const struct leaf_index *index, const struct index_cost *cost,
		     struct err *e)
{
	const struct cost_estimate *c = &cost->estimate;
	double rate = w->due.age_s > 0 ? (double)w->due.deleted / w->due.age_s : 0;
	int64_t safe_s = cost_wait_s(c, rate);
	char until[64] = "", duration[32];

	if (safe_s >= 0)
		snprintf(until, sizeof(until), ", at today's rate in %s",
			 str_format_duration(safe_s, duration, sizeof(duration)));
	return add_step(w, index->name, "wait", 0, index->bytes, index->bytes, c->reclaimable_bytes,
			e, "only %.2f%% of its rows are dead: safe until %" PRId64 " more are%s",
			c->dead_share * 100, c->rows_to_limit, until);
}

/* What became of the leaf's indexes, for VACUUM. */
struct index_work {
	bool waits;      /* one keeps its dead until there are more */
	bool put_off;    /* one should be built, but cannot be now */
	bool vacuums;    /* VACUUM is to clean a vector index */
	double vacuum_s; /* expected, of those that VACUUM cleans */
};

/* Decides on one index, and builds it where that is what to do. */
static bool work_on_index(struct work *w, const struct leaf_index *index, struct index_cost *cost,
			  struct index_work *work, struct err *e)
{
	char reason[128];
	struct throttle throttle = THROTTLE_INIT;
	bool put_off = false, ok;

	if (cost->estimate.choice == COST_WAIT && !w->options->force) {
		work->waits = true;
		return say_wait(w, index, cost, e);
	}
	if (w->options->force && index->vector)
		cost->estimate.choice = COST_REINDEX;
	if (cost->estimate.choice == COST_VACUUM) {
		work->vacuums |= index->vector;
		work->vacuum_s += cost->estimate.vacuum_s;
	}
	if (cost->estimate.choice != COST_REINDEX)
		return true;
	throttle.f = w->f;
	throttle.table = w->table;
	throttle.deadline_ms = w->options->max_runtime_s > 0
				       ? w->started_ms + w->options->max_runtime_s * 1000
				       : 0;
	ok = check_build(w, index, cost, &throttle, &put_off, e);
	work->put_off |= put_off;
	snprintf(reason, sizeof(reason),
		 "%.1f%% of its rows are dead: build %.1f s expected, VACUUM %.1f s",
		 cost->estimate.dead_share * 100, cost->estimate.reindex_s,
		 cost->estimate.vacuum_s);
	if (ok && !put_off)
		ok = w->options->dry_run
			     ? add_step(w, index->name, "reindex", cost->estimate.reindex_s,
					index->bytes, index->bytes,
					cost->estimate.reclaimable_bytes, e, "%s", reason)
			     : build_anew(w, index, cost, reason, e);
	throttle_leave(&throttle);
	return ok;
}

/* ANALYZE of a leaf or, for leaf NULL, of the partitioned table. */
static bool analyze(struct work *w, const char *qualified, const char *reason, struct err *e)
{
	int64_t start_ms = clock_now_ms(w->f->clock);

	if (!w->options->dry_run &&
	    (!index_work_analyze(w->f->pg, qualified, e) ||
	     !log_step(w, NULL, "analyze", 0, 0, seconds_since(w, start_ms), e)))
		return false;
	return add_step(w, "", "analyze", seconds_since(w, start_ms), 0, 0, 0, e, "%s", reason);
}

/* VACUUM says nothing about single indexes: its time goes to those that it cleaned as the model expects it to. */
static bool log_vacuum(struct work *w, const struct leaf_list *l, double expected_s, double seconds,
		       struct err *e)
{
	if (!log_step(w, NULL, "vacuum", w->dead, 0, seconds, e))
		return false;
	for (size_t i = 0; i < l->count; i++) {
		const struct cost_estimate *c = &l->costs[i].estimate;

		/* Of what is a small part of it the time says nothing. */
		if (c->choice == COST_VACUUM && c->vacuum_s >= expected_s / 10 &&
		    !log_step(w, &l->indexes[i], "vacuum", l->costs[i].shape.dead,
			      l->indexes[i].bytes, seconds * c->vacuum_s / expected_s, e))
			return false;
	}
	return true;
}

static bool vacuum(struct work *w, const struct leaf_list *l, struct index_work *work,
		   struct err *e)
{
	enum vacuum_indexes how = work->waits || work->put_off ? VACUUM_LEAVE_INDEXES
				  : work->vacuums              ? VACUUM_INDEXES
							       : VACUUM_AS_DUE;
	struct throttle throttle = THROTTLE_INIT;
	int64_t start_ms, before = 0, after = 0, fresh = -1, waste;
	double seconds = 0;
	bool go = true, ok = false;

	throttle.f = w->f;
	throttle.table = w->table;
	if (how == VACUUM_INDEXES && !w->options->dry_run &&
	    !throttle_enter(&throttle, work->vacuum_s, &go, e))
		goto out;
	if (!go) {
		work->put_off = true;
		ok = add_step(w, "", "put-off", 0, 0, 0, 0, e, "%s", throttle.reason);
		goto out;
	}
	if (!index_work_table_bytes(w->f->pg, w->table->info, w->leaf, w->rows, &before, &fresh, e))
		goto out;
	start_ms = clock_now_ms(w->f->clock);
	if (!w->options->dry_run) {
		if (!index_work_vacuum(w->f->pg, w->leaf, how, e))
			goto out;
		seconds = seconds_since(w, start_ms);
		if (how == VACUUM_INDEXES ? !log_vacuum(w, l, work->vacuum_s, seconds, e)
					  : !log_step(w, NULL, "vacuum", w->dead, 0, seconds, e))
			goto out;
	}
	if (!index_work_table_bytes(w->f->pg, w->table->info, w->leaf, w->rows, &after, &fresh, e))
		goto out;
	waste = fresh >= 0 && after > fresh ? after - fresh : 0;
	ok = add_step(w, "", "vacuum", w->options->dry_run ? work->vacuum_s : seconds, before,
		      after, waste > after / 20 ? waste : 0, e, "%s",
		      how == VACUUM_LEAVE_INDEXES ? "room of dead rows is freed; the indexes keep "
						    "their entries for now"
						  : "room of dead rows can be used again");
out:
	throttle_leave(&throttle);
	return ok;
}

static bool finish_leaf(struct work *w, bool waits, bool put_off, struct err *e)
{
	struct due_work done = w->due;

	if (put_off) {
		w->result->put_off++;
		return true;
	}
	if (w->options->dry_run)
		return true;
	if (FAULT("maintain.before_done"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	/* Dead elements that stay in an index are remembered, so that they add up. */
	if (waits)
		done.deleted = 0;
	return index_work_done(w->f->pg, w->table->id, &done, e);
}

static bool log_restored(struct work *w, const struct index_restore *item, int64_t after,
			 double seconds, struct err *e)
{
	struct leaf_index *indexes = NULL;
	size_t count = 0;
	bool ok = index_work_indexes(w->f->pg, w->table->id, w->leaf, &indexes, &count, e);

	for (size_t i = 0; ok && i < count; i++)
		if (str_eq(indexes[i].name, item->name))
			ok = log_step(w, &indexes[i], "reindex", w->dead, after, seconds, e);
	leaf_indexes_free(indexes, count);
	return ok;
}

static bool restore_index(struct work *w, const struct index_restore *item, struct err *e)
{
	int64_t start_ms = clock_now_ms(w->f->clock), after = 0;
	struct buf name = BUF_INIT;
	double seconds = 0;
	bool built = true, ok;

	pg_add_qualified(w->f->pg, &name, item->schema, item->name);
	ok = buf_ok(&name, e);
	if (ok && !w->options->dry_run) {
		ok = index_bulk_restore(w->f->pg, w->table->id, item,
					w->f->config.maintain.concurrently,
					w->f->config.maintain.work_mem, &built, e);
		seconds = seconds_since(w, start_ms);
		if (ok && built)
			ok = index_work_bytes(w->f->pg, buf_str(&name), &after, e) &&
			     log_restored(w, item, after, seconds, e);
	}
	buf_release(&name);
	return ok &&
	       (!built || add_step(w, item->name, item->create ? "create" : "reindex", seconds, 0,
				   after, 0, e, "a bulk load had taken it out of the way"));
}

/* Indexes of the leaf at hand that a bulk load took out of the way. Readers miss them: no window holds for them. */
static bool restore_indexes(struct work *w, bool *analyzed, struct err *e)
{
	struct index_restore *items = NULL;
	size_t count = 0;
	bool ok = index_bulk_list(w->f->pg, w->table->id, &items, &count, e);

	for (size_t i = 0; ok && i < count; i++) {
		if (!str_eq(items[i].leaf, w->leaf->label))
			continue;
		if (!*analyzed)
			ok = drop_leftovers(w, e) &&
			     analyze(w, w->leaf->qualified, "rows came in bulk", e) &&
			     index_work_rows(w->f->pg, w->leaf->oid, &w->rows, &w->dead, e);
		*analyzed = true;
		if (ok && w->dead < w->due.deleted)
			w->dead = w->due.deleted;
		ok = ok && restore_index(w, &items[i], e);
	}
	index_restores_free(items, count);
	return ok;
}

/* A leaf whose index cannot be brought back does not keep the others from theirs. Of several failures the first is told
 * last. */
static bool keep_first(struct work *w, bool ok, struct err *one, struct err *first)
{
	if (ok)
		return true;
	if (first->code == ERR_NONE)
		*first = *one;
	else
		log_err(&w->f->log, one);
	err_clear(one);
	return false;
}

bool engine_restore_indexes(struct firn *f, const struct engine_table *t,
			    struct firn_maintain_result *result, struct err *e)
{
	struct firn_maintain_options options = { 0 };
	struct work w = {
		.f = f,
		.table = t,
		.options = &options,
		.result = result,
		.capacity = result->step_count,
		.started_ms = clock_now_ms(f->clock),
	};
	struct index_restore *items = NULL;
	struct err first = { 0 }, one = { 0 };
	size_t count = 0;
	bool ok = index_bulk_list(f->pg, t->id, &items, &count, e);

	index_restores_free(items, count);
	for (size_t i = 0; ok && count > 0 && i < t->info->leaf_count; i++) {
		bool analyzed = false;

		w.leaf = &t->info->leaves[i];
		w.due = (struct due_work){ .leaf = t->info->leaves[i].label };
		keep_first(&w, restore_indexes(&w, &analyzed, &one), &one, &first);
	}
	if (ok && first.code != ERR_NONE)
		*e = first;
	return ok && first.code == ERR_NONE;
}

/* Nobody but people can tell what became of an index or a leaf that is not there under its name. */
static bool tell_gone(struct work *w, const struct index_restore *item, const char *what,
		      struct err *e)
{
	struct buf sql = BUF_INIT;

	index_bulk_add_by_hand(w->f->pg, &sql, item);
	if (buf_ok(&sql, e)) {
		err_set(e, ERR_CONFIG,
			"a bulk load took index \"%s\" of leaf \"%s\" out of the way, and that "
			"%s is not there any more",
			item->name, item->leaf, what);
		err_hint(
			e,
			"If it only has another name: %s; with the names as they are now. When "
			"that is "
			"done, or it is gone for good: DELETE FROM firn.index_restore WHERE leaf = "
			"'%s' AND index_name = '%s'",
			buf_str(&sql), item->leaf, item->name);
	}
	buf_release(&sql);
	return false;
}

/* What is still out of the way is told, also when time was up. */
static bool tell_missing(struct work *w, struct err *e)
{
	struct index_restore *items = NULL;
	size_t count = 0;
	bool ok = index_bulk_list(w->f->pg, w->table->id, &items, &count, e);

	w->leaf = NULL;
	for (size_t i = 0; ok && i < count; i++) {
		const struct index_restore *item = &items[i];

		if (!table_info_leaf(w->table->info, item->leaf)) {
			ok = tell_gone(w, item, "leaf", e);
		} else if (!item->create && !item->there) {
			ok = tell_gone(w, item, "index", e);
		} else {
			if (w->result->put_off == 0)
				w->result->put_off = 1;
			ok = add_step(
				w, item->name, "put-off", 0, 0, 0, 0, e,
				"still out of the way for a bulk load: until \"firn maintain\" "
				"searches of leaf \"%s\" are slow or find less",
				item->leaf);
		}
	}
	index_restores_free(items, count);
	return ok;
}

static void leaf_list_release(struct leaf_list *l)
{
	leaf_indexes_free(l->indexes, l->count);
	free(l->costs);
	*l = (struct leaf_list){ 0 };
}

/* Rows and indexes of the leaf as the statistics know them now, judged by the cost model. */
static bool judge_leaf(struct work *w, struct leaf_list *l, struct err *e)
{
	*l = (struct leaf_list){ 0 };
	if (!index_work_rows(w->f->pg, w->leaf->oid, &w->rows, &w->dead, e) ||
	    !index_work_indexes(w->f->pg, w->table->id, w->leaf, &l->indexes, &l->count, e))
		return false;
	if (w->dead < w->due.deleted)
		w->dead = w->due.deleted;
	l->costs = mem_new(l->count, sizeof(*l->costs), e);
	if (!l->costs)
		return false;
	for (size_t i = 0; i < l->count; i++)
		if (!index_cost_of(w->f, &l->indexes[i], w->rows, w->dead, w->ingest_rows_per_s,
				   &l->costs[i], e))
			return false;
	return true;
}

/* ---- the recall gate ---- */

/* Waits its turn, and builds the index anew since it finds too little. */
static bool mend_recall(struct work *w, struct leaf_list *l, const struct firn_index_probe *p,
			double floor, struct index_work *work, struct err *e)
{
	struct throttle throttle = THROTTLE_INIT;
	char reason[128];
	bool ok = true, put_off = false;

	snprintf(reason, sizeof(reason), "its recall@10 is %.3f, below the floor of %.3f",
		 p->recall, floor);
	throttle.f = w->f;
	throttle.table = w->table;
	for (size_t i = 0; ok && i < l->count; i++) {
		if (!str_eq(l->indexes[i].name, p->index))
			continue;
		ok = check_build(w, &l->indexes[i], &l->costs[i], &throttle, &put_off, e);
		work->put_off |= put_off;
		if (ok && !put_off)
			ok = build_anew(w, &l->indexes[i], &l->costs[i], reason, e);
	}
	throttle_leave(&throttle);
	return ok;
}

/* What an index found after it was built anew. */
static bool judge_mended(struct work *w, const struct firn_indexes_probe *before,
			 const struct firn_indexes_probe *after, double floor, struct err *e)
{
	for (size_t i = 0; i < before->probe_count && i < after->probe_count; i++) {
		const struct firn_index_probe *old = &before->probes[i], *now = &after->probes[i];

		if (old->note || old->recall >= floor || now->note ||
		    !str_eq(old->index, now->index))
			continue;
		if (!add_step(w, now->index, "probe", 0, 0, 0, 0, e,
			      "recall@10 was %.3f, is %.3f after the build; a query took %.1f ms, "
			      "takes %.1f",
			      old->recall, now->recall, old->ann_p50_ms, now->ann_p50_ms))
			return false;
		if (now->recall >= floor)
			continue;
		err_set(e, ERR_BUSY,
			"index \"%s\" of leaf \"%s\" has a recall@10 of %.3f also after a new "
			"build: "
			"the policy's recall_floor is %.3f",
			now->index, w->leaf->label, now->recall, floor);
		return err_hint(
			e, "Build it with a larger m or ef_construction (firn indexes ensure), "
			   "raise hnsw.ef_search or ivfflat.probes for the role, or lower the "
			   "floor.");
	}
	return true;
}

/* Indexes of a leaf that was worked on must find what the policy asks for. One that does not is built anew; one that
 * still does not ends the run, so that no more readers lose by it. */
static bool hold_recall(struct work *w, struct leaf_list *l, struct index_work *work, struct err *e)
{
	const struct policy *policy = engine_policy(w->f, e);
	struct firn_indexes_probe before = { 0 }, after = { 0 };
	bool mended = false, ok;
	double floor;

	if (!policy)
		return false;
	floor = policy->limits.recall_floor;
	if (floor <= 0)
		return true;
	ok = probe_leaf(w->f, w->table->info, w->leaf, &before, e);
	for (size_t i = 0; ok && i < before.probe_count; i++) {
		const struct firn_index_probe *p = &before.probes[i];

		if (p->note || p->recall >= floor) {
			ok = p->note ? add_step(w, p->index, "probe", 0, 0, 0, 0, e,
						"not probed: %s", p->note)
				     : add_step(w, p->index, "probe", 0, 0, 0, 0, e,
						"recall@10 is %.3f; a query takes %.1f ms",
						p->recall, p->ann_p50_ms);
			continue;
		}
		ok = mend_recall(w, l, p, floor, work, e);
		mended = true;
	}
	if (ok && mended && !work->put_off)
		ok = probe_leaf(w->f, w->table->info, w->leaf, &after, e) &&
		     judge_mended(w, &before, &after, floor, e);
	firn_indexes_probe_release(&before);
	firn_indexes_probe_release(&after);
	return ok;
}

static bool work_on_leaf(struct work *w, struct err *e)
{
	struct index_work work = { 0 };
	struct leaf_list l = { 0 };
	bool ok;

	ok = drop_leftovers(w, e) &&
	     (w->analyzed || analyze(w, w->leaf->qualified, "rows came or went", e)) &&
	     judge_leaf(w, &l, e);
	/* Indexes first: VACUUM then finds nothing to clean in the new ones. */
	for (size_t i = 0; ok && i < l.count && !out_of_time(w); i++)
		ok = work_on_index(w, &l.indexes[i], &l.costs[i], &work, e);
	if (ok && out_of_time(w)) {
		work.put_off = true;
		ok = add_step(w, "", "put-off", 0, 0, 0, 0, e,
			      "time is up or a signal came; firn maintain goes on from here");
	} else if (ok && (w->dead > 0 || w->options->force)) {
		ok = vacuum(w, &l, &work, e);
	}
	if (ok && !work.put_off && !w->options->dry_run)
		ok = hold_recall(w, &l, &work, e);
	leaf_list_release(&l);
	return ok && finish_leaf(w, work.waits, work.put_off, e);
}

static const struct due_work *find_due(const struct due_work *due, size_t count, const char *leaf)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(due[i].leaf, leaf))
			return &due[i];
	return NULL;
}

/* Due work of a leaf that is no longer there would be due for ever. */
static bool forget_gone_leaves(struct work *w, const struct due_work *due, size_t count,
			       struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (!table_info_leaf(w->table->info, due[i].leaf) &&
		    !index_work_done(w->f->pg, w->table->id, &due[i], e))
			return false;
	return true;
}

/* A leaf to work on, and what a second of it would bring. */
struct turn {
	const struct leaf *leaf;
	struct due_work due;
	double benefit_per_s;
	bool analyzed;
	bool failed; /* an index of it could not be restored */
};

static int most_first(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	return (x->benefit_per_s < y->benefit_per_s) - (x->benefit_per_s > y->benefit_per_s);
}

static bool measure_turn(struct work *w, struct turn *t, struct err *e)
{
	double benefit = 0, seconds = 0.1;
	struct leaf_list l = { 0 };
	bool ok;

	w->leaf = t->leaf;
	w->due = t->due;
	ok = judge_leaf(w, &l, e);
	for (size_t i = 0; ok && i < l.count; i++) {
		const struct cost_estimate *c = &l.costs[i].estimate;
		double index_s = c->choice == COST_REINDEX  ? c->reindex_s
				 : c->choice == COST_VACUUM ? c->vacuum_s
							    : 0;

		benefit += cost_benefit_per_s(c, &l.costs[i].shape) * index_s;
		seconds += index_s;
	}
	leaf_list_release(&l);
	t->benefit_per_s = benefit / seconds * exp2(t->due.age_s / AGE_DOUBLES_S);
	return ok;
}

/* Leaves with due work, those first whose work frees most in a second, so that a window is used well; of two alike the
 * one that waited longer. */
static bool take_turns(struct work *w, const struct due_work *due, size_t due_count,
		       struct turn **out, size_t *count_out, struct err *e)
{
	const struct table_info *t = w->table->info;
	struct turn *turns = mem_new(t->leaf_count, sizeof(*turns), e);
	size_t count = 0;

	*out = turns;
	*count_out = 0;
	for (size_t i = 0; turns && i < t->leaf_count; i++) {
		const struct due_work *work = find_due(due, due_count, t->leaves[i].label);

		if (!work && !w->options->force)
			continue;
		turns[count] = (struct turn){
			.leaf = &t->leaves[i],
			.due = work ? *work : (struct due_work){ .leaf = t->leaves[i].label },
		};
		if (!measure_turn(w, &turns[count++], e))
			return false;
	}
	if (turns)
		qsort(turns, count, sizeof(*turns), most_first);
	*count_out = count;
	return turns != NULL;
}

/* Rows a second that came into the table since the last time, where that is long enough ago. */
static bool measure_ingest(struct work *w, struct err *e)
{
	int64_t now = clock_now_ms(w->f->clock), inserted;

	if (w->measured_ms && now - w->measured_ms < RATE_LEAST_MS)
		return true;
	if (!server_load_inserted(w->f->pg, w->table->info, &inserted, e))
		return false;
	if (w->measured_ms)
		w->ingest_rows_per_s = (double)(inserted - w->inserted_before) * 1000 /
				       (double)(now - w->measured_ms);
	w->measured_ms = now;
	w->inserted_before = inserted;
	return true;
}

bool engine_maintain_table(struct firn *f, const struct engine_table *t,
			   const struct firn_maintain_options *options,
			   struct firn_maintain_result *result, struct err *e)
{
	struct work w = {
		.f = f,
		.table = t,
		.options = options,
		.result = result,
		.capacity = result->step_count,
		.started_ms = clock_now_ms(f->clock),
	};
	struct due_work *due = NULL;
	struct turn *turns = NULL;
	struct err first = { 0 }, one = { 0 };
	size_t count = 0, turn_count = 0, touched = 0;
	bool ok;

	ok = index_work_due(f->pg, t->id, &due, &count, e) &&
	     (options->dry_run || forget_gone_leaves(&w, due, count, e)) && measure_ingest(&w, e) &&
	     take_turns(&w, due, count, &turns, &turn_count, e);
	for (size_t i = 0; ok && i < turn_count && !out_of_time(&w); i++) {
		w.leaf = turns[i].leaf;
		w.due = turns[i].due;
		turns[i].failed = !keep_first(&w, restore_indexes(&w, &turns[i].analyzed, &one),
					      &one, &first);
	}
	for (size_t i = 0; ok && i < turn_count; i++) {
		if (turns[i].failed)
			continue;
		w.leaf = turns[i].leaf;
		w.due = turns[i].due;
		w.analyzed = turns[i].analyzed;
		if (out_of_time(&w)) {
			result->put_off++;
			ok = add_step(&w, "", "put-off", 0, 0, 0, 0, e,
				      "time is up or a signal came");
			continue;
		}
		ok = measure_ingest(&w, e) && work_on_leaf(&w, e);
		touched++;
	}
	w.leaf = NULL;
	ok = ok && (options->dry_run || first.code != ERR_NONE || tell_missing(&w, e));
	/* Autovacuum never analyzes a partitioned parent. */
	if (ok && touched && t->info->partitioned && !out_of_time(&w))
		ok = analyze(&w, t->info->qualified,
			     "autovacuum leaves a partitioned table's own statistics alone", e);
	if (first.code != ERR_NONE) {
		if (!ok)
			log_err(&f->log, e);
		*e = first;
		ok = false;
	}
	free(turns);
	due_work_free(due, count);
	return ok || err_wrap(e, "could not maintain table \"%s\"", t->info->label);
}

bool firn_maintain(struct firn *f, const struct firn_maintain_options *options,
		   struct firn_maintain_result *result, struct err *e)
{
	bool ok = engine_tables_given(f, e);

	*result = (struct firn_maintain_result){ 0 };
	for (size_t i = 0; ok && i < f->table_count; i++) {
		struct engine_table t = { 0 };
		struct lease lease = { 0 };

		ok = engine_table_open(f, &f->tables[i], &t, e) &&
		     lease_take(&lease, f->pg, t.id, e) &&
		     engine_maintain_table(f, &t, options, result, e);
		lease_release(&lease);
		engine_table_close(&t);
	}
	return ok;
}
