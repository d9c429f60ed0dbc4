#include "cli/command.h"

int cmd_keys_rotate(struct cli *c)
{
	const struct firn_keys_rotate_options options = {
		.new_key_file = c->settings.new_key_file,
		.new_key_command = c->settings.new_key_command,
	};
	struct firn_keys_rotate_result result = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_keys_rotate(c->firn, &options, &result, &e);
	bool written = report_keys_rotate(&c->report, &result, ok ? NULL : &e, &write_error);

	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
