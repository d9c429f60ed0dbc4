#include "cli/command.h"

int cmd_verify(struct cli *c)
{
	const struct settings *s = &c->settings;
	const struct firn_verify_options options = {
		.deep = s->deep,
		.segments = s->segments.ids,
		.segment_count = s->segments.count,
	};
	struct firn_verify_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_verify(c->firn, &options, &result, &e);
	bool written = report_verify(&c->report, &result, s->deep, ok ? NULL : &e, &write_error);

	firn_verify_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
