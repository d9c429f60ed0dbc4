/* Results that were made up, as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/text_table.h"
#include "report/wrap.h"

struct capture {
	struct report report;
	char *text;
	size_t len;
};

static void begin(struct capture *c, bool json)
{
	*c = (struct capture){ .report = { .json = json } };
	c->report.out = open_memstream(&c->text, &c->len);
	assert_non_null(c->report.out);
}

static void text_is(struct capture *c, const char *wanted)
{
	assert_int_equal(fclose(c->report.out), 0);
	assert_string_equal(c->text, wanted);
	for (char *line = c->text; *line;) {
		size_t len = strcspn(line, "\n");

		assert_true(len <= 100 && (len == 0 || line[len - 1] != ' '));
		line += len + 1;
	}
	free(c->text);
}

/* One document, nothing behind it but a newline. The caller releases it. */
static json_t *json_of(struct capture *c)
{
	json_error_t error;
	json_t *o;

	assert_int_equal(fclose(c->report.out), 0);
	assert_true(c->len > 2 && c->text[c->len - 1] == '\n' && c->text[c->len - 2] == '}');
	o = json_loads(c->text, 0, &error);
	if (!o)
		fail_msg("%s", error.text);
	free(c->text);
	return o;
}

static json_int_t int_at(json_t *o, const char *name)
{
	json_t *v = json_object_get(o, name);

	if (!json_is_integer(v))
		fail_msg("%s is not an integer", name);
	return json_integer_value(v);
}

static const char *string_at(json_t *o, const char *name)
{
	json_t *v = json_object_get(o, name);

	if (!json_is_string(v))
		fail_msg("%s is not a string", name);
	return json_string_value(v);
}

static struct firn_plan_row plan_rows[] = {
	{ "public.chunk", "chunk_p0", "superseded", "acme", "v1", 1200, 3 << 20 },
	{ "public.chunk", "chunk_p0", "superseded", "globex", "v1", 7, 20480 },
	{ "public.chunk", "chunk_p1", "superseded", "umbrella", "v1", 11, 40960 },
	{ "public.chunk", "chunk_p1", "idle", "acme", "v2", 3, 8192 },
};

static const struct firn_plan_result plan = { .rows = plan_rows,
					      .row_count = 4,
					      .total_rows = 1221,
					      .total_bytes = 3215360,
					      .kept_rows = 40,
					      .expected = { .price_list = (char[]){ "list" },
							    .currency = "USD",
							    .saved_nano = 12345678901,
							    .stored_share = 0.5,
							    .transactions = 3,
							    .lock_s = 1.26,
							    .index_s = 95 } };

static struct firn_maintain_step steps[] = {
	{ "public.chunk", "chunk_p0", "chunk_p0_embedding_idx", "reindex",
	  "half its entries are dead", 5.31, 97517568, 48234496, 0 },
	{ "public.chunk", "chunk_p0", "", "vacuum", "1,200 dead rows", 0.12, 0, 0, 0 },
	{ "public.chunk", "chunk_p1", "", "put-off", "no lock within 2s", 2, 0, 0, 0 },
};

static void plan_is_grouped_by_rule_with_totals(void **state)
{
	struct capture c;
	struct err e = { 0 };

	(void)state;
	begin(&c, false);
	assert_true(report_plan(&c.report, &plan, NULL, &e));
	text_is(&c, "public.chunk, rule superseded\n"
		    "  LEAF      WORKSPACE  VERSION   ROWS     BYTES\n"
		    "  chunk_p0  acme       v1       1,200   3.0 MiB\n"
		    "            globex     v1           7  20.0 KiB\n"
		    "  chunk_p1  umbrella   v1          11  40.0 KiB\n"
		    "  total                         1,218   3.1 MiB\n"
		    "\n"
		    "public.chunk, rule idle\n"
		    "  LEAF      WORKSPACE  VERSION  ROWS    BYTES\n"
		    "  chunk_p1  acme       v2          3  8.0 KiB\n"
		    "\n"
		    "1,221 rows (3.1 MiB) would move; 40 rows are pinned by keep rules\n"
		    "saves about 12.35 USD a month gross by the prices list\n"
		    "in 3 transactions, 1.3s of locked rows together; then about 1min 35s of index "
		    "work\n");
}

static void a_plan_by_unknown_compression_says_what_its_saving_leaves_out(void **state)
{
	struct firn_plan_row row = { "t", "l", "r", "w", "v", 1, 1 };
	char prices[] = "own";
	struct firn_plan_result r = { .rows = &row,
				      .row_count = 1,
				      .total_rows = 1,
				      .total_bytes = 1,
				      .expected = { .price_list = prices,
						    .currency = "EUR",
						    .saved_nano = 2000000000,
						    .stored_share = 1 } };

	(void)state;
	for (int known = 0; known < 2; known++) {
		struct capture c;
		struct err e = { 0 };

		begin(&c, false);
		assert_true(report_plan(&c.report, &r, NULL, &e));
		assert_int_equal(fclose(c.report.out), 0);
		assert_non_null(strstr(c.text, "EUR a month gross by the prices own"));
		assert_true((strstr(c.text, "without compression") == NULL) == known);
		free(c.text);
		r.expected.stored_share = 0.8;
	}
}

static void an_empty_plan_says_so(void **state)
{
	struct capture c;
	struct err e = { 0 };

	(void)state;
	begin(&c, false);
	assert_true(report_plan(&c.report, &(struct firn_plan_result){ 0 }, NULL, &e));
	text_is(&c, "nothing would move\n");
}

static void plan_as_json_holds_every_group(void **state)
{
	struct capture c;
	struct err e = { 0 };
	json_t *o, *group;

	(void)state;
	begin(&c, true);
	assert_true(report_plan(&c.report, &plan, NULL, &e));
	o = json_of(&c);
	assert_string_equal(string_at(o, "command"), "plan");
	assert_int_equal(json_array_size(json_object_get(o, "groups")), 4);
	group = json_array_get(json_object_get(o, "groups"), 2);
	assert_string_equal(string_at(group, "leaf"), "chunk_p1");
	assert_string_equal(string_at(group, "workspace"), "umbrella");
	assert_string_equal(string_at(group, "rule"), "superseded");
	assert_int_equal(int_at(group, "rows"), 11);
	assert_int_equal(int_at(group, "bytes"), 40960);
	assert_int_equal(int_at(o, "total_rows"), 1221);
	assert_int_equal(int_at(o, "kept_rows"), 40);
	assert_string_equal(string_at(json_object_get(o, "expected"), "saved_month"),
			    "12.345678901");
	assert_true(json_is_null(json_object_get(o, "error")));
	json_decref(o);
}

static void pass_sums_up_what_moved_and_the_index_work(void **state)
{
	struct capture c;
	struct err e = { 0 };
	const struct firn_pass_result r = { .rows_moved = 7087,
					    .rows_changed = 2,
					    .segments = 4,
					    .raw_bytes = 16777216,
					    .stored_bytes = 12582912,
					    .abandoned = 1,
					    .stopped_early = 1,
					    .stop_reason = "max-rows was reached",
					    .seconds = 12.34,
					    .maintain = { steps, 3, 1 } };

	(void)state;
	begin(&c, false);
	assert_true(report_pass(&c.report, &r, false, NULL, &e));
	text_is(&c,
		"7,087 rows moved out in 4 segments, 16.0 MiB stored as 12.0 MiB (0.75)\n"
		"2 rows changed meanwhile and stayed hot\n"
		"1 unfinished move of earlier runs undone\n"
		"stopped early: max-rows was reached\n"
		"\n"
		"index work\n"
		"  LEAF      INDEX                   ACTION     BEFORE     AFTER  TIME  REASON\n"
		"  chunk_p0  chunk_p0_embedding_idx  reindex  93.0 MiB  46.0 MiB  5.3s\n"
		"                                    vacuum                       0.1s\n"
		"  chunk_p1                          put-off                            no lock "
		"within 2s\n"
		"  47.0 MiB went back to the disk\n"
		"index work on 1 leaf was put off: run \"firn maintain\" later\n"
		"\n"
		"done in 12.3s\n");
}

static void a_failed_pass_shows_what_was_done_and_never_says_done(void **state)
{
	struct capture c;
	struct err e = { 0 }, failure = { 0 };
	const struct firn_pass_result r = {
		.rows_moved = 1, .segments = 1, .raw_bytes = 100, .stored_bytes = 50
	};
	json_t *o;

	(void)state;
	err_set(&failure, ERR_OFFLINE, "connection lost");
	err_hint(&failure, "Try again.");
	begin(&c, false);
	assert_true(report_pass(&c.report, &r, false, &failure, &e));
	text_is(&c, "1 row moved out in 1 segment, 100 B stored as 50 B (0.50)\n");
	begin(&c, true);
	assert_true(report_pass(&c.report, &r, false, &failure, &e));
	o = json_of(&c);
	assert_int_equal(int_at(o, "rows_moved"), 1);
	assert_string_equal(string_at(json_object_get(o, "error"), "code"), "offline");
	assert_string_equal(string_at(json_object_get(o, "error"), "message"), "connection lost");
	assert_string_equal(string_at(json_object_get(o, "error"), "hint"), "Try again.");
	json_decref(o);
}

static void a_failure_without_a_result_is_a_document_only_as_json(void **state)
{
	struct capture c;
	struct err e = { 0 }, failure = { 0 };
	json_t *o;

	(void)state;
	err_set(&failure, ERR_CONFIG, "no");
	begin(&c, false);
	assert_true(report_failure(&c.report, "gc", &failure, &e));
	text_is(&c, "");
	begin(&c, true);
	assert_true(report_failure(&c.report, "gc", &failure, &e));
	o = json_of(&c);
	assert_string_equal(string_at(o, "command"), "gc");
	assert_string_equal(string_at(json_object_get(o, "error"), "code"), "config");
	json_decref(o);
}

static struct firn_check checks[] = {
	{ FIRN_CHECK_OK, "primary-key", "id", NULL },
	{ FIRN_CHECK_WARNING, "pgvector", "version 0.8.0 can corrupt HNSW", "Upgrade to 0.8.4." },
	{ FIRN_CHECK_REFUSED, "delete-triggers", "trigger \"audit\" fires on DELETE",
	  "First do this.\nThen that." },
};

static struct firn_column_info columns[] = {
	{ "id", "uuid", "id", 1 },
	{ "embedding", "vector(384)", "embedding", 0 },
	{ "note", "text", "", 0 },
};

static struct firn_table_info tables[] = { { "public.chunk", 1, 4, 31229, columns, 3, checks, 3 } };

static const struct firn_init_result init = { .catalog_version_before = 0,
					      .catalog_version = 3,
					      .server_version = "15.8",
					      .pgvector_version = "0.8.0",
					      .tables = tables,
					      .table_count = 1,
					      .archive = "file:///srv/cold" };

static void init_marks_each_check_and_says_what_to_do(void **state)
{
	struct capture c;
	struct err e = { 0 };

	(void)state;
	begin(&c, false);
	assert_true(report_init(&c.report, &init, NULL, &e));
	text_is(&c, "database  PostgreSQL 15.8, pgvector 0.8.0\n"
		    "archive   file:///srv/cold\n"
		    "catalog   installed, version 3\n"
		    "\n"
		    "public.chunk: 4 leaves, about 31,229 rows\n"
		    "  ok       primary-key      id\n"
		    "  warning  pgvector         version 0.8.0 can corrupt HNSW\n"
		    "                            Upgrade to 0.8.4.\n"
		    "  refused  delete-triggers  trigger \"audit\" fires on DELETE\n"
		    "                            First do this.\n"
		    "                            Then that.\n"
		    "\n"
		    "  COLUMN     TYPE         ROLE       KEY\n"
		    "  id         uuid         id         key\n"
		    "  embedding  vector(384)  embedding\n"
		    "  note       text\n");
}

static void init_as_json_holds_checks_and_columns(void **state)
{
	struct capture c;
	struct err e = { 0 };
	json_t *o, *table, *check, *column;

	(void)state;
	begin(&c, true);
	assert_true(report_init(&c.report, &init, NULL, &e));
	o = json_of(&c);
	table = json_array_get(json_object_get(o, "tables"), 0);
	check = json_array_get(json_object_get(table, "checks"), 2);
	column = json_array_get(json_object_get(table, "columns"), 2);
	assert_int_equal(int_at(o, "catalog_version"), 3);
	assert_int_equal(int_at(table, "leaves"), 4);
	assert_string_equal(string_at(check, "state"), "refused");
	assert_string_equal(string_at(check, "name"), "delete-triggers");
	assert_true(json_is_null(json_object_get(column, "role")));
	json_decref(o);
}

static void rehydrate_reports_what_stayed_cold(void **state)
{
	struct capture c;
	struct err e = { 0 };
	char *notes[] = { "column \"old\" is gone: its values stay in the archive" };
	const struct firn_rehydrate_result r = { .rows = 90,
						 .rows_hot = 1,
						 .rows_orphaned = 9,
						 .segments = 2,
						 .bytes_fetched = 2048,
						 .rows_matched = 100,
						 .notes = notes,
						 .note_count = 1,
						 .seconds = 0.26 };
	json_t *o;

	(void)state;
	begin(&c, false);
	assert_true(report_rehydrate(&c.report, &r, false, NULL, &e));
	text_is(&c, "90 rows brought back from 2 segments, 2.0 KiB fetched\n"
		    "1 row is hot already\n"
		    "9 rows stay cold: what they refer to is gone\n"
		    "column \"old\" is gone: its values stay in the archive\n"
		    "done in 0.3s\n");
	begin(&c, false);
	assert_true(report_rehydrate(
		&c.report, &(struct firn_rehydrate_result){ .rows_matched = 5, .segments = 1 },
		true, NULL, &e));
	text_is(&c, "5 cold rows in 1 segment would be brought back\n");
	begin(&c, true);
	assert_true(report_rehydrate(&c.report, &r, false, NULL, &e));
	o = json_of(&c);
	assert_int_equal(int_at(o, "rows"), 90);
	assert_int_equal(int_at(o, "rows_orphaned"), 9);
	assert_string_equal(json_string_value(json_array_get(json_object_get(o, "notes"), 0)),
			    notes[0]);
	json_decref(o);
}

static void maintain_shows_steps_or_that_nothing_is_due(void **state)
{
	struct capture c;
	struct err e = { 0 };
	json_t *o, *step;

	(void)state;
	begin(&c, false);
	assert_true(
		report_maintain(&c.report, &(struct firn_maintain_result){ 0 }, false, NULL, &e));
	text_is(&c, "no index work is due\n");
	begin(&c, false);
	assert_true(report_maintain(&c.report, &(struct firn_maintain_result){ steps, 1, 0 }, true,
				    NULL, &e));
	text_is(&c,
		"LEAF      INDEX                   ACTION     BEFORE  REASON\n"
		"chunk_p0  chunk_p0_embedding_idx  reindex  93.0 MiB  half its entries are dead\n");
	begin(&c, true);
	assert_true(report_maintain(&c.report, &(struct firn_maintain_result){ steps, 3, 1 }, false,
				    NULL, &e));
	o = json_of(&c);
	step = json_array_get(json_object_get(o, "steps"), 0);
	assert_int_equal(int_at(step, "bytes_after"), 48234496);
	assert_true(json_real_value(json_object_get(step, "seconds")) == 5.31);
	assert_true(json_is_null(
		json_object_get(json_array_get(json_object_get(o, "steps"), 1), "index")));
	assert_int_equal(int_at(o, "put_off"), 1);
	json_decref(o);
}

static void status_shows_tables_leaves_and_workspaces(void **state)
{
	struct capture c;
	struct err e = { 0 };
	struct firn_status_row table[] = { { "public.chunk",
					     "",
					     "",
					     "",
					     1000,
					     500,
					     { 8192, 1 << 20, 2 << 20 },
					     65536,
					     131072,
					     1 } };
	struct firn_status_row leaves[] = {
		{ "public.chunk",
		  "chunk_p0",
		  "",
		  "",
		  600,
		  500,
		  { 4096, 1 << 19, 1 << 20 },
		  65536,
		  131072,
		  1 },
		{ "public.chunk", "chunk_p1", "", "", 400, 0, { 4096, 1 << 19, 1 << 20 }, 0, 0, 1 },
	};
	struct firn_status_row workspaces[] = {
		{ "public.chunk", "", "acme", "v1", 12, 500, { 0, 0, 0 }, 65536, 131072, 0 }
	};
	const struct firn_status_result r = { .tables = table,
					      .table_count = 1,
					      .leaves = leaves,
					      .leaf_count = 2,
					      .workspaces = workspaces,
					      .workspace_count = 1,
					      .segments_active = 3,
					      .segments_intent = 1,
					      .maintenance_due = 2,
					      .last_pass_at = "2026-11-23 04:00:00+00",
					      .last_pass_outcome = "done",
					      .encrypts = 1 };
	json_t *o, *row;

	(void)state;
	begin(&c, false);
	assert_true(report_status(&c.report, &r, NULL, &e));
	text_is(&c, "TABLE         HOT ROWS     HEAP    TOAST  INDEXES  COLD ROWS  COLD BYTES  "
		    "UNPACKED\n"
		    "public.chunk    ~1,000  8.0 KiB  1.0 MiB  2.0 MiB        500    64.0 KiB   "
		    "128 KiB\n"
		    "  chunk_p0        ~600  4.0 KiB  512 KiB  1.0 MiB        500    64.0 KiB   "
		    "128 KiB\n"
		    "  chunk_p1        ~400  4.0 KiB  512 KiB  1.0 MiB          0         0 B      "
		    " 0 B\n"
		    "\n"
		    "WORKSPACE  VERSION  HOT ROWS  COLD ROWS  COLD BYTES\n"
		    "acme       v1             12        500    64.0 KiB\n"
		    "\n"
		    "segments   3 active, 1 unfinished\n"
		    "last pass  2026-11-23 04:00:00+00, done\n"
		    "due        index work on 2 leaves: run \"firn maintain\"\n");
	begin(&c, true);
	assert_true(report_status(&c.report, &r, NULL, &e));
	o = json_of(&c);
	row = json_array_get(json_object_get(o, "leaves"), 0);
	assert_string_equal(string_at(row, "leaf"), "chunk_p0");
	assert_int_equal(int_at(row, "hot_toast_bytes"), 1 << 19);
	row = json_array_get(json_object_get(o, "workspaces"), 0);
	assert_string_equal(string_at(row, "version"), "v1");
	assert_int_equal(int_at(row, "cold_rows"), 500);
	assert_true(json_is_false(json_object_get(row, "hot_rows_estimated")));
	json_decref(o);
}

static void verify_lists_problems_before_its_summary(void **state)
{
	struct capture c;
	struct err e = { 0 }, failure = { 0 };
	struct firn_problem problems[] = { { 7, "a/b.seg", "its digest is another" },
					   { 0, NULL, "1 row is hot and cold" } };
	struct firn_verify_result r = {
		.segments = 4, .objects = 8, .bytes = 1 << 20, .rows = 7087, .seconds = 1.5
	};
	json_t *o;

	(void)state;
	begin(&c, false);
	assert_true(report_verify(&c.report, &r, true, NULL, &e));
	text_is(&c, "4 segments, 8 objects, 1.0 MiB checked; 7,087 rows decoded and hashed in "
		    "1.5s: no problems\n");
	r.problems = problems;
	r.problem_count = 2;
	err_set(&failure, ERR_DATA, "2 problems");
	begin(&c, false);
	assert_true(report_verify(&c.report, &r, false, &failure, &e));
	text_is(&c, "problem: segment 7: object \"a/b.seg\": its digest is another\n"
		    "problem: 1 row is hot and cold\n"
		    "4 segments, 8 objects, 1.0 MiB checked in 1.5s: 2 problems\n");
	begin(&c, true);
	assert_true(report_verify(&c.report, &r, false, &failure, &e));
	o = json_of(&c);
	assert_int_equal(int_at(json_array_get(json_object_get(o, "problems"), 0), "segment"), 7);
	assert_true(json_is_null(
		json_object_get(json_array_get(json_object_get(o, "problems"), 1), "segment")));
	json_decref(o);
}

static void a_verify_that_broke_off_does_not_claim_to_have_finished(void **state)
{
	struct capture c;
	struct err e = { 0 }, failure = { 0 };
	const struct firn_verify_result r = {
		.segments = 1, .objects = 2, .bytes = 100, .seconds = 0.1
	};

	(void)state;
	err_set(&failure, ERR_OFFLINE, "gone");
	begin(&c, false);
	assert_true(report_verify(&c.report, &r, false, &failure, &e));
	text_is(&c, "1 segment, 2 objects, 100 B checked in 0.1s: not finished\n");
}

static const struct firn_gc_options listed = { .horizon_s = -1 };
static const struct firn_gc_options confirmed = { .confirm = 1, .horizon_s = -1 };

static void gc_says_what_can_go_and_how(void **state)
{
	struct capture c;
	struct err e = { 0 };
	struct firn_gc_item items[] = {
		{ "chunks/1.seg", "retired", 1, 1 << 20, 40 * 86400, 1, 0,
		  "retired before the horizon" },
		{ "chunks/2.seg", "orphan", 0, 2048, 60, 0, 0, "unknown to the catalog" },
	};
	const struct firn_gc_options all = { .horizon_s = 0, .expire = 1, .orphans = 1 },
				     hours = { .horizon_s = 5400 };
	const struct firn_gc_result r = { .items = items,
					  .item_count = 2,
					  .removable_bytes = 1 << 20 };
	json_t *o;

	(void)state;
	begin(&c, false);
	assert_true(report_gc(&c.report, &r, &listed, NULL, &e));
	text_is(&c,
		"OBJECT        KIND     SEGMENT    BYTES   AGE  STATE      REASON\n"
		"chunks/1.seg  retired        1  1.0 MiB   40d  removable  retired before the "
		"horizon\n"
		"chunks/2.seg  orphan            2.0 KiB  1min  kept       unknown to the catalog\n"
		"\n"
		"1 of 2 objects (1.0 MiB) can go: run \"firn gc --confirm\" to remove them\n");
	/* Without what it was given, it would remove less than it listed. */
	begin(&c, false);
	assert_true(report_gc(&c.report, &r, &all, NULL, &e));
	assert_int_equal(fflush(c.report.out), 0);
	assert_non_null(strstr(c.text, "run \"firn gc --horizon 0d --orphans --expire --confirm\" to"));
	assert_int_equal(fclose(c.report.out), 0);
	free(c.text);
	begin(&c, false);
	assert_true(report_gc(&c.report, &r, &hours, NULL, &e));
	assert_int_equal(fflush(c.report.out), 0);
	assert_non_null(strstr(c.text, "run \"firn gc --horizon 5400s --confirm\" to"));
	assert_int_equal(fclose(c.report.out), 0);
	free(c.text);
	begin(&c, false);
	assert_true(report_gc(&c.report, &(struct firn_gc_result){ 0 }, &confirmed, NULL, &e));
	text_is(&c, "nothing to remove: every object belongs to an active segment\n");
	begin(&c, true);
	assert_true(report_gc(&c.report, &r, &listed, NULL, &e));
	o = json_of(&c);
	assert_int_equal(int_at(json_array_get(json_object_get(o, "items"), 0), "age_s"),
			 40 * 86400);
	assert_true(json_is_true(
		json_object_get(json_array_get(json_object_get(o, "items"), 0), "removable")));
	assert_int_equal(int_at(o, "removable_bytes"), 1 << 20);
	json_decref(o);
}

static void cost_shows_prices_with_their_date(void **state)
{
	struct capture c;
	struct err e = { 0 };
	struct firn_report_row rows[] = {
		{ .table = "public.chunk",
		  .leaf = "",
		  .hot_rows = 1000,
		  .hot = { 1 << 29, 1 << 28, 1 << 28 },
		  .cold_rows = 50000,
		  .cold_bytes = 100ll << 30,
		  .cost = { .hot_nano = 95200000,
			    .cold_nano = 2450000000,
			    .all_hot_nano = 38175200000,
			    .saved_nano = 35630000000 } },
	};
	const struct firn_report_result r = { .rows = rows,
					      .row_count = 1,
					      .total = rows[0],
					      .currency = "USD",
					      .price_list = "aws-eu-central-1",
					      .price_list_date = "2026-11-01" };
	json_t *o;

	(void)state;
	begin(&c, false);
	assert_true(report_cost(&c.report, &r, NULL, &e));
	text_is(&c, "TABLE         HOT ROWS      HOT  COLD ROWS     COLD  HOT COST  COLD COST  ALL "
		    "HOT  SAVED\n"
		    "public.chunk     1,000  1.0 GiB     50,000  100 GiB    0.0952       2.45    "
		    "38.18  35.63\n"
		    "\n"
		    "costs are USD a month, prices aws-eu-central-1 of 2026-11-01\n");
	begin(&c, true);
	assert_true(report_cost(&c.report, &r, NULL, &e));
	o = json_of(&c);
	assert_string_equal(string_at(json_object_get(o, "total"), "saved_per_month"),
			    "35.630000000");
	assert_string_equal(string_at(o, "price_list_date"), "2026-11-01");
	json_decref(o);
}

static void cost_as_csv_and_metrics_keeps_hostile_names_harmless(void **state)
{
	struct capture c;
	struct err e = { 0 };
	struct firn_report_row rows[] = {
		{ .table = "public.\"a\\b\nc\"",
		  .leaf = "=cmd|x",
		  .hot_rows = 3,
		  .cold_rows = 4,
		  .break_even_known = 1,
		  .break_even_days = 12.5 },
		{ .table = "-1",
		  .leaf = "",
		  .hot_rows = 1,
		  .break_even_known = 1,
		  .break_even_days = -1,
		  .cost = { .saved_nano = -23000000 } },
	};
	const struct firn_report_result r = {
		.rows = rows, .row_count = 2, .currency = "USD", .operations = { .orphans = -1 }
	};

	(void)state;
	begin(&c, false);
	c.report.other = REPORT_CSV;
	assert_true(report_cost(&c.report, &r, NULL, &e));
	assert_int_equal(fclose(c.report.out), 0);
	assert_string_equal(
		c.text,
		"table,leaf,workspace,version,segment,month,storage_class,hot_rows,"
		"hot_rows_estimated,heap_bytes,toast_bytes,index_bytes,"
		"cold_rows,cold_bytes,cold_billed_bytes,cold_raw_bytes,reclaimable_bytes,currency,"
		"hot_per_month,cold_per_month,objects_per_month,requests_per_month,"
		"cache_per_month,all_hot_per_month,saved_per_month,"
		"early_deletion_once,break_even_days\r\n"
		"\"public.\"\"a\\b\nc\"\"\",\"'=cmd|x\",,,,,,3,0,0,0,0,4,0,0,0,0,USD,0.000000000,"
		"0.000000000,0.000000000,0.000000000,0.000000000,0.000000000,0.000000000,"
		"0.000000000,12.500\r\n"
		"\"'-1\",,,,,,,1,0,0,0,0,0,0,0,0,0,USD,0.000000000,0.000000000,0.000000000,"
		"0.000000000,0.000000000,0.000000000,-0.023000000,0.000000000,never\r\n");
	free(c.text);
	begin(&c, false);
	c.report.other = REPORT_PROMETHEUS;
	assert_true(report_cost(&c.report, &r, NULL, &e));
	assert_int_equal(fclose(c.report.out), 0);
	assert_non_null(strstr(c.text,
			       "firn_rows{table=\"public.\\\"a\\\\b\\nc\\\"\",leaf=\"=cmd|x\","
			       "tier=\"cold\"} 4\n"));
	assert_non_null(strstr(c.text, "firn_saved_per_month{table=\"-1\"} -0.023000000\n"));
	assert_null(strstr(c.text, "firn_orphan"));
	free(c.text);
}

static void names_that_are_not_utf8_still_make_a_document(void **state)
{
	struct capture c;
	struct err e = { 0 };
	struct firn_plan_row row = { "t", "l", "r", "caf\xe9 \xc3\xa9", "v", 1, 1 };
	const struct firn_plan_result r = { .rows = &row, .row_count = 1 };
	json_t *o;

	(void)state;
	begin(&c, true);
	assert_true(report_plan(&c.report, &r, NULL, &e));
	o = json_of(&c);
	assert_string_equal(string_at(json_array_get(json_object_get(o, "groups"), 0), "workspace"),
			    "caf\xef\xbf\xbd \xc3\xa9");
	json_decref(o);
}

static void a_wide_table_cuts_notes_then_names_and_never_numbers(void **state)
{
	static const struct text_column three[] = { { "NAME", TEXT_NAME },
						    { "ROWS", TEXT_NUMBER },
						    { "NOTE", TEXT_NOTE } };
	struct text_table t = { .columns = three, .column_count = 3 };
	struct capture c;
	struct err e = { 0 };

	(void)state;
	text_add(&t, "a_very_long_name_of_a_leaf_p12");
	text_add_count(&t, 123456789);
	text_add(&t, "why it is so, told at some length");
	assert_int_equal(text_table_rows(&t), 1);
	begin(&c, false);
	assert_true(text_table_print(&t, c.report.out, 69, &e));
	text_is(&c, "NAME                                   ROWS  NOTE\n"
		    "a_very_long_name_of_a_leaf_p12  123,456,789  why it is so, told at...\n");
	begin(&c, false);
	assert_true(text_table_print(&t, c.report.out, 54, &e));
	text_is(&c, "NAME                        ROWS  NOTE\n"
		    "a_very_l...leaf_p12  123,456,789  why it is so, tol...\n");
	text_table_release(&t);
}

/* Every line of what was written, in characters. */
static void lines_fit(struct capture *c, size_t width)
{
	assert_int_equal(fclose(c->report.out), 0);
	assert_true(c->len > 0);
	for (const char *line = c->text, *end; *line; line = end + 1) {
		size_t n = 0;

		for (end = line; *end != '\n'; end++)
			n += ((unsigned char)*end & 0xC0) != 0x80;
		if (n > width)
			fail_msg("%zu columns: %.*s", width, (int)(end - line), line);
	}
}

static void a_table_that_does_not_fit_is_blocks_of_lines(void **state)
{
	static const struct text_column four[] = { { "LEAF", TEXT_NAME },
						   { "HOT ROWS", TEXT_NUMBER },
						   { "NOTE", TEXT_NOTE },
						   { "EMPTY", TEXT_WORD } };
	struct text_table t = { .columns = four, .column_count = 4, .indent = 2 };
	struct capture c;
	struct err e = { 0 };

	(void)state;
	text_add(&t, "  document_chunk_p12_of_many");
	text_add_count(&t, 123456789);
	text_add(&t, "why it is so, told at some length");
	text_add(&t, "");
	text_add(&t, ""); /* the same leaf */
	text_add_count(&t, 7);
	text_add(&t, "");
	text_add(&t, "");
	begin(&c, false);
	assert_true(text_table_print(&t, c.report.out, 40, &e));
	text_is(&c, "  LEAF      document_chunk_p12_of_many\n"
		    "  HOT ROWS  123,456,789\n"
		    "  NOTE      why it is so, told at some\n"
		    "            length\n"
		    "\n"
		    "  LEAF      document_chunk_p12_of_many\n"
		    "  HOT ROWS  7\n");
	begin(&c, false);
	assert_true(text_table_print(&t, c.report.out, 30, &e));
	text_is(&c, "  LEAF      document_chunk_p12\n"
		    "            _of_many\n"
		    "  HOT ROWS  123,456,789\n"
		    "  NOTE      why it is so, told\n"
		    "            at some length\n"
		    "\n"
		    "  LEAF      document_chunk_p12\n"
		    "            _of_many\n"
		    "  HOT ROWS  7\n");
	text_table_release(&t);
}

/* What the first dots would join is given up rather than shown as a fourth dot. */
static void a_schema_is_not_cut_at_its_dot(void **state)
{
	static const struct text_column two[] = { { "TABLE", TEXT_NAME }, { "ROWS", TEXT_NUMBER } };
	struct text_table t = { .columns = two, .column_count = 2 };
	struct capture c;
	struct err e = { 0 };

	(void)state;
	text_add(&t, "public.document_embeddings");
	text_add_count(&t, 12345);
	begin(&c, false);
	assert_true(text_table_print(&t, c.report.out, 24, &e));
	text_is(&c, "TABLE               ROWS\n"
		    "public...eddings  12,345\n");
	text_table_release(&t);
}

static void no_table_is_wider_than_the_terminal(void **state)
{
	static const int widths[] = { 30, 40, 60, 80, 120 };
	char long_name[] = "rag.document_embeddings_of_the_whole_company_\xc3\xa9";
	struct firn_status_row row = { .table = long_name,
				       .leaf = "rag.document_embeddings_p0",
				       .workspace = "b0b1f9f2-2c43-4b6b-9a0e-3b7f4c8a1f10",
				       .version = "text-embedding-3-large",
				       .hot_rows = 1234567890,
				       .hot = { 1LL << 40, 1LL << 41, 1LL << 39 },
				       .cold_rows = 1234567890,
				       .cold_bytes = 1LL << 40,
				       .cold_raw_bytes = 1LL << 41 };
	const struct firn_status_result status = { .tables = &row,
						   .table_count = 1,
						   .leaves = &row,
						   .leaf_count = 1,
						   .workspaces = &row,
						   .workspace_count = 1 };
	struct firn_gc_item item = { .object = "firn/tables/1/segments/000000000012.0123456789abcdef",
				     .kind = "segment",
				     .segment = 12,
				     .bytes = 1 << 30,
				     .age_s = 86400,
				     .reason = "retired, and no backup can need it: past the horizon" };
	const struct firn_gc_result gc = { .items = &item, .item_count = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		struct capture c;
		struct err e = { 0 };

		FILE *whole;

		begin(&c, false);
		whole = c.report.out;
		c.report.out = wrap_open(whole, widths[i]);
		c.report.width = widths[i];
		assert_non_null(c.report.out);
		assert_true(report_status(&c.report, &status, NULL, &e));
		assert_true(report_gc(&c.report, &gc, &listed, NULL, &e));
		assert_int_equal(fclose(c.report.out), 0);
		c.report.out = whole;
		lines_fit(&c, (size_t)widths[i]);
		assert_true((strstr(c.text, "COLD BYTES  1.0 TiB") != NULL) == (widths[i] < 120));
		free(c.text);
	}
}

static void sentences_break_between_words(void **state)
{
	struct capture c;
	struct report wrapped;
	char long_word[] = "GRANTSELECTONTABLEinformation_of_all_things";

	(void)state;
	begin(&c, false);
	wrapped.out = wrap_open(c.report.out, 40);
	assert_non_null(wrapped.out);
	/* In pieces, as printf may hand them on. */
	fputs("warning  table t  a message th", wrapped.out);
	assert_int_equal(fflush(wrapped.out), 0);
	fputs("at is longer than the terminal\n", wrapped.out);
	fputs("                            -> a hint that is indented far\n", wrapped.out);
	fprintf(wrapped.out, "run %s now\n", long_word);
	fputs("caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9\n", wrapped.out);
	fputs("no end", wrapped.out);
	assert_int_equal(fclose(wrapped.out), 0);
	assert_int_equal(fclose(c.report.out), 0);
	assert_string_equal(c.text,
		    "warning  table t  a message that is\n"
		    "                  longer than the\n"
		    "                  terminal\n"
		    "  -> a hint that is indented far\n"
		    "run\n"
		    "GRANTSELECTONTABLEinformation_of_all_things\n"
		    "now\n"
		    "caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9\n"
		    "no end");
	free(c.text);
}

static void money_has_its_points_below_each_other(void **state)
{
	static const struct text_column two[] = { { "COST", TEXT_MONEY }, { "ROWS", TEXT_NUMBER } };
	static const int64_t nano[] = { 12300000000, -712345, 0 };
	struct text_table t = { .columns = two, .column_count = 2 };
	struct capture c;
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		text_add_money(&t, nano[i]);
		text_add_count(&t, i);
	}
	text_add(&t, "");
	text_add_count(&t, 3);
	begin(&c, false);
	assert_true(text_table_print(&t, c.report.out, 0, &e));
	text_table_release(&t);
	text_is(&c, "     COST  ROWS\n"
		    "12.30         0\n"
		    "-0.000712     1\n"
		    " 0            2\n"
		    "              3\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	static const struct text_column one[] = { { "NAME", TEXT_NAME } };
	struct text_table t = { .columns = one, .column_count = 1 };
	struct capture c;
	struct err e = { 0 };

	(void)state;
	begin(&c, false);
	text_add(&t, "x\n\x1b[31m\x7f");
	assert_true(text_table_print(&t, c.report.out, 0, &e));
	text_table_release(&t);
	text_is(&c, "NAME\nx??[31m?\n");
}

static void a_full_disk_is_an_error(void **state)
{
	struct report r = { .out = fopen("/dev/full", "w") };
	struct err e = { 0 };

	(void)state;
	assert_non_null(r.out);
	assert_false(report_plan(&r, &plan, NULL, &e));
	assert_int_equal(e.code, ERR_IO);
	fclose(r.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_is_grouped_by_rule_with_totals),
		cmocka_unit_test(a_plan_by_unknown_compression_says_what_its_saving_leaves_out),
		cmocka_unit_test(an_empty_plan_says_so),
		cmocka_unit_test(plan_as_json_holds_every_group),
		cmocka_unit_test(pass_sums_up_what_moved_and_the_index_work),
		cmocka_unit_test(a_failed_pass_shows_what_was_done_and_never_says_done),
		cmocka_unit_test(a_failure_without_a_result_is_a_document_only_as_json),
		cmocka_unit_test(init_marks_each_check_and_says_what_to_do),
		cmocka_unit_test(init_as_json_holds_checks_and_columns),
		cmocka_unit_test(rehydrate_reports_what_stayed_cold),
		cmocka_unit_test(maintain_shows_steps_or_that_nothing_is_due),
		cmocka_unit_test(status_shows_tables_leaves_and_workspaces),
		cmocka_unit_test(verify_lists_problems_before_its_summary),
		cmocka_unit_test(a_verify_that_broke_off_does_not_claim_to_have_finished),
		cmocka_unit_test(gc_says_what_can_go_and_how),
		cmocka_unit_test(cost_shows_prices_with_their_date),
		cmocka_unit_test(cost_as_csv_and_metrics_keeps_hostile_names_harmless),
		cmocka_unit_test(names_that_are_not_utf8_still_make_a_document),
		cmocka_unit_test(a_wide_table_cuts_notes_then_names_and_never_numbers),
		cmocka_unit_test(a_table_that_does_not_fit_is_blocks_of_lines),
		cmocka_unit_test(a_schema_is_not_cut_at_its_dot),
		cmocka_unit_test(no_table_is_wider_than_the_terminal),
		cmocka_unit_test(sentences_break_between_words),
		cmocka_unit_test(money_has_its_points_below_each_other),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
