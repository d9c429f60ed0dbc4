/* What storage costs for other programs: comma-separated values (RFC 4180), and Prometheus' text format for node_exporter's
 * textfile collector. */
#include <inttypes.h>
#include <string.h>

#include "base/money.h"
#include "base/str.h"
#include "report/render.h"

/* A spreadsheet takes text that begins like this for a formula; an apostrophe before it keeps it text. */
static void csv_text(FILE *out, const char *s)
{
	bool formula = s && *s && strchr("=+-@\t\r", *s);

	if (!s)
		return;
	if (!formula && !strpbrk(s, ",\"\r\n")) {
		fputs(s, out);
		return;
	}
	fputs(formula ? "\"'" : "\"", out);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void csv_row(FILE *out, const struct firn_report_result *x, const struct firn_report_row *c)
{
	char hot[MONEY_MAX], cold[MONEY_MAX], all[MONEY_MAX], saved[MONEY_MAX], early[MONEY_MAX],
		objects[MONEY_MAX], requests[MONEY_MAX], cache[MONEY_MAX];

	csv_text(out, c->table);
	fputc(',', out);
	csv_text(out, c->leaf);
	fputc(',', out);
	csv_text(out, c->workspace);
	fputc(',', out);
	csv_text(out, c->version);
	fputc(',', out);
	if (c->segment)
		fprintf(out, "%" PRId64, c->segment);
	fprintf(out, ",%s,", c->month);
	csv_text(out, c->storage_class);
	fprintf(out,
		",%" PRId64 ",%d,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64
		",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%s,%s,%s,%s,%s,%s,%s,%s,",
		c->hot_rows, c->hot_rows_estimated != 0, c->hot.heap_bytes, c->hot.toast_bytes,
		c->hot.index_bytes, c->cold_rows, c->cold_bytes, c->cold_billed_bytes,
		c->cold_raw_bytes, c->reclaimable_bytes, x->currency,
		money_decimal(c->cost.hot_nano, hot), money_decimal(c->cost.cold_nano, cold),
		money_decimal(c->cost.objects_nano, objects),
		money_decimal(c->cost.requests_nano, requests),
		money_decimal(c->cost.cache_nano, cache), money_decimal(c->cost.all_hot_nano, all),
		money_decimal(c->cost.saved_nano, saved), money_decimal(c->cost.early_nano, early));
	if (c->break_even_known && c->break_even_days >= 0)
		fprintf(out, "%.3f", c->break_even_days);
	fputs(c->break_even_known && c->break_even_days < 0 ? "never\r\n" : "\r\n", out);
}

bool csv_cost(const struct report *r, const struct firn_report_result *x)
{
	fputs("table,leaf,workspace,version,segment,month,storage_class,hot_rows,hot_rows_"
	      "estimated,heap_bytes,toast_bytes,index_bytes,cold_rows,"
	      "cold_bytes,cold_billed_bytes,cold_raw_bytes,reclaimable_bytes,currency,"
	      "hot_per_month,cold_per_month,objects_per_month,requests_per_month,"
	      "cache_per_month,all_hot_per_month,saved_per_month,"
	      "early_deletion_once,break_even_days\r\n",
	      r->out);
	for (size_t i = 0; i < x->row_count; i++)
		csv_row(r->out, x, &x->rows[i]);
	return true;
}

static void family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* One value that is not UTF-8 would have Prometheus refuse all of it. */
static void label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	while (value && *value) {
		size_t len = str_utf8_len(value);

		if (*value == '\n')
			fputs("\\n", out);
		else if (len == 0)
			fputs("\xEF\xBF\xBD", out);
		else
			fprintf(out, "%s%.*s", *value == '"' || *value == '\\' ? "\\" : "",
				(int)len, value);
		value += len ? len : 1;
	}
	fputc('"', out);
}

static void gauge(FILE *out, const char *name, const char *type, const char *help, int64_t value)
{
	family(out, name, type, help);
	fprintf(out, "%s %" PRId64 "\n", name, value);
}

static void sample(FILE *out, const struct firn_report_result *x, const char *name,
		   const struct firn_report_row *c, const char *tier, const char *part)
{
	fprintf(out, "%s{", name);
	label(out, "table", c->table);
	if (*c->leaf) {
		fputc(',', out);
		label(out, "leaf", c->leaf);
	}
	if (x->by == FIRN_BY_WORKSPACE) {
		fputc(',', out);
		label(out, "workspace", c->workspace);
	}
	if (x->by == FIRN_BY_VERSION) {
		fputc(',', out);
		label(out, "version", c->version);
	}
	if (tier) {
		fputc(',', out);
		label(out, "tier", tier);
	}
	if (part) {
		fputc(',', out);
		label(out, "part", part);
	}
	fputs("} ", out);
}

static void rows_and_bytes(FILE *out, const struct firn_report_result *x)
{
	family(out, "firn_rows", "gauge", "Rows of managed tables, hot ones by the statistics.");
	for (size_t i = 0; i < x->row_count; i++) {
		sample(out, x, "firn_rows", &x->rows[i], "hot", NULL);
		fprintf(out, "%" PRId64 "\n", x->rows[i].hot_rows);
		sample(out, x, "firn_rows", &x->rows[i], "cold", NULL);
		fprintf(out, "%" PRId64 "\n", x->rows[i].cold_rows);
	}
	family(out, "firn_size_bytes", "gauge", "What they take, in Postgres and in the archive.");
	for (size_t i = 0; i < x->row_count; i++) {
		const struct firn_report_row *c = &x->rows[i];

		sample(out, x, "firn_size_bytes", c, "hot", "heap");
		fprintf(out, "%" PRId64 "\n", c->hot.heap_bytes);
		sample(out, x, "firn_size_bytes", c, "hot", "toast");
		fprintf(out, "%" PRId64 "\n", c->hot.toast_bytes);
		sample(out, x, "firn_size_bytes", c, "hot", "indexes");
		fprintf(out, "%" PRId64 "\n", c->hot.index_bytes);
		sample(out, x, "firn_size_bytes", c, "cold", "objects");
		fprintf(out, "%" PRId64 "\n", c->cold_bytes);
	}
	family(out, "firn_reclaimable_bytes", "gauge",
	       "Of the hot bytes, an estimate of what a fresh copy would not take.");
	for (size_t i = 0; i < x->row_count; i++) {
		sample(out, x, "firn_reclaimable_bytes", &x->rows[i], NULL, NULL);
		fprintf(out, "%" PRId64 "\n", x->rows[i].reclaimable_bytes);
	}
}

static void money_family(FILE *out, const struct firn_report_result *x, const char *name,
			 const char *help, size_t offset)
{
	char text[MONEY_MAX];

	family(out, name, "gauge", help);
	for (size_t i = 0; i < x->row_count; i++) {
		int64_t nano;

		memcpy(&nano, (const char *)&x->rows[i].cost + offset, sizeof(nano));
		sample(out, x, name, &x->rows[i], NULL, NULL);
		fprintf(out, "%s\n", money_decimal(nano, text));
	}
}

static void inspections(FILE *out, const struct firn_operations *o)
{
	if (o->last_pass_s > 0)
		gauge(out, "firn_pass_last_timestamp_seconds", "gauge",
		      "When the latest pass ended, however it did.", o->last_pass_s);
	if (o->last_pass_done_s > 0)
		gauge(out, "firn_pass_last_success_timestamp_seconds", "gauge",
		      "When the latest pass ended that did all its work, or as much as its limits "
		      "allow.",
		      o->last_pass_done_s);
	if (o->last_verify_s > 0) {
		gauge(out, "firn_verify_last_timestamp_seconds", "gauge",
		      "When the latest verify ended.", o->last_verify_s);
		gauge(out, "firn_verify_last_success", "gauge",
		      "Whether it ended well and found no problem.", o->last_verify_ok == 1);
		gauge(out, "firn_verify_last_problems", "gauge", "Problems that it found.",
		      o->last_verify_problems);
	}
	if (o->last_gc_s > 0)
		gauge(out, "firn_gc_last_timestamp_seconds", "gauge", "When the latest gc ended.",
		      o->last_gc_s);
	if (o->orphans >= 0) {
		gauge(out, "firn_orphan_objects", "gauge",
		      "Objects that no row of the catalog names, by the latest gc.", o->orphans);
		gauge(out, "firn_orphan_bytes", "gauge", "What these take.", o->orphan_bytes);
	}
}

static void requests(FILE *out, const struct firn_report_result *x)
{
	family(out, "firn_archive_requests_total", "counter",
	       "Requests to the archive that commands ever made.");
	for (size_t i = 0; i < x->request_total_count; i++) {
		fputs("firn_archive_requests_total{", out);
		label(out, "kind", x->request_totals[i].kind);
		fprintf(out, "} %" PRId64 "\n", x->request_totals[i].calls);
	}
	family(out, "firn_archive_request_bytes_total", "counter",
	       "Bytes of their bodies, either way.");
	for (size_t i = 0; i < x->request_total_count; i++) {
		fputs("firn_archive_request_bytes_total{", out);
		label(out, "kind", x->request_totals[i].kind);
		fprintf(out, "} %" PRId64 "\n", x->request_totals[i].bytes);
	}
}

bool prometheus_cost(const struct report *r, const struct firn_report_result *x)
{
	const struct firn_operations *o = &x->operations;
	FILE *out = r->out;

	rows_and_bytes(out, x);
	money_family(out, x, "firn_hot_cost_per_month",
		     "What the hot rows cost a month, in the price list's currency.",
		     offsetof(struct firn_cost, hot_nano));
	money_family(out, x, "firn_cold_cost_per_month",
		     "What the cold rows cost a month: objects, requests and the local cache.",
		     offsetof(struct firn_cost, cold_nano));
	money_family(out, x, "firn_all_hot_cost_per_month",
		     "What all would cost a month if it were hot.",
		     offsetof(struct firn_cost, all_hot_nano));
	money_family(out, x, "firn_saved_per_month", "The difference.",
		     offsetof(struct firn_cost, saved_nano));
	inspections(out, o);
	family(out, "firn_segments", "gauge", "Segments of the catalog by state.");
	fprintf(out,
		"firn_segments{state=\"active\"} %" PRId64
		"\nfirn_segments{state=\"intent\"} %" PRId64
		"\nfirn_segments{state=\"retired\"} %" PRId64 "\n",
		o->segments_active, o->segments_intent, o->segments_retired);
	gauge(out, "firn_maintenance_due_leaves", "gauge", "Leaves with index work to do.",
	      o->maintenance_due);
	gauge(out, "firn_moved_rows_total", "counter", "Rows that passes ever moved out.",
	      o->rows_moved_total);
	gauge(out, "firn_rehydrated_rows_total", "counter", "Rows that ever came back.",
	      o->rows_rehydrated_total);
	gauge(out, "firn_rehydrates_total", "counter", "Rehydrates that brought any back.",
	      o->cold_reads_total);
	if (x->request_total_count > 0)
		requests(out, x);
	return true;
}
