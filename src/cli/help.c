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

static bool is_global(const struct option *o)
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
		if (is_global(o))
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
		if (is_global(o) || !option_is_for(o, command->id))
			continue;
		if (!any)
			fputs("\noptions\n", out);
		any = true;
		print_option(out, o);
	}
	fputs("\n\"firn help\" lists the global options.\n", out);
}

/* ---- man page ---- */

/* A backslash, a dash, and a dot or quote that begins a line mean something to troff. */
static void troff(FILE *out, const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		if (str_starts_with(text, "\n\n")) {
			fputs("\n.PP\n", out);
			text++;
			line_start = true;
			continue;
		}
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
		line_start = *text == '\n';
	}
	fputc('\n', out);
}

static void man_option(FILE *out, const struct option *o)
{
	char env[OPTION_ENV_MAX];

	fputs(".TP\n.B ", out);
	if (o->letter)
		fprintf(out, "\\-%c, ", o->letter);
	fputs("\\-\\-", out);
	for (const char *c = o->name; *c; c++)
		fprintf(out, "%s%c", *c == '-' ? "\\" : "", *c);
	if (o->arg)
		fprintf(out, " \\fI%s\\fR", o->arg);
	fputc('\n', out);
	troff(out, o->help);
	if (!o->once)
		fprintf(out, "(environment: %s)\n", option_env_name(o, env));
}

void help_man(FILE *out)
{
	fprintf(out,
		".TH FIRN 1 \"\" \"firn %s\"\n.SH NAME\nfirn \\- tiered storage for Postgres and "
		"pgvector\n",
		FIRN_VERSION);
	fputs(".SH SYNOPSIS\n.B firn\n[\\fIglobal options\\fR] \\fICOMMAND\\fR "
	      "[\\fIoptions\\fR]\n.SH DESCRIPTION\n",
	      out);
	troff(out,
	      "Keeps the chunks that are being read in Postgres, compacts the others into segments "
	      "in an archive (a folder or S3-compatible storage), and brings them back when asked. "
	      "It is a client: it needs no extension on the server but pgvector.\n\n"
	      "Settings are read from the configuration file, then from the environment, then from "
	      "options; the later wins. Results go to standard output, everything else to standard "
	      "error.");
	fputs(".SH GLOBAL OPTIONS\nThey may stand before or after the command.\n", out);
	for (const struct option *o = option_table; o->name; o++)
		if (is_global(o))
			man_option(out, o);
	fputs(".SH COMMANDS\n", out);
	for (const struct command *c = command_table; c->name; c++) {
		fprintf(out, ".SS firn %s\n", c->name);
		fputc(toupper((unsigned char)c->summary[0]), out);
		troff(out, c->summary + 1);
		if (*c->text) {
			fputs(".PP\n", out);
			troff(out, c->text);
		}
		for (const struct option *o = option_table; o->name; o++)
			if (!is_global(o) && option_is_for(o, c->id))
				man_option(out, o);
	}
	fputs(".SH EXIT STATUS\n", out);
	static const struct {
		int status;
		const char *meaning;
	} statuses[] = {
		{ 0, "done" },
		{ 64, "the command line is wrong" },
		{ 65, "archive, catalog or input holds something that it should not" },
		{ 69, "database or archive is out of reach" },
		{ 70, "internal error" },
		{ 73, "a file could not be written" },
		{ 75, "another pass is at work, a signal came, or work was put off: run it again "
		      "later" },
		{ 78, "configuration, policy or privileges" },
	};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		fprintf(out, ".TP\n.B %d\n%s\n", statuses[i].status, statuses[i].meaning);
}

/* ---- completion ---- */

static void list_options(FILE *out, uint32_t command, bool globals)
{
	bool first = true;

	for (const struct option *o = option_table; o->name; o++) {
		if (globals ? !is_global(o) : is_global(o) || !option_is_for(o, command))
			continue;
		fprintf(out, "%s--%s", first ? "" : " ", o->name);
		first = false;
	}
}

/* A command of one word, or the first of its group. */
static bool first_of_group(const struct command *c)
{
	size_t len = strcspn(c->name, " ");

	return c == command_table || strncmp(c[-1].name, c->name, len) != 0 ||
	       c[-1].name[len] != ' ';
}

static void list_first_words(FILE *out)
{
	for (const struct command *c = command_table; c->name; c++)
		if (first_of_group(c))
			fprintf(out, "%.*s ", (int)strcspn(c->name, " "), c->name);
}

static bool takes_path(const struct option *o)
{
	return o->arg && (str_eq(o->arg, "FILE") || str_eq(o->arg, "DIR"));
}

void help_bash_completion(FILE *out)
{
	bool first = true;

	fputs("# bash completion for firn: source it, or put it where bash-completion looks.\n"
	      "_firn()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word "
	      "command= words=\n"
	      "\tCOMPREPLY=()\n"
	      "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	      "\t\tcase \"${command:+$command }$word\" in\n\t\t",
	      out);
	for (const struct command *c = command_table; c->name; c++) {
		if (first_of_group(c))
			fprintf(out, "%s%.*s", first ? "" : "|", (int)strcspn(c->name, " "),
				c->name);
		if (strchr(c->name, ' '))
			fprintf(out, "|\"%s\"", c->name);
		first = false;
	}
	fputs(")\n\t\t\tcommand=${command:+$command }$word ;;\n\t\tesac\n\tdone\n\tcase $prev in\n",
	      out);
	for (const struct option *o = option_table; o->name; o++) {
		if (!o->arg)
			continue;
		fprintf(out, "\t--%s", o->name);
		if (o->letter)
			fprintf(out, "|-%c", o->letter);
		fputs(")\n\t\t", out);
		if (takes_path(o)) {
			fprintf(out, "COMPREPLY=($(compgen -%c -- \"$cur\"))\n",
				o->arg[0] == 'D' ? 'd' : 'f');
		} else if (o->choices || o->kind == OPT_YESNO) {
			fputs("COMPREPLY=($(compgen -W \"", out);
			for (const char *c = o->arg; *c; c++)
				fputc(*c == '|' ? ' ' : *c, out);
			fputs("\" -- \"$cur\"))\n", out);
		} else {
			fputs(":\n", out);
		}
		fputs("\t\treturn ;;\n", out);
	}
	fputs("\tesac\n\tcase $command in\n\t\"\")\n\t\twords=\"", out);
	list_first_words(out);
	fputs("\" ;;\n", out);
	for (const struct command *c = command_table; c->name; c++) {
		if (strchr(c->name, ' ') && first_of_group(c)) {
			char group[32];

			snprintf(group, sizeof(group), "%.*s", (int)strcspn(c->name, " "), c->name);
			fprintf(out, "\t%s)\n\t\twords=\"", group);
			for (const struct command *i = command_table; i->name; i++)
				if (command_in_group(i, group))
					fprintf(out, "%s ", i->name + strlen(group) + 1);
			fputs("\" ;;\n", out);
		}
		fprintf(out, "\t\"%s\")\n\t\twords=\"", c->name);
		list_options(out, c->id, false);
		if (c->id == CMD_HELP) {
			fputc(' ', out);
			list_first_words(out);
		}
		fputs("\" ;;\n", out);
	}
	fputs("\tesac\n\tCOMPREPLY=($(compgen -W \"$words ", out);
	list_options(out, 0, true);
	fputs("\" -- \"$cur\"))\n}\ncomplete -F _firn firn\n", out);
}
