#include "cli/command.h"

int cmd_policy_check(struct cli *c)
{
	struct firn_policy_check check = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_policy_check(c->firn, c->settings.with_tables, &check, &e);
	bool written = report_policy_check(&c->report, &check, ok ? NULL : &e, &write_error);

	firn_policy_check_release(&check);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
