#include "catalog/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "catalog/migrate.h"
#include "lib/pg_fixture.h"

static int setup(void **state)
{
	struct err e = { 0 };
	struct pg_fixture *f;

	if (pg_fixture_setup(state) != 0)
		return -1;
	f = *state;
	if (!migrate_run(f->pg, NULL, &e))
		fail_msg("%s", e.message);
	return 0;
}

/* A table of the catalog that no other test has used. */
static int64_t new_table(struct pg_fixture *f)
{
	char *id = value_of(f->pg, "INSERT INTO firn.managed_table (label, archive) "
				   "VALUES ('app.t' || (SELECT count(*) FROM firn.managed_table), "
				   "'file:///x') RETURNING id");
	int64_t n = strtoll(id, NULL, 10);

	free(id);
	return n;
}

static void a_second_session_is_told_who_holds_it(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->conninfo);
	int64_t table = new_table(f);
	struct lease a = { 0 }, b = { 0 };
	struct err e = { 0 };
	char pid[32];

	assert_true(lease_take(&a, f->pg, table, &e));
	assert_true(a.held);
	assert_false(lease_take(&b, other, table, &e));
	assert_false(b.held);
	assert_int_equal(e.code, ERR_BUSY);
	snprintf(pid, sizeof(pid), "pid %ld", (long)getpid());
	assert_non_null(strstr(e.message, pid));
	assert_non_null(strstr(e.message, "since 2"));
	lease_release(&a);
	assert_false(a.held);
	assert_true(lease_take(&b, other, table, &e));
	assert_int_equal(b.epoch, a.epoch + 1);
	lease_release(&b);
	pg_close(other);
}

static void tables_have_leases_of_their_own(void **state)
{
	struct pg_fixture *f = *state;
	struct lease a = { 0 }, b = { 0 };
	struct err e = { 0 };

	assert_true(lease_take(&a, f->pg, new_table(f), &e));
	assert_true(lease_take(&b, f->pg, new_table(f), &e));
	lease_release(&a);
	lease_release(&b);
}

static void one_session_cannot_take_it_twice(void **state)
{
	struct pg_fixture *f = *state;
	int64_t table = new_table(f);
	struct lease a = { 0 }, b = { 0 };
	struct err e = { 0 };

	assert_true(lease_take(&a, f->pg, table, &e));
	assert_false(lease_take(&b, f->pg, table, &e));
	assert_int_equal(e.code, ERR_BUSY);
	lease_release(&b);
	assert_true(pg_begin(f->pg, NULL, &e));
	assert_true(lease_check(&a, a.pg, &e));
	pg_rollback(f->pg);
	lease_release(&a);
}

static void a_dead_session_leaves_it_free(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->conninfo);
	int64_t table = new_table(f);
	struct lease a = { 0 }, b = { 0 };
	struct err e = { 0 };
	bool taken = false;
	time_t deadline = time(NULL) + 30;

	assert_true(lease_take(&a, other, table, &e));
	sql(f->pg, "SELECT pg_terminate_backend(%d)", pg_backend_pid(other));
	while (!taken && time(NULL) < deadline)
		taken = lease_take(&b, f->pg, table, &e);
	assert_true(taken);
	assert_int_equal(b.epoch, a.epoch + 1);
	lease_release(&a);
	pg_close(other);
	lease_release(&b);
}

static void a_process_that_was_replaced_cannot_commit(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->conninfo);
	int64_t table = new_table(f);
	struct lease stale = { 0 }, fresh = { 0 };
	struct err e = { 0 };

	assert_true(lease_take(&stale, f->pg, table, &e));
	/* As behind a pooler, which gave the session's locks away. */
	sql(f->pg, "SELECT pg_advisory_unlock_all()");
	assert_true(lease_take(&fresh, other, table, &e));
	assert_true(pg_begin(f->pg, NULL, &e));
	assert_false(lease_check(&stale, stale.pg, &e));
	assert_int_equal(e.code, ERR_FENCED);
	pg_rollback(f->pg);
	/* Its release does not touch the new holder's. */
	lease_release(&stale);
	assert_true(pg_begin(other, NULL, &e));
	assert_true(lease_check(&fresh, fresh.pg, &e));
	assert_true(pg_commit(other, &e));
	assert_value(f->pg,
		     "SELECT count(*) FROM firn.lease WHERE epoch = 2 AND released_at IS NULL",
		     "1");
	lease_release(&fresh);
	pg_close(other);
}

static void checking_holds_off_the_next_holder_until_the_commit(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->conninfo);
	int64_t table = new_table(f);
	struct lease a = { 0 }, b = { 0 };
	struct err e = { 0 };

	assert_true(lease_take(&a, f->pg, table, &e));
	assert_true(pg_begin(f->pg, NULL, &e));
	assert_true(lease_check(&a, a.pg, &e));
	/* The lock that says who is alive is gone, but the transaction is about to commit. */
	sql(f->pg, "SELECT pg_advisory_unlock_all()");
	assert_false(lease_take(&b, other, table, &e));
	assert_int_equal(e.code, ERR_BUSY);
	assert_false(pg_in_transaction(other));
	assert_true(pg_commit(f->pg, &e));
	assert_true(lease_take(&b, other, table, &e));
	lease_release(&b);
	lease_release(&a);
	pg_close(other);
}

static void transactions_are_where_they_belong(void **state)
{
	struct pg_fixture *f = *state;
	int64_t table = new_table(f);
	struct lease a = { 0 };
	struct err e = { 0 };

	assert_true(pg_begin(f->pg, NULL, &e));
	assert_false(lease_take(&a, f->pg, table, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	pg_rollback(f->pg);
	assert_false(lease_check(&a, a.pg, &e));
	assert_true(lease_take(&a, f->pg, table, &e));
	assert_false(lease_check(&a, a.pg, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	/* Released amid a transaction that failed. */
	assert_true(pg_begin(f->pg, NULL, &e));
	assert_false(pg_exec(f->pg, "SELECT 1 / 0", &e));
	lease_release(&a);
	assert_false(pg_in_transaction(f->pg));
	assert_value(f->pg,
		     "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = "
		     "pg_backend_pid()",
		     "0");
	lease_release(&a);
}

static void an_unknown_table_has_no_lease(void **state)
{
	struct pg_fixture *f = *state;
	struct lease a = { 0 };
	struct err e = { 0 };

	assert_false(lease_take(&a, f->pg, 1000000, &e));
	assert_false(a.held);
	assert_false(lease_take(&a, f->pg, 0, &e));
	assert_false(lease_take(&a, f->pg, (int64_t)1 << 40, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_value(f->pg,
		     "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = "
		     "pg_backend_pid()",
		     "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_session_is_told_who_holds_it),
		cmocka_unit_test(tables_have_leases_of_their_own),
		cmocka_unit_test(one_session_cannot_take_it_twice),
		cmocka_unit_test(a_dead_session_leaves_it_free),
		cmocka_unit_test(a_process_that_was_replaced_cannot_commit),
		cmocka_unit_test(checking_holds_off_the_next_holder_until_the_commit),
		cmocka_unit_test(transactions_are_where_they_belong),
		cmocka_unit_test(an_unknown_table_has_no_lease),
	};

	return cmocka_run_group_tests(tests, setup, pg_fixture_teardown);
}
