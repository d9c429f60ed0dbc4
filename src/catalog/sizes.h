/* How large tables are, and how many rows are where. */
#ifndef CATALOG_SIZES_H
#define CATALOG_SIZES_H

#include "catalog/table_info.h"

struct leaf_sizes {
	int64_t heap_bytes;  /* all forks but indexes and TOAST */
	int64_t toast_bytes; /* with its index */
	int64_t index_bytes;
	int64_t rows; /* as the statistics and the catalog know them; counted where they know nothing */
	bool estimated;
};
/* table_id: of the catalog; 0: what firn moved since the statistics were made is not looked at. */
bool sizes_of_leaf(struct pg *pg, const struct leaf *leaf, int64_t table_id, struct leaf_sizes *out,
		   struct err *e);

struct row_count {
	char *leaf; /* "" for what is summed over leaves */
	char *workspace, *version;
	int64_t hot_rows, cold_rows, cold_bytes, cold_raw_bytes;
};
void row_counts_free(struct row_count *counts, size_t count);

/* Rows by workspace and version, hot (counted: reads the table) and cold. */
bool sizes_by_workspace(struct pg *pg, const struct table_info *t, int64_t table_id,
			struct row_count **out, size_t *count_out, struct err *e);

/* Cold rows by leaf, as segments name it. */
bool sizes_cold_by_leaf(struct pg *pg, int64_t table_id, struct row_count **out, size_t *count_out,
			struct err *e);

struct cold_class {
	char *storage_class; /* "" for the archive's default */
	int64_t rows, bytes, raw_bytes;
};
/* Live rows and object bytes by storage class. Index objects are in the default class. */
bool sizes_by_class(struct pg *pg, int64_t table_id, struct cold_class **out, size_t *count_out,
		    struct err *e);
void cold_classes_free(struct cold_class *classes, size_t count);

struct catalog_summary {
	int64_t active, intent, retired, due;
	int64_t not_encrypted;                  /* of the active segments */
	char *last_pass_at, *last_pass_outcome; /* NULL when there was none */
};
/* Active segments of the whole catalog. */
bool sizes_encrypted(struct pg *pg, int64_t *encrypted_out, int64_t *not_encrypted_out,
		     struct err *e);
/* Adds to counts; replaces the strings. */
bool sizes_summary(struct pg *pg, int64_t table_id, struct catalog_summary *out, struct err *e);

#endif
