/* The formulas of a report's figures, with their numbers, so that each can be reckoned again. */
#include "engine/cost_report.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/mem.h"
#include "base/money.h"
#include "base/str.h"

/* table NULL: of all. */
static bool add(struct cost_report *r, const char *table, const char *what, int64_t nano,
		struct err *e, const char *fmt, ...) PRINTF(6, 7);

static bool add(struct cost_report *r, const char *table, const char *what, int64_t nano,
		struct err *e, const char *fmt, ...)
{
	struct firn_report_result *x = r->result;
	void *array = x->formulas;
	struct buf figure = BUF_INIT;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!mem_grow(&array, &r->formula_capacity, x->formula_count + 1, sizeof(*x->formulas), e))
		return false;
	x->formulas = array;
	buf_printf(&figure, "%s%s%s", what, table ? " of " : "", table ? table : "");
	x->formulas[x->formula_count] = (struct firn_formula){
		.figure = buf_take(&figure, e),
		.formula = mem_strdup(text, e),
		.nano = nano,
	};
	x->formula_count++;
	return x->formulas[x->formula_count - 1].figure &&
	       x->formulas[x->formula_count - 1].formula;
}

static bool storage(struct cost_report *r, const char *table, const char *what, int64_t bytes,
		    int64_t nano, struct err *e)
{
	char price[MONEY_MAX];

	return add(r, table, what, nano, e, "%" PRId64 " bytes / 2^30 x %s", bytes,
		   money_decimal(r->prices.hot_gib_nano, price));
}

static bool hot(struct cost_report *r, const struct cost_table *t, const char *table,
		const struct firn_report_row *row, struct err *e)
{
	const struct bill_prices *p = &r->prices;
	const struct firn_cost *c = &row->cost;
	int64_t bytes = row->hot.heap_bytes + row->hot.toast_bytes + row->hot.index_bytes,
		vector_bytes = 0;
	char price[MONEY_MAX], parts[6][MONEY_MAX];

	for (size_t i = 0; i < t->leaf_count; i++)
		vector_bytes += t->leaves[i].hot.vector_index_bytes;
	return storage(r, table, "heap", row->hot.heap_bytes, c->heap_nano, e) &&
	       storage(r, table, "TOAST", row->hot.toast_bytes, c->toast_nano, e) &&
	       storage(r, table, "indexes", row->hot.index_bytes, c->index_nano, e) &&
	       add(r, table, "replicas", c->replicas_nano, e,
		   "%" PRId64 " x %" PRId64 " bytes / 2^30 x %s", p->copies - 1, bytes,
		   money_decimal(p->hot_gib_nano, price)) &&
	       add(r, table, "archived WAL", c->wal_nano, e, "%.2f x %" PRId64 " bytes / 2^30 x %s",
		   p->wal_share, bytes, money_decimal(p->wal_gib_nano, price)) &&
	       add(r, table, "memory", c->ram_nano, e,
		   "%" PRId64 " x %.2f x %" PRId64 " bytes of vector indexes / 2^30 x %s",
		   p->copies, p->memory_share, vector_bytes,
		   money_decimal(p->ram_gib_nano, price)) &&
	       add(r, table, "hot", c->hot_nano, e,
		   "%s heap + %s TOAST + %s indexes + %s replicas + %s archived WAL + %s memory",
		   money_decimal(c->heap_nano, parts[0]), money_decimal(c->toast_nano, parts[1]),
		   money_decimal(c->index_nano, parts[2]),
		   money_decimal(c->replicas_nano, parts[3]), money_decimal(c->wal_nano, parts[4]),
		   money_decimal(c->ram_nano, parts[5]));
}

static const char *class_text(const char *storage_class)
{
	return *storage_class ? storage_class : "the default class";
}

/* The table's part of what all share. */
static bool part(struct cost_report *r, const char *table, const char *what, int64_t all_nano,
		 const struct firn_report_row *row, int64_t nano, struct err *e)
{
	char all[MONEY_MAX];

	return add(r, table, what, nano, e, "%s x %.0f / %.0f bytes %s, of all tables",
		   money_decimal(all_nano, all), cost_weight(r, row->cold_billed_bytes, &row->hot),
		   r->to_tables.weight > 0 ? r->to_tables.weight : 1,
		   r->any_cold ? "as billed" : "that are hot");
}

static bool cold(struct cost_report *r, const struct cost_table *t, const char *table,
		 const struct firn_report_row *row, struct err *e)
{
	const struct firn_cost *c = &row->cost;
	char price[MONEY_MAX], objects[MONEY_MAX], requests[MONEY_MAX];

	for (size_t i = 0; i < t->class_count; i++) {
		const struct cost_class_sum *s = &t->classes[i];

		money_decimal(s->gib_nano, price);
		if (!add(r, table, "objects", s->nano, e,
			 "%" PRId64 " bytes as billed in %s / 2^30 x %s", s->billed_bytes,
			 class_text(s->name), price) ||
		    !add(r, table, "early deletion", s->early_nano, e,
			 "%.0f byte-days still billed in %s / 2^30 x %s / 30.4375",
			 s->early_byte_days, class_text(s->name), price))
			return false;
	}
	return part(r, table, "requests", r->requests_nano, row, c->requests_nano, e) &&
	       part(r, table, "cache", r->cache_nano, row, c->cache_nano, e) &&
	       add(r, table, "cold", c->cold_nano, e, "%s objects + %s requests + %s cache",
		   money_decimal(c->objects_nano, objects),
		   money_decimal(c->requests_nano, requests), money_decimal(c->cache_nano, price));
}

/* What the table's break-even compares, of rows that are cold: all of their room, as if what they left were not free, and
 * memory. */
static bool moved(struct cost_report *r, const struct cost_table *t, const char *table,
		  const struct firn_report_row *row, const struct bill_move *m, struct err *e)
{
	const struct bill_per_row *one = &t->per_row;
	const struct bill_class *class = cost_class_of_most(t);
	const struct bill_prices *p = &r->prices;
	int64_t objects = 0;
	char price[6][MONEY_MAX];

	for (size_t i = 0; i < t->leaf_count; i++)
		objects += COST_OBJECTS_PER_SEGMENT * t->leaves[i].segments;
	return add(r, table, "cold rows, were they hot without free room,", m->hot_month_nano, e,
		   "%" PRId64 " rows x (%.3f bytes / 2^30 x (%" PRId64
		   " x %s + %.2f x %s of WAL) + %" PRId64
		   " x %.2f x %.3f bytes of vector indexes / 2^30 x %s of memory)",
		   row->cold_rows, one->heap_bytes + one->toast_bytes + one->index_bytes, p->copies,
		   money_decimal(p->hot_gib_nano, price[0]), p->wal_share,
		   money_decimal(p->wal_gib_nano, price[1]), p->copies, p->memory_share,
		   one->vector_index_bytes, money_decimal(p->ram_gib_nano, price[2])) &&
	       add(r, table, "cold rows, moved once,", m->once_nano, e,
		   "%" PRId64 " objects / 1000 x (%s put + %s get) + %" PRId64
		   " bytes / 2^30 x (%s retrieval + %s egress)",
		   objects, money_decimal(class->put_nano, price[3]),
		   money_decimal(class->get_nano, price[4]), row->cold_bytes,
		   money_decimal(class->retrieved_gib_nano, price[5]),
		   money_decimal(class->egress_gib_nano, price[0]));
}

/* In days, and so is the result. */
static bool break_even(struct cost_report *r, const struct cost_table *t, const char *table,
		       const struct firn_report_row *row, struct err *e)
{
	char hot_month[MONEY_MAX], cold_month[MONEY_MAX], once[MONEY_MAX], back[MONEY_MAX];
	static const char what[] = "break-even in days";
	int64_t result = money_of(row->break_even_days);
	struct bill_move m;

	if (!cost_move(r, t, row, &m))
		return add(r, table, what, 0, e,
			   "not known: nothing is cold, or nothing has a price");
	if (!moved(r, t, table, row, &m, e))
		return false;
	money_decimal(m.hot_month_nano, hot_month);
	money_decimal(m.cold_month_nano, cold_month);
	money_decimal(m.once_nano, once);
	money_decimal(m.back_nano, back);
	if (row->break_even_days < 0)
		return add(r, table, what, result, e,
			   "never: %s a month hot is not more than %s cold", hot_month, cold_month);
	if (row->break_even_days <= (double)m.least_days)
		return add(r, table, what, result, e,
			   "(%s once + %s back x %.9f of the rows + %s cold / 30.4375 x %" PRId64
			   " days at least) / (%s hot / 30.4375)",
			   once, back, m.back_share, cold_month, m.least_days, hot_month);
	return add(r, table, what, result, e,
		   "(%s once + %s back x %.9f of the rows) / ((%s hot - %s cold) / 30.4375)", once,
		   back, m.back_share, hot_month, cold_month);
}

/* Room that the cold rows would want where they came from, in GiB, and what that costs. */
static bool all_hot(struct cost_report *r, const struct cost_table *t, const char *table,
		    const struct firn_report_row *row, struct err *e)
{
	const struct bill_per_row *one = &t->per_row;
	const struct bill_prices *p = &r->prices;
	int64_t more = 0, vector = 0, vector_free = 0;
	char is_hot[MONEY_MAX], storage_price[MONEY_MAX], wal[MONEY_MAX], ram[MONEY_MAX];

	for (size_t i = 0; i < t->leaf_count; i++) {
		const struct cost_leaf *l = &t->leaves[i];
		const struct bill_hot extra = bill_extra(one, l->cold_rows, l->reclaimable_bytes,
							 l->hot.vector_free_bytes);

		more += extra.size.heap_bytes + extra.size.toast_bytes + extra.size.index_bytes;
		vector += extra.vector_index_bytes;
		vector_free += l->hot.vector_free_bytes;
	}
	return add(r, table, "more GiB, were all hot,", bill_gib((double)more, MONEY_NANO), e,
		   "%" PRId64 " cold rows x %.3f bytes less %" PRId64
		   " bytes of free room, leaf by leaf",
		   row->cold_rows, one->heap_bytes + one->toast_bytes + one->index_bytes,
		   row->reclaimable_bytes) &&
	       add(r, table, "more GiB of vector indexes, were all hot,",
		   bill_gib((double)vector, MONEY_NANO), e,
		   "%" PRId64 " cold rows x %.3f bytes less %" PRId64
		   " bytes in them of rows that are gone, leaf by leaf",
		   row->cold_rows, one->vector_index_bytes, vector_free) &&
	       add(r, table, "all hot", row->cost.all_hot_nano, e,
		   "%s hot + %" PRId64 " more bytes / 2^30 x (%" PRId64
		   " x %s + %.2f x %s of WAL) + %" PRId64 " x %.2f x %" PRId64
		   " more bytes of vector indexes / 2^30 x %s of memory",
		   money_decimal(row->cost.hot_nano, is_hot), more, p->copies,
		   money_decimal(p->hot_gib_nano, storage_price), p->wal_share,
		   money_decimal(p->wal_gib_nano, wal), p->copies, p->memory_share, vector,
		   money_decimal(p->ram_gib_nano, ram));
}

bool cost_explain(struct cost_report *r, const struct cost_table *t,
		  const struct firn_report_row *row, struct err *e)
{
	const char *table = t->table->info->label;
	char all[MONEY_MAX], is_hot[MONEY_MAX], is_cold[MONEY_MAX];

	return hot(r, t, table, row, e) && cold(r, t, table, row, e) &&
	       all_hot(r, t, table, row, e) &&
	       add(r, table, "saved", row->cost.saved_nano, e, "%s all hot - %s hot - %s cold",
		   money_decimal(row->cost.all_hot_nano, all),
		   money_decimal(row->cost.hot_nano, is_hot),
		   money_decimal(row->cost.cold_nano, is_cold)) &&
	       break_even(r, t, table, row, e);
}

static bool requests(struct cost_report *r, const struct cost_requests *q, struct err *e)
{
	const struct bill_class class = cost_class(r, q->storage_class),
				standard = cost_class(r, "");
	char what[96], price[MONEY_MAX], retrieved[MONEY_MAX], egress[MONEY_MAX];

	snprintf(what, sizeof(what), "%s requests to %s", q->kind, class_text(q->storage_class));
	money_decimal(bill_call_nano(&class, &standard, q->kind), price);
	if (!str_eq(q->kind, "get"))
		return add(r, NULL, what, q->month_nano, e, "%" PRId64 " calls / 1000 x %s",
			   q->calls, price);
	return add(r, NULL, what, q->month_nano, e,
		   "%" PRId64 " calls / 1000 x %s + %" PRId64 " bytes / 2^30 x (%s retrieval + "
		   "%.2f x %s egress)",
		   q->calls, price, q->bytes, money_decimal(class.retrieved_gib_nano, retrieved),
		   r->prices.egress_share, money_decimal(r->prices.egress_gib_nano, egress));
}

bool cost_explain_shared(struct cost_report *r, struct err *e)
{
	const struct firn_report_result *x = r->result;
	char price[MONEY_MAX];

	for (size_t i = 0; i < r->request_count; i++)
		if (!requests(r, &r->requests[i], e))
			return false;
	return add(r, NULL, "requests", r->requests_nano, e,
		   "the sum of these, of the last 30 days") &&
	       add(r, NULL, "cache", r->cache_nano, e, "%" PRId64 " bytes / 2^30 x %s",
		   r->cache_bytes, money_decimal(r->prices.cache_gib_nano, price)) &&
	       add(r, NULL, "saved this month", x->saved_month_nano, e,
		   "the sum of %" PRId64 " days' all hot - hot - cold", r->month_days) &&
	       add(r, NULL, "saved in total", x->saved_total_nano, e,
		   "the sum of %" PRId64 " days' all hot - hot - cold", r->total_days);
}
