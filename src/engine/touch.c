/* firn touch: reads that come as ids or CSV, into the log that firn.touch writes to. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"
#include "catalog/candidate_reads.h"
#include "catalog/heat.h"
#include "engine/reads.h"
#include "segment/copybin.h"

/* A row of the log takes reads that follow each other, as far as workspace and time are the same. */
#define IDS_A_ROW   100
#define BYTES_A_ROW 65536
#define SEND_BYTES  (1 << 20)

#define TEXT_OID     25
#define PG_EPOCH_US  (INT64_C(946684800) * 1000000) /* timestamptz counts from 2000 */
#define SIGNAL_LINES 4096

enum touch_column {
	TOUCH_ID,
	TOUCH_WORKSPACE,
	TOUCH_READ_AT,
	TOUCH_COLUMNS
};
static const char *const column_names[TOUCH_COLUMNS] = { "id", "workspace", "read_at" };

struct touching {
	struct firn *f;
	const struct table_info *info;
	struct csv csv;
	bool is_csv;
	int positions[TOUCH_COLUMNS]; /* of the header; -1: it has none */
	size_t field_count;           /* of the header */
	bool utf8;                    /* what the database stores */
	int64_t now_us;
	/* The row of the log that is being filled. */
	char *workspace;
	int64_t read_at_us;
	struct buf ids;
	uint32_t id_count;
	struct buf out;
	int64_t touched;
};

static bool bad_line(const struct touching *t, struct err *e, const char *what)
{
	return err_set(e, ERR_DATA, "line %" PRId64 ": %s", t->csv.record, what);
}

/* ---- writing ---- */

static bool send(struct touching *t, struct err *e)
{
	bool ok = buf_ok(&t->out, e) && pg_copy_in_write(t->f->pg, t->out.data, t->out.len, e);

	buf_clear(&t->out);
	return ok;
}

static bool end_row(struct touching *t, struct err *e)
{
	struct buf oid = BUF_INIT, ids = BUF_INIT, at = BUF_INIT;
	bool ok;

	if (t->id_count == 0)
		return true;
	buf_add_u32be(&oid, t->info->oid);
	buf_add_u32be(&ids, 1); /* dimensions */
	buf_add_u32be(&ids, 0); /* no NULLs */
	buf_add_u32be(&ids, TEXT_OID);
	buf_add_u32be(&ids, t->id_count);
	buf_add_u32be(&ids, 1); /* the first has this number */
	buf_add(&ids, t->ids.data, t->ids.len);
	buf_add_u64be(&at, (uint64_t)(t->read_at_us - PG_EPOCH_US));
	ok = buf_ok(&oid, e) && buf_ok(&t->ids, e) && buf_ok(&ids, e) && buf_ok(&at, e);
	if (ok) {
		const struct field fields[] = {
			{ oid.data, (int32_t)oid.len },
			{ (const uint8_t *)t->workspace, (int32_t)strlen(t->workspace) },
			{ ids.data, (int32_t)ids.len },
			{ at.data, (int32_t)at.len },
		};

		copybin_add_row(&t->out, fields, 4);
		ok = t->out.len < SEND_BYTES || send(t, e);
	}
	t->touched += t->id_count;
	t->id_count = 0;
	buf_clear(&t->ids);
	buf_release(&oid);
	buf_release(&ids);
	buf_release(&at);
	return ok;
}

static bool check_text(const struct touching *t, const char *text, struct err *e)
{
	size_t len;

	for (; t->utf8 && *text; text += len) {
		len = str_utf8_len(text);
		if (len == 0)
			return bad_line(t, e, "it is not UTF-8");
	}
	return true;
}

/* The log takes any text, but one that no chunk can have would never count. */
static bool check_id(const struct touching *t, const char *id, struct err *e)
{
	const struct column *c;

	if (candidate_reads_takes(t->info, id))
		return true;
	c = table_info_column(t->info, COLUMN_ID);
	return err_set(e, ERR_DATA, "line %" PRId64 ": \"%s\" is not a value of column \"%s\" (%s)",
		       t->csv.record, id, c->name, c->type_full);
}

static bool add_read(struct touching *t, const char *id, const char *workspace, int64_t read_at_us,
		     struct err *e)
{
	if (!check_text(t, id, e) || !check_text(t, workspace, e) || !check_id(t, id, e))
		return false;
	if (t->id_count > 0 &&
	    (t->id_count == IDS_A_ROW || t->ids.len > BYTES_A_ROW || read_at_us != t->read_at_us ||
	     !str_eq(workspace, t->workspace)) &&
	    !end_row(t, e))
		return false;
	if (t->id_count == 0 && !str_eq(workspace, t->workspace)) {
		free(t->workspace);
		t->workspace = mem_strdup(workspace, e);
		if (!t->workspace)
			return false;
	}
	t->read_at_us = read_at_us;
	buf_add_u32be(&t->ids, (uint32_t)strlen(id));
	buf_add_str(&t->ids, id);
	t->id_count++;
	return true;
}

/* ---- reading ---- */

/* Whether the first line is a header: its first field is one of the names. */
static bool begins_as_header(const char *line)
{
	bool quoted = *line == '"';

	for (int i = 0; i < TOUCH_COLUMNS; i++) {
		size_t len = strlen(column_names[i]);
		const char *end = line + quoted + len;

		if (strncmp(line + quoted, column_names[i], len) == 0 &&
		    (!quoted || *end++ == '"') && (*end == ',' || *end == '\0'))
			return true;
	}
	return false;
}

static bool take_header(struct touching *t, struct err *e)
{
	if (!csv_split(&t->csv, e))
		return false;
	t->is_csv = true;
	t->field_count = t->csv.field_count;
	for (size_t i = 0; i < t->csv.field_count; i++) {
		int column = 0;

		while (column < TOUCH_COLUMNS && !str_eq(column_names[column], t->csv.fields[i]))
			column++;
		if (column == TOUCH_COLUMNS || t->positions[column] >= 0)
			return err_set(e, ERR_DATA,
				       "line %" PRId64
				       ": the column \"%s\" is not one of id, workspace and "
				       "read_at, each once",
				       t->csv.record, t->csv.fields[i]);
		t->positions[column] = (int)i;
	}
	return t->positions[TOUCH_ID] >= 0 || bad_line(t, e, "the header has no column id");
}

static bool take_record(struct touching *t, struct err *e)
{
	const char *values[TOUCH_COLUMNS] = { "", "", "" };
	int64_t at_us = t->now_us;
	struct err wrong = { 0 };

	if (!csv_split(&t->csv, e))
		return false;
	if (t->csv.field_count != t->field_count)
		return err_set(e, ERR_DATA, "line %" PRId64 ": %zu fields, the header has %zu",
			       t->csv.record, t->csv.field_count, t->field_count);
	for (int i = 0; i < TOUCH_COLUMNS; i++)
		if (t->positions[i] >= 0)
			values[i] = t->csv.fields[t->positions[i]];
	if (!*values[TOUCH_ID])
		return bad_line(t, e, "it has no id");
	if (*values[TOUCH_READ_AT] && !str_parse_time(values[TOUCH_READ_AT], &at_us, &wrong))
		return bad_line(t, e, wrong.message);
	return add_read(t, values[TOUCH_ID], values[TOUCH_WORKSPACE], at_us, e);
}

static bool take_line(struct touching *t, struct err *e)
{
	const char *line = buf_str(&t->csv.text);

	if (t->csv.line == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0) {
		memmove(t->csv.text.data, t->csv.text.data + 3, t->csv.text.len - 3);
		t->csv.text.len -= 3;
		line = buf_str(&t->csv.text);
	}
	if (!*line)
		return true;
	if (t->csv.line == 1 && begins_as_header(line))
		return take_header(t, e);
	if (t->is_csv)
		return take_record(t, e);
	if (t->csv.line == 1 && strchr(line, ',')) {
		bad_line(t, e, "a comma, but no header");
		return err_hint(e, "CSV begins with a line such as id,workspace,read_at. Ids with "
				   "commas are written as CSV, too.");
	}
	return add_read(t, line, "", t->now_us, e);
}

static bool take_all(struct touching *t, struct err *e)
{
	bool end = false, ok = true;

	copybin_add_header(&t->out);
	while (ok) {
		ok = csv_line(&t->csv, &end, e);
		if (!ok || end)
			break;
		if (t->csv.line % SIGNAL_LINES == 0 && signal_stop_requested())
			return err_set(e, ERR_INTERRUPTED, "a signal asked to stop");
		ok = take_line(t, e);
	}
	ok = ok && end_row(t, e);
	copybin_add_trailer(&t->out);
	return ok && send(t, e);
}

static bool ask_server(struct touching *t, struct err *e)
{
	struct pg_result *r = NULL;

	if (!pg_query(t->f->pg,
		      "SELECT floor(extract(epoch FROM now()) * 1000000)::bigint, "
		      "current_setting('server_encoding') = 'UTF8'",
		      NULL, &r, e))
		return false;
	t->now_us = pg_i64(r, 0, 0);
	t->utf8 = pg_bool(r, 0, 1);
	pg_result_free(r);
	return true;
}

/* One transaction: all lines, or none. */
static bool record(struct touching *t, int64_t table_id, const int64_t *since_us, struct err *e)
{
	struct pg *pg = t->f->pg;
	struct err ignored = { 0 };
	bool ok;

	if (!heat_record_start(pg, t->info->oid, e))
		return false;
	ok = take_all(t, e);
	if (!ok)
		pg_copy_in_finish(pg, "a line is wrong", &ignored);
	ok = ok && pg_copy_in_finish(pg, NULL, e) &&
	     (!since_us || heat_complete_since(pg, table_id, *since_us, e)) &&
	     (t->touched > 0 || since_us ? pg_commit(pg, e) : true);
	pg_rollback(pg);
	return ok;
}

bool firn_touch(struct firn *f, const struct firn_touch_options *options,
		struct firn_touch_result *result, struct err *e)
{
	struct touching t = { .f = f, .csv = { .in = options->in }, .positions = { -1, -1, -1 } };
	int64_t started_ms = clock_now_ms(f->clock), since_us = 0;
	struct engine_table table = { 0 };
	struct heat_known known;
	bool ok = false;

	*result = (struct firn_touch_result){ 0 };
	if (options->complete_since && !str_parse_time(options->complete_since, &since_us, e)) {
		e->code = ERR_USAGE;
		return false;
	}
	if (!engine_tables_given(f, e))
		return false;
	if (f->table_count > 1) {
		err_set(e, ERR_USAGE, "reads are recorded for one table at a time");
		return err_hint(e, "Name it by --table schema.table.");
	}
	if (!engine_table_open(f, &f->tables[0], &table, e) || !reads_check_log(f, e) ||
	    !ask_server(&t, e))
		goto out;
	t.info = table.info;
	result->table = mem_strdup(table.info->label, e);
	ok = result->table && record(&t, table.id, options->complete_since ? &since_us : NULL, e) &&
	     heat_look(f->pg, table.id, &known, e);
	if (!ok)
		goto out;
	result->touched = t.touched;
	if (known.tracked) {
		result->known_since = mem_strdup(known.since, e);
		ok = result->known_since != NULL;
	}
out:
	result->seconds = (double)(clock_now_ms(f->clock) - started_ms) / 1000;
	csv_release(&t.csv);
	free(t.workspace);
	buf_release(&t.ids);
	buf_release(&t.out);
	engine_table_close(&table);
	return ok;
}
