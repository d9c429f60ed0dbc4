#include "engine/throttle.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/signal.h"
#include "base/str.h"
#include "catalog/server_load.h"
#include "catalog/window.h"

#define LOOK_EVERY_MS 500
/* Rows that come in are counted for this long, before work that takes longer than that by far. */
#define INGEST_LOOK_MS 2000
#define INGEST_WORK_S  20.0
/* Work that would end after the window is begun only when no window would be long enough for it. */
#define WINDOW_USABLE 0.9

static bool check_window(struct throttle *t, double expected_s, bool *go, struct err *e)
{
	const struct policy *policy = engine_policy(t->f, e);
	const struct limits *l;
	int now, left, length;

	if (!policy)
		return false;
	l = &policy->limits;
	if (!l->has_window)
		return true;
	if (!window_local_minutes(t->f->pg, l->window_zone, &now, e))
		return false;
	left = (l->window_to_min - now + 1440) % 1440;
	length = (l->window_to_min - l->window_from_min + 1440) % 1440;
	if (!window_contains(l->window_from_min, l->window_to_min, now)) {
		*go = false;
		snprintf(t->reason, sizeof(t->reason), "the policy's window is closed");
	} else if (expected_s > left * 60.0 && expected_s < length * 60.0 * WINDOW_USABLE) {
		*go = false;
		snprintf(t->reason, sizeof(t->reason),
			 "it would take %.0f s, and the policy's window closes in %d min",
			 expected_s, left);
	}
	return true;
}

static bool lags(struct throttle *t, bool *yes, struct err *e)
{
	int64_t limit = (int64_t)t->f->config.maintain.pause_replica_lag_bytes;
	struct server_load load;
	char has[16];

	*yes = false;
	if (limit <= 0)
		return true;
	if (!server_load_read(t->f->pg, &load, e))
		return false;
	*yes = load.lag_bytes > limit;
	if (*yes)
		snprintf(t->reason, sizeof(t->reason), "a standby is %s behind",
			 str_format_bytes((uint64_t)load.lag_bytes, has, sizeof(has)));
	return true;
}

static bool rows_pour_in(struct throttle *t, double expected_s, bool *yes, struct err *e)
{
	const struct policy *policy = engine_policy(t->f, e);
	int64_t limit, before, after, start_ms;
	double rate;

	*yes = false;
	if (!policy)
		return false;
	limit = policy->limits.pause_ingest_rows >= 0 ? policy->limits.pause_ingest_rows
						      : t->f->config.maintain.pause_ingest_rows;
	if (limit <= 0 || expected_s < INGEST_WORK_S)
		return true;
	start_ms = clock_now_ms(t->f->clock);
	if (!server_load_inserted(t->f->pg, t->table->info, &before, e))
		return false;
	clock_sleep_ms(t->f->clock, INGEST_LOOK_MS);
	if (!server_load_inserted(t->f->pg, t->table->info, &after, e))
		return false;
	rate = (double)(after - before) * 1000 / (double)(clock_now_ms(t->f->clock) - start_ms + 1);
	*yes = rate > (double)limit;
	if (*yes)
		snprintf(t->reason, sizeof(t->reason), "%.0f rows a second come in", rate);
	return true;
}

static bool take_place(struct throttle *t, bool *taken, struct err *e)
{
	int64_t builds = t->f->config.maintain.builds;

	if (!build_slot_take(t->f->pg, builds, &t->slot, e))
		return false;
	*taken = t->slot >= 0;
	if (!*taken)
		snprintf(t->reason, sizeof(t->reason),
			 "%" PRId64 " index %s being built in this database already", builds,
			 builds == 1 ? "is" : "are");
	return true;
}

bool throttle_enter(struct throttle *t, double expected_s, bool *go, struct err *e)
{
	int64_t now = clock_now_ms(t->f->clock);
	int64_t until = now + t->f->config.maintain.pause_at_most_s * 1000;
	bool busy, taken, told = false;

	if (t->deadline_ms && t->deadline_ms < until)
		until = t->deadline_ms;
	*go = true;
	t->reason[0] = '\0';
	for (;;) {
		if (!check_window(t, expected_s, go, e))
			return false;
		if (!*go)
			return true;
		if (!lags(t, &busy, e) || (!busy && !rows_pour_in(t, expected_s, &busy, e)))
			return false;
		if (!busy && !take_place(t, &taken, e))
			return false;
		if (!busy && taken)
			return true;
		if (!told)
			log_notice(&t->f->log, "index work pauses: %s", t->reason);
		told = true;
		if (signal_stop_requested() || clock_now_ms(t->f->clock) >= until) {
			*go = false;
			return true;
		}
		clock_sleep_ms(t->f->clock, LOOK_EVERY_MS);
	}
}

void throttle_leave(struct throttle *t)
{
	build_slot_release(t->f->pg, t->slot);
	t->slot = -1;
}
