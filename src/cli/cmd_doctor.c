#include "cli/command.h"

int cmd_doctor(struct cli *c)
{
	struct firn_options options = cli_firn_options(c);
	struct firn_doctor_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok, written;

	ok = firn_doctor(&options, &result, &e);
	written = report_doctor(&c->report, &result, ok ? NULL : &e, &write_error);
	firn_doctor_result_release(&result);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
