/* Index work after rows moved: each step stands alone, so that a run that dies is simply run again. */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "catalog/index_work.h"
#include "engine/cost_model.h"

/* A new index next to the old one: its size again, and a tenth for what comes in meanwhile. */
#define ROOM_FACTOR 1.1
/* A build waits for older transactions; it gives way to whoever waits behind it, and tries again. */
#define REINDEX_TRIES 3

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
};

static bool add_step(struct work *w, const char *index, const char *action, double seconds,
		     int64_t before, int64_t after, struct err *e, const char *fmt, ...)
	PRINTF(8, 9);

static bool add_step(struct work *w, const char *index, const char *action, double seconds,
		     int64_t before, int64_t after, struct err *e, const char *fmt, ...)
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
		     int64_t after, double seconds, struct err *e)
{
	return index_work_log(w->f->pg,
			      &(struct work_log){
				      .table_id = w->table->id,
				      .leaf = w->leaf ? w->leaf->label : w->table->info->label,
				      .index = index ? index->name : "",
				      .method = index ? index->method : "",
				      .action = action,
				      .rows = w->rows,
				      .dead = w->dead,
				      .bytes_before = index ? index->bytes : 0,
				      .bytes_after = after,
				      .seconds = seconds,
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
		ok = add_step(w, left[i].name, "drop-leftover", 0, left[i].bytes, 0, e,
			      "an index build that died left it invalid");
		if (ok && !w->options->dry_run)
			ok = index_work_drop(w->f->pg, &left[i], e) &&
			     log_step(w, &left[i], "drop-leftover", 0, 0, e);
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
		       const struct cost_estimate *cost, struct err *e)
{
	int64_t start_ms = clock_now_ms(w->f->clock), after = 0;
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
	    !log_step(w, index, "reindex", after, seconds, e))
		return false;
	if (FAULT("maintain.after_reindex"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	return add_step(w, index->name, "reindex", seconds, index->bytes, after, e,
			"%.1f%% of its rows are dead: build %.1f s expected, VACUUM %.1f s",
			cost->dead_share * 100, cost->reindex_s, cost->vacuum_s);
}

/* Decides on one index. *waits: it keeps its dead until there are more; *put_off: it should be built, but cannot. */
static bool work_on_index(struct work *w, const struct leaf_index *index, bool *waits,
			  bool *put_off, struct err *e)
{
	struct cost_constants constants = cost_prior(index->method);
	struct work_history history;
	struct cost_estimate cost;
	int64_t room = -1;
	bool enough;

	if (!index_work_history(w->f->pg, index->method, "reindex", &history, e))
		return false;
	cost_fit_build(&constants, history.seconds, history.rows, history.count);
	cost = cost_decide(&constants, index->vector, w->rows, w->dead);
	if (cost.choice == COST_WAIT && w->dead > 0 && !w->options->force) {
		*waits = true;
		return add_step(w, index->name, "wait", 0, index->bytes, index->bytes, e,
				"only %.2f%% of its rows are dead; VACUUM leaves an index alone "
				"below about 2%%",
				cost.dead_share * 100);
	}
	if (w->options->force && index->vector)
		cost.choice = COST_REINDEX;
	if (cost.choice != COST_REINDEX)
		return true;
	if (!check_room(w, index, &enough, &room, e))
		return false;
	if (!enough) {
		char has[16], needs[16];

		*put_off = true;
		return add_step(w, index->name, "put-off", 0, index->bytes, index->bytes, e,
				"a new build needs %s of disk beside the old one, there are %s",
				str_format_bytes((uint64_t)((double)index->bytes * ROOM_FACTOR),
						 needs, sizeof(needs)),
				str_format_bytes((uint64_t)room, has, sizeof(has)));
	}
	if (w->options->dry_run)
		return add_step(w, index->name, "reindex", cost.reindex_s, index->bytes,
				index->bytes, e,
				"%.1f%% of its rows are dead: build %.1f s expected, VACUUM %.1f s",
				cost.dead_share * 100, cost.reindex_s, cost.vacuum_s);
	return build_anew(w, index, &cost, e);
}

/* VACUUM or ANALYZE of a leaf or, for leaf NULL, of the partitioned table. */
static bool run_step(struct work *w, const char *action, const char *qualified,
		     bool (*run)(struct pg *pg, const char *qualified, struct err *e),
		     const char *reason, struct err *e)
{
	int64_t start_ms = clock_now_ms(w->f->clock);

	if (!w->options->dry_run && (!run(w->f->pg, qualified, e) ||
				     !log_step(w, NULL, action, 0, seconds_since(w, start_ms), e)))
		return false;
	return add_step(w, "", action, seconds_since(w, start_ms), 0, 0, e, "%s", reason);
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
	return done.deleted + done.inserted == 0 ||
	       index_work_done(w->f->pg, w->table->id, &done, e);
}

static bool work_on_leaf(struct work *w, struct err *e)
{
	struct leaf_index *indexes = NULL;
	size_t count = 0;
	bool waits = false, put_off = false, ok;

	ok = drop_leftovers(w, e) &&
	     run_step(w, "analyze", w->leaf->qualified, index_work_analyze, "rows came or went",
		      e) &&
	     index_work_rows(w->f->pg, w->leaf->oid, &w->rows, &w->dead, e);
	if (!ok)
		return false;
	if (w->dead < w->due.deleted)
		w->dead = w->due.deleted;
	/* Indexes first: VACUUM then finds nothing to clean in the new ones. */
	ok = index_work_indexes(w->f->pg, w->leaf->oid, &indexes, &count, e);
	for (size_t i = 0; ok && i < count && !out_of_time(w); i++)
		ok = work_on_index(w, &indexes[i], &waits, &put_off, e);
	leaf_indexes_free(indexes, count);
	if (!ok)
		return false;
	if (out_of_time(w)) {
		w->result->put_off++;
		return add_step(w, "", "put-off", 0, 0, 0, e,
				"time is up or a signal came; firn maintain goes on from here");
	}
	if ((w->dead > 0 || w->options->force) &&
	    !run_step(w, "vacuum", w->leaf->qualified, index_work_vacuum,
		      "room of dead rows can be used again", e))
		return false;
	return finish_leaf(w, waits, put_off, e);
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
	size_t count = 0, touched = 0;
	bool ok;

	ok = index_work_due(f->pg, t->id, &due, &count, e) &&
	     (options->dry_run || forget_gone_leaves(&w, due, count, e));
	for (size_t i = 0; ok && i < t->info->leaf_count; i++) {
		const struct due_work *work = find_due(due, count, t->info->leaves[i].label);

		if (!work && !options->force)
			continue;
		w.leaf = &t->info->leaves[i];
		w.due = work ? *work : (struct due_work){ .leaf = w.leaf->label };
		if (out_of_time(&w)) {
			result->put_off++;
			ok = add_step(&w, "", "put-off", 0, 0, 0, e, "time is up or a signal came");
			continue;
		}
		ok = work_on_leaf(&w, e);
		touched++;
	}
	w.leaf = NULL;
	/* Autovacuum never analyzes a partitioned parent. */
	if (ok && touched && t->info->partitioned && !out_of_time(&w))
		ok = run_step(&w, "analyze", t->info->qualified, index_work_analyze,
			      "autovacuum leaves a partitioned table's own statistics alone", e);
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
