#include "cli/command.h"

int cmd_maintain(struct cli *c)
{
	const struct settings *s = &c->settings;
	const struct firn_maintain_options options = {
		.force = s->force,
		.reclaim = s->reclaim,
		.dry_run = s->dry_run,
		.max_runtime_s = s->max_runtime_s,
	};
	struct firn_maintain_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_maintain(c->firn, &options, &result, &e);
	bool written =
		report_maintain(&c->report, &result, s->dry_run, ok ? NULL : &e, &write_error);
	bool put_off = result.put_off > 0;

	firn_maintain_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, put_off });
}
