/* What each workspace, or embedding version, has of each leaf and of its segments: for reports. */
#ifndef CATALOG_USAGE_GROUPS_H
#define CATALOG_USAGE_GROUPS_H

#include "catalog/table_info.h"

struct usage_group {
	const char *name; /* "" for rows without one, too */
	const char *leaf; /* as segments name it: it may be gone */
	int64_t hot_rows; /* counted, in the sample */
	double hot_share; /* of the leaf's rows that were counted; of its cold ones where it has no others */
	int64_t cold_rows, moved_rows;
	int64_t cold_bytes; /* of segments' objects, in its share of their live rows */
	int64_t cold_raw_bytes;
};

/* By name, then leaf. role is COLUMN_WORKSPACE or COLUMN_VERSION; where the table has no such column, all is one group. Reads
 * every row's column, of about sample_pages pages of the heap only where that is less (0: all of it); no vectors. The
 * strings are the visit's only. */
bool usage_groups(struct pg *pg, const struct table_info *t, int64_t table_id,
		  enum column_role role, int64_t sample_pages,
		  bool (*visit)(void *ctx, const struct usage_group *g, struct err *e), void *ctx,
		  struct err *e);

struct usage_heat {
	double lower, upper;
	int64_t chunks;
};
/* Of chunks in firn.heat, by heat as it is now: up to 1/4, 1, 4, 16, 64 and more. As passes folded it: reads since the last
 * one are not in it. out has USAGE_HEAT_BUCKETS. *known_out: any read was folded. */
#define USAGE_HEAT_BUCKETS 6
bool usage_heat(struct pg *pg, int64_t table_id, int64_t half_life_s,
		struct usage_heat out[USAGE_HEAT_BUCKETS], bool *known_out, struct err *e);

#endif
