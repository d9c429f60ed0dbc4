#include "catalog/table_load.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "sql.h"

/* Best first. Case and underscores do not count. */
const char *const workspace_names[] = {
	"workspace_id",    "workspace",  "tenant_id",   "tenant",  "org_id",
	"organization_id", "account_id", "customer_id", "team_id", "project_id",
	"organisation_id", "namespace",  NULL
};
static const char *const document_names[] = { "document_id", "doc_id", "document", "doc", NULL };
static const char *const version_names[] = { "embedding_version", "embedding_model_version",
					     "embedding_model", "model_version", NULL };
/* Numbers of this name count edits of a row more often than models. */
static const char *const vague_version_names[] = { "version", "model", NULL };
static const char *const created_names[] = { "created_at",   "created",
					     "inserted_at",  "created_on",
					     "created_time", "creation_time",
					     "ingested_at",  NULL };

/* Shorter bit columns are flags, not quantized vectors. */
#define EMBEDDING_BITS_MIN 32

/* ---- finding ---- */

bool column_names_alike(const char *a, const char *b)
{
	for (;;) {
		while (*a == '_')
			a++;
		while (*b == '_')
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

bool found_columns_load(struct pg *pg, uint32_t oid, struct found_columns *out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;

	*out = (struct found_columns){ 0 };
	pg_param_i64(&p, oid);
	if (!pg_query(pg, sql_table_columns, &p, &r, e))
		return false;
	out->items = mem_new((size_t)pg_rows(r), sizeof(*out->items), e);
	for (int i = 0; out->items && i < pg_rows(r); i++) {
		struct found_column *f = &out->items[out->count++];
		struct column *c = &f->column;

		snprintf(c->name, sizeof(c->name), "%s", pg_text(r, i, 0));
		snprintf(c->type_name, sizeof(c->type_name), "%s", pg_text(r, i, 1));
		snprintf(c->type_full, sizeof(c->type_full), "%s", pg_text(r, i, 2));
		c->type_oid = (uint32_t)pg_i64(r, i, 3);
		c->typmod = (int32_t)pg_i64(r, i, 4);
		c->not_null = pg_bool(r, i, 5);
		f->identity_always = pg_bool(r, i, 6);
		f->generated = pg_bool(r, i, 7);
		f->category = pg_text(r, i, 8)[0];
		f->hash_key = pg_bool(r, i, 9);
		f->refers_to_document = pg_bool(r, i, 10);
	}
	pg_result_free(r);
	return out->items != NULL;
}

void found_columns_release(struct found_columns *c)
{
	free(c->items);
	*c = (struct found_columns){ 0 };
}

struct found_column *found_columns_named(const struct found_columns *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (str_eq(c->items[i].column.name, name))
			return &c->items[i];
	for (size_t i = 0; i < c->count; i++)
		if (strcasecmp(c->items[i].column.name, name) == 0)
			return &c->items[i];
	return NULL;
}

struct found_column *found_columns_like(const struct found_columns *c, const char *const *names,
					bool (*fits)(const struct found_column *c))
{
	for (; *names; names++)
		for (size_t i = 0; i < c->count; i++)
			if (!c->items[i].generated && c->items[i].column.role == COLUMN_OTHER &&
			    column_names_alike(c->items[i].column.name, *names) &&
			    (!fits || fits(&c->items[i])))
				return &c->items[i];
	return NULL;
}

void found_columns_list(struct pg *pg, const struct found_columns *c, struct buf *out)
{
	for (size_t i = 0; i < c->count; i++) {
		if (i > 0)
			buf_add_str(out, ", ");
		pg_add_identifier(pg, out, c->items[i].column.name);
	}
}

bool column_is_timestamp(const struct found_column *c)
{
	return str_eq(c->column.type_name, "timestamptz") ||
	       str_eq(c->column.type_name, "timestamp");
}

static bool is_text(const struct found_column *c)
{
	return c->category == 'S' || c->category == 'E';
}

static bool is_label(const struct found_column *c)
{
	static const char *const types[] = { "int2", "int4", "int8", "uuid", NULL };

	for (size_t i = 0; types[i]; i++)
		if (str_eq(c->column.type_name, types[i]))
			return true;
	return is_text(c);
}

static bool is_vector(const struct found_column *c)
{
	const char *type = c->column.type_name;

	return str_eq(type, "vector") || str_eq(type, "halfvec") || str_eq(type, "sparsevec");
}

static bool is_long_bit(const struct found_column *c)
{
	return str_eq(c->column.type_name, "bit") && c->column.typmod >= EMBEDDING_BITS_MIN;
}

/* ---- roles ---- */

/* Gives the role to the column that the configuration names. */
static bool assign_named(struct table_load *l, struct found_columns *c, const char *name,
			 enum column_role role, const char *key, struct err *e)
{
	struct found_column *f = found_columns_named(c, name);
	struct buf names = BUF_INIT;

	if (f && !f->generated && f->column.role == COLUMN_OTHER) {
		f->column.role = role;
		return true;
	}
	if (f && f->generated) {
		err_set(e, ERR_CONFIG,
			"column \"%s\" (columns.%s) is generated: its values are not stored in the "
			"archive",
			name, key);
		return err_hint(e, "Name a column that holds values of its own.");
	}
	if (f)
		return err_set(e, ERR_CONFIG,
			       "column \"%s\" is named twice in the configuration of columns "
			       "(again as \"%s\")",
			       name, key);
	err_set(e, ERR_CONFIG, "there is no column \"%s\" (columns.%s)", name, key);
	found_columns_list(l->pg, c, &names);
	err_hint(e, "The table has: %s.", buf_str(&names));
	buf_release(&names);
	return false;
}

static bool assign_configured(struct table_load *l, struct found_columns *c, struct err *e)
{
	const struct table_wanted *w = l->wanted;
	const struct {
		const char *name, *key;
		enum column_role role;
	} given[] = {
		{ w->workspace_column, "workspace", COLUMN_WORKSPACE },
		{ w->document_column, "document", COLUMN_DOCUMENT },
		{ w->embedding_column, "embedding", COLUMN_EMBEDDING },
		{ w->version_column, "version", COLUMN_VERSION },
		{ w->created_column, "created", COLUMN_CREATED },
	};

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		if (given[i].name &&
		    !assign_named(l, c, given[i].name, given[i].role, given[i].key, e))
			return false;
	for (size_t i = 0; i < w->id_column_count; i++)
		if (!assign_named(l, c, w->id_columns[i], COLUMN_ID, "id", e))
			return false;
	return true;
}

static struct found_column *with_role(const struct found_columns *c, enum column_role role)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].column.role == role)
			return &c->items[i];
	return NULL;
}

/* Adds the check of a role that can be done without; f may be NULL. */
static bool add_role_check(struct table_load *l, const char *check, const char *role,
			   const struct found_column *f, const char *without, struct err *e)
{
	char hint[256];

	if (f)
		return table_add_check(l->info, TABLE_CHECK_OK, ERR_NONE, check, NULL, e,
				       "column \"%s\" %s%s", f->column.name, f->column.type_full,
				       str_eq(f->column.type_name, "timestamp")
					       ? " (without time zone: taken as UTC)"
					       : "");
	snprintf(hint, sizeof(hint),
		 "If a column holds it under another name, configure columns.%s.", role);
	return table_add_check(l->info, TABLE_CHECK_WARNING, ERR_NONE, check, hint, e,
			       "found no %s column: %s", role, without);
}

static size_t key_width(const struct found_columns *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		n += c->items[i].column.in_key;
	return n;
}

static bool find_workspace(struct table_load *l, struct found_columns *c, struct err *e)
{
	struct found_column *f = with_role(c, COLUMN_WORKSPACE), *key = NULL;

	if (!f) {
		f = found_columns_like(c, workspace_names, NULL);
		for (size_t i = 0; i < c->count; i++)
			if (c->items[i].hash_key && c->items[i].column.role == COLUMN_OTHER &&
			    !c->items[i].generated)
				key = &c->items[i];
		/* Hash partitions by the primary key spread one big table; they say nothing of tenants. */
		if (key && !(f && key->column.in_key && key_width(c) == 1))
			f = key;
	}
	if (f) {
		f->column.role = COLUMN_WORKSPACE;
		return table_add_check(l->info, TABLE_CHECK_OK, ERR_NONE, "workspace-column", NULL,
				       e, "column \"%s\" %s", f->column.name, f->column.type_full);
	}
	return table_add_check(
		l->info, TABLE_CHECK_REFUSED, ERR_CONFIG, "workspace-column",
		"Configure columns.workspace: the column by which rows belong to a tenant.", e,
		"found no column that says which workspace a row belongs to");
}

static bool find_embedding(struct table_load *l, struct found_columns *c, struct err *e)
{
	struct found_column *f = with_role(c, COLUMN_EMBEDDING);
	bool (*fits[])(const struct found_column *) = { is_vector, is_long_bit };
	struct buf names = BUF_INIT;
	size_t found = f ? 1 : 0;
	bool ok;

	for (size_t k = 0; k < 2 && found == 0; k++)
		for (size_t i = 0; i < c->count; i++) {
			struct found_column *x = &c->items[i];

			if (x->generated || x->column.role != COLUMN_OTHER || !fits[k](x))
				continue;
			f = x;
			if (found++ > 0)
				buf_add_str(&names, ", ");
			pg_add_identifier(l->pg, &names, x->column.name);
		}
	if (found == 1) {
		f->column.role = COLUMN_EMBEDDING;
		ok = table_add_check(l->info, TABLE_CHECK_OK, ERR_NONE, "embedding-column", NULL, e,
				     "column \"%s\" %s", f->column.name, f->column.type_full);
	} else if (found > 1) {
		ok = table_add_check(
			l->info, TABLE_CHECK_REFUSED, ERR_CONFIG, "embedding-column",
			"Configure columns.embedding: one of them; the others are kept with it.", e,
			"found %zu columns that may be the embedding: %s", found, buf_str(&names));
	} else {
		ok = table_add_check(
			l->info, TABLE_CHECK_REFUSED, ERR_CONFIG, "embedding-column",
			"Configure columns.embedding, or name the table that holds the embeddings.",
			e, "found no column of type vector, halfvec, sparsevec or bit(%d) and more",
			EMBEDDING_BITS_MIN);
	}
	buf_release(&names);
	return ok;
}

static bool find_others(struct table_load *l, struct found_columns *c, struct err *e)
{
	struct found_column *document = with_role(c, COLUMN_DOCUMENT),
			    *version = with_role(c, COLUMN_VERSION),
			    *created = with_role(c, COLUMN_CREATED);
	bool only_key;

	if (!document)
		document = found_columns_like(c, document_names, NULL);
	for (size_t i = 0; !document && i < c->count; i++)
		if (c->items[i].refers_to_document && c->items[i].column.role == COLUMN_OTHER &&
		    !c->items[i].generated)
			document = &c->items[i];
	/* One row a document: then its id is the chunk's. */
	only_key = document && document->column.in_key && document->column.role == COLUMN_OTHER;
	if (!version)
		version = found_columns_like(c, version_names, is_label);
	if (!version)
		version = found_columns_like(c, vague_version_names, is_text);
	if (!created)
		created = found_columns_like(c, created_names, column_is_timestamp);
	if (version)
		version->column.role = COLUMN_VERSION;
	if (created)
		created->column.role = COLUMN_CREATED;
	for (size_t i = 0; only_key && i < c->count; i++)
		if (c->items[i].column.in_key && c->items[i].column.role == COLUMN_OTHER &&
		    &c->items[i] != document)
			only_key = false;
	if (only_key && !with_role(c, COLUMN_ID))
		document = NULL;
	if (document)
		document->column.role = COLUMN_DOCUMENT;
	return add_role_check(l, "document-column", "document", document,
			      "rows cannot be brought back by document", e) &&
	       add_role_check(l, "version-column", "version", version,
			      "rules on versions cannot be used", e) &&
	       add_role_check(l, "created-column", "created", created,
			      "rules on age cannot be used", e);
}

/* What is left of the key without workspace, document, version and created names the chunk; all of it where nothing is
 * left but columns that are known by another role already. */
static void assign_ids(struct found_columns *c)
{
	if (with_role(c, COLUMN_ID))
		return;
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].column.in_key && c->items[i].column.role == COLUMN_OTHER)
			c->items[i].column.role = COLUMN_ID;
}

static bool find_key(struct table_load *l, struct found_columns *c, struct err *e)
{
	struct table_info *t = l->info;
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct buf names = BUF_INIT, hint = BUF_INIT;
	bool ok;

	pg_param_i64(&p, t->oid);
	if (!pg_query(l->pg, sql_table_key, &p, &r, e))
		return false;
	for (int i = 0; i < pg_rows(r); i++) {
		for (size_t k = 0; k < c->count; k++)
			if (str_eq(c->items[k].column.name, pg_text(r, i, 0)))
				c->items[k].column.in_key = true;
		buf_printf(&names, "%s%s", i ? ", " : "", pg_text(r, i, 0));
	}
	if (pg_rows(r) > 0) {
		ok = table_add_check(t, TABLE_CHECK_OK, ERR_NONE, "primary-key", NULL, e, "%s (%s)",
				     pg_bool(r, 0, 1) ? "primary key"
						      : "unique index in place of a primary key",
				     buf_str(&names));
	} else {
		buf_printf(&hint,
			   "Run: ALTER TABLE %s ADD PRIMARY KEY (...);%s a unique index over NOT "
			   "NULL columns, "
			   "without WHERE and expressions, does as well.",
			   t->qualified,
			   t->partitioned ? " with the partition key among its columns;" : "");
		ok = table_add_check(
			t, TABLE_CHECK_REFUSED, ERR_CONFIG, "primary-key", buf_str(&hint), e,
			"the table has no primary key: firn could not tell its rows apart");
	}
	buf_release(&names);
	buf_release(&hint);
	pg_result_free(r);
	return ok;
}

/* Keeps what is stored. */
static bool keep_columns(struct table_load *l, const struct found_columns *c, struct err *e)
{
	struct table_info *t = l->info;

	t->columns = mem_new(c->count, sizeof(*t->columns), e);
	if (!t->columns)
		return false;
	for (size_t i = 0; i < c->count; i++) {
		if (c->items[i].generated)
			continue;
		t->columns[t->column_count++] = c->items[i].column;
		t->identity_always |= c->items[i].identity_always;
	}
	return true;
}

bool table_load_columns(struct table_load *l, struct err *e)
{
	struct found_columns c = { 0 };
	bool ok = found_columns_load(l->pg, l->info->oid, &c, e) && assign_configured(l, &c, e) &&
		  find_key(l, &c, e) && find_workspace(l, &c, e) && find_embedding(l, &c, e) &&
		  find_others(l, &c, e);

	if (ok) {
		assign_ids(&c);
		ok = keep_columns(l, &c, e);
	}
	found_columns_release(&c);
	return ok;
}
