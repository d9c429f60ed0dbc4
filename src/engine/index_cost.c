#include "engine/index_cost.h"

#include "base/str.h"
#include "catalog/server_load.h"

static struct cost_index shape_of(const struct leaf_index *index, const struct work_sample *s)
{
	return (struct cost_index){
		.method = index->method,
		.vector = index->vector,
		.dimensions = s->dimensions,
		.links = s->links,
		.rows = s->rows,
		.dead = s->dead,
	};
}

static struct cost_index shape_now(const struct leaf_index *index, int64_t rows)
{
	return (struct cost_index){
		.method = index->method,
		.vector = index->vector,
		.dimensions = index->dimensions,
		.vector_bytes = index->vector_bytes,
		.links = index->links,
		.key_bytes = index->key_bytes,
		.row_bytes = index->row_bytes,
		.rows = rows,
		.bytes = index->bytes,
	};
}

/* seconds of an action, as so many units each, less what another part of it took. */
static bool fit(struct firn *f, const struct leaf_index *index, const char *action,
		double (*units)(const struct cost_index *), double less_scan_s, double *constant,
		struct err *e)
{
	struct work_sample samples[WORK_SAMPLES_MAX];
	struct cost_sample fitted[WORK_SAMPLES_MAX];
	size_t count;

	if (!index_work_samples(f->pg, index->method, action, samples, &count, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct cost_index shape = shape_of(index, &samples[i]);

		fitted[i].units = units(&shape);
		fitted[i].seconds = samples[i].seconds - less_scan_s * cost_scan_units(&shape);
	}
	*constant = cost_fit(*constant, fitted, count);
	return true;
}

static bool fit_all(struct firn *f, const struct leaf_index *index, struct cost_constants *c,
		    struct err *e)
{
	bool hnsw = str_eq(index->method, "hnsw");
	double prior = c->build_s;

	if (!fit(f, index, "reindex", cost_build_units, 0, &c->build_s, e))
		return false;
	if (hnsw)
		cost_learn_from_builds(c, prior);
	return fit(f, index, "insert", cost_build_units, 0, &c->insert_s, e) &&
	       fit(f, index, "insert-thin", cost_build_units, 0, &c->thin_s, e) &&
	       (hnsw ? fit(f, index, "vacuum", cost_repair_units, c->scan_s, &c->repair_s, e)
		     : fit(f, index, "vacuum", cost_scan_units, 0, &c->scan_s, e));
}

bool index_cost_of(struct firn *f, const struct leaf_index *index, int64_t rows, int64_t dead,
		   double ingest_rows_per_s, struct index_cost *out, struct err *e)
{
	const char *work_mem = f->config.maintain.work_mem; /* "...kB", as config.c writes it */
	struct server_load load;
	uint64_t memory = 0;

	*out = (struct index_cost){ .constants = cost_prior(index->method) };
	if (!fit_all(f, index, &out->constants, e) || !server_load_read(f->pg, &load, e))
		return false;
	if (work_mem) {
		for (const char *c = work_mem; *c >= '0' && *c <= '9'; c++)
			memory = memory * 10 + (uint64_t)(*c - '0');
		memory *= 1024;
	}
	dead -= index->dead_at_build;
	out->shape = shape_now(index, rows);
	out->shape.dead = dead > 0 ? dead : 0;
	out->shape.memory_bytes = memory ? (int64_t)memory : load.memory_bytes;
	out->shape.ingest_rows_per_s = ingest_rows_per_s;
	out->estimate = cost_decide(&out->constants, &out->shape);
	return true;
}

/* Estimates are not better than this share of a file. */
#define NOISE_SHARE 20

static int64_t beyond(int64_t bytes, int64_t fresh)
{
	return fresh > 0 && bytes - fresh > bytes / NOISE_SHARE ? bytes - fresh : 0;
}

bool index_cost_reclaimable(struct firn *f, const struct engine_table *t, const struct leaf *leaf,
			    int64_t rows, int64_t *bytes_out, int64_t *vector_bytes_out,
			    struct err *e)
{
	struct leaf_index *indexes = NULL;
	int64_t bytes, fresh;
	size_t count = 0;
	bool ok;

	*bytes_out = *vector_bytes_out = 0;
	ok = index_work_table_bytes(f->pg, t->info, leaf, rows, &bytes, &fresh, e) &&
	     index_work_indexes(f->pg, t->id, leaf, &indexes, &count, e);
	if (ok)
		*bytes_out = beyond(bytes, fresh);
	for (size_t i = 0; ok && i < count; i++) {
		struct cost_index shape = shape_now(&indexes[i], rows);
		int64_t dead = beyond(shape.bytes, cost_fresh_bytes(&shape));

		*bytes_out += dead;
		*vector_bytes_out += indexes[i].vector ? dead : 0;
	}
	leaf_indexes_free(indexes, count);
	return ok;
}
