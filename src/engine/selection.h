/* What a rehydrate asks for, in the forms that the catalog (text) and segments (binary) compare. */
#ifndef ENGINE_SELECTION_H
#define ENGINE_SELECTION_H

#include "engine/engine.h"

/* Values of one column as the table's type has them. */
struct selection_values {
	size_t count;
	char **texts; /* canonical: (value::type)::text */
	struct buf *
		binaries; /* as COPY BINARY has them; per value one field for each column of the role */
	struct field *fields; /* count * columns_per_value, pointing into binaries */
	size_t columns_per_value;
};

struct selection {
	struct selection_values workspaces, documents, chunks, versions;
};

/* Lets the database read the options' texts as values of the table's columns. ERR_USAGE names a text that the type
 * does not take, or a selection for which the table has no column. Composite chunk ids are given as "a,b" in the
 * order of the id columns. Release it on failure too. */
bool selection_resolve(struct pg *pg, const struct table_info *t,
		       const struct firn_rehydrate_options *o, struct selection *out,
		       struct err *e);
void selection_release(struct selection *s);

/* Row numbers of a segment that the index says match and that are not dead. Documents and chunks are found by hash:
 * selection_matches decides on the decoded row. */
bool selection_rows(const struct selection *s, const struct segment_index *index,
		    const struct bitmap *dead, struct bitmap *out, struct err *e);

/* Whether the decoded row (fields in the order of columns) is asked for. */
bool selection_matches(const struct selection *s, const struct column *columns, size_t column_count,
		       const struct field *fields);

#endif
