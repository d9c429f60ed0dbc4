#include "cli/command.h"

int cmd_pass(struct cli *c)
{
	const struct settings *s = &c->settings;
	const struct firn_pass_options options = {
		.max_rows = s->max_rows,
		.max_runtime_s = s->max_runtime_s,
		.dry_run = s->dry_run,
		.no_maintain = s->no_maintain,
		.segment_bytes = s->segment_bytes,
		.jobs = s->jobs,
	};
	struct firn_pass_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_pass(c->firn, &options, &result, &e);
	bool written = report_pass(&c->report, &result, s->dry_run, ok ? NULL : &e, &write_error);
	/* A limit is the operator's wish and no failure; a signal, or work that could not be done, wants another run. */
	bool put_off =
		result.maintain.put_off > 0 || (result.stopped_early && firn_stop_requested());

	firn_pass_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, put_off });
}
