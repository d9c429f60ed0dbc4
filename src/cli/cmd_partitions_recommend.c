#include "cli/command.h"

int cmd_partitions_recommend(struct cli *c)
{
	const struct firn_partitions_options options = {
		.growth_percent = c->settings.growth_percent,
		.rows = c->settings.planned_rows,
		.leaf_rows = c->settings.leaf_rows,
	};
	struct firn_partitions_advice result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_partitions_recommend(c->firn, &options, &result, &e);
	bool written = report_partitions_advice(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_partitions_advice_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
