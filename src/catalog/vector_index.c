#include "catalog/vector_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "sql.h"

/* ---- what is there ---- */

static bool load_node(struct pg *pg, const struct pg_result *r, int row, struct vector_indexes *v,
		      struct err *e)
{
	struct vector_node *n = &v->nodes[v->node_count];
	struct buf b = BUF_INIT;

	*n = (struct vector_node){
		.oid = (uint32_t)pg_i64(r, row, 0),
		.parent = (uint32_t)pg_i64(r, row, 1),
		.leaf = pg_bool(r, row, 2),
		.schema = mem_strdup(pg_text(r, row, 3), e),
		.name = mem_strdup(pg_text(r, row, 4), e),
		.busy = pg_bool(r, row, 5),
	};
	n->parent_at = v->node_count++;
	for (size_t i = 0; i < v->node_count; i++)
		if (n->parent && v->nodes[i].oid == n->parent)
			n->parent_at = i;
	pg_add_qualified(pg, &b, pg_text(r, row, 3), pg_text(r, row, 4));
	n->qualified = buf_take(&b, e);
	buf_printf(&b, "%s.%s", pg_text(r, row, 3), pg_text(r, row, 4));
	n->label = buf_take(&b, e);
	return n->schema && n->name && n->qualified && n->label;
}

static bool load_index(struct pg *pg, const struct pg_result *r, int row, struct vector_indexes *v,
		       struct err *e)
{
	struct vector_index *ix = &v->items[v->count++];
	struct buf b = BUF_INIT;

	*ix = (struct vector_index){
		.node = v->node_count - 1,
		.oid = (uint32_t)pg_i64(r, row, 6),
		.name = mem_strdup(pg_text(r, row, 8), e),
		.quoted_name = mem_strdup(pg_text(r, row, 9), e),
		.key = mem_strdup(pg_text(r, row, 11), e),
		.expression = pg_bool(r, row, 12),
		.opclass = mem_strdup(pg_text(r, row, 13), e),
		.predicate = mem_strdup(pg_text(r, row, 14), e),
		.valid = pg_bool(r, row, 15),
		.parent = (uint32_t)pg_i64(r, row, 16),
		.options = { pg_i64(r, row, 17), pg_i64(r, row, 18), pg_i64(r, row, 19) },
		.bytes = pg_i64(r, row, 20),
		.dimensions = (int)pg_i64(r, row, 22),
		.type = mem_strdup(pg_text(r, row, 23), e),
		.operator_ = mem_strdup(pg_text(r, row, 24), e),
		.tablespace = mem_strdup(pg_text(r, row, 25), e),
		.comment = mem_strdup(pg_text(r, row, 26), e),
	};
	snprintf(ix->method, sizeof(ix->method), "%s", pg_text(r, row, 10));
	snprintf(ix->type_name, sizeof(ix->type_name), "%s", pg_text(r, row, 21));
	pg_add_qualified(pg, &b, pg_text(r, row, 7), pg_text(r, row, 8));
	ix->qualified = buf_take(&b, e);
	return ix->name && ix->quoted_name && ix->key && ix->opclass && ix->predicate && ix->type &&
	       ix->operator_ && ix->tablespace && ix->comment && ix->qualified;
}

bool vector_indexes_load(struct pg *pg, const struct table_info *t, struct vector_indexes *out,
			 struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	*out = (struct vector_indexes){ 0 };
	pg_param_i64(&p, t->oid);
	ok = pg_query(pg, sql_vector_indexes, &p, &r, e);
	if (ok) {
		out->nodes = mem_new((size_t)pg_rows(r), sizeof(*out->nodes), e);
		out->items = mem_new((size_t)pg_rows(r), sizeof(*out->items), e);
		ok = out->nodes && out->items;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		if (i == 0 || pg_i64(r, i, 0) != pg_i64(r, i - 1, 0))
			ok = load_node(pg, r, i, out, e);
		if (ok && !pg_is_null(r, i, 6))
			ok = load_index(pg, r, i, out, e);
	}
	if (ok && out->node_count == 0)
		ok = err_set(e, ERR_CONFIG, "table \"%s\" is gone", t->label);
	pg_result_free(r);
	if (ok)
		return true;
	vector_indexes_release(out);
	return err_wrap(e, "could not look at the indexes of \"%s\"", t->label);
}

void vector_indexes_release(struct vector_indexes *v)
{
	for (size_t i = 0; i < v->node_count; i++) {
		free(v->nodes[i].schema);
		free(v->nodes[i].name);
		free(v->nodes[i].qualified);
		free(v->nodes[i].label);
	}
	for (size_t i = 0; i < v->count; i++) {
		struct vector_index *ix = &v->items[i];

		free(ix->name);
		free(ix->qualified);
		free(ix->quoted_name);
		free(ix->key);
		free(ix->opclass);
		free(ix->predicate);
		free(ix->type);
		free(ix->operator_);
		free(ix->tablespace);
		free(ix->comment);
	}
	free(v->nodes);
	free(v->items);
	*v = (struct vector_indexes){ 0 };
}

bool vector_index_is_new(const struct vector_index *ix)
{
	return str_starts_with(ix->name, VECTOR_NEW_PREFIX);
}

bool vector_index_is_old(const struct vector_index *ix)
{
	return str_starts_with(ix->name, VECTOR_OLD_PREFIX);
}

bool vector_index_is_vector(const struct vector_index *ix)
{
	return str_eq(ix->method, "hnsw") || str_eq(ix->method, "ivfflat");
}

/* What REINDEX CONCURRENTLY calls its indexes: name, _ccnew or _ccold, and perhaps a number. */
static bool is_reindex_leftover(const struct vector_index *ix)
{
	size_t len = strlen(ix->name);

	while (len > 0 && ix->name[len - 1] >= '0' && ix->name[len - 1] <= '9')
		len--;
	return !ix->valid && len > 6 &&
	       (strncmp(ix->name + len - 6, "_ccnew", 6) == 0 ||
		strncmp(ix->name + len - 6, "_ccold", 6) == 0);
}

bool vector_index_is_leftover(const struct vector_index *ix)
{
	return vector_index_is_new(ix) || vector_index_is_old(ix) || is_reindex_leftover(ix);
}

int vector_type_bytes(const char *type_name, int dimensions)
{
	if (dimensions <= 0)
		return 0;
	return str_eq(type_name, "vector")    ? 8 + 4 * dimensions
	       : str_eq(type_name, "halfvec") ? 8 + 2 * dimensions
	       : str_eq(type_name, "bit")     ? 8 + (dimensions + 7) / 8
					      : 0;
}

/* ---- what is asked for ---- */

static void add_key(struct pg *pg, struct buf *sql, const struct vector_request *q)
{
	if (q->expression)
		buf_printf(sql, "(%s)", q->expression);
	else
		pg_add_identifier(pg, sql, q->column);
}

/* A subquery without rows is NULL, and still has its type. */
static bool find_type(struct pg *pg, const struct table_info *t, const struct vector_request *q,
		      int64_t *oid_out, char name_out[64], struct err *e)
{
	struct pg_result *r = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_str(&sql, "SELECT y.oid, y.typname FROM pg_catalog.pg_type y WHERE y.oid = "
			  "pg_catalog.pg_typeof((SELECT ");
	add_key(pg, &sql, q);
	buf_printf(&sql, " FROM ONLY %s LIMIT 0))::pg_catalog.oid", t->qualified);
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), NULL, &r, e);
	if (ok && pg_rows(r) != 1)
		ok = err_set(e, ERR_CONFIG, "the expression has no type");
	if (ok) {
		*oid_out = pg_i64(r, 0, 0);
		snprintf(name_out, 64, "%s", pg_text(r, 0, 1));
	}
	pg_result_free(r);
	buf_release(&sql);
	return ok;
}

static bool wanted_opclass(const struct vector_request *q, const char *type_name,
			   const struct pg_result *r, int row)
{
	char cosine[80];

	if (q->opclass)
		return str_eq(q->opclass, pg_text(r, row, 0));
	if (q->op)
		return str_eq(q->op, pg_text(r, row, 1));
	snprintf(cosine, sizeof(cosine), "%s_cosine_ops", type_name);
	return str_eq(pg_text(r, row, 0), cosine) || str_eq(pg_text(r, row, 0), "bit_hamming_ops");
}

static bool find_opclass(struct pg *pg, const struct vector_request *q, int64_t type,
			 const char *type_name, struct buf *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	char names[512] = "";
	bool ok;

	pg_param_text(&p, q->method);
	pg_param_i64(&p, type);
	if (!pg_query(pg, sql_vector_opclasses, &p, &r, e))
		return false;
	for (int i = 0; i < pg_rows(r); i++) {
		if (!out->len && wanted_opclass(q, type_name, r, i))
			buf_add_str(out, pg_text(r, i, 2));
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s (%s)",
			 *names ? ", " : "", pg_text(r, i, 0), pg_text(r, i, 1));
	}
	ok = buf_ok(out, e) && out->len > 0;
	if (!ok && !*names) {
		err_set(e, ERR_CONFIG, "%s cannot index the type %s", q->method, type_name);
		err_hint(e, "It may take a newer pgvector, or --expression with a cast.");
	} else if (!ok) {
		err_set(e, ERR_CONFIG, "%s has no operator class%s%s%s for the type %s", q->method,
			q->opclass || q->op ? " \"" : "",
			q->opclass ? q->opclass
			: q->op    ? q->op
				   : "",
			q->opclass || q->op ? "\"" : "", type_name);
		err_hint(e, "There are: %s.", names);
	}
	pg_result_free(r);
	return ok;
}

static bool read_shape(struct pg *pg, const struct vector_request *q, struct vector_shape *out,
		       struct err *e)
{
	struct pg_result *r = NULL;
	bool ok = pg_local_search_path(pg, false, e) && pg_query(pg, sql_vector_shape, NULL, &r, e);

	if (ok && (pg_rows(r) != 1 || pg_i64(r, 0, 7) != 1))
		ok = err_set(e, ERR_CONFIG, "a vector index has one key");
	if (ok) {
		snprintf(out->method, sizeof(out->method), "%s", q->method);
		out->key = mem_strdup(pg_text(r, 0, 0), e);
		out->expression = pg_bool(r, 0, 1);
		out->opclass = mem_strdup(pg_text(r, 0, 2), e);
		out->opclass_name = mem_strdup(pg_text(r, 0, 3), e);
		out->predicate = mem_strdup(pg_text(r, 0, 4), e);
		snprintf(out->type_name, sizeof(out->type_name), "%s", pg_text(r, 0, 5));
		out->dimensions = (int)pg_i64(r, 0, 6);
		ok = out->key && out->opclass && out->opclass_name && out->predicate;
	}
	pg_result_free(r);
	return ok;
}

/* pg_query takes one statement only, so that the operator's texts cannot add another. */
static bool try_shape(struct pg *pg, const struct table_info *t, const struct vector_request *q,
		      struct vector_shape *out, struct err *e)
{
	struct buf sql = BUF_INIT, opclass = BUF_INIT;
	char type_name[64];
	int64_t type;
	bool ok;

	ok = pg_local_search_path(pg, true, e) && find_type(pg, t, q, &type, type_name, e) &&
	     find_opclass(pg, q, type, type_name, &opclass, e) &&
	     pg_execf(pg, e, "CREATE TEMPORARY TABLE firn_shape (LIKE %s) ON COMMIT DROP",
		      t->qualified);
	if (ok) {
		buf_printf(&sql, "CREATE INDEX firn_shape_index ON pg_temp.firn_shape USING %s (",
			   q->method);
		add_key(pg, &sql, q);
		buf_printf(&sql, " %s)", buf_str(&opclass));
		if (q->predicate)
			buf_printf(&sql, " WHERE (%s)", q->predicate);
		ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), NULL, NULL, e) &&
		     read_shape(pg, q, out, e);
	}
	buf_release(&opclass);
	buf_release(&sql);
	return ok;
}

bool vector_shape_resolve(struct pg *pg, const struct table_info *t,
			  const struct vector_request *request, struct vector_shape *out,
			  struct err *e)
{
	bool ok;

	*out = (struct vector_shape){ 0 };
	if (!pg_begin(pg, NULL, e))
		return false;
	ok = try_shape(pg, t, request, out, e);
	pg_rollback(pg);
	if (ok)
		return true;
	vector_shape_release(out);
	/* Syntax, a limit of pgvector, a function that is not immutable: all of them are what was asked for. */
	if (e->code == ERR_INTERNAL || e->code == ERR_DATA)
		e->code = ERR_CONFIG;
	return err_wrap(e, "cannot make such an index on \"%s\"", t->label);
}

void vector_shape_release(struct vector_shape *s)
{
	free(s->key);
	free(s->opclass);
	free(s->opclass_name);
	free(s->predicate);
	*s = (struct vector_shape){ 0 };
}

bool vector_shape_matches(const struct vector_shape *s, const struct vector_index *ix)
{
	return str_eq(s->method, ix->method) && str_eq(s->key, ix->key) &&
	       s->expression == ix->expression && str_eq(s->opclass_name, ix->opclass) &&
	       str_eq(s->predicate, ix->predicate);
}

/* ---- statements ---- */

static void add_option(struct buf *sql, const char *name, int64_t value, bool *any)
{
	if (value <= 0)
		return;
	buf_printf(sql, "%s%s = %lld", *any ? ", " : " WITH (", name, (long long)value);
	*any = true;
}

void vector_add_create(struct pg *pg, struct buf *sql, const struct vector_shape *s,
		       const struct vector_node *node, const char *name,
		       const struct vector_options *options, const char *tablespace,
		       bool concurrently)
{
	bool any = false;

	buf_printf(sql, "CREATE INDEX %s", node->leaf && concurrently ? "CONCURRENTLY " : "");
	pg_add_identifier(pg, sql, name);
	buf_printf(sql, " ON ONLY %s USING %s (", node->qualified, s->method);
	if (s->expression)
		buf_printf(sql, "(%s)", s->key);
	else
		pg_add_identifier(pg, sql, s->key);
	buf_printf(sql, " %s)", s->opclass);
	add_option(sql, "m", options->m, &any);
	add_option(sql, "ef_construction", options->ef_construction, &any);
	add_option(sql, "lists", options->lists, &any);
	if (any)
		buf_add_byte(sql, ')');
	if (tablespace && *tablespace)
		buf_printf(sql, " TABLESPACE %s", tablespace);
	if (*s->predicate)
		buf_printf(sql, " WHERE %s", s->predicate);
}

void vector_add_attach(struct buf *sql, const char *parent_qualified, const char *child_qualified)
{
	buf_printf(sql, "ALTER INDEX %s ATTACH PARTITION %s;", parent_qualified, child_qualified);
}

bool vector_add_rename(struct pg *pg, struct buf *sql, const char *qualified, const char *to,
		       struct err *e)
{
	buf_printf(sql, "ALTER INDEX %s RENAME TO ", qualified);
	pg_add_identifier(pg, sql, to);
	buf_add_byte(sql, ';');
	return buf_ok(sql, e);
}

bool vector_add_comment(struct pg *pg, struct buf *sql, const char *schema, const char *name,
			const char *comment, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_text(&p, schema);
	pg_param_text(&p, name);
	pg_param_text(&p, comment);
	if (!pg_query(pg,
		      "SELECT pg_catalog.format('COMMENT ON INDEX %I.%I IS %L;', $1::text, "
		      "$2::text, $3::text)",
		      &p, &r, e))
		return false;
	buf_add_str(sql, pg_text(r, 0, 0));
	pg_result_free(r);
	return buf_ok(sql, e);
}

bool vector_run_short(struct pg *pg, const char *sql, int wait_ms, struct err *e)
{
	if (!pg_begin(pg, NULL, e))
		return false;
	if (pg_execf(pg, e, "SET LOCAL lock_timeout = %d", wait_ms) && pg_exec(pg, sql, e) &&
	    pg_commit(pg, e))
		return true;
	pg_rollback(pg);
	return false;
}

bool vector_run_alone(struct pg *pg, const char *sql, struct err *e)
{
	return pg_exec(pg, "SET statement_timeout = 0", e) && pg_exec(pg, sql, e);
}

bool vector_name_taken(struct pg *pg, const char *schema, const char *name, bool *taken_out,
		       struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_text(&p, schema);
	pg_param_text(&p, name);
	if (!pg_query(pg,
		      "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid "
		      "= c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
		      &p, &r, e))
		return false;
	*taken_out = pg_rows(r) > 0;
	pg_result_free(r);
	return true;
}

bool vector_is_valid(struct pg *pg, const char *qualified, bool *valid_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_text(&p, qualified);
	if (!pg_query(pg,
		      "SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid = "
		      "pg_catalog.to_regclass($1)",
		      &p, &r, e))
		return false;
	*valid_out = pg_rows(r) == 1 && pg_bool(r, 0, 0);
	pg_result_free(r);
	return true;
}

bool vector_set_up_build(struct pg *pg, int64_t memory_bytes, int64_t workers, struct err *e)
{
	/* Vectors lie in TOAST: by the heap's size alone Postgres would use too few workers. */
	if (!pg_exec(pg, "SET min_parallel_table_scan_size = 0", e))
		return false;
	if (memory_bytes > 0 &&
	    !pg_execf(pg, e, "SET maintenance_work_mem = '%lldkB'", (long long)memory_bytes / 1024))
		return false;
	return workers < 0 ||
	       pg_execf(pg, e, "SET max_parallel_maintenance_workers = %lld", (long long)workers);
}

bool vector_reset_build(struct pg *pg, struct err *e)
{
	return pg_exec(pg, "RESET maintenance_work_mem; RESET max_parallel_maintenance_workers", e);
}

bool vector_server_memory(struct pg *pg, struct vector_memory *out, struct err *e)
{
	struct pg_result *r = NULL;

	if (!pg_query(pg,
		      "SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting("
		      "'maintenance_work_mem')), pg_catalog.pg_size_bytes("
		      "pg_catalog.current_setting('shared_buffers'))",
		      NULL, &r, e))
		return false;
	*out = (struct vector_memory){ pg_i64(r, 0, 0), pg_i64(r, 0, 1) };
	pg_result_free(r);
	return true;
}

bool vector_build_progress(struct pg *pg, int pid, bool *found_out, struct vector_progress *out,
			   struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, pid);
	if (!pg_query(pg, sql_build_progress, &p, &r, e))
		return false;
	*found_out = pg_rows(r) == 1;
	if (*found_out) {
		snprintf(out->phase, sizeof(out->phase), "%s", pg_text(r, 0, 0));
		out->blocks = pg_i64(r, 0, 1);
		out->blocks_total = pg_i64(r, 0, 2);
		out->tuples = pg_i64(r, 0, 3);
		out->tuples_total = pg_i64(r, 0, 4);
	}
	pg_result_free(r);
	return true;
}

bool vector_cancel(struct pg *pg, int pid, struct err *e)
{
	return pg_execf(pg, e, "SELECT pg_catalog.pg_cancel_backend(%d)", pid);
}
