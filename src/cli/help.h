/* Help, the man page and completion, all from the tables of commands and options. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

void help_overview(FILE *out);
void help_group(FILE *out, const char *group); /* what the group's commands are */
void help_command(FILE *out, const struct command *command);
void help_man(FILE *out);
void help_bash_completion(FILE *out);

#endif
