/* What pg_repack needs to know of the database before it runs on a leaf. */
#ifndef CATALOG_REPACK_H
#define CATALOG_REPACK_H

#include "catalog/table_info.h"

struct repack_state {
	char version[32]; /* of the extension in this database; "" where it is not */
	int server_major;
	bool may_use;        /* the role may call its functions */
	bool has_key;        /* a primary key, or a unique index over columns that are never NULL */
	bool left_over;      /* a run that died left its trigger on the leaf */
	int64_t total_bytes; /* heap, TOAST and all indexes: what a copy needs */
	uint32_t file;       /* changes when the leaf was repacked */
};
bool repack_look(struct pg *pg, const struct leaf *leaf, struct repack_state *out, struct err *e);

#endif
