/* The parts of a report that tell how it went: days, months, heat, how inspections ended. */
#include "engine/cost_report.h"
#include "engine/crew.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/money.h"
#include "base/str.h"
#include "catalog/usage.h"
#include "catalog/usage_groups.h"

#define DAYS_SHOWN 90

struct history {
	struct cost_report *r;
	const char *table;
	char month[11]; /* its first day */
	size_t capacity;
	struct firn_report_row *row; /* of the month at hand, by month */
	int64_t days;                /* of it, so far */
};

static int64_t of_a_day(int64_t month_nano)
{
	return money_times(1 / BILL_MONTH_DAYS, month_nano);
}

/* Tables come one after the other, each by day. */
static struct firn_usage_day *day_of(struct history *h, const char *day, struct err *e)
{
	struct firn_report_result *x = h->r->result;
	void *array = x->days;
	size_t at = 0;

	while (at < x->day_count && strcmp(x->days[at].day, day) < 0)
		at++;
	if (at < x->day_count && str_eq(x->days[at].day, day))
		return &x->days[at];
	if (!mem_grow(&array, &h->capacity, x->day_count + 1, sizeof(*x->days), e))
		return NULL;
	x->days = array;
	memmove(&x->days[at + 1], &x->days[at], (x->day_count - at) * sizeof(*x->days));
	x->day_count++;
	x->days[at] = (struct firn_usage_day){ 0 };
	snprintf(x->days[at].day, sizeof(x->days[at].day), "%s", day);
	return &x->days[at];
}

/* What the table cost that day by the prices of now, hot, and would have cost all hot. */
static struct firn_cost day_cost(const struct cost_report *r, const struct usage_sizes *s)
{
	const struct bill_hot hot = {
		{ s->heap_bytes, s->toast_bytes, s->index_bytes },
		s->vector_index_bytes,
		s->vector_reclaimable_bytes,
	};
	const struct bill_per_row row = cost_per_row(&hot, s->hot_rows, s->reclaimable_bytes,
						     s->cold_rows, s->cold_raw_bytes);
	const struct bill_hot extra =
		bill_extra(&row, s->cold_rows, s->reclaimable_bytes, s->vector_reclaimable_bytes);
	struct firn_cost c = { 0 };

	bill_hot(&r->prices, &hot, &c);
	bill_compare(&r->prices, &extra, &c);
	return c;
}

/* What was summed over the month's days becomes their mean. */
static void end_month(struct history *h)
{
	struct firn_report_row *m = h->row;

	if (!m || h->days <= 1)
		return;
	m->hot_rows /= h->days;
	m->cold_rows /= h->days;
	m->hot.heap_bytes /= h->days;
	m->hot.toast_bytes /= h->days;
	m->hot.index_bytes /= h->days;
	m->reclaimable_bytes /= h->days;
	m->cold_bytes /= h->days;
	m->cold_billed_bytes /= h->days;
	m->cold_raw_bytes /= h->days;
}

static bool begin_month(struct history *h, const char *day, struct err *e)
{
	struct firn_report_row template = { .table = (char *)h->table };

	snprintf(template.month, sizeof(template.month), "%.7s", day);
	if (h->row && str_eq(h->row->month, template.month))
		return true;
	end_month(h);
	h->days = 0;
	h->row = cost_add_row(h->r, &template, e);
	return h->row != NULL;
}

/* cost is a month's, at that day's sizes. */
static void add_to_month(struct history *h, const struct usage_sizes *s,
			 const struct firn_cost *cost)
{
	struct firn_report_row *m = h->row;

	h->days++;
	m->hot_rows += s->hot_rows;
	m->hot_rows_estimated = 1;
	m->cold_rows += s->cold_rows;
	m->hot.heap_bytes += s->heap_bytes;
	m->hot.toast_bytes += s->toast_bytes;
	m->hot.index_bytes += s->index_bytes;
	m->reclaimable_bytes += s->reclaimable_bytes;
	m->cold_raw_bytes += s->cold_raw_bytes;
	m->cost.hot_nano += of_a_day(cost->hot_nano);
	m->cost.all_hot_nano += of_a_day(cost->all_hot_nano);
	m->cost.saved_nano += of_a_day(cost->saved_nano);
}

/* The table's part of what the archive was asked on that day, and of the cache. */
static void add_shared(const struct history *h, const struct usage_day *d,
		       struct firn_usage_day *day, struct firn_report_row *month)
{
	const struct cost_report *r = h->r;
	int64_t requests = money_times(d->share, cost_requests_of(r, d->day));
	int64_t cache = of_a_day(
		bill_gib(d->share * (double)d->sizes.cache_bytes, r->prices.cache_gib_nano));

	day->requests_nano += requests;
	day->cache_nano += cache;
	day->cold_nano += requests + cache;
	day->saved_nano -= requests + cache;
	if (month)
		bill_add_shared(requests, cache, &month->cost);
}

static bool by_month(const struct history *h, const char *day)
{
	return h->r->options->by == FIRN_BY_MONTH && strcmp(day, h->r->result->since) >= 0;
}

static bool add_day(void *ctx, const struct usage_day *d, struct err *e)
{
	struct history *h = ctx;
	struct firn_report_result *x = h->r->result;
	struct firn_usage_day *day = day_of(h, d->day, e), before;

	if (!day)
		return false;
	before = *day;
	if (d->first) {
		struct firn_cost c = day_cost(h->r, &d->sizes);

		day->hot_rows += d->sizes.hot_rows;
		day->cold_rows += d->sizes.cold_rows;
		day->hot_bytes += d->sizes.heap_bytes + d->sizes.toast_bytes + d->sizes.index_bytes;
		day->rows_moved += d->rows_moved;
		day->rows_rehydrated += d->rows_rehydrated;
		day->hot_nano += of_a_day(c.hot_nano);
		day->saved_nano += of_a_day(c.saved_nano);
		if (by_month(h, d->day)) {
			if (!begin_month(h, d->day, e))
				return false;
			add_to_month(h, &d->sizes, &c);
		}
		add_shared(h, d, day, by_month(h, d->day) ? h->row : NULL);
	}
	if (d->storage_class) {
		struct bill_class class = cost_class(h->r, d->storage_class);
		int64_t nano = of_a_day(bill_gib((double)d->billed_bytes, class.gib_nano));

		day->cold_bytes += d->bytes;
		day->cold_nano += nano;
		day->saved_nano -= nano;
		if (by_month(h, d->day)) {
			h->row->cold_bytes += d->bytes;
			h->row->cold_billed_bytes += d->billed_bytes;
			h->row->cost.objects_nano += nano;
			h->row->cost.cold_nano += nano;
			h->row->cost.saved_nano -= nano;
		}
	}
	x->saved_total_nano += day->saved_nano - before.saved_nano;
	if (strcmp(d->day, h->month) >= 0)
		x->saved_month_nano += day->saved_nano - before.saved_nano;
	return true;
}

static bool is_day(const char *s)
{
	static const char shape[] = "dddd-dd-dd";
	struct err ignored = { 0 };
	int64_t us;

	for (size_t i = 0; i < sizeof(shape); i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != shape[i])
			return false;
	return str_parse_time(s, &us, &ignored);
}

static bool calendar(struct history *h, struct err *e)
{
	struct firn_report_result *x = h->r->result;
	const char *since = h->r->options->since;
	struct pg_result *r = NULL;
	bool ok;

	if (since && !is_day(since)) {
		err_set(e, ERR_USAGE, "since: \"%s\" is not a day such as 2026-11-01", since);
		return false;
	}
	ok = usage_calendar(h->r->f->pg, DAYS_SHOWN, &r, e);
	if (ok) {
		snprintf(h->month, sizeof(h->month), "%s", pg_text(r, 0, 1));
		snprintf(x->since, sizeof(x->since), "%s", since ? since : pg_text(r, 0, 2));
	}
	pg_result_free(r);
	return ok;
}

static bool read_operations(struct cost_report *c, struct err *e)
{
	struct firn_operations *o = &c->result->operations;
	int64_t *const members[] = {
		&o->last_pass_s,      &o->last_pass_done_s,     &o->last_verify_s,
		&o->last_verify_ok,   &o->last_verify_problems, &o->last_gc_s,
		&o->orphans,          &o->orphan_bytes,         &o->segments_active,
		&o->segments_intent,  &o->segments_retired,     &o->segments_not_encrypted,
		&o->maintenance_due,  &o->rows_moved_total,     &o->rows_rehydrated_total,
		&o->cold_reads_total,
	};
	struct pg_result *r = NULL;
	bool ok = usage_operations(c->f->pg, crew_limits, &r, e);

	for (size_t i = 0; ok && i < sizeof(members) / sizeof(*members); i++)
		*members[i] = pg_i64(r, 0, (int)i);
	pg_result_free(r);
	return ok;
}

static bool read_cuts(struct cost_report *c, struct err *e)
{
	const struct policy *p = engine_policy(c->f, e);
	struct firn_report_result *x = c->result;

	if (!p)
		return false;
	x->cuts = mem_new(p->rule_count + 1, sizeof(*x->cuts), e);
	if (!x->cuts)
		return false;
	for (size_t i = 0; i < p->rule_count; i++) {
		struct firn_heat_cut *cut = &x->cuts[x->cut_count];

		if (!p->rules[i].has_heat_below)
			continue;
		cut->heat_below = p->rules[i].heat_below;
		cut->rule = mem_strdup(p->rules[i].name, e);
		if (!cut->rule)
			return false;
		x->cut_count++;
	}
	return true;
}

bool cost_heat(struct cost_report *r, const struct cost_managed *tables, size_t table_count,
	       struct err *e)
{
	struct firn_report_result *x = r->result;
	struct usage_heat heat[USAGE_HEAT_BUCKETS];
	bool known;

	x->heat = mem_new(USAGE_HEAT_BUCKETS, sizeof(*x->heat), e);
	if (!x->heat)
		return false;
	for (size_t i = 0; i < table_count; i++) {
		if (!usage_heat(r->f->pg, tables[i].table.id, r->f->config.heat.half_life_s, heat,
				&known, e))
			return false;
		for (size_t b = 0; known && b < USAGE_HEAT_BUCKETS; b++) {
			x->heat[b].lower = heat[b].lower;
			x->heat[b].upper = heat[b].upper;
			x->heat[b].chunks += heat[b].chunks;
		}
		if (known)
			x->heat_count = USAGE_HEAT_BUCKETS;
	}
	return read_cuts(r, e);
}

static bool read_days(struct history *h, const struct cost_managed *tables, size_t table_count,
		      struct err *e)
{
	int64_t *ids = mem_new(table_count + 1, sizeof(*ids), e);
	bool ok = ids != NULL;

	for (size_t i = 0; ok && i < table_count; i++)
		ids[i] = tables[i].table.id;
	for (size_t i = 0; ok && i < table_count; i++) {
		h->table = tables[i].table.info->label;
		h->row = NULL;
		ok = usage_days(h->r->f->pg, ids[i], ids, table_count, add_day, h, e);
		end_month(h);
	}
	free(ids);
	return ok;
}

bool cost_history(struct cost_report *r, const struct cost_managed *tables, size_t table_count,
		  struct err *e)
{
	struct firn_report_result *x = r->result;
	struct history h = { .r = r };
	size_t before = 0;

	if (!calendar(&h, e) || !read_days(&h, tables, table_count, e))
		return false;
	r->total_days = (int64_t)x->day_count;
	for (size_t i = 0; i < x->day_count; i++)
		r->month_days += strcmp(x->days[i].day, h.month) >= 0;
	if (x->day_count > 0)
		snprintf(x->known_since, sizeof(x->known_since), "%s", x->days[0].day);
	while (before < x->day_count && strcmp(x->days[before].day, x->since) < 0)
		before++;
	x->day_count -= before;
	if (before > 0)
		memmove(x->days, x->days + before, x->day_count * sizeof(*x->days));
	return cost_passes(r, e) && cost_request_counts(r, e) && read_operations(r, e);
}
