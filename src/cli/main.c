/* firn's command line: reads what is asked for, opens the library, runs the command, maps the exit status. */
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/command.h"
#include "cli/help.h"
#include "report/wrap.h"

#define WIDTH_MIN 30

/* ps(1) shows every process's arguments to everyone: a password goes from ours as soon as it was read. */
static void hide_password(char *arg)
{
	char *uri = strstr(arg, "://"), *word = strcasestr(arg, "password="), *from = NULL,
	     *to = NULL;

	if (uri) {
		to = strrchr(uri, '@');
		from = strchr(uri + strlen("://"), ':');
		if (from && to && from < to)
			memset(from + 1, 'x', (size_t)(to - from - 1));
	}
	if (word) {
		from = word + strlen("password=");
		to = uri ? from + strcspn(from, "&") : from + strlen(from);
		memset(from, 'x', (size_t)(to - from));
	}
}

static int terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 ||
	    size.ws_col == 0)
		return 0;
	return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
}

static enum log_level level_of(const struct settings *s)
{
	int level = LOG_NOTICE + s->verbose - s->quiet;

	return level < LOG_ERROR   ? LOG_ERROR
	       : level > LOG_DEBUG ? LOG_DEBUG
				   : (enum log_level)level;
}

/* From here on, results and log lines look as they were asked for. */
static void set_output(struct cli *c, const struct command *command)
{
	static const enum report_other others[] = { [FORMAT_CSV] = REPORT_CSV,
						    [FORMAT_PROMETHEUS] = REPORT_PROMETHEUS,
						    [FORMAT_HTML] = REPORT_HTML };

	c->report.json = c->settings.format == FORMAT_JSON;
	c->report.other = others[c->settings.format];
	c->log.json = c->settings.log_format == FORMAT_JSON;
	c->log.level = level_of(&c->settings);
	/* Sentences break between words on a terminal; what programs read does not. */
	if (c->report.width > 0 && c->settings.format == FORMAT_TEXT && command->id != CMD_HELP &&
	    !c->settings.lifecycle_json) {
		FILE *wrapped = wrap_open(c->report.out, c->report.width);

		c->report.out = wrapped ? wrapped : c->report.out;
	}
}

/* The last word of the command's name is argv[*at_out]; NULL without an error when --help or --version was asked for instead. */
static const struct command *find_command(int argc, char **argv, int *at_out, struct settings *s,
					  struct err *e)
{
	const struct command *command;
	size_t words = 1;

	if (!settings_from_argv(s, CMD_NONE, "firn", argc, (const char **)argv, at_out, e) ||
	    s->help || s->version)
		return NULL;
	if (*at_out == argc) {
		err_set(e, ERR_USAGE, "no command was given");
		err_hint(e, "Run \"firn help\" for a list.");
		return NULL;
	}
	command = command_find((const char *const *)argv + *at_out, (size_t)(argc - *at_out),
			       &words, e);
	*at_out += (int)words - 1;
	return command;
}

/* Everything that was set for the command, the later wins: environment, options before it, options after it. */
static bool read_settings(struct cli *c, const struct command *command, int argc, char **argv,
			  int at, struct err *e)
{
	const char **words = (const char **)argv;
	int ignored;

	return settings_from_environment(&c->settings, command->id | CMD_NONE, e) &&
	       settings_from_argv(&c->settings, CMD_NONE, "firn", argc, words, &ignored, e) &&
	       settings_from_argv(&c->settings, command->id, command->name, argc - at, words + at,
				  &ignored, e);
}

static int usage_failed(const struct cli *c, const struct command *command, struct err *e)
{
	if (e->code == ERR_USAGE && !e->hint[0] && command && command->id != CMD_HELP)
		err_hint(e, "Run \"firn help %s\".", command->name);
	else if (e->code == ERR_USAGE && !e->hint[0])
		err_hint(e, "Run \"firn help\".");
	log_err(&c->log, e);
	return err_exit_status(e->code);
}

static int run(struct cli *c, const struct command *command)
{
	struct firn_options options;
	struct err e = { 0 }, write_error = { 0 };
	int status;

	if (command->kind != COMMAND_LOOKS)
		firn_stop_on_signals(isatty(STDERR_FILENO) && !c->log.json);
	if (command->kind == COMMAND_ALONE)
		return command->run(c);
	options = cli_firn_options(c);
	c->firn = firn_open(&options, &e);
	if (!c->firn) {
		bool written = report_failure(&c->report, command->name, &e, &write_error);

		return cli_end(c, &(struct cli_outcome){ false, &e, written, &write_error, false });
	}
	status = command->run(c);
	firn_close(c->firn);
	return status;
}

/* Buffers of a megabyte or a few come and go with every block: by default the C library maps and unmaps each, and a pass
 * spends a twentieth of its time on faulting their pages in again. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

/* Where a standard stream is closed, the next file or connection would get its number, and what is printed would go there. */
static void keep_streams_apart(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	struct cli c = {
		.report = { .out = stdout, .width = terminal_width() },
		.log = { .out = stderr, .level = LOG_NOTICE, .program = "firn" },
	};
	const struct command *command;
	struct err e = { 0 };
	int at = argc, status;

	keep_streams_apart();
	settings_init(&c.settings);
	keep_memory();
	command = find_command(argc, argv, &at, &c.settings, &e);
	if (e.code) {
		status = usage_failed(&c, NULL, &e);
	} else if (c.settings.help) {
		help_overview(stdout, c.report.width);
		status = EX_OK;
	} else if (c.settings.version) {
		printf("firn %s\n", FIRN_VERSION);
		status = EX_OK;
	} else {
		settings_release(&c.settings);
		if (!read_settings(&c, command, argc, argv, at, &e)) {
			status = usage_failed(&c, command, &e);
		} else if (c.settings.format > FORMAT_JSON && command->id != CMD_REPORT) {
			err_set(&e, ERR_USAGE, "only report writes csv, prometheus and html");
			status = usage_failed(&c, command, &e);
		} else if (c.settings.help) {
			help_command(stdout, c.report.width, command);
			status = EX_OK;
		} else {
			for (int i = 1; i < argc; i++)
				hide_password(argv[i]);
			set_output(&c, command);
			status = run(&c, command);
		}
	}
	if (c.report.out != stdout)
		fclose(c.report.out);
	settings_release(&c.settings);
	return status;
}
