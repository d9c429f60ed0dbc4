#include "engine/upkeep.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "engine/build_watch.h"

/* A new index next to the old one: its size again, and a tenth for what comes in meanwhile. */
#define ROOM_FACTOR 1.1
/* A build waits for older transactions; it gives way to whoever waits behind it, and tries again. */
#define REINDEX_TRIES 3

bool upkeep_add_step(struct work *w, const char *index, const char *action, double seconds,
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

double upkeep_seconds_since(struct work *w, int64_t start_ms)
{
	return (double)(clock_now_ms(w->f->clock) - start_ms) / 1000;
}

bool upkeep_log_step(struct work *w, const struct leaf_index *index, const char *action,
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

bool upkeep_out_of_time(const struct work *w)
{
	int64_t limit = w->options->max_runtime_s;

	return signal_stop_requested() ||
	       (limit > 0 && clock_now_ms(w->f->clock) - w->started_ms >= limit * 1000);
}

const char *upkeep_why_out_of_time(void)
{
	return signal_stop_requested() ? "a signal came" : "time is up";
}

bool upkeep_drop_leftovers(struct work *w, struct err *e)
{
	struct leaf_index *left = NULL;
	size_t count = 0;
	bool ok = index_work_leftovers(w->f->pg, w->leaf->oid, &left, &count, e);

	for (size_t i = 0; ok && i < count; i++) {
		bool dropped = w->options->dry_run || index_work_drop(w->f->pg, &left[i], e);

		ok = dropped || e->code == ERR_BUSY;
		if (ok && !dropped) {
			log_info(&w->f->log, "%s", e->message);
			err_clear(e);
			ok = upkeep_add_step(w, left[i].name, "put-off", 0, left[i].bytes,
					     left[i].bytes, left[i].bytes, e,
					     "an index build that died left it invalid, and "
					     "transactions of other sessions keep it from being "
					     "dropped");
			w->result->put_off++;
		} else if (ok) {
			ok = upkeep_add_step(w, left[i].name, "drop-leftover", 0, left[i].bytes, 0,
					     0, e, "an index build that died left it invalid");
			if (ok && !w->options->dry_run)
				ok = upkeep_log_step(w, &left[i], "drop-leftover", 0, 0, 0, e);
		}
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

static bool reindex_watched(struct work *w, const struct leaf_index *index, bool *waited_out,
			    struct err *e)
{
	const struct config *config = &w->f->config;
	struct build_watch watch;
	char what[256];
	bool ok;

	snprintf(what, sizeof(what), "index %s on %s", index->name, w->leaf->label);
	build_watch_start(&watch, w->f, what);
	ok = index_work_reindex(w->f->pg, index, config->maintain.concurrently,
				config->maintain.work_mem, config->maintain.pause_at_most_s,
				waited_out, e);
	build_watch_stop(&watch);
	return ok;
}

/* What a build that was given up left behind, as far as it can be had now; the next run finds the rest. */
static bool give_up_build(struct work *w, const struct leaf_index *index,
			  const struct index_cost *cost, const struct err *why, struct err *e)
{
	char duration[32], reason[128];
	struct err ignored = { 0 };

	if (!upkeep_drop_leftovers(w, &ignored))
		log_info(&w->f->log, "%s", ignored.message);
	str_format_duration(w->f->config.maintain.pause_at_most_s, duration, sizeof(duration));
	snprintf(reason, sizeof(reason), "transactions of other sessions held it up for %s",
		 duration);
	log_info(&w->f->log, "%s", why->message);
	return upkeep_add_step(w, index->name, "put-off", 0, index->bytes, index->bytes,
			       cost->estimate.reclaimable_bytes, e, "%s",
			       signal_stop_requested() ? "a signal came while it was being built"
						       : reason);
}

bool upkeep_build_anew(struct work *w, const struct leaf_index *index,
		       const struct index_cost *cost, const char *reason, bool *put_off,
		       struct err *e)
{
	int64_t start_ms = clock_now_ms(w->f->clock), after = 0, waste;
	struct err why = { 0 };
	bool waited_out;
	double seconds;

	if (FAULT("maintain.before_reindex"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	for (int try = 1; !reindex_watched(w, index, &waited_out, &why); try++) {
		if (why.code == ERR_BUSY && (signal_stop_requested() || waited_out)) {
			*put_off = true;
			return give_up_build(w, index, cost, &why, e);
		}
		if (why.code != ERR_BUSY || try == REINDEX_TRIES) {
			*e = why;
			return false;
		}
		/* What the try left behind must go before the next. */
		if (!upkeep_drop_leftovers(w, e))
			return false;
		err_clear(&why);
	}
	seconds = upkeep_seconds_since(w, start_ms);
	if (!index_work_bytes(w->f->pg, index->qualified, &after, e) ||
	    !upkeep_log_step(w, index, "reindex", w->dead, after, seconds, e))
		return false;
	if (FAULT("maintain.after_reindex"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	/* What it takes now is the best there is to know about a fresh build. */
	waste = cost->shape.row_bytes > 0 ? after - cost_fresh_bytes(&cost->shape) : 0;
	return upkeep_add_step(w, index->name, "reindex", seconds, index->bytes, after,
			       waste > after / 10 ? waste : 0, e, "%s", reason);
}

/* Why a build has to wait: no disk for it, or not now. *put_off false: it does not. */
bool upkeep_check_build(struct work *w, const struct leaf_index *index,
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
		return upkeep_add_step(
			w, index->name, "put-off", 0, index->bytes, index->bytes,
			cost->estimate.reclaimable_bytes, e,
			"a new build needs %s of disk beside the old one, there are %s",
			str_format_bytes((uint64_t)((double)index->bytes * ROOM_FACTOR), needs,
					 sizeof(needs)),
			str_format_bytes((uint64_t)room, has, sizeof(has)));
	}
	if (w->options->dry_run)
		return true;
	if (!throttle_enter(throttle, cost->estimate.reindex_s, &go, e))
		return false;
	if (go)
		return true;
	*put_off = true;
	return upkeep_add_step(w, index->name, "put-off", 0, index->bytes, index->bytes,
			       cost->estimate.reclaimable_bytes, e, "%s", throttle->reason);
}

/* ANALYZE of a leaf or, for leaf NULL, of the partitioned table. */
bool upkeep_analyze(struct work *w, const char *qualified, const char *reason, struct err *e)
{
	int64_t start_ms = clock_now_ms(w->f->clock);

	if (!w->options->dry_run &&
	    (!index_work_analyze(w->f->pg, qualified, e) ||
	     !upkeep_log_step(w, NULL, "analyze", 0, 0, upkeep_seconds_since(w, start_ms), e)))
		return false;
	return upkeep_add_step(w, "", "analyze", upkeep_seconds_since(w, start_ms), 0, 0, 0, e,
			       "%s", reason);
}

void upkeep_leaf_list_release(struct leaf_list *l)
{
	leaf_indexes_free(l->indexes, l->count);
	free(l->costs);
	*l = (struct leaf_list){ 0 };
}

/* Rows and indexes of the leaf as the statistics know them now, judged by the cost model. */
bool upkeep_judge_leaf(struct work *w, struct leaf_list *l, struct err *e)
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
