#include "catalog/vector_probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

static void add_key(struct pg *pg, struct buf *sql, const struct vector_index *ix)
{
	if (ix->expression)
		buf_printf(sql, "(%s)", ix->key);
	else
		pg_add_identifier(pg, sql, ix->key);
}

static void add_predicate(struct buf *sql, const struct vector_index *ix, const char *word)
{
	if (*ix->predicate)
		buf_printf(sql, " %s (%s)", word, ix->predicate);
}

/* Of a vector without length the cosine distance is no number, and no index has it. */
static void add_sample(struct pg *pg, struct buf *sql, const struct table_info *t,
		       const struct vector_node *node, const struct vector_index *ix)
{
	bool any = false;

	buf_add_str(sql, "SELECT (");
	add_key(pg, sql, ix);
	buf_printf(sql, ")::text FROM ONLY %s WHERE (", node->qualified);
	add_key(pg, sql, ix);
	buf_printf(sql, " %s ", ix->operator_);
	add_key(pg, sql, ix);
	buf_add_str(sql, ") <> 'NaN'::float8");
	add_predicate(sql, ix, "AND");
	buf_add_str(sql, " ORDER BY pg_catalog.hashtextextended(pg_catalog.concat_ws('/'");
	for (size_t i = 0; i < t->column_count; i++) {
		if (!t->columns[i].in_key)
			continue;
		buf_add_str(sql, ", ");
		pg_add_identifier(pg, sql, t->columns[i].name);
		buf_add_str(sql, "::text");
		any = true;
	}
	buf_printf(sql, "%s), $1::bigint), ctid LIMIT $2::bigint", any ? "" : ", ctid::text");
}

bool vector_sample(struct pg *pg, const struct table_info *t, const struct vector_node *node,
		   const struct vector_index *ix, int64_t rows, int64_t seed, char ***out,
		   size_t *count_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	*out = NULL;
	*count_out = 0;
	add_sample(pg, &sql, t, node, ix);
	pg_param_i64(&p, seed);
	pg_param_i64(&p, rows);
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, &r, e);
	if (ok) {
		*out = mem_new((size_t)pg_rows(r), sizeof(**out), e);
		ok = *out != NULL;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		(*out)[(*count_out)++] = mem_strdup(pg_text(r, i, 0), e);
		ok = (*out)[i] != NULL;
	}
	pg_result_free(r);
	buf_release(&sql);
	return ok || err_wrap(e, "could not take a sample of \"%s\"", node->label);
}

void vector_queries_free(char **queries, size_t count)
{
	for (size_t i = 0; queries && i < count; i++)
		free(queries[i]);
	free(queries);
}

bool vector_probe_begin(struct pg *pg, int64_t ef_search, int64_t probes, struct err *e)
{
	return pg_begin(pg, "ISOLATION LEVEL REPEATABLE READ READ ONLY", e) &&
	       pg_exec(pg, "SET LOCAL statement_timeout = 0", e) &&
	       (ef_search == 0 ||
		pg_execf(pg, e, "SET LOCAL hnsw.ef_search = %lld", (long long)ef_search)) &&
	       (probes == 0 ||
		pg_execf(pg, e, "SET LOCAL ivfflat.probes = %lld", (long long)probes));
}

bool vector_probe_by(struct pg *pg, bool index, struct err *e)
{
	return pg_execf(pg, e,
			"SET LOCAL enable_seqscan = %s; SET LOCAL enable_indexscan = %s; "
			"SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off",
			index ? "off" : "on", index ? "on" : "off");
}

static void add_nearest(struct pg *pg, struct buf *sql, const struct vector_node *node,
			const struct vector_index *ix)
{
	buf_add_str(sql, "SELECT ");
	add_key(pg, sql, ix);
	buf_printf(sql, " %s $1::%s FROM ONLY %s", ix->operator_, ix->type, node->qualified);
	add_predicate(sql, ix, "WHERE");
	buf_add_str(sql, " ORDER BY ");
	add_key(pg, sql, ix);
	buf_printf(sql, " %s $1::%s LIMIT %d", ix->operator_, ix->type, PROBE_LIMIT);
}

bool vector_probe_uses(struct pg *pg, const struct vector_node *node, const struct vector_index *ix,
		       const char *query, bool *uses_out, char plan_out[200], struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct buf sql = BUF_INIT, using = BUF_INIT;
	struct pg_result *r = NULL;
	bool ok;

	*uses_out = false;
	plan_out[0] = '\0';
	buf_add_str(&sql, "EXPLAIN (COSTS OFF) ");
	add_nearest(pg, &sql, node, ix);
	buf_printf(&using, " using %s on ", ix->quoted_name);
	pg_param_text(&p, query);
	ok = buf_ok(&sql, e) && buf_ok(&using, e) && pg_query(pg, buf_str(&sql), &p, &r, e);
	for (int i = 0; ok && i < pg_rows(r); i++) {
		const char *line = pg_text(r, i, 0) + strspn(pg_text(r, i, 0), " ->");

		*uses_out |= strstr(line, buf_str(&using)) != NULL;
		if (strstr(line, "Scan"))
			snprintf(plan_out, 200, "%s", line);
	}
	pg_result_free(r);
	buf_release(&using);
	buf_release(&sql);
	return ok;
}

bool vector_nearest(struct pg *pg, const struct vector_node *node, const struct vector_index *ix,
		    const char *query, struct vector_nearest *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct buf sql = BUF_INIT;
	int64_t start_us;
	bool ok;

	*out = (struct vector_nearest){ 0 };
	add_nearest(pg, &sql, node, ix);
	pg_param_text(&p, query);
	start_us = clock_stopwatch_us();
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, &r, e);
	out->us = clock_stopwatch_us() - start_us;
	for (int i = 0; ok && i < pg_rows(r); i++) {
		double d = pg_f64(r, i, 0);

		if (!pg_is_null(r, i, 0) && !isnan(d))
			out->distances[out->count++] = d;
	}
	pg_result_free(r);
	buf_release(&sql);
	return ok;
}
