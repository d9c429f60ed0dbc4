#include "catalog/migrate.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/pg_fixture.h"

static int drop_catalog(void **state)
{
	struct pg_fixture *f = *state;

	pg_rollback(f->pg);
	sql(f->pg, "DROP SCHEMA IF EXISTS firn CASCADE");
	return 0;
}

static void a_fresh_database_gets_every_migration_once(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };
	int version = -1, before = -1;
	char *id;

	assert_true(migrate_known_version() >= 1);
	assert_true(migrate_current_version(f->pg, &version, &e));
	assert_int_equal(version, 0);
	assert_true(migrate_run(f->pg, &before, &e));
	assert_int_equal(before, 0);
	assert_true(migrate_current_version(f->pg, &version, &e));
	assert_int_equal(version, migrate_known_version());
	assert_true(migrate_check(f->pg, &e));
	id = value_of(f->pg, "SELECT id FROM firn.catalog");
	assert_true(migrate_run(f->pg, &before, &e));
	assert_int_equal(before, migrate_known_version());
	assert_value(f->pg, "SELECT id FROM firn.catalog", id);
	assert_value(f->pg, "SELECT count(*) = max(version) FROM firn.migration", "t");
	assert_false(pg_in_transaction(f->pg));
	free(id);
}

static void a_database_without_catalog_is_told_to_run_init(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	assert_false(migrate_check(f->pg, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.hint, "firn init"));
}

static void an_older_catalog_is_told_to_run_init(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	assert_true(migrate_run(f->pg, NULL, &e));
	sql(f->pg, "DELETE FROM firn.migration");
	assert_false(migrate_check(f->pg, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.hint, "firn init"));
}

static void a_newer_catalog_is_left_alone(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	assert_true(migrate_run(f->pg, NULL, &e));
	sql(f->pg, "INSERT INTO firn.migration (version) VALUES (%d)", migrate_known_version() + 1);
	assert_false(migrate_check(f->pg, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	err_clear(&e);
	assert_false(migrate_run(f->pg, NULL, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.hint, "Upgrade"));
	assert_false(pg_in_transaction(f->pg));
}

static void a_schema_of_that_name_that_is_not_ours_is_left_alone(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };
	int version;

	sql(f->pg, "CREATE SCHEMA firn; CREATE TABLE firn.trees (n int)");
	assert_false(migrate_run(f->pg, NULL, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_false(migrate_current_version(f->pg, &version, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_value(f->pg,
		     "SELECT count(*) FROM pg_class WHERE relnamespace = 'firn'::regnamespace",
		     "1");
}

static void a_role_that_may_not_create_schemas_is_told_what_to_ask_for(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->role_conninfo);
	struct err e = { 0 };

	assert_false(migrate_run(other, NULL, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.hint, "GRANT CREATE ON DATABASE "));
	assert_non_null(strstr(e.hint, f->role));
	/* And with what the hint says it works. */
	sql(f->pg, "GRANT CREATE ON DATABASE %s TO %s", f->database, f->role);
	assert_true(migrate_run(other, NULL, &e));
	assert_true(migrate_check(other, &e));
	pg_close(other);
}

static void a_role_without_rights_on_the_catalog_is_told_so(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other;
	struct err e = { 0 };

	assert_true(migrate_run(f->pg, NULL, &e));
	other = must_connect(f->role_conninfo);
	assert_false(migrate_check(other, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.hint, "GRANT USAGE ON SCHEMA firn"));
	pg_close(other);
}

struct runner {
	struct pg *pg;
	struct err e;
	int before;
	bool ok;
};

static void *run(void *ctx)
{
	struct runner *r = ctx;

	r->ok = migrate_run(r->pg, &r->before, &r->e);
	return NULL;
}

static void programs_that_install_at_once_take_turns(void **state)
{
	struct pg_fixture *f = *state;
	struct runner runners[4] = { 0 };
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		runners[i].pg = must_connect(f->conninfo);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++) {
		if (!runners[i].ok)
			fail_msg("%s", runners[i].e.message);
		pg_close(runners[i].pg);
	}
	assert_value(f->pg, "SELECT count(*) = max(version) FROM firn.migration", "t");
	assert_value(f->pg, "SELECT count(*) FROM firn.catalog", "1");
}

static void catalog_rows_can_change_where_every_table_is_published(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	/* Every table needs a replica identity then, or its rows could not be updated and deleted; unlogged ones are
	 * not published. */
	assert_true(migrate_run(f->pg, NULL, &e));
	assert_value(f->pg,
		     "SELECT count(*) FROM pg_class c WHERE relnamespace = 'firn'::regnamespace "
		     "AND relkind = 'r' AND relpersistence = 'p' "
		     "AND NOT (relreplident = 'f' OR relreplident = 'd' AND EXISTS (SELECT 1 FROM "
		     "pg_index i "
		     "WHERE i.indrelid = c.oid AND i.indisprimary))",
		     "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_fresh_database_gets_every_migration_once, drop_catalog),
		cmocka_unit_test_teardown(a_database_without_catalog_is_told_to_run_init,
					  drop_catalog),
		cmocka_unit_test_teardown(an_older_catalog_is_told_to_run_init, drop_catalog),
		cmocka_unit_test_teardown(a_newer_catalog_is_left_alone, drop_catalog),
		cmocka_unit_test_teardown(a_schema_of_that_name_that_is_not_ours_is_left_alone,
					  drop_catalog),
		cmocka_unit_test_teardown(
			a_role_that_may_not_create_schemas_is_told_what_to_ask_for, drop_catalog),
		cmocka_unit_test_teardown(a_role_without_rights_on_the_catalog_is_told_so,
					  drop_catalog),
		cmocka_unit_test_teardown(programs_that_install_at_once_take_turns, drop_catalog),
		cmocka_unit_test_teardown(catalog_rows_can_change_where_every_table_is_published,
					  drop_catalog),
	};

	return cmocka_run_group_tests(tests, pg_fixture_setup, pg_fixture_teardown);
}
