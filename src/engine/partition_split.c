/* firn partitions split: a table moved into other hash partitions while it is used, step by step, each of which can die. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "catalog/index_work.h"
#include "catalog/partitions.h"
#include "catalog/server_load.h"
#include "catalog/sizes.h"
#include "catalog/split.h"
#include "engine/engine.h"
#include "engine/partition_plan.h"

/* Shorter than the second after which Postgres looks for deadlocks: if two wait for each other, it is this one that gives
 * way. But a vacuum gives way only to who waits longer than that, so every fourth try does. */
#define LOCK_SHORT_MS 500
#define LOCK_LONG_MS  1500
#define LOCK_TRIES    60
#define LOCK_PAUSE_MS 250
#define BATCH_ROWS    5000
#define RECORDS_MAX   5000
#define FEW_RECORDS   1000
/* So often the changes may turn out to be too many for a short lock before the run is put off. */
#define SETTLE_ROUNDS 100
/* What takes longer than this is not done while everybody waits for the lock. */
#define LOCKED_MS 1000
#define PAUSE_MS  500
/* After so many batches it is looked whether the table was altered: better than after all of them. */
#define BATCHES_A_LOOK 64
#define TIDY_RECORDS   100000
#define ROOM_FACTOR    1.1

struct work {
	struct firn *f;
	const struct firn_split_options *options;
	struct firn_split_result *result;
	struct engine_table table;
	struct lease lease;
	struct split split;
	struct progress progress;
	int64_t started_ms, rows_before, applied;
	bool finished;
};

static bool stopped(struct err *e)
{
	if (!signal_stop_requested())
		return false;
	err_set(e, ERR_INTERRUPTED, "asked to stop");
	err_hint(e, "Run the same again: it goes on from here. \"--rollback\" takes it back.");
	return true;
}

static bool fault(bool hit, struct err *e)
{
	return !hit || err_set(e, ERR_INTERNAL, "a fault was injected");
}

/* ---- waiting ---- */

/* Tries with short waits for the lock until it came; fn's only other failures end it. */
static bool patiently(struct work *w, bool (*fn)(struct work *w, int wait_ms, struct err *e),
		      struct err *e)
{
	for (int try = 1;; try++) {
		int wait_ms = try % 4 == 0 ? LOCK_LONG_MS : LOCK_SHORT_MS;

		if (fn(w, wait_ms, e))
			return true;
		if (e->code != ERR_BUSY)
			return false;
		if (try == LOCK_TRIES)
			return err_hint(e, "Long transactions hold the table. Run the same again "
					   "later: it goes on from here.");
		err_clear(e);
		if (stopped(e))
			return false;
		clock_sleep_ms(w->f->clock, LOCK_PAUSE_MS);
	}
}

/* Waits while a standby lags; too long, and the rest is put off. */
static bool wait_for_standby(struct work *w, struct err *e)
{
	int64_t limit = (int64_t)w->f->config.maintain.pause_replica_lag_bytes;
	int64_t until = clock_now_ms(w->f->clock) + w->f->config.maintain.pause_at_most_s * 1000;
	char has[16];

	for (bool told = false; limit > 0; told = true) {
		struct server_load load;

		if (!server_load_read(w->f->pg, &load, e))
			return false;
		if (load.lag_bytes <= limit)
			return true;
		str_format_bytes((uint64_t)load.lag_bytes, has, sizeof(has));
		if (!told)
			log_notice(&w->f->log, "the split pauses: a standby is %s behind", has);
		if (stopped(e))
			return false;
		if (clock_now_ms(w->f->clock) >= until)
			return err_set(e, ERR_BUSY, "a standby is %s behind", has);
		clock_sleep_ms(w->f->clock, PAUSE_MS);
	}
	return true;
}

static bool wait_for_slot(struct work *w, int *slot, struct err *e)
{
	int64_t until = clock_now_ms(w->f->clock) + w->f->config.maintain.pause_at_most_s * 1000;

	for (;;) {
		if (!build_slot_take(w->f->pg, w->f->config.maintain.builds, slot, e))
			return false;
		if (*slot >= 0)
			return true;
		if (stopped(e))
			return false;
		if (clock_now_ms(w->f->clock) >= until)
			return err_set(e, ERR_BUSY,
				       "other indexes are being built in this database");
		clock_sleep_ms(w->f->clock, PAUSE_MS);
	}
}

static void pace(struct work *w, int64_t rate)
{
	while (rate > 0 && !signal_stop_requested()) {
		int64_t rows = w->split.rows_copied - w->rows_before;
		int64_t wait_ms = w->started_ms + rows * 1000 / rate - clock_now_ms(w->f->clock);

		if (wait_ms <= 0)
			return;
		clock_sleep_ms(w->f->clock, wait_ms > 200 ? 200 : wait_ms);
	}
}

/* ---- the steps ---- */

static bool note(void *ctx, const char *text, struct err *e)
{
	struct firn_split_result *r = ctx;
	char **more = realloc(r->notes, (r->note_count + 1) * sizeof(*more));

	if (!more)
		return err_no_memory(e);
	r->notes = more;
	more[r->note_count] = mem_strdup(text, e);
	return more[r->note_count] && ++r->note_count;
}

static bool check_room(struct work *w, struct err *e)
{
	const struct table_info *t = w->table.info;
	int64_t room = (int64_t)w->f->config.maintain.disk_free_bytes;
	double needed = 0;
	char has[16], needs[16];

	for (size_t i = 0; i < t->leaf_count; i++) {
		struct leaf_sizes s;

		if (!sizes_of_leaf(w->f->pg, &t->leaves[i], 0, &s, e))
			return false;
		needed += (double)(s.heap_bytes + s.toast_bytes + s.index_bytes) * ROOM_FACTOR;
	}
	if (!room && !index_work_disk_free(w->f->pg, &room, e))
		return false;
	if (room < 0) {
		log_info(&w->f->log, "cannot see how much room the database's disk has");
		return true;
	}
	if ((double)room >= needed)
		return true;
	err_set(e, ERR_BUSY, "the new table needs %s of disk beside the old one, there are %s",
		str_format_bytes((uint64_t)needed, needs, sizeof(needs)),
		str_format_bytes((uint64_t)room, has, sizeof(has)));
	return err_hint(e, "Free some, or say maintain.disk_free in the configuration where firn "
			   "cannot look.");
}

/* *same: it has these partitions already. */
static bool judge_division(struct work *w, bool *same, struct err *e)
{
	const struct table_info *t = w->table.info;
	struct partitioning parts;
	bool ok = true;

	*same = false;
	if (!partitioning_load(w->f->pg, t, &parts, e))
		return false;
	if (parts.strategy[0] && (!str_eq(parts.strategy, "hash") || !t->workspace_in_leaf)) {
		ok = err_set(e, ERR_CONFIG, "table \"%s\" is divided by %s", t->label, parts.key);
		err_hint(e,
			 "Only a plain table, or one that is divided by the hash of its workspace, "
			 "can be split.");
	}
	for (size_t i = 0; ok && i < parts.count; i++)
		*same = (i == 0 || *same) && parts.items[i].modulus == w->options->count;
	*same = *same && (int64_t)parts.count == w->options->count;
	w->result->leaves_before = (int64_t)t->leaf_count;
	if (ok && strlen(t->name) + 6 > (size_t)parts.name_max)
		ok = err_set(e, ERR_CONFIG, "name \"%s\" is too long for partitions named after it",
			     t->name);
	partitioning_release(&parts);
	return ok;
}

static bool begin(struct work *w, int wait_ms, struct err *e)
{
	return split_begin(&w->split, w->options->count, wait_ms, e);
}

/* From nothing to a new empty table whose contents to be are recorded. *done: there is nothing to do, or nothing was asked. */
static bool start(struct work *w, bool *done, struct err *e)
{
	bool widens, same;

	*done = false;
	if (!judge_division(w, &same, e))
		return false;
	if (same) {
		*done = true;
		snprintf(w->result->outcome, sizeof(w->result->outcome), "unchanged");
		return true;
	}
	if (!split_check(&w->split, w->options->count, e) ||
	    !split_notes(&w->split, note, w->result, &widens, e))
		return false;
	if (widens && !w->options->widen_keys && !w->options->dry_run) {
		err_set(e, ERR_CONFIG, "a unique key of \"%s\" lacks the workspace. %s",
			w->table.info->label, w->result->notes[0]);
		return err_hint(e, "Where that is right for the application, use --widen-keys. "
				   "--dry-run shows every such key.");
	}
	if (!check_room(w, e))
		return false;
	if (w->options->dry_run) {
		*done = true;
		snprintf(w->result->outcome, sizeof(w->result->outcome), "planned");
		return true;
	}
	for (size_t i = 0; i < w->result->note_count; i++)
		log_notice(&w->f->log, "%s", w->result->notes[i]);
	return patiently(w, begin, e) && fault(FAULT("split.after_begin"), e);
}

static bool apply(struct work *w, int64_t limit, struct err *e)
{
	int64_t records;

	if (!split_apply(&w->split, limit, &records, e) ||
	    (records && !fault(FAULT("split.after_apply"), e)))
		return false;
	w->applied += records;
	if (w->applied < TIDY_RECORDS)
		return true;
	w->applied = 0;
	return split_tidy(&w->split, e);
}

static bool copy(struct work *w, struct err *e)
{
	const struct policy *policy = engine_policy(w->f, e);
	int64_t rows, waiting;
	bool done = false, ok = policy != NULL;
	int batches = 0;

	w->started_ms = clock_now_ms(w->f->clock);
	w->rows_before = w->split.rows_copied;
	progress_start(&w->progress, w->f, "copying", NULL,
		       w->table.info->rows_estimate > w->rows_before
			       ? w->table.info->rows_estimate - w->rows_before
			       : 0);
	while (ok && !done) {
		ok = !stopped(e) && wait_for_standby(w, e) &&
		     (++batches % BATCHES_A_LOOK || split_unchanged(&w->split, e)) &&
		     split_copy(&w->split, BATCH_ROWS, &rows, &done, e);
		if (!ok)
			break;
		progress_add(&w->progress, rows, 0);
		ok = (done || fault(FAULT("split.after_batch"), e)) &&
		     split_waiting(&w->split, RECORDS_MAX, &waiting, e) &&
		     (waiting < RECORDS_MAX || apply(w, RECORDS_MAX, e));
		pace(w, policy->limits.rows_per_second);
	}
	progress_end(&w->progress, false);
	return ok && fault(FAULT("split.after_copy"), e);
}

static bool build_indexes(struct work *w, struct err *e)
{
	for (;;) {
		struct split_index index = { 0 };
		int64_t start_ms = clock_now_ms(w->f->clock);
		int slot = -1;
		bool ok;

		/* A new unique index sees the rows of one moment, not a mixture. */
		if (stopped(e) || !wait_for_standby(w, e) || !apply(w, 0, e) ||
		    !split_next_index(&w->split, &index, e))
			return false;
		if (!index.name[0]) {
			split_index_release(&index);
			return true;
		}
		ok = wait_for_slot(w, &slot, e) &&
		     index_work_set_up_build(w->f->pg, w->f->config.maintain.work_mem, e) &&
		     split_build_index(&w->split, &index, e);
		build_slot_release(w->f->pg, slot);
		if (ok) {
			w->result->indexes++;
			log_info(&w->f->log, "built index \"%s\" of \"%s\" in %.1f s", index.name,
				 index.leaf, (double)(clock_now_ms(w->f->clock) - start_ms) / 1000);
		}
		split_index_release(&index);
		if (!ok || !fault(FAULT("split.after_index"), e))
			return false;
	}
}

/* Until so few changes are left that they can be dealt with under the lock. */
static bool settle(struct work *w, struct err *e)
{
	int64_t waiting = 0;

	for (int i = 0; i < SETTLE_ROUNDS; i++) {
		if (stopped(e) || !apply(w, 0, e) ||
		    !split_waiting(&w->split, FEW_RECORDS, &waiting, e))
			return false;
		if (waiting < FEW_RECORDS)
			return true;
	}
	err_set(e, ERR_BUSY, "rows of \"%s\" change faster than they can be copied",
		w->table.info->label);
	return err_hint(e, "Run the same again when less is written: it goes on from here.");
}

struct swap {
	char trace[SPLIT_TRACE_BYTES];
	const enum split_depth *compare;
	bool again;
};

static bool try_swap(struct work *w, struct swap *x, int wait_ms, struct err *e)
{
	int64_t start_ms;
	bool ok;

	if (!settle(w, e))
		return false;
	start_ms = clock_now_ms(w->f->clock);
	ok = split_swap(&w->split, wait_ms, x->trace, x->compare, &w->result->rows, &x->again, e);
	w->result->swap_seconds = (double)(clock_now_ms(w->f->clock) - start_ms) / 1000;
	return ok;
}

/* Compares without a lock, and with it as deep as that is quick. */
static bool compare(struct work *w, enum split_depth *depth, bool *under_lock, struct err *e)
{
	int64_t start_ms = clock_now_ms(w->f->clock);

	*depth = SPLIT_HASH;
	if (!split_compare(&w->split, SPLIT_HASH, &w->result->rows, e))
		return false;
	*under_lock = clock_now_ms(w->f->clock) - start_ms <= LOCKED_MS;
	if (*under_lock)
		return true;
	*depth = SPLIT_COUNT;
	start_ms = clock_now_ms(w->f->clock);
	if (!split_compare(&w->split, SPLIT_COUNT, &w->result->rows, e))
		return false;
	*under_lock = clock_now_ms(w->f->clock) - start_ms <= LOCKED_MS;
	return true;
}

static bool swap_once(struct work *w, bool *swapped, struct err *e)
{
	enum split_depth depth;
	struct swap x = { 0 };
	bool under_lock;

	*swapped = false;
	if (!split_check(&w->split, w->split.leaves, e) || !split_unchanged(&w->split, e) ||
	    !build_indexes(w, e) || !split_analyze(&w->split, e) || !settle(w, e) ||
	    !split_trace(&w->split, x.trace, e) || !compare(w, &depth, &under_lock, e) ||
	    !fault(FAULT("split.after_compare"), e))
		return false;
	x.compare = under_lock ? &depth : NULL;
	for (int try = 1; !*swapped; try++) {
		*swapped = try_swap(w, &x, try % 4 == 0 ? LOCK_LONG_MS : LOCK_SHORT_MS, e);
		if (*swapped)
			break;
		if (e->code != ERR_BUSY)
			return false;
		if (x.again) {
			err_clear(e);
			return true;
		}
		if (try == LOCK_TRIES) {
			err_hint(e,
				 "Long transactions hold the table. Run the same again later: it "
				 "goes on from here.");
			return err_wrap(e, "could not put the new table in the old one's place");
		}
		err_clear(e);
		if (stopped(e))
			return false;
		clock_sleep_ms(w->f->clock, LOCK_PAUSE_MS * try / 4);
	}
	return fault(FAULT("split.after_swap"), e);
}

static bool finish_step(struct work *w, int wait_ms, struct err *e)
{
	return split_finish(&w->split, wait_ms, &w->finished, e) &&
	       (w->finished || fault(FAULT("split.after_finish"), e));
}

static bool finish(struct work *w, struct err *e)
{
	for (w->finished = false; !w->finished;)
		if (!patiently(w, finish_step, e))
			return false;
	return true;
}

static bool look_at_old(struct work *w, struct err *e)
{
	struct split_kept kept;

	if (!split_kept(&w->split, &kept, e))
		return false;
	w->result->old_table = kept.table;
	w->result->old_rows = kept.rows;
	w->result->old_bytes = kept.bytes;
	return true;
}

static bool move_over(struct work *w, struct err *e)
{
	bool done = false, swapped = w->split.phase == SPLIT_SWAPPED;

	if (w->split.phase != SPLIT_NONE && w->split.leaves != w->options->count) {
		err_set(e, ERR_CONFIG, "table \"%s\" %s split into %" PRId64 ", not %" PRId64,
			w->table.info->label, swapped ? "was" : "is being", w->split.leaves,
			w->options->count);
		return swapped ? err_hint(e, "That split is done but for its old table: run \"firn "
					     "partitions split --drop-old\" first.")
			       : err_hint(e, "Finish it with that number, or take it back with "
					     "\"firn partitions split --rollback\".");
	}
	if (w->options->dry_run && w->split.phase != SPLIT_NONE) {
		snprintf(w->result->outcome, sizeof(w->result->outcome), "planned");
		return true;
	}
	if (w->split.phase == SPLIT_NONE && (!start(w, &done, e) || done))
		return done;
	if (w->split.phase == SPLIT_COPY && (!split_unchanged(&w->split, e) || !copy(w, e)))
		return false;
	while (!swapped)
		if (!swap_once(w, &swapped, e))
			return false;
	if (!finish(w, e) || !look_at_old(w, e))
		return false;
	snprintf(w->result->outcome, sizeof(w->result->outcome), "swapped");
	return true;
}

/* ---- back, and the end ---- */

static bool roll_back_step(struct work *w, int wait_ms, struct err *e)
{
	return split_rollback(&w->split, wait_ms, e);
}

static bool roll_back(struct work *w, struct err *e)
{
	if (w->split.phase == SPLIT_NONE)
		return err_set(e, ERR_CONFIG, "no split of \"%s\" is under way",
			       w->table.info->label);
	if (w->split.phase == SPLIT_SWAPPED) {
		err_set(e, ERR_CONFIG,
			"the split of \"%s\" was finished at %s UTC and cannot be taken back",
			w->table.info->label, w->split.swapped_at);
		return err_hint(
			e, "The old table lacks what was written since. To have another "
			   "number of partitions, run \"firn partitions split --drop-old\" and "
			   "split again.");
	}
	if (!patiently(w, roll_back_step, e))
		return false;
	snprintf(w->result->outcome, sizeof(w->result->outcome), "rolled-back");
	return true;
}

static bool drop_step(struct work *w, int wait_ms, struct err *e)
{
	return split_drop_old(&w->split, wait_ms, e);
}

/* Rows of the old table that are in neither tier may have been deleted since; when they are most of them, it is more likely
 * that the table lost them. */
static bool check_left_behind(struct work *w, struct err *e)
{
	struct firn_split_result *r = w->result;
	struct split_kept kept = { 0 };

	if (!r->old_table)
		return true;
	if (!split_left_behind(&w->split, &kept, e))
		return false;
	r->old_rows = kept.rows;
	r->old_missing = kept.missing;
	if (kept.missing - kept.moved <= kept.rows / 2 || w->options->force || !w->options->confirm)
		return true;
	err_set(e, ERR_DATA,
		"of %" PRId64 " rows of \"%s\" the table has %" PRId64 ", and %" PRId64
		" were moved out since the split",
		kept.rows, r->old_table, kept.rows - kept.missing, kept.moved);
	return err_hint(e, "If the others were deleted or given other keys by the application, use "
			   "--force.");
}

static bool drop_old(struct work *w, struct err *e)
{
	if (w->split.phase != SPLIT_SWAPPED) {
		err_set(e, ERR_CONFIG, "no old table of \"%s\" is kept", w->table.info->label);
		return w->split.phase == SPLIT_NONE
			       ? false
			       : err_hint(e, "A split is under way: finish it first.");
	}
	if (w->table.info->oid != w->split.new_oid) {
		err_set(e, ERR_CONFIG, "table \"%s\" is not the one that the split made",
			w->table.info->label);
		return err_hint(e,
				"Someone replaced it. Look at schema \"%s\", and drop by hand what "
				"is not needed.",
				w->split.kept);
	}
	if (!finish(w, e) || !look_at_old(w, e) || !check_left_behind(w, e))
		return false;
	if (!w->options->confirm) {
		snprintf(w->result->outcome, sizeof(w->result->outcome), "kept");
		return true;
	}
	if (!patiently(w, drop_step, e))
		return false;
	w->split.phase = SPLIT_NONE;
	snprintf(w->result->outcome, sizeof(w->result->outcome), "dropped");
	return true;
}

static bool check_options(const struct firn *f, const struct firn_split_options *o, struct err *e)
{
	if (f->table_count > 1) {
		err_set(e, ERR_USAGE, "only one table can be split at a time");
		return err_hint(e, "Name it with --table.");
	}
	if (!!o->rollback + !!o->drop_old + (o->count != 0) != 1) {
		err_set(e, ERR_USAGE,
			"one of --count, --rollback and --drop-old is needed, and only "
			"one");
		return err_hint(e, "\"firn partitions recommend\" says how many partitions there "
				   "should be.");
	}
	if (!o->rollback && !o->drop_old && (o->count < 1 || o->count > PARTITIONS_MAX))
		return err_set(e, ERR_USAGE, "--count is to be from 1 to %d", PARTITIONS_MAX);
	return true;
}

static bool run(struct work *w, struct err *e)
{
	struct split *s = &w->split;

	s->pg = w->f->pg;
	s->lease = &w->lease;
	s->table = w->table.info;
	if (!split_load(s, w->table.id, e))
		return false;
	if ((s->phase == SPLIT_COPY || s->phase == SPLIT_INDEX) && s->table->oid != s->old_oid) {
		err_set(e, ERR_CONFIG, "table \"%s\" is not the one whose split was begun",
			s->table->label);
		return err_hint(e, "Someone replaced it. Give the old one its name back.");
	}
	/* A build may take longer than the role's statements are allowed to. */
	if (!pg_exec(s->pg, "SET statement_timeout = 0", e))
		return false;
	if (w->options->rollback)
		return roll_back(w, e);
	return w->options->drop_old ? drop_old(w, e) : move_over(w, e);
}

bool firn_partitions_split(struct firn *f, const struct firn_split_options *options,
			   struct firn_split_result *result, struct err *e)
{
	struct work w = { .f = f, .options = options, .result = result };
	int64_t start_ms = clock_now_ms(f->clock);
	struct err ignored = { 0 };
	bool ok;

	*result = (struct firn_split_result){ 0 };
	ok = engine_tables_given(f, e) && check_options(f, options, e) &&
	     engine_table_open(f, &f->tables[0], &w.table, e) &&
	     lease_take(&w.lease, f->pg, w.table.id, e);
	if (ok) {
		result->table = mem_strdup(w.table.info->label, e);
		result->leaves_before = (int64_t)w.table.info->leaf_count;
		ok = result->table && run(&w, e);
		result->leaves = w.split.leaves ? w.split.leaves : options->count;
		result->rows_copied = w.split.rows_copied;
		result->changes = w.split.changes;
		snprintf(result->phase, sizeof(result->phase), "%s",
			 split_phase_name(w.split.phase));
		pg_exec(f->pg, "RESET statement_timeout", &ignored);
	}
	lease_release(&w.lease);
	engine_table_close(&w.table);
	result->seconds = (double)(clock_now_ms(f->clock) - start_ms) / 1000;
	return ok;
}
