/* Completion for bash and zsh, written from the tables of commands and options. */
#include <string.h>

#include "base/str.h"
#include "cli/help.h"

static bool in_list(const struct option *o, uint32_t command, bool globals)
{
	return globals ? help_is_global(o) : !help_is_global(o) && option_is_for(o, command);
}

static void list_options(FILE *out, uint32_t command, bool globals)
{
	bool first = true;

	for (const struct option *o = option_table; o->name; o++) {
		if (!in_list(o, command, globals))
			continue;
		fprintf(out, "%s--%s", first ? "" : " ", o->name);
		first = false;
	}
}

static int first_word(const struct command *c)
{
	return (int)strcspn(c->name, " ");
}

static bool is_in_a_group(const struct command *c)
{
	return c->name[first_word(c)] == ' ';
}

/* A command of one word, or the first of its group. */
static bool first_of_group(const struct command *c)
{
	size_t len = (size_t)first_word(c);

	for (const struct command *earlier = command_table; earlier < c; earlier++)
		if (is_in_a_group(earlier) && strncmp(earlier->name, c->name, len + 1) == 0)
			return false;
	return true;
}

static void list_first_words(FILE *out)
{
	for (const struct command *c = command_table; c->name; c++)
		if (first_of_group(c))
			fprintf(out, "%.*s ", first_word(c), c->name);
}

static bool takes_file(const struct option *o)
{
	return o->arg && str_eq(o->arg, "FILE");
}

static bool takes_folder(const struct option *o)
{
	return o->arg && str_eq(o->arg, "DIR");
}

static bool takes_one_of(const struct option *o)
{
	return o->choices || o->kind == OPT_YESNO;
}

/* "text|json" as "text json". */
static void list_values(FILE *out, const struct option *o)
{
	for (const char *c = o->arg; *c; c++)
		fputc(*c == '|' ? ' ' : *c, out);
}

/* ---- bash ---- */

/* What matches "COMMAND:OPTION" where the option stands before its value: the same name may be another command's, too. */
static void bash_pattern(FILE *out, const struct option *o)
{
	bool first = true;

	for (const struct command *c = command_table; c->name; c++) {
		const char *name = help_is_global(o) ? "*" : c->name;

		if (!option_is_for(o, c->id) || (help_is_global(o) && !first))
			continue;
		fprintf(out, "%s", first ? "\t" : "|");
		fprintf(out, strchr(name, ' ') ? "\"%s\":--%s" : "%s:--%s", name, o->name);
		if (o->letter)
			fprintf(out, strchr(name, ' ') ? "|\"%s\":-%c" : "|%s:-%c", name,
				o->letter);
		first = false;
	}
}

static void bash_values(FILE *out)
{
	for (const struct option *o = option_table; o->name; o++) {
		if (!o->arg)
			continue;
		bash_pattern(out, o);
		fputs(")\n\t\t", out);
		if (takes_file(o) || takes_folder(o)) {
			fprintf(out,
				"compopt -o filenames 2>/dev/null\n\t\tmapfile -t COMPREPLY < "
				"<(compgen -%c -- \"$cur\")\n",
				takes_folder(o) ? 'd' : 'f');
		} else if (takes_one_of(o)) {
			fputs("mapfile -t COMPREPLY < <(compgen -W \"", out);
			list_values(out, o);
			fputs("\" -- \"$cur\")\n", out);
		} else {
			fputs(":\n", out);
		}
		fputs("\t\treturn ;;\n", out);
	}
}

static void bash_words(FILE *out)
{
	fputs("\t\"\")\n\t\twords=\"", out);
	list_first_words(out);
	fputs("\" ;;\n", out);
	for (const struct command *c = command_table; c->name; c++) {
		if (is_in_a_group(c) && first_of_group(c)) {
			char group[32];

			snprintf(group, sizeof(group), "%.*s", first_word(c), c->name);
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
}

void help_bash_completion(FILE *out)
{
	bool first = true;

	fputs("# bash completion for firn: source it, or put it where bash-completion looks.\n"
	      "_firn()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word "
	      "command=\"\" words=\"\"\n"
	      "\tCOMPREPLY=()\n"
	      /* bash breaks --format=json into three words. */
	      "\tif [[ $cur == \"=\" ]]; then\n"
	      "\t\tcur=\n"
	      "\telif [[ $prev == \"=\" && $COMP_CWORD -gt 2 ]]; then\n"
	      "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "\tfi\n"
	      "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	      "\t\tcase \"${command:+$command }$word\" in\n\t\t",
	      out);
	for (const struct command *c = command_table; c->name; c++) {
		if (first_of_group(c))
			fprintf(out, "%s%.*s", first ? "" : "|", first_word(c), c->name);
		if (is_in_a_group(c))
			fprintf(out, "|\"%s\"", c->name);
		first = false;
	}
	fputs(")\n\t\t\tcommand=${command:+$command }$word ;;\n\t\tesac\n\tdone\n\tcase "
	      "$command:$prev in\n",
	      out);
	bash_values(out);
	fputs("\tesac\n\tcase $command in\n", out);
	bash_words(out);
	fputs("\tesac\n\tmapfile -t COMPREPLY < <(compgen -W \"$words ", out);
	list_options(out, 0, true);
	fputs("\" -- \"$cur\")\n}\ncomplete -F _firn firn\n", out);
}

/* ---- zsh ---- */

/* Within single quotes, where [, ] and : mean something to _arguments and _describe. */
static void zsh_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void zsh_options(FILE *out, uint32_t command, bool globals)
{
	for (const struct option *o = option_table; o->name; o++) {
		bool again = o->kind == OPT_LIST || o->kind == OPT_IDS || o->kind == OPT_COUNT;

		if (!in_list(o, command, globals))
			continue;
		fputs(" \\\n\t\t", out);
		if (o->letter)
			fprintf(out, "%s{-%c%s,--%s%s}'", again ? "\\*" : "", o->letter,
				o->arg ? "+" : "", o->name, o->arg ? "=" : "");
		else
			fprintf(out, "'%s--%s%s", again ? "*" : "", o->name, o->arg ? "=" : "");
		fputc('[', out);
		zsh_text(out, o->help);
		fputc(']', out);
		if (o->arg) {
			fputc(':', out);
			zsh_text(out, o->arg);
			fputc(':', out);
			if (takes_file(o)) {
				fputs("_files", out);
			} else if (takes_folder(o)) {
				fputs("_files -/", out);
			} else if (takes_one_of(o)) {
				fputc('(', out);
				list_values(out, o);
				fputc(')', out);
			}
		}
		fputc('\'', out);
	}
}

static void zsh_group(FILE *out, const char *group)
{
	fprintf(out,
		"\t%s)\n"
		"\t\tif (( CURRENT == 2 )); then\n"
		"\t\t\tlist=(",
		group);
	for (const struct command *c = command_table; c->name; c++)
		if (command_in_group(c, group)) {
			fprintf(out, " \\\n\t\t\t'%s:", c->name + strlen(group) + 1);
			zsh_text(out, c->summary);
			fputc('\'', out);
		}
	fputs(" )\n\t\t\t_describe -t commands command list\n\t\t\treturn\n\t\tfi\n"
	      "\t\tshift words\n\t\t(( CURRENT-- ))\n\t\tcase $words[1] in\n",
	      out);
	for (const struct command *c = command_table; c->name; c++)
		if (command_in_group(c, group)) {
			fprintf(out, "\t\t%s)\n\t\t_arguments -s $globals",
				c->name + strlen(group) + 1);
			zsh_options(out, c->id, false);
			fputs(" ;;\n", out);
		}
	fputs("\t\tesac ;;\n", out);
}

void help_zsh_completion(FILE *out)
{
	fputs("#compdef firn\n"
	      "# zsh completion for firn: put it into a folder of $fpath, as _firn.\n"
	      "_firn()\n{\n"
	      "\tlocal curcontext=$curcontext state line ret=1\n"
	      "\tlocal -a globals list\n"
	      "\ttypeset -A opt_args\n"
	      "\tglobals=(",
	      out);
	zsh_options(out, 0, true);
	fputs(" )\n"
	      "\t_arguments -C -s $globals '1:command:->command' '*::argument:->rest' && ret=0\n"
	      "\tif [[ $state == command ]]; then\n"
	      "\t\tlist=(",
	      out);
	for (const struct command *c = command_table; c->name; c++) {
		if (!first_of_group(c))
			continue;
		fprintf(out, " \\\n\t\t'%.*s:", first_word(c), c->name);
		if (is_in_a_group(c))
			fprintf(out, "%.*s ...", first_word(c), c->name);
		else
			zsh_text(out, c->summary);
		fputc('\'', out);
	}
	fputs(" )\n"
	      "\t\t_describe -t commands command list && ret=0\n"
	      "\tfi\n"
	      "\t[[ $state == rest ]] || return ret\n"
	      "\tcase $words[1] in\n",
	      out);
	for (const struct command *c = command_table; c->name; c++) {
		if (is_in_a_group(c)) {
			char group[32];

			snprintf(group, sizeof(group), "%.*s", first_word(c), c->name);
			if (first_of_group(c))
				zsh_group(out, group);
			continue;
		}
		fprintf(out, "\t%s)\n\t\t_arguments -s $globals", c->name);
		zsh_options(out, c->id, false);
		if (c->id == CMD_HELP) {
			fputs(" '1:command:(", out);
			list_first_words(out);
			fputs(")'", out);
		}
		fputs(" ;;\n", out);
	}
	fputs("\tesac\n}\n_firn \"$@\"\n", out);
}
