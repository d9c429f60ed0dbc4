/* The end of life of cold rows: a segment that is older than its rule's delete_after is retired as if its rows had come back.
 * Three things must be said for that: delete_after in the policy, --expire and --confirm to gc. */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bitmap.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"

const struct rule *engine_expired_by(const struct policy *p, const struct segment_record *s)
{
	const struct rule *rule = s->state == SEGMENT_ACTIVE ? policy_rule(p, s->rule) : NULL;

	return rule && rule->delete_after_s > 0 && s->created_age_s >= rule->delete_after_s ? rule
											    : NULL;
}

static bool fault(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "a fault was injected");
}

/* All rows are dead, and no object is needed any more. */
static bool give_up_rows(struct pg *pg, const struct segment_record *s, struct err *e)
{
	struct segment_group_row *groups = NULL;
	struct bitmap *dead = segment_record_dead(s, e);
	size_t count = 0;
	bool ok;

	ok = dead && catalog_segment_groups(pg, s->id, &groups, &count, e);
	if (ok) {
		bitmap_add_range(dead, 0, (uint32_t)s->rows_total);
		for (size_t i = 0; i < count; i++)
			groups[i].rows_live = 0;
		ok = catalog_segment_update_dead(pg, s->id, dead, 0, groups, count, e);
	}
	segment_groups_free(groups, count);
	bitmap_free(dead);
	return ok;
}

/* By the record as it is under its lock: what came back meanwhile is hot and stays so. */
static bool expire_locked(struct pg *pg, const struct policy *p, int64_t id, int64_t *rows_out,
			  struct err *e)
{
	struct segment_list current = { 0 };
	bool ok;

	*rows_out = 0;
	ok = pg_begin(pg, NULL, e) &&
	     catalog_segments(pg,
			      &(struct segment_filter){ .ids = &id, .id_count = 1, .lock = true },
			      &current, e);
	if (ok && current.count == 1 && engine_expired_by(p, &current.items[0])) {
		*rows_out = current.items[0].rows_live;
		ok = give_up_rows(pg, &current.items[0], e);
	}
	if (ok && FAULT("expire.before_commit"))
		ok = fault(e);
	ok = ok && pg_commit(pg, e);
	if (!ok)
		pg_rollback(pg);
	else if (FAULT("expire.after_commit"))
		ok = fault(e);
	segment_list_release(&current);
	return ok;
}

bool engine_expire(struct firn *f, int64_t table_id, int64_t *rows_out, struct err *e)
{
	const struct policy *p = engine_policy(f, e);
	struct segment_list list = { 0 };
	bool ok;

	ok = p && catalog_segments(f->pg,
				   &(struct segment_filter){ .table_id = table_id,
							     .states[SEGMENT_ACTIVE] = true },
				   &list, e);
	for (size_t i = 0; ok && i < list.count; i++) {
		const struct segment_record *s = &list.items[i];
		int64_t rows = 0;

		if (!engine_expired_by(p, s))
			continue;
		ok = catalog_segment_lock(f->pg, s->id, e);
		if (!ok)
			break;
		ok = expire_locked(f->pg, p, s->id, &rows, e);
		catalog_segment_unlock(f->pg, s->id);
		if (ok && rows > 0)
			log_notice(&f->log,
				   "segment %" PRId64 ": gave up %" PRId64
				   " cold rows, which rule \"%s\" keeps no longer",
				   s->id, rows, s->rule);
		*rows_out += rows;
		if (ok && signal_stop_requested())
			ok = err_set(e, ERR_INTERRUPTED, "stopped by a signal");
	}
	segment_list_release(&list);
	return ok;
}

/* ---- what is to come ---- */

static struct firn_expiry *expiry_of(struct firn_plan_result *result, const char *table,
				     const struct rule *rule, struct err *e)
{
	size_t capacity = result->expiry_count;
	void *items = result->expiries;
	struct firn_expiry *x;

	for (size_t i = 0; i < result->expiry_count; i++)
		if (str_eq(result->expiries[i].table, table) &&
		    str_eq(result->expiries[i].rule, rule->name))
			return &result->expiries[i];
	if (!mem_grow(&items, &capacity, result->expiry_count + 1, sizeof(*x), e))
		return NULL;
	result->expiries = items;
	x = &result->expiries[result->expiry_count++];
	*x = (struct firn_expiry){
		.table = mem_strdup(table, e),
		.rule = mem_strdup(rule->name, e),
		.delete_after_s = rule->delete_after_s,
		.next_s = -1,
	};
	return x->table && x->rule ? x : NULL;
}

bool engine_expiries(struct firn *f, const struct engine_table *t, struct firn_plan_result *result,
		     struct err *e)
{
	const struct policy *p = engine_policy(f, e);
	struct segment_list list = { 0 };
	bool any = false, ok = p != NULL;

	for (size_t i = 0; ok && i < p->rule_count; i++)
		any |= p->rules[i].delete_after_s > 0;
	if (!any)
		return ok;
	ok = catalog_segments(
		f->pg,
		&(struct segment_filter){ .table_id = t->id, .states[SEGMENT_ACTIVE] = true },
		&list, e);
	for (size_t i = 0; ok && i < list.count; i++) {
		const struct segment_record *s = &list.items[i];
		const struct rule *rule = policy_rule(p, s->rule);
		struct firn_expiry *x;
		int64_t left_s;

		if (!rule || rule->delete_after_s == 0)
			continue;
		x = expiry_of(result, t->info->label, rule, e);
		ok = x != NULL;
		if (!ok)
			break;
		left_s = rule->delete_after_s - s->created_age_s;
		if (left_s <= 0) {
			x->segments++;
			x->rows += s->rows_live;
			x->bytes += s->bytes + s->index_bytes;
		} else {
			x->rows_later += s->rows_live;
			if (x->next_s < 0 || left_s < x->next_s)
				x->next_s = left_s;
		}
	}
	segment_list_release(&list);
	return ok;
}
