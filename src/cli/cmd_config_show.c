#include "cli/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

extern char **environ;

/* What a row of the report needs beside the library's strings. */
struct shown {
	struct report_setting *settings;
	char (*wheres)[OPTION_ENV_MAX + 256];
	struct report_variable *variables;
	size_t variable_count;
	char (*names)[OPTION_ENV_MAX];
};

/* The option that sets a key: "s3.ca_file" is --s3-ca-file, "tables" is --table. */
static const struct option *option_of(const char *key)
{
	char name[OPTION_ENV_MAX];

	snprintf(name, sizeof(name), "%s", str_eq(key, "tables") ? "table" : key);
	for (char *c = name; *c; c++)
		if (*c == '.' || *c == '_')
			*c = '-';
	for (const struct option *o = option_table; o->name; o++)
		if (o->commands == FOR_ALL && str_eq(o->name, name))
			return o;
	return NULL;
}

static void say_where(const struct cli *c, const struct firn_setting *s, struct report_setting *out,
		      char *where, size_t room)
{
	const struct option *o = option_of(s->key);
	char variable[OPTION_ENV_MAX];

	*out = (struct report_setting){ .key = s->key, .value = s->value, .source = "default" };
	if (s->source == FIRN_SETTING_FILE) {
		out->source = "file";
		snprintf(where, room, "%s:%d", c->settings.config, s->line);
		out->where = where;
	} else if (s->source == FIRN_SETTING_GIVEN && o) {
		bool variable_was = settings_origin(&c->settings, o) == SETTING_FROM_ENVIRONMENT;

		out->source = variable_was ? "environment" : "option";
		snprintf(where, room, "%s%s", variable_was ? "" : "--",
			 variable_was ? option_env_name(o, variable) : o->name);
		out->where = where;
	}
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && str_eq(name + len - end_len, end);
}

static bool is_secret(const char *name, const char *value)
{
	return strstr(name, "PASSWORD") || strstr(name, "SECRET") || strstr(name, "ACCESS_KEY") ||
	       (strstr(name, "TOKEN") && !ends_in(name, "_FILE")) || strchr(value, '@');
}

/* Who reads a variable; NULL: nobody here, or it is shown as the source of a key. */
static const char *reader_of(const char *name)
{
	char env[OPTION_ENV_MAX];

	if (str_starts_with(name, "PG"))
		return "libpq";
	if (str_starts_with(name, "AWS_"))
		return "S3 archive";
	if (ends_in(name, "_proxy") || ends_in(name, "_PROXY"))
		return "S3 archive";
	if (!str_starts_with(name, "FIRN_"))
		return NULL;
	for (const struct option *o = option_table; o->name; o++)
		if (!o->once && str_eq(option_env_name(o, env), name))
			return o->commands == FOR_ALL ? NULL : "other commands";
	return "nobody: no option is called so";
}

static int by_name(const void *a, const void *b)
{
	const struct report_variable *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool look_at_environment(struct shown *s, struct err *e)
{
	size_t count = 0;

	while (environ[count])
		count++;
	s->variables = mem_new(count + 1, sizeof(*s->variables), e);
	s->names = mem_new(count + 1, sizeof(*s->names), e);
	if (!s->variables || !s->names)
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t len = strcspn(environ[i], "=");
		char *name = s->names[s->variable_count];
		const char *value = environ[i] + len + 1, *reader;

		if (!environ[i][len] || !*value || len >= OPTION_ENV_MAX)
			continue;
		memcpy(name, environ[i], len);
		name[len] = '\0';
		reader = reader_of(name);
		if (reader)
			s->variables[s->variable_count++] = (struct report_variable){
				name, is_secret(name, value) ? NULL : value, reader
			};
	}
	if (s->variable_count > 1)
		qsort(s->variables, s->variable_count, sizeof(*s->variables), by_name);
	return true;
}

int cmd_config_show(struct cli *c)
{
	struct firn_options options = cli_firn_options(c);
	struct firn_config config = { 0 };
	struct shown shown = { 0 };
	struct err e = { 0 }, write_error = { 0 };
	bool ok = firn_config(&options, &config, &e), written;

	if (ok) {
		shown.settings = mem_new(config.setting_count + 1, sizeof(*shown.settings), &e);
		shown.wheres = mem_new(config.setting_count + 1, sizeof(*shown.wheres), &e);
		ok = shown.settings && shown.wheres && look_at_environment(&shown, &e);
	}
	for (size_t i = 0; ok && i < config.setting_count; i++)
		say_where(c, &config.settings[i], &shown.settings[i], shown.wheres[i],
			  sizeof(shown.wheres[i]));
	written = report_config(&c->report,
				&(struct report_config){
					.path = c->settings.config,
					.settings = shown.settings,
					.setting_count = ok ? config.setting_count : 0,
					.variables = shown.variables,
					.variable_count = shown.variable_count,
				},
				ok ? NULL : &e, &write_error);
	free(shown.settings);
	free(shown.wheres);
	free(shown.variables);
	free(shown.names);
	firn_config_release(&config);
	return cli_end(c, &(struct cli_outcome){ ok, &e, written, &write_error, false });
}
