/*
 * A JSON document, put together member by member; what render_*.c share. Memory that runs out shows when it is written.
 *
 *     json_t *o = begin("gc"), *items = set_array(o, "items");
 *     set_string(add_object(items), "object", name);
 *     return end(r, o, failure, e);
 */
#ifndef REPORT_JSON_DOC_H
#define REPORT_JSON_DOC_H

#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "report/report.h"

/* Databases in SQL_ASCII may hold names that are not UTF-8: what JSON cannot carry becomes U+FFFD. */
static inline json_t *string(const char *s)
{
	struct buf clean = BUF_INIT;
	json_t *j;

	if (!s)
		return json_null();
	j = json_string(s);
	if (j)
		return j;
	while (*s) {
		size_t len = str_utf8_len(s);

		if (len)
			buf_add(&clean, s, len);
		else
			buf_add_str(&clean, "\xEF\xBF\xBD");
		s += len ? len : 1;
	}
	j = clean.failed ? NULL : json_string(buf_str(&clean));
	buf_release(&clean);
	return j;
}

static inline void set_string(json_t *o, const char *name, const char *s)
{
	json_object_set_new(o, name, string(s));
}

static inline void set_int(json_t *o, const char *name, int64_t n)
{
	json_object_set_new(o, name, json_integer(n));
}

static inline void set_real(json_t *o, const char *name, double v)
{
	json_object_set_new(o, name, json_real(v));
}

static inline void set_bool(json_t *o, const char *name, bool v)
{
	json_object_set_new(o, name, json_boolean(v));
}

/* A new empty array in o. */
static inline json_t *set_array(json_t *o, const char *name)
{
	json_t *a = json_array();

	json_object_set_new(o, name, a);
	return a;
}

static inline json_t *add_object(json_t *array)
{
	json_t *o = json_object();

	json_array_append_new(array, o);
	return o;
}

static inline json_t *begin(const char *command)
{
	json_t *o = json_object();

	set_string(o, "command", command);
	return o;
}

/* Writes the document and releases it. */
static inline bool write_document(const struct report *r, json_t *o, struct err *e)
{
	char *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(15));

	json_decref(o);
	if (!text)
		return err_no_memory(e);
	fputs(text, r->out);
	fputc('\n', r->out);
	free(text);
	return true;
}

/* The same, after adding the error. */
static inline bool end(const struct report *r, json_t *o, const struct err *failure, struct err *e)
{
	json_t *error = failure ? json_object() : json_null();

	if (failure) {
		set_string(error, "code", err_code_name(failure->code));
		set_string(error, "message", failure->message);
		set_string(error, "hint", failure->hint[0] ? failure->hint : NULL);
	}
	json_object_set_new(o, "error", error);
	return write_document(r, o, e);
}

#endif
