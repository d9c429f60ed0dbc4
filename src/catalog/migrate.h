/* The firn schema and its numbered migrations (sql/migrate_NNN.sql, embedded at build). */
#ifndef CATALOG_MIGRATE_H
#define CATALOG_MIGRATE_H

#include "catalog/pg.h"

/* The version that this program knows. */
int migrate_known_version(void);

/* Of the database: 0 when the firn schema is not there. */
bool migrate_current_version(struct pg *pg, int *version_out, struct err *e);

/* Brings the catalog up to migrate_known_version(), each migration in its own transaction, two programs at once being
 * serialised by an advisory lock. Newer than known is ERR_CONFIG ("upgrade firn"). Running it twice changes nothing. */
bool migrate_run(struct pg *pg, int *before_out, struct err *e);

/* For every other command: ERR_CONFIG with "run firn init" when it is missing or older, or newer than known. */
bool migrate_check(struct pg *pg, struct err *e);

#endif
