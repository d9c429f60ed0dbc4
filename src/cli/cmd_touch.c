#include "cli/command.h"

int cmd_touch(struct cli *c)
{
	const struct firn_touch_options options = {
		.in = stdin,
		.complete_since = c->settings.complete_since,
	};
	struct firn_touch_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_touch(c->firn, &options, &result, &e);
	bool written = report_touch(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_touch_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
