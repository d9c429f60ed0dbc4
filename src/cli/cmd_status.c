#include "cli/command.h"

int cmd_status(struct cli *c)
{
	struct firn_status_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_status(c->firn, c->settings.by, &result, &e);
	bool written = report_status(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_status_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
