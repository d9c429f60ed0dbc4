/* firn pass: take the lease, undo what the dead left, move leaf by leaf, then do the index work. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/mem.h"
#include "engine/move.h"
#include "engine/plan.h"

#define DEFAULT_SEGMENT_BYTES (128ull << 20)

static int64_t limit_or_none(int64_t a, int64_t b)
{
	if (a > 0 && b > 0)
		return a < b ? a : b;
	return a > 0 ? a : b > 0 ? b : -1;
}

/* What is left of a limit after used; -1 stays "none". */
static int64_t left(int64_t limit, int64_t used)
{
	if (limit < 0)
		return -1;
	return used < limit ? limit - used : 0;
}

static void add_totals(struct firn_pass_result *result, const struct catalog_pass_totals *t)
{
	result->rows_moved += t->rows_moved;
	result->rows_changed += t->rows_changed;
	result->segments += t->segments;
	result->raw_bytes += t->raw_bytes;
	result->stored_bytes += t->stored_bytes;
}

/* What came out of the leaves wants its index work, also when one leaf could not be moved: the others' readers should not
 * wait for that one to be mended. Of two failures the first is told. */
static bool maintain_after(struct firn *f, const struct engine_table *t,
			   struct firn_pass_result *result, bool ok, struct err *e)
{
	struct err second = { 0 };

	if (!ok && (e->code == ERR_FENCED || e->code == ERR_INTERRUPTED))
		return false;
	if (engine_maintain_table(f, t, &(struct firn_maintain_options){ 0 }, &result->maintain,
				  ok ? e : &second))
		return ok;
	if (!ok)
		log_err(&f->log, &second);
	return false;
}

/* Readers miss these indexes now: they do not wait for the moves. */
static void restore_first(struct firn *f, const struct engine_table *t,
			  struct firn_pass_result *result)
{
	struct err e = { 0 };

	if (!engine_restore_indexes(f, t, &result->maintain, &e))
		log_err(&f->log, &e);
}

/* Bytes that workspaces share when only time is short, at first: two segments or so of each leaf, and twice as much in each
 * further round, because each reads all leaves. */
static int64_t first_round(const struct move *m)
{
	size_t segments = 2 * m->table->info->leaf_count;

	return (int64_t)m->segment_bytes * (int64_t)(segments > 8 ? segments : 8);
}

/* One round with a limit: as much as is left of the limits, and at most so many bytes (-1: any). *go_on: more is due than the
 * round took, and the limits allow more. */
static bool move_round(struct move *m, struct crew *crew, int64_t jobs, int64_t round_bytes,
		       bool *go_on, struct err *e)
{
	const struct catalog_pass_totals before = crew->totals;
	int64_t rows = left(m->max_rows, before.rows_moved + before.rows_changed);
	int64_t bytes = left(m->max_bytes, before.raw_bytes);
	bool of_round = round_bytes >= 0 && (bytes < 0 || round_bytes < bytes);
	struct move how = *m;
	struct quota quota;
	bool ok;

	how.quota = &quota;
	how.max_rows = rows;
	how.max_bytes = bytes;
	ok = quota_make(m->f->pg, m->table, m->rules, rows, of_round ? round_bytes : bytes,
			m->pass_id, of_round ? NULL : &crew->decisions, &quota, e) &&
	     crew_move(crew, &how, jobs, e);
	*go_on = ok && quota.cut && !crew_stopped(crew);
	if (*go_on && rows >= 0 && quota.rows >= rows)
		crew_stop(crew, false, STOPPED_BY_ROWS);
	else if (*go_on && !of_round)
		crew_stop(crew, false, STOPPED_BY_BYTES);
	/* What nothing was moved of, because it is in use, is not tried for ever. */
	*go_on &= !crew_stopped(crew) && crew->totals.rows_moved > before.rows_moved;
	quota_release(&quota);
	return ok;
}

/* Where not all may move that is due, workspaces take turns. A limit is kept to the row by filling one segment at a time. */
static bool move_fairly(struct move *m, struct crew *crew, int64_t jobs, struct err *e)
{
	bool short_of_time = m->deadline_ms || m->policy->limits.has_window;
	bool limited = m->max_rows >= 0 || m->max_bytes >= 0;
	int64_t round = short_of_time ? first_round(m) : -1;
	bool go_on = true, ok;
	size_t *order;

	if (!limited && !short_of_time)
		return crew_move(crew, m, jobs, e);
	order = quota_leaf_order(m->f->pg, m->table, e);
	crew->order = order;
	ok = order != NULL;
	for (; ok && go_on; round = round < 0 || round > INT64_MAX / 2 ? -1 : 2 * round)
		ok = move_round(m, crew, limited ? 1 : jobs, round, &go_on, e);
	crew->order = NULL;
	free(order);
	return ok;
}

/* Moves under the lease that m holds, and records what became of it. */
static bool move_under_lease(struct firn *f, struct move *m, struct crew *crew,
			     const struct firn_pass_options *options,
			     struct firn_pass_result *result, struct err *e)
{
	const struct table_info *t = m->table->info;
	struct pg *pg = f->pg;
	struct err ignored;
	int64_t jobs = options->jobs > 0 ? options->jobs : m->policy->limits.jobs;
	int64_t abandoned = 0;
	bool ok;

	if (!engine_archive_take_turn(f, e) ||
	    !catalog_abandon_dead_intents(pg, m->table->id, m->lease->epoch, &abandoned, e) ||
	    !catalog_pass_begin(pg, m->table->id, m->lease->epoch, &m->pass_id, e))
		return false;
	result->abandoned += abandoned;
	if (abandoned)
		log_notice(
			&f->log,
			"undid %" PRId64
			" segments that a dead run had begun; their rows never left table \"%s\"",
			abandoned, t->label);
	ok = move_fairly(m, crew, jobs, e);
	add_totals(result, &crew->totals);
	if (!catalog_pass_moved(pg, m->pass_id, &crew->totals,
				!ok                    ? e->message
				: crew->stop_reason[0] ? crew->stop_reason
						       : "done",
				ok ? e : &ignored))
		return false;
	return ok;
}

/* What was archived earlier moves on to other storage classes, as its rules say. */
static bool transition_after(struct firn *f, const struct move *m, struct firn_pass_result *result,
			     struct err *e)
{
	struct firn_transition_result moved = { 0 };
	bool ok;

	if (!engine_policy_has_transitions(m->policy))
		return true;
	ok = engine_transition_table(f, m->table, &(struct firn_transition_options){ 0 },
				     m->deadline_ms, &moved, e);
	for (size_t i = 0; i < moved.row_count; i++)
		result->segments_moved_on += moved.rows[i].moved;
	result->bytes_moved_on += moved.bytes_moved;
	firn_transition_result_release(&moved);
	return ok;
}

/* An archive that is out of reach, like a leaf that cannot be moved, is no reason to leave indexes undone. */
static bool work_under_lease(struct firn *f, struct move *m, struct crew *crew,
			     const struct firn_pass_options *options,
			     struct firn_pass_result *result, struct err *e)
{
	const struct reads_held_back held = { &result->held_back, &result->held_back_count };
	const struct candidate_rules *rules = m->rules;
	struct candidate_rules own = { 0 };
	bool ok;

	if (!options->no_maintain)
		restore_first(f, m->table, result);
	ok = candidates_check(f->pg, m->table->info, rules, e) &&
	     candidates_note_versions(f->pg, m->table->info, m->table->id, e) &&
	     reads_fold(f, m->table, rules, e) &&
	     plan_table_rules(f, m->table, rules, &own, &held, e);
	m->rules = &own;
	ok = ok && move_under_lease(f, m, crew, options, result, e) &&
	     transition_after(f, m, result, e);
	m->rules = rules;
	free(own.rules);
	if (ok && FAULT("move.before_maintain"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	return options->no_maintain ? ok : maintain_after(f, m->table, result, ok, e);
}

static void note_steps(struct crew *crew, const struct firn_maintain_result *done, size_t from)
{
	for (size_t i = from; i < done->step_count; i++) {
		const struct firn_maintain_step *s = &done->steps[i];
		char reason[320];

		snprintf(reason, sizeof(reason), "%s%s%s", s->index ? s->index : "",
			 s->index && *s->index && s->reason && *s->reason ? ": " : "",
			 s->reason ? s->reason : "");
		crew_note(crew, &(struct pass_decision){ .leaf = s->leaf,
							 .decision = s->action,
							 .reason = *reason ? reason : NULL,
							 .times = 1,
							 .seconds = s->seconds });
	}
}

/* What was decided goes into firn.pass_log; that it could not be written is no reason for a pass to fail. */
static void write_log(struct firn *f, const struct move *m, struct crew *crew,
		      const struct firn_pass_result *result, size_t held_from, size_t steps_from,
		      const struct err *failure)
{
	struct err e = { 0 };

	for (size_t i = held_from; i < result->held_back_count; i++) {
		const struct firn_held_back *h = &result->held_back[i];
		char reason[160] = "no read was ever recorded";

		if (h->until)
			snprintf(reason, sizeof(reason),
				 "reads are known only since %s, which is long enough from %s on",
				 h->known_since, h->until);
		crew_note(crew, &(struct pass_decision){ .rule = h->rule,
							 .decision = "held-back",
							 .reason = reason,
							 .times = 1 });
	}
	note_steps(crew, &result->maintain, steps_from);
	if (failure->code != ERR_NONE)
		crew_note(crew, &(struct pass_decision){ .decision = "failed",
							 .reason = failure->message,
							 .times = 1 });
	else if (crew->stop_reason[0])
		crew_note(crew, &(struct pass_decision){ .decision = "stopped",
							 .reason = crew->stop_reason,
							 .times = 1 });
	if (!pass_log_write(f->pg, m->pass_id, crew->decisions.items, crew->decisions.count,
			    f->config.gc.pass_log_s, &e))
		log_warning(&f->log, "could not write what the pass decided: %s", e.message);
}

/* Its end, in whatever way it ended; that this could not be written is only told where nothing else went wrong. */
static bool end_pass(struct firn *f, const struct move *m, bool ok, struct err *e)
{
	struct err ignored = { 0 };

	if (!m->pass_id)
		return ok;
	return catalog_pass_end(f->pg, m->pass_id, ok ? NULL : e->message, ok ? e : &ignored) && ok;
}

static bool pass_table(struct firn *f, const struct table_wanted *wanted,
		       const struct policy *policy, const struct candidate_rules *rules,
		       const struct firn_pass_options *options, int64_t started_ms,
		       struct firn_pass_result *result, struct err *e)
{
	struct engine_table table = { 0 };
	struct lease lease = { 0 };
	struct crew crew = CREW_INIT;
	struct move m = {
		.f = f,
		.table = &table,
		.policy = policy,
		.rules = rules,
		.lease = &lease,
		.segment_bytes = options->segment_bytes > 0       ? (uint64_t)options->segment_bytes
				 : f->config.segment.target_bytes ? f->config.segment.target_bytes
								  : DEFAULT_SEGMENT_BYTES,
		.max_rows = left(limit_or_none(options->max_rows, policy->limits.max_rows_per_pass),
				 result->rows_moved + result->rows_changed),
		.max_bytes = left(limit_or_none(-1, (int64_t)policy->limits.max_bytes_per_pass),
				  result->raw_bytes),
		.deadline_ms =
			options->max_runtime_s > 0 ? started_ms + options->max_runtime_s * 1000 : 0,
	};
	size_t held_from = result->held_back_count, steps_from = result->maintain.step_count;
	struct store_counters before = { 0 };
	bool ok;

	if (!engine_store(f, e) && e->code != ERR_OFFLINE)
		return false;
	err_clear(e);
	if (f->store)
		before = store_counters(f->store);
	ok = engine_table_open(f, wanted, &table, e) && engine_encryption_check(f, true, e) &&
	     catalog_id(f->pg, m.catalog_id, e) && lease_take(&lease, f->pg, table.id, e) &&
	     work_under_lease(f, &m, &crew, options, result, e);
	ok = end_pass(f, &m, ok, e);
	if (ok)
		engine_note_usage(f, &table, crew.totals.rows_moved > 0);
	if (m.pass_id && (ok || (e->code != ERR_OFFLINE && e->code != ERR_FENCED))) {
		write_log(f, &m, &crew, result, held_from, steps_from, e);
		engine_note_pass_requests(f, m.pass_id, &before, &crew.requests);
	}
	decisions_release(&crew.decisions);
	if (crew.stop_reason[0]) {
		result->stopped_early = 1;
		free(result->stop_reason);
		result->stop_reason = mem_strdup(crew.stop_reason, e);
		if (ok && crew.stopped_by_signal) {
			ok = err_set(e, ERR_INTERRUPTED, "stopped: %s", crew.stop_reason);
			err_hint(e, result->rows_moved > 0
					    ? "What was moved stays so; run it again to go on."
					    : "Nothing was moved; run it again to go on.");
		}
	}
	lease_release(&lease);
	engine_table_close(&table);
	return ok;
}

bool firn_pass(struct firn *f, const struct firn_pass_options *options,
	       struct firn_pass_result *result, struct err *e)
{
	const struct policy *policy = engine_policy(f, e);
	int64_t started_ms = clock_now_ms(f->clock);
	struct candidate_rules rules = { 0 };
	bool ok = false;

	*result = (struct firn_pass_result){ 0 };
	if (options->jobs < 0 || options->jobs > POLICY_JOBS_MAX)
		return err_set(e, ERR_USAGE, "a pass has from 1 to %d jobs, not %" PRId64,
			       POLICY_JOBS_MAX, options->jobs);
	if (options->dry_run)
		return firn_plan(f, options, &result->plan, e);
	if (!policy || !engine_tables_given(f, e) || !engine_master_keys(f, e) ||
	    !plan_rules(policy, f->config.heat.half_life_s, &rules, e))
		goto out;
	ok = true;
	for (size_t i = 0; ok && i < f->table_count && !result->stopped_early; i++)
		ok = pass_table(f, &f->tables[i], policy, &rules, options, started_ms, result, e);
out:
	result->seconds = (double)(clock_now_ms(f->clock) - started_ms) / 1000;
	free(rules.rules);
	return ok;
}
