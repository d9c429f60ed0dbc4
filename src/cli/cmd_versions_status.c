#include "cli/command.h"

int cmd_versions_status(struct cli *c)
{
	const struct firn_versions_options options = {
		.workspaces = (const char *const *)c->settings.workspaces.items,
		.workspace_count = c->settings.workspaces.count,
	};
	struct firn_versions_status result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_versions_status(c->firn, &options, &result, &e);
	bool written = report_versions_status(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_versions_status_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
