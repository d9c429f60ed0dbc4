/* Managed tables to look at: a schema app that every test gets new. */
#ifndef LIB_TABLE_FIXTURE_H
#define LIB_TABLE_FIXTURE_H

#include "base/str.h"
#include "catalog/migrate.h"
#include "catalog/table_info.h"
#include "lib/pg_fixture.h"

static inline int table_group_setup(void **state)
{
	struct pg_fixture *f;

	if (pg_fixture_setup(state) != 0)
		return -1;
	f = *state;
	sql(f->pg, "CREATE EXTENSION vector SCHEMA public");
	return 0;
}

/* As the reference schema has it: nothing to complain of. */
static inline int table_setup(void **state)
{
	struct pg_fixture *f = *state;

	pg_rollback(f->pg);
	sql(f->pg, "DROP SCHEMA IF EXISTS app, elsewhere, firn CASCADE");
	sql(f->pg, "CREATE SCHEMA app");
	sql(f->pg, "CREATE TABLE app.document (id uuid PRIMARY KEY, workspace_id text)");
	sql(f->pg, "CREATE TABLE app.chunk ("
		   "id uuid PRIMARY KEY DEFAULT gen_random_uuid(), document_id uuid REFERENCES "
		   "app.document (id), "
		   "workspace_id text NOT NULL, chunk_index int, chunk_text text, embedding "
		   "public.vector(3), "
		   "embedding_version text, created_at timestamptz)");
	sql(f->pg,
	    "CREATE TABLE app.workspace_index_state (workspace_id text PRIMARY KEY, "
	    "active_embedding_version text, target_embedding_version text, index_epoch int)");
	return 0;
}

static inline struct table_info *must_load(struct pg *pg, const struct table_wanted *wanted)
{
	struct err e = { 0 };
	struct table_info *t = table_info_load(pg, wanted, &e);

	if (!t)
		fail_msg("%s", e.message);
	assert_false(pg_in_transaction(pg));
	return t;
}

static inline struct table_info *load_chunk(struct pg *pg)
{
	return must_load(pg, &(struct table_wanted){ .table = "app.chunk" });
}

/* The check of this name in this state; fails where there is none. */
static inline const struct table_check *check_in(const struct table_info *t, const char *name,
						 enum table_check_state state)
{
	for (size_t i = 0; i < t->check_count; i++)
		if (str_eq(t->checks[i].name, name) && t->checks[i].state == state)
			return &t->checks[i];
	for (size_t i = 0; i < t->check_count; i++)
		print_error("%s %d: %s\n", t->checks[i].name, t->checks[i].state,
			    t->checks[i].message);
	fail_msg("no check \"%s\" in state %d", name, state);
	return NULL;
}

static inline void assert_contains(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text ? text : "(null)");
}

static inline void assert_usable(const struct table_info *t)
{
	struct err e = { 0 };

	if (!table_info_usable(t, &e))
		fail_msg("%s", e.message);
}

/* That this is refused, for this reason and no other, with this in message and hint. */
static inline void assert_only_refused(struct table_info *t, const char *name, enum err_code code,
				       const char *message, const char *hint)
{
	const struct table_check *c = check_in(t, name, TABLE_CHECK_REFUSED);
	struct err e = { 0 };

	for (size_t i = 0; i < t->check_count; i++)
		if (t->checks[i].state == TABLE_CHECK_REFUSED && !str_eq(t->checks[i].name, name))
			fail_msg("also refused: %s: %s", t->checks[i].name, t->checks[i].message);
	assert_contains(c->message, message);
	assert_contains(c->hint, hint);
	assert_false(table_info_usable(t, &e));
	assert_int_equal(e.code, code);
	assert_contains(e.hint, hint);
}

static inline void assert_role(const struct table_info *t, enum column_role role, const char *name)
{
	const struct column *c = table_info_column(t, role);

	if (!name) {
		if (c)
			fail_msg("role %d is held by \"%s\"", role, c->name);
		return;
	}
	if (!c)
		fail_msg("nothing has role %d, \"%s\" should", role, name);
	else
		assert_string_equal(c->name, name);
}

#endif
