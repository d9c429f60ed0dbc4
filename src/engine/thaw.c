#include "engine/thaw.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/signal.h"
#include "base/storage_class.h"
#include "base/str.h"

#define DEFAULT_DAYS   7
#define DEFAULT_POLL_S 300
#define NAP_MS         200

/* In the order of the tiers. */
static const struct {
	enum firn_restore_tier tier;
	const char *name;
} tiers[] = {
	{ FIRN_RESTORE_STANDARD, "Standard" },
	{ FIRN_RESTORE_BULK, "Bulk" },
	{ FIRN_RESTORE_EXPEDITED, "Expedited" },
};

static int hours_of(const struct storage_class *c, enum firn_restore_tier tier)
{
	switch (tier) {
	case FIRN_RESTORE_BULK:
		return c->bulk_h;
	case FIRN_RESTORE_EXPEDITED:
		return c->expedited_h;
	default:
		return c->standard_h;
	}
}

static bool ask(struct restore *r, const struct segment_record *record, const char *class,
		struct err *e)
{
	const struct firn_rehydrate_options *o = r->options;
	const struct storage_class *known = storage_class_find(class);
	const struct store_thaw wanted = { .tier = tiers[o->restore_tier].name,
					   .days = o->restore_days > 0 ? (int)o->restore_days
								       : DEFAULT_DAYS };
	int hours = known ? hours_of(known, o->restore_tier) : 0;
	char by[64] = "";

	if (!store_thaw(engine_store(r->f, e), record->object_key, &wanted, e))
		return false;
	if (hours)
		snprintf(by, sizeof(by), ", which takes up to %d %s", hours,
			 hours == 1 ? "hour" : "hours");
	return restore_note(r, e, "segment %" PRId64 " is in %s: its restore was asked for%s",
			    record->id, class, by);
}

bool thaw_segment(struct restore *r, const struct segment_record *record, bool *readable_out,
		  struct err *e)
{
	struct store *store = engine_store(r->f, e);
	struct store_object object;

	*readable_out = true;
	if (!store || !store_head(store, record->object_key, &object, e))
		return false;
	*readable_out = object.access == STORE_READABLE || object.access == STORE_THAWED;
	if (*readable_out)
		return true;
	/* The index object tells what a dry run asks for. */
	if (r->options->dry_run) {
		*readable_out = true;
		return restore_note(r, e,
				    "segment %" PRId64 " is in %s: it would be restored first",
				    record->id, object.storage_class);
	}
	r->result->segments_frozen++;
	if (object.access == STORE_THAWING)
		return restore_note(r, e, "segment %" PRId64 " is in %s: its restore is under way",
				    record->id, object.storage_class);
	return ask(r, record, object.storage_class, e);
}

bool thaw_wait(struct restore *r, const struct segment_record *const *segments, size_t count,
	       struct err *e)
{
	const struct clock *clock = r->f->clock;
	int64_t poll_s =
		r->options->restore_poll_s > 0 ? r->options->restore_poll_s : DEFAULT_POLL_S;
	struct store *store = engine_store(r->f, e);

	if (!store)
		return false;
	log_notice(&r->f->log, "waiting for the restore of %zu %s", count,
		   count == 1 ? "segment" : "segments");
	for (;;) {
		int64_t until_ms = clock_now_ms(clock) + poll_s * 1000;

		while (clock_now_ms(clock) < until_ms) {
			if (signal_stop_requested())
				return err_set(e, ERR_INTERRUPTED,
					       "stopped by a signal while waiting for restores");
			clock_sleep_ms(clock, NAP_MS);
		}
		for (size_t i = 0; i < count; i++) {
			struct store_object object;

			if (!store_head(store, segments[i]->object_key, &object, e))
				return false;
			if (object.access == STORE_READABLE || object.access == STORE_THAWED)
				return true;
		}
	}
}
