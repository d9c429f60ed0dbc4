#include "catalog/pg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/pg_fixture.h"

static void parameters_arrive_as_they_are(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_params p = PG_PARAMS_INIT;
	struct pg_result *r = NULL;
	struct err e = { 0 };
	const uint8_t number[4] = { 0, 0, 1, 2 };
	struct buf b = BUF_INIT;

	pg_param_text(&p, "O'Brien\n\\x");
	pg_param_text(&p, NULL);
	pg_param_i64(&p, INT64_MIN);
	pg_param_bytea(&p, "a\0b", 3);
	pg_param_bytea(&p, NULL, 0);
	pg_param_binary(&p, 23, number, 4);
	pg_param_binary(&p, 23, NULL, -1);
	assert_true(pg_query(f->pg, "SELECT $1::text, $2::text, $3::bigint, $4, $5, $6, $7", &p, &r,
			     &e));
	assert_int_equal(pg_rows(r), 1);
	assert_string_equal(pg_text(r, 0, 0), "O'Brien\n\\x");
	assert_true(pg_is_null(r, 0, 1));
	assert_string_equal(pg_text(r, 0, 1), "");
	assert_int_equal(pg_i64(r, 0, 2), INT64_MIN);
	assert_true(pg_bytea(r, 0, 3, &b, &e));
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 3);
	assert_false(pg_is_null(r, 0, 4));
	assert_string_equal(pg_text(r, 0, 4), "\\x");
	assert_int_equal(pg_i64(r, 0, 5), 258);
	assert_true(pg_is_null(r, 0, 6));
	buf_release(&b);
	pg_result_free(r);
}

static void binary_results_are_the_bytes_on_the_wire(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_result *r = NULL;
	struct err e = { 0 };
	size_t len;

	assert_true(pg_query_binary(f->pg, "SELECT 258::int4, '\\x00ff'::bytea", NULL, &r, &e));
	assert_memory_equal(pg_bytes(r, 0, 0, &len), "\0\0\1\2", 4);
	assert_int_equal(len, 4);
	assert_memory_equal(pg_bytes(r, 0, 1, &len), "\0\xff", 2);
	assert_int_equal(len, 2);
	pg_result_free(r);
}

static void booleans_floats_and_counts_are_read(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_result *r = NULL;
	struct err e = { 0 };

	assert_true(pg_query(f->pg, "SELECT true, false, 0.1::float8", NULL, &r, &e));
	assert_true(pg_bool(r, 0, 0));
	assert_false(pg_bool(r, 0, 1));
	assert_true(pg_f64(r, 0, 2) == 0.1);
	pg_result_free(r);
	sql(f->pg, "CREATE TEMP TABLE counted AS SELECT g FROM generate_series(1, 7) g");
	assert_true(pg_query(f->pg, "DELETE FROM counted WHERE g > 2", NULL, &r, &e));
	assert_int_equal(pg_affected(r), 5);
	pg_result_free(r);
	sql(f->pg, "DROP TABLE counted");
}

static void one_parameter_too_many_is_refused(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_params p = PG_PARAMS_INIT;
	struct err e = { 0 };

	for (int i = 0; i < 33; i++)
		pg_param_i64(&p, i);
	assert_false(pg_query(f->pg, "SELECT 1", &p, NULL, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
}

static void a_query_is_one_statement(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	assert_false(pg_query(f->pg, "SELECT 1; SELECT 2", NULL, NULL, &e));
	assert_true(pg_exec(f->pg, "SELECT 1; SELECT 2", &e));
}

static void every_sqlstate_has_its_code(void **state)
{
	static const struct {
		const char *sqlstate;
		enum err_code code;
	} cases[] = {
		{ "08006", ERR_OFFLINE },  { "57P01", ERR_OFFLINE }, { "57P03", ERR_OFFLINE },
		{ "55P03", ERR_BUSY },     { "40001", ERR_BUSY },    { "40P01", ERR_BUSY },
		{ "57014", ERR_BUSY },     { "53100", ERR_BUSY },    { "53300", ERR_BUSY },
		{ "42501", ERR_DENIED },   { "28P01", ERR_DENIED },  { "3F000", ERR_CONFIG },
		{ "3D000", ERR_CONFIG },   { "42P01", ERR_CONFIG },  { "42703", ERR_CONFIG },
		{ "42704", ERR_CONFIG },   { "42883", ERR_CONFIG },  { "25006", ERR_CONFIG },
		{ "22001", ERR_DATA },     { "23505", ERR_DATA },    { "42601", ERR_INTERNAL },
		{ "XX000", ERR_INTERNAL },
	};
	struct pg_fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };

		assert_false(pg_execf(f->pg, &e,
				      "DO $$ BEGIN RAISE 'thrown' USING ERRCODE = '%s'; END $$",
				      cases[i].sqlstate));
		if (e.code != cases[i].code)
			fail_msg("%s became %s", cases[i].sqlstate, e.message);
		assert_string_equal(pg_last_sqlstate(f->pg), cases[i].sqlstate);
		assert_true(pg_exec(f->pg, "SELECT 1", &e));
		assert_string_equal(pg_last_sqlstate(f->pg), "");
	}
}

static void messages_carry_detail_and_hint_in_one_line(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	assert_false(pg_exec(f->pg,
			     "DO $$ BEGIN RAISE E'first\\nsecond' USING DETAIL = 'the detail.', "
			     "HINT = 'The hint.'; END $$",
			     &e));
	assert_string_equal(e.message, "first; second: the detail");
	assert_string_equal(e.hint, "The hint.");
}

struct visited {
	int64_t rows, sum, stop_after;
};

static bool count_row(void *ctx, const struct pg_result *row, struct err *e)
{
	struct visited *v = ctx;

	v->rows++;
	v->sum += pg_i64(row, 0, 0);
	if (v->rows == v->stop_after) {
		e->code = ERR_INTERRUPTED;
		return false;
	}
	return true;
}

static void rows_are_visited_one_by_one(void **state)
{
	struct pg_fixture *f = *state;
	struct visited v = { 0 };
	struct err e = { 0 };

	assert_true(pg_query_each(f->pg, "SELECT g FROM generate_series(1, 10000) g", NULL,
				  count_row, &v, &e));
	assert_int_equal(v.rows, 10000);
	assert_int_equal(v.sum, 50005000);
}

static void a_visit_that_gives_up_ends_the_query_and_keeps_its_error(void **state)
{
	struct pg_fixture *f = *state;
	struct visited v = { .stop_after = 3 };
	struct err e = { 0 };

	/* Without the cancel request this would send ten thousand million rows. */
	assert_false(pg_query_each(f->pg, "SELECT generate_series(1, 10000000000)", NULL, count_row,
				   &v, &e));
	assert_int_equal(e.code, ERR_INTERRUPTED);
	assert_int_equal(v.rows, 3);
	assert_value(f->pg, "SELECT 42", "42");
}

static void an_error_among_rows_is_reported(void **state)
{
	struct pg_fixture *f = *state;
	struct visited v = { 0 };
	struct err e = { 0 };

	assert_false(pg_query_each(f->pg, "SELECT 1 / (3 - g) FROM generate_series(1, 5) g", NULL,
				   count_row, &v, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_value(f->pg, "SELECT 42", "42");
}

static void copy_brings_out_what_was_put_in(void **state)
{
	struct pg_fixture *f = *state;
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct err e = { 0 };
	const uint8_t *data;
	size_t len;

	for (int i = 0; i < 60000; i++)
		buf_printf(&in, "%d\trow %d\n", i, i);
	assert_true(buf_ok(&in, &e));
	sql(f->pg, "CREATE TEMP TABLE copied (n int, t text)");
	assert_true(pg_copy_in_start(f->pg, "COPY copied FROM STDIN", &e));
	assert_true(pg_copy_in_write(f->pg, in.data, in.len, &e));
	assert_true(pg_copy_in_finish(f->pg, NULL, &e));
	assert_true(
		pg_copy_out_start(f->pg, "COPY (SELECT * FROM copied ORDER BY n) TO STDOUT", &e));
	for (;;) {
		assert_true(pg_copy_out_next(f->pg, &data, &len, &e));
		if (len == 0)
			break;
		buf_add(&out, data, len);
	}
	assert_int_equal(out.len, in.len);
	assert_memory_equal(out.data, in.data, in.len);
	buf_release(&in);
	buf_release(&out);
	sql(f->pg, "DROP TABLE copied");
}

static void copy_out_can_be_given_up(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };
	const uint8_t *data;
	size_t len;

	assert_true(pg_begin(f->pg, NULL, &e));
	assert_true(pg_copy_out_start(
		f->pg, "COPY (SELECT generate_series(1, 10000000000)) TO STDOUT", &e));
	assert_true(pg_copy_out_next(f->pg, &data, &len, &e));
	assert_true(len > 0);
	assert_false(pg_query(f->pg, "SELECT 1", NULL, NULL, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	pg_copy_out_cancel(f->pg);
	assert_false(pg_commit(f->pg, &e));
	assert_value(f->pg, "SELECT 42", "42");
	/* A roll-back alone does the same. */
	assert_true(pg_begin(f->pg, NULL, &e));
	assert_true(pg_copy_out_start(
		f->pg, "COPY (SELECT generate_series(1, 10000000000)) TO STDOUT", &e));
	pg_rollback(f->pg);
	assert_false(pg_in_transaction(f->pg));
	assert_value(f->pg, "SELECT 42", "42");
}

static bool at_once(void)
{
	return true;
}

static bool never(void)
{
	return false;
}

static void copy_out_can_be_stopped_before_its_first_row(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };
	const uint8_t *data;
	int64_t bytes = 0;
	size_t len = 1;

	assert_true(pg_begin(f->pg, NULL, &e));
	assert_false(pg_copy_out_start_until(f->pg, "COPY (SELECT pg_sleep(600)) TO STDOUT",
					     at_once, &e));
	assert_int_equal(e.code, ERR_INTERRUPTED);
	pg_rollback(f->pg);
	assert_value(f->pg, "SELECT 42", "42");

	err_clear(&e);
	assert_true(pg_copy_out_start_until(
		f->pg, "COPY (SELECT generate_series(1, 1000)) TO STDOUT", never, &e));
	while (len > 0) {
		assert_true(pg_copy_out_next(f->pg, &data, &len, &e));
		bytes += (int64_t)len;
	}
	assert_int_equal(bytes, 9 * 2 + 90 * 3 + 900 * 4 + 5);

	/* What is wrong is said as ever. */
	assert_false(pg_copy_out_start_until(f->pg, "COPY nowhere TO STDOUT", never, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_value(f->pg, "SELECT 42", "42");
}

static void an_error_amid_copy_out_is_reported(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };
	const uint8_t *data;
	size_t len = 1;
	bool ok = true;

	assert_true(pg_copy_out_start(
		f->pg, "COPY (SELECT 1 / (3 - g) FROM generate_series(1, 5) g) TO STDOUT", &e));
	while (ok && len > 0)
		ok = pg_copy_out_next(f->pg, &data, &len, &e);
	assert_false(ok);
	assert_int_equal(e.code, ERR_DATA);
	assert_value(f->pg, "SELECT 42", "42");
}

static void copy_in_reports_what_the_server_refuses(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	sql(f->pg, "CREATE TEMP TABLE copied (n int)");
	assert_true(pg_copy_in_start(f->pg, "COPY copied FROM STDIN", &e));
	assert_true(pg_copy_in_write(f->pg, "one\n", 4, &e));
	assert_false(pg_copy_in_finish(f->pg, NULL, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_value(f->pg, "SELECT count(*) FROM pg_temp.copied", "0");
	sql(f->pg, "DROP TABLE copied");
}

static void copy_in_can_be_made_to_fail(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	sql(f->pg, "CREATE TEMP TABLE copied (n int)");
	assert_true(pg_copy_in_start(f->pg, "COPY copied FROM STDIN", &e));
	assert_true(pg_copy_in_write(f->pg, "1\n", 2, &e));
	assert_true(pg_copy_in_finish(f->pg, "the source ended early", &e));
	assert_value(f->pg, "SELECT count(*) FROM pg_temp.copied", "0");
	sql(f->pg, "DROP TABLE copied");
}

static void copy_is_refused_where_rows_are_expected(void **state)
{
	struct pg_fixture *f = *state;
	struct visited v = { 0 };
	struct err e = { 0 };

	sql(f->pg, "CREATE TEMP TABLE copied (n int)");
	assert_false(pg_exec(f->pg, "COPY copied TO STDOUT", &e));
	assert_false(pg_exec(f->pg, "COPY copied FROM STDIN", &e));
	assert_false(pg_query(f->pg, "COPY copied TO STDOUT", NULL, NULL, &e));
	assert_false(pg_query(f->pg, "COPY copied FROM STDIN", NULL, NULL, &e));
	assert_false(pg_query_each(f->pg, "COPY copied TO STDOUT", NULL, count_row, &v, &e));
	assert_false(pg_query_each(f->pg, "COPY copied FROM STDIN", NULL, count_row, &v, &e));
	assert_false(pg_copy_out_start(f->pg, "COPY copied FROM STDIN", &e));
	assert_false(pg_copy_in_start(f->pg, "COPY copied TO STDOUT", &e));
	assert_false(pg_copy_in_start(f->pg, "SELECT 1", &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_false(pg_copy_in_write(f->pg, "x", 1, &e));
	sql(f->pg, "DROP TABLE copied");
}

static void a_commit_that_the_server_turned_into_a_rollback_is_no_commit(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	assert_true(pg_begin(f->pg, NULL, &e));
	sql(f->pg, "CREATE TABLE public.never (n int)");
	assert_false(pg_exec(f->pg, "SELECT 1 / 0", &e));
	assert_true(pg_in_transaction(f->pg));
	err_clear(&e);
	assert_false(pg_commit(f->pg, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_false(pg_in_transaction(f->pg));
	assert_value(f->pg, "SELECT to_regclass('public.never') IS NULL", "t");
}

static void transactions_do_not_nest(void **state)
{
	struct pg_fixture *f = *state;
	struct err e = { 0 };

	assert_false(pg_in_transaction(f->pg));
	assert_true(pg_begin(f->pg, "ISOLATION LEVEL REPEATABLE READ READ ONLY", &e));
	assert_true(pg_in_transaction(f->pg));
	assert_false(pg_begin(f->pg, NULL, &e));
	assert_false(pg_exec(f->pg, "CREATE TABLE public.never (n int)", &e));
	assert_int_equal(e.code, ERR_CONFIG);
	pg_rollback(f->pg);
	assert_false(pg_in_transaction(f->pg));
	pg_rollback(f->pg);
}

static void lock_and_statement_timeouts_are_busy(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->conninfo);
	struct err e = { 0 };

	sql(f->pg, "CREATE TABLE public.locked (n int)");
	sql(f->pg, "BEGIN; LOCK TABLE public.locked");
	assert_false(pg_exec(other, "SET lock_timeout = '1ms'; LOCK TABLE public.locked", &e));
	assert_int_equal(e.code, ERR_BUSY);
	assert_string_equal(pg_last_sqlstate(other), "55P03");
	sql(f->pg, "ROLLBACK; DROP TABLE public.locked");
	assert_false(pg_exec(other, "SET statement_timeout = '1ms'; SELECT pg_sleep(10)", &e));
	assert_int_equal(e.code, ERR_BUSY);
	assert_string_equal(pg_last_sqlstate(other), "57014");
	pg_close(other);
}

static void a_lost_connection_fails_every_call_as_offline(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->conninfo);
	struct visited v = { 0 };
	struct err e = { 0 };
	const uint8_t *data;
	size_t len;

	assert_true(pg_begin(other, NULL, &e));
	sql(f->pg, "SELECT pg_terminate_backend(%d)", pg_backend_pid(other));
	assert_false(pg_exec(other, "SELECT 1", &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	for (int i = 0; i < 2; i++) {
		err_clear(&e);
		assert_false(pg_query(other, "SELECT 1", NULL, NULL, &e));
		assert_int_equal(e.code, ERR_OFFLINE);
	}
	assert_false(pg_query_each(other, "SELECT 1", NULL, count_row, &v, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	err_clear(&e);
	assert_false(pg_copy_out_start(other, "COPY (SELECT 1) TO STDOUT", &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	err_clear(&e);
	assert_false(pg_commit(other, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_false(pg_copy_out_next(other, &data, &len, &e));
	pg_rollback(other);
	pg_close(other);
}

static void a_connection_lost_in_copy_is_offline(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->conninfo);
	struct err e = { 0 };
	const uint8_t *data;
	size_t len = 1;
	bool ok = true;

	assert_true(pg_copy_out_start(
		other, "COPY (SELECT generate_series(1, 10000000000)) TO STDOUT", &e));
	sql(f->pg, "SELECT pg_terminate_backend(%d)", pg_backend_pid(other));
	while (ok && len > 0)
		ok = pg_copy_out_next(other, &data, &len, &e);
	assert_false(ok);
	assert_int_equal(e.code, ERR_OFFLINE);
	pg_rollback(other);
	pg_close(other);

	other = must_connect(f->conninfo);
	sql(other, "CREATE TEMP TABLE copied (n int)");
	assert_true(pg_copy_in_start(other, "COPY copied FROM STDIN", &e));
	sql(f->pg, "SELECT pg_terminate_backend(%d)", pg_backend_pid(other));
	err_clear(&e);
	/* Writing fails at once or the end does, as the news arrives. */
	ok = pg_copy_in_write(other, "1\n", 2, &e) && pg_copy_in_finish(other, NULL, &e);
	assert_false(ok);
	assert_int_equal(e.code, ERR_OFFLINE);
	pg_close(other);
}

static void connecting_says_why_it_failed(void **state)
{
	struct pg_fixture *f = *state;
	char conninfo[1200];
	struct err e = { 0 };

	snprintf(conninfo, sizeof(conninfo), "%s dbname=firn_test_no_such", f->conninfo);
	assert_null(pg_connect(conninfo, NULL, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	snprintf(conninfo, sizeof(conninfo), "%s user=firn_test_no_such", f->conninfo);
	assert_null(pg_connect(conninfo, NULL, &e));
	assert_int_equal(e.code, ERR_DENIED);
	snprintf(conninfo, sizeof(conninfo), "%s host=127.0.0.1 port=1", f->conninfo);
	assert_null(pg_connect(conninfo, NULL, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
}

static void a_session_is_set_up_whatever_the_role_prefers(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other;
	struct err e = { 0 };

	sql(f->admin, "ALTER ROLE %s SET TimeZone = 'Asia/Kolkata'", f->role);
	sql(f->admin, "ALTER ROLE %s SET DateStyle = 'German'", f->role);
	sql(f->admin, "ALTER ROLE %s SET IntervalStyle = 'sql_standard'", f->role);
	sql(f->admin, "ALTER ROLE %s SET lock_timeout = '1ms'", f->role);
	sql(f->admin, "ALTER ROLE %s SET client_encoding = 'LATIN1'", f->role);
	sql(f->admin, "ALTER ROLE %s SET search_path = app, \"Odd, path\"", f->role);
	other = must_connect(f->role_conninfo);
	assert_value(other, "SELECT '2026-01-02 03:04:05+00'::timestamptz",
		     "2026-01-02 03:04:05+00");
	assert_value(other, "SELECT '1 day'::interval", "P1D");
	assert_value(other, "SHOW lock_timeout", "0");
	assert_value(other, "SHOW client_encoding", "UTF8");
	assert_value(other, "SHOW search_path", "pg_catalog");
	assert_value(other, "SHOW application_name", "firn");
	assert_true(pg_begin(other, NULL, &e));
	assert_true(pg_local_search_path(other, true, &e));
	assert_value(other, "SHOW search_path", "app, \"Odd, path\"");
	assert_true(pg_local_search_path(other, false, &e));
	assert_value(other, "SHOW search_path", "pg_catalog");
	assert_true(pg_local_search_path(other, true, &e));
	pg_rollback(other);
	assert_value(other, "SHOW search_path", "pg_catalog");
	pg_close(other);
	sql(f->admin, "ALTER ROLE %s RESET ALL", f->role);
}

static void names_are_quoted(void **state)
{
	struct pg_fixture *f = *state;
	struct buf b = BUF_INIT;

	pg_add_qualified(f->pg, &b, "Weird Schema", "Co\"l");
	assert_string_equal(buf_str(&b), "\"Weird Schema\".\"Co\"\"l\"");
	buf_release(&b);
}

static void a_connection_describes_itself_without_secrets(void **state)
{
	struct pg_fixture *f = *state;
	char conninfo[1200];
	struct pg *other;

	/* The server trusts us and never asks for it. */
	snprintf(conninfo, sizeof(conninfo), "%s password=hunter2", f->conninfo);
	other = must_connect(conninfo);
	assert_non_null(strstr(pg_describe(other), f->database));
	assert_null(strstr(pg_describe(other), "hunter2"));
	assert_true(pg_is_local(other));
	assert_true(pg_server_version(other) >= 130000);
	pg_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_arrive_as_they_are),
		cmocka_unit_test(binary_results_are_the_bytes_on_the_wire),
		cmocka_unit_test(booleans_floats_and_counts_are_read),
		cmocka_unit_test(one_parameter_too_many_is_refused),
		cmocka_unit_test(a_query_is_one_statement),
		cmocka_unit_test(every_sqlstate_has_its_code),
		cmocka_unit_test(messages_carry_detail_and_hint_in_one_line),
		cmocka_unit_test(rows_are_visited_one_by_one),
		cmocka_unit_test(a_visit_that_gives_up_ends_the_query_and_keeps_its_error),
		cmocka_unit_test(an_error_among_rows_is_reported),
		cmocka_unit_test(copy_brings_out_what_was_put_in),
		cmocka_unit_test(copy_out_can_be_given_up),
		cmocka_unit_test(copy_out_can_be_stopped_before_its_first_row),
		cmocka_unit_test(an_error_amid_copy_out_is_reported),
		cmocka_unit_test(copy_in_reports_what_the_server_refuses),
		cmocka_unit_test(copy_in_can_be_made_to_fail),
		cmocka_unit_test(copy_is_refused_where_rows_are_expected),
		cmocka_unit_test(a_commit_that_the_server_turned_into_a_rollback_is_no_commit),
		cmocka_unit_test(transactions_do_not_nest),
		cmocka_unit_test(lock_and_statement_timeouts_are_busy),
		cmocka_unit_test(a_lost_connection_fails_every_call_as_offline),
		cmocka_unit_test(a_connection_lost_in_copy_is_offline),
		cmocka_unit_test(connecting_says_why_it_failed),
		cmocka_unit_test(a_session_is_set_up_whatever_the_role_prefers),
		cmocka_unit_test(names_are_quoted),
		cmocka_unit_test(a_connection_describes_itself_without_secrets),
	};

	return cmocka_run_group_tests(tests, pg_fixture_setup, pg_fixture_teardown);
}
