#include "cli/command.h"

int cmd_init(struct cli *c)
{
	struct firn_init_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	const struct firn_init_options options = { .take_over = c->settings.take_over };
	bool ok = firn_init(c->firn, &options, &result, &e);
	bool written = report_init(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_init_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
