/* Index work after rows moved: each step stands alone, so that a run that dies is simply run again. */
#include "engine/upkeep.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "catalog/server_load.h"
#include "catalog/split.h"
#include "engine/build_watch.h"

/* Who waits long gains on who would gain more: a leaf's benefit doubles with each so many days. */
#define AGE_DOUBLES_S (7 * 86400.0)
/* Rates are measured over at least this long. */
#define RATE_LEAST_MS 2000
/* Keys that an unfinished split has recorded are counted no further. */
#define SPLIT_RECORDS_TOLD 1000000

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
	return upkeep_add_step(
		w, index->name, "wait", 0, index->bytes, index->bytes, c->reclaimable_bytes, e,
		"only %.2f%% of its rows are dead: safe until %" PRId64 " more are%s",
		c->dead_share * 100, c->rows_to_limit, until);
}

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
	ok = upkeep_check_build(w, index, cost, &throttle, &put_off, e);
	snprintf(reason, sizeof(reason),
		 "%.1f%% of its rows are dead: build %.1f s expected, VACUUM %.1f s",
		 cost->estimate.dead_share * 100, cost->estimate.reindex_s,
		 cost->estimate.vacuum_s);
	if (ok && !put_off)
		ok = w->options->dry_run
			     ? upkeep_add_step(w, index->name, "reindex", cost->estimate.reindex_s,
					       index->bytes, index->bytes,
					       cost->estimate.reclaimable_bytes, e, "%s", reason)
			     : upkeep_build_anew(w, index, cost, reason, &put_off, e);
	work->put_off |= put_off;
	throttle_leave(&throttle);
	return ok;
}

/* VACUUM says nothing about single indexes: its time goes to those that it cleaned as the model expects it to. */
static bool log_vacuum(struct work *w, const struct leaf_list *l, double expected_s, double seconds,
		       struct err *e)
{
	if (!upkeep_log_step(w, NULL, "vacuum", w->dead, 0, seconds, e))
		return false;
	for (size_t i = 0; i < l->count; i++) {
		const struct cost_estimate *c = &l->costs[i].estimate;

		/* Of what is a small part of it the time says nothing. */
		if (c->choice == COST_VACUUM && c->vacuum_s >= expected_s / 10 &&
		    !upkeep_log_step(w, &l->indexes[i], "vacuum", l->costs[i].shape.dead,
				     l->indexes[i].bytes, seconds * c->vacuum_s / expected_s, e))
			return false;
	}
	return true;
}

/* *put_off: a signal ended it. */
static bool vacuum_watched(struct work *w, enum vacuum_indexes how, bool *put_off, double *seconds,
			   struct err *e)
{
	const char *column = table_info_column(w->table->info, COLUMN_WORKSPACE)->name;
	struct build_watch watch;
	struct err uncounted = { 0 };
	char what[256];
	int64_t start_ms;
	bool ok;

	snprintf(what, sizeof(what), "VACUUM of %s", w->leaf->label);
	build_watch_start(&watch, w->f, what);
	/* The cost model learns from this: nothing but VACUUM is in it. */
	start_ms = clock_now_ms(w->f->clock);
	ok = index_work_vacuum(w->f->pg, w->leaf, how, e);
	*seconds = upkeep_seconds_since(w, start_ms);
	build_watch_stop(&watch);
	*put_off = !ok && e->code == ERR_BUSY && signal_stop_requested();
	if (*put_off) {
		err_clear(e);
		return upkeep_add_step(w, "", "put-off", 0, 0, 0, 0, e,
				       "a signal came while VACUUM ran");
	}
	/* Estimates only would be the worse for it. */
	if (ok && !index_work_recount(w->f->pg, w->leaf, column, &uncounted))
		log_info(&w->f->log, "%s", uncounted.message);
	return ok;
}

static bool vacuum(struct work *w, const struct leaf_list *l, struct index_work *work,
		   struct err *e)
{
	enum vacuum_indexes how = work->waits || work->put_off ? VACUUM_LEAVE_INDEXES
				  : work->vacuums              ? VACUUM_INDEXES
							       : VACUUM_AS_DUE;
	struct throttle throttle = THROTTLE_INIT;
	int64_t before = 0, after = 0, fresh = -1, waste;
	double seconds = 0;
	bool go = true, put_off = false, ok = false;

	throttle.f = w->f;
	throttle.table = w->table;
	if (how == VACUUM_INDEXES && !w->options->dry_run &&
	    !throttle_enter(&throttle, work->vacuum_s, &go, e))
		goto out;
	if (!go) {
		work->put_off = true;
		ok = upkeep_add_step(w, "", "put-off", 0, 0, 0, 0, e, "%s", throttle.reason);
		goto out;
	}
	if (!index_work_table_bytes(w->f->pg, w->table->info, w->leaf, w->rows, &before, &fresh, e))
		goto out;
	if (!w->options->dry_run) {
		if (!vacuum_watched(w, how, &put_off, &seconds, e))
			goto out;
		if (put_off) {
			work->put_off = true;
			ok = true;
			goto out;
		}
		if (how == VACUUM_INDEXES
			    ? !log_vacuum(w, l, work->vacuum_s, seconds, e)
			    : !upkeep_log_step(w, NULL, "vacuum", w->dead, 0, seconds, e))
			goto out;
	}
	if (!index_work_table_bytes(w->f->pg, w->table->info, w->leaf, w->rows, &after, &fresh, e))
		goto out;
	waste = fresh >= 0 && after > fresh ? after - fresh : 0;
	ok = upkeep_add_step(w, "", "vacuum", w->options->dry_run ? work->vacuum_s : seconds,
			     before, after, waste > after / 20 ? waste : 0, e, "%s",
			     how == VACUUM_LEAVE_INDEXES
				     ? "room of dead rows is freed; the indexes keep "
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

static bool work_on_indexes(struct work *w, struct leaf_list *l, struct index_work *work,
			    struct err *e)
{
	bool ok = true;

	/* Indexes first: VACUUM then finds nothing to clean in the new ones. */
	for (size_t i = 0; ok && i < l->count && !upkeep_out_of_time(w); i++)
		ok = work_on_index(w, &l->indexes[i], &l->costs[i], work, e);
	if (ok && upkeep_out_of_time(w)) {
		work->put_off = true;
		return upkeep_add_step(w, "", "put-off", 0, 0, 0, 0, e,
				       "%s; firn maintain goes on from here",
				       upkeep_why_out_of_time());
	}
	if (ok && (w->dead > 0 || w->options->force))
		ok = vacuum(w, l, work, e);
	return ok;
}

static bool work_on_leaf(struct work *w, struct err *e)
{
	bool reclaim = w->options->reclaim && !upkeep_out_of_time(w), repacked = false,
	     waits = false, ok;
	struct index_work work = { 0 };
	struct leaf_list l = { 0 };

	ok = upkeep_drop_leftovers(w, e) &&
	     (w->analyzed || w->only_reclaim ||
	      upkeep_analyze(w, w->leaf->qualified, "rows came or went", e)) &&
	     (!reclaim || upkeep_reclaim(w, &repacked, &waits, e));
	w->result->put_off += waits;
	if (!ok || (w->only_reclaim && !repacked))
		return ok;
	if (repacked)
		ok = upkeep_analyze(w, w->leaf->qualified, "it was written anew", e);
	ok = ok && upkeep_judge_leaf(w, &l, e) && (repacked || work_on_indexes(w, &l, &work, e));
	if (ok && !work.put_off && !w->options->dry_run)
		ok = upkeep_hold_recall(w, &l, &work, e);
	upkeep_leaf_list_release(&l);
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
	bool only_reclaim;
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
	ok = upkeep_judge_leaf(w, &l, e);
	for (size_t i = 0; ok && i < l.count; i++) {
		const struct cost_estimate *c = &l.costs[i].estimate;
		double index_s = c->choice == COST_REINDEX  ? c->reindex_s
				 : c->choice == COST_VACUUM ? c->vacuum_s
							    : 0;

		benefit += cost_benefit_per_s(c, &l.costs[i].shape) * index_s;
		seconds += index_s;
	}
	upkeep_leaf_list_release(&l);
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

		if (!work && !w->options->force && !w->options->reclaim)
			continue;
		turns[count] = (struct turn){
			.leaf = &t->leaves[i],
			.due = work ? *work : (struct due_work){ .leaf = t->leaves[i].label },
			.only_reclaim = !work && !w->options->force,
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

/* A split that someone began and left records every changed key for as long as it is there. Who splits holds the table's
 * lease, as we do: nobody is at it. */
static bool warn_of_split(struct work *w, struct err *e)
{
	struct split split = { .pg = w->f->pg, .table = w->table->info };
	struct err ignored = { 0 };
	char count[64] = "";
	int64_t waiting;

	if (!split_load(&split, w->table->id, e))
		return false;
	if (split.phase != SPLIT_COPY && split.phase != SPLIT_INDEX)
		return true;
	/* Whoever maintains need not be the owner of what was recorded. */
	if (!split_waiting(&split, SPLIT_RECORDS_TOLD, &waiting, &ignored))
		waiting = -1;
	if (waiting >= 0)
		snprintf(count, sizeof(count), " (%s%" PRId64 " so far)",
			 waiting == SPLIT_RECORDS_TOLD ? "at least " : "", waiting);
	log_warning(&w->f->log,
		    "table \"%s\" is half way into %" PRId64 " partitions, nobody goes on with it, "
		    "and all changes are being recorded for it%s: run firn partitions split again, "
		    "or with --rollback",
		    w->table->info->label, split.leaves, count);
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
	size_t count = 0, turn_count = 0, before;
	bool touched = false, ok;

	ok = warn_of_split(&w, e) && index_work_due(f->pg, t->id, &due, &count, e) &&
	     (options->dry_run || forget_gone_leaves(&w, due, count, e)) && measure_ingest(&w, e) &&
	     take_turns(&w, due, count, &turns, &turn_count, e);
	for (size_t i = 0; ok && i < turn_count && !upkeep_out_of_time(&w); i++) {
		w.leaf = turns[i].leaf;
		w.due = turns[i].due;
		turns[i].failed = !upkeep_keep_first(
			&w, upkeep_restore_indexes(&w, &turns[i].analyzed, &one), &one, &first);
	}
	for (size_t i = 0; ok && i < turn_count; i++) {
		if (turns[i].failed)
			continue;
		w.leaf = turns[i].leaf;
		w.due = turns[i].due;
		w.analyzed = turns[i].analyzed;
		w.only_reclaim = turns[i].only_reclaim;
		if (upkeep_out_of_time(&w)) {
			result->put_off++;
			ok = upkeep_add_step(&w, "", "put-off", 0, 0, 0, 0, e, "%s",
					     upkeep_why_out_of_time());
			continue;
		}
		before = result->step_count;
		ok = measure_ingest(&w, e) && work_on_leaf(&w, e);
		touched |= result->step_count > before;
	}
	w.leaf = NULL;
	ok = ok && (options->dry_run || first.code != ERR_NONE || upkeep_tell_missing(&w, e));
	/* Autovacuum never analyzes a partitioned parent. */
	if (ok && touched && t->info->partitioned && !upkeep_out_of_time(&w))
		ok = upkeep_analyze(&w, t->info->qualified,
				    "autovacuum leaves a partitioned table's own statistics alone",
				    e);
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
