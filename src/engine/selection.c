#include "engine/selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ID_COLUMNS_MAX 16

static void values_release(struct selection_values *v)
{
	for (size_t i = 0; v->texts && i < v->count; i++)
		free(v->texts[i]);
	for (size_t i = 0; v->binaries && i < v->count * v->columns_per_value; i++)
		buf_release(&v->binaries[i]);
	free(v->texts);
	free(v->binaries);
	free(v->fields);
	*v = (struct selection_values){ 0 };
}

void selection_release(struct selection *s)
{
	values_release(&s->workspaces);
	values_release(&s->documents);
	values_release(&s->chunks);
	values_release(&s->versions);
}

/* One value of one column: the database's reading of text, as binary and as canonical text (may be NULL to skip). */
static bool resolve_one(struct pg *pg, const struct column *c, const char *text, struct buf *binary,
			char **canonical, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	struct buf sql = BUF_INIT;
	const uint8_t *data;
	size_t len;
	bool ok;

	/* type_full is the server's own rendering of a type of its catalog, not input. */
	buf_printf(&sql, "SELECT v, v::text FROM (SELECT $1::text::%s AS v) q", c->type_full);
	pg_param_text(&p, text);
	ok = buf_ok(&sql, e) && pg_query_binary(pg, buf_str(&sql), &p, &result, e);
	if (!ok && e->code == ERR_DATA)
		err_set(e, ERR_USAGE, "\"%s\" is not a value of column \"%s\" (%s)", text, c->name,
			c->type_full);
	if (ok) {
		data = pg_bytes(result, 0, 0, &len);
		buf_add(binary, data, len);
		ok = buf_ok(binary, e);
	}
	if (ok && canonical) {
		data = pg_bytes(result, 0, 1, &len);
		*canonical = mem_strndup((const char *)data, len, e);
		ok = *canonical != NULL;
	}
	pg_result_free(result);
	buf_release(&sql);
	return ok;
}

/* Splits "a,b" for composite ids; a single column takes the text as it is. */
static bool split_id(const char *text, size_t parts, char **out, struct err *e)
{
	const char *at = text;

	for (size_t i = 0; i < parts; i++) {
		const char *comma = i + 1 < parts ? strchr(at, ',') : NULL;
		size_t len = comma ? (size_t)(comma - at) : strlen(at);

		if (i + 1 < parts && !comma)
			return err_set(e, ERR_USAGE,
				       "\"%s\" has fewer than the %zu parts of a chunk id", text,
				       parts);
		out[i] = mem_strndup(at, len, e);
		if (!out[i])
			return false;
		at += len + (comma != NULL);
	}
	return true;
}

static bool resolve(struct pg *pg, const struct table_info *t, enum column_role role,
		    const char *what, const char *const *texts, size_t count,
		    struct selection_values *out, struct err *e)
{
	const struct column *columns[ID_COLUMNS_MAX];
	size_t width = 0;

	if (count == 0)
		return true;
	for (size_t i = 0; i < t->column_count && width < ID_COLUMNS_MAX; i++)
		if (t->columns[i].role == role)
			columns[width++] = &t->columns[i];
	if (width == 0)
		return err_set(e, ERR_USAGE, "table \"%s\" has no %s column to select by", t->label,
			       what);
	out->columns_per_value = width;
	out->texts = mem_new(count, sizeof(*out->texts), e);
	out->binaries = mem_new(count * width, sizeof(*out->binaries), e);
	out->fields = mem_new(count * width, sizeof(*out->fields), e);
	if (!out->texts || !out->binaries || !out->fields)
		return false;
	out->count = count;
	for (size_t i = 0; i < count; i++) {
		char *parts[ID_COLUMNS_MAX] = { 0 };
		bool ok = split_id(texts[i], width, parts, e);

		for (size_t c = 0; ok && c < width; c++) {
			struct buf *binary = &out->binaries[i * width + c];

			ok = resolve_one(pg, columns[c], parts[c], binary,
					 width == 1 ? &out->texts[i] : NULL, e);
			out->fields[i * width + c] =
				(struct field){ binary->data ? binary->data : (const uint8_t *)"",
						(int32_t)binary->len };
		}
		for (size_t c = 0; c < width; c++)
			free(parts[c]);
		if (!ok)
			return false;
	}
	return true;
}

bool selection_resolve(struct pg *pg, const struct table_info *t,
		       const struct firn_rehydrate_options *o, struct selection *out, struct err *e)
{
	*out = (struct selection){ 0 };
	return resolve(pg, t, COLUMN_WORKSPACE, "workspace", o->workspaces, o->workspace_count,
		       &out->workspaces, e) &&
	       resolve(pg, t, COLUMN_DOCUMENT, "document", o->documents, o->document_count,
		       &out->documents, e) &&
	       resolve(pg, t, COLUMN_ID, "id", o->chunks, o->chunk_count, &out->chunks, e) &&
	       resolve(pg, t, COLUMN_VERSION, "version", o->versions, o->version_count,
		       &out->versions, e);
}

bool selection_rows(const struct selection *s, const struct segment_index *index,
		    const struct bitmap *dead, struct bitmap *out, struct err *e)
{
	const struct {
		const struct selection_values *values;
		void (*find)(const struct segment_index *x, const struct field *value,
			     struct bitmap *rows);
	} narrowing[] = {
		{ &s->workspaces, segment_index_find_workspace },
		{ &s->documents, segment_index_find_document },
		{ &s->chunks, segment_index_find_chunk },
		{ &s->versions, segment_index_find_version },
	};

	bitmap_add_range(out, 0, segment_index_rows(index));
	for (size_t n = 0; n < sizeof(narrowing) / sizeof(narrowing[0]); n++) {
		const struct selection_values *v = narrowing[n].values;
		struct bitmap *found;

		if (v->count == 0)
			continue;
		found = bitmap_new(e);
		if (!found)
			return false;
		for (size_t i = 0; i < v->count; i++)
			narrowing[n].find(index, &v->fields[i * v->columns_per_value], found);
		bitmap_keep_only(out, found);
		bitmap_free(found);
	}
	bitmap_remove_all(out, dead);
	return true;
}

static bool same_field(const struct field *a, const struct field *b)
{
	return a->len == b->len && (a->len <= 0 || memcmp(a->data, b->data, (size_t)a->len) == 0);
}

static bool any_value_matches(const struct selection_values *v, enum column_role role,
			      const struct column *columns, size_t column_count,
			      const struct field *fields)
{
	if (v->count == 0)
		return true;
	for (size_t i = 0; i < v->count; i++) {
		size_t part = 0;
		bool same = true;

		for (size_t c = 0; same && c < column_count; c++)
			if (columns[c].role == role && part < v->columns_per_value)
				same = same_field(&fields[c],
						  &v->fields[i * v->columns_per_value + part++]);
		if (same && part == v->columns_per_value)
			return true;
	}
	return false;
}

bool selection_matches(const struct selection *s, const struct column *columns, size_t column_count,
		       const struct field *fields)
{
	return any_value_matches(&s->workspaces, COLUMN_WORKSPACE, columns, column_count, fields) &&
	       any_value_matches(&s->documents, COLUMN_DOCUMENT, columns, column_count, fields) &&
	       any_value_matches(&s->chunks, COLUMN_ID, columns, column_count, fields) &&
	       any_value_matches(&s->versions, COLUMN_VERSION, columns, column_count, fields);
}
