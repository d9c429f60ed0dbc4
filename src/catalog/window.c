#include "catalog/window.h"

bool window_local_minutes(struct pg *pg, const char *zone, int *minutes_out, struct err *e)
{
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *result = NULL;
	bool ok;

	pg_param_text(&p, zone);
	ok = pg_query(pg,
		      "SELECT (extract(hour FROM l) * 60 + extract(minute FROM l))::int "
		      "FROM pg_catalog.timezone($1::text, pg_catalog.clock_timestamp()) l",
		      &p, &result, e);
	if (ok)
		*minutes_out = (int)pg_i64(result, 0, 0);
	else if (e->code == ERR_DATA) {
		err_set(e, ERR_CONFIG, "time zone \"%s\" is not known to the database", zone);
		err_hint(e, "Use a name such as UTC or Europe/Bucharest in the policy's window.");
	}
	pg_result_free(result);
	return ok;
}

bool window_contains(int from_min, int to_min, int minutes)
{
	if (from_min <= to_min)
		return minutes >= from_min && minutes < to_min;
	return minutes >= from_min || minutes < to_min;
}
