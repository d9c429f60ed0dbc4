/* Help, the man page and completion, all from the tables of commands and options. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

/* Lines of at most width characters; 0: no terminal, as a file or a pager gets it. */
void help_overview(FILE *out, int width);
void help_group(FILE *out, int width, const char *group); /* what the group's commands are */
void help_command(FILE *out, int width, const struct command *command);

/* Whether the option may stand before the command, too. */
bool help_is_global(const struct option *o);

/* firn(1) as troff (man.c). Its date is SOURCE_DATE_EPOCH's where that is set, else today's. */
void help_man(FILE *out);

/* What shells read to complete a command line (completion.c). */
void help_bash_completion(FILE *out);
void help_zsh_completion(FILE *out);

#endif
