#include "cli/command.h"

int cmd_versions_rollback(struct cli *c)
{
	const struct firn_version_options options = {
		.workspace = c->settings.workspace,
		.to = c->settings.to_version,
		.allow_missing = c->settings.allow_missing,
		.no_maintain = c->settings.no_maintain,
	};
	struct firn_version_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_versions_rollback(c->firn, &options, &result, &e);
	bool written = report_version_change(&c->report, "versions rollback", &result,
					     ok ? NULL : &e, &write_error);

	firn_version_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
