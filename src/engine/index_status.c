/* firn indexes status: the vector indexes of each leaf, beside what a fresh build would be, and what builds left over. */
#include "engine/engine.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/index_work.h"
#include "catalog/sizes.h"
#include "engine/index_cost.h"
#include "engine/index_plan.h"

struct listing {
	struct firn *f;
	const struct engine_table *table;
	struct vector_indexes have;
	struct due_work *due;
	size_t due_count;
	struct firn_indexes_status *result;
	/* Of the node at hand: */
	struct leaf leaf;
	struct leaf_index *leaf_indexes;
	size_t leaf_index_count;
	int64_t rows, dead;
};

static bool enter_node(struct listing *l, const struct vector_node *n, struct err *e)
{
	struct leaf_sizes sizes;
	int64_t live;

	leaf_indexes_free(l->leaf_indexes, l->leaf_index_count);
	l->leaf_indexes = NULL;
	l->leaf_index_count = 0;
	l->rows = l->dead = 0;
	l->leaf = (struct leaf){ n->oid, n->schema, n->name, n->qualified, n->label };
	if (!n->leaf)
		return true;
	if (!sizes_of_leaf(l->f->pg, &l->leaf, 0, &sizes, e) ||
	    !index_work_rows(l->f->pg, n->oid, &live, &l->dead, e) ||
	    !index_work_indexes(l->f->pg, l->table->id, &l->leaf, &l->leaf_indexes,
				&l->leaf_index_count, e))
		return false;
	l->rows = sizes.rows;
	for (size_t i = 0; i < l->due_count; i++)
		if (str_eq(l->due[i].leaf, n->label) && l->due[i].deleted > l->dead)
			l->dead = l->due[i].deleted;
	return true;
}

/* What the statistics and firn's own records say of an index that is valid. */
static bool measure(struct listing *l, const struct vector_index *ix, struct firn_index *out,
		    struct err *e)
{
	for (size_t i = 0; i < l->leaf_index_count; i++) {
		struct index_cost cost;

		if (!str_eq(l->leaf_indexes[i].name, ix->name))
			continue;
		if (!index_cost_of(l->f, &l->leaf_indexes[i], l->rows, l->dead, 0, &cost, e))
			return false;
		/* Of the rows that a partial index takes nothing is known. */
		if (!*ix->predicate)
			out->fresh_bytes = cost_fresh_bytes(&cost.shape);
		out->dead_share = cost.estimate.dead_share;
	}
	return index_work_last_build(l->f->pg, l->table->id, out->leaf, out->index,
				     &out->rebuilt_at, e);
}

static void set_options(const struct listing *l, const struct vector_index *ix,
			struct firn_index *out)
{
	if (str_eq(ix->method, "hnsw")) {
		out->m = ix->options.m ? ix->options.m : HNSW_DEFAULT_M;
		out->ef_construction = ix->options.ef_construction ? ix->options.ef_construction
								   : HNSW_DEFAULT_EF_CONSTRUCTION;
	} else if (str_eq(ix->method, "ivfflat")) {
		out->lists = ix->options.lists ? ix->options.lists : IVFFLAT_DEFAULT_LISTS;
		if (out->above || *ix->predicate)
			return;
		out->lists_recommended = index_lists_for(l->rows);
		out->lists_off = !index_lists_fit(out->lists, l->rows);
	}
}

static bool add(struct listing *l, const struct vector_index *ix, struct err *e)
{
	const struct vector_node *n = &l->have.nodes[ix->node];
	struct firn_index *out = &l->result->indexes[l->result->index_count++];

	*out = (struct firn_index){
		.table = mem_strdup(l->table->info->label, e),
		.leaf = mem_strdup(n->label, e),
		.index = mem_strdup(ix->name, e),
		.key = mem_strdup(ix->key, e),
		.opclass = mem_strdup(ix->opclass, e),
		.predicate = mem_strdup(ix->predicate, e),
		.above = !n->leaf,
		.valid = ix->valid,
		.attached = ix->parent != 0,
		.leftover = vector_index_is_leftover(ix),
		.rows = l->rows,
		.bytes = ix->bytes,
		.dead_share = -1,
	};
	snprintf(out->method, sizeof(out->method), "%s", ix->method);
	set_options(l, ix, out);
	l->result->leftovers += out->leftover;
	l->result->invalid += !out->valid;
	l->result->lists_off += out->lists_off;
	return out->table && out->leaf && out->index && out->key && out->opclass &&
	       out->predicate && (!n->leaf || !ix->valid || measure(l, ix, out, e));
}

static bool list_table(struct listing *l, size_t *capacity, struct err *e)
{
	void *array = l->result->indexes;
	size_t node = SIZE_MAX;
	bool ok;

	ok = vector_indexes_load(l->f->pg, l->table->info, &l->have, e) &&
	     index_work_due(l->f->pg, l->table->id, &l->due, &l->due_count, e) &&
	     mem_grow(&array, capacity, l->result->index_count + l->have.count,
		      sizeof(*l->result->indexes), e);
	l->result->indexes = array;
	for (size_t i = 0; ok && i < l->have.count; i++) {
		if (l->have.items[i].node != node) {
			node = l->have.items[i].node;
			ok = enter_node(l, &l->have.nodes[node], e);
		}
		ok = ok && add(l, &l->have.items[i], e);
	}
	leaf_indexes_free(l->leaf_indexes, l->leaf_index_count);
	due_work_free(l->due, l->due_count);
	vector_indexes_release(&l->have);
	return ok || err_wrap(e, "could not look at the indexes of \"%s\"", l->table->info->label);
}

bool firn_indexes_status(struct firn *f, struct firn_indexes_status *result, struct err *e)
{
	size_t capacity = 0;
	bool ok = engine_tables_given(f, e);

	*result = (struct firn_indexes_status){ 0 };
	for (size_t i = 0; ok && i < f->table_count; i++) {
		struct engine_table t = { 0 };
		struct listing l = { .f = f, .table = &t, .result = result };

		ok = engine_table_look(f, &f->tables[i], &t, e) && list_table(&l, &capacity, e);
		engine_table_close(&t);
	}
	return ok;
}
