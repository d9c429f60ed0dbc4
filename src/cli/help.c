#include "cli/help.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"

#define WIDTH_MAX  96
#define OPTION_AT  32 /* where the help of an option begins, */
#define COMMAND_AT 24 /* and that of a command */
#define USAGE_AT   7
#define NARROW     72 /* a terminal with less has them on lines of their own, */
#define NARROW_AT  6  /* which begin here */

struct page {
	FILE *out;
	size_t width;
	bool terminal;
};

static struct page page_of(FILE *out, int width)
{
	bool fits = width > 0 && width < WIDTH_MAX;

	return (struct page){ .out = out,
			      .width = fits ? (size_t)width : WIDTH_MAX,
			      .terminal = width > 0 };
}

/* Text in lines of at most the page's width, each indented; the first line begins at column at. "\n\n" begins a paragraph. */
static void wrap(const struct page *p, const char *text, size_t indent, size_t at)
{
	FILE *out = p->out;
	bool first = true;

	while (*text) {
		size_t len = strcspn(text, " \n");

		if (!first && at + 1 + len > p->width) {
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

/* A line made of parts, a paragraph of its own; what does not fit follows indented. */
static void wrap_line(const struct page *p, size_t indent, const char *fmt, ...) PRINTF(3, 4);

static void wrap_line(const struct page *p, size_t indent, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	wrap(p, line, indent, 0);
}

/* A name, and beside or below it what it means. */
static void print_item(const struct page *p, const char *name, size_t at, const char *text)
{
	int len = fprintf(p->out, "  %s", name);

	if (p->width < NARROW)
		at = NARROW_AT;
	if (p->width < NARROW || (size_t)len + 2 > at) {
		fputc('\n', p->out);
		len = 0;
	}
	fprintf(p->out, "%*s", (int)at - len, "");
	wrap(p, text, at, at);
}

static void print_option(const struct page *p, const struct option *o)
{
	char left[64];

	/* Without the room that a letter would have where each column counts. */
	snprintf(left, sizeof(left), "%.*s%s--%s%s%s", o->letter ? 1 : 0, &o->letter,
		 o->letter           ? ", "
		 : p->width < NARROW ? ""
				     : "    ",
		 o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	print_item(p, left, OPTION_AT, o->help);
}

bool help_is_global(const struct option *o)
{
	return option_is_for(o, CMD_NONE);
}

static void print_command(const struct page *p, const struct command *c)
{
	/* For programs, a command is a line. */
	if (p->terminal)
		print_item(p, c->name, COMMAND_AT, c->summary);
	else
		fprintf(p->out, "  %-20s  %s\n", c->name, c->summary);
}

void help_group(FILE *out, int width, const char *group)
{
	struct page p = page_of(out, width);

	wrap_line(&p, USAGE_AT, "usage: firn [global options] %s COMMAND [options]", group);
	fputs("\ncommands\n", out);
	for (const struct command *c = command_table; c->name; c++)
		if (command_in_group(c, group))
			print_command(&p, c);
	fputc('\n', out);
	wrap_line(&p, 0, "\"firn help %s COMMAND\" says more about a command.", group);
}

void help_overview(FILE *out, int width)
{
	struct page p = page_of(out, width);

	wrap_line(&p, USAGE_AT, "usage: firn [global options] COMMAND [options]");
	fputc('\n', out);
	wrap(&p,
	     "Keeps the chunks that are being read in Postgres, the others in compressed segments "
	     "in an archive, and brings them back when asked.",
	     0, 0);
	fputs("\ncommands\n", out);
	for (const struct command *c = command_table; c->name; c++)
		print_command(&p, c);
	fputc('\n', out);
	wrap_line(&p, 0, "global options, before or after the command");
	for (const struct option *o = option_table; o->name; o++)
		if (help_is_global(o))
			print_option(&p, o);
	fputc('\n', out);
	wrap(&p,
	     "Settings are read from the configuration file, then from the environment (--max-rows "
	     "is FIRN_MAX_ROWS there, --config is FIRN_CONFIG), then from options; the later wins. "
	     "What libpq and AWS read from the environment (PGHOST, AWS_PROFILE and so on) works "
	     "as well.",
	     0, 0);
	fputc('\n', out);
	wrap_line(&p, 0, "\"firn help COMMAND\" says more about a command.");
}

void help_command(FILE *out, int width, const struct command *command)
{
	struct page p = page_of(out, width);
	bool any = false;

	wrap_line(&p, USAGE_AT, "usage: firn [global options] %s [%s]", command->name,
		  command->id == CMD_HELP ? "COMMAND" : "options");
	fputc('\n', out);
	wrap_line(&p, 0, "%c%s.", toupper((unsigned char)command->summary[0]),
		  command->summary + 1);
	if (*command->text) {
		fputc('\n', out);
		wrap(&p, command->text, 0, 0);
	}
	for (const struct option *o = option_table; o->name; o++) {
		if (help_is_global(o) || !option_is_for(o, command->id))
			continue;
		if (!any)
			fputs("\noptions\n", out);
		any = true;
		print_option(&p, o);
	}
	fputc('\n', out);
	wrap_line(&p, 0, "\"firn help\" lists the global options.");
}
