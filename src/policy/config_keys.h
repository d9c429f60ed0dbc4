/* Every key of the configuration with the member that it fills, so that values can be shown with where they came from. */
#ifndef POLICY_CONFIG_KEYS_H
#define POLICY_CONFIG_KEYS_H

#include <cyaml/cyaml.h>

#include "policy/config.h"

#define CONFIG_KEY_MAX 128

enum config_kind {
	CONFIG_TEXT, /* char * */
	CONFIG_LIST, /* char **, with its size_t count right behind it */
	CONFIG_BOOL,
	CONFIG_I64,
	CONFIG_U32,
	CONFIG_INT,
	CONFIG_BYTES,    /* uint64_t */
	CONFIG_DURATION, /* int64_t, seconds */
};

struct config_key {
	const char *name; /* "s3.endpoint"; those of a table as "tables[].columns.id" */
	enum config_kind kind;
	size_t offset; /* in struct config, or in struct config_table */
	/* For numbers: what stands for "not given", where that is no default that can be named. */
	bool has_unset;
	int64_t unset;
};

/* Ends with a row whose name is NULL. */
extern const struct config_key config_keys[];

/* What the file is read by; the table has a row for each of its scalars and lists. */
const cyaml_schema_value_t *config_schema(void);

struct config_value {
	char key[CONFIG_KEY_MAX]; /* with the table's number: "tables[0].columns.id" */
	char *value;              /* as the file would have it; NULL: not given */
	int line;                 /* of the file; 0: it is not there */
};

struct config_values {
	struct config_value *items;
	size_t count, capacity;
};

/* The values of c, with the lines of the file at path (NULL: none) from which they were loaded. */
bool config_describe(const struct config *c, const char *path, struct config_values *out,
		     struct err *e);
void config_values_release(struct config_values *v);

#endif
