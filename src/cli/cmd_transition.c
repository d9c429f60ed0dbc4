#include "cli/command.h"

static int lifecycle(struct cli *c)
{
	struct firn_lifecycle result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_lifecycle(c->firn, &result, &e);
	bool written = report_lifecycle(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_lifecycle_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}

int cmd_transition(struct cli *c)
{
	const struct settings *s = &c->settings;
	const struct firn_transition_options options = {
		.dry_run = s->dry_run,
		.max_runtime_s = s->max_runtime_s,
	};
	struct firn_transition_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok, written;

	if (s->lifecycle_json)
		return lifecycle(c);
	ok = firn_transition(c->firn, &options, &result, &e);
	written = report_transition(&c->report, &result, s->dry_run, ok ? NULL : &e, &write_error);
	firn_transition_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
