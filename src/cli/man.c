/* firn(1), written from the tables of commands and options. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cli/help.h"

#define LINE_MAX_CHARS 76 /* mandoc -Tlint wants less than 80 */

/* One character as troff wants it: a minus is not a hyphen, and a backslash is not an escape. Returns how many were written. */
static int troff_char(FILE *out, char c)
{
	const char *escaped = c == '-' ? "\\-" : c == '\\' ? "\\e" : NULL;

	if (escaped)
		fputs(escaped, out);
	else
		fputc(c, out);
	return escaped ? 2 : 1;
}

/* Text as troff, in short lines, each sentence on lines of its own; "\n\n" begins a paragraph. */
static void troff(FILE *out, const char *text)
{
	int at = 0;

	while (*text) {
		size_t len = strcspn(text, " \n"), gap = strspn(text + len, " \n");
		const char *after = text + len + gap;

		/* A dot or quote that begins a line would be a request. */
		if (at == 0 && (*text == '.' || *text == '\''))
			at = fprintf(out, "\\&");
		for (size_t i = 0; i < len; i++)
			at += troff_char(out, text[i]);
		if (gap && str_starts_with(text + len, "\n\n")) {
			fputs("\n.PP\n", out);
			at = 0;
		} else if (gap &&
			   ((len && text[len - 1] == '.' && isupper((unsigned char)*after)) ||
			    at + (int)strcspn(after, " \n") >= LINE_MAX_CHARS)) {
			fputc('\n', out);
			at = 0;
		} else if (gap) {
			fputc(' ', out);
			at++;
		}
		text = after;
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
		troff_char(out, *c);
	if (o->arg)
		fprintf(out, " \\fI%s\\fR", o->arg);
	fputc('\n', out);
	troff(out, o->help);
	if (!o->once)
		fprintf(out, "(environment: %s)\n", option_env_name(o, env));
}

static void heading(FILE *out)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t now = epoch && *epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
	char date[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	fprintf(out,
		".TH FIRN 1 %s \"firn %s\"\n.SH NAME\nfirn \\- tiered storage for Postgres and "
		"pgvector\n",
		date, FIRN_VERSION);
}

static void commands(FILE *out)
{
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
			if (!help_is_global(o) && option_is_for(o, c->id))
				man_option(out, o);
	}
}

static void items(FILE *out, const char *title, const char *const (*rows)[2])
{
	fprintf(out, ".SH %s\n", title);
	for (; (*rows)[0]; rows++) {
		fputs(".TP\n.B ", out);
		troff(out, (*rows)[0]);
		troff(out, (*rows)[1]);
	}
}

void help_man(FILE *out)
{
	static const char *const statuses[][2] = {
		{ "0", "done" },
		{ "64", "the command line is wrong" },
		{ "65", "archive, catalog or input holds something that it should not" },
		{ "69", "database or archive is out of reach" },
		{ "70", "internal error" },
		{ "73", "a file could not be written" },
		{ "75", "another pass is at work, a signal came, or work was put off: run it again "
			"later" },
		{ "78", "configuration, policy or privileges" },
		{ NULL },
	};
	static const char *const environment[][2] = {
		{ "FIRN_CONFIG, FIRN_DATABASE, FIRN_ARCHIVE, ...",
		  "Every option for which it is said above can be given so. Lists are apart by "
		  "commas." },
		{ "PGHOST, PGSERVICE, PGPASSFILE, ...",
		  "What libpq reads, where the connection string does not say otherwise." },
		{ "AWS_PROFILE, AWS_REGION, AWS_ACCESS_KEY_ID, ...",
		  "Where the keys of an S3 archive come from, as for AWS's own tools." },
		{ "https_proxy, http_proxy, no_proxy", "Proxies on the way to an S3 archive." },
		{ "TERM",
		  "On a terminal progress is lines at its foot, one for each leaf at hand, as "
		  "wide as it is; on a dumb one, and where standard error is no terminal, a "
		  "line a minute. Colours are never used, whatever NO_COLOR says." },
		{ NULL },
	};
	static const char *const examples[][2] = {
		{ "firn -c /etc/firn/firn.yaml doctor",
		  "looks at everything that a pass needs, and says what to do" },
		{ "firn -c /etc/firn/firn.yaml plan", "what would move, and why" },
		{ "firn -c /etc/firn/firn.yaml -q pass --max-runtime 4h",
		  "what cron runs at night" },
		{ "firn -c /etc/firn/firn.yaml rehydrate --workspace acme",
		  "brings a tenant back" },
		{ NULL },
	};
	static const char *const log_members[][2] = {
		{ "time", "when, by this machine's clock, in UTC, with milliseconds" },
		{ "level", "error, warning, notice, info (with -v) or debug (with -vv); -q leaves "
			   "out notices, -qq warnings too" },
		{ "message", "text, without the name of the program before it" },
		{ "code", "of an error only: usage, data, not-found, offline, internal, memory, "
			  "io, exists, busy, fenced, interrupted, config, denied or frozen" },
		{ "hint", "of an error only, and only where there is something to do" },
		{ NULL },
	};

	heading(out);
	fputs(".SH SYNOPSIS\n.B firn\n[\\fIglobal options\\fR] \\fICOMMAND\\fR "
	      "[\\fIoptions\\fR]\n.SH DESCRIPTION\n",
	      out);
	troff(out,
	      "Keeps the chunks that are being read in Postgres, compacts the others into segments "
	      "in an archive (a folder or S3-compatible storage), and brings them back when asked. "
	      "It is a client: it needs no extension on the server but pgvector.\n\n"
	      "Settings are read from the configuration file, then from the environment, then from "
	      "options; the later wins. Results go to standard output, everything else to standard "
	      "error.\n\n"
	      "With --log-format json each line of standard error is an object: time (UTC), level "
	      "(error, warning, notice, info or debug), message, and where there are such, code "
	      "and "
	      "hint.\n\n"
	      "SIGINT (Ctrl-C) and SIGTERM end a run cleanly: what is at hand is finished or "
	      "undone, and "
	      "the status is 75. A second one ends it at once, and nothing is lost either: the "
	      "next "
	      "run tidies up. Commands that only look end at the first.");
	fputs(".SH GLOBAL OPTIONS\nThey may stand before or after the command.\n", out);
	for (const struct option *o = option_table; o->name; o++)
		if (help_is_global(o))
			man_option(out, o);
	commands(out);
	items(out, "EXIT STATUS", statuses);
	items(out, "LOG LINES", log_members);
	fputs(".PP\n", out);
	troff(out, "These are the members of the object that each line of standard error is with "
		   "--log-format json, once the command line was understood; progress is among "
		   "them, as notices, a line a minute. For example (one line):");
	fputs(".PP\n.nf\n"
	      "{\"time\":\"2026\\-02\\-03T01:10:02.345Z\",\"level\":\"error\",\n"
	      " \"message\":\"no archive is given\",\"code\":\"usage\",\n"
	      " \"hint\":\"Use \\-\\-archive file:///dir or s3://bucket/prefix, ...\"}\n.fi\n",
	      out);
	items(out, "ENVIRONMENT", environment);
	items(out, "EXAMPLES", examples);
	fputs(".SH SEE ALSO\n.BR firn.yaml (5),\n.BR psql (1)\n", out);
}
