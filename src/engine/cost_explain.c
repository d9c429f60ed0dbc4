/* The formulas of a report's figures, with their numbers, so that each can be reckoned again. */
#include "engine/cost_report.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/mem.h"
#include "base/money.h"

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
	buf_printf(&figure, "%s of %s", what, table);
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
	char price[MONEY_MAX];

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
		   p->copies, p->memory_share, vector_bytes, money_decimal(p->ram_gib_nano, price));
}

bool cost_explain(struct cost_report *r, const struct cost_table *t,
		  const struct firn_report_row *row, struct err *e)
{
	const struct bill_per_row *one = &t->per_row;
	const char *table = t->table->info->label;
	char price[MONEY_MAX], all_hot[MONEY_MAX], is_hot[MONEY_MAX], cold[MONEY_MAX];

	if (!hot(r, t, table, row, e))
		return false;
	for (size_t i = 0; i < t->class_count; i++) {
		const struct cost_class_sum *c = &t->classes[i];

		if (!add(r, table, "objects", c->nano, e,
			 "%" PRId64 " bytes as billed in %s / 2^30 x %s", c->billed_bytes,
			 *c->name ? c->name : "the default class",
			 money_decimal(c->gib_nano, price)))
			return false;
	}
	return add(r, table, "all hot", row->cost.all_hot_nano, e,
		   "what is hot, and %" PRId64 " cold rows x %.0f bytes less %" PRId64
		   " bytes of free room, leaf by leaf",
		   row->cold_rows, one->heap_bytes + one->toast_bytes + one->index_bytes,
		   row->reclaimable_bytes) &&
	       add(r, table, "saved", row->cost.saved_nano, e, "%s all hot - %s hot - %s cold",
		   money_decimal(row->cost.all_hot_nano, all_hot),
		   money_decimal(row->cost.hot_nano, is_hot),
		   money_decimal(row->cost.cold_nano, cold));
}
