#include "cli/command.h"

int cmd_keys_status(struct cli *c)
{
	struct firn_keys_status result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_keys_status(c->firn, &result, &e);
	bool written = report_keys_status(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_keys_status_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
