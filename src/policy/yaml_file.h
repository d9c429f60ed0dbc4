/*
 * A YAML file read by a schema, with errors that say where: `firn.yaml:12: ...`. libcyaml turns the file into structs of
 * strings; libyaml's document, kept beside them, gives the line of every key. What cannot be read by itself (a list
 * that may be a single value) is CYAML_IGNORE in the schema and read with yaml_file_strings.
 *
 * Refused here, for every file: unknown and repeated keys, keys without a value, aliases, more than one document.
 */
#ifndef POLICY_YAML_FILE_H
#define POLICY_YAML_FILE_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#include "base/err.h"

struct yaml_file {
	const char *path; /* borrowed */
	yaml_document_t document;
	const cyaml_schema_value_t *schema;
	void *data; /* what the schema says; NULL until loaded */
};

/* kind is what an unknown key is said not to be a key of: "a policy". ERR_CONFIG, or ERR_IO when path cannot be
 * read. yaml_file_release also after a failure. */
bool yaml_file_load(struct yaml_file *f, const char *path, const char *kind,
		    const cyaml_schema_value_t *schema, struct err *e);
void yaml_file_release(struct yaml_file *f);

/* Places in the file are written as keys: "limits.window", "rules[2].match". The line of the key, or of the nearest
 * one above it that is in the file. */
int yaml_file_line(struct yaml_file *f, const char *key);

/* Sets ERR_CONFIG "PATH:LINE: message". Returns false. */
bool yaml_file_error(struct yaml_file *f, struct err *e, const char *key, const char *fmt, ...)
	PRINTF(4, 5);

/* Whether the file holds the key. */
bool yaml_file_has(struct yaml_file *f, const char *key);

/* The items of a list of strings, or the one string that stands in its place, copied to the heap. A key that is not
 * there gives none. */
bool yaml_file_strings(struct yaml_file *f, const char *key, char ***items_out, size_t *count_out,
		       struct err *e);

/* These read text, the key's value, and leave *out alone when text is NULL: not given. */
bool yaml_file_bool(struct yaml_file *f, const char *key, const char *text, bool *out,
		    struct err *e);
bool yaml_file_bytes(struct yaml_file *f, const char *key, const char *text, uint64_t *out,
		     struct err *e);
/* "25M": powers of 1000. */
bool yaml_file_count(struct yaml_file *f, const char *key, const char *text, uint64_t *out,
		     struct err *e);
bool yaml_file_duration(struct yaml_file *f, const char *key, const char *text,
			int64_t *seconds_out, struct err *e);
/* As durations, and "500ms". */
bool yaml_file_duration_ms(struct yaml_file *f, const char *key, const char *text, int64_t *ms_out,
			   struct err *e);
/* min and max are the range, both included. */
bool yaml_file_number(struct yaml_file *f, const char *key, const char *text, int64_t min,
		      int64_t max, int64_t *out, struct err *e);
/* "0.0245": digits with at most one point, at most 15 of them; whatever the locale. */
bool yaml_file_decimal(struct yaml_file *f, const char *key, const char *text, double *out,
		       struct err *e);

/* Copies text to the heap as *out, freeing what that held; NULL leaves *out alone. */
bool yaml_file_copy(const char *text, char **out, struct err *e);

/* Fields of a schema: every scalar is read as a string. */
#define YAML_STRING(key, type, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define YAML_STRUCT(key, type, member, fields) \
	CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_OPTIONAL, type, member, fields)
#define YAML_LIST(key, type, member, count, entry)                                              \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, \
				   count, entry, 0, CYAML_UNLIMITED)
#define YAML_STRINGS(key) CYAML_FIELD_IGNORE(key, CYAML_FLAG_OPTIONAL)

#endif
