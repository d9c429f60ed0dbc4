#include "cli/command.h"

int cmd_partitions_split(struct cli *c)
{
	const struct settings *s = &c->settings;
	const struct firn_split_options options = {
		.count = s->leaf_count,
		.widen_keys = s->widen_keys,
		.rollback = s->rollback,
		.drop_old = s->drop_old,
		.confirm = s->confirm,
		.force = s->force,
		.dry_run = s->dry_run,
	};
	struct firn_split_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_partitions_split(c->firn, &options, &result, &e);
	bool written = report_partitions_split(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_split_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
