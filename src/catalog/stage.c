#include "catalog/stage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/mem.h"

#define STAGE "pg_temp.firn_stage"

static void add_names(struct stage *s, struct buf *b, const char *alias, const char *separator)
{
	for (size_t i = 0; i < s->column_count; i++) {
		buf_printf(b, "%s%s%s", i ? separator : "", alias, *alias ? "." : "");
		pg_add_identifier(s->pg, b, s->columns[i].name);
	}
}

/* "left.k1 = right.k1 AND ..." over the managed table's key. */
static void add_key_join(struct stage *s, struct buf *b, const char *left, const char *right)
{
	const struct table_info *t = s->table;
	bool first = true;

	for (size_t i = 0; i < t->column_count; i++) {
		if (!t->columns[i].in_key)
			continue;
		buf_printf(b, "%s%s.", first ? "" : " AND ", left);
		pg_add_identifier(s->pg, b, t->columns[i].name);
		buf_printf(b, " = %s.", right);
		pg_add_identifier(s->pg, b, t->columns[i].name);
		first = false;
	}
}

bool stage_begin(struct stage *s, struct pg *pg, const struct table_info *t,
		 const struct column *columns, size_t column_count, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	*s = (struct stage){
		.pg = pg, .table = t, .columns = columns, .column_count = column_count
	};
	buf_add_str(&sql,
		    "CREATE TEMP TABLE firn_stage ON COMMIT DROP AS SELECT 0::int4 AS firn_row, ");
	add_names(s, &sql, "t", ", ");
	buf_printf(&sql, " FROM %s t LIMIT 0", t->qualified);
	ok = buf_ok(&sql, e) && pg_begin(pg, NULL, e) && pg_local_search_path(pg, true, e) &&
	     pg_exec(pg,
		     "SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB'; SET LOCAL jit "
		     "= off",
		     e) &&
	     pg_exec(pg, buf_str(&sql), e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not make the staging table");
}

bool stage_load(struct stage *s, const struct buf *rows, struct err *e)
{
	return (pg_copy_in_start(s->pg, "COPY " STAGE " FROM STDIN (FORMAT BINARY)", e) &&
		pg_copy_in_write(s->pg, rows->data, rows->len, e) &&
		pg_copy_in_finish(s->pg, NULL, e) && pg_exec(s->pg, "ANALYZE " STAGE, e)) ||
	       err_wrap(e, "could not load the staging table");
}

/* One row of a binary result: firn_row and the columns, hashed and compared. */
struct comparison {
	uint64_t (*expected)(void *ctx, uint32_t row);
	void *ctx;
	struct field *fields;
	size_t column_count;
	int64_t rows;
};

/* Reads COPY BINARY's framing here (two lines of it) because catalog may not use segment's parser. */
static bool compare_message(struct comparison *c, const uint8_t *data, size_t len, struct err *e)
{
	const uint8_t *at = data, *end = data + len;
	uint32_t row;

	if (len < 10 || get_u16be(at) != c->column_count + 1 || get_u32be(at + 2) != 4)
		return err_set(e, ERR_INTERNAL, "the server sent a row that is not COPY BINARY");
	row = get_u32be(at + 6);
	at += 10;
	for (size_t i = 0; i < c->column_count; i++) {
		int32_t field_len;

		if (end - at < 4)
			return err_set(e, ERR_INTERNAL,
				       "the server sent a row that ends too early");
		field_len = (int32_t)get_u32be(at);
		at += 4;
		if (field_len < -1 || (field_len > 0 && end - at < field_len))
			return err_set(e, ERR_INTERNAL,
				       "the server sent a field that ends too early");
		c->fields[i] = (struct field){ at, field_len };
		at += field_len > 0 ? field_len : 0;
	}
	if (row_hash(c->fields, c->column_count) != c->expected(c->ctx, row))
		return err_set(e, ERR_DATA,
			       "row %u came out of Postgres with other bytes than were archived",
			       row);
	c->rows++;
	return true;
}

/* The header may share a message with the first row, and the trailer is a lone -1. */
#define COPY_HEADER_BYTES 19

static bool compare_copy(struct stage *s, const char *sql, struct comparison *c, struct err *e)
{
	const uint8_t *data;
	size_t len;
	bool header = true;

	if (!pg_copy_out_start(s->pg, sql, e))
		return false;
	for (;;) {
		if (!pg_copy_out_next(s->pg, &data, &len, e))
			return false;
		if (len == 0)
			return true;
		if (header) {
			if (len < COPY_HEADER_BYTES)
				return err_set(e, ERR_INTERNAL,
					       "the server sent no COPY BINARY header");
			data += COPY_HEADER_BYTES;
			len -= COPY_HEADER_BYTES;
			header = false;
		}
		if (len == 0 || (len == 2 && get_u16be(data) == 0xffff))
			continue;
		if (!compare_message(c, data, len, e)) {
			pg_copy_out_cancel(s->pg);
			return false;
		}
	}
}

static bool compare(struct stage *s, const char *from, const char *alias,
		    uint64_t (*expected)(void *ctx, uint32_t row), void *ctx, int64_t *rows_out,
		    struct err *e)
{
	struct comparison c = { .expected = expected, .ctx = ctx, .column_count = s->column_count };
	struct buf sql = BUF_INIT;
	bool ok;

	c.fields = mem_new(s->column_count, sizeof(*c.fields), e);
	if (!c.fields)
		return false;
	buf_add_str(&sql, "COPY (SELECT s.firn_row, ");
	add_names(s, &sql, alias, ", ");
	buf_printf(&sql, " FROM %s) TO STDOUT (FORMAT BINARY)", from);
	ok = buf_ok(&sql, e) && compare_copy(s, buf_str(&sql), &c, e);
	*rows_out = c.rows;
	free(c.fields);
	buf_release(&sql);
	return ok;
}

bool stage_compare(struct stage *s, uint64_t (*expected)(void *ctx, uint32_t row), void *ctx,
		   int64_t *rows_out, struct err *e)
{
	return compare(s, STAGE " s", "s", expected, ctx, rows_out, e) ||
	       err_wrap(e, "could not compare the staged rows");
}

static bool visit_row_number(void *ctx, const struct pg_result *row, struct err *e)
{
	(void)e;
	bitmap_add(ctx, (uint32_t)pg_i64(row, 0, 0));
	return true;
}

bool stage_find_conflicts(struct stage *s, struct bitmap *out, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql, "SELECT s.firn_row FROM " STAGE " s JOIN %s t ON ", s->table->qualified);
	add_key_join(s, &sql, "t", "s");
	ok = buf_ok(&sql, e) && pg_query_each(s->pg, buf_str(&sql), NULL, visit_row_number, out, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not look for rows that are hot already");
}

static void add_key_names(struct stage *s, struct buf *b, const char *prefix)
{
	const struct table_info *t = s->table;
	bool first = true;

	for (size_t i = 0; i < t->column_count; i++)
		if (t->columns[i].in_key) {
			buf_printf(b, "%s%s", first ? "" : ", ", prefix);
			pg_add_identifier(s->pg, b, t->columns[i].name);
			first = false;
		}
}

bool stage_find_repeated(struct stage *s, struct bitmap *out, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_str(&sql, "SELECT k.firn_row FROM (SELECT s.firn_row, pg_catalog.row_number() OVER "
			  "(PARTITION BY ");
	add_key_names(s, &sql, "s.");
	buf_add_str(&sql, " ORDER BY s.firn_row) AS nr FROM " STAGE " s) k WHERE k.nr > 1");
	ok = buf_ok(&sql, e) && pg_query_each(s->pg, buf_str(&sql), NULL, visit_row_number, out, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not look for rows that share a key");
}

static bool staged(const struct stage *s, const char *name)
{
	for (size_t i = 0; i < s->column_count; i++)
		if (strcmp(s->columns[i].name, name) == 0)
			return true;
	return false;
}

/* MATCH SIMPLE: a NULL in any column satisfies the key. A column that was not archived gets its default, which the
 * INSERT itself will check. */
static bool find_orphans_of(struct stage *s, const struct foreign_key *key, struct bitmap *out,
			    struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	for (size_t i = 0; i < key->column_count; i++)
		if (!staged(s, key->columns[i]))
			return true;
	buf_add_str(&sql, "SELECT s.firn_row FROM " STAGE " s WHERE true");
	for (size_t i = 0; i < key->column_count; i++) {
		buf_add_str(&sql, " AND s.");
		pg_add_identifier(s->pg, &sql, key->columns[i]);
		buf_add_str(&sql, " IS NOT NULL");
	}
	buf_printf(&sql, " AND NOT EXISTS (SELECT 1 FROM %s r WHERE true", key->referenced);
	for (size_t i = 0; i < key->column_count; i++) {
		buf_add_str(&sql, " AND r.");
		pg_add_identifier(s->pg, &sql, key->referenced_columns[i]);
		buf_add_str(&sql, " = s.");
		pg_add_identifier(s->pg, &sql, key->columns[i]);
	}
	buf_add_str(&sql, ")");
	ok = buf_ok(&sql, e) && pg_query_each(s->pg, buf_str(&sql), NULL, visit_row_number, out, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not look for rows that foreign key \"%s\" would refuse",
			      key->name);
}

bool stage_find_orphans(struct stage *s, struct bitmap *out, struct err *e)
{
	for (size_t i = 0; i < s->table->foreign_key_count; i++)
		if (!find_orphans_of(s, &s->table->foreign_keys[i], out, e))
			return false;
	return true;
}

bool stage_drop_rows(struct stage *s, const struct bitmap *rows, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct buf list = BUF_INIT;
	uint32_t row = 0;
	bool ok;

	buf_add_byte(&list, '{');
	while (bitmap_next(rows, row, &row)) {
		buf_printf(&list, "%s%u", list.len > 1 ? "," : "", row);
		row++;
	}
	buf_add_byte(&list, '}');
	pg_param_text(&p, buf_str(&list));
	ok = buf_ok(&list, e) &&
	     (list.len == 2 ||
	      pg_query(s->pg, "DELETE FROM " STAGE " WHERE firn_row = ANY ($1::int4[])", &p, NULL,
		       e));
	buf_release(&list);
	return ok;
}

bool stage_delete_hot(struct stage *s, struct bitmap *replaced, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql, "DELETE FROM %s t USING " STAGE " s WHERE ", s->table->qualified);
	add_key_join(s, &sql, "t", "s");
	buf_add_str(&sql, " RETURNING s.firn_row");
	ok = buf_ok(&sql, e) &&
	     pg_query_each(s->pg, buf_str(&sql), NULL, visit_row_number, replaced, e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not delete the hot rows to replace");
}

static void hint_trigger(struct stage *s, struct err *e)
{
	err_hint(e,
		 "A trigger on table \"%s\" changes rows as they are inserted. Make it leave rows "
		 "alone "
		 "while firn brings them back (application_name is \"firn\").",
		 s->table->label);
}

/* What triggers made of the rows must be what was archived. */
static bool compare_inserted(struct stage *s, uint64_t (*expected)(void *ctx, uint32_t row),
			     void *ctx, int64_t inserted, struct err *e)
{
	struct buf from = BUF_INIT;
	int64_t rows = 0;
	bool ok;

	buf_printf(&from, STAGE " s JOIN %s t ON ", s->table->qualified);
	add_key_join(s, &from, "t", "s");
	buf_add_str(&from, " WHERE s.firn_row = ANY (SELECT firn_row FROM pg_temp.firn_inserted)");
	ok = buf_ok(&from, e) && compare(s, buf_str(&from), "t", expected, ctx, &rows, e);
	buf_release(&from);
	if (ok && rows != inserted)
		ok = err_set(e, ERR_DATA, "inserted %" PRId64 " rows, found %" PRId64 " of them",
			     inserted, rows);
	if (!ok && e->code == ERR_DATA)
		hint_trigger(s, e);
	return ok;
}

/* A deferrable unique or exclusion constraint makes the server refuse ON CONFLICT without an arbiter, and could be one
 * itself. Then there is none, and what a key refuses fails the INSERT. */
static bool takes_on_conflict(struct stage *s, bool *out, struct err *e)
{
	static const char sql[] = "SELECT NOT EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE "
				  "NOT i.indimmediate AND (i.indrelid = $1::oid OR "
				  "i.indrelid IN (SELECT t.relid FROM "
				  "pg_catalog.pg_partition_tree($1::oid::pg_catalog.regclass) t)))";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;

	pg_param_i64(&p, s->table->oid);
	if (!pg_query(s->pg, sql, &p, &result, e))
		return false;
	*out = pg_bool(result, 0, 0);
	pg_result_free(result);
	return true;
}

/* Every row that went into the table must be known by its number: one that a trigger gave another key would be hot and
 * stay cold, two that share a key would both count as hot. */
static bool insert_counted(struct stage *s, const char *sql, int64_t *inserted_out, struct err *e)
{
	struct pg_result *result = NULL;
	int64_t rows, known, numbers;

	if (!pg_query(s->pg, sql, NULL, &result, e))
		return false;
	rows = pg_i64(result, 0, 0);
	known = pg_i64(result, 0, 1);
	pg_result_free(result);
	if (!pg_query(s->pg, "SELECT count(DISTINCT firn_row) FROM pg_temp.firn_inserted", NULL,
		      &result, e))
		return false;
	numbers = pg_i64(result, 0, 0);
	pg_result_free(result);
	*inserted_out = rows;
	if (rows == known && rows == numbers)
		return true;
	err_set(e, ERR_DATA,
		"inserted %" PRId64 " rows, %" PRId64 " of them under the key that was archived",
		rows, known);
	hint_trigger(s, e);
	return false;
}

bool stage_insert(struct stage *s, uint64_t (*expected)(void *ctx, uint32_t row), void *ctx,
		  struct bitmap *inserted, struct err *e)
{
	struct buf sql = BUF_INIT;
	bool on_conflict = false, ok;
	int64_t count = 0;

	ok = takes_on_conflict(s, &on_conflict, e) &&
	     pg_exec(s->pg,
		     "CREATE TEMP TABLE firn_inserted ON COMMIT DROP AS "
		     "SELECT 0::int4 AS firn_row, 0::oid AS firn_leaf LIMIT 0",
		     e);
	buf_printf(&sql, "WITH firn_new AS (INSERT INTO %s (", s->table->qualified);
	add_names(s, &sql, "", ", ");
	buf_add_str(&sql, ") OVERRIDING SYSTEM VALUE SELECT ");
	add_names(s, &sql, "s", ", ");
	buf_printf(&sql, " FROM " STAGE " s ORDER BY s.firn_row%s RETURNING ",
		   on_conflict ? " ON CONFLICT DO NOTHING" : "");
	add_key_names(s, &sql, "");
	buf_add_str(&sql,
		    ", tableoid AS firn_leaf), firn_known AS (INSERT INTO pg_temp.firn_inserted "
		    "SELECT s.firn_row, n.firn_leaf FROM " STAGE " s JOIN firn_new n ON ");
	add_key_join(s, &sql, "n", "s");
	buf_add_str(&sql, " RETURNING 1) SELECT (SELECT count(*) FROM firn_new), (SELECT count(*) "
			  "FROM firn_known)");
	ok = ok && buf_ok(&sql, e) && insert_counted(s, buf_str(&sql), &count, e) &&
	     pg_exec(s->pg, "ANALYZE pg_temp.firn_inserted", e) &&
	     pg_query_each(s->pg, "SELECT firn_row FROM pg_temp.firn_inserted", NULL,
			   visit_row_number, inserted, e) &&
	     (!s->table->insert_triggers || compare_inserted(s, expected, ctx, count, e));
	buf_release(&sql);
	return ok || err_wrap(e, "could not insert into table \"%s\"", s->table->label);
}

bool stage_note_residency(struct stage *s, int64_t table_id, bool by_document, struct err *e)
{
	const struct column *document = table_info_column(s->table, COLUMN_DOCUMENT);
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql,
		   "INSERT INTO firn.residency AS r (table_id, workspace, document) "
		   "SELECT DISTINCT %" PRId64 "::bigint, coalesce(s.",
		   table_id);
	pg_add_identifier(s->pg, &sql, table_info_column(s->table, COLUMN_WORKSPACE)->name);
	buf_add_str(&sql, "::text, ''), ");
	if (by_document && document && staged(s, document->name)) {
		buf_add_str(&sql, "s.");
		pg_add_identifier(s->pg, &sql, document->name);
		buf_add_str(&sql, "::text");
	} else {
		buf_add_str(&sql, "NULL::text");
	}
	buf_add_str(
		&sql,
		" FROM " STAGE " s JOIN pg_temp.firn_inserted i ON i.firn_row = s.firn_row "
		"ON CONFLICT (table_id, workspace, (coalesce(document, '')), ((document IS NULL))) "
		"DO UPDATE SET rehydrated_at = now()");
	ok = buf_ok(&sql, e) && pg_exec(s->pg, buf_str(&sql), e);
	buf_release(&sql);
	return ok || err_wrap(e, "could not note what was brought back");
}

bool stage_leaves(struct stage *s,
		  bool (*visit)(void *ctx, const char *leaf, int64_t rows, struct err *e),
		  void *ctx, struct err *e)
{
	const struct table_info *t = s->table;
	struct pg_result *result = NULL;
	bool ok;

	/* Few rows, and the visit writes through the same connection: they are all read first. A leaf that was attached
	 * a moment ago is not known here; its own autovacuum looks after it. */
	ok = pg_query(s->pg,
		      "SELECT firn_leaf::bigint, count(*) FROM pg_temp.firn_inserted GROUP BY 1",
		      NULL, &result, e);
	for (int i = 0; ok && i < pg_rows(result); i++)
		for (size_t l = 0; ok && l < t->leaf_count; l++)
			if (t->leaves[l].oid == (uint32_t)pg_i64(result, i, 0))
				ok = visit(ctx, t->leaves[l].label, pg_i64(result, i, 1), e);
	pg_result_free(result);
	return ok;
}

bool stage_describe_row(struct stage *s, uint32_t row, struct buf *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_str(&sql, "SELECT pg_catalog.concat_ws(', '");
	for (size_t i = 0; i < s->column_count; i++)
		if (s->columns[i].role == COLUMN_ID) {
			buf_add_str(&sql, ", s.");
			pg_add_identifier(s->pg, &sql, s->columns[i].name);
		}
	buf_add_str(&sql, ") FROM " STAGE " s WHERE s.firn_row = $1::int4");
	pg_param_i64(&p, row);
	ok = buf_ok(&sql, e) && pg_query(s->pg, buf_str(&sql), &p, &result, e);
	if (ok && pg_rows(result) == 1)
		buf_add_str(out, pg_text(result, 0, 0));
	pg_result_free(result);
	buf_release(&sql);
	return ok;
}
