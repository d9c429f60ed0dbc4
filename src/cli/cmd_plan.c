#include "cli/command.h"

int cmd_plan(struct cli *c)
{
	/* Limits cut a pass short and do not change what is due: plan takes none. */
	const struct firn_pass_options options = { .dry_run = 1 };
	struct firn_plan_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_plan(c->firn, &options, &result, &e);
	bool written = report_plan(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_plan_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
