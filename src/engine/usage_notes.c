/* What commands write down for reports: sizes of the day, rows that came back, requests, how inspections ended. */
#include "catalog/usage.h"

#include <inttypes.h>

#include "base/str.h"
#include "engine/cost_report.h"

/* A catalog of an older firn lacks these tables until "firn init", and doctor says what a role lacks: it was said already, or
 * it is a role that may only look. */
static void warn(struct firn *f, const struct err *e)
{
	if (e->code == ERR_CONFIG || e->code == ERR_OFFLINE || e->code == ERR_DENIED)
		log_debug(&f->log, "%s", e->message);
	else
		log_warning(&f->log, "%s; reports will lack it", e->message);
}

struct sizes_visit {
	struct cost_report *r;
	struct usage_sizes *sizes;
	char names[USAGE_CLASSES_MAX][64];
};

static void add_object(struct sizes_visit *v, const char *storage_class, int64_t bytes)
{
	struct bill_class class = cost_class(v->r, storage_class);
	struct usage_sizes *s = v->sizes;
	size_t i = 0;

	while (i < s->class_count && !str_eq(s->classes[i].storage_class, storage_class) &&
	       i < USAGE_CLASSES_MAX - 1)
		i++;
	if (i == s->class_count) {
		snprintf(v->names[i], sizeof(v->names[i]), "%s", storage_class);
		s->classes[s->class_count++] = (struct usage_class){ .storage_class = v->names[i] };
	}
	s->classes[i].objects++;
	s->classes[i].bytes += bytes;
	s->classes[i].billed_bytes += bill_object_bytes(&class, bytes);
}

static bool add_segment(void *ctx, const struct usage_segment *s, struct err *e)
{
	struct sizes_visit *v = ctx;

	(void)e;
	add_object(v, s->storage_class, s->bytes);
	add_object(v, "", s->index_bytes);
	return true;
}

static bool note_usage(struct firn *f, const struct engine_table *t, struct err *e)
{
	struct cost_report r = { .f = f };
	struct usage_sizes sizes = { 0 };
	struct sizes_visit v = { .r = &r, .sizes = &sizes };
	struct cost_table measured = { 0 };
	bool ok = cost_table_measure(&r, t, &measured, e) &&
		  usage_segments(f->pg, t->id, add_segment, &v, e);

	for (size_t i = 0; ok && i < measured.leaf_count; i++) {
		const struct cost_leaf *l = &measured.leaves[i];

		sizes.hot_rows += l->hot_rows;
		sizes.heap_bytes += l->hot.size.heap_bytes;
		sizes.toast_bytes += l->hot.size.toast_bytes;
		sizes.index_bytes += l->hot.size.index_bytes;
		sizes.vector_index_bytes += l->hot.vector_index_bytes;
		sizes.reclaimable_bytes += l->reclaimable_bytes;
		sizes.vector_reclaimable_bytes += l->hot.vector_free_bytes;
		sizes.cold_rows += l->cold_rows;
		sizes.cold_raw_bytes += l->cold_raw_bytes;
	}
	sizes.cache_bytes = engine_cache_bytes(f);
	cost_table_release(&measured);
	return ok && usage_write(f->pg, t->id, &sizes, e);
}

void engine_note_usage(struct firn *f, const struct engine_table *t, bool moved)
{
	struct err e = { 0 };
	bool written = false;

	if ((moved || usage_is_written(f->pg, t->id, &written, &e)) && !written)
		note_usage(f, t, &e);
	if (e.code != ERR_NONE)
		warn(f, &e);
}

void engine_note_rehydrated(struct firn *f, int64_t table_id, int64_t rows)
{
	struct err e = { 0 };

	if (rows > 0 && !usage_add_rehydrated(f->pg, table_id, rows, &e))
		warn(f, &e);
}

void engine_note_inspection(struct firn *f, const struct usage_inspection *i)
{
	struct err e = { 0 };

	if (f->pg && !pg_in_transaction(f->pg) && !usage_add_inspection(f->pg, i, &e))
		warn(f, &e);
}

/* What was asked since before, by kind and class; returns how many of these there are. */
static size_t list_requests(const struct store_counters *now, const struct store_counters *before,
			    struct usage_requests out[STORE_REQUESTS * STORAGE_CLASSES])
{
	size_t count = 0;

	for (int i = 0; i < STORE_REQUESTS; i++)
		for (int j = 0; j < STORAGE_CLASSES; j++) {
			const struct store_tally *t = &now->requests[i][j],
						 *b = &before->requests[i][j];

			if (t->calls > b->calls)
				out[count++] = (struct usage_requests){
					.kind = store_request_name((enum store_request)i),
					.storage_class = storage_class_name(j),
					.calls = t->calls - b->calls,
					.bytes = t->bytes - b->bytes,
				};
		}
	return count;
}

void engine_note_requests(struct firn *f)
{
	struct usage_requests requests[STORE_REQUESTS * STORAGE_CLASSES];
	const struct store_counters none = { 0 };
	struct store_counters now;
	struct err e = { 0 };

	if (!f->store || !f->pg || pg_in_transaction(f->pg))
		return;
	now = store_counters(f->store);
	if (!usage_add_requests(f->pg, requests, list_requests(&now, &none, requests), &e))
		warn(f, &e);
}

void engine_note_pass_requests(struct firn *f, int64_t pass_id, const struct store_counters *before,
			       const struct store_counters *jobs)
{
	struct usage_requests requests[STORE_REQUESTS * STORAGE_CLASSES];
	struct store_counters now = *jobs;
	struct err e = { 0 };

	if (!f->pg || pg_in_transaction(f->pg))
		return;
	if (f->store) {
		const struct store_counters own = store_counters(f->store);

		store_counters_add(&now, &own);
	}
	if (!usage_add_pass_requests(f->pg, pass_id, requests,
				     list_requests(&now, before, requests), &e))
		warn(f, &e);
}
