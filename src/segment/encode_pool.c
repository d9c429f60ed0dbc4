#include "segment/encode_pool.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"

#define THREADS_MAX 64

struct worker {
	struct encode_pool *pool;
	pthread_t thread;
	struct column_encoder encoder;
};

struct encode_pool {
	const struct column *columns;
	size_t column_count;
	struct worker *workers;
	int worker_count;

	/* Only the owner's thread: */
	size_t count;
	uint64_t bytes;
	struct encode_job *oldest, *newest;

	pthread_mutex_t mutex; /* guards what follows, and next and done of jobs */
	pthread_cond_t work, done;
	bool running, stop;
	struct encode_job *todo; /* the oldest that nobody has begun */
};

struct encode_job *encode_job_new(struct err *e)
{
	return mem_new(1, sizeof(struct encode_job), e);
}

void encode_job_free(struct encode_job *job)
{
	if (!job)
		return;
	buf_release(&job->bytes);
	buf_release(&job->fields);
	buf_release(&job->hashes);
	buf_release(&job->block);
	free(job);
}

static void encode(struct worker *w, struct encode_job *job)
{
	struct block_source source = {
		.columns = w->pool->columns,
		.column_count = w->pool->column_count,
		.fields = (const struct field *)(const void *)job->fields.data,
		.hashes = (const uint64_t *)(const void *)job->hashes.data,
		.first_row = job->first_row,
		.rows = job->rows,
	};
	size_t start;

	buf_clear(&job->block);
	if (job->key)
		seal_begin(&job->block);
	start = job->block.len;
	job->ok = block_encode(&w->encoder, &source, &job->block, &job->err) &&
		  block_peek(job->block.data + start, job->block.len - start, &job->head,
			     &job->err) &&
		  (job->key ? sealing_end(job->key, &job->place, &job->block, 0, &job->err)
			    : sha256_once(job->block.data, job->block.len, job->sha256, &job->err));
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct encode_pool *pool = w->pool;

	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		struct encode_job *job = pool->running ? pool->todo : NULL;

		if (pool->stop)
			break;
		if (!job) {
			pthread_cond_wait(&pool->work, &pool->mutex);
			continue;
		}
		pool->todo = job->next;
		pthread_mutex_unlock(&pool->mutex);
		encode(w, job);
		pthread_mutex_lock(&pool->mutex);
		job->done = true;
		pthread_cond_signal(&pool->done);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

struct encode_pool *encode_pool_new(const struct column *columns, size_t column_count, int level,
				    int threads, struct err *e)
{
	struct encode_pool *pool = mem_new(1, sizeof(*pool), e);

	if (!pool)
		return NULL;
	threads = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
	pool->columns = columns;
	pool->column_count = column_count;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->done, NULL);
	pool->workers = mem_new((size_t)threads, sizeof(*pool->workers), e);
	for (int i = 0; pool->workers && i < threads; i++) {
		struct worker *w = &pool->workers[i];

		w->pool = pool;
		if (!column_encoder_init(&w->encoder, level, e))
			goto fail;
		if (!thread_start(&w->thread, work, w, e)) {
			column_encoder_release(&w->encoder);
			goto fail;
		}
		pool->worker_count++;
	}
	if (pool->workers)
		return pool;
fail:
	encode_pool_free(pool);
	return NULL;
}

void encode_pool_free(struct encode_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->stop = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	for (int i = 0; i < pool->worker_count; i++) {
		pthread_join(pool->workers[i].thread, NULL);
		column_encoder_release(&pool->workers[i].encoder);
	}
	while (pool->oldest) {
		struct encode_job *job = pool->oldest;

		pool->oldest = job->next;
		encode_job_free(job);
	}
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->done);
	pthread_mutex_destroy(&pool->mutex);
	free(pool->workers);
	free(pool);
}

const struct encode_job *encode_pool_held(const struct encode_pool *pool)
{
	return pool->oldest;
}

void encode_pool_start(struct encode_pool *pool, const ZSTD_CDict *dictionary)
{
	pthread_mutex_lock(&pool->mutex);
	for (int i = 0; i < pool->worker_count; i++)
		pool->workers[i].encoder.packer.dictionary = dictionary;
	pool->running = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
}

/* The values lie one after another, so their lengths say where each is. */
static void point_fields(struct encode_job *job, size_t column_count)
{
	struct field *f = (struct field *)(void *)job->fields.data;
	const uint8_t *at = job->bytes.data;

	for (size_t i = 0; i < job->rows * column_count; i++) {
		f[i].data = at;
		if (f[i].len > 0)
			at += f[i].len;
	}
}

void encode_pool_submit(struct encode_pool *pool, struct encode_job *job_owned)
{
	point_fields(job_owned, pool->column_count);
	job_owned->done = job_owned->ok = false;
	job_owned->next = NULL;
	pool->count++;
	pool->bytes += job_owned->raw_bytes;
	pthread_mutex_lock(&pool->mutex);
	if (pool->newest)
		pool->newest->next = job_owned;
	else
		pool->oldest = job_owned;
	pool->newest = job_owned;
	if (!pool->todo)
		pool->todo = job_owned;
	pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
}

struct encode_job *encode_pool_take(struct encode_pool *pool, bool wait)
{
	struct encode_job *job = pool->oldest;

	if (!job)
		return NULL;
	pthread_mutex_lock(&pool->mutex);
	while (wait && !job->done)
		pthread_cond_wait(&pool->done, &pool->mutex);
	if (!job->done)
		job = NULL;
	pthread_mutex_unlock(&pool->mutex);
	if (!job)
		return NULL;
	pool->oldest = job->next;
	if (!pool->oldest)
		pool->newest = NULL;
	job->next = NULL;
	pool->count--;
	pool->bytes -= job->raw_bytes;
	return job;
}

size_t encode_pool_count(const struct encode_pool *pool)
{
	return pool->count;
}

uint64_t encode_pool_bytes(const struct encode_pool *pool)
{
	return pool->bytes;
}
