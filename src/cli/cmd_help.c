#include "cli/help.h"

#include <errno.h>
#include <string.h>

int cmd_help(struct cli *c)
{
	FILE *out = c->report.out;
	char *name = c->settings.topic, *next = name ? strchr(name, ' ') : NULL;
	const struct command *topic = NULL;
	struct err e = { 0 };
	bool ok = true, group = false;

	for (const struct command *i = command_table; name && i->name; i++)
		group |= command_in_group(i, name);
	if (name && !group) {
		const char *words[] = { name, next ? next + 1 : NULL };
		size_t used;

		if (next)
			*next = '\0';
		topic = command_find(words, next ? 2 : 1, &used, &e);
		ok = topic && used == (next ? 2 : 1);
		if (topic && !ok) {
			err_set(&e, ERR_USAGE, "help takes one command");
			err_hint(&e, "Run \"firn help\".");
		}
	}
	if (c->settings.man)
		help_man(out);
	else if (c->settings.bash_completion)
		help_bash_completion(out);
	else if (c->settings.zsh_completion)
		help_zsh_completion(out);
	else if (group)
		help_group(out, c->report.width, name);
	else if (ok && topic)
		help_command(out, c->report.width, topic);
	else if (ok)
		help_overview(out, c->report.width);
	if (ok && (fflush(out) != 0 || ferror(out)))
		ok = err_set_errno(&e, ERR_IO, errno, "could not write the help");
	return cli_end(c, &(struct cli_outcome){ ok, &e, true, NULL, false });
}
