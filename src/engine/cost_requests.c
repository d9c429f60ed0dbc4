/* Requests to the archive in a report: of the last 30 days, shared out over the rows with the local cache; of
 * each day, of each pass, since a day, and ever. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/usage.h"
#include "engine/cost_report.h"
#include "engine/crew.h"

#define RECENT_DAYS 30

static int64_t request_nano(struct cost_report *r, const char *kind, const char *storage_class,
			    int64_t calls, int64_t bytes)
{
	const struct bill_class class = cost_class(r, storage_class), standard = cost_class(r, "");

	return bill_requests(&class, &standard, kind, calls, bytes);
}

/* ---- of a month, and of each day ---- */

static bool load_recent(struct cost_report *r, struct err *e)
{
	struct pg_result *rows = NULL;
	bool ok = usage_recent_requests(r->f->pg, RECENT_DAYS, &rows, e);

	if (ok) {
		r->requests = mem_new((size_t)pg_rows(rows) + 1, sizeof(*r->requests), e);
		ok = r->requests != NULL;
	}
	for (int i = 0; ok && i < pg_rows(rows); i++) {
		struct cost_requests *q = &r->requests[r->request_count++];

		snprintf(q->kind, sizeof(q->kind), "%s", pg_text(rows, i, 0));
		snprintf(q->storage_class, sizeof(q->storage_class), "%s", pg_text(rows, i, 1));
		q->calls = pg_i64(rows, i, 2);
		q->bytes = pg_i64(rows, i, 3);
		q->month_nano = request_nano(r, q->kind, q->storage_class, q->calls, q->bytes);
		r->requests_nano += q->month_nano;
	}
	pg_result_free(rows);
	return ok;
}

static bool load_days(struct cost_report *r, struct err *e)
{
	struct pg_result *rows = NULL;
	bool ok = usage_requests_by_day(r->f->pg, &rows, e);

	if (ok) {
		r->request_days = mem_new((size_t)pg_rows(rows) + 1, sizeof(*r->request_days), e);
		ok = r->request_days != NULL;
	}
	for (int i = 0; ok && i < pg_rows(rows); i++) {
		const char *day = pg_text(rows, i, 0);
		size_t n = r->request_day_count;

		if (n == 0 || !str_eq(r->request_days[n - 1].day, day)) {
			snprintf(r->request_days[n].day, sizeof(r->request_days[n].day), "%s", day);
			n = ++r->request_day_count;
		}
		r->request_days[n - 1].nano +=
			request_nano(r, pg_text(rows, i, 1), pg_text(rows, i, 2),
				     pg_i64(rows, i, 3), pg_i64(rows, i, 4));
	}
	pg_result_free(rows);
	return ok;
}

static int by_day(const void *day, const void *entry)
{
	return strcmp(day, ((const struct cost_day_requests *)entry)->day);
}

int64_t cost_requests_of(const struct cost_report *r, const char *day)
{
	const struct cost_day_requests *d = bsearch(day, r->request_days, r->request_day_count,
						    sizeof(*r->request_days), by_day);

	return d ? d->nano : 0;
}

/* ---- shared out ---- */

double cost_weight(const struct cost_report *r, int64_t billed_bytes, const struct firn_size *hot)
{
	if (r->any_cold)
		return (double)billed_bytes;
	return (double)hot->heap_bytes + (double)hot->toast_bytes + (double)hot->index_bytes;
}

void cost_share(const struct cost_report *r, struct bill_shared *shared,
		struct firn_report_row *row)
{
	bill_share(shared, cost_weight(r, row->cold_billed_bytes, &row->hot), &row->cost);
}

bool cost_shared_load(struct cost_report *r, const struct cost_managed *tables, size_t table_count,
		      struct err *e)
{
	struct bill_shared all = { 0 };

	if (!load_recent(r, e) || !load_days(r, e))
		return false;
	r->cache_bytes = engine_cache_bytes(r->f);
	r->cache_nano = bill_gib((double)r->cache_bytes, r->prices.cache_gib_nano);
	for (size_t i = 0; i < table_count; i++)
		for (size_t j = 0; j < tables[i].measured.leaf_count; j++)
			r->any_cold |= tables[i].measured.leaves[j].cold_billed_bytes > 0;
	for (size_t i = 0; i < table_count; i++)
		for (size_t j = 0; j < tables[i].measured.leaf_count; j++) {
			const struct cost_leaf *leaf = &tables[i].measured.leaves[j];

			all.weight += cost_weight(r, leaf->cold_billed_bytes, &leaf->hot.size);
		}
	all.requests_nano = r->requests_nano;
	all.cache_nano = r->cache_nano;
	r->to_tables = r->to_rows = r->to_tenants = all;
	return true;
}

void cost_shared_release(struct cost_report *r)
{
	free(r->requests);
	free(r->request_days);
}

/* ---- of passes ---- */

static bool add_pass_requests(struct cost_report *c, struct err *e)
{
	struct firn_report_result *x = c->result;
	struct pg_result *r = NULL;
	bool ok = usage_read_pass_requests(c->f->pg, x->since, &r, e);
	size_t at = 0;

	/* Both are by pass, newest first. */
	for (int i = 0; ok && i < pg_rows(r); i++) {
		struct firn_pass_record *p;

		while (at < x->pass_count && x->passes[at].id > pg_i64(r, i, 0))
			at++;
		if (at == x->pass_count || x->passes[at].id != pg_i64(r, i, 0))
			continue;
		p = &x->passes[at];
		if (p->requests < 0)
			p->requests = 0;
		p->requests += pg_i64(r, i, 3);
		p->requests_nano += request_nano(c, pg_text(r, i, 1), pg_text(r, i, 2),
						 pg_i64(r, i, 3), pg_i64(r, i, 4));
	}
	pg_result_free(r);
	return ok;
}

bool cost_passes(struct cost_report *c, struct err *e)
{
	struct firn_report_result *x = c->result;
	struct pg_result *r = NULL;
	bool ok = usage_passes(c->f->pg, x->since, &r, e);

	if (ok) {
		x->passes = mem_new((size_t)pg_rows(r) + 1, sizeof(*x->passes), e);
		ok = x->passes != NULL;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		struct firn_pass_record *p = &x->passes[x->pass_count++];

		*p = (struct firn_pass_record){
			.id = pg_i64(r, i, 0),
			.table = mem_strdup(pg_text(r, i, 1), e),
			.started_at = mem_strdup(pg_text(r, i, 2), e),
			.seconds = pg_f64(r, i, 3),
			.outcome = mem_strdup(pg_text(r, i, 4), e),
			.rows_moved = pg_i64(r, i, 5),
			.rows_changed = pg_i64(r, i, 6),
			.segments = pg_i64(r, i, 7),
			.raw_bytes = pg_i64(r, i, 8),
			.stored_bytes = pg_i64(r, i, 9),
			.move_seconds = pg_f64(r, i, 10),
			.requests = -1,
		};
		ok = p->table && p->started_at && p->outcome;
		p->end = p->seconds < 0                     ? FIRN_PASS_RUNS
			 : ok && str_eq(p->outcome, "done") ? FIRN_PASS_DONE
			 : ok && crew_is_limit(p->outcome)  ? FIRN_PASS_LIMITED
							    : FIRN_PASS_FAILED;
	}
	pg_result_free(r);
	return ok && add_pass_requests(c, e);
}

/* ---- since a day, and ever ---- */

static bool read_since(struct cost_report *c, struct err *e)
{
	struct firn_report_result *x = c->result;
	struct pg_result *r = NULL;
	bool ok = usage_read_requests(c->f->pg, x->since, &r, e);

	if (ok) {
		x->requests = mem_new((size_t)pg_rows(r) + 1, sizeof(*x->requests), e);
		ok = x->requests != NULL;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		struct firn_request_count *q = &x->requests[x->request_count++];

		*q = (struct firn_request_count){
			.kind = mem_strdup(pg_text(r, i, 0), e),
			.storage_class = mem_strdup(pg_text(r, i, 1), e),
			.calls = pg_i64(r, i, 2),
			.bytes = pg_i64(r, i, 3),
		};
		ok = q->kind && q->storage_class;
		if (ok)
			q->nano = request_nano(c, q->kind, q->storage_class, q->calls, q->bytes);
	}
	pg_result_free(r);
	return ok;
}

bool cost_request_counts(struct cost_report *c, struct err *e)
{
	struct firn_report_result *x = c->result;
	struct pg_result *r = NULL;
	bool ok = read_since(c, e) && usage_request_totals(c->f->pg, &r, e);

	if (ok) {
		x->request_totals = mem_new((size_t)pg_rows(r) + 1, sizeof(*x->request_totals), e);
		ok = x->request_totals != NULL;
	}
	for (int i = 0; ok && i < pg_rows(r); i++) {
		struct firn_request_total *q = &x->request_totals[x->request_total_count++];

		snprintf(q->kind, sizeof(q->kind), "%s", pg_text(r, i, 0));
		q->calls = pg_i64(r, i, 1);
		q->bytes = pg_i64(r, i, 2);
	}
	pg_result_free(r);
	return ok;
}
