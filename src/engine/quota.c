#include "engine/quota.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/leaf_quiet.h"
#include "engine/fair.h"

/* Rows that are due, of all versions. */
struct due {
	size_t leaf;
	int rule;
	char *workspace;
	int64_t rows, bytes;
	int64_t quota;
};

struct collecting {
	const struct candidate_rules *rules;
	const struct table_info *t;
	struct decisions *notes; /* NULL: none */
	size_t leaf;
	struct due *items;
	size_t count, capacity;
};

static void note(const struct collecting *c, size_t leaf, int rule, const char *decision,
		 const char *reason, int64_t rows)
{
	if (c->notes && rows > 0)
		decisions_note(c->notes,
			       &(struct pass_decision){ .leaf = c->t->leaves[leaf].label,
							.rule = c->rules->rules[rule].name,
							.decision = decision,
							.reason = reason,
							.times = 1,
							.rows = rows });
}

static bool add_group(void *ctx, const struct candidate_group *g, struct err *e)
{
	struct collecting *c = ctx;
	void *items = c->items;
	struct due *item;

	if (c->rules->rules[g->rule].keep) {
		note(c, c->leaf, g->rule, "kept", NULL, g->rows);
		return true;
	}
	if (!mem_grow(&items, &c->capacity, c->count + 1, sizeof(*item), e))
		return false;
	c->items = items;
	item = &c->items[c->count];
	*item = (struct due){
		.leaf = c->leaf,
		.rule = g->rule,
		.workspace = mem_strdup(g->workspace, e),
		.rows = g->rows,
		.bytes = g->copy_bytes,
	};
	c->count += item->workspace != NULL;
	return item->workspace != NULL;
}

static int compare(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* A workspace's rows in the order in which they are served. */
static int by_workspace(const void *a, const void *b)
{
	const struct due *x = a, *y = b;
	int order = strcmp(x->workspace, y->workspace);

	if (order == 0)
		order = compare(x->rule, y->rule);
	return order ? order : compare((int64_t)x->leaf, (int64_t)y->leaf);
}

/* Versions of a workspace, and rows without a workspace and those of "", count together. */
static void merge(struct collecting *c)
{
	size_t kept = 0;

	if (c->count == 0)
		return;
	qsort(c->items, c->count, sizeof(*c->items), by_workspace);
	for (size_t i = 1; i < c->count; i++) {
		struct due *last = &c->items[kept];

		if (by_workspace(last, &c->items[i]) == 0) {
			last->rows += c->items[i].rows;
			last->bytes += c->items[i].bytes;
			free(c->items[i].workspace);
		} else {
			c->items[++kept] = c->items[i];
		}
	}
	c->count = kept + 1;
}

static int by_leaf(const void *a, const void *b)
{
	const struct due *x = a, *y = b;

	return compare((int64_t)x->leaf, (int64_t)y->leaf);
}

/* Those that may move at all, by leaf. */
static bool keep_quotas(struct collecting *c, size_t leaves, struct quota *out, struct err *e)
{
	size_t leaf = 0;

	if (c->count > 0)
		qsort(c->items, c->count, sizeof(*c->items), by_leaf);
	out->items = mem_new(c->count + 1, sizeof(*out->items), e);
	out->first = mem_new(leaves + 1, sizeof(*out->first), e);
	out->workspaces = mem_new(c->count + 1, sizeof(*out->workspaces), e);
	if (!out->items || !out->first || !out->workspaces)
		return false;
	for (size_t i = 0; i < c->count; i++) {
		struct due *d = &c->items[i];

		note(c, d->leaf, d->rule, "left", "limits: for the next pass", d->rows - d->quota);
		if (d->quota == 0)
			continue;
		while (leaf < d->leaf)
			out->first[++leaf] = out->workspace_count;
		out->rows += d->quota;
		out->items[out->workspace_count] =
			(struct candidate_quota){ d->rule, d->workspace, d->quota };
		out->workspaces[out->workspace_count++] = d->workspace;
		d->workspace = NULL;
	}
	while (leaf < leaves)
		out->first[++leaf] = out->workspace_count;
	return true;
}

static bool share(struct collecting *c, const struct fair_limits *limits, int64_t turn, bool *cut,
		  struct err *e)
{
	struct fair_group *groups = mem_new(c->count + 1, sizeof(*groups), e);
	struct fair_limits own = *limits;
	uint32_t workspaces = 0;
	bool ok = groups != NULL;

	for (size_t i = 0; ok && i < c->count; i++) {
		workspaces +=
			i == 0 || strcmp(c->items[i].workspace, c->items[i - 1].workspace) != 0;
		groups[i] = (struct fair_group){ .workspace = workspaces - 1,
						 .rows = c->items[i].rows,
						 .bytes = c->items[i].bytes };
	}
	own.first = workspaces ? (uint32_t)(turn % workspaces) : 0;
	ok = ok && fair_share(groups, c->count, workspaces, &own, cut, e);
	for (size_t i = 0; ok && i < c->count; i++)
		c->items[i].quota = groups[i].quota;
	free(groups);
	return ok;
}

/* A leaf in which nothing is due is noted as such, and not read the next time. */
static bool plan_leaf(struct pg *pg, const struct engine_table *t, struct collecting *c,
		      struct err *e)
{
	const struct leaf *leaf = &t->info->leaves[c->leaf];
	struct leaf_quiet quiet;
	size_t before = c->count;

	if (!leaf_quiet_look(pg, t->info, leaf, t->id, c->rules, &quiet, e))
		return false;
	if (quiet.quiet)
		return true;
	return candidates_plan(pg, t->info, leaf, t->id, c->rules, add_group, c, e) &&
	       (c->count > before || !quiet.possible ||
		leaf_quiet_note(pg, t->info, leaf, t->id, c->rules, &quiet, e));
}

bool quota_make(struct pg *pg, const struct engine_table *t, const struct candidate_rules *rules,
		int64_t max_rows, int64_t max_bytes, int64_t turn, struct decisions *notes,
		struct quota *out, struct err *e)
{
	struct collecting c = { .rules = rules, .t = t->info, .notes = notes };
	const struct fair_limits limits = { .rows = max_rows, .bytes = max_bytes };
	bool ok = true;

	*out = (struct quota){ 0 };
	for (c.leaf = 0; ok && c.leaf < t->info->leaf_count; c.leaf++)
		ok = plan_leaf(pg, t, &c, e);
	if (ok) {
		merge(&c);
		ok = share(&c, &limits, turn, &out->cut, e) &&
		     keep_quotas(&c, t->info->leaf_count, out, e);
	}
	for (size_t i = 0; i < c.count; i++)
		free(c.items[i].workspace);
	free(c.items);
	return ok;
}

struct candidate_quotas quota_of_leaf(const struct quota *q, size_t leaf)
{
	return (struct candidate_quotas){ q->items + q->first[leaf],
					  q->first[leaf + 1] - q->first[leaf] };
}

void quota_release(struct quota *q)
{
	for (size_t i = 0; i < q->workspace_count; i++)
		free(q->workspaces[i]);
	free(q->workspaces);
	free(q->items);
	free(q->first);
	*q = (struct quota){ 0 };
}

/* ---- leaves ---- */

struct leaf_turn {
	size_t leaf;
	int64_t last; /* segment; 0: there was none */
};

static int by_last(const void *a, const void *b)
{
	const struct leaf_turn *x = a, *y = b;
	int order = compare(x->last, y->last);

	return order ? order : compare((int64_t)x->leaf, (int64_t)y->leaf);
}

struct leaf_turns {
	const struct table_info *t;
	struct leaf_turn *items;
};

static bool note_last(void *ctx, const char *leaf, int64_t last_segment, struct err *e)
{
	struct leaf_turns *turns = ctx;

	(void)e;
	for (size_t i = 0; i < turns->t->leaf_count; i++)
		if (strcmp(turns->t->leaves[i].label, leaf) == 0)
			turns->items[i].last = last_segment;
	return true;
}

size_t *quota_leaf_order(struct pg *pg, const struct engine_table *t, struct err *e)
{
	size_t count = t->info->leaf_count;
	struct leaf_turns turns = { t->info, mem_new(count + 1, sizeof(*turns.items), e) };
	size_t *order = mem_new(count + 1, sizeof(*order), e);
	bool ok = order && turns.items;

	for (size_t i = 0; ok && i < count; i++)
		turns.items[i].leaf = i;
	ok = ok && catalog_last_segments(pg, t->id, note_last, &turns, e);
	if (ok && count > 0)
		qsort(turns.items, count, sizeof(*turns.items), by_last);
	for (size_t i = 0; ok && i < count; i++)
		order[i] = turns.items[i].leaf;
	free(turns.items);
	if (!ok) {
		free(order);
		order = NULL;
	}
	return order;
}
