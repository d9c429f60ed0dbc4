#include "cli/command.h"

int cmd_forget(struct cli *c)
{
	const struct settings *s = &c->settings;
	const struct firn_forget_options options = {
		.workspace = s->workspace,
		.confirm = s->confirm,
	};
	struct firn_forget_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_forget(c->firn, &options, &result, &e);
	bool written = report_forget(&c->report, &result, s->confirm, ok ? NULL : &e, &write_error);

	firn_forget_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
