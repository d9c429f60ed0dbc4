#include "catalog/split_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const phases[] = { "none", "copy", "index", "swapped" };

const char *split_phase_name(enum split_phase phase)
{
	return phases[phase];
}

bool split_load(struct split *s, int64_t table_id, struct err *e)
{
	static const char sql[] =
		"SELECT id, phase, leaves, old_oid, new_oid, rows_copied, changes, "
		"coalesce(pg_catalog.to_char(swapped_at, 'YYYY-MM-DD HH24:MI:SS'), '') "
		"FROM firn.split WHERE table_id = $1::bigint";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	s->table_id = table_id;
	s->phase = SPLIT_NONE;
	pg_param_i64(&p, table_id);
	if (!pg_query(s->pg, sql, &p, &r, e))
		return err_wrap(e, "could not read how far a split is");
	if (pg_rows(r) == 1) {
		for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
			if (str_eq(phases[i], pg_text(r, 0, 1)))
				s->phase = (enum split_phase)i;
		s->id = pg_i64(r, 0, 0);
		s->leaves = pg_i64(r, 0, 2);
		s->old_oid = (uint32_t)pg_i64(r, 0, 3);
		s->new_oid = (uint32_t)pg_i64(r, 0, 4);
		s->rows_copied = pg_i64(r, 0, 5);
		s->changes = pg_i64(r, 0, 6);
		snprintf(s->swapped_at, sizeof(s->swapped_at), "%s", pg_text(r, 0, 7));
		snprintf(s->building, sizeof(s->building), "firn_split_%" PRId64, s->id);
		snprintf(s->kept, sizeof(s->kept), "firn_old_%" PRId64, s->id);
	}
	pg_result_free(r);
	return true;
}

bool split_find(struct split *s, const char *label, bool *there_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	int64_t id = 0;
	bool ok;

	*there_out = false;
	if (!pg_query(
		    s->pg,
		    "SELECT coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT'), false) FROM "
		    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
		    "c.relnamespace "
		    "WHERE n.nspname = 'firn' AND c.relname = 'split' AND "
		    "pg_catalog.has_schema_privilege(n.oid, 'USAGE')",
		    NULL, &r, e))
		return false;
	ok = pg_rows(r) == 1 && pg_bool(r, 0, 0);
	pg_result_free(r);
	r = NULL;
	if (!ok)
		return true;
	pg_param_text(&p, label);
	ok = pg_query(s->pg, "SELECT id FROM firn.managed_table WHERE label = $1", &p, &r, e);
	if (ok && pg_rows(r) == 1)
		id = pg_i64(r, 0, 0);
	pg_result_free(r);
	ok = ok && (!id || split_load(s, id, e));
	*there_out = ok && id && s->phase != SPLIT_NONE;
	return ok;
}

bool split_progress(struct pg *pg, int64_t id, double *share_out, struct err *e)
{
	static const char sql[] =
		"SELECT coalesce(sum(next_block)::float8 / nullif(sum(end_block), "
		"0), 1) FROM firn.split_leaf WHERE split_id = $1::bigint";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_i64(&p, id);
	if (!pg_query(pg, sql, &p, &r, e))
		return err_wrap(e, "could not read how far a split is");
	*share_out = pg_f64(r, 0, 0);
	pg_result_free(r);
	return true;
}

bool split_begin_tx(struct split *s, const char *options, const char *lock, struct err *e)
{
	/* Row-level security that would hide rows makes statements fail. Where things are made is not the role's to say. */
	static const char settings[] =
		"SET LOCAL statement_timeout = 0; SET LOCAL jit = off; SET LOCAL row_security = "
		"off; "
		"SET LOCAL default_tablespace = ''; SET LOCAL default_table_access_method = heap";

	return pg_begin(s->pg, options, e) && (!lock || pg_exec(s->pg, lock, e)) &&
	       pg_local_search_path(s->pg, true, e) && pg_exec(s->pg, settings, e) &&
	       lease_check(s->lease, s->pg, e);
}

void split_add_new(struct split *s, struct buf *b)
{
	pg_add_qualified(s->pg, b, s->building, s->table->name);
}

void split_add_changes(struct split *s, struct buf *b)
{
	pg_add_qualified(s->pg, b, s->kept, "firn_changes");
}

static void add_list(struct split *s, struct buf *b, const char *alias, bool key)
{
	bool first = true;

	for (size_t i = 0; i < s->table->column_count; i++) {
		if (key && !s->table->columns[i].in_key)
			continue;
		buf_printf(b, "%s%s%s", first ? "" : ", ", alias, *alias ? "." : "");
		pg_add_identifier(s->pg, b, s->table->columns[i].name);
		first = false;
	}
}

void split_add_key(struct split *s, struct buf *b, const char *alias)
{
	add_list(s, b, alias, true);
}

void split_add_columns(struct split *s, struct buf *b, const char *alias)
{
	add_list(s, b, alias, false);
}

void split_add_key_join(struct split *s, struct buf *b, const char *left, const char *right)
{
	bool first = true;

	for (size_t i = 0; i < s->table->column_count; i++) {
		if (!s->table->columns[i].in_key)
			continue;
		buf_printf(b, "%s%s.", first ? "" : " AND ", left);
		pg_add_identifier(s->pg, b, s->table->columns[i].name);
		buf_printf(b, " = %s.", right);
		pg_add_identifier(s->pg, b, s->table->columns[i].name);
		first = false;
	}
}

char *split_widen(const char *definition, const char *item, struct err *e)
{
	struct buf b = BUF_INIT;
	const char *at = definition;
	char *out = NULL;
	char quote = '\0';
	int depth = 0;

	for (; *at; at++) {
		if (quote) {
			/* A doubled quote closes and opens again, which comes to the same. */
			if (*at == quote)
				quote = '\0';
		} else if (*at == '"' || *at == '\'') {
			quote = *at;
		} else if (*at == '(') {
			depth++;
		} else if (*at == ')' && --depth == 0) {
			break;
		}
	}
	if (!*at || depth < 0) {
		err_set(e, ERR_INTERNAL, "cannot read the definition of an index: %s", definition);
		return NULL;
	}
	buf_add(&b, definition, (size_t)(at - definition));
	buf_printf(&b, ", %s%s", item, at);
	out = buf_take(&b, e);
	buf_release(&b);
	return out;
}

bool split_kept(struct split *s, struct split_kept *out, struct err *e)
{
	static const char sql[] =
		"SELECT pg_catalog.format('%s.%s', n.nspname, c.relname), "
		"(SELECT coalesce(sum(greatest(l.reltuples, 0)), 0)::bigint FROM "
		"pg_catalog.pg_class l "
		"WHERE l.relkind = 'r' AND (l.oid = c.oid OR l.oid IN (SELECT t.relid FROM "
		"pg_catalog.pg_partition_tree(c.oid::pg_catalog.regclass) t))), "
		"(SELECT coalesce(sum(pg_catalog.pg_total_relation_size(l.oid)), 0)::bigint FROM "
		"pg_catalog.pg_class l WHERE l.oid = c.oid OR l.oid IN (SELECT t.relid FROM "
		"pg_catalog.pg_partition_tree(c.oid::pg_catalog.regclass) t)) "
		"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
		"c.relnamespace "
		"WHERE c.oid = $1::bigint::oid";
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok = true;

	*out = (struct split_kept){ 0 };
	pg_param_i64(&p, s->old_oid);
	if (!pg_query(s->pg, sql, &p, &r, e))
		return err_wrap(e, "could not look at the old table");
	if (pg_rows(r) == 1) {
		out->table = mem_strdup(pg_text(r, 0, 0), e);
		out->rows = pg_i64(r, 0, 1);
		out->bytes = pg_i64(r, 0, 2);
		ok = out->table != NULL;
	}
	pg_result_free(r);
	return ok;
}
