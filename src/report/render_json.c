/* One JSON document a result. Names are listed in JSON.md and do not change; numbers are plain: rows, bytes, seconds. */
#include "base/money.h"
#include "report/json_doc.h"
#include "report/render.h"

bool json_failure(const struct report *r, const char *command, const struct err *failure,
		  struct err *e)
{
	return end(r, begin(command), failure, e);
}

static void add_table_info(json_t *tables, const struct firn_table_info *t)
{
	static const char *const states[] = { "ok", "warning", "refused" };
	json_t *o = add_object(tables), *columns, *checks;

	set_string(o, "table", t->table);
	set_bool(o, "partitioned", t->partitioned);
	set_int(o, "leaves", (int64_t)t->leaf_count);
	set_int(o, "rows_estimate", t->rows_estimate);
	columns = set_array(o, "columns");
	for (size_t i = 0; i < t->column_count; i++) {
		json_t *c = add_object(columns);

		set_string(c, "name", t->columns[i].name);
		set_string(c, "type", t->columns[i].type);
		set_string(c, "role", t->columns[i].role[0] ? t->columns[i].role : NULL);
		set_bool(c, "in_key", t->columns[i].in_key);
	}
	checks = set_array(o, "checks");
	for (size_t i = 0; i < t->check_count; i++) {
		json_t *c = add_object(checks);

		set_string(c, "name", t->checks[i].name);
		set_string(c, "state", states[t->checks[i].state]);
		set_string(c, "message", t->checks[i].message);
		set_string(c, "hint", t->checks[i].hint);
	}
}

bool json_init(const struct report *r, const struct firn_init_result *x, const struct err *failure,
	       struct err *e)
{
	json_t *o = begin("init"), *tables;

	set_int(o, "catalog_version_before", x->catalog_version_before);
	set_int(o, "catalog_version", x->catalog_version);
	set_string(o, "server_version", x->server_version);
	set_string(o, "pgvector_version", x->pgvector_version[0] ? x->pgvector_version : NULL);
	set_string(o, "archive", x->archive);
	tables = set_array(o, "tables");
	for (size_t i = 0; i < x->table_count; i++)
		add_table_info(tables, &x->tables[i]);
	return end(r, o, failure, e);
}

static void put_held_back(json_t *o, const struct firn_held_back *items, size_t count)
{
	json_t *list = set_array(o, "held_back");

	for (size_t i = 0; i < count; i++) {
		json_t *h = add_object(list);

		set_string(h, "table", items[i].table);
		set_string(h, "rule", items[i].rule);
		set_string(h, "known_since", items[i].known_since);
		set_string(h, "until", items[i].until);
	}
}

static void put_plan(json_t *o, const struct firn_plan_result *x)
{
	json_t *groups = set_array(o, "groups"), *expiries, *expected;
	char money[MONEY_MAX];

	for (size_t i = 0; i < x->row_count; i++) {
		json_t *g = add_object(groups);

		set_string(g, "table", x->rows[i].table);
		set_string(g, "rule", x->rows[i].rule);
		set_string(g, "leaf", x->rows[i].leaf);
		set_string(g, "workspace", x->rows[i].workspace);
		set_string(g, "version", x->rows[i].version);
		set_int(g, "rows", x->rows[i].rows);
		set_int(g, "bytes", x->rows[i].bytes);
	}
	set_int(o, "total_rows", x->total_rows);
	set_int(o, "total_bytes", x->total_bytes);
	set_int(o, "kept_rows", x->kept_rows);
	set_int(o, "waiting_rows", x->waiting_rows);
	set_string(o, "first_due", *x->first_due ? x->first_due : NULL);
	put_held_back(o, x->held_back, x->held_back_count);
	expected = json_object();
	json_object_set_new(o, "expected", expected);
	set_string(expected, "price_list", x->expected.price_list);
	set_string(expected, "currency", x->expected.price_list ? x->expected.currency : NULL);
	set_string(expected, "saved_month",
		   x->expected.price_list ? money_decimal(x->expected.saved_nano, money) : NULL);
	set_real(expected, "stored_share", x->expected.stored_share);
	set_int(expected, "transactions", x->expected.transactions);
	if (x->expected.lock_s >= 0)
		set_real(expected, "lock_s", x->expected.lock_s);
	else
		json_object_set_new(expected, "lock_s", json_null());
	set_real(expected, "index_s", x->expected.index_s);
	expiries = set_array(o, "expiries");
	for (size_t i = 0; i < x->expiry_count; i++) {
		json_t *h = add_object(expiries);

		set_string(h, "table", x->expiries[i].table);
		set_string(h, "rule", x->expiries[i].rule);
		set_int(h, "delete_after_s", x->expiries[i].delete_after_s);
		set_int(h, "segments", x->expiries[i].segments);
		set_int(h, "rows", x->expiries[i].rows);
		set_int(h, "bytes", x->expiries[i].bytes);
		set_int(h, "rows_later", x->expiries[i].rows_later);
		if (x->expiries[i].next_s >= 0)
			set_int(h, "next_s", x->expiries[i].next_s);
		else
			json_object_set_new(h, "next_s", json_null());
	}
}

bool json_plan(const struct report *r, const struct firn_plan_result *x, const struct err *failure,
	       struct err *e)
{
	json_t *o = begin("plan");

	put_plan(o, x);
	return end(r, o, failure, e);
}

static void put_maintain(json_t *o, const struct firn_maintain_result *x)
{
	json_t *steps = set_array(o, "steps");

	for (size_t i = 0; i < x->step_count; i++) {
		json_t *s = add_object(steps);

		set_string(s, "table", x->steps[i].table);
		set_string(s, "leaf", x->steps[i].leaf);
		set_string(s, "index",
			   x->steps[i].index && *x->steps[i].index ? x->steps[i].index : NULL);
		set_string(s, "action", x->steps[i].action);
		set_string(s, "reason", x->steps[i].reason);
		set_real(s, "seconds", x->steps[i].seconds);
		set_int(s, "bytes_before", x->steps[i].bytes_before);
		set_int(s, "bytes_after", x->steps[i].bytes_after);
		set_int(s, "reclaimable_bytes", x->steps[i].reclaimable_bytes);
	}
	set_int(o, "put_off", x->put_off);
}

static void set_maintain(json_t *o, const struct firn_maintain_result *x)
{
	json_t *m = json_object();

	put_maintain(m, x);
	json_object_set_new(o, "maintain", m);
}

bool json_pass(const struct report *r, const struct firn_pass_result *x, bool dry_run,
	       const struct err *failure, struct err *e)
{
	json_t *o = begin("pass");

	set_bool(o, "dry_run", dry_run);
	if (dry_run) {
		json_t *plan = json_object();

		put_plan(plan, &x->plan);
		json_object_set_new(o, "plan", plan);
	}
	set_int(o, "rows_moved", x->rows_moved);
	set_int(o, "rows_changed", x->rows_changed);
	set_int(o, "segments", x->segments);
	set_int(o, "raw_bytes", x->raw_bytes);
	set_int(o, "stored_bytes", x->stored_bytes);
	set_int(o, "abandoned", x->abandoned);
	set_int(o, "segments_moved_on", x->segments_moved_on);
	set_int(o, "bytes_moved_on", x->bytes_moved_on);
	set_bool(o, "stopped_early", x->stopped_early);
	set_string(o, "stop_reason", x->stop_reason);
	put_held_back(o, x->held_back, x->held_back_count);
	set_real(o, "seconds", x->seconds);
	set_maintain(o, &x->maintain);
	return end(r, o, failure, e);
}

bool json_touch(const struct report *r, const struct firn_touch_result *x,
		const struct err *failure, struct err *e)
{
	json_t *o = begin("touch");

	set_string(o, "table", x->table);
	set_int(o, "touched", x->touched);
	set_string(o, "known_since", x->known_since);
	set_real(o, "seconds", x->seconds);
	return end(r, o, failure, e);
}

bool json_rehydrate(const struct report *r, const struct firn_rehydrate_result *x, bool dry_run,
		    const struct err *failure, struct err *e)
{
	json_t *o = begin("rehydrate"), *notes;

	set_bool(o, "dry_run", dry_run);
	set_int(o, "rows_matched", x->rows_matched);
	set_int(o, "rows", x->rows);
	set_int(o, "rows_hot", x->rows_hot);
	set_int(o, "rows_orphaned", x->rows_orphaned);
	set_int(o, "segments", x->segments);
	set_int(o, "segments_frozen", x->segments_frozen);
	set_int(o, "bytes_fetched", x->bytes_fetched);
	set_real(o, "seconds", x->seconds);
	notes = set_array(o, "notes");
	for (size_t i = 0; i < x->note_count; i++)
		json_array_append_new(notes, string(x->notes[i]));
	set_maintain(o, &x->maintain);
	return end(r, o, failure, e);
}

bool json_maintain(const struct report *r, const struct firn_maintain_result *x, bool dry_run,
		   const struct err *failure, struct err *e)
{
	json_t *o = begin("maintain");

	set_bool(o, "dry_run", dry_run);
	put_maintain(o, x);
	return end(r, o, failure, e);
}

enum status_detail {
	STATUS_TABLE,
	STATUS_LEAF,
	STATUS_WORKSPACE
};

static void set_status_rows(json_t *o, const char *name, const struct firn_status_row *rows,
			    size_t count, enum status_detail detail)
{
	json_t *a = set_array(o, name);

	for (size_t i = 0; i < count; i++) {
		json_t *s = add_object(a);

		set_string(s, "table", rows[i].table);
		if (detail == STATUS_LEAF)
			set_string(s, "leaf", rows[i].leaf);
		if (detail == STATUS_WORKSPACE) {
			set_string(s, "workspace", rows[i].workspace);
			set_string(s, "version", rows[i].version);
		}
		set_int(s, "hot_rows", rows[i].hot_rows);
		set_bool(s, "hot_rows_estimated", rows[i].hot_rows_estimated);
		if (detail != STATUS_WORKSPACE) {
			set_int(s, "hot_heap_bytes", rows[i].hot.heap_bytes);
			set_int(s, "hot_toast_bytes", rows[i].hot.toast_bytes);
			set_int(s, "hot_index_bytes", rows[i].hot.index_bytes);
		}
		set_int(s, "cold_rows", rows[i].cold_rows);
		set_int(s, "cold_bytes", rows[i].cold_bytes);
		set_int(s, "cold_raw_bytes", rows[i].cold_raw_bytes);
	}
}

bool json_status(const struct report *r, const struct firn_status_result *x,
		 const struct err *failure, struct err *e)
{
	json_t *o = begin("status");

	set_status_rows(o, "tables", x->tables, x->table_count, STATUS_TABLE);
	set_status_rows(o, "leaves", x->leaves, x->leaf_count, STATUS_LEAF);
	set_status_rows(o, "workspaces", x->workspaces, x->workspace_count, STATUS_WORKSPACE);
	set_int(o, "segments_active", x->segments_active);
	set_int(o, "segments_intent", x->segments_intent);
	set_int(o, "segments_retired", x->segments_retired);
	set_int(o, "segments_not_encrypted", x->segments_not_encrypted);
	set_int(o, "maintenance_due", x->maintenance_due);
	set_string(o, "last_pass_at", x->last_pass_at);
	set_string(o, "last_pass_outcome", x->last_pass_outcome);
	return end(r, o, failure, e);
}

bool json_verify(const struct report *r, const struct firn_verify_result *x, bool deep,
		 const struct err *failure, struct err *e)
{
	json_t *o = begin("verify"), *problems;

	set_bool(o, "deep", deep);
	set_int(o, "segments", x->segments);
	set_int(o, "not_encrypted", x->not_encrypted);
	set_int(o, "objects", x->objects);
	set_int(o, "bytes", x->bytes);
	set_int(o, "rows", x->rows);
	set_int(o, "segments_frozen", x->segments_frozen);
	set_real(o, "seconds", x->seconds);
	problems = set_array(o, "problems");
	for (size_t i = 0; i < x->problem_count; i++) {
		json_t *p = add_object(problems);

		if (x->problems[i].segment)
			set_int(p, "segment", x->problems[i].segment);
		else
			json_object_set_new(p, "segment", json_null());
		set_string(p, "object", x->problems[i].object);
		set_string(p, "message", x->problems[i].message);
	}
	return end(r, o, failure, e);
}

bool json_transition(const struct report *r, const struct firn_transition_result *x, bool dry_run,
		     const struct err *failure, struct err *e)
{
	json_t *o = begin("transition"), *rows;

	set_bool(o, "dry_run", dry_run);
	rows = set_array(o, "segments");
	for (size_t i = 0; i < x->row_count; i++) {
		const struct firn_transition_row *row = &x->rows[i];
		json_t *s = add_object(rows);

		set_int(s, "segment", row->segment);
		set_string(s, "table", row->table);
		set_string(s, "rule", row->rule);
		set_string(s, "from", row->from);
		set_string(s, "to", row->to);
		set_int(s, "bytes", row->bytes);
		set_int(s, "age_s", row->age_s);
		set_bool(s, "moved", row->moved);
		set_string(s, "reason", *row->reason ? row->reason : NULL);
	}
	set_int(o, "bytes_moved", x->bytes_moved);
	set_real(o, "seconds", x->seconds);
	return end(r, o, failure, e);
}

/* As PutBucketLifecycleConfiguration takes it, by Amazon's command line. */
bool json_lifecycle(const struct report *r, const struct firn_lifecycle *x, struct err *e)
{
	json_t *o = json_object(), *rules = set_array(o, "Rules");

	for (size_t i = 0; i < x->rule_count; i++) {
		json_t *rule = add_object(rules), *filter = json_object(), *all = json_object();
		json_t *tag, *steps;
		char id[128];

		snprintf(id, sizeof(id), "firn-%s", x->rules[i].name);
		set_string(rule, "ID", id);
		set_string(rule, "Status", "Enabled");
		json_object_set_new(rule, "Filter", filter);
		json_object_set_new(filter, "And", all);
		set_string(all, "Prefix", x->prefix);
		tag = add_object(set_array(all, "Tags"));
		set_string(tag, "Key", "firn-rule");
		set_string(tag, "Value", x->rules[i].name);
		steps = set_array(rule, "Transitions");
		for (size_t k = 0; k < x->rules[i].step_count; k++) {
			json_t *step = add_object(steps);

			set_int(step, "Days", x->rules[i].steps[k].days);
			set_string(step, "StorageClass", x->rules[i].steps[k].storage_class);
		}
	}
	return write_document(r, o, e);
}

bool json_gc(const struct report *r, const struct firn_gc_result *x, bool confirm,
	     const struct err *failure, struct err *e)
{
	json_t *o = begin("gc"), *items;

	set_bool(o, "confirm", confirm);
	items = set_array(o, "items");
	for (size_t i = 0; i < x->item_count; i++) {
		json_t *g = add_object(items);

		set_string(g, "object", x->items[i].object);
		set_string(g, "kind", x->items[i].kind);
		if (x->items[i].segment)
			set_int(g, "segment", x->items[i].segment);
		else
			json_object_set_new(g, "segment", json_null());
		set_int(g, "bytes", x->items[i].bytes);
		set_int(g, "age_s", x->items[i].age_s);
		set_bool(g, "removable", x->items[i].removable);
		set_bool(g, "removed", x->items[i].removed);
		set_string(g, "reason", x->items[i].reason);
	}
	set_int(o, "removable_bytes", x->removable_bytes);
	set_int(o, "removed_bytes", x->removed_bytes);
	set_int(o, "given_up", x->given_up);
	set_int(o, "put_off", x->put_off);
	return end(r, o, failure, e);
}

static void set_positive(json_t *o, const char *name, int64_t n)
{
	json_object_set_new(o, name, n > 0 ? json_integer(n) : json_null());
}

bool json_indexes_made(const struct report *r, const struct firn_indexes_made *x, bool dry_run,
		       const struct err *failure, struct err *e)
{
	json_t *o = begin("indexes ensure"), *a;

	set_bool(o, "dry_run", dry_run);
	set_int(o, "built", x->built);
	set_int(o, "kept", x->kept);
	set_int(o, "put_off", x->put_off);
	a = set_array(o, "steps");
	for (size_t i = 0; i < x->step_count; i++) {
		json_t *j = add_object(a);

		set_string(j, "table", x->steps[i].table);
		set_string(j, "leaf", x->steps[i].leaf);
		set_string(j, "index", x->steps[i].index);
		set_string(j, "action", x->steps[i].action);
		set_string(j, "reason", x->steps[i].reason);
		set_real(j, "seconds", x->steps[i].seconds);
		set_int(j, "bytes_before", x->steps[i].bytes_before);
		set_int(j, "bytes_after", x->steps[i].bytes_after);
	}
	return end(r, o, failure, e);
}

bool json_indexes_status(const struct report *r, const struct firn_indexes_status *x,
			 const struct err *failure, struct err *e)
{
	json_t *o = begin("indexes status"), *a;

	set_int(o, "leftovers", x->leftovers);
	set_int(o, "invalid", x->invalid);
	set_int(o, "lists_off", x->lists_off);
	a = set_array(o, "indexes");
	for (size_t i = 0; i < x->index_count; i++) {
		const struct firn_index *ix = &x->indexes[i];
		json_t *j = add_object(a);

		set_string(j, "table", ix->table);
		set_string(j, "leaf", ix->above ? NULL : ix->leaf);
		set_string(j, "index", ix->index);
		set_string(j, "method", ix->method);
		set_string(j, "key", ix->key);
		set_string(j, "opclass", ix->opclass);
		set_string(j, "predicate", *ix->predicate ? ix->predicate : NULL);
		set_bool(j, "valid", ix->valid);
		set_bool(j, "attached", ix->attached);
		set_bool(j, "leftover", ix->leftover);
		set_positive(j, "m", ix->m);
		set_positive(j, "ef_construction", ix->ef_construction);
		set_positive(j, "lists", ix->lists);
		set_positive(j, "lists_recommended", ix->lists_recommended);
		set_bool(j, "lists_off", ix->lists_off);
		set_int(j, "rows", ix->rows);
		set_int(j, "bytes", ix->bytes);
		set_positive(j, "fresh_bytes", ix->fresh_bytes);
		json_object_set_new(j, "dead_share",
				    ix->dead_share >= 0 ? json_real(ix->dead_share) : json_null());
		set_string(j, "rebuilt_at", ix->rebuilt_at);
	}
	return end(r, o, failure, e);
}

bool json_indexes_probe(const struct report *r, const struct firn_indexes_probe *x,
			const struct err *failure, struct err *e)
{
	json_t *o = begin("indexes probe"), *a;

	set_int(o, "limit", x->limit);
	a = set_array(o, "probes");
	for (size_t i = 0; i < x->probe_count; i++) {
		const struct firn_index_probe *p = &x->probes[i];
		json_t *j = add_object(a);

		set_string(j, "table", p->table);
		set_string(j, "leaf", p->leaf);
		set_string(j, "index", p->index);
		set_string(j, "method", p->method);
		set_string(j, "opclass", p->opclass);
		set_string(j, "note", p->note);
		set_int(j, "queries", p->queries);
		json_object_set_new(j, "recall", p->note ? json_null() : json_real(p->recall));
		json_object_set_new(j, "least_recall",
				    p->note ? json_null() : json_real(p->least_recall));
		set_real(j, "ann_p50_ms", p->ann_p50_ms);
		set_real(j, "ann_p95_ms", p->ann_p95_ms);
		set_real(j, "exact_p50_ms", p->exact_p50_ms);
		set_real(j, "exact_p95_ms", p->exact_p95_ms);
	}
	return end(r, o, failure, e);
}

bool json_partitions_status(const struct report *r, const struct firn_partitions_status *x,
			    const struct err *failure, struct err *e)
{
	json_t *o = begin("partitions status"), *a;

	set_int(o, "leaf_rows", x->leaf_rows);
	a = set_array(o, "tables");
	for (size_t i = 0; i < x->table_count; i++) {
		const struct firn_partitioned_table *t = &x->tables[i];
		json_t *j = add_object(a);

		set_string(j, "table", t->table);
		set_string(j, "strategy", t->strategy[0] ? t->strategy : NULL);
		set_string(j, "key", t->key[0] ? t->key : NULL);
		set_int(j, "leaves", t->leaf_count);
		set_int(j, "rows", t->rows);
		set_bool(j, "rows_estimated", t->rows_estimated);
		set_int(j, "heap_bytes", t->size.heap_bytes);
		set_int(j, "toast_bytes", t->size.toast_bytes);
		set_int(j, "index_bytes", t->size.index_bytes);
		set_real(j, "skew", t->skew);
		set_int(j, "over", t->over);
		set_int(j, "missing", t->missing);
		if (t->split_phase) {
			json_t *split = json_object();

			json_object_set_new(j, "split", split);
			set_string(split, "phase", t->split_phase);
			set_int(split, "leaves", t->split_leaves);
			set_real(split, "share_copied", t->split_share);
			set_string(split, "old_table", t->split_old_table);
			set_int(split, "old_bytes", t->split_old_bytes);
		} else {
			json_object_set_new(j, "split", json_null());
		}
	}
	a = set_array(o, "leaves");
	for (size_t i = 0; i < x->leaf_count; i++) {
		const struct firn_partition *l = &x->leaves[i];
		json_t *j = add_object(a);

		set_string(j, "table", l->table);
		set_string(j, "leaf", l->leaf);
		set_string(j, "bound", l->bound[0] ? l->bound : NULL);
		set_int(j, "rows", l->rows);
		set_bool(j, "rows_estimated", l->rows_estimated);
		set_int(j, "heap_bytes", l->size.heap_bytes);
		set_int(j, "toast_bytes", l->size.toast_bytes);
		set_int(j, "index_bytes", l->size.index_bytes);
		set_bool(j, "over", l->over);
	}
	return end(r, o, failure, e);
}

bool json_partitions_split(const struct report *r, const struct firn_split_result *x,
			   const struct err *failure, struct err *e)
{
	json_t *o = begin("partitions split"), *notes;

	set_string(o, "table", x->table);
	set_string(o, "outcome", x->outcome[0] ? x->outcome : NULL);
	set_string(o, "phase", x->phase[0] ? x->phase : NULL);
	set_int(o, "leaves_before", x->leaves_before);
	set_int(o, "leaves", x->leaves);
	set_int(o, "rows", x->rows);
	set_int(o, "rows_copied", x->rows_copied);
	set_int(o, "changes", x->changes);
	set_int(o, "indexes", x->indexes);
	set_string(o, "old_table", x->old_table);
	set_int(o, "old_rows", x->old_rows);
	set_int(o, "old_bytes", x->old_bytes);
	set_int(o, "old_missing", x->old_missing);
	set_real(o, "seconds", x->seconds);
	set_real(o, "swap_seconds", x->swap_seconds);
	notes = set_array(o, "notes");
	for (size_t n = 0; n < x->note_count; n++)
		json_array_append_new(notes, string(x->notes[n]));
	return end(r, o, failure, e);
}

bool json_partitions_advice(const struct report *r, const struct firn_partitions_advice *x,
			    const struct err *failure, struct err *e)
{
	json_t *o = begin("partitions recommend"), *a;

	set_int(o, "leaf_rows", x->leaf_rows);
	a = set_array(o, "tables");
	for (size_t i = 0; i < x->table_count; i++) {
		const struct firn_partition_advice *t = &x->tables[i];
		json_t *j = add_object(a), *reasons;

		set_string(j, "table", t->table);
		set_string(j, "strategy", t->strategy[0] ? t->strategy : NULL);
		set_int(j, "rows", t->rows);
		set_bool(j, "rows_estimated", t->rows_estimated);
		set_int(j, "rows_planned", t->rows_planned);
		set_int(j, "bytes", t->bytes);
		set_int(j, "leaves", t->leaves);
		set_int(j, "leaves_now", t->leaves_now);
		set_int(j, "leaves_planned", t->leaves_planned);
		if (t->largest_share >= 0)
			set_real(j, "largest_share", t->largest_share);
		else
			json_object_set_new(j, "largest_share", json_null());
		reasons = set_array(j, "reasons");
		for (size_t n = 0; n < t->reason_count; n++)
			json_array_append_new(reasons, string(t->reasons[n]));
	}
	return end(r, o, failure, e);
}

bool json_partitions_made(const struct report *r, const struct firn_partitions_made *x,
			  const struct err *failure, struct err *e)
{
	json_t *o = begin("partitions ensure"), *a;

	set_int(o, "count", x->count);
	set_int(o, "created", x->created);
	a = set_array(o, "leaves");
	for (size_t i = 0; i < x->leaf_count; i++) {
		json_t *j = add_object(a);

		set_string(j, "table", x->leaves[i].table);
		set_string(j, "leaf", x->leaves[i].leaf);
		set_int(j, "remainder", x->leaves[i].remainder);
		set_bool(j, "created", x->leaves[i].created);
	}
	return end(r, o, failure, e);
}

bool json_versions_status(const struct report *r, const struct firn_versions_status *x,
			  const struct err *failure, struct err *e)
{
	json_t *o = begin("versions status"), *a = set_array(o, "workspaces");

	for (size_t i = 0; i < x->workspace_count; i++) {
		const struct firn_version_workspace *w = &x->workspaces[i];
		json_t *j = add_object(a), *versions;

		set_string(j, "table", w->table);
		set_string(j, "workspace", w->workspace);
		set_string(j, "active", w->active);
		set_string(j, "target", w->target);
		set_string(j, "active_since", w->since);
		set_bool(j, "by_document", w->by_document);
		set_int(j, "documents", w->documents);
		set_int(j, "covered", w->covered);
		set_int(j, "missing", w->documents - w->covered);
		set_int(j, "fewer", w->fewer);
		set_string(j, "rollback_to", w->rollback_to);
		set_string(j, "rollback_began", w->rollback_began);
		versions = set_array(j, "versions");
		for (size_t n = 0; n < w->version_count; n++) {
			const struct firn_version *v = &w->versions[n];
			json_t *version = add_object(versions);

			set_string(version, "version", v->version);
			set_int(version, "hot_rows", v->hot_rows);
			set_int(version, "cold_rows", v->cold_rows);
			set_int(version, "documents", v->documents);
		}
	}
	return end(r, o, failure, e);
}

bool json_version_change(const struct report *r, const char *command,
			 const struct firn_version_result *x, const struct err *failure,
			 struct err *e)
{
	json_t *o = begin(command), *notes;

	set_string(o, "table", x->table);
	set_string(o, "workspace", x->workspace);
	set_string(o, "from", x->from);
	set_string(o, "to", x->to);
	set_bool(o, "flipped", x->flipped);
	set_bool(o, "resumed", x->resumed);
	set_int(o, "documents", x->documents);
	set_int(o, "missing", x->missing);
	set_int(o, "fewer", x->fewer);
	set_int(o, "rows", x->rows);
	set_int(o, "rows_left", x->rows_left);
	set_int(o, "rows_back", x->rows_back);
	set_int(o, "bytes_fetched", x->bytes_fetched);
	set_real(o, "seconds", x->seconds);
	notes = set_array(o, "notes");
	for (size_t i = 0; i < x->note_count; i++)
		json_array_append_new(notes, string(x->notes[i]));
	set_maintain(o, &x->maintain);
	return end(r, o, failure, e);
}

bool json_keys_status(const struct report *r, const struct firn_keys_status *x,
		      const struct err *failure, struct err *e)
{
	json_t *o = begin("keys status"), *masters = set_array(o, "master_keys");

	for (size_t i = 0; i < x->master_count; i++) {
		const struct firn_master_key *m = &x->masters[i];
		json_t *k = add_object(masters);

		set_string(k, "id", m->id);
		set_bool(k, "configured", m->configured);
		set_bool(k, "configured_old", m->configured_old);
		set_bool(k, "current", m->current);
		set_int(k, "tables", m->tables);
		set_int(k, "workspaces", m->workspaces);
	}
	set_int(o, "unopened", x->unopened);
	set_int(o, "segments_encrypted", x->segments_encrypted);
	set_int(o, "segments_not_encrypted", x->segments_not_encrypted);
	return end(r, o, failure, e);
}

bool json_forget(const struct report *r, const struct firn_forget_result *x, bool confirm,
		 const struct err *failure, struct err *e)
{
	json_t *o = begin("forget");

	set_bool(o, "confirm", confirm);
	set_string(o, "table", x->table);
	set_string(o, "workspace", x->workspace);
	set_int(o, "rows_hot", x->rows_hot);
	set_int(o, "rows_cold", x->rows_cold);
	set_int(o, "segments", x->segments);
	set_int(o, "segments_not_encrypted", x->segments_not_encrypted);
	set_string(o, "refused", x->refused);
	set_bool(o, "key_destroyed", x->key_destroyed);
	return end(r, o, failure, e);
}

bool json_keys_rotate(const struct report *r, const struct firn_keys_rotate_result *x,
		      const struct err *failure, struct err *e)
{
	json_t *o = begin("keys rotate");

	set_string(o, "id", x->id[0] ? x->id : NULL);
	set_int(o, "rewrapped", x->rewrapped);
	return end(r, o, failure, e);
}
