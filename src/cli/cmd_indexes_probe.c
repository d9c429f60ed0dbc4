#include "cli/command.h"

int cmd_indexes_probe(struct cli *c)
{
	const struct firn_indexes_probe_options options = {
		.queries_path = c->settings.queries,
		.sample = c->settings.sample,
		.seed = c->settings.seed,
		.ef_search = c->settings.ef_search,
		.probes = c->settings.probes,
	};
	struct firn_indexes_probe result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_indexes_probe(c->firn, &options, &result, &e);
	bool written = report_indexes_probe(&c->report, &result, ok ? NULL : &e, &write_error);

	firn_indexes_probe_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
