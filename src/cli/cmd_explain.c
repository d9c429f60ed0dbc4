#include "cli/command.h"

int cmd_explain(struct cli *c)
{
	const struct firn_explain_options options = {
		.chunk = c->settings.chunk,
		.document = c->settings.document,
		.workspace = c->settings.workspace,
		.pass = c->settings.last_pass ? -1 : c->settings.pass,
	};
	struct firn_explain_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_explain(c->firn, &options, &result, &e);
	bool written = report_explain(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_explain_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
