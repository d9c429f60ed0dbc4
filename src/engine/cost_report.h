/* The parts of "firn report": one fills one thing of its result. */
#ifndef ENGINE_COST_REPORT_H
#define ENGINE_COST_REPORT_H

#include "engine/bill.h"
#include "engine/engine.h"

struct cost_report {
	struct firn *f;
	const struct firn_report_options *options;
	struct firn_report_result *result;
	struct prices list;
	struct bill_prices prices;
	size_t row_capacity, formula_capacity, reclaimable_capacity, tenant_capacity;
};

/* A managed table. */
struct cost_named {
	int64_t id;
	char *label;
};

/* Fills list (prices_release) and prices by the configuration. */
bool cost_load_prices(struct cost_report *r, struct err *e);

/* Of the price list, with firn's own knowledge of Amazon's classes where it says nothing of days and bytes. The first time
 * that a class has no price, a warning says so. */
struct bill_class cost_class(struct cost_report *r, const char *storage_class);

/* A row with copies of the template's strings (NULL is ""), of the result's; NULL without memory. */
struct firn_report_row *cost_add_row(struct cost_report *r, const struct firn_report_row *template,
				     struct err *e);

/* What one leaf takes, hot and cold. */
struct cost_leaf {
	const char *label; /* borrowed */
	int64_t hot_rows;
	bool estimated;
	struct bill_hot hot;
	int64_t reclaimable_bytes;
	int64_t cold_rows, cold_bytes, cold_billed_bytes, cold_raw_bytes;
	int64_t moved_rows;        /* ever, into segments that are active */
	struct bill_class dearest; /* the class of most of its cold bytes */
	int64_t dearest_bytes, segments;
	struct firn_cost cold; /* objects and early only */
};

struct cost_table {
	const struct engine_table *table;
	struct cost_leaf *leaves; /* of the table, then those that only segments know */
	size_t leaf_count, leaf_capacity;
	char **gone; /* labels of these */
	size_t gone_count;
	struct bill_per_row per_row;
	/* Billed bytes by storage class; the last holds the rest. */
	struct cost_class_sum {
		char name[64];
		int64_t billed_bytes, gib_nano, nano;
	} classes[16];
	size_t class_count;
};

/* A row for each active segment. */
bool cost_segments(struct cost_report *r, const struct cost_table *t, struct err *e);
/* The ten dearest tenants, and, by workspace or version, a row for each. */
bool cost_groups(struct cost_report *r, const struct cost_table *t, struct err *e);
/* From when on it pays to move rows such as the row's: its cold ones, else its hot ones as if they took what the table's
 * cold ones do. Stays unknown while nothing is cold. */
void cost_break_even(const struct cost_report *r, const struct cost_table *t,
		     struct firn_report_row *row);
bool cost_table_measure(struct cost_report *r, const struct engine_table *t, struct cost_table *out,
			struct err *e);
/* What a row takes, by what is not free room; where there are hardly any hot rows, by the cold ones' own bytes. */
struct bill_per_row cost_per_row(const struct bill_hot *hot, int64_t hot_rows, int64_t free_bytes,
				 int64_t cold_rows, int64_t cold_raw_bytes);
/* The formulas of a table's figures; row is the table's, all leaves of it. */
bool cost_explain(struct cost_report *r, const struct cost_table *t,
		  const struct firn_report_row *row, struct err *e);
/* Days, passes, requests, operations; by month, a row for each month of each table. ERR_USAGE: since is no day. */
bool cost_history(struct cost_report *r, const struct cost_named *tables, size_t table_count,
		  struct err *e);
/* Heat of all tables together, and the policy's cuts. */
bool cost_heat(struct cost_report *r, const struct cost_named *tables, size_t table_count,
	       struct err *e);
void cost_table_release(struct cost_table *t);

/* Adds what the leaf takes to a row, its bill and what it would cost all hot. */
void cost_row_add_leaf(const struct cost_report *r, const struct cost_table *t,
		       const struct cost_leaf *leaf, struct firn_report_row *row);

#endif
