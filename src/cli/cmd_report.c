#include "cli/command.h"

int cmd_report(struct cli *c)
{
	const struct firn_report_options options = { .by = FIRN_BY_TABLE };
	struct firn_report_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_report(c->firn, &options, &result, &e);
	bool written = report_cost(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_report_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
