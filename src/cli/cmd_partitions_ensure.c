#include "cli/command.h"

int cmd_partitions_ensure(struct cli *c)
{
	const struct firn_partitions_options options = {
		.count = c->settings.leaf_count,
	};
	struct firn_partitions_made result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_partitions_ensure(c->firn, &options, &result, &e);
	bool written = report_partitions_made(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_partitions_made_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
