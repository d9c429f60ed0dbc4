#include "engine/bulk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"
#include "catalog/index_bulk.h"
#include "engine/index_cost.h"

/* Below this an index is not worth touching, whatever the share. */
#define LEAST_ROWS 1000
/* So much must be saved before a note recommends --bulk. */
#define NOTE_SAVES_S 10.0

static bool wanted(const struct selection_values *v, const char *text)
{
	for (size_t i = 0; i < v->count; i++)
		if (str_eq(v->texts[i], text))
			return true;
	return v->count == 0;
}

static bool count_segment(struct restore *r, const struct segment_record *s, int64_t *rows,
			  struct err *e)
{
	const struct selection *selection = r->selection;
	struct segment_group_row *groups = NULL;
	size_t count = 0;

	if (!selection->workspaces.count && !selection->versions.count) {
		*rows += s->rows_live;
		return true;
	}
	if (!catalog_segment_groups(r->f->pg, s->id, &groups, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (wanted(&selection->workspaces, groups[i].workspace) &&
		    wanted(&selection->versions, groups[i].version))
			*rows += groups[i].rows_live;
	segment_groups_free(groups, count);
	return true;
}

/* Where the rows go to is known by where they came from: leaves keep their hash ranges unless they are split. */
static bool count_incoming(struct restore *r, const struct segment_list *segments,
			   int64_t *incoming, struct err *e)
{
	const struct table_info *t = r->table->info;

	for (size_t i = 0; i < segments->count; i++) {
		struct leaf *leaf = table_info_leaf(t, segments->items[i].leaf);

		if (leaf && !count_segment(r, &segments->items[i], &incoming[leaf - t->leaves], e))
			return false;
	}
	return true;
}

static bool take_lease(struct bulk *b, struct restore *r, struct err *e)
{
	if (b->lease.held)
		return true;
	if (lease_take(&b->lease, r->f->pg, r->table->id, e))
		return true;
	if (e->code != ERR_BUSY)
		return false;
	err_clear(e);
	return restore_note(
		r, e,
		"a pass is working on table \"%s\": rows go into its vector indexes one "
		"by one",
		r->table->info->label);
}

/* The index of a leaf goes out of the way, or not. */
static bool take_away(struct bulk *b, struct restore *r, const struct leaf *leaf,
		      const struct leaf_index *index, const struct cost_load_estimate *load,
		      struct err *e)
{
	bool create = load->choice == COST_LOAD_RECREATE;
	double with_s = create ? load->recreate_s : load->thin_s;

	if (!r->options->bulk)
		return load->insert_s - with_s < NOTE_SAVES_S ||
		       restore_note(r, e,
				    "leaf \"%s\": its vector indexes make this take about %.0f s; "
				    "--bulk would take %.0f s",
				    leaf->label, load->insert_s, with_s);
	if (r->options->dry_run)
		return restore_note(r, e, "index \"%s\" would be %s, and built anew", index->name,
				    create ? "dropped before the load" : "filled with little care");
	if (!take_lease(b, r, e))
		return false;
	if (!b->lease.held)
		return true;
	if (FAULT("bulk.before_begin"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	/* Recorded before it is done: whatever becomes of it, maintenance follows. */
	b->begun = true;
	if (!index_bulk_begin(r->f->pg, r->table->id, leaf, index, create, e))
		return false;
	log_notice(&r->f->log, "index \"%s\" %s for the load", index->name,
		   create ? "was dropped" : "takes rows with little care");
	if (FAULT("bulk.after_begin"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	b->mixed |= create;
	b->thin |= !create;
	return true;
}

/* --bulk was asked for, and is not the faster way. */
static bool note_slower(struct restore *r, const struct leaf *leaf, const struct leaf_index *index,
			const struct cost_load_estimate *load, bool can_drop, struct err *e)
{
	double with_s =
		can_drop && load->recreate_s < load->thin_s ? load->recreate_s : load->thin_s;

	if (with_s >= load->insert_s)
		return restore_note(r, e,
				    "leaf \"%s\": rows go into index \"%s\" one by one, which "
				    "is expected to take %.1f s; --bulk would not be faster",
				    leaf->label, index->name, load->insert_s);
	return restore_note(r, e,
			    "leaf \"%s\": rows go into index \"%s\" one by one, which is expected "
			    "to take %.1f s, against %.1f s with --bulk: too little is saved",
			    leaf->label, index->name, load->insert_s, with_s);
}

static bool note_few(struct restore *r, int64_t rows, int64_t leaves, struct err *e)
{
	return rows == 0 ||
	       restore_note(r, e,
			    "%" PRId64 " %s of %" PRId64 " %s go in one by one: --bulk begins at "
			    "%d rows of a leaf",
			    rows, rows == 1 ? "row" : "rows", leaves,
			    leaves == 1 ? "leaf" : "leaves", LEAST_ROWS);
}

/* What an earlier load took away comes back as it was then: whatever stands there now, this load leaves it as it is. */
static bool is_pending(struct restore *r, const struct leaf_index *index,
		       const struct index_restore *pending, size_t count)
{
	bool found = false;

	for (size_t i = 0; i < count && !found; i++) {
		struct buf name = BUF_INIT;

		pg_add_qualified(r->f->pg, &name, pending[i].schema, pending[i].name);
		found = name.failed || str_eq(buf_str(&name), index->qualified);
		buf_release(&name);
	}
	return found;
}

static bool begin_leaf(struct bulk *b, struct restore *r, const struct leaf *leaf, int64_t incoming,
		       struct err *e)
{
	struct leaf_index *indexes = NULL;
	struct index_restore *pending = NULL;
	int64_t rows, dead;
	size_t count = 0, pending_count = 0;
	bool can_drop, ok;

	ok = index_work_rows(r->f->pg, leaf->oid, &rows, &dead, e) &&
	     index_bulk_list(r->f->pg, r->table->id, &pending, &pending_count, e) &&
	     index_work_indexes(r->f->pg, r->table->id, leaf, &indexes, &count, e);
	for (size_t i = 0; ok && i < count; i++) {
		struct cost_load_estimate load;
		struct index_cost cost;

		if (!indexes[i].vector)
			continue;
		if (is_pending(r, &indexes[i], pending, pending_count)) {
			b->mixed = true;
			continue;
		}
		ok = index_cost_of(r->f, &indexes[i], rows, 0, 0, &cost, e) &&
		     index_bulk_can_drop(r->f->pg, &indexes[i], &can_drop, e);
		if (!ok)
			break;
		load = cost_load(&cost.constants, &cost.shape, incoming, r->sessions, can_drop);
		b->mixed |= *b->method && (!str_eq(b->method, indexes[i].method) ||
					   b->dimensions != indexes[i].dimensions);
		snprintf(b->method, sizeof(b->method), "%s", indexes[i].method);
		b->dimensions = indexes[i].dimensions;
		b->links = indexes[i].links;
		if (load.choice != COST_LOAD_INSERT)
			ok = take_away(b, r, leaf, &indexes[i], &load, e);
		else if (r->options->bulk)
			ok = note_slower(r, leaf, &indexes[i], &load, can_drop, e);
		b->mixed |= b->thin && load.choice == COST_LOAD_INSERT;
	}
	leaf_indexes_free(indexes, count);
	index_restores_free(pending, pending_count);
	return ok;
}

bool bulk_begin(struct bulk *b, struct restore *r, const struct segment_list *segments,
		struct err *e)
{
	const struct table_info *t = r->table->info;
	int64_t *incoming, few = 0, few_leaves = 0;
	bool ok;

	*b = (struct bulk){ 0 };
	if (r->options->document_count || r->options->chunk_count)
		return !r->options->bulk ||
		       restore_note(r, e,
				    "documents and chunks come back one by one, with --bulk, too");
	incoming = mem_new(t->leaf_count, sizeof(*incoming), e);
	ok = incoming && count_incoming(r, segments, incoming, e);
	for (size_t i = 0; ok && i < t->leaf_count; i++) {
		b->rows += incoming[i];
		if (incoming[i] >= LEAST_ROWS)
			ok = begin_leaf(b, r, &t->leaves[i], incoming[i], e);
		if (incoming[i] > 0 && incoming[i] < LEAST_ROWS) {
			b->mixed |= b->thin;
			few += incoming[i];
			few_leaves++;
		}
	}
	if (ok && r->options->bulk)
		ok = note_few(r, few, few_leaves, e);
	free(incoming);
	return ok;
}

bool bulk_log(const struct bulk *b, struct restore *r, int64_t rows, double seconds, struct err *e)
{
	if (!*b->method || b->mixed || rows < LEAST_ROWS)
		return true;
	return index_work_log(r->f->pg,
			      &(struct work_log){
				      .table_id = r->table->id,
				      .leaf = "",
				      .index = "",
				      .method = b->method,
				      .action = b->thin ? "insert-thin" : "insert",
				      .rows = rows,
				      .seconds = seconds,
				      .dimensions = b->dimensions,
				      .links = b->links,
			      },
			      e);
}
