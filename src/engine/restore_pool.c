#include "engine/restore_pool.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"

enum session_state {
	SESSION_FREE,
	SESSION_GIVEN, /* a load, until it is done */
	SESSION_LEAVES
};

struct session {
	struct restore_pool *pool;
	struct pg *pg;
	pthread_t thread;
	/* Under the pool's mutex. */
	enum session_state state;
	/* The thread's while the state is SESSION_GIVEN, else the pool's. */
	struct load load;
	struct source *from;
};

struct restore_pool {
	struct firn *f;
	size_t most, count;
	struct session *sessions;
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* a state, or failed */
	bool failed;
	struct err first_error;
};

struct restore_pool *restore_pool_new(struct firn *f, int64_t sessions, struct err *e)
{
	struct restore_pool *p = mem_new(1, sizeof(*p), e);

	if (!p)
		return NULL;
	p->f = f;
	p->most = (size_t)sessions;
	p->sessions = mem_new(p->most, sizeof(*p->sessions), e);
	if (!p->sessions) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->changed, NULL);
	return p;
}

static void *serve(void *arg)
{
	struct session *s = arg;
	struct restore_pool *p = s->pool;

	pthread_mutex_lock(&p->mutex);
	for (;;) {
		struct err e = { 0 };
		bool ok;

		while (s->state == SESSION_FREE)
			pthread_cond_wait(&p->changed, &p->mutex);
		if (s->state == SESSION_LEAVES)
			break;
		pthread_mutex_unlock(&p->mutex);
		ok = load_restore(s->from, &s->load, s->pg, &e);
		pthread_mutex_lock(&p->mutex);
		if (!ok && !p->failed)
			p->first_error = e;
		p->failed |= !ok;
		s->state = SESSION_FREE;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

void restore_pool_free(struct restore_pool *p)
{
	struct err ignored;

	if (!p)
		return;
	restore_pool_wait(p, &ignored);
	pthread_mutex_lock(&p->mutex);
	for (size_t i = 0; i < p->count; i++)
		p->sessions[i].state = SESSION_LEAVES;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mutex);
	for (size_t i = 0; i < p->count; i++) {
		pthread_join(p->sessions[i].thread, NULL);
		pg_close(p->sessions[i].pg);
		load_release(&p->sessions[i].load);
	}
	pthread_mutex_destroy(&p->mutex);
	pthread_cond_destroy(&p->changed);
	free(p->sessions);
	free(p);
}

/* One session more. Where there is none to be had, those that are there do it. */
static void grow(struct restore_pool *p)
{
	struct session *s = &p->sessions[p->count];
	struct err e = { 0 };

	*s = (struct session){ .pool = p, .pg = engine_pg_extra(p->f, &e) };
	if (s->pg && thread_start(&s->thread, serve, s, &e)) {
		p->count++;
		return;
	}
	pg_close(s->pg);
	p->most = p->count;
	log_notice(&p->f->log, "going on with fewer sessions: %s", e.message);
}

static struct session *find_free(struct restore_pool *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->sessions[i].state == SESSION_FREE)
			return &p->sessions[i];
	return NULL;
}

bool restore_pool_give(struct restore_pool *p, struct source *from, struct load *l, struct err *e)
{
	struct session *s;
	bool failed;

	pthread_mutex_lock(&p->mutex);
	s = find_free(p);
	pthread_mutex_unlock(&p->mutex);
	/* Only this thread adds sessions. */
	if (!s && p->count < p->most)
		grow(p);
	if (p->count == 0)
		return load_restore(from, l, p->f->pg, e);
	pthread_mutex_lock(&p->mutex);
	while (!p->failed && !(s = find_free(p)))
		pthread_cond_wait(&p->changed, &p->mutex);
	failed = p->failed;
	if (failed) {
		*e = p->first_error;
	} else {
		struct load empty = s->load;

		s->load = *l;
		s->from = from;
		s->state = SESSION_GIVEN;
		*l = empty;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->mutex);
	return !failed;
}

bool restore_pool_wait(struct restore_pool *p, struct err *e)
{
	bool busy = true, failed;

	pthread_mutex_lock(&p->mutex);
	for (;;) {
		busy = false;
		for (size_t i = 0; i < p->count; i++)
			busy |= p->sessions[i].state == SESSION_GIVEN;
		if (!busy)
			break;
		pthread_cond_wait(&p->changed, &p->mutex);
	}
	failed = p->failed;
	if (failed)
		*e = p->first_error;
	pthread_mutex_unlock(&p->mutex);
	return !failed;
}
