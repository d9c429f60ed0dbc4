/* Every refusal and warning of a table, each on a table that earns it, and what its hint is worth. */
#include "catalog/table_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/table_fixture.h"

/* app.chunk in two hash partitions. */
static void make_partitioned(struct pg *pg)
{
	sql(pg, "DROP TABLE app.chunk; CREATE TABLE app.chunk (id int, workspace_id text, "
		"embedding public.vector(3), "
		"PRIMARY KEY (workspace_id, id)) PARTITION BY HASH (workspace_id)");
	sql(pg, "CREATE TABLE app.chunk_p0 PARTITION OF app.chunk FOR VALUES WITH (MODULUS 2, "
		"REMAINDER 0)");
	sql(pg, "CREATE TABLE app.chunk_p1 PARTITION OF app.chunk FOR VALUES WITH (MODULUS 2, "
		"REMAINDER 1)");
}

/* Refused so on pg; and after what fix says, no longer. */
static void assert_refused_until(struct pg *pg, struct pg *admin, const char *check,
				 enum err_code code, const char *message, const char *hint,
				 const char *fix)
{
	struct table_info *t = load_chunk(pg);

	assert_only_refused(t, check, code, message, hint);
	table_info_free(t);
	sql(admin, "%s", fix);
	t = load_chunk(pg);
	assert_usable(t);
	check_in(t, check, TABLE_CHECK_OK);
	table_info_free(t);
}

static void relations_that_hold_no_rows_of_their_own_are_refused(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "CREATE VIEW app.seen AS SELECT * FROM app.chunk");
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.seen" });
	assert_only_refused(t, "table", ERR_CONFIG, "a view", "Name the table");
	table_info_free(t);
	sql(f->pg, "CREATE MATERIALIZED VIEW app.kept AS SELECT * FROM app.chunk");
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.kept" });
	assert_only_refused(t, "table", ERR_CONFIG, "a materialized view", "Name the table");
	table_info_free(t);
	sql(f->pg, "CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far; "
		   "CREATE FOREIGN TABLE app.remote (id int) SERVER away");
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.remote" });
	assert_only_refused(t, "table", ERR_CONFIG, "a foreign table", "Name the table");
	table_info_free(t);
	sql(f->pg, "DROP FOREIGN DATA WRAPPER far CASCADE");
	t = must_load(f->pg, &(struct table_wanted){ .table = "pg_catalog.pg_class" });
	assert_only_refused(t, "table", ERR_CONFIG, "not the application's", "Name a table");
	table_info_free(t);
}

static void a_partition_is_refused_in_favour_of_its_table(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	make_partitioned(f->pg);
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.chunk_p0" });
	assert_only_refused(t, "table", ERR_CONFIG, "a partition of app.chunk", "app.chunk");
	table_info_free(t);
}

static void inheritance_children_are_refused(void **state)
{
	struct pg_fixture *f = *state;

	sql(f->pg, "CREATE TABLE app.heir () INHERITS (app.chunk)");
	assert_refused_until(f->pg, f->pg, "table", ERR_CONFIG, "app.heir", "NO INHERIT",
			     "ALTER TABLE app.heir NO INHERIT app.chunk");
}

static void foreign_partitions_are_refused(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	/* A foreign partition can have no unique index above it. */
	sql(f->pg, "DROP TABLE app.chunk; CREATE TABLE app.chunk (id int NOT NULL, workspace_id "
		   "text NOT NULL, "
		   "embedding public.vector(3)) PARTITION BY LIST (workspace_id); "
		   "CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far; "
		   "CREATE FOREIGN TABLE app.chunk_far PARTITION OF app.chunk FOR VALUES IN ('x') "
		   "SERVER away");
	t = load_chunk(f->pg);
	assert_contains(check_in(t, "partitioning", TABLE_CHECK_REFUSED)->message, "app.chunk_far");
	assert_contains(check_in(t, "partitioning", TABLE_CHECK_REFUSED)->hint, "Detach");
	table_info_free(t);
	sql(f->pg, "DROP FOREIGN DATA WRAPPER far CASCADE");
}

static void tables_without_a_key_are_refused(void **state)
{
	/* None of these tells every row from every other. */
	static const char *const useless[] = {
		"CREATE INDEX ON app.chunk (id)",
		"CREATE UNIQUE INDEX ON app.chunk (chunk_index)",
		"CREATE UNIQUE INDEX ON app.chunk (id) WHERE chunk_index > 0",
		"CREATE UNIQUE INDEX ON app.chunk ((id::text))",
		"ALTER TABLE app.chunk ADD UNIQUE (id) DEFERRABLE",
		NULL,
	};
	struct pg_fixture *f = *state;

	sql(f->pg, "ALTER TABLE app.chunk DROP CONSTRAINT chunk_pkey; ALTER TABLE app.chunk ALTER "
		   "id SET NOT NULL");
	for (size_t i = 0; useless[i]; i++) {
		struct table_info *t;

		sql(f->pg, "%s", useless[i]);
		t = load_chunk(f->pg);
		assert_only_refused(t, "primary-key", ERR_CONFIG, "no primary key",
				    "ADD PRIMARY KEY");
		table_info_free(t);
	}
	assert_refused_until(f->pg, f->pg, "primary-key", ERR_CONFIG, "no primary key",
			     "ADD PRIMARY KEY", "ALTER TABLE app.chunk ADD PRIMARY KEY (id)");
}

static void tables_without_a_workspace_are_refused(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "ALTER TABLE app.chunk RENAME workspace_id TO realm");
	t = load_chunk(f->pg);
	assert_only_refused(t, "workspace-column", ERR_CONFIG, "which workspace",
			    "columns.workspace");
	table_info_free(t);
	t = must_load(f->pg,
		      &(struct table_wanted){ .table = "app.chunk", .workspace_column = "realm" });
	assert_usable(t);
	table_info_free(t);
}

static void the_embedding_is_one_column_or_configured(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "ALTER TABLE app.chunk ADD \"Other One\" public.halfvec(3), ADD bits bit(64)");
	t = load_chunk(f->pg);
	assert_only_refused(t, "embedding-column", ERR_CONFIG, "\"embedding\", \"Other One\"",
			    "columns.embedding");
	table_info_free(t);
	t = must_load(f->pg, &(struct table_wanted){ .table = "app.chunk",
						     .embedding_column = "Other One" });
	assert_usable(t);
	assert_role(t, COLUMN_EMBEDDING, "Other One");
	table_info_free(t);
	sql(f->pg, "ALTER TABLE app.chunk DROP embedding, DROP \"Other One\"");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_role(t, COLUMN_EMBEDDING, "bits");
	table_info_free(t);
	sql(f->pg, "ALTER TABLE app.chunk DROP bits, ADD flag bit(1)");
	t = load_chunk(f->pg);
	assert_only_refused(t, "embedding-column", ERR_CONFIG, "vector", "columns.embedding");
	table_info_free(t);
	sql(f->pg, "ALTER TABLE app.chunk ADD v public.sparsevec(10)");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_role(t, COLUMN_EMBEDDING, "v");
	table_info_free(t);
}

static void foreign_keys_of_other_tables_are_refused_by_what_they_would_do(void **state)
{
	static const struct {
		const char *action, *message;
	} cases[] = {
		{ "CASCADE", "would delete rows there" },
		{ "SET NULL", "would clear columns there" },
		{ "SET DEFAULT", "would change columns there" },
		{ "NO ACTION", "would refuse" },
		{ "RESTRICT", "would refuse" },
	};
	struct pg_fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sql(f->pg,
		    "CREATE TABLE app.\"Cited In\" (n int, chunk uuid CONSTRAINT cites REFERENCES "
		    "app.chunk ON DELETE %s)",
		    cases[i].action);
		assert_refused_until(f->pg, f->pg, "referencing-keys", ERR_CONFIG, cases[i].message,
				     "ALTER TABLE app.\"Cited In\" DROP CONSTRAINT cites",
				     "ALTER TABLE app.\"Cited In\" DROP CONSTRAINT cites");
		sql(f->pg, "DROP TABLE app.\"Cited In\"");
	}
	/* Rows that refer to rows of the same table. */
	sql(f->pg, "ALTER TABLE app.chunk ADD parent uuid CONSTRAINT upward REFERENCES app.chunk");
	assert_refused_until(f->pg, f->pg, "referencing-keys", ERR_CONFIG, "upward",
			     "DROP CONSTRAINT upward",
			     "ALTER TABLE app.chunk DROP CONSTRAINT upward");
}

static void foreign_keys_to_partitions_are_refused_too(void **state)
{
	struct pg_fixture *f = *state;

	make_partitioned(f->pg);
	sql(f->pg, "CREATE TABLE app.cited (w text, n int, CONSTRAINT cites FOREIGN KEY (w, n) "
		   "REFERENCES app.chunk_p1)");
	assert_refused_until(f->pg, f->pg, "referencing-keys", ERR_CONFIG, "app.cited",
			     "DROP CONSTRAINT cites", "DROP TABLE app.cited");
	sql(f->pg, "CREATE TABLE app.cited (w text, n int, CONSTRAINT cites FOREIGN KEY (w, n) "
		   "REFERENCES app.chunk)");
	assert_refused_until(f->pg, f->pg, "referencing-keys", ERR_CONFIG, "app.cited",
			     "DROP CONSTRAINT cites", "DROP TABLE app.cited");
}

static void delete_triggers_are_refused_while_they_fire(void **state)
{
	static const char *const kinds[] = { "BEFORE DELETE ON app.chunk FOR EACH ROW",
					     "AFTER DELETE ON app.chunk FOR EACH ROW",
					     "AFTER DELETE ON app.chunk FOR EACH STATEMENT",
					     "AFTER INSERT OR DELETE ON app.chunk FOR EACH ROW",
					     NULL };
	struct pg_fixture *f = *state;

	sql(f->pg, "CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN "
		   "NULL; END'");
	for (size_t i = 0; kinds[i]; i++) {
		sql(f->pg, "CREATE TRIGGER \"Audit It\" %s EXECUTE FUNCTION app.note()", kinds[i]);
		assert_refused_until(f->pg, f->pg, "delete-triggers", ERR_CONFIG, "\"Audit It\"",
				     "ALTER TABLE app.chunk DISABLE TRIGGER \"Audit It\"",
				     "ALTER TABLE app.chunk DISABLE TRIGGER \"Audit It\"");
		sql(f->pg, "ALTER TABLE app.chunk ENABLE ALWAYS TRIGGER \"Audit It\"");
		assert_refused_until(f->pg, f->pg, "delete-triggers", ERR_CONFIG, "\"Audit It\"",
				     "DISABLE TRIGGER", "DROP TRIGGER \"Audit It\" ON app.chunk");
	}
	/* UPDATE and TRUNCATE are nothing that firn does. */
	sql(f->pg,
	    "CREATE TRIGGER u AFTER UPDATE ON app.chunk FOR EACH ROW EXECUTE FUNCTION app.note(); "
	    "CREATE TRIGGER t AFTER TRUNCATE ON app.chunk EXECUTE FUNCTION app.note()");
	{
		struct table_info *t = load_chunk(f->pg);

		assert_usable(t);
		check_in(t, "insert-triggers", TABLE_CHECK_OK);
		table_info_free(t);
	}
}

static void delete_triggers_of_partitions_are_refused(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN "
		   "NULL; END'");
	make_partitioned(f->pg);
	sql(f->pg, "CREATE TRIGGER one AFTER DELETE ON app.chunk_p1 FOR EACH ROW EXECUTE FUNCTION "
		   "app.note()");
	assert_refused_until(f->pg, f->pg, "delete-triggers", ERR_CONFIG, "app.chunk_p1",
			     "ALTER TABLE app.chunk_p1 DISABLE TRIGGER one",
			     "ALTER TABLE app.chunk_p1 DISABLE TRIGGER one");
	/* That of the table is told once, not for every partition. */
	sql(f->pg, "CREATE TRIGGER all_of_them AFTER DELETE ON app.chunk FOR EACH ROW EXECUTE "
		   "FUNCTION app.note()");
	t = load_chunk(f->pg);
	assert_only_refused(t, "delete-triggers", ERR_CONFIG, "all_of_them", "app.chunk DISABLE");
	assert_null(strstr(check_in(t, "delete-triggers", TABLE_CHECK_REFUSED)->message,
			   "app.chunk_p0"));
	table_info_free(t);
}

static void insert_triggers_are_warned_of(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN "
		   "NEW; END'; "
		   "CREATE TRIGGER after_it AFTER INSERT ON app.chunk FOR EACH ROW EXECUTE "
		   "FUNCTION app.note()");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_contains(check_in(t, "insert-triggers", TABLE_CHECK_WARNING)->message,
			"fires for rows");
	assert_false(t->insert_triggers);
	table_info_free(t);
	sql(f->pg, "CREATE TRIGGER before_it BEFORE INSERT OR UPDATE ON app.chunk FOR EACH ROW "
		   "EXECUTE FUNCTION app.note()");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_contains(check_in(t, "insert-triggers", TABLE_CHECK_WARNING)->message,
			"may alter rows");
	assert_true(t->insert_triggers);
	table_info_free(t);
	sql(f->pg, "ALTER TABLE app.chunk DISABLE TRIGGER USER");
	t = load_chunk(f->pg);
	check_in(t, "insert-triggers", TABLE_CHECK_OK);
	assert_false(t->insert_triggers);
	table_info_free(t);
}

static void rules_are_refused(void **state)
{
	struct pg_fixture *f = *state;

	sql(f->pg, "CREATE RULE soft AS ON DELETE TO app.chunk DO INSTEAD NOTHING");
	assert_refused_until(f->pg, f->pg, "rules", ERR_CONFIG, "rewrites DELETE",
			     "ALTER TABLE app.chunk DISABLE RULE soft",
			     "ALTER TABLE app.chunk DISABLE RULE soft");
	sql(f->pg, "CREATE RULE twice AS ON INSERT TO app.chunk DO ALSO NOTHING");
	assert_refused_until(f->pg, f->pg, "rules", ERR_CONFIG, "rewrites INSERT",
			     "DISABLE RULE twice", "DROP RULE twice ON app.chunk");
	sql(f->pg, "CREATE RULE edits AS ON UPDATE TO app.chunk DO ALSO NOTHING");
	{
		struct table_info *t = load_chunk(f->pg);

		assert_usable(t);
		table_info_free(t);
	}
}

/* The statements that let the role do everything; each test takes one away. */
static void grant_all(struct pg_fixture *f)
{
	sql(f->pg,
	    "GRANT USAGE ON SCHEMA app TO %s; GRANT SELECT, INSERT, DELETE ON app.chunk TO %s; "
	    "GRANT SELECT ON app.document, app.workspace_index_state TO %s; "
	    "GRANT UPDATE (index_epoch) ON app.workspace_index_state TO %s; "
	    "GRANT CREATE, TEMP ON DATABASE %s TO %s; ALTER TABLE app.chunk OWNER TO %s",
	    f->role, f->role, f->role, f->role, f->database, f->role, f->role);
}

static void row_level_security_is_refused_where_it_hides_rows(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->role_conninfo);
	struct table_info *t;
	char fix[256];

	grant_all(f);
	sql(f->pg, "ALTER TABLE app.chunk ENABLE ROW LEVEL SECURITY");
	t = load_chunk(other);
	assert_usable(t); /* the owner is not subject to it */
	table_info_free(t);
	sql(f->pg, "ALTER TABLE app.chunk FORCE ROW LEVEL SECURITY");
	t = load_chunk(f->pg);
	assert_usable(t); /* nor is a superuser */
	table_info_free(t);
	snprintf(fix, sizeof(fix), "ALTER ROLE %s BYPASSRLS", f->role);
	assert_refused_until(other, f->pg, "row-security", ERR_CONFIG,
			     "row-level security of table app.chunk", fix, fix);
	sql(f->pg, "ALTER ROLE %s NOBYPASSRLS; ALTER TABLE app.chunk DISABLE ROW LEVEL SECURITY",
	    f->role);
	/* Where it hides which version is active, superseded rows would look current. */
	sql(f->pg, "ALTER TABLE app.workspace_index_state ENABLE ROW LEVEL SECURITY");
	assert_refused_until(other, f->pg, "row-security", ERR_CONFIG, "app.workspace_index_state",
			     "BYPASSRLS",
			     "ALTER TABLE app.workspace_index_state DISABLE ROW LEVEL SECURITY");
	pg_close(other);
}

static void each_missing_privilege_is_refused_with_the_statement_that_grants_it(void **state)
{
	static const struct {
		const char *revoke, *message, *hint; /* %s: the role, twice where there are two */
	} cases[] = {
		{ "REVOKE USAGE ON SCHEMA app FROM %s", "USAGE on schema app",
		  "GRANT USAGE ON SCHEMA app TO %s;" },
		{ "REVOKE SELECT ON app.chunk FROM %s", "SELECT on table app.chunk",
		  "GRANT SELECT ON app.chunk TO %s;" },
		{ "REVOKE INSERT, DELETE ON app.chunk FROM %s", "INSERT, DELETE on table app.chunk",
		  "GRANT INSERT, DELETE ON app.chunk TO %s;" },
		{ "REVOKE SELECT ON app.document FROM %s",
		  "SELECT on columns id of table app.document",
		  "GRANT SELECT (id) ON app.document TO %s;" },
		{ "REVOKE SELECT ON app.workspace_index_state FROM %s",
		  "SELECT on table app.workspace_index_state",
		  "GRANT SELECT ON app.workspace_index_state TO %s;" },
		{ "REVOKE UPDATE (index_epoch) ON app.workspace_index_state FROM %s",
		  "UPDATE on some column",
		  "GRANT UPDATE (workspace_id) ON app.workspace_index_state TO %s;" },
	};
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->role_conninfo);
	struct table_info *t;

	grant_all(f);
	t = load_chunk(other);
	assert_usable(t);
	check_in(t, "privileges", TABLE_CHECK_OK);
	table_info_free(t);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char hint[512];

		sql(f->pg, cases[i].revoke, f->role);
		snprintf(hint, sizeof(hint), cases[i].hint, f->role);
		/* The hint itself is what mends it. */
		assert_refused_until(other, f->pg, "privileges", ERR_DENIED, cases[i].message, hint,
				     hint);
	}
	pg_close(other);
}

static void assert_query_needs(struct pg *other, struct pg_fixture *f, const char *query,
			       const char *hint)
{
	const struct table_wanted wanted = { .table = "app.chunk", .active_query = query };
	struct table_info *t = must_load(other, &wanted);

	assert_only_refused(t, "active-version", ERR_DENIED, "permission denied", hint);
	table_info_free(t);
	sql(f->pg, "%s", hint);
	t = must_load(other, &wanted);
	assert_usable(t);
	table_info_free(t);
}

static void what_a_query_of_the_active_version_may_not_read_is_granted_by_its_hint(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->role_conninfo);
	char hint[512];

	grant_all(f);
	sql(f->pg,
	    "CREATE SCHEMA rag; CREATE TABLE rag.\"Tenant settings\" (t text, v text); "
	    "CREATE TABLE rag.settings (t text, v text); CREATE TABLE rag.sett (t text, v text)");
	snprintf(hint, sizeof(hint),
		 "GRANT USAGE ON SCHEMA rag TO %s;\nGRANT SELECT ON rag.settings TO %s;", f->role,
		 f->role);
	assert_query_needs(other, f, "SELECT t, v FROM Rag.Settings", hint);
	snprintf(hint, sizeof(hint), "GRANT SELECT ON rag.\"Tenant settings\" TO %s;", f->role);
	assert_query_needs(other, f, "SELECT t, v FROM rag.\"Tenant settings\"", hint);
	sql(f->pg, "ALTER ROLE %s SET search_path = rag", f->role);
	pg_close(other);
	other = must_connect(f->role_conninfo);
	snprintf(hint, sizeof(hint), "GRANT SELECT ON rag.sett TO %s;", f->role);
	assert_query_needs(other, f, "SELECT t, v FROM sett", hint);
	pg_close(other);
	sql(f->pg, "ALTER ROLE %s RESET search_path", f->role);
}

static void a_view_of_active_versions_is_to_be_read_and_not_locked(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->role_conninfo);
	const struct table_wanted wanted = { .table = "app.chunk", .active_table = "app.now" };
	struct table_info *t;
	char hint[512];

	grant_all(f);
	sql(f->pg, "CREATE VIEW app.now AS SELECT workspace_id, active_embedding_version FROM "
		   "app.workspace_index_state");
	snprintf(hint, sizeof(hint), "GRANT SELECT ON app.now TO %s;", f->role);
	t = must_load(other, &wanted);
	assert_only_refused(t, "privileges", ERR_DENIED, "SELECT on table app.now", hint);
	table_info_free(t);
	sql(f->pg, "%s", hint);
	t = must_load(other, &wanted);
	assert_usable(t);
	table_info_free(t);
	pg_close(other);
}

static void privileges_on_database_and_catalog_are_asked_for(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->role_conninfo);
	struct err e = { 0 };
	char hint[512];

	grant_all(f);
	sql(f->pg, "REVOKE TEMP ON DATABASE %s FROM PUBLIC, %s", f->database, f->role);
	snprintf(hint, sizeof(hint), "GRANT TEMP ON DATABASE %s TO %s;", f->database, f->role);
	assert_refused_until(other, f->pg, "privileges", ERR_DENIED, "TEMP", hint, hint);
	sql(f->pg, "REVOKE CREATE ON DATABASE %s FROM %s", f->database, f->role);
	snprintf(hint, sizeof(hint), "GRANT CREATE ON DATABASE %s TO %s;", f->database, f->role);
	assert_refused_until(other, f->pg, "privileges", ERR_DENIED, "CREATE on the database", hint,
			     hint);
	sql(f->pg, "CREATE SCHEMA firn");
	snprintf(hint, sizeof(hint), "GRANT USAGE, CREATE ON SCHEMA firn TO %s;", f->role);
	assert_refused_until(other, f->pg, "privileges", ERR_DENIED, "CREATE on schema firn", hint,
			     hint);
	sql(f->pg, "DROP SCHEMA firn");
	assert_true(migrate_run(f->pg, NULL, &e));
	snprintf(hint, sizeof(hint),
		 "GRANT USAGE ON SCHEMA firn TO %s;\nGRANT SELECT, INSERT, UPDATE, DELETE ON ALL "
		 "TABLES IN SCHEMA firn TO %s;",
		 f->role, f->role);
	assert_refused_until(other, f->pg, "privileges", ERR_DENIED, "USAGE on schema firn", hint,
			     hint);
	pg_close(other);
}

static void privileges_are_asked_for_on_every_partition(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->role_conninfo);
	char hint[512];

	make_partitioned(f->pg);
	grant_all(f);
	sql(f->pg,
	    "ALTER TABLE app.chunk_p0 OWNER TO %s; ALTER TABLE app.chunk_p1 OWNER TO %s; "
	    "REVOKE DELETE ON app.chunk_p1 FROM %s",
	    f->role, f->role, f->role);
	snprintf(hint, sizeof(hint), "GRANT DELETE ON app.chunk_p1 TO %s;", f->role);
	assert_refused_until(other, f->pg, "privileges", ERR_DENIED, "DELETE on table app.chunk_p1",
			     hint, hint);
	pg_close(other);
}

static void a_role_that_may_not_maintain_the_table_is_refused(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->role_conninfo);
	char hint[512];

	grant_all(f);
	sql(f->admin, "DROP ROLE IF EXISTS %s_owner", f->role);
	sql(f->admin, "CREATE ROLE %s_owner", f->role);
	sql(f->pg,
	    "ALTER TABLE app.chunk OWNER TO %s_owner; GRANT SELECT, INSERT, DELETE ON app.chunk TO "
	    "%s",
	    f->role, f->role);
	if (pg_server_version(f->pg) >= 170000)
		snprintf(hint, sizeof(hint), "GRANT MAINTAIN ON app.chunk TO %s;", f->role);
	else
		snprintf(hint, sizeof(hint), "GRANT %s_owner TO %s;", f->role, f->role);
	assert_refused_until(other, f->pg, "maintenance-rights", ERR_DENIED, "VACUUM", hint, hint);
	sql(f->pg, "ALTER TABLE app.chunk OWNER TO CURRENT_USER");
	sql(f->admin, "DROP ROLE %s_owner", f->role);
	pg_close(other);
}

static void a_role_without_any_rights_is_told_all_that_it_lacks(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other;
	struct table_info *t;
	const struct table_check *c;
	struct err e = { 0 };

	sql(f->pg, "REVOKE ALL ON DATABASE %s FROM %s", f->database, f->role);
	other = must_connect(f->role_conninfo);
	t = load_chunk(other);
	c = check_in(t, "privileges", TABLE_CHECK_REFUSED);
	assert_contains(c->hint, "GRANT USAGE ON SCHEMA app");
	assert_contains(c->hint, "GRANT SELECT, INSERT, DELETE ON app.chunk");
	check_in(t, "maintenance-rights", TABLE_CHECK_REFUSED);
	assert_false(table_info_usable(t, &e));
	assert_int_equal(e.code, ERR_DENIED);
	table_info_free(t);
	/* A query that it may not run. */
	t = must_load(other,
		      &(struct table_wanted){
			      .table = "app.chunk",
			      .active_query = "SELECT workspace_id, active_embedding_version "
					      "FROM app.workspace_index_state" });
	c = check_in(t, "active-version", TABLE_CHECK_REFUSED);
	assert_int_equal(c->code, ERR_DENIED);
	table_info_free(t);
	pg_close(other);
}

static void unlogged_tables_are_warned_of(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	sql(f->pg, "ALTER TABLE app.chunk SET UNLOGGED");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_contains(check_in(t, "unlogged", TABLE_CHECK_WARNING)->hint, "SET LOGGED");
	table_info_free(t);
}

static void published_tables_are_warned_of_and_need_a_replica_identity(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;

	/* The publication is only made, never read: wal_level does not matter. */
	sql(f->pg, "CREATE PUBLICATION outward FOR TABLE app.chunk");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_contains(check_in(t, "publications", TABLE_CHECK_WARNING)->message, "outward");
	table_info_free(t);
	sql(f->pg, "ALTER TABLE app.chunk REPLICA IDENTITY NOTHING");
	assert_refused_until(f->pg, f->pg, "replica-identity", ERR_CONFIG, "no replica identity",
			     "ALTER TABLE app.chunk REPLICA IDENTITY",
			     "ALTER TABLE app.chunk REPLICA IDENTITY FULL");
	sql(f->pg, "ALTER TABLE app.chunk REPLICA IDENTITY NOTHING; ALTER PUBLICATION outward SET "
		   "(publish = 'insert')");
	t = load_chunk(f->pg);
	assert_usable(t);
	assert_contains(check_in(t, "publications", TABLE_CHECK_WARNING)->message, "no deletions");
	table_info_free(t);
	sql(f->pg, "DROP PUBLICATION outward");
}

static void published_partitions_need_a_replica_identity_each(void **state)
{
	struct pg_fixture *f = *state;

	make_partitioned(f->pg);
	for (int via_root = 0; via_root < 2; via_root++) {
		sql(f->pg,
		    "ALTER TABLE app.chunk_p1 REPLICA IDENTITY NOTHING; CREATE PUBLICATION outward "
		    "FOR TABLE app.chunk "
		    "WITH (publish_via_partition_root = %s)",
		    via_root ? "true" : "false");
		assert_refused_until(f->pg, f->pg, "replica-identity", ERR_CONFIG, "app.chunk_p1",
				     "app.chunk_p1",
				     "ALTER TABLE app.chunk_p1 REPLICA IDENTITY DEFAULT");
		sql(f->pg, "DROP PUBLICATION outward");
	}
}

static void pgvector_is_looked_for(void **state)
{
	struct pg_fixture *f = *state;
	char version[32];
	struct err e = { 0 };
	struct table_info *t = load_chunk(f->pg);
	bool sound;
	char *installed = value_of(
		f->pg,
		"SELECT string_to_array(extversion, '.')::int[] >= '{0,8,4}' FROM pg_extension "
		"WHERE extname = 'vector'");

	sound = str_eq(installed, "t");
	free(installed);
	assert_true(table_info_pgvector_version(f->pg, version, &e));
	assert_true(version[0] >= '0' && version[0] <= '9');
	assert_contains(
		check_in(t, "pgvector", sound ? TABLE_CHECK_OK : TABLE_CHECK_WARNING)->message,
		version);
	table_info_free(t);
	/* Versions are compared by number. */
	static const struct {
		const char *version;
		enum table_check_state state;
	} cases[] = {
		{ "0.5.0", TABLE_CHECK_WARNING }, { "0.8.3", TABLE_CHECK_WARNING },
		{ "0.8.4", TABLE_CHECK_OK },      { "0.10.0", TABLE_CHECK_OK },
		{ "1.0", TABLE_CHECK_OK },        { "0.8", TABLE_CHECK_WARNING },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sql(f->pg,
		    "UPDATE pg_catalog.pg_extension SET extversion = '%s' WHERE extname = 'vector'",
		    cases[i].version);
		t = load_chunk(f->pg);
		assert_contains(check_in(t, "pgvector", cases[i].state)->message, cases[i].version);
		table_info_free(t);
	}
	sql(f->pg, "UPDATE pg_catalog.pg_extension SET extversion = '%s' WHERE extname = 'vector'",
	    version);
}

static void a_database_without_pgvector_is_warned_of(void **state)
{
	struct pg_fixture *f = *state;
	struct table_info *t;
	char version[32] = "x";
	struct err e = { 0 };

	sql(f->pg, "DROP EXTENSION vector CASCADE; CREATE TYPE app.vector AS (x float4[]); "
		   "ALTER TABLE app.chunk ADD embedding app.vector");
	assert_true(table_info_pgvector_version(f->pg, version, &e));
	assert_string_equal(version, "");
	t = load_chunk(f->pg);
	assert_contains(check_in(t, "pgvector", TABLE_CHECK_WARNING)->hint,
			"CREATE EXTENSION vector");
	table_info_free(t);
	sql(f->pg, "CREATE EXTENSION vector SCHEMA public");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, table_setup)
	const struct CMUnitTest tests[] = {
		TEST(relations_that_hold_no_rows_of_their_own_are_refused),
		TEST(a_partition_is_refused_in_favour_of_its_table),
		TEST(inheritance_children_are_refused),
		TEST(foreign_partitions_are_refused),
		TEST(tables_without_a_key_are_refused),
		TEST(tables_without_a_workspace_are_refused),
		TEST(the_embedding_is_one_column_or_configured),
		TEST(foreign_keys_of_other_tables_are_refused_by_what_they_would_do),
		TEST(foreign_keys_to_partitions_are_refused_too),
		TEST(delete_triggers_are_refused_while_they_fire),
		TEST(delete_triggers_of_partitions_are_refused),
		TEST(insert_triggers_are_warned_of),
		TEST(rules_are_refused),
		TEST(row_level_security_is_refused_where_it_hides_rows),
		TEST(each_missing_privilege_is_refused_with_the_statement_that_grants_it),
		TEST(what_a_query_of_the_active_version_may_not_read_is_granted_by_its_hint),
		TEST(a_view_of_active_versions_is_to_be_read_and_not_locked),
		TEST(privileges_on_database_and_catalog_are_asked_for),
		TEST(privileges_are_asked_for_on_every_partition),
		TEST(a_role_that_may_not_maintain_the_table_is_refused),
		TEST(a_role_without_any_rights_is_told_all_that_it_lacks),
		TEST(unlogged_tables_are_warned_of),
		TEST(published_tables_are_warned_of_and_need_a_replica_identity),
		TEST(published_partitions_need_a_replica_identity_each),
		TEST(pgvector_is_looked_for),
		TEST(a_database_without_pgvector_is_warned_of),
	};

	return cmocka_run_group_tests(tests, table_group_setup, pg_fixture_teardown);
}
