/*
 * A database of its own for a test program, on the server that FIRN_TEST_PG_URI names (a superuser's URI). Without that
 * variable the tests fail: what was not tried against a server was not tested.
 *
 * cmocka.h and what it needs are included by the test before this.
 */
#ifndef LIB_PG_FIXTURE_H
#define LIB_PG_FIXTURE_H

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/pg.h"

struct pg_fixture {
	struct pg *admin; /* superuser, database of the URI */
	struct pg *pg;    /* superuser, the test's own database */
	char database[64];
	char role[64];            /* a plain role without any rights */
	char conninfo[1024];      /* as pg */
	char role_conninfo[1024]; /* as role */
};

static inline void add_option(char *out, size_t out_len, const char *keyword, const char *value)
{
	size_t n = strlen(out);

	n += (size_t)snprintf(out + n, out_len - n, "%s='", keyword);
	for (; *value && n + 4 < out_len; value++) {
		if (*value == '\'' || *value == '\\')
			out[n++] = '\\';
		out[n++] = *value;
	}
	snprintf(out + n, out_len - n, "' ");
}

/* The URI's options with another database and, where user is not NULL, another user. */
static inline void make_conninfo(char *out, size_t out_len, const char *uri, const char *database,
				 const char *user)
{
	PQconninfoOption *options = PQconninfoParse(uri, NULL);

	assert_non_null(options);
	out[0] = '\0';
	for (PQconninfoOption *o = options; o->keyword; o++) {
		bool is_user = strcmp(o->keyword, "user") == 0;

		if (strcmp(o->keyword, "dbname") == 0 || !o->val || (is_user && user))
			continue;
		add_option(out, out_len, o->keyword, o->val);
	}
	if (user)
		add_option(out, out_len, "user", user);
	add_option(out, out_len, "dbname", database);
	PQconninfoFree(options);
}

static inline struct pg *must_connect(const char *conninfo)
{
	struct err e = { 0 };
	struct pg *pg = pg_connect(conninfo, NULL, &e);

	if (!pg)
		fail_msg("could not connect: %s", e.message);
	return pg;
}

static inline void sql(struct pg *pg, const char *fmt, ...) PRINTF(2, 3);
static inline void sql(struct pg *pg, const char *fmt, ...)
{
	struct err e = { 0 };
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	assert_true(vasprintf(&text, fmt, ap) >= 0);
	va_end(ap);
	if (!pg_exec(pg, text, &e))
		fail_msg("%s\nwith: %s", e.message, text);
	free(text);
}

/* The one value that a query gives; free it. */
static inline char *value_of(struct pg *pg, const char *query)
{
	struct err e = { 0 };
	struct pg_result *r = NULL;
	char *value;

	if (!pg_query(pg, query, NULL, &r, &e))
		fail_msg("%s\nwith: %s", e.message, query);
	assert_int_equal(pg_rows(r), 1);
	value = strdup(pg_text(r, 0, 0));
	assert_non_null(value);
	pg_result_free(r);
	return value;
}

static inline void assert_value(struct pg *pg, const char *query, const char *expected)
{
	char *value = value_of(pg, query);

	assert_string_equal(value, expected);
	free(value);
}

static inline int pg_fixture_setup(void **state)
{
	static struct pg_fixture f;
	const char *uri = getenv("FIRN_TEST_PG_URI");

	if (!uri || !uri[0]) {
		fprintf(stderr, "FIRN_TEST_PG_URI is not set: run these tests by make check\n");
		return -1;
	}
	snprintf(f.database, sizeof(f.database), "firn_test_%ld", (long)getpid());
	snprintf(f.role, sizeof(f.role), "firn_test_role_%ld", (long)getpid());
	f.admin = must_connect(uri);
	sql(f.admin, "CREATE DATABASE %s", f.database);
	sql(f.admin, "CREATE ROLE %s LOGIN", f.role);
	make_conninfo(f.conninfo, sizeof(f.conninfo), uri, f.database, NULL);
	make_conninfo(f.role_conninfo, sizeof(f.role_conninfo), uri, f.database, f.role);
	f.pg = must_connect(f.conninfo);
	*state = &f;
	return 0;
}

static inline int pg_fixture_teardown(void **state)
{
	struct pg_fixture *f = *state;

	if (!f) /* the setup failed */
		return 0;
	pg_close(f->pg);
	sql(f->admin, "DROP DATABASE IF EXISTS %s WITH (FORCE)", f->database);
	sql(f->admin, "DROP ROLE IF EXISTS %s", f->role);
	pg_close(f->admin);
	return 0;
}

#endif
