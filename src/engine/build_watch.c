#include "engine/build_watch.h"

#include <stdio.h>
#include <time.h>

#include "base/board.h"
#include "base/signal.h"
#include "base/thread.h"
#include "catalog/vector_index.h"

#define LOOK_EVERY_MS 300
#define LOG_EVERY_MS  60000

static void show(struct build_watch *w, const struct vector_progress *p)
{
	int64_t done = p->tuples_total > 0 ? p->tuples : p->blocks;
	int64_t total = p->tuples_total > 0 ? p->tuples_total : p->blocks_total;
	int64_t now = clock_now_ms(w->f->clock);
	char share[16] = "", text[400];

	if (total > 0)
		snprintf(share, sizeof(share), ", %d%%", (int)(100 * done / total));
	snprintf(text, sizeof(text), "%s: %s%s", w->what, p->phase, share);
	if (w->f->progress == PROGRESS_TERMINAL) {
		board_set(w->f->log.board, w->board_line, text);
	} else if (now - w->logged_ms >= LOG_EVERY_MS) {
		log_notice(&w->f->log, "%s", text);
		w->logged_ms = now;
	}
}

/* false: no longer of use. */
static bool look(struct build_watch *w)
{
	struct vector_progress p = { 0 };
	struct err e = { 0 };
	bool found;

	if (signal_stop_requested() && !vector_cancel(w->pg, w->pid, &e))
		return false;
	if (w->f->progress == PROGRESS_NONE)
		return true;
	if (!vector_build_progress(w->pg, w->pid, &found, &p, &e))
		return false;
	if (found)
		show(w, &p);
	return true;
}

static void *watch(void *arg)
{
	struct build_watch *w = arg;
	bool useful = true;

	pthread_mutex_lock(&w->lock);
	while (!w->done) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LOOK_EVERY_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&w->wake, &w->lock, &until);
		if (w->done)
			break;
		pthread_mutex_unlock(&w->lock);
		useful = useful && look(w);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

void build_watch_start(struct build_watch *w, struct firn *f, const char *what)
{
	pthread_condattr_t attributes;
	struct err e = { 0 };

	*w = (struct build_watch){ .f = f,
				   .pid = pg_backend_pid(f->pg),
				   .board_line = board_open(f->log.board) };
	snprintf(w->what, sizeof(w->what), "%s", what);
	w->logged_ms = clock_now_ms(f->clock);
	w->pg = engine_pg_extra(f, &e);
	if (!w->pg) {
		log_info(&f->log, "%s: how far it is cannot be shown: %s", what, e.message);
		return;
	}
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	w->running = thread_start(&w->thread, watch, w, &e);
	if (w->running)
		return;
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
}

void build_watch_stop(struct build_watch *w)
{
	if (w->running) {
		pthread_mutex_lock(&w->lock);
		w->done = true;
		pthread_cond_signal(&w->wake);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
		pthread_mutex_destroy(&w->lock);
		pthread_cond_destroy(&w->wake);
		w->running = false;
	}
	board_close(w->f->log.board, w->board_line, NULL);
	pg_close(w->pg);
	w->pg = NULL;
}
