#include "cli/help.h"

#include <errno.h>

int cmd_help(struct cli *c)
{
	FILE *out = c->report.out;
	const struct command *topic = NULL;
	struct err e = { 0 };
	bool ok = true;

	if (c->settings.topic) {
		topic = command_find(c->settings.topic, &e);
		ok = topic != NULL;
	}
	if (c->settings.man)
		help_man(out);
	else if (c->settings.bash_completion)
		help_bash_completion(out);
	else if (topic)
		help_command(out, topic);
	else if (ok)
		help_overview(out);
	if (ok && (fflush(out) != 0 || ferror(out)))
		ok = err_set_errno(&e, ERR_IO, errno, "could not write the help");
	return cli_end(c, &(struct cli_outcome){ ok, &e, true, NULL, false });
}
