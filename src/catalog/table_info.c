#include "catalog/table_info.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/table_load.h"
#include "sql.h"

bool table_add_check(struct table_info *t, enum table_check_state state, enum err_code code,
		     const char *name, const char *hint, struct err *e, const char *fmt, ...)
{
	struct table_check *checks = realloc(t->checks, (t->check_count + 1) * sizeof(*checks));
	struct table_check *c;
	va_list ap;
	int n;

	if (!checks)
		return err_no_memory(e);
	t->checks = checks;
	c = &checks[t->check_count];
	*c = (struct table_check){ .state = state, .code = code };
	snprintf(c->name, sizeof(c->name), "%s", name);
	va_start(ap, fmt);
	n = vasprintf(&c->message, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_no_memory(e);
	t->check_count++;
	c->hint = mem_strdup(hint, e);
	return !hint || c->hint;
}

/* ---- names ---- */

/* Up to two parts of a name. folded is what SQL makes of a part, exact what was written. */
struct name_parts {
	size_t count;
	struct {
		char exact[256], folded[256];
	} parts[2];
};

/* false: not a name of one or two parts. */
static bool split_name(const char *spec, struct name_parts *out)
{
	const char *s = spec;

	out->count = 0;
	for (;;) {
		char *exact, *folded;
		size_t n = 0;
		bool quoted = *s == '"';

		if (out->count == 2)
			return false;
		exact = out->parts[out->count].exact;
		folded = out->parts[out->count].folded;
		if (quoted)
			s++;
		while (*s && (quoted || *s != '.')) {
			if (quoted && s[0] == '"' && s[1] != '"')
				break;
			if (quoted && s[0] == '"')
				s++;
			if (n + 1 == sizeof(out->parts[0].exact))
				return false;
			exact[n] = *s;
			folded[n++] = quoted ? *s : (char)tolower((unsigned char)*s);
			s++;
		}
		if (n == 0 || (quoted && *s++ != '"'))
			return false;
		exact[n] = folded[n] = '\0';
		out->count++;
		if (!*s)
			return true;
		if (*s++ != '.')
			return false;
	}
}

static bool find(struct pg *pg, const char *schema, const char *name, uint32_t *oid_out,
		 struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	pg_param_text(&p, name);
	pg_param_text(&p, schema);
	if (!pg_query(pg, sql_table_find, &p, &r, e))
		return false;
	*oid_out = pg_rows(r) > 0 ? (uint32_t)pg_i64(r, 0, 0) : 0;
	pg_result_free(r);
	return true;
}

bool table_find_relation(struct pg *pg, const char *spec, const char *schema, uint32_t *oid_out,
			 struct err *e)
{
	struct name_parts n;
	bool ok;

	*oid_out = 0;
	if (!spec || !split_name(spec, &n)) {
		err_set(e, ERR_CONFIG, "\"%s\" is not the name of a table", spec ? spec : "");
		return err_hint(e, "Write schema.table; a name with a dot or a quote in it goes in "
				   "double quotes.");
	}
	if (n.count == 2)
		return find(pg, n.parts[0].folded, n.parts[1].folded, oid_out, e) &&
		       (*oid_out || find(pg, n.parts[0].exact, n.parts[1].exact, oid_out, e));
	if (schema && (!find(pg, schema, n.parts[0].folded, oid_out, e) ||
		       (!*oid_out && !find(pg, schema, n.parts[0].exact, oid_out, e))))
		return false;
	if (*oid_out)
		return true;
	ok = pg_local_search_path(pg, true, e) && find(pg, NULL, n.parts[0].folded, oid_out, e) &&
	     (*oid_out || find(pg, NULL, n.parts[0].exact, oid_out, e));
	return ok && pg_local_search_path(pg, false, e);
}

static bool add_names(struct pg *pg, const char *schema, const char *name, char **qualified_out,
		      char **label_out, struct err *e)
{
	struct buf b = BUF_INIT;

	pg_add_qualified(pg, &b, schema, name);
	*qualified_out = buf_take(&b, e);
	buf_release(&b);
	if (!*qualified_out)
		return false;
	buf_printf(&b, "%s.%s", schema, name);
	*label_out = buf_take(&b, e);
	buf_release(&b);
	return *label_out != NULL;
}

bool table_load_relation(struct pg *pg, uint32_t oid, struct relation *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok = false;

	*out = (struct relation){ 0 };
	pg_param_i64(&p, oid);
	if (!pg_query(pg, sql_table_kind, &p, &r, e))
		return false;
	if (pg_rows(r) != 1) {
		err_set(e, ERR_BUSY, "the table was dropped while it was being looked at");
		goto out;
	}
	out->schema = mem_strdup(pg_text(r, 0, 0), e);
	out->name = out->schema ? mem_strdup(pg_text(r, 0, 1), e) : NULL;
	if (!out->name)
		goto out;
	out->kind = pg_text(r, 0, 2)[0];
	if (!pg_is_null(r, 0, 4) && !(out->root = mem_strdup(pg_text(r, 0, 4), e)))
		goto out;
	if (!pg_is_null(r, 0, 5) && !(out->heirs = mem_strdup(pg_text(r, 0, 5), e)))
		goto out;
	ok = add_names(pg, out->schema, out->name, &out->qualified, &out->label, e);
out:
	pg_result_free(r);
	return ok;
}

void relation_release(struct relation *r)
{
	free(r->schema);
	free(r->name);
	free(r->qualified);
	free(r->label);
	free(r->root);
	free(r->heirs);
	*r = (struct relation){ 0 };
}

static bool fail_no_table(struct pg *pg, const char *spec, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct name_parts n;
	struct err ignored = { 0 };
	char vector[32];

	pg_param_text(&p, split_name(spec, &n) ? n.parts[n.count - 1].exact : spec);
	if (!pg_query(pg, sql_table_suggest, &p, &r, e))
		return false;
	err_set(e, ERR_CONFIG, "there is no table \"%s\" in database (%s)", spec, pg_describe(pg));
	if (pg_is_null(r, 0, 0) && table_info_pgvector_version(pg, vector, &ignored) && !vector[0])
		err_hint(e, "Is it the right database? pgvector is not in it: CREATE EXTENSION "
			    "vector makes its types.");
	else if (pg_is_null(r, 0, 0))
		err_hint(e,
			 "No table of this database has a vector column that this role can see.");
	else
		err_hint(e, "Perhaps one of these was meant: %s.", pg_text(r, 0, 0));
	pg_result_free(r);
	return false;
}

/* ---- what the table is ---- */

static const char *kind_name(char kind)
{
	switch (kind) {
	case 'v':
		return "a view";
	case 'm':
		return "a materialized view";
	case 'f':
		return "a foreign table";
	default:
		return "not a table";
	}
}

/* *usable_out false: refused as a whole. */
static bool judge_kind(struct table_info *t, const struct relation *r, bool *usable_out,
		       struct err *e)
{
	char hint[512];

	*usable_out = false;
	if (r->kind != 'r' && r->kind != 'p')
		return table_add_check(t, TABLE_CHECK_REFUSED, ERR_CONFIG, "table",
				       "Name the table that holds the rows.", e, "\"%s\" is %s",
				       t->label, kind_name(r->kind));
	if (str_eq(t->schema, "firn") || str_starts_with(t->schema, "pg_") ||
	    str_eq(t->schema, "information_schema"))
		return table_add_check(t, TABLE_CHECK_REFUSED, ERR_CONFIG, "table",
				       "Name a table of the application.", e,
				       "table \"%s\" is not the application's", t->label);
	if (r->root) {
		snprintf(hint, sizeof(hint), "Name the partitioned table instead: %s.", r->root);
		return table_add_check(t, TABLE_CHECK_REFUSED, ERR_CONFIG, "table", hint, e,
				       "table \"%s\" is a partition of %s", t->label, r->root);
	}
	if (r->heirs) {
		snprintf(hint, sizeof(hint),
			 "Detach them (ALTER TABLE ... NO INHERIT %s;), or use partitions.",
			 t->qualified);
		return table_add_check(t, TABLE_CHECK_REFUSED, ERR_CONFIG, "table", hint, e,
				       "tables inherit from \"%s\": %s", t->label, r->heirs);
	}
	*usable_out = true;
	return table_add_check(t, TABLE_CHECK_OK, ERR_NONE, "table", NULL, e, "%s",
			       r->kind == 'p' ? "a partitioned table" : "a plain table");
}

static bool load_leaves(struct table_load *l, struct err *e)
{
	struct table_info *t = l->info;
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok = false;

	pg_param_i64(&p, t->oid);
	if (!pg_query(l->pg, sql_table_leaves, &p, &r, e))
		return false;
	t->leaves = mem_new((size_t)pg_rows(r), sizeof(*t->leaves), e);
	if (!t->leaves)
		goto out;
	for (int i = 0; i < pg_rows(r); i++) {
		struct leaf *leaf = &t->leaves[t->leaf_count++];

		leaf->oid = (uint32_t)pg_i64(r, i, 0);
		leaf->schema = mem_strdup(pg_text(r, i, 1), e);
		leaf->name = leaf->schema ? mem_strdup(pg_text(r, i, 2), e) : NULL;
		if (!leaf->name ||
		    !add_names(l->pg, leaf->schema, leaf->name, &leaf->qualified, &leaf->label, e))
			goto out;
		if (pg_i64(r, i, 4) > 0)
			t->rows_estimate += pg_i64(r, i, 4);
		if (pg_text(r, i, 3)[0] != 'r' &&
		    !table_add_check(t, TABLE_CHECK_REFUSED, ERR_CONFIG, "partitioning",
				     "Detach that partition, or replace it by a table.", e,
				     "partition \"%s\" is %s: firn cannot move its rows",
				     leaf->label, kind_name(pg_text(r, i, 3)[0])))
			goto out;
	}
	ok = true;
out:
	pg_result_free(r);
	return ok;
}

/* Needs the workspace column. */
static bool judge_partitioning(struct table_load *l, struct err *e)
{
	struct table_info *t = l->info;
	const struct column *workspace = table_info_column(t, COLUMN_WORKSPACE);
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok;

	t->workspace_in_leaf = !t->partitioned;
	if (!t->partitioned)
		return true;
	pg_param_i64(&p, t->oid);
	pg_param_text(&p, workspace ? workspace->name : NULL);
	if (!pg_query(l->pg, sql_table_partition_key, &p, &r, e))
		return false;
	t->workspace_in_leaf = pg_bool(r, 0, 0);
	if (t->leaf_count == 0)
		ok = table_add_check(t, TABLE_CHECK_WARNING, ERR_NONE, "partitioning",
				     "Run \"firn partitions ensure\".", e,
				     "partitioned table \"%s\" has no partition", t->label);
	else
		ok = table_add_check(t, TABLE_CHECK_OK, ERR_NONE, "partitioning", NULL, e,
				     "%zu partitions by %s%s", t->leaf_count, pg_text(r, 0, 1),
				     t->workspace_in_leaf ? "" : ": a workspace can be in several");
	pg_result_free(r);
	return ok;
}

static bool add_pair(struct foreign_key *k, const char *column, const char *referenced,
		     struct err *e)
{
	size_t n = k->column_count + 1;
	char **a = realloc(k->columns, n * sizeof(*a)), **b;

	if (!a)
		return err_no_memory(e);
	k->columns = a;
	b = realloc(k->referenced_columns, n * sizeof(*b));
	if (!b)
		return err_no_memory(e);
	k->referenced_columns = b;
	a[n - 1] = mem_strdup(column, e);
	b[n - 1] = a[n - 1] ? mem_strdup(referenced, e) : NULL;
	if (!b[n - 1]) {
		free(a[n - 1]);
		return false;
	}
	k->column_count = n;
	return true;
}

static bool load_foreign_keys(struct table_load *l, struct err *e)
{
	struct table_info *t = l->info;
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	bool ok = false;

	pg_param_i64(&p, t->oid);
	if (!pg_query(l->pg, sql_table_foreign_keys, &p, &r, e))
		return false;
	/* A row a column: never fewer than there are keys. */
	t->foreign_keys = mem_new((size_t)pg_rows(r), sizeof(*t->foreign_keys), e);
	if (!t->foreign_keys)
		goto out;
	for (int i = 0; i < pg_rows(r); i++) {
		struct foreign_key *k;

		if (i == 0 || pg_i64(r, i, 0) != pg_i64(r, i - 1, 0)) {
			k = &t->foreign_keys[t->foreign_key_count++];
			k->name = mem_strdup(pg_text(r, i, 1), e);
			if (!k->name || !add_names(l->pg, pg_text(r, i, 2), pg_text(r, i, 3),
						   &k->referenced, &k->referenced_label, e))
				goto out;
		}
		k = &t->foreign_keys[t->foreign_key_count - 1];
		if (!add_pair(k, pg_text(r, i, 4), pg_text(r, i, 5), e))
			goto out;
	}
	ok = true;
out:
	pg_result_free(r);
	return ok;
}

static bool load(struct table_load *l, struct err *e)
{
	struct table_info *t = l->info;
	struct relation r = { 0 };
	bool usable, ok = false;

	if (!table_find_relation(l->pg, l->wanted->table, NULL, &t->oid, e))
		return false;
	if (!t->oid)
		return fail_no_table(l->pg, l->wanted->table, e);
	if (!table_load_relation(l->pg, t->oid, &r, e))
		goto out;
	t->schema = r.schema;
	t->name = r.name;
	t->qualified = r.qualified;
	t->label = r.label;
	r.schema = r.name = r.qualified = r.label = NULL;
	t->partitioned = r.kind == 'p';
	if (!judge_kind(t, &r, &usable, e))
		goto out;
	ok = !usable ||
	     (load_leaves(l, e) && table_load_columns(l, e) && judge_partitioning(l, e) &&
	      load_foreign_keys(l, e) && table_load_active(l, e) && table_run_checks(l, e));
out:
	relation_release(&r);
	return ok;
}

struct table_info *table_info_load(struct pg *pg, const struct table_wanted *wanted, struct err *e)
{
	struct table_load l = { .pg = pg, .wanted = wanted };

	/* One snapshot, so that what is found fits together. Not read-only: see table_active.c. */
	if (!pg_begin(pg, "ISOLATION LEVEL REPEATABLE READ", e))
		return NULL;
	l.info = mem_new(1, sizeof(*l.info), e);
	if (l.info && !load(&l, e)) {
		if (l.info->label)
			err_wrap(e, "could not look at table \"%s\"", l.info->label);
		table_info_free(l.info);
		l.info = NULL;
	}
	pg_rollback(pg);
	return l.info;
}

static void free_strings(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

void table_info_free(struct table_info *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->leaf_count; i++) {
		free(t->leaves[i].schema);
		free(t->leaves[i].name);
		free(t->leaves[i].qualified);
		free(t->leaves[i].label);
	}
	for (size_t i = 0; i < t->foreign_key_count; i++) {
		struct foreign_key *k = &t->foreign_keys[i];

		free(k->name);
		free(k->referenced);
		free(k->referenced_label);
		free_strings(k->columns, k->column_count);
		free_strings(k->referenced_columns, k->column_count);
	}
	for (size_t i = 0; i < t->check_count; i++) {
		free(t->checks[i].message);
		free(t->checks[i].hint);
	}
	free(t->leaves);
	free(t->foreign_keys);
	free(t->checks);
	free(t->columns);
	free(t->active.select);
	free(t->active.table);
	free(t->active.workspace_column);
	free(t->active.version_column);
	free(t->active.since_column);
	free(t->active.epoch_column);
	free(t->active.value);
	free(t->active.promote_statement);
	free(t->schema);
	free(t->name);
	free(t->qualified);
	free(t->label);
	free(t);
}

static bool no_check_refuses(const struct table_info *t, bool rights, struct err *e)
{
	for (size_t i = 0; i < t->check_count; i++) {
		const struct table_check *c = &t->checks[i];

		if (c->state != TABLE_CHECK_REFUSED ||
		    (!rights &&
		     (str_eq(c->name, "privileges") || str_eq(c->name, "maintenance-rights"))))
			continue;
		err_set(e, c->code, "table \"%s\" cannot be managed: %s", t->label, c->message);
		if (c->hint)
			err_hint(e, "%s", c->hint);
		return false;
	}
	return true;
}

bool table_info_usable(const struct table_info *t, struct err *e)
{
	return no_check_refuses(t, true, e);
}

bool table_info_readable(const struct table_info *t, struct err *e)
{
	return no_check_refuses(t, false, e);
}

const struct column *table_info_column(const struct table_info *t, enum column_role role)
{
	int i = column_with_role(t->columns, t->column_count, role);

	return i < 0 ? NULL : &t->columns[i];
}

struct leaf *table_info_leaf(const struct table_info *t, const char *label)
{
	for (size_t i = 0; i < t->leaf_count; i++)
		if (str_eq(t->leaves[i].label, label))
			return &t->leaves[i];
	return NULL;
}

bool table_info_match_column(const struct table_info *t, const struct column *stored,
			     bool *missing_out, struct err *e)
{
	*missing_out = false;
	for (size_t i = 0; i < t->column_count; i++) {
		const struct column *c = &t->columns[i];

		if (!str_eq(c->name, stored->name))
			continue;
		if (str_eq(c->type_full, stored->type_full))
			return true;
		err_set(e, ERR_CONFIG,
			"column \"%s\" of table \"%s\" is %s now, its cold values are %s", c->name,
			t->label, c->type_full, stored->type_full);
		return err_hint(e, "Change the column back to %s while its rows are brought back.",
				stored->type_full);
	}
	*missing_out = true;
	return true;
}

bool table_info_pgvector_version(struct pg *pg, char out[32], struct err *e)
{
	struct pg_result *r = NULL;

	out[0] = '\0';
	if (!pg_query(pg, sql_table_pgvector, NULL, &r, e))
		return false;
	if (pg_rows(r) > 0)
		snprintf(out, 32, "%s", pg_text(r, 0, 0));
	pg_result_free(r);
	return true;
}
