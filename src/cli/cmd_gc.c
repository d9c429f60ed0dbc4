#include "cli/command.h"

int cmd_gc(struct cli *c)
{
	const struct settings *s = &c->settings;
	const struct firn_gc_options options = {
		.confirm = s->confirm,
		.horizon_s = s->horizon_s,
		.expire = s->expire,
		.orphans = s->orphans,
	};
	struct firn_gc_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_gc(c->firn, &options, &result, &e);
	bool written = report_gc(&c->report, &result, &options, ok ? NULL : &e, &write_error);

	bool put_off = result.put_off > 0;

	firn_gc_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, put_off });
}
