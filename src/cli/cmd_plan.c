#include "cli/command.h"

int cmd_plan(struct cli *c)
{
	const struct settings *s = &c->settings;
	const struct firn_pass_options options = {
		.max_rows = s->max_rows,
		.max_runtime_s = s->max_runtime_s,
		.dry_run = 1,
		.segment_bytes = s->segment_bytes,
	};
	struct firn_plan_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_plan(c->firn, &options, &result, &e);
	bool written = report_plan(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_plan_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
