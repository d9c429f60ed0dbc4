/* Parts of table_info_load, for the table_*.c files only. */
#ifndef CATALOG_TABLE_LOAD_H
#define CATALOG_TABLE_LOAD_H

#include "catalog/table_info.h"

struct table_load {
	struct pg *pg; /* in a transaction */
	const struct table_wanted *wanted;
	struct table_info *info;
	uint32_t active_oid; /* of the table that says which version is active; 0: none */
};

/* What table_info_load knows of a column beside struct column. */
struct found_column {
	struct column column;
	bool identity_always, generated, hash_key, refers_to_document;
	char category; /* pg_type.typcategory */
};

struct found_columns {
	struct found_column *items;
	size_t count;
};

/* Adds a check. code counts for refused ones; hint may be NULL. */
bool table_add_check(struct table_info *t, enum table_check_state state, enum err_code code,
		     const char *name, const char *hint, struct err *e, const char *fmt, ...)
	PRINTF(7, 8);

/* OID of what spec names ("schema.table" or "table", see table_info_load), 0 when there is none. A bare name is looked
 * for in schema first where that is not NULL, then in the role's own search_path. ERR_CONFIG: no name at all. */
bool table_find_relation(struct pg *pg, const char *spec, const char *schema, uint32_t *oid_out,
			 struct err *e);

/* Name, schema and kind of a relation, on the heap. */
struct relation {
	char *schema, *name, *qualified, *label;
	char *root;  /* label of the partitioned table that it belongs to; NULL: none */
	char *heirs; /* tables that inherit from it; NULL: none */
	char kind;   /* pg_class.relkind */
};
bool table_load_relation(struct pg *pg, uint32_t oid, struct relation *out, struct err *e);
void relation_release(struct relation *r);

/* table_columns.c */
bool found_columns_load(struct pg *pg, uint32_t oid, struct found_columns *out, struct err *e);
void found_columns_release(struct found_columns *c);
/* The column that an operator's name means, or NULL. */
struct found_column *found_columns_named(const struct found_columns *c, const char *name);
/* The first that one of these names means, case and underscores aside; fits may be NULL. */
struct found_column *found_columns_like(const struct found_columns *c, const char *const *names,
					bool (*fits)(const struct found_column *c));
/* Appends their names, quoted by the server's rules, with ", " between. */
void found_columns_list(struct pg *pg, const struct found_columns *c, struct buf *out);
bool column_is_timestamp(const struct found_column *c);
bool column_names_alike(const char *a, const char *b);
extern const char *const workspace_names[];

/* Columns, key, roles. */
bool table_load_columns(struct table_load *l, struct err *e);

/* table_active.c */
bool table_load_active(struct table_load *l, struct err *e);

/* table_checks.c: what else could go wrong. */
bool table_run_checks(struct table_load *l, struct err *e);

#endif
