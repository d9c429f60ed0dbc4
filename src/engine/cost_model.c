#include "engine/cost_model.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"

/* From this share on an index of another kind is worth building anew for its size alone: its build is cheap, and VACUUM
 * gives none of its pages back. */
#define SHRINK_SHARE 0.2
/* Of a vector index a build costs more; what VACUUM frees is used again by later rows. */
#define SHRINK_VECTOR_SHARE 0.3
/* The estimate of a fresh build is no better than this. */
#define SHRINK_MIN_BYTES (1 << 20)

/* What the priors were measured with. */
#define PRIOR_DIMENSIONS 512.0
#define PRIOR_LEAF_ROWS  30000.0
#define PRIOR_LINKS      16
/* A search costs this many dimensions' worth even where vectors are short. */
#define SEARCH_DIMENSIONS 128.0

#define FIT_PRIOR_UNITS 10000.0
#define FIT_LEAST_UNITS 1000.0
#define FIT_MOST_UNITS  50000.0
#define FIT_OUTLIER     3.0

#define LOAD_MUST_SAVE (1.0 / 4)

#define PAGE_BYTES      8192.0
#define PAGE_ROOM_BYTES 8152.0

static bool is_hnsw(const struct cost_index *ix)
{
	return str_eq(ix->method, "hnsw");
}

struct cost_constants cost_prior(const char *method)
{
	if (str_eq(method, "hnsw"))
		return (struct cost_constants){ .build_s = 0.25e-3,
						.insert_s = 2.4e-3,
						.thin_s = 0.36e-3,
						.scan_s = 0.003e-3,
						.repair_s = 2.8e-3 };
	if (str_eq(method, "ivfflat"))
		return (struct cost_constants){ .build_s = 0.05e-3,
						.insert_s = 0.03e-3,
						.thin_s = 0.03e-3,
						.scan_s = 0.002e-3 };
	return (struct cost_constants){
		.build_s = 0.005e-3, .insert_s = 0.01e-3, .thin_s = 0.01e-3, .scan_s = 0.002e-3
	};
}

static int links_of(const struct cost_index *ix)
{
	return ix->links > 0 ? ix->links : PRIOR_LINKS;
}

/* What one row costs beside one of those that were measured. */
static double row_scale(const struct cost_index *ix, double rows)
{
	double scale = 1;

	if (ix->vector && ix->dimensions > 0)
		scale = (SEARCH_DIMENSIONS + ix->dimensions) /
			(SEARCH_DIMENSIONS + PRIOR_DIMENSIONS);
	if (is_hnsw(ix) && rows > 0)
		scale *= fmin(fmax(log(rows + 2) / log(PRIOR_LEAF_ROWS), 0.3), 2);
	return scale;
}

double cost_build_units(const struct cost_index *ix)
{
	return (double)ix->rows * row_scale(ix, (double)ix->rows);
}

double cost_repair_units(const struct cost_index *ix)
{
	double all = (double)(ix->rows + ix->dead);

	if (!is_hnsw(ix) || ix->dead <= 0 || all <= 0)
		return 0;
	return (double)ix->rows * (1 - pow(1 - (double)ix->dead / all, links_of(ix))) *
	       row_scale(ix, all);
}

double cost_scan_units(const struct cost_index *ix)
{
	return (double)(ix->rows + ix->dead);
}

static double vector_bytes(const struct cost_index *ix)
{
	return ix->vector_bytes > 0 ? ix->vector_bytes
	       : ix->dimensions > 0 ? 4.0 * ix->dimensions
				    : 4.0 * PRIOR_DIMENSIONS;
}

/* An element, its vector, and candidate lists of 2 m on the lowest layer and of m on the few above it. */
static double graph_row_bytes(const struct cost_index *ix)
{
	return 150 + 8 + vector_bytes(ix) + 16 * (2.1 * links_of(ix));
}

int64_t cost_graph_bytes(const struct cost_index *ix)
{
	return is_hnsw(ix) ? (int64_t)((double)ix->rows * graph_row_bytes(ix)) : 0;
}

/* Tuples that never straddle pages: so many on each. */
static double paged_bytes(double tuple_bytes)
{
	double a_page = floor(PAGE_ROOM_BYTES / tuple_bytes);

	return a_page >= 1 ? PAGE_BYTES / a_page : PAGE_BYTES * ceil(tuple_bytes / PAGE_ROOM_BYTES);
}

int64_t cost_fresh_bytes(const struct cost_index *ix)
{
	double a_row = 0;

	if (ix->row_bytes > 0)
		a_row = ix->row_bytes;
	else if (is_hnsw(ix) && (ix->vector_bytes > 0 || ix->dimensions > 0))
		a_row = paged_bytes(88 + vector_bytes(ix) + 12 + 6 * 2.1 * links_of(ix));
	else if (ix->vector && (ix->vector_bytes > 0 || ix->dimensions > 0))
		a_row = paged_bytes(20 + 8 + vector_bytes(ix));
	else if (str_eq(ix->method, "btree") && ix->key_bytes > 0)
		a_row = (12 + ceil(ix->key_bytes / 8) * 8) / 0.9;
	if (a_row <= 0)
		return 0;
	return (int64_t)((double)ix->rows * a_row + 2 * PAGE_BYTES);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The lower one of two: a run that was slow by accident is likelier than one that was fast by accident. */
static double median_of(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[(count - 1) / 2];
}

double cost_fit(double prior, const struct cost_sample *samples, size_t count)
{
	enum {
		MOST = 64
	};
	double shown[MOST], units[MOST], sorted[MOST];
	double median, sum, weight = FIT_PRIOR_UNITS;
	size_t used = 0;

	for (size_t i = 0; i < count && used < MOST - 1; i++) {
		if (samples[i].units < FIT_LEAST_UNITS || !(samples[i].seconds > 0))
			continue;
		shown[used] = samples[i].seconds / samples[i].units;
		units[used] = fmin(samples[i].units, FIT_MOST_UNITS);
		sorted[used] = shown[used];
		used++;
	}
	if (used == 0)
		return prior;
	sorted[used] = prior;
	median = median_of(sorted, used + 1);
	sum = prior * weight;
	for (size_t i = 0; i < used; i++) {
		double x = fmin(fmax(shown[i], median / FIT_OUTLIER), median * FIT_OUTLIER);

		sum += x * units[i];
		weight += units[i];
	}
	return sum / weight;
}

void cost_learn_from_builds(struct cost_constants *c, double prior_build_s)
{
	double factor = sqrt(c->build_s / prior_build_s);

	c->insert_s *= factor;
	c->thin_s *= factor;
	c->repair_s *= factor;
}

/* A build, the part of the graph that has no room in memory inserted, and what came in meanwhile inserted, too. */
static double build_s(const struct cost_constants *c, const struct cost_index *ix, bool *fits_out)
{
	double units = cost_build_units(ix), in_memory = 1, seconds;
	int64_t graph = cost_graph_bytes(ix);

	*fits_out = graph <= 0 || ix->memory_bytes <= 0 || graph <= ix->memory_bytes;
	if (!*fits_out)
		in_memory = (double)ix->memory_bytes / (double)graph;
	seconds = units * (in_memory * c->build_s + (1 - in_memory) * c->insert_s);
	return seconds + fmin(ix->ingest_rows_per_s * c->insert_s, 1) * seconds;
}

struct cost_estimate cost_decide(const struct cost_constants *c, const struct cost_index *ix)
{
	double all = (double)(ix->rows + ix->dead), fresh = (double)cost_fresh_bytes(ix);
	struct cost_estimate out = {
		.vacuum_s = c->scan_s * cost_scan_units(ix) + c->repair_s * cost_repair_units(ix),
		.dead_share = all > 0 ? (double)ix->dead / all : 0,
	};
	double bloat;

	out.reindex_s = build_s(c, ix, &out.fits_memory);
	if (fresh > 0 && (double)ix->bytes > fresh)
		out.reclaimable_bytes = ix->bytes - (int64_t)fresh;
	bloat = ix->bytes > 0 && out.reclaimable_bytes >= SHRINK_MIN_BYTES
			? (double)out.reclaimable_bytes / (double)ix->bytes
			: 0;
	out.rows_to_limit =
		(int64_t)(COST_WAIT_SHARE / (1 - COST_WAIT_SHARE) * (double)ix->rows) - ix->dead;
	if (out.rows_to_limit < 0)
		out.rows_to_limit = 0;

	if (ix->dead <= 0)
		out.choice = COST_NOTHING;
	else if (ix->vector && out.dead_share < COST_WAIT_SHARE)
		out.choice = COST_WAIT;
	else if (ix->vector)
		out.choice = out.reindex_s <= out.vacuum_s ||
					     (out.dead_share >= SHRINK_VECTOR_SHARE &&
					      out.reindex_s <= 2 * out.vacuum_s) ||
					     (bloat >= SHRINK_VECTOR_SHARE &&
					      out.reindex_s <= 2 * out.vacuum_s)
				     ? COST_REINDEX
				     : COST_VACUUM;
	else
		out.choice = out.dead_share >= SHRINK_SHARE || bloat >= 2 * SHRINK_SHARE
				     ? COST_REINDEX
				     : COST_VACUUM;
	return out;
}

int64_t cost_wait_s(const struct cost_estimate *e, double dead_rows_per_s)
{
	double s;

	if (!(dead_rows_per_s > 0))
		return -1;
	s = (double)e->rows_to_limit / dead_rows_per_s;
	return s < 1e9 ? (int64_t)s : -1;
}

double cost_benefit_per_s(const struct cost_estimate *e, const struct cost_index *ix)
{
	double seconds = e->choice == COST_REINDEX ? e->reindex_s : e->vacuum_s;
	double given_back = e->choice == COST_REINDEX ? (double)e->reclaimable_bytes : 0;

	if (e->choice == COST_NOTHING || e->choice == COST_WAIT)
		return 0;
	/* A dead element is worth its share of the index: it is read, compared and thrown away. */
	return (given_back + e->dead_share * (double)ix->bytes) / fmax(seconds, 0.01);
}

struct cost_load_estimate cost_load(const struct cost_constants *c, const struct cost_index *ix,
				    int64_t incoming, int64_t sessions, bool can_drop)
{
	struct cost_index after = *ix;
	struct cost_load_estimate out = { .choice = COST_LOAD_INSERT };
	double units, build, best;
	bool fits;

	after.rows += incoming;
	/* The constants are a session's seconds: with more sessions than processors each row takes longer. */
	units = (double)incoming * row_scale(&after, (double)after.rows) / (double)sessions;
	build = build_s(c, &after, &fits);
	out.insert_s = units * c->insert_s;
	out.thin_s = is_hnsw(ix) ? units * c->thin_s + build : out.insert_s;
	out.recreate_s = can_drop ? build : out.thin_s;
	best = fmin(out.thin_s, out.recreate_s);
	if (incoming > 0 && best < out.insert_s * (1 - LOAD_MUST_SAVE))
		out.choice = can_drop && out.recreate_s <= out.thin_s ? COST_LOAD_RECREATE
								      : COST_LOAD_THIN;
	return out;
}
