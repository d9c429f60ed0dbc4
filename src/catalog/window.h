/* Time of day by the database's clock, for windows in which passes may run. */
#ifndef CATALOG_WINDOW_H
#define CATALOG_WINDOW_H

#include "catalog/pg.h"

/* Minutes since midnight in the time zone (a name that Postgres knows). ERR_CONFIG when it knows none such. */
bool window_local_minutes(struct pg *pg, const char *zone, int *minutes_out, struct err *e);

/* Whether minutes lie in [from, to); a window may span midnight. */
bool window_contains(int from_min, int to_min, int minutes);

#endif
