/*
 * "firn report" byte by byte: results that were made up, in each format that programs read, and as text. What they are compared
 * with is tests/golden/report/NAME.FORMAT; after a change that is meant, this writes them anew, for a diff to be read:
 *
 *     test_report_golden --write tests/golden/report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "report/report.h"

#define HOSTILE "public.\"a\\b\nc\",<d>\x1b[31m"

/* A constant for every compiler. */
#define COSTS                                                                             \
	{                                                                                 \
		.heap_nano = 100000000, .toast_nano = 20000000, .index_nano = 3000000,    \
		.replicas_nano = 123000000, .wal_nano = 1, .ram_nano = 2800000000,        \
		.objects_nano = 2450000000, .requests_nano = 12345678, .cache_nano = 952, \
		.early_nano = 7, .hot_nano = 3046000001, .cold_nano = 2462346630,         \
		.all_hot_nano = 98765432109876543, .saved_nano = 98765426601529912        \
	}

static struct firn_report_row rows[] = {
	{ .table = (char[]){ "public.chunk" },
	  .leaf = (char[]){ "" },
	  .workspace = (char[]){ "" },
	  .version = (char[]){ "" },
	  .storage_class = (char[]){ "" },
	  .hot_rows = 1000,
	  .hot_rows_estimated = 1,
	  .hot = { 1 << 29, 1 << 28, 1 << 27 },
	  .cold_rows = 50000,
	  .moved_rows = 60000,
	  .cold_bytes = 100ll << 30,
	  .cold_billed_bytes = 101ll << 30,
	  .cold_raw_bytes = 200ll << 30,
	  .reclaimable_bytes = 1 << 20,
	  .break_even_known = 1,
	  .break_even_days = 12.5,
	  .cost = COSTS },
	/* Costs more than it saves, and never pays. */
	{ .table = (char[]){ HOSTILE },
	  .leaf = (char[]){ "=cmd|' /C calc'!A0" },
	  .workspace = (char[]){ "-1+1" },
	  .version = (char[]){ "@v,\"1\"\r\n" },
	  .storage_class = (char[]){ "GLACIER_IR" },
	  .segment = 7,
	  .age_days = 10,
	  .early_days = 80,
	  .hot_rows = 3,
	  .cold_rows = 4,
	  .break_even_known = 1,
	  .break_even_days = -1,
	  .cost = { .cold_nano = 23000000,
		    .objects_nano = 22999999,
		    .requests_nano = 1,
		    .saved_nano = -23000000 } },
	/* Nothing is known of it: a name that is not UTF-8. */
	{ .table = (char[]){ "caf\xe9" },
	  .leaf = (char[]){ "+leaf" },
	  .workspace = (char[]){ "" },
	  .version = (char[]){ "" },
	  .storage_class = (char[]){ "" },
	  /* What it would be, were something cold: for programs only. */
	  .break_even_known = 1,
	  .break_even_days = 3 },
};

static struct firn_report_row months[] = {
	{ .table = (char[]){ "public.chunk" },
	  .leaf = (char[]){ "" },
	  .workspace = (char[]){ "" },
	  .version = (char[]){ "" },
	  .storage_class = (char[]){ "" },
	  .month = "2026-11",
	  .hot_rows = 1000,
	  .hot_rows_estimated = 1,
	  .cost = COSTS },
};

static struct firn_formula formulas[] = {
	{ (char[]){ "heap of public.chunk" }, (char[]){ "1048576 bytes / 2^30 x 0.095200000" },
	  92969 },
	{ (char[]){ "saved of " HOSTILE }, (char[]){ "0 - 1" }, -1000000000 },
};

static struct firn_usage_day days[] = {
	{ "2026-11-23", 5, 6, 7, 8, 9, 10, 11, 12, -13, 1, 2 },
	{ .day = "2026-11-24" },
};

static struct firn_pass_record passes[] = {
	{ .id = 9,
	  .table = (char[]){ "public.chunk" },
	  .started_at = (char[]){ "2026-11-24T01:10:00Z" },
	  .seconds = -1,
	  .outcome = (char[]){ "" },
	  .end = FIRN_PASS_RUNS,
	  .move_seconds = -1,
	  .requests = -1 },
	{ 8, (char[]){ HOSTILE }, (char[]){ "2026-11-23T01:10:00Z" }, 2.5,
	  (char[]){ "no room on \"disk\"" }, FIRN_PASS_FAILED, 100, 2, 3, 4096, 2048, 17, 910000, 1.25 },
};

static struct firn_heat_bucket heat[] = { { 0, 0.25, 3 }, { 64, INFINITY, 1 } };
static struct firn_heat_cut cuts[] = { { (char[]){ "seldom" }, 0.5 } };
static struct firn_reclaimable reclaimable[] = { { (char[]){ "public.chunk" },
						   (char[]){ "public.chunk_p0" }, 4096, 1024 } };
static struct firn_request_count requests[] = {
	{ (char[]){ "get" }, (char[]){ "" }, 12, 4096, 5160 },
	{ (char[]){ "put" }, (char[]){ "GLACIER_IR" }, 1000, 0, 20000000 },
};
static struct firn_request_total totals[] = { { "get", 1200, 40960 }, { "put", 1000, 0 } };

static const struct firn_report_result full = {
	.by = FIRN_BY_TABLE,
	.price_list = (char[]){ "aws-\"x\"" },
	.price_list_date = (char[]){ "2026-11-01" },
	.currency = "USD",
	.since = "2026-08-26",
	.now = "2026-11-24T12:00:00Z",
	.rows = rows,
	.row_count = 3,
	.total = { .hot_rows = 1003,
		   .hot = { 1 << 29, 1 << 28, 1 << 27 },
		   .cold_rows = 50004,
		   .cold_bytes = 100ll << 30,
		   .reclaimable_bytes = 1 << 20,
		   .cost = COSTS },
	.saved_month_nano = -5,
	.saved_total_nano = 123456789012,
	.known_since = "2026-11-23",
	.formulas = formulas,
	.formula_count = 2,
	.days = days,
	.day_count = 2,
	.passes = passes,
	.pass_count = 2,
	.tenants = rows,
	.tenant_count = 2,
	.heat = heat,
	.heat_count = 2,
	.cuts = cuts,
	.cut_count = 1,
	.reclaimable = reclaimable,
	.reclaimable_count = 1,
	.requests = requests,
	.request_count = 2,
	.request_totals = totals,
	.request_total_count = 2,
	.operations = { 1, 2, 3, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
};

static const struct firn_report_result empty = {
	.price_list = (char[]){ "none" },
	.price_list_date = (char[]){ "" },
	.currency = "USD",
	.since = "2026-08-26",
	.now = "2026-11-24T12:00:00Z",
	.operations = { .last_verify_ok = -1, .orphans = -1, .orphan_bytes = -1 },
};

static struct firn_report_result by(enum firn_report_by what)
{
	struct firn_report_result x = full;

	x.by = what;
	x.formula_count = x.day_count = x.pass_count = x.tenant_count = x.heat_count = x.cut_count =
		x.reclaimable_count = x.request_count = x.request_total_count = 0;
	if (what == FIRN_BY_MONTH) {
		x.rows = months;
		x.row_count = 1;
	}
	return x;
}

/* ---- comparing ---- */

#define RESULTS 4
#define FORMATS 4
static const char *const names[RESULTS] = { "full", "empty", "segments", "months" };
static const char *const formats[FORMATS] = { "txt", "csv", "json", "prom" };

/* *out is the caller's. There are no metrics by segment or month: false. */
static bool render(int result, int format, char **out, size_t *len)
{
	static const enum report_other others[FORMATS] = { REPORT_NO_OTHER, REPORT_CSV,
							   REPORT_NO_OTHER, REPORT_PROMETHEUS };
	struct firn_report_result x = result == 0   ? full
				      : result == 1 ? empty
				      : result == 2 ? by(FIRN_BY_SEGMENT)
						    : by(FIRN_BY_MONTH);
	struct report r = { .json = format == 2, .other = others[format] };
	struct err e = { 0 };

	if (result >= 2 && format == 3)
		return false;
	r.out = open_memstream(out, len);
	assert_non_null(r.out);
	if (!report_cost(&r, &x, NULL, &e))
		fail_msg("%s", e.message);
	assert_int_equal(fclose(r.out), 0);
	return true;
}

static void reports_are_what_they_were_byte_by_byte(void **state)
{
	char path[512];

	(void)state;
	for (int i = 0; i < RESULTS; i++)
		for (int j = 0; j < FORMATS; j++) {
			struct buf golden = BUF_INIT;
			struct err e = { 0 };
			char *text;
			size_t len;

			if (!render(i, j, &text, &len))
				continue;
			snprintf(path, sizeof(path), TEST_SRCDIR "/golden/report/%s.%s", names[i],
				 formats[j]);
			if (!file_read(path, 1 << 20, &golden, &e))
				fail_msg("%s", e.message);
			assert_string_equal(text, buf_str(&golden));
			assert_int_equal(len, golden.len);
			buf_release(&golden);
			free(text);
		}
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* How many members of it hold money. None is a number. */
static int look_for_money(const json_t *j)
{
	const char *key;
	json_t *value;
	size_t i;
	int found = 0;

	json_array_foreach(j, i, value) found += look_for_money(value);
	json_object_foreach((json_t *)j, key, value)
	{
		found += look_for_money(value);
		if (!ends_with(key, "_per_month") && !ends_with(key, "cost") &&
		    strncmp(key, "saved", 5) != 0 && !ends_with(key, "_once") &&
		    strcmp(key, "result") != 0)
			continue;
		if (json_is_null(value))
			continue;
		if (!json_is_string(value))
			fail_msg("%s is no text", key);
		/* "-0.023000000" */
		assert_int_equal(strlen(strrchr(json_string_value(value), '.')), 10);
		found++;
	}
	return found;
}

static void money_is_text_in_every_member(void **state)
{
	json_error_t error;
	json_t *o;
	char *text;
	size_t len;

	(void)state;
	assert_true(render(0, 2, &text, &len));
	o = json_loadb(text, len, 0, &error);
	free(text);
	assert_non_null(o);
	assert_int_equal(look_for_money(o), 6 * 8 + 2 + 2 * 5 + 1 + 2 + 2);
	json_decref(o);
}

static int write_golden(const char *dir)
{
	for (int i = 0; i < RESULTS; i++)
		for (int j = 0; j < FORMATS; j++) {
			struct err e = { 0 };
			char path[512], *text;
			size_t len;
			bool ok;

			if (!render(i, j, &text, &len))
				continue;
			snprintf(path, sizeof(path), "%s/%s.%s", dir, names[i], formats[j]);
			ok = file_write_atomic(path, text, len, &e);
			free(text);
			if (!ok) {
				fprintf(stderr, "%s\n", e.message);
				return 1;
			}
		}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_are_what_they_were_byte_by_byte),
		cmocka_unit_test(money_is_text_in_every_member),
	};

	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return write_golden(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
