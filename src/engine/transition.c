/* firn transition: objects move on to other storage classes as their rules say, each by a copy in place. */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/storage_class.h"
#include "base/str.h"

#define DAY_S 86400

struct transition {
	struct firn *f;
	const struct policy *policy;
	const struct firn_transition_options *options;
	struct firn_transition_result *result;
	size_t capacity;
	int64_t deadline_ms; /* 0: none */
};

static const char *class_of(const struct segment_record *s)
{
	return *s->storage_class ? s->storage_class : "STANDARD";
}

/* The class that a segment of this age should be in; NULL: its rule has nothing to say, or is gone. */
static const struct rule_transition *due(const struct policy *p, const struct segment_record *s)
{
	const struct rule *rule = policy_rule(p, s->rule);
	const struct rule_transition *last = NULL;

	for (size_t i = 0; rule && i < rule->transition_count; i++)
		if (s->created_age_s >= rule->transitions[i].after_s)
			last = &rule->transitions[i];
	return last && !str_eq(last->storage_class, class_of(s)) ? last : NULL;
}

/* Why it is better not moved now: what is billed all the same. */
static bool better_later(const struct segment_record *s, const char *to, char *reason, size_t len)
{
	const struct storage_class *now = storage_class_find(s->storage_class);
	const struct storage_class *then = storage_class_find(to);
	int64_t left_s = now ? now->least_days * DAY_S - s->class_age_s : 0;
	char least[16], left[32];

	if (left_s > 0) {
		snprintf(reason, len,
			 "%s is billed for at least %" PRId64 " days: it moves on in %s", now->name,
			 now->least_days, str_format_duration(left_s, left, sizeof(left)));
		return true;
	}
	if (then && (uint64_t)s->bytes < then->least_bytes) {
		snprintf(reason, len, "%s bills at least %s an object: it stays", then->name,
			 str_format_bytes(then->least_bytes, least, sizeof(least)));
		return true;
	}
	return false;
}

static struct firn_transition_row *add_row(struct transition *t, const struct segment_record *s,
					   const char *to, const char *reason, struct err *e)
{
	void *rows = t->result->rows;
	struct firn_transition_row *row;

	if (!mem_grow(&rows, &t->capacity, t->result->row_count + 1, sizeof(*row), e))
		return NULL;
	t->result->rows = rows;
	row = &t->result->rows[t->result->row_count++];
	*row = (struct firn_transition_row){
		.segment = s->id,
		.table = mem_strdup(s->table, e),
		.rule = mem_strdup(s->rule, e),
		.from = mem_strdup(class_of(s), e),
		.to = mem_strdup(to, e),
		.reason = mem_strdup(reason, e),
		.bytes = s->bytes,
		.age_s = s->created_age_s,
	};
	return row->table && row->rule && row->from && row->to && row->reason ? row : NULL;
}

static bool fault(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "a fault was injected");
}

/* Whatever a run that died had done: the object says in which class it is. A copy in place leaves it whole, in one class or
 * the other; that its size is as it was is looked at before the catalog says that it moved. */
static bool move_object(struct transition *t, const struct segment_record *s, const char *to,
			struct err *e)
{
	struct store *store = engine_store(t->f, e);
	struct store_object object;

	if (!store)
		return false;
	if (FAULT("transition.before_copy"))
		return fault(e);
	if (!store_set_class(store, s->object_key, to, e) ||
	    !store_head(store, s->object_key, &object, e))
		return false;
	if (object.bytes != (uint64_t)s->bytes || !str_eq(object.storage_class, to))
		return err_set(e, ERR_DATA,
			       "object \"%s\" has %" PRIu64 " bytes in %s after it was copied, not "
			       "%" PRId64 " in %s",
			       s->object_key, object.bytes, object.storage_class, s->bytes, to);
	if (FAULT("transition.after_copy"))
		return fault(e);
	return catalog_segment_set_class(t->f->pg, s->id, to, e);
}

static bool move_segment(struct transition *t, const struct segment_record *s, struct err *e)
{
	const struct rule_transition *next = due(t->policy, s);
	struct firn_transition_row *row;
	char reason[160] = "";
	bool later;

	if (!next)
		return true;
	later = better_later(s, next->storage_class, reason, sizeof(reason));
	row = add_row(t, s, next->storage_class, reason, e);
	if (!row)
		return false;
	if (later || t->options->dry_run)
		return true;
	if (!move_object(t, s, row->to, e))
		return err_wrap(e, "could not move segment %" PRId64 " on", s->id);
	row->moved = 1;
	t->result->bytes_moved += s->bytes;
	return true;
}

/* Under the segment's lock, so that no rehydrate is reading it, and by its record as it is then. */
static bool move_locked(struct transition *t, int64_t id, struct err *e)
{
	struct pg *pg = t->f->pg;
	struct segment_list current = { 0 };
	bool ok;

	if (!catalog_segment_lock(pg, id, e))
		return false;
	ok = catalog_segments(pg, &(struct segment_filter){ .ids = &id, .id_count = 1 }, &current,
			      e);
	if (ok && current.count == 1 && current.items[0].state == SEGMENT_ACTIVE)
		ok = move_segment(t, &current.items[0], e);
	segment_list_release(&current);
	catalog_segment_unlock(pg, id);
	return ok;
}

bool engine_transition_table(struct firn *f, const struct engine_table *table,
			     const struct firn_transition_options *options, int64_t deadline_ms,
			     struct firn_transition_result *result, struct err *e)
{
	struct transition t = { .f = f,
				.policy = engine_policy(f, e),
				.options = options,
				.result = result,
				.capacity = result->row_count,
				.deadline_ms = deadline_ms };
	struct segment_list list = { 0 };
	bool ok;

	ok = t.policy &&
	     (options->dry_run ? engine_archive_check(f, e) : engine_archive_ours(f, e)) &&
	     catalog_segments(f->pg,
			      &(struct segment_filter){ .table_id = table->id,
							.states[SEGMENT_ACTIVE] = true },
			      &list, e);
	for (size_t i = 0; ok && i < list.count; i++) {
		if (!due(t.policy, &list.items[i]))
			continue;
		if (deadline_ms && clock_now_ms(f->clock) >= deadline_ms)
			break;
		ok = move_locked(&t, list.items[i].id, e);
		if (ok && signal_stop_requested())
			ok = err_set(e, ERR_INTERRUPTED, "stopped by a signal");
	}
	segment_list_release(&list);
	return ok;
}

bool engine_policy_has_transitions(const struct policy *p)
{
	for (size_t i = 0; i < p->rule_count; i++)
		if (p->rules[i].transition_count > 0)
			return true;
	return false;
}

bool firn_transition(struct firn *f, const struct firn_transition_options *options,
		     struct firn_transition_result *result, struct err *e)
{
	const struct policy *policy = engine_policy(f, e);
	int64_t started_ms = clock_now_ms(f->clock);
	int64_t deadline_ms =
		options->max_runtime_s > 0 ? started_ms + options->max_runtime_s * 1000 : 0;
	bool ok;

	*result = (struct firn_transition_result){ 0 };
	if (policy && !engine_policy_has_transitions(policy)) {
		err_set(e, ERR_CONFIG, "no rule of the policy has transitions");
		return err_hint(e, "Write them as \"archive: { transitions: [ { after: 90d, "
				   "storage_class: GLACIER_IR } ] }\".");
	}
	ok = policy && engine_store(f, e) && engine_tables_given(f, e);
	for (size_t i = 0; ok && i < f->table_count; i++) {
		struct engine_table table = { 0 };

		ok = engine_table_open(f, &f->tables[i], &table, e) &&
		     engine_transition_table(f, &table, options, deadline_ms, result, e);
		engine_table_close(&table);
	}
	result->seconds = (double)(clock_now_ms(f->clock) - started_ms) / 1000;
	return ok;
}
