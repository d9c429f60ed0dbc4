/* What versions status, promote and rollback share. */
#ifndef ENGINE_VERSIONS_H
#define ENGINE_VERSIONS_H

#include "catalog/version_counts.h"
#include "catalog/version_flip.h"
#include "engine/engine.h"
#include "engine/selection.h"

/* A change of one workspace's active version in one table. */
struct version_change {
	struct firn *f;
	const struct firn_version_options *options;
	struct firn_version_result *result;
	struct engine_table table;
	struct selection names;     /* owns the next two */
	const char *workspace, *to; /* as the table's types write them; to NULL: not given */
	size_t note_capacity;
};

/* ERR_USAGE: not one table, or no workspace; ERR_CONFIG: a table whose active version cannot be changed from here. */
bool version_change_open(struct version_change *c, struct firn *f,
			 const struct firn_version_options *options,
			 struct firn_version_result *result, struct err *e);
void version_change_close(struct version_change *c);

bool version_change_note(struct version_change *c, struct err *e, const char *fmt, ...)
	PRINTF(3, 4);

/* What a flip from the active version to another would mean for readers. */
struct version_cover {
	int64_t documents, missing,
		fewer;               /* of the active version; of these, see firn_version_result */
	int64_t active_rows;         /* hot and cold */
	int64_t hot_rows, cold_rows; /* of the other version */
	int64_t active_cold_rows;
};
/* In the transaction of the flip. */
bool version_change_cover(struct version_change *c, const char *active, const char *to,
			  struct version_cover *out, struct err *e);

/* Puts the numbers into the result. */
void version_change_tell(struct version_change *c, const struct version_cover *cover);

/* ERR_CONFIG: documents of the active version lack the other, some of them named. Always false. */
bool version_change_refuse_missing(struct version_change *c, const char *active, const char *to,
				   const struct version_cover *cover, struct err *e);

/* Whether the table can have versions at all: ERR_CONFIG. */
bool versions_known(const struct table_info *t, struct err *e);

#endif
