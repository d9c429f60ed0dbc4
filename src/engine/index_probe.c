#include "engine/index_probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"

double probe_recall(const struct vector_nearest *found, const struct vector_nearest *exact)
{
	double last = exact->count ? exact->distances[exact->count - 1] : 0;
	int hits = 0;

	if (exact->count == 0)
		return 1;
	for (int i = 0; i < found->count; i++)
		hits += found->distances[i] <= last;
	return (double)(hits < exact->count ? hits : exact->count) / exact->count;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double probe_percentile(double *values, size_t count, int percent)
{
	size_t rank;

	if (count == 0)
		return 0;
	qsort(values, count, sizeof(*values), ascending);
	rank = (count * (size_t)percent + 99) / 100;
	return values[rank > 0 ? rank - 1 : 0];
}

/* What the queries of one index gave. */
struct answers {
	struct vector_nearest *by_index, *exact;
	double *ann_ms, *exact_ms;
};

static void answers_release(struct answers *a)
{
	free(a->by_index);
	free(a->exact);
	free(a->ann_ms);
	free(a->exact_ms);
}

static bool ask(struct firn *f, const struct vector_node *node, const struct vector_index *ix,
		char *const *queries, size_t count, bool by_index, struct vector_nearest *out,
		double *ms_out, struct err *e)
{
	struct vector_nearest warm;

	if (!vector_probe_by(f->pg, by_index, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (signal_stop_requested())
			return err_set(e, ERR_INTERRUPTED, "asked to stop");
		/* The session's first one loads the extension and the caches. */
		if ((i == 0 && by_index &&
		     !vector_nearest(f->pg, node, ix, queries[i], &warm, e)) ||
		    !vector_nearest(f->pg, node, ix, queries[i], &out[i], e))
			return err_wrap(e, "query %zu", i + 1);
		ms_out[i] = (double)out[i].us / 1000;
	}
	return true;
}

static void sum_up(struct answers *a, size_t count, struct firn_index_probe *p)
{
	p->least_recall = 1;
	for (size_t i = 0; i < count; i++) {
		double recall = probe_recall(&a->by_index[i], &a->exact[i]);

		if (a->exact[i].count == 0)
			continue;
		p->queries++;
		p->recall += recall;
		if (recall < p->least_recall)
			p->least_recall = recall;
	}
	if (p->queries)
		p->recall /= (double)p->queries;
	p->ann_p50_ms = probe_percentile(a->ann_ms, count, 50);
	p->ann_p95_ms = probe_percentile(a->ann_ms, count, 95);
	p->exact_p50_ms = probe_percentile(a->exact_ms, count, 50);
	p->exact_p95_ms = probe_percentile(a->exact_ms, count, 95);
}

static bool note(struct firn_index_probe *p, const char *text, struct err *e)
{
	p->note = mem_strdup(text, e);
	return p->note != NULL;
}

/* Inside the transaction. */
static bool probe_queries(struct firn *f, const struct vector_node *node,
			  const struct vector_index *ix, char *const *queries, size_t count,
			  struct firn_index_probe *p, struct err *e)
{
	struct answers a = {
		mem_new(count, sizeof(*a.by_index), e),
		mem_new(count, sizeof(*a.exact), e),
		mem_new(count, sizeof(*a.ann_ms), e),
		mem_new(count, sizeof(*a.exact_ms), e),
	};
	bool ok = a.by_index && a.exact && a.ann_ms && a.exact_ms, uses = false;
	char plan[200], text[256];

	ok = ok && vector_probe_by(f->pg, true, e) &&
	     vector_probe_uses(f->pg, node, ix, queries[0], &uses, plan, e);
	if (ok && !uses) {
		snprintf(text, sizeof(text), "the planner does not use it: %s", plan);
		ok = note(p, text, e);
	} else if (ok) {
		ok = ask(f, node, ix, queries, count, true, a.by_index, a.ann_ms, e) &&
		     ask(f, node, ix, queries, count, false, a.exact, a.exact_ms, e);
		if (ok)
			sum_up(&a, count, p);
		if (ok && p->queries == 0)
			ok = note(p, "no row is at any distance from the queries", e);
	}
	answers_release(&a);
	return ok;
}

static bool probe_index(struct firn *f, const struct table_info *t, const struct vector_node *node,
			const struct vector_index *ix, const struct firn_indexes_probe_options *o,
			char *const *queries, size_t count, struct firn_index_probe *p,
			struct err *e)
{
	char **sample = NULL;
	size_t sample_count = 0;
	bool ok;

	*p = (struct firn_index_probe){
		.table = mem_strdup(t->label, e),
		.leaf = mem_strdup(node->label, e),
		.index = mem_strdup(ix->name, e),
		.opclass = mem_strdup(ix->opclass, e),
	};
	snprintf(p->method, sizeof(p->method), "%s", ix->method);
	if (!p->table || !p->leaf || !p->index || !p->opclass)
		return false;
	ok = vector_probe_begin(f->pg, o->ef_search, o->probes, e);
	if (ok && !queries) {
		ok = vector_sample(f->pg, t, node, ix, o->sample ? o->sample : PROBE_SAMPLE,
				   o->seed ? o->seed : PROBE_SEED, &sample, &sample_count, e);
		queries = sample;
		count = sample_count;
	}
	if (ok && count == 0)
		ok = note(p, "there are no rows to be found", e);
	else if (ok)
		ok = probe_queries(f, node, ix, queries, count, p, e);
	pg_rollback(f->pg);
	vector_queries_free(sample, sample_count);
	return ok || err_wrap(e, "could not probe index \"%s\"", ix->name);
}

bool probe_node(struct firn *f, const struct table_info *t, const struct vector_indexes *have,
		size_t node, const struct firn_indexes_probe_options *o, char *const *queries,
		size_t query_count, struct firn_indexes_probe *result, size_t *capacity,
		struct err *e)
{
	for (size_t i = 0; i < have->count; i++) {
		const struct vector_index *ix = &have->items[i];
		void *array = result->probes;

		if (ix->node != node || !have->nodes[node].leaf || !ix->valid ||
		    !vector_index_is_vector(ix) || vector_index_is_leftover(ix))
			continue;
		if (!mem_grow(&array, capacity, result->probe_count + 1, sizeof(*result->probes),
			      e))
			return false;
		result->probes = array;
		if (!probe_index(f, t, &have->nodes[node], ix, o, queries, query_count,
				 &result->probes[result->probe_count++], e))
			return false;
	}
	return true;
}

bool probe_leaf(struct firn *f, const struct table_info *t, const struct leaf *leaf,
		struct firn_indexes_probe *out, struct err *e)
{
	const struct firn_indexes_probe_options options = { 0 };
	struct vector_indexes have = { 0 };
	size_t capacity = 0;
	bool ok = vector_indexes_load(f->pg, t, &have, e);

	*out = (struct firn_indexes_probe){ .limit = PROBE_LIMIT };
	for (size_t n = 0; ok && n < have.node_count; n++)
		if (have.nodes[n].oid == leaf->oid)
			ok = probe_node(f, t, &have, n, &options, NULL, 0, out, &capacity, e);
	vector_indexes_release(&have);
	return ok;
}

static bool read_queries(const char *path, char ***out, size_t *count_out, struct err *e)
{
	FILE *file = fopen(path, "r");
	size_t capacity = 0, room = 0;
	void *array = NULL;
	char *line = NULL;
	ssize_t len;
	bool ok = true;

	if (!file)
		return err_set_errno(e, ERR_IO, errno, "could not open \"%s\"", path);
	while (ok && (len = getline(&line, &room, file)) > 0) {
		while (len > 0 && strchr(" \t\r\n", line[len - 1]))
			line[--len] = '\0';
		if (len == 0)
			continue;
		ok = mem_grow(&array, &capacity, *count_out + 1, sizeof(**out), e);
		*out = array;
		if (ok)
			(*out)[*count_out] = mem_strdup(line, e);
		ok = ok && (*out)[(*count_out)++];
	}
	if (ok && ferror(file))
		ok = err_set_errno(e, ERR_IO, errno, "could not read \"%s\"", path);
	if (ok && *count_out == 0)
		ok = err_set(e, ERR_DATA, "\"%s\" holds no vectors", path);
	fclose(file);
	free(line);
	return ok;
}

bool firn_indexes_probe(struct firn *f, const struct firn_indexes_probe_options *options,
			struct firn_indexes_probe *result, struct err *e)
{
	size_t count = 0, capacity = 0;
	char **queries = NULL;
	bool ok = engine_tables_given(f, e);

	*result = (struct firn_indexes_probe){ .limit = PROBE_LIMIT };
	if (ok && options->queries_path)
		ok = read_queries(options->queries_path, &queries, &count, e);
	for (size_t i = 0; ok && i < f->table_count; i++) {
		struct vector_indexes have = { 0 };
		struct engine_table t = { 0 };

		ok = engine_table_open(f, &f->tables[i], &t, e) &&
		     vector_indexes_load(f->pg, t.info, &have, e);
		for (size_t n = 0; ok && n < have.node_count; n++)
			ok = probe_node(f, t.info, &have, n, options, queries, count, result,
					&capacity, e);
		vector_indexes_release(&have);
		engine_table_close(&t);
	}
	vector_queries_free(queries, count);
	return ok;
}
