#include "cli/command.h"

int cmd_partitions_status(struct cli *c)
{
	const struct firn_partitions_options options = {
		.leaf_rows = c->settings.leaf_rows,
	};
	struct firn_partitions_status result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_partitions_status(c->firn, &options, &result, &e);
	bool written = report_partitions_status(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_partitions_status_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
