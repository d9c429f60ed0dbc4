#include "cli/help.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

#define WIDTH   96
#define TEXT_AT 32 /* where the help of an option begins */

/* Text in lines of at most WIDTH, each indented; the first line begins at column at. "\n\n" begins a paragraph. */
static void wrap(FILE *out, const char *text, size_t indent, size_t at)
{
	bool first = true;

	while (*text) {
		size_t len = strcspn(text, " \n");

		if (!first && at + 1 + len > WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		fprintf(out, "%s%.*s", first ? "" : " ", (int)len, text);
		at += len + !first;
		first = false;
		text += len;
		if (str_starts_with(text, "\n\n")) {
			fprintf(out, "\n\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		text += strspn(text, " \n");
	}
	fputc('\n', out);
}

static void print_option(FILE *out, const struct option *o)
{
	char left[64];
	int len;

	len = snprintf(left, sizeof(left), "  %c%c%s--%s%s%s", o->letter ? '-' : ' ',
		       o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
		       o->arg ? " " : "", o->arg ? o->arg : "");
	fputs(left, out);
	if (len + 2 > TEXT_AT) {
		fputc('\n', out);
		len = 0;
	}
	fprintf(out, "%*s", TEXT_AT - len, "");
	wrap(out, o->help, TEXT_AT, TEXT_AT);
}

bool help_is_global(const struct option *o)
{
	return option_is_for(o, CMD_NONE);
}

static void print_command(FILE *out, const struct command *c)
{
	fprintf(out, "  %-20s  %s\n", c->name, c->summary);
}

void help_group(FILE *out, const char *group)
{
	fprintf(out, "usage: firn [global options] %s COMMAND [options]\n\ncommands\n", group);
	for (const struct command *c = command_table; c->name; c++)
		if (command_in_group(c, group))
			print_command(out, c);
	fprintf(out, "\n\"firn help %s COMMAND\" says more about a command.\n", group);
}

void help_overview(FILE *out)
{
	fputs("usage: firn [global options] COMMAND [options]\n\n", out);
	wrap(out,
	     "Keeps the chunks that are being read in Postgres, the others in compressed segments "
	     "in an archive, and brings them back when asked.",
	     0, 0);
	fputs("\ncommands\n", out);
	for (const struct command *c = command_table; c->name; c++)
		print_command(out, c);
	fputs("\nglobal options, before or after the command\n", out);
	for (const struct option *o = option_table; o->name; o++)
		if (help_is_global(o))
			print_option(out, o);
	fputc('\n', out);
	wrap(out,
	     "Settings are read from the configuration file, then from the environment (--max-rows "
	     "is FIRN_MAX_ROWS there, --config is FIRN_CONFIG), then from options; the later wins. "
	     "What libpq and AWS read from the environment (PGHOST, AWS_PROFILE and so on) works "
	     "as well.",
	     0, 0);
	fputs("\n\"firn help COMMAND\" says more about a command.\n", out);
}

void help_command(FILE *out, const struct command *command)
{
	bool any = false;

	fprintf(out, "usage: firn [global options] %s [%s]\n\n%c%s.\n", command->name,
		command->id == CMD_HELP ? "COMMAND" : "options",
		toupper((unsigned char)command->summary[0]), command->summary + 1);
	if (*command->text) {
		fputc('\n', out);
		wrap(out, command->text, 0, 0);
	}
	for (const struct option *o = option_table; o->name; o++) {
		if (help_is_global(o) || !option_is_for(o, command->id))
			continue;
		if (!any)
			fputs("\noptions\n", out);
		any = true;
		print_option(out, o);
	}
	fputs("\n\"firn help\" lists the global options.\n", out);
}
