/* A second driver for one bucket, for another thread. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/s3.h"

static char *copy(const char *text, bool *ok, struct err *e)
{
	char *s = mem_strdup(text, e);

	*ok &= !text || s;
	return s;
}

struct s3 *s3_clone(const struct s3 *s, struct err *e)
{
	struct store *store = mem_new(1, sizeof(*store), e);
	struct s3 *c = store ? mem_new(1, sizeof(*c), e) : NULL;
	bool ok = c != NULL;
	uint64_t seed;

	if (!ok) {
		free(store);
		return NULL;
	}
	*store = *s->store;
	store->counters = (struct store_counters){ 0 };
	store->impl = c;
	*c = (struct s3){
		.store = store,
		.plain = s->plain,
		.path_style = s->path_style,
		.own_endpoint = s->own_endpoint,
		.clock_offset_s = s->clock_offset_s,
		.region_corrected = s->region_corrected,
		.no_conditions = s->no_conditions,
		.part_bytes = s->part_bytes,
		.upload_jobs = 1,
		.call_timeout_ms = s->call_timeout_ms,
		.total_timeout_ms = s->total_timeout_ms,
		.max_tries = s->max_tries,
		.resend_percent = s->resend_percent,
		.page_size = s->page_size,
	};
	c->base_url = copy(s->base_url, &ok, e);
	c->host = copy(s->host, &ok, e);
	c->region = copy(s->region, &ok, e);
	c->bucket = copy(s->bucket, &ok, e);
	c->prefix = copy(s->prefix, &ok, e);
	c->profile = copy(s->profile, &ok, e);
	c->ca_file = copy(s->ca_file, &ok, e);
	ok = ok && s3_sse_copy(&c->sse, &s->sse, e) &&
	     s3_credentials_copy(&c->credentials, &s->credentials, e) &&
	     rng_system(&seed, sizeof(seed), e);
	if (ok) {
		rng_seed(&c->rng, seed);
		c->http = http_new(c->ca_file, c->plain, e);
	}
	if (c->http)
		return c;
	s3_clone_free(c, NULL);
	return NULL;
}

void s3_clone_free(struct s3 *c, struct s3 *original)
{
	struct store *store = c ? c->store : NULL;

	if (!c)
		return;
	if (original)
		store_counters_add(&original->store->counters, &store->counters);
	s3_free(c);
	free(store);
}
