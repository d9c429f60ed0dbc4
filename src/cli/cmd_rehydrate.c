#include "cli/command.h"

static const char *const *strings(const struct option_list *l)
{
	return (const char *const *)l->items;
}

/* Said here, before a database is asked for anything. */
static bool selects(const struct settings *s, struct err *e)
{
	size_t selections = s->workspaces.count + s->documents.count + s->chunks.count +
			    s->versions.count + s->segments.count;

	if (selections > 0 && s->where_cold)
		return err_set(e, ERR_USAGE, "--where-cold all goes with no other selection");
	if (selections == 0 && !s->where_cold) {
		err_set(e, ERR_USAGE, "nothing is selected");
		return err_hint(e, "Name what to bring back by --workspace, --document, --chunk, "
				   "--version or --segment, or everything by --where-cold all.");
	}
	return true;
}

int cmd_rehydrate(struct cli *c)
{
	/* In the order of --on-conflict's choices. */
	static const enum firn_on_conflict conflicts[] = { FIRN_CONFLICT_SKIP,
							   FIRN_CONFLICT_REPLACE,
							   FIRN_CONFLICT_FAIL };
	static const enum firn_restore_tier tiers[] = { FIRN_RESTORE_STANDARD, FIRN_RESTORE_BULK,
							FIRN_RESTORE_EXPEDITED };
	struct settings *s = &c->settings;
	struct firn_rehydrate_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok, written, put_off;

	ok = selects(s, &e) && settings_read_chunks(s, stdin, &e);
	if (ok) {
		const struct firn_rehydrate_options options = {
			.workspaces = strings(&s->workspaces),
			.workspace_count = s->workspaces.count,
			.documents = strings(&s->documents),
			.document_count = s->documents.count,
			.chunks = strings(&s->chunks),
			.chunk_count = s->chunks.count,
			.versions = strings(&s->versions),
			.version_count = s->versions.count,
			.segments = s->segments.ids,
			.segment_count = s->segments.count,
			.everything = s->where_cold,
			.on_conflict = conflicts[s->on_conflict],
			.no_maintain = s->no_maintain,
			.dry_run = s->dry_run,
			.bulk = s->bulk,
			.jobs = s->jobs,
			.columns = strings(&s->columns),
			.column_count = s->columns.count,
			.restore_tier = tiers[s->restore_tier],
			.restore_days = s->restore_days,
			.wait = s->wait,
			.restore_poll_s = s->restore_poll_s,
		};

		ok = firn_rehydrate(c->firn, &options, &result, &e);
	}
	written = report_rehydrate(&c->report, &result, s->dry_run, ok ? NULL : &e, &write_error);
	put_off = result.maintain.put_off > 0 || result.segments_frozen > 0;
	firn_rehydrate_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, put_off });
}
