/* The recall gate: what index work leaves behind must find what the policy asks for. */
#include "engine/upkeep.h"

#include "base/str.h"
#include "engine/index_probe.h"

/* Waits its turn, and builds the index anew since it finds too little. */
static bool mend_recall(struct work *w, struct leaf_list *l, const struct firn_index_probe *p,
			double floor, struct index_work *work, struct err *e)
{
	struct throttle throttle = THROTTLE_INIT;
	char reason[128];
	bool ok = true, put_off = false;

	snprintf(reason, sizeof(reason), "its recall@10 is %.3f, below the floor of %.3f",
		 p->recall, floor);
	throttle.f = w->f;
	throttle.table = w->table;
	for (size_t i = 0; ok && i < l->count; i++) {
		if (!str_eq(l->indexes[i].name, p->index))
			continue;
		ok = upkeep_check_build(w, &l->indexes[i], &l->costs[i], &throttle, &put_off, e);
		if (ok && !put_off)
			ok = upkeep_build_anew(w, &l->indexes[i], &l->costs[i], reason, &put_off,
					       e);
		work->put_off |= put_off;
	}
	throttle_leave(&throttle);
	return ok;
}

static const struct firn_index_probe *find_probe(const struct firn_indexes_probe *probes,
						 const char *index)
{
	for (size_t i = 0; i < probes->probe_count; i++)
		if (str_eq(probes->probes[i].index, index))
			return &probes->probes[i];
	return NULL;
}

/* What an index found after it was built anew. */
static bool judge_mended(struct work *w, const struct firn_indexes_probe *before,
			 const struct firn_indexes_probe *after, double floor, struct err *e)
{
	for (size_t i = 0; i < before->probe_count; i++) {
		const struct firn_index_probe *old = &before->probes[i],
					      *now = find_probe(after, old->index);

		if (old->note || old->recall >= floor || !now || now->note)
			continue;
		if (!upkeep_add_step(
			    w, now->index, "probe", 0, 0, 0, 0, e,
			    "recall@10 was %.3f, is %.3f after the build; a query took %.1f ms, "
			    "takes %.1f",
			    old->recall, now->recall, old->ann_p50_ms, now->ann_p50_ms))
			return false;
		if (now->recall >= floor)
			continue;
		err_set(e, ERR_BUSY,
			"index \"%s\" of leaf \"%s\" has a recall@10 of %.3f also after a new "
			"build: "
			"the policy's recall_floor is %.3f",
			now->index, w->leaf->label, now->recall, floor);
		return err_hint(
			e, "Build it with a larger m or ef_construction (firn indexes ensure), "
			   "raise hnsw.ef_search or ivfflat.probes for the role, or lower the "
			   "floor.");
	}
	return true;
}

/* Indexes of a leaf that was worked on must find what the policy asks for. One that does not is built anew; one that
 * still does not ends the run, so that no more readers lose by it. */
bool upkeep_hold_recall(struct work *w, struct leaf_list *l, struct index_work *work, struct err *e)
{
	const struct policy *policy = engine_policy(w->f, e);
	struct firn_indexes_probe before = { 0 }, after = { 0 };
	bool mended = false, ok;
	double floor;

	if (!policy)
		return false;
	floor = policy->limits.recall_floor;
	if (floor <= 0)
		return true;
	ok = probe_leaf(w->f, w->table->info, w->leaf, &before, e);
	for (size_t i = 0; ok && i < before.probe_count; i++) {
		const struct firn_index_probe *p = &before.probes[i];

		if (p->note || p->recall >= floor) {
			ok = p->note ? upkeep_add_step(w, p->index, "probe", 0, 0, 0, 0, e,
						       "not probed: %s", p->note)
				     : upkeep_add_step(w, p->index, "probe", 0, 0, 0, 0, e,
						       "recall@10 is %.3f; a query takes %.1f ms",
						       p->recall, p->ann_p50_ms);
			continue;
		}
		ok = mend_recall(w, l, p, floor, work, e);
		mended = true;
	}
	if (ok && mended && !work->put_off)
		ok = probe_leaf(w->f, w->table->info, w->leaf, &after, e) &&
		     judge_mended(w, &before, &after, floor, e);
	firn_indexes_probe_release(&before);
	firn_indexes_probe_release(&after);
	return ok;
}
