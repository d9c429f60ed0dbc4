/* What moving all of a plan would bring a month, and what it would take: estimates by the price list, the cost model and the
 * passes before. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/pass_log.h"
#include "engine/cost_report.h"
#include "engine/index_cost.h"
#include "engine/plan.h"

#define DEFAULT_SEGMENT_BYTES (128ull << 20)

/* Index work of a leaf, and what the planned rows take in its indexes. */
static bool look_at_indexes(struct firn *f, const struct engine_table *t, const struct leaf *leaf,
			    int64_t planned, struct bill_hot *hot, double *seconds, struct err *e)
{
	struct leaf_index *indexes = NULL;
	size_t count = 0;
	int64_t live = 0, dead = 0;
	bool ok = index_work_rows(f->pg, leaf->oid, &live, &dead, e) &&
		  index_work_indexes(f->pg, t->id, leaf, &indexes, &count, e);

	for (size_t i = 0; ok && i < count; i++) {
		int64_t rows = live > planned ? live : planned, share;
		struct index_cost cost;

		share = rows > 0 ? (int64_t)((double)indexes[i].bytes * (double)planned /
					     (double)rows)
				 : 0;
		hot->size.index_bytes += share;
		if (indexes[i].vector)
			hot->vector_index_bytes += share;
		ok = index_cost_of(f, &indexes[i], rows - planned, dead + planned, 0, &cost, e);
		if (ok && cost.estimate.choice == COST_REINDEX)
			*seconds += cost.estimate.reindex_s;
		else if (ok && cost.estimate.choice == COST_VACUUM)
			*seconds += cost.estimate.vacuum_s;
	}
	leaf_indexes_free(indexes, count);
	return ok;
}

/* Bytes of objects for each of COPY BINARY, as this table's passes had them; 1 before the first one. */
static bool read_stored_share(struct pg *pg, int64_t table_id, double *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;

	pg_param_i64(&p, table_id);
	if (!pg_query(pg,
		      "SELECT sum(stored_bytes)::float8 / nullif(sum(raw_bytes), 0)::float8 FROM "
		      "firn.pass WHERE table_id = $1::bigint",
		      &p, &result, e))
		return false;
	*out = pg_is_null(result, 0, 0) ? 1 : pg_f64(result, 0, 0);
	pg_result_free(result);
	return true;
}

/* Storage classes differ by rule; the archive's default is what most begin in. */
static bool add_money(struct cost_report *r, const struct bill_hot *hot, int64_t object_bytes,
		      struct firn_plan_expectation *out, struct err *e)
{
	struct bill_class class = cost_class(r, "");
	struct firn_cost cost = { 0 };

	if (!r->f->config.prices)
		return true;
	bill_hot(&r->prices, hot, &cost);
	out->saved_nano += cost.hot_nano - bill_gib((double)object_bytes, class.gib_nano);
	snprintf(out->currency, sizeof(out->currency), "%s", r->list.currency);
	if (!out->price_list)
		out->price_list = mem_strdup(r->list.name, e);
	return out->price_list != NULL;
}

bool plan_expect(struct firn *f, const struct engine_table *t, const struct plan_leaf *leaves,
		 struct firn_plan_expectation *out, struct err *e)
{
	uint64_t target = f->config.segment.target_bytes;
	int64_t segment = (int64_t)(target ? target : DEFAULT_SEGMENT_BYTES);
	int64_t rows = 0, copy_bytes = 0, logged_rows = 0;
	struct cost_report r = { .f = f };
	struct bill_hot hot = { 0 };
	double logged_s = 0;
	bool ok;

	if (!cost_load_prices(&r, e))
		return false;
	ok = read_stored_share(f->pg, t->id, &out->stored_share, e) &&
	     pass_log_locks(f->pg, t->id, &logged_rows, &logged_s, e);
	for (size_t i = 0; ok && i < t->info->leaf_count; i++) {
		const struct plan_leaf *l = &leaves[i];

		if (l->rows == 0)
			continue;
		rows += l->rows;
		copy_bytes += l->copy_bytes;
		hot.size.heap_bytes += l->bytes;
		out->transactions += (l->copy_bytes + segment - 1) / segment;
		ok = look_at_indexes(f, t, &t->info->leaves[i], l->rows, &hot, &out->index_s, e);
	}
	if (logged_rows == 0 && rows > 0)
		out->lock_s = -1;
	else if (out->lock_s >= 0 && rows > 0)
		out->lock_s += logged_s / (double)logged_rows * (double)rows;
	ok = ok && add_money(&r, &hot, (int64_t)((double)copy_bytes * out->stored_share), out, e);
	prices_release(&r.list);
	return ok;
}
