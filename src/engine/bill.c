#include "engine/bill.h"

#include "base/money.h"
#include "base/str.h"

#define GIB (1024.0 * 1024 * 1024)

int64_t bill_gib(double bytes, int64_t gib_nano)
{
	return money_times(bytes / GIB, gib_nano);
}

void bill_hot(const struct bill_prices *p, const struct bill_hot *hot, struct firn_cost *out)
{
	const struct firn_size *s = &hot->size;
	double bytes = (double)s->heap_bytes + (double)s->toast_bytes + (double)s->index_bytes;
	struct firn_cost c = {
		.heap_nano = bill_gib((double)s->heap_bytes, p->hot_gib_nano),
		.toast_nano = bill_gib((double)s->toast_bytes, p->hot_gib_nano),
		.index_nano = bill_gib((double)s->index_bytes, p->hot_gib_nano),
		.replicas_nano = bill_gib(bytes * (double)(p->copies - 1), p->hot_gib_nano),
		.wal_nano = bill_gib(bytes * p->wal_share, p->wal_gib_nano),
		.ram_nano = bill_gib((double)hot->vector_index_bytes * p->memory_share *
					     (double)p->copies,
				     p->ram_gib_nano),
	};

	c.hot_nano = c.heap_nano + c.toast_nano + c.index_nano + c.replicas_nano + c.wal_nano +
		     c.ram_nano;
	bill_add(out, &c);
}

int64_t bill_object_bytes(const struct bill_class *c, int64_t bytes)
{
	return bytes < c->least_bytes ? c->least_bytes : bytes;
}

void bill_objects(const struct bill_class *c, int64_t billed_bytes, int64_t age_days,
		  struct firn_cost *out)
{
	int64_t month = bill_gib((double)billed_bytes, c->gib_nano);
	int64_t left = c->least_days > age_days ? c->least_days - age_days : 0;

	out->objects_nano += month;
	out->cold_nano += month;
	out->early_nano += money_times((double)left / BILL_MONTH_DAYS, month);
}

int64_t bill_call_nano(const struct bill_class *c, const struct bill_class *standard,
		       const char *kind)
{
	if (str_eq(kind, "put") || str_eq(kind, "copy"))
		return c->put_nano;
	if (str_eq(kind, "list"))
		return standard->put_nano;
	if (str_eq(kind, "restore"))
		return c->restore_nano;
	return str_eq(kind, "get") || str_eq(kind, "head") ? c->get_nano : 0;
}

int64_t bill_read(const struct bill_class *c, double thousands, double bytes)
{
	return money_times(thousands, c->get_nano) + bill_gib(bytes, c->retrieved_gib_nano) +
	       bill_gib(bytes, c->egress_gib_nano);
}

int64_t bill_requests(const struct bill_class *c, const struct bill_class *standard,
		      const char *kind, int64_t calls, int64_t bytes)
{
	double thousands = (double)calls / 1000;

	if (str_eq(kind, "get"))
		return bill_read(c, thousands, (double)bytes);
	return money_times(thousands, bill_call_nano(c, standard, kind));
}

void bill_add_shared(int64_t requests_nano, int64_t cache_nano, struct firn_cost *out)
{
	out->requests_nano += requests_nano;
	out->cache_nano += cache_nano;
	out->cold_nano += requests_nano + cache_nano;
	out->saved_nano -= requests_nano + cache_nano;
}

void bill_share(struct bill_shared *s, double weight, struct firn_cost *out)
{
	int64_t requests, cache;
	double share;

	if (s->weight <= 0)
		return;
	s->so_far += weight;
	share = s->so_far < s->weight ? s->so_far / s->weight : 1;
	requests = money_times(share, s->requests_nano) - s->requests_given;
	cache = money_times(share, s->cache_nano) - s->cache_given;
	s->requests_given += requests;
	s->cache_given += cache;
	bill_add_shared(requests, cache, out);
}

void bill_compare(const struct bill_prices *p, const struct bill_hot *extra, struct firn_cost *out)
{
	struct firn_cost more = { 0 };

	bill_hot(p, extra, &more);
	out->all_hot_nano = out->hot_nano + more.hot_nano;
	out->saved_nano = out->all_hot_nano - out->hot_nano - out->cold_nano;
}

void bill_add(struct firn_cost *to, const struct firn_cost *more)
{
	to->heap_nano += more->heap_nano;
	to->toast_nano += more->toast_nano;
	to->index_nano += more->index_nano;
	to->replicas_nano += more->replicas_nano;
	to->wal_nano += more->wal_nano;
	to->ram_nano += more->ram_nano;
	to->objects_nano += more->objects_nano;
	to->requests_nano += more->requests_nano;
	to->cache_nano += more->cache_nano;
	to->early_nano += more->early_nano;
	to->hot_nano += more->hot_nano;
	to->cold_nano += more->cold_nano;
	to->all_hot_nano += more->all_hot_nano;
	to->saved_nano += more->saved_nano;
}

struct bill_hot bill_extra(const struct bill_per_row *per_row, int64_t rows, int64_t free_bytes,
			   int64_t vector_free_bytes)
{
	double total = per_row->heap_bytes + per_row->toast_bytes + per_row->index_bytes;
	double wanted = total * (double)rows;
	double vector = per_row->vector_index_bytes * (double)rows - (double)vector_free_bytes;
	/* Rows that came back would first fill what is free. */
	double scale = wanted > (double)free_bytes ? (wanted - (double)free_bytes) / total : 0;

	return (struct bill_hot){
		.size = { .heap_bytes = (int64_t)(per_row->heap_bytes * scale),
			  .toast_bytes = (int64_t)(per_row->toast_bytes * scale),
			  .index_bytes = (int64_t)(per_row->index_bytes * scale) },
		.vector_index_bytes = vector > 0 ? (int64_t)vector : 0,
	};
}

double bill_break_even_days(const struct bill_move *m)
{
	double hot = (double)m->hot_month_nano / BILL_MONTH_DAYS;
	double cold = (double)m->cold_month_nano / BILL_MONTH_DAYS;
	double once = (double)m->once_nano + (double)m->back_nano * m->back_share;
	double least = (double)m->least_days, days;

	if (hot <= 0)
		return -1;
	/* Up to the days that are billed in any case the archive costs the same, however soon it ends. */
	days = (once + cold * least) / hot;
	if (days <= least)
		return days;
	return hot > cold ? once / (hot - cold) : -1;
}
