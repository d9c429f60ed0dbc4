/* The parts of an object on their way to S3, several at a time. */
#include "store/s3_upload_parts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "base/thread.h"
#include "store/s3_sign.h"

#define ETAG_MAX     128
#define MEMORY_BYTES ((uint64_t)64 << 20) /* of parts under way, altogether */
#define WORKERS_MAX  S3_UPLOAD_JOBS_MAX

/* What all workers share. */
struct work {
	const struct s3_parts *p;
	char **etags; /* one a part; each is written by the worker that sent the part */
	unsigned count;
	pthread_mutex_t lock;
	/* Under lock: parts are read in their order, since the digest of the whole is computed on the way. */
	unsigned next; /* part to be read, from 0 */
	bool failed;
	struct err error; /* of the one that failed first */
};

struct worker {
	struct work *work;
	struct s3 *s; /* of its own */
	uint8_t *part;
	struct retry retry;
	struct s3_answer answer;
	pthread_t thread;
};

static size_t part_len(const struct s3_parts *p, unsigned i)
{
	uint64_t left = p->src->size_bytes - i * p->part_bytes;

	return (size_t)(left < p->part_bytes ? left : p->part_bytes);
}

static void fail(struct work *w, const struct err *e)
{
	pthread_mutex_lock(&w->lock);
	if (!w->failed)
		w->error = *e;
	w->failed = true;
	pthread_mutex_unlock(&w->lock);
}

/* Reads the next part, unless there is none or a worker has failed: *more_out. Whoever asks firn to stop
 * need not wait for gigabytes: the upload is undone. */
static bool take_part(struct worker *r, unsigned *part_out, bool *more_out, struct err *e)
{
	struct work *w = r->work;
	const struct s3_parts *p = w->p;
	bool ok = true;

	pthread_mutex_lock(&w->lock);
	*more_out = !w->failed && w->next < w->count;
	if (*more_out && signal_stop_requested()) {
		ok = err_set(e, ERR_INTERRUPTED, "stopped by a signal");
	} else if (*more_out) {
		unsigned i = w->next++;
		size_t len = part_len(p, i);

		ok = io_read_at(p->src, i * p->part_bytes, r->part, len, e) &&
		     (!p->whole || sha256_add(p->whole, r->part, len, e));
		*part_out = i;
	}
	pthread_mutex_unlock(&w->lock);
	return ok;
}

static bool send_part(struct worker *r, unsigned i, struct err *e)
{
	const struct s3_parts *p = r->work->p;
	struct s3_call call = { .method = "PUT",
				.key = p->key,
				.body = r->part,
				.body_len = part_len(p, i),
				.md5 = S3_MD5_IF_POSSIBLE,
				.sse = S3_SSE_PART };
	struct buf query = BUF_INIT;
	const char *etag;
	bool ok = false;

	buf_printf(&query, "partNumber=%u&uploadId=", i + 1);
	s3_uri_encode(&query, p->upload_id, false);
	if (!buf_ok(&query, e))
		goto out;
	call.query = buf_str(&query);
	if (!s3_perform(r->s, &call, &r->retry, &r->answer, e)) {
		err_wrap(e, "part %u", i + 1);
		goto out;
	}
	etag = http_response_header(&r->answer.http, "etag");
	if (!etag || !*etag || strlen(etag) > ETAG_MAX) {
		err_set(e, ERR_DATA, "the archive took part %u without an ETag", i + 1);
		goto out;
	}
	r->work->etags[i] = mem_strdup(etag, e);
	ok = r->work->etags[i] != NULL;
	if (ok && FAULT("upload.after_part"))
		ok = err_set(e, ERR_OFFLINE, "fault");
out:
	buf_release(&query);
	return ok;
}

static void *send_parts(void *arg)
{
	struct worker *r = arg;
	bool ok, more;
	struct err e;
	unsigned i = 0;

	do {
		err_clear(&e);
		ok = take_part(r, &i, &more, &e) && (!more || send_part(r, i, &e));
	} while (ok && more);
	if (!ok)
		fail(r->work, &e);
	return NULL;
}

static bool begin_worker(struct worker *r, struct work *w, struct s3 *s, struct err *e)
{
	*r = (struct worker){ .work = w, .s = s, .retry = *w->p->retry };
	r->retry.rng = &s->rng;
	r->part = mem_new(1, (size_t)w->p->part_bytes, e);
	return r->part != NULL;
}

static void end_worker(struct worker *r)
{
	free(r->part);
	s3_answer_release(&r->answer);
}

/* How many send at once: as asked for, where there is work for so many and memory. */
static unsigned count_workers(const struct s3_parts *p, unsigned jobs, unsigned parts)
{
	uint64_t room = MEMORY_BYTES / p->part_bytes;

	if (jobs > WORKERS_MAX)
		jobs = WORKERS_MAX;
	if (jobs > parts)
		jobs = parts;
	if (jobs > room)
		jobs = (unsigned)room;
	return jobs ? jobs : 1;
}

/* This thread is the first worker. Of the others as many as can be had: one alone gets there, too. */
static void run_workers(struct work *w, struct s3 *s, unsigned wanted)
{
	struct worker workers[WORKERS_MAX];
	struct err e = { 0 };
	unsigned count = 1;

	if (!begin_worker(&workers[0], w, s, &e)) {
		fail(w, &e);
		end_worker(&workers[0]);
		return;
	}
	for (; count < wanted; count++) {
		struct worker *r = &workers[count];
		struct s3 *own = s3_clone(s, &e);

		if (own && begin_worker(r, w, own, &e) &&
		    thread_start(&r->thread, send_parts, r, &e))
			continue;
		log_notice(s->store->log, "archive: sending %u parts at a time: %s", count,
			   e.message);
		if (own)
			end_worker(r);
		s3_clone_free(own, s);
		break;
	}
	send_parts(&workers[0]);
	end_worker(&workers[0]);
	for (unsigned i = 1; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		end_worker(&workers[i]);
		s3_clone_free(workers[i].s, s);
	}
}

static bool visit_parts(const struct work *w,
			bool (*visit)(void *ctx, const struct s3_part *part, struct err *e),
			void *ctx, struct err *e)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct s3_part part = { .number = i + 1, .bytes = part_len(w->p, i) };

		snprintf(part.etag, sizeof(part.etag), "%s", w->etags[i]);
		if (!visit(ctx, &part, e))
			return false;
	}
	return true;
}

bool s3_upload_parts(struct s3 *s, const struct s3_parts *p,
		     bool (*visit)(void *ctx, const struct s3_part *part, struct err *e), void *ctx,
		     struct err *e)
{
	struct work w = { .p = p };
	bool ok;

	w.count = (unsigned)((p->src->size_bytes + p->part_bytes - 1) / p->part_bytes);
	w.etags = mem_new(w.count, sizeof(*w.etags), e);
	if (!w.etags)
		return false;
	pthread_mutex_init(&w.lock, NULL);
	run_workers(&w, s, count_workers(p, s->upload_jobs, w.count));
	pthread_mutex_destroy(&w.lock);
	ok = !w.failed;
	if (ok)
		ok = visit_parts(&w, visit, ctx, e);
	else
		*e = w.error;
	*p->taken = 0;
	for (unsigned i = 0; i < w.count; i++) {
		*p->taken += w.etags[i] != NULL;
		free(w.etags[i]);
	}
	free(w.etags);
	return ok;
}
