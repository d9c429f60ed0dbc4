/*
 * firn indexes ensure. Everything is made beside what is there, under names of firn's, and changes places with it in one
 * short transaction at the end:
 *
 *     drop what dead runs left; what they built and what fits is used
 *     partitioned: an index ON ONLY each partitioned table (the target), where the one that is there does not fit
 *     each leaf: an index that fits, found or built concurrently; attached to its parent's target
 *     names are exchanged; what was replaced is dropped
 *
 * A run that dies is run again: indexes are known by what they are, and by firn's names.
 */
#include "engine/index_ensure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "catalog/index_bulk.h"
#include "catalog/index_work.h"
#include "catalog/sizes.h"

/* ---- what is there ---- */

static void free_targets(struct ensure *x)
{
	for (size_t i = 0; x->targets && i < x->have.node_count; i++) {
		free(x->targets[i].name);
		free(x->targets[i].qualified);
	}
	free(x->targets);
	x->targets = NULL;
}

static bool load(struct ensure *x, struct err *e)
{
	free_targets(x);
	vector_indexes_release(&x->have);
	if (!vector_indexes_load(x->f->pg, x->table->info, &x->have, e))
		return false;
	x->targets = mem_new(x->have.node_count, sizeof(*x->targets), e);
	if (!x->targets)
		return false;
	for (size_t i = 0; i < x->have.node_count; i++) {
		const struct vector_node *n = &x->have.nodes[i];
		struct leaf leaf = { n->oid, n->schema, n->name, n->qualified, n->label };
		struct leaf_sizes sizes = { 0 };

		if (n->leaf && !sizes_of_leaf(x->f->pg, &leaf, 0, &sizes, e))
			return false;
		x->targets[i].rows = sizes.rows;
		x->targets[i].old = -1;
	}
	return true;
}

static bool is_leaf(const struct ensure *x, const struct vector_index *ix)
{
	return x->have.nodes[ix->node].leaf;
}

static bool options_fit(const struct ensure *x, const struct vector_index *ix)
{
	return index_options_fit(x->shape.method, &ix->options, &x->wish,
				 is_leaf(x, ix) ? x->targets[ix->node].rows : -1);
}

/* A leaf's index: valid and as it is wanted. Another: itself and whatever is attached to it. */
static bool fits(const struct ensure *x, const struct vector_index *ix)
{
	if (!vector_shape_matches(&x->shape, ix) || !options_fit(x, ix))
		return false;
	if (is_leaf(x, ix))
		return ix->valid;
	/* Attached ones lie further down in the tree, which is no deeper than a few levels. */
	for (size_t i = 0; i < x->have.count; i++)
		if (x->have.items[i].parent == ix->oid && !fits(x, &x->have.items[i]))
			return false;
	return true;
}

static bool is_dead(const struct ensure *x, const struct vector_index *ix)
{
	if (ix->parent)
		return false;
	if (vector_index_is_old(ix))
		return true;
	if (vector_index_is_new(ix))
		return !fits(x, ix);
	return is_leaf(x, ix) && !ix->valid &&
	       (vector_index_is_leftover(ix) || vector_shape_matches(&x->shape, ix));
}

static bool drop(struct ensure *x, const struct vector_index *ix, const char *qualified,
		 struct err *e)
{
	struct leaf_index index = { .qualified = (char *)qualified };
	struct buf sql = BUF_INIT;
	bool ok;

	if (is_leaf(x, ix))
		return index_work_drop(x->f->pg, &index, e);
	/* With it go those that are attached to it. */
	buf_printf(&sql, "DROP INDEX IF EXISTS %s", qualified);
	ok = buf_ok(&sql, e) && ensure_patiently(x, buf_str(&sql), e);
	buf_release(&sql);
	return ok;
}

static bool drop_dead(struct ensure *x, struct err *e)
{
	bool any = false;

	for (size_t i = 0; i < x->have.count; i++) {
		const struct vector_index *ix = &x->have.items[i];
		const struct vector_node *n = &x->have.nodes[ix->node];

		if (!is_dead(x, ix))
			continue;
		if (n->leaf && n->busy) {
			err_set(e, ERR_BUSY,
				"index \"%s\" of \"%s\" is left over, and another session is at "
				"work there",
				ix->name, n->label);
			return err_hint(e, "If it is being built, wait for it. If not, it is "
					   "dropped by the next run.");
		}
		any = true;
		if (!ensure_step(x, n->label, ix->name, "drop-leftover", 0, ix->bytes, 0, e, "%s",
				 vector_index_is_old(ix) ? "it was replaced by a run that died"
							 : "a build that died left it"))
			return false;
		if (!x->options->dry_run && !drop(x, ix, ix->qualified, e))
			return err_wrap(e, "could not drop index \"%s\"", ix->name);
	}
	return !any || x->options->dry_run || load(x, e);
}

/* ---- what is wanted ---- */

static struct vector_request request_of(const struct ensure *x)
{
	const struct firn_indexes_ensure_options *o = x->options;
	const struct column *c = table_info_column(x->table->info, COLUMN_EMBEDDING);

	return (struct vector_request){
		.method = o->type,
		.column = c ? c->name : NULL,
		.expression = o->expression,
		.predicate = o->where,
		.opclass = o->opclass,
		.op = o->op,
	};
}

/* The operator class of an index that is there on the same key, if possible of the same method. */
static const char *opclass_in_use(const struct ensure *x)
{
	const struct vector_index *found = NULL;

	for (size_t i = 0; i < x->have.count; i++) {
		const struct vector_index *ix = &x->have.items[i];

		if (!vector_index_is_vector(ix) || !str_eq(ix->key, x->shape.key) ||
		    ix->expression != x->shape.expression || vector_index_is_leftover(ix))
			continue;
		if (!found || (!str_eq(found->method, x->shape.method) &&
			       str_eq(ix->method, x->shape.method)))
			found = ix;
	}
	return found ? found->opclass : NULL;
}

static bool resolve(struct ensure *x, struct err *e)
{
	struct vector_request q = request_of(x);
	const char *in_use;

	if (!q.column && !q.expression)
		return err_set(e, ERR_CONFIG, "table \"%s\" has no embedding column",
			       x->table->info->label);
	if (!vector_shape_resolve(x->f->pg, x->table->info, &q, &x->shape, e))
		return false;
	in_use = q.opclass || q.op ? NULL : opclass_in_use(x);
	if (!in_use || str_eq(in_use, x->shape.opclass_name))
		return true;
	q.opclass = in_use;
	vector_shape_release(&x->shape);
	return vector_shape_resolve(x->f->pg, x->table->info, &q, &x->shape, e);
}

/* Which index of the table itself is the one: -1 for none. Of several the first that fits. */
static int find_root(const struct ensure *x)
{
	int found = -1;

	for (size_t i = 0; i < x->have.count; i++) {
		const struct vector_index *ix = &x->have.items[i];

		if (ix->node != 0 || ix->parent || vector_index_is_leftover(ix) ||
		    !vector_shape_matches(&x->shape, ix) || (is_leaf(x, ix) && !ix->valid))
			continue;
		if (found < 0 || (!fits(x, &x->have.items[found]) && fits(x, ix)))
			found = (int)i;
	}
	return found;
}

/* An index of the node that is attached to the one given. */
static int attached_to(const struct ensure *x, size_t node, uint32_t parent)
{
	for (size_t i = 0; parent && i < x->have.count; i++)
		if (x->have.items[i].node == node && x->have.items[i].parent == parent)
			return (int)i;
	return -1;
}

/* One that stands for itself: that fits, or the first that does not. Of the tables above leaves only those of firn's names
 * will do, for others are someone's own. */
static int standing_alone(const struct ensure *x, size_t node, bool fitting)
{
	int found = -1;

	for (size_t i = 0; i < x->have.count; i++) {
		const struct vector_index *ix = &x->have.items[i];
		bool made_by_us = vector_index_is_new(ix);

		if (ix->node != node || ix->parent || !vector_shape_matches(&x->shape, ix) ||
		    fits(x, ix) != fitting || vector_index_is_old(ix) ||
		    (is_leaf(x, ix) && !ix->valid) || (!is_leaf(x, ix) && !made_by_us) ||
		    (made_by_us && !fitting))
			continue;
		if (found < 0 || made_by_us)
			found = (int)i;
	}
	return found;
}

/* Long names of two partitions may be the same once they are cut. */
static bool planned(const struct ensure *x, const struct vector_node *n, const char *name)
{
	for (size_t i = 0; i < x->have.node_count; i++)
		if (&x->have.nodes[i] != n && str_eq(x->targets[i].final_name, name))
			return true;
	return false;
}

static bool free_name(struct ensure *x, const struct vector_node *n, char out[INDEX_NAME_MAX],
		      struct err *e)
{
	bool taken = true;

	for (int nth = 1; taken && nth < 10000; nth++) {
		index_name_for(out, n->name, x->shape.expression ? "expr" : x->shape.key,
			       x->shape.method, nth);
		if (!vector_name_taken(x->f->pg, n->schema, out, &taken, e))
			return false;
		taken |= planned(x, n, out);
	}
	return !taken ||
	       err_set(e, ERR_EXISTS, "there is no free name for an index of \"%s\"", n->label);
}

static uint32_t oid_of(const struct ensure *x, int item)
{
	return item >= 0 ? x->have.items[item].oid : 0;
}

/* Finds the node's target and what it replaces. The table's own is given: keep, or old. */
static bool plan_node(struct ensure *x, size_t node, uint32_t *target_oids, struct err *e)
{
	const struct vector_node *n = &x->have.nodes[node];
	struct index_target *t = &x->targets[node];
	const struct index_target *up = &x->targets[n->parent_at];
	const struct vector_options *before = NULL;
	int target = -1;

	if (node == 0) {
		int root = find_root(x);

		if (root >= 0 && fits(x, &x->have.items[root]))
			target = root;
		else
			t->old = root;
	} else {
		target = attached_to(x, node, target_oids[n->parent_at]);
		t->attached = target >= 0;
		t->old = attached_to(x, node, oid_of(x, up->old));
	}
	if (target < 0)
		target = standing_alone(x, node, true);
	if (t->old < 0 && target < 0 && n->leaf && node > 0)
		t->old = standing_alone(x, node, false);
	target_oids[node] = oid_of(x, target);
	if (target >= 0 && !ensure_name(x, n, t, x->have.items[target].name, e))
		return false;
	if (t->old < 0 && target >= 0 && t->temporary && n->leaf && node > 0)
		t->old = standing_alone(x, node, false);
	if (t->old >= 0)
		before = &x->have.items[t->old].options;
	else if (node > 0)
		before = &up->options;
	t->options = target >= 0 ? x->have.items[target].options
				 : index_options_for(x->shape.method, &x->wish, before, t->rows);
	if (t->name && !t->temporary)
		snprintf(t->final_name, sizeof(t->final_name), "%s", t->name);
	else if (t->old >= 0)
		snprintf(t->final_name, sizeof(t->final_name), "%s", x->have.items[t->old].name);
	else
		return free_name(x, n, t->final_name, e);
	return true;
}

/* An index of a partitioned table holds nothing; new partitions will have its lists. */
static void count_rows_above_leaves(struct ensure *x)
{
	int64_t rows = 0, leaves = 0;

	for (size_t i = 0; i < x->have.node_count; i++) {
		rows += x->targets[i].rows;
		leaves += x->have.nodes[i].leaf;
	}
	for (size_t i = 0; i < x->have.node_count; i++)
		if (!x->have.nodes[i].leaf)
			x->targets[i].rows = leaves ? rows / leaves : 0;
}

static bool plan(struct ensure *x, struct err *e)
{
	uint32_t *target_oids = mem_new(x->have.node_count, sizeof(*target_oids), e);
	bool ok = target_oids != NULL;

	count_rows_above_leaves(x);
	for (size_t i = 0; ok && i < x->have.node_count; i++)
		ok = plan_node(x, i, target_oids, e);
	free(target_oids);
	return ok;
}

/* ---- doing it ---- */

static bool create_above(struct ensure *x, size_t node, struct err *e)
{
	const struct vector_node *n = &x->have.nodes[node];
	struct index_target *t = &x->targets[node];
	char name[INDEX_NAME_MAX];
	struct buf sql = BUF_INIT;
	bool ok;

	if (!ensure_step(x, n->label, t->final_name, "create", 0, 0, 0, e,
			 "of the partitioned table: it holds nothing"))
		return false;
	if (x->options->dry_run)
		return true;
	snprintf(name, sizeof(name), VECTOR_NEW_PREFIX "%u_%s", n->oid, x->shape.method);
	vector_add_create(x->f->pg, &sql, &x->shape, n, name, &t->options,
			  t->old >= 0 ? x->have.items[t->old].tablespace : "", false);
	ok = buf_ok(&sql, e) && ensure_patiently(x, buf_str(&sql), e) &&
	     ensure_name(x, n, t, name, e);
	buf_release(&sql);
	if (ok && FAULT("indexes.after_parent"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	return ok || err_wrap(e, "could not create the index of \"%s\"", n->label);
}

static bool attach(struct ensure *x, size_t node, bool found, struct err *e)
{
	const struct vector_node *n = &x->have.nodes[node];
	struct index_target *t = &x->targets[node];
	struct buf sql = BUF_INIT;
	bool ok;

	if (found && !ensure_step(x, n->label, t->name, "attach", 0, 0, 0, e,
				  "it was there already, and is as it should be"))
		return false;
	if (x->options->dry_run)
		return true;
	vector_add_attach(&sql, x->targets[n->parent_at].qualified, t->qualified);
	ok = buf_ok(&sql, e) && ensure_patiently(x, buf_str(&sql), e);
	buf_release(&sql);
	t->attached = ok;
	if (ok && FAULT("indexes.after_attach"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	return ok || err_wrap(e, "could not attach index \"%s\"", t->name);
}

static bool make_node(struct ensure *x, size_t node, struct err *e)
{
	const struct vector_node *n = &x->have.nodes[node];
	struct index_target *t = &x->targets[node];
	bool found = t->name != NULL;

	if (found && (node == 0 || t->attached)) {
		if (!n->leaf)
			return true;
		x->result->kept++;
		return ensure_step(x, n->label, t->final_name, "keep", 0, 0, 0, e,
				   "it is as it should be");
	}
	if (!found && !(n->leaf ? ensure_build_leaf(x, node, e) : create_above(x, node, e)))
		return false;
	if (x->put_off)
		return true;
	x->result->kept += found && n->leaf;
	return node == 0 || attach(x, node, found, e);
}

/* Statements that give the targets their names, and what is replaced one of firn's. Empty: nothing is to be renamed. */
static bool add_exchange(struct ensure *x, struct buf *sql, struct err *e)
{
	for (size_t i = 0; i < x->have.node_count; i++) {
		const struct vector_node *n = &x->have.nodes[i];
		const struct index_target *t = &x->targets[i];
		const struct vector_index *old = t->old >= 0 ? &x->have.items[t->old] : NULL;
		char name[INDEX_NAME_MAX];

		if (old) {
			snprintf(name, sizeof(name), VECTOR_OLD_PREFIX "%u", old->oid);
			if (!vector_add_rename(x->f->pg, sql, old->qualified, name, e))
				return false;
		}
		if (t->temporary &&
		    !vector_add_rename(x->f->pg, sql, t->qualified, t->final_name, e))
			return false;
		if (old && *old->comment &&
		    !vector_add_comment(x->f->pg, sql, n->schema, t->final_name, old->comment, e))
			return false;
	}
	return true;
}

static bool drop_replaced(struct ensure *x, struct err *e)
{
	for (size_t i = 0; i < x->have.node_count; i++) {
		const struct index_target *t = &x->targets[i];
		const struct vector_index *old = t->old >= 0 ? &x->have.items[t->old] : NULL;
		struct buf qualified = BUF_INIT;
		char name[INDEX_NAME_MAX];
		bool ok;

		/* What is attached goes with its parent. */
		if (!old || old->parent)
			continue;
		snprintf(name, sizeof(name), VECTOR_OLD_PREFIX "%u", old->oid);
		pg_add_qualified(x->f->pg, &qualified, x->have.nodes[i].schema, name);
		ok = buf_ok(&qualified, e) &&
		     ensure_step(x, x->have.nodes[i].label, old->name, "drop", 0, old->bytes, 0, e,
				 "the new one has its name") &&
		     (x->options->dry_run || drop(x, old, buf_str(&qualified), e));
		buf_release(&qualified);
		if (!ok)
			return err_wrap(e, "could not drop what index \"%s\" replaced", old->name);
	}
	return true;
}

static bool exchange(struct ensure *x, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok, valid = true;

	ok = x->options->dry_run || vector_is_valid(x->f->pg, x->targets[0].qualified, &valid, e);
	if (ok && !valid) {
		ok = err_set(e, ERR_BUSY, "the partitions of \"%s\" changed meanwhile",
			     x->table->info->label);
		err_hint(e, "Run it again: it goes on from here.");
	}
	ok = ok && (x->options->dry_run || add_exchange(x, &sql, e));
	if (ok && sql.len > 0)
		ok = ensure_patiently(x, buf_str(&sql), e) ||
		     err_wrap(e, "could not exchange the names of indexes");
	buf_release(&sql);
	if (ok && FAULT("indexes.after_exchange"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	return ok && drop_replaced(x, e);
}

/* A bulk load that died left indexes as they should not be. */
static bool check_restored(struct ensure *x, struct err *e)
{
	struct index_restore *items = NULL;
	size_t count = 0;
	bool ok = index_bulk_list(x->f->pg, x->table->id, &items, &count, e);

	index_restores_free(items, count);
	if (!ok || count == 0)
		return ok;
	err_set(e, ERR_BUSY, "indexes of \"%s\" are still out of the way of a bulk load",
		x->table->info->label);
	return err_hint(e, "Run \"firn maintain\" first: it brings them back.");
}

static bool ensure_table(struct firn *f, const struct engine_table *table,
			 const struct firn_indexes_ensure_options *options,
			 struct firn_indexes_made *result, struct err *e)
{
	struct ensure x = {
		.f = f,
		.table = table,
		.options = options,
		.wish = { options->m, options->ef_construction, options->lists },
		.result = result,
		.capacity = result->step_count,
	};
	bool ok;

	ok = check_restored(&x, e) && load(&x, e) && resolve(&x, e) && drop_dead(&x, e) &&
	     plan(&x, e);
	for (size_t i = 0; ok && !x.put_off && i < x.have.node_count; i++) {
		ok = make_node(&x, i, e);
		if (ok && signal_stop_requested())
			ok = err_set(e, ERR_INTERRUPTED, "asked to stop");
	}
	if (ok && x.put_off)
		result->put_off++;
	else if (ok)
		ok = exchange(&x, e);
	free_targets(&x);
	vector_indexes_release(&x.have);
	vector_shape_release(&x.shape);
	return ok || err_wrap(e, "could not ensure the index of table \"%s\"", table->info->label);
}

static bool check_options(const struct firn_indexes_ensure_options *o, struct err *e)
{
	bool hnsw = str_eq(o->type, "hnsw");
	int64_t m = o->m ? o->m : HNSW_DEFAULT_M;

	if (!hnsw && !str_eq(o->type, "ivfflat"))
		return err_set(e, ERR_USAGE, "--type is to be hnsw or ivfflat");
	if (!hnsw && (o->m || o->ef_construction))
		return err_set(e, ERR_USAGE, "--m and --ef-construction are options of hnsw");
	if (hnsw && o->lists)
		return err_set(e, ERR_USAGE, "--lists is an option of ivfflat");
	if (o->opclass && o->op)
		return err_set(e, ERR_USAGE, "--opclass and --operator cannot be used together");
	if (o->m && (o->m < 2 || o->m > 100))
		return err_set(e, ERR_USAGE, "--m is to be from 2 to 100");
	if (o->ef_construction && (o->ef_construction < 4 || o->ef_construction > 1000))
		return err_set(e, ERR_USAGE, "--ef-construction is to be from 4 to 1000");
	if (o->ef_construction && o->ef_construction < 2 * m)
		return err_set(e, ERR_USAGE, "--ef-construction is to be at least twice --m (%lld)",
			       (long long)m);
	if (o->m && !o->ef_construction && 2 * o->m > HNSW_DEFAULT_EF_CONSTRUCTION)
		return err_set(e, ERR_USAGE, "--m %lld needs an --ef-construction of at least %lld",
			       (long long)o->m, (long long)(2 * o->m));
	if (o->lists < -1 || o->lists > IVFFLAT_MAX_LISTS)
		return err_set(e, ERR_USAGE, "--lists is to be auto, or from 1 to %d",
			       IVFFLAT_MAX_LISTS);
	return true;
}

bool firn_indexes_ensure(struct firn *f, const struct firn_indexes_ensure_options *options,
			 struct firn_indexes_made *result, struct err *e)
{
	bool ok;

	*result = (struct firn_indexes_made){ 0 };
	ok = engine_tables_given(f, e) && check_options(options, e);
	for (size_t i = 0; ok && i < f->table_count; i++) {
		struct engine_table t = { 0 };
		struct lease lease = { 0 };

		ok = engine_table_open(f, &f->tables[i], &t, e) &&
		     lease_take(&lease, f->pg, t.id, e) && ensure_table(f, &t, options, result, e);
		lease_release(&lease);
		engine_table_close(&t);
	}
	return ok;
}
