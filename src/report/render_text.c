/* Results for people: what happened first, details below it, nothing that is not so. */
#include <inttypes.h>
#include <string.h>

#include "base/money.h"
#include "base/str.h"
#include "report/render.h"
#include "report/text_table.h"

/* Short texts for printf; as many as one statement needs. */
struct words {
	char text[6][32];
	int used;
};

static const char *count(struct words *w, int64_t n)
{
	return str_format_count(n, w->text[w->used++ % 6], sizeof(w->text[0]));
}

static const char *bytes(struct words *w, int64_t n)
{
	return str_format_bytes(n > 0 ? (uint64_t)n : 0, w->text[w->used++ % 6],
				sizeof(w->text[0]));
}

/* Tenths below a minute: most steps of a small table take less than a second. */
static const char *seconds(struct words *w, double s)
{
	char *out = w->text[w->used++ % 6];

	if (s >= 60)
		return str_format_duration((int64_t)s, out, sizeof(w->text[0]));
	snprintf(out, sizeof(w->text[0]), "%.1fs", s > 0 ? s : 0);
	return out;
}

static const char *plural(int64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

static const char *rows(int64_t n)
{
	return plural(n, "row", "rows");
}

/* A leaf of the table's own schema goes without it. */
static const char *short_leaf(const char *leaf, const char *table)
{
	const char *dot = table ? strchr(table, '.') : NULL;
	size_t len = dot ? (size_t)(dot - table) + 1 : 0;

	return leaf && len && strncmp(leaf, table, len) == 0 ? leaf + len : leaf;
}

/* Indented under a line, each of its lines. */
static void print_lines(FILE *out, int indent, const char *text)
{
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		fprintf(out, "%*s%.*s\n", indent, "", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

/* ---- init ---- */

static bool print_checks(const struct report *r, const struct firn_table_info *t)
{
	static const char *const marks[] = { "ok", "warning", "refused" };
	int name_width = 0;

	for (size_t i = 0; i < t->check_count; i++)
		if ((int)strlen(t->checks[i].name) > name_width)
			name_width = (int)strlen(t->checks[i].name);
	for (size_t i = 0; i < t->check_count; i++) {
		const struct firn_check *c = &t->checks[i];

		fprintf(r->out, "  %-7s  %-*s  %s\n", marks[c->state], name_width, c->name,
			c->message ? c->message : "");
		if (c->state != FIRN_CHECK_OK)
			print_lines(r->out, 2 + 7 + 2 + name_width + 2, c->hint);
	}
	return true;
}

static bool print_columns(const struct report *r, const struct firn_table_info *t, struct err *e)
{
	static const struct text_column columns[] = { { "COLUMN", TEXT_WORD },
						      { "TYPE", TEXT_NAME },
						      { "ROLE", TEXT_WORD },
						      { "KEY", TEXT_WORD } };
	struct text_table table = { .columns = columns, .column_count = 4, .indent = 2 };
	bool ok;

	for (size_t i = 0; i < t->column_count; i++) {
		text_add(&table, t->columns[i].name);
		text_add(&table, t->columns[i].type);
		text_add(&table, t->columns[i].role);
		text_add(&table, t->columns[i].in_key ? "key" : "");
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	return ok;
}

bool text_init(const struct report *r, const struct firn_init_result *x, struct err *e)
{
	struct words w = { .used = 0 };

	if (x->server_version[0])
		fprintf(r->out, "database  PostgreSQL %s%s%s\n", x->server_version,
			x->pgvector_version[0] ? ", pgvector " : ", without pgvector",
			x->pgvector_version);
	if (x->archive)
		fprintf(r->out, "archive   %s\n", x->archive);
	if (x->catalog_version && x->catalog_version_before == 0)
		fprintf(r->out, "catalog   installed, version %d\n", x->catalog_version);
	else if (x->catalog_version && x->catalog_version_before < x->catalog_version)
		fprintf(r->out, "catalog   upgraded from version %d to %d\n",
			x->catalog_version_before, x->catalog_version);
	else if (x->catalog_version)
		fprintf(r->out, "catalog   version %d, up to date\n", x->catalog_version);
	for (size_t i = 0; i < x->table_count; i++) {
		const struct firn_table_info *t = &x->tables[i];

		fprintf(r->out, "\n%s: ", t->table);
		if (t->partitioned)
			fprintf(r->out, "%zu %s, ", t->leaf_count,
				plural((int64_t)t->leaf_count, "leaf", "leaves"));
		fprintf(r->out, "about %s %s\n", count(&w, t->rows_estimate),
			rows(t->rows_estimate));
		print_checks(r, t);
		if (t->column_count > 0)
			fputc('\n', r->out);
		if (!print_columns(r, t, e))
			return false;
	}
	return true;
}

/* ---- plan ---- */

static bool same_rule(const struct firn_plan_row *a, const struct firn_plan_row *b)
{
	return str_eq(a->table, b->table) && str_eq(a->rule, b->rule);
}

/* One rule of one table: rows from ... to - 1. */
static bool print_rule(const struct report *r, const struct firn_plan_row *from,
		       const struct firn_plan_row *to, struct err *e)
{
	static const struct text_column columns[] = {
		{ "LEAF", TEXT_NAME },   { "WORKSPACE", TEXT_NAME }, { "VERSION", TEXT_NAME },
		{ "ROWS", TEXT_NUMBER }, { "BYTES", TEXT_NUMBER },
	};
	struct text_table table = { .columns = columns, .column_count = 5, .indent = 2 };
	int64_t total_rows = 0, total_bytes = 0;
	bool ok;

	fprintf(r->out, "%s, rule %s\n", from->table, from->rule);
	for (const struct firn_plan_row *p = from; p < to; p++) {
		/* A leaf is named once; its workspaces stand below each other. */
		text_add(&table, p > from && str_eq(p->leaf, p[-1].leaf)
					 ? ""
					 : short_leaf(p->leaf, p->table));
		text_add(&table, p->workspace);
		text_add(&table, p->version);
		text_add_count(&table, p->rows);
		text_add_bytes(&table, p->bytes);
		total_rows += p->rows;
		total_bytes += p->bytes;
	}
	if (to - from > 1) {
		text_add(&table, "total");
		text_add(&table, "");
		text_add(&table, "");
		text_add_count(&table, total_rows);
		text_add_bytes(&table, total_bytes);
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	fputc('\n', r->out);
	return ok;
}

static void print_expected(const struct report *r, const struct firn_plan_result *x)
{
	const struct firn_plan_expectation *p = &x->expected;
	struct words w = { .used = 0 };
	char money[MONEY_MAX];

	if (x->total_rows == 0)
		return;
	if (p->price_list)
		fprintf(r->out, "saves about %s %s a month gross by the prices %s%s\n",
			money_short(p->saved_nano, money), p->currency, p->price_list,
			p->stored_share < 1 ? ""
					    : "\nthat is without compression: how well these rows "
					      "compress is known after a pass");
	fprintf(r->out, "in %s %s", count(&w, p->transactions),
		plural(p->transactions, "transaction", "transactions"));
	if (p->lock_s >= 0)
		fprintf(r->out, ", %s of locked rows together", seconds(&w, p->lock_s));
	fprintf(r->out, "; then about %s of index work\n", seconds(&w, p->index_s));
}

static void print_expiry(const struct report *r, const struct firn_expiry *x)
{
	struct words w = { .used = 0 };
	char limit[32], next[32];

	str_format_duration(x->delete_after_s, limit, sizeof(limit));
	fprintf(r->out, "\n%s, rule %s, delete_after %s: ", x->table, x->rule, limit);
	if (x->segments > 0)
		fprintf(r->out,
			"%s cold %s (%s) are past it; \"firn gc --expire --confirm\" gives them "
			"up\n",
			count(&w, x->rows), rows(x->rows), bytes(&w, x->bytes));
	else
		fprintf(r->out, "%s cold %s, the first of them in %s\n", count(&w, x->rows_later),
			rows(x->rows_later), str_format_duration(x->next_s, next, sizeof(next)));
}

bool text_plan(const struct report *r, const struct firn_plan_result *x, struct err *e)
{
	struct words w = { .used = 0 };

	for (size_t from = 0, to; from < x->row_count; from = to) {
		for (to = from + 1; to < x->row_count && same_rule(&x->rows[from], &x->rows[to]);)
			to++;
		if (!print_rule(r, &x->rows[from], &x->rows[to], e))
			return false;
	}
	if (x->total_rows == 0 && x->waiting_rows > 0)
		fprintf(r->out,
			"nothing would move yet: %s %s for time to pass, the first until %s",
			count(&w, x->waiting_rows),
			plural(x->waiting_rows, "row waits", "rows wait"), x->first_due);
	else if (x->total_rows == 0)
		fputs("nothing would move", r->out);
	else
		fprintf(r->out, "%s %s (%s) would move", count(&w, x->total_rows),
			rows(x->total_rows), bytes(&w, x->total_bytes));
	if (x->kept_rows > 0)
		fprintf(r->out, "; %s %s pinned by keep rules", count(&w, x->kept_rows),
			plural(x->kept_rows, "row is", "rows are"));
	fputc('\n', r->out);
	print_expected(r, x);
	for (size_t i = 0; i < x->expiry_count; i++)
		print_expiry(r, &x->expiries[i]);
	return true;
}

/* ---- maintain, pass ---- */

enum reasons {
	EVERY_REASON,
	REASONS_OF_PUT_OFF
};

/* After a move everyone knows why: only what was not done says so. A leaf, and a reason, is not said twice in a row. */
static bool print_steps(const struct report *r, const struct firn_maintain_result *x, bool dry_run,
			int indent, enum reasons reasons, struct err *e)
{
	static const struct text_column columns[] = {
		{ "LEAF", TEXT_NAME },     { "INDEX", TEXT_NAME },   { "ACTION", TEXT_WORD },
		{ "BEFORE", TEXT_NUMBER }, { "AFTER", TEXT_NUMBER }, { "TIME", TEXT_NUMBER },
		{ "REASON", TEXT_NOTE },
	};
	struct text_table table = { .columns = columns, .column_count = 7, .indent = indent };
	bool ok;

	for (size_t i = 0; i < x->step_count; i++) {
		const struct firn_maintain_step *s = &x->steps[i];
		struct words w = { .used = 0 };
		bool put_off = str_eq(s->action, "put-off");
		bool done = !dry_run && !put_off && !str_eq(s->action, "wait");
		bool same_leaf =
			i > 0 && str_eq(s->leaf, s[-1].leaf) && str_eq(s->table, s[-1].table);
		const char *leaf = s->leaf && *s->leaf ? short_leaf(s->leaf, s->table) : s->table;

		text_add(&table, same_leaf ? "" : leaf);
		text_add(&table, s->index);
		text_add(&table, s->action);
		text_add(&table, s->bytes_before > 0 ? bytes(&w, s->bytes_before) : "");
		text_add(&table, done && s->bytes_before > 0 ? bytes(&w, s->bytes_after) : "");
		text_add(&table, done ? seconds(&w, s->seconds) : "");
		if ((reasons == EVERY_REASON || put_off) &&
		    !(same_leaf && str_eq(s->reason, s[-1].reason)))
			text_add(&table, s->reason);
		else
			text_add(&table, "");
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	return ok;
}

/* Of files, what went back to the disk and what could: an estimate, so that small change is left out. */
static void print_reclaimed(const struct report *r, const struct firn_maintain_result *x,
			    bool dry_run, int indent)
{
	int64_t reclaimed = 0, reclaimable = 0;
	struct words w = { .used = 0 };

	for (size_t i = 0; i < x->step_count; i++) {
		const struct firn_maintain_step *s = &x->steps[i];

		if (s->bytes_before > s->bytes_after)
			reclaimed += s->bytes_before - s->bytes_after;
		reclaimable += s->reclaimable_bytes;
	}
	if (!dry_run && reclaimed > 0)
		fprintf(r->out, "%*s%s went back to the disk\n", indent, "", bytes(&w, reclaimed));
	if (reclaimable >= 1 << 20)
		fprintf(r->out, "%*s%s inside the files %s free for rows to come\n", indent, "",
			bytes(&w, reclaimable), dry_run ? "would be" : "is");
}

static void print_put_off(const struct report *r, int64_t put_off)
{
	struct words w = { .used = 0 };

	if (put_off > 0)
		fprintf(r->out, "index work on %s %s was put off: run \"firn maintain\" later\n",
			count(&w, put_off), plural(put_off, "leaf", "leaves"));
}

bool text_maintain(const struct report *r, const struct firn_maintain_result *x, bool dry_run,
		   bool failed, struct err *e)
{
	if (x->step_count == 0 && x->put_off == 0 && !failed)
		fputs("no index work is due\n", r->out);
	if (!print_steps(r, x, dry_run, 0, EVERY_REASON, e))
		return false;
	print_reclaimed(r, x, dry_run, 0);
	print_put_off(r, x->put_off);
	return true;
}

static bool print_index_work(const struct report *r, const struct firn_maintain_result *x,
			     struct err *e)
{
	if (x->step_count > 0) {
		fputs("\nindex work\n", r->out);
		if (!print_steps(r, x, false, 2, REASONS_OF_PUT_OFF, e))
			return false;
		print_reclaimed(r, x, false, 2);
	}
	print_put_off(r, x->put_off);
	return true;
}

bool text_pass(const struct report *r, const struct firn_pass_result *x, bool dry_run, bool failed,
	       struct err *e)
{
	struct words w = { .used = 0 };

	if (dry_run)
		return failed || text_plan(r, &x->plan, e);
	if (x->rows_moved > 0)
		fprintf(r->out, "%s %s moved out in %s %s, %s stored as %s (%.2f)\n",
			count(&w, x->rows_moved), rows(x->rows_moved), count(&w, x->segments),
			plural(x->segments, "segment", "segments"), bytes(&w, x->raw_bytes),
			bytes(&w, x->stored_bytes),
			x->raw_bytes > 0 ? (double)x->stored_bytes / (double)x->raw_bytes : 0);
	else if (!failed)
		fputs("no rows moved out\n", r->out);
	if (x->rows_changed > 0)
		fprintf(r->out, "%s %s changed meanwhile and stayed hot\n",
			count(&w, x->rows_changed), rows(x->rows_changed));
	if (x->abandoned > 0)
		fprintf(r->out, "%s unfinished %s of earlier runs undone\n",
			count(&w, x->abandoned), plural(x->abandoned, "move", "moves"));
	if (x->segments_moved_on > 0)
		fprintf(r->out, "%s %s (%s) moved on to another storage class\n",
			count(&w, x->segments_moved_on),
			plural(x->segments_moved_on, "segment", "segments"),
			bytes(&w, x->bytes_moved_on));
	if (x->stopped_early && !failed)
		fprintf(r->out, "stopped early: %s\n",
			x->stop_reason ? x->stop_reason : "a limit was reached");
	if (!print_index_work(r, &x->maintain, e))
		return false;
	if (!failed)
		fprintf(r->out, "%sdone in %s\n", x->maintain.step_count > 0 ? "\n" : "",
			seconds(&w, x->seconds));
	return true;
}

/* ---- rehydrate ---- */

bool text_touch(const struct report *r, const struct firn_touch_result *x, bool failed)
{
	struct words w = { .used = 0 };

	if (failed)
		return true;
	fprintf(r->out, "%s %s recorded", count(&w, x->touched),
		plural(x->touched, "read", "reads"));
	if (x->known_since)
		fprintf(r->out, "; all are known since %s", x->known_since);
	fputc('\n', r->out);
	return true;
}

bool text_rehydrate(const struct report *r, const struct firn_rehydrate_result *x, bool dry_run,
		    bool failed, struct err *e)
{
	struct words w = { .used = 0 };

	if (dry_run && !failed)
		fprintf(r->out, "%s cold %s in %s %s would be brought back\n",
			count(&w, x->rows_matched), rows(x->rows_matched), count(&w, x->segments),
			plural(x->segments, "segment", "segments"));
	else if (x->rows > 0)
		fprintf(r->out, "%s %s brought back from %s %s, %s fetched\n", count(&w, x->rows),
			rows(x->rows), count(&w, x->segments),
			plural(x->segments, "segment", "segments"), bytes(&w, x->bytes_fetched));
	else if (!failed)
		fprintf(r->out, "no rows brought back: %s cold %s matched\n",
			count(&w, x->rows_matched), rows(x->rows_matched));
	if (x->rows_hot > 0)
		fprintf(r->out, "%s %s hot already\n", count(&w, x->rows_hot),
			plural(x->rows_hot, "row is", "rows are"));
	if (x->rows_orphaned > 0)
		fprintf(r->out, "%s %s cold: what they refer to is gone\n",
			count(&w, x->rows_orphaned),
			plural(x->rows_orphaned, "row stays", "rows stay"));
	for (size_t i = 0; i < x->note_count; i++)
		print_lines(r->out, 0, x->notes[i]);
	if (x->segments_frozen > 0 && !dry_run)
		fprintf(r->out,
			"%s %s in a storage class that cannot be read yet: run the same again, or "
			"with --wait\n",
			count(&w, x->segments_frozen),
			plural(x->segments_frozen, "segment is", "segments are"));
	if (!print_index_work(r, &x->maintain, e))
		return false;
	if (!failed && !dry_run)
		fprintf(r->out, "%sdone in %s\n", x->maintain.step_count > 0 ? "\n" : "",
			seconds(&w, x->seconds));
	return true;
}

/* ---- status ---- */

static bool print_sizes(const struct report *r, const struct firn_status_result *x, struct err *e)
{
	static const struct text_column columns[] = {
		{ "TABLE", TEXT_NAME },        { "HOT ROWS", TEXT_NUMBER },
		{ "HEAP", TEXT_NUMBER },       { "TOAST", TEXT_NUMBER },
		{ "INDEXES", TEXT_NUMBER },    { "COLD ROWS", TEXT_NUMBER },
		{ "COLD BYTES", TEXT_NUMBER }, { "UNPACKED", TEXT_NUMBER },
	};
	struct text_table table = { .columns = columns, .column_count = 8 };
	bool ok;

	for (size_t t = 0; t < x->table_count; t++) {
		size_t l = 0;
		const struct firn_status_row *s = &x->tables[t];
		const char *indent = "";

		/* The table's sums, then its leaves a step to the right. */
		for (;;) {
			text_addf(&table, "%s%s", indent,
				  *indent ? short_leaf(s->leaf, s->table) : s->table);
			text_add_estimate(&table, s->hot_rows, s->hot_rows_estimated != 0);
			text_add_bytes(&table, s->hot.heap_bytes);
			text_add_bytes(&table, s->hot.toast_bytes);
			text_add_bytes(&table, s->hot.index_bytes);
			text_add_count(&table, s->cold_rows);
			text_add_bytes(&table, s->cold_bytes);
			text_add_bytes(&table, s->cold_raw_bytes);
			indent = "  ";
			while (l < x->leaf_count &&
			       (!str_eq(x->leaves[l].table, x->tables[t].table) ||
				str_eq(x->leaves[l].leaf, x->tables[t].table)))
				l++;
			if (l == x->leaf_count)
				break;
			s = &x->leaves[l++];
		}
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	return ok;
}

static bool print_workspaces(const struct report *r, const struct firn_status_result *x,
			     struct err *e)
{
	static const struct text_column columns[] = {
		{ "TABLE", TEXT_NAME },       { "WORKSPACE", TEXT_NAME },
		{ "VERSION", TEXT_NAME },     { "HOT ROWS", TEXT_NUMBER },
		{ "COLD ROWS", TEXT_NUMBER }, { "COLD BYTES", TEXT_NUMBER },
	};
	struct text_table table = { .columns = columns, .column_count = 6 };
	bool ok;

	if (x->workspace_count == 0)
		return true;
	fputc('\n', r->out);
	for (size_t i = 0; i < x->workspace_count; i++) {
		const struct firn_status_row *s = &x->workspaces[i];

		text_add(&table, x->table_count > 1 ? s->table : "");
		text_add(&table, s->workspace);
		text_add(&table, s->version);
		text_add_estimate(&table, s->hot_rows, s->hot_rows_estimated != 0);
		text_add_count(&table, s->cold_rows);
		text_add_bytes(&table, s->cold_bytes);
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	return ok;
}

bool text_status(const struct report *r, const struct firn_status_result *x, struct err *e)
{
	struct words w = { .used = 0 };

	if (!print_sizes(r, x, e) || !print_workspaces(r, x, e))
		return false;
	fprintf(r->out, "%ssegments   %s active", x->table_count > 0 ? "\n" : "",
		count(&w, x->segments_active));
	if (x->segments_intent > 0)
		fprintf(r->out, ", %s unfinished", count(&w, x->segments_intent));
	if (x->segments_retired > 0)
		fprintf(r->out, ", %s retired", count(&w, x->segments_retired));
	if (x->encrypts && x->segments_not_encrypted > 0)
		fprintf(r->out, "; %s not encrypted", count(&w, x->segments_not_encrypted));
	fputc('\n', r->out);
	if (x->last_pass_at)
		fprintf(r->out, "last pass  %s%s%s\n", x->last_pass_at,
			x->last_pass_outcome ? ", " : "",
			x->last_pass_outcome ? x->last_pass_outcome : "");
	else
		fputs("last pass  none yet\n", r->out);
	if (x->maintenance_due > 0)
		fprintf(r->out, "due        index work on %s %s: run \"firn maintain\"\n",
			count(&w, x->maintenance_due),
			plural(x->maintenance_due, "leaf", "leaves"));
	return true;
}

/* ---- verify, gc ---- */

bool text_verify(const struct report *r, const struct firn_verify_result *x, bool deep, bool failed,
		 struct err *e)
{
	struct words w = { .used = 0 };

	(void)e;
	for (size_t i = 0; i < x->problem_count; i++) {
		const struct firn_problem *p = &x->problems[i];

		fputs("problem: ", r->out);
		if (p->segment)
			fprintf(r->out, "segment %" PRId64 ": ", p->segment);
		if (p->object)
			fprintf(r->out, "object \"%s\": ", p->object);
		fprintf(r->out, "%s\n", p->message);
	}
	/* What stopped it halfway is the caller's to say; what was looked at is still worth knowing. */
	if (failed && x->objects == 0)
		return true;
	fprintf(r->out, "%s %s, %s %s, %s checked", count(&w, x->segments),
		plural(x->segments, "segment", "segments"), count(&w, x->objects),
		plural(x->objects, "object", "objects"), bytes(&w, x->bytes));
	if (deep)
		fprintf(r->out, "; %s %s decoded and hashed", count(&w, x->rows), rows(x->rows));
	fprintf(r->out, " in %s: ", seconds(&w, x->seconds));
	if (x->segments_frozen > 0)
		fprintf(r->out,
			"%s %s in a storage class that cannot be read, of these only the size was "
			"checked; ",
			count(&w, x->segments_frozen),
			plural(x->segments_frozen, "segment is", "segments are"));
	if (x->problem_count > 0)
		fprintf(r->out, "%s %s\n", count(&w, (int64_t)x->problem_count),
			plural((int64_t)x->problem_count, "problem", "problems"));
	else
		fputs(failed ? "not finished\n" : "no problems\n", r->out);
	if (x->encrypts && x->not_encrypted > 0)
		fprintf(r->out, "%s %s not encrypted\n", count(&w, x->not_encrypted),
			plural(x->not_encrypted, "segment is", "segments are"));
	return true;
}

/* What was given decides what can go, so that it is given again. */
static const char *gc_options(const struct firn_gc_options *o, char *out, size_t out_len)
{
	char horizon[48] = "";

	if (o->horizon_s >= 0)
		snprintf(horizon, sizeof(horizon),
			 o->horizon_s % 86400 == 0 ? " --horizon %" PRId64 "d"
						   : " --horizon %" PRId64 "s",
			 o->horizon_s % 86400 == 0 ? o->horizon_s / 86400 : o->horizon_s);
	snprintf(out, out_len, "%s%s%s", horizon, o->orphans ? " --orphans" : "",
		 o->expire ? " --expire" : "");
	return out;
}

bool text_gc(const struct report *r, const struct firn_gc_result *x,
	     const struct firn_gc_options *options, struct err *e)
{
	static const struct text_column columns[] = {
		{ "OBJECT", TEXT_NAME },  { "KIND", TEXT_WORD },  { "SEGMENT", TEXT_NUMBER },
		{ "BYTES", TEXT_NUMBER }, { "AGE", TEXT_NUMBER }, { "STATE", TEXT_WORD },
		{ "REASON", TEXT_NOTE },
	};
	struct text_table table = { .columns = columns, .column_count = 7 };
	struct words w = { .used = 0 };
	int64_t removable = 0, removed = 0;
	bool confirm = options->confirm, ok;
	char given[96];

	for (size_t i = 0; i < x->item_count; i++) {
		const struct firn_gc_item *g = &x->items[i];
		char age[32];

		text_add(&table, g->object);
		text_add(&table, g->kind);
		if (g->segment)
			text_addf(&table, "%" PRId64, g->segment);
		else
			text_add(&table, "");
		text_add_bytes(&table, g->bytes);
		text_add(&table, str_format_duration(g->age_s, age, sizeof(age)));
		text_add(&table, g->removed ? "removed" : g->removable ? "removable" : "kept");
		text_add(&table, g->reason);
		removable += g->removable && !g->removed;
		removed += g->removed;
	}
	ok = text_table_print(&table, r->out, r->width, e);
	text_table_release(&table);
	if (!ok)
		return false;
	if (x->given_up > 0)
		fprintf(r->out, "\n%s cold %s given up, which delete_after keeps no longer\n",
			count(&w, x->given_up), plural(x->given_up, "row was", "rows were"));
	if (x->item_count == 0)
		fputs("nothing to remove: every object belongs to an active segment\n", r->out);
	else if (confirm)
		fprintf(r->out, "\n%s %s removed, %s freed\n", count(&w, removed),
			plural(removed, "object", "objects"), bytes(&w, x->removed_bytes));
	if (x->item_count > 0 && confirm && x->put_off > 0)
		fprintf(r->out, "%s %s put off: the reasons say until when\n",
			count(&w, x->put_off), plural(x->put_off, "is", "are"));
	if (x->item_count == 0 || confirm)
		return true;
	if (removable > 0)
		fprintf(r->out,
			"\n%s of %zu %s (%s) can go: run \"firn gc%s --confirm\" to remove them\n",
			count(&w, removable), x->item_count,
			plural((int64_t)x->item_count, "object", "objects"),
			bytes(&w, x->removable_bytes), gc_options(options, given, sizeof(given)));
	else
		fputs("\nnone of these can go yet\n", r->out);
	return true;
}

/* ---- report ---- */
