#include "policy/yaml_file.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define FILE_MAX_BYTES ((uint64_t)1 << 20)
#define KEY_MAX        256

static const char *scalar(const yaml_node_t *n)
{
	return (const char *)n->data.scalar.value;
}

static int line_of(const yaml_node_t *n)
{
	return (int)n->start_mark.line + 1;
}

static bool error_at(struct yaml_file *f, struct err *e, int line, const char *fmt, ...)
	PRINTF(4, 5);

static bool error_at(struct yaml_file *f, struct err *e, int line, const char *fmt, ...)
{
	char message[ERR_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_CONFIG, "%s:%d: %s", f->path, line, message);
}

/* ---- finding keys ---- */

static yaml_node_t *pair_value(struct yaml_file *f, yaml_node_t *mapping, const char *key,
			       size_t len, yaml_node_t **key_out)
{
	for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
	     p < mapping->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(&f->document, p->key);

		if (k->type == YAML_SCALAR_NODE && strlen(scalar(k)) == len &&
		    memcmp(scalar(k), key, len) == 0) {
			*key_out = k;
			return yaml_document_get_node(&f->document, p->value);
		}
	}
	return NULL;
}

/* The node at key; NULL when it is not there. *line_out is the line of the last part of key that is. */
static yaml_node_t *find(struct yaml_file *f, const char *key, int *line_out)
{
	yaml_node_t *at = yaml_document_get_root_node(&f->document);

	*line_out = at ? line_of(at) : 1;
	while (at && *key) {
		yaml_node_t *next = NULL;

		if (*key == '.')
			key++;
		if (*key == '[') {
			char *end;
			long i = strtol(key + 1, &end, 10);

			if (at->type == YAML_SEQUENCE_NODE &&
			    i < at->data.sequence.items.top - at->data.sequence.items.start)
				next = yaml_document_get_node(&f->document,
							      at->data.sequence.items.start[i]);
			if (next)
				*line_out = line_of(next);
			key = end + 1;
		} else {
			size_t len = strcspn(key, ".[");
			yaml_node_t *k = NULL;

			if (at->type == YAML_MAPPING_NODE)
				next = pair_value(f, at, key, len, &k);
			if (next)
				*line_out = line_of(k);
			key += len;
		}
		at = next;
	}
	return at;
}

int yaml_file_line(struct yaml_file *f, const char *key)
{
	int line;

	find(f, key, &line);
	return line;
}

bool yaml_file_has(struct yaml_file *f, const char *key)
{
	int line;

	return find(f, key, &line) != NULL;
}

bool yaml_file_error(struct yaml_file *f, struct err *e, const char *key, const char *fmt, ...)
{
	char message[ERR_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return error_at(f, e, yaml_file_line(f, key), "%s", message);
}

/* ---- checking the document by the schema, so that what is wrong is said in firn's words ---- */

struct place {
	const char *kind; /* what the mapping here is: "a policy", "match" */
	const char *name; /* the key that holds it; NULL at the top */
};

static bool check_node(struct yaml_file *f, yaml_node_t *n, const cyaml_schema_value_t *schema,
		       struct place place, struct err *e);

static bool unknown_key(struct yaml_file *f, yaml_node_t *key, const cyaml_schema_field_t *fields,
			const char *kind, struct err *e)
{
	const char *near = NULL;
	unsigned best = UINT_MAX;

	for (const cyaml_schema_field_t *s = fields; s->key; s++)
		if (str_resembles(scalar(key), s->key, &best))
			near = s->key;
	if (near)
		return error_at(f, e, line_of(key),
				"\"%s\" is not a key of %s; did you mean \"%s\"?", scalar(key),
				kind, near);
	error_at(f, e, line_of(key), "\"%s\" is not a key of %s", scalar(key), kind);
	snprintf(e->hint, sizeof(e->hint), "The keys are");
	for (const cyaml_schema_field_t *s = fields; s->key; s++) {
		size_t used = strlen(e->hint);

		snprintf(e->hint + used, sizeof(e->hint) - used, "%s %s%s",
			 s == fields ? ""
			 : s[1].key  ? ","
				     : " and",
			 s->key, s[1].key ? "" : ".");
	}
	return false;
}

/* Written by hand in a file: a number, a word, something in quotes. An empty place or null is none. */
static bool has_value(const yaml_node_t *n)
{
	static const char *const nothing[] = { "", "~", "null", "Null", "NULL" };

	if (n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return true;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		if (str_eq(scalar(n), nothing[i]))
			return false;
	return true;
}

static bool check_scalar(struct yaml_file *f, yaml_node_t *n, const char *name, struct err *e)
{
	if (n->type != YAML_SCALAR_NODE)
		return error_at(f, e, line_of(n), "\"%s\" takes one value, not %s", name,
				n->type == YAML_MAPPING_NODE ? "keys" : "a list");
	if (strlen(scalar(n)) != n->data.scalar.length)
		return error_at(f, e, line_of(n), "the value of \"%s\" holds a NUL character",
				name);
	if (!has_value(n))
		return error_at(f, e, line_of(n), "\"%s\" has no value", name);
	return true;
}

static bool check_strings(struct yaml_file *f, yaml_node_t *n, const char *name, struct err *e)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return check_scalar(f, n, name, e);
	if (n->data.sequence.items.start == n->data.sequence.items.top)
		return error_at(f, e, line_of(n), "\"%s\" is an empty list", name);
	for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top;
	     i++)
		if (!check_scalar(f, yaml_document_get_node(&f->document, *i), name, e))
			return false;
	return true;
}

static bool check_mapping(struct yaml_file *f, yaml_node_t *n, const cyaml_schema_field_t *fields,
			  struct place place, struct err *e)
{
	yaml_node_pair_t *start, *top;

	if (n->type != YAML_MAPPING_NODE) {
		if (place.name)
			return error_at(f, e, line_of(n), "\"%s\" takes keys, such as { %s: ... }",
					place.name, fields[0].key);
		return error_at(f, e, line_of(n), "%s is made of keys, such as \"%s:\"", place.kind,
				fields[0].key);
	}
	start = n->data.mapping.pairs.start;
	top = n->data.mapping.pairs.top;
	for (yaml_node_pair_t *p = start; p < top; p++) {
		yaml_node_t *key = yaml_document_get_node(&f->document, p->key), *first_key = NULL;
		const cyaml_schema_field_t *s = fields;

		if (key->type != YAML_SCALAR_NODE || strlen(scalar(key)) != key->data.scalar.length)
			return error_at(f, e, line_of(key), "a key of %s is not a plain word",
					place.kind);
		while (s->key && !str_eq(s->key, scalar(key)))
			s++;
		if (!s->key)
			return unknown_key(f, key, fields, place.kind, e);
		pair_value(f, n, s->key, strlen(s->key), &first_key);
		if (first_key != key)
			return error_at(f, e, line_of(key),
					"\"%s\" is given a second time (first in line %d)", s->key,
					line_of(first_key));
		if (!check_node(f, yaml_document_get_node(&f->document, p->value), &s->value,
				(struct place){ s->key, s->key }, e))
			return false;
	}
	return true;
}

static bool check_node(struct yaml_file *f, yaml_node_t *n, const cyaml_schema_value_t *schema,
		       struct place place, struct err *e)
{
	char kind[KEY_MAX];

	switch (schema->type) {
	case CYAML_MAPPING:
		return check_mapping(f, n, schema->mapping.fields, place, e);
	case CYAML_SEQUENCE:
		if (n->type != YAML_SEQUENCE_NODE)
			return error_at(f, e, line_of(n),
					"\"%s\" takes a list: items that begin with \"- \"",
					place.name);
		snprintf(kind, sizeof(kind), "an item of %s", place.name);
		for (yaml_node_item_t *i = n->data.sequence.items.start;
		     i < n->data.sequence.items.top; i++)
			if (!check_node(f, yaml_document_get_node(&f->document, *i),
					schema->sequence.entry, (struct place){ kind, NULL }, e))
				return false;
		return true;
	case CYAML_IGNORE:
		return check_strings(f, n, place.name, e);
	default:
		return check_scalar(f, n, place.name, e);
	}
}

/* ---- loading ---- */

static bool parser_error(struct yaml_file *f, const yaml_parser_t *p, struct err *e)
{
	int line = (int)p->problem_mark.line + 1;

	if (p->error == YAML_MEMORY_ERROR)
		return err_no_memory(e);
	/* Bytes that are not text have an offset instead of a line. */
	if (p->error == YAML_READER_ERROR)
		return err_set(e, ERR_CONFIG, "%s: not YAML: %s at byte %zu", f->path,
			       p->problem ? p->problem : "unreadable", p->problem_offset);
	return error_at(f, e, line, "not YAML: %s", p->problem ? p->problem : "unreadable");
}

/* An alias makes a document's size unrelated to its file's, and nobody needs one here. */
static bool refuse_aliases(struct yaml_file *f, const struct buf *text, struct err *e)
{
	yaml_parser_t parser;
	bool done = false, ok = true;
	int documents = 0;

	if (!yaml_parser_initialize(&parser))
		return err_no_memory(e);
	yaml_parser_set_input_string(&parser, text->data, text->len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	while (ok && !done) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			ok = parser_error(f, &parser, e);
			break;
		}
		done = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_ALIAS_EVENT)
			ok = error_at(f, e, (int)event.start_mark.line + 1,
				      "\"*%s\" is an alias: write out what it stands for",
				      event.data.alias.anchor);
		if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
			ok = error_at(f, e, (int)event.start_mark.line + 1,
				      "a second YAML document begins here");
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return ok;
}

static bool read_document(struct yaml_file *f, const struct buf *text, struct err *e)
{
	yaml_parser_t parser;
	bool ok;

	if (!yaml_parser_initialize(&parser))
		return err_no_memory(e);
	yaml_parser_set_input_string(&parser, text->data, text->len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	ok = yaml_parser_load(&parser, &f->document);
	if (!ok)
		parser_error(f, &parser, e);
	yaml_parser_delete(&parser);
	return ok;
}

/* libcyaml tells where it was by a line of its log, from the innermost place outwards. */
struct cyaml_place {
	int line;
};

static void on_cyaml_log(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	struct cyaml_place *place = ctx;
	char text[ERR_MESSAGE_MAX];
	const char *at;

	(void)level;
	vsnprintf(text, sizeof(text), fmt, args);
	at = strstr(text, "line: ");
	if (at && place->line == 0)
		place->line = (int)strtol(at + strlen("line: "), NULL, 10);
}

static bool load_data(struct yaml_file *f, const struct buf *text, struct err *e)
{
	struct cyaml_place place = { 0 };
	cyaml_config_t config = {
		.log_fn = on_cyaml_log,
		.log_ctx = &place,
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = cyaml_mem,
		.flags = CYAML_CFG_NO_ALIAS,
	};
	cyaml_err_t status =
		cyaml_load_data(text->data, text->len, &config, f->schema, &f->data, NULL);

	if (status == CYAML_OK)
		return true;
	f->data = NULL;
	if (status == CYAML_ERR_OOM)
		return err_no_memory(e);
	return error_at(f, e, place.line ? place.line : 1, "%s", cyaml_strerror(status));
}

bool yaml_file_load(struct yaml_file *f, const char *path, const char *kind,
		    const cyaml_schema_value_t *schema, struct err *e)
{
	struct buf text = BUF_INIT;
	yaml_node_t *root;
	bool ok = false;

	*f = (struct yaml_file){ .path = path, .schema = schema };
	if (!file_read(path, FILE_MAX_BYTES, &text, e)) {
		if (e->code == ERR_NOT_FOUND || e->code == ERR_DATA)
			e->code = ERR_CONFIG;
		err_wrap(e, "could not read %s", kind);
		if (!e->hint[0])
			err_hint(e, str_eq(kind, "the configuration")
					    ? "--config (-c) and FIRN_CONFIG name it."
					    : "A relative path in a configuration starts where "
					      "that file is.");
		goto out;
	}
	buf_str(&text);
	if (!buf_ok(&text, e) || !refuse_aliases(f, &text, e) || !read_document(f, &text, e))
		goto out;
	root = yaml_document_get_root_node(&f->document);
	if (!root) {
		err_set(e, ERR_CONFIG, "%s: the file is empty: %s is made of keys, such as \"%s:\"",
			path, kind, schema->mapping.fields[0].key);
		goto out;
	}
	ok = check_node(f, root, schema, (struct place){ kind, NULL }, e) && load_data(f, &text, e);
out:
	buf_release(&text);
	return ok;
}

void yaml_file_release(struct yaml_file *f)
{
	cyaml_config_t config = { .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR };

	if (f->data)
		cyaml_free(&config, f->schema, f->data, 0);
	f->data = NULL;
	yaml_document_delete(&f->document);
}

/* ---- values ---- */

bool yaml_file_strings(struct yaml_file *f, const char *key, char ***items_out, size_t *count_out,
		       struct err *e)
{
	int line;
	yaml_node_t *n = find(f, key, &line);
	bool list = n && n->type == YAML_SEQUENCE_NODE;
	size_t count =
		list ? (size_t)(n->data.sequence.items.top - n->data.sequence.items.start) : 1;

	if (!n)
		return true;
	*items_out = mem_new(count, sizeof(**items_out), e);
	if (!*items_out)
		return false;
	*count_out = count;
	for (size_t i = 0; i < count; i++) {
		yaml_node_t *item =
			list ? yaml_document_get_node(&f->document, n->data.sequence.items.start[i])
			     : n;

		(*items_out)[i] = mem_strdup(scalar(item), e);
		if (!(*items_out)[i])
			return false;
	}
	return true;
}

/* What base says about the value, with the place before it. */
static bool value_error(struct yaml_file *f, const char *key, struct err *e)
{
	struct err why = *e;
	const char *dot = strrchr(key, '.');

	return yaml_file_error(f, e, key, "%s: %s", dot ? dot + 1 : key, why.message);
}

bool yaml_file_bool(struct yaml_file *f, const char *key, const char *text, bool *out,
		    struct err *e)
{
	return !text || str_parse_bool(text, out, e) || value_error(f, key, e);
}

bool yaml_file_bytes(struct yaml_file *f, const char *key, const char *text, uint64_t *out,
		     struct err *e)
{
	return !text || str_parse_bytes(text, out, e) || value_error(f, key, e);
}

bool yaml_file_count(struct yaml_file *f, const char *key, const char *text, uint64_t *out,
		     struct err *e)
{
	return !text || str_parse_count(text, out, e) || value_error(f, key, e);
}

bool yaml_file_duration(struct yaml_file *f, const char *key, const char *text,
			int64_t *seconds_out, struct err *e)
{
	return !text || str_parse_duration(text, seconds_out, e) || value_error(f, key, e);
}

bool yaml_file_duration_ms(struct yaml_file *f, const char *key, const char *text, int64_t *ms_out,
			   struct err *e)
{
	size_t digits = text ? strspn(text, "0123456789") : 0;
	int64_t seconds;

	if (!text)
		return true;
	if (digits > 0 && digits <= 12 && str_eq(text + digits, "ms")) {
		*ms_out = strtoll(text, NULL, 10);
		return true;
	}
	if (!str_parse_duration(text, &seconds, e))
		return value_error(f, key, e);
	if (seconds > INT64_MAX / 1000)
		seconds = INT64_MAX / 1000;
	*ms_out = seconds * 1000;
	return true;
}

bool yaml_file_number(struct yaml_file *f, const char *key, const char *text, int64_t min,
		      int64_t max, int64_t *out, struct err *e)
{
	int64_t v;

	if (!text)
		return true;
	if (!str_parse_i64(text, &v, e))
		return value_error(f, key, e);
	if (v < min || v > max) {
		if (max == INT64_MAX)
			err_set(e, ERR_CONFIG, "%s is less than %lld", text, (long long)min);
		else
			err_set(e, ERR_CONFIG, "%s is not from %lld to %lld", text, (long long)min,
				(long long)max);
		return value_error(f, key, e);
	}
	*out = v;
	return true;
}

bool yaml_file_decimal(struct yaml_file *f, const char *key, const char *text, double *out,
		       struct err *e)
{
	double digits = 0, scale = 1;
	int count = 0;
	bool point = false;

	if (!text)
		return true;
	for (const char *at = text; *at; at++) {
		if (*at == '.' && !point && count > 0) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)*at) || ++count > 15) {
			err_set(e, ERR_CONFIG, "\"%s\" is not a number such as 0.0245", text);
			return value_error(f, key, e);
		}
		digits = digits * 10 + (*at - '0');
		if (point)
			scale *= 10;
	}
	*out = digits / scale;
	return true;
}

bool yaml_file_copy(const char *text, char **out, struct err *e)
{
	if (!text)
		return true;
	free(*out);
	*out = mem_strdup(text, e);
	return *out != NULL;
}
