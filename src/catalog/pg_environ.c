#include "catalog/pg_conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

extern char **environ;

static bool add(char **environment, size_t *count, const char *name, const char *value,
		const char *more, struct err *e)
{
	struct buf b = BUF_INIT;
	char *variable;

	buf_printf(&b, "%s=%s%s%s", name, value, *value && *more ? " " : "", more);
	variable = buf_take(&b, e);
	if (variable)
		environment[(*count)++] = variable;
	return variable != NULL;
}

/* Variables of libpq, and those by which this program is configured. */
static bool is_left_out(const char *variable)
{
	return str_starts_with(variable, "PG") || str_starts_with(variable, "FIRN_") ||
	       str_starts_with(variable, "AWS_");
}

bool pg_environment(struct pg *pg, const char *options, char ***out, struct err *e)
{
	PQconninfoOption *all = PQconninfo(pg->conn);
	size_t room = 2, count = 0;
	bool ok = all != NULL || err_set(e, ERR_MEMORY, "out of memory"), options_given = false;

	*out = NULL;
	for (PQconninfoOption *o = all; o && o->keyword; o++)
		room++;
	for (char **v = environ; *v; v++)
		room++;
	if (ok)
		*out = mem_new(room, sizeof(**out), e);
	ok = ok && *out;
	for (char **v = environ; ok && *v; v++)
		if (!is_left_out(*v)) {
			(*out)[count] = mem_strdup(*v, e);
			ok = (*out)[count++] != NULL;
		}
	for (PQconninfoOption *o = all; ok && o && o->keyword; o++) {
		bool is_options = str_eq(o->keyword, "options");

		/* A service's values are among the others, where what was given beside it has replaced them. */
		if (!o->envvar || str_eq(o->keyword, "service") || (!is_options && !o->val))
			continue;
		ok = add(*out, &count, o->envvar, o->val ? o->val : "", is_options ? options : "",
			 e);
		options_given |= is_options;
	}
	if (ok && !options_given)
		ok = add(*out, &count, "PGOPTIONS", options, "", e);
	PQconninfoFree(all);
	if (!ok) {
		pg_environment_free(*out);
		*out = NULL;
	}
	return ok;
}

void pg_environment_free(char **environment)
{
	for (char **v = environment; v && *v; v++) {
		/* A password may be among them. */
		explicit_bzero(*v, strlen(*v));
		free(*v);
	}
	free(environment);
}

/* A value as keyword=value strings want it. */
static void add_quoted(struct buf *b, const char *value)
{
	bool plain = *value && !strpbrk(value, " '\\");

	if (!plain)
		buf_add_byte(b, '\'');
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			buf_add_byte(b, '\\');
		buf_add_byte(b, (uint8_t)*value);
	}
	if (!plain)
		buf_add_byte(b, '\'');
}

char *pg_conninfo_shown(const char *conninfo, struct err *e)
{
	struct buf b = BUF_INIT;
	char *ignored = NULL; /* it quotes the string */
	PQconninfoOption *options;

	/* A bare name is a database's. */
	if (!strpbrk(conninfo, "=/@ "))
		return mem_strdup(conninfo, e);
	options = PQconninfoParse(conninfo, &ignored);
	PQfreemem(ignored);
	if (!options)
		buf_add_str(&b, "(not a valid connection string)");
	for (PQconninfoOption *o = options; o && o->keyword; o++) {
		if (!o->val)
			continue;
		buf_printf(&b, "%s%s=", b.len ? " " : "", o->keyword);
		if (strchr(o->dispchar, '*'))
			buf_add_str(&b, "********");
		else
			add_quoted(&b, o->val);
	}
	PQconninfoFree(options);
	return buf_take(&b, e);
}
