/* Rows and columns as they travel between Postgres and segments: binary field values, exactly as COPY BINARY has them. */
#ifndef BASE_ROW_H
#define BASE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One value. data points into memory that someone else owns; len -1 is NULL (data is ignored then). */
struct field {
	const uint8_t *data;
	int32_t len;
};

#define FIELD_NULL ((struct field){ NULL, -1 })

/* What a column is to firn. One column has one role; COLUMN_ID may be held by several (composite chunk ids). */
enum column_role {
	COLUMN_OTHER = 0,
	COLUMN_ID,
	COLUMN_WORKSPACE,
	COLUMN_DOCUMENT,
	COLUMN_EMBEDDING,
	COLUMN_VERSION,
	COLUMN_CREATED,
};

#define COLUMN_NAME_MAX 64  /* NAMEDATALEN of Postgres, with the NUL */
#define COLUMN_TYPE_MAX 256 /* format_type() with schema and modifiers */

struct column {
	char name[COLUMN_NAME_MAX];
	char type_name
		[COLUMN_NAME_MAX]; /* pg_type.typname: "vector", "int4", "text", "uuid": chooses the encoding */
	char type_full
		[COLUMN_TYPE_MAX]; /* format_type(atttypid, atttypmod): "vector(512)": must match on rehydrate */
	uint32_t type_oid;
	int32_t typmod;
	enum column_role role;
	bool in_key; /* part of the primary key (or the unique key that stands in for it) */
	bool not_null;
};

/* Position of the column with this role, or -1. For COLUMN_ID the first of them. */
static inline int column_with_role(const struct column *columns, size_t count,
				   enum column_role role)
{
	for (size_t i = 0; i < count; i++)
		if (columns[i].role == role)
			return (int)i;
	return -1;
}

#endif
