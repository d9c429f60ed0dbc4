/* Which embedding versions workspaces have, where their rows are, and how far the next version covers the active one. */
#ifndef CATALOG_VERSION_COUNTS_H
#define CATALOG_VERSION_COUNTS_H

#include "catalog/table_info.h"

/* One version of one workspace; what is the workspace's is the same in each of its rows. "" stands for SQL NULL in
 * workspace and version. */
struct version_row {
	const char *workspace;
	const char *active, *target; /* NULL: not known, none */
	const char *since;           /* ISO 8601 UTC; NULL: not known */
	int64_t documents; /* with hot rows of the active version; a table without documents has one a workspace */
	int64_t covered; /* of these, with hot rows of the target */
	int64_t fewer;   /* of these, with fewer rows of the target than of the active version */
	const char *rollback_to, *rollback_began; /* of one that is under way, else NULL */

	const char *version;
	int64_t hot_rows, hot_documents, cold_rows;
};

/* Visits the versions that a workspace has rows of, its active one and its target, by workspace and version; reads the
 * table's rows but not their vectors. workspace NULL: all. target NULL: each workspace's own. A workspace that two rows of
 * the active version's source speak of has one of them. Runs in the caller's transaction, else in one of its own. */
bool version_counts(struct pg *pg, const struct table_info *t, int64_t table_id,
		    const char *workspace, const char *target,
		    bool (*visit)(void *ctx, const struct version_row *row, struct err *e),
		    void *ctx, struct err *e);

/* Appends some of the workspace's documents that have hot rows of version active, but none of version, quoted and with
 * commas between; nothing where the table has no documents. */
bool version_missing(struct pg *pg, const struct table_info *t, const char *workspace,
		     const char *active, const char *version, struct buf *out, struct err *e);

/* Appends names of vector indexes of the leaves with rows of this version that no search can use now. */
bool version_unusable_indexes(struct pg *pg, const struct table_info *t, int64_t table_id,
			      const char *workspace, const char *version, struct buf *out,
			      struct err *e);

#endif
