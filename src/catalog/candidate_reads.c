#include "catalog/candidate_reads.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"

bool candidate_reads_look(struct pg *pg, int64_t table_id, struct candidate_reads *r, struct err *e)
{
	static const char sql[] =
		"WITH logged AS NOT MATERIALIZED (SELECT l.workspace FROM firn.touch_log l WHERE "
		"l.managed IN (SELECT o.oid FROM firn.touch_oid o WHERE o.table_id = $1::bigint)) "
		"SELECT EXISTS (SELECT 1 FROM firn.heat WHERE table_id = $1::bigint AND workspace "
		"= '') OR EXISTS (SELECT 1 FROM logged WHERE workspace = ''), "
		"EXISTS (SELECT 1 FROM firn.heat WHERE table_id = $1::bigint AND workspace > '') "
		"OR EXISTS (SELECT 1 FROM logged WHERE workspace <> '')";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;

	pg_param_i64(&p, table_id);
	if (!pg_query(pg, sql, &p, &result, e))
		return err_wrap(e, "could not look for reads");
	r->without_workspace = pg_bool(result, 0, 0);
	r->by_workspace = pg_bool(result, 0, 1);
	pg_result_free(result);
	return true;
}

/* ---- ids ---- */

enum id_kind {
	ID_TEXT, /* compared as text; of several columns, with commas between them */
	ID_UUID,
	ID_INTEGER,
};

static enum id_kind id_kind(const struct table_info *t)
{
	enum id_kind kind = ID_TEXT;
	size_t columns = 0;

	for (size_t i = 0; i < t->column_count; i++) {
		const char *type = t->columns[i].type_name;

		if (t->columns[i].role != COLUMN_ID)
			continue;
		columns++;
		if (str_eq(type, "uuid"))
			kind = ID_UUID;
		else if (str_eq(type, "int2") || str_eq(type, "int4") || str_eq(type, "int8"))
			kind = ID_INTEGER;
	}
	return columns == 1 ? kind : ID_TEXT;
}

/* The row's id, as reads name it. */
static void add_row_id(struct pg *pg, struct buf *b, const struct table_info *t, const char *alias)
{
	bool as_text = id_kind(t) == ID_TEXT, first = true;

	buf_add_byte(b, '(');
	for (size_t i = 0; i < t->column_count; i++) {
		if (t->columns[i].role != COLUMN_ID)
			continue;
		buf_printf(b, "%s%s.", first ? "" : " || ',' || ", alias);
		pg_add_identifier(pg, b, t->columns[i].name);
		if (as_text)
			buf_add_str(b, "::text");
		first = false;
	}
	buf_add_byte(b, ')');
}

/* A read's id as a value to compare with the row's; NULL when it is none. */
static void add_read_id(struct buf *b, const struct table_info *t, const char *expression)
{
	switch (id_kind(t)) {
	case ID_UUID: /* however it was written: Postgres takes capitals, braces and other hyphens */
		buf_printf(b,
			   "CASE WHEN pg_catalog.translate(%s, '{}-', '') ~ "
			   "'^[0-9a-fA-F]{32}$' THEN pg_catalog.translate(%s, '{}-', '')::uuid END",
			   expression, expression);
		break;
	case ID_INTEGER:
		buf_printf(b,
			   "CASE WHEN %s ~ '^[-+]?[0-9]{1,19}$' THEN CASE WHEN %s::numeric BETWEEN "
			   "-9223372036854775808 AND 9223372036854775807 THEN %s::bigint END END",
			   expression, expression, expression);
		break;
	default:
		buf_add_str(b, expression);
	}
}

bool candidate_reads_takes(const struct table_info *t, const char *id)
{
	enum id_kind kind = id_kind(t);
	struct err ignored = { 0 };
	size_t digits = 0;
	int64_t n;

	if (kind == ID_UUID) {
		for (; *id; id++)
			if (isxdigit((unsigned char)*id))
				digits++;
			else if (!strchr("{}-", *id))
				return false;
		return digits == 32;
	}
	return kind != ID_INTEGER || str_parse_i64(id, &n, &ignored);
}

static void add_workspace(struct pg *pg, struct buf *b, const struct table_info *t,
			  const char *alias)
{
	buf_printf(b, "%s.", alias);
	pg_add_identifier(pg, b, table_info_column(t, COLUMN_WORKSPACE)->name);
}

static void add_document(struct pg *pg, struct buf *b, const struct table_info *t,
			 const char *alias)
{
	buf_printf(b, "%s.", alias);
	pg_add_identifier(pg, b, table_info_column(t, COLUMN_DOCUMENT)->name);
}

static void add_logged(struct buf *b, int64_t table_id)
{
	buf_printf(b,
		   "firn.touch_log l, unnest(l.ids) i (id) WHERE l.managed IN (SELECT o.oid FROM "
		   "firn.touch_oid o WHERE o.table_id = %" PRId64 ")",
		   table_id);
}

/* ---- finding candidates ---- */

static void add_chunk_joins(struct pg *pg, struct buf *b, const struct table_info *t,
			    const char *alias, const struct candidate_reads *r)
{
	if (r->without_workspace) {
		buf_add_str(b, " LEFT JOIN firn_reads ra ON ra.workspace = '' AND ra.chunk = ");
		add_row_id(pg, b, t, alias);
	}
	if (r->by_workspace) {
		buf_add_str(b,
			    " LEFT JOIN firn_reads rw ON rw.workspace <> '' AND rw.workspace = ");
		add_workspace(pg, b, t, alias);
		buf_add_str(b, "::text AND rw.chunk = ");
		add_row_id(pg, b, t, alias);
	}
}

/* Where a document's chunks are: all of a workspace are in one leaf, or anywhere. */
static void add_scope(struct buf *b, const struct table_info *t, const struct leaf *leaf)
{
	if (t->workspace_in_leaf)
		buf_printf(b, "ONLY %s r", leaf->qualified);
	else
		buf_printf(b, "%s r", t->qualified);
}

void candidate_reads_add_ctes(struct pg *pg, struct buf *b, const struct table_info *t,
			      const struct leaf *leaf, int64_t table_id, int64_t half_life_s,
			      const struct candidate_reads *r)
{
	const struct candidate_reads of_chunk = { r->without_workspace, r->by_workspace, false };

	buf_add_str(b, "firn_reads AS MATERIALIZED (SELECT q.workspace, q.chunk, max(q.at) AS at, "
		       "sum(q.heat) AS heat FROM (SELECT x.workspace, ");
	add_read_id(b, t, "x.chunk");
	buf_printf(b,
		   " AS chunk, x.at, x.heat * pg_catalog.power(2::float8, -least(greatest("
		   "pg_catalog.date_part('epoch', pg_catalog.now() - x.at) / %" PRId64
		   "::float8, 0), 1000)) AS heat FROM (SELECT h.workspace COLLATE "
		   "pg_catalog.\"default\" AS workspace, h.chunk COLLATE pg_catalog.\"default\" AS "
		   "chunk, h.last_read AS at, h.heat FROM firn.heat h WHERE h.table_id = %" PRId64
		   " UNION ALL SELECT l.workspace, i.id, least(l.read_at, pg_catalog.now()), 1 "
		   "FROM ",
		   half_life_s, table_id);
	add_logged(b, table_id);
	buf_add_str(b, ") x) q WHERE q.chunk IS NOT NULL GROUP BY 1, 2), ");
	if (!r->of_document)
		return;
	buf_add_str(b, "firn_doc_reads AS MATERIALIZED (SELECT ");
	add_workspace(pg, b, t, "r");
	buf_add_str(b, " AS w, ");
	add_document(pg, b, t, "r");
	buf_add_str(b, " AS d, max(greatest(NULL");
	candidate_reads_add_times(b, &of_chunk, false);
	buf_add_str(b, ")) AS at, sum(");
	candidate_reads_add_heat(b, &of_chunk, false);
	buf_add_str(b, ") AS heat FROM ");
	add_scope(b, t, leaf);
	add_chunk_joins(pg, b, t, "r", r);
	buf_add_str(b, " WHERE greatest(NULL");
	candidate_reads_add_times(b, &of_chunk, false);
	buf_add_str(b, ") IS NOT NULL AND ");
	add_document(pg, b, t, "r");
	buf_add_str(b, " IS NOT NULL GROUP BY 1, 2), ");
}

void candidate_reads_add_joins(struct pg *pg, struct buf *b, const struct table_info *t,
			       const struct candidate_reads *r)
{
	add_chunk_joins(pg, b, t, "t", r);
	if (!r->of_document)
		return;
	buf_add_str(b, " LEFT JOIN firn_doc_reads da ON da.w = ");
	add_workspace(pg, b, t, "t");
	buf_add_str(b, " AND da.d = ");
	add_document(pg, b, t, "t");
}

void candidate_reads_add_times(struct buf *b, const struct candidate_reads *r, bool of_document)
{
	if (r->without_workspace)
		buf_add_str(b, ", ra.at");
	if (r->by_workspace)
		buf_add_str(b, ", rw.at");
	if (of_document)
		buf_add_str(b, ", da.at");
}

void candidate_reads_add_heat(struct buf *b, const struct candidate_reads *r, bool of_document)
{
	/* A row without a document, or without a workspace, has only its own. */
	buf_printf(b, "coalesce(%s%s%s0)", of_document ? "da.heat, " : "",
		   r->without_workspace && r->by_workspace ? "ra.heat + rw.heat, ra.heat, rw.heat, "
		   : r->without_workspace                  ? "ra.heat, "
							   : "",
		   r->by_workspace && !r->without_workspace ? "rw.heat, " : "");
}

/* ---- deleting ---- */

static bool key_has(const struct table_info *t, enum column_role role)
{
	for (size_t i = 0; i < t->column_count; i++)
		if (t->columns[i].role == role && !t->columns[i].in_key)
			return false;
	return true;
}

static void add_same_chunk(struct pg *pg, struct buf *b, const struct table_info *t,
			   const char *alias)
{
	buf_add_str(b, "k.chunk = ");
	add_row_id(pg, b, t, alias);
	buf_add_str(b, " AND (k.workspace = '' OR k.workspace = ");
	add_workspace(pg, b, t, alias);
	buf_add_str(b, "::text)");
}

void candidate_reads_recheck_sql(struct pg *pg, const struct table_info *t, const struct leaf *leaf,
				 int64_t table_id, bool of_document, struct buf *ctes,
				 struct buf *conditions)
{
	/* firn_move has the columns of the key; those that are not in it are the row's. */
	bool in_key = key_has(t, COLUMN_ID) && key_has(t, COLUMN_WORKSPACE);

	buf_add_str(ctes, ctes->len ? ", " : "");
	buf_add_str(ctes, "firn_touch AS MATERIALIZED (SELECT DISTINCT q.workspace, q.chunk FROM "
			  "(SELECT l.workspace, ");
	add_read_id(ctes, t, "i.id");
	buf_add_str(ctes, " AS chunk FROM ");
	add_logged(ctes, table_id);
	buf_add_str(ctes, ") q WHERE q.chunk IS NOT NULL), firn_touched AS MATERIALIZED (SELECT "
			  "m.firn_row FROM pg_temp.firn_move m ");
	if (!in_key)
		buf_printf(ctes, "JOIN ONLY %s r ON r.ctid = m.firn_tid ", leaf->qualified);
	buf_add_str(ctes, "JOIN firn_touch k ON ");
	add_same_chunk(pg, ctes, t, in_key ? "m" : "r");
	buf_add_str(ctes, ")");
	/* In a CASE it is looked up in a hash table, as with firn_replaced. */
	buf_add_str(conditions, " AND CASE WHEN m.firn_row IN (SELECT n.firn_row FROM firn_touched "
				"n) THEN false ELSE true END AND EXISTS (SELECT 1 FROM "
				"firn.touch_state s JOIN firn.touch_log l ON l.managed = 0 AND "
				"l.ids = ARRAY[s.marker::text])");
	if (!of_document)
		return;
	buf_add_str(ctes, ", firn_touched_doc AS MATERIALIZED (SELECT DISTINCT x.firn_doc FROM "
			  "pg_temp.firn_moved_doc x JOIN ");
	add_scope(ctes, t, leaf);
	buf_add_str(ctes, " ON ");
	add_workspace(pg, ctes, t, "r");
	buf_add_str(ctes, " = x.w AND ");
	add_document(pg, ctes, t, "r");
	buf_add_str(ctes, " = x.d JOIN firn_touch k ON ");
	add_same_chunk(pg, ctes, t, "r");
	buf_add_str(ctes, ")");
	buf_add_str(conditions, " AND CASE WHEN m.firn_doc IN (SELECT n.firn_doc FROM "
				"firn_touched_doc n) THEN false ELSE true END");
}

/* heat is kept as it was at the last read, which counts 1 of it: what is beyond that is what reads before it still weighed
 * then, and one within idle_s would weigh at least two to the power of minus idle_s in half-lives. */
bool candidate_reads_woken(struct pg *pg, const struct table_info *t, int64_t table_id,
			   int64_t half_life_s, int64_t idle_s, int64_t window_s, int64_t *out,
			   struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	pg_param_i64(&p, table_id);
	pg_param_i64(&p, idle_s);
	pg_param_i64(&p, window_s);
	pg_param_i64(&p, half_life_s);
	buf_add_str(&sql, "SELECT count(*) FROM (SELECT h.workspace, ");
	add_read_id(&sql, t, "h.chunk");
	buf_add_str(&sql,
		    " AS chunk, h.last_read FROM firn.heat h WHERE h.table_id = $1::bigint AND "
		    "h.last_read > pg_catalog.now() - make_interval(secs => $3::bigint) AND h.heat "
		    ">= 1 AND h.heat - 1 < pg_catalog.power(2::float8, -least(1000, "
		    "$2::float8 / $4::bigint))) q JOIN ");
	buf_printf(&sql, "%s t ON q.chunk = ", t->qualified);
	add_row_id(pg, &sql, t, "t");
	buf_add_str(&sql, " AND (q.workspace = '' OR q.workspace = ");
	add_workspace(pg, &sql, t, "t");
	buf_add_str(&sql, "::text) WHERE t.");
	pg_add_identifier(pg, &sql, table_info_column(t, COLUMN_CREATED)->name);
	buf_add_str(&sql, " < q.last_read - make_interval(secs => $2::bigint)");
	ok = buf_ok(&sql, e) && pg_query(pg, buf_str(&sql), &p, &r, e);
	*out = ok ? pg_i64(r, 0, 0) : 0;
	pg_result_free(r);
	buf_release(&sql);
	return ok ||
	       err_wrap(e, "could not count chunks of table \"%s\" that were read again", t->label);
}
