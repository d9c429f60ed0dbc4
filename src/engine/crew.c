#include "engine/crew.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/thread.h"
#include "engine/move.h"

struct job {
	pthread_t thread;
	struct firn f;
	struct move move;
};

bool crew_stopped(struct crew *c)
{
	bool stop;

	pthread_mutex_lock(&c->mutex);
	stop = c->stop;
	pthread_mutex_unlock(&c->mutex);
	return stop;
}

void crew_stop(struct crew *c, bool by_signal, const char *reason)
{
	pthread_mutex_lock(&c->mutex);
	if (!c->stop)
		snprintf(c->stop_reason, sizeof(c->stop_reason), "%s", reason);
	c->stop = true;
	c->stopped_by_signal |= by_signal;
	pthread_mutex_unlock(&c->mutex);
}

const char *const crew_limits[] = { STOPPED_BY_ROWS, STOPPED_BY_BYTES, STOPPED_BY_TIME,
				    STOPPED_BY_WINDOW, NULL };

bool crew_is_limit(const char *reason)
{
	for (size_t i = 0; crew_limits[i]; i++)
		if (str_eq(reason, crew_limits[i]))
			return true;
	return false;
}

static void fail(struct crew *c, const struct err *e)
{
	pthread_mutex_lock(&c->mutex);
	c->stop = true;
	if (c->first_error.code == ERR_NONE)
		c->first_error = *e;
	pthread_mutex_unlock(&c->mutex);
}

void crew_add_segment(struct crew *c, const struct catalog_pass_totals *t)
{
	pthread_mutex_lock(&c->mutex);
	c->totals.rows_moved += t->rows_moved;
	c->totals.rows_changed += t->rows_changed;
	c->totals.segments += t->segments;
	c->totals.raw_bytes += t->raw_bytes;
	c->totals.stored_bytes += t->stored_bytes;
	pthread_mutex_unlock(&c->mutex);
}

void crew_add_rows(struct crew *c, int64_t rows, int64_t bytes)
{
	pthread_mutex_lock(&c->mutex);
	progress_add(&c->progress, rows, bytes);
	pthread_mutex_unlock(&c->mutex);
}

void crew_note(struct crew *c, const struct pass_decision *what)
{
	pthread_mutex_lock(&c->mutex);
	decisions_note(&c->decisions, what);
	pthread_mutex_unlock(&c->mutex);
}

int crew_note_locks(struct crew *c, bool lock_wait)
{
	int waits;

	pthread_mutex_lock(&c->mutex);
	waits = c->lock_waits = lock_wait ? c->lock_waits + 1 : 0;
	pthread_mutex_unlock(&c->mutex);
	return waits;
}

int64_t crew_take(struct crew *c, int64_t rows, int64_t bytes, int64_t now_ms)
{
	int64_t of_rows, of_bytes;

	pthread_mutex_lock(&c->mutex);
	of_rows = token_bucket_take(&c->rows, rows, now_ms);
	of_bytes = token_bucket_take(&c->bytes, bytes, now_ms);
	pthread_mutex_unlock(&c->mutex);
	return of_rows > of_bytes ? of_rows : of_bytes;
}

/* NULL: none is left, or nothing new is to be begun. */
static const struct leaf *take_leaf(struct crew *c, const struct table_info *t)
{
	const struct leaf *leaf = NULL;

	pthread_mutex_lock(&c->mutex);
	if (!c->stop && c->next_leaf < t->leaf_count) {
		leaf = &t->leaves[c->order ? c->order[c->next_leaf] : c->next_leaf];
		c->progress.part = ++c->next_leaf;
	}
	pthread_mutex_unlock(&c->mutex);
	return leaf;
}

/* A job's two connections: one reads, one deletes. */
static bool connect_job(struct move *m, struct err *e)
{
	if (!engine_pg(m->f, e))
		return false;
	m->reader = engine_pg_extra(m->f, e);
	return m->reader != NULL;
}

static void move_leaves(struct move *m)
{
	struct err e = { 0 };
	const struct leaf *leaf;
	bool ok = true;

	while (ok && (leaf = take_leaf(m->crew, m->table->info)))
		ok = move_leaf(m, leaf, &e);
	if (!ok)
		fail(m->crew, &e);
}

/* One that gets no connections leaves the leaves to the others: there may be a limit on them. */
static void *run_further(void *arg)
{
	struct move *m = arg;
	struct err e = { 0 };

	if (connect_job(m, &e))
		move_leaves(m);
	else
		log_notice(&m->f->log, "the pass goes on with fewer jobs: %s", e.message);
	pg_close(m->reader);
	return NULL;
}

bool crew_move(struct crew *c, const struct move *how, int64_t jobs, struct err *e)
{
	size_t leaves = how->table->info->leaf_count, started = 0;
	size_t count = jobs < (int64_t)leaves ? (size_t)jobs : leaves;
	struct job *all = mem_new(count + 1, sizeof(*all), e);

	if (!all)
		return false;
	all[0].move = *how;
	all[0].move.crew = c;
	if (!connect_job(&all[0].move, e)) {
		free(all);
		return false;
	}
	c->next_leaf = 0;
	c->rows =
		token_bucket_full(how->policy->limits.rows_per_second, clock_now_ms(how->f->clock));
	c->bytes = token_bucket_full(how->policy->limits.bytes_per_second,
				     clock_now_ms(how->f->clock));
	progress_start(&c->progress, how->f, "moving", NULL, 0);
	c->progress.parts = leaves;
	/* The first job is this thread's. */
	for (size_t i = 1; i < count; i++) {
		struct job *j = &all[i];

		j->f = engine_split(how->f);
		j->move = *how;
		j->move.f = &j->f;
		j->move.crew = c;
		if (!thread_start(&j->thread, run_further, &j->move, e)) {
			fail(c, e);
			break;
		}
		started++;
	}
	move_leaves(&all[0].move);
	pg_close(all[0].move.reader);
	for (size_t i = 1; i <= started; i++) {
		pthread_join(all[i].thread, NULL);
		if (all[i].f.store) {
			const struct store_counters asked = store_counters(all[i].f.store);

			store_counters_add(&c->requests, &asked);
		}
		engine_split_close(&all[i].f);
	}
	progress_end(&c->progress, false);
	free(all);
	if (c->first_error.code == ERR_NONE)
		return true;
	*e = c->first_error;
	return false;
}
