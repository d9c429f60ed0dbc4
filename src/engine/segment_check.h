/* Proving that what lies in the archive is what was read from Postgres, and naming its groups. */
#ifndef ENGINE_SEGMENT_CHECK_H
#define ENGINE_SEGMENT_CHECK_H

#include "engine/engine.h"

/* Reads both objects back from the archive, compares length and digest with what was sealed, decodes every block and
 * compares each row's hash with hashes (one a row, computed from the COPY stream), and the columns with those of t that were
 * read. ERR_DATA on any difference that reading again does not mend. Of an encrypted segment the keys are those of the
 * catalog, looked up anew: what cannot be opened with these is not archived. */
bool segment_check_archived(struct firn *f, const struct engine_table *t, const char *object_key,
			    const char *index_key, const struct segment_sealed *sealed,
			    const uint64_t *hashes, struct err *e);

/* Text forms of each group's workspace and version, by the database's own output functions. An array of
 * sealed->group_count released by segment_groups_free; NULL and e set on failure. */
struct segment_group_row *segment_group_texts(struct pg *pg, const struct table_info *t,
					      const struct segment_sealed *sealed, struct err *e);

#endif
