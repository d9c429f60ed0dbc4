/* Walks the table of options, and reads command lines and environments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/help.h"

static struct settings settings;
static struct err e;

static int fresh(void **state)
{
	(void)state;
	settings_init(&settings);
	err_clear(&e);
	return 0;
}

static int release(void **state)
{
	(void)state;
	settings_release(&settings);
	return 0;
}

static char *output_of(void (*write)(FILE *))
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	write(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void write_every_command_help(FILE *out)
{
	help_overview(out, 0);
	for (const struct command *c = command_table; c->name; c++)
		help_command(out, 0, c);
}

static bool read_line(uint32_t command, const char *name, const char **argv)
{
	int argc = 0, rest;

	while (argv[argc])
		argc++;
	return settings_from_argv(&settings, command, name, argc, argv, &rest, &e);
}

static void every_option_has_help_and_a_name_of_its_own_in_each_command(void **state)
{
	(void)state;
	for (const struct option *o = option_table; o->name; o++) {
		assert_true(o->help && *o->help && o->help[strlen(o->help) - 1] != '.');
		assert_true(o->commands != 0);
		assert_int_equal(o->kind == OPT_CHOICE, o->choices != NULL);
		assert_int_equal(o->kind == OPT_FLAG || o->kind == OPT_COUNT, o->arg == NULL);
		for (const struct option *other = option_table; other < o; other++) {
			if (!(o->commands & other->commands))
				continue;
			assert_string_not_equal(o->name, other->name);
			assert_true(o->letter == 0 || o->letter != other->letter);
		}
	}
}

static void every_option_belongs_to_a_command_that_exists(void **state)
{
	uint32_t known = CMD_NONE;

	(void)state;
	for (const struct command *c = command_table; c->name; c++) {
		assert_int_equal(known & c->id, 0);
		known |= c->id;
		assert_true(*c->summary && c->run);
	}
	for (const struct option *o = option_table; o->name; o++)
		assert_true(o->commands == FOR_ALL || (o->commands & ~known) == 0);
}

static void every_option_is_in_help_man_page_and_completion(void **state)
{
	char *help = output_of(write_every_command_help), *man = output_of(help_man);
	char *completion = output_of(help_bash_completion), *zsh = output_of(help_zsh_completion);

	(void)state;
	for (const struct option *o = option_table; o->name; o++) {
		char plain[80], troff[80] = "\\-\\-", env[OPTION_ENV_MAX],
				man_env[OPTION_ENV_MAX + 32];

		snprintf(plain, sizeof(plain), "--%s", o->name);
		for (const char *c = o->name; *c; c++)
			snprintf(troff + strlen(troff), sizeof(troff) - strlen(troff), "%s%c",
				 *c == '-' ? "\\" : "", *c);
		snprintf(man_env, sizeof(man_env), "(environment: %s)", option_env_name(o, env));
		assert_non_null(strstr(help, plain));
		assert_non_null(strstr(man, troff));
		assert_non_null(strstr(completion, plain));
		assert_non_null(strstr(zsh, plain));
		if (!o->once)
			assert_non_null(strstr(man, man_env));
	}
	for (const struct command *c = command_table; c->name; c++) {
		char section[64];

		snprintf(section, sizeof(section), ".SS firn %s\n", c->name);
		assert_non_null(strstr(man, section));
		assert_non_null(strstr(completion, c->name));
	}
	free(help);
	free(man);
	free(completion);
	free(zsh);
}

static void help_fits_a_hundred_columns(void **state)
{
	char *help = output_of(write_every_command_help);

	(void)state;
	for (char *line = help; *line;) {
		size_t len = strcspn(line, "\n");

		assert_true(len <= 100);
		line += len + 1;
	}
	free(help);
}

static void help_keeps_to_the_width_of_the_terminal(void **state)
{
	static const int widths[] = { 50, 60, 71, 72, 80, 120 };

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		char *text = NULL;
		size_t len = 0, most = widths[i] > 96 ? 96 : (size_t)widths[i];
		FILE *out = open_memstream(&text, &len);

		assert_non_null(out);
		help_overview(out, widths[i]);
		help_group(out, widths[i], "versions");
		for (const struct command *c = command_table; c->name; c++)
			help_command(out, widths[i], c);
		assert_int_equal(fclose(out), 0);
		for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
			if (strcspn(line, "\n") > most)
				fail_msg("width %d: %.*s", widths[i], (int)strcspn(line, "\n"), line);
		free(text);
	}
}

/* A summary may begin with a name in capitals: "ANALYZE, VACUUM, ..." */
static void help_and_man_page_begin_a_summary_with_a_capital(void **state)
{
	char *man = output_of(help_man);

	(void)state;
	for (const struct command *c = command_table; c->name; c++) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);
		const char *at;

		assert_non_null(out);
		help_command(out, 0, c);
		assert_int_equal(fclose(out), 0);
		at = strstr(text, c->summary + 1);
		assert_non_null(at);
		assert_true(at > text && at[-1] >= 'A' && at[-1] <= 'Z');
		free(text);
	}
	for (const struct command *c = command_table; c->name; c++) {
		char heading[64];
		const char *at;

		snprintf(heading, sizeof(heading), ".SS firn %s\n", c->name);
		at = strstr(man, heading);
		assert_non_null(at);
		at += strlen(heading);
		assert_true(*at >= 'A' && *at <= 'Z');
	}
	free(man);
}

static void the_environment_name_is_derived_from_the_options(void **state)
{
	char name[OPTION_ENV_MAX];

	(void)state;
	for (const struct option *o = option_table; o->name; o++) {
		option_env_name(o, name);
		assert_true(str_starts_with(name, "FIRN_"));
		assert_int_equal(strlen(name), strlen("FIRN_") + strlen(o->name));
		assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
				 strlen(name));
	}
	assert_string_equal(option_env_name(&(struct option){ .name = "max-rows" }, name),
			    "FIRN_MAX_ROWS");
}

static void every_option_can_be_given_to_its_commands(void **state)
{
	static const char *const values[] = {
		[OPT_STRING] = "x", [OPT_LIST] = "x",     [OPT_IDS] = "3",
		[OPT_NUMBER] = "7", [OPT_BYTES] = "1MiB", [OPT_DURATION] = "15min",
		[OPT_YESNO] = "no", [OPT_CHOICE] = NULL,
	};

	(void)state;
	for (const struct command *c = command_table; c->name; c++)
		for (const struct option *o = option_table; o->name; o++) {
			char word[80];
			const char *value = o->kind == OPT_CHOICE ? o->choices[1] : values[o->kind];
			const char *argv[] = { c->name, word, o->arg ? value : NULL, NULL };

			if (!option_is_for(o, c->id))
				continue;
			snprintf(word, sizeof(word), "--%s", o->name);
			if (!read_line(c->id, c->name, argv))
				fail_msg("%s --%s: %s", c->name, o->name, e.message);
		}
	assert_int_equal(settings.max_rows, 7);
	assert_int_equal(settings.segment_bytes, 1 << 20);
	assert_int_equal(settings.max_runtime_s, 900);
	assert_int_equal(settings.s3_path_style, -1);
	assert_int_equal(settings.where_cold, 1);
	assert_int_equal(settings.segments.ids[0], 3);
	assert_true(settings.deep && settings.confirm && settings.orphans && settings.force &&
		    settings.dry_run);
}

static void an_option_is_stronger_than_the_environment(void **state)
{
	const char *argv[] = { "pass", "--max-rows=8", "--table", "b", "--table", "c", NULL };

	(void)state;
	setenv("FIRN_MAX_ROWS", "7", 1);
	setenv("FIRN_MAX_RUNTIME", "1h", 1);
	setenv("FIRN_TABLE", "x,y", 1);
	setenv("FIRN_DRY_RUN", "1", 1);
	assert_true(settings_from_environment(&settings, CMD_PASS, &e));
	assert_int_equal(settings.tables.count, 2);
	assert_string_equal(settings.tables.items[1], "y");
	assert_true(read_line(CMD_PASS, "pass", argv));
	unsetenv("FIRN_MAX_ROWS");
	unsetenv("FIRN_MAX_RUNTIME");
	unsetenv("FIRN_TABLE");
	unsetenv("FIRN_DRY_RUN");
	assert_int_equal(settings.max_rows, 8);
	assert_int_equal(settings.max_runtime_s, 3600);
	assert_int_equal(settings.tables.count, 2);
	assert_string_equal(settings.tables.items[0], "b");
	/* What is done just this once is never taken from an environment that somebody forgot. */
	assert_false(settings.dry_run);
}

static void a_bad_environment_is_a_configuration_error_that_names_the_variable(void **state)
{
	(void)state;
	setenv("FIRN_FORMAT", "xml", 1);
	assert_false(settings_from_environment(&settings, CMD_STATUS, &e));
	unsetenv("FIRN_FORMAT");
	assert_int_equal(e.code, ERR_CONFIG);
	assert_string_equal(e.message,
			    "environment variable FIRN_FORMAT: \"xml\" is not one of text|json");
}

static void wrong_command_lines_are_refused(void **state)
{
	static const struct {
		uint32_t command;
		const char *words[4];
	} cases[] = {
		{ CMD_PASS, { "pass", "--max-row", "5" } },
		{ CMD_PASS, { "pass", "--max-rows" } },
		{ CMD_PASS, { "pass", "--max-rows", "0" } },
		{ CMD_PASS, { "pass", "--max-rows", "-3" } },
		{ CMD_PASS, { "pass", "--dry-run=yes" } },
		{ CMD_PASS, { "pass", "--max-runtime", "15" } },
		{ CMD_PASS, { "pass", "--segment-size", "big" } },
		{ CMD_PASS, { "pass", "extra" } },
		{ CMD_PASS, { "pass", "--confirm" } },
		{ CMD_PASS, { "pass", "-Z" } },
		{ CMD_VERIFY, { "verify", "--segment", "0" } },
		{ CMD_REHYDRATE, { "rehydrate", "--chunk", "" } },
		{ CMD_REHYDRATE, { "rehydrate", "--where-cold", "" } },
		{ CMD_REHYDRATE, { "rehydrate", "--on-conflict", "skip2" } },
		{ CMD_STATUS, { "status", "--s3-path-style", "perhaps" } },
		{ CMD_HELP, { "help", "a", "b", "c" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *words[5] = { 0 };

		memcpy(words, cases[i].words, sizeof(cases[i].words));
		err_clear(&e);
		if (read_line(cases[i].command, words[0], words))
			fail_msg("case %zu was taken", i);
		assert_int_equal(e.code, ERR_USAGE);
	}
}

static void a_connection_string_in_the_wrong_place_is_not_repeated(void **state)
{
	const char *argv[] = { "pass", "postgres://u:hunter2@h/d", NULL };

	(void)state;
	assert_false(read_line(CMD_PASS, "pass", argv));
	assert_null(strstr(e.message, "hunter2"));
}

static void before_the_command_only_global_options_are_read(void **state)
{
	const char *argv[] = { "firn", "-d", "service=x", "-vv", "pass", "--max-rows", "5", NULL };
	int rest;

	(void)state;
	assert_true(settings_from_argv(&settings, CMD_NONE, "firn", 7, argv, &rest, &e));
	assert_int_equal(rest, 4);
	assert_string_equal(settings.database, "service=x");
	assert_int_equal(settings.verbose, 2);
	assert_int_equal(settings.max_rows, 0);
}

static void version_is_firns_before_the_command_and_the_embeddings_after_it(void **state)
{
	const char *before[] = { "firn", "--version", NULL };
	const char *after[] = { "rehydrate", "--version", "v1", NULL };

	(void)state;
	assert_true(read_line(CMD_NONE, "firn", before));
	assert_true(settings.version);
	assert_true(read_line(CMD_REHYDRATE, "rehydrate", after));
	assert_string_equal(settings.versions.items[0], "v1");
}

static void a_chunk_named_dash_is_a_list_on_standard_input(void **state)
{
	char text[] = "a\n\n  b c\r\nd";
	FILE *in = fmemopen(text, strlen(text), "r");
	const char *argv[] = { "rehydrate", "--chunk", "x", "--chunk", "-", NULL };

	(void)state;
	assert_non_null(in);
	assert_true(read_line(CMD_REHYDRATE, "rehydrate", argv));
	assert_true(settings_read_chunks(&settings, in, &e));
	fclose(in);
	assert_int_equal(settings.chunks.count, 4);
	assert_string_equal(settings.chunks.items[0], "x");
	assert_string_equal(settings.chunks.items[1], "a");
	assert_string_equal(settings.chunks.items[2], "  b c");
	assert_string_equal(settings.chunks.items[3], "d");
}

static void standard_input_without_ids_is_refused(void **state)
{
	char text[] = "\n\n";
	FILE *in = fmemopen(text, strlen(text), "r");
	const char *argv[] = { "rehydrate", "--chunk", "-", NULL };

	(void)state;
	assert_true(read_line(CMD_REHYDRATE, "rehydrate", argv));
	assert_false(settings_read_chunks(&settings, in, &e));
	fclose(in);
	assert_int_equal(e.code, ERR_USAGE);
}

static const struct command *find(const char *name, struct err *e)
{
	size_t words;

	return command_find(&name, 1, &words, e);
}

static void a_command_that_is_misspelt_is_suggested(void **state)
{
	(void)state;
	assert_null(find("rehidrate", &e));
	assert_string_equal(e.message,
			    "\"rehidrate\" is not a command; did you mean \"rehydrate\"?");
	assert_null(find("xyzzy", &e));
	assert_string_equal(e.message, "\"xyzzy\" is not a command");
	assert_non_null(find("gc", &e));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_option_has_help_and_a_name_of_its_own_in_each_command),
		TEST(every_option_belongs_to_a_command_that_exists),
		TEST(every_option_is_in_help_man_page_and_completion),
		TEST(help_fits_a_hundred_columns),
		TEST(help_keeps_to_the_width_of_the_terminal),
		TEST(help_and_man_page_begin_a_summary_with_a_capital),
		TEST(the_environment_name_is_derived_from_the_options),
		TEST(every_option_can_be_given_to_its_commands),
		TEST(an_option_is_stronger_than_the_environment),
		TEST(a_bad_environment_is_a_configuration_error_that_names_the_variable),
		TEST(wrong_command_lines_are_refused),
		TEST(a_connection_string_in_the_wrong_place_is_not_repeated),
		TEST(before_the_command_only_global_options_are_read),
		TEST(version_is_firns_before_the_command_and_the_embeddings_after_it),
		TEST(a_chunk_named_dash_is_a_list_on_standard_input),
		TEST(standard_input_without_ids_is_refused),
		TEST(a_command_that_is_misspelt_is_suggested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
